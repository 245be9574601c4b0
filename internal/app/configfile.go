// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Setting is the value of one option, in the form that the command line takes, with where it comes from.
type Setting struct {
	Name   string
	Values []string // one, but of lists
	List   bool
	Origin string // such as "default" or "parley.yaml:3"
}

// Text is the value as the command line takes it.
func (s Setting) Text() string { return strings.Join(s.Values, ",") }

// ReadConfigFile reads a configuration file: a YAML mapping of option names to values or lists of values. Only the names
// in known are taken. Errors name file, line and option.
func ReadConfigFile(path string, known []string) (map[string]Setting, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	settings, err := parseConfigFile(path, text, known)
	if err != nil {
		return nil, fmt.Errorf("config: %w", err)
	}
	return settings, nil
}

func parseConfigFile(path string, text []byte, known []string) (map[string]Setting, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	settings := map[string]Setting{}
	if doc.Kind == 0 || isNull(doc.Content[0]) {
		return settings, nil // an empty file
	}
	root := doc.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s:%d: is not a list of options such as %q", path, root.Line, "mqtt: :1883")
	}
	var faults []error
	fault := func(n *yaml.Node, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s:%d: %s", path, n.Line, fmt.Sprintf(format, args...)))
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		name := key.Value
		if !slices.Contains(known, name) {
			fault(key, "there is no option %q%s", name, suggestion(name, known))
			continue
		}
		if _, twice := settings[name]; twice {
			fault(key, "option %s is set a second time", name)
			continue
		}
		s, err := settingOf(name, value)
		if err != nil {
			fault(value, "option %s %v", name, err)
			continue
		}
		s.Origin = fmt.Sprintf("%s:%d", path, key.Line)
		settings[name] = s
	}
	return settings, errors.Join(faults...)
}

func settingOf(name string, n *yaml.Node) (Setting, error) {
	if n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	s := Setting{Name: name}
	switch {
	case isNull(n):
		return s, errors.New(`has no value; leave the option out, or give one ("" is an empty one)`)
	case n.Kind == yaml.ScalarNode:
		s.Values = []string{n.Value}
		return s, nil
	case n.Kind != yaml.SequenceNode:
		return s, errors.New("has options below it; it takes a value or a list of values")
	}
	s.List = true
	for _, item := range n.Content {
		if item.Kind == yaml.AliasNode {
			item = item.Alias
		}
		if item.Kind != yaml.ScalarNode || isNull(item) || strings.Contains(item.Value, ",") {
			return s, errors.New("has a list with something else than plain values in it")
		}
		s.Values = append(s.Values, item.Value)
	}
	return s, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// suggestion names the known option nearest to a mistyped one, if any is near.
func suggestion(name string, known []string) string {
	best, least := "", len(name)/2+1
	for _, k := range known {
		if d := distance(strings.ReplaceAll(name, "_", "-"), k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return "; parley serve --help lists them"
	}
	return fmt.Sprintf("; did you mean %q?", best)
}

// distance is the number of characters to insert, delete or replace to make b out of a (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// PrintConfig writes settings as a configuration file, each with its origin as a comment.
func PrintConfig(w io.Writer, settings []Setting) error {
	root := &yaml.Node{Kind: yaml.MappingNode}
	for _, s := range settings {
		value := &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle}
		for _, v := range s.Values {
			item := scalar(v)
			if !s.List {
				value = item
				break
			}
			value.Content = append(value.Content, item)
		}
		value.LineComment = s.Origin
		root.Content = append(root.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: s.Name}, value)
	}
	e := yaml.NewEncoder(w)
	if err := e.Encode(root); err != nil {
		return err
	}
	return e.Close()
}

// scalar quotes what YAML would not read as the same text again.
func scalar(text string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	var back yaml.Node
	if err := yaml.Unmarshal([]byte(text), &back); err != nil || len(back.Content) != 1 ||
		back.Content[0].Kind != yaml.ScalarNode || back.Content[0].Value != text || isNull(back.Content[0]) {
		n.Style = yaml.DoubleQuotedStyle
	}
	return n
}
