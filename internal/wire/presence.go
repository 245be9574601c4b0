// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// AppendUserStatus appends the passing event that tells whether somebody is there. seen is when they last were, 0 unknown;
// it is told of who is offline.
func AppendUserStatus(dst []byte, u chat.UserID, s chat.Status, seen, at chat.Time) []byte {
	o := object{append(dst, '{')}
	o.string("type", "user_status")
	o.string("user_id", string(u))
	o.string("status", string(s))
	if s == chat.Offline && seen != 0 {
		o.time("last_seen", seen)
	}
	o.time("timestamp", at)
	return append(o.b, '}')
}

// AppendTyping appends the passing event that says that somebody begins or ends to write in a room.
func AppendTyping(dst []byte, room chat.RoomID, u chat.UserID, starts bool, at chat.Time) []byte {
	o := object{append(dst, '{')}
	if starts {
		o.string("type", "typing_start")
	} else {
		o.string("type", "typing_stop")
	}
	o.string("room_id", string(room))
	o.string("user_id", string(u))
	o.time("timestamp", at)
	return append(o.b, '}')
}

// ShowPresence adds to members whether they are away, and of those who are offline when they were last seen.
func (r *RoomDetail) ShowPresence(status func(chat.UserID) chat.Status, seen map[chat.UserID]chat.Time) {
	for i := range r.Members {
		m := &r.Members[i]
		switch status(m.UserID) {
		case chat.Away:
			m.Away = true
		case chat.Offline:
			if at, ok := seen[m.UserID]; ok {
				last := Timestamp(at)
				m.LastSeen = &last
			}
		}
	}
}
