// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"strings"

	"parley/internal/chat"
)

// maxRooms is what log.pos has bits for.
const maxRooms = 1<<27 - 1

const roomColumns = `r.num, r.id, r.kind, r.name, r.description, r.created_by, r.created_at, r.max_members, r.slow_mode,
	r.read_only, r.locked, r.history, r.deleted, r.first_seq, r.cut_count, r.last_seq, r.count, r.last_at,
	r.member_count, r.policy, r.retention`

const roomWidth = 21

// readRoom reads roomColumns.
func readRoom(r row) *room {
	return &room{
		Room: chat.Room{
			Num:         r.int(0),
			ID:          chat.RoomID(r.text(1)),
			Kind:        chat.RoomKind(r.int(2)),
			Name:        r.text(3),
			Description: r.text(4),
			CreatedBy:   chat.UserID(r.text(5)),
			CreatedAt:   chat.Time(r.int(6)),
			MaxMembers:  int(r.int(7)),
			SlowMode:    int(r.int(8)),
			ReadOnly:    r.bool(9),
			Locked:      r.bool(10),
			History:     chat.Visibility(r.text(11)),
			Deleted:     r.bool(12),
			FirstSeq:    r.uint(13),
			LastSeq:     r.uint(15),
			Count:       r.uint(16),
			MemberCount: int(r.int(18)),
			Policy:      r.int(19),
			Retention:   int(r.int(20)),
		},
		cut:    r.uint(14),
		lastAt: chat.Time(r.int(17)),
	}
}

// fold is the form in which names are searched.
func fold(id, name string) string { return strings.ToLower(id) + "\n" + strings.ToLower(name) }

// Room implements chat.RoomTx.
func (t *tx) Room(id chat.RoomID) (*chat.Room, error) {
	if r, ok := t.rooms[id]; ok {
		return &r.Room, nil
	}
	r, err := t.loadRoom(`SELECT `+roomColumns+` FROM rooms r WHERE r.id = ?`, string(id))
	if r == nil || err != nil {
		return nil, err
	}
	return &r.Room, nil
}

func (t *tx) loadRoom(query string, arg any) (*room, error) {
	var found *room
	if _, err := t.c.one(func(r row) { found = readRoom(r) }, query, arg); err != nil {
		return nil, t.fail("read a room", err)
	}
	if found != nil {
		t.rooms[found.ID], t.byNum[found.Num] = found, found
	}
	return found, nil
}

// numbered finds the cached room of that number, loading it when it is not there.
func (t *tx) numbered(num int64) (*room, error) {
	if r, ok := t.byNum[num]; ok {
		return r, nil
	}
	r, err := t.loadRoom(`SELECT `+roomColumns+` FROM rooms r WHERE r.num = ?`, num)
	if err == nil && r == nil {
		err = fmt.Errorf("%w: %d", ErrNoRoom, num)
	}
	return r, err
}

// touch notes that r has to be written before the commit; changed, that it is more than its head.
func (t *tx) touch(r *room, changed bool) {
	t.writes++
	r.changed = r.changed || changed
	if !r.queued {
		r.queued = true
		t.dirtyRooms = append(t.dirtyRooms, r)
	}
}

// CreateRoom implements chat.RoomTx. The log begins empty whatever r says of it.
func (t *tx) CreateRoom(r *chat.Room) error {
	_, err := t.createRoom(r)
	return err
}

func (t *tx) createRoom(r *chat.Room) (*room, error) {
	r.FirstSeq, r.LastSeq, r.Count = 1, 0, 0
	if r.CreatedAt == 0 {
		r.CreatedAt = t.now
	}
	if r.History == "" {
		r.History = chat.VisibleShared
	}
	t.writes++
	num, err := t.c.insert(`INSERT INTO rooms (id, kind, name, description, created_by, created_at, max_members, slow_mode,
			read_only, locked, history, deleted, first_seq, cut_count, last_seq, count, last_at, member_count, policy, folded,
			retention)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1, 0, 0, 0, 0, ?, ?, ?, ?)`,
		string(r.ID), int64(r.Kind), r.Name, r.Description, string(r.CreatedBy), int64(r.CreatedAt), int64(r.MaxMembers),
		int64(r.SlowMode), flag(r.ReadOnly), flag(r.Locked), string(r.History), flag(r.Deleted), int64(r.MemberCount),
		r.Policy, fold(string(r.ID), r.Name), int64(r.Retention))
	if err != nil {
		return nil, t.fail("create a room", err)
	}
	if num > maxRooms {
		return nil, t.fail("create a room", fmt.Errorf("all %d numbers of rooms are used up", maxRooms))
	}
	r.Num = num
	s := &room{Room: *r}
	t.rooms[r.ID], t.byNum[num] = s, s
	return s, nil
}

// UpdateRoom implements chat.RoomTx. It raises the policy version, and r gets the new one.
func (t *tx) UpdateRoom(r *chat.Room) error {
	s, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	if r != &s.Room {
		kept := s.Room
		s.Room = *r
		s.ID, s.Num, s.Policy = kept.ID, kept.Num, kept.Policy
		s.FirstSeq, s.LastSeq, s.Count = kept.FirstSeq, kept.LastSeq, kept.Count
	}
	s.Policy++
	r.Policy = s.Policy
	t.touch(s, true)
	return nil
}

func (t *tx) writeRoom(r *room) error {
	if !r.changed {
		return t.exec("move a log's head", `UPDATE rooms SET last_seq = ?, count = ?, last_at = ? WHERE num = ?`,
			int64(r.LastSeq), int64(r.Count), int64(r.lastAt), r.Num)
	}
	return t.exec("change a room", `UPDATE rooms SET kind = ?, name = ?, description = ?, created_by = ?, max_members = ?,
			slow_mode = ?, read_only = ?, locked = ?, history = ?, deleted = ?, last_seq = ?, count = ?, last_at = ?,
			member_count = ?, policy = ?, folded = ?, retention = ?
		WHERE num = ?`,
		int64(r.Kind), r.Name, r.Description, string(r.CreatedBy), int64(r.MaxMembers), int64(r.SlowMode),
		flag(r.ReadOnly), flag(r.Locked), string(r.History), flag(r.Deleted), int64(r.LastSeq), int64(r.Count),
		int64(r.lastAt), int64(r.MemberCount), r.Policy, fold(string(r.ID), r.Name), int64(r.Retention), r.Num)
}

// ReadRoom implements chat.Reader.
func (s *SQLite) ReadRoom(ctx context.Context, id chat.RoomID) (*chat.Room, error) {
	var found *chat.Room
	err := s.read.rows(ctx, nil, &s.read.room, roomWidth, func(r row) error {
		found = &readRoom(r).Room
		return nil
	}, string(id))
	if err != nil {
		return nil, fmt.Errorf("store: read a room: %w", err)
	}
	return found, nil
}

// PublicRooms implements chat.Reader. A limit of 0 is none; an empty query finds all.
func (s *SQLite) PublicRooms(ctx context.Context, query string, after chat.RoomID, limit int) ([]chat.Room, error) {
	var found []chat.Room
	err := s.read.rows(ctx, nil, &s.read.publicRooms, roomWidth, func(r row) error {
		found = append(found, readRoom(r).Room)
		return nil
	}, string(after), strings.ToLower(query), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list public rooms: %w", err)
	}
	return found, nil
}
