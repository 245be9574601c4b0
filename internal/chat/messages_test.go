// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
)

// What can be done to a message of dan, a plain member.
var messageActs = []struct {
	name string
	do   func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome
}{
	{"edit", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome {
		return of(t, w.Edit(c, id, "new "+string(c.UserID), chat.Unflagged))
	}},
	{"react", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.React(c, id, "👍")) }},
	{"unreact", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.Unreact(c, id, "👍")) }},
	{"pin", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.Pin(c, id)) }},
	{"unpin", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.Unpin(c, id)) }},
	{"report", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.Report(c, id, "why")) }},
	{"thread", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome {
		return reading(t, func(ctx context.Context) (*chat.ThreadPage, error) {
			return w.Thread(ctx, c.Principal, id, chat.ThreadQuery{})
		})
	}},
	{"versions", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome {
		return reading(t, func(ctx context.Context) (*chat.VersionPage, error) { return w.Versions(ctx, c.Principal, id, 0, 0) })
	}},
	{"delete", func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome { return of(t, w.Delete(c, id)) }},
}

// Who may what. Columns: ann the owner, bob a moderator, cat a member, dan who wrote the message, eve who is muted, root an
// administrator who is not in the room, a stranger, and somebody banned. BR is bad_request, M muted; the rest as in
// access_test.go.
const (
	publicMessageRights = `
		edit     F  F  F  ok F  NM NM B
		react    ok ok ok ok M  NM NM B
		unreact  ok ok ok ok M  NM NM B
		pin      ok ok F  F  F  NM NM B
		unpin    ok ok F  F  F  NM NM B
		report   ok ok ok BR ok NM NM B
		thread   ok ok ok ok ok NM NM B
		versions ok ok F  F  F  ok NM B
		delete   ok ok F  ok F  ok NM B`
	privateMessageRights = `
		edit     F  F  F  ok F  NF NF B
		react    ok ok ok ok M  NF NF B
		unreact  ok ok ok ok M  NF NF B
		pin      ok ok F  F  F  NF NF B
		unpin    ok ok F  F  F  NF NF B
		report   ok ok ok BR ok NF NF B
		thread   ok ok ok ok ok NF NF B
		versions ok ok F  F  F  ok NF B
		delete   ok ok F  ok F  ok NF B`
	lockedMessageRights = `
		edit     F  F  F  F  F  NM NM B
		react    ok ok F  F  M  NM NM B
		delete   ok ok F  ok F  ok NM B`
	readOnlyMessageRights = `
		edit     F  F  F  F  F  NM NM B
		react    ok ok ok ok M  NM NM B
		delete   ok ok F  ok F  ok NM B`
)

func TestRightsOverMessages(t *testing.T) {
	t.Parallel()
	codes := map[string]chat.Code{"ok": "", "F": chat.Forbidden, "NM": chat.NotMember, "NF": chat.NotFound, "B": chat.Banned, "M": chat.Muted, "BR": chat.BadRequest}
	columns := []chat.UserID{"ann", "bob", "cat", "dan", "eve", root, "stranger", "banned"}
	w := newWorld(t)
	w.CreateUser(chat.NewUser{ID: "stranger"})
	w.CreateUser(chat.NewUser{ID: "banned"})
	n := 0
	for _, c := range []struct {
		kind, rights string
	}{{"public", publicMessageRights}, {"private", privateMessageRights}, {"locked", lockedMessageRights}, {"read-only", readOnlyMessageRights}} {
		for line := range strings.Lines(strings.TrimSpace(c.rights)) {
			cells := strings.Fields(line)
			i := slices.IndexFunc(messageActs, func(a struct {
				name string
				do   func(t testing.TB, w *world, c chat.Call, id chat.ID) outcome
			}) bool {
				return a.name == cells[0]
			})
			for j, u := range columns {
				n++
				room := chat.RoomID(fmt.Sprintf("m%d", n))
				w.room(room, c.kind == "private", "bob", "cat", "dan", "eve")
				w.Moderate(by("ann"), room, act(chat.ActionPromote, "bob"))
				w.Moderate(by("ann"), room, act(chat.ActionBan, "banned"))
				m := done(t, w.Send(by("dan"), room, text("old")))
				w.Moderate(by("ann"), room, actFor(chat.ActionMute, "eve", time.Hour))
				switch c.kind {
				case "locked":
					w.Moderate(by("ann"), room, act(chat.ActionLock, ""))
				case "read-only":
					w.UpdateRoom(by("ann"), room, chat.RoomPatch{ReadOnly: ptr(true)})
				}
				w.settle()
				if got, want := messageActs[i].do(t, w, by(u), m.MessageID)(), codes[cells[j+1]]; got != want {
					t.Errorf("%s room: %s by %s: %q, want %q", c.kind, cells[0], u, got, want)
				}
			}
		}
	}
}

