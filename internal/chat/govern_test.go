// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/store/storetest"
)

// acts shows a record, the earliest first.
func acts(list []chat.Audited) string {
	var b strings.Builder
	for i := len(list) - 1; i >= 0; i-- {
		a := list[i]
		fmt.Fprintf(&b, "%s %s %s %s %s %s;", a.Actor, a.Action, a.Target, a.RoomID, a.Role, a.Reason)
	}
	return b.String()
}

// Every act of a moderator, administrator or operator is on record, and what was refused or changed nothing is not.
func TestAudit(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat", "dan")
	w.room("q", false, "cat")
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
	w.Moderate(by("bob"), "r", actFor(chat.ActionMute, "cat", time.Minute))
	w.Moderate(by("cat"), "r", act(chat.ActionKick, "dan"))  // refused
	w.Moderate(by("ann"), "r", act(chat.ActionUnban, "dan")) // there is none
	w.Moderate(by("bob"), "r", act(chat.ActionBan, "dan"))
	w.Moderate(by("ann"), "r", act(chat.ActionLock, ""))
	w.Moderate(by("ann"), "r", act(chat.ActionLock, "")) // is locked
	said := done(t, w.Send(by("cat"), "q", text("x")))
	w.Report(by("ann"), said.MessageID, "bad")
	w.CloseReport(by("ann"), 1, chat.ReportResolved)
	w.CloseReport(by("ann"), 1, chat.ReportResolved) // is closed
	done(t, w.Delete(by("ann"), said.MessageID))
	w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("x"), SlowMode: ptr(5), MaxMembers: ptr(100)})
	w.Transfer(by("ann"), "r", "bob")
	w.ModerateUser(by(root), "eve", actFor(chat.ActionBan, "eve", time.Hour))
	w.SetPassword("eve", "h")
	w.SetRole("cat", chat.RoleAdministrator)
	done(t, w.DeleteRoom(by("bob"), "r"))
	list, more, err := w.AuditLog(t.Context(), who(root), "", 0, 0)
	want := "system role_changed root  administrator ;system role_changed second  administrator ;" +
		"ann promote bob r moderator ;bob mute cat r  why;bob ban dan r  ;ann lock  r  ;ann close_report cat q  resolved;ann delete_message cat q  ;ann update  r  name: \"Room r\" → \"x\"; slow_mode: 0 → 5;ann transfer bob r owner ;" +
		"root ban eve   why;system credentials_revoked eve   ;system role_changed cat  administrator ;bob delete  r  ;"
	if got := acts(list); err != nil || more || got != want {
		t.Errorf("on record (%v):\n%s, want\n%s", err, got, want)
	}
	page, more, err := w.AuditLog(t.Context(), who(second), "r", list[0].ID, 2)
	if got := acts(page); err != nil || !more || got != "ann update  r  name: \"Room r\" → \"x\"; slow_mode: 0 → 5;ann transfer bob r owner ;" {
		t.Errorf("a page of the room: %s, more %v (%v)", got, more, err)
	}
	for _, a := range list {
		if a.RoomID == "q" && a.MessageID != said.MessageID {
			t.Errorf("which message: %+v", a)
		}
		if a.Action == chat.ActionMute && a.Until != w.clock.Time().Add(time.Minute) || a.At != w.clock.Time() {
			t.Errorf("when: %+v", a)
		}
	}
}

