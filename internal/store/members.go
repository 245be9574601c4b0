// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

const memberColumns = `m.user_id, m.role, m.joined_seq, m.joined_at, m.last_sent, m.last_sent_at, m.read_seq,
	m.muted_until, m.notifications`

const memberWidth = 9

// readMember reads memberColumns.
func readMember(r row) chat.Member {
	return chat.Member{
		User:          chat.UserID(r.text(0)),
		Role:          chat.RoomRole(r.int(1)),
		JoinedSeq:     r.uint(2),
		JoinedAt:      chat.Time(r.int(3)),
		LastSent:      r.uint(4),
		LastSentAt:    chat.Time(r.int(5)),
		ReadSeq:       r.uint(6),
		MutedUntil:    chat.Time(r.int(7)),
		Notifications: r.text(8),
	}
}

// Member implements chat.MemberTx.
func (t *tx) Member(r *chat.Room, u chat.UserID) (*chat.Member, error) {
	m, err := t.member(r.Num, u)
	if m == nil || err != nil {
		return nil, err
	}
	return &m.Member, nil
}

func (t *tx) member(num int64, u chat.UserID) (*member, error) {
	key := memberKey{num, u}
	if m, ok := t.members[key]; ok {
		return m, nil
	}
	var found *member
	_, err := t.c.one(func(r row) { found = &member{Member: readMember(r), room: num} },
		`SELECT `+memberColumns+` FROM members m WHERE m.room = ? AND m.user_id = ?`, num, string(u))
	if err != nil {
		return nil, t.fail("read a member", err)
	}
	if found != nil {
		t.members[key] = found
	}
	return found, nil
}

// PutMember implements chat.MemberTx. The room's policy version rises unless only the member's own marks and preferences
// changed.
func (t *tx) PutMember(r *chat.Room, m *chat.Member) error {
	s, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	old, err := t.member(r.Num, m.User)
	if err != nil {
		return err
	}
	if old == nil {
		err = t.addMember(s, m)
	} else {
		if old.Role != m.Role || old.MutedUntil != m.MutedUntil || old.JoinedSeq != m.JoinedSeq {
			s.Policy++
			t.touch(s, true)
		}
		if old.Notifications != m.Notifications {
			delete(t.push.rooms, r.Num)
		}
		old.Member = *m
		err = t.exec("change a member", `UPDATE members SET role = ?, joined_seq = ?, joined_at = ?, last_sent = ?,
				last_sent_at = ?, read_seq = ?, muted_until = ?, notifications = ? WHERE room = ? AND user_id = ?`,
			int64(m.Role), int64(m.JoinedSeq), int64(m.JoinedAt), int64(m.LastSent), int64(m.LastSentAt), int64(m.ReadSeq),
			int64(m.MutedUntil), m.Notifications, r.Num, string(m.User))
	}
	if err != nil {
		return err
	}
	r.MemberCount, r.Policy = s.MemberCount, s.Policy // when the caller works on a copy
	return nil
}

