// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"

	"parley/internal/chat"
)

// someFollow tells whether any webhook follows its account's rooms.
func (t *tx) someFollow() (bool, error) {
	if t.push.follow == nil {
		found, err := t.c.one(func(row) {}, `SELECT 1 FROM push_subscriptions WHERE events = 'messages' LIMIT 1`)
		if err != nil {
			return false, t.fail("look for webhooks that follow", err)
		}
		t.push.follow = &found
	}
	return *t.push.follow, nil
}

// Following implements chat.FollowTx.
func (t *tx) Following(u chat.UserID) (bool, error) {
	if some, err := t.someFollow(); !some || err != nil {
		return false, err
	}
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM push_subscriptions WHERE user_id = ? AND events = 'messages' LIMIT 1`, string(u))
	return found, t.fail("look for a user's webhooks that follow", err)
}

// wakeFollowers makes the places in a room due, since its log goes on.
func (t *tx) wakeFollowers(room int64) error {
	if some, err := t.someFollow(); !some || err != nil {
		return err
	}
	is, known := t.push.followed[room]
	if !known {
		var err error
		if is, err = t.c.one(func(row) {}, `SELECT 1 FROM push_followers WHERE room = ? LIMIT 1`, room); err != nil {
			return t.fail("look for webhooks that follow a room", err)
		}
		if t.push.followed == nil {
			t.push.followed = make(map[int64]bool)
		}
		t.push.followed[room] = is
	}
	if !is {
		return nil
	}
	return t.exec("wake webhooks that follow a room", `UPDATE push_followers SET due = ? WHERE room = ? AND due IS NULL`, int64(t.now), room)
}

// follow has the webhooks of a new member follow the room, from after on.
func (t *tx) follow(s *room, u chat.UserID, after uint64) error {
	if follows, err := t.Following(u); !follows || err != nil {
		return err
	}
	delete(t.push.followed, s.Num)
	var due any
	if after < s.LastSeq {
		due = int64(t.now)
	}
	return t.exec("follow a room", `INSERT INTO push_followers (subscription, room, after_seq, due, attempts)
		SELECT id, ?, ?, ?, 0 FROM push_subscriptions WHERE user_id = ? AND events = 'messages'`, s.Num, int64(after), due, string(u))
}

// unfollow ends that.
func (t *tx) unfollow(s *room, u chat.UserID) error {
	if follows, err := t.Following(u); !follows || err != nil {
		return err
	}
	delete(t.push.followed, s.Num)
	return t.exec("follow a room no more", `DELETE FROM push_followers WHERE room = ? AND subscription IN
		(SELECT id FROM push_subscriptions WHERE user_id = ?)`, s.Num, string(u))
}

// followAll has a subscription follow all rooms of its user, from their heads on, and keeps the places that it has; or none.
func (t *tx) followAll(p *chat.PushSubscription) error {
	if p.Events != chat.EventsMessages {
		return t.exec("follow no rooms", `DELETE FROM push_followers WHERE subscription = ?`, p.ID[:])
	}
	if err := t.flush(); err != nil { // the heads
		return err
	}
	return t.exec("follow all rooms", `INSERT OR IGNORE INTO push_followers (subscription, room, after_seq, due, attempts)
		SELECT ?, r.num, r.last_seq, NULL, 0 FROM members m CROSS JOIN rooms r ON r.num = m.room WHERE m.user_id = ? AND r.deleted = 0`,
		p.ID[:], string(p.User))
}

// CountFollowers implements chat.FollowTx.
func (t *tx) CountFollowers(r *chat.Room) (n int, err error) {
	_, err = t.c.one(func(r row) { n = int(r.int(0)) }, `SELECT count(*) FROM push_followers WHERE room = ?`, r.Num)
	return n, t.fail("count the webhooks that follow a room", err)
}

// CrowdedRoom implements chat.FollowTx.
func (t *tx) CrowdedRoom(u chat.UserID) (id chat.RoomID, err error) {
	_, err = t.c.one(func(r row) { id = chat.RoomID(r.text(0)) }, `SELECT r.id FROM members m CROSS JOIN rooms r ON r.num = m.room
		WHERE m.user_id = ? AND r.kind IN (1, 2) AND r.deleted = 0
			AND (SELECT count(*) FROM push_followers f JOIN push_subscriptions p ON p.id = f.subscription WHERE f.room = r.num AND p.user_id <> m.user_id) >= ?
		ORDER BY r.id LIMIT 1`, string(u), int64(chat.MaxFollowers))
	return id, t.fail("look for rooms that many webhooks follow", err)
}

// SettleFollower implements chat.FollowTx.
func (t *tx) SettleFollower(f *chat.Follower, due chat.Time) error {
	s, err := t.numbered(f.Room)
	if err != nil {
		return err
	}
	return t.exec("move the place of a webhook", `UPDATE push_followers SET after_seq = max(after_seq, ?3), attempts = ?4,
			due = iif(max(after_seq, ?3) < ?5, ?6, NULL) WHERE subscription = ?1 AND room = ?2`,
		f.Subscription[:], f.Room, int64(f.After), int64(f.Attempts), int64(s.LastSeq), int64(due))
}

// RemoveFollower implements chat.FollowTx.
func (t *tx) RemoveFollower(f *chat.Follower) error {
	delete(t.push.followed, f.Room)
	return t.exec("follow a room no more", `DELETE FROM push_followers WHERE subscription = ? AND room = ?`, f.Subscription[:], f.Room)
}

// following are the reading statements about webhooks that follow.
type following struct{ due, behind, some query }

func (q *following) prepare() {
	q.due.text = `SELECT f.subscription, f.room, p.host, f.after_seq, f.attempts FROM push_followers f JOIN push_subscriptions p ON p.id = f.subscription
		WHERE f.due <= ?1 AND p.host NOT IN (SELECT value FROM json_each(?2)) ORDER BY f.due LIMIT ?3`
	q.behind.text = `SELECT count(*) FROM push_followers WHERE due IS NOT NULL`
	q.some.text = `SELECT 1 FROM push_subscriptions WHERE events = 'messages' LIMIT 1`
}

// DueFollowers implements chat.FollowReader.
func (s *SQLite) DueFollowers(ctx context.Context, now chat.Time, busy []string, limit int) ([]chat.Follower, error) {
	hosts, err := json.Marshal(append([]string{}, busy...))
	if err != nil {
		return nil, fmt.Errorf("store: busy hosts: %w", err)
	}
	var found []chat.Follower
	err = s.read.rows(ctx, nil, &s.read.following.due, 5, func(r row) error {
		f := chat.Follower{Room: r.int(1), Host: r.text(2), After: r.uint(3), Attempts: int(r.int(4))}
		copy(f.Subscription[:], r.blob(0))
		found = append(found, f)
		return nil
	}, int64(now), string(hosts), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list webhooks with something to be sent: %w", err)
	}
	return found, nil
}

// CountDueFollowers implements chat.FollowReader.
func (s *SQLite) CountDueFollowers(ctx context.Context) (behind int, some bool, err error) {
	err = s.read.rows(ctx, nil, &s.read.following.some, 1, func(row) error {
		some = true
		return nil
	})
	if err == nil && some {
		err = s.read.rows(ctx, nil, &s.read.following.behind, 1, func(r row) error {
			behind = int(r.int(0))
			return nil
		})
	}
	if err != nil {
		return 0, false, fmt.Errorf("store: count webhooks that follow: %w", err)
	}
	return behind, some, nil
}
