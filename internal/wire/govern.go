// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// ListAudit is the payload of admin/audit/list.
type ListAudit struct {
	Envelope
	noTexts
	RoomID chat.RoomID `json:"room_id,omitempty" doc:"only acts in this room; needed by who is no administrator"`
	Limit  int         `json:"limit,omitempty" doc:"how many at most" min:"0" default:"200" example:"50"`
	Before int64       `json:"before,omitempty" doc:"older than this id" min:"0"`
}

// AuditEntry is one act.
type AuditEntry struct {
	ID        int64       `json:"id" doc:"of the entry" example:"17"`
	Timestamp Timestamp   `json:"timestamp" doc:"when"`
	UserID    chat.UserID `json:"user_id" doc:"who did it; system for the operator"`
	Action    string      `json:"action" doc:"what was done" example:"mute"`
	TargetID  chat.UserID `json:"target_id,omitempty" doc:"to whom" example:"carol"`
	RoomID    chat.RoomID `json:"room_id,omitempty" doc:"where" example:"general"`
	MessageID string      `json:"message_id,omitempty" is:"MessageID" doc:"to which message"`
	Role      string      `json:"role,omitempty" doc:"the new role"`
	Reason    string      `json:"reason,omitempty" doc:"why" example:"calm down"`
	Until     *Timestamp  `json:"until,omitempty" doc:"when it ends; absent: without end"`
}

// AuditList answers admin/audit/list.
type AuditList struct {
	Reply
	Entries []AuditEntry `json:"entries" doc:"the latest first"`
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
	Limit int         `json:"limit,omitempty" doc:"how many at most" min:"0" default:"200" example:"50"`
	After chat.UserID `json:"after,omitempty" doc:"go on after this one"`
}

// BanData is a ban as moderators see it.
type BanData struct {
	UserID    chat.UserID `json:"user_id"`
	BannedBy  chat.UserID `json:"banned_by" doc:"who did it"`
	Timestamp Timestamp   `json:"timestamp" doc:"when"`
	Reason    string      `json:"reason,omitempty" doc:"why" example:"spam"`
	Until     *Timestamp  `json:"until,omitempty" doc:"when it ends; absent: without end"`
}

// Bans answers rooms/{room_id}/bans.
type Bans struct {
	Reply
	RoomID  chat.RoomID `json:"room_id"`
	Bans    []BanData   `json:"bans" doc:"by user"`
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
	RoomID    chat.RoomID `json:"room_id,omitempty" doc:"one room's log; absent: all logs" example:"general"`
	OlderThan *int64      `json:"older_than" doc:"seconds" min:"0" example:"31536000"`
	DryRun    bool        `json:"dry_run,omitempty" doc:"only count" example:"true"`
}

// Cleaned answers admin/messages/cleanup.
type Cleaned struct {
	Reply
	RoomID chat.RoomID `json:"room_id,omitempty" doc:"the room that was named" example:"general"`
	Count  uint64      `json:"count" doc:"how many messages" example:"1204"`
	DryRun bool        `json:"dry_run,omitzero" doc:"nothing was cut" example:"true"`
}
