// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"parley/internal/mqtt/packet"
)

// handlePublish gives a PUBLISH its place among the connection's acknowledgements and hands it to the application.
func (c *conn) handlePublish(flags byte, body []byte) (wait bool, err error) {
	s := c.s
	s.mu.Lock()
	if c.slots > 0 && (c.slots >= maxSlots || c.slotLen+len(body) > maxSlotBytes) || c.backlog() >= softBacklog {
		c.paused = true
		s.mu.Unlock()
		return true, nil
	}
	s.mu.Unlock()

	p := &c.in.publish
	if err := packet.DecodePublish(c.version, flags, body, p); err != nil {
		return false, err
	}
	if err := c.resolveAlias(p); err != nil {
		return false, err
	}
	if len(p.Properties.SubscriptionIDs) > 0 {
		return false, &packet.Error{Code: packet.ProtocolError, Reason: "PUBLISH: a client sends no subscription identifier [MQTT-3.3.4-6]"}
	}
	c.srv.stats.messagesIn.Add(1)

	a := &Ack{c: c, id: p.PacketID, qos: p.QoS, size: len(body)}
	s.mu.Lock()
	if c.closing {
		s.mu.Unlock()
		return false, errClosing
	}
	if p.QoS > 0 {
		if c.version == packet.V5 && c.quota >= int(c.srv.cfg.ReceiveMaximum) {
			s.mu.Unlock()
			return false, &packet.Error{Code: packet.ReceiveMaximumExceeded, Reason: "more PUBLISH packets unacknowledged than the Receive Maximum [MQTT-3.3.4-9]"}
		}
		c.quota++
	}
	if c.tail == nil {
		c.head = a
	} else {
		c.tail.next = a
	}
	c.tail = a
	c.slots++
	c.slotLen += a.size
	known := p.QoS == 2 && s.receive(a)
	s.mu.Unlock()
	if !known {
		c.srv.app.Publish(s, p, a)
	}
	return false, nil
}

// resolveAlias applies an inbound topic alias, section 3.3.2.3.4.
func (c *conn) resolveAlias(p *packet.Publish) error {
	alias := p.Properties.TopicAlias
	if alias == 0 {
		return nil
	}
	if alias > c.srv.cfg.TopicAliasMaximum {
		return &packet.Error{Code: packet.TopicAliasInvalid, Reason: "topic alias: above the maximum [MQTT-3.3.2-9]"}
	}
	if p.Topic != "" {
		if c.aliases == nil {
			c.aliases = make([]string, c.srv.cfg.TopicAliasMaximum+1)
		}
		c.aliases[alias] = p.Topic
		return nil
	}
	if c.aliases == nil || c.aliases[alias] == "" {
		return &packet.Error{Code: packet.TopicAliasInvalid, Reason: "topic alias: not set before"}
	}
	p.Topic = c.aliases[alias]
	return nil
}

// Ack completes one PUBLISH: exactly one of Done and Fail is called, once, from any goroutine. Acknowledgements leave in
// the order in which the PUBLISH packets came, whatever the order of completion [MQTT-4.6.0-2] [MQTT-4.6.0-3]. When the
// connection has gone meanwhile, completion only settles the packet id of a QoS 2 message.
type Ack struct {
	c       *conn // nil for a will, whose outcome nobody hears
	next    *Ack
	flow    *inflow // QoS 2
	replies []reply
	reason  string
	user    []packet.UserProperty
	size    int
	id      uint16
	qos     byte
	state   ackState
	code    packet.ReasonCode
}

type ackState byte

const (
	ackOpen ackState = iota
	ackDone
	ackFailed
)

// QoS is the quality of service of the PUBLISH.
func (a *Ack) QoS() byte { return a.qos }

// Origin names a QoS 2 message within a session that outlives its connection: the application stores it in the message's own
// transaction, and after a restart the same packet id is not handled a second time. ok is false for everything else.
func (a *Ack) Origin() (id SessionID, packetID uint16, ok bool) {
	if a.c == nil || a.qos != 2 {
		return 0, 0, false
	}
	s := a.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id, a.id, s.id != 0
}

// Detached tells that the message is a will: there is no connection whose fate it shares, and nobody hears its outcome.
func (a *Ack) Detached() bool { return a.c == nil }

