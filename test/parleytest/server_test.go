// SPDX-License-Identifier: Apache-2.0

//go:build unix

package parleytest

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// The tests run this test binary in parley's place: fakeParley prints what
// parley prints and listens where it is told.
const fakeVariable = "PARLEYTEST_FAKE"

func TestMain(m *testing.M) {
	if mode := os.Getenv(fakeVariable); mode != "" {
		os.Exit(fakeParley(mode, os.Args[1:]))
	}
	os.Exit(m.Run())
}

func fakeParley(mode string, args []string) int {
	flag := func(name string) string {
		if i := slices.Index(args, name); i >= 0 && i+1 < len(args) {
			return args[i+1]
		}
		return ""
	}
	switch {
	case mode == "broken":
		fmt.Fprintln(os.Stderr, "data: the schema is newer than this program")
		return 3
	case args[0] == "token":
		fmt.Println("token-of-" + args[1] + "-in-" + filepath.Base(flag("--data")))
		return 0
	case args[0] == "user" && args[1] == "add":
		password, err := bufio.NewReader(os.Stdin).ReadString('\n')
		if err != nil || password != "secret\n" {
			fmt.Fprintf(os.Stderr, "user add: password %q: %v\n", password, err)
			return 1
		}
		return 0
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	fmt.Println("parley (a fake)")
	for _, door := range []string{"mqtt", "http"} {
		l, err := net.Listen("tcp", flag("--"+door))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		if door == "http" {
			go func() {
				_ = http.Serve(l, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.Header.Get("Authorization") != "Bearer good" {
						w.WriteHeader(http.StatusUnauthorized)
						_, _ = io.WriteString(w, `{"status":"error","error":{"code":"unauthenticated"}}`)
						return
					}
					fmt.Fprintf(w, `{"status":"joined","path":%q}`, r.URL.Path)
				}))
			}()
		}
		fmt.Printf("%-5s %s://%s/\n", door, map[string]string{"mqtt": "tcp", "http": "http"}[door], l.Addr())
	}
	<-stop
	fmt.Println("stopped")
	if mode == "ends badly" {
		return 5
	}
	return 0
}

func fake(t *testing.T, mode string) *Server {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return New(t, Config{Binary: binary, Env: []string{fakeVariable + "=" + mode}})
}

func TestServerKeepsItsPortsOverKillAndStop(t *testing.T) {
	t.Parallel()
	s := fake(t, "good")
	s.AddUser("bob", "secret")
	s.Start()
	addr, pid := s.Addr("mqtt"), s.PID()
	dial := func() {
		t.Helper()
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	dial()
	s.Kill()
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Fatal("a killed server still accepts connections")
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("process %d after Kill: %v, want no such process", pid, err)
	}
	s.Start()
	dial()
	ended := s.Ended()
	s.Stop()
	<-ended
	if !strings.Contains(s.Log(), "stopped\n") {
		t.Errorf("the last lines are missing in %q", s.Log())
	}
	s.Start()
	if got := s.Addr("mqtt"); got != addr {
		t.Errorf("moved from %s to %s", addr, got)
	}
	if got, want := s.Token("bob"), "token-of-bob-in-data"; got != want {
		t.Errorf("token %q, want %q", got, want)
	}
	if got := s.Post("good", "rooms/join/general", nil)["path"]; got != "/api/v1/rooms/join/general" {
		t.Errorf("posted to %v", got)
	}
	if _, err := s.post("bad", "rooms/join/general", nil); err == nil || !strings.Contains(err.Error(), "unauthenticated") {
		t.Errorf("a refused request gave %v", err)
	}
}

func TestServerFaultsAreTold(t *testing.T) {
	t.Parallel()
	broken := fake(t, "broken")
	if err := broken.start(); err == nil || !strings.Contains(err.Error(), "schema is newer") {
		t.Errorf("start of a broken server: %v", err)
	}
	if _, err := broken.runCommand("", "user", "list"); err == nil || !strings.Contains(err.Error(), "schema is newer") {
		t.Errorf("a failing command: %v", err)
	}
	if err := broken.stop(); err == nil {
		t.Error("stopping what does not run succeeded")
	}
	bad := fake(t, "ends badly")
	bad.Start()
	var exit *exec.ExitError
	if err := bad.stop(); !errors.As(err, &exit) || exit.ExitCode() != 5 {
		t.Errorf("stop of a server with exit code 5: %v", err)
	}
}

func TestParseDoor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ line, door, addr string }{
		{"mqtt  tcp://127.0.0.1:1883", "mqtt", "127.0.0.1:1883"},
		{"  http: http://127.0.0.1:8080/", "http", "127.0.0.1:8080"},
		{"mqtt  tcp://[::1]:1883", "mqtt", "[::1]:1883"},
		{"mqtt  tcp://127.0.0.1:0", "", ""},
		{"mqtt  off", "", ""},
		{"setup  http://%zz", "", ""},
		{"", "", ""},
	} {
		if door, addr, ok := parseDoor(c.line); door != c.door || addr != c.addr || ok != (c.door != "") {
			t.Errorf("parseDoor(%q) = %q, %q, %v", c.line, door, addr, ok)
		}
	}
}
