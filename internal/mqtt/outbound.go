// SPDX-License-Identifier: Apache-2.0

package mqtt

import "parley/internal/mqtt/packet"

// delivery is one message on its way to one client, first in Session.queue and, at QoS 1, from the moment that it is encoded
// until it is acknowledged in Session.inflight.
type delivery struct {
	m       *Message
	topic   string
	subIDs  []uint32
	barrier *barrier // instead of a message: a SUBACK that must not overtake what was sent before it
	id      uint16
	qos     byte
	flags   deliveryFlags
}

type deliveryFlags byte

const (
	deliveryWriting deliveryFlags = 1 << iota // encoded, and not known to be on the socket
	deliveryAcked                             // acknowledged out of order, or never sent because it was too large
	deliveryDropped                           // revoked: never sent again
	deliveryReply                             // belongs to the connection, not to the session
)

// reply is a message that goes between the control packets of a connection.
type reply struct {
	at      int // before ctl[at:]
	topic   string
	qos     byte
	m       *Message
	dropped bool
}

// Send queues a delivery at QoS 0 or 1 (2 is sent as 1), with the identifiers of the subscriptions that it matches, and never
// blocks. It leaves with the next flush; while the server is corked that is at the end of the batch.
//
// It returns false, having queued nothing, when there is no connection or the queue is full. A full queue is not lost: when it
// has fallen below half, Drained is called, and the caller goes on from where it was. m, topic and subIDs must not be
// changed afterwards.
func (s *Session) Send(topic string, qos byte, m *Message, subIDs []uint32) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	if c == nil || c.closing {
		return false
	}
	cfg := &s.srv.cfg
	if n := s.queue.len(); n >= cfg.QueueLength || n > 0 && s.queueBytes+len(m.Payload) > cfg.QueueBytes {
		s.full = true
		s.srv.stats.queueFull.Add(1)
		return false
	}
	d := s.queue.push(delivery{m: m, topic: topic, subIDs: subIDs})
	d.qos = min(qos, 1)
	s.queueBytes += len(m.Payload)
	c.markDirty()
	return true
}

// Reply queues a message that is worth nothing later: an answer, a passing event. It goes ahead of the deliveries that
// wait, has a reserve of its own, is not sent again after a reconnect, and at QoS 1 falls back to 0 when the client's Receive
// Maximum is used up. It returns false when there is no connection or the reserve is full.
func (s *Session) Reply(topic string, qos byte, m *Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	if c == nil || c.closing || len(c.replies) >= maxReplies || c.backlog() > 0 && c.backlog()+len(m.Payload) > hardBacklog {
		return false
	}
	c.reply(reply{topic: topic, qos: min(qos, 1), m: m})
	c.markDirty()
	return true
}

// reply queues r behind the control packets so far. s.mu is held.
func (c *conn) reply(r reply) {
	r.at = len(c.ctl)
	c.replies = append(c.replies, r)
	c.replyLen += len(r.m.Payload)
}

// Drop revokes messages: those of which nothing is on the socket yet are not sent, and those sent but not acknowledged are
// not sent again after a reconnect, a deviation from [MQTT-4.4.0-1] that keeps what was taken from a user away from
// him. Their packet ids stay taken while the connection lasts. Acked is not called for them. Of answers that are not sent, what
// Message.Revoked says is. match and that are called with the session locked: they must be quick and not call back.
func (s *Session) Drop(match func(*Message) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.queue.len() {
		if d := s.queue.at(i); d.m != nil && d.flags&deliveryDropped == 0 && match(d.m) {
			d.flags |= deliveryDropped
		}
	}
	for i := range s.inflight.len() {
		if d := s.inflight.at(i); d.flags&(deliveryDropped|deliveryAcked) == 0 && match(d.m) {
			d.flags |= deliveryDropped
		}
	}
	if c := s.conn; c != nil {
		c.replyLen += dropReplies(c.replies, match)
		for a := c.head; a != nil; a = a.next {
			c.heldLen += dropReplies(a.replies, match)
		}
		c.markDirty()
	}
}

// dropReplies revokes those that match, and tells by how many bytes their payloads have grown.
func dropReplies(replies []reply, match func(*Message) bool) (grown int) {
	for i := range replies {
		r := &replies[i]
		switch {
		case r.dropped || !match(r.m):
		case r.m.Revoked == nil:
			r.dropped = true
		default:
			before := len(r.m.Payload)
			r.m = r.m.Revoked()
			grown += len(r.m.Payload) - before
		}
	}
	return grown
}

// Unacknowledged calls f with the messages sent at QoS 1 and not acknowledged, in order, until it returns false: what a
// reconnect sends again by itself. The session is locked meanwhile.
func (s *Session) Unacknowledged(f func(*Message) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.inflight.len() {
		d := s.inflight.at(i)
		if d.flags&(deliveryDropped|deliveryReply) == 0 && !f(d.m) {
			return
		}
	}
}

