// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"sync"
)

// Pending is the outcome of a submitted change: known once the change is durable, or refused.
type Pending[T any] struct {
	mu    sync.Mutex
	known bool
	value T
	err   error
	then  func(T, error)
}

// Then has f called with the outcome, once: at once when it is known, else on the goroutine that resolves it. f must not
// block. Then may be called once.
func (p *Pending[T]) Then(f func(T, error)) {
	p.mu.Lock()
	if p.then != nil {
		p.mu.Unlock()
		panic("chat: Then called twice on one Pending")
	}
	p.then = f
	known := p.known
	p.mu.Unlock()
	if known {
		f(p.value, p.err)
	}
}

// Wait waits for the outcome or for the end of ctx, which does not cancel the change.
func (p *Pending[T]) Wait(ctx context.Context) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	c := make(chan outcome, 1)
	p.Then(func(v T, err error) { c <- outcome{v, err} })
	select {
	case o := <-c:
		return o.value, o.err
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
}

func (p *Pending[T]) resolve(v T, err error) {
	p.mu.Lock()
	p.known, p.value, p.err = true, v, err
	f := p.then
	p.mu.Unlock()
	if f != nil {
		f(v, err)
	}
}

// refused is a Pending whose outcome needs no transaction.
func refused[T any](err error) *Pending[T] {
	return &Pending[T]{known: true, err: err}
}
