// SPDX-License-Identifier: Apache-2.0

package parleytest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// How long a server may take, generous for a busy machine.
const (
	startLimit = 30 * time.Second
	stopLimit  = 30 * time.Second
	runLimit   = 60 * time.Second // a command such as user add
)

// Config says how a server is run.
type Config struct {
	// Binary is the path of parley, from Build.
	Binary string
	// Data is the data directory; empty makes one that ends with the test.
	Data string
	// Args are further arguments of serve, after those that Start gives:
	// --data, --mqtt and --http on free loopback ports, --rate-limit 0.
	Args []string
	// Env are further variables of the environment, as NAME=value.
	Env []string
}

// Server is one parley process after the other on one data directory. Its
// methods belong to the test's goroutine, except Addr, PID and Log.
type Server struct {
	t   testing.TB
	cfg Config
	log output

	mu    sync.Mutex
	run   *running          // nil while no process runs
	doors map[string]string // door -> host:port, kept for the next start
}

// running is one process.
type running struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when the process has been waited for
	err   error         // of Wait; read it after ended
}

// New prepares a server and does not start it.
func New(t testing.TB, cfg Config) *Server {
	t.Helper()
	if cfg.Data == "" {
		cfg.Data = filepath.Join(t.TempDir(), "data")
	}
	s := &Server{t: t, cfg: cfg, doors: map[string]string{"mqtt": "127.0.0.1:0", "http": "127.0.0.1:0"}}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the server printed:\n%s", s.Log())
		}
	})
	return s
}

// Start runs serve and returns when every door that was asked for is open.
// The first start takes free ports, later ones the same ports again.
func (s *Server) Start() {
	s.t.Helper()
	if err := s.start(); err != nil {
		s.t.Fatalf("starting parley: %v", err)
	}
}

func (s *Server) start() error {
	if s.current() != nil {
		return errors.New("it is running; Stop or Kill it first")
	}
	s.mu.Lock()
	doors := maps.Clone(s.doors)
	s.mu.Unlock()
	args := []string{"serve", "--data", s.cfg.Data, "--mqtt", doors["mqtt"], "--http", doors["http"], "--rate-limit", "0"}
	cmd := s.command(append(args, s.cfg.Args...))
	// Wait closes a StdoutPipe too early for the last lines; a pipe of our
	// own ends when the process has.
	reader, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("making a pipe: %w", err)
	}
	cmd.Stdout, cmd.Stderr = writer, &s.log
	fmt.Fprintf(&s.log, "--- parley %s\n", strings.Join(cmd.Args[1:], " "))
	err = cmd.Start()
	writer.Close() // the process has its own copy
	if err != nil {
		reader.Close()
		return err
	}

	p := &running{cmd: cmd, ended: make(chan struct{})}
	opened := make(chan map[string]string, 1)
	read := make(chan struct{})
	go func() {
		defer close(read)
		defer reader.Close()
		readDoors(io.TeeReader(reader, &s.log), opened)
	}()
	go func() {
		p.err = cmd.Wait()
		<-read
		close(p.ended)
	}()

	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	select {
	case found := <-opened:
		s.mu.Lock()
		s.run, s.doors = p, found
		s.mu.Unlock()
		return nil
	case <-p.ended:
		return errors.Join(fmt.Errorf("it ended before its doors were open and printed:\n%s", s.Log()), p.err)
	case <-ctx.Done():
		endProcess(p)
		return fmt.Errorf("its doors were not open after %v; it printed:\n%s", startLimit, s.Log())
	}
}

// readDoors reads what serve prints until its end, and sends the doors once
// both that every test asks for, mqtt and http, have been named.
func readDoors(r io.Reader, opened chan<- map[string]string) {
	doors := map[string]string{}
	lines := bufio.NewScanner(r)
	for sent := false; lines.Scan(); {
		if door, addr, ok := parseDoor(lines.Text()); ok {
			doors[door] = addr
		}
		if !sent && doors["mqtt"] != "" && doors["http"] != "" {
			sent = true
			opened <- maps.Clone(doors)
		}
	}
	_, _ = io.Copy(io.Discard, r) // after a line too long to scan
}

