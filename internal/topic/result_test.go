// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var errTest = errors.New("test error")

// outcome collects what a Then function is told.
type outcome struct {
	reply any
	err   error
	calls int
}

func (o *outcome) set(reply any, err error) {
	o.reply, o.err = reply, err
	o.calls++
}

func (o *outcome) check(t *testing.T, calls int, reply any, err error) {
	t.Helper()
	if o.calls != calls || o.reply != reply || !errors.Is(o.err, err) {
		t.Errorf("told %d times, last %v, %v, want %d times, %v, %v", o.calls, o.reply, o.err, calls, reply, err)
	}
}

func TestDone(t *testing.T) {
	res := Done("reply", errTest)
	if reply, err, ok := res.Value(); reply != "reply" || err != errTest || !ok {
		t.Errorf("Value: %v, %v, %v", reply, err, ok)
	}
	var o outcome
	if !res.Then(o.set) {
		t.Error("Then returned false")
	}
	o.check(t, 1, "reply", errTest)
	if reply, err := res.Wait(t.Context()); reply != "reply" || err != errTest {
		t.Errorf("Wait: %v, %v", reply, err)
	}
	if _, ok := res.Promise(); ok {
		t.Error("Done has a promise")
	}
	if _, _, ok := res.Delayed(); ok {
		t.Error("Done is delayed")
	}
}

func TestLater(t *testing.T) {
	p := NewPromise()
	res := Later(p)
	if _, _, ok := res.Value(); ok {
		t.Error("Value before Resolve")
	}
	if got, ok := res.Promise(); got != p || !ok {
		t.Error("Promise is not the one given")
	}
	if _, _, ok := res.Delayed(); ok {
		t.Error("Later is delayed")
	}
	var o outcome
	if !res.Then(o.set) {
		t.Error("Then returned false")
	}
	o.check(t, 0, nil, nil)
	p.Resolve(7, errTest)
	o.check(t, 1, 7, errTest)
	if reply, err, ok := res.Value(); reply != 7 || err != errTest || !ok {
		t.Errorf("Value: %v, %v, %v", reply, err, ok)
	}
}

func TestThenAfterResolve(t *testing.T) {
	var p Promise
	p.Resolve(7, nil)
	var o outcome
	p.Then(o.set)
	o.check(t, 1, 7, nil)
}

func TestZeroResultIsAnError(t *testing.T) {
	var res Result
	if _, err, ok := res.Value(); !ok || !errors.Is(err, ErrNoResult) {
		t.Errorf("Value: %v, %v", err, ok)
	}
	if _, err := res.Wait(t.Context()); !errors.Is(err, ErrNoResult) {
		t.Errorf("Wait: %v", err)
	}
	var o outcome
	res.Then(o.set)
	o.check(t, 1, nil, ErrNoResult)
}

func TestDelay(t *testing.T) {
	resumed := 0
	res := Delay(time.Second, func(context.Context) Result { resumed++; return Done(nil, nil) })
	if _, _, ok := res.Value(); ok {
		t.Error("Delay has a value")
	}
	var o outcome
	if res.Then(o.set) || o.calls != 0 {
		t.Error("Then did something")
	}
	d, resume, ok := res.Delayed()
	if d != time.Second || !ok || resumed != 0 {
		t.Errorf("Delayed: %v, %v, resumed %d times", d, ok, resumed)
	}
	resume(t.Context())
	if resumed != 1 {
		t.Errorf("resumed %d times", resumed)
	}
	if d, _, _ := Delay(-1, resume).Delayed(); d != 0 {
		t.Errorf("a negative delay became %v", d)
	}
}

func TestWaitSleepsThroughDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := NewPromise()
		start := time.Now()
		res := Delay(2*time.Second, func(context.Context) Result {
			return Delay(3*time.Second, func(context.Context) Result {
				time.AfterFunc(time.Second, func() { p.Resolve("late", nil) })
				return Later(p)
			})
		})
		reply, err := res.Wait(t.Context())
		if reply != "late" || err != nil || time.Since(start) != 6*time.Second {
			t.Errorf("got %v, %v after %v, want late after 6s", reply, err, time.Since(start))
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		res := Delay(time.Minute, func(context.Context) Result {
			t.Error("resumed")
			return Done(nil, nil)
		})
		if _, err := res.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("delayed: %v", err)
		}
		p := NewPromise()
		if _, err := Later(p).Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("promised: %v", err)
		}
		p.Resolve("there", nil)
		if reply, err := Later(p).Wait(ctx); reply != "there" || err != nil {
			t.Errorf("resolved, context ended: %v, %v, want the outcome", reply, err)
		}
	})
}

