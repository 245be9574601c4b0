// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"slices"

	"parley/internal/chat"
	"parley/internal/feed/feedtest"
)

// model is what a room should be, written as simply as possible and without a look at the service.
type model struct {
	id      chat.RoomID
	private bool
	gone    bool
	head    uint64
	members []seat // by seniority
	bans    map[chat.UserID]bool
	times   map[chat.UserID][]feedtest.Stay
	said    []line
	keys    map[string]sentBefore // by user and client_msg_id
}

type seat struct {
	user   chat.UserID
	role   chat.RoomRole
	joined uint64
}

// line is a message: what the history shows.
type line struct {
	seq  uint64
	text string
}

type sentBefore struct {
	text string
	seq  uint64
}

func newModel(id chat.RoomID, private bool, owner chat.UserID) *model {
	m := &model{id: id, private: private, bans: map[chat.UserID]bool{}, times: map[chat.UserID][]feedtest.Stay{}, keys: map[string]sentBefore{}}
	m.enter(owner, chat.RoleOwner)
	return m
}

func (m *model) seat(u chat.UserID) *seat {
	if i := slices.IndexFunc(m.members, func(s seat) bool { return s.user == u }); i >= 0 {
		return &m.members[i]
	}
	return nil
}

func (m *model) enter(u chat.UserID, role chat.RoomRole) {
	m.head++
	m.members = append(m.members, seat{u, role, m.head})
	m.times[u] = append(m.times[u], feedtest.Stay{From: m.head})
	m.said = append(m.said, line{m.head, string(u) + " joined"})
}

// drop ends a membership with the event that is the head now.
func (m *model) drop(u chat.UserID) {
	owner := m.seat(u).role == chat.RoleOwner
	m.members = slices.DeleteFunc(m.members, func(s seat) bool { return s.user == u })
	t := m.times[u]
	t[len(t)-1].To = m.head - 1
	if len(m.members) == 0 {
		m.gone = m.private
		return
	}
	if owner {
		m.members[0].role = chat.RoleOwner
		m.head++
	}
}

// access is what somebody hears who is not in the room.
func (m *model) access(u chat.UserID) chat.Code {
	switch {
	case m.gone:
		return chat.NotFound
	case m.seat(u) != nil:
		return ""
	case m.bans[u]:
		return chat.Banned
	case m.private:
		return chat.NotFound
	}
	return chat.NotMember
}

func (m *model) join(u chat.UserID) chat.Code {
	code := m.access(u)
	if code != chat.NotMember {
		return code
	}
	role := chat.RoleMember
	if len(m.members) == 0 {
		role = chat.RoleOwner
	}
	m.enter(u, role)
	return ""
}

func (m *model) leave(u chat.UserID) chat.Code {
	if code := m.access(u); code != "" {
		return code
	}
	m.head++
	m.said = append(m.said, line{m.head, string(u) + " left"})
	m.drop(u)
	return ""
}

func (m *model) invite(u, guest chat.UserID) chat.Code {
	switch code := m.access(u); {
	case code != "":
		return code
	case m.seat(guest) != nil:
		return ""
	case m.bans[guest]:
		return chat.Forbidden
	}
	m.enter(guest, chat.RoleMember)
	return ""
}

func (m *model) send(u chat.UserID, key, text string) (code chat.Code, seq uint64, duplicate bool) {
	if before, known := m.keys[string(u)+" "+key]; known && key != "" { // who was removed is still told
		if before.text != text {
			return chat.Conflict, 0, false
		}
		return "", before.seq, true
	}
	if code := m.access(u); code != "" {
		return code, 0, false
	}
	m.head++
	m.said = append(m.said, line{m.head, text})
	if key != "" {
		m.keys[string(u)+" "+key] = sentBefore{text, m.head}
	}
	return "", m.head, false
}

func (m *model) moderate(u chat.UserID, action string, target chat.UserID) chat.Code {
	if code := m.access(u); code != "" {
		return code
	}
	me, them := m.seat(u), m.seat(target)
	switch {
	case me.role < chat.RoleModerator:
		return chat.Forbidden
	case u == target:
		return chat.BadRequest
	case them != nil && them.role > me.role:
		return chat.Forbidden
	case them == nil && action != chat.ActionBan && action != chat.ActionUnban:
		return chat.NotFound
	case action == chat.ActionPromote && me.role != chat.RoleOwner:
		return chat.Forbidden
	case action == chat.ActionUnban && !m.bans[target], action == chat.ActionPromote && them.role == chat.RoleModerator:
		return ""
	}
	m.head++
	switch action {
	case chat.ActionBan:
		m.bans[target] = true
	case chat.ActionUnban:
		delete(m.bans, target)
	case chat.ActionPromote:
		them.role = chat.RoleModerator
	}
	if them != nil && (action == chat.ActionBan || action == chat.ActionKick) {
		m.drop(target)
	}
	return ""
}

func (m *model) remove(u chat.UserID) chat.Code {
	if code := m.access(u); code != "" {
		return code
	}
	if m.seat(u).role != chat.RoleOwner {
		return chat.Forbidden
	}
	m.head++
	for _, s := range m.members {
		t := m.times[s.user]
		t[len(t)-1].To, t[len(t)-1].End = m.head-1, m.head
	}
	m.members, m.gone = nil, true
	return ""
}

// history is what a member sees, newest first.
func (m *model) history(u chat.UserID) []line {
	first := uint64(1)
	if m.private {
		first = m.seat(u).joined
	}
	var out []line
	for _, l := range slices.Backward(m.said) {
		if l.seq >= first {
			out = append(out, l)
		}
	}
	return out
}
