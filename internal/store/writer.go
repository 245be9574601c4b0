// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/chat"
)

// maxBatch bounds a transaction: by its changes, and by the rows of those that write many.
const maxBatch = 1024

// writer is the queue of changes and the goroutine that makes them durable.
type writer struct {
	tx       *tx
	now      func() time.Time
	log      *slog.Logger
	onCommit func(*chat.Batch)
	observe  func(changes, events int, d time.Duration)
	wal      *checkpointer
	index    *index // nil: none is kept

	wake    chan struct{} // 1: something was queued, or closed
	stopped chan struct{} // closed when run returns

	mu     sync.Mutex
	queue  []chat.Change
	closed bool

	// Read by anybody:
	batches, changes, events, failures atomic.Uint64
	failing                            atomic.Pointer[error] // the latest failure of the storage; nil after a commit

	complained string // the failure that was logged last; "" after a commit
}

var errBegin = errors.New("store: no transaction can begin")

// errClosed is why Ping fails after Close.
var errClosed = errors.New("store: closed")

// submit implements chat.Writer.
func (w *writer) submit(c chat.Change) {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		go c.Done(chat.ErrUnavailable) // not on the caller's goroutine, who may hold what Done wants
		return
	}
	w.queue = append(w.queue, c)
	w.mu.Unlock()
	w.signal()
}

func (w *writer) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// close lets run finish what is queued, and waits for it.
func (w *writer) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.signal()
	<-w.stopped
}

func (w *writer) run() {
	defer close(w.stopped)
	for {
		batch, closed := w.take()
		if len(batch) > 0 {
			w.commit(batch)
			w.wal.written(w.tx.c.pagesWritten())
			continue
		}
		if closed {
			return
		}
		select {
		case <-w.wake:
		case <-w.wal.finish:
			w.wal.complete(w.tx.c)
		}
	}
}

// take removes the next batch from the queue.
func (w *writer) take() (batch []chat.Outcome, closed bool) {
	select {
	case <-w.wal.finish: // under load the writer never waits for anything else
		w.wal.complete(w.tx.c)
	default:
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	n, rows := 0, 0
	for n < len(w.queue) && rows < maxBatch {
		rows++
		if o, ok := w.queue[n].(*operation); ok {
			rows += max(o.weight-1, 0)
		}
		n++
	}
	if n == 0 {
		return nil, w.closed
	}
	batch = make([]chat.Outcome, n)
	for i, c := range w.queue[:n] {
		batch[i].Change = c
	}
	left := copy(w.queue, w.queue[n:])
	clear(w.queue[left:])
	w.queue = w.queue[:left]
	if left == 0 && cap(w.queue) > 16*maxBatch {
		w.queue = nil // a rush is over
	}
	return batch, false
}

// commit makes a batch durable and hands it on. When that fails its changes are tried one by one.
func (w *writer) commit(batch []chat.Outcome) {
	began := time.Now()
	err := w.try(batch)
	var events []*chat.Event
	switch {
	case err == nil:
		events = w.tx.events
		w.tx.events = nil
		w.batches.Add(1)
		w.changes.Add(uint64(len(batch)))
		w.events.Add(uint64(len(events)))
		w.recovered()
		if w.index != nil && len(events) > 0 {
			w.index.note(events)
		}
		if w.observe != nil {
			w.observe(len(batch), len(events), time.Since(began))
		}
	case errors.Is(err, errBegin):
		w.failures.Add(uint64(len(batch)))
		for i := range batch {
			batch[i].Err = chat.ErrUnavailable
		}
	case len(batch) > 1:
		for i := range batch {
			w.commit(batch[i : i+1 : i+1])
		}
		return
	default:
		w.failures.Add(1)
		batch[0].Err = outcome(err)
	}
	w.onCommit(&chat.Batch{Events: events, Changes: batch})
}

// panicked is the failure of a change that panicked.
type panicked struct{ value any }

func (p *panicked) Error() string { return fmt.Sprintf("store: a change panicked: %v", p.value) }

// outcome is what a change hears that failed alone.
func outcome(err error) error {
	if isRefusal(err) {
		return err // it had written something, which is undone
	}
	if _, ok := errors.AsType[*panicked](err); ok {
		return chat.Refuse(chat.Internal, "the request met a fault of the server; nothing was done")
	}
	return chat.ErrUnavailable
}

// try applies and commits a batch. With an error nothing of it was done, and all cached state is dropped.
func (w *writer) try(batch []chat.Outcome) error {
	err := w.tx.begin()
	if err != nil {
		err = errors.Join(errBegin, err) // no change is at fault: none is tried alone
	}
	for i := 0; err == nil && i < len(batch); i++ {
		batch[i].Err, err = w.apply(batch[i].Change)
	}
	if err == nil {
		err = w.tx.commit()
	}
	if err == nil {
		return nil
	}
	failure := w.tx.failure
	if e := w.tx.rollback(); e != nil {
		failure = errors.Join(failure, e)
	}
	if failure != nil {
		w.failing.Store(&failure)
	}
	if text := err.Error(); text != w.complained { // once, not for each of a thousand changes
		w.complained = text
		w.log.Error("a transaction failed and was undone", "err", err, "changes", len(batch))
	}
	return err
}

// apply applies one change. refusal is an orderly one; err is anything that the transaction cannot go on after.
func (w *writer) apply(c chat.Change) (refusal, err error) {
	defer func() {
		if p := recover(); p != nil {
			w.log.Error("a change panicked", "panic", p, "stack", string(debug.Stack()))
			refusal, err = nil, &panicked{p}
		}
	}()
	w.tx.now = max(chat.TimeOf(w.now()), 1) // 0 means never
	before := w.tx.writes
	err = c.Apply(w.tx)
	if w.tx.failure != nil {
		return nil, w.tx.failure // nothing may be committed after it, even when the change has swallowed it
	}
	if err == nil || !isRefusal(err) {
		return nil, err
	}
	if w.tx.writes != before {
		w.log.Error("a change was refused after it had written something", "err", err)
		return nil, err
	}
	return err, nil
}

// recovered notes that a commit succeeded.
func (w *writer) recovered() {
	w.complained = ""
	if w.failing.Swap(nil) != nil {
		w.log.Info("storage works again")
	}
}

// ping tells whether changes can be made durable. After a failure it tries one.
func (w *writer) ping(ctx context.Context) error {
	w.mu.Lock()
	closed := w.closed
	w.mu.Unlock()
	if closed {
		return errClosed
	}
	failed := w.failing.Load()
	if failed == nil {
		return nil
	}
	done := make(chan error, 1)
	w.submit(&operation{
		apply: func(t *tx) error {
			return t.exec("try to write", `INSERT INTO meta (key, value) VALUES ('tried', ?1)
				ON CONFLICT (key) DO UPDATE SET value = ?1`, int64(t.now))
		},
		done: func(err error) { done <- err },
	})
	select {
	case err := <-done:
		if err == nil {
			return nil
		}
		if now := w.failing.Load(); now != nil {
			failed = now
		}
		return *failed
	case <-ctx.Done():
		return errors.Join(*failed, ctx.Err())
	}
}