// What nobody can touch, and what those who came later cannot.
func TestMessagesThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("p", true, "bob")
	m := done(t, w.Send(by("bob"), "p", text("before")))
	w.Invite(by("ann"), "p", "cat")
	w.settle()
	joined := w.log("p")[0].MessageID
	for _, a := range messageActs {
		if got := a.do(t, w, by("cat"), m.MessageID)(); got != chat.NotFound {
			t.Errorf("%s of a message from before one's joining: %q", a.name, got)
		}
		want := chat.NotFound
		if a.name == "thread" { // it may be answered
			want = ""
		}
		if got := a.do(t, w, by("ann"), joined)(); got != want {
			t.Errorf("%s of a system message: %q", a.name, got)
		}
		if got := a.do(t, w, by(root), chat.ID{9})(); got != chat.NotFound {
			t.Errorf("%s of nothing: %q", a.name, got)
		}
	}
	e := done(t, w.Edit(by("bob"), m.MessageID, "secret @ann", chat.Unflagged))
	s := read[*chat.Synced](t)(w.Sync(t.Context(), who("cat"), map[chat.RoomID]uint64{"p": e.Seq - 1}, 0))
	if len(s.Events) != 1 || s.Events[0].Kind != chat.MessageEdited || s.Events[0].Content != "" || s.Events[0].Details != nil {
		t.Errorf("who came later is told %+v", s.Events)
	}
	s = read[*chat.Synced](t)(w.Sync(t.Context(), who("ann"), map[chat.RoomID]uint64{"p": e.Seq - 1}, 0))
	if s.Events[0].Content != "secret @ann" || !slices.Equal(s.Events[0].Details.Mentions, []chat.UserID{"ann"}) {
		t.Errorf("who was there is told %+v", s.Events[0])
	}
	done(t, w.Pin(by("ann"), m.MessageID))
	if p := read[*chat.PinPage](t)(w.Pins(t.Context(), who("cat"), "p", 0)); len(p.Pins) != 0 {
		t.Errorf("who came later sees pinned %+v", p.Pins[0].Message)
	}
	answer := done(t, w.Reply(by("ann"), m.MessageID, text("yes")))
	p := read[*chat.ThreadPage](t)(w.Thread(t.Context(), who("cat"), answer.MessageID, chat.ThreadQuery{}))
	if p.Root != nil || p.RootID != m.MessageID || len(p.Messages) != 1 {
		t.Errorf("who came later sees the thread %+v", p)
	}
}

func TestDeletedTextIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	own := done(t, w.Send(by("bob"), "r", text("one @cat")))
	moderated := done(t, w.Send(by("bob"), "r", text("two")))
	for _, m := range []chat.Sent{own, moderated} {
		done(t, w.Edit(by("bob"), m.MessageID, "three @cat", chat.Flagged))
		done(t, w.React(by("cat"), m.MessageID, "👍"))
		done(t, w.Pin(by("ann"), m.MessageID))
	}
	first := done(t, w.Delete(by("bob"), own.MessageID))
	done(t, w.Delete(by("ann"), moderated.MessageID))
	if again := done(t, w.Delete(by("bob"), own.MessageID)); again.Seq != 0 || first.Seq == 0 {
		t.Errorf("deleted twice: %+v, %+v", first, again)
	}
	r := read[*chat.Room](t)(w.store.ReadRoom(t.Context(), "r"))
	for _, e := range read[[]*chat.Event](t)(w.store.Log(t.Context(), r, chat.LogQuery{})) {
		if strings.Contains(e.Content, "one") || strings.Contains(e.Content, "two") || strings.Contains(e.Content, "three") || e.Reactions != nil || e.Flagged ||
			e.Details != nil && e.Details.Mentions != nil {
			t.Errorf("the log still has %+v (%+v)", e, e.Details)
		}
		if e.Kind == chat.Text && !e.Deleted {
			t.Errorf("no tombstone: %+v", e)
		}
	}
	if p := read[*chat.PinPage](t)(w.Pins(t.Context(), who("bob"), "r", 0)); len(p.Pins) != 0 {
		t.Errorf("still pinned: %+v", p.Pins)
	}
	if v := read[*chat.VersionPage](t)(w.Versions(t.Context(), who("ann"), own.MessageID, 0, 0)); len(v.Versions) != 0 {
		t.Errorf("of what its author deleted is kept %+v", v.Versions)
	}
	v := read[*chat.VersionPage](t)(w.Versions(t.Context(), who("ann"), moderated.MessageID, 0, 0))
	if len(v.Versions) != 2 || v.Versions[0].Content != "three @cat" || v.Versions[0].ReplacedBy != "ann" || v.Versions[1].Content != "two" {
		t.Errorf("of what a moderator deleted is kept %+v", v.Versions)
	}
	page := read[*chat.VersionPage](t)(w.Versions(t.Context(), who("ann"), moderated.MessageID, 0, 1))
	rest := read[*chat.VersionPage](t)(w.Versions(t.Context(), who("ann"), moderated.MessageID, page.Versions[0].Seq, 1))
	if !page.HasMore || rest.HasMore || rest.Versions[0].Content != "two" {
		t.Errorf("in pages: %+v, %+v", page, rest)
	}
	for _, p := range []outcome{of(t, w.Edit(by("bob"), own.MessageID, "x", chat.Unflagged)), of(t, w.React(by("bob"), own.MessageID, "👍")),
		of(t, w.Pin(by("ann"), own.MessageID)), of(t, w.Report(by("ann"), own.MessageID, "x"))} {
		if code := p(); code != chat.Conflict {
			t.Errorf("of a deleted message: %q", code)
		}
	}
	if h := read[*chat.Page](t)(w.History(t.Context(), who("cat"), "r", chat.HistoryQuery{})); len(h.Messages) != 5 {
		t.Errorf("%d messages in the history", len(h.Messages))
	}
}

func TestNobodyDeletesAboveThem(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat", root)
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
	owners := done(t, w.Send(by("ann"), "r", text("owner")))
	administrators := done(t, w.Send(by(root), "r", text("administrator")))
	refused(t, w.Delete(by("bob"), owners.MessageID), chat.Forbidden)
	refused(t, w.Delete(by("ann"), administrators.MessageID), chat.Forbidden)
	done(t, w.Delete(by(second), administrators.MessageID)) // not a member
	left := done(t, w.Send(by("cat"), "r", text("gone")))
	done(t, w.Leave(by("cat"), "r"))
	refused(t, w.Delete(by("cat"), left.MessageID), chat.NotMember)
	done(t, w.Delete(by("bob"), left.MessageID))
	private := done(t, w.SendPrivate(by("ann"), "bob", text("psst")))
	refused(t, w.Delete(by("bob"), private.MessageID), chat.Forbidden)
	refused(t, w.Edit(by(root), private.MessageID, "x", chat.Unflagged), chat.NotFound)
	done(t, w.Pin(by("bob"), private.MessageID))
	done(t, w.SetBlock(by("bob"), "ann", true))
	refused(t, w.Edit(by("ann"), private.MessageID, "and another thing", chat.Unflagged), chat.Forbidden)
	refused(t, w.React(by("ann"), private.MessageID, "👍"), chat.Forbidden)
}

