// SPDX-License-Identifier: Apache-2.0

package mqtt

import "sync"

// flushShare is how many connections a worker takes from the list at a time, so that the list's lock is not the bottleneck
// and a batch still spreads over all workers.
const flushShare = 16

// flusher is the list of connections that have something to write, and the workers that write it. While it is corked the
// list only grows. A connection is on the list at most once (conn.dirty).
type flusher struct {
	mu      sync.Mutex // a leaf: nothing is locked while it is held
	wake    sync.Cond
	list    []*conn
	head    int // list[:head] has been taken
	corked  int
	waiting int // workers without work
	workers int
	closed  bool
	done    sync.WaitGroup
}

func (f *flusher) start(workers int) {
	f.wake.L = &f.mu
	f.workers = workers
	for range workers {
		f.done.Go(f.work)
	}
}

func (f *flusher) add(c *conn) {
	f.mu.Lock()
	f.list = append(f.list, c)
	if f.corked == 0 && f.waiting > 0 {
		f.wake.Signal()
	}
	f.mu.Unlock()
}

func (f *flusher) cork() {
	f.mu.Lock()
	f.corked++
	f.mu.Unlock()
}

func (f *flusher) uncork() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.corked == 0 {
		panic("mqtt: Uncork without Cork")
	}
	f.corked--
	if f.corked > 0 || f.waiting == 0 {
		return
	}
	switch pending := len(f.list) - f.head; {
	case pending > flushShare:
		f.wake.Broadcast()
	case pending > 0:
		f.wake.Signal()
	}
}

func (f *flusher) isCorked() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.corked > 0
}

func (f *flusher) work() {
	var share [flushShare]*conn
	for {
		n := f.take(share[:])
		if n == 0 {
			return
		}
		for i, c := range share[:n] {
			c.flush()
			share[i] = nil
		}
	}
}

// take waits for work and gives 0 when there will be none.
func (f *flusher) take(share []*conn) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.closed && (f.corked > 0 || f.head == len(f.list)) {
		f.waiting++
		f.wake.Wait()
		f.waiting--
	}
	pending := len(f.list) - f.head
	if pending == 0 || f.closed {
		return 0
	}
	n := copy(share[:min(len(share), max(1, pending/f.workers))], f.list[f.head:])
	clear(f.list[f.head : f.head+n])
	f.head += n
	if f.head == len(f.list) {
		if cap(f.list) > 1<<14 {
			f.list = nil
		}
		f.list, f.head = f.list[:0], 0
	}
	return n
}

func (f *flusher) close() {
	f.mu.Lock()
	f.closed = true
	f.wake.Broadcast()
	f.mu.Unlock()
	f.done.Wait()
}
