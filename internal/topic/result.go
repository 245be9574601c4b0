// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"errors"
	"time"
)

// ErrNoResult is the outcome that the zero [Result] counts as: a mistake in a
// handler.
var ErrNoResult = errors.New("topic: the handler returned no result")

// Result is what a handler says: exactly one of [Done], [Later] and [Delay].
type Result struct {
	reply   any
	err     error
	promise *Promise
	resume  func(context.Context) Result
	delay   time.Duration
	done    bool
}

// Done is a known outcome: a reply, or an error. A reply beside an error is
// passed on; what it means is between handler and door.
func Done(reply any, err error) Result {
	return Result{reply: reply, err: err, done: true}
}

// Later is an outcome that comes through a promise. It panics on a nil promise.
func Later(p *Promise) Result {
	if p == nil {
		panic("topic: Later needs a promise, got nil")
	}
	return Result{promise: p}
}

// Delay says "not now": nothing has been done, and the door is to call resume
// after d, once, and to take its result in place of this one; that may be
// another Delay. Meanwhile the door holds back the later requests of the same
// connection. Where the connection ends first, resume need not be called. A
// negative d is 0. Delay panics on a nil resume.
func Delay(d time.Duration, resume func(context.Context) Result) Result {
	if resume == nil {
		panic("topic: Delay needs a resume function, got nil")
	}
	return Result{resume: resume, delay: max(d, 0)}
}

// Value returns the outcome where it is known already: of Done, and of Later
// whose promise is resolved.
func (r Result) Value() (reply any, err error, ok bool) {
	switch {
	case r.done:
		return r.reply, r.err, true
	case r.promise != nil:
		return r.promise.Value()
	case r.resume != nil:
		return nil, nil, false
	}
	return nil, ErrNoResult, true
}

// Promise returns the promise of Later.
func (r Result) Promise() (p *Promise, ok bool) { return r.promise, r.promise != nil }

// Delayed returns the time and the function of Delay.
func (r Result) Delayed() (d time.Duration, resume func(context.Context) Result, ok bool) {
	return r.delay, r.resume, r.resume != nil
}

// Then arranges that f is called once with the outcome: at once for Done, by
// [Promise.Then] for Later. For Delay it does nothing and returns false.
func (r Result) Then(f func(reply any, err error)) bool {
	switch {
	case r.done:
		f(r.reply, r.err)
	case r.promise != nil:
		r.promise.Then(f)
	case r.resume != nil:
		return false
	default:
		f(nil, ErrNoResult)
	}
	return true
}

// Wait returns the outcome, sleeping through delays and waiting for promises.
// It is for callers that have a goroutine to spare and no later requests to hold
// back. When ctx ends first its error is returned: a delayed request has then
// not been carried out, one that waits for a promise may still be.
func (r Result) Wait(ctx context.Context) (reply any, err error) {
	for r.resume != nil {
		timer := time.NewTimer(r.delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil, context.Cause(ctx)
		}
		r = r.resume(ctx)
	}
	if r.promise != nil {
		return r.promise.Wait(ctx)
	}
	reply, err, _ = r.Value()
	return reply, err
}
