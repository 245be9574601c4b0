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
	TTL    time.Duration `name:"ttl" placeholder:"TIME" default:"720h" help:"For how long the token is valid, such as 24h; a new password voids it earlier."`
	Name   string        `name:"name" placeholder:"TEXT" help:"What the owner sees it as in the list of sessions, such as the program or device that it is for. Without, it counts as a login: of more than a hundred the oldest ends."`
	Scopes []string      `name:"scopes" placeholder:"SCOPE" enum:"read,send,rooms,account,admin" help:"What the token may be used for: read, send, rooms, account, admin; without, all that its user may."`
	Users  []string      `arg:"" name:"user" help:"User ids."`
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
		tokens, err := ops.Tokens(ctx, ids, admin.NewToken{Name: c.Name, Scopes: c.Scopes, TTL: c.TTL})
		if err != nil {
			return plain(err)
		}
		for _, token := range tokens {
			fmt.Fprintln(p.stdout, token)
		}
		return nil
	})
}
