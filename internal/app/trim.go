// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"runtime/debug"
	"time"
)

// After a storm of connections most of the heap is garbage of the handshakes, and the stacks are as large as those needed
// them. The collector would keep the one until the next storm and halves the others once a cycle. What a storm took is
// given back when it is over: a cycle costs some 20 ms of processor time for 10 000 connections.
const (
	trimEvery  = 5 * time.Second
	trimStorm  = 1000 // connections opened or closed
	trimCycles = 2    // stacks shrink by half in each
)

// trim gives memory back to the system after storms, until ctx ends. changed counts connections that came or went.
func trim(ctx context.Context, changed func() uint64) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	trimmed, last := changed(), changed()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := changed()
		if now-trimmed >= trimStorm && now-last < trimStorm/10 {
			for range trimCycles {
				debug.FreeOSMemory()
			}
			trimmed = now
		}
		last = now
	}
}
