// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// FindUsers is the payload of users/search.
type FindUsers struct {
	Envelope
	noTexts
	Query string      `json:"query,omitempty" doc:"text in the id or display name, in any case" example:"bo"`
	Limit int         `json:"limit,omitempty" doc:"how many at most" min:"0" default:"200"`
	After chat.UserID `json:"after,omitempty" doc:"go on after this one"`
}

// UpdateProfile is the payload of users/me/update.
type UpdateProfile struct {
	Envelope
	DisplayName string `json:"display_name" doc:"one line" min:"1" max:"100" example:"Bob"`
}

// Texts implements Payload.
func (p *UpdateProfile) Texts() []Text {
	return []Text{{Field: "display_name", Value: &p.DisplayName, Form: Name}}
}

// ChangePassword is the payload of users/me/password.
type ChangePassword struct {
	Envelope
	noTexts
	Password    string `json:"password" doc:"the present one" example:"correct horse"`
	NewPassword string `json:"new_password" doc:"the one from now on" example:"battery staple"`
}

// ProvePassword is the payload of what needs the password again: users/me/delete.
type ProvePassword struct {
	Envelope
	noTexts
	Password string `json:"password" doc:"of the account" example:"correct horse"`
}

// UserData is an account as everybody sees it.
type UserData struct {
	UserID      chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name" doc:"free text" example:"Bob"`
	Role        chat.ServerRole `json:"role"`
	CreatedAt   Timestamp       `json:"created_at" doc:"when the account was made"`
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
	HasPassword bool          `json:"has_password" doc:"false: the account signs in with tokens only"`
	Blocked     []chat.UserID `json:"blocked" doc:"whom the caller has blocked"`
	Muted       bool          `json:"muted,omitzero" doc:"may not write on this server for now"`
	MutedUntil  *Timestamp    `json:"muted_until,omitempty" doc:"when that ends; absent: without end"`
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
	Users   []UserData `json:"users" doc:"by id"`
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

// ExportAccount is the payload of users/me/export: where to go on.
type ExportAccount struct {
	Envelope
	noTexts
	RoomID   chat.RoomID `json:"room_id,omitempty" doc:"where to go on: next of the page before"`
	AfterSeq uint64      `json:"after_seq,omitempty" doc:"where to go on: next of the page before" min:"0"`
}

// Export answers users/me/export.
type Export struct {
	Reply
	User       UserData      `json:"user"`
	Blocked    []chat.UserID `json:"blocked,omitempty" doc:"whom the caller has blocked, on the first page"`
	QuietHours *QuietHours   `json:"quiet_hours,omitempty" doc:"when the caller is sent no notifications, on the first page"`
	Rooms      []RoomHead    `json:"rooms,omitempty" doc:"the caller's rooms, on the first page"`
	Messages   []Event       `json:"messages" doc:"the caller's own, by room and seq"`
	Next       *ExportPlace  `json:"next,omitempty" doc:"what to ask the next page with, while has_more"`
	HasMore    bool          `json:"has_more"`
}

// ExportPlace is where a page begins.
type ExportPlace struct {
	RoomID   chat.RoomID `json:"room_id"`
	AfterSeq uint64      `json:"after_seq" doc:"after this place in the log" example:"8"`
}

// ExportOf shows a page of an export.
func ExportOf(e *chat.Export, epoch int64) *Export {
	out := &Export{Reply: Reply{Status: "success"}, User: UserDataOf(e.User), Blocked: e.Blocked, QuietHours: QuietHoursOf(e.Quiet), Rooms: RoomHeadsOf(e.Rooms),
		Messages: EventsOf(e.Messages, epoch, e.User.ID), HasMore: e.HasMore}
	if e.HasMore {
		out.Next = &ExportPlace{e.NextRoom, e.NextSeq}
	}
	return out
}

// Shrink implements Pager.
func (r *Export) Shrink() (ok bool) {
	was := len(r.Messages)
	if r.Messages, ok = fewer(r.Messages); len(r.Messages) == was {
		return ok
	}
	last := r.Messages[len(r.Messages)-1].event
	r.HasMore, r.Next = true, &ExportPlace{last.RoomID, last.Seq}
	return true
}

// About implements About.
func (r *Export) About() []chat.RoomID {
	var rooms []chat.RoomID
	for _, e := range r.Messages {
		if id := e.event.RoomID; len(rooms) == 0 || rooms[len(rooms)-1] != id {
			rooms = append(rooms, id)
		}
	}
	return rooms
}
