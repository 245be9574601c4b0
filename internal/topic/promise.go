// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"sync"
)

// Promise carries an outcome from whoever finds it to whoever answers. The zero
// Promise is ready for use, so that it can be part of a larger struct and share
// its allocation; it must not be copied. All methods are safe for concurrent
// use.
type Promise struct {
	mu       sync.Mutex
	resolved bool
	taken    bool // Then has been called
	reply    any
	err      error
	then     func(any, error)
	done     chan struct{} // made by the first Wait that has to wait
}

// NewPromise returns a promise without an outcome.
func NewPromise() *Promise { return new(Promise) }

// Resolve sets the outcome, wakes those in Wait and calls the function given to
// Then. It panics when the promise has an outcome already: an outcome may have
// been told to a client and cannot be taken back.
func (p *Promise) Resolve(reply any, err error) {
	p.mu.Lock()
	if p.resolved {
		p.mu.Unlock()
		panic("topic: promise resolved twice")
	}
	p.resolved = true
	p.reply, p.err = reply, err
	then, done := p.then, p.done
	p.then = nil
	p.mu.Unlock()

	if done != nil {
		close(done)
	}
	if then != nil {
		then(reply, err)
	}
}

// Then arranges that f is called exactly once with the outcome: at once, before
// Then returns, where it is known, otherwise by Resolve on the goroutine that
// resolves. That goroutine usually has more to do, so f must be short and must
// not block. A promise takes one function: a second Then panics.
func (p *Promise) Then(f func(reply any, err error)) {
	if f == nil {
		panic("topic: Then needs a function, got nil")
	}
	p.mu.Lock()
	if p.taken {
		p.mu.Unlock()
		panic("topic: Then called twice on one promise")
	}
	p.taken = true
	if !p.resolved {
		p.then = f
		p.mu.Unlock()
		return
	}
	reply, err := p.reply, p.err
	p.mu.Unlock()
	f(reply, err)
}

// Value returns the outcome where it is known.
func (p *Promise) Value() (reply any, err error, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reply, p.err, p.resolved
}

// Wait returns the outcome, or the error of ctx when that ends first; the work
// behind the promise goes on then. Any number of goroutines may wait, beside one
// Then.
func (p *Promise) Wait(ctx context.Context) (reply any, err error) {
	p.mu.Lock()
	if p.resolved {
		defer p.mu.Unlock()
		return p.reply, p.err
	}
	if p.done == nil {
		p.done = make(chan struct{})
	}
	done := p.done
	p.mu.Unlock()

	select {
	case <-done:
	case <-ctx.Done():
		// The outcome is worth more than the end of the wait, where both are there.
		if reply, err, ok := p.Value(); ok {
			return reply, err
		}
		return nil, context.Cause(ctx)
	}
	reply, err, _ = p.Value()
	return reply, err
}
