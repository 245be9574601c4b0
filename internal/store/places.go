// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"parley/internal/chat"
)

// operation is a change of the store's own. It goes through the same queue as the domain's.
type operation struct {
	apply  func(*tx) error // may be called twice
	done   func(error)     // may be nil
	weight int             // rows that it writes; 0 is 1
}

// Apply implements chat.Change.
func (o *operation) Apply(t chat.Tx) error {
	own, ok := t.(*tx)
	if !ok {
		return fmt.Errorf("store: an operation of this store was given a %T", t)
	}
	return o.apply(own)
}

// Done implements chat.Change.
func (o *operation) Done(err error) {
	if o.done != nil {
		o.done(err)
	}
}

// placesPerChange bounds how many places one change writes, so that a second's worth of them for thousands of sessions
// does not make one long transaction that everybody else's commit waits for.
const placesPerChange = 512

// LoadPlaces implements chat.Places.
func (s *SQLite) LoadPlaces(ctx context.Context, session int64) (map[int64]uint64, error) {
	found := make(map[int64]uint64)
	err := s.read.rows(ctx, nil, &s.read.placesOf, 2, func(r row) error {
		found[r.int(0)] = r.uint(1)
		return nil
	}, session)
	if err != nil {
		return nil, fmt.Errorf("store: load a session's places: %w", err)
	}
	return found, nil
}

// SavePlaces implements chat.Places. Places of sessions that have ended are passed over. The slice belongs to the store
// until done.
func (s *SQLite) SavePlaces(places []chat.Place, done func(error)) {
	parts := (len(places) + placesPerChange - 1) / placesPerChange
	if parts > 1 {
		done = afterAll(parts, done)
	}
	for range max(parts, 1) {
		part := places[:min(len(places), placesPerChange)]
		places = places[len(part):]
		s.Submit(&operation{done: done, weight: len(part), apply: func(t *tx) error {
			for _, p := range part {
				err := t.exec("save a place", `INSERT INTO places (session, room, seq) SELECT ?1, ?2, ?3
					WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1)
					ON CONFLICT (session, room) DO UPDATE SET seq = max(seq, excluded.seq)`, p.Session, p.Room, int64(p.Seq))
				if err != nil {
					return err
				}
			}
			return nil
		}})
	}
}

// afterAll makes a function that calls done at its nth call, with the errors of all.
func afterAll(n int, done func(error)) func(error) {
	if done == nil {
		return nil
	}
	var left atomic.Int64
	left.Store(int64(n))
	var failed atomic.Pointer[error]
	return func(err error) {
		if err != nil {
			failed.CompareAndSwap(nil, &err)
		}
		if left.Add(-1) != 0 {
			return
		}
		if first := failed.Load(); first != nil {
			err = *first
		}
		done(err)
	}
}

// errNoSession is what changes of a session get that has ended in the meantime.
var errNoSession = chat.Refuse(chat.NotFound, "the session has ended")

// StartPlaces implements chat.Places. A session that has ended in the meantime gets an error.
func (s *SQLite) StartPlaces(session int64, u chat.UserID, done func(map[int64]uint64, error)) {
	var heads map[int64]uint64
	s.Submit(&operation{
		apply: func(t *tx) error {
			heads = make(map[int64]uint64)
			exists, err := t.c.one(func(row) {}, `SELECT 1 FROM sessions WHERE id = ?`, session)
			if err != nil {
				return t.fail("find a session", err)
			}
			if !exists {
				return errNoSession
			}
			if err := t.flush(); err != nil { // the heads that other changes of this batch have moved
				return err
			}
			if err := t.exec("forget a session's places", `DELETE FROM places WHERE session = ?`, session); err != nil {
				return err
			}
			err = t.exec("start a session's places", `INSERT INTO places (session, room, seq)
				SELECT ?, m.room, r.last_seq FROM members m CROSS JOIN rooms r ON r.num = m.room
				WHERE m.user_id = ? AND r.deleted = 0`, session, string(u))
			if err != nil {
				return err
			}
			return t.fail("start a session's places", t.c.query(func(r row) error {
				heads[r.int(0)] = r.uint(1)
				return nil
			}, `SELECT room, seq FROM places WHERE session = ?`, session))
		},
		done: func(err error) {
			if done == nil {
				return
			}
			if err != nil {
				heads = nil
			}
			done(heads, err)
		},
	})
}

// DropPlaces implements chat.Places.
func (s *SQLite) DropPlaces(session int64, done func(error)) {
	s.Submit(&operation{done: done, apply: func(t *tx) error {
		return t.exec("drop a session's places", `DELETE FROM places WHERE session = ?`, session)
	}})
}

// isRefusal tells an orderly refusal from a failure.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*chat.Error](err)
	return ok
}
