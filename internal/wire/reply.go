// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// Reply is what every successful reply begins with.
type Reply struct {
	Status    string         `json:"status"`
	RequestID jsontext.Value `json:"request_id,omitempty"`
	Duplicate bool           `json:"duplicate,omitzero"` // the request had succeeded before; nothing was done now
}

// Head gives access to it.
func (r *Reply) Head() *Reply { return r }

// Replier is any reply.
type Replier interface{ Head() *Reply }

// Pager is a reply that can be made smaller for a client with a small Maximum Packet Size.
type Pager interface {
	Shrink() bool // about halves the page and says so in it; false when there is nothing to cut
}

// Done is a reply that only says what was done.
type Done struct {
	Reply
	RoomID chat.RoomID `json:"room_id,omitempty"`
}

// RoomData is a room as its members and, without Self, strangers see it.
type RoomData struct {
	RoomID      chat.RoomID     `json:"room_id"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Type        string          `json:"type"`
	CreatedBy   chat.UserID     `json:"created_by,omitempty"`
	CreatedAt   Timestamp       `json:"created_at"`
	MaxMembers  int             `json:"max_members"`
	MemberCount int             `json:"member_count"`
	SlowMode    int             `json:"slow_mode"`
	ReadOnly    bool            `json:"read_only"`
	Locked      bool            `json:"locked"`
	History     chat.Visibility `json:"history_visibility"`
	LastSeq     uint64          `json:"last_seq"`
	Retention   int             `json:"retention,omitzero"` // seconds
}

// RoomType is the public name of a kind of room.
func RoomType(k chat.RoomKind) string {
	switch k {
	case chat.PublicRoom:
		return "public"
	case chat.PrivateRoom:
		return "private"
	case chat.DirectRoom:
		return "direct"
	case chat.AnnouncementsRoom:
		return "announcements"
	default:
		return "user"
	}
}

// RoomDataOf shows r.
func RoomDataOf(r *chat.Room) RoomData {
	return RoomData{RoomID: r.ID, Name: r.Name, Description: r.Description, Type: RoomType(r.Kind), CreatedBy: r.CreatedBy,
		CreatedAt: Timestamp(r.CreatedAt), MaxMembers: r.MaxMembers, MemberCount: r.MemberCount, SlowMode: r.SlowMode,
		ReadOnly: r.ReadOnly, Locked: r.Locked, History: r.History, LastSeq: r.LastSeq, Retention: r.Retention}
}

// RoomCreated answers rooms/create, RoomUpdated rooms/{room_id}/update and transfer.
type RoomCreated struct {
	Reply
	RoomID chat.RoomID `json:"room_id"`
	Room   RoomData    `json:"room_data"`
}

// Joined answers rooms/join/{room_id} and rooms/{room_id}/invite.
type Joined struct {
	Reply
	RoomID      chat.RoomID `json:"room_id"`
	MemberCount int         `json:"member_count"`
	FirstSeq    uint64      `json:"first_seq"`
}

// RoomHead is a room of the caller's with the head of its log and their place in it.
type RoomHead struct {
	RoomData
	Role     string `json:"role"`
	FirstSeq uint64 `json:"first_seq"` // the first one that the caller may see
	ReadSeq  uint64 `json:"read_seq"`
	Unread   uint64 `json:"unread"`

	Notifications string `json:"notifications"` // all, mentions or none
}

// RoomHeadOf shows m.
func RoomHeadOf(m *chat.Membership) RoomHead {
	h := RoomHead{RoomData: RoomDataOf(&m.Room), Role: m.Member.Role.String(), FirstSeq: m.Room.FirstVisible(m.Member.JoinedSeq),
		ReadSeq: m.Member.ReadSeq, Unread: m.Unread, Notifications: m.Member.Notifications}
	if h.Notifications == "" {
		h.Notifications = chat.NotifyAll
	}
	return h
}

// RoomHeadsOf shows memberships.
func RoomHeadsOf(rooms []chat.Membership) []RoomHead {
	out := make([]RoomHead, len(rooms))
	for i := range rooms {
		out[i] = RoomHeadOf(&rooms[i])
	}
	return out
}

// RoomsOf shows rooms.
func RoomsOf(rooms []chat.Room) []RoomData {
	out := make([]RoomData, len(rooms))
	for i := range rooms {
		out[i] = RoomDataOf(&rooms[i])
	}
	return out
}

// Rooms answers rooms/list for public rooms.
type Rooms struct {
	Reply
	Rooms   []RoomData `json:"rooms"`
	HasMore bool       `json:"has_more"`
}

// Shrink implements Pager.
func (r *Rooms) Shrink() (ok bool) {
	r.Rooms, ok = half(r.Rooms)
	r.HasMore = r.HasMore || ok
	return ok
}

// half cuts a page to its first half.
func half[T any](page []T) ([]T, bool) {
	if len(page) <= 1 {
		return page, false
	}
	return page[:len(page)/2], true
}

// OwnRooms answers rooms/list with mine.
type OwnRooms struct {
	Reply
	Rooms   []RoomHead `json:"rooms"`
	HasMore bool       `json:"has_more"`
}

// Shrink implements Pager.
func (r *OwnRooms) Shrink() (ok bool) {
	r.Rooms, ok = half(r.Rooms)
	r.HasMore = r.HasMore || ok
	return ok
}

// MemberData is a member as other members see them.
type MemberData struct {
	UserID     chat.UserID `json:"user_id"`
	Role       string      `json:"role"`
	JoinedAt   Timestamp   `json:"joined_at"`
	Muted      bool        `json:"muted,omitzero"`
	MutedUntil *Timestamp  `json:"muted_until,omitempty"` // absent: without end
	Online     bool        `json:"online"`
	Away       bool        `json:"away,omitzero"`
	LastSeen   *Timestamp  `json:"last_seen,omitempty"` // of who is offline
}

// RoomDetail answers rooms/{room_id}/info.
type RoomDetail struct {
	Reply
	Room    RoomData     `json:"room"`
	Members []MemberData `json:"members"`
	Online  int          `json:"online"`
	HasMore bool         `json:"has_more"`
}

// RoomDetailOf shows a room with its members.
func RoomDetailOf(info *chat.RoomInfo, online int, isOnline func(chat.UserID) bool, now time.Time) *RoomDetail {
	d := &RoomDetail{Reply: Reply{Status: "success"}, Room: RoomDataOf(info.Room), Members: make([]MemberData, len(info.Members)),
		Online: online, HasMore: info.HasMore}
	for i, m := range info.Members {
		d.Members[i] = MemberData{UserID: m.User, Role: m.Role.String(), JoinedAt: Timestamp(m.JoinedAt), Online: isOnline(m.User)}
		if m.MutedUntil > chat.TimeOf(now) {
			d.Members[i].Muted = true
			if m.MutedUntil != chat.Forever {
				until := Timestamp(m.MutedUntil)
				d.Members[i].MutedUntil = &until
			}
		}
	}
	return d
}

// Shrink implements Pager.
func (r *RoomDetail) Shrink() (ok bool) {
	r.Members, ok = half(r.Members)
	r.HasMore = r.HasMore || ok
	return ok
}

// MessageSent answers every way of sending a message.
type MessageSent struct {
	Reply
	RoomID     chat.RoomID `json:"room_id"`
	MessageID  string      `json:"message_id"`
	Seq        uint64      `json:"seq"`
	Timestamp  Timestamp   `json:"timestamp"`
	Recipients int         `json:"recipients,omitzero"` // of a broadcast
}

// Page answers history/{room_id}.
type Page struct {
	Reply
	RoomID   chat.RoomID `json:"room_id"`
	Epoch    int64       `json:"epoch"`
	Messages []Event     `json:"messages"`
	Covers   [2]uint64   `json:"covers"` // [from, to] in seq
	Count    int         `json:"count"`
	HasMore  bool        `json:"has_more"`

	ascending bool
}

// PageOf shows a page of messages.
func PageOf(p *chat.Page, epoch int64, viewer chat.UserID, ascending bool) *Page {
	return &Page{Reply: Reply{Status: "success"}, RoomID: p.Room.ID, Epoch: epoch, Messages: EventsOf(p.Messages, epoch, viewer),
		Covers: [2]uint64{p.From, p.To}, Count: len(p.Messages), HasMore: p.HasMore, ascending: ascending}
}

// MessageHistory is the passing event that shows a new member the last messages.
func MessageHistory(p *chat.Page, epoch int64, viewer chat.UserID) []byte {
	return encode(struct {
		Type     string      `json:"type"`
		RoomID   chat.RoomID `json:"room_id"`
		Epoch    int64       `json:"epoch"`
		Messages []Event     `json:"messages"`
		Covers   [2]uint64   `json:"covers"`
		Count    int         `json:"count"`
		HasMore  bool        `json:"has_more"`
	}{"message_history", p.Room.ID, epoch, EventsOf(p.Messages, epoch, viewer), [2]uint64{p.From, p.To}, len(p.Messages), p.HasMore})
}

// RequestIDOf is the request id of a decoded payload, else that of the raw one as far as it can be read.
func RequestIDOf(in any, raw []byte) jsontext.Value {
	if p, ok := in.(Payload); ok {
		return p.Common().RequestID
	}
	if len(raw) == 0 || raw[0] != '{' {
		return nil
	}
	var e Envelope
	if err := json.Unmarshal(raw, &e); err != nil || len(e.RequestID) > 256 {
		return nil
	}
	if k := e.RequestID.Kind(); k != '"' && k != '0' {
		return nil
	}
	return e.RequestID
}

// Shrink implements Pager: the far end goes.
func (p *Page) Shrink() (ok bool) {
	if p.Messages, ok = half(p.Messages); !ok {
		return false
	}
	p.Count, p.HasMore = len(p.Messages), true
	far := p.Messages[len(p.Messages)-1].Seq()
	if p.ascending {
		p.Covers[1] = far
	} else {
		p.Covers[0] = far
	}
	return true
}

// Synced answers sync.
type Synced struct {
	Reply
	Epoch   int64      `json:"epoch"`
	Rooms   []RoomHead `json:"rooms"`
	Events  []Event    `json:"events"`
	Unread  uint64     `json:"unread"` // of all rooms together
	HasMore bool       `json:"has_more"`
}

// UnreadOf adds up the unread messages of rooms.
func UnreadOf(rooms []chat.Membership) (n uint64) {
	for i := range rooms {
		n += rooms[i].Unread
	}
	return n
}

// Shrink implements Pager: events go first; heads stay, since they are the answer.
func (s *Synced) Shrink() (ok bool) {
	s.Events, ok = half(s.Events)
	s.HasMore = s.HasMore || ok
	return ok
}

// Moderated answers the moderation routes.
type Moderated struct {
	Reply
	RoomID chat.RoomID `json:"room_id,omitempty"`
	UserID chat.UserID `json:"user_id,omitempty"`
	Action string      `json:"action"`
	Until  *Timestamp  `json:"until,omitempty"` // absent: without end
}

// Info answers info.
type Info struct {
	Reply
	Version    string         `json:"version"`
	Protocol   int            `json:"protocol"`
	Epoch      int64          `json:"epoch"`
	Limits     map[string]any `json:"limits"`
	Guarantees []string       `json:"guarantees"`
}

type failure struct {
	Status    string         `json:"status"`
	Error     failureDetail  `json:"error"`
	RequestID jsontext.Value `json:"request_id,omitempty"`
}

type failureDetail struct {
	Code       chat.Code `json:"code"`
	Message    string    `json:"message"`
	RetryAfter float64   `json:"retry_after,omitzero"` // seconds
}

// EncodeFailure is the reply to a refused request. Of an internal error it tells nothing.
func EncodeFailure(err error, requestID jsontext.Value) []byte {
	d := failureDetail{Code: chat.Internal, Message: "something went wrong on the server; its log tells what"}
	if e := AsError(err); e != nil {
		d = failureDetail{Code: e.Code, Message: e.Message, RetryAfter: float64(e.RetryAfter.Milliseconds()) / 1000}
	}
	return encode(failure{Status: "error", Error: d, RequestID: requestID})
}

// EncodeReply is a reply's JSON of at most limit bytes (0: any): pages shrink to fit. ok is false when it cannot be made small enough.
func EncodeReply(r Replier, limit int) (body []byte, ok bool) {
	for {
		body = encode(r)
		if limit <= 0 || len(body) <= limit {
			return body, true
		}
		p, can := r.(Pager)
		if !can || !p.Shrink() {
			return body, false
		}
	}
}

func encode(v any) []byte {
	b, err := json.Marshal(v, jsontext.AllowInvalidUTF8(true)) // what is invalid is replaced
	if err != nil {
		panic("wire: a reply that cannot be encoded: " + err.Error()) // only values of this package come here
	}
	return b
}

// About is a reply that shows the inside of rooms: who loses a room must not get it any more.
type About interface{ About() []chat.RoomID }

// About implements About.
func (p *Page) About() []chat.RoomID { return []chat.RoomID{p.RoomID} }

// About implements About.
func (r *RoomDetail) About() []chat.RoomID { return []chat.RoomID{r.Room.RoomID} }

// About implements About.
func (s *Synced) About() []chat.RoomID {
	var rooms []chat.RoomID
	for _, e := range s.Events {
		if id := e.event.RoomID; len(rooms) == 0 || rooms[len(rooms)-1] != id {
			rooms = append(rooms, id)
		}
	}
	return rooms
}
