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
	Status    string         `json:"status" doc:"what was done"`
	RequestID jsontext.Value `json:"request_id,omitempty" doc:"that of the request, where it had one"`
	Duplicate bool           `json:"duplicate,omitzero" doc:"true: the request had succeeded before, and nothing was done now"`
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
	Name        string          `json:"name" doc:"one line" example:"General"`
	Description string          `json:"description" doc:"what the room is for" example:"Anything goes"`
	Type        string          `json:"type" doc:"direct is a private conversation, user is a user's own log" enum:"public private direct announcements user"`
	CreatedBy   chat.UserID     `json:"created_by,omitempty" doc:"who created it"`
	CreatedAt   Timestamp       `json:"created_at" doc:"when it was created"`
	MaxMembers  int             `json:"max_members" doc:"how many may be in it" example:"100"`
	MemberCount int             `json:"member_count" doc:"how many are in it" example:"3"`
	SlowMode    int             `json:"slow_mode" doc:"seconds between two messages of a member; 0 is off" min:"0"`
	ReadOnly    bool            `json:"read_only" doc:"only moderators write"`
	Locked      bool            `json:"locked" doc:"closed by a moderator: nobody joins, members do not write"`
	History     chat.Visibility `json:"history_visibility" doc:"what those see who join later"`
	LastSeq     uint64          `json:"last_seq" doc:"the head of the room's log" example:"9"`
	Retention   int             `json:"retention,omitzero" doc:"seconds that messages are kept, where the room says so"`
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
	Room   RoomData    `json:"room_data" doc:"the room as it is now"`
}

// Joined answers rooms/join/{room_id} and rooms/{room_id}/invite.
type Joined struct {
	Reply
	RoomID      chat.RoomID `json:"room_id"`
	MemberCount int         `json:"member_count" doc:"how many are in the room now" example:"3"`
	FirstSeq    uint64      `json:"first_seq" doc:"the first place in the log that the member may see" example:"1"`
}

// RoomHead is a room of the caller's with the head of its log and their place in it.
type RoomHead struct {
	RoomData
	Role     string `json:"role" doc:"the caller's role" enum:"member moderator owner"`
	FirstSeq uint64 `json:"first_seq" doc:"the first place in the log that the caller may see" example:"1"`
	// JoinedSeq is where a client begins that learns of a room here and not from the joining.
	JoinedSeq uint64 `json:"joined_seq" doc:"the place in the log of the caller's joining" example:"2"`
	ReadSeq   uint64 `json:"read_seq" doc:"how far the caller has read" example:"7"`
	Unread    uint64 `json:"unread" doc:"messages that the caller has not read" example:"2"`

	Notifications string `json:"notifications" doc:"of which messages the caller wants to be notified" enum:"all mentions none"`
}

