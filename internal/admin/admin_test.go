// SPDX-License-Identifier: Apache-2.0

package admin_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"parley/internal/admin"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/store"
)

// server is what a running server has, as far as the operator's part goes.
type server struct {
	dir    string
	store  *store.SQLite
	tokens *auth.Tokens
	auth   *auth.Authenticator
	direct *admin.Direct
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{dir: t.TempDir()}
	var err error
	if s.store, err = store.Open(t.Context(), store.Options{Dir: s.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.store.Close(); err != nil {
			t.Error(err)
		}
	})
	newID := func() (id chat.ID) { rand.Read(id[:]); return id }
	service := chat.NewService(s.store, chat.DefaultLimits(), newID, func() chat.Time { return chat.TimeOf(time.Now()) })
	passwords := auth.NewPasswords(0, nil)
	s.tokens = auth.NewTokens(auth.Secret{1}, nil)
	s.auth = auth.NewAuthenticator(s.store, passwords, s.tokens, auth.DefaultLimits(), nil)
	s.direct = admin.NewDirect(admin.Parts{
		Service: service, Reader: s.store, Passwords: passwords, Tokens: s.tokens, Invitations: auth.NewInvitations(auth.Secret{1}, nil), Setup: auth.NewSetup(auth.Secret{1}, service, passwords, nil), Backup: s.store.Backup, Now: time.Now,
		Name: func(name string) (string, error) {
			if strings.Contains(name, "\n") {
				return "", errors.New("contains a line break")
			}
			return strings.TrimSpace(name), nil
		},
	})
	return s
}

