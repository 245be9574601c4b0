// SPDX-License-Identifier: Apache-2.0

package systemtest

import (
	"sync/atomic"
	"time"
)

// Clock is the computer's, set wrong by what Jump has come to. It goes into app.Inside.
type Clock struct{ offset atomic.Int64 }

// Now is the time that it shows.
func (c *Clock) Now() time.Time { return time.Now().Add(time.Duration(c.offset.Load())) }

// Jump sets it forward, or back.
func (c *Clock) Jump(by time.Duration) { c.offset.Add(int64(by)) }
