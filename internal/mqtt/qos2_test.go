// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func TestQoS2(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", keep)
	none := func() {
		t.Helper()
		c.expectSilence()
		if len(held) > 0 {
			t.Fatal("the application heard of a repetition")
		}
	}
	c.publish("t", 2, 1, "")
	p := receive(t, "Publish", held)
	if id, packetID, ok := p.ack.Origin(); !ok || id != p.s.ID() || packetID != 1 {
		t.Errorf("origin %v %v %v", id, packetID, ok)
	}

	// Lost before the outcome: the repetition waits for it.
	c.cut(a)
	c, _ = srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	none()
	p.ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBREC, 1)

	// Lost after PUBREC.
	c.cut(a)
	c, _ = srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	none2 := c.expectAck(packet.PUBREC, 1)
	if none2.Code != packet.Success {
		t.Errorf("PUBREC %v", none2.Code)
	}
	none()
	c.ack(packet.PUBREL, 1)
	if ack := c.expectAck(packet.PUBCOMP, 1); ack.Code != packet.Success {
		t.Errorf("PUBCOMP %v", ack.Code)
	}

	// Lost after PUBCOMP: the id is free.
	c.ack(packet.PUBREL, 1)
	if ack := c.expectAck(packet.PUBCOMP, 1); ack.Code != packet.PacketIDNotFound {
		t.Errorf("PUBCOMP %v", ack.Code)
	}
	c.publish("t", 2, 1, "")
	receive(t, "Publish", held).ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBREC, 1)
	// A clean start forgets it.
	c.cut(a)
	c, _ = srv.connected(t, "c", expiry(60))
	c.publish("t", 2, 1, "")
	receive(t, "Publish", held)
}

func TestQoS2UnknownReleaseOn311(t *testing.T) {
	srv := start(t, mqtt.Config{}, newApp())
	c, _ := srv.connected(t, "c", v311)
	c.ack(packet.PUBREL, 9)
	c.expectAck(packet.PUBCOMP, 9)
}

func TestQoS2FailureFreesTheID(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	first := receive(t, "Publish", held)
	c.cut(a)
	c, _ = srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	c.expectSilence()
	first.ack.Fail() // settles the repetition too
	c.expectDisconnect(packet.ServerBusy)
	receive(t, "Closed", a.closed)
	c, _ = srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	receive(t, "Publish", held)
}

func TestQoS2SurvivesARestart(t *testing.T) {
	store := newMemory()
	a := newApp()
	a.publish = func(s *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
		id, packetID, ok := ack.Origin()
		if !ok {
			t.Error("no origin")
		}
		store.received(id, packetID)
		ack.Done(packet.Success, "", nil)
	}
	srv := start(t, mqtt.Config{Store: store}, a)
	c, _ := srv.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	c.expectAck(packet.PUBREC, 1)
	c.publish("t", 2, 2, "")
	c.expectAck(packet.PUBREC, 2)
	// The server is gone without a trace of its memory; the store is what is left.
	b, held := holding()
	again := start(t, mqtt.Config{Store: store}, b)
	c, _ = again.connected(t, "c", keep)
	c.publish("t", 2, 1, "")
	c.expectAck(packet.PUBREC, 1)
	if len(held) > 0 {
		t.Error("handled twice")
	}
	// PUBCOMP leaves when the id is durably forgotten.
	store.set(func() { store.hold = true })
	c.ack(packet.PUBREL, 1)
	c.expectSilence()
	c.ack(packet.PUBREL, 1) // while the first is under way
	c.publish("t", 2, 1, "")
	if ack := c.expectAck(packet.PUBREC, 1); ack.Code != packet.PacketIDInUse {
		t.Errorf("PUBREC %v", ack.Code)
	}
	if n := store.release(); n != 1 {
		t.Errorf("%d writes", n)
	}
	c.expectAck(packet.PUBCOMP, 1)
	c.expectSilence()
	store.set(func() { store.hold, store.fail = false, true })
	c.ack(packet.PUBREL, 2)
	c.expectDisconnect(packet.ServerBusy)
	store.set(func() { store.fail = false })
	receive(t, "Closed", b.closed)
	c, _ = again.connected(t, "c", keep)
	c.publish("t", 2, 2, "") // the id is kept
	c.expectAck(packet.PUBREC, 2)
	c.ack(packet.PUBREL, 2)
	c.expectAck(packet.PUBCOMP, 2)
	if st := store.get("anonymous", "c"); len(st.Received) != 0 {
		t.Errorf("stored ids %v", st.Received)
	}
}

// TestSamePacketIDBothWays has the client use the packet ids that the server uses at the same time.
func TestSamePacketIDBothWays(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c")
	s.Send("d", 1, message("d1"), nil)
	s.Send("d", 1, message("d2"), nil)
	d1, d2 := c.expectPublish(), c.expectPublish()
	c.publish("t", 1, d1.PacketID, "")
	c.publish("t", 2, d2.PacketID, "")
	p1, p2 := receive(t, "Publish", held), receive(t, "Publish", held)
	c.ack(packet.PUBACK, d1.PacketID)
	c.ack(packet.PUBACK, d2.PacketID)
	for _, want := range []string{"d1", "d2"} {
		if m := receive(t, "Acked", a.acked); string(m.Payload) != want {
			t.Errorf("acked %s", m.Payload)
		}
	}
	p1.ack.Done(packet.Success, "", nil)
	p2.ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBACK, d1.PacketID)
	c.expectAck(packet.PUBREC, d2.PacketID)
	s.Send("d", 1, message("d3"), nil)
	if d3 := c.expectPublish(); d3.PacketID != d2.PacketID+1 {
		t.Errorf("packet id %d", d3.PacketID)
	}
}
