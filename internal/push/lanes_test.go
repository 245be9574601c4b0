// SPDX-License-Identifier: Apache-2.0

package push

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/internal/chat"
)

// A host gets more places as it answers at once, and fewer when it does not; what hangs costs the others nothing after a while.
func TestLanes(t *testing.T) {
	t.Parallel()
	now := chat.Time(1_000_000)
	l := newLanes(calls)
	fill := func(name string, want int) []*lane {
		t.Helper()
		var got []*lane
		for p := l.take(name, now); p != nil; p = l.take(name, now) {
			got = append(got, p)
			l.begin(p, now)
		}
		if len(got) != want {
			t.Fatalf("%s has %d places, want %d", name, len(got), want)
		}
		return got
	}
	finish := func(after time.Duration, places ...*lane) {
		now = now.Add(after)
		for _, p := range places {
			l.end(p, now)
			l.leave(p, 0)
		}
	}
	finish(time.Second, fill("good", 1)...)
	finish(slowAfter, fill("good", callsEach)...)
	good := fill("good", 1) // it was slow
	finish(time.Second, good...)
	fill("good", callsEach)

	// 60 places are left, for as many hosts that nobody knows; when they hang, there are 60 for others.
	var hanging []*lane
	for i := range calls - callsEach {
		hanging = append(hanging, fill(fmt.Sprint("hangs ", i), 1)...)
	}
	fill("new", 0)
	now = now.Add(slowAfter)
	if busy, n := l.free(now); n != calls || !slices.Contains(busy, "hangs 0") || !slices.Contains(busy, "good") {
		t.Errorf("%d places, busy are %v", n, busy)
	}
	for i := range calls {
		hanging = append(hanging, fill(fmt.Sprint("hangs, too ", i), 1)...)
	}
	now = now.Add(slowAfter)
	if _, n := l.free(now); n != 0 || l.calls() != 2*calls {
		t.Errorf("%d calls are under way, and %d may begin", l.calls(), n)
	}
	finish(0, hanging...)
	for p := range l.taken {
		l.leave(p, 0)
	}

	// The next time they have a share of the places alone.
	for i := range calls / slowShare {
		fill(fmt.Sprint("hangs ", i), 1)
	}
	fill(fmt.Sprint("hangs ", calls/slowShare), 0)
	if busy, n := l.free(now); n != calls-calls/slowShare || !slices.Contains(busy, fmt.Sprint("hangs ", calls/slowShare)) || slices.Contains(busy, "new") {
		t.Errorf("%d places, busy are %v", n, busy)
	}
	fill("new", 1)
}

// Of how many hosts there ever were, some are remembered, and all that are called or left alone.
func TestHostsAreForgotten(t *testing.T) {
	t.Parallel()
	l := newLanes(calls)
	called := l.take("called", 1)
	for i := range 2 * knownHosts {
		p := l.take(fmt.Sprint(i), 1)
		l.begin(p, chat.Time(i))
		l.end(p, chat.Time(i+1))
		until := chat.Time(0)
		if i == 0 {
			until = chat.Forever
		}
		l.leave(p, until)
	}
	if n := len(l.hosts); n != knownHosts || l.hosts["called"] != called.host || l.hosts["0"] == nil || l.hosts["1"] != nil || l.hosts[fmt.Sprint(2*knownHosts-1)] == nil {
		t.Errorf("%d hosts are remembered", n)
	}
}
