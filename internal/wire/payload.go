// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// ErrNotANumber is what is wrong with a timestamp that is none.
var ErrNotANumber = errors.New("must be a number of seconds")

// Envelope is what every payload may carry beside its own fields.
type Envelope struct {
	RequestID   jsontext.Value `json:"request_id,omitempty" doc:"echoed in the reply; a string or a number of at most 256 bytes"`
	ClientMsgID string         `json:"client_msg_id,omitempty" doc:"a random text of the client's own: a repeat of the same request does nothing again and gets the first outcome" max:"64"`
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
type Flagged interface{ Flag(chat.Flag) }

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
	Name        string      `json:"name" doc:"one line" min:"1" max:"100" example:"Greenhouse"`
	Description string      `json:"description,omitempty" doc:"what the room is for" max:"1000" example:"Tomatoes and more"`
	Type        string      `json:"type,omitempty" doc:"who may join: everybody, or who is invited" enum:"public private" default:"public"`
	MaxMembers  int         `json:"max_members,omitempty" doc:"how many may be in it" min:"1" max:"100000" default:"100"`
	RoomID      chat.RoomID `json:"room_id,omitempty" doc:"a name of letters, digits, . _ and -; absent: a UUID" example:"greenhouse"`
}

// Texts implements Payload.
func (p *CreateRoom) Texts() []Text {
	return []Text{{Field: "name", Value: &p.Name, Form: Name}, {Field: "description", Value: &p.Description, Form: Remark, Optional: true}}
}

// ListRooms is the payload of rooms/list.
type ListRooms struct {
	Envelope
	noTexts
	Mine  bool        `json:"mine,omitempty" doc:"the caller's own rooms in place of the public ones"`
	Query string      `json:"query,omitempty" doc:"text in the id or name, in any case"`
	Limit int         `json:"limit,omitempty" doc:"how many at most" min:"0" example:"50" default:"200"`
	After chat.RoomID `json:"after,omitempty" doc:"go on after this one"`
}

// RoomInfo is the payload of rooms/{room_id}/info.
type RoomInfo struct {
	Envelope
	noTexts
	Limit int         `json:"limit,omitempty" doc:"how many members at most" min:"0" example:"50" default:"200"`
	After chat.UserID `json:"after,omitempty" doc:"go on after this member"`
}

// UpdateRoom is the payload of rooms/{room_id}/update.
type UpdateRoom struct {
	Envelope
	Name        *string          `json:"name,omitzero" doc:"one line" min:"1" max:"100"`
	Description *string          `json:"description,omitzero" doc:"what the room is for" max:"1000" example:"Tomatoes only"`
	MaxMembers  *int             `json:"max_members,omitzero" doc:"how many may be in it; a lower number removes nobody" min:"1" max:"100000"`
	SlowMode    *int             `json:"slow_mode,omitzero" doc:"seconds between two messages of a member; 0 is off" min:"0" max:"86400" example:"10"`
	ReadOnly    *bool            `json:"read_only,omitzero" doc:"only moderators write"`
	History     *chat.Visibility `json:"history_visibility,omitzero" doc:"what those see who join later; joined is the only one for a private room"`
	Retention   *int             `json:"retention,omitzero" doc:"seconds that messages are kept, from a minute to ten years; 0 for as long as the server keeps them; the owner sets it" min:"0" max:"315360000"`
}

// Texts implements Payload.
func (p *UpdateRoom) Texts() []Text {
	return []Text{{Field: "name", Value: p.Name, Form: Name}, {Field: "description", Value: p.Description, Form: Remark, Optional: true}}
}

// NameUser is the payload of routes about somebody: invite and transfer.
type NameUser struct {
	Envelope
	noTexts
	UserID chat.UserID `json:"user_id" doc:"whom it is about"`
}

// SendMessage is the payload of message/{room_id}, private/{user_id}, broadcast and message/{message_id}/reply.
type SendMessage struct {
	Envelope
	Content string         `json:"content" doc:"the text, several lines" min:"1" max:"4000" example:"hello"`
	Type    chat.EventKind `json:"type,omitempty" doc:"files and pictures are sent with file/share" enum:"text" default:"text"`
	ReplyTo string         `json:"reply_to,omitempty" is:"MessageID" doc:"a message of the same room that this one answers"`
	flag    chat.Flag
}

// Texts implements Payload.
func (p *SendMessage) Texts() []Text {
	return []Text{{Field: "content", Value: &p.Content, Form: Body}}
}

// Flag implements Flagged.
func (p *SendMessage) Flag(f chat.Flag) { p.flag = f }

// Flagged tells what Flag was called with.
func (p *SendMessage) Flagged() chat.Flag { return p.flag }

// SetPlain takes a plain text for the content.
func (p *SendMessage) SetPlain(text string) { p.Content = text }

// Plain is a payload that can be written as plain text.
type Plain interface{ SetPlain(text string) }

// History is the payload of history/{room_id}. At most one of before, before_seq, after_seq and around.
type History struct {
	Envelope
	noTexts
	Limit     int       `json:"limit,omitempty" doc:"how many messages at most" min:"0" max:"200" example:"50" default:"50"`
	Before    Timestamp `json:"before,omitzero" doc:"older than this moment"`
	BeforeSeq uint64    `json:"before_seq,omitempty" doc:"before this place in the log" min:"0"`
	AfterSeq  *uint64   `json:"after_seq,omitempty" doc:"after this place in the log; the page is ascending then" min:"0"`
	Around    string    `json:"around,omitempty" is:"MessageID" doc:"a message with what was said before and after it"`
}

// Sync is the payload of sync.
type Sync struct {
	Envelope
	noTexts
	Rooms map[chat.RoomID]uint64 `json:"rooms,omitempty" doc:"of each room that events are wanted of the last seq seen" example:"{\"general\":8}"`
	Epoch int64                  `json:"epoch,omitempty" doc:"of the data that the numbers in rooms belong to" example:"1795358930"`
	Limit int                    `json:"limit,omitempty" doc:"how many events at most" min:"0" default:"500"`
}

// Moderate is the payload of admin/rooms/{room_id}/moderate.
type Moderate struct {
	Envelope
	Action   string      `json:"action" doc:"what is done" enum:"kick ban unban mute unmute promote demote lock unlock" example:"mute"`
	UserID   chat.UserID `json:"user_id,omitempty" doc:"to whom; not with lock and unlock" example:"carol"`
	Duration int64       `json:"duration,omitempty" doc:"seconds that a ban or mute lasts, at most ten years; 0: without end" min:"0" max:"315360000" example:"600"`
	Reason   string      `json:"reason,omitempty" doc:"why, for the members and the audit" max:"1000" example:"calm down"`
}

// Texts implements Payload.
func (p *Moderate) Texts() []Text {
	return []Text{{Field: "reason", Value: &p.Reason, Form: Remark, Optional: true}}
}

// Sanction is the payload of admin/users/{user_id}/ban, unban, mute and unmute.
type Sanction struct {
	Envelope
	Duration int64  `json:"duration,omitempty" doc:"seconds that a ban or mute lasts, at most ten years; 0: without end" min:"0" max:"315360000" example:"600"`
	Reason   string `json:"reason,omitempty" doc:"why" max:"1000" example:"cool off"`
}

// Texts implements Payload.
func (p *Sanction) Texts() []Text {
	return []Text{{Field: "reason", Value: &p.Reason, Form: Remark, Optional: true}}
}
