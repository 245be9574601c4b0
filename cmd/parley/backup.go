// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"path/filepath"

	"parley/internal/app"
)

type backupCommand struct {
	File string `arg:"" help:"File to write; it must not exist. A running server writes it."`
}

func (c *backupCommand) Run(ctx context.Context, p *process, g *Globals) error {
	path, err := filepath.Abs(c.File)
	if err != nil {
		return err
	}
	return g.operate(ctx, p, false, func(ops app.Operations) error {
		if err := ops.Backup(ctx, path); err != nil {
			return plain(err)
		}
		fmt.Fprintf(p.stdout, "wrote %s\n", path)
		return nil
	})
}

type restoreCommand struct {
	File string `arg:"" help:"File that parley backup wrote."`
}

func (c *restoreCommand) Run(ctx context.Context, p *process, g *Globals) error {
	done, err := app.Restore(ctx, g.Data, c.File)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "restored %s (epoch %d)\n", c.File, done.Epoch)
	if done.Replaced != "" {
		fmt.Fprintf(p.stdout, "the former database is %s\n", done.Replaced)
	}
	return nil
}
