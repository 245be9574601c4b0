// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// MarkRead is the payload of read/{room_id}.
type MarkRead struct {
	Envelope
	noTexts
	Seq    *uint64 `json:"seq,omitempty" doc:"how far; absent: the head of the log" min:"0" example:"9"`
	Unread bool    `json:"unread,omitempty" doc:"the mark may be set back"`
}

// Mark answers read/{room_id}.
type Mark struct {
	Reply
	RoomID chat.RoomID `json:"room_id"`
	Seq    uint64      `json:"seq" doc:"where the mark is now" example:"9"`
}

// SetPreferences is the payload of rooms/{room_id}/prefs.
type SetPreferences struct {
	Envelope
	noTexts
	Notifications string `json:"notifications" doc:"of which messages" enum:"all mentions none" example:"mentions"`
}

// Preferences answers rooms/{room_id}/prefs.
type Preferences struct {
	Reply
	RoomID        chat.RoomID `json:"room_id"`
	Notifications string      `json:"notifications" doc:"of which messages" enum:"all mentions none" example:"mentions"`
}

// AppendRead appends the passing event that tells how far a member has read.
func AppendRead(dst []byte, room chat.RoomID, u chat.UserID, seq uint64, at chat.Time) []byte {
	o := object{append(dst, '{')}
	o.string("type", "read")
	o.string("room_id", string(room))
	o.string("user_id", string(u))
	o.uint("read_seq", seq)
	o.time("timestamp", at)
	return append(o.b, '}')
}
