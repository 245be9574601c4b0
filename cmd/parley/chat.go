// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/term"

	"parley/internal/tui"
)

type chatCommand struct{ remote }

func (c *chatCommand) Run(ctx context.Context, p *process) error {
	if !term.IsTerminal(int(p.stdin.Fd())) {
		return errors.New("chat needs a terminal; send and tail do without")
	}
	fmt.Fprintln(p.stderr, "connecting …")
	states := tui.NewStates()
	conn, err := c.dial(ctx, p, states.Set)
	if err != nil {
		return err
	}
	defer conn.Close()
	return readable(tui.Run(ctx, conn, states))
}
