// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

var errNotANumber = errors.New("must be a number of seconds")

// Envelope is what every payload may carry beside its own fields.
type Envelope struct {
	RequestID   jsontext.Value `json:"request_id,omitempty"` // a string or number, echoed in the reply
	ClientMsgID string         `json:"client_msg_id,omitempty"`
	// Digest is of the payload as it came, with its topic; set where there is a ClientMsgID.
	Digest [16]byte `json:"-"`
}

// Common gives access to the envelope of a decoded payload.
func (e *Envelope) Common() *Envelope { return e }

// Payload is a decoded payload of any route.
type Payload interface {
	Common() *Envelope
	// Texts names every text in it that a person wrote and others will read, for validation and filter.
	Texts() []Text
}

// Text is one text of a payload.
type Text struct {
	Field    string  // its name in the JSON
	Value    *string // nil: absent
	Form     Form
	Optional bool // may be empty
}

// Form says which rules a text follows.
type Form uint8

// The forms of texts.
const (
	Body   Form = iota // of a message: several lines, up to 4000 characters
	Name               // of a room or a person: one line
	Remark             // a description or a reason: several lines, shorter than a message
)

// Flagged is a payload whose message can be marked for the moderators.
type Flagged interface{ Flag() }

// noTexts is embedded in payloads without texts.
type noTexts struct{}

// Texts implements Payload.
func (noTexts) Texts() []Text { return nil }

// Empty is the payload of routes that need nothing beside their parameters.
type Empty struct {
	Envelope
	noTexts
}

// CreateRoom is the payload of rooms/create.
type CreateRoom struct {
	Envelope
	Name        string      `json:"name"`
	Description string      `json:"description,omitempty"`
	Type        string      `json:"type,omitempty"` // public or private
	MaxMembers  int         `json:"max_members,omitempty"`
	RoomID      chat.RoomID `json:"room_id,omitempty"`
}

// Texts implements Payload.
func (p *CreateRoom) Texts() []Text {
	return []Text{{Field: "name", Value: &p.Name, Form: Name}, {Field: "description", Value: &p.Description, Form: Remark, Optional: true}}
}

// ListRooms is the payload of rooms/list.
type ListRooms struct {
	Envelope
	noTexts
	Mine  bool        `json:"mine,omitempty"`
	Query string      `json:"query,omitempty"`
	Limit int         `json:"limit,omitempty"`
	After chat.RoomID `json:"after,omitempty"`
}

// RoomInfo is the payload of rooms/{room_id}/info.
type RoomInfo struct {
	Envelope
	noTexts
	Limit int         `json:"limit,omitempty"`
	After chat.UserID `json:"after,omitempty"`
}

// UpdateRoom is the payload of rooms/{room_id}/update.
type UpdateRoom struct {
	Envelope
	Name        *string          `json:"name,omitzero"`
	Description *string          `json:"description,omitzero"`
	MaxMembers  *int             `json:"max_members,omitzero"`
	SlowMode    *int             `json:"slow_mode,omitzero"` // seconds
	ReadOnly    *bool            `json:"read_only,omitzero"`
	History     *chat.Visibility `json:"history_visibility,omitzero"`
	Retention   *int             `json:"retention,omitzero"` // seconds
}

// Texts implements Payload.
func (p *UpdateRoom) Texts() []Text {
	return []Text{{Field: "name", Value: p.Name, Form: Name}, {Field: "description", Value: p.Description, Form: Remark, Optional: true}}
}

// NameUser is the payload of routes about somebody: invite and transfer.
type NameUser struct {
	Envelope
	noTexts
	UserID chat.UserID `json:"user_id"`
}

// SendMessage is the payload of message/{room_id}, private/{user_id}, broadcast and message/{message_id}/reply.
type SendMessage struct {
	Envelope
	Content string         `json:"content"`
	Type    chat.EventKind `json:"type,omitempty"`
	ReplyTo string         `json:"reply_to,omitempty"`
	flagged bool
}

// Texts implements Payload.
func (p *SendMessage) Texts() []Text {
	return []Text{{Field: "content", Value: &p.Content, Form: Body}}
}

// Flag implements Flagged.
func (p *SendMessage) Flag() { p.flagged = true }

// IsFlagged tells whether Flag was called.
func (p *SendMessage) IsFlagged() bool { return p.flagged }

// SetPlain takes a plain text for the content.
func (p *SendMessage) SetPlain(text string) { p.Content = text }

// Plain is a payload that can be written as plain text.
type Plain interface{ SetPlain(text string) }

// History is the payload of history/{room_id}. At most one of before, before_seq, after_seq and around.
type History struct {
	Envelope
	noTexts
	Limit     int       `json:"limit,omitempty"`
	Before    Timestamp `json:"before,omitzero"`
	BeforeSeq uint64    `json:"before_seq,omitempty"`
	AfterSeq  *uint64   `json:"after_seq,omitempty"`
	Around    string    `json:"around,omitempty"`
}

// Sync is the payload of sync.
type Sync struct {
	Envelope
	noTexts
	Rooms map[chat.RoomID]uint64 `json:"rooms,omitempty"`
	Epoch int64                  `json:"epoch,omitempty"`
	Limit int                    `json:"limit,omitempty"`
}

// Moderate is the payload of admin/rooms/{room_id}/moderate.
type Moderate struct {
	Envelope
	Action   string      `json:"action"`
	UserID   chat.UserID `json:"user_id,omitempty"`
	Duration int64       `json:"duration,omitempty"` // seconds; 0 without end
	Reason   string      `json:"reason,omitempty"`
}

// Texts implements Payload.
func (p *Moderate) Texts() []Text {
	return []Text{{Field: "reason", Value: &p.Reason, Form: Remark, Optional: true}}
}

// Sanction is the payload of admin/users/{user_id}/ban, unban, mute and unmute.
type Sanction struct {
	Envelope
	Duration int64  `json:"duration,omitempty"` // seconds; 0 without end
	Reason   string `json:"reason,omitempty"`
}

// Texts implements Payload.
func (p *Sanction) Texts() []Text {
	return []Text{{Field: "reason", Value: &p.Reason, Form: Remark, Optional: true}}
}
