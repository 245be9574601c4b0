// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"parley/internal/chat"
)

const userColumns = `u.id, u.display_name, u.role, u.password_hash, u.generation, u.created_at, u.banned_until,
	u.ban_reason, u.muted_until, u.deleted`

const userWidth = 10

// readUser reads userColumns.
func readUser(r row) *chat.User {
	return &chat.User{
		ID:           chat.UserID(r.text(0)),
		DisplayName:  r.text(1),
		Role:         chat.ServerRole(r.text(2)),
		PasswordHash: r.text(3),
		Generation:   r.int(4),
		CreatedAt:    chat.Time(r.int(5)),
		BannedUntil:  chat.Time(r.int(6)),
		BanReason:    r.text(7),
		MutedUntil:   chat.Time(r.int(8)),
		Deleted:      r.bool(9),
	}
}

// User implements chat.UserTx.
func (t *tx) User(id chat.UserID) (*chat.User, error) {
	if u, ok := t.users[id]; ok {
		return u, nil
	}
	var found *chat.User
	_, err := t.c.one(func(r row) { found = readUser(r) }, `SELECT `+userColumns+` FROM users u WHERE u.id = ?`, string(id))
	if err != nil {
		return nil, t.fail("read an account", err)
	}
	if found != nil {
		t.users[id] = found
	}
	return found, nil
}

// CreateUser implements chat.UserTx: the account, its own log, and its membership in the announcements, whose earlier
// messages count as read.
func (t *tx) CreateUser(u *chat.User) error {
	if u.CreatedAt == 0 {
		u.CreatedAt = t.now
	}
	err := t.exec("create an account", `INSERT INTO users (id, display_name, role, password_hash, generation, created_at,
			banned_until, ban_reason, muted_until, deleted, folded) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(u.ID), u.DisplayName, string(u.Role), u.PasswordHash, u.Generation, int64(u.CreatedAt), int64(u.BannedUntil),
		u.BanReason, int64(u.MutedUntil), flag(u.Deleted), fold(string(u.ID), u.DisplayName))
	if err != nil {
		return err
	}
	stored := *u
	t.users[u.ID] = &stored

	own, err := t.createRoom(&chat.Room{ID: chat.UserLog(u.ID), Kind: chat.UserLogRoom, CreatedBy: u.ID})
	if err != nil {
		return err
	}
	if err := t.addMember(own, &chat.Member{User: u.ID, Role: chat.RoleMember, JoinedSeq: 1, JoinedAt: t.now}); err != nil {
		return err
	}
	r, err := t.Room(chat.Announcements)
	if err != nil {
		return err
	}
	if r == nil {
		return t.fail("create an account", errors.New("the room of the announcements is missing"))
	}
	all, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	return t.addMember(all, &chat.Member{User: u.ID, Role: chat.RoleMember, JoinedSeq: r.LastSeq + 1, JoinedAt: t.now,
		ReadSeq: r.LastSeq})
}

// UpdateUser implements chat.UserTx.
func (t *tx) UpdateUser(u *chat.User) error {
	old, err := t.User(u.ID)
	if err != nil {
		return err
	}
	if old == nil {
		return fmt.Errorf("store: change the account %q, which does not exist", u.ID)
	}
	*old = *u
	return t.exec("change an account", `UPDATE users SET display_name = ?, role = ?, password_hash = ?, generation = ?,
			banned_until = ?, ban_reason = ?, muted_until = ?, deleted = ?, folded = ? WHERE id = ?`,
		u.DisplayName, string(u.Role), u.PasswordHash, u.Generation, int64(u.BannedUntil), u.BanReason, int64(u.MutedUntil),
		flag(u.Deleted), fold(string(u.ID), u.DisplayName), string(u.ID))
}

// ReadUser implements chat.Reader.
func (s *SQLite) ReadUser(ctx context.Context, id chat.UserID) (*chat.User, error) {
	var found *chat.User
	err := s.read.rows(ctx, nil, &s.read.user, userWidth, func(r row) error {
		found = readUser(r)
		return nil
	}, string(id))
	if err != nil {
		return nil, fmt.Errorf("store: read an account: %w", err)
	}
	return found, nil
}

// Users implements chat.Reader: accounts whose id or display name contains query, by id. Erased ones are left out.
func (s *SQLite) Users(ctx context.Context, query string, after chat.UserID, limit int) ([]chat.User, error) {
	var found []chat.User
	err := s.read.rows(ctx, nil, &s.read.users, userWidth, func(r row) error {
		found = append(found, *readUser(r))
		return nil
	}, string(after), strings.ToLower(query), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list accounts: %w", err)
	}
	return found, nil
}
