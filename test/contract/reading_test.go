// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/systemtest"
)

// Guarantee 5 and section 7: of a private room a stranger learns nothing, whatever they ask.
func TestStrangersToAPrivateRoom(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	alice, bob, carol := s.Device(t, "alice"), s.Device(t, "bob"), s.Device(t, "carol")
	alice.Create("secret", "private", bob)
	said := alice.Say("secret", "nobody else knows")
	asks := []struct{ route, payload string }{
		{"message/%s", `{"content":"x"}`}, {"history/%s", ""}, {"rooms/join/%s", ""}, {"rooms/leave/%s", ""}, {"rooms/%s/info", ""},
		{"rooms/%s/update", `{"name":"mine"}`}, {"rooms/%s/invite", `{"user_id":"carol"}`}, {"rooms/%s/transfer", `{"user_id":"carol"}`},
		{"rooms/%s/delete", ""}, {"admin/rooms/%s/moderate", `{"action":"lock"}`},
	}
	for _, ask := range asks {
		// A room that exists and one that does not cannot be told apart.
		r := carol.Refused("not_found", fmt.Sprintf(ask.route, "secret"), ask.payload)
		none := carol.Refused("not_found", fmt.Sprintf(ask.route, "nowhere"), ask.payload)
		if r.Ack.Ack.Code != packet.TopicNameInvalid { // 0x90
			t.Errorf("%s: acknowledged %v", ask.route, r.Ack.Ack.Code)
		}
		if a, b := strings.ReplaceAll(r.Error.Message, "secret", "nowhere"), none.Error.Message; a != b {
			t.Errorf("%s: %q and %q tell rooms apart", ask.route, a, b)
		}
	}
	carol.Refused("not_found", "message/"+said.MessageID+"/reply", `{"content":"x"}`)
	for _, r := range carol.Do("rooms/list", "").Rooms {
		if r.RoomID == "secret" {
			t.Error("a private room is listed")
		}
	}
	if n := len(carol.Do("sync", `{"rooms":{"secret":0}}`).Events); n != 0 {
		t.Errorf("sync shows %d events of it", n)
	}
	// And nothing of it was delivered.
	alice.Do("private/carol", `{"content":"end"}`)
	for _, e := range carol.UpTo(systemtest.Says("end")) {
		if e.RoomID == "secret" {
			t.Errorf("carol is sent %s", e.Packet)
		}
	}
	// A name that is taken by it cannot be told from any other that is taken; the room's members are none the wiser.
	carol.Refused("conflict", "rooms/create", `{"room_id":"secret","name":"x"}`)
	if n := len(bob.Do("rooms/secret/info", "").Room.Name); n == 0 {
		t.Error("a member sees no name")
	}
}

// Section 7: a public room's name and counts are seen by all; reading takes membership.
func TestStrangersToAPublicRoom(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	carol := s.Device(t, "carol")
	carol.Refused("not_member", "message/r", `{"content":"x"}`)
	carol.Refused("not_member", "history/r", "")
	if r := carol.Do("rooms/r/info", ""); r.Room.Name != "r" || r.Room.MemberCount != 2 {
		t.Errorf("of a public room is told %+v", r.Room)
	}
}

// Section 7: a private conversation has exactly its two members, for ever.
func TestPrivateConversation(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	carol := s.Device(t, "carol")
	alice.Do("private/bob", `{"content":"between us"}`)
	if r := bob.Do("private/alice", `{"content":"both ways"}`); r.RoomID != "private:alice:bob" {
		t.Errorf("bob's answer is in %s", r.RoomID)
	}
	alice.Next(systemtest.Says("both ways"))
	bob.Next(systemtest.Says("between us"))
	const room = "private:alice:bob"
	for _, route := range []string{"rooms/leave/" + room, "rooms/" + room + "/delete"} {
		alice.Refused("forbidden", route, "")
	}
	alice.Refused("forbidden", "rooms/"+room+"/invite", `{"user_id":"carol"}`)
	carol.Refused("not_found", "message/"+room, `{"content":"x"}`)
	carol.Refused("not_found", "history/"+room, "")
	carol.Refused("not_found", "private/nobody", `{"content":"x"}`)
	alice.Refused("bad_request", "rooms/create", `{"room_id":"private:alice:carol","name":"x"}`)
}

