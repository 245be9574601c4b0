// SPDX-License-Identifier: Apache-2.0

// Package storetest is what every store has to do: one suite of tests for the ports of chat and of mqtt, run on each
// implementation.
package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
)

// Store is an implementation under test.
type Store interface {
	chat.Store
	mqtt.SessionStore
	Close() error
}

// Options are what a store is opened with.
type Options struct {
	Now      func() time.Time
	OnCommit func(*chat.Batch)
}

// Factory makes a new, empty database and returns what opens it: again and again, each time after the store before was
// closed.
type Factory func(t *testing.T) func(Options) Store

// Run runs the whole suite.
func Run(t *testing.T, f Factory) {
	for _, s := range []struct {
		name string
		test func(*testing.T, Factory)
	}{
		{"Rooms", rooms}, {"PublicRooms", publicRooms}, {"Policy", policy},
		{"Members", members}, {"Seniority", seniority}, {"Bans", bans}, {"Mutes", mutes}, {"Unread", unread}, {"Marks", marks}, {"Cuts", cuts}, {"Presences", presences},
		{"Users", users}, {"CreateUser", createUser}, {"ManyUsers", manyUsers}, {"Blocks", blocks}, {"Tokens", tokens}, {"Hooks", hooks}, {"Stats", stats}, {"Followers", followers},
		{"Files", files}, {"Pushes", pushes}, {"PushSlots", pushSlots}, {"PushEndpoints", endpoints}, {"Watchers", watchers}, {"QuietHours", quietHours},
		{"Append", appending}, {"Events", everyField}, {"LogQueries", logQueries}, {"Before", before},
		{"ClockJumps", clockJumps}, {"Messages", messages},
		{"Replaced", replaced}, {"Reactions", reactions}, {"Pins", pinned}, {"Reports", reports}, {"Threads", threads}, {"Answers", answers},
		{"Requests", requests}, {"Packets", packets},
		{"Sessions", sessions}, {"SessionExpiry", sessionExpiry}, {"SessionEnd", sessionEnd},
		{"Places", places}, {"StartPlacesInOrder", startPlacesInOrder}, {"ManyPlaces", manyPlaces},
		{"Order", order}, {"Refusals", refusals}, {"Poison", poison}, {"CloseDrains", closeDrains},
		{"Reopen", reopen},
	} {
		t.Run(s.name, func(t *testing.T) { s.test(t, f) })
	}
}

// Clock is a clock that tests set.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock starts at a fixed moment.
func NewClock() *Clock { return &Clock{now: time.UnixMilli(1_800_000_000_000)} }

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Add moves the clock, back too.
func (c *Clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Time is the clock in milliseconds.
func (c *Clock) Time() chat.Time { return chat.TimeOf(c.Now()) }

// Change is a change made of functions.
type Change struct {
	Do   func(chat.Tx) error
	Then func(error)
}

// Apply implements chat.Change.
func (c *Change) Apply(tx chat.Tx) error { return c.Do(tx) }

// Done implements chat.Change.
func (c *Change) Done(err error) {
	if c.Then != nil {
		c.Then(err)
	}
}

// Try submits a change and waits for its outcome.
func Try(s chat.Writer, do func(chat.Tx) error) error {
	done := make(chan error, 1)
	s.Submit(&Change{Do: do, Then: func(err error) { done <- err }})
	return <-done
}

// Do submits a change that has to succeed.
func Do(t testing.TB, s chat.Writer, do func(chat.Tx) error) {
	t.Helper()
	if err := Try(s, do); err != nil {
		t.Fatalf("the change failed: %v", err)
	}
}

// wait waits for a done function to be called.
func wait(t testing.TB, start func(done func(error))) {
	t.Helper()
	done := make(chan error, 1)
	start(func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatalf("the change failed: %v", err)
	}
}

// opened is a new store with a clock.
func opened(t *testing.T, f Factory) (Store, *Clock) {
	t.Helper()
	clock := NewClock()
	s := f(t)(Options{Now: clock.Now})
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s, clock
}

// NewRoom makes a room with members; the first is its owner.
func NewRoom(t testing.TB, s chat.Writer, r chat.Room, users ...chat.UserID) *chat.Room {
	t.Helper()
	if r.Kind == 0 {
		r.Kind = chat.PublicRoom
	}
	Do(t, s, func(tx chat.Tx) error {
		if err := tx.CreateRoom(&r); err != nil {
			return err
		}
		for i, u := range users {
			role := chat.RoleMember
			if i == 0 {
				role = chat.RoleOwner
			}
			if err := tx.PutMember(&r, &chat.Member{User: u, Role: role, JoinedSeq: 1, JoinedAt: tx.Now()}); err != nil {
				return err
			}
		}
		return nil
	})
	return &r
}

// NewUser makes an account.
func NewUser(t testing.TB, s chat.Writer, id chat.UserID, name string) {
	t.Helper()
	Do(t, s, func(tx chat.Tx) error {
		return tx.CreateUser(&chat.User{ID: id, DisplayName: name, Role: chat.RoleUser})
	})
}

// ErrNotThere is what Say gets without the room or the member.
var ErrNotThere = errors.New("no such room or member")

// Say appends a text message as a sender does, inside a change.
func Say(tx chat.Tx, room chat.RoomID, u chat.UserID, id chat.ID, text string) (*chat.Event, error) {
	r, err := tx.Room(room)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, ErrNotThere
	}
	m, err := tx.Member(r, u)
	if err != nil {
		return nil, err
	}
	if m == nil {
		return nil, ErrNotThere
	}
	e := &chat.Event{Kind: chat.Text, Actor: u, MessageID: id, Content: text}
	if err := tx.Append(r, e); err != nil {
		return nil, err
	}
	return e, tx.SetSent(r, m, e.Seq, e.At)
}

// id is a message id made of a number.
func id(n int) (id chat.ID) {
	copy(id[:], fmt.Sprintf("%016d", n))
	return id
}

// same fails unless got is want. It goes on, because changes run on the writer's goroutine, which a test must not end.
func same[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is\n%+v, want\n%+v", what, got, want)
	}
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
