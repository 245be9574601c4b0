// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
	"parley/internal/wire"
)

const created = 1_700_000_000_000

func aRoom() chat.Room {
	return chat.Room{Num: 3, ID: "general", Kind: chat.PublicRoom, Name: "General", CreatedBy: "ann", CreatedAt: created, MaxMembers: 100,
		MemberCount: 2, History: chat.VisibleShared, FirstSeq: 1, LastSeq: 9, Count: 4, Policy: 5}
}

const roomJSON = `"room_id":"general","name":"General","description":"","type":"public","created_by":"ann","created_at":1700000000,"max_members":100,"member_count":2,"slow_mode":0,"read_only":false,"locked":false,"history_visibility":"shared","last_seq":9`

func success() wire.Reply { return wire.Reply{Status: "success"} }

func TestReplies(t *testing.T) {
	room := aRoom()
	mine := chat.Membership{Room: room, Member: chat.Member{User: "ann", Role: chat.RoleOwner, JoinedSeq: 4, ReadSeq: 6}, Unread: 3}
	until := wire.Timestamp(created + 1)
	now := time.UnixMilli(created)
	text := &chat.Event{RoomID: "general", RoomKind: chat.PublicRoom, Seq: 2, Kind: chat.Text, At: created, Actor: "ann", ActorName: "Ann", MessageID: id(1), Content: "hi", ClientMsgID: "k"}
	const textJSON = `{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":2,"sender_id":"ann","sender_name":"Ann","content":"hi","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,`
	members := []chat.Member{{User: "ann", Name: "Ann", Role: chat.RoleOwner, JoinedAt: created},
		{User: "bob", Name: "Bob", Role: chat.RoleMember, JoinedAt: created, MutedUntil: chat.Forever},
		{User: "cat", Name: "Cat", Role: chat.RoleModerator, JoinedAt: created, MutedUntil: created + 1},
		{User: "dan", Name: "Dan", Role: chat.RoleMember, JoinedAt: created, MutedUntil: created}}
	for _, c := range []struct {
		reply wire.Replier
		want  string
	}{
		{&wire.Done{Reply: wire.Reply{Status: "left", RequestID: jsontext.Value(`"q"`), Duplicate: true}, RoomID: "general"},
			`{"status":"left","request_id":"q","duplicate":true,"room_id":"general"}`},
		{&wire.RoomCreated{Reply: wire.Reply{Status: "room_created"}, RoomID: "general", Room: wire.RoomDataOf(&room)},
			`{"status":"room_created","room_id":"general","room_data":{` + roomJSON + `}}`},
		{&wire.Joined{Reply: wire.Reply{Status: "joined"}, RoomID: "general", MemberCount: 2, FirstSeq: 1},
			`{"status":"joined","room_id":"general","member_count":2,"first_seq":1}`},
		{&wire.Rooms{Reply: success(), Rooms: wire.RoomsOf(nil)}, `{"status":"success","rooms":[],"has_more":false}`},
		{&wire.Rooms{Reply: success(), Rooms: wire.RoomsOf([]chat.Room{room}), HasMore: true}, `{"status":"success","rooms":[{` + roomJSON + `}],"has_more":true}`},
		{&wire.OwnRooms{Reply: success(), Rooms: wire.RoomHeadsOf([]chat.Membership{mine})},
			`{"status":"success","rooms":[{` + roomJSON + `,"role":"owner","first_seq":1,"joined_seq":4,"read_seq":6,"unread":3,"notifications":"mentions"}],"has_more":false}`},
		{wire.RoomDetailOf(&chat.RoomInfo{Room: &room, Members: members, HasMore: true}, 1, func(u chat.UserID) bool { return u == "bob" }, now),
			`{"status":"success","room":{` + roomJSON + `},"members":[{"user_id":"ann","display_name":"Ann","role":"owner","joined_at":1700000000,"online":false},` +
				`{"user_id":"bob","display_name":"Bob","role":"member","joined_at":1700000000,"muted":true,"online":true},` +
				`{"user_id":"cat","display_name":"Cat","role":"moderator","joined_at":1700000000,"muted":true,"muted_until":1700000000.001,"online":false},` +
				`{"user_id":"dan","display_name":"Dan","role":"member","joined_at":1700000000,"online":false}],"online":1,"has_more":true}`},
		{&wire.MessageSent{Reply: wire.Reply{Status: "message_sent"}, RoomID: "general", MessageID: id(1).String(), Seq: 9, Timestamp: created + 20},
			`{"status":"message_sent","room_id":"general","message_id":"01000000-0000-0000-0000-000000000001","seq":9,"timestamp":1700000000.020}`},
		{&wire.MessageSent{Reply: wire.Reply{Status: "broadcast_sent"}, RoomID: "announcements", MessageID: "x", Seq: 9, Recipients: 4},
			`{"status":"broadcast_sent","room_id":"announcements","message_id":"x","seq":9,"timestamp":0,"recipients":4}`},
		{wire.PageOf(&chat.Page{Room: &room, Messages: []*chat.Event{text}, From: 2, To: 9, HasMore: true}, epoch, "ann", false),
			`{"status":"success","room_id":"general","epoch":7,"messages":[` + textJSON + `"client_msg_id":"k","epoch":7}],"covers":[2,9],"count":1,"has_more":true}`},
		{wire.PageOf(&chat.Page{Room: &room}, epoch, "bob", true),
			`{"status":"success","room_id":"general","epoch":7,"messages":[],"covers":[0,0],"count":0,"has_more":false}`},
		{&wire.Synced{Reply: success(), Epoch: epoch, Rooms: wire.RoomHeadsOf(nil), Events: wire.EventsOf([]*chat.Event{text}, epoch, "bob")},
			`{"status":"success","epoch":7,"rooms":[],"events":[` + textJSON + `"epoch":7}],"unread":0,"has_more":false}`},
		{&wire.Moderated{Reply: wire.Reply{Status: "moderated"}, RoomID: "general", UserID: "bob", Action: "mute", Until: &until},
			`{"status":"moderated","room_id":"general","user_id":"bob","action":"mute","until":1700000000.001}`},
		{&wire.Moderated{Reply: wire.Reply{Status: "moderated"}, Action: "lock"}, `{"status":"moderated","action":"lock"}`},
		{&wire.Info{Reply: success(), Version: "1", Protocol: 1, Epoch: epoch, Limits: map[string]any{"a": 1}, Guarantees: []string{"one_order"}},
			`{"status":"success","version":"1","protocol":1,"epoch":7,"limits":{"a":1},"guarantees":["one_order"]}`},
	} {
		got, ok := wire.EncodeReply(c.reply, 0)
		if diff := cmp.Diff(c.want, string(got)); !ok || diff != "" {
			t.Errorf("%T: %s", c.reply, diff)
		}
	}
	if diff := cmp.Diff(`{"type":"message_history","room_id":"general","epoch":7,"messages":[`+textJSON+`"epoch":7}],"covers":[1,2],"count":1,"has_more":false}`,
		string(wire.MessageHistory(&chat.Page{Room: &room, Messages: []*chat.Event{text}, From: 1, To: 2}, epoch, "bob"))); diff != "" {
		t.Error(diff)
	}
	for kind, want := range map[chat.RoomKind]string{chat.PublicRoom: "public", chat.PrivateRoom: "private", chat.DirectRoom: "direct",
		chat.AnnouncementsRoom: "announcements", chat.UserLogRoom: "user"} {
		if got := wire.RoomType(kind); got != want {
			t.Errorf("kind %d is %q, want %q", kind, got, want)
		}
	}
}

