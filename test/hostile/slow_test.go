// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// bulk makes a message large enough that some thousands of them overflow the buffers of a loopback connection.
var bulk = strings.Repeat("x", 3900)

// narrow is mallory's connection that soon notices when it is not read.
func (p *pair) narrow(options ...mqtttest.Option) *systemtest.Device {
	p.t.Helper()
	d := systemtest.DeviceOn(p.t, mqtttest.DialNarrow(p.t, p.Addr("mqtt")), "mallory")
	d.Login(append([]mqtttest.Option{p.sign()}, options...)...)
	return d
}

// room makes a room of alice and mallory, of which alice hears nothing herself.
func (p *pair) room() (sender *systemtest.Device) {
	p.t.Helper()
	sender = p.quiet("alice")
	p.alice.Create("flood", "public")
	p.alice.Unsubscribe(p.alice.Topic("#"))
	p.alice.Listen(1)
	p.alice.Forget()
	m := p.Device(p.t, "mallory")
	m.Do("rooms/join/flood", "")
	m.Disconnect()
	return sender
}

// Guarantee 6: a QoS 1 session that stops reading is fed from the log at its own pace.
func TestSlowReaderIsFedFromTheLog(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{QueueLength: 16, MaxInflight: 16}}})
	sender := p.room()
	m := p.narrow()
	m.Listen(1)
	m.Hold()
	const many = 1500
	flood(t, sender, "flood", bulk, many)
	p.chat()
	p.Until("queue_full_total", func(n float64) bool { return n > 0 })
	m.Release()
	events := systemtest.Of("flood", m.UpTo(systemtest.At("flood", 2+many)))
	if err := systemtest.Dense(events, events[0].Seq); err != nil || len(events) != many {
		t.Fatalf("%d of %d messages came: %v", len(events), many, err)
	}
	p.chat()
}

// Guarantee 6: a QoS 0 subscriber is told what it was not sent. What it is sent and what it is told make up the whole log.
func TestSlowReaderAtQoS0IsToldToSync(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{QueueLength: 16}}})
	sender := p.room()
	m := p.narrow()
	m.Listen(0)
	m.Hold()
	const many = 2500
	flood(t, sender, "flood", bulk, many)
	p.chat()
	m.Release()
	const first, last = 3, 2 + many // behind the two joinings
	known := make([]bool, last+1)
	missing := func() bool { return slices.Contains(known[first:], false) }
	told := 0
	for missing() {
		e := m.Next(func(e *systemtest.Event) bool { return e.RoomID == "flood" })
		from, to := e.Seq, e.Seq
		if e.Type == "sync_required" {
			from, to = e.FirstSeq, e.LastSeq
			told++
			if e.Epoch == 0 {
				t.Errorf("sync_required without an epoch: %s", e.Packet)
			}
		}
		for seq := from; seq <= to && seq <= last; seq++ {
			known[seq] = true
		}
	}
	if told == 0 {
		t.Error("everything fitted: nothing was tested")
	}
	sender.Publish("chat/message/flood", 1, "live again")
	m.Next(systemtest.Says("live again"))
	p.chat()
}

// Guarantee 6: a connection that takes no byte is closed. Its session goes on where it was when it comes back.
func TestReaderThatTakesNothingIsClosed(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{WriteTimeout: time.Second, MaxInflight: 10000, QueueLength: 10000, QueueBytes: 64 << 20}}})
	sender := p.room()
	m := p.narrow(mqtttest.ID("phone"), mqtttest.Keep(60))
	m.Listen(1)
	m.AcknowledgeByHand()
	m.Hold()
	const many = 2500
	flood(t, sender, "flood", bulk, many)
	p.chat()
	p.Until("slow_readers_total", func(n float64) bool { return n == 1 })
	p.chat()
	m.Cut()

	back := p.Device(t, "mallory", mqtttest.ID("phone"), mqtttest.Keep(60))
	events := systemtest.Of("flood", back.UpTo(systemtest.At("flood", 2+many)))
	if err := systemtest.Dense(events, 3); err != nil || len(events) != many {
		t.Fatalf("%d of %d messages came: %v", len(events), many, err)
	}
}