// What two people say to each other is closed to administrators, but for what one of the two has reported, while the report is open.
func TestAdministratorsSeeOfPrivateConversationsWhatWasReported(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := done(t, w.SendPrivate(by("ann"), "bob", text("psst"))).MessageID
	other := done(t, w.SendPrivate(by("ann"), "bob", text("just us"))).MessageID
	done(t, w.Edit(by("ann"), m, "pssst", chat.Unflagged))
	versions := func(id chat.ID, want chat.Code) {
		t.Helper()
		if _, err := w.Versions(t.Context(), who(root), id, 0, 0); chat.CodeOf(err) != want {
			t.Errorf("earlier texts: %v, want %q", err, want)
		}
	}
	versions(m, chat.NotFound)
	refused(t, w.Delete(by(root), m), chat.NotFound)
	done(t, w.Report(by("bob"), m, "rude"))
	versions(m, "")
	versions(other, chat.NotFound)
	refused(t, w.Delete(by(root), other), chat.NotFound)
	refused(t, w.React(by(root), m, "👍"), chat.NotFound)
	done(t, w.Delete(by(root), m))
	if v := read[*chat.VersionPage](t)(w.Versions(t.Context(), who(root), m, 0, 0)); len(v.Versions) != 2 || v.Versions[0].Content != "pssst" {
		t.Errorf("of what was deleted is kept %+v", v.Versions)
	}
	done(t, w.CloseReport(by(root), 1, chat.ReportResolved))
	versions(m, chat.NotFound)
}

func TestReactions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	m := done(t, w.Send(by("ann"), "r", text("hi"))).MessageID
	one := done(t, w.React(once("bob", "k"), m, "👍"))
	again := done(t, w.React(once("bob", "k"), m, "👍"))
	if !again.Duplicate || again.Seq != one.Seq || fmt.Sprint(again.Reactions) != fmt.Sprint(one.Reactions) {
		t.Errorf("a repeat: %+v, %+v", one, again)
	}
	if same := done(t, w.React(by("bob"), m, "👍")); same.Seq != 0 || len(same.Reactions) != 1 {
		t.Errorf("the same emoji: %+v", same)
	}
	refused(t, w.React(by("bob"), m, ""), chat.BadRequest)
	refused(t, w.React(by("bob"), m, strings.Repeat("👍", 17)), chat.BadRequest)
	for i := range chat.MaxReactionKinds - 1 {
		w.React(by("cat"), m, fmt.Sprintf("e%02d", i))
	}
	refused(t, w.React(by("cat"), m, "more"), chat.Conflict)
	done(t, w.React(by("cat"), m, "👍")) // a kind that is there
	done(t, w.Unreact(by("bob"), m, "👍"))
	out := done(t, w.Unreact(by("cat"), m, "👍"))
	if len(out.Reactions) != chat.MaxReactionKinds-1 {
		t.Errorf("%d kinds are left", len(out.Reactions))
	}
	done(t, w.React(by("bob"), m, "more"))
	for i := range chat.MaxReactionKinds - 1 {
		w.Unreact(by("cat"), m, fmt.Sprintf("e%02d", i))
	}
	done(t, w.Unreact(by("bob"), m, "more"))
	h := read[*chat.Page](t)(w.History(t.Context(), who("cat"), "r", chat.HistoryQuery{Limit: 1}))
	if len(h.Messages[0].Reactions) != 0 {
		t.Errorf("left over: %+v", h.Messages[0].Reactions)
	}
}

