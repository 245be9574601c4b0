// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// Format is the version of the format. A reader refuses any other.
const Format = 1

// Record is one line.
type Record interface {
	named() (kind *string, is string)
}

// Moment is a chat.Time: a number of milliseconds, or "forever".
type Moment chat.Time

// MarshalJSONTo implements json.MarshalerTo.
func (m Moment) MarshalJSONTo(enc *jsontext.Encoder) error {
	if chat.Time(m) == chat.Forever {
		return enc.WriteToken(jsontext.String("forever"))
	}
	return enc.WriteToken(jsontext.Int(int64(m)))
}

var errNoMoment = errors.New(`must be a number of milliseconds or "forever"`)

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *Moment) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if string(v) == `"forever"` {
		*m = Moment(chat.Forever)
		return nil
	}
	n, err := strconv.ParseInt(string(v), 10, 64)
	if err != nil {
		return errNoMoment
	}
	*m = Moment(n)
	return nil
}

// Header is the first line.
type Header struct {
	Kind      string      `json:"kind"`
	Format    int         `json:"format"`
	Version   string      `json:"version"` // of the server
	Epoch     int64       `json:"epoch"`
	At        Moment      `json:"exported_at"`
	Passwords bool        `json:"passwords"`         // users come with their hashes
	User      chat.UserID `json:"user_id,omitempty"` // it is of this account alone, and cannot be imported
}

// User is an account.
type User struct {
	Kind         string          `json:"kind"`
	ID           chat.UserID     `json:"user_id"`
	DisplayName  string          `json:"display_name"`
	Role         chat.ServerRole `json:"role"`
	PasswordHash string          `json:"password_hash,omitempty"`
	Generation   int64           `json:"generation"`
	CreatedAt    Moment          `json:"created_at"`
	BannedUntil  Moment          `json:"banned_until,omitzero"`
	BanReason    string          `json:"ban_reason,omitempty"`
	MutedUntil   Moment          `json:"muted_until,omitzero"`
	Deleted      bool            `json:"deleted,omitzero"`
	Invisible    bool            `json:"invisible,omitzero"`
	LastSeen     Moment          `json:"last_seen,omitzero"`
	QuietHours   *QuietHours     `json:"quiet_hours,omitempty"`
}

// QuietHours are when an account is sent no notifications, each day.
type QuietHours struct {
	From     string `json:"from"` // HH:MM
	To       string `json:"to"`
	TimeZone string `json:"time_zone"` // of the IANA database
}

// Block is whom somebody wants to hear nothing from.
type Block struct {
	Kind string      `json:"kind"`
	User chat.UserID `json:"user_id"`
	Of   chat.UserID `json:"blocks"`
	At   Moment      `json:"at"`
}

// Room is a room with the bounds of its log.
type Room struct {
	Kind        string          `json:"kind"`
	ID          chat.RoomID     `json:"room_id"`
	Type        string          `json:"type"` // see RoomTypes
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	CreatedBy   chat.UserID     `json:"created_by,omitempty"`
	CreatedAt   Moment          `json:"created_at"`
	MaxMembers  int             `json:"max_members"`
	SlowMode    int             `json:"slow_mode,omitzero"`
	ReadOnly    bool            `json:"read_only,omitzero"`
	Locked      bool            `json:"locked,omitzero"`
	History     chat.Visibility `json:"history_visibility"`
	Retention   int             `json:"retention,omitzero"`
	Deleted     bool            `json:"deleted,omitzero"`
	FirstSeq    uint64          `json:"first_seq"`
	LastSeq     uint64          `json:"last_seq"`
	Cut         uint64          `json:"messages_cut,omitzero"` // messages before first_seq
	Count       uint64          `json:"messages"`              // up to last_seq, those that were cut included
	LastAt      Moment          `json:"last_at"`
	Policy      int64           `json:"policy"`
}

// roomTypes are the names of the kinds of rooms.
var roomTypes = [...]string{chat.PublicRoom: "public", chat.PrivateRoom: "private", chat.DirectRoom: "direct", chat.AnnouncementsRoom: "announcements", chat.UserLogRoom: "user"}

// RoomType names a kind of room.
func RoomType(k chat.RoomKind) string { return roomTypes[k] }

