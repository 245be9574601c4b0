// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// clock is a time that tests set. It has no monotonic reading.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func newClock() *clock { return &clock{t: time.Unix(1_800_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func expect(t *testing.T, s *Sliding, key string, maxWait, wait time.Duration, ok bool) {
	t.Helper()
	if w, o := s.Reserve(key, maxWait); w != wait || o != ok {
		t.Errorf("Reserve(%q, %v) = %v, %v, want %v, %v", key, maxWait, w, o, wait, ok)
	}
}

func TestReserve(t *testing.T) {
	c := newClock()
	s := New(2, time.Minute, c.now)
	expect(t, s, "alice", 0, 0, true)
	c.advance(10 * time.Second)
	expect(t, s, "alice", 0, 0, true)
	expect(t, s, "alice", 0, 50*time.Second, false)
	expect(t, s, "bob", 0, 0, true) // keys do not share
	expect(t, s, "alice", 40*time.Second, 10*time.Second, false)
	expect(t, s, "alice", 50*time.Second, 50*time.Second, true)
	expect(t, s, "alice", time.Minute, time.Minute, true)
	expect(t, s, "alice", time.Minute, 50*time.Second, false)
	c.advance(50 * time.Second) // the third place begins now
	expect(t, s, "alice", 0, time.Minute, false)
	expect(t, s, "alice", -time.Second, time.Minute, false)
	c.advance(time.Minute - 1)
	expect(t, s, "alice", 0, 1, false)
	c.advance(1)
	expect(t, s, "alice", 0, 0, true)
}

func TestNoLimit(t *testing.T) {
	s := New(0, 0, nil)
	for range 1000 {
		expect(t, s, "alice", 0, 0, true)
	}
	if s.Len() != 0 {
		t.Errorf("%d keys are kept without a limit", s.Len())
	}
}

func TestWrongConfigurationPanics(t *testing.T) {
	for name, f := range map[string]func(){
		"negative limit": func() { New(-1, time.Minute, nil) },
		"no window":      func() { New(1, 0, nil) },
		"failures":       func() { NewFailures(1, -time.Minute, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// The model keeps every grant for ever and finds the earliest place by the
// definition: not before now, not before the last grant, and a window after the
// grant that is limit places before.
func TestReserveIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			limit  = rapid.IntRange(1, 12).Draw(t, "limit")
			window = time.Duration(rapid.IntRange(1, 100).Draw(t, "window"))
			c      = newClock()
			start  = c.t
			s      = New(limit, window, c.now)
			grants = map[string][]time.Duration{}
		)
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			c.advance(time.Duration(rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 30), rapid.IntRange(0, 300)).Draw(t, "advance")))
			key := rapid.SampledFrom([]string{"a", "b", ""}).Draw(t, "key")
			maxWait := time.Duration(rapid.IntRange(0, 250).Draw(t, "maxWait"))
			now := c.t.Sub(start)

			g := grants[key]
			place := now
			if n := len(g); n > 0 {
				place = max(place, g[n-1])
				if n >= limit {
					place = max(place, g[n-limit]+window)
				}
			}
			wait, ok := s.Reserve(key, maxWait)
			if place-now > maxWait {
				if ok || wait != place-now-maxWait {
					t.Fatalf("Reserve = %v, %v, want a refusal for %v", wait, ok, place-now-maxWait)
				}
				continue
			}
			if !ok || wait != place-now {
				t.Fatalf("Reserve = %v, %v, want a place after %v", wait, ok, place-now)
			}
			grants[key] = append(g, now+wait)
		}
		for key, g := range grants {
			if !slices.IsSorted(g) {
				t.Fatalf("places of %q are out of order: %v", key, g)
			}
			for i := limit; i < len(g); i++ {
				if g[i]-g[i-limit] < window {
					t.Fatalf("%d places of %q within %v, less than %v: %v", limit+1, key, g[i]-g[i-limit], window, g)
				}
			}
		}
	})
}