// A publisher that does not read its acknowledgements is not read either; it loses nothing.
func TestPublisherThatNeverReads(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	m := systemtest.DeviceOn(t, mqtttest.DialNarrow(t, p.Addr("mqtt")), "mallory")
	m.Login(mqtttest.V311, p.sign())
	m.Listen(1)
	m.Hold()
	const many = 20000
	var ids []uint16
	var all []byte
	for range many { // refused: each is answered with an error before its PUBACK
		var id uint16
		all, id = m.Encode(all, "chat/message/pair", 1, "let me in")
		ids = append(ids, id)
	}
	written := make(chan error, 1)
	go func() { written <- m.Write(all) }()
	for range 20 {
		p.chat()
	}
	m.Release()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		first := func(p *mqtttest.Packet) bool {
			return p.Type != packet.PUBLISH || p.Publish.Topic != m.Topic("messages")
		}
		reply, ack := m.Take("an error", first), m.Take("its PUBACK", first)
		if reply.Publish.Topic != m.Topic("replies") || ack.Type != packet.PUBACK || ack.Ack.PacketID != id {
			t.Fatalf("%s and %s, want the error and the PUBACK of %d", reply, ack, id)
		}
	}
	p.chat()
}

// Those who never say CONNECT, or only half of it, are cut; those who only wait for their turn do not keep others out.
func TestNoConnect(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{ConnectTimeout: time.Second}}})
	whole := packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, CleanStart: true})
	var silent []*mqtttest.Client
	for i := range 300 {
		c := mqtttest.Dial(t, p.Addr("mqtt"))
		c.Send(whole[:i%len(whole)])
		silent = append(silent, c)
	}
	p.chat()
	p.Device(t, "carol").Do("info", "{}")
	for _, c := range silent {
		if d := c.End(); d != nil {
			t.Fatalf("a stranger is told %+v", d)
		}
	}
	// Another packet before CONNECT: nothing is answered.
	for name, first := range map[string][]byte{"PINGREQ": packet.AppendPingreq(nil), "rubbish": []byte("GET / HTTP/1.1\r\n\r\n"),
		"PUBLISH": packet.AppendPublish(nil, packet.V5, &packet.Publish{Topic: "chat/message/pair", Payload: []byte("x")})} {
		c := mqtttest.Dial(t, p.Addr("mqtt"))
		c.Send(first)
		if d := c.End(); d != nil {
			t.Errorf("%s: answered %+v", name, d)
		}
	}
	// A second CONNECT is a protocol error.
	m := p.Device(t, "mallory")
	m.Send(whole)
	m.EndsWith(packet.ProtocolError)
	p.chat()
}

// The same packet identifiers in both directions have nothing to do with each other.
func TestSamePacketIDBothWays(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	m := p.Device(t, "mallory")
	m.Create("both", "public")
	m.Ping()
	m.Forget()
	m.AcknowledgeByHand()
	// Each send brings a delivery that stays unacknowledged, and the next send has its id.
	var open []uint16
	seen := map[uint16]bool{}
	id := uint16(1000)
	for i := range 50 {
		set := func(p *packet.Publish) { p.PacketID = id }
		if i%2 == 0 {
			m.Publish("chat/message/both", 1, fmt.Sprint("message ", i), set)
			m.Ack(id)
		} else {
			m.Publish("chat/message/both", 2, fmt.Sprint("message ", i), set)
			m.Ack(id)
			m.Complete(id)
		}
		e := m.Next(systemtest.Says(fmt.Sprint("message ", i)))
		id = e.Packet.Publish.PacketID
		if seen[id] {
			t.Fatalf("delivery %d has the packet identifier %d of another that is unacknowledged", i, id)
		}
		seen[id] = true
		open = append(open, id)
	}
	m.Acknowledge(open...)
	m.Ping()
	m.Publish("chat/message/both", 1, "last")
	m.Next(systemtest.Says("last"))
	p.chat()
}

// Section 4: who is removed from a room while pages of it wait to be sent gets an answer to each request all the same.
func TestPagesThatAreTakenBackAreAnswered(t *testing.T) {
	t.Parallel()
	for route, fields := range map[string]string{"history/flood": "", "sync": `,"rooms":{"flood":0}`} {
		t.Run(route, func(t *testing.T) {
			t.Parallel()
			p := start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{QueueLength: 16}}})
			sender := p.room()
			m := p.narrow()
			const many = 60 // pages of 117 KB
			for taken := 0; taken == 0; {
				m.Listen(0)
				m.Hold()
				flood(t, sender, "flood", bulk, 2500) // its socket is full then, or nearly so
				refused := p.Metric(`requests_total{code="rate_limited"}`)
				var asked []byte
				for i := range many {
					asked, _ = m.Encode(asked, "chat/"+route, 1, fmt.Sprintf(`{"request_id":%d%s}`, i, fields))
				}
				m.Send(asked)
				p.Until(`requests_total{code="rate_limited"}`, func(n float64) bool { return n > refused })
				p.alice.Do("admin/rooms/flood/moderate", `{"action":"kick","user_id":"mallory"}`)
				m.Release()
				for i := range many {
					if r := m.Reply(float64(i)); r.Status == "error" && r.Error.Code == "not_member" {
						taken++
					}
				}
				m.Do("rooms/join/flood", "")
			}
		})
	}
}
