// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"time"

	"parley/internal/chat"
)

// Operations is what an operator can do. Refusals are chat.Errors.
type Operations interface {
	// AddUser makes an account.
	AddUser(ctx context.Context, u NewUser) (User, error)
	// Import makes many accounts at once, at most MaxImport, in the order given. The first result has an error or nil
	// for each; those without are made.
	Import(ctx context.Context, users []NewUser) ([]error, error)
	// Users lists accounts by id, after after, at most MaxPage of them; fewer are the last ones.
	Users(ctx context.Context, after chat.UserID) ([]User, error)
	// SetPassword replaces the password; an empty one leaves the account with tokens only. Older tokens are void and
	// live connections end.
	SetPassword(ctx context.Context, id chat.UserID, password string) error
	// SetRole makes an account an administrator, or a user again.
	SetRole(ctx context.Context, id chat.UserID, role chat.ServerRole) error
	// RemoveUser erases an account. Its name stays taken.
	RemoveUser(ctx context.Context, id chat.UserID) error
	// Tokens makes an access token for each account, in the order given. One account that does not exist fails all.
	Tokens(ctx context.Context, ids []chat.UserID, t NewToken) ([]string, error)
	// Invite signs a permission to register under a name, or under any (""); ttl 0 is the usual one.
	Invite(ctx context.Context, user chat.UserID, ttl time.Duration) (string, error)
	// SetUp signs a permission to make the first administrator, while there is none; ttl 0 is the usual one.
	SetUp(ctx context.Context, ttl time.Duration) (string, error)
	// Backup writes a copy of the database to a file that must not exist. The path is absolute.
	Backup(ctx context.Context, path string) error
}

// Bounds of one call, so that its answer stays small and its progress can be seen.
const (
	MaxImport = 1000
	MaxPage   = 1000
)

// NewUser is an account to be made.
type NewUser struct {
	ID          chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name,omitzero"` // the id where empty
	Password    string          `json:"password,omitzero"`     // empty: tokens only
	Role        chat.ServerRole `json:"role,omitzero"`         // user where empty
}

// NewToken is a token to be made.
type NewToken struct {
	Name   string        // what its owner knows it by; empty: like a login, of which the oldest end when there are too many
	Scopes []string      // what it is narrowed to; none: everything
	TTL    time.Duration // 0 is the usual one
}

// User is an account as the operator sees it.
type User struct {
	ID          chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name"`
	Role        chat.ServerRole `json:"role"`
	CreatedAt   time.Time       `json:"created_at"`
	HasPassword bool            `json:"has_password"`
	BannedUntil time.Time       `json:"banned_until,omitzero"` // with Forever set, far in the future
	MutedUntil  time.Time       `json:"muted_until,omitzero"`
	BanReason   string          `json:"ban_reason,omitzero"`
}

// Forever is the end of a ban or mute without one.
func Forever() time.Time { return time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC) }

// userOf leaves out the hash.
func userOf(u *chat.User, now chat.Time) User {
	out := User{
		ID: u.ID, DisplayName: u.DisplayName, Role: u.Role, CreatedAt: moment(u.CreatedAt), HasPassword: u.PasswordHash != "",
	}
	if u.BannedAt(now) {
		out.BannedUntil, out.BanReason = moment(u.BannedUntil), u.BanReason
	}
	if u.MutedAt(now) {
		out.MutedUntil = moment(u.MutedUntil)
	}
	return out
}

func moment(t chat.Time) time.Time {
	if t == chat.Forever {
		return Forever()
	}
	return time.UnixMilli(int64(t)).UTC()
}

// UserID names an account, for programs that know nothing else of the domain.
type UserID = chat.UserID

// Role is what an account may do on the whole server.
type Role = chat.ServerRole

// Refused tells whether err is a refusal, and its text.
func Refused(err error) (text string, ok bool) {
	e, ok := errors.AsType[*chat.Error](err)
	if !ok {
		return "", false
	}
	return e.Message, true
}

// Exists tells whether err refuses an account because its name is taken.
func Exists(err error) bool { return chat.CodeOf(err) == chat.Conflict }
