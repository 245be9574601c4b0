// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"fmt"
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func TestPublishSubscribeDeliver(t *testing.T) {
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		t.Run(v.String(), func(t *testing.T) {
			a := newApp()
			srv := start(t, mqtt.Config{}, a)
			c, s := srv.connected(t, "c", func(p *packet.Connect) { p.Version = v })
			if s.Owner() != "anonymous" || s.ClientID() != "c" || s.Version() != v || s.Value() != "anonymous" || s.Persistent() || s.ID() != 0 {
				t.Errorf("session %q %q %v %v", s.Owner(), s.ClientID(), s.Version(), s.Value())
			}
			ack := c.subscribe(1, "a/b", "forbidden")
			want := packet.NotAuthorized
			if v == packet.V311 {
				want = packet.UnspecifiedError
			}
			if ack.Codes[0] != packet.GrantedQoS1 || ack.Codes[1] != want {
				t.Errorf("SUBACK %v", ack.Codes)
			}
			if subs := s.Subscriptions(); len(subs) != 1 || subs[0].Filter != "a/b" || subs[0].QoS != 1 {
				t.Errorf("subscriptions %v", subs)
			}
			for qos := range byte(3) {
				c.publish("t/x", qos, uint16(qos)+10, "hello")
				p := receive(t, "Publish", a.published)
				if p.topic != "t/x" || p.payload != "hello" || p.qos != qos || p.s != s {
					t.Errorf("published %+v", p)
				}
			}
			c.expectAck(packet.PUBACK, 11)
			c.expectAck(packet.PUBREC, 12)
			c.ack(packet.PUBREL, 12)
			c.expectAck(packet.PUBCOMP, 12)

			for qos := range byte(3) {
				m := message(fmt.Sprint("m", qos))
				if !s.Send("a/b", qos, m, []uint32{7, 300}) {
					t.Fatal("Send refused")
				}
				p := c.expectPublish()
				if string(p.Payload) != fmt.Sprint("m", qos) || p.Topic != "a/b" || p.QoS != min(qos, 1) || p.Dup {
					t.Errorf("delivery %+v", p)
				}
				if v == packet.V5 && fmt.Sprint(p.Properties.SubscriptionIDs) != "[7 300]" {
					t.Errorf("subscription ids %v", p.Properties.SubscriptionIDs)
				}
				if qos > 0 {
					c.ack(packet.PUBACK, p.PacketID)
					if got := receive(t, "Acked", a.acked); got != m {
						t.Errorf("acked %v", got)
					}
				}
			}
			c.send(packet.AppendDisconnect(nil, v, &packet.Disconnect{}))
			c.expectEnd()
			if end := receive(t, "Closed", a.closed); end.s != s || !end.ended || end.cause != nil {
				t.Errorf("closed %+v", end)
			}
			if s.Send("a/b", 0, message("late"), nil) {
				t.Error("Send to a session without connection")
			}
			eventually(t, "the session is gone", func() bool { return srv.InMemory() == 0 })
		})
	}
}