// Unsent is how many bytes of replies and control packets the client has not taken, those included that wait for an earlier
// acknowledgement: an application answers no large request while it is high.
func (s *Session) Unsent() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return 0
	}
	return s.conn.backlog() + s.conn.heldLen
}

// Queued is the number of deliveries that wait to be sent.
func (s *Session) Queued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.queue.len()
}

// acknowledge takes a PUBACK. Ids nobody waits for are ignored: after a reconnect they are normal.
func (s *Session) acknowledge(c *conn, id uint16) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != c {
		return
	}
	d := s.findInflight(id)
	if d == nil {
		return
	}
	d.flags |= deliveryAcked
	s.popAcknowledged()
	if !c.flushing && s.queue.len() > 0 {
		c.markDirty()
	}
}

// findInflight finds by packet id: normally the first, else where the id says if none is missing in between. mu is held.
func (s *Session) findInflight(id uint16) *delivery {
	n := s.inflight.len()
	if n == 0 {
		return nil
	}
	if i := int(id - s.inflight.at(0).id); i < n && s.inflight.at(i).id == id {
		return s.inflight.at(i)
	}
	for i := range n {
		if d := s.inflight.at(i); d.id == id {
			return d
		}
	}
	return nil
}

// popAcknowledged frees what is acknowledged at the head, so that the application hears of it in the order of sending.
// mu is held.
func (s *Session) popAcknowledged() {
	for s.inflight.len() > 0 {
		d := s.inflight.at(0)
		if d.flags&deliveryAcked == 0 || d.flags&deliveryWriting != 0 {
			return
		}
		if d.flags&(deliveryDropped|deliveryReply) == 0 {
			s.acked = append(s.acked, d.m)
		}
		s.inflight.popFront()
		if s.sent > 0 {
			s.sent--
		}
	}
}

// notify calls Acked and Drained for what has come up. One goroutine at a time does so for a session, which keeps the order;
// another one leaves its news to it.
func (s *Session) notify() {
	s.mu.Lock()
	if s.notifying {
		s.mu.Unlock()
		return
	}
	for len(s.acked) > 0 || s.drained {
		acked, drained := s.acked, s.drained
		s.acked, s.drained = nil, false
		s.notifying = true
		s.mu.Unlock()
		s.tell(acked, drained)
		s.mu.Lock()
		if s.notifying { // somebody went on with what came meanwhile
			break
		}
		if s.acked == nil && cap(acked) <= 64 {
			clear(acked)
			s.acked = acked[:0]
		}
	}
	s.mu.Unlock()
}

func (s *Session) tell(acked []*Message, drained bool) {
	defer func() {
		p := recover() // ends the connection; the session may outlive it
		if p != nil {
			s.srv.logPanic("a session", s.owner+"/"+s.clientID, p)
			s.Close(packet.UnspecifiedError, "internal error")
		}
		s.mu.Lock()
		s.notifying = false
		s.mu.Unlock()
	}()
	for _, m := range acked {
		s.srv.app.Acked(s, m)
	}
	if drained {
		s.srv.app.Drained(s)
	}
}

// nextPacketID gives the id after the last one given. Ids in flight lie between the first in flight and the last one given, so
// only the first can stand in the way, when a client has left it unacknowledged for 65534 messages: ok is false until it is.
// mu is held.
func (s *Session) nextPacketID() (id uint16, ok bool) {
	id = s.nextID + 1
	if id == 0 {
		id = 1
	}
	if s.inflight.len() > 0 && s.inflight.at(0).id == id {
		return 0, false
	}
	return id, true
}

// tidyInflight makes what is in flight ready to be sent again on another connection. mu is held.
func (s *Session) tidyInflight() {
	var kept deque[delivery]
	for i := range s.inflight.len() {
		d := *s.inflight.at(i)
		if d.flags&(deliveryDropped|deliveryReply) != 0 {
			continue
		}
		d.flags &^= deliveryWriting
		kept.push(d)
	}
	s.inflight, s.sent = kept, 0
	s.popAcknowledged()
}

// fit gives what to send of m to a client that takes packets of up to limit bytes (0 any); nil when nothing fits.
func fit(v packet.Version, limit int, m *Message, topic string, qos byte, extra int) *Message {
	if limit == 0 || packet.PublishSize(v, len(topic), qos, len(m.Properties)+extra, len(m.Payload)) <= limit {
		return m
	}
	if m.Smaller == nil {
		return nil
	}
	small := m.Smaller()
	if small == nil || packet.PublishSize(v, len(topic), qos, len(small.Properties)+extra, len(small.Payload)) > limit {
		return nil
	}
	return small
}
