// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"slices"
	"strings"

	"parley/internal/chat"
	"parley/internal/mqtt/packet"
)

// The topics that a user may subscribe to begin with ownPrefix + user id + "/".
const ownPrefix = "chat/user/"

// grant is one granted subscription.
type grant struct {
	filter string
	qos    byte
	id     uint32 // subscription identifier; 0 none
}

// listening is what a device has subscribed to. It is immutable.
type listening struct {
	grants   []grant
	messages *target // of chat/user/{user_id}/messages; nil when no filter matches it
	rooms    bool    // some filter may match chat/user/{user_id}/rooms/{room_id}
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

// newListening works out what grants mean for the user's deliveries.
func newListening(grants []grant, user chat.UserID) *listening {
	l := &listening{grants: grants}
	base := ownPrefix + string(user)
	l.messages = l.match(base + "/messages")
	for _, g := range grants {
		rest := strings.TrimPrefix(g.filter, base)
		if rest == "/#" || strings.HasPrefix(rest, "/rooms/") || strings.HasPrefix(rest, "/+/") {
			l.rooms = true
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
func (l *listening) event(user chat.UserID, room chat.RoomID) *target {
	if l.messages != nil {
		return l.messages
	}
	if !l.rooms {
		return nil
	}
	return l.match(ownPrefix + string(user) + "/rooms/" + string(room))
}

// listens tells whether any event may be wanted, and reliable whether at QoS 1.
func (l *listening) listens() (listens, reliable bool) {
	if l == nil || l.messages == nil && !l.rooms {
		return false, false
	}
	if l.messages != nil {
		return true, l.messages.qos > 0
	}
	return true, slices.ContainsFunc(l.grants, func(g grant) bool { return g.qos > 0 })
}

// with adds grants, replacing those with the same filter.
func (l *listening) with(add []grant, user chat.UserID) *listening {
	var grants []grant
	if l != nil {
		grants = slices.DeleteFunc(slices.Clone(l.grants), func(g grant) bool {
			return slices.ContainsFunc(add, func(a grant) bool { return a.filter == g.filter })
		})
	}
	return newListening(append(grants, add...), user)
}

// without drops filters.
func (l *listening) without(filters []string, user chat.UserID) *listening {
	if l == nil {
		return nil
	}
	return newListening(slices.DeleteFunc(slices.Clone(l.grants), func(g grant) bool { return slices.Contains(filters, g.filter) }), user)
}
