// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxParams is the greatest number of parameters in one pattern. It is fixed so
// that a match needs no memory of its own.
const MaxParams = 4

// segment is one part of a parsed pattern: a literal, or a parameter's name.
type segment struct {
	text  string
	param bool
}

// parsePattern splits a pattern and checks it by the rules of the package
// comment.
func parsePattern(pattern string) ([]segment, error) {
	if pattern == "" {
		return nil, errors.New("the pattern is empty")
	}
	var (
		segments []segment
		names    []string
	)
	for text := range strings.SplitSeq(pattern, "/") {
		if text == "" {
			return nil, errors.New(`an empty segment: remove the "/" at the beginning or end, or the doubled one`)
		}
		if !strings.ContainsAny(text, "{}") {
			if err := checkLiteral(text); err != nil {
				return nil, err
			}
			segments = append(segments, segment{text: text})
			continue
		}
		name := strings.TrimSuffix(strings.TrimPrefix(text, "{"), "}")
		if len(name) != len(text)-2 || !validName(name) {
			return nil, fmt.Errorf("segment %q: a parameter is {name}, fills the whole segment, and its name is a letter or _ followed by letters, digits and _", text)
		}
		if slices.Contains(names, name) {
			return nil, fmt.Errorf("parameter {%s} occurs twice", name)
		}
		names = append(names, name)
		segments = append(segments, segment{text: name, param: true})
	}
	if len(names) > MaxParams {
		return nil, fmt.Errorf("%d parameters, at most %d are possible", len(names), MaxParams)
	}
	return segments, nil
}

// checkLiteral refuses literals that no well-formed topic contains, and those
// that somebody wrote in the belief that they are wildcards.
func checkLiteral(text string) error {
	switch {
	case text == "+" || text == "#" || text == "*":
		return fmt.Errorf("segment %q: wildcards are not supported, write a parameter {name}", text)
	case !utf8.ValidString(text):
		return fmt.Errorf("segment %q is not valid UTF-8", text)
	case strings.ContainsFunc(text, unicode.IsControl):
		return fmt.Errorf("segment %q contains a control character", text)
	}
	return nil
}

func validName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		digit := '0' <= c && c <= '9'
		if !letter && (i == 0 || !digit) {
			return false
		}
	}
	return name != ""
}

// paramNames returns the names of the parameters from left to right.
func paramNames(segments []segment) []string {
	var names []string
	for _, s := range segments {
		if s.param {
			names = append(names, s.text)
		}
	}
	return names
}

// node is a node of the tree of patterns. Parameter names are not part of the
// tree: rooms/{a}/x and rooms/{b}/y share the node for their second segment.
type node[C any] struct {
	literals map[string]*node[C]
	param    *node[C]
	route    *Route[C] // of the pattern that ends here, or nil
}

// find returns the route whose pattern has the shape of segments, or nil.
func (n *node[C]) find(segments []segment) *Route[C] {
	for _, s := range segments {
		if s.param {
			n = n.param
		} else {
			n = n.literals[s.text]
		}
		if n == nil {
			return nil
		}
	}
	return n.route
}

// insert adds a route; its shape must be free.
func (n *node[C]) insert(segments []segment, route *Route[C]) {
	for _, s := range segments {
		var next *node[C]
		if s.param {
			next = n.param
		} else {
			next = n.literals[s.text]
		}
		if next == nil {
			next = &node[C]{}
			switch {
			case s.param:
				n.param = next
			case n.literals == nil:
				n.literals = map[string]*node[C]{s.text: next}
			default:
				n.literals[s.text] = next
			}
		}
		n = next
	}
	n.route = route
}

// match finds the route for what is left of a topic below n. It stores the
// values of parameters in values[count:]. On a failure the values that it has
// stored are left behind; a later success overwrites all that count.
//
// The depth of recursion is bounded by the longest pattern, and count by
// MaxParams, because every path of the tree belongs to a checked pattern.
func (n *node[C]) match(rest string, values *[MaxParams]string, count int) *Route[C] {
	text, rest, more := strings.Cut(rest, "/")
	if text == "" {
		return nil // neither a literal nor a parameter is ever empty
	}
	if next := n.literals[text]; next != nil {
		route := next.route
		if more {
			route = next.match(rest, values, count)
		}
		if route != nil {
			return route
		}
	}
	next := n.param
	if next == nil {
		return nil
	}
	values[count] = text
	if more {
		return next.match(rest, values, count+1)
	}
	return next.route
}
