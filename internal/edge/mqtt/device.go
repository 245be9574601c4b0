// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/feed"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// device is one connection of a session, as the feed's Subscriber and as the origin of requests.
type device struct {
	door        *Door
	session     *server.Session
	user        chat.UserID
	identity    atomic.Pointer[auth.Identity]
	remote      netip.Addr
	revocations int64 // of the door, before the identity was proved
	since       time.Time
	busy        func() bool // see api.Caller; made once, since every request has it

	listening atomic.Pointer[listening]
	closed    atomic.Bool // the connection is over; the session may have another one

	mu       sync.Mutex
	sub      *feed.Subscription
	early    []*chat.Event // acknowledged before sub was there
	changes  []func()      // of subscriptions, in order; the first one is at work
	line     line          // requests that wait their turn
	revoked  map[chat.RoomID]uint64
	revision uint64 // of revoked
}

func newDevice(d *Door, id auth.Identity, remote netip.Addr, revocations int64) *device {
	dev := &device{door: d, user: id.UserID, remote: remote, revocations: revocations, since: d.cfg.Now()}
	dev.identity.Store(&id)
	dev.busy = func() bool { return dev.session.Unsent() > maxUnread }
	return dev
}

// reauthenticate puts a new token of the same user in the place of the device's own.
func (d *device) reauthenticate(ctx context.Context, token string) (auth.Identity, error) {
	seen := d.door.revocations.Load()
	id, err := d.door.cfg.Auth.Authenticate(ctx, auth.Credentials{Username: string(d.user), Password: token, Remote: d.remote})
	if err != nil {
		return id, d.door.refuseAgain(err)
	}
	if id.Scopes != d.identity.Load().Scopes {
		return id, &server.Refusal{Code: packet.NotAuthorized, Reason: "the new token has other scopes: connect anew with it"}
	}
	d.identity.Store(&id)
	// Whoever revoked the new token before it stood here looked for it in vain.
	if seen != d.door.revocations.Load() {
		if err := d.door.cfg.Auth.Confirm(ctx, id); err != nil {
			return id, d.door.refuseAgain(err)
		}
	}
	return id, nil
}

func (d *device) open(s *server.Session) { d.session = s }

// mayRead tells whether the device's token lets it see what its user sees.
func (d *device) mayRead() bool { return d.identity.Load().Scopes.Allow(auth.ScopeRead) }

// allowed is l without what the device's token may not see. A session's place in the logs waits for a token that may.
func (d *device) allowed(l *listening) *listening {
	if l != nil && !d.mayRead() {
		l.messages, l.rooms, l.reliable = nil, false, false
	}
	return l
}

// end closes the connection, if it is still this device's.
func (d *device) end(code packet.ReasonCode, reason string) {
	if !d.closed.Load() && d.session.Value() == d {
		d.session.Close(code, reason)
	}
}

// confirm closes the connection when its user may not connect any more.
func (d *device) confirm() {
	ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
	defer cancel()
	if err := d.door.cfg.Auth.Confirm(ctx, *d.identity.Load()); err != nil {
		d.end(packet.NotAuthorized, "sign in again")
	}
}

// Offer implements feed.Subscriber.
func (d *device) Offer(c *feed.Copy) feed.Verdict {
	if d.closed.Load() {
		return feed.Full // whatever is sent now would go to the session's next connection
	}
	l := d.listening.Load()
	if l == nil {
		return feed.Unwanted
	}
	t := l.event(c.Event.RoomID)
	switch {
	case t == nil:
		return feed.Unwanted
	case !d.session.Send(t.topic, t.qos, messageOf(c, d.user), t.ids):
		return feed.Full
	case t.qos == 0:
		return feed.Unconfirmed
	}
	return feed.Queued
}

// textProperties say that a payload is UTF-8 (section 3.3.2.3.2).
var textProperties = packet.AppendProperties(nil, &packet.Properties{PayloadFormat: 1})

// messageOf is the MQTT message of a copy, made once for all who get the same.
func messageOf(c *feed.Copy, viewer chat.UserID) *server.Message {
	form := &c.Forms[c.Form(viewer)]
	if m, ok := (*form).(*server.Message); ok {
		return m
	}
	m := &server.Message{Payload: c.Body(viewer), Properties: textProperties, Tag: c.Event}
	m.Smaller = func() *server.Message {
		return &server.Message{Payload: c.Truncated(), Properties: textProperties, Tag: c.Event}
	}
	if c.Ahead != nil {
		m.Ahead = &server.Message{Payload: c.Ahead, Properties: textProperties}
	}
	*form = m
	return m
}

// about is the Tag of a message that shows what is in some rooms.
type about []chat.RoomID

// Pass implements feed.Subscriber.
func (d *device) Pass(room chat.RoomID, body []byte) bool {
	l := d.listening.Load()
	if l == nil {
		return true
	}
	m := &server.Message{Payload: body, Properties: textProperties}
	t := l.messages
	if room != "" {
		m.Tag = about{room}
		if t == nil {
			t = l.event(room) // a device that listens to single rooms
		}
	}
	return t == nil || d.session.Reply(t.topic, 0, m)
}

// Show implements feed.Subscriber.
func (d *device) Show(room chat.RoomID, body []byte) {
	if l := d.listening.Load(); l != nil && l.messages != nil {
		d.session.Reply(l.messages.topic, 0, &server.Message{Payload: body, Properties: textProperties, Tag: about{room}})
	}
}

// Revoke implements feed.Subscriber.
func (d *device) Revoke(room chat.RoomID, before uint64) { drop(d.session, room, before) }

// drop takes back what a session holds of a room's log before a seq, and the pages about it.
func drop(s *server.Session, room chat.RoomID, before uint64) {
	s.Drop(func(m *server.Message) bool {
		switch tag := m.Tag.(type) {
		case *chat.Event:
			return tag.RoomID == room && tag.Seq < before
		case about:
			return slices.Contains(tag, room)
		}
		return false
	})
}

// revoke notes that pages about a room, asked for before, must not be shown any more.
func (d *device) revoke(room chat.RoomID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.revoked == nil {
		d.revoked = map[chat.RoomID]uint64{}
	}
	d.revision++
	d.revoked[room] = d.revision
}

// revokedSince tells whether one of the rooms was taken from the user after a revision.
func (d *device) revokedSince(rooms []chat.RoomID, revision uint64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(rooms, func(r chat.RoomID) bool { return d.revoked[r] > revision })
}

func (d *device) acked(e *chat.Event) {
	d.mu.Lock()
	sub := d.sub
	if sub == nil {
		d.early = append(d.early, e)
	}
	d.mu.Unlock()
	if sub != nil {
		sub.Acked(e)
	}
}

func (d *device) drained() {
	d.mu.Lock()
	sub := d.sub
	d.mu.Unlock()
	if sub != nil {
		sub.Drained()
	}
}

// close ends what the connection was. The session's place in the logs stays, in the store.
func (d *device) close() {
	d.closed.Store(true)
	d.cutLine()
	d.mu.Lock()
	sub := d.sub
	d.sub = nil
	d.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}
