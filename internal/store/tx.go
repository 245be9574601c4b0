// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"

	"parley/internal/chat"
)

// cacheLimit bounds each of the writer's maps of rooms, members and accounts. Some 300 bytes an entry.
const cacheLimit = 100_000

// tx is the writer's state: the connection, what it keeps in memory, and the running transaction. It implements chat.Tx.
// One goroutine uses it.
type tx struct {
	c     *conn
	limit int // of each map

	rooms   map[chat.RoomID]*room
	byNum   map[int64]*room
	members map[memberKey]*member
	users   map[chat.UserID]*chat.User
	blocks  map[chat.UserID]map[chat.UserID]bool // whom a user has blocked
	push    pushState
	mutes   map[chat.RoomID]map[chat.UserID]chat.Time // the latest mutes in rooms that were joined; nil of one without any
	muted   int                                       // how many these are

	// Of the running transaction:
	now          chat.Time
	dirtyRooms   []*room
	dirtyMembers []*member
	events       []*chat.Event
	writes       int   // counts what was changed, so that a refusal that has written is noticed
	failure      error // the latest failure of the storage
}

var _ chat.Tx = (*tx)(nil)

// room is a room in memory. Its chat.Room is what Tx hands out.
type room struct {
	chat.Room
	cut     uint64    // messages before FirstSeq
	lastAt  chat.Time // of the head
	queued  bool      // in dirtyRooms
	changed bool      // more than the head is to be written
}

type memberKey struct {
	room int64
	user chat.UserID
}

// member is a member in memory.
type member struct {
	chat.Member
	room   int64
	dirty  bool // in dirtyMembers; false again once removed
	marked bool // the read mark is to be written too
}

func newTx(c *conn) *tx {
	t := &tx{c: c, limit: cacheLimit}
	t.forget()
	return t
}

// begin starts applying a batch.
func (t *tx) begin() error {
	t.writes, t.failure = 0, nil
	_, err := t.c.exec("BEGIN IMMEDIATE")
	return t.fail("begin", err)
}

// commit writes what was kept back and makes everything durable.
func (t *tx) commit() error {
	if err := t.flush(); err != nil {
		return err
	}
	if _, err := t.c.exec("COMMIT"); err != nil {
		return t.fail("commit", err)
	}
	t.shrink()
	return nil
}

// rollback undoes everything since begin and forgets all cached state.
func (t *tx) rollback() error {
	t.forget()
	t.events = nil
	// SQLite ends a transaction itself after some failures: then there is nothing to roll back.
	if _, err := t.c.exec("ROLLBACK"); err != nil && !noTransaction(err) {
		return t.fail("roll back", err)
	}
	return nil
}

// forget drops all cached state.
func (t *tx) forget() {
	t.rooms = make(map[chat.RoomID]*room)
	t.byNum = make(map[int64]*room)
	t.members = make(map[memberKey]*member)
	t.users = make(map[chat.UserID]*chat.User)
	t.blocks = make(map[chat.UserID]map[chat.UserID]bool)
	t.push = pushState{}
	t.mutes, t.muted = make(map[chat.RoomID]map[chat.UserID]chat.Time), 0
	t.dirtyRooms, t.dirtyMembers = nil, nil
}

// shrink makes room in maps that have grown over the limit, by dropping a tenth of it, whichever comes first. Nothing is
// dirty between transactions.
func (t *tx) shrink() {
	keep := t.limit - t.limit/10
	if len(t.rooms) > t.limit {
		for id, r := range t.rooms {
			if len(t.rooms) <= keep {
				break
			}
			delete(t.rooms, id)
			delete(t.byNum, r.Num)
		}
	}
	if len(t.members) > t.limit {
		for key := range t.members {
			if len(t.members) <= keep {
				break
			}
			delete(t.members, key)
		}
	}
	if len(t.blocks) > t.limit {
		clear(t.blocks)
	}
	if len(t.mutes)+t.muted > t.limit {
		clear(t.mutes)
		t.muted = 0
	}
	if len(t.push.users)+len(t.push.rooms) > t.limit {
		t.push = pushState{}
	}
	if len(t.users) > t.limit {
		for id := range t.users {
			if len(t.users) <= keep {
				break
			}
			delete(t.users, id)
		}
	}
}

// flush writes the rooms and members that were changed in memory only.
func (t *tx) flush() error {
	for _, r := range t.dirtyRooms {
		if err := t.writeRoom(r); err != nil {
			return err
		}
		r.queued, r.changed = false, false
	}
	t.dirtyRooms = t.dirtyRooms[:0]
	for _, m := range t.dirtyMembers {
		if !m.dirty {
			continue
		}
		write := t.writeSent
		if m.marked {
			write = t.writeMarks
		}
		if err := write(m); err != nil {
			return err
		}
		m.dirty = false
	}
	t.dirtyMembers = t.dirtyMembers[:0]
	return nil
}

// Now implements chat.Tx.
func (t *tx) Now() chat.Time { return t.now }

// fail names what failed in the storage, and remembers it; nil stays nil.
func (t *tx) fail(what string, err error) error {
	if err == nil {
		return nil
	}
	t.failure = fmt.Errorf("store: %s: %w", what, err)
	return t.failure
}

// exec runs a writing statement.
func (t *tx) exec(what, text string, args ...any) error {
	t.writes++
	_, err := t.c.exec(text, args...)
	return t.fail(what, err)
}

// ErrNoRoom is what a change gets that names a room which the store has never had: a fault of the caller.
var ErrNoRoom = errors.New("store: no room of this number")
