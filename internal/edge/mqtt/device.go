// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"math"
	"net/netip"
	"sync"
	"sync/atomic"

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

	listening atomic.Pointer[listening]

	changing sync.Mutex // one change of subscriptions at a time; before mu

	mu     sync.Mutex
	sub    *feed.Subscription
	early  []*chat.Event // acknowledged before sub was there
	closed bool
	line   line // requests that wait their turn
}

func newDevice(d *Door, id auth.Identity, remote netip.Addr, revocations int64) *device {
	dev := &device{door: d, user: id.UserID, remote: remote, revocations: revocations}
	dev.identity.Store(&id)
	return dev
}

func (d *device) identify(id auth.Identity) { d.identity.Store(&id) }

func (d *device) open(s *server.Session) {
	d.session = s
}

// confirm closes the connection when its user may not connect any more.
func (d *device) confirm() {
	ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
	defer cancel()
	if err := d.door.cfg.Auth.Confirm(ctx, *d.identity.Load()); err != nil {
		d.session.Close(packet.NotAuthorized, "sign in again")
	}
}

// Offer implements feed.Subscriber.
func (d *device) Offer(c *feed.Copy) feed.Verdict {
	l := d.listening.Load()
	if l == nil {
		return feed.Unwanted
	}
	t := l.event(d.user, c.Event.RoomID)
	if t == nil {
		return feed.Unwanted
	}
	if !d.session.Send(t.topic, t.qos, messageOf(c, d.user), t.ids) {
		return feed.Full
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
	*form = m
	return m
}

// Pass implements feed.Subscriber.
func (d *device) Pass(room chat.RoomID, body []byte) {
	l := d.listening.Load()
	if l == nil {
		return
	}
	t := l.messages
	if t == nil && room != "" {
		t = l.event(d.user, room) // a device that listens to single rooms
	}
	if t != nil {
		d.session.Reply(t.topic, 0, &server.Message{Payload: body, Properties: textProperties})
	}
}

// Revoke implements feed.Subscriber.
func (d *device) Revoke(room int64) { dropRoom(d.session, room, math.MaxUint64) }

// dropRoom drops what a session holds of a room's log before a seq.
func dropRoom(s *server.Session, room int64, before uint64) {
	s.Drop(func(m *server.Message) bool {
		e, ok := m.Tag.(*chat.Event)
		return ok && e.RoomNum == room && e.Seq < before
	})
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
	d.mu.Lock()
	d.closed = true
	sub := d.sub
	d.sub = nil
	waiting := d.line.cut()
	d.mu.Unlock()
	for _, w := range waiting {
		w.ack.Fail() // nothing was done: the client sends it again
	}
	if sub != nil {
		sub.Close()
	}
}