// Of many users only some are named, and all are counted.
func TestReactionsOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	m := done(t, w.Broadcast(by(root), text("hear, hear"))).MessageID
	const many = chat.ListedReactions + 20
	var last *chat.Pending[chat.Reacted]
	for i := range many {
		u := chat.UserID(fmt.Sprintf("user%03d", i))
		w.CreateUser(chat.NewUser{ID: u})
		last = w.React(by(u), m, "👍")
	}
	r := done(t, last).Reactions[0]
	if r.Count != many || len(r.Users) != chat.ListedReactions || r.Users[0] != "user000" {
		t.Errorf("%d counted, %d named, first %s", r.Count, len(r.Users), r.Users[0])
	}
	log := w.log(chat.Announcements)
	if e := log[len(log)-1]; e.Details.Count != many {
		t.Errorf("the event says %d", e.Details.Count)
	}
}

func TestPinsAreBounded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false)
	var ids []chat.ID
	for range chat.MaxPins + 1 {
		ids = append(ids, done(t, w.Send(by("ann"), "r", text(strings.Repeat("x", 3900)))).MessageID)
	}
	for _, id := range ids[:chat.MaxPins] {
		w.Pin(by("ann"), id)
	}
	refused(t, w.Pin(by("ann"), ids[chat.MaxPins]), chat.Conflict)
	if again := done(t, w.Pin(by("ann"), ids[0])); again.Seq != 0 {
		t.Errorf("pinned twice: %+v", again)
	}
	done(t, w.Unpin(by("ann"), ids[0]))
	done(t, w.Pin(by("ann"), ids[chat.MaxPins]))
	var seen []chat.ID
	before := uint64(0)
	for pages := 1; ; pages++ {
		p := read[*chat.PinPage](t)(w.Pins(t.Context(), who("ann"), "r", before))
		for _, pin := range p.Pins {
			seen, before = append(seen, pin.Message.MessageID), pin.Seq
		}
		if !p.HasMore {
			if pages < 2 {
				t.Error("one page has it all: it is not bounded")
			}
			break
		}
	}
	slices.Reverse(seen)
	if !slices.Equal(seen, ids[1:]) {
		t.Errorf("pinned are %v", seen)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	w.room("other", false, "bob")
	m := done(t, w.Send(by("bob"), "r", text("bad"))).MessageID
	done(t, w.Report(by("cat"), m, "spam"))
	done(t, w.Report(by("cat"), m, "spam again"))
	done(t, w.Report(by("ann"), m, "me too"))
	private := done(t, w.SendPrivate(by("ann"), "bob", text("psst"))).MessageID
	done(t, w.Report(by("bob"), private, "rude"))
	done(t, w.Delete(by("bob"), m))
	list := func(u chat.UserID, room chat.RoomID, status chat.ReportStatus) []chat.Report {
		t.Helper()
		return read[*chat.ReportPage](t)(w.Reports(t.Context(), who(u), room, status, 0, 0)).Reports
	}
	all := list(root, "", chat.ReportOpen)
	if len(all) != 3 || all[0].RoomID != chat.DirectID("ann", "bob") || all[1].Reporter != "ann" || all[2].Reason != "spam" || all[2].Content != "bad" || all[2].Sender != "bob" {
		t.Fatalf("the reports are %+v", all)
	}
	if own := list("ann", "r", chat.ReportOpen); len(own) != 2 {
		t.Errorf("the owner sees %+v", own)
	}
	if none := list("ann", "other", ""); len(none) != 0 {
		t.Errorf("of another room: %+v", none)
	}
	page := read[*chat.ReportPage](t)(w.Reports(t.Context(), who(root), "", "", 0, 1))
	rest := read[*chat.ReportPage](t)(w.Reports(t.Context(), who(root), "", "", page.Reports[0].Num, 5))
	if !page.HasMore || rest.HasMore || len(rest.Reports) != 2 {
		t.Errorf("in pages: %+v, %+v", page, rest)
	}
	for u, room := range map[chat.UserID]chat.RoomID{"cat": "r", "ann": chat.DirectID("ann", "bob"), "bob": ""} {
		if _, err := w.Reports(t.Context(), who(u), room, "", 0, 0); chat.CodeOf(err) != chat.Forbidden {
			t.Errorf("reports of %q for %s: %v", room, u, err)
		}
	}
	refused(t, w.CloseReport(by("cat"), all[1].Num, chat.ReportResolved), chat.NotFound)
	refused(t, w.CloseReport(by("ann"), all[0].Num, chat.ReportResolved), chat.NotFound)
	refused(t, w.CloseReport(by("ann"), 99, chat.ReportResolved), chat.NotFound)
	done(t, w.CloseReport(by("ann"), all[1].Num, chat.ReportDismissed))
	done(t, w.CloseReport(by("ann"), all[1].Num, chat.ReportDismissed))
	refused(t, w.CloseReport(by("ann"), all[1].Num, chat.ReportResolved), chat.Conflict)
	closed := list("ann", "r", chat.ReportDismissed)
	if len(closed) != 1 || closed[0].ClosedBy != "ann" || closed[0].Content != "" {
		t.Errorf("closed: %+v", closed)
	}
}

func TestThreads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob")
	first := done(t, w.Send(by("ann"), "r", text("root")))
	var seqs []uint64
	last := first.MessageID
	for i := range 5 {
		w.Send(by("bob"), "r", text("between"))
		s := done(t, w.Reply(by("bob"), last, text(fmt.Sprint("answer ", i))))
		last, seqs = s.MessageID, append(seqs, s.Seq)
	}
	for _, c := range []struct {
		q    chat.ThreadQuery
		want []uint64
		more bool
	}{
		{chat.ThreadQuery{}, seqs, false},
		{chat.ThreadQuery{Limit: 2}, seqs[:2], true},
		{chat.ThreadQuery{Limit: 2, AfterSeq: seqs[1]}, seqs[2:4], true},
		{chat.ThreadQuery{Limit: 2, AfterSeq: seqs[3]}, seqs[4:], false},
		{chat.ThreadQuery{Limit: 2, BeforeSeq: seqs[4]}, seqs[2:4], true},
		{chat.ThreadQuery{Limit: 5, BeforeSeq: seqs[2]}, seqs[:2], false},
		{chat.ThreadQuery{BeforeSeq: 1}, nil, false},
		{chat.ThreadQuery{AfterSeq: 1 << 62}, nil, false},
	} {
		for _, id := range []chat.ID{first.MessageID, last} {
			p := read[*chat.ThreadPage](t)(w.Thread(t.Context(), who("ann"), id, c.q))
			var got []uint64
			for _, m := range p.Messages {
				got = append(got, m.Seq)
			}
			if p.Root == nil || p.Root.Seq != first.Seq || !slices.Equal(got, c.want) || p.HasMore != c.more {
				t.Errorf("%+v: root %+v, %v, more %v; want %v, %v", c.q, p.Root, got, p.HasMore, c.want, c.more)
			}
		}
	}
}

