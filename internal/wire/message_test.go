// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
	"parley/internal/wire"
)

func TestRepliesAboutMessages(t *testing.T) {
	room := aRoom()
	text := &chat.Event{RoomID: "general", RoomKind: chat.PublicRoom, Seq: 2, Kind: chat.Text, At: created, Actor: "ann", ActorName: "Ann", MessageID: id(1), Content: "hi"}
	const name = `"message_id":"01000000-0000-0000-0000-000000000001"`
	const textJSON = `{"type":"text","id":"01000000-0000-0000-0000-000000000001","room_id":"general","seq":2,"sender_id":"ann","sender_name":"Ann","content":"hi","timestamp":1700000000,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"epoch":7}`
	report := chat.Report{Num: 4, RoomID: "general", MessageID: id(1), Seq: 2, Sender: "ann", Content: "hi", Reporter: "bob", Reason: "why", At: created, Status: chat.ReportOpen}
	closed := report
	closed.Content, closed.Status, closed.ClosedBy, closed.ClosedAt = "", chat.ReportResolved, "root", created+1
	for _, c := range []struct {
		reply wire.Replier
		want  string
	}{
		{wire.MessageChangedOf("pinned", &chat.Changed{RoomID: "general", MessageID: id(1), Seq: 5, At: created}),
			`{"status":"pinned","room_id":"general",` + name + `,"seq":5,"timestamp":1700000000}`},
		{wire.MessageChangedOf("pinned", &chat.Changed{Repeat: chat.Repeat{Duplicate: true}, RoomID: "general", MessageID: id(1)}),
			`{"status":"pinned","duplicate":true,"room_id":"general",` + name + `}`},
		{wire.MessageReactedOf("reaction_removed", &chat.Reacted{RoomID: "general", MessageID: id(1), Emoji: "👍"}),
			`{"status":"reaction_removed","room_id":"general",` + name + `,"emoji":"👍","reactions":{}}`},
		{wire.MessageReactedOf("reaction_added", &chat.Reacted{RoomID: "general", MessageID: id(1), Emoji: "👍", Seq: 5,
			Reactions: []chat.Reaction{{Emoji: "❤️", Users: []chat.UserID{"ann"}, Count: 1}, {Emoji: "👍", Users: []chat.UserID{"ann"}, Count: 9}}}),
			`{"status":"reaction_added","room_id":"general",` + name + `,"emoji":"👍","seq":5,"reactions":{"❤️":["ann"],"👍":["ann"]},"reaction_counts":{"👍":9}}`},
		{wire.VersionPageOf(&chat.VersionPage{Message: text}), `{"status":"success","room_id":"general",` + name + `,"versions":[],"has_more":false}`},
		{wire.VersionPageOf(&chat.VersionPage{Message: text, Versions: []chat.Version{{Seq: 5, Content: "old", At: created, ReplacedAt: created + 1, ReplacedBy: "ann"}}}),
			`{"status":"success","room_id":"general",` + name + `,"versions":[{"seq":5,"content":"old","timestamp":1700000000,"replaced_at":1700000000.001,"replaced_by":"ann"}],"has_more":false}`},
		{wire.ThreadPageOf(&chat.ThreadPage{Room: &room, RootID: id(2)}, epoch, "bob", false),
			`{"status":"success","room_id":"general","epoch":7,"thread_id":"01000000-0000-0000-0000-000000000002","root":null,"messages":[],"has_more":false}`},
		{wire.ThreadPageOf(&chat.ThreadPage{Room: &room, RootID: id(1), Root: text, Messages: []*chat.Event{text}, HasMore: true}, epoch, "bob", false),
			`{"status":"success","room_id":"general","epoch":7,"thread_id":"01000000-0000-0000-0000-000000000001","root":` + textJSON + `,"messages":[` + textJSON + `],"has_more":true}`},
		{wire.PinsOf(&chat.PinPage{Room: &room, Pins: []chat.Pin{{Message: text, Seq: 8, By: "cat", At: created}}}, epoch, "bob"),
			`{"status":"success","room_id":"general","epoch":7,"pins":[{"message":` + textJSON + `,"seq":8,"pinned_by":"cat","pinned_at":1700000000}],"has_more":false}`},
		{wire.ReportsOf(&chat.ReportPage{Reports: []chat.Report{report, closed}}),
			`{"status":"success","reports":[{"report_id":4,"room_id":"general",` + name + `,"seq":2,"sender_id":"ann","content":"hi","reporter_id":"bob","reason":"why","timestamp":1700000000,"status":"open"},` +
				`{"report_id":4,"room_id":"general",` + name + `,"seq":2,"sender_id":"ann","reporter_id":"bob","reason":"why","timestamp":1700000000,"status":"resolved","closed_by":"root","closed_at":1700000000.001}],"has_more":false}`},
		{&wire.ReportClosed{Reply: wire.Reply{Status: "report_closed"}, ReportID: 4, Outcome: chat.ReportDismissed},
			`{"status":"report_closed","report_id":4,"outcome":"dismissed"}`},
	} {
		got, ok := wire.EncodeReply(c.reply, 0)
		if diff := cmp.Diff(c.want, string(got)); !ok || diff != "" {
			t.Errorf("%T: %s", c.reply, diff)
		}
	}
}

