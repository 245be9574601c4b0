// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// holding makes the application keep its acks for the test to complete.
func holding() (*app, <-chan published) {
	a := newApp()
	held := make(chan published, 5000)
	a.publish = func(s *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
		held <- published{s, p.Topic, string(p.Payload), p.QoS, ack}
	}
	return a, held
}

func TestAcknowledgedInOrder(t *testing.T) {
	const n = 64
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c")
	for id := uint16(1); id <= n; id++ {
		c.publish("t", byte(id%3), id, "")
	}
	var acks []*mqtt.Ack
	for range n {
		acks = append(acks, receive(t, "Publish", held).ack)
	}
	c.expectSilence() // nothing is acknowledged before its outcome
	rand.Shuffle(n-1, func(i, j int) { acks[i+1], acks[j+1] = acks[j+1], acks[i+1] })
	var group sync.WaitGroup
	for _, ack := range acks[1:] {
		group.Go(func() { ack.Done(packet.Success, "", nil) })
	}
	group.Wait()
	c.expectSilence() // the first is still open
	acks[0].Done(packet.Success, "", nil)
	acks[0].Done(packet.NotAuthorized, "", nil) // the first outcome counts
	for id := uint16(1); id <= n; id++ {
		switch id % 3 {
		case 1:
			if ack := c.expectAck(packet.PUBACK, id); ack.Code != packet.Success {
				t.Errorf("%d: %v", id, ack.Code)
			}
		case 2:
			c.expectAck(packet.PUBREC, id)
		}
	}
}

func TestRefusedPublish(t *testing.T) {
	user := []packet.UserProperty{{Name: "code", Value: "muted"}}
	for name, test := range map[string]struct {
		options []connection
		code    packet.ReasonCode
		reason  string
	}{
		"5.0":                         {nil, packet.NotAuthorized, "you are muted"},
		"5.0, no problem information": {[]connection{func(p *packet.Connect) { p.Properties.RequestProblemInfo = new(byte) }}, packet.NotAuthorized, ""},
		"5.0, small packets":          {[]connection{func(p *packet.Connect) { p.Properties.MaximumPacketSize = 14 }}, packet.NotAuthorized, ""},
		"3.1.1":                       {[]connection{v311}, packet.Success, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, held := holding()
			srv := start(t, mqtt.Config{}, a)
			c, _ := srv.connected(t, "c", test.options...)
			for qos := byte(1); qos <= 2; qos++ {
				c.publish("t", qos, 7, "")
				p := receive(t, "Publish", held)
				p.ack.Reply("r", 1, message("error"))
				p.ack.Done(packet.NotAuthorized, "you are muted", user)
				if r := c.expectPublish(); string(r.Payload) != "error" || r.QoS != 1 {
					t.Errorf("reply %+v", r)
				}
				ack := c.expectAck(packet.PUBACK+packet.Type(qos-1), 7)
				if ack.Code != test.code || ack.Properties.ReasonString != test.reason || (test.reason != "") != (len(ack.Properties.User) == 1) {
					t.Errorf("ack %+v", ack)
				}
			}
			// The failed PUBREC has freed the packet id.
			c.publish("t", 2, 7, "")
			receive(t, "Publish", held)
		})
	}
}

func TestReplyGoesToTheConnectionThatAsked(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", keep)
	c.publish("t", 1, 7, "")
	p := receive(t, "Publish", held)
	c.cut(a)
	again, s := srv.connected(t, "c", keep)
	if s != p.s {
		t.Error("another session")
	}
	p.ack.Reply("r", 1, message("for the other"))
	p.ack.Done(packet.Success, "", nil)
	again.expectSilence()
}

func TestFail(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c")
	var acks []*mqtt.Ack
	for id := uint16(1); id <= 4; id++ {
		c.publish("t", min(1, byte(id-1)), id, "")
		acks = append(acks, receive(t, "Publish", held).ack)
	}
	acks[3].Done(packet.Success, "", nil)
	acks[2].Fail()
	acks[0].Fail() // at QoS 0 nobody hears
	c.expectSilence()
	acks[1].Done(packet.Success, "", nil)
	c.expectAck(packet.PUBACK, 2)
	c.expectDisconnect(packet.ServerBusy)
	receive(t, "Closed", a.closed)
}

func TestPauseStillAnswersPings(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", v311)
	const n = 1500 // above what may be outstanding
	s.Send("d", 1, message("delivery"), nil)
	delivery := c.expectPublish()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		var b []byte
		for id := uint16(1); id <= n; id++ {
			b = packet.AppendPublish(b, c.v, &packet.Publish{Topic: "t", QoS: 1, PacketID: id})
			if id == n-100 {
				b = packet.AppendPingreq(b)
				b = packet.AppendAck(b, c.v, packet.PUBACK, &packet.Ack{PacketID: delivery.PacketID})
			}
		}
		_, _ = c.nc.Write(b)
	}()
	<-sent
	c.expect(packet.PINGRESP)
	receive(t, "Acked", a.acked)
	var acks []*mqtt.Ack
	for range 1024 {
		acks = append(acks, receive(t, "Publish", held).ack)
	}
	if !s.Paused() {
		t.Error("not paused")
	}
	select {
	case <-held:
		t.Error("more are outstanding than may be")
	default:
	}
	for i := 0; len(acks) > 0; i++ {
		acks[0].Done(packet.Success, "", nil)
		acks = acks[1:]
		c.expectAck(packet.PUBACK, uint16(i+1))
		for len(acks)+i+1 < n {
			select {
			case p := <-held:
				acks = append(acks, p.ack)
				continue
			default:
			}
			if len(acks) == 0 {
				acks = append(acks, receive(t, "Publish", held).ack)
				continue
			}
			break
		}
		if i+1 == n && len(acks) > 0 {
			t.Fatal("more than was sent")
		}
	}
	c.expectSilence()
}

// TestNeverReadsAcknowledgements has a client that sends requests and pings without end and reads nothing: it is stopped, and closed in
// the end, and holds little.
func TestNeverReadsAcknowledgements(t *testing.T) {
	a := newApp()
	a.publish = func(_ *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
		ack.Reply("r", 0, message(strings.Repeat("x", 1000)))
		ack.Done(packet.Success, "", nil)
	}
	srv := startUnswept(t, mqtt.Config{}, a)
	other, _ := srv.connected(t, "other")
	c := narrowClient(t, narrowDoor(t, srv, srv.Serve))
	c.login("c", v311)
	s := receive(t, "Opened", a.sessions)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			b := packet.AppendPublish(nil, c.v, &packet.Publish{Topic: "t", QoS: 1, PacketID: 1})
			if _, err := c.nc.Write(packet.AppendPingreq(b)); err != nil {
				return
			}
		}
	}()
	eventually(t, "it is paused", s.Paused)
	if n := s.Backlog(); n > 300<<10 {
		t.Errorf("backlog of %d bytes", n)
	}
	other.expectSilence()
	eventually(t, "the socket is full", func() bool { return srv.FlushWaiting() == 1 })
	eventually(t, "it is closed", func() bool { // the kernel's buffers may have grown meanwhile
		srv.Sweep(40)
		return len(a.closed) > 0
	})
	end := receive(t, "Closed", a.closed)
	if end.s != s || end.cause == nil {
		t.Errorf("closed %+v", end)
	}
	<-stopped
	other.expectSilence()
}