// RoomHeadOf shows m.
func RoomHeadOf(m *chat.Membership) RoomHead {
	h := RoomHead{RoomData: RoomDataOf(&m.Room), Role: m.Member.Role.String(), FirstSeq: m.Room.FirstVisible(m.Member.JoinedSeq),
		JoinedSeq: m.Member.JoinedSeq, ReadSeq: m.Member.ReadSeq, Unread: m.Unread, Notifications: m.Member.Notifications}
	if h.Notifications == "" {
		h.Notifications = chat.DefaultNotifications(m.Room.Kind)
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
	Rooms   []RoomData `json:"rooms" doc:"by id"`
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
	Rooms   []RoomHead `json:"rooms" doc:"by id"`
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
	Name       string      `json:"display_name" doc:"how they are called now" example:"Alice Moreau"`
	Role       string      `json:"role" doc:"in this room" enum:"member moderator owner"`
	JoinedAt   Timestamp   `json:"joined_at" doc:"when they joined"`
	Muted      bool        `json:"muted,omitzero" doc:"may not write for now"`
	MutedUntil *Timestamp  `json:"muted_until,omitempty" doc:"when that ends; absent: without end"`
	Online     bool        `json:"online" doc:"is there"`
	Away       bool        `json:"away,omitzero" doc:"is there and away"`
	LastSeen   *Timestamp  `json:"last_seen,omitempty" doc:"of who is offline, where it is known"`
}

// RoomDetail answers rooms/{room_id}/info.
type RoomDetail struct {
	Reply
	Room    RoomData     `json:"room"`
	Members []MemberData `json:"members" doc:"by id; none for who is no member"`
	Online  int          `json:"online" doc:"how many members are there" example:"2"`
	HasMore bool         `json:"has_more"`
}

// RoomDetailOf shows a room with its members.
func RoomDetailOf(info *chat.RoomInfo, online int, isOnline func(chat.UserID) bool, now time.Time) *RoomDetail {
	d := &RoomDetail{Reply: Reply{Status: "success"}, Room: RoomDataOf(info.Room), Members: make([]MemberData, len(info.Members)),
		Online: online, HasMore: info.HasMore}
	for i, m := range info.Members {
		d.Members[i] = MemberData{UserID: m.User, Name: m.Name, Role: m.Role.String(), JoinedAt: Timestamp(m.JoinedAt), Online: isOnline(m.User)}
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
	Timestamp  Timestamp   `json:"timestamp" doc:"when it was sent"`
	Recipients int         `json:"recipients,omitzero" doc:"of a broadcast: how many accounts it goes to"`
}

// Page answers history/{room_id}.
type Page struct {
	Reply
	RoomID   chat.RoomID `json:"room_id"`
	Epoch    int64       `json:"epoch"`
	Messages []Event     `json:"messages" doc:"newest first, ascending after after_seq"`
	Covers   [2]uint64   `json:"covers" doc:"from and to: the part of the log that the page answers for, 0 and 0 where it covers none" example:"[1,9]"`
	Count    int         `json:"count" doc:"how many messages the page has" example:"1"`
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
	var e struct { // and nothing else, so that what is wrong with the rest does not keep the answer from being recognised
		RequestID jsontext.Value `json:"request_id"`
	}
	if err := json.Unmarshal(raw, &e, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil || len(e.RequestID) > 256 {
		return nil
	}
	if k := e.RequestID.Kind(); k != '"' && k != '0' {
		return nil
	}
	return e.RequestID
}

// Shrink implements Pager: the far end goes.
func (p *Page) Shrink() (ok bool) {
	was := len(p.Messages)
	if p.Messages, ok = fewer(p.Messages); len(p.Messages) == was {
		return ok
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
	Rooms   []RoomHead `json:"rooms" doc:"every room of the caller's with the head of its log"`
	Events  []Event    `json:"events" is:"Event" doc:"what came after the seqs of the request, of each room in order"`
	Unread  uint64     `json:"unread" doc:"unread messages of all rooms together" example:"2"`
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
	was := len(s.Events)
	s.Events, ok = fewer(s.Events)
	s.HasMore = s.HasMore || len(s.Events) < was
	return ok
}

// Moderated answers the moderation routes.
type Moderated struct {
	Reply
	RoomID chat.RoomID `json:"room_id,omitempty" doc:"where it was done; absent: on the whole server"`
	UserID chat.UserID `json:"user_id,omitempty" doc:"to whom"`
	Action string      `json:"action" doc:"what was done" enum:"kick ban unban mute unmute promote demote lock unlock" example:"mute"`
	Until  *Timestamp  `json:"until,omitempty" doc:"when it ends; absent: without end"`
}

// Info answers info.
type Info struct {
	Reply
	Version    string         `json:"version" doc:"of the server" example:"0.9.0"`
	Protocol   int            `json:"protocol" doc:"the version of this protocol" example:"1"`
	Epoch      int64          `json:"epoch"`
	Limits     map[string]any `json:"limits" doc:"numbers by name: lengths in characters, sizes in bytes, times in seconds" example:"{\"content_length\":4000}"`
	Push       *PushInfo      `json:"push,omitempty" doc:"what a client needs to subscribe to pushes; absent where there are none"`
	Guarantees []string       `json:"guarantees" doc:"names of those that hold on this deployment" example:"[\"acknowledged_is_durable\"]"`
}

// Failure is the reply to a refused request.
type Failure struct {
	Status    string         `json:"status" doc:"error" enum:"error"`
	Error     FailureDetail  `json:"error" doc:"why it was refused"`
	RequestID jsontext.Value `json:"request_id,omitempty" doc:"that of the request, where it had one"`
}

// FailureDetail says why.
type FailureDetail struct {
	Code       chat.Code `json:"code"`
	Message    string    `json:"message" doc:"for people; may change" example:"you are muted in this room"`
	RetryAfter float64   `json:"retry_after,omitzero" doc:"seconds after which a repeat may succeed" example:"599.8"`
}

// EncodeFailure is the reply to a refused request. Of an internal error it tells nothing.
func EncodeFailure(err error, requestID jsontext.Value) []byte {
	d := FailureDetail{Code: chat.Internal, Message: "something went wrong on the server; its log tells what"}
	if e := AsError(err); e != nil {
		d = FailureDetail{Code: e.Code, Message: e.Message, RetryAfter: float64(e.RetryAfter.Milliseconds()) / 1000}
	}
	return encode(Failure{Status: "error", Error: d, RequestID: requestID})
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