// Guarantees 2 and 5: history and sync, in pages, give each seq from the caller's first one, once and in order.
func TestPagesAddUp(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	alice, bob, carol := s.Device(t, "alice"), s.Device(t, "bob"), s.Device(t, "carol")
	alice.Create("r", "private", bob)
	for i := range 300 {
		alice.Say("r", fmt.Sprint(i))
	}
	alice.Do("rooms/r/invite", `{"user_id":"carol"}`)
	for i := 300; i < 620; i++ {
		bob.Say("r", fmt.Sprint(i))
	}
	for _, c := range []struct {
		d     *systemtest.Device
		first uint64 // seq
		texts int
	}{{alice, 1, 620}, {bob, 2, 620}, {carol, 303, 320}} {
		var head systemtest.RoomHead
		var synced []*systemtest.Event
		for after, more := uint64(0), true; more; {
			r := c.d.Do("sync", fmt.Sprintf(`{"rooms":{"r":%d},"limit":170}`, after))
			for _, room := range r.Rooms {
				if room.RoomID == "r" {
					head = room
				}
			}
			synced = append(synced, systemtest.Pointers(r.Events)...)
			after, more = synced[len(synced)-1].Seq, r.HasMore
		}
		if err := systemtest.Dense(synced, c.first); err != nil || head.FirstSeq != c.first || synced[len(synced)-1].Seq != head.LastSeq {
			t.Errorf("%s syncs %d events from %d, the heads say %d to %d: %v", c.d.User, len(synced), synced[0].Seq, head.FirstSeq, head.LastSeq, err)
		}
		up := pages(c.d, "after_seq", 0, func(r *systemtest.Reply) uint64 { return r.Covers[1] })
		down := pages(c.d, "before_seq", head.LastSeq+1, func(r *systemtest.Reply) uint64 { return r.Covers[0] })
		if len(up) != len(down) {
			t.Errorf("%s reads %d messages upwards and %d downwards", c.d.User, len(up), len(down))
		}
		texts := 0
		for i, m := range up {
			if m.Type == "text" {
				texts++
			}
			if i > 0 && m.Seq <= up[i-1].Seq || m.Seq < c.first || m.Seq != down[len(down)-1-i].Seq {
				t.Fatalf("%s reads seq %d out of order", c.d.User, m.Seq)
			}
		}
		if texts != c.texts {
			t.Errorf("%s reads %d texts, want %d", c.d.User, texts, c.texts)
		}
	}
	// The epoch of other data begins anew from the heads.
	if r := alice.Do("sync", `{"rooms":{"r":0},"epoch":12345}`); len(r.Events) != 0 || r.Epoch == 12345 || r.Epoch == 0 {
		t.Errorf("sync with another epoch gives %d events and the epoch %d", len(r.Events), r.Epoch)
	}
	// Beyond the end there is nothing, however far.
	for _, after := range []string{"100000", "18446744073709551615"} {
		if r := alice.Do("history/r", `{"after_seq":`+after+`}`); len(r.Messages) != 0 || r.HasMore {
			t.Errorf("after %s there are %d messages", after, len(r.Messages))
		}
		if r := alice.Do("sync", `{"rooms":{"r":`+after+`}}`); len(r.Events) != 0 || r.HasMore {
			t.Errorf("sync after %s gives %d events", after, len(r.Events))
		}
	}
	alice.Refused("bad_request", "history/r", `{"limit":-1}`)
	if n := len(alice.Do("history/r", `{"limit":1000}`).Messages); n != 200 {
		t.Errorf("a page of 1000 has %d messages, at most 200 are promised", n)
	}
	if n := len(alice.Do("history/r", "").Messages); n != 50 {
		t.Errorf("a page has %d messages, 50 unless said", n)
	}
}

// pages reads a room's history page by page.
func pages(d *systemtest.Device, field string, from uint64, next func(*systemtest.Reply) uint64) (all []*systemtest.Event) {
	for more := true; more; {
		r := d.Do("history/r", fmt.Sprintf(`{%q:%d,"limit":90}`, field, from))
		all = append(all, systemtest.Pointers(r.Messages)...)
		from, more = next(r), r.HasMore
	}
	return all
}

// Guarantee 2: every member sees a room's log in the same order, whoever sends from wherever.
func TestOneOrder(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	carol := s.Device(t, "carol")
	carol.Do("rooms/join/r", "")
	devices := []*systemtest.Device{alice, bob, carol}
	const each = 100
	for _, d := range devices {
		var segment []byte
		for i := range each {
			segment, _ = d.Encode(segment, "chat/message/r", 1, fmt.Sprintf("%s %d", d.User, i))
		}
		d.Send(segment)
	}
	var want []string
	for _, d := range devices {
		var got []string
		next := map[string]int{}
		for len(got) < each*len(devices) {
			e := d.Next(systemtest.Kind("text"))
			if text := fmt.Sprintf("%s %d", e.SenderID, next[e.SenderID]); e.Content != text {
				t.Fatalf("%s is sent %q where %q should be", d.User, e.Content, text)
			}
			next[e.SenderID]++
			got = append(got, e.Place())
		}
		if want == nil {
			want = got
		}
		for i := range got {
			if got[i] != want[i] {
				t.Fatalf("%s is sent %s where alice was sent %s", d.User, got[i], want[i])
			}
		}
	}
}
