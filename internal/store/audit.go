// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"math"

	"parley/internal/chat"
)

// PutAudit implements chat.AuditTx.
func (t *tx) PutAudit(a *chat.Audited) error {
	t.writes++
	id, err := t.c.insert(`INSERT INTO audit (at, actor, action, target, room, message_id, role, reason, until)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		int64(a.At), string(a.Actor), a.Action, string(a.Target), string(a.RoomID), idValue(a.MessageID), a.Role, a.Reason, int64(a.Until))
	a.ID = id
	return t.fail("record an act", err)
}

// LastMute implements chat.AuditTx.
func (t *tx) LastMute(r *chat.Room, u chat.UserID) (chat.Time, error) {
	var until chat.Time
	_, err := t.c.one(func(r row) { until = chat.Time(r.int(0)) },
		`SELECT iif(action = ?, until, 0) FROM audit WHERE room = ? AND room <> '' AND target = ? AND action IN (?, ?) ORDER BY id DESC LIMIT 1`,
		chat.ActionMute, string(r.ID), string(u), chat.ActionMute, chat.ActionUnmute)
	return until, t.fail("read the latest mute", err)
}

// governing are the reading statements about who governed.
type governing struct{ audit, roomAudit, roomBans, cleanups, oldRooms, expiredRooms, cutCount query }

func (g *governing) prepare() {
	const columns = `SELECT id, at, actor, action, target, room, message_id, role, reason, until FROM audit `
	g.audit.text = columns + `WHERE id < ? ORDER BY id DESC LIMIT ?`
	g.roomAudit.text = columns + `WHERE room = ?1 AND room <> '' AND id < ?2 ORDER BY id DESC LIMIT ?3`
	g.roomBans.text = `SELECT user_id, until, by_user, at, reason FROM bans
		WHERE room = ? AND user_id > ? AND until > ? ORDER BY user_id LIMIT ?`
	g.cleanups.text = `SELECT num, room, before FROM cleanups ORDER BY num`
	const old = `SELECT r.num, r.id, max(?3, iif(?4 > 0 AND r.retention > 0, ?4 - r.retention * 1000, 0)) AS cutoff
		FROM rooms r CROSS JOIN log l ON l.pos = (r.num << 36) + r.first_seq
		WHERE r.num > ?1 AND (?2 = 0 OR r.num = ?2) AND l.at < cutoff`
	g.oldRooms.text = old + ` ORDER BY r.num LIMIT ?5`
	g.expiredRooms.text = old + ` AND r.retention > 0 ORDER BY r.num LIMIT ?5` // without looking at all rooms
	g.cutCount.text = `SELECT cut_count FROM rooms WHERE num = ?`
}

// Audit implements chat.AuditReader.
func (s *SQLite) Audit(ctx context.Context, room chat.RoomID, before int64, limit int) ([]chat.Audited, error) {
	if before == 0 {
		before = math.MaxInt64
	}
	q, args := &s.read.governing.audit, []any{before, unlimited(limit)}
	if room != "" {
		q, args = &s.read.governing.roomAudit, []any{string(room), before, unlimited(limit)}
	}
	var found []chat.Audited
	err := s.read.rows(ctx, nil, q, 10, func(r row) error {
		a := chat.Audited{ID: r.int(0), At: chat.Time(r.int(1)), Actor: chat.UserID(r.text(2)), Action: r.text(3),
			Target: chat.UserID(r.text(4)), RoomID: chat.RoomID(r.text(5)), Role: r.text(7), Reason: r.text(8), Until: chat.Time(r.int(9))}
		copy(a.MessageID[:], r.blob(6))
		found = append(found, a)
		return nil
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("store: list who governed: %w", err)
	}
	return found, nil
}

// RoomBans implements chat.AuditReader.
func (s *SQLite) RoomBans(ctx context.Context, room int64, now chat.Time, after chat.UserID, limit int) ([]chat.Ban, error) {
	var found []chat.Ban
	err := s.read.rows(ctx, nil, &s.read.governing.roomBans, banWidth, func(r row) error {
		found = append(found, *readBan(r))
		return nil
	}, room, string(after), int64(now), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list bans: %w", err)
	}
	return found, nil
}
