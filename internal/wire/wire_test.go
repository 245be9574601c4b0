// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"errors"
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

const epoch = 7

// id is a message id that is easily recognised.
func id(n byte) chat.ID { return chat.ID{0: 0x01, 15: n} }

func ptr[T any](v T) *T { return &v }

// The events as docs/protocol.md, section 6, says. The strings are what other people's clients parse.
func TestEvents(t *testing.T) {
	message := chat.Event{RoomID: "general", RoomKind: chat.PublicRoom, Seq: 5, Kind: chat.Text, At: 1_700_000_000_250, Actor: "ann",
		ActorName: "Ann", MessageID: id(1), Content: "hi \"there\" é 😀\n", ClientMsgID: "k"}
	alter := func(f func(e *chat.Event)) *chat.Event {
		e := message
		f(&e)
		return &e
	}
	about := func(kind chat.EventKind, d *chat.Details) *chat.Event {
		return &chat.Event{RoomID: "general", Seq: 6, Kind: kind, At: 1_700_000_000_000, Actor: "ann", Details: d}
	}
	room := chat.Details{RoomID: "general", RoomName: "General \u2603", RoomKind: chat.PrivateRoom}
	own := func(kind chat.EventKind, d chat.Details) *chat.Event {
		return &chat.Event{RoomID: "user:bob", RoomKind: chat.UserLogRoom, Seq: 2, Kind: kind, At: 1_700_000_000_000, Actor: "ann", Details: &d}
	}
	const head = `"id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"ann","sender_name":"Ann","content":"hi \"there\" é 😀\n","timestamp":1700000000.250,`
	for _, c := range []struct {
		name  string
		event *chat.Event
		own   bool
		want  string
	}{
		{"text", &message, false, `{"type":"text",` + head + `"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"epoch":7}`},
		{"text, to the sender", &message, true, `{"type":"text",` + head + `"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"client_msg_id":"k","epoch":7}`},
		{"answer", alter(func(e *chat.Event) { e.ReplyTo, e.ThreadID, e.Flagged, e.Edited = id(2), id(3), true, true }), false,
			`{"type":"text",` + head + `"reply_to":"01000000-0000-0000-0000-000000000002","thread_id":"01000000-0000-0000-0000-000000000003","reactions":{},"edited":true,"flagged":true,"epoch":7}`},
		{"tombstone", alter(func(e *chat.Event) { e.Deleted, e.Content, e.Kind = true, "", chat.Image }), false,
			`{"type":"image","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"ann","sender_name":"Ann","content":"","timestamp":1700000000.250,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"deleted":true,"epoch":7}`},
		{"private", alter(func(e *chat.Event) {
			e.RoomID, e.RoomKind, e.Content, e.At, e.Actor, e.ActorName = "private:ann:bob", chat.DirectRoom, "psst", 1_700_000_000_000, "bob", "Bob"
		}), false,
			`{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"private:ann:bob","seq":5,"sender_id":"bob","sender_name":"Bob","content":"psst","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"is_private":true,"target_id":"ann","epoch":7}`},
		{"private, the other way", alter(func(e *chat.Event) {
			e.RoomID, e.RoomKind, e.Content, e.At = "private:ann:bob", chat.DirectRoom, "psst", 1_700_000_000_007
		}), false,
			`{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"private:ann:bob","seq":5,"sender_id":"ann","sender_name":"Ann","content":"psst","timestamp":1700000000.007,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"is_private":true,"target_id":"bob","epoch":7}`},
		{"joined", alter(func(e *chat.Event) {
			e.Kind, e.Content, e.ActorName, e.At = chat.System, "Ann joined", "", 1_700_000_000_000
			e.Details = &chat.Details{Event: chat.MemberJoined, UserID: "ann"}
		}), true,
			`{"type":"system","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"system","sender_name":"system","content":"Ann joined","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"event":"member_joined","user_id":"ann","client_msg_id":"k","epoch":7}`},
		{"invited", alter(func(e *chat.Event) {
			e.Kind, e.Content, e.ClientMsgID, e.At = chat.System, "Bob joined", "", 1_700_000_000_000
			e.Details = &chat.Details{Event: chat.MemberJoined, UserID: "bob"}
		}), false,
			`{"type":"system","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"system","sender_name":"system","content":"Bob joined","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"event":"member_joined","user_id":"bob","actor_id":"ann","epoch":7}`},
		{"joined muted, as the owner", alter(func(e *chat.Event) {
			e.Kind, e.Content, e.At = chat.System, "Ann joined", 1_700_000_000_000
			e.Details = &chat.Details{Event: chat.MemberJoined, UserID: "ann", Role: "owner", Until: 1_700_000_001_500}
		}), false,
			`{"type":"system","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"system","sender_name":"system","content":"Ann joined","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"event":"member_joined","user_id":"ann","role":"owner","muted":true,"muted_until":1700000001.500,"epoch":7}`},
		{"reacted to, naming", alter(func(e *chat.Event) {
			e.At, e.Details = 1_700_000_000_000, &chat.Details{Mentions: []chat.UserID{"bob", "cat"}}
			e.Reactions = []chat.Reaction{{Emoji: "❤️", Users: []chat.UserID{"ann"}, Count: 1}, {Emoji: "👍", Users: []chat.UserID{"ann", "bob"}, Count: 7}}
		}), false,
			`{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"sender_id":"ann","sender_name":"Ann","content":"hi \"there\" é 😀\n","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{"❤️":["ann"],"👍":["ann","bob"]},"reaction_counts":{"👍":7},"edited":false,"mentions":["bob","cat"],"epoch":7}`},
		{"edited, with the text", &chat.Event{RoomID: "general", Seq: 6, Kind: chat.MessageEdited, At: 1_700_000_000_000, Actor: "ann", MessageID: id(1), Content: "new", Flagged: true, Details: &chat.Details{Mentions: []chat.UserID{"bob"}}}, false,
			`{"type":"message_edited","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","message_id":"01000000-0000-0000-0000-000000000001","content":"new","mentions":["bob"],"flagged":true,"epoch":7}`},
		{"reaction", &chat.Event{RoomID: "general", Seq: 6, Kind: chat.ReactionAdded, At: 1_700_000_000_000, Actor: "ann", MessageID: id(1), Content: "👍", Details: &chat.Details{Count: 3}}, false,
			`{"type":"reaction_added","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","message_id":"01000000-0000-0000-0000-000000000001","emoji":"👍","count":3,"epoch":7}`},
		{"reaction taken back", &chat.Event{RoomID: "general", Seq: 6, Kind: chat.ReactionRemoved, At: 1_700_000_000_000, Actor: "ann", MessageID: id(1), Content: "👍", Details: &chat.Details{}}, false,
			`{"type":"reaction_removed","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","message_id":"01000000-0000-0000-0000-000000000001","emoji":"👍","count":0,"epoch":7}`},
		{"edited", &chat.Event{RoomID: "general", Seq: 6, Kind: chat.MessageEdited, At: 1_700_000_000_000, Actor: "ann", MessageID: id(1)}, false,
			`{"type":"message_edited","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","message_id":"01000000-0000-0000-0000-000000000001","epoch":7}`},
		{"room updated", about(chat.RoomUpdated, &chat.Details{Changes: &chat.RoomPatch{Name: ptr("N"), Description: ptr(""), MaxMembers: ptr(0),
			SlowMode: ptr(0), ReadOnly: ptr(false), History: ptr(chat.VisibleJoined)}}), false,
			`{"type":"room_updated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","changes":{"name":"N","description":"","max_members":0,"slow_mode":0,"read_only":false,"history_visibility":"joined"},"epoch":7}`},
		{"transferred", about(chat.RoomUpdated, &chat.Details{Changes: &chat.RoomPatch{OwnerID: ptr(chat.UserID("bob"))}}), false,
			`{"type":"room_updated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","changes":{"owner_id":"bob"},"epoch":7}`},
		{"banned", about(chat.Moderated, &chat.Details{Action: "ban", UserID: "bob", Reason: "spam", Until: 1_700_000_001_500}), false,
			`{"type":"moderated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","action":"ban","target_id":"bob","reason":"spam","until":1700000001.500,"epoch":7}`},
		{"banned for ever", about(chat.Moderated, &chat.Details{Action: "ban", UserID: "bob", Until: chat.Forever}), false,
			`{"type":"moderated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","action":"ban","target_id":"bob","until":null,"epoch":7}`},
		{"promoted", about(chat.Moderated, &chat.Details{Action: "promote", UserID: "bob", Role: "moderator"}), false,
			`{"type":"moderated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","action":"promote","target_id":"bob","role":"moderator","epoch":7}`},
		{"deleted room", about(chat.RoomDeleted, &room), false,
			`{"type":"room_deleted","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","room":{"room_id":"general","name":"General ☃","type":"private"},"epoch":7}`},
		{"room added", own(chat.RoomAdded, room), false,
			`{"type":"room_added","room_id":"user:bob","seq":2,"timestamp":1700000000,"user_id":"ann","room":{"room_id":"general","name":"General ☃","type":"private"},"epoch":7}`},
		{"removed", own(chat.RemovedFromRoom, chat.Details{RoomID: "general", RoomName: "G", RoomKind: chat.PublicRoom, Reason: "kicked"}), false,
			`{"type":"removed_from_room","room_id":"user:bob","seq":2,"timestamp":1700000000,"user_id":"ann","reason":"kicked","room":{"room_id":"general","name":"G","type":"public"},"epoch":7}`},
		{"account", own(chat.AccountModerated, chat.Details{Action: "mute", UserID: "bob", Until: chat.Forever}), false,
			`{"type":"account_moderated","room_id":"user:bob","seq":2,"timestamp":1700000000,"user_id":"ann","action":"mute","target_id":"bob","until":null,"epoch":7}`},
		{"without details", about(chat.Moderated, nil), false, `{"type":"moderated","room_id":"general","seq":6,"timestamp":1700000000,"user_id":"ann","epoch":7}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := string(wire.AppendEvent([]byte("before"), c.event, epoch, c.own))
			if diff := cmp.Diff("before"+c.want, got); diff != "" {
				t.Error(diff)
			}
			if !jsontext.Value(got[6:]).IsValid() {
				t.Error("is not JSON")
			}
		})
	}
	if got := string(wire.AppendTruncated(nil, &message, epoch)); got !=
		`{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":5,"truncated":true,"epoch":7}` {
		t.Errorf("truncated: %s", got)
	}
	if got := string(wire.AppendTruncated(nil, about(chat.RoomDeleted, nil), epoch)); got != `{"type":"room_deleted","room_id":"general","seq":6,"truncated":true,"epoch":7}` {
		t.Errorf("truncated: %s", got)
	}
	if got := string(wire.AppendSyncRequired(nil, "general", 3, 9, epoch)); got != `{"type":"sync_required","room_id":"general","first_seq":3,"last_seq":9,"epoch":7}` {
		t.Errorf("sync required: %s", got)
	}
}

// What the store may have got from elsewhere never makes an event that is not JSON.
func TestEventsAreJSONWhateverTheyHold(t *testing.T) {
	for _, s := range []string{"", "\x00", "\xff", "\u2028", "</script>", "\x7f", `\`, "\ud7ff", "a\xc3"} {
		e := &chat.Event{Kind: chat.Text, Content: s, ActorName: s, ClientMsgID: s, RoomID: chat.RoomID(s), Details: &chat.Details{Event: s, UserID: chat.UserID(s)}}
		log := &chat.Event{Kind: chat.Moderated, Details: &chat.Details{Reason: s, Action: s, RoomID: "x", RoomName: s, Changes: &chat.RoomPatch{}}}
		for _, b := range [][]byte{wire.AppendEvent(nil, e, 1, true), wire.AppendEvent(nil, log, 1, true), wire.AppendTruncated(nil, e, 1)} {
			if !jsontext.Value(b).IsValid() {
				t.Errorf("%q makes %s", s, b)
			}
		}
	}
}

func TestTimestamps(t *testing.T) {
	for _, c := range []struct {
		at   chat.Time
		want string
	}{
		{0, "0"}, {1, "0.001"}, {1000, "1"}, {1_700_000_000_020, "1700000000.020"}, {1_700_000_000_000, "1700000000"}, {-1500, "-1.500"}, {-1, "-0.001"},
		{chat.Forever, "null"},
	} {
		if got := string(wire.AppendTimestamp(nil, c.at)); got != c.want {
			t.Errorf("%d is written as %s, want %s", c.at, got, c.want)
		}
		if c.at == chat.Forever {
			continue
		}
		var back wire.Timestamp
		if err := json.Unmarshal([]byte(c.want), &back); err != nil || chat.Time(back) != c.at {
			t.Errorf("%s is read as %d: %v", c.want, back, err)
		}
	}
	for in, want := range map[string]chat.Time{"1.7e9": 1_700_000_000_000, "1700000000.1234": 1_700_000_000_123, "1e14": 1e17} {
		var got wire.Timestamp
		if err := json.Unmarshal([]byte(in), &got); err != nil || chat.Time(got) != want {
			t.Errorf("%s is read as %d: %v", in, got, err)
		}
	}
	for _, in := range []string{`"1"`, "1e15", "-1e300", "null", "{}", "true"} {
		var got wire.Timestamp
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s is read as %d", in, got)
		}
	}
}

// The table of docs/protocol.md, section 4.
func TestCodes(t *testing.T) {
	want := map[chat.Code]wire.Answer{
		"bad_request": {HTTP: 400, MQTT: 0x99}, "unauthenticated": {HTTP: 401, MQTT: 0x87}, "forbidden": {HTTP: 403, MQTT: 0x87},
		"not_member": {HTTP: 403, MQTT: 0x87}, "banned": {HTTP: 403, MQTT: 0x87}, "muted": {HTTP: 403, MQTT: 0x87},
		"not_found": {HTTP: 404, MQTT: 0x90}, "conflict": {HTTP: 409, MQTT: 0x83}, "room_full": {HTTP: 409, MQTT: 0x83},
		"too_large": {HTTP: 413, MQTT: 0x97}, "rejected": {HTTP: 422, MQTT: 0x83}, "rate_limited": {HTTP: 429, MQTT: 0x97},
		"unavailable": {HTTP: 503}, "internal": {HTTP: 500, MQTT: 0x80},
	}
	got := map[chat.Code]wire.Answer{}
	for _, c := range chat.Codes() {
		got[c] = wire.AnswerTo(c)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if wire.AnswerTo("new") != wire.AnswerTo(chat.Internal) {
		t.Error("an unknown code is not an internal one")
	}
}

func TestFailures(t *testing.T) {
	secret := errors.New("password of the database is hunter2")
	for _, c := range []struct {
		err  error
		id   jsontext.Value
		want string
	}{
		{chat.Refuse(chat.NotMember, "join %q", "r"), nil, `{"status":"error","error":{"code":"not_member","message":"join \"r\""}}`},
		{fmt.Errorf("more: %w", chat.Refuse(chat.NotFound, "none")), jsontext.Value(`"a"`), `{"status":"error","error":{"code":"not_found","message":"none"},"request_id":"a"}`},
		{&chat.Error{Code: chat.RateLimited, Message: "wait", RetryAfter: 1500 * time.Millisecond}, jsontext.Value(`17`),
			`{"status":"error","error":{"code":"rate_limited","message":"wait","retry_after":1.5},"request_id":17}`},
		{chat.ErrUnavailable, nil, `{"status":"error","error":{"code":"unavailable","message":"the server cannot store anything at the moment; nothing was done, send again later"}}`},
		{secret, nil, `{"status":"error","error":{"code":"internal","message":"something went wrong on the server; its log tells what"}}`},
	} {
		if diff := cmp.Diff(c.want, string(wire.EncodeFailure(c.err, c.id))); diff != "" {
			t.Errorf("%v: %s", c.err, diff)
		}
	}
}

func TestRequestID(t *testing.T) {
	in := &wire.Sync{Envelope: wire.Envelope{RequestID: jsontext.Value(`"decoded"`)}}
	for _, c := range []struct {
		in   any
		raw  string
		want string
	}{
		{in, `{"request_id":"raw"}`, `"decoded"`},
		{nil, `{"request_id":"raw","limit":"not a number"}`, `"raw"`},
		{nil, `{"request_id":"raw","client_msg_id":5}`, `"raw"`},
		{nil, `{"content":"a","content":"b","request_id":"raw"}`, `"raw"`},
		{nil, "{\"content\":\"\xff\",\"request_id\":\"raw\"}", `"raw"`},
		{nil, `{"request_id":12}`, `12`},
		{nil, `{"request_id":{}}`, ``},
		{nil, `{"request_id":null}`, ``},
		{nil, `{"request_id":"` + strings.Repeat("x", 300) + `"}`, ``},
		{nil, `{"request_id":"x"`, ``},
		{nil, `hello`, ``},
		{nil, ``, ``},
	} {
		if got := string(wire.RequestIDOf(c.in, []byte(c.raw))); got != c.want {
			t.Errorf("of %v and %s: %s, want %s", c.in, c.raw, got, c.want)
		}
	}
}