// Pages shrink to fit, and say so truly: what they cover is what they hold, and there is more.
func TestPagesShrink(t *testing.T) {
	room := aRoom()
	for _, ascending := range []bool{false, true} {
		var events []*chat.Event
		for i := range 20 {
			seq := uint64(3*i + 10) // messages with other events between them
			if !ascending {
				seq = uint64(3*(19-i) + 10)
			}
			events = append(events, &chat.Event{RoomID: "general", Seq: seq, Kind: chat.Text, Content: strings.Repeat("x", 50)})
		}
		whole := func() *wire.Page {
			return wire.PageOf(&chat.Page{Room: &room, Messages: events, From: 9, To: 70}, epoch, "bob", ascending)
		}
		full, _ := wire.EncodeReply(whole(), 0)
		for limit := len(full); limit > 0; limit -= 97 {
			body, ok := wire.EncodeReply(whole(), limit)
			var got struct {
				Messages []struct {
					Seq uint64 `json:"seq"`
				} `json:"messages"`
				Covers  [2]uint64 `json:"covers"`
				Count   int       `json:"count"`
				HasMore bool      `json:"has_more"`
			}
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			if ok != (len(body) <= limit) {
				t.Fatalf("limit %d: ok is %v for %d bytes", limit, ok, len(body))
			}
			n := len(got.Messages)
			if n == 0 || got.Count != n || got.HasMore != (n < 20) {
				t.Fatalf("limit %d: %d messages, count %d, has_more %v", limit, n, got.Count, got.HasMore)
			}
			far := got.Messages[n-1].Seq
			want := [2]uint64{far, 70}
			if ascending {
				want = [2]uint64{9, far}
			}
			if n < 20 && got.Covers != want || n == 20 && got.Covers != [2]uint64{9, 70} {
				t.Fatalf("limit %d: covers %v with %d messages up to %d", limit, got.Covers, n, far)
			}
			for i, m := range got.Messages {
				if m.Seq != events[i].Seq {
					t.Fatalf("limit %d: message %d has seq %d", limit, i, m.Seq)
				}
			}
		}
	}
}