func TestWhoSeesTheAudit(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	w.room("p", true, "bob")
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
	done(t, w.Moderate(by("bob"), "r", actFor(chat.ActionBan, "dan", time.Minute)))
	for _, c := range []struct {
		user chat.UserID
		room chat.RoomID
		want chat.Code
	}{
		{"ann", "", chat.Forbidden}, {root, "", ""}, {"ann", "r", ""}, {"bob", "r", ""}, {"cat", "r", chat.Forbidden},
		{"dan", "r", chat.Banned}, {"eve", "r", chat.NotMember}, {"eve", "p", chat.NotFound}, {root, "p", ""}, {root, "none", chat.NotFound},
	} {
		_, _, err := w.AuditLog(t.Context(), who(c.user), c.room, 0, 0)
		if got := chat.CodeOf(err); got != c.want {
			t.Errorf("%s reads the record of %q: %q, want %q", c.user, c.room, got, c.want)
		}
		if c.room == "" {
			continue
		}
		if _, _, err := w.RoomBans(t.Context(), who(c.user), c.room, "", 0); chat.CodeOf(err) != c.want {
			t.Errorf("%s reads the bans of %q: %v, want %q", c.user, c.room, err, c.want)
		}
	}
	if bans, more, err := w.RoomBans(t.Context(), who("bob"), "r", "", 0); err != nil || more || len(bans) != 1 || bans[0].User != "dan" || bans[0].By != "bob" {
		t.Errorf("the bans are %+v (%v)", bans, err)
	}
	w.clock.Add(time.Minute)
	if bans, _, err := w.RoomBans(t.Context(), who("bob"), "r", "", 0); err != nil || len(bans) != 0 {
		t.Errorf("a ban that is over: %+v (%v)", bans, err)
	}
}

// Bans and mutes end by themselves, in rooms and on the server.
func TestSanctionsEndByThemselves(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat", "dan", "eve")
	w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "bob", time.Minute))
	w.Moderate(by("ann"), "r", actFor(chat.ActionBan, "cat", time.Minute))
	w.ModerateUser(by(root), "dan", actFor(chat.ActionMute, "dan", time.Minute))
	done(t, w.ModerateUser(by(root), "eve", actFor(chat.ActionBan, "eve", time.Minute)))
	refused(t, w.Send(by("bob"), "r", text("x")), chat.Muted)
	refused(t, w.Join(by("cat"), "r"), chat.Banned)
	refused(t, w.Send(by("dan"), "r", text("x")), chat.Muted)
	refused(t, w.Send(by("eve"), "r", text("x")), chat.Banned)
	w.clock.Add(time.Minute - time.Millisecond)
	refused(t, w.Send(by("bob"), "r", text("x")), chat.Muted)
	refused(t, w.Join(by("cat"), "r"), chat.Banned)
	refused(t, w.Send(by("dan"), "r", text("x")), chat.Muted)
	refused(t, w.Send(by("eve"), "r", text("x")), chat.Banned)
	w.clock.Add(time.Millisecond)
	done(t, w.Send(by("bob"), "r", text("x")))
	done(t, w.Join(by("cat"), "r"))
	done(t, w.Send(by("dan"), "r", text("x")))
	done(t, w.Send(by("eve"), "r", text("x")))
}

// Who leaves and comes back is bound by what bound them before.
func TestRejoiningLiftsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	w.room("p", true, "bob")
	again := func(u chat.UserID) {
		w.Leave(by(u), "r")
		done(t, w.Join(by(u), "r"))
	}
	w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "bob", time.Hour))
	w.Moderate(by("ann"), "p", actFor(chat.ActionMute, "bob", 0))
	again("bob")
	if e := refused(t, w.Send(by("bob"), "r", text("x")), chat.Muted); e.RetryAfter != time.Hour {
		t.Errorf("muted for %v", e.RetryAfter)
	}
	w.Moderate(by("ann"), "p", act(chat.ActionKick, "bob"))
	done(t, w.Invite(by("ann"), "p", "bob"))
	refused(t, w.Send(by("bob"), "p", text("x")), chat.Muted)
	w.Moderate(by("ann"), "r", act(chat.ActionUnmute, "bob"))
	again("bob")
	done(t, w.Send(by("bob"), "r", text("x")))
	w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "bob", time.Minute))
	done(t, w.Leave(by("bob"), "r"))
	w.clock.Add(time.Minute)
	done(t, w.Join(by("bob"), "r"))
	done(t, w.Send(by("bob"), "r", text("x")))

	w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(60)})
	w.clock.Add(time.Minute)
	done(t, w.Send(by("cat"), "r", text("x")))
	w.clock.Add(20 * time.Second)
	again("cat")
	if e := refused(t, w.Send(by("cat"), "r", text("x")), chat.RateLimited); e.RetryAfter != time.Minute {
		t.Errorf("the slow mode waits %v", e.RetryAfter)
	}
	w.clock.Add(time.Minute)
	done(t, w.Send(by("cat"), "r", text("x")))
}

