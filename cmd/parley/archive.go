// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/term"

	"parley/internal/admin"
	"parley/internal/app"
)

type exportCommand struct {
	File          string       `arg:"" help:"File to write; it must not exist. - is the standard output."`
	User          admin.UserID `name:"user" placeholder:"NAME" help:"Only what is of this account: what it is, where it is a member, what it wrote, its files. For a person to keep; it cannot be imported."`
	WithPasswords bool         `name:"with-passwords" help:"With the hashes of passwords: keep the file as safe as the data directory. Without them accounts sign in with tokens until they get a new password."`
}

func (c *exportCommand) Run(ctx context.Context, p *process, g *Globals) error {
	began, log := time.Now(), slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	show := newMoving(p, "exporting")
	info, _ := debug.ReadBuildInfo()
	o := app.Exporting{Version: buildOf(version, info).Version, Passwords: c.WithPasswords, User: c.User, Progress: show.progress}
	var m app.Moved
	var err error
	said := p.stdout
	if c.File == "-" {
		said = p.stderr
		m, err = app.Export(ctx, g.Data, p.stdout, o, log)
	} else {
		m, err = app.ExportTo(ctx, g.Data, c.File, o, log)
	}
	show.clear()
	if err != nil {
		return plain(err)
	}
	if m.Gone > 0 {
		fmt.Fprintf(p.stderr, "parley: %d files had no bytes any more and were left out\n", m.Gone)
	}
	_, err = fmt.Fprintf(said, "exported %s\n", moved(m, began))
	return err
}

type importCommand struct {
	File string `arg:"" help:"File that parley export wrote; - is the standard input."`
}

func (c *importCommand) Run(ctx context.Context, p *process, g *Globals) error {
	var in io.Reader = p.stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return err
		}
		defer f.Close()
		in = f
	}
	began, show := time.Now(), newMoving(p, "importing")
	m, err := app.Import(ctx, g.Data, in, show.progress)
	show.clear()
	if err != nil {
		return fmt.Errorf("nothing was imported: %w", plain(err))
	}
	_, err = fmt.Fprintf(p.stdout, "imported %s, epoch %d\n", moved(m, began), m.Epoch)
	return err
}

func moved(m app.Moved, began time.Time) string {
	return fmt.Sprintf("%d users, %d rooms, %d events, %d files in %v", m.Users, m.Rooms, m.Events, m.Files, time.Since(began).Round(time.Millisecond))
}

// moving draws how far an export or import is, on a terminal.
type moving struct {
	doing    string
	to       io.Writer
	terminal bool
	drawn    time.Time
	records  int
}

func newMoving(p *process, doing string) *moving {
	m := &moving{doing: doing, to: p.stderr}
	if f, ok := p.stderr.(*os.File); ok {
		m.terminal = term.IsTerminal(int(f.Fd()))
	}
	return m
}

// progress looks at the clock once in a while: it is called after each of many records.
func (m *moving) progress(count func(kind string) int) {
	if m.records++; !m.terminal || m.records%256 != 0 {
		return
	}
	if now := time.Now(); now.Sub(m.drawn) >= progressPause {
		m.drawn = now
		fmt.Fprintf(m.to, "\r%s: %d users, %d rooms, %d events, %d files ", m.doing, count("user"), count("room"), count("event"), count("file"))
	}
}

func (m *moving) clear() {
	if m.terminal {
		fmt.Fprint(m.to, "\r"+strings.Repeat(" ", 80)+"\r")
	}
}
