// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"parley/internal/admin"
	"parley/internal/app"
)

// passwordsPerBatch bounds how many passwords are hashed in one call: a second or two, so that progress is seen.
const passwordsPerBatch = 32

// progressPause is the least time between two lines of progress on a terminal.
const progressPause = 100 * time.Millisecond

type userImport struct {
	File         string `arg:"" help:"File of JSON Lines such as {\"user_id\":\"alice\",\"display_name\":\"Alice\",\"password\":\"…\",\"role\":\"user\"}, all but user_id optional; - is the standard input."`
	SkipExisting bool   `name:"skip-existing" help:"Pass over accounts that exist already."`
}

// Run imports what it can, reports each line that it cannot, and fails if there was one.
func (c *userImport) Run(ctx context.Context, p *process, g *Globals) error {
	var input io.Reader = p.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		input = f
	}
	return g.operate(ctx, p, true, func(ops app.Operations) error {
		i := importer{userImport: c, process: p, ops: ops, began: time.Now()}
		if f, ok := p.stderr.(*os.File); ok {
			i.terminal = term.IsTerminal(int(f.Fd()))
		}
		return i.run(ctx, input)
	})
}

// importer is one import under way.
type importer struct {
	*userImport
	*process
	ops      app.Operations
	terminal bool // progress can be drawn
	began    time.Time
	drawn    time.Time

	lines     []int // of users
	users     []admin.NewUser
	passwords int // among users

	made, existing, failed int
}

func (i *importer) run(ctx context.Context, input io.Reader) error {
	for line := range admin.ReadLines(input) {
		if line.Err != nil {
			i.refuse(line.Number, line.Err)
			continue
		}
		i.lines, i.users = append(i.lines, line.Number), append(i.users, line.User)
		if line.User.Password != "" {
			i.passwords++
		}
		if len(i.users) == admin.MaxImport || i.passwords == passwordsPerBatch {
			if err := i.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := i.flush(ctx); err != nil {
		return err
	}
	i.clear()
	fmt.Fprintf(i.stdout, "added %d accounts", i.made)
	if i.SkipExisting {
		fmt.Fprintf(i.stdout, ", passed over %d that existed", i.existing)
	}
	fmt.Fprintf(i.stdout, " in %v\n", time.Since(i.began).Round(time.Millisecond))
	if i.failed > 0 {
		return fmt.Errorf("%d lines could not be imported; they are named above, the others were", i.failed)
	}
	return nil
}

func (i *importer) flush(ctx context.Context) error {
	if len(i.users) == 0 {
		return nil
	}
	faults, err := i.ops.Import(ctx, i.users)
	if err != nil {
		i.clear()
		return fmt.Errorf("lines %d to %d: %w; the %d accounts before them were made", i.lines[0], i.lines[len(i.lines)-1], plain(err), i.made)
	}
	if len(faults) != len(i.users) {
		return errors.New("the server's answer does not fit the question")
	}
	for n, fault := range faults {
		switch {
		case fault == nil:
			i.made++
		case i.SkipExisting && admin.Exists(fault):
			i.existing++
		default:
			i.refuse(i.lines[n], fault)
		}
	}
	i.lines, i.users, i.passwords = i.lines[:0], i.users[:0], 0
	if now := time.Now(); i.terminal && now.Sub(i.drawn) >= progressPause {
		i.drawn = now
		fmt.Fprintf(i.stderr, "\r%d accounts, %.0f a second ", i.made, float64(i.made)/now.Sub(i.began).Seconds())
	}
	return nil
}

func (i *importer) refuse(line int, err error) {
	i.failed++
	i.clear()
	fmt.Fprintf(i.stderr, "line %d: %v\n", line, plain(err))
}

// clear takes the progress off the terminal.
func (i *importer) clear() {
	if i.terminal {
		fmt.Fprint(i.stderr, "\r\x1b[K")
	}
}
