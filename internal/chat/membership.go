// SPDX-License-Identifier: Apache-2.0

package chat

// Joined is the outcome of joining, or of an invitation.
type Joined struct {
	Repeat
	RoomID      RoomID `json:"room_id"`
	Already     bool   `json:"already,omitempty"` // was a member before
	MemberCount int    `json:"member_count"`
	FirstSeq    uint64 `json:"first_seq"` // the first one of the log that the member may see
}

// Left is the outcome of leaving.
type Left struct {
	Repeat
	RoomID RoomID `json:"room_id"`
	Closed bool   `json:"closed,omitempty"` // the empty private room was closed
}

// Join makes the caller a member of a public room.
func (s *Service) Join(call Call, room RoomID) *Pending[Joined] {
	return submit[Joined](s, call, inRoom(room), "join", []string{string(room)}, func(tx Tx, u *User) (Joined, error) {
		r, err := tx.Room(room)
		if err != nil {
			return Joined{}, err
		}
		if r == nil || r.Deleted {
			return Joined{}, noRoom(room)
		}
		m, err := tx.Member(r, u.ID)
		if err != nil {
			return Joined{}, err
		}
		if m != nil {
			return Joined{RoomID: r.ID, Already: true, MemberCount: r.MemberCount, FirstSeq: r.FirstVisible(m.JoinedSeq)}, fixedMembership(r)
		}
		b, err := tx.Ban(r, u.ID)
		if err != nil {
			return Joined{}, err
		}
		if err := access(r, room, nil, b, tx.Now()); CodeOf(err) != NotMember { // a public room that the caller is not in
			return Joined{}, err
		}
		if r.Locked && u.Role != RoleAdministrator {
			return Joined{}, Refuse(Forbidden, "the room is locked; nobody joins at the moment")
		}
		return s.addMember(tx, r, u, u)
	})
}

// Invite makes another user a member at once.
func (s *Service) Invite(call Call, room RoomID, user UserID) *Pending[Joined] {
	return submit[Joined](s, call, inRoom(room), "invite", []string{string(room), string(user)}, func(tx Tx, u *User) (Joined, error) {
		r, err := tx.Room(room)
		if err != nil {
			return Joined{}, err
		}
		m, err := s.memberOf(tx, r, room, u.ID, tx.Now())
		if err != nil {
			return Joined{}, err
		}
		if err := fixedMembership(r); err != nil {
			return Joined{}, err
		}
		if err := maySpeak(m, u, tx.Now()); err != nil {
			return Joined{}, err
		}
		if r.Locked && !isModerator(m, u) {
			return Joined{}, Refuse(Forbidden, "the room is locked; only moderators invite")
		}
		if user == "" {
			return Joined{}, whom()
		}
		guest, err := s.existing(tx, user)
		if err != nil {
			return Joined{}, err
		}
		if blocked, err := tx.Blocked(user, u.ID); err != nil || blocked {
			if err == nil {
				err = Refuse(Forbidden, "user_id: %q takes no invitations from you", string(user))
			}
			return Joined{}, err
		}
		already, err := tx.Member(r, user)
		if err != nil {
			return Joined{}, err
		}
		if already != nil {
			return Joined{RoomID: r.ID, Already: true, MemberCount: r.MemberCount, FirstSeq: r.FirstVisible(already.JoinedSeq)}, nil
		}
		b, err := tx.Ban(r, user)
		if err != nil {
			return Joined{}, err
		}
		if b != nil && b.Until > tx.Now() {
			return Joined{}, Refuse(Forbidden, "user_id: %q is banned from this room; unban them first", string(user))
		}
		return s.addMember(tx, r, guest, u)
	})
}

// existing is an account that is still there.
func (s *Service) existing(tx Tx, id UserID) (*User, error) {
	u, err := tx.User(id)
	if err != nil {
		return nil, err
	}
	if u == nil || u.Deleted {
		return nil, Refuse(NotFound, "user_id: there is no user %q", string(id))
	}
	return u, nil
}

// addMember lets u in, by leave of actor, with an event in the room's log and one in the new member's own.
func (s *Service) addMember(tx Tx, r *Room, u, actor *User) (Joined, error) {
	if r.MemberCount >= r.MaxMembers {
		return Joined{}, Refuse(RoomFull, "the room has its %d members; max_members would have to be raised", r.MaxMembers)
	}
	if err := mayBeFollowed(tx, r, u.ID); err != nil {
		return Joined{}, err
	}
	role := RoleMember
	if r.MemberCount == 0 && r.Kind == PublicRoom {
		role = RoleOwner // of a public room that everybody had left
	}
	if err := s.enter(tx, r, u, actor, role); err != nil {
		return Joined{}, err
	}
	m, err := tx.Member(r, u.ID)
	if err != nil {
		return Joined{}, err
	}
	return Joined{RoomID: r.ID, MemberCount: r.MemberCount, FirstSeq: r.FirstVisible(m.JoinedSeq)}, nil
}