// A clock that is set back, by however much and however often, makes nobody wait
// longer than one that runs as it should: for a place that is free at once, at
// most a window.
func TestClockSetBack(t *testing.T) {
	c := newClock()
	s := New(2, time.Minute, c.now)
	expect(t, s, "alice", 0, 0, true)
	expect(t, s, "alice", 0, 0, true)
	c.advance(-24 * time.Hour)
	expect(t, s, "alice", 0, time.Minute, false)
	c.advance(30 * time.Second)
	expect(t, s, "alice", 0, 30*time.Second, false)
	c.advance(-time.Hour)
	c.advance(30 * time.Second)
	expect(t, s, "alice", 0, 30*time.Second, false) // nobody looked before the second step
	c.advance(30 * time.Second)
	expect(t, s, "alice", 0, 0, true)
}

func TestClockSetForward(t *testing.T) {
	c := newClock()
	s := New(1, time.Minute, c.now)
	expect(t, s, "alice", 0, 0, true)
	c.advance(24 * time.Hour)
	expect(t, s, "alice", 0, 0, true)
	c.advance(-24 * time.Hour)
	expect(t, s, "alice", 0, time.Minute, false)
}

func TestIdleKeysAreDropped(t *testing.T) {
	c := newClock()
	s := New(10, time.Minute, c.now)
	const keys = 5000
	for i := range keys {
		s.Reserve(strconv.Itoa(i), 0)
	}
	if s.Len() != keys {
		t.Fatalf("%d keys, want %d", s.Len(), keys)
	}
	c.advance(time.Minute - 1)
	s.Reserve("0", 0)
	if s.Len() != keys {
		t.Fatalf("%d keys inside the window, want %d", s.Len(), keys)
	}
	c.advance(time.Minute)
	for i := range keys {
		s.Reserve("new"+strconv.Itoa(i), 0)
	}
	if s.Len() != keys {
		t.Errorf("%d keys, want only the %d of the last window", s.Len(), keys)
	}
}

// A key with a reservation in the future is not idle.
func TestReservationsAreKept(t *testing.T) {
	c := newClock()
	s := New(1, time.Minute, c.now)
	for range 3 {
		s.Reserve("alice", time.Hour)
	}
	c.advance(150 * time.Second)
	for i := range 1000 {
		s.Reserve(strconv.Itoa(i), 0)
	}
	expect(t, s, "alice", 0, 30*time.Second, false)
}

// Memory of a key that stays under the limit follows its events in a window.
func TestRingStaysSmall(t *testing.T) {
	c := newClock()
	s := New(1000, time.Minute, c.now)
	for range 5000 {
		c.advance(20 * time.Second)
		s.Reserve("alice", 0)
	}
	sh, _ := s.lock("alice")
	defer sh.mu.Unlock()
	if n := len(sh.logs["alice"].ring); n > 4 {
		t.Errorf("room for %d events, want 4", n)
	}
}

func TestConcurrentReservations(t *testing.T) {
	c := newClock()
	const limit, callers, each = 50, 8, 200
	s := New(limit, time.Minute, c.now)
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		places = map[string][]time.Duration{}
	)
	for range callers {
		wg.Go(func() {
			for i := range each {
				key := fmt.Sprint("user", i%3)
				if wait, ok := s.Reserve(key, 24*time.Hour); ok {
					mu.Lock()
					places[key] = append(places[key], wait)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for key, p := range places {
		slices.Sort(p)
		for i, at := range p {
			if want := time.Duration(i/limit) * time.Minute; at != want {
				t.Fatalf("place %d of %s is after %v, want %v", i, key, at, want)
			}
		}
	}
}

func BenchmarkReserve(b *testing.B) {
	s := New(100, time.Minute, nil)
	keys := make([]string, 1024)
	for i := range keys {
		keys[i] = "user" + strconv.Itoa(i)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Reserve(keys[i%len(keys)], 0)
		i++
	}
}

func TestReturn(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(2, time.Minute, func() time.Time { return now })
	reserve := func(want time.Duration) {
		t.Helper()
		if wait, ok := s.Reserve("k", time.Hour); !ok || wait != want {
			t.Fatalf("Reserve gave %v, %v; want %v", wait, ok, want)
		}
	}
	s.Return("k") // nothing to give back
	reserve(0)
	now = now.Add(10 * time.Second)
	reserve(0)
	s.Return("k") // begun: not given back
	reserve(50 * time.Second)
	s.Return("k")
	reserve(50 * time.Second) // the same place again
	reserve(time.Minute)
	s.Return("k")
	s.Return("k")
	reserve(50 * time.Second)
}
