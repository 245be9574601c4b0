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
	if of, known := t.mutes[a.RoomID]; known && err == nil && (a.Action == chat.ActionMute || a.Action == chat.ActionUnmute) {
		t.noteMute(of, a.RoomID, a.Target, a.Action, a.Until)
	}
	return t.fail("record an act", err)
}

// noteMute keeps in memory what the latest mute of somebody in a room says. of is what was known of the room.
func (t *tx) noteMute(of map[chat.UserID]chat.Time, room chat.RoomID, u chat.UserID, action string, until chat.Time) {
	if action == chat.ActionUnmute {
		delete(of, u)
		return
	}
	if of == nil {
		of = make(map[chat.UserID]chat.Time)
		t.mutes[room] = of
	}
	t.muted++ // or as much as that
	of[u] = until
}

// LastMute implements chat.AuditTx. Everybody who joins asks, and a room may have any number of acts: they are looked through once.
func (t *tx) LastMute(r *chat.Room, u chat.UserID) (chat.Time, error) {
	if _, known := t.mutes[r.ID]; !known {
		t.mutes[r.ID] = nil
		err := t.c.query(func(row row) error {
			t.noteMute(t.mutes[r.ID], r.ID, chat.UserID(row.text(0)), row.text(1), chat.Time(row.int(2)))
			return nil
		}, `SELECT target, action, until FROM audit WHERE room = ? AND room <> '' AND action IN (?, ?) ORDER BY id`,
			string(r.ID), chat.ActionMute, chat.ActionUnmute)
		if err != nil {
			delete(t.mutes, r.ID)
			return 0, t.fail("read the latest mutes", err)
		}
	}
	return t.mutes[r.ID][u], nil
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
