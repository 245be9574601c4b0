// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"parley/internal/app"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// Section 6: what a message looks like, field by field.
func TestShapeOfAMessage(t *testing.T) {
	t.Parallel()
	_, alice, bob := start(t)
	r := alice.Do("message/r", `{"content":"hello","client_msg_id":"m"}`)
	reply := alice.Do("message/"+r.MessageID+"/reply", `{"content":"to myself"}`)
	private := alice.Do("private/bob", `{"content":"psst"}`)
	if private.Status != "private_message_sent" || private.RoomID != "private:alice:bob" {
		t.Errorf("the private message is answered %+v", private)
	}
	for _, c := range []struct {
		d    *systemtest.Device
		text string
		want string
	}{
		{bob, "hello", `{"type":"text","id":"` + r.MessageID + `","room_id":"r","seq":3,"sender_id":"alice","sender_name":"Alice","content":"hello",` +
			`"reply_to":null,"thread_id":null,"reactions":{},"edited":false}`},
		{alice, "hello", `{"type":"text","id":"` + r.MessageID + `","room_id":"r","seq":3,"sender_id":"alice","sender_name":"Alice","content":"hello",` +
			`"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"client_msg_id":"m"}`},
		{bob, "to myself", `{"type":"text","id":"` + reply.MessageID + `","room_id":"r","seq":4,"sender_id":"alice","sender_name":"Alice","content":"to myself",` +
			`"reply_to":"` + r.MessageID + `","thread_id":"` + r.MessageID + `","reactions":{},"edited":false}`},
		{bob, "psst", `{"type":"text","id":"` + private.MessageID + `","room_id":"private:alice:bob","seq":` + fmt.Sprint(private.Seq) + `,"sender_id":"alice",` +
			`"sender_name":"Alice","content":"psst","reply_to":null,"thread_id":null,"reactions":{},"edited":false,"is_private":true,"target_id":"bob"}`},
	} {
		p := c.d.Next(systemtest.Says(c.text)).Packet.Publish
		if p.Topic != c.d.Topic("messages") || p.QoS != 1 || p.Properties.PayloadFormat != 1 {
			t.Errorf("%q is delivered as %+v", c.text, p)
		}
		var got, want map[string]any
		if err := json.Unmarshal(p.Payload, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if got["epoch"] == nil || got["timestamp"] == nil {
			t.Errorf("without epoch or timestamp: %s", p.Payload)
		}
		delete(got, "epoch")
		delete(got, "timestamp")
		if a, b := fmt.Sprint(got), fmt.Sprint(want); a != b {
			t.Errorf("%q to %s:\n%s, want\n%s", c.text, c.d.User, a, b)
		}
	}
}

// Section 5, joining: a system message to all, a room_added in one's own log, and the last messages to the one who joins.
func TestJoining(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	for i := range 25 {
		alice.Say("r", fmt.Sprint("message ", i))
	}
	bob.Forget()
	carol := s.Device(t, "carol")
	r := carol.Do("rooms/join/r", "")
	if r.Status != "joined" || r.RoomID != "r" || r.MemberCount != 3 || r.FirstSeq != 1 {
		t.Errorf("joining is answered %+v", r)
	}
	if r := carol.Do("rooms/join/r", ""); r.Status != "already_member" {
		t.Errorf("joining again is answered %+v", r)
	}
	e := bob.Next(func(e *systemtest.Event) bool { return e.Event == "member_joined" })
	if e.Type != "system" || e.SenderID != "system" || e.UserID != "carol" {
		t.Errorf("the others are sent %s", e.Packet)
	}
	carol.Next(systemtest.Kind("room_added"))
	h := carol.Next(systemtest.Kind("message_history"))
	if h.Packet.Publish.QoS != 0 || h.RoomID != "r" || len(h.Messages) != 20 || h.Messages[1].Content != "message 24" {
		t.Errorf("the history shown is %s", h.Packet)
	}
	carol.Do("rooms/leave/r", "")
	if e := bob.Next(func(e *systemtest.Event) bool { return e.Event == "member_left" }); e.UserID != "carol" {
		t.Errorf("the others are sent %s", e.Packet)
	}
	if e := carol.Next(systemtest.Kind("removed_from_room")); e.Reason != "left" {
		t.Errorf("who leaves is sent %s", e.Packet)
	}
	carol.Refused("not_member", "message/r", `{"content":"x"}`)
	carol.Refused("not_member", "history/r", "")
}

// Section 6: a session gets one copy of each event, whatever its filters, with the identifiers of all that match.
func TestOneCopyForAllFilters(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	alice.Create("other", "public")
	d := s.Dial(t, "alice")
	d.Login(mqtttest.As("alice", s.Token("alice")), mqtttest.ID("tablet"))
	subscribe := func(id uint32, filter string) {
		t.Helper()
		one := packet.Subscribe{PacketID: d.ID(), Subscriptions: []packet.Subscription{{Filter: filter, QoS: 1}}, Properties: properties{SubscriptionIDs: []uint32{id}}}
		d.Send(packet.AppendSubscribe(nil, packet.V5, &one))
		d.Take("SUBACK", mqtttest.OfType(packet.SUBACK))
	}
	copies := func(room, text string) (topics []string, ids []uint32) {
		t.Helper()
		alice.Say(room, text)
		alice.Do("private/bob", `{"content":"behind `+text+`"}`)
		// What comes for other rooms on messages marks the end; with room filters alone the message itself has to.
		for _, e := range d.UpTo(func(e *systemtest.Event) bool { return e.Content == "behind "+text || e.Content == "end of "+text }) {
			if e.Content == text {
				topics = append(topics, strings.TrimPrefix(e.Packet.Publish.Topic, d.Topic("")))
				ids = e.Packet.Publish.Properties.SubscriptionIDs
			}
		}
		return topics, ids
	}
	subscribe(1, d.Topic("messages"))
	subscribe(2, d.Topic("rooms/r"))
	subscribe(3, d.Topic("#"))
	topics, ids := copies("r", "with all filters")
	if len(topics) != 1 || topics[0] != "messages" {
		t.Errorf("copies came on %q", topics)
	}
	slices.Sort(ids)
	if !slices.Equal(ids, []uint32{1, 3}) {
		t.Errorf("with the identifiers %v", ids)
	}
	// One room alone.
	d.Unsubscribe(d.Topic("messages"), d.Topic("#"))
	d.Forget()
	alice.Say("other", "not for small devices")
	alice.Say("r", "for small devices")
	e := d.Next(func(*systemtest.Event) bool { return true })
	if e.Content != "for small devices" || e.Packet.Publish.Topic != d.Topic("rooms/r") || !slices.Equal(e.Packet.Publish.Properties.SubscriptionIDs, []uint32{2}) {
		t.Errorf("a device of one room is sent %s with %v", e.Packet, e.Packet.Publish.Properties.SubscriptionIDs)
	}
}

// A device that follows one room alone in a persistent session misses nothing of it, and hears nothing of others, when it comes back.
func TestOneRoomAfterAbsence(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	alice.Create("other", "public")
	options := []mqtttest.Option{mqtttest.As("bob", s.Token("bob")), mqtttest.ID("small"), mqtttest.Keep(60)}
	d := s.Dial(t, "bob")
	d.Login(options...)
	d.Subscribe(1, d.Topic("rooms/r"))
	d.Disconnect()
	var want []uint64
	for i := range 10 {
		alice.Say("other", "elsewhere")
		alice.Do("private/bob", `{"content":"elsewhere too"}`)
		want = append(want, alice.Say("r", fmt.Sprint(i)).Seq)
	}
	s.Restart()
	d = s.Dial(t, "bob")
	d.Login(options...)
	for _, e := range d.UpTo(systemtest.At("r", want[len(want)-1])) {
		if len(want) == 0 || e.RoomID != "r" || e.Seq != want[0] {
			t.Fatalf("sent %s, want %v", e.Packet, want)
		}
		want = want[1:]
	}
}

// Section 6: what is larger than the client's Maximum Packet Size comes truncated; pages shrink to fit; a reply that cannot is an error.
func TestMaximumPacketSize(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	const limit = 1000
	small := s.Device(t, "bob", mqtttest.ID("small"), mqtttest.With(func(p *properties) { p.MaximumPacketSize = limit }))
	long := strings.Repeat("long ", 400)
	r := alice.Say("r", long)
	bob.Next(systemtest.At("r", r.Seq))
	e := small.Next(systemtest.At("r", r.Seq))
	if !e.Truncated || e.Type != "text" || e.ID != r.MessageID || e.Content != "" || e.Epoch == 0 {
		t.Errorf("a long message is delivered as %s", e.Packet)
	}
	for i := range 30 {
		alice.Say("r", fmt.Sprintf("short %d", i))
	}
	// Pages of the history add up, going back and forth, and past the long message.
	var back []string
	for before, more := uint64(0), true; more; {
		query := fmt.Sprintf(`{"before_seq":%d}`, before)
		if before == 0 {
			query = "{}"
		}
		page := small.Do("history/r", query)
		for _, m := range page.Messages {
			if m.Truncated != (m.Seq == r.Seq) || m.Truncated && (m.ID != r.MessageID || page.Count != 1) {
				t.Errorf("a page of %d with %+v", page.Count, m)
			}
			if m.Type == "text" {
				back = append(back, m.Content)
			}
		}
		if page.Count != len(page.Messages) || len(page.Messages) == 0 || page.HasMore && page.Covers[0] != page.Messages[len(page.Messages)-1].Seq {
			t.Fatalf("a page of %d messages counts %d and covers %v", len(page.Messages), page.Count, page.Covers)
		}
		before, more = page.Covers[0], page.HasMore
	}
	if len(back) != 31 || back[0] != "short 29" || back[29] != "short 0" || back[30] != "" {
		t.Errorf("%d messages in small pages: %q", len(back), back)
	}
	next := r.Seq - 1
	for more := true; more; {
		page := small.Do("history/r", fmt.Sprintf(`{"after_seq":%d}`, next))
		if page.Covers[0] != next+1 {
			t.Fatalf("after %d the page covers %v", next, page.Covers)
		}
		next, more = page.Covers[1], page.HasMore
	}
	if next != r.Seq+30 {
		t.Errorf("ascending pages end at %d, want %d", next, r.Seq+30)
	}
	small.Refused("too_large", "sync", "{}") // the heads of one's rooms are no page
	for p := small.TakeNow(mqtttest.OfType(packet.PUBLISH)); p != nil; p = small.TakeNow(mqtttest.OfType(packet.PUBLISH)) {
		if n := packet.PublishSize(packet.V5, len(p.Publish.Topic), p.Publish.QoS, 0, len(p.Publish.Payload)); n > limit {
			t.Errorf("a packet of %d bytes", n)
		}
	}
}

// The client's Receive Maximum bounds what is unacknowledged [MQTT-3.3.4-9]; replies still come, at QoS 0.
func TestReceiveMaximum(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	d := s.Device(t, "bob", mqtttest.ID("narrow"), mqtttest.With(func(p *properties) { p.ReceiveMaximum = 2 }))
	d.AcknowledgeByHand()
	for i := range 5 {
		alice.Say("r", fmt.Sprint(i))
	}
	open := []uint16{d.Next(systemtest.Says("0")).Packet.Publish.PacketID, d.Next(systemtest.Says("1")).Packet.Publish.PacketID}
	if r := d.Do("info", "{}"); r.Packet.Publish.QoS != 0 {
		t.Errorf("the reply has QoS %d", r.Packet.Publish.QoS)
	}
	if p := d.TakeNow(func(p *mqtttest.Packet) bool { return p.Type == packet.PUBLISH && p.Publish.QoS > 0 }); p != nil {
		t.Errorf("a third is under way: %s", p)
	}
	d.Acknowledge(open...)
	d.Next(systemtest.Says("2"))
	d.Next(systemtest.Says("3"))
}

// Guarantee 5: whoever is removed gets nothing that was not on the wire by then, however much was queued.
func TestRemovedWhileReadingSlowly(t *testing.T) {
	t.Parallel()
	bulk := strings.Repeat("x", 3900)
	for action, remove := range map[string]func(alice, bob *systemtest.Device){
		"kicked": func(alice, _ *systemtest.Device) {
			alice.Do("admin/rooms/r/moderate", `{"action":"kick","user_id":"bob"}`)
		},
		"banned": func(alice, _ *systemtest.Device) {
			alice.Do("admin/rooms/r/moderate", `{"action":"ban","user_id":"bob","reason":"noise"}`)
		},
		"left": func(_, bob *systemtest.Device) { bob.Do("rooms/leave/r", "") },
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			s := systemtest.Start(t, systemtest.Config{Inside: app.Inside{MQTT: mqtt.Config{MaxInflight: 8}}})
			alice, bob := s.Device(t, "alice"), s.Device(t, "bob", mqtttest.ID("other"))
			alice.Create("r", "public", bob)
			bob.Unsubscribe(bob.Topic("#"))
			bob.Subscribe(1, bob.Topic("replies"))
			slow := s.Device(t, "bob", mqtttest.ID("slow"), mqtttest.Keep(60))
			slow.AcknowledgeByHand()
			const many = 100
			for i := range many {
				alice.Say("r", fmt.Sprint(i, bulk))
			}
			// Eight are under way, the others are queued.
			first := slow.Next(systemtest.Says("0" + bulk))
			remove(alice, bob)
			alice.Say("r", "without bob")
			slow.Acknowledge(first.Packet.Publish.PacketID)
			for id := first.Packet.Publish.PacketID + 1; id < first.Packet.Publish.PacketID+8; id++ {
				slow.Acknowledge(id)
			}
			events := slow.UpTo(systemtest.Kind("removed_from_room"))
			if last := events[len(events)-1]; last.RoomID != "user:bob" || !strings.HasPrefix(last.Reason, action) {
				t.Errorf("bob is told %s", last.Packet)
			}
			if got := systemtest.Of("r", events); len(got) != 7 {
				t.Errorf("%d events of the room came after the removal, want the 7 that were under way", len(got))
			}
			// Nor later, in a session that goes on.
			slow.Cut()
			alice.Say("r", "still without bob")
			back := s.Device(t, "bob", mqtttest.ID("slow"), mqtttest.Keep(60))
			alice.Do("private/bob", `{"content":"end"}`)
			if got := systemtest.Of("r", back.UpTo(systemtest.Says("end"))); len(got) != 0 {
				t.Errorf("after coming back: %s", got[0].Packet)
			}
			code := "not_member"
			if action == "banned" {
				code = "banned"
			}
			bob.Refused(code, "message/r", `{"content":"let me in"}`)
			if action == "banned" {
				bob.Refused("banned", "rooms/join/r", "")
				return
			}
			bob.Do("rooms/join/r", "")
		})
	}
}

// Section 5, broadcast: administrators speak to every account.
func TestBroadcast(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	root := s.Device(t, systemtest.Root)
	r := root.Do("broadcast", `{"content":"maintenance at noon"}`)
	if r.Status != "broadcast_sent" || r.Recipients != 4 || r.Seq == 0 || r.MessageID == "" {
		t.Errorf("a broadcast to root, alice, bob and carol is answered %+v", r)
	}
	for _, d := range []*systemtest.Device{alice, bob, root} {
		if e := d.Next(systemtest.Says("maintenance at noon")); e.RoomID != "announcements" || e.SenderID != systemtest.Root {
			t.Errorf("%s is sent %s", d.User, e.Packet)
		}
	}
	alice.Refused("forbidden", "broadcast", `{"content":"me too"}`)
	alice.Refused("forbidden", "rooms/leave/announcements", "")
}