// addMember adds somebody who is known not to be a member.
func (t *tx) addMember(s *room, m *chat.Member) error {
	err := t.exec("add a member", `INSERT INTO members (room, user_id, role, joined_seq, joined_at, last_sent, last_sent_at,
			read_seq, muted_until, notifications) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.Num, string(m.User), int64(m.Role), int64(m.JoinedSeq), int64(m.JoinedAt), int64(m.LastSent), int64(m.LastSentAt),
		int64(m.ReadSeq), int64(m.MutedUntil), m.Notifications)
	if err != nil {
		return err
	}
	t.members[memberKey{s.Num, m.User}] = &member{Member: *m, room: s.Num}
	if m.Notifications != "" {
		delete(t.push.rooms, s.Num)
	}
	s.MemberCount++
	s.Policy++
	t.touch(s, true)
	return t.follow(s, m.User, max(m.JoinedSeq, 1)-1)
}

// RemoveMember implements chat.MemberTx. Removing who is no member does nothing.
func (t *tx) RemoveMember(r *chat.Room, u chat.UserID) error {
	s, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	old, err := t.member(r.Num, u)
	if old == nil || err != nil {
		return err
	}
	if err := t.exec("remove a member", `DELETE FROM members WHERE room = ? AND user_id = ?`, r.Num, string(u)); err != nil {
		return err
	}
	if err := t.unfollow(s, u); err != nil {
		return err
	}
	old.dirty = false
	delete(t.members, memberKey{r.Num, u})
	s.MemberCount--
	s.Policy++
	t.touch(s, true)
	r.MemberCount, r.Policy = s.MemberCount, s.Policy
	return nil
}

// Members implements chat.MemberTx.
func (t *tx) Members(r *chat.Room) ([]chat.Member, error) {
	if err := t.flush(); err != nil {
		return nil, err
	}
	var found []chat.Member
	err := t.c.query(func(r row) error {
		found = append(found, readMember(r))
		return nil
	}, `SELECT `+memberColumns+` FROM members m WHERE m.room = ? ORDER BY m.joined_seq, m.joined_at, m.user_id`, r.Num)
	return found, t.fail("list members", err)
}

// SetSent implements chat.MemberTx. It is written once a batch, however often it is called.
func (t *tx) SetSent(r *chat.Room, m *chat.Member, seq uint64, at chat.Time) error {
	s, err := t.member(r.Num, m.User)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("store: last message of %q, who is no member of %q", m.User, r.ID)
	}
	t.writes++
	s.LastSent, s.LastSentAt = seq, at
	m.LastSent, m.LastSentAt = seq, at
	if !s.dirty {
		s.dirty = true
		t.dirtyMembers = append(t.dirtyMembers, s)
	}
	return nil
}

func (t *tx) writeSent(m *member) error {
	return t.exec("note a member's last message",
		`UPDATE members SET last_sent = ?, last_sent_at = ? WHERE room = ? AND user_id = ?`,
		int64(m.LastSent), int64(m.LastSentAt), m.room, string(m.User))
}

// Ban implements chat.MemberTx. Bans that are over are returned too.
func (t *tx) Ban(r *chat.Room, u chat.UserID) (*chat.Ban, error) {
	var found *chat.Ban
	_, err := t.c.one(func(r row) { found = readBan(r) }, banQuery, r.Num, string(u))
	return found, t.fail("read a ban", err)
}

const (
	banQuery = `SELECT user_id, until, by_user, at, reason FROM bans WHERE room = ? AND user_id = ?`
	banWidth = 5
)

func readBan(r row) *chat.Ban {
	return &chat.Ban{User: chat.UserID(r.text(0)), Until: chat.Time(r.int(1)), By: chat.UserID(r.text(2)), At: chat.Time(r.int(3)), Reason: r.text(4)}
}

// PutBan implements chat.MemberTx.
func (t *tx) PutBan(r *chat.Room, b *chat.Ban) error {
	err := t.exec("ban", `INSERT INTO bans (room, user_id, until, by_user, at, reason) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (room, user_id) DO UPDATE SET until = excluded.until, by_user = excluded.by_user, at = excluded.at,
			reason = excluded.reason`,
		r.Num, string(b.User), int64(b.Until), string(b.By), int64(b.At), b.Reason)
	if err != nil {
		return err
	}
	return t.raisePolicy(r)
}

// RemoveBan implements chat.MemberTx.
func (t *tx) RemoveBan(r *chat.Room, u chat.UserID) error {
	if err := t.exec("unban", `DELETE FROM bans WHERE room = ? AND user_id = ?`, r.Num, string(u)); err != nil {
		return err
	}
	return t.raisePolicy(r)
}

func (t *tx) raisePolicy(r *chat.Room) error {
	s, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	s.Policy++
	r.Policy = s.Policy
	t.touch(s, true)
	return nil
}

// ReadMember implements chat.Reader.
func (s *SQLite) ReadMember(ctx context.Context, room int64, u chat.UserID) (*chat.Member, error) {
	var found *chat.Member
	err := s.read.rows(ctx, nil, &s.read.member, memberWidth, func(r row) error {
		m := readMember(r)
		found = &m
		return nil
	}, room, string(u))
	if err != nil {
		return nil, fmt.Errorf("store: read a member: %w", err)
	}
	return found, nil
}

// ReadBan implements chat.Reader.
func (s *SQLite) ReadBan(ctx context.Context, room int64, u chat.UserID) (*chat.Ban, error) {
	var found *chat.Ban
	err := s.read.rows(ctx, nil, &s.read.ban, banWidth, func(r row) error {
		found = readBan(r)
		return nil
	}, room, string(u))
	if err != nil {
		return nil, fmt.Errorf("store: read a ban: %w", err)
	}
	return found, nil
}

// RoomMembers implements chat.Reader.
func (s *SQLite) RoomMembers(ctx context.Context, room int64, after chat.UserID, limit int) ([]chat.Member, error) {
	var found []chat.Member
	err := s.read.rows(ctx, nil, &s.read.roomMembers, memberWidth+1, func(r row) error {
		m := readMember(r)
		m.Name = r.text(memberWidth)
		found = append(found, m)
		return nil
	}, room, string(after), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list members: %w", err)
	}
	return found, nil
}

// RoomsOf implements chat.Reader. Deleted rooms are left out.
func (s *SQLite) RoomsOf(ctx context.Context, u chat.UserID) ([]chat.Membership, error) {
	found, err := s.roomsOf(ctx, u)
	if err != nil {
		return nil, fmt.Errorf("store: list the rooms of a user: %w", err)
	}
	return found, nil
}

func (s *SQLite) roomsOf(ctx context.Context, u chat.UserID) ([]chat.Membership, error) {
	tx, err := s.read.snapshot(ctx, &s.read.roomsOf, &s.read.count)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	var found []chat.Membership
	var cuts []uint64
	err = s.read.rows(ctx, tx, &s.read.roomsOf, roomWidth+memberWidth, func(r row) error {
		room := readRoom(r[:roomWidth])
		found = append(found, chat.Membership{Room: room.Room, Member: readMember(r[roomWidth:])})
		cuts = append(cuts, room.cut)
		return nil
	}, string(u))
	if err != nil {
		return nil, err
	}
	for i := range found {
		m := &found[i]
		seen := max(m.Room.FirstVisible(m.Member.JoinedSeq)-1, m.Member.ReadSeq, m.Member.LastSent)
		count := m.Room.Count // at the head, where most members of most rooms are
		switch {
		case seen >= m.Room.LastSeq:
		case seen < m.Room.FirstSeq:
			count = cuts[i]
		default:
			if count, err = s.read.countAt(ctx, tx, m.Room.Num, seen); err != nil {
				return nil, err
			}
		}
		if m.Room.Count > count {
			m.Unread = m.Room.Count - count
		}
	}
	return found, nil
}