// RoomKind finds the kind of that name.
func RoomKind(name string) (chat.RoomKind, bool) {
	for k, n := range roomTypes {
		if n == name && n != "" {
			return chat.RoomKind(k), true
		}
	}
	return 0, false
}

// Member is a user's place in a room.
type Member struct {
	Kind          string      `json:"kind"`
	Room          chat.RoomID `json:"room_id"`
	User          chat.UserID `json:"user_id"`
	Role          string      `json:"role"`
	JoinedSeq     uint64      `json:"joined_seq"`
	JoinedAt      Moment      `json:"joined_at"`
	LastSent      uint64      `json:"last_sent,omitzero"`
	LastSentAt    Moment      `json:"last_sent_at,omitzero"`
	ReadSeq       uint64      `json:"read_seq,omitzero"`
	MutedUntil    Moment      `json:"muted_until,omitzero"`
	Notifications string      `json:"notifications,omitempty"`
}

// RoomRole finds the role of that name.
func RoomRole(name string) (chat.RoomRole, bool) {
	for r := chat.RoleMember; r <= chat.RoleOwner; r++ {
		if r.String() == name {
			return r, true
		}
	}
	return 0, false
}

// Ban keeps somebody out of a room.
type Ban struct {
	Kind   string      `json:"kind"`
	Room   chat.RoomID `json:"room_id"`
	User   chat.UserID `json:"user_id"`
	Until  Moment      `json:"until"`
	By     chat.UserID `json:"banned_by"`
	At     Moment      `json:"at"`
	Reason string      `json:"reason,omitempty"`
}

// Event is an entry of a room's log, a message in its present state.
type Event struct {
	Kind        string         `json:"kind"`
	Room        chat.RoomID    `json:"room_id"`
	Seq         uint64         `json:"seq"`
	Type        chat.EventKind `json:"type"`
	At          Moment         `json:"at"`
	Actor       chat.UserID    `json:"user_id"`
	MessageID   string         `json:"message_id,omitempty"` // its own, or that of the message it is about
	Content     string         `json:"content,omitempty"`
	ReplyTo     string         `json:"reply_to,omitempty"`
	ThreadID    string         `json:"thread_id,omitempty"`
	Flagged     bool           `json:"flagged,omitzero"`
	Edited      bool           `json:"edited,omitzero"`
	Deleted     bool           `json:"deleted,omitzero"`
	ClientMsgID string         `json:"client_msg_id,omitempty"`
	Details     jsontext.Value `json:"details,omitempty"` // chat.Details
}

// Version is an earlier text of a message.
type Version struct {
	Kind       string      `json:"kind"`
	Room       chat.RoomID `json:"room_id"`
	Seq        uint64      `json:"seq"`          // of the message
	ReplacedIn uint64      `json:"replaced_seq"` // of the event that replaced the text
	Content    string      `json:"content"`
	At         Moment      `json:"at"`
	ReplacedAt Moment      `json:"replaced_at"`
	ReplacedBy chat.UserID `json:"replaced_by"`
}

// Reaction is one user's emoji on a message.
type Reaction struct {
	Kind    string      `json:"kind"`
	Room    chat.RoomID `json:"room_id"`
	Seq     uint64      `json:"seq"` // of the message
	Emoji   string      `json:"emoji"`
	User    chat.UserID `json:"user_id"`
	AddedIn uint64      `json:"added_seq"` // of the event
}

// Pin is a pinned message.
type Pin struct {
	Kind     string      `json:"kind"`
	Room     chat.RoomID `json:"room_id"`
	Seq      uint64      `json:"seq"` // of the message
	PinnedIn uint64      `json:"pinned_seq"`
	User     chat.UserID `json:"user_id"`
	At       Moment      `json:"at"`
}

// Report is a message that was reported to the moderators.
type Report struct {
	Kind      string            `json:"kind"`
	Num       int64             `json:"report_id"`
	Room      chat.RoomID       `json:"room_id"`
	Seq       uint64            `json:"seq"` // of the message
	MessageID string            `json:"message_id"`
	Reporter  chat.UserID       `json:"reporter_id"`
	Sender    chat.UserID       `json:"sender_id"`
	Content   string            `json:"content,omitempty"`
	Reason    string            `json:"reason"`
	At        Moment            `json:"at"`
	Status    chat.ReportStatus `json:"status"`
	ClosedBy  chat.UserID       `json:"closed_by,omitempty"`
	ClosedAt  Moment            `json:"closed_at,omitzero"`
}

