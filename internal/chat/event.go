// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"math"
	"strings"
)

// EventKind says what an event of a log is. The names are public and stored.
type EventKind string

// Messages: they have an id, count as messages (system ones do not) and are what history shows.
const (
	Text   EventKind = "text"
	Image  EventKind = "image"
	File   EventKind = "file"
	System EventKind = "system"
)

// Other events of a room's log.
const (
	MessageEdited   EventKind = "message_edited"
	MessageDeleted  EventKind = "message_deleted"
	ReactionAdded   EventKind = "reaction_added"
	ReactionRemoved EventKind = "reaction_removed"
	MessagePinned   EventKind = "message_pinned"
	MessageUnpinned EventKind = "message_unpinned"
	RoomUpdated     EventKind = "room_updated"
	Moderated       EventKind = "moderated"
	RoomDeleted     EventKind = "room_deleted"
)

// Events of a user's own log.
const (
	RoomAdded        EventKind = "room_added"
	RemovedFromRoom  EventKind = "removed_from_room"
	AccountModerated EventKind = "account_moderated"
)

// What a system message says in its Details.Event.
const (
	MemberJoined = "member_joined"
	MemberLeft   = "member_left"
)

// IsMessage tells whether the event is a message, with an id of its own.
func (k EventKind) IsMessage() bool { return k == Text || k == Image || k == File || k == System }

// Counts tells whether the event counts as a message when unread ones are counted.
func (k EventKind) Counts() bool { return k == Text || k == Image || k == File }

// Event is one entry of a log. After Tx.Append it is never changed, so that everybody may share it.
type Event struct {
	RoomNum  int64
	RoomID   RoomID
	RoomKind RoomKind
	Seq      uint64 // given by Tx.Append
	Count    uint64 // messages up to and including this event; given by Tx.Append
	Kind     EventKind
	At       Time

	Actor     UserID // who sent or did it
	ActorName string // the sender's display name, of messages

	// Of messages; MessageID also names what an event about a message touched.
	MessageID   ID
	Content     string
	ReplyTo     ID
	ThreadID    ID
	Flagged     bool
	Edited      bool
	Deleted     bool       // a tombstone: Content is empty
	ClientMsgID string     // the sender alone sees it
	Reactions   []Reaction // as read from the log; a new message has none
	Answers     Answers    // in the thread that it begins, as read from the log

	// Target is the seq of the message that a MessageEdited is about. Its Content is the message's, never the event's own: what
	// is read from the log has the present text, and none where the message was deleted since.
	Target uint64

	Details *Details // of system messages and other events; nil without
}

// Details are what an event touched. They are stored as JSON.
type Details struct {
	Event    string     `json:"event,omitempty"`   // of system messages: what happened
	UserID   UserID     `json:"user_id,omitempty"` // whom it happened to
	Role     string     `json:"role,omitempty"`
	Action   string     `json:"action,omitempty"`
	Reason   string     `json:"reason,omitempty"`
	Until    Time       `json:"until,omitempty"`
	RoomID   RoomID     `json:"room_id,omitempty"` // of a user's own log: the room
	RoomName string     `json:"room_name,omitempty"`
	RoomKind RoomKind   `json:"room_kind,omitempty"`
	Changes  *RoomPatch `json:"changes,omitempty"`  // of room_updated
	Mentions []UserID   `json:"mentions,omitempty"` // of messages: members who are named in the text
	Count    int        `json:"count,omitempty"`    // of reactions: how many users had reacted so, with this event

	Session string `json:"session,omitempty"` // of session_revoked: the token's id
	Expires Time   `json:"expires,omitempty"` // and when it would have expired

	File *SharedFile `json:"file,omitempty"` // of messages that share one

	Poster string `json:"poster,omitempty"` // of messages that a hook posted: its name, in place of the sender's

	Thread *ThreadChange `json:"thread,omitempty"` // of the deletion of an answer
}

// RoomPatch are new values of a room's settings; nil leaves one as it is. An empty description is a value: omitzero, since
// the encoder of clients' JSON takes omitempty for empty strings behind pointers, too.
type RoomPatch struct {
	Name        *string     `json:"name,omitzero"`
	Description *string     `json:"description,omitzero"`
	MaxMembers  *int        `json:"max_members,omitzero"`
	SlowMode    *int        `json:"slow_mode,omitzero"`
	ReadOnly    *bool       `json:"read_only,omitzero"`
	History     *Visibility `json:"history_visibility,omitzero"`
	Retention   *int        `json:"retention,omitzero"`
	OwnerID     *UserID     `json:"owner_id,omitzero"` // of a transfer
}

// Veiled tells whether there may be members who do not see all of the event, see As.
func (e *Event) Veiled() bool {
	return e.Kind == MessageEdited || e.Kind == MessageDeleted && e.Details != nil
}

// As is the event as a member who joined at joinedSeq may see it. Of a message from before that time the text does not come
// with its edits, and the number of its answers not with their deletions.
func (e *Event) As(joinedSeq uint64) *Event {
	if !e.Veiled() {
		return e
	}
	veiled := *e
	switch {
	case e.Kind == MessageEdited && e.Target < joinedSeq:
		veiled.Content, veiled.Details, veiled.Flagged = "", nil, false
	case e.Kind == MessageDeleted && e.Details.Thread != nil && e.Details.Thread.RootSeq < joinedSeq:
		veiled.Details = &Details{Thread: &ThreadChange{ID: e.Details.Thread.ID}}
	default:
		return e
	}
	return &veiled
}

// Joins tells whom the event makes a member, if anybody.
func (e *Event) Joins() (UserID, bool) {
	if e.Kind == System && e.Details != nil && e.Details.Event == MemberJoined {
		return e.Details.UserID, true
	}
	return "", false
}

// Revocation is what a user may not be sent any more: the events of a room before a seq.
type Revocation struct {
	User   UserID
	Room   RoomID
	Before uint64
}

// Revokes tells what the event takes away from what a user's devices, away ones too, have not been sent: with a removal what
// came before it, and with the end of a room, of which each member learns in their own log, all of it.
func (e *Event) Revokes() (Revocation, bool) {
	if u, ok := e.Removes(); ok {
		return Revocation{u, e.RoomID, e.Seq}, true
	}
	if e.Kind == RoomDeleted && e.RoomKind == UserLogRoom && e.Details != nil {
		return Revocation{UserID(strings.TrimPrefix(string(e.RoomID), "user:")), e.Details.RoomID, math.MaxUint64}, true
	}
	return Revocation{}, false
}

// Removes tells whose membership the event ends, if anybody's. RoomDeleted ends everybody's.
func (e *Event) Removes() (UserID, bool) {
	if e.Details == nil {
		return "", false
	}
	switch {
	case e.Kind == System && e.Details.Event == MemberLeft,
		e.Kind == Moderated && (e.Details.Action == ActionKick || e.Details.Action == ActionBan):
		return e.Details.UserID, true
	}
	return "", false
}

// What a moderator can do in a room (admin/rooms/{room_id}/moderate).
const (
	ActionKick    = "kick"
	ActionBan     = "ban"
	ActionUnban   = "unban"
	ActionMute    = "mute"
	ActionUnmute  = "unmute"
	ActionPromote = "promote"
	ActionDemote  = "demote"
	ActionLock    = "lock"
	ActionUnlock  = "unlock"
)
