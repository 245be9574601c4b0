// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"time"
)

// retentionInterval is how often logs are looked through for what is too old.
const retentionInterval = 10 * time.Minute

// keepRetention cuts what is too old from logs until ctx ends, beginning with cleanups that a crash interrupted.
func (a *App) keepRetention(ctx context.Context) {
	ticks := time.NewTicker(retentionInterval)
	defer ticks.Stop()
	for {
		if err := a.service.Retain(ctx, a.cfg.Limits.Retention); err != nil && ctx.Err() == nil {
			a.log.Error("retention: logs could not be cut; trying again", "error", err, "retry_in", retentionInterval)
		}
		select {
		case <-ticks.C:
		case <-ctx.Done():
			return
		}
	}
}