// listen opens the socket and dials it.
func (s *server) listen(t *testing.T) *admin.Client {
	t.Helper()
	socket, err := admin.Listen(s.dir, s.direct, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := socket.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	c, err := admin.Dial(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// Both carriers do the same.
func TestOperations(t *testing.T) {
	for name, carrier := range map[string]func(t *testing.T, s *server) admin.Operations{
		"in process": func(_ *testing.T, s *server) admin.Operations { return s.direct },
		"socket":     func(t *testing.T, s *server) admin.Operations { return s.listen(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			ops := carrier(t, s)
			t.Run("accounts", func(t *testing.T) { testAccounts(t, s, ops) })
			t.Run("import", func(t *testing.T) { testImport(t, s, ops) })
			t.Run("backup", func(t *testing.T) { testBackup(t, s, ops) })
		})
	}
}

func testAccounts(t *testing.T, s *server, ops admin.Operations) {
	ctx := t.Context()
	refused := func(what string, err error, code chat.Code, text string) {
		t.Helper()
		if chat.CodeOf(err) != code || !strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v, want %s with %q", what, err, code, text)
		}
	}
	signIn := func(user, password string) chat.Code {
		t.Helper()
		id, err := s.auth.Authenticate(ctx, auth.Credentials{Username: user, Password: password})
		if err == nil && user != "" && id.UserID != chat.UserID(user) {
			t.Errorf("%s came in as %s", user, id.UserID)
		}
		return chat.CodeOf(err)
	}
	u, err := ops.AddUser(ctx, admin.NewUser{ID: "alice", DisplayName: " Alice Ω ", Password: "correct horse", Role: chat.RoleAdministrator})
	if err != nil {
		t.Fatal(err)
	}
	if u.ID != "alice" || u.DisplayName != "Alice Ω" || u.Role != chat.RoleAdministrator || !u.HasPassword || time.Since(u.CreatedAt).Abs() > time.Minute || !u.BannedUntil.IsZero() {
		t.Errorf("made %+v", u)
	}
	if u, err = ops.AddUser(ctx, admin.NewUser{ID: "bob"}); err != nil || u.DisplayName != "bob" || u.Role != chat.RoleUser || u.HasPassword {
		t.Errorf("made %+v, %v", u, err)
	}
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "alice"})
	refused("a name that is taken", err, chat.Conflict, "user_id")
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "Bad Name"})
	refused("a bad name", err, chat.BadRequest, "user_id")
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "carol", Role: "king"})
	refused("a bad role", err, chat.BadRequest, "role")
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "carol", Password: "short"})
	refused("a short password", err, chat.BadRequest, "password")
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "carol", DisplayName: "a\nb"})
	refused("a bad display name", err, chat.BadRequest, "display_name")

	if got := signIn("alice", "correct horse"); got != "" {
		t.Errorf("alice with her password: %s", got)
	}
	tokens, err := ops.Tokens(ctx, []chat.UserID{"bob", "alice"}, admin.NewToken{TTL: time.Hour})
	if err != nil || len(tokens) != 2 {
		t.Fatalf("tokens %d, %v", len(tokens), err)
	}
	if signIn("bob", tokens[0]) != "" || signIn("alice", tokens[1]) != "" {
		t.Error("tokens are not taken")
	}
	if c, err := s.tokens.Verify(tokens[0]); err != nil || c.Expires.Sub(c.IssuedAt) != time.Hour {
		t.Errorf("claims %+v, %v", c, err)
	}
	_, err = ops.Tokens(ctx, []chat.UserID{"alice", "nobody"}, admin.NewToken{})
	refused("a token for nobody", err, chat.NotFound, `"nobody"`)
	_, err = ops.Tokens(ctx, []chat.UserID{"alice"}, admin.NewToken{TTL: time.Millisecond})
	refused("a short token", err, chat.BadRequest, "ttl")
	_, err = ops.Tokens(ctx, []chat.UserID{"alice"}, admin.NewToken{Scopes: []string{"dance"}})
	refused("an unknown scope", err, chat.BadRequest, "scopes")
	_, err = ops.Tokens(ctx, []chat.UserID{"alice"}, admin.NewToken{Name: "a\nb"})
	refused("a name of two lines", err, chat.BadRequest, "name")
	narrow, err := ops.Tokens(ctx, []chat.UserID{"alice"}, admin.NewToken{Name: "sensor", Scopes: []string{"send", "read"}})
	if err != nil {
		t.Fatal(err)
	}
	if c, err := s.tokens.Verify(narrow[0]); err != nil || c.Scopes != auth.ScopeRead|auth.ScopeSend || c.Expires.Sub(c.IssuedAt) != auth.DefaultTokenTTL {
		t.Errorf("claims %+v, %v", c, err)
	}
	if kept, err := s.store.Tokens(ctx, "alice"); err != nil || len(kept) != 2 || kept[1].Name != "sensor" || kept[1].Kind != chat.NamedToken || kept[0].Kind != chat.LoginToken {
		t.Errorf("kept are %+v, %v", kept, err)
	}

	if err := ops.SetPassword(ctx, "alice", "another horse"); err != nil {
		t.Fatal(err)
	}
	if signIn("alice", "correct horse") == "" || signIn("alice", tokens[1]) == "" || signIn("alice", "another horse") != "" {
		t.Error("the new password is not the only way in")
	}
	if err := ops.SetPassword(ctx, "alice", ""); err != nil || signIn("alice", "another horse") == "" {
		t.Errorf("a password taken away still counts (%v)", err)
	}
	refused("a password for nobody", ops.SetPassword(ctx, "nobody", "correct horse"), chat.NotFound, "nobody")
	refused("a short new password", ops.SetPassword(ctx, "alice", "short"), chat.BadRequest, "password")

	_, err = ops.SetUp(ctx, 1000*time.Hour)
	refused("a long permission to set up", err, chat.BadRequest, "ttl")
	_, err = ops.SetUp(ctx, 0)
	refused("a permission to set up beside an administrator", err, chat.Conflict, "administrator")
	if err := ops.SetRole(ctx, "bob", chat.RoleAdministrator); err != nil {
		t.Error(err)
	}
	refused("an unknown role", ops.SetRole(ctx, "bob", "king"), chat.BadRequest, "role")
	refused("a role for nobody", ops.SetRole(ctx, "nobody", chat.RoleUser), chat.NotFound, "nobody")
	list, err := ops.Users(ctx, "")
	if err != nil || len(list) != 2 || list[0].ID != "alice" || list[0].HasPassword || list[1].ID != "bob" || list[1].Role != chat.RoleAdministrator {
		t.Errorf("users %+v, %v", list, err)
	}
	if list, err = ops.Users(ctx, "alice"); err != nil || len(list) != 1 || list[0].ID != "bob" {
		t.Errorf("users after alice %+v, %v", list, err)
	}

	if err := ops.RemoveUser(ctx, "bob"); err != nil {
		t.Error(err)
	}
	if signIn("bob", tokens[0]) == "" {
		t.Error("a removed account's token is taken")
	}
	refused("removing twice", ops.RemoveUser(ctx, "bob"), chat.NotFound, "bob")
	_, err = ops.AddUser(ctx, admin.NewUser{ID: "bob"})
	refused("a removed account's name", err, chat.Conflict, "bob")
	if list, err = ops.Users(ctx, ""); err != nil || len(list) != 1 {
		t.Errorf("users after a removal %+v, %v", list, err)
	}
}