// parseDoor reads one line of what serve prints at its start:
//
//	mqtt  tcp://127.0.0.1:1883
//	http  http://127.0.0.1:8080/
func parseDoor(line string) (door, addr string, ok bool) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return "", "", false
	}
	u, err := url.Parse(fields[1])
	if err != nil || u.Scheme == "" {
		return "", "", false
	}
	if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "0" {
		return "", "", false
	}
	return strings.TrimSuffix(fields[0], ":"), u.Host, true
}

// Addr returns host:port of a door of the running server, or of the last one.
func (s *Server) Addr(door string) string {
	s.mu.Lock()
	addr := s.doors[door]
	s.mu.Unlock()
	if addr == "" || strings.HasSuffix(addr, ":0") {
		s.t.Errorf("the server has no door %q", door)
	}
	return addr
}

// PID returns the process id of the running server, 0 when none runs.
func (s *Server) PID() int {
	if p := s.current(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}

// Data returns the data directory.
func (s *Server) Data() string { return s.cfg.Data }

// Log returns what all processes of this server printed so far.
func (s *Server) Log() string { return s.log.String() }

// Kill ends the process at once (SIGKILL) and waits until it is gone.
func (s *Server) Kill() {
	s.t.Helper()
	if !s.kill() {
		s.t.Fatal("killing parley: it is not running")
	}
}

func (s *Server) kill() bool {
	p := s.take()
	if p == nil {
		return false
	}
	endProcess(p)
	return true
}

func endProcess(p *running) {
	_ = p.cmd.Process.Kill() // an error says that it has ended already
	<-p.ended
}

// Stop asks the process to end (SIGTERM), waits, and fails the test unless it
// ends with exit code 0 in time.
func (s *Server) Stop() {
	s.t.Helper()
	if err := s.stop(); err != nil {
		s.t.Fatalf("stopping parley: %v", err)
	}
}

func (s *Server) stop() error {
	p := s.take()
	if p == nil {
		return errors.New("it is not running")
	}
	if err := askToEnd(p.cmd.Process); err != nil {
		endProcess(p)
		return errors.Join(fmt.Errorf("it could not be asked to end: %w", err), p.err)
	}
	limit := time.NewTimer(stopLimit)
	defer limit.Stop()
	select {
	case <-p.ended:
		if p.err != nil {
			return fmt.Errorf("it did not end well: %w", p.err)
		}
		return nil
	case <-limit.C:
		endProcess(p)
		return fmt.Errorf("it was still running %v after SIGTERM", stopLimit)
	}
}

// Ended is closed when the running process has ended by itself or otherwise.
func (s *Server) Ended() <-chan struct{} {
	if p := s.current(); p != nil {
		return p.ended
	}
	closed := make(chan struct{})
	close(closed)
	return closed
}

func (s *Server) current() *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.run
}

func (s *Server) take() *running {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.run
	s.run = nil
	return p
}

// Run runs another parley command on the same data directory, whether the
// server runs or not, and returns its standard output. --data is appended.
func (s *Server) Run(stdin string, args ...string) string {
	s.t.Helper()
	out, err := s.runCommand(stdin, args...)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

func (s *Server) runCommand(stdin string, args ...string) (string, error) {
	cmd := s.command(append(args, "--data", s.cfg.Data))
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return "", fmt.Errorf("parley %s: %w", strings.Join(args, " "), err)
	}
	limit := time.AfterFunc(runLimit, func() { _ = cmd.Process.Kill() })
	defer limit.Stop()
	if err := cmd.Wait(); err != nil {
		return "", fmt.Errorf("parley %s: %w\n%s%s", strings.Join(args, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String(), nil
}

// command prepares the binary; a child does not outlive the test process
// where the system can see to that.
func (s *Server) command(args []string) *exec.Cmd {
	cmd := exec.Command(s.cfg.Binary, args...)
	cmd.Env = append(os.Environ(), s.cfg.Env...)
	dieWithParent(cmd)
	return cmd
}

// output collects what processes print, for use by several goroutines.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}
