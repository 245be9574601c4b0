// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"log/slog"
)

// complaint tells the operator of a fault that comes back each second, once until it is over or another.
type complaint struct {
	logger *slog.Logger
	text   string
	last   string
}

// of hears how one step ended. What ends with ctx is no fault.
func (c *complaint) of(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		c.last = ""
	case err.Error() != c.last:
		c.last = err.Error()
		c.logger.Error(c.text, "error", err)
	}
}
