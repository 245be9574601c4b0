// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
)

// checkpointPages is how much write-ahead log, in pages of 4 KiB, is gathered before it is copied into the database: 16 MiB.
const checkpointPages = 4096

// checkpointer copies the write-ahead log into the database in the background, on a connection of its own, while the
// writer goes on writing. Then the writer itself copies the little that was added meanwhile, between two batches, which
// lets it begin the log anew: SQLite's own automatic checkpoint would hold a commit up for all of it.
type checkpointer struct {
	dsn    string
	log    *slog.Logger
	limit  int           // pages
	pages  int           // written since the last one; the writer's own
	busy   atomic.Bool   // a background copy runs, or waits for the writer to complete it
	finish chan struct{} // 1: the writer should complete it
	after  func()        // of tests; may be nil
	wg     sync.WaitGroup
}

// written says that the writer has written n pages more. It starts a copy when that is enough.
func (p *checkpointer) written(n int) {
	p.pages += n
	if p.pages < p.limit || !p.busy.CompareAndSwap(false, true) {
		return
	}
	p.pages = 0
	p.wg.Go(func() {
		if err := p.copy(); err != nil {
			p.log.Warn("the write-ahead log could not be copied in the background", "err", err)
		}
		p.finish <- struct{}{} // never blocks: busy keeps it to one
	})
}

func (p *checkpointer) copy() error {
	c, err := connect(context.Background(), p.dsn)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.checkpoint()
}

// complete runs on the writer's goroutine, outside a transaction. Frames that a reader still needs are left for next time.
func (p *checkpointer) complete(c *conn) {
	if err := c.checkpoint(); err != nil {
		p.log.Warn("the write-ahead log could not be copied", "err", err)
	}
	p.busy.Store(false)
	if p.after != nil {
		p.after()
	}
}
