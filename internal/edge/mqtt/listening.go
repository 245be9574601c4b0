// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"strings"
	"sync"

	"parley/internal/chat"
	"parley/internal/mqtt/packet"
)

// The topics that a user may subscribe to begin with ownPrefix + user id + "/".
const ownPrefix = "chat/user/"

// maxFilters bounds the filters of one session: there are three kinds of topics, and single rooms for small devices.
const maxFilters = 256

// grant is one granted subscription.
type grant struct {
	filter string
	qos    byte
	id     uint32 // subscription identifier; 0 none
}

// listening is what a device has subscribed to. It is immutable, but for what it remembers.
type listening struct {
	user     chat.UserID
	grants   []grant
	messages *target // of chat/user/{user_id}/messages; nil when no filter matches it
	rooms    bool    // some filter may match chat/user/{user_id}/rooms/{room_id}
	reliable bool    // some delivery of events is at QoS 1

	mu     sync.Mutex
	byRoom map[chat.RoomID]*target // found before, where rooms are listened to one by one
}

// target is how a topic is delivered: the highest QoS and the identifiers of all filters that match it.
type target struct {
	topic string
	qos   byte
	ids   []uint32
}

// own tells whether a filter stays within the topics of a user.
func own(filter string, user chat.UserID) bool {
	rest, ok := strings.CutPrefix(filter, ownPrefix)
	if !ok {
		return false
	}
	first, _, _ := strings.Cut(rest, "/")
	return first == string(user)
}

// showsEvents tells whether a filter of a user's own may match a topic of deliveries.
func showsEvents(filter string, user chat.UserID) bool {
	listens, _ := newListening([]grant{{filter: filter}}, user).listens()
	return listens
}

// newListening works out what grants mean for the user's deliveries.
func newListening(grants []grant, user chat.UserID) *listening {
	l := &listening{user: user, grants: grants}
	l.messages = l.match(messagesTopic(user))
	if l.messages != nil {
		l.reliable = l.messages.qos > 0
	}
	for _, g := range grants {
		rest := strings.TrimPrefix(g.filter, ownPrefix+string(user))
		if rest == "/#" || strings.HasPrefix(rest, "/rooms/") || strings.HasPrefix(rest, "/+/") {
			l.rooms = true
			l.reliable = l.reliable || l.messages == nil && g.qos > 0
		}
	}
	return l
}

// match is how topic is delivered; nil when no filter matches it.
func (l *listening) match(topic string) *target {
	var t *target
	for _, g := range l.grants {
		if !packet.Match(g.filter, topic) {
			continue
		}
		if t == nil {
			t = &target{topic: topic}
		}
		t.qos = max(t.qos, g.qos)
		if g.id != 0 {
			t.ids = append(t.ids, g.id)
		}
	}
	return t
}

// event is how an event of a room is delivered: once, on the topic of all messages or else on that of the room.
func (l *listening) event(room chat.RoomID) *target {
	if l.messages != nil || !l.rooms {
		return l.messages
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	t, known := l.byRoom[room]
	if !known {
		t = l.match(ownPrefix + string(l.user) + "/rooms/" + string(room))
		if l.byRoom == nil {
			l.byRoom = map[chat.RoomID]*target{}
		}
		l.byRoom[room] = t
	}
	return t
}

// listens tells whether any event may be wanted, and reliable whether at QoS 1.
func (l *listening) listens() (listens, reliable bool) {
	if l == nil {
		return false, false
	}
	return l.messages != nil || l.rooms, l.reliable
}

// with adds grants, replacing those with the same filter, as far as there is space; taken tells for each.
func (l *listening) with(add []grant, user chat.UserID) (next *listening, taken []bool) {
	var grants []grant
	if l != nil {
		grants = append(grants, l.grants...)
	}
	at := make(map[string]int, len(grants))
	for i, g := range grants {
		at[g.filter] = i
	}
	taken = make([]bool, len(add))
	for i, g := range add {
		if old, ok := at[g.filter]; ok {
			grants[old], taken[i] = g, true
		} else if len(grants) < maxFilters {
			at[g.filter] = len(grants)
			grants, taken[i] = append(grants, g), true
		}
	}
	return newListening(grants, user), taken
}

// without drops filters.
func (l *listening) without(filters []string, user chat.UserID) *listening {
	if l == nil {
		return nil
	}
	gone := make(map[string]bool, len(filters))
	for _, f := range filters {
		gone[f] = true
	}
	var grants []grant
	for _, g := range l.grants {
		if !gone[g.filter] {
			grants = append(grants, g)
		}
	}
	return newListening(grants, user)
}