func testImport(t *testing.T, s *server, ops admin.Operations) {
	ctx := t.Context()
	users := make([]admin.NewUser, admin.MaxImport)
	for i := range users {
		users[i].ID = chat.UserID(fmt.Sprintf("user%04d", i))
	}
	users[3].Password = "correct horse"
	users[5].ID = "not valid"
	users[7].ID = users[6].ID
	users[8].Password = "short"
	faults, err := ops.Import(ctx, users)
	if err != nil || len(faults) != len(users) {
		t.Fatalf("%d results, %v", len(faults), err)
	}
	want := map[int]chat.Code{5: chat.BadRequest, 7: chat.Conflict, 8: chat.BadRequest}
	for i, fault := range faults {
		if chat.CodeOf(fault) != want[i] {
			t.Errorf("account %d: %v, want %q", i, fault, want[i])
		}
	}
	if _, err := s.auth.Authenticate(ctx, auth.Credentials{Username: "user0003", Password: "correct horse"}); err != nil {
		t.Errorf("an imported password: %v", err)
	}
	n := 0
	after := chat.UserID("user")
	for {
		page, err := ops.Users(ctx, after)
		if err != nil {
			t.Fatal(err)
		}
		n += len(page)
		if len(page) < admin.MaxPage {
			break
		}
		after = page[len(page)-1].ID
	}
	if n != len(users)-len(want) {
		t.Errorf("%d accounts made, want %d", n, len(users)-len(want))
	}
	if _, err := ops.Import(ctx, make([]admin.NewUser, admin.MaxImport+1)); chat.CodeOf(err) != chat.TooLarge {
		t.Errorf("too many at once: %v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := ops.Import(cancelled, []admin.NewUser{{ID: "late"}}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func testBackup(t *testing.T, s *server, ops admin.Operations) {
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := ops.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("backup %v, %v", info, err)
	}
	if err := ops.Backup(t.Context(), path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("over an existing file: %v", err)
	}
	if err := ops.Backup(t.Context(), "copy.db"); chat.CodeOf(err) != chat.BadRequest {
		t.Errorf("a relative path: %v", err)
	}
	_ = s
}

func TestSocketIsPrivate(t *testing.T) {
	s := newServer(t)
	s.listen(t)
	info, err := os.Stat(filepath.Join(s.dir, admin.SocketFile))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && (info.Mode().Perm() != 0o600 || info.Mode().Type() != fs.ModeSocket) {
		t.Errorf("mode %v, want a socket with 0600", info.Mode())
	}
	left, _ := filepath.Glob(filepath.Join(s.dir, ".admin-*"))
	if len(left) != 0 {
		t.Errorf("left in the data directory: %v", left)
	}
}

func TestDialWithoutServer(t *testing.T) {
	dir := t.TempDir()
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNotServing) {
		t.Errorf("without a socket: %v", err)
	}
	// A socket that a killed process has left.
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(dir, admin.SocketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	if _, err := admin.Dial(t.Context(), dir); !errors.Is(err, admin.ErrNotServing) {
		t.Errorf("with a stale socket: %v", err)
	}
	// The next server takes its place.
	s := newServer(t)
	s.dir = dir
	if _, err := s.listen(t).Users(t.Context(), ""); err != nil {
		t.Errorf("after a stale socket: %v", err)
	}
}

func TestCloseRemovesTheSocket(t *testing.T) {
	s := newServer(t)
	socket, err := admin.Listen(s.dir, s.direct, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if err := socket.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := admin.Dial(t.Context(), s.dir); !errors.Is(err, admin.ErrNotServing) {
		t.Errorf("after Close: %v", err)
	}
}

// Addresses of sockets hold some hundred bytes; data directories may be deeper.
func TestLongPath(t *testing.T) {
	s := newServer(t)
	s.dir = filepath.Join(t.TempDir(), strings.Repeat("deep/", 40))
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	c := s.listen(t)
	if _, err := c.AddUser(t.Context(), admin.NewUser{ID: "alice"}); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(temporary); len(left) != 0 {
		t.Errorf("left in the temporary directory: %v", left)
	}
	t.Setenv("TMPDIR", s.dir)
	if _, err := admin.Dial(t.Context(), s.dir); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("with a long TMPDIR, too: %v", err)
	}
}

// A server of another version answers what it does not know with a plain 404.
func TestUnknownOperation(t *testing.T) {
	s := newServer(t)
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(s.dir, admin.SocketFile), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	old := &http.Server{Handler: http.NotFoundHandler(), ReadHeaderTimeout: time.Second}
	go func() { _ = old.Serve(l) }()
	t.Cleanup(func() { _ = old.Close() })
	c, err := admin.Dial(t.Context(), s.dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Users(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "own version") {
		t.Errorf("%v", err)
	}
}

func TestReadLines(t *testing.T) {
	input := strings.Join([]string{
		`{"user_id":"alice","display_name":"Alice","password":"correct horse","role":"administrator"}`,
		``,
		`  {"user_id":"bob"}  `,
		`{"user_id":"carol","pasword":"secret horse"}`,
		`{"user_id":"dave","password":12345678}`,
		`{"display_name":"Nobody"}`,
		`{"user_id":"erin","user_id":"erin"}`,
		`not JSON: secret horse`,
		`{"user_id":"frank"} {"user_id":"grace"}`,
		`{"user_id":"` + strings.Repeat("x", 70_000) + `"}`,
		`{"user_id":"last"}`,
	}, "\n")
	want := []struct {
		number int
		id     chat.UserID
		text   string
	}{
		{1, "alice", ""}, {3, "bob", ""}, {4, "", "pasword: is not a field"}, {5, "", "password: is not a text"}, {6, "", "user_id: is missing"},
		{7, "", "not one JSON object"}, {8, "", "not one JSON object"}, {9, "", "not one JSON object"}, {10, "", "longer than"}, {11, "last", ""},
	}
	i := 0
	for line := range admin.ReadLines(strings.NewReader(input)) {
		if i == len(want) {
			t.Fatalf("more lines than expected: %+v", line)
		}
		w := want[i]
		i++
		if line.Number != w.number || line.User.ID != w.id || (line.Err == nil) != (w.text == "") {
			t.Errorf("line %+v, want %+v", line, w)
			continue
		}
		if line.Err != nil && (!strings.Contains(line.Err.Error(), w.text) || strings.Contains(line.Err.Error(), "secret") || strings.Contains(line.Err.Error(), "12345678")) {
			t.Errorf("line %d: %v, want %q and no secret", line.Number, line.Err, w.text)
		}
	}
	if i != len(want) {
		t.Errorf("%d lines, want %d", i, len(want))
	}
	for line := range admin.ReadLines(strings.NewReader(input)) {
		if line.Number != 1 {
			t.Error("reading goes on after the loop was left")
		}
		break
	}
	for line := range admin.ReadLines(errReader{}) {
		if !errors.Is(line.Err, errBroken) {
			t.Errorf("%+v", line)
		}
	}
}

var errBroken = errors.New("broken")

type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errBroken }

func FuzzReadLines(f *testing.F) {
	f.Add([]byte("{\"user_id\":\"alice\"}\n\n{\"user_id\":\"bob\",\"password\":\"x\"}"))
	f.Add([]byte("{\n}\n{\"x\":1}\r\n"))
	f.Fuzz(func(t *testing.T, input []byte) {
		last := 0
		for line := range admin.ReadLines(strings.NewReader(string(input))) {
			if line.Number <= last || (line.Err == nil && line.User.ID == "") {
				t.Fatalf("after line %d: %+v", last, line)
			}
			last = line.Number
		}
	})
}

func BenchmarkImport(b *testing.B) {
	dir := b.TempDir()
	s, err := store.Open(b.Context(), store.Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	newID := func() (id chat.ID) { rand.Read(id[:]); return id }
	ops := admin.NewDirect(admin.Parts{
		Service: chat.NewService(s, chat.DefaultLimits(), newID, func() chat.Time { return chat.TimeOf(time.Now()) }), Reader: s,
		Passwords: auth.NewPasswords(0, nil), Tokens: auth.NewTokens(auth.Secret{1}, nil), Invitations: auth.NewInvitations(auth.Secret{1}, nil), Backup: s.Backup, Now: time.Now,
		Name: func(name string) (string, error) { return name, nil },
	})
	n := 0
	for b.Loop() {
		users := make([]admin.NewUser, admin.MaxImport)
		for i := range users {
			users[i].ID = chat.UserID(fmt.Sprintf("user%d", n))
			n++
		}
		faults, err := ops.Import(b.Context(), users)
		if err := errors.Join(append(faults, err)...); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "users/s")
}