// Reply adds a message that goes to this connection, and to no other, right before the acknowledgement, in the same write.
// Its properties are those of m; QoS 2 is sent as 1. It is not sent again after a reconnect. Call it before Done.
func (a *Ack) Reply(topic string, qos byte, m *Message) {
	if a.c == nil {
		return
	}
	s := a.c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.state == ackOpen && !a.c.closing {
		a.replies = append(a.replies, reply{topic: topic, qos: min(qos, 1), m: m})
		a.c.heldLen += len(m.Payload)
	}
}

// Done acknowledges with a reason code; below 0x80 is success. On 3.1.1 PUBACK and PUBREC have no code, and at QoS 0 there is
// no acknowledgement: only the replies say more. Reason and user properties go to MQTT 5 clients that want them.
func (a *Ack) Done(code packet.ReasonCode, reason string, user []packet.UserProperty) {
	a.complete(ackDone, code, reason, user)
}

// Fail says that nothing was done and that trying again may help. At QoS 1 and 2 the connection is closed with ServerBusy
// once its turn has come, and neither this message nor any behind it is acknowledged, so that the client sends them again.
// At QoS 0 it is the same as Done.
func (a *Ack) Fail() { a.complete(ackFailed, packet.ServerBusy, "", nil) }

func (a *Ack) complete(state ackState, code packet.ReasonCode, reason string, user []packet.UserProperty) {
	c := a.c
	if c == nil {
		return
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.state != ackOpen {
		return
	}
	a.state, a.code, a.reason, a.user = state, code, reason, user
	if a.flow != nil {
		s.settle(a)
	}
	c.releaseSlots()
}

// releaseSlots acknowledges what is complete at the head of the queue. s.mu is held.
func (c *conn) releaseSlots() {
	for a := c.head; a != nil && a.state != ackOpen; a = c.head {
		c.head, a.next = a.next, nil
		if c.head == nil {
			c.tail = nil
		}
		c.slots--
		c.slotLen -= a.size
		for _, r := range a.replies {
			c.heldLen -= len(r.m.Payload)
		}
		if c.closing {
			continue
		}
		if a.state == ackFailed && a.qos > 0 {
			c.closeLocked(packet.ServerBusy, "try again", &packet.Error{Code: packet.ServerBusy, Reason: "a request was not taken"})
			continue
		}
		for _, r := range a.replies {
			if !r.dropped {
				c.reply(r)
			}
		}
		if c.backlog() > maxBacklog && c.blocked.Load() != 0 {
			c.srv.stats.slow.Add(1)
			c.fail(ErrSlowReader)
			continue
		}
		switch a.qos {
		case 1:
			c.ack(packet.PUBACK, a)
			c.freeQuota()
		case 2:
			c.ack(packet.PUBREC, a)
			if a.code.Failed() {
				c.freeQuota()
			}
		}
	}
	c.mayResume()
	if c.draining && c.head == nil && !c.closing {
		c.wake()
	}
	c.markDirty()
}

// ack queues PUBACK or PUBREC. s.mu is held.
func (c *conn) ack(t packet.Type, a *Ack) {
	p := packet.Ack{PacketID: a.id, Code: sayable(a.code, t)}
	if a.reason == "" && len(a.user) == 0 || !c.problems || c.version != packet.V5 {
		c.ctl = packet.AppendAck(c.ctl, c.version, t, &p)
		return
	}
	bare := p
	p.Properties.ReasonString, p.Properties.User = a.reason, a.user
	c.appendControl(func(b []byte) []byte { return packet.AppendAck(b, c.version, t, &p) },
		func(b []byte) []byte { return packet.AppendAck(b, c.version, t, &bare) })
}

func (c *conn) freeQuota() {
	if c.quota > 0 { // what came on an earlier connection is not counted on this one
		c.quota--
	}
}

// backlog is the size, in bytes, of control packets and replies that the client has not taken. s.mu is held.
func (c *conn) backlog() int { return len(c.ctl) + c.replyLen }

// mayResume ends a pause when the cause has halved. s.mu is held.
func (c *conn) mayResume() {
	if !c.paused || c.closing || c.slots > maxSlots/2 || c.slotLen > maxSlotBytes/2 && c.slots > 0 || c.subs > maxSubscribing/2 ||
		c.backlog() > softBacklog/2 {
		return
	}
	c.paused = false
	c.wake()
}