// A page that is too large for a client loses its far end, and says so.
func TestPagesAboutMessagesShrink(t *testing.T) {
	room := aRoom()
	var events []*chat.Event
	var pins []chat.Pin
	var versions []chat.Version
	var reports []chat.Report
	for i := range 8 {
		e := &chat.Event{RoomID: "general", Seq: uint64(i + 1), Kind: chat.Text, Content: "text" + string(rune('0'+i))}
		events = append(events, e)
		pins = append(pins, chat.Pin{Message: e})
		versions = append(versions, chat.Version{Content: e.Content})
		reports = append(reports, chat.Report{Content: e.Content})
	}
	for _, c := range []struct {
		reply     wire.Replier
		backwards bool
	}{
		{wire.ThreadPageOf(&chat.ThreadPage{Room: &room, Messages: events}, epoch, "bob", false), false},
		{wire.ThreadPageOf(&chat.ThreadPage{Room: &room, Messages: events}, epoch, "bob", true), true},
		{wire.PinsOf(&chat.PinPage{Room: &room, Pins: pins}, epoch, "bob"), false},
		{wire.VersionPageOf(&chat.VersionPage{Message: events[0], Versions: versions}), false},
		{wire.ReportsOf(&chat.ReportPage{Reports: reports}), false},
	} {
		whole, _ := wire.EncodeReply(c.reply, 0)
		part, ok := wire.EncodeReply(c.reply, len(whole)-1)
		near, far := "text0", "text7"
		if c.backwards {
			near, far = far, near
		}
		if !ok || !strings.Contains(string(part), near) || strings.Contains(string(part), far) || !strings.Contains(string(part), `"has_more":true`) {
			t.Errorf("%T of at most %d bytes: %s", c.reply, len(whole)-1, part)
		}
		// The last message of a page is cut short, so that there is a way past one that is too large by itself.
		one, ok := wire.EncodeReply(c.reply, 1)
		switch c.reply.(type) {
		case *wire.ThreadPage, *wire.Pins:
			want := `"seq":1,"truncated":true`
			if c.backwards {
				want = `"seq":8,"truncated":true`
			}
			if ok || !strings.Contains(string(one), want) {
				t.Errorf("%T of one byte: %s", c.reply, one)
			}
			if again, ok := wire.EncodeReply(c.reply, len(one)); !ok || string(again) != string(one) {
				t.Errorf("%T of %d bytes: %s", c.reply, len(one), again)
			}
		default:
			if ok || !strings.Contains(string(one), near) {
				t.Errorf("%T of one byte: %s", c.reply, one)
			}
		}
	}
}

// A sync and a search go past an event that is too large, too.
func TestTooLargeAlone(t *testing.T) {
	room := aRoom()
	long := &chat.Event{RoomID: "general", Seq: 4, Kind: chat.Text, Content: strings.Repeat("long ", 100)}
	short := &chat.Event{RoomID: "general", Seq: 5, Kind: chat.Text, Content: "short"}
	found := &chat.Found{Hits: []chat.Hit{{Event: long, Snippet: "«long»"}}}
	for _, reply := range []wire.Replier{
		wire.ExportOf(&chat.Export{User: &chat.User{ID: "bob"}, Messages: []*chat.Event{long}}, epoch),
		&wire.Synced{Events: wire.EventsOf([]*chat.Event{long, short}, epoch, "bob")},
		wire.FoundInRoomOf(found, chat.SearchScope{Room: &room, From: 1, To: 5}, epoch, "bob"),
		wire.FoundOf(found, epoch, "bob"),
		wire.ThreadPageOf(&chat.ThreadPage{Room: &room, Root: long}, epoch, "bob", false),
	} {
		body, ok := wire.EncodeReply(reply, 300)
		if !ok || !strings.Contains(string(body), `"seq":4,"truncated":true`) {
			t.Errorf("%T: %t, %s", reply, ok, body)
		}
		more := strings.Contains(string(body), `"has_more":true`)
		if _, page := reply.(*wire.Synced); more != page {
			t.Errorf("%T: has_more is %t: %s", reply, more, body)
		}
	}
}

// A thread's first message tells of its answers, and so does what deletes one.
func TestAnswersOnTheWire(t *testing.T) {
	const root = "01000000-0000-0000-0000-000000000001"
	deletion := func(c chat.ThreadChange) *chat.Event {
		return &chat.Event{RoomID: "general", Seq: 5, Kind: chat.MessageDeleted, At: created, Actor: "ann", MessageID: id(2), Details: &chat.Details{Thread: &c}}
	}
	for _, c := range []struct {
		event      *chat.Event
		has, lacks string
	}{
		{&chat.Event{RoomID: "general", Seq: 2, Kind: chat.Text, MessageID: id(1), Answers: chat.Answers{Count: 3, LastSeq: 9}},
			`"reactions":{},"thread_count":3,"thread_last_seq":9,"edited":false`, ""},
		{&chat.Event{RoomID: "general", Seq: 2, Kind: chat.Text, MessageID: id(1)}, `"edited":false`, `"thread_count"`},
		{deletion(chat.ThreadChange{ID: root, RootSeq: 2, Answers: chat.Answers{Count: 2, LastSeq: 4}}),
			`"thread_id":"` + root + `","thread_count":2,"thread_last_seq":4`, ""},
		{deletion(chat.ThreadChange{ID: root, RootSeq: 2}), `"thread_id":"` + root + `","thread_count":0,"epoch"`, `"thread_last_seq"`},
		{deletion(chat.ThreadChange{ID: root, RootSeq: 2, Answers: chat.Answers{Count: 2, LastSeq: 4}}).As(3), `"thread_id":"` + root + `","epoch"`, `"thread_count"`},
		{deletion(chat.ThreadChange{ID: root}), `"thread_id":"` + root + `","epoch"`, `"thread_count"`},
	} {
		got := string(wire.AppendEvent(nil, c.event, epoch, false))
		if !strings.Contains(got, c.has) || c.lacks != "" && strings.Contains(got, c.lacks) {
			t.Errorf("%s: want %s, not %q", got, c.has, c.lacks)
		}
	}
}
