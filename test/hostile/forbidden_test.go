// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"fmt"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// both runs a test in both versions of the protocol.
func both(t *testing.T, f func(t *testing.T, p *pair, version mqtttest.Option)) {
	for name, version := range map[string]mqtttest.Option{"5.0": func(*packet.Connect) {}, "3.1.1": mqtttest.V311} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f(t, start(t, systemtest.Config{}), version)
		})
	}
}

// Section 3: a client subscribes only within chat/user/{own user_id}/#.
func TestForeignSubscriptions(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *pair, version mqtttest.Option) {
		m := p.Dial(t, "mallory")
		m.Login(version, p.sign())
		refused, shared := packet.NotAuthorized, packet.SharedSubscriptionsNotSupported
		if m.Version() == packet.V311 {
			refused, shared = packet.UnspecifiedError, packet.UnspecifiedError
		}
		for filter, want := range map[string]packet.ReasonCode{
			"#": refused, "+/#": refused, "chat/#": refused, "chat/user/#": refused, "chat/user/+/messages": refused,
			"chat/+/bob/messages": refused, "chat/user/bob/messages": refused, "chat/user/bob/#": refused, "chat/user": refused,
			"chat/user/malloryx/messages": refused, "chat/message/pair": refused, "$SYS/#": refused, "$SYS/broker/clients": refused,
			"$share/x/chat/user/bob/messages": shared, "$share/x/chat/user/mallory/messages": shared, "$share/x/#": shared,
			"chat/user/mallory/+": 1, "chat/user/mallory/rooms/+": 1,
		} {
			if codes := m.Subscribe(1, filter); codes[0] != want {
				t.Errorf("SUBACK for %s: %#x, want %#x", filter, byte(codes[0]), byte(want))
			}
		}
		// One bad filter among good ones refuses itself alone. QoS 2 is granted as 1.
		if codes := m.Subscribe(2, "chat/user/mallory/messages", "#"); codes[0] != packet.GrantedQoS1 || codes[1] != refused {
			t.Errorf("SUBACK %v", codes)
		}
		p.chat()
		nothing(t, p, m)
	})
}

// nothing checks that a device has heard nothing: what it sends itself comes first.
func nothing(t *testing.T, p *pair, m *systemtest.Device) {
	t.Helper()
	m.Publish("chat/rooms/create", 1, `{"name":"barrier"}`)
	for _, e := range m.UpTo(func(e *systemtest.Event) bool { return e.Event == "member_joined" && e.SenderID == "system" }) {
		if e.RoomID == "pair" || e.RoomID == "user:alice" || e.RoomID == "user:bob" {
			t.Errorf("a stranger hears %s", e.Packet)
		}
	}
	p.chat()
}

// Section 3: a client publishes only to the routes. Nothing is fanned out as it came, retained or not.
func TestPublishToOthersTopics(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *pair, version mqtttest.Option) {
		m := p.Device(t, "mallory", version)
		forged := `{"type":"text","id":"x","room_id":"pair","seq":1,"sender_id":"alice","content":"forged","request_id":%d}`
		for i, topic := range []string{"chat/user/bob/messages", "chat/user/mallory/messages", "chat/user/bob/replies", "$SYS/x", "free", "chat", "chat/", "chat/user", "chat/message/pair/x/y", "/"} {
			for qos := range byte(3) {
				request := 10*i + int(qos)
				id := m.Publish(topic, qos, fmt.Sprintf(forged, request), func(p *packet.Publish) { p.Retain = i%2 == 0 })
				reply := m.Reply(float64(request))
				if reply.Error.Code != "forbidden" {
					t.Errorf("%s at QoS %d: %s %+v", topic, qos, reply.Status, reply.Error)
				}
				if qos == 0 {
					continue
				}
				ack := m.Ack(id)
				want := packet.NotAuthorized
				if m.Version() == packet.V311 {
					want = packet.Success // it knows no other: the error reply comes first
				}
				if ack.Ack.Code != want || ack.Index < reply.Packet.Index {
					t.Errorf("%s at QoS %d: %s after the reply #%d", topic, qos, ack, reply.Packet.Index)
				}
				if qos == 2 && m.Version() == packet.V311 {
					m.Complete(id)
				}
			}
		}
		p.chat()
		// Nobody is sent it later either, as a retained message would be.
		late := p.Device(t, "bob", mqtttest.ID("late"))
		p.alice.Say("pair", "real")
		for _, e := range late.UpTo(systemtest.Says("real")) {
			if e.Content == "forged" {
				t.Errorf("a forged message reached its victim: %s", e.Packet)
			}
		}
		p.bob.Next(systemtest.Says("real"))
		p.chat()
	})
}

