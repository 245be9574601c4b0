// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"parley/internal/mqtt/packet"
)

// checkStable decodes b. Faults must be an ErrShort or an *Error with a code that fails; anything else must survive being
// encoded and decoded again, and its encoding must not be longer than b.
func checkStable(t *testing.T, v packet.Version, b []byte) {
	t.Helper()
	first, err := decode(v, b)
	if err != nil {
		var e *packet.Error
		if errors.As(err, &e) {
			if !e.Code.Failed() || e.Reason == "" {
				t.Fatalf("% x: refused with %+v", b, e)
			}
		} else if !errors.Is(err, packet.ErrShort) && !errors.Is(err, errIncomplete) {
			t.Fatalf("% x: foreign error %v", b, err)
		}
		return
	}
	again := encode(v, first)
	if len(again) > len(b) {
		t.Fatalf("% x grew to % x", b, again)
	}
	second, err := decode(v, again)
	if err != nil {
		t.Fatalf("% x decoded as %+v, but its encoding % x: %v", b, first, again, err)
	}
	if !reflect.DeepEqual(first, second) {
		t.Fatalf("% x, encoded as % x (-first +second):\n%s", b, again, cmp.Diff(first, second))
	}
}

func FuzzDecode(f *testing.F) {
	for _, g := range goldens() {
		b, _ := notation(f, g.bytes)
		f.Add(g.version == v5, b)
	}
	f.Fuzz(func(t *testing.T, five bool, b []byte) {
		v := v4
		if five {
			v = v5
		}
		checkStable(t, v, b)
	})
}

func FuzzFilter(f *testing.F) {
	for _, c := range matches {
		f.Add(c.filter, c.topic)
	}
	f.Fuzz(func(t *testing.T, filter, topic string) {
		if got, want := packet.ValidFilter(filter), naiveValidFilter(filter); got != want {
			t.Fatalf("ValidFilter(%q) is %t, want %t", filter, got, want)
		}
		if got, want := packet.ValidTopic(topic), naiveValidTopic(topic); got != want {
			t.Fatalf("ValidTopic(%q) is %t, want %t", topic, got, want)
		}
		group, rest, shared, ok := packet.SplitShare(filter)
		switch {
		case shared != strings.HasPrefix(filter, "$share/"):
			t.Fatalf("SplitShare(%q): shared is %t", filter, shared)
		case ok && shared && ("$share/"+group+"/"+rest != filter || strings.ContainsAny(group, "/+#") || group == "" || !naiveValidFilter(rest)):
			t.Fatalf("SplitShare(%q) gave %q and %q", filter, group, rest)
		case !shared && (ok != naiveValidFilter(filter) || rest != filter):
			t.Fatalf("SplitShare(%q) gave %q, %t", filter, rest, ok)
		}
		got := packet.Match(filter, topic) // must not panic, whatever it gets
		if naiveValidFilter(filter) && naiveValidTopic(topic) {
			if want := naiveMatch(filter, topic); got != want {
				t.Fatalf("Match(%q, %q) is %t, want %t", filter, topic, got, want)
			}
		}
	})
}

func naiveValidText(s string) bool {
	return s != "" && len(s) < 1<<16 && utf8.ValidString(s) && !strings.Contains(s, "\x00")
}

func naiveValidTopic(s string) bool { return naiveValidText(s) && !strings.ContainsAny(s, "+#") }

func naiveValidFilter(s string) bool {
	levels := strings.Split(s, "/")
	for i, level := range levels {
		if strings.Contains(level, "#") && (level != "#" || i != len(levels)-1) || strings.Contains(level, "+") && level != "+" {
			return false
		}
	}
	return naiveValidText(s)
}

// naiveMatch follows section 4.7 word by word.
func naiveMatch(filter, topic string) bool {
	f, t := strings.Split(filter, "/"), strings.Split(topic, "/")
	if strings.HasPrefix(topic, "$") && (f[0] == "+" || f[0] == "#") {
		return false
	}
	for i, level := range f {
		if level == "#" {
			return len(t) >= i // the parent and any number of child levels
		}
		if i >= len(t) || level != "+" && level != t[i] {
			return false
		}
	}
	return len(f) == len(t)
}
