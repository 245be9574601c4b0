// SPDX-License-Identifier: Apache-2.0

// Package systemtest runs a whole server for tests, and devices that chat with it over MQTT.
//
//	s := systemtest.Start(t, systemtest.Config{})
//	alice, bob := s.Device(t, "alice"), s.Device(t, "bob")
//	alice.Do("rooms/create", `{"room_id":"r","name":"R"}`)
//	bob.Do("rooms/join/r", "")
//	alice.Say("r", "hello")
//	bob.Next(systemtest.Says("hello"))
//
// Start runs it in the test's own process, where a test has the clock in its hand; StartProcess in one of its own, which can be
// killed and traced: a child that runs the same test binary, so that a package which uses it calls Main in its TestMain.
package systemtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/admin"
	"parley/internal/app"
	"parley/internal/chat"
)

// Root is an administrator on every server of a test.
const Root = "root"

// Config says what is special about a server. The zero value has no rate limit, and the users alice, bob, carol and Root.
type Config struct {
	Users  []string          // instead of alice, bob and carol
	Change func(*app.Config) // nil: nothing
	Inside app.Inside
	Dir    string // "": one that the test removes
}

// Server is a running server.
type Server struct {
	Dir string

	t      testing.TB
	config Config
	log    *lines
	doors  map[string]string // host and port by name
	app    *app.App
	stop   func() error
	tokens map[string]string
}

// Start runs a server until the end of the test.
func Start(t testing.TB, c Config) *Server {
	t.Helper()
	if c.Dir == "" {
		c.Dir = Dir(t)
	}
	s := &Server{Dir: c.Dir, t: t, config: c, log: &lines{}, tokens: map[string]string{}}
	t.Cleanup(func() {
		s.Stop()
		if t.Failed() {
			t.Logf("the server's log:\n%s", s.log)
		}
	})
	s.Restart()
	s.AddUsers()
	return s
}

// Dir makes a data directory with a short name: the path of the admin socket has to fit into a socket address.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "parley")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func settings(c Config) app.Config {
	cfg := app.Default()
	cfg.Data = c.Dir
	cfg.Listen = app.Listen{MQTT: "127.0.0.1:0", MQTTS: app.Off, HTTP: "127.0.0.1:0", Ops: "127.0.0.1:0"}
	cfg.Access.RateLimit = app.Rate{}
	if c.Change != nil {
		c.Change(&cfg)
	}
	return cfg
}

// Restart stops the server, if it runs, as an operator does, and starts it on the same data.
func (s *Server) Restart() {
	s.t.Helper()
	s.Stop()
	log := slog.New(slog.NewTextHandler(s.log, nil))
	a, err := app.NewWith(s.t.Context(), settings(s.config), s.config.Inside, "test", log)
	if err != nil {
		s.t.Fatal(err)
	}
	s.app, s.doors = a, addresses(s.t, a.Doors())
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	s.stop = func() error {
		cancel()
		return <-ended
	}
}

func addresses(t testing.TB, doors []app.Door) map[string]string {
	out := map[string]string{}
	for _, d := range doors {
		u, err := url.Parse(d.URL)
		if err != nil {
			t.Fatal(err)
		}
		out[d.Name] = u.Host
	}
	return out
}

// Stop stops the server as an operator does.
func (s *Server) Stop() {
	s.t.Helper()
	if s.stop == nil {
		return
	}
	stop := s.stop
	s.stop = nil
	if err := stop(); err != nil {
		s.t.Errorf("stopping the server: %v", err)
	}
}

// Addr is the host and port of a door: mqtt, http or ops.
func (s *Server) Addr(door string) string { return s.doors[door] }

// Operate gives an operator's access.
func (s *Server) Operate(f func(ctx context.Context, ops app.Operations) error) {
	s.t.Helper()
	if err := operate(s.Dir, f); err != nil {
		s.t.Fatal(err)
	}
}

func operate(dir string, f func(ctx context.Context, ops app.Operations) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ops, err := app.Connect(ctx, dir, true, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer ops.Close()
	return f(ctx, ops)
}

// AddUsers makes the accounts. They sign in with tokens.
func (s *Server) AddUsers() {
	s.t.Helper()
	s.Operate(func(ctx context.Context, ops app.Operations) (err error) {
		s.tokens, err = addUsers(ctx, ops, s.config.Users)
		return err
	})
}

func addUsers(ctx context.Context, ops app.Operations, names []string) (tokens map[string]string, err error) {
	if names == nil {
		names = []string{"alice", "bob", "carol"}
	}
	users := []admin.NewUser{{ID: Root, Role: chat.RoleAdministrator}}
	ids := []chat.UserID{Root}
	for _, n := range names {
		users = append(users, admin.NewUser{ID: chat.UserID(n), DisplayName: strings.ToUpper(n[:1]) + n[1:]})
		ids = append(ids, chat.UserID(n))
	}
	faults, err := ops.Import(ctx, users)
	if err != nil {
		return nil, err
	}
	for _, err := range faults {
		if err != nil && !admin.Exists(err) {
			return nil, err
		}
	}
	signed, err := ops.Tokens(ctx, ids, admin.NewToken{})
	if err != nil {
		return nil, err
	}
	tokens = map[string]string{}
	for i, id := range ids {
		tokens[string(id)] = signed[i]
	}
	return tokens, nil
}

// Token is an access token of a user.
func (s *Server) Token(user string) string {
	s.t.Helper()
	token, ok := s.tokens[user]
	if !ok {
		s.t.Fatalf("there is no user %q on this server", user)
	}
	return token
}

// ShortToken is an access token that ends after a while.
func (s *Server) ShortToken(user string, ttl time.Duration) (token string) {
	s.t.Helper()
	s.Operate(func(ctx context.Context, ops app.Operations) error {
		tokens, err := ops.Tokens(ctx, []chat.UserID{chat.UserID(user)}, admin.NewToken{TTL: ttl})
		if err == nil {
			token = tokens[0]
		}
		return err
	})
	return token
}

// Metric reads a metric of the server: the sum over its labels.
func (s *Server) Metric(name string) float64 {
	s.t.Helper()
	return metric(s.t, s.Addr("ops"), name)
}

func metric(t testing.TB, addr, name string) (sum float64) {
	t.Helper()
	response, err := http.Get("http://" + addr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := false
	for line := range strings.Lines(string(text)) {
		rest, ok := strings.CutPrefix(line, "parley_"+name)
		if !ok || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			t.Fatalf("metric %q: %v", line, err)
		}
		sum += v
		found = true
	}
	if !found {
		t.Logf("there is no metric parley_%s yet", name)
	}
	return sum
}

// Until asks for a metric until it has come to something. There is no event to wait for: it is the server's own view.
func (s *Server) Until(name string, enough func(float64) bool) {
	s.t.Helper()
	eventually(s.t, "metric "+name, func() bool { return enough(s.Metric(name)) })
}

func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	deadline := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !cond() {
		select {
		case <-again.C:
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// Log is what the server has logged.
func (s *Server) Log() string { return s.log.String() }

// lines is a log that many may write.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is the end of the log.
func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.b.Bytes()
	const most = 16 << 10
	if len(b) > most {
		return fmt.Sprintf("(%d bytes before)\n%s", len(b)-most, b[len(b)-most:])
	}
	return string(b)
}