// Identity is fixed by the connection and never read from a payload.
func TestIdentityIsNotInThePayload(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	m := p.Device(t, "mallory")
	m.Create("open", "public", p.bob)
	m.Publish("chat/message/open", 1, `{"content":"I am Alice","sender_id":"alice","sender_name":"Alice","user_id":"alice"}`)
	if e := p.bob.Next(systemtest.Says("I am Alice")); e.SenderID != "mallory" || e.SenderName != "Mallory" {
		t.Errorf("sent by %s %s", e.SenderID, e.SenderName)
	}
	m.Refused("not_found", "message/pair", `{"content":"let me in"}`)
	p.chat()
}

// Section 3: sessions belong to (user, client id).
func TestSomebodyElsesClientID(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	m := p.Device(t, "mallory", mqtttest.ID("shared"), mqtttest.Keep(60))
	carol := p.Device(t, "carol", mqtttest.ID("shared"), mqtttest.Keep(60))
	m.Ping()
	m.Create("open", "public", carol)
	m.Say("open", "both live")
	m.Next(systemtest.Says("both live"))
	carol.Next(systemtest.Says("both live"))
	// The same user takes over.
	second := p.Dial(t, "mallory")
	if ack := second.Login(p.sign(), mqtttest.ID("shared"), mqtttest.Keep(60)); !ack.SessionPresent {
		t.Error("the session was not resumed")
	}
	m.EndsWith(packet.SessionTakenOver)
	second.Say("open", "and still do")
	second.Next(systemtest.Says("and still do"))
	carol.Next(systemtest.Says("and still do"))
	carol.Ping()
	p.chat()
}

// Section 3: a will must name a route, and runs as its user's request.
func TestWills(t *testing.T) {
	t.Parallel()
	both(t, func(t *testing.T, p *pair, version mqtttest.Option) {
		carol := p.Device(t, "carol")
		owner := p.Device(t, "mallory")
		owner.Create("open", "public", carol)
		owner.Disconnect()
		with := func(topic, payload string, qos byte) *systemtest.Device {
			d := p.Dial(t, "mallory")
			ack := d.Connect(version, p.sign(), mqtttest.ID("willing"), func(c *packet.Connect) {
				c.Will = &packet.Will{Topic: topic, Payload: []byte(payload), QoS: qos, Retain: true}
			})
			if ack.Code == packet.Success {
				return d
			}
			if ack.Code != packet.NotAuthorized {
				t.Errorf("will to %s: CONNACK %v", topic, ack.Code)
			}
			d.End()
			return nil
		}
		for _, topic := range []string{"chat/user/bob/messages", "chat/user/mallory/messages", "free", "$SYS/x"} {
			if with(topic, `{"sender_id":"alice","content":"forged"}`, 1) != nil {
				t.Errorf("a will to %s was accepted", topic)
			}
		}
		// Not a member: it is refused when it runs, and nobody hears of it.
		with("chat/message/pair", "haunted", 2).Cut()
		settled := func() { // the session's next connection waits for the end of the former one, and the pair's commits for its will's
			p.Dial(t, "mallory").Login(version, p.sign(), mqtttest.ID("willing"))
			p.chat()
		}
		settled()
		// Presence comes from connections.
		before := p.Metric("requests_total")
		with("chat/presence/offline", "", 1).Cut()
		settled()
		if n := p.Metric("requests_total") - before; n != 2 { // those of the pair

			t.Errorf("a will to presence made %v requests", n-2)
		}
		// One that was taken back.
		with("chat/message/open", "not said", 1).Disconnect()
		for qos := range byte(3) {
			text := fmt.Sprintf("the last words at QoS %d", qos)
			with("chat/message/open", `{"sender_id":"alice","content":"`+text+`"}`, qos).Cut()
			events := carol.UpTo(systemtest.Says(text))
			if last := events[len(events)-1]; last.SenderID != "mallory" {
				t.Errorf("the will of mallory is said by %s", last.SenderID)
			}
			for _, e := range events {
				if e.Content == "not said" {
					t.Error("a will was sent after DISCONNECT")
				}
			}
		}
		p.alice.Say("pair", "end")
		for _, e := range p.bob.UpTo(systemtest.Says("end")) {
			if e.Content == "haunted" || e.Content == "forged" {
				t.Errorf("a will came to a room of strangers: %s", e.Packet)
			}
		}
	})
}
