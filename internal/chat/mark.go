// SPDX-License-Identifier: Apache-2.0

package chat

import "strconv"

// MarkTx is about how far members have read.
type MarkTx interface {
	// SetRead moves a member's read mark, and what counts as their own last message, on or back. It is written once a batch.
	SetRead(r *Room, m *Member, read, lastSent uint64) error
}

// SmallRoom is the greatest number of members of whom passing events (read, typing, presence) are sent to the others.
// Bigger rooms are asked, not told.
const SmallRoom = 200

// ReadMark is the outcome of MarkRead: how far the caller has read.
type ReadMark struct {
	Repeat
	RoomID RoomID `json:"room_id"`
	Seq    uint64 `json:"seq"`

	// For whoever tells others; not of a repeat.
	RoomNum int64 `json:"-"`
	Told    bool  `json:"-"` // the other members are told: the room is small, and the mark was not set back
	Changed bool  `json:"-"`
}

// MarkRead moves the caller's read mark in a room to seq, nil for the head of its log; what is beyond the head counts as
// the head. It moves forward only, unless back says that it may be set back.
func (s *Service) MarkRead(call Call, room RoomID, seq *uint64, back bool) *Pending[ReadMark] {
	if back && seq == nil {
		return refused[ReadMark](Refuse(BadRequest, "seq: is missing; the last message that counts as read"))
	}
	parts := []string{string(room), strconv.FormatBool(back)}
	if seq != nil {
		parts = append(parts, strconv.FormatUint(*seq, 10))
	}
	return submit[ReadMark](s, call, inRoom(room), "read", parts, func(tx Tx, u *User) (ReadMark, error) {
		r, err := tx.Room(room)
		if err != nil {
			return ReadMark{}, err
		}
		m, err := s.memberOf(tx, r, room, u.ID, tx.Now())
		if err != nil {
			return ReadMark{}, err
		}
		read, sent := r.LastSeq, m.LastSent
		if seq != nil {
			read = min(read, *seq)
		}
		if back {
			sent = min(sent, read) // an own message does not keep older ones from being unread again
		} else {
			read = max(read, m.ReadSeq)
		}
		out := ReadMark{RoomID: r.ID, Seq: read, RoomNum: r.Num, Changed: read != m.ReadSeq || sent != m.LastSent}
		out.Told = !back && r.MemberCount <= SmallRoom && r.Kind != AnnouncementsRoom
		if !out.Changed {
			return out, nil
		}
		return out, tx.SetRead(r, m, read, sent)
	})
}

// Preferences is the outcome of SetPreferences.
type Preferences struct {
	Repeat
	RoomID        RoomID `json:"room_id"`
	Notifications string `json:"notifications"`
}

// What a member may want to be notified of.
const (
	NotifyAll      = "all"
	NotifyMentions = "mentions"
	NotifyNone     = "none"
)

// SetPreferences says of which messages of a room the caller wants to be notified: all, mentions or none.
func (s *Service) SetPreferences(call Call, room RoomID, notifications string) *Pending[Preferences] {
	switch notifications {
	case NotifyAll, NotifyMentions, NotifyNone:
	default:
		return refused[Preferences](Refuse(BadRequest, "notifications: must be all, mentions or none"))
	}
	return submit[Preferences](s, call, inRoom(room), "prefs", []string{string(room), notifications}, func(tx Tx, u *User) (Preferences, error) {
		r, err := tx.Room(room)
		if err != nil {
			return Preferences{}, err
		}
		m, err := s.memberOf(tx, r, room, u.ID, tx.Now())
		if err != nil {
			return Preferences{}, err // not_member, banned, or not_found to strangers
		}
		// Everything is decided. From here on only writes.
		changed := *m
		changed.Notifications = notifications
		return Preferences{RoomID: r.ID, Notifications: notifications}, tx.PutMember(r, &changed)
	})
}
