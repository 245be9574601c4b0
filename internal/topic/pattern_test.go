// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"strings"
	"testing"
)

// naiveMatch is the rule of the package comment, read literally: it tries every
// pattern and keeps the best one that fits.
func naiveMatch(patterns []string, topic string) (best string, params map[string]string) {
	segments := strings.Split(topic, "/")
	for _, pattern := range patterns {
		values, fits := fit(strings.Split(pattern, "/"), segments)
		if fits && (best == "" || better(pattern, best)) {
			best, params = pattern, values
		}
	}
	return best, params
}

func fit(pattern, topic []string) (map[string]string, bool) {
	if len(pattern) != len(topic) {
		return nil, false
	}
	values := map[string]string{}
	for i, p := range pattern {
		switch {
		case !strings.HasPrefix(p, "{"):
			if p != topic[i] {
				return nil, false
			}
		case topic[i] == "":
			return nil, false
		default:
			values[strings.Trim(p, "{}")] = topic[i]
		}
	}
	return values, true
}

// better reports whether a has the literal at the first place where one of two
// patterns of the same length has a literal and the other a parameter.
func better(a, b string) bool {
	bs := strings.Split(b, "/")
	for i, s := range strings.Split(a, "/") {
		aParam, bParam := strings.HasPrefix(s, "{"), strings.HasPrefix(bs[i], "{")
		if aParam != bParam {
			return bParam
		}
	}
	return false
}

// FuzzMatch compares the router with naiveMatch. A table is a list of patterns,
// one a line; those that Handle refuses are left out.
func FuzzMatch(f *testing.F) {
	chat := strings.Join(chatPatterns, "\n")
	for _, topic := range []string{"message/general", "rooms/create/info", "rooms/join/info", "users/me/block", "search/", ""} {
		f.Add(chat, topic)
	}
	f.Add("{a}/{b}/{c}\na/{b}/{c}\n{a}/b/c\na/{x}/d", "a/b/c")
	f.Add("a/b/{c}/x\na/{b}/c/y\n{a}/b/c/z", "a/b/c/z")
	f.Fuzz(func(t *testing.T, table, topic string) {
		r := New[caller]()
		g := r.Group("")
		var patterns []string
		for pattern := range strings.Lines(table) {
			pattern = strings.TrimSuffix(pattern, "\n")
			if panicText(func() { Handle[none, none](g, pattern, ok) }) == "" {
				patterns = append(patterns, pattern)
			}
		}
		got := ""
		route, params, found := r.Match(topic)
		if found {
			got = route.Pattern()
		}
		want, values := naiveMatch(patterns, topic)
		if got != want {
			t.Fatalf("Match(%q) = %q, want %q among %q", topic, got, want, patterns)
		}
		if params.Len() != len(values) {
			t.Fatalf("Match(%q) with %q has %d parameters, want %v", topic, got, params.Len(), values)
		}
		for name, value := range values {
			if params.Get(name) != value {
				t.Fatalf("Match(%q) with %q: %s is %q, want %q", topic, got, name, params.Get(name), value)
			}
		}
	})
}
