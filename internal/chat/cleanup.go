// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// Cleanup is an order to cut what is older than Before from the beginning of logs. It is kept until it is carried out.
type Cleanup struct {
	Num    int64
	Room   int64 // Room.Num; 0 all
	Before Time
}

// CutTx shortens logs.
type CutTx interface {
	// Cut removes events older than before from the beginning of a log, at most most of them, with all that belongs to
	// them but reports that are open, and tells how many they were.
	Cut(r *Room, before Time, most int) (int, error)
	PutCleanup(c *Cleanup) error // gives c.Num
	RemoveCleanup(num int64) error
}

// CutReader finds what is to be cut.
type CutReader interface {
	Cleanups(ctx context.Context) ([]Cleanup, error)
	// OldRooms lists rooms, deleted ones too, by number, whose log begins with an event that is too old.
	OldRooms(ctx context.Context, q OldQuery) ([]OldRoom, error)
	// OldMessages counts the messages of a log that are older than before.
	OldMessages(ctx context.Context, room int64, before Time) (uint64, error)
}

// OldQuery says what is too old: older than Before (0: nothing), and, where Now is not 0, than what the room's own
// retention leaves.
type OldQuery struct {
	Room   int64 // 0: all
	After  int64 // rooms with greater numbers
	Before Time
	Now    Time
	Limit  int
}

// OldRoom is a room and what is too old in it.
type OldRoom struct {
	Num    int64
	ID     RoomID
	Before Time
}

// CleanupRequest says what is to be cut.
type CleanupRequest struct {
	Room      RoomID // empty: all logs
	OlderThan time.Duration
	DryRun    bool // only count
}

// Cleaned is the outcome of a cleanup.
type Cleaned struct {
	Repeat
	RoomID RoomID `json:"room_id,omitempty"`
	Count  uint64 `json:"count"` // messages
}

// Bounds of one step of a cleanup: rooms that are looked at together, and events that one change removes, so that nobody
// waits long for the writer.
const (
	oldRooms  = 64
	cutEvents = 1000
)

// MaxRetention bounds how long a room says that its log is kept, MinRetention how short.
const (
	MinRetention = time.Minute
	MaxRetention = 10 * 365 * 24 * time.Hour
)

// Cleanup cuts what is old from the beginning of logs, for administrators. The order is durable before anything is cut: a
// crash in between only delays the rest, see Retain.
func (s *Service) Cleanup(ctx context.Context, call Call, q CleanupRequest) (Cleaned, error) {
	if q.OlderThan < 0 || q.OlderThan > MaxRetention {
		return Cleaned{}, Refuse(BadRequest, "older_than: must be from 0 to %d seconds", int64(MaxRetention.Seconds()))
	}
	if err := s.administrator(ctx, call.Principal); err != nil {
		return Cleaned{}, err
	}
	order := Cleanup{Before: s.now().Add(-q.OlderThan) + 1} // what is exactly as old goes too
	if q.Room != "" {
		r, err := s.store.ReadRoom(ctx, q.Room)
		if err != nil {
			return Cleaned{}, err
		}
		if r == nil {
			return Cleaned{}, noRoom(q.Room)
		}
		order.Room = r.Num
		if q.OlderThan == 0 { // all that is there, also where the clock was ahead when it was written
			head, err := s.store.Log(ctx, r, LogQuery{From: r.LastSeq, To: r.LastSeq, Limit: 1})
			if err != nil {
				return Cleaned{}, err
			}
			for _, e := range head {
				order.Before = max(order.Before, e.At+1)
			}
		}
	}
	count, err := s.countOld(ctx, order)
	if err != nil || q.DryRun {
		return Cleaned{RoomID: q.Room, Count: count}, err
	}
	parts := []string{string(q.Room), strconv.FormatInt(int64(q.OlderThan), 10)}
	done, err := submit[Cleaned](s, call, scope{}, "cleanup", parts, func(tx Tx, u *User) (Cleaned, error) {
		if u.Role != RoleAdministrator {
			return Cleaned{}, Refuse(Forbidden, "only administrators do that")
		}
		order.Num = 0 // where this is tried again
		if err := tx.PutCleanup(&order); err != nil {
			return Cleaned{}, err
		}
		return Cleaned{RoomID: q.Room, Count: count}, audit(tx, Audited{Actor: u.ID, Action: ActionCleanup, RoomID: q.Room,
			Reason: fmt.Sprintf("older than %d s", int64(q.OlderThan/time.Second))})
	}).Wait(ctx)
	if err != nil || done.Duplicate {
		return done, err
	}
	return done, s.carryOut(ctx, order)
}

// countOld counts the messages that an order removes.
func (s *Service) countOld(ctx context.Context, c Cleanup) (total uint64, err error) {
	err = s.eachOld(ctx, OldQuery{Room: c.Room, Before: c.Before}, func(r OldRoom) error {
		n, err := s.store.OldMessages(ctx, r.Num, c.Before)
		total += n
		return err
	})
	return total, err
}

// eachOld calls f for every room that has something too old.
func (s *Service) eachOld(ctx context.Context, q OldQuery, f func(OldRoom) error) error {
	q.Limit = oldRooms
	for {
		rooms, err := s.store.OldRooms(ctx, q)
		if err != nil {
			return err
		}
		for _, r := range rooms {
			if err := f(r); err != nil {
				return err
			}
			q.After = r.Num
		}
		if len(rooms) < q.Limit {
			return nil
		}
	}
}

// step is the outcome of one step of a cleanup.
type step struct {
	Repeat
	more bool
}

// cut shortens one log, a bounded change after the other.
func (s *Service) cut(ctx context.Context, old OldRoom) error {
	for {
		done, err := administer[step](s, func(tx Tx, _ *User) (step, error) {
			r, err := tx.Room(old.ID)
			if err != nil || r == nil {
				return step{}, err
			}
			n, err := tx.Cut(r, old.Before, cutEvents)
			return step{more: n == cutEvents}, err
		}).Wait(ctx)
		if err != nil || !done.more {
			return err
		}
	}
}

// carryOut does what was ordered, and forgets the order then.
func (s *Service) carryOut(ctx context.Context, c Cleanup) error {
	if err := s.eachOld(ctx, OldQuery{Room: c.Room, Before: c.Before}, func(r OldRoom) error { return s.cut(ctx, r) }); err != nil {
		return err
	}
	_, err := administer[step](s, func(tx Tx, _ *User) (step, error) { return step{}, tx.RemoveCleanup(c.Num) }).Wait(ctx)
	return err
}

// Retain cuts what is older than the server's retention (0: for ever) or than a room's own, and finishes cleanups that
// were interrupted. It is called every now and then.
func (s *Service) Retain(ctx context.Context, retention time.Duration) error {
	orders, err := s.store.Cleanups(ctx)
	if err != nil {
		return err
	}
	for _, c := range orders {
		if err := s.carryOut(ctx, c); err != nil {
			return err
		}
	}
	q := OldQuery{Now: s.now()}
	if retention > 0 {
		q.Before = q.Now.Add(-retention)
	}
	return s.eachOld(ctx, q, func(r OldRoom) error { return s.cut(ctx, r) })
}
