// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// The types of this file only describe: AppendEvent and its like write events by hand, since they are on the way of every
// delivery. A test holds what is sent against them (test/contract), field by field.

// Passing tells of a shape that it has no place in a log.
type Passing interface{ passes() }

type passing struct{}

func (passing) passes() {}

// place is where an event of a log is.
type place struct {
	RoomID chat.RoomID `json:"room_id"`
	Seq    uint64      `json:"seq"`
}

// logged is what every log event that is no message has.
type logged struct {
	place
	Timestamp Timestamp   `json:"timestamp" doc:"when; for display"`
	UserID    chat.UserID `json:"user_id" doc:"who did it; system for the operator"`
	Epoch     int64       `json:"epoch"`
}

// Message is a message.
type Message struct {
	Type chat.EventKind `json:"type" doc:"image and file share a file; system says what happened, in event" enum:"text image file system"`
	ID   string         `json:"id" is:"MessageID"`
	place
	SenderID   chat.UserID              `json:"sender_id" doc:"who wrote it; system of a system message" example:"alice"`
	SenderName string                   `json:"sender_name" doc:"the sender's display name" example:"Alice"`
	Content    string                   `json:"content" doc:"the text; empty of a deleted one" example:"hello"`
	Timestamp  Timestamp                `json:"timestamp" doc:"when it was sent; for display"`
	ReplyTo    *string                  `json:"reply_to" is:"MessageID" doc:"the message that this one answers"`
	ThreadID   *string                  `json:"thread_id" is:"MessageID" doc:"the first message of the thread that it is in"`
	Reactions  map[string][]chat.UserID `json:"reactions" doc:"who reacted how, by emoji; of each at most 100 users"`
	Counts     map[string]int           `json:"reaction_counts,omitempty" doc:"how many reacted, by emoji, where not all are named"`
	Answers    int                      `json:"thread_count,omitempty" doc:"how many answers the thread has that it begins, without deleted ones" example:"2"`
	LastAnswer uint64                   `json:"thread_last_seq,omitempty" is:"Seq" doc:"the latest of these answers"`
	Edited     bool                     `json:"edited" doc:"the text is not the first one"`
	Deleted    bool                     `json:"deleted,omitempty" doc:"only this tombstone is left"`
	Flagged    bool                     `json:"flagged,omitempty" doc:"a rule for texts marked it for the moderators"`
	IsPrivate  bool                     `json:"is_private,omitempty" doc:"of a private conversation"`
	TargetID   chat.UserID              `json:"target_id,omitempty" doc:"of a private conversation: whom it was sent to"`
	Mentions   []chat.UserID            `json:"mentions,omitempty" doc:"members who are named in the text"`
	Event      string                   `json:"event,omitempty" doc:"of a system message: what happened" enum:"member_joined member_left"`
	UserID     chat.UserID              `json:"user_id,omitempty" doc:"of a system message: to whom"`
	ActorID    chat.UserID              `json:"actor_id,omitempty" doc:"of a system message: who did it, where that was somebody else"`
	Role       string                   `json:"role,omitempty" doc:"of a joining: the member's role, where they own the room by it" enum:"owner"`
	Muted      bool                     `json:"muted,omitempty" doc:"of a joining: may not write there, as before"`
	MutedUntil *Timestamp               `json:"muted_until,omitempty" doc:"of a joining: when that ends; absent: without end"`
	Hook       bool                     `json:"hook,omitempty" doc:"an incoming webhook of the room posted it, and sender_name is its name"`
	File       *FileData                `json:"file,omitempty" doc:"the file that it shares"`
	MsgID      string                   `json:"client_msg_id,omitempty" doc:"that of the request; only the sender sees it"`
	Epoch      int64                    `json:"epoch"`
}

// FoundMessage is a message that was found.
type FoundMessage struct {
	Message
	Snippet string `json:"snippet" doc:"the text round the first hit, as plain text, hits between « and »" example:"«hello»"`
}

// MessageEditedEvent says that a message has another text.
type MessageEditedEvent struct {
	Type string `json:"type" enum:"message_edited"`
	logged
	MessageID string        `json:"message_id"`
	Content   string        `json:"content,omitempty" doc:"the text of now; absent where it may not be seen or is gone" example:"hello again"`
	Mentions  []chat.UserID `json:"mentions,omitempty" doc:"members who are named in the text"`
	Flagged   bool          `json:"flagged,omitempty" doc:"a rule for texts marked it for the moderators"`
}

// MessageDeletedEvent says that only a tombstone is left of a message, and what of its thread, where it was an answer.
type MessageDeletedEvent struct {
	Type string `json:"type" enum:"message_deleted"`
	logged
	MessageID  string `json:"message_id"`
	ThreadID   string `json:"thread_id,omitempty" is:"MessageID" doc:"of an answer: the first message of its thread"`
	Answers    *int   `json:"thread_count,omitempty" doc:"how many answers that thread has then; absent where its first message is gone or may not be seen" example:"1"`
	LastAnswer uint64 `json:"thread_last_seq,omitempty" is:"Seq" doc:"the latest of these answers"`
}

