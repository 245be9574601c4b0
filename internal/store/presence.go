// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

// Invisible implements chat.PresenceTx.
func (t *tx) Invisible(u chat.UserID) (invisible bool, err error) {
	_, err = t.c.one(func(r row) { invisible = r.bool(0) }, `SELECT invisible FROM presence WHERE user_id = ?`, string(u))
	return invisible, t.fail("read presence", err)
}

// SetInvisible implements chat.PresenceTx.
func (t *tx) SetInvisible(u chat.UserID, invisible bool) error {
	return t.exec("change presence", `INSERT INTO presence (user_id, invisible, last_seen) VALUES (?, ?, 0)
		ON CONFLICT (user_id) DO UPDATE SET invisible = excluded.invisible`, string(u), flag(invisible))
}

// SetSeen implements chat.PresenceTx.
func (t *tx) SetSeen(s chat.Seen) error {
	return t.exec("note who was seen", `INSERT INTO presence (user_id, invisible, last_seen) VALUES (?, 0, ?)
		ON CONFLICT (user_id) DO UPDATE SET last_seen = max(last_seen, excluded.last_seen)`, string(s.User), int64(s.At))
}

// present are the reading statements about presence.
type present struct{ invisible, smallRooms, lastSeen query }

func (p *present) prepare() {
	p.invisible.text = `SELECT user_id FROM presence WHERE invisible <> 0`
	p.smallRooms.text = `SELECT r.num FROM members m CROSS JOIN rooms r ON r.num = m.room
		WHERE m.user_id = ? AND r.deleted = 0 AND r.kind IN (1, 2, 3) AND r.member_count <= ? ORDER BY r.last_at DESC, r.num LIMIT ?`
	p.lastSeen.text = `SELECT m.user_id, coalesce(p.last_seen, 0) FROM members m LEFT JOIN presence p ON p.user_id = m.user_id
		WHERE m.room = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`
}

// InvisibleUsers implements chat.PresenceReader.
func (s *SQLite) InvisibleUsers(ctx context.Context) ([]chat.UserID, error) {
	var found []chat.UserID
	err := s.read.rows(ctx, nil, &s.read.present.invisible, 1, func(r row) error {
		found = append(found, chat.UserID(r.text(0)))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: list who is invisible: %w", err)
	}
	return found, nil
}

// SmallRooms implements chat.PresenceReader.
func (s *SQLite) SmallRooms(ctx context.Context, u chat.UserID, most, limit int) ([]int64, error) {
	var found []int64
	err := s.read.rows(ctx, nil, &s.read.present.smallRooms, 1, func(r row) error {
		found = append(found, r.int(0))
		return nil
	}, string(u), int64(most), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list small rooms: %w", err)
	}
	return found, nil
}

// LastSeen implements chat.PresenceReader.
func (s *SQLite) LastSeen(ctx context.Context, room int64, after chat.UserID, limit int) (map[chat.UserID]chat.Time, error) {
	found := map[chat.UserID]chat.Time{}
	err := s.read.rows(ctx, nil, &s.read.present.lastSeen, 2, func(r row) error {
		if at := chat.Time(r.int(1)); at != 0 {
			found[chat.UserID(r.text(0))] = at
		}
		return nil
	}, room, string(after), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: read who was seen: %w", err)
	}
	return found, nil
}
