// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// NewRoom is what a creator asks for.
type NewRoom struct {
	ID          RoomID // empty: the server chooses a UUIDv7
	Name        string
	Description string
	Private     bool
	MaxMembers  int // 0: the default
}

// RoomState is the outcome of creating or changing a room.
type RoomState struct {
	Repeat
	Room Room `json:"room"`
}

// CreateRoom makes a room with the caller as its owner.
func (s *Service) CreateRoom(call Call, n NewRoom) *Pending[RoomState] {
	if n.MaxMembers == 0 {
		n.MaxMembers = s.limit.DefaultMaxMembers
	}
	switch {
	case n.ID != "" && !ValidRoomID(n.ID):
		return refused[RoomState](Refuse(BadRequest, "room_id: %q cannot be chosen; use a letter or digit, then up to 63 letters, digits, '.', '_', '-', and no reserved word", string(n.ID)))
	case n.Name == "":
		return refused[RoomState](Refuse(BadRequest, "name: is missing"))
	case n.MaxMembers < 1 || n.MaxMembers > s.limit.MaxMembers:
		return refused[RoomState](Refuse(BadRequest, "max_members: must be from 1 to %d", s.limit.MaxMembers))
	}
	parts, _ := json.Marshal(n)
	return submit[RoomState](s, call, scope{}, "create", []string{string(parts)}, func(tx Tx, u *User) (RoomState, error) {
		if u.MutedAt(tx.Now()) {
			return RoomState{}, muted("you are muted on this server", u.MutedUntil, tx.Now())
		}
		id := n.ID
		if id == "" {
			id = RoomID(s.newID().String())
		}
		taken, err := tx.Room(id)
		if err != nil {
			return RoomState{}, err
		}
		if taken != nil {
			return RoomState{}, Refuse(Conflict, "room_id: %q is taken or was once; choose another", string(id))
		}
		r := &Room{ID: id, Kind: PublicRoom, Name: n.Name, Description: n.Description, CreatedBy: u.ID, CreatedAt: tx.Now(),
			MaxMembers: n.MaxMembers, History: VisibleShared, FirstSeq: 1}
		if n.Private {
			r.Kind, r.History = PrivateRoom, VisibleJoined
		}
		if err := tx.CreateRoom(r); err != nil {
			return RoomState{}, err
		}
		if err := s.enter(tx, r, u, u, RoleOwner); err != nil {
			return RoomState{}, err
		}
		return s.state(tx, id)
	})
}

func (s *Service) state(tx Tx, id RoomID) (RoomState, error) {
	r, err := tx.Room(id)
	if err != nil {
		return RoomState{}, err
	}
	return RoomState{Room: *r}, nil
}

// governed is a room with settings and members of its own choosing, and the caller's place in it.
func (s *Service) governed(tx Tx, id RoomID, u *User) (*Room, *Member, error) {
	r, err := tx.Room(id)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.memberOf(tx, r, id, u.ID, tx.Now())
	if err != nil && (u.Role != RoleAdministrator || r == nil || r.Deleted || CodeOf(err) == Internal) {
		return nil, nil, err
	}
	return r, m, fixedMembership(r)
}

// UpdateRoom changes settings. Moderators may.
func (s *Service) UpdateRoom(call Call, room RoomID, p RoomPatch) *Pending[RoomState] {
	switch {
	case p.Name != nil && *p.Name == "":
		return refused[RoomState](Refuse(BadRequest, "name: must not be empty"))
	case p.MaxMembers != nil && (*p.MaxMembers < 1 || *p.MaxMembers > s.limit.MaxMembers):
		return refused[RoomState](Refuse(BadRequest, "max_members: must be from 1 to %d", s.limit.MaxMembers))
	case p.SlowMode != nil && (*p.SlowMode < 0 || *p.SlowMode > 24*3600):
		return refused[RoomState](Refuse(BadRequest, "slow_mode: must be from 0 to 86400 seconds"))
	case p.History != nil && *p.History != VisibleShared && *p.History != VisibleJoined:
		return refused[RoomState](Refuse(BadRequest, "history_visibility: must be shared or joined"))
	case p.Retention != nil && *p.Retention != 0 && (*p.Retention < int(MinRetention.Seconds()) || *p.Retention > int(MaxRetention.Seconds())):
		return refused[RoomState](Refuse(BadRequest, "retention: must be 0 (as the server keeps logs), or from %d to %d seconds", int(MinRetention.Seconds()), int(MaxRetention.Seconds())))
	}
	p.OwnerID = nil
	parts, _ := json.Marshal(p)
	return submit[RoomState](s, call, inRoom(room), "update", []string{string(room), string(parts)}, func(tx Tx, u *User) (RoomState, error) {
		r, m, err := s.governed(tx, room, u)
		if err != nil {
			return RoomState{}, err
		}
		if !isModerator(m, u) {
			return RoomState{}, Refuse(Forbidden, "only moderators change a room's settings")
		}
		if p.Retention != nil && !isOwner(m, u) {
			return RoomState{}, Refuse(Forbidden, "retention: only the owner says how long the log is kept")
		}
		if p.Name != nil || p.Description != nil {
			if err := maySpeak(m, u, tx.Now()); err != nil {
				return RoomState{}, err
			}
		}
		if p.History != nil && *p.History == VisibleShared && r.Kind == PrivateRoom {
			return RoomState{}, Refuse(BadRequest, "history_visibility: members of a private room see it from their joining on")
		}
		before, next := *r, *r
		if !next.apply(&p) {
			return RoomState{Room: next}, nil
		}
		if err := tx.UpdateRoom(&next); err != nil {
			return RoomState{}, err
		}
		if r, err = tx.Room(room); err != nil {
			return RoomState{}, err
		}
		if err := tx.Append(r, &Event{Kind: RoomUpdated, Actor: u.ID, Details: &Details{Changes: &p}}); err != nil {
			return RoomState{}, err
		}
		if err := audit(tx, Audited{Actor: u.ID, Action: ActionUpdate, RoomID: r.ID, Reason: difference(&before, &next)}); err != nil {
			return RoomState{}, err
		}
		return s.state(tx, room)
	})
}