// Act is an entry of the audit.
type Act struct {
	Kind      string      `json:"kind"`
	ID        int64       `json:"id"`
	At        Moment      `json:"at"`
	Actor     chat.UserID `json:"user_id"`
	Action    string      `json:"action"`
	Target    chat.UserID `json:"target_id,omitempty"`
	Room      chat.RoomID `json:"room_id,omitempty"`
	MessageID string      `json:"message_id,omitempty"`
	Role      string      `json:"role,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Until     Moment      `json:"until,omitzero"`
}

// File is what is known of a file that was uploaded.
type File struct {
	Kind      string      `json:"kind"`
	ID        string      `json:"file_id"`
	Owner     chat.UserID `json:"user_id"`
	Name      string      `json:"name"`
	Type      string      `json:"mime"`
	Size      int64       `json:"size"`
	Width     int         `json:"width,omitzero"`
	Height    int         `json:"height,omitzero"`
	Thumbnail int64       `json:"thumbnail,omitzero"` // its size; 0 without one
	At        Moment      `json:"at"`
}

// Bytes are a part of a file.
type Bytes struct {
	Kind      string `json:"kind"`
	ID        string `json:"file_id"`
	Thumbnail bool   `json:"thumbnail,omitzero"`
	Data      []byte `json:"data"`
}

// Share is a message that shares a file.
type Share struct {
	Kind string      `json:"kind"`
	ID   string      `json:"file_id"`
	Room chat.RoomID `json:"room_id"`
	Seq  uint64      `json:"seq"`
}

// Request is what a client_msg_id stands for.
type Request struct {
	Kind        string      `json:"kind"`
	User        chat.UserID `json:"user_id"`
	Room        chat.RoomID `json:"room_id,omitempty"` // empty outside rooms
	ClientMsgID string      `json:"client_msg_id"`
	Digest      []byte      `json:"digest"`
	Outcome     []byte      `json:"outcome"`
}

// End is the last line.
type End struct {
	Kind   string         `json:"kind"`
	Counts map[string]int `json:"counts"` // of each kind, without this line
	SHA256 string         `json:"sha256"` // of all lines before it
}

func (r *Header) named() (*string, string)   { return &r.Kind, "archive" }
func (r *User) named() (*string, string)     { return &r.Kind, "user" }
func (r *Block) named() (*string, string)    { return &r.Kind, "block" }
func (r *Room) named() (*string, string)     { return &r.Kind, "room" }
func (r *Member) named() (*string, string)   { return &r.Kind, "member" }
func (r *Ban) named() (*string, string)      { return &r.Kind, "ban" }
func (r *Event) named() (*string, string)    { return &r.Kind, "event" }
func (r *Version) named() (*string, string)  { return &r.Kind, "version" }
func (r *Reaction) named() (*string, string) { return &r.Kind, "reaction" }
func (r *Pin) named() (*string, string)      { return &r.Kind, "pin" }
func (r *Report) named() (*string, string)   { return &r.Kind, "report" }
func (r *Act) named() (*string, string)      { return &r.Kind, "act" }
func (r *File) named() (*string, string)     { return &r.Kind, "file" }
func (r *Bytes) named() (*string, string)    { return &r.Kind, "bytes" }
func (r *Share) named() (*string, string)    { return &r.Kind, "share" }
func (r *Request) named() (*string, string)  { return &r.Kind, "request" }
func (r *End) named() (*string, string)      { return &r.Kind, "end" }

// fresh makes an empty record of a kind; nil of a kind that is none.
func fresh(kind string) Record {
	for _, r := range []Record{&Event{}, &Reaction{}, &Version{}, &Pin{}, &Member{}, &Request{}, &Bytes{}, &User{}, &Block{}, &Room{}, &Ban{},
		&Report{}, &Act{}, &File{}, &Share{}, &Header{}, &End{}} {
		if _, is := r.named(); is == kind {
			return r
		}
	}
	return nil
}
