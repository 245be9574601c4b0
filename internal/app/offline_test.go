// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/admin"
	"parley/internal/chat"
	"parley/internal/store"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestConnectOwnsTheDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Connect(t.Context(), dir, false, quiet()); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("a directory that is not there: %v", err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("the directory was made")
	}
	ops, err := Connect(t.Context(), dir, true, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ops.AddUser(t.Context(), admin.NewUser{ID: "alice", DisplayName: "  Alice\u00a0B ", Password: "correct horse"}); err != nil {
		t.Error(err)
	}
	if _, err := ops.AddUser(t.Context(), admin.NewUser{ID: "bob", DisplayName: "a\nb"}); chat.CodeOf(err) != chat.BadRequest {
		t.Errorf("a display name of two lines: %v", err)
	}
	before, err := ops.Tokens(t.Context(), []chat.UserID{"alice"}, admin.NewToken{})
	if err != nil {
		t.Error(err)
	}
	if err := ops.Close(); err != nil {
		t.Error(err)
	}
	if ops, err = Connect(t.Context(), dir, false, quiet()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ops.Close() })
	users, err := ops.Users(t.Context(), "")
	if err != nil || len(users) != 1 || users[0].DisplayName != "Alice B" {
		t.Errorf("%+v, %v", users, err)
	}
	if len(before) != 1 || before[0] == "" {
		t.Errorf("tokens %q", before)
	}
}

// A server that runs, and a command that comes while another one works, are both waited for and used.
func TestConnectWaitsForTheOwner(t *testing.T) {
	dir := t.TempDir()
	own, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	connected := make(chan error, 1)
	go func() {
		ops, err := Connect(context.Background(), dir, false, quiet())
		if err == nil {
			err = ops.Close()
		}
		connected <- err
	}()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Connect(cancelled, dir, false, quiet()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := own.Close(); err != nil {
		t.Error(err)
	}
	if err := <-connected; err != nil {
		t.Errorf("after the owner has gone: %v", err)
	}
}

func TestConnectGivesUp(t *testing.T) {
	dir := t.TempDir()
	own, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Close() })
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := Connect(t.Context(), dir, false, quiet())
		if !errors.Is(err, store.ErrLocked) || !strings.Contains(err.Error(), admin.SocketFile) {
			t.Errorf("%v", err)
		}
		if waited := time.Since(began); waited != connectPatience {
			t.Errorf("waited %v, want %v", waited, connectPatience)
		}
	})
}

// A failure half way gives back what was opened: the next start finds the directory free.
func TestNewFailsCleanly(t *testing.T) {
	dir := t.TempDir()
	cfg := Default()
	cfg.Data, cfg.Listen.MQTT, cfg.Listen.HTTP = dir, "127.0.0.1:0", "127.0.0.1:0"
	if err := os.WriteFile(filepath.Join(dir, "secret.key"), []byte("too short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(t.Context(), cfg, "test", quiet()); err == nil || !strings.Contains(err.Error(), "secret.key") {
		t.Errorf("with a damaged secret: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "secret.key")); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), cfg, "test", quiet())
	if err != nil {
		t.Fatal(err)
	}
	client, err := Connect(t.Context(), dir, false, quiet())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := client.(*admin.Client); !ok {
		t.Errorf("connected through %T, want the server's socket", client)
	}
	_ = client.Close()
	other := cfg
	other.Data = dir
	if _, err := New(t.Context(), other, "test", quiet()); !errors.Is(err, store.ErrLocked) {
		t.Errorf("a second server: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
}
