// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"slices"

	"parley/internal/mqtt/packet"
)

// handle handles one packet. wait says that it must be handled again later, because the connection is paused.
func (c *conn) handle(h packet.Header, body []byte) (wait bool, err error) {
	c.srv.stats.packetsIn.Add(1)
	if h.Type == packet.PINGREQ {
		c.control(packet.AppendPingresp)
		c.pinged = true
		return false, nil
	}
	c.pinged = false
	if h.Type == packet.PUBACK {
		return false, c.handleAck(h.Type, body)
	}
	c.grown.Store(true)
	return c.handleLarge(h, body)
}

// handleLarge handles what needs a larger stack than a connection that waits should have.
func (c *conn) handleLarge(h packet.Header, body []byte) (wait bool, err error) {
	switch h.Type {
	case packet.PUBLISH:
		return c.handlePublish(h.Flags, body)
	case packet.PUBREL, packet.PUBREC, packet.PUBCOMP:
		return false, c.handleAck(h.Type, body)
	case packet.SUBSCRIBE:
		if wait, err := c.subscribing(); wait || err != nil {
			return wait, err
		}
		return false, c.handleSubscribe(body)
	case packet.UNSUBSCRIBE:
		if wait, err := c.subscribing(); wait || err != nil {
			return wait, err
		}
		return c.handleUnsubscribeInTurn(body)
	case packet.DISCONNECT:
		return false, c.handleDisconnect(body)
	case packet.AUTH:
		return false, c.handleAuth(body)
	case packet.CONNECT:
		return false, &packet.Error{Code: packet.ProtocolError, Reason: "a second CONNECT [MQTT-3.1.0-2]"}
	}
	return false, &packet.Error{Code: packet.ProtocolError, Reason: h.Type.String() + " is not for clients to send"}
}

// handleAck handles PUBACK, PUBREL, PUBREC and PUBCOMP.
func (c *conn) handleAck(t packet.Type, body []byte) error {
	a, err := packet.DecodeAck(c.version, t, body)
	if err != nil {
		return err
	}
	switch t {
	case packet.PUBACK:
		c.s.acknowledge(c, a.PacketID)
	case packet.PUBREL:
		c.handlePubrel(a.PacketID)
	}
	// PUBREC and PUBCOMP answer deliveries of QoS 2, which there are none of [MQTT-3.3.5-1]. A client of a former server may
	// still hold some in its state: they are let pass like an unknown PUBACK.
	return nil
}

// control queues an encoded control packet.
func (c *conn) control(encode func([]byte) []byte) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closing {
		return
	}
	c.ctl = encode(c.ctl)
	c.markDirty()
}

// appendControl queues an encoded control packet, or a shorter form of it where the client's Maximum Packet Size is too small for reason string
// and user properties [MQTT-3.4.2-2] [MQTT-3.14.2-3]. s.mu is held.
func (c *conn) appendControl(encode, shorter func([]byte) []byte) {
	n := len(c.ctl)
	c.ctl = encode(c.ctl)
	if c.maxPacket > 0 && len(c.ctl)-n > c.maxPacket {
		c.ctl = shorter(c.ctl[:n])
	}
	c.markDirty()
}

// subscribing pauses the connection when many SUBSCRIBE and UNSUBSCRIBE packets are under way.
func (c *conn) subscribing() (wait bool, err error) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closing {
		return false, errClosing
	}
	if c.subs >= maxSubscribing || c.backlog() >= softBacklog {
		c.paused = true
	}
	return c.paused, nil
}

func (c *conn) handleSubscribe(body []byte) error {
	sub, err := packet.DecodeSubscribe(c.version, body)
	if err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	c.subs++
	c.deciding++
	s.mu.Unlock()
	answered := false // guarded by s.mu
	c.srv.app.Subscribe(s, &sub, func(codes []packet.ReasonCode) {
		if len(codes) != len(sub.Subscriptions) {
			codes = slices.Repeat([]packet.ReasonCode{packet.UnspecifiedError}, len(sub.Subscriptions))
		}
		codes = slices.Clone(codes)
		s.saving.Lock()
		defer s.saving.Unlock()
		s.mu.Lock()
		if answered {
			s.mu.Unlock()
			return
		}
		answered = true
		c.deciding--
		if s.conn != c {
			s.mu.Unlock()
			return
		}
		var id uint32
		if ids := sub.Properties.SubscriptionIDs; len(ids) > 0 {
			id = ids[0]
		}
		changed := false
		for i, one := range sub.Subscriptions {
			codes[i] = sayable(codes[i], packet.SUBACK)
			if !codes[i].Failed() && len(s.subs) >= maxSubscriptions {
				codes[i] = packet.QuotaExceeded
			}
			if !codes[i].Failed() {
				one.QoS = byte(codes[i])
				changed = s.subscribe(one, id) || changed
			}
		}
		ack := c.barrier(packet.SUBACK, &packet.Suback{PacketID: sub.PacketID, Codes: codes})
		save := changed && s.persistent
		s.mu.Unlock()
		c.saveThen(save, ack)
	})
	return nil
}

