// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// Audited is one act of a moderator, administrator or operator: who did what, to whom, where, when and why.
type Audited struct {
	ID     int64 // rising
	At     Time
	Actor  UserID // SystemUser where the operator did it
	Action string
	Target UserID // empty where it was about nobody
	RoomID RoomID // empty outside rooms
	Role   string
	// MessageID is the message that it was about, if any.
	MessageID ID
	Reason    string
	Until     Time // of bans and mutes; 0 of other acts
}

// What an Audited says beside the actions of moderation and of accounts.
const (
	ActionUpdate   = "update"
	ActionTransfer = "transfer"
	ActionDelete   = "delete"
	ActionCleanup  = "cleanup"
	// About messages: a moderator deleted somebody else's, or closed a report.
	ActionDeleteMessage = "delete_message"
	ActionCloseReport   = "close_report"
)

// AuditTx keeps the record of who governed.
type AuditTx interface {
	PutAudit(a *Audited) error // gives a.ID
	// LastMute is until when the latest mute of u in r was meant to hold, 0 where it was lifted or there was none.
	LastMute(r *Room, u UserID) (Time, error)
}

// AuditReader reads it.
type AuditReader interface {
	// Audit lists acts, the latest first: of a room ("": all), with ids below before (0: all).
	Audit(ctx context.Context, room RoomID, before int64, limit int) ([]Audited, error)
	// RoomBans lists bans of a room that hold at now, by user, after after.
	RoomBans(ctx context.Context, room int64, now Time, after UserID, limit int) ([]Ban, error)
}

// audit records an act in the transaction that does it.
func audit(tx Tx, a Audited) error {
	a.At = tx.Now()
	return tx.PutAudit(&a)
}

// auditOf is the record of an event about somebody, in a room or (nil) on the server.
func auditOf(r *Room, e *Event) Audited {
	a := Audited{Actor: e.Actor, Action: e.Details.Action, Target: e.Details.UserID, Role: e.Details.Role, Reason: e.Details.Reason, Until: e.Details.Until}
	if r != nil {
		a.RoomID = r.ID
	}
	return a
}

// AuditLog lists acts, the latest first: all of them for administrators, those in a room also for its moderators.
func (s *Service) AuditLog(ctx context.Context, who Principal, room RoomID, before int64, limit int) ([]Audited, bool, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, false, err
	}
	if before < 0 {
		return nil, false, Refuse(BadRequest, "before: must not be negative")
	}
	if room != "" {
		_, err = s.moderates(ctx, who, room)
	} else {
		err = s.administrator(ctx, who)
	}
	if err != nil {
		return nil, false, err
	}
	list, err := s.store.Audit(ctx, room, before, limit+1)
	list, more := pageOf(list, limit, func(a *Audited) int { return len(a.Reason) })
	return list, more, err
}

// RoomBans lists who is banned from a room, for its moderators.
func (s *Service) RoomBans(ctx context.Context, who Principal, room RoomID, after UserID, limit int) ([]Ban, bool, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, false, err
	}
	r, err := s.moderates(ctx, who, room)
	if err != nil {
		return nil, false, err
	}
	list, err := s.store.RoomBans(ctx, r.Num, s.now(), after, limit+1)
	list, more := pageOf(list, limit, func(b *Ban) int { return len(b.Reason) })
	return list, more, err
}

// administrator refuses whoever is none, when something is only read.
func (s *Service) administrator(ctx context.Context, who Principal) error {
	u, err := s.store.ReadUser(ctx, who.UserID)
	if err != nil {
		return err
	}
	if u == nil || u.Role != RoleAdministrator {
		return Refuse(Forbidden, "only administrators do that")
	}
	return nil
}

// moderates finds a room that the caller may moderate, when something is only read. Administrators need no membership.
func (s *Service) moderates(ctx context.Context, who Principal, id RoomID) (*Room, error) {
	r, m, err := s.visible(ctx, who, id)
	if err == nil && m.Role >= RoleModerator {
		return r, nil
	}
	if err != nil && CodeOf(err) == Internal {
		return nil, err
	}
	if no := s.administrator(ctx, who); no != nil {
		if CodeOf(no) == Internal || err == nil {
			return nil, no
		}
		return nil, err
	}
	if r, err = s.store.ReadRoom(ctx, id); err != nil {
		return nil, err
	}
	if r == nil { // a deleted room still has a past
		return nil, noRoom(id)
	}
	return r, nil
}
