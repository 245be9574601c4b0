// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"strconv"
	"time"
)

// Moderation is one act of a moderator in a room.
type Moderation struct {
	Action   string        // one of the Action constants
	User     UserID        // whom; empty for lock and unlock
	Duration time.Duration // of a ban or mute; 0 without end
	Reason   string
}

// MaxModeration bounds the duration of a ban or mute; without end is longer.
const MaxModeration = 10 * 365 * 24 * time.Hour

// Acted is the outcome of a moderation.
type Acted struct {
	Repeat
	RoomID RoomID `json:"room_id,omitempty"`
	User   UserID `json:"user_id,omitempty"`
	Action string `json:"action"`
	Until  Time   `json:"until,omitempty"`
}

func (m *Moderation) check() error {
	aboutUser := true
	switch m.Action {
	case ActionLock, ActionUnlock:
		aboutUser = false
	case ActionKick, ActionBan, ActionUnban, ActionMute, ActionUnmute, ActionPromote, ActionDemote:
	default:
		return Refuse(BadRequest, "action: must be kick, ban, unban, mute, unmute, promote, demote, lock or unlock")
	}
	switch {
	case aboutUser && m.User == "":
		return whom()
	case m.Duration < 0 || m.Duration > MaxModeration:
		return Refuse(BadRequest, "duration: must be from 0 (without end) to %d seconds", int64(MaxModeration.Seconds()))
	}
	return nil
}

func (m *Moderation) until(now Time) Time {
	if m.Duration == 0 {
		return Forever
	}
	return now.Add(m.Duration)
}

// whom refuses what names nobody.
func whom() error { return Refuse(BadRequest, "user_id: is missing; whom?") }

// Moderate does one act in a room. Moderators and administrators may; nobody acts on someone of a higher role.
func (s *Service) Moderate(call Call, room RoomID, act Moderation) *Pending[Acted] {
	if err := act.check(); err != nil {
		return refused[Acted](err)
	}
	parts := []string{string(room), act.Action, string(act.User), strconv.FormatInt(int64(act.Duration), 10), act.Reason}
	return submit[Acted](s, call, inRoom(room), "moderate", parts, func(tx Tx, u *User) (Acted, error) {
		r, m, err := s.governed(tx, room, u)
		if err != nil {
			return Acted{}, err
		}
		if !isModerator(m, u) {
			return Acted{}, Refuse(Forbidden, "only moderators do that")
		}
		if act.Action == ActionLock || act.Action == ActionUnlock {
			return s.lock(tx, r, u, act)
		}
		if act.User == u.ID {
			return Acted{}, Refuse(BadRequest, "user_id: is yourself; to go, leave the room")
		}
		targetUser, err := s.existing(tx, act.User)
		if err != nil {
			return Acted{}, err
		}
		target, err := tx.Member(r, act.User)
		if err != nil {
			return Acted{}, err
		}
		if outranks(target, targetUser, m, u) {
			return Acted{}, Refuse(Forbidden, "user_id: %q has a higher role than you", string(act.User))
		}
		if target == nil && act.Action != ActionBan && act.Action != ActionUnban {
			return Acted{}, Refuse(NotFound, "user_id: %q is not a member of the room", string(act.User))
		}
		return s.moderateMember(tx, r, m, target, u, act)
	})
}

// moderateMember does what is about somebody. target is nil where they are not in the room.
func (s *Service) moderateMember(tx Tx, r *Room, m, target *Member, u *User, act Moderation) (Acted, error) {
	out := Acted{RoomID: r.ID, User: act.User, Action: act.Action}
	e := &Event{Kind: Moderated, Actor: u.ID, Details: &Details{Action: act.Action, UserID: act.User, Reason: act.Reason}}
	switch act.Action {
	case ActionBan:
		out.Until = act.until(tx.Now())
		e.Details.Until = out.Until
		if err := tx.PutBan(r, &Ban{User: act.User, Until: out.Until, By: u.ID, At: tx.Now(), Reason: act.Reason}); err != nil {
			return Acted{}, err
		}
	case ActionUnban:
		b, err := tx.Ban(r, act.User)
		if err != nil {
			return Acted{}, err
		}
		if b == nil || b.Until <= tx.Now() {
			return out, nil // it is over
		}
		if err := tx.RemoveBan(r, act.User); err != nil {
			return Acted{}, err
		}
	case ActionMute, ActionUnmute:
		if act.Action == ActionUnmute && target.MutedUntil <= tx.Now() {
			return out, nil
		}
		changed := *target
		changed.MutedUntil = 0
		if act.Action == ActionMute {
			changed.MutedUntil = act.until(tx.Now())
			out.Until, e.Details.Until = changed.MutedUntil, changed.MutedUntil
		}
		if err := tx.PutMember(r, &changed); err != nil {
			return Acted{}, err
		}
	case ActionPromote, ActionDemote:
		if !isOwner(m, u) {
			return Acted{}, Refuse(Forbidden, "only the owner makes and unmakes moderators")
		}
		if target.Role == RoleOwner {
			return Acted{}, Refuse(BadRequest, "user_id: is the owner; transfer the room instead")
		}
		changed := *target
		changed.Role = RoleMember
		if act.Action == ActionPromote {
			changed.Role = RoleModerator
		}
		if changed.Role == target.Role {
			return out, nil
		}
		e.Details.Role = changed.Role.String()
		if err := tx.PutMember(r, &changed); err != nil {
			return Acted{}, err
		}
	}
	if err := audit(tx, auditOf(r, e)); err != nil {
		return Acted{}, err
	}
	if target != nil && (act.Action == ActionKick || act.Action == ActionBan) {
		why := map[string]string{ActionKick: "kicked", ActionBan: "banned"}[act.Action]
		return out, s.remove(tx, r, act.User, e, why+reason(act.Reason), target.Role == RoleOwner)
	}
	return out, tx.Append(r, e)
}

func (s *Service) lock(tx Tx, r *Room, u *User, act Moderation) (Acted, error) {
	out := Acted{RoomID: r.ID, Action: act.Action}
	changed := *r
	changed.Locked = act.Action == ActionLock
	if changed.Locked == r.Locked {
		return out, nil
	}
	if err := tx.UpdateRoom(&changed); err != nil {
		return Acted{}, err
	}
	r, err := tx.Room(r.ID)
	if err != nil {
		return Acted{}, err
	}
	e := &Event{Kind: Moderated, Actor: u.ID, Details: &Details{Action: act.Action, Reason: act.Reason}}
	if err := audit(tx, auditOf(r, e)); err != nil {
		return Acted{}, err
	}
	return out, tx.Append(r, e)
}