// enter writes a joining. What was said before it is there to be read, and not unread: who joins, or joins again, catches up with
// nothing. Whoever had left takes up what bound them: a mute that still holds, and the wait of a slow mode, which is begun anew
// since nobody remembers when they wrote last.
func (s *Service) enter(tx Tx, r *Room, u, actor *User, role RoomRole) error {
	muted, err := tx.LastMute(r, u.ID)
	if err != nil {
		return err
	}
	joined := s.systemMessage(MemberJoined, name(u)+" joined", actor.ID, u.ID)
	if role != RoleMember {
		joined.Details.Role = role.String()
	}
	if muted > tx.Now() {
		joined.Details.Until = muted
	}
	if err := tx.Append(r, joined); err != nil {
		return err
	}
	m := &Member{User: u.ID, Role: role, JoinedSeq: joined.Seq, JoinedAt: joined.At, ReadSeq: joined.Seq, MutedUntil: joined.Details.Until}
	if r.SlowMode > 0 {
		m.LastSentAt = joined.At
	}
	if err := tx.PutMember(r, m); err != nil {
		return err
	}
	return s.tell(tx, u.ID, &Event{Kind: RoomAdded, Actor: actor.ID, Details: roomDetails(r)})
}

func name(u *User) string {
	if u.DisplayName != "" {
		return u.DisplayName
	}
	return string(u.ID)
}

func (s *Service) systemMessage(event, text string, actor, user UserID) *Event {
	return &Event{Kind: System, Actor: actor, MessageID: s.newID(), Content: text, Details: &Details{Event: event, UserID: user}}
}

// Leave ends the caller's membership.
func (s *Service) Leave(call Call, room RoomID) *Pending[Left] {
	return submit[Left](s, call, inRoom(room), "leave", []string{string(room)}, func(tx Tx, u *User) (Left, error) {
		r, err := tx.Room(room)
		if err != nil {
			return Left{}, err
		}
		m, err := s.memberOf(tx, r, room, u.ID, tx.Now())
		if err != nil {
			return Left{}, err
		}
		if err := fixedMembership(r); err != nil {
			return Left{}, err
		}
		if err := s.leave(tx, r, m, u); err != nil {
			return Left{}, err
		}
		return Left{RoomID: r.ID, Closed: r.Deleted}, nil
	})
}

// leave writes a leaving: the last owner hands over by seniority, an empty private room closes.
func (s *Service) leave(tx Tx, r *Room, m *Member, u *User) error {
	wasOwner := m.Role == RoleOwner
	left := s.systemMessage(MemberLeft, name(u)+" left", u.ID, u.ID)
	return s.remove(tx, r, u.ID, left, "left", wasOwner)
}

// remove ends a membership with the event that says why in the room's log, and tells the removed one.
func (s *Service) remove(tx Tx, r *Room, user UserID, e *Event, why string, wasOwner bool) error {
	if err := tx.Append(r, e); err != nil {
		return err
	}
	if err := tx.RemoveMember(r, user); err != nil {
		return err
	}
	d := roomDetails(r)
	d.Reason = why
	if err := s.tell(tx, user, &Event{Kind: RemovedFromRoom, Actor: e.Actor, Details: d}); err != nil {
		return err
	}
	if r.MemberCount == 0 {
		if r.Kind == PrivateRoom {
			closed := *r
			closed.Deleted = true
			if err := s.endHooks(tx, r, e.Actor); err != nil {
				return err
			}
			return tx.UpdateRoom(&closed)
		}
		return nil
	}
	if !wasOwner {
		return nil
	}
	members, err := tx.Members(r)
	if err != nil {
		return err
	}
	for i := range members {
		if members[i].Role == RoleOwner {
			return nil
		}
	}
	return s.giveRole(tx, r, &members[0], RoleOwner, user)
}

// giveRole makes a member the owner, and says so in the log.
func (s *Service) giveRole(tx Tx, r *Room, m *Member, role RoomRole, actor UserID) error {
	changed := *m
	changed.Role = role
	if err := tx.PutMember(r, &changed); err != nil {
		return err
	}
	return tx.Append(r, &Event{Kind: RoomUpdated, Actor: actor, Details: &Details{Changes: &RoomPatch{OwnerID: &changed.User}}})
}
