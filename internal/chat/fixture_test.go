// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

// world is a service on a real store, with some accounts and a clock that the test sets.
type world struct {
	*chat.Service
	t     testing.TB
	store *store.SQLite
	clock *storetest.Clock

	mu     sync.Mutex
	ids    uint64
	events map[chat.RoomID][]*chat.Event // committed
}

var people = []chat.UserID{"ann", "bob", "cat", "dan", "eve"}

// root is an administrator, second another one.
const (
	root   chat.UserID = "root"
	second chat.UserID = "second"
)

func newWorld(t testing.TB) *world { return newWorldWith(t, chat.DefaultLimits()) }

// emptyDatabase is the file of a new store, made once: most of the time that a world takes is that of its migrations.
var emptyDatabase = sync.OnceValues(func() (file []byte, err error) {
	dir, err := os.MkdirTemp("", "parley-chat-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := store.Open(context.Background(), store.Options{Dir: dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "parley.db"))
})

func newWorldWith(t testing.TB, limits chat.Limits) *world {
	t.Helper()
	file, err := emptyDatabase()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "parley.db"), file, 0o600); err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, clock: storetest.NewClock(), events: map[chat.RoomID][]*chat.Event{}}
	s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: w.clock.Now, Logger: slog.New(slog.DiscardHandler),
		OnCommit: func(b *chat.Batch) {
			w.mu.Lock()
			for _, e := range b.Events {
				w.events[e.RoomID] = append(w.events[e.RoomID], e)
			}
			w.mu.Unlock()
			b.Resolve()
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w.store = s
	w.Service = chat.NewService(s, limits, w.newID, w.clock.Time)
	for _, u := range people {
		w.CreateUser(chat.NewUser{ID: u, DisplayName: strings.ToUpper(string(u[:1])) + string(u[1:])})
	}
	for _, u := range []chat.UserID{root, second} {
		done(t, w.CreateUser(chat.NewUser{ID: u, Role: chat.RoleAdministrator}))
	}
	return w
}

// newID makes ids that are all different and tell nothing.
func (w *world) newID() chat.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ids++
	var id chat.ID
	copy(id[:], fmt.Sprintf("%016x", w.ids))
	return id
}

// log is what was committed to a room's log, without what the store does to it later.
func (w *world) log(id chat.RoomID) []*chat.Event {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.events[id]
}

// by is a call of a user.
func by(u chat.UserID) chat.Call { return chat.Call{Principal: chat.Principal{UserID: u}} }

// once is a call with a client_msg_id.
func once(u chat.UserID, id string) chat.Call {
	return chat.Call{Principal: chat.Principal{UserID: u}, ClientMsgID: id}
}

func who(u chat.UserID) chat.Principal { return chat.Principal{UserID: u} }

// done waits for a change that has to succeed.
func done[T any](t testing.TB, p *chat.Pending[T]) T {
	t.Helper()
	v, err := p.Wait(t.Context())
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return v
}

// refused waits for a change that has to be refused with a code, and gives the refusal.
func refused[T any](t testing.TB, p *chat.Pending[T], code chat.Code) *chat.Error {
	t.Helper()
	_, err := p.Wait(t.Context())
	return isRefusal(t, err, code)
}

func isRefusal(t testing.TB, err error, code chat.Code) *chat.Error {
	t.Helper()
	e, ok := errors.AsType[*chat.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want a refusal with %s", err, code)
	}
	if e.Message == "" {
		t.Fatalf("the refusal with %s says nothing", code)
	}
	return e
}

func read[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// outcome is a change on its way, of whatever kind: its code, "" for success.
type outcome func() chat.Code

func of[T any](t testing.TB, p *chat.Pending[T]) outcome {
	return func() chat.Code {
		_, err := p.Wait(t.Context())
		return chat.CodeOf(err)
	}
}

func text(s string) chat.NewMessage { return chat.NewMessage{Content: s} }

// act moderates without a duration.
func act(action string, u chat.UserID) chat.Moderation {
	return chat.Moderation{Action: action, User: u}
}

func actFor(action string, u chat.UserID, d time.Duration) chat.Moderation {
	return chat.Moderation{Action: action, User: u, Duration: d, Reason: "why"}
}

// room makes a room whose owner is ann. Nothing is waited for: changes are applied in the order in which they are submitted.
func (w *world) room(id chat.RoomID, private bool, members ...chat.UserID) {
	w.CreateRoom(by("ann"), chat.NewRoom{ID: id, Name: "Room " + string(id), Private: private})
	for _, u := range members {
		if private {
			w.Invite(by("ann"), id, u)
		} else {
			w.Join(by(u), id)
		}
	}
}

// settle waits until everything submitted is durable.
func (w *world) settle() {
	w.t.Helper()
	c := make(chan error, 1)
	w.store.SavePlaces(nil, func(err error) { c <- err })
	if err := <-c; err != nil {
		w.t.Fatal(err)
	}
}

func ptr[T any](v T) *T { return &v }
