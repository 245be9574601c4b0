// SPDX-License-Identifier: Apache-2.0

package client

import (
	"encoding/json"
	"math"
	"time"
)

// Timestamp is a moment in Unix seconds, as the server tells it: for display only. Order is Seq.
type Timestamp float64

// Time converts it.
func (t Timestamp) Time() time.Time { return time.UnixMilli(int64(math.Round(float64(t) * 1000))) }

// TypeReset is the type of an event that the Client makes itself: the server's data was replaced by other data (a restored
// backup). What was known of rooms is void; events go on from the rooms' present heads.
const TypeReset = "reset"

// TypeCut is the type of an event that says that those from FirstSeq to LastSeq of a room's log cannot be read any more: a cleanup
// or the room's retention took them while the client was away. What was shown of the room has to be loaded anew.
const TypeCut = "sync_required"

// Event is something that happened: a message, another event of a room's log, or a passing event, which has no Seq.
type Event struct {
	Type      string    `json:"type"`
	Room      string    `json:"room_id"`
	Seq       uint64    `json:"seq"`
	Epoch     int64     `json:"epoch"`
	Timestamp Timestamp `json:"timestamp"`

	// Of messages.
	ID         string `json:"id"`
	Sender     string `json:"sender_id"`
	SenderName string `json:"sender_name"`
	Content    string `json:"content"`
	ReplyTo    string `json:"reply_to"`
	Thread     string `json:"thread_id"` // of message_deleted: of the answer that is gone
	Edited     bool   `json:"edited"`
	Deleted    bool   `json:"deleted"`
	Flagged    bool   `json:"flagged"`
	Private    bool   `json:"is_private"`
	Hook       bool   `json:"hook"` // an incoming webhook posted it, and SenderName is its name

	// Of the first message of a thread: how many answers it has that are not deleted (nil: none), and the Seq of the latest. Of
	// the deletion of an answer: what is left of them (nil: not told). See Answered.
	ThreadCount   *int   `json:"thread_count"`
	ThreadLastSeq uint64 `json:"thread_last_seq"`

	// Of system messages and other events; User is who did it, or of system messages whom it happened to.
	System  string `json:"event"`
	User    string `json:"user_id"`
	Target  string `json:"target_id"`
	Message string `json:"message_id"` // that the event is about
	Action  string `json:"action"`
	Reason  string `json:"reason"`
	Status  string `json:"status"` // of user_status
	About   *Room  `json:"room"`   // of a user's own log: the room in question

	FirstSeq uint64 `json:"first_seq"` // of TypeCut
	LastSeq  uint64 `json:"last_seq"`

	Raw json.RawMessage `json:"-"` // as it came
}

// UnmarshalJSON keeps the JSON as it came in Raw.
func (e *Event) UnmarshalJSON(b []byte) error {
	type plain Event
	if err := json.Unmarshal(b, (*plain)(e)); err != nil {
		return err
	}
	e.Raw = append(json.RawMessage(nil), b...)
	return nil
}

// Answered counts an answer, or what the deletion of one has left, in e, the first message of its thread. The same one twice, or
// one that e knows already, changes nothing. It is false where the event does not tell: then e is to be read again.
func (e *Event) Answered(by *Event) bool {
	switch {
	case by.Thread == "" || by.Thread != e.ID:
	case by.Type == "message_deleted":
		if by.ThreadCount == nil {
			return false
		}
		e.ThreadCount, e.ThreadLastSeq = nil, 0
		if n := *by.ThreadCount; n > 0 {
			e.ThreadCount, e.ThreadLastSeq = &n, by.ThreadLastSeq
		}
	case by.IsMessage() && !by.Deleted && by.Seq > e.ThreadLastSeq:
		n := 1
		if e.ThreadCount != nil {
			n += *e.ThreadCount
		}
		e.ThreadCount, e.ThreadLastSeq = &n, by.Seq
	}
	return true
}

// IsMessage tells whether somebody said it.
func (e *Event) IsMessage() bool { return e.Type == "text" || e.Type == "image" || e.Type == "file" }

// Room is a room as its members see it.
type Room struct {
	ID          string `json:"room_id"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"` // public, private, direct, announcements or user
	MemberCount int    `json:"member_count"`
	Role        string `json:"role"`
	FirstSeq    uint64 `json:"first_seq"`
	JoinedSeq   uint64 `json:"joined_seq"` // the event of the user's joining
	LastSeq     uint64 `json:"last_seq"`
	ReadSeq     uint64 `json:"read_seq"`
	Unread      uint64 `json:"unread"`
}

// Sent is a message that is durable.
type Sent struct {
	Room      string    `json:"room_id"`
	ID        string    `json:"message_id"`
	Seq       uint64    `json:"seq"`
	Timestamp Timestamp `json:"timestamp"`
	Duplicate bool      `json:"duplicate"` // it had been sent before
}

// Page is a part of a room's log.
type Page struct {
	Room     string    `json:"room_id"`
	Messages []Event   `json:"messages"`
	Covers   [2]uint64 `json:"covers"` // [from, to] in seq: what the page answers for
	HasMore  bool      `json:"has_more"`
}

// Member is a member of a room.
type Member struct {
	User   string `json:"user_id"`
	Role   string `json:"role"`
	Online bool   `json:"online"`
	Muted  bool   `json:"muted"`
}

// Error is a refusal by the server. Code is one of docs/protocol.md, section 4.
type Error struct {
	Code       string
	Message    string
	RetryAfter time.Duration // 0: waiting does not help
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }
