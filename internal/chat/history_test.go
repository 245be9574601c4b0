// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
)

// page is what matters of a page.
type page struct {
	Seqs     []uint64
	From, To uint64
	More     bool
}

func (w *world) history(u chat.UserID, id chat.RoomID, q chat.HistoryQuery) page {
	w.t.Helper()
	p := read[*chat.Page](w.t)(w.History(w.t.Context(), who(u), id, q))
	out := page{From: p.From, To: p.To, More: p.HasMore}
	for _, e := range p.Messages {
		out.Seqs = append(out.Seqs, e.Seq)
	}
	return out
}

// The log of r: 1 ann joined, 2 bob joined (both messages of the system), 3 renamed (no message), 4..8 texts, one a
// second, 9 renamed.
func historyWorld(t *testing.T) (*world, []chat.ID) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("x")})
	w.settle()
	var ids []chat.ID
	for i := range 5 {
		w.clock.Add(time.Second)
		ids = append(ids, done(t, w.Send(by("ann"), "r", text(fmt.Sprint(i)))).MessageID)
	}
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("y")}))
	return w, ids
}

func TestHistory(t *testing.T) {
	w, ids := historyWorld(t)
	now := w.clock.Time()
	for _, c := range []struct {
		name string
		q    chat.HistoryQuery
		want page
	}{
		{"all", chat.HistoryQuery{}, page{[]uint64{8, 7, 6, 5, 4, 2, 1}, 1, 9, false}},
		{"newest", chat.HistoryQuery{Limit: 2}, page{[]uint64{8, 7}, 7, 9, true}},
		{"next older", chat.HistoryQuery{Limit: 2, BeforeSeq: 7}, page{[]uint64{6, 5}, 5, 6, true}},
		{"oldest", chat.HistoryQuery{Limit: 2, BeforeSeq: 4}, page{[]uint64{2, 1}, 1, 3, false}},
		{"before the first", chat.HistoryQuery{BeforeSeq: 1}, page{}},
		{"before what is to come", chat.HistoryQuery{Limit: 1, BeforeSeq: math.MaxUint64}, page{[]uint64{8}, 8, 9, true}},
		{"limit is capped", chat.HistoryQuery{Limit: 1 << 40}, page{[]uint64{8, 7, 6, 5, 4, 2, 1}, 1, 9, false}},
		{"after the beginning", chat.HistoryQuery{AfterSeq: ptr(uint64(0)), Limit: 3}, page{[]uint64{1, 2, 4}, 1, 4, true}},
		{"after", chat.HistoryQuery{AfterSeq: ptr(uint64(4)), Limit: 2}, page{[]uint64{5, 6}, 5, 6, true}},
		{"after, to the end", chat.HistoryQuery{AfterSeq: ptr(uint64(6))}, page{[]uint64{7, 8}, 7, 9, false}},
		{"after the last message", chat.HistoryQuery{AfterSeq: ptr(uint64(8))}, page{nil, 9, 9, false}},
		{"after the head", chat.HistoryQuery{AfterSeq: ptr(uint64(9))}, page{}},
		{"after what is to come", chat.HistoryQuery{AfterSeq: ptr(uint64(math.MaxUint64))}, page{}},
		{"before a time", chat.HistoryQuery{Before: now}, page{[]uint64{7, 6, 5, 4, 2, 1}, 1, 7, false}},
		{"before a time, limited", chat.HistoryQuery{Before: now.Add(-time.Second), Limit: 2}, page{[]uint64{6, 5}, 5, 6, true}},
		{"before all time", chat.HistoryQuery{Before: 1}, page{}},
		{"before a time to come", chat.HistoryQuery{Before: now.Add(time.Hour), Limit: 1}, page{[]uint64{8}, 8, 8, true}},
		{"around", chat.HistoryQuery{Around: ids[2], Limit: 3}, page{[]uint64{7, 6, 5}, 5, 7, true}},
		{"around the newest", chat.HistoryQuery{Around: ids[4], Limit: 3}, page{[]uint64{8, 7, 6}, 6, 9, true}},
		{"around the first", chat.HistoryQuery{Around: w.first("r"), Limit: 3}, page{[]uint64{2, 1}, 1, 2, false}},
		{"around, wide", chat.HistoryQuery{Around: ids[2]}, page{[]uint64{8, 7, 6, 5, 4, 2, 1}, 1, 9, false}},
		{"around, one", chat.HistoryQuery{Around: ids[2], Limit: 1}, page{[]uint64{6}, 6, 6, true}},
		{"around, two", chat.HistoryQuery{Around: ids[2], Limit: 2}, page{[]uint64{7, 6}, 6, 7, true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, w.history("bob", "r", c.q)); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, q := range []chat.HistoryQuery{{Around: chat.ID{9}}, {Around: done(t, w.SendPrivate(by("ann"), "bob", text("x"))).MessageID}} {
		_, err := w.History(t.Context(), who("bob"), "r", q)
		isRefusal(t, err, chat.NotFound)
	}
	_, err := w.History(t.Context(), who("bob"), "r", chat.HistoryQuery{Limit: -1})
	isRefusal(t, err, chat.BadRequest)
}

// Walking by pages in either direction meets every message once, and what the pages cover has no hole.
func TestHistoryWalk(t *testing.T) {
	w, _ := historyWorld(t)
	for limit := 1; limit <= 8; limit++ {
		var down, up []uint64
		for before := uint64(0); ; {
			p := w.history("bob", "r", chat.HistoryQuery{Limit: limit, BeforeSeq: before})
			if before != 0 && p.To != before-1 {
				t.Fatalf("limit %d: a page before %d covers up to %d", limit, before, p.To)
			}
			down = append(down, p.Seqs...)
			if before = p.From; !p.More {
				break
			}
		}
		for after := uint64(0); ; {
			p := w.history("bob", "r", chat.HistoryQuery{Limit: limit, AfterSeq: &after})
			if p.From != after+1 {
				t.Fatalf("limit %d: a page after %d covers from %d", limit, after, p.From)
			}
			up = append(up, p.Seqs...)
			if after = p.To; !p.More {
				break
			}
		}
		if diff := cmp.Diff([]uint64{8, 7, 6, 5, 4, 2, 1}, down); diff != "" {
			t.Errorf("down by %d: %s", limit, diff)
		}
		if diff := cmp.Diff([]uint64{1, 2, 4, 5, 6, 7, 8}, up); diff != "" {
			t.Errorf("up by %d: %s", limit, diff)
		}
	}
}

// Members of a private room see it from their latest joining on; public rooms show all, unless their settings say otherwise.
func TestVisibleHistory(t *testing.T) {
	w := newWorld(t)
	w.room("p", true)
	w.room("r", false)
	for _, id := range []chat.RoomID{"p", "r"} {
		w.Send(by("ann"), id, text("early")) // 2
		w.Invite(by("ann"), id, "bob")       // 3
		w.Send(by("ann"), id, text("then"))  // 4
		w.Leave(by("bob"), id)               // 5
		w.Send(by("ann"), id, text("away"))  // 6
		w.Invite(by("ann"), id, "bob")       // 7
		w.Send(by("ann"), id, text("late"))  // 8
	}
	w.settle()
	if diff := cmp.Diff(page{[]uint64{8, 7}, 7, 8, false}, w.history("bob", "p", chat.HistoryQuery{})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(page{[]uint64{7, 8}, 7, 8, false}, w.history("bob", "p", chat.HistoryQuery{AfterSeq: ptr(uint64(1))})); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(page{}, w.history("bob", "p", chat.HistoryQuery{BeforeSeq: 7})); diff != "" {
		t.Error(diff)
	}
	_, err := w.History(t.Context(), who("bob"), "p", chat.HistoryQuery{Around: w.log("p")[1].MessageID})
	isRefusal(t, err, chat.NotFound)
	if got := w.history("bob", "r", chat.HistoryQuery{}); len(got.Seqs) != 8 || got.From != 1 {
		t.Errorf("of the public room: %+v", got)
	}
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{History: ptr(chat.VisibleJoined)}))
	if diff := cmp.Diff(page{[]uint64{8, 7}, 7, 9, false}, w.history("bob", "r", chat.HistoryQuery{})); diff != "" {
		t.Error(diff)
	}
	refused(t, w.Send(by("bob"), "p", chat.NewMessage{Content: "x", ReplyTo: w.log("p")[1].MessageID}), chat.NotFound)
	s := read[*chat.Synced](t)(w.Sync(t.Context(), who("bob"), map[chat.RoomID]uint64{"p": 0}, 0))
	if len(s.Events) != 2 || s.Events[0].Seq != 7 {
		t.Errorf("sync gives %+v", s.Events)
	}
}

func TestSync(t *testing.T) {
	limits := chat.DefaultLimits()
	limits.MaxSyncEvents = 6
	w := newWorldWith(t, limits)
	for _, id := range []chat.RoomID{"a", "b", "c", "foreign"} {
		w.room(id, false)
		if id != "foreign" {
			w.Join(by("bob"), id)
		}
		for range 3 {
			w.Send(by("ann"), id, text("x"))
		}
	}
	w.settle()
	sync := func(after map[chat.RoomID]uint64, limit int) (got []string, s *chat.Synced) {
		t.Helper()
		s = read[*chat.Synced](t)(w.Sync(t.Context(), who("bob"), after, limit))
		for _, e := range s.Events {
			got = append(got, fmt.Sprint(e.RoomID, e.Seq))
		}
		return got, s
	}
	got, s := sync(nil, 0)
	if len(got) != 0 || s.HasMore || len(s.Rooms) != 5 { // announcements, a, b, c, own log
		t.Errorf("without rooms: %v %v %d", got, s.HasMore, len(s.Rooms))
	}
	head := s.Rooms[0]
	for _, m := range s.Rooms {
		if m.Room.ID == "a" {
			head = m
		}
	}
	if head.Room.LastSeq != 5 || head.Unread != 3 || head.Member.JoinedSeq != 2 {
		t.Errorf("the head of a is %+v", head)
	}
	after := map[chat.RoomID]uint64{"a": 3, "b": 0, "c": 4, "foreign": 0, "nowhere": 0}
	got, s = sync(after, 100)
	if diff := cmp.Diff([]string{"a4", "a5", "b1", "b2", "b3", "b4"}, got); diff != "" || !s.HasMore {
		t.Errorf("the first page: more %v %s", s.HasMore, diff)
	}
	after["a"], after["b"] = 5, 4
	got, s = sync(after, 1)
	if diff := cmp.Diff([]string{"b5"}, got); diff != "" || !s.HasMore {
		t.Errorf("the second page: more %v %s", s.HasMore, diff)
	}
	after["b"] = 5
	got, s = sync(after, 1)
	if diff := cmp.Diff([]string{"c5"}, got); diff != "" || s.HasMore {
		t.Errorf("the last page: more %v %s", s.HasMore, diff)
	}
	if got, s = sync(map[chat.RoomID]uint64{"a": 5, "b": math.MaxUint64, "c": 99}, 0); len(got) != 0 || s.HasMore {
		t.Errorf("past the heads: %v %v", got, s.HasMore)
	}
	_, err := w.Sync(t.Context(), who("bob"), nil, -1)
	isRefusal(t, err, chat.BadRequest)
}

// Unread are messages of people after the joining, or what was read or sent last.
func TestUnread(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	w.room("p", true)
	unread := func(u chat.UserID, id chat.RoomID) uint64 {
		t.Helper()
		s := read[*chat.Synced](t)(w.Sync(t.Context(), who(u), nil, 0))
		for _, m := range s.Rooms {
			if m.Room.ID == id {
				return m.Unread
			}
		}
		t.Fatalf("%s is not in %s", u, id)
		return 0
	}
	for _, id := range []chat.RoomID{"r", "p"} {
		w.Send(by("ann"), id, text("1"))
		w.Send(by("ann"), id, text("2"))
		w.Invite(by("ann"), id, "bob")
		done(t, w.Send(by("ann"), id, text("3")))
	}
	for _, c := range []struct {
		user chat.UserID
		room chat.RoomID
		want uint64
	}{{"ann", "r", 0}, {"bob", "r", 1}, {"bob", "p", 1}, {"ann", "p", 0}} {
		if got := unread(c.user, c.room); got != c.want {
			t.Errorf("%s has %d unread in %s, want %d", c.user, got, c.room, c.want)
		}
	}
	done(t, w.Send(by("bob"), "r", text("4"))) // who answers has read
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("x")}))
	if a, b := unread("ann", "r"), unread("bob", "r"); a != 1 || b != 0 {
		t.Errorf("after the answer ann has %d unread and bob %d", a, b)
	}
	w.Leave(by("bob"), "r")
	w.Send(by("ann"), "r", text("5"))
	done(t, w.Join(by("bob"), "r"))
	if n := unread("bob", "r"); n != 0 {
		t.Errorf("who came back has %d unread", n)
	}
	done(t, w.MarkRead(by("bob"), "r", ptr[uint64](0), true)) // it is there all the same
	if n := unread("bob", "r"); n != 5 {
		t.Errorf("of the whole log %d are unread, want 5", n)
	}
}

// Pages are bounded by their texts, whatever they list, and go on to the end all the same.
func TestPagesOfLongTextsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false)
	const times, bound = 70, 128<<10 + 10_000 // at least one is shown, however long
	for i := range times {
		long := strings.Repeat(string(rune('α'+i%20)), 1000) // 2000 bytes
		w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Description: &long})
		w.CreateRoom(by("ann"), chat.NewRoom{ID: chat.RoomID(fmt.Sprintf("x%02d", i)), Name: "X", Description: long})
	}
	w.settle()
	pages := func(what string, want int, page func() (items, bytes int, more bool)) {
		t.Helper()
		n, asked := 0, 0
		for more := true; more; asked++ {
			var items, bytes int
			if items, bytes, more = page(); items == 0 || bytes > bound {
				t.Fatalf("%s: a page of %d with %d bytes", what, items, bytes)
			}
			n += items
		}
		if n != want || asked < 2 {
			t.Errorf("%s: %d on %d pages, want %d", what, n, asked, want)
		}
	}
	before := int64(0)
	pages("audit", times, func() (items, bytes int, more bool) {
		list, more, err := w.AuditLog(t.Context(), who("ann"), "r", before, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range list {
			before, bytes = a.ID, bytes+len(a.Reason)
		}
		return len(list), bytes, more
	})
	after := chat.RoomID("s")
	pages("rooms", times, func() (items, bytes int, more bool) {
		list, more, err := w.PublicRooms(t.Context(), "", after, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			after, bytes = r.ID, bytes+len(r.Description)
		}
		return len(list), bytes, more
	})
	seen := uint64(1)
	pages("sync", times, func() (items, bytes int, more bool) {
		s := read[*chat.Synced](t)(w.Sync(t.Context(), who("ann"), map[chat.RoomID]uint64{"r": seen}, 0))
		for _, e := range s.Events {
			seen, bytes = e.Seq, bytes+len(*e.Details.Changes.Description)
		}
		return len(s.Events), bytes, s.HasMore
	})
}
