// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// ListAudit is the payload of admin/audit/list.
type ListAudit struct {
	Envelope
	noTexts
	RoomID chat.RoomID `json:"room_id,omitempty"`
	Limit  int         `json:"limit,omitempty"`
	Before int64       `json:"before,omitempty"` // an id
}

// AuditEntry is one act.
type AuditEntry struct {
	ID        int64       `json:"id"`
	Timestamp Timestamp   `json:"timestamp"`
	UserID    chat.UserID `json:"user_id"`
	Action    string      `json:"action"`
	TargetID  chat.UserID `json:"target_id,omitempty"`
	RoomID    chat.RoomID `json:"room_id,omitempty"`
	MessageID string      `json:"message_id,omitempty"`
	Role      string      `json:"role,omitempty"`
	Reason    string      `json:"reason,omitempty"`
	Until     *Timestamp  `json:"until,omitempty"` // absent: without end
}

// AuditList answers admin/audit/list.
type AuditList struct {
	Reply
	Entries []AuditEntry `json:"entries"`
	HasMore bool         `json:"has_more"`

	room chat.RoomID
}

// AuditListOf shows acts, of a room where it is not empty.
func AuditListOf(list []chat.Audited, more bool, room chat.RoomID) *AuditList {
	out := &AuditList{Reply: Reply{Status: "success"}, Entries: make([]AuditEntry, len(list)), HasMore: more, room: room}
	for i, a := range list {
		out.Entries[i] = AuditEntry{ID: a.ID, Timestamp: Timestamp(a.At), UserID: a.Actor, Action: a.Action, TargetID: a.Target,
			RoomID: a.RoomID, Role: a.Role, Reason: a.Reason, Until: end(a.Until)}
		if !a.MessageID.IsZero() {
			out.Entries[i].MessageID = a.MessageID.String()
		}
	}
	return out
}

// end is when something ends; nil for never.
func end(t chat.Time) *Timestamp {
	if t == 0 || t == chat.Forever {
		return nil
	}
	until := Timestamp(t)
	return &until
}

// Shrink implements Pager.
func (l *AuditList) Shrink() (ok bool) {
	l.Entries, ok = half(l.Entries)
	l.HasMore = l.HasMore || ok
	return ok
}

// About implements About.
func (l *AuditList) About() []chat.RoomID {
	if l.room == "" {
		return nil
	}
	return []chat.RoomID{l.room}
}

// ListBans is the payload of rooms/{room_id}/bans.
type ListBans struct {
	Envelope
	noTexts
	Limit int         `json:"limit,omitempty"`
	After chat.UserID `json:"after,omitempty"`
}

// BanData is a ban as moderators see it.
type BanData struct {
	UserID    chat.UserID `json:"user_id"`
	BannedBy  chat.UserID `json:"banned_by"`
	Timestamp Timestamp   `json:"timestamp"`
	Reason    string      `json:"reason,omitempty"`
	Until     *Timestamp  `json:"until,omitempty"` // absent: without end
}

// Bans answers rooms/{room_id}/bans.
type Bans struct {
	Reply
	RoomID  chat.RoomID `json:"room_id"`
	Bans    []BanData   `json:"bans"`
	HasMore bool        `json:"has_more"`
}

// BansOf shows bans.
func BansOf(room chat.RoomID, list []chat.Ban, more bool) *Bans {
	out := &Bans{Reply: Reply{Status: "success"}, RoomID: room, Bans: make([]BanData, len(list)), HasMore: more}
	for i, b := range list {
		out.Bans[i] = BanData{UserID: b.User, BannedBy: b.By, Timestamp: Timestamp(b.At), Reason: b.Reason, Until: end(b.Until)}
	}
	return out
}

// Shrink implements Pager.
func (b *Bans) Shrink() (ok bool) {
	b.Bans, ok = half(b.Bans)
	b.HasMore = b.HasMore || ok
	return ok
}

// About implements About.
func (b *Bans) About() []chat.RoomID { return []chat.RoomID{b.RoomID} }

// Cleanup is the payload of admin/messages/cleanup.
type Cleanup struct {
	Envelope
	noTexts
	RoomID    chat.RoomID `json:"room_id,omitempty"`
	OlderThan *int64      `json:"older_than"` // seconds
	DryRun    bool        `json:"dry_run,omitempty"`
}

// Cleaned answers admin/messages/cleanup.
type Cleaned struct {
	Reply
	RoomID chat.RoomID `json:"room_id,omitempty"`
	Count  uint64      `json:"count"`
	DryRun bool        `json:"dry_run,omitzero"`
}
