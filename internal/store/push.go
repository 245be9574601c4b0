// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"

	"parley/internal/chat"
)

// pushState is what the writer remembers so that a message which nobody is told of costs it no question.
type pushState struct {
	users map[chat.UserID]bool // whether they have a subscription
	rooms map[int64]bool       // whether a member with NotifyAll does
	any   *bool                // whether anybody does

	follow   *bool          // whether any webhook follows its user's rooms
	followed map[int64]bool // whether one follows a room
}

const pushColumns = `o.num, o.subscription, o.user_id, o.host, o.room, o.seq, o.why, o.at, coalesce(o.due, 0), o.attempts, o.shown, o.closing`

const pushWidth = 12

func readPush(r row) chat.Push {
	p := chat.Push{Num: r.int(0), User: chat.UserID(r.text(2)), Host: r.text(3), Room: r.int(4), Seq: r.uint(5), Why: r.text(6), At: chat.Time(r.int(7)),
		Due: chat.Time(r.int(8)), Attempts: int(r.int(9)), Shown: r.uint(10), Closing: r.bool(11)}
	copy(p.Subscription[:], r.blob(1))
	return p
}

// anyPushed tells whether anybody has a subscription.
func (t *tx) anyPushed() (bool, error) {
	if t.push.any == nil {
		found, err := t.c.one(func(row) {}, `SELECT 1 FROM push_subscriptions WHERE events = 'notifications' LIMIT 1`)
		if err != nil {
			return false, t.fail("look for push subscriptions", err)
		}
		t.push.any = &found
	}
	return *t.push.any, nil
}