// seqs are the first and last seq of what history shows of a room, with the number of its messages.
func (w *world) seqs(u chat.UserID, id chat.RoomID) string {
	w.t.Helper()
	p := read[*chat.Page](w.t)(w.History(w.t.Context(), who(u), id, chat.HistoryQuery{Limit: 200}))
	if len(p.Messages) == 0 {
		return fmt.Sprint("none from ", p.Room.FirstSeq)
	}
	return fmt.Sprintf("%d-%d from %d", p.Messages[len(p.Messages)-1].Seq, p.Messages[0].Seq, p.Room.FirstSeq)
}

func TestCleanup(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob") // seq 1 and 2
	w.room("q", false)
	for range 3 {
		w.Send(by("ann"), "r", text("old")) // 3 to 5
	}
	done(t, w.Send(by("ann"), "q", text("old")))
	w.clock.Add(time.Hour)
	kept := done(t, w.Send(by("ann"), "r", text("new"))) // 6
	clean := func(call chat.Call, q chat.CleanupRequest) (chat.Cleaned, error) {
		return w.Cleanup(t.Context(), call, q)
	}
	for _, c := range []struct {
		user chat.UserID
		q    chat.CleanupRequest
		code chat.Code
	}{
		{"ann", chat.CleanupRequest{Room: "r"}, chat.Forbidden}, {"ann", chat.CleanupRequest{DryRun: true}, chat.Forbidden},
		{root, chat.CleanupRequest{Room: "none"}, chat.NotFound}, {root, chat.CleanupRequest{OlderThan: -1}, chat.BadRequest},
		{root, chat.CleanupRequest{OlderThan: chat.MaxRetention + 1}, chat.BadRequest},
	} {
		if _, err := clean(by(c.user), c.q); chat.CodeOf(err) != c.code {
			t.Errorf("%s asks for %+v: %v, want %s", c.user, c.q, err, c.code)
		}
	}
	q := chat.CleanupRequest{Room: "r", OlderThan: 30 * time.Minute, DryRun: true}
	if got, err := clean(by(root), q); err != nil || got.Count != 3 || w.seqs("ann", "r") != "1-6 from 1" {
		t.Fatalf("dry: %+v (%v), left %s", got, err, w.seqs("ann", "r"))
	}
	before := w.head("bob", "r").Unread
	q.DryRun = false
	if got, err := clean(once(root, "c"), q); err != nil || got.Count != 3 || got.Duplicate || w.seqs("ann", "r") != "6-6 from 6" {
		t.Fatalf("cut: %+v (%v), left %s", got, err, w.seqs("ann", "r"))
	}
	if n := w.head("bob", "r").Unread; before != 4 || n != 1 {
		t.Errorf("unread was %d and is %d", before, n)
	}
	if s := w.seqs("ann", "q"); s != "1-2 from 1" {
		t.Errorf("another room lost something: %s", s)
	}
	w.clock.Add(time.Hour)
	if got, err := clean(once(root, "c"), q); err != nil || got.Count != 3 || !got.Duplicate || w.seqs("ann", "r") != "6-6 from 6" {
		t.Errorf("the repeat: %+v (%v), left %s", got, err, w.seqs("ann", "r"))
	}
	if list, _, err := w.AuditLog(t.Context(), who(root), "r", 0, 0); err != nil || acts(list) != "root cleanup  r  older than 1800 s;" {
		t.Errorf("on record: %s (%v)", acts(list), err)
	}
	refused(t, w.Reply(by("bob"), chat.ID([]byte(strings.Repeat("0", 15)+"5")), text("to what is gone")), chat.NotFound)
	// All logs, all of them: the numbers go on, and nothing but what is new is seen.
	if got, err := clean(by(root), chat.CleanupRequest{}); err != nil || w.seqs("ann", "r") != "none from 7" || w.seqs("ann", "q") != "none from 3" {
		t.Errorf("everything: %+v (%v), left %s and %s", got, err, w.seqs("ann", "r"), w.seqs("ann", "q"))
	}
	if n := w.head("bob", "r").Unread; n != 0 {
		t.Errorf("%d unread in an empty log", n)
	}
	if got := done(t, w.Send(by("ann"), "r", text("again"))); got.Seq != kept.Seq+1 {
		t.Errorf("the next seq is %d after %d", got.Seq, kept.Seq)
	}
	if n := w.head("bob", "r").Unread; n != 1 {
		t.Errorf("%d unread, want 1", n)
	}
	// All of a room is all of it, though the clock was ahead when it was written.
	w.clock.Add(-2 * time.Hour)
	if got, err := clean(by(root), chat.CleanupRequest{Room: "r"}); err != nil || got.Count != 1 || w.seqs("ann", "r") != "none from 8" {
		t.Errorf("what a clock that was ahead has stamped: %+v (%v), left %s", got, err, w.seqs("ann", "r"))
	}
	if left := read[[]chat.Cleanup](t)(w.store.Cleanups(t.Context())); len(left) != 0 {
		t.Errorf("orders are left: %+v", left)
	}
}