// resolvingContext has ended, and looking at its end resolves a promise.
type resolvingContext struct {
	context.Context
	promise *Promise
}

func (c resolvingContext) Done() <-chan struct{} {
	c.promise.Resolve("there", nil)
	return c.Context.Done()
}

// Where outcome and end of the context are there together, the outcome counts.
func TestWaitPrefersTheOutcome(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 64 { // select chooses at random
		p := NewPromise()
		if reply, err := p.Wait(resolvingContext{ended, p}); reply != "there" || err != nil {
			t.Fatalf("got %v, %v, want the outcome", reply, err)
		}
	}
}

func TestPromiseMisusePanics(t *testing.T) {
	for name, tt := range map[string]struct {
		do   func()
		want string
	}{
		"resolved twice": {func() {
			p := NewPromise()
			p.Resolve(nil, nil)
			p.Resolve(nil, nil)
		}, "resolved twice"},
		"Then twice": {func() {
			p := NewPromise()
			p.Then(func(any, error) {})
			p.Then(func(any, error) {})
		}, "Then called twice"},
		"Then twice after Resolve": {func() {
			p := NewPromise()
			p.Resolve(nil, nil)
			p.Then(func(any, error) {})
			p.Then(func(any, error) {})
		}, "Then called twice"},
		"Then nil":  {func() { NewPromise().Then(nil) }, "function"},
		"Later nil": {func() { Later(nil) }, "promise"},
		"Delay nil": {func() { Delay(0, nil) }, "resume"},
	} {
		if text := panicText(tt.do); !strings.Contains(text, tt.want) {
			t.Errorf("%s: panic %q, want one with %q", name, text, tt.want)
		}
	}
}

// The function given to Then runs once, whichever of Then and Resolve comes
// first, and all waiters get the outcome.
func TestPromiseUnderConcurrency(t *testing.T) {
	for range 1000 {
		p := NewPromise()
		var (
			wg    sync.WaitGroup
			calls atomic.Int32
		)
		wg.Go(func() { p.Resolve("r", errTest) })
		wg.Go(func() {
			p.Then(func(reply any, err error) {
				if reply != "r" || err != errTest {
					t.Errorf("Then: %v, %v", reply, err)
				}
				calls.Add(1)
			})
		})
		for range 2 {
			wg.Go(func() {
				if reply, err := p.Wait(t.Context()); reply != "r" || err != errTest {
					t.Errorf("Wait: %v, %v", reply, err)
				}
			})
		}
		wg.Wait()
		if calls.Load() != 1 {
			t.Fatalf("Then's function ran %d times", calls.Load())
		}
	}
}

// Only the second of two Resolves panics, and the first outcome stands.
func TestPromiseResolvedConcurrently(t *testing.T) {
	for range 200 {
		p := NewPromise()
		var (
			wg     sync.WaitGroup
			panics atomic.Int32
		)
		for i := range 4 {
			wg.Go(func() {
				if panicText(func() { p.Resolve(i, nil) }) != "" {
					panics.Add(1)
				}
			})
		}
		wg.Wait()
		if panics.Load() != 3 {
			t.Fatalf("%d of 4 panicked, want 3", panics.Load())
		}
	}
}

func TestPromiseTakesOneAllocation(t *testing.T) {
	told := func(any, error) {}
	if n := testing.AllocsPerRun(100, func() {
		p := NewPromise()
		Later(p).Then(told)
		p.Resolve(nil, nil)
	}); n > 1 {
		t.Errorf("%v allocations, want at most 1", n)
	}
}

func TestOwnCopiesThePayload(t *testing.T) {
	buffer := []byte("hello")
	req := &request{Payload: buffer}
	req.Own()
	copy(buffer, "XXXXX")
	if string(req.Payload) != "hello" {
		t.Errorf("the payload became %q with the buffer", req.Payload)
	}
}
