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
	trimAgain  = 4    // ticks after which it is done again, since what a storm sets off (who is online) lasts longer
	trimRounds = 4    // times that it is done again
)

// trim gives memory back to the system after storms, until ctx ends. changed counts connections that came or went.
func trim(ctx context.Context, changed func() uint64) {
	tick := time.NewTicker(trimEvery)
	defer tick.Stop()
	trimmed, last := changed(), changed()
	rounds, ticks := 0, 0
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
			trimmed, rounds, ticks = now, trimRounds, 0
		} else if ticks++; rounds > 0 && ticks%trimAgain == 0 {
			debug.FreeOSMemory()
			rounds--
		}
		last = now
	}
}