// Long logs are cut in steps; what a crash has left of an order is done by Retain.
func TestRetention(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	w.room("short", false)
	refused(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Retention: ptr(59)}), chat.BadRequest)
	refused(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Retention: ptr(-1)}), chat.BadRequest)
	w.Join(by("bob"), "short")
	w.Moderate(by("ann"), "short", act(chat.ActionPromote, "bob"))
	refused(t, w.UpdateRoom(by("bob"), "short", chat.RoomPatch{Retention: ptr(60)}), chat.Forbidden)
	if got := done(t, w.UpdateRoom(by("ann"), "short", chat.RoomPatch{Retention: ptr(60)})); got.Room.Retention != 60 {
		t.Errorf("the retention is %d", got.Room.Retention)
	}
	last := w.log("short")[len(w.log("short"))-1]
	if last.Kind != chat.RoomUpdated || *last.Details.Changes.Retention != 60 {
		t.Errorf("the event is %+v", last)
	}
	for range 2500 {
		w.Send(by("ann"), "r", text("x"))
	}
	done(t, w.Send(by("ann"), "short", text("x")))
	retain := func(d time.Duration) {
		t.Helper()
		if err := w.Retain(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	w.clock.Add(time.Minute)
	retain(0)
	if a, b := w.seqs("ann", "r"), w.seqs("ann", "short"); a != "2302-2501 from 1" || b != "1-5 from 1" {
		t.Errorf("before its time: %s and %s", a, b)
	}
	w.clock.Add(time.Millisecond)
	retain(0)
	if a, b := w.seqs("ann", "r"), w.seqs("ann", "short"); a != "2302-2501 from 1" || b != "none from 6" {
		t.Errorf("the room's own retention: %s and %s", a, b)
	}
	w.clock.Add(time.Hour)
	done(t, w.Send(by("ann"), "r", text("new")))
	retain(time.Hour)
	if a := w.seqs("ann", "r"); a != "2502-2502 from 2502" {
		t.Errorf("the server's retention: %s", a)
	}
	w.clock.Add(time.Second)
	storeOrder(t, w, chat.Cleanup{Before: w.clock.Time()})
	retain(0)
	if a := w.seqs("ann", "r"); a != "none from 2503" {
		t.Errorf("an order that was left: %s", a)
	}
}

func storeOrder(t *testing.T, w *world, c chat.Cleanup) {
	t.Helper()
	storetest.Do(t, w.store, func(tx chat.Tx) error { return tx.PutCleanup(&c) })
}

// Administrators make and unmake each other, but for the last one; it is on record, and the account is told.
func TestAdministratorsAreMadeByAdministrators(t *testing.T) {
	w := newWorld(t)
	w.room("r", true, "bob")
	choose := func(by_ chat.UserID, action string, u chat.UserID) *chat.Pending[chat.Acted] {
		return w.ChooseRole(by(by_), u, chat.Moderation{Action: action, Reason: "why"})
	}
	refused(t, choose("ann", chat.ActionPromote, "ann"), chat.Forbidden)
	refused(t, choose("ann", chat.ActionDemote, root), chat.Forbidden)
	refused(t, choose(root, chat.ActionPromote, "nobody"), chat.NotFound)
	done(t, w.ModerateUser(by(root), "eve", act(chat.ActionBan, "")))
	done(t, w.ModerateUser(by(root), "dan", act(chat.ActionMute, "")))
	for _, u := range []chat.UserID{"eve", "dan"} { // or nobody could lift it any more
		refused(t, choose(root, chat.ActionPromote, u), chat.Conflict)
		refused(t, w.SetRole(u, chat.RoleAdministrator), chat.Conflict)
	}

	refused(t, w.Delete(by("cat"), done(t, w.Send(by("ann"), "r", text("x"))).MessageID), chat.NotFound)
	if got := done(t, choose(root, chat.ActionPromote, "cat")); got.Action != chat.ActionPromote || got.User != "cat" {
		t.Errorf("promoted: %+v", got)
	}
	said := done(t, w.Send(by("ann"), "r", text("y")))
	done(t, w.Delete(by("cat"), said.MessageID)) // at once
	before := len(w.log(chat.UserLog("cat")))
	done(t, choose(root, chat.ActionPromote, "cat")) // is one
	told := w.log(chat.UserLog("cat"))
	if len(told) != before {
		t.Error("what changed nothing was told")
	}
	if e := told[len(told)-1]; e.Kind != chat.AccountModerated || e.Details.Action != chat.ActionRole || e.Details.Role != "administrator" || e.Actor != root || e.Details.Reason != "why" {
		t.Errorf("told: %+v, %+v", e, e.Details)
	}

	done(t, choose("cat", chat.ActionDemote, root))
	refused(t, choose(root, chat.ActionPromote, root), chat.Forbidden) // at once
	done(t, choose("cat", chat.ActionDemote, second))
	refused(t, choose("cat", chat.ActionDemote, "cat"), chat.Conflict)
	done(t, choose("cat", chat.ActionPromote, second))
	done(t, choose("cat", chat.ActionDemote, "cat"))
	list, _, err := w.AuditLog(t.Context(), who(second), "", 0, 7)
	want := "root role_changed cat  administrator why;cat delete_message ann r  ;cat role_changed root  user why;cat role_changed second  user why;" +
		"cat role_changed second  administrator why;cat role_changed cat  user why;"
	if got := acts(list[:6]); err != nil || got != want {
		t.Errorf("on record (%v):\n%s, want\n%s", err, got, want)
	}
	refused(t, w.SetRole(second, chat.RoleUser), chat.Conflict) // by the operator neither
	refused(t, w.RemoveUser(second), chat.Conflict)
	done(t, w.SetRole("cat", chat.RoleAdministrator))
	done(t, w.RemoveUser(second))
	refused(t, w.SetRole("cat", chat.RoleUser), chat.Conflict) // who is erased counts no more
}

// Of two administrators who demote each other at once, one is left.
func TestOneAdministratorIsLeft(t *testing.T) {
	w := newWorld(t)
	demote := func(by_, u chat.UserID) outcome {
		return of(t, w.ChooseRole(by(by_), u, chat.Moderation{Action: chat.ActionDemote}))
	}
	first, other := demote(root, second), demote(second, root)
	if a, b := first(), other(); a != "" || b != chat.Forbidden {
		t.Errorf("%q and %q", a, b)
	}
	if there, err := w.HasAdministrator(t.Context()); err != nil || !there {
		t.Errorf("an administrator: %v, %v", there, err)
	}
	// Nor does the last one go.
	done(t, w.SetPassword(root, "hash"))
	refused(t, w.DeleteAccount(by(root), "hash"), chat.Conflict)
	done(t, w.ChooseRole(by(root), "cat", chat.Moderation{Action: chat.ActionPromote}))
	done(t, w.DeleteAccount(by(root), "hash"))
}