// MessageMarkedEvent says that a message was pinned or is no more.
type MessageMarkedEvent struct {
	Type string `json:"type" enum:"message_pinned message_unpinned"`
	logged
	MessageID string `json:"message_id"`
}

// ReactionEvent says that somebody reacted to a message or took that back.
type ReactionEvent struct {
	Type string `json:"type" enum:"reaction_added reaction_removed"`
	logged
	MessageID string `json:"message_id"`
	Emoji     string `json:"emoji" doc:"fully qualified" example:"👍"`
	Count     int    `json:"count" doc:"how many users have reacted so now" example:"2"`
}

// RoomUpdatedEvent says that settings of a room have changed.
type RoomUpdatedEvent struct {
	Type string `json:"type" enum:"room_updated"`
	logged
	Changes RoomChanges `json:"changes" doc:"the new values"`
}

// RoomChanges are new values of a room's settings: those of chat.RoomPatch.
type RoomChanges struct {
	Name        *string          `json:"name,omitempty" doc:"one line"`
	Description *string          `json:"description,omitempty" doc:"what the room is for" example:"Tomatoes only"`
	MaxMembers  *int             `json:"max_members,omitempty" doc:"how many may be in it"`
	SlowMode    *int             `json:"slow_mode,omitempty" doc:"seconds between two messages of a member; 0 is off" example:"10"`
	ReadOnly    *bool            `json:"read_only,omitempty" doc:"only moderators write"`
	History     *chat.Visibility `json:"history_visibility,omitempty" doc:"what those see who join later"`
	Retention   *int             `json:"retention,omitempty" doc:"seconds that messages are kept; 0: as long as the server keeps them"`
	OwnerID     *chat.UserID     `json:"owner_id,omitempty" doc:"the new owner"`
}

// ModeratedEvent says what a moderator did in a room.
type ModeratedEvent struct {
	Type string `json:"type" enum:"moderated"`
	logged
	Action   string      `json:"action" doc:"what was done" enum:"kick ban unban mute unmute promote demote lock unlock" example:"mute"`
	TargetID chat.UserID `json:"target_id,omitempty" doc:"to whom" example:"carol"`
	Role     string      `json:"role,omitempty" doc:"the new role" enum:"member moderator owner"`
	Reason   string      `json:"reason,omitempty" doc:"why" example:"calm down"`
	Until    *Timestamp  `json:"until,omitempty" doc:"when it ends; null: without end" null:"true"`
}

// RoomNamed is the room that an event is about.
type RoomNamed struct {
	RoomID chat.RoomID `json:"room_id"`
	Name   string      `json:"name" doc:"one line" example:"Greenhouse"`
	Type   string      `json:"type" doc:"direct is a private conversation" enum:"public private direct announcements user"`
}

// RoomDeletedEvent is the last event of a room's log, and tells its members in their own.
type RoomDeletedEvent struct {
	Type string `json:"type" enum:"room_deleted"`
	logged
	Room RoomNamed `json:"room" doc:"the room that is gone"`
}

// RoomAddedEvent says that one is in a room now.
type RoomAddedEvent struct {
	Type string `json:"type" enum:"room_added"`
	logged
	Room RoomNamed `json:"room" doc:"the room"`
}

// RemovedFromRoomEvent says that one is no longer in a room.
type RemovedFromRoomEvent struct {
	Type string `json:"type" enum:"removed_from_room"`
	logged
	Reason string    `json:"reason" doc:"left, kicked or banned, then a colon and why, where somebody said it" example:"kicked: spam"`
	Room   RoomNamed `json:"room" doc:"the room"`
}

