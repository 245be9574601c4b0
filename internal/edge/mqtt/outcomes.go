// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"sync/atomic"

	"parley/internal/chat"
)

// Outcomes counts how requests ended: by code, "" for success.
type Outcomes struct{ counts map[chat.Code]*atomic.Int64 }

func newOutcomes() Outcomes {
	o := Outcomes{map[chat.Code]*atomic.Int64{"": new(atomic.Int64)}}
	for _, c := range chat.Codes() {
		o.counts[c] = new(atomic.Int64)
	}
	return o
}

func (o *Outcomes) count(c chat.Code) {
	n := o.counts[c]
	if n == nil {
		n = o.counts[chat.Internal]
	}
	n.Add(1)
}

func (o *Outcomes) snapshot() map[chat.Code]int64 {
	out := make(map[chat.Code]int64, len(o.counts))
	for c, n := range o.counts {
		out[c] = n.Load()
	}
	return out
}