// Every list that may be long can shrink, keeps its beginning, and then has more.
func TestListsShrink(t *testing.T) {
	room := aRoom()
	var rooms []chat.Room
	var mine []chat.Membership
	var members []chat.Member
	var events []*chat.Event
	for i := range 30 {
		r := room
		r.ID = chat.RoomID(fmt.Sprintf("room%02d", i))
		rooms, mine = append(rooms, r), append(mine, chat.Membership{Room: r})
		members = append(members, chat.Member{User: chat.UserID(fmt.Sprintf("user%02d", i))})
		events = append(events, &chat.Event{RoomID: r.ID, Seq: uint64(i + 1), Kind: chat.Text})
	}
	nobody := func(chat.UserID) bool { return false }
	for _, c := range []struct {
		reply func() wire.Replier
		rest  string // of a list of one
	}{
		{func() wire.Replier { return &wire.Rooms{Rooms: wire.RoomsOf(rooms)} }, "room00"},
		{func() wire.Replier { return &wire.OwnRooms{Rooms: wire.RoomHeadsOf(mine)} }, "room00"},
		{func() wire.Replier {
			return wire.RoomDetailOf(&chat.RoomInfo{Room: &room, Members: members}, 0, nobody, time.UnixMilli(0))
		}, "user00"},
		{func() wire.Replier { return &wire.Synced{Events: wire.EventsOf(events, epoch, "ann")} }, "room00"},
	} {
		full, _ := wire.EncodeReply(c.reply(), 0)
		half, ok := wire.EncodeReply(c.reply(), len(full)-1)
		if !ok || !strings.Contains(string(half), `"has_more":true`) || !strings.Contains(string(half), c.rest) || strings.Contains(string(full), `"has_more":true`) {
			t.Errorf("%T: shrunk to %s", c.reply(), half)
		}
		one, ok := wire.EncodeReply(c.reply(), 1)
		if ok || !strings.Contains(string(one), c.rest) || strings.Contains(string(one), "room01") || strings.Contains(string(one), "user01") {
			t.Errorf("%T: the smallest is %s", c.reply(), one)
		}
	}
	if _, ok := wire.EncodeReply(&wire.Done{RoomID: "general"}, 10); ok {
		t.Error("a reply that cannot shrink fits in 10 bytes")
	}
}
