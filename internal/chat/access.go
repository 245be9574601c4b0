// SPDX-License-Identifier: Apache-2.0

package chat

// The rules of who may what. They decide from values and touch no storage.

// noRoom is what a stranger hears about a private room and everybody about one that does not exist.
func noRoom(id RoomID) *Error {
	return Refuse(NotFound, "there is no room %q that you can see", string(id))
}

// access refuses someone who is not a member: m and b are the caller's membership and ban, nil without.
func access(r *Room, id RoomID, m *Member, b *Ban, now Time) error {
	switch {
	case r == nil || r.Deleted:
		return noRoom(id)
	case m != nil:
		return nil
	case b != nil && b.Until > now:
		return Refuse(Banned, "you are banned from this room%s", reason(b.Reason))
	case r.Kind == PublicRoom:
		return Refuse(NotMember, "you are not a member of %q; join it first", string(id))
	}
	return noRoom(id)
}

// mayPost refuses a member who may not write at the moment.
func mayPost(r *Room, m *Member, u *User, now Time) error {
	moderator := m.Role >= RoleModerator || u.Role == RoleAdministrator
	if err := maySpeak(m, u, now); err != nil {
		return err
	}
	switch {
	case r.Kind == UserLogRoom:
		return Refuse(Forbidden, "nobody posts in a user's own log")
	case r.Kind == AnnouncementsRoom && u.Role != RoleAdministrator:
		return Refuse(Forbidden, "only administrators post announcements")
	case moderator:
		return nil
	case r.Locked:
		return Refuse(Forbidden, "the room is locked; only moderators post")
	case r.ReadOnly:
		return Refuse(Forbidden, "the room is read-only; only moderators post")
	}
	// A last message that lies in the future was sent by a clock that was ahead: it says nothing.
	if next := m.LastSentAt + Time(r.SlowMode)*1000; r.SlowMode > 0 && m.LastSentAt > 0 && m.LastSentAt <= now && next > now {
		return &Error{Code: RateLimited, Message: "slow mode: wait before your next message in this room", RetryAfter: next.Until(now)}
	}
	return nil
}

// maySpeak refuses who is muted: on the server, or in the room that m, which may be nil, is a membership of. It binds whatever others
// come to read or are drawn into: messages, edits, reactions, names and descriptions, invitations; not moderation, nor what one
// does for oneself.
func maySpeak(m *Member, u *User, now Time) error {
	switch {
	case u.MutedAt(now):
		return muted("you are muted on this server", u.MutedUntil, now)
	case m != nil && m.MutedUntil > now:
		return muted("you are muted in this room", m.MutedUntil, now)
	}
	return nil
}

func muted(text string, until, now Time) *Error {
	e := &Error{Code: Muted, Message: text}
	if until != Forever {
		e.RetryAfter = until.Until(now)
	}
	return e
}

// isModerator tells whether a caller may moderate and configure a room. m may be nil: administrators need no membership.
func isModerator(m *Member, u *User) bool {
	return u.Role == RoleAdministrator || (m != nil && m.Role >= RoleModerator)
}

// isOwner tells whether a caller may do what the owner alone may.
func isOwner(m *Member, u *User) bool {
	return u.Role == RoleAdministrator || (m != nil && m.Role == RoleOwner)
}

// outranks tells whether target stands above the caller: nobody acts on someone of a higher role.
func outranks(target *Member, targetUser *User, m *Member, u *User) bool {
	if u.Role == RoleAdministrator {
		return false
	}
	if targetUser.Role == RoleAdministrator {
		return true
	}
	return target != nil && (m == nil || target.Role > m.Role)
}

// fixedMembership refuses membership routes where members are what they are.
func fixedMembership(r *Room) error {
	switch r.Kind {
	case DirectRoom:
		return Refuse(Forbidden, "a private conversation has its two members for ever")
	case AnnouncementsRoom:
		return Refuse(Forbidden, "everybody is a member of the announcements")
	case UserLogRoom:
		return Refuse(Forbidden, "a user's own log has one member")
	}
	return nil
}