func (c *conn) handleUnsubscribeInTurn(body []byte) (wait bool, err error) {
	c.s.mu.Lock()
	if c.deciding > 0 {
		c.paused, wait = true, true
	}
	c.s.mu.Unlock()
	if wait {
		return true, nil
	}
	return false, c.handleUnsubscribe(body)
}

func (c *conn) handleUnsubscribe(body []byte) error {
	u, err := packet.DecodeUnsubscribe(c.version, body)
	if err != nil {
		return err
	}
	s := c.s
	s.saving.Lock()
	s.mu.Lock()
	c.subs++
	codes := make([]packet.ReasonCode, len(u.Filters))
	var dropped []string
	for i, filter := range u.Filters {
		if s.unsubscribe(filter) {
			dropped = append(dropped, filter)
		} else {
			codes[i] = packet.NoSubscriptionExisted
		}
	}
	save := len(dropped) > 0 && s.persistent
	ack := c.barrier(packet.UNSUBACK, &packet.Suback{PacketID: u.PacketID, Codes: codes})
	s.mu.Unlock()
	c.saveThen(save, ack)
	s.saving.Unlock()
	if len(dropped) > 0 {
		c.srv.app.Unsubscribed(s, dropped)
	}
	return nil
}

// barrier is a SUBACK or UNSUBACK on its way: it goes out behind what the session had been sent before, and not before the
// subscriptions are durable. Whichever comes last releases it.
type barrier struct {
	packet  []byte
	durable bool
	reached bool
}

// barrier queues one. s.mu is held.
func (c *conn) barrier(t packet.Type, ack *packet.Suback) *barrier {
	b := &barrier{packet: packet.AppendSuback(nil, c.version, t, ack)}
	if c.s.queue.len() == 0 {
		b.reached = true
	} else {
		c.s.queue.push(delivery{barrier: b})
	}
	return b
}

// saveThen makes the session durable if need be, and then lets the barrier go. s.saving is held, s.mu is not.
func (c *conn) saveThen(save bool, b *barrier) {
	release := func(err error) {
		s := c.s
		s.mu.Lock()
		defer s.mu.Unlock()
		c.subs--
		if err != nil {
			c.srv.log.Error("mqtt: subscriptions were not saved", "owner", s.owner, "client_id", s.clientID, "error", err)
			c.closeLocked(packet.ServerBusy, "subscriptions cannot be saved now", err)
			return
		}
		b.durable = true
		if b.reached && !c.closing {
			c.ctl = append(c.ctl, b.packet...)
		}
		c.mayResume()
		c.markDirty()
	}
	if !save || c.srv.cfg.Store == nil {
		release(nil)
		return
	}
	c.srv.save(c.s, func(_ SessionID, err error) { release(err) })
}

func (c *conn) handleDisconnect(body []byte) error {
	d, err := packet.DecodeDisconnect(c.version, body)
	if err != nil {
		return err
	}
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := d.Properties.SessionExpiry; e != nil {
		if s.expiry == 0 && *e > 0 {
			return &packet.Error{Code: packet.ProtocolError, Reason: "session expiry interval: was 0 in CONNECT, section 3.14.2.2.2"}
		}
		s.expiry = min(*e, c.srv.cfg.maxExpiry())
	}
	if d.Code == packet.Success {
		c.will = nil // [MQTT-3.14.4-3]
	}
	c.goodbye = true
	return errClosing
}

// handleAuth re-authenticates, section 4.12.1.
func (c *conn) handleAuth(body []byte) error {
	if c.version != packet.V5 {
		return &packet.Error{Code: packet.MalformedPacket, Reason: "AUTH does not exist in MQTT 3.1.1"}
	}
	a, err := packet.DecodeAuth(body)
	if err != nil {
		return err
	}
	if a.Code != packet.ReAuthenticate {
		return &packet.Error{Code: packet.ProtocolError, Reason: "AUTH: no authentication is under way, section 4.12"}
	}
	if c.authMethod == "" || a.Properties.AuthMethod != c.authMethod {
		return &packet.Error{Code: packet.ProtocolError, Reason: "AUTH: not the method of CONNECT [MQTT-4.12.1-1]"}
	}
	s := c.s
	s.mu.Lock()
	c.inRun = false // this may take its time: others write what there is
	if c.hasOutput() {
		c.markDirty()
	}
	s.mu.Unlock()
	ctx, cancel := context.WithTimeout(c.srv.ctx, c.srv.cfg.ConnectTimeout)
	defer cancel()
	grant, err := c.srv.app.Reauthenticate(ctx, s, a.Properties.AuthMethod, a.Properties.AuthData)
	if err != nil {
		r := c.srv.refusal(err)
		return &packet.Error{Code: r.Code, Reason: r.Reason}
	}
	if grant.Owner != s.owner {
		return &packet.Error{Code: packet.NotAuthorized, Reason: "re-authentication must be as the same user"}
	}
	c.setExpires(grant)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = grant.Value
	if !c.closing {
		c.ctl = packet.AppendAuth(c.ctl, &packet.Auth{Properties: packet.Properties{AuthMethod: c.authMethod, AuthData: grant.Response}})
		c.markDirty()
	}
	return nil
}