// AccountModeratedEvent says what was done to one's account.
type AccountModeratedEvent struct {
	Type string `json:"type" enum:"account_moderated"`
	logged
	Action   string      `json:"action" doc:"what was done" enum:"ban unban mute unmute credentials_revoked session_revoked role_changed erased" example:"mute"`
	TargetID chat.UserID `json:"target_id" doc:"to whose account" example:"carol"`
	Session  string      `json:"session_id,omitempty" doc:"of session_revoked: which token" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
	Role     string      `json:"role,omitempty" doc:"the new role on the server" enum:"user administrator"`
	Reason   string      `json:"reason,omitempty" doc:"why" example:"cool off"`
	Until    *Timestamp  `json:"until,omitempty" doc:"when it ends; null: without end" null:"true"`
}

// OwnChangeEvent tells one's other devices what one did.
type OwnChangeEvent struct {
	Type string `json:"type" enum:"profile_updated user_blocked user_unblocked"`
	logged
	TargetID chat.UserID `json:"target_id" doc:"whom it is about; oneself of profile_updated"`
}

// TruncatedEvent comes in place of an event that is larger than the client's Maximum Packet Size.
type TruncatedEvent struct {
	Type string `json:"type" doc:"that of the event" example:"text"`
	ID   string `json:"id,omitempty" is:"MessageID" doc:"of a message"`
	place
	MessageID string `json:"message_id,omitempty"`
	Truncated bool   `json:"truncated" doc:"always true" example:"true"`
	Epoch     int64  `json:"epoch"`
}

// MessageHistoryEvent shows a new member the last messages.
type MessageHistoryEvent struct {
	passing
	Type     string      `json:"type" enum:"message_history"`
	RoomID   chat.RoomID `json:"room_id"`
	Epoch    int64       `json:"epoch"`
	Messages []Event     `json:"messages" doc:"newest first"`
	Covers   [2]uint64   `json:"covers" doc:"from and to: the part of the log that it answers for" example:"[1,9]"`
	Count    int         `json:"count" doc:"how many messages there are" example:"1"`
	HasMore  bool        `json:"has_more"`
}

// ReadEvent tells how far a member has read.
type ReadEvent struct {
	passing
	Type      string      `json:"type" enum:"read"`
	RoomID    chat.RoomID `json:"room_id"`
	UserID    chat.UserID `json:"user_id" doc:"who read"`
	ReadSeq   uint64      `json:"read_seq" is:"Seq" doc:"up to where"`
	Timestamp Timestamp   `json:"timestamp" doc:"when"`
}

// UserStatusEvent tells whether somebody is there.
type UserStatusEvent struct {
	passing
	Type      string      `json:"type" enum:"user_status"`
	UserID    chat.UserID `json:"user_id" doc:"who"`
	Status    chat.Status `json:"status" doc:"is there, is away, is not there" enum:"online away offline"`
	LastSeen  *Timestamp  `json:"last_seen,omitempty" doc:"of who is offline, where it is known"`
	Timestamp Timestamp   `json:"timestamp" doc:"when"`
}

// TypingEvent says that a member begins or ends to write.
type TypingEvent struct {
	passing
	Type      string      `json:"type" enum:"typing_start typing_stop"`
	RoomID    chat.RoomID `json:"room_id"`
	UserID    chat.UserID `json:"user_id" doc:"who"`
	Timestamp Timestamp   `json:"timestamp" doc:"when"`
}

// SyncRequiredEvent says that events of a log were not sent and have to be asked for.
type SyncRequiredEvent struct {
	passing
	Type     string      `json:"type" enum:"sync_required"`
	RoomID   chat.RoomID `json:"room_id"`
	FirstSeq uint64      `json:"first_seq" doc:"the first one that was not sent" example:"3288"`
	LastSeq  uint64      `json:"last_seq" doc:"the last one" example:"9007"`
	Epoch    int64       `json:"epoch"`
}

// A Shape is what a delivery can look like, with its description.
type Shape struct {
	Of  any
	Doc string
}

// Shapes lists every delivery there is, messages first.
func Shapes() []Shape {
	return []Shape{
		{Message{}, "A message of a room or a private conversation, or a system message that says who came or went"},
		{MessageEditedEvent{}, "A message has another text"},
		{MessageDeletedEvent{}, "A message was deleted: a tombstone is left"},
		{MessageMarkedEvent{}, "A message was pinned or unpinned"},
		{ReactionEvent{}, "Somebody reacted to a message, or took that back"},
		{RoomUpdatedEvent{}, "Settings of a room have changed"},
		{ModeratedEvent{}, "What a moderator did in a room"},
		{RoomDeletedEvent{}, "A room is gone: the last event of its log, and one of each member's own log"},
		{RoomAddedEvent{}, "In one's own log: one is in a room now"},
		{RemovedFromRoomEvent{}, "In one's own log: one is no longer in a room"},
		{AccountModeratedEvent{}, "In one's own log: what was done to the account"},
		{OwnChangeEvent{}, "In one's own log: what one did, for one's other devices"},
		{TruncatedEvent{}, "In place of an event that is larger than the client's Maximum Packet Size"},
		{MessageHistoryEvent{}, "The last messages of a room that one has joined"},
		{ReadEvent{}, "How far a member has read"},
		{UserStatusEvent{}, "Somebody is there, away or gone"},
		{TypingEvent{}, "A member begins or ends to write"},
		{SyncRequiredEvent{}, "Events that were not sent: sync or history has them"},
	}
}

// Alternatives is a reply that can look otherwise, too.
type Alternatives interface{ Or() any }

// Or implements Alternatives: with mine the rooms come with the caller's place in them.
func (*Rooms) Or() any { return OwnRooms{} }
