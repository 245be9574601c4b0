// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func expectBlocked(t *testing.T, f *Failures, key string, want time.Duration) {
	t.Helper()
	retry, blocked := f.Blocked(key)
	if retry != want || blocked != (want > 0) {
		t.Errorf("Blocked(%q) = %v, %v, want %v", key, retry, blocked, want)
	}
}

func TestFailures(t *testing.T) {
	c := newClock()
	f := NewFailures(3, time.Minute, c.now)
	expectBlocked(t, f, "alice", 0)
	f.Fail("alice")
	c.advance(10 * time.Second)
	f.Fail("alice")
	expectBlocked(t, f, "alice", 0)
	f.Fail("alice")
	expectBlocked(t, f, "alice", 50*time.Second)
	expectBlocked(t, f, "bob", 0)

	c.advance(20 * time.Second)
	f.Fail("alice") // during the block: counts from the second failure on
	expectBlocked(t, f, "alice", 40*time.Second)
	c.advance(40*time.Second - 1)
	expectBlocked(t, f, "alice", 1)
	c.advance(1)
	expectBlocked(t, f, "alice", 0)

	f.Fail("alice")
	f.Fail("alice")
	expectBlocked(t, f, "alice", 20*time.Second)
	f.Forget("alice")
	expectBlocked(t, f, "alice", 0)
	f.Fail("alice")
	f.Fail("alice")
	expectBlocked(t, f, "alice", 0)
}

func TestAttemptAndPardon(t *testing.T) {
	c := newClock()
	f := NewFailures(2, time.Minute, c.now)
	attempt := func(want time.Duration) {
		t.Helper()
		if retry, ok := f.Attempt("alice"); retry != want || ok != (want == 0) {
			t.Errorf("Attempt = %v, %v, want %v", retry, ok, want)
		}
	}
	f.Pardon("alice") // nothing to take back
	for range 10 {
		attempt(0)
		f.Pardon("alice")
	}
	if f.Len() != 0 {
		t.Errorf("%d keys are kept after a pardon", f.Len())
	}
	attempt(0)
	c.advance(time.Second)
	attempt(0)
	attempt(59 * time.Second)
	attempt(59 * time.Second) // a refused attempt is not counted
	f.Pardon("alice")
	attempt(0)
	attempt(59 * time.Second)
	c.advance(59 * time.Second)
	attempt(0)
	attempt(time.Second)
}

func TestFailuresWithoutLimit(t *testing.T) {
	f := NewFailures(0, 0, nil)
	for range 100 {
		f.Fail("alice")
	}
	expectBlocked(t, f, "alice", 0)
	if _, ok := f.Attempt("alice"); !ok {
		t.Error("Attempt was refused")
	}
	f.Pardon("alice")
	f.Forget("alice")
	if f.Len() != 0 {
		t.Errorf("%d keys are kept without a limit", f.Len())
	}
}

func TestFailuresClockSetBack(t *testing.T) {
	c := newClock()
	f := NewFailures(1, time.Minute, c.now)
	f.Fail("alice")
	c.advance(-time.Hour)
	expectBlocked(t, f, "alice", time.Minute)
	c.advance(time.Minute)
	expectBlocked(t, f, "alice", 0)
}

// Attempts made side by side are never more than the limit.
func TestConcurrentAttempts(t *testing.T) {
	c := newClock()
	f := NewFailures(5, time.Minute, c.now)
	var (
		wg      sync.WaitGroup
		allowed atomic.Int32
	)
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if _, ok := f.Attempt("alice"); ok {
					allowed.Add(1)
				}
				f.Blocked("bob")
				f.Fail("bob")
				f.Pardon("bob")
				f.Forget("carol")
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 5 {
		t.Errorf("%d attempts were let through, want 5", allowed.Load())
	}
}
