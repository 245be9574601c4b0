// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"parley/internal/app"
)

type setupCommand struct {
	TTL time.Duration `name:"ttl" placeholder:"TIME" default:"24h" help:"For how long the link is valid."`
	URL string        `name:"url" placeholder:"URL" default:"http://localhost:8080" help:"Where the server is reached with a browser."`
}

// Run prints the link and nothing else.
func (c *setupCommand) Run(ctx context.Context, p *process, g *Globals) error {
	if c.TTL < time.Second {
		return usageError{fmt.Errorf("--ttl: %v is less than a second", c.TTL)}
	}
	return g.operate(ctx, p, true, func(ops app.Operations) error {
		setup, err := ops.SetUp(ctx, c.TTL)
		if err != nil {
			return plain(err)
		}
		fmt.Fprintln(p.stdout, app.SetupLink(strings.TrimSuffix(c.URL, "/"), setup))
		return nil
	})
}
