// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"parley": main})
}

// TestScripts runs the command as an operator does. Beside testscript's own, the scripts have these commands:
//
//	exits CODE PROGRAM ARGUMENT...   run a program and expect this exit code
//	serve ARGUMENT...                start parley serve and wait until its doors are open; sets HTTP
//	envfile NAME FILE                set a variable to a file's content
//	stop                             ask it to stop and expect exit code 0
//	api STATUS TOKENFILE             call a route over HTTP with the token in a file, and expect this status
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			for i := range e.Vars {
				if strings.HasPrefix(e.Vars[i], envPrefix) {
					e.Vars[i] = "_=" // what the developer has set
				}
			}
			e.Values[serverKey{}] = new(server)
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits": exits, "serve": serve, "stop": stop, "api": api, "envfile": envfile,
		},
	})
}

// command prepares a program in the script's directory and environment.
func command(ts *testscript.TestScript, name string, args ...string) *exec.Cmd {
	path := name
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if found, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			path = found
			break
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "WORK", "SYSTEMROOT", "GOCOVERDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	cmd := command(ts, args[1], args[2:]...)
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	err = cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		ts.Fatalf("%v", err)
	}
	if got := cmd.ProcessState.ExitCode(); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// server is a parley serve that a script has started.
type server struct {
	cmd   *exec.Cmd
	doors map[string]string
	ended chan error
}

type serverKey struct{}

const patience = 30 * time.Second

func serve(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(serverKey{}).(*server)
	if neg || s.cmd != nil {
		ts.Fatalf("usage: serve ARGUMENT..., when none runs")
	}
	cmd := command(ts, "parley", append([]string{"serve", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0"}, args...)...)
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	log := new(strings.Builder)
	cmd.Stderr = log
	ts.Check(cmd.Start())
	s.cmd, s.doors, s.ended = cmd, map[string]string{}, make(chan error, 1)
	ready := make(chan struct{})
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if door, url, ok := strings.Cut(lines.Text(), "  "); ok && s.doors["http"] == "" {
				s.doors[door] = url
				if door == "http" {
					close(ready)
				}
			}
		}
		s.ended <- cmd.Wait()
	}()
	ts.Defer(func() {
		if s.cmd == cmd {
			_ = cmd.Process.Kill()
			if err := <-s.ended; err != nil {
				ts.Logf("serve: %v", err)
			}
		}
	})
	select {
	case <-ready:
		ts.Setenv("HTTP", strings.TrimSuffix(s.doors["http"], "/"))
	case err := <-s.ended:
		s.ended <- err
		ts.Fatalf("serve ended: %v\n%s", err, log)
	case <-time.After(patience):
		ts.Fatalf("the doors are not open after %v", patience)
	}
}

func envfile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: envfile NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}

func stop(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(serverKey{}).(*server)
	if neg || len(args) > 0 || s.cmd == nil {
		ts.Fatalf("usage: stop, when one runs")
	}
	ts.Check(s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-s.ended:
		s.cmd = nil
		ts.Check(err)
	case <-time.After(patience):
		ts.Fatalf("still running %v after SIGTERM", patience)
	}
}

func api(ts *testscript.TestScript, neg bool, args []string) {
	s, _ := ts.Value(serverKey{}).(*server)
	if neg || len(args) != 2 || s.cmd == nil {
		ts.Fatalf("usage: api STATUS TOKENFILE, when a server runs")
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.doors["http"], "/")+"/api/v1/rooms/list", nil)
	ts.Check(err)
	r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(ts.ReadFile(args[1])))
	r.Close = true
	resp, err := http.DefaultClient.Do(r)
	ts.Check(err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	ts.Check(err)
	if strconv.Itoa(resp.StatusCode) != args[0] {
		ts.Fatalf("HTTP %d, want %s: %s", resp.StatusCode, args[0], body)
	}
}

// What is printed as a default is what an unset option gets, and no option of a command is caught by another's
// environment.
func TestEnvironmentIsForServeAlone(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var out, errs strings.Builder
	env := map[string]string{"PARLEY_JSON": "true", "PARLEY_MQTT": "127.0.0.1:1"}
	p := &process{args: []string{"version"}, stdin: null, stdout: &out, stderr: &errs,
		env: func(name string) (string, bool) { v, ok := env[name]; return v, ok }}
	if code := run(t.Context(), p); code != exitOK || !strings.HasPrefix(out.String(), "parley ") {
		t.Errorf("exit code %d, printed %q, %q", code, out.String(), errs.String())
	}
}

func TestBuildOf(t *testing.T) {
	if b := buildOf("v1.2.3", nil); b.Version != "v1.2.3" || b.Go == "" || b.Platform == "" {
		t.Errorf("%+v", b)
	}
	if b := buildOf("", nil); b.Version != "devel" {
		t.Errorf("%+v", b)
	}
}

func TestDurationText(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 720 * time.Hour: "720h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", time.Hour + time.Second: "1h0m1s",
	} {
		got := durationText(d)
		if back, err := time.ParseDuration(got); got != want || err != nil || back != d {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
