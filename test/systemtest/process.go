// SPDX-License-Identifier: Apache-2.0

//go:build unix

package systemtest

import (
	"bufio"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/push"
)

// serveVariable makes the test binary a server: the data directory.
const serveVariable = "PARLEY_SYSTEMTEST_SERVE"

// HooksVariable lets a child of StartProcess call webhooks on loopback that show a certificate of this PEM file, with the texts of
// messages. It is given as env VARIABLE=FILE before the command line.
const HooksVariable = "PARLEY_SYSTEMTEST_HOOKS"

// ClockVariable names a file with a duration, such as 2m: by how much the clock of a child is ahead when it starts. It is given as
// HooksVariable is.
const ClockVariable = "PARLEY_SYSTEMTEST_CLOCK"

// Main runs the tests of a package, or, in a child of StartProcess, a server. A TestMain passes its result to os.Exit.
func Main(m *testing.M) int {
	dir, child := os.LookupEnv(serveVariable)
	if !child {
		return m.Run()
	}
	if err := serve(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// hello is the line that a child prints when its doors are open.
type hello struct {
	PID   int
	Doors map[string]string
}

func serve(dir string) error {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer cancel()
	c := Config{Dir: dir}
	if file, ok := os.LookupEnv(HooksVariable); ok {
		roots, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		c.Inside.Push = app.PushInside{Loopback: true, Roots: x509.NewCertPool()}
		c.Inside.Push.Roots.AppendCertsFromPEM(roots)
		c.Change = func(c *app.Config) { c.Push.WebhookHosts, c.Push.Text = []string{"127.0.0.1"}, push.TextsAll }
	}
	if file, ok := os.LookupEnv(ClockVariable); ok {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		ahead, err := time.ParseDuration(string(text))
		if err != nil {
			return err
		}
		clock := &Clock{}
		clock.Jump(ahead)
		c.Inside.Now = clock.Now
	}
	a, err := app.NewWith(ctx, settings(c), c.Inside, "test", slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	h := hello{PID: os.Getpid(), Doors: map[string]string{}}
	for _, d := range a.Doors() {
		_, h.Doors[d.Name], _ = strings.Cut(d.URL, "://")
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	fmt.Println(string(line))
	return a.Run(ctx)
}

// Process is a server in a process of its own, without a rate limit.
type Process struct {
	Dir string

	t     testing.TB
	log   *lines
	wrap  []string
	cmd   *exec.Cmd
	said  hello
	ended chan error
}

// StartProcess starts a server on a data directory. wrap, such as a tracer with its options, is put before its command line.
// It has ended when the test ends.
func StartProcess(t testing.TB, dir string, wrap ...string) *Process {
	t.Helper()
	p := &Process{Dir: dir, t: t, log: &lines{}, wrap: wrap}
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the server's log:\n%s", p.log)
		}
	})
	p.Restart()
	return p
}

// Restart starts the server again after Kill or Stop.
func (p *Process) Restart() {
	p.t.Helper()
	out := p.start()
	defer out.Close() // it says nothing more
	text, err := bufio.NewReader(out).ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(text, &p.said)
	}
	if err != nil {
		p.t.Fatalf("the server does not start: %v, %q", err, text)
	}
}

// Stillborn starts the server and kills it after a while, whether its doors are open by then or not.
func (p *Process) Stillborn(after time.Duration) {
	p.t.Helper()
	out := p.start()
	defer out.Close()
	timer := time.NewTimer(after)
	<-timer.C
	p.Kill()
}

func (p *Process) start() (out *os.File) {
	p.t.Helper()
	self, err := os.Executable()
	if err != nil {
		p.t.Fatal(err)
	}
	line := append(append([]string(nil), p.wrap...), self)
	p.cmd = exec.Command(line[0], line[1:]...)
	p.cmd.Env = append(os.Environ(), serveVariable+"="+p.Dir)
	p.cmd.Stderr = p.log
	endWithParent(p.cmd)
	out, in, err := os.Pipe()
	if err != nil {
		p.t.Fatal(err)
	}
	p.cmd.Stdout = in
	err = p.cmd.Start()
	in.Close()
	if err != nil {
		out.Close()
		p.t.Fatal(err)
	}
	p.said = hello{}
	ended, cmd := make(chan error, 1), p.cmd
	p.ended = ended
	go func() { ended <- cmd.Wait() }()
	return out
}

// Addr is the host and port of a door.
func (p *Process) Addr(door string) string { return p.said.Doors[door] }

// Metric reads a metric: the sum over its labels.
func (p *Process) Metric(name string) float64 {
	p.t.Helper()
	return metric(p.t, p.Addr("ops"), name)
}

// Kill ends the server as kill -9 does. Of one that does not run it does nothing.
func (p *Process) Kill() {
	if p.ended == nil {
		return
	}
	if p.said.PID > 0 { // 0 would be everybody in this process group
		_ = syscall.Kill(p.said.PID, syscall.SIGKILL)
	}
	_ = p.cmd.Process.Kill()
	if err := <-p.ended; err == nil {
		p.t.Log("the server had ended by itself before it was killed")
	}
	p.ended = nil
}

// Stop ends the server as an operator does.
func (p *Process) Stop() {
	p.t.Helper()
	if err := syscall.Kill(p.said.PID, syscall.SIGTERM); err != nil {
		p.t.Fatal(err)
	}
	select {
	case err := <-p.ended:
		p.ended = nil
		if err != nil {
			p.t.Fatalf("the server ended with %v", err)
		}
	case <-time.After(patience):
		p.t.Fatal("the server does not stop")
	}
}

// AddUsers makes accounts and returns an access token of each.
func (p *Process) AddUsers(names ...string) (tokens map[string]string) {
	p.t.Helper()
	err := operate(p.Dir, func(ctx context.Context, ops app.Operations) (err error) {
		tokens, err = addUsers(ctx, ops, names)
		return err
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return tokens
}

// Number reads a number from the environment.
func Number(t testing.TB, variable string, otherwise int) int {
	text, ok := os.LookupEnv(variable)
	if !ok {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s=%q is not a number", variable, text)
	}
	return n
}

// Missing ends a test that the machine cannot run: loudly on a developer's, as a failure in continuous integration.
func Missing(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("NOT TESTED: %s", what)
	}
	t.Skipf("SKIPPED, NOT TESTED: %s", what)
}
