// SPDX-License-Identifier: Apache-2.0

package mqtt

import "parley/internal/mqtt/packet"

// inflow is the state of one inbound QoS 2 packet id, section 4.3.3, from PUBLISH to PUBCOMP. It belongs to the session, so
// that it outlives lost connections; with a store, and Ack.Origin used, it outlives the process.
type inflow struct {
	state   inflowState
	waiters []*Ack // the PUBLISH and its repetitions, while the outcome is outstanding
	asker   *conn  // who sent PUBREL last
}

type inflowState byte

const (
	inflowPending   inflowState = iota // the application has not decided
	inflowReceived                     // PUBREC with success; a PUBLISH with this id is a repetition
	inflowReleasing                    // PUBREL has come, the store is forgetting the id
)

// receive says whether a's packet id is known, so that the application must not hear of it [MQTT-4.3.3-10]. If so the
// outcome is, or will be, that of the first. mu is held.
func (s *Session) receive(a *Ack) (known bool) {
	f := s.received[a.id]
	if f == nil {
		f = &inflow{waiters: []*Ack{a}}
		if s.received == nil {
			s.received = make(map[uint16]*inflow)
		}
		s.received[a.id] = f
		a.flow = f
		return false
	}
	switch f.state {
	case inflowPending:
		f.waiters = append(f.waiters, a)
		return true
	case inflowReleasing:
		// The client has used the id for something new before PUBCOMP; it would be lost if it were taken for the old.
		a.code = packet.PacketIDInUse
		if a.c.version != packet.V5 {
			a.c.closeLocked(packet.PacketIDInUse, "", &packet.Error{Code: packet.PacketIDInUse, Reason: "packet id in use"})
		}
	}
	a.state = ackDone
	a.c.releaseSlots()
	return true
}

// settle gives the outcome of a to its packet id and to those who wait for the same. mu is held.
func (s *Session) settle(a *Ack) {
	f := a.flow
	waiters := f.waiters
	f.waiters = nil
	if a.state == ackFailed || a.code.Failed() {
		delete(s.received, a.id) // a PUBREC with a failure frees the id, section 4.3.3
	} else {
		f.state = inflowReceived
	}
	for _, w := range waiters {
		if w == a {
			continue
		}
		w.state, w.code, w.reason, w.user = a.state, a.code, a.reason, a.user
		if w.c != a.c {
			w.c.releaseSlots()
		}
	}
}

// handlePubrel forgets a packet id, durably where the session is, and answers PUBCOMP.
func (c *conn) handlePubrel(id uint16) {
	s := c.s
	s.mu.Lock()
	f := s.received[id]
	if f == nil || f.state == inflowPending {
		c.pubcomp(id, packet.PacketIDNotFound)
		s.mu.Unlock()
		return
	}
	if f.state == inflowReleasing {
		f.asker = c
		s.mu.Unlock()
		return
	}
	if s.id == 0 || c.srv.cfg.Store == nil {
		delete(s.received, id)
		c.pubcomp(id, packet.Success)
		s.mu.Unlock()
		return
	}
	f.state, f.asker = inflowReleasing, c
	session := s.id
	s.mu.Unlock()
	c.srv.writes.Add(1)
	c.srv.cfg.Store.ReleasePacketID(session, id, func(err error) {
		defer c.srv.writes.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		asker := f.asker
		f.asker = nil
		if err != nil {
			c.srv.log.Error("mqtt: a packet id was not released", "owner", s.owner, "client_id", s.clientID, "error", err)
			f.state = inflowReceived
			asker.closeLocked(packet.ServerBusy, "try again", err)
			return
		}
		if s.received[id] == f {
			delete(s.received, id)
		}
		asker.pubcomp(id, packet.Success)
	})
}

// pubcomp queues PUBCOMP. s.mu is held.
func (c *conn) pubcomp(id uint16, code packet.ReasonCode) {
	if c.closing {
		return
	}
	c.freeQuota()
	c.ctl = packet.AppendAck(c.ctl, c.version, packet.PUBCOMP, &packet.Ack{PacketID: id, Code: code})
	c.markDirty()
}