// apply sets what p gives and tells whether anything is different now.
func (r *Room) apply(p *RoomPatch) bool {
	before := *r
	set(&r.Name, p.Name)
	set(&r.Description, p.Description)
	set(&r.MaxMembers, p.MaxMembers)
	set(&r.SlowMode, p.SlowMode)
	set(&r.ReadOnly, p.ReadOnly)
	set(&r.History, p.History)
	set(&r.Retention, p.Retention)
	return *r != before
}

// difference says which settings are others after an update, and what they were.
func difference(before, after *Room) string {
	var out []string
	note := func(name string, old, new any) {
		if old != new {
			out = append(out, fmt.Sprintf("%s: %v → %v", name, old, new))
		}
	}
	note("name", strconv.Quote(before.Name), strconv.Quote(after.Name))
	note("description", strconv.Quote(before.Description), strconv.Quote(after.Description))
	note("max_members", before.MaxMembers, after.MaxMembers)
	note("slow_mode", before.SlowMode, after.SlowMode)
	note("read_only", before.ReadOnly, after.ReadOnly)
	note("history_visibility", before.History, after.History)
	note("retention", before.Retention, after.Retention)
	return strings.Join(out, "; ")
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// Transfer makes another member the owner; the old owner stays as a moderator.
func (s *Service) Transfer(call Call, room RoomID, to UserID) *Pending[RoomState] {
	return submit[RoomState](s, call, inRoom(room), "transfer", []string{string(room), string(to)}, func(tx Tx, u *User) (RoomState, error) {
		r, m, err := s.governed(tx, room, u)
		if err != nil {
			return RoomState{}, err
		}
		if !isOwner(m, u) {
			return RoomState{}, Refuse(Forbidden, "only the owner transfers a room")
		}
		if to == "" {
			return RoomState{}, whom()
		}
		heir, err := tx.Member(r, to)
		if err != nil {
			return RoomState{}, err
		}
		if heir == nil {
			return RoomState{}, Refuse(NotFound, "user_id: %q is not a member of the room", string(to))
		}
		if heir.Role == RoleOwner {
			return RoomState{Room: *r}, nil
		}
		members, err := tx.Members(r)
		if err != nil {
			return RoomState{}, err
		}
		for i := range members {
			if members[i].Role == RoleOwner {
				old := members[i]
				old.Role = RoleModerator
				if err := tx.PutMember(r, &old); err != nil {
					return RoomState{}, err
				}
			}
		}
		if err := s.giveRole(tx, r, heir, RoleOwner, u.ID); err != nil {
			return RoomState{}, err
		}
		if err := audit(tx, Audited{Actor: u.ID, Action: ActionTransfer, Target: to, RoomID: r.ID, Role: RoleOwner.String()}); err != nil {
			return RoomState{}, err
		}
		return s.state(tx, room)
	})
}

// DeleteRoom ends a room for all its members. Its name stays taken.
func (s *Service) DeleteRoom(call Call, room RoomID) *Pending[RoomState] {
	return submit[RoomState](s, call, inRoom(room), "delete", []string{string(room)}, func(tx Tx, u *User) (RoomState, error) {
		r, m, err := s.governed(tx, room, u)
		if err != nil {
			return RoomState{}, err
		}
		if !isOwner(m, u) {
			return RoomState{}, Refuse(Forbidden, "only the owner deletes a room")
		}
		members, err := tx.Members(r)
		if err != nil {
			return RoomState{}, err
		}
		if err := tx.Append(r, &Event{Kind: RoomDeleted, Actor: u.ID, Details: roomDetails(r)}); err != nil {
			return RoomState{}, err
		}
		for i := range members {
			if err := tx.RemoveMember(r, members[i].User); err != nil {
				return RoomState{}, err
			}
			if err := s.tell(tx, members[i].User, &Event{Kind: RoomDeleted, Actor: u.ID, Details: roomDetails(r)}); err != nil {
				return RoomState{}, err
			}
		}
		if err := s.endHooks(tx, r, u.ID); err != nil {
			return RoomState{}, err
		}
		if err := audit(tx, Audited{Actor: u.ID, Action: ActionDelete, RoomID: r.ID}); err != nil {
			return RoomState{}, err
		}
		gone := *r
		gone.Deleted = true
		if err := tx.UpdateRoom(&gone); err != nil {
			return RoomState{}, err
		}
		return RoomState{Room: gone}, nil
	})
}
