// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"bytes"
	"fmt"
	"sync"
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// What was revoked from a session that is away takes no place in the window of its next connection.
func TestRevokedWhileAwayLeavesTheWindow(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", keep, receiveMaximum(2))
	s.Send("x", 1, message("revoked"), nil)
	c.expectPublish()
	c.cut(a)
	s.Drop(func(*mqtt.Message) bool { return true })
	c, s = srv.connected(t, "c", keep, receiveMaximum(2))
	for i := range 3 {
		s.Send("x", 1, message(fmt.Sprint(i)), nil)
	}
	for i := range 3 {
		p := c.expectPublish()
		if string(p.Payload) != fmt.Sprint(i) {
			t.Fatalf("got %q, want %d", p.Payload, i)
		}
		c.ack(packet.PUBACK, p.PacketID)
		if m := receive(t, "Acked", a.acked); string(m.Payload) != fmt.Sprint(i) {
			t.Errorf("acknowledged %q, want %d", m.Payload, i)
		}
	}
}

// A client that asks and never reads is not listened to any more when its answers have piled up.
func TestUnreadAnswersStopReading(t *testing.T) {
	for _, what := range []struct {
		name string
		one  []byte
	}{
		{"PINGREQ", packet.AppendPingreq(nil)},
		{"PUBREL", packet.AppendAck(nil, packet.V5, packet.PUBREL, &packet.Ack{PacketID: 7})},
	} {
		t.Run(what.name, func(t *testing.T) {
			srv := start(t, mqtt.Config{}, newApp())
			c, s := srv.connected(t, "c")
			flood := bytes.Repeat(what.one, (1<<20)/len(what.one))
			for range 64 {
				_ = c.nc.SetWriteDeadline(time.Now().Add(time.Second))
				if _, err := c.nc.Write(flood); err != nil {
					break // nobody takes it any more
				}
			}
			if n := s.Unsent(); n > 1<<20 {
				t.Errorf("%d bytes of answers are kept", n)
			}
		})
	}
}

// What a client sent before it closed counts, also where it was held back: DISCONNECT above all [MQTT-3.14.4-3].
func TestHeldPacketsOutliveTheEnd(t *testing.T) {
	a := newApp()
	var mu sync.Mutex
	var open []*mqtt.Ack
	all, wills := make(chan struct{}), make(chan struct{}, 1)
	const burst = 1300 // more than may be outstanding
	n := 0
	a.publish = func(_ *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
		if p.Topic == "will" {
			wills <- struct{}{}
			return
		}
		mu.Lock()
		defer mu.Unlock()
		open = append(open, ack)
		if n++; n == burst {
			close(all)
		}
	}
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", func(p *packet.Connect) { p.Will = &packet.Will{Topic: "will", Payload: []byte("w")} })
	var b []byte
	for i := range burst {
		b = packet.AppendPublish(b, packet.V5, &packet.Publish{Topic: "x", Payload: fmt.Append(nil, i)})
	}
	c.send(packet.AppendDisconnect(b, packet.V5, &packet.Disconnect{}))
	_ = c.nc.Close()
	eventually(t, "all are handled", func() bool {
		mu.Lock()
		done := open
		open = nil
		mu.Unlock()
		for _, ack := range done {
			ack.Done(packet.Success, "", nil)
		}
		select {
		case <-all:
			return true
		default:
			return false
		}
	})
	if end := receive(t, "Closed", a.closed); end.cause != nil {
		t.Errorf("closed because of %v, want the DISCONNECT", end.cause)
	}
	select {
	case <-wills:
		t.Error("a will is published after DISCONNECT")
	default:
	}
}

// UNSUBSCRIBE does not overtake the SUBSCRIBE before it.
func TestUnsubscribeWaitsForSubscribe(t *testing.T) {
	a := newApp()
	answers := make(chan func([]packet.ReasonCode), 1)
	a.subscribe = func(_ *mqtt.Session, _ *packet.Subscribe, done func([]packet.ReasonCode)) { answers <- done }
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", keep)
	b := packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 1, Subscriptions: []packet.Subscription{{Filter: "x", QoS: 1}}})
	c.send(packet.AppendUnsubscribe(b, c.v, &packet.Unsubscribe{PacketID: 2, Filters: []string{"x"}}))
	receive(t, "Subscribe", answers)([]packet.ReasonCode{packet.GrantedQoS1})
	c.expect(packet.SUBACK)
	ack, err := packet.DecodeSuback(c.v, packet.UNSUBACK, c.expect(packet.UNSUBACK))
	if err != nil || len(ack.Codes) != 1 || ack.Codes[0] != packet.Success {
		t.Errorf("UNSUBACK %+v %v", ack, err)
	}
	if left := s.Subscriptions(); len(left) != 0 {
		t.Errorf("still subscribed: %v", left)
	}
}
