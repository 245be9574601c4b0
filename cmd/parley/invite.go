// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"parley/internal/admin"
	"parley/internal/app"
)

type inviteCommand struct {
	TTL  time.Duration `name:"ttl" placeholder:"TIME" default:"168h" help:"For how long the invitation is valid."`
	User string        `arg:"" optional:"" name:"user" help:"The name that it is for, which makes it good for one account; without, it is good for any number."`
}

// Run prints the invitation and nothing else.
func (c *inviteCommand) Run(ctx context.Context, p *process, g *Globals) error {
	if c.TTL < time.Second {
		return usageError{fmt.Errorf("--ttl: %v is less than a second", c.TTL)}
	}
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		invitation, err := ops.Invite(ctx, admin.UserID(c.User), c.TTL)
		if err != nil {
			return plain(err)
		}
		fmt.Fprintln(p.stdout, invitation)
		return nil
	})
}