// Pushed implements chat.PushTx.
func (t *tx) Pushed(u chat.UserID) (bool, error) {
	if some, err := t.anyPushed(); !some || err != nil {
		return false, err
	}
	if is, ok := t.push.users[u]; ok {
		return is, nil
	}
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM push_subscriptions WHERE user_id = ? AND events = 'notifications' LIMIT 1`, string(u))
	if err != nil {
		return false, t.fail("look for a user's push subscriptions", err)
	}
	if t.push.users == nil {
		t.push.users = make(map[chat.UserID]bool)
	}
	t.push.users[u] = found
	return found, nil
}

// watcher is a member who wants to hear of everything and has a subscription.
const watcher = ` FROM members m WHERE m.room = ?1 AND m.notifications = 'all'
	AND EXISTS (SELECT 1 FROM push_subscriptions p WHERE p.user_id = m.user_id AND p.events = 'notifications')`

// WatchedAll implements chat.PushTx.
func (t *tx) WatchedAll(r *chat.Room) (bool, error) {
	if some, err := t.anyPushed(); !some || err != nil {
		return false, err
	}
	if is, ok := t.push.rooms[r.Num]; ok {
		return is, nil
	}
	found, err := t.c.one(func(row) {}, `SELECT 1`+watcher+` LIMIT 1`, r.Num)
	if err != nil {
		return false, t.fail("look who wants to hear of everything", err)
	}
	if t.push.rooms == nil {
		t.push.rooms = make(map[int64]bool)
	}
	t.push.rooms[r.Num] = found
	return found, nil
}

// PutNotable implements chat.PushTx.
func (t *tx) PutNotable(e *chat.Event) error {
	return t.exec("note a message to notify of", `INSERT INTO push_notable (pos) VALUES (?)`, pos(e.RoomNum, e.Seq))
}

// RemoveNotable implements chat.PushTx.
func (t *tx) RemoveNotable(num int64) error {
	return t.exec("forget a message to notify of", `DELETE FROM push_notable WHERE num = ?`, num)
}

// QueuePush implements chat.PushTx. What backs off, or is under way, is not hurried by a newer message.
func (t *tx) QueuePush(p *chat.Push) error {
	type target struct {
		id   []byte
		host string
		slot int64
	}
	var targets []target
	err := t.c.query(func(r row) error {
		to := target{append([]byte(nil), r.blob(0)...), r.text(1), p.Room}
		if chat.PushKind(r.text(2)) == chat.Webhook {
			to.slot = pos(p.Room, p.Seq)
		}
		targets = append(targets, to)
		return nil
	}, `SELECT id, host, kind FROM push_subscriptions WHERE user_id = ? AND created_at <= ? AND events = 'notifications'`, string(p.User), int64(p.At))
	if err != nil {
		return t.fail("find a user's push subscriptions", err)
	}
	for _, to := range targets {
		err := t.exec("queue a notification", `INSERT INTO push_outbox (subscription, slot, user_id, host, room, seq, why, at, due, attempts, shown, closing)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0)
			ON CONFLICT (subscription, slot) DO UPDATE SET seq = excluded.seq, why = excluded.why, at = excluded.at, host = excluded.host,
				due = iif(due IS NULL OR closing, excluded.due, max(due, excluded.due)), attempts = iif(due IS NULL OR closing, 0, attempts), closing = 0
			WHERE excluded.seq > seq`,
			to.id, to.slot, string(p.User), to.host, p.Room, int64(p.Seq), p.Why, int64(p.At), int64(p.Due))
		if err != nil {
			return err
		}
		err = t.exec("bound a subscription's notifications", `DELETE FROM push_outbox WHERE num IN
				(SELECT num FROM push_outbox WHERE subscription = ? ORDER BY num DESC LIMIT -1 OFFSET ?)`, to.id, int64(chat.MaxPushesEach))
		if err != nil {
			return err
		}
	}
	return nil
}

// LeasePush implements chat.PushTx.
func (t *tx) LeasePush(p *chat.Push, until chat.Time) (bool, error) {
	t.writes++
	n, err := t.c.exec(`UPDATE push_outbox SET due = ?, attempts = attempts + 1 WHERE num = ? AND seq = ? AND closing = ? AND attempts = ? AND due = ?`,
		int64(until), p.Num, int64(p.Seq), flag(p.Closing), int64(p.Attempts), int64(p.Due))
	return n > 0, t.fail("begin to send a notification", err)
}

// SettlePush implements chat.PushTx.
func (t *tx) SettlePush(p *chat.Push, as chat.Settlement, due chat.Time) error {
	var now chat.Push
	found, err := t.c.one(func(r row) { now = readPush(r) }, `SELECT `+pushColumns+` FROM push_outbox o WHERE o.num = ?`, p.Num)
	if err != nil {
		return t.fail("find a notification", err)
	}
	if !found {
		return nil // its subscription has ended
	}
	// Another message may have come meanwhile, which the outcome is not about.
	same := now.Seq == p.Seq && now.Closing == p.Closing && now.Attempts == p.Attempts
	set := func(columns string, args ...any) error {
		return t.exec("settle a notification", `UPDATE push_outbox SET `+columns+` WHERE num = ?1`, append([]any{p.Num}, args...)...)
	}
	switch {
	case as == chat.PushSent && p.Closing && !same:
		return set(`shown = 0`)
	case as == chat.PushSent && p.Closing, same && as == chat.PushDropped && (now.Shown == 0 || p.Closing):
		return t.ForgetPush(p.Num)
	case as == chat.PushSent && same:
		return set(`shown = seq, due = NULL, attempts = 0`)
	case as == chat.PushSent:
		return set(`shown = ?2, due = min(due, ?3), attempts = 0`, int64(p.Seq), int64(due))
	case !same:
		return nil
	case as == chat.PushDropped:
		return set(`seq = shown, due = NULL, attempts = 0`)
	case as == chat.PushPostponed:
		return set(`due = ?2, attempts = max(attempts - 1, 0)`, int64(due))
	}
	return set(`due = ?2`, int64(due))
}

// WithdrawPush implements chat.PushTx.
func (t *tx) WithdrawPush(num int64, now chat.Time) error {
	return t.exec("withdraw a notification", `UPDATE push_outbox SET closing = 1, due = ?, attempts = 0 WHERE num = ? AND due IS NULL`, int64(now), num)
}

// ForgetPush implements chat.PushTx.
func (t *tx) ForgetPush(num int64) error {
	return t.exec("forget a notification", `DELETE FROM push_outbox WHERE num = ?`, num)
}

// pushQueries are the reading statements about push.
type pushQueries struct {
	notables, watchers, due, shown, count, room, ofUser, byID, quiet query
}

func (q *pushQueries) prepare() {
	q.notables.text = `SELECT n.num, ` + eventColumns + `, r.id, r.kind FROM push_notable n LEFT JOIN log l ON l.pos = n.pos
		LEFT JOIN rooms r ON r.num = n.pos >> 36 LEFT JOIN users u ON u.id = l.actor ORDER BY n.num LIMIT ?`
	q.watchers.text = `SELECT m.user_id` + watcher + ` AND max(m.read_seq, m.last_sent) < ?2 ORDER BY m.user_id LIMIT ?3`
	q.due.text = `SELECT ` + pushColumns + ` FROM push_outbox o WHERE o.due <= ?1 AND o.host NOT IN (SELECT value FROM json_each(?2)) ORDER BY o.due LIMIT ?3`
	// The text of a message may be there and its member gone; each is looked for by its key.
	q.shown.text = `SELECT o.num, o.at, m.room IS NULL OR max(m.read_seq, m.last_sent) >= o.shown OR l.pos IS NULL OR l.flags & 4 <> 0
		FROM push_outbox o LEFT JOIN members m ON m.room = o.room AND m.user_id = o.user_id LEFT JOIN log l ON l.pos = (o.room << 36) + o.shown
		WHERE o.due IS NULL AND o.num > ? ORDER BY o.num LIMIT ?`
	q.count.text = `SELECT count(*) FROM (SELECT 1 FROM push_outbox WHERE due IS NOT NULL LIMIT ?)`
	q.room.text = `SELECT ` + roomColumns + ` FROM rooms r WHERE r.num = ?`
	q.ofUser.text = ofUserQuery
	q.byID.text = `SELECT ` + subscriptionColumns + ` FROM push_subscriptions p WHERE p.id = ?`
	q.quiet.text = `SELECT begins, ends, zone FROM quiet_hours WHERE user_id = ?`
}

// Notables implements chat.PushReader.
func (s *SQLite) Notables(ctx context.Context, limit int) ([]chat.Notable, error) {
	var found []chat.Notable
	err := s.read.rows(ctx, nil, &s.read.push.notables, 1+eventWidth+2, func(r row) error {
		n := chat.Notable{Num: r.int(0)}
		if message := r[1:]; message[0] != nil {
			e, err := readEvent(message)
			if err != nil {
				return err
			}
			e.RoomID, e.RoomKind = chat.RoomID(message.text(eventWidth)), chat.RoomKind(message.int(eventWidth+1))
			n.Message = e
		}
		found = append(found, n)
		return nil
	}, unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list messages to notify of: %w", err)
	}
	return found, nil
}

// WatchersOf implements chat.PushReader.
func (s *SQLite) WatchersOf(ctx context.Context, room int64, seq uint64, limit int) ([]chat.UserID, error) {
	var found []chat.UserID
	err := s.read.rows(ctx, nil, &s.read.push.watchers, 1, func(r row) error {
		found = append(found, chat.UserID(r.text(0)))
		return nil
	}, room, int64(seq), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list who wants to hear of everything: %w", err)
	}
	return found, nil
}

// DuePushes implements chat.PushReader.
func (s *SQLite) DuePushes(ctx context.Context, now chat.Time, busy []string, limit int) ([]chat.Push, error) {
	if busy == nil {
		busy = []string{}
	}
	hosts, err := json.Marshal(busy)
	if err != nil {
		return nil, fmt.Errorf("store: busy hosts: %w", err)
	}
	var found []chat.Push
	err = s.read.rows(ctx, nil, &s.read.push.due, pushWidth, func(r row) error {
		found = append(found, readPush(r))
		return nil
	}, int64(now), string(hosts), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list notifications to be sent: %w", err)
	}
	return found, nil
}

// ShownPushes implements chat.PushReader.
func (s *SQLite) ShownPushes(ctx context.Context, after int64, limit int) ([]chat.ShownPush, error) {
	var found []chat.ShownPush
	err := s.read.rows(ctx, nil, &s.read.push.shown, 3, func(r row) error {
		found = append(found, chat.ShownPush{Num: r.int(0), At: chat.Time(r.int(1)), Over: r.bool(2)})
		return nil
	}, after, unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list notifications that were sent: %w", err)
	}
	return found, nil
}

// CountPushes implements chat.PushReader. Beyond chat.MaxPushQueue it does not count on.
func (s *SQLite) CountPushes(ctx context.Context) (n int, err error) {
	err = s.read.rows(ctx, nil, &s.read.push.count, 1, func(r row) error {
		n = int(r.int(0))
		return nil
	}, int64(chat.MaxPushQueue+1))
	if err != nil {
		return 0, fmt.Errorf("store: count notifications: %w", err)
	}
	return n, nil
}

// RoomByNum implements chat.PushReader.
func (s *SQLite) RoomByNum(ctx context.Context, num int64) (found *chat.Room, err error) {
	err = s.read.rows(ctx, nil, &s.read.push.room, roomWidth, func(r row) error {
		found = &readRoom(r).Room
		return nil
	}, num)
	if err != nil {
		return nil, fmt.Errorf("store: read a room: %w", err)
	}
	return found, nil
}
