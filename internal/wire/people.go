// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// FindUsers is the payload of users/search.
type FindUsers struct {
	Envelope
	noTexts
	Query string      `json:"query,omitempty"`
	Limit int         `json:"limit,omitempty"`
	After chat.UserID `json:"after,omitempty"`
}

// UpdateProfile is the payload of users/me/update.
type UpdateProfile struct {
	Envelope
	DisplayName string `json:"display_name"`
}

// Texts implements Payload.
func (p *UpdateProfile) Texts() []Text {
	return []Text{{Field: "display_name", Value: &p.DisplayName, Form: Name}}
}

// ChangePassword is the payload of users/me/password.
type ChangePassword struct {
	Envelope
	noTexts
	Password    string `json:"password"` // the present one
	NewPassword string `json:"new_password"`
}

// ProvePassword is the payload of what needs the password again: users/me/delete.
type ProvePassword struct {
	Envelope
	noTexts
	Password string `json:"password"`
}

// UserData is an account as everybody sees it.
type UserData struct {
	UserID      chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name"`
	Role        chat.ServerRole `json:"role"`
	CreatedAt   Timestamp       `json:"created_at"`
}

// UserDataOf shows u.
func UserDataOf(u *chat.User) UserData {
	return UserData{UserID: u.ID, DisplayName: u.DisplayName, Role: u.Role, CreatedAt: Timestamp(u.CreatedAt)}
}

// Profile answers users/{user_id} and users/me/update.
type Profile struct {
	Reply
	User UserData `json:"user"`
}

// OwnProfile answers users/me.
type OwnProfile struct {
	Reply
	User        UserData      `json:"user"`
	HasPassword bool          `json:"has_password"`
	Blocked     []chat.UserID `json:"blocked"` // whom the caller has blocked
	Muted       bool          `json:"muted,omitzero"`
	MutedUntil  *Timestamp    `json:"muted_until,omitempty"` // absent: without end
}

// OwnProfileOf shows u to themselves.
func OwnProfileOf(u *chat.User, blocked []chat.UserID, now chat.Time) *OwnProfile {
	p := &OwnProfile{Reply: Reply{Status: "success"}, User: UserDataOf(u), HasPassword: u.PasswordHash != "", Blocked: blocked, Muted: u.MutedAt(now)}
	if blocked == nil {
		p.Blocked = []chat.UserID{}
	}
	if p.Muted && u.MutedUntil != chat.Forever {
		until := Timestamp(u.MutedUntil)
		p.MutedUntil = &until
	}
	return p
}

// Users answers users/search.
type Users struct {
	Reply
	Users   []UserData `json:"users"`
	HasMore bool       `json:"has_more"`
}

// UsersOf shows a page of accounts.
func UsersOf(users []chat.User, more bool) *Users {
	out := &Users{Reply: Reply{Status: "success"}, Users: make([]UserData, len(users)), HasMore: more}
	for i := range users {
		out.Users[i] = UserDataOf(&users[i])
	}
	return out
}

// Shrink implements Pager.
func (r *Users) Shrink() (ok bool) {
	r.Users, ok = half(r.Users)
	r.HasMore = r.HasMore || ok
	return ok
}

// UserDone is a reply that only says what was done to whom.
type UserDone struct {
	Reply
	UserID chat.UserID `json:"user_id"`
}
