// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"time"

	"github.com/google/uuid"

	"parley/internal/admin"
	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/store"
)

// How long Connect waits for a data directory that another process owns without answering: one that starts or stops, or
// another command. It looks again every connectPause.
const (
	connectPatience = 10 * time.Second
	connectPause    = 20 * time.Millisecond
)

// Operations are an operator's, on a data directory, until Close.
type Operations interface {
	admin.Operations
	io.Closer
}

// Connect finds a way to operate on a data directory: through the server that runs on it, or by owning it for the while
// where none runs. A directory that does not exist is made only with create.
func Connect(ctx context.Context, dir string, create bool, log *slog.Logger) (Operations, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && !create {
		return nil, fmt.Errorf("data: there is no directory %s; name the data directory, or run parley serve or parley user add first", dir)
	}
	deadline := time.NewTimer(connectPatience)
	defer deadline.Stop()
	again := time.NewTicker(connectPause)
	defer again.Stop()
	for {
		client, err := admin.Dial(ctx, dir)
		if err == nil {
			return client, nil
		}
		if !errors.Is(err, admin.ErrNotServing) {
			return nil, err
		}
		own, err := openOffline(ctx, dir, log)
		if err == nil {
			return own, nil
		}
		if !errors.Is(err, store.ErrLocked) {
			return nil, err
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, fmt.Errorf("%w (it does not answer on %s)", err, admin.SocketFile)
		}
	}
}

// offline is a data directory that this process owns without serving it.
type offline struct {
	*admin.Direct
	store *store.SQLite
}

func openOffline(ctx context.Context, dir string, log *slog.Logger) (*offline, error) {
	s, err := store.Open(ctx, store.Options{Dir: dir, Logger: log})
	if err != nil {
		return nil, err
	}
	secret, err := auth.LoadSecret(dir)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	service := chat.NewService(s, chat.DefaultLimits(), newID, func() chat.Time { return chat.TimeOf(time.Now()) })
	return &offline{store: s, Direct: operations(s, service, secret, auth.NewPasswords(0, time.Now), auth.NewTokens(secret, time.Now), time.Now)}, nil
}

// Close gives the directory free.
func (o *offline) Close() error { return o.store.Close() }

// operations are the operator's on the parts of a server.
func operations(s *store.SQLite, service *chat.Service, secret auth.Secret, passwords *auth.Passwords, tokens *auth.Tokens, now func() time.Time) *admin.Direct {
	return admin.NewDirect(admin.Parts{
		Service: service, Reader: s, Passwords: passwords, Tokens: tokens, Backup: s.Backup, Now: now,
		Invitations: auth.NewInvitations(secret, now), Setup: auth.NewSetup(secret, service, passwords, now),
		Name: cleanName,
	})
}

// cleanName makes a display name as it is stored, or says what is wrong with it.
func cleanName(name string) (string, error) { return content.CleanName(name, api.MaxNameLength) }

// newID makes a UUIDv7.
func newID() chat.ID { return chat.ID(uuid.Must(uuid.NewV7())) }

// Restored tells what Restore did.
type Restored = store.Restored

// Restore puts a backup in the place of the data, which is kept aside. No server may run on it.
func Restore(ctx context.Context, dir, backup string) (*Restored, error) {
	return store.Restore(ctx, dir, backup, time.Now())
}
