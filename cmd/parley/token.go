// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"parley/internal/admin"
	"parley/internal/app"
)

type tokenCommand struct {
	TTL   time.Duration `name:"ttl" placeholder:"TIME" default:"720h" help:"For how long the token is valid, such as 24h; a new password voids it earlier."`
	Users []string      `arg:"" name:"user" help:"User ids."`
}

// Run prints the tokens and nothing else, in the order of the names.
func (c *tokenCommand) Run(ctx context.Context, p *process, g *Globals) error {
	if c.TTL < time.Second {
		return usageError{fmt.Errorf("--ttl: %v is less than a second", c.TTL)}
	}
	ids := make([]admin.UserID, len(c.Users))
	for i, name := range c.Users {
		ids[i] = admin.UserID(name)
	}
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		tokens, err := ops.Tokens(ctx, ids, c.TTL)
		if err != nil {
			return plain(err)
		}
		for _, token := range tokens {
			fmt.Fprintln(p.stdout, token)
		}
		return nil
	})
}
