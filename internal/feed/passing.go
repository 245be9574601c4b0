// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"slices"

	"parley/internal/chat"
)

// PassAbout sends a passing event about a room to all devices of a user that listen. Whoever loses the room loses what
// has not been sent of it.
func (f *Feed) PassAbout(to chat.UserID, room chat.RoomID, body []byte) {
	f.cfg.Cork()
	defer f.cfg.Uncork()
	f.mu.Lock()
	defer f.mu.Unlock()
	if u := f.users[to]; u != nil {
		for _, s := range u.subs {
			s.to.Pass(room, body)
		}
	}
}

// Show sends a page of a room to all devices of a member that listen to all rooms. Whoever was taken out of the room since it was read
// is shown nothing, and whoever loses it then loses what has not been sent of it.
func (f *Feed) Show(to chat.UserID, room chat.RoomID, body []byte) {
	f.cfg.Cork()
	defer f.cfg.Uncork()
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[to]
	if u == nil || !slices.ContainsFunc(u.rooms, func(m membership) bool { return m.room.id == room }) {
		return
	}
	for _, s := range u.subs {
		s.to.Show(room, body)
	}
}

// PassRoom sends a passing event about a room to the devices of all its members that listen, but for those of except.
func (f *Feed) PassRoom(num int64, except chat.UserID, body []byte) {
	f.cfg.Cork()
	defer f.cfg.Uncork()
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.rooms[num]
	if r == nil {
		return
	}
	for _, u := range r.members {
		if u.id == except {
			continue
		}
		for _, s := range u.subs {
			s.to.Pass(r.id, body)
		}
	}
}

// passedAtOnce is how many rooms PassRooms serves while it holds the lock.
const passedAtOnce = 16

// PassRooms sends a passing event about a user to everybody who shares one of these rooms with them and listens: once to
// each device, to the user's own ones too.
func (f *Feed) PassRooms(rooms []int64, about chat.UserID, body []byte) {
	f.cfg.Cork()
	defer f.cfg.Uncork()
	told := map[chat.UserID]bool{}
	pass := func(u *user) {
		if u == nil || told[u.id] {
			return
		}
		told[u.id] = true
		for _, s := range u.subs {
			s.to.Pass("", body)
		}
	}
	f.mu.Lock()
	pass(f.users[about])
	f.mu.Unlock()
	for len(rooms) > 0 {
		some := rooms[:min(len(rooms), passedAtOnce)]
		rooms = rooms[len(some):]
		f.mu.Lock()
		for _, num := range some {
			if r := f.rooms[num]; r != nil {
				for _, u := range r.members {
					pass(u)
				}
			}
		}
		f.mu.Unlock()
	}
}

// ListeningIn counts the members of a room of whom a device listens and of whom counts is true.
func (f *Feed) ListeningIn(room int64, counts func(chat.UserID) bool) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.rooms[room]; r != nil {
		for _, u := range r.members {
			if counts(u.id) {
				n++
			}
		}
	}
	return n
}

// MemberOf tells whether a user is a member of a room, as far as the feed knows it: of those who listen.
func (f *Feed) MemberOf(id chat.UserID, room int64) (member, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	u := f.users[id]
	if u == nil {
		return false, false
	}
	for i := range u.rooms {
		if u.rooms[i].room.num == room {
			return true, true
		}
	}
	for _, s := range u.subs {
		if !s.starting {
			return false, true
		}
	}
	return false, false
}
