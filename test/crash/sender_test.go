// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"fmt"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
)

// window is how many sends of a sender are unacknowledged.
const window = 64

// sender is a client with an outbox, as a careful program is: what was not acknowledged it sends again after a reconnect. At QoS 1
// a send has a client_msg_id; at QoS 2 it has none, and is known by its packet id in the persistent session.
type sender struct {
	name, token, room string
	qos               byte
	pending           []*send // in the order of sending
	made              int
	nextID            uint16
	existed           bool // the session: CONNACK has been heard

	acknowledged []string
	fresh        []string // acknowledged and not checked yet
}

type send struct {
	text     string
	id       uint16
	received bool // PUBREC: only PUBREL may follow
}

func newSender(name, token string, qos byte, room string) *sender {
	return &sender{name: name, token: token, qos: qos, room: room}
}

// run sends until the server goes away, and calls acked after each acknowledgement.
func (s *sender) run(t testing.TB, addr string, acked func()) error {
	return s.work(t, addr, acked, true)
}

// complete brings the outbox to its end.
func (s *sender) complete(t testing.TB, addr string) error {
	return s.work(t, addr, func() {}, false)
}

func (s *sender) work(t testing.TB, addr string, acked func(), more bool) error {
	c, err := mqtttest.TryDial(t, addr)
	if err != nil {
		return nilIfGone(err)
	}
	defer c.Cut()
	options := []mqtttest.Option{mqtttest.As(s.name, s.token), mqtttest.ID("outbox")}
	if s.qos == 2 {
		options = append(options, mqtttest.Keep(3600))
	}
	hello, err := c.TryConnect(options...)
	switch {
	case err != nil:
		return nilIfGone(err)
	case hello.Code != packet.Success:
		return fmt.Errorf("CONNACK %v", hello.Code)
	case s.qos == 2 && s.existed && !hello.SessionPresent:
		return fmt.Errorf("the session is lost")
	}
	s.existed = true
	var again []byte
	for _, p := range s.pending {
		again = s.append(again, p, true)
	}
	if err := c.Write(again); err != nil {
		return nilIfGone(err)
	}
	for {
		var segment []byte
		for more && len(s.pending) < window {
			s.made++
			s.nextID = s.nextID%1000 + 1 // ids come round again and again
			p := &send{text: fmt.Sprintf("%s %d", s.name, s.made), id: s.nextID}
			s.pending = append(s.pending, p)
			segment = s.append(segment, p, false)
		}
		if len(s.pending) == 0 {
			return nil
		}
		if len(segment) > 0 {
			if err := c.Write(segment); err != nil {
				return nilIfGone(err)
			}
		}
		p, err := c.Await("an acknowledgement", func(p *mqtttest.Packet) bool {
			return p.Type == packet.PUBACK || p.Type == packet.PUBREC || p.Type == packet.PUBCOMP || p.Type == packet.DISCONNECT
		})
		if err != nil {
			return nilIfGone(err)
		}
		if p.Type == packet.DISCONNECT && p.Disconnect.Code == packet.ServerShuttingDown {
			return nil
		}
		if p.Type == packet.DISCONNECT {
			return fmt.Errorf("unexpected %s", p)
		}
		if err := s.heard(c, p, acked); err != nil {
			return nilIfGone(err)
		}
	}
}

// append encodes a send, or its PUBREL.
func (s *sender) append(b []byte, p *send, again bool) []byte {
	if p.received {
		return packet.AppendAck(b, packet.V5, packet.PUBREL, &packet.Ack{PacketID: p.id})
	}
	out := packet.Publish{Topic: "chat/message/" + s.room, QoS: s.qos, PacketID: p.id, Dup: again, Payload: []byte(p.text)}
	if s.qos == 1 {
		out.Properties.User = []packet.UserProperty{{Name: "client_msg_id", Value: p.text}}
	}
	return packet.AppendPublish(b, packet.V5, &out)
}

// heard takes an acknowledgement. A refusal is a fault: nothing here may be refused.
func (s *sender) heard(c *mqtttest.Client, p *mqtttest.Packet, acked func()) error {
	i := 0
	for i < len(s.pending) && s.pending[i].id != p.Ack.PacketID {
		i++
	}
	switch {
	case i == len(s.pending):
		return fmt.Errorf("nobody waits for %s", p)
	case p.Type == packet.PUBCOMP && p.Ack.Code == packet.PacketIDNotFound: // released before the kill
	case p.Ack.Code.Failed():
		return fmt.Errorf("%q was refused: %s", s.pending[i].text, p)
	}
	one := s.pending[i]
	if p.Type != packet.PUBCOMP {
		s.acknowledged = append(s.acknowledged, one.text)
		s.fresh = append(s.fresh, one.text)
		acked()
	}
	if p.Type == packet.PUBREC {
		one.received = true
		return c.Write(s.append(nil, one, false))
	}
	s.pending = append(s.pending[:i], s.pending[i+1:]...)
	return nil
}

// nilIfGone passes over the end of a connection: the server was killed.
func nilIfGone(err error) error {
	if mqtttest.IsEnd(err) {
		return nil
	}
	return err
}
