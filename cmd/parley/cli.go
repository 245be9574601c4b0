// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"

	"parley/internal/app"
)

// cli is the command line, a field a command.
type cli struct {
	Globals

	Serve    serveCommand    `cmd:"" help:"Run the server."`
	User     userCommands    `cmd:"" help:"Accounts: add, list, passwd, role, remove, import."`
	Token    tokenCommand    `cmd:"" help:"Print an access token for each account, one a line."`
	Setup    setupCommand    `cmd:"" help:"Print a link with which the first administrator can be made in a browser, once."`
	Invite   inviteCommand   `cmd:"" help:"Print an invitation, with which somebody can register."`
	Login    loginCommand    `cmd:"" help:"Log in at a server, for send, tail and chat; the password or a token comes from the standard input, or is asked for."`
	Send     sendCommand     `cmd:"" help:"Send a message."`
	Tail     tailCommand     `cmd:"" help:"Print the messages of a room as they come."`
	Chat     chatCommand     `cmd:"" help:"Chat in the terminal."`
	Backup   backupCommand   `cmd:"" help:"Write a copy of the database, from a running server too."`
	Restore  restoreCommand  `cmd:"" help:"Put a backup in the place of the database; the server must be stopped."`
	Export   exportCommand   `cmd:"" help:"Write a whole server, or one account, as JSON Lines; from a running server too."`
	Import   importCommand   `cmd:"" help:"Make a server's data of what export wrote, in an empty data directory."`
	Bench    benchCommand    `cmd:"" help:"Put load on a running server and report what it costs."`
	Config   configCommand   `cmd:"" help:"Print the configuration that serve would run with, and where each value comes from."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
	Licenses licensesCommand `cmd:"" help:"Print the licences of Parley and of what is in it."`
}

// Globals are the options of every command.
type Globals struct {
	Data       string `name:"data" placeholder:"DIR" help:"Data directory."`
	ConfigFile string `name:"config" placeholder:"FILE" help:"Configuration file, in YAML: names of options with their values."`
}

// newCLI is a command line with the defaults in it.
func newCLI() *cli {
	c := &cli{Globals: Globals{Data: app.DefaultData}}
	c.Serve.Options = serverOptions(app.Default())
	c.Config.Options = serverOptions(app.Default())
	return c
}

// connect finds a way to operate on the data directory. Anything worth a word is logged to the standard error.
func (g *Globals) connect(ctx context.Context, p *process, create bool) (app.Operations, error) {
	log := slog.New(slog.NewTextHandler(p.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return app.Connect(ctx, g.Data, create, log)
}

// operate does something on the data directory, whether a server runs there or not.
func (g *Globals) operate(ctx context.Context, p *process, create bool, do func(ops app.Operations) error) (err error) {
	ops, err := g.connect(ctx, p, create)
	if err != nil {
		return err
	}
	defer func() {
		if closed := ops.Close(); closed != nil && err == nil {
			err = fmt.Errorf("closing the data directory: %w", closed)
		}
	}()
	return do(ops)
}