// What an answer's deletion tells, and to whom.
func TestAnswersAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("p", true, "bob")
	first := done(t, w.Send(by("ann"), "p", text("root"))).MessageID
	one := done(t, w.Reply(by("bob"), first, text("one")))
	done(t, w.Invite(by("ann"), "p", "cat"))
	two := done(t, w.Reply(by("ann"), one.MessageID, text("two")))
	done(t, w.Send(by("bob"), "p", chat.NewMessage{Content: "beside", ReplyTo: first})) // in no thread
	answers := func(want chat.Answers) {
		t.Helper()
		p := read[*chat.ThreadPage](t)(w.Thread(t.Context(), who("bob"), two.MessageID, chat.ThreadQuery{}))
		h := read[*chat.Page](t)(w.History(t.Context(), who("bob"), "p", chat.HistoryQuery{Around: first, Limit: 1}))
		if p.Root.Answers != want || h.Messages[0].Answers != want {
			t.Errorf("in the thread %+v, in the history %+v, want %+v", p.Root.Answers, h.Messages[0].Answers, want)
		}
	}
	answers(chat.Answers{Count: 2, LastSeq: two.Seq})
	gone := done(t, w.Delete(by("ann"), two.MessageID))
	done(t, w.Delete(by("ann"), two.MessageID))
	answers(chat.Answers{Count: 1, LastSeq: one.Seq})
	for u, want := range map[chat.UserID]chat.Answers{"bob": {Count: 1, LastSeq: one.Seq}, "cat": {}} { // cat cannot see the first message
		s := read[*chat.Synced](t)(w.Sync(t.Context(), who(u), map[chat.RoomID]uint64{"p": gone.Seq - 1}, 0))
		d := s.Events[0].Details
		if len(s.Events) != 1 || d == nil || d.Thread == nil || d.Thread.ID != first.String() || d.Thread.Answers != want || (d.Thread.RootSeq == 0) != (u == "cat") {
			t.Errorf("%s is told %+v", u, d)
		}
	}
	done(t, w.Delete(by("ann"), first)) // its thread stays
	answers(chat.Answers{Count: 1, LastSeq: one.Seq})
	done(t, w.RemoveUser("bob"))
	if e := read[*chat.Event](t)(w.store.ReadMessage(t.Context(), first)); e.Answers.Count != 1 || !e.Deleted {
		t.Errorf("after the account of who answered was erased: %+v", e)
	}
	joined := w.first("p") // what may be answered can be read
	welcome := done(t, w.Reply(by("ann"), joined, text("welcome")))
	if p := read[*chat.ThreadPage](t)(w.Thread(t.Context(), who("ann"), joined, chat.ThreadQuery{})); p.Root == nil || p.Root.Answers.Count != 1 || len(p.Messages) != 1 || p.Messages[0].Seq != welcome.Seq {
		t.Errorf("the thread of a system message: %+v", p)
	}
	_, err := w.Versions(t.Context(), who("ann"), joined, 0, 0)
	isRefusal(t, err, chat.NotFound)
	done(t, w.Reply(by("ann"), first, text("three")))
	if e := read[*chat.Event](t)(w.store.ReadMessage(t.Context(), first)); e.Answers.Count != 2 {
		t.Errorf("an answer to a tombstone: %+v", e.Answers)
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, u := range []chat.UserID{"ann.lee", "x-1", "x."} {
		w.CreateUser(chat.NewUser{ID: u})
	}
	w.room("r", false, "bob", "cat", "ann.lee", "x-1", "x.")
	for content, want := range map[string]string{
		"hello":                               "",
		"@ann":                                "", // oneself
		"@bob":                                "bob",
		"hi @bob, @cat and @bob!":             "bob cat",
		"@Bob. (@CAT)":                        "bob cat",
		"mail bob@cat.org or a@bob":           "",
		"@@bob":                               "",
		"@dan @nobody":                        "", // no member, no account
		"@ann.lee: @x-1 @x. @x.. @ann.lee...": "ann.lee x-1 x.",
		"é@bob ü @cat":                        "cat",
		"@":                                   "",
		"@ bob":                               "",
		"(@bob)@cat":                          "bob cat",
	} {
		done(t, w.Send(by("ann"), "r", text(content)))
		e := w.log("r")[len(w.log("r"))-1]
		var got []string
		if e.Details != nil {
			for _, u := range e.Details.Mentions {
				got = append(got, string(u))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q mentions %v, want %q", content, got, want)
		}
	}
	private := done(t, w.SendPrivate(by("ann"), "bob", text("@bob @cat"))).MessageID
	if e := read[*chat.Event](t)(w.store.ReadMessage(t.Context(), private)); !slices.Equal(e.Details.Mentions, []chat.UserID{"bob"}) {
		t.Errorf("in private: %v", e.Details.Mentions)
	}
	done(t, w.Edit(by("ann"), private, "nobody", chat.Unflagged))
	if e := read[*chat.Event](t)(w.store.ReadMessage(t.Context(), private)); e.Details != nil && e.Details.Mentions != nil || !e.Edited || e.Content != "nobody" {
		t.Errorf("edited: %+v, %+v", e, e.Details)
	}
}
