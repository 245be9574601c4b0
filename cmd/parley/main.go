// SPDX-License-Identifier: Apache-2.0

// Command parley is a chat server whose native tongue is MQTT, and what its operator needs beside it.
//
//	parley serve                    run the server
//	parley user add alice           make an account; the password comes from the standard input
//	parley token alice              print an access token
//	parley login, send, tail, chat  chat from the command line, on any machine
//
// parley --help lists the rest. Every command takes --data, the data directory. The commands about accounts, backups
// and exports go through the server that runs on it, or do without where none runs.
//
// Options of serve can be given on the command line (--rate-limit 0), in the environment (PARLEY_RATE_LIMIT=0) and in a
// configuration file (rate-limit: 0), of which the former count before the latter.
//
// The exit code is 0 after success, 1 after a failure, and 2 when the command line, the environment or the configuration
// file was wrong.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// The exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// version is set by the linker for releases; see versionOf.
var version string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, &process{args: os.Args[1:], stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, env: os.LookupEnv})
	stop()
	os.Exit(code)
}

// process is what a command has of the process that it runs in.
type process struct {
	args           []string
	stdin          *os.File
	stdout, stderr io.Writer
	env            func(name string) (string, bool)
}

// usageError is a wrong command line, environment or configuration file.
type usageError struct{ err error }

func (e usageError) Error() string { return e.err.Error() }
func (e usageError) Unwrap() error { return e.err }

// errHelped ends parsing once help was printed.
var errHelped = errors.New("help was printed")

// run runs one command line and returns the exit code.
func run(ctx context.Context, p *process) int {
	err := execute(ctx, p)
	switch {
	case err == nil, errors.Is(err, errHelped):
		return exitOK
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(p.stderr, "parley: interrupted")
		return exitFailure
	}
	for _, line := range strings.Split(err.Error(), "\n") {
		fmt.Fprintln(p.stderr, "parley: "+line)
	}
	if _, ok := errors.AsType[usageError](err); ok {
		fmt.Fprintln(p.stderr, "parley: try --help")
		return exitUsage
	}
	return exitFailure
}

func execute(ctx context.Context, p *process) (err error) {
	// Kong ends the process when it has printed help; here it only ends the parsing.
	defer func() {
		if r := recover(); r != nil {
			if r != any(errHelped) {
				panic(r)
			}
			err = errHelped
		}
	}()
	c := newCLI()
	origins := &origins{env: p.env}
	parser, err := kong.New(c,
		kong.Name("parley"),
		kong.Description("A chat server whose native tongue is MQTT. Options of serve can also be given in the environment "+
			"(--rate-limit as PARLEY_RATE_LIMIT) and in a YAML file (rate-limit: 100/60s), see --config."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { panic(errHelped) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 110}),
		kong.ValueFormatter(helpWithDefault),
		kong.PostBuild(showDefaults),
		kong.Bind(p, &c.Globals, origins),
		kong.BindTo(ctx, (*context.Context)(nil)),
	)
	if err != nil {
		return fmt.Errorf("the command line is not well defined: %w", err)
	}
	args := p.args
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		return usageError{origins.explain(err)}
	}
	return parsed.Run()
}
