// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"testing"
	"time"

	"parley/internal/chat"
)

func hookNamed(id, name string) chat.NewToken {
	return chat.NewToken{ID: id, Name: name, TTL: time.Hour}
}

// Hooks are their room's moderators', are bounded, end by themselves, and leave a record.
func TestHooksOfARoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	w.room("q", false)
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob")))
	refused(t, w.CreateHook(by("cat"), "r", hookNamed("1", "x")), chat.Forbidden)
	refused(t, w.CreateHook(by("dan"), "r", hookNamed("1", "x")), chat.NotMember)
	refused(t, w.CreateHook(by(root), "r", hookNamed("1", "x")), chat.NotMember) // whose messages would be nobody's
	stale := hookNamed("1", "x")
	stale.Generation = 7
	refused(t, w.CreateHook(by("bob"), "r", stale), chat.Unauthenticated)
	done(t, w.CreateHook(once("bob", "k"), "r", hookNamed("1", "Builds")))
	if again := done(t, w.CreateHook(once("bob", "k"), "r", hookNamed("2", "Builds"))); !again.Duplicate || again.Token.ID != "1" {
		t.Errorf("a repeat: %+v", again)
	}
	names := func(u chat.UserID, want string) {
		t.Helper()
		out := ""
		for _, k := range read[[]chat.Token](t)(w.RoomHooks(t.Context(), who(u), "r")) {
			out += fmt.Sprint(k.Name, " by ", k.User, " in ", k.HookRoom(), ";")
		}
		if out != want {
			t.Errorf("%s sees %q, want %q", u, out, want)
		}
	}
	names("ann", "Builds by bob in r;")
	names(root, "Builds by bob in r;")
	if _, err := w.RoomHooks(t.Context(), who("cat"), "r"); chat.CodeOf(err) != chat.Forbidden {
		t.Errorf("a member sees them: %v", err)
	}
	refused(t, w.DeleteHook(by("cat"), "r", "1"), chat.Forbidden)
	refused(t, w.DeleteHook(by("ann"), "q", "1"), chat.NotFound)
	refused(t, w.DeleteHook(by("ann"), "r", "2"), chat.NotFound)
	before := len(w.log(chat.UserLog("bob")))
	done(t, w.DeleteHook(by("ann"), "r", "1"))
	if told := w.log(chat.UserLog("bob")); len(told) != before+1 || told[before].Actor != "ann" || told[before].Details.Session != "1" {
		t.Errorf("its maker was told %+v", told[before:])
	}
	refused(t, w.DeleteHook(by("ann"), "r", "1"), chat.NotFound)
	names("ann", "")
	list := read[[]chat.Audited](t)(func() ([]chat.Audited, error) {
		l, _, err := w.AuditLog(t.Context(), who("ann"), "r", 0, 2)
		return l, err
	}())
	if got := acts(list); got != "bob create_hook bob r  Builds;ann delete_hook bob r  Builds;" {
		t.Errorf("on record: %s", got)
	}

	for i := range chat.MaxHooks {
		done(t, w.CreateHook(by("ann"), "r", hookNamed(fmt.Sprint("n", i), "x")))
	}
	refused(t, w.CreateHook(by("ann"), "r", hookNamed("more", "x")), chat.Conflict)
	w.clock.Add(time.Hour)
	names("ann", "")
	done(t, w.CreateHook(by("ann"), "r", hookNamed("more", "x")))
	refused(t, w.CreateHook(by("ann"), chat.DirectID("ann", "bob"), hookNamed("d", "x")), chat.NotFound)
}

// What a hook posts is under its name for good, and is nothing that its maker has said: they have read neither that nor what came
// before it by then.
func TestWhatHooksPost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob")
	build := chat.NewMessage{Content: "green", Poster: "Builds"}
	unread := func(want uint64) {
		t.Helper()
		rooms, _, err := w.Mine(t.Context(), who("ann"), "r", "", 0)
		if err != nil || rooms[0].Unread != want {
			t.Errorf("unread of its maker: %+v, %v; want %d", rooms, err, want)
		}
	}
	done(t, w.Send(by("bob"), "r", text("can you look?")))
	posted := done(t, w.Send(once("ann", "42"), "r", build))
	unread(2)
	if again := done(t, w.Send(once("ann", "42"), "r", build)); !again.Duplicate {
		t.Errorf("a repeat: %+v", again)
	}
	other := build
	other.Poster = "Alerts"
	refused(t, w.Send(once("ann", "42"), "r", other), chat.Conflict)
	done(t, w.Send(by("ann"), "r", text("yes")))
	unread(0)
	done(t, w.Delete(by("ann"), posted.MessageID))
	page, err := w.History(t.Context(), who("ann"), "r", chat.HistoryQuery{Around: posted.MessageID, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	if e := page.Messages[0]; !e.Deleted || e.Content != "" || e.ActorName != "Builds" || e.Details == nil || e.Details.Poster != "Builds" {
		t.Errorf("its tombstone: %+v %+v", e, e.Details)
	}
}

// With a room its hooks end, too: they are in no list any more.
func TestHooksEndWithTheirRoom(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false)
	w.room("p", true)
	for _, id := range []chat.RoomID{"r", "p"} {
		done(t, w.CreateHook(by("ann"), id, hookNamed(string(id), "x")))
	}
	done(t, w.DeleteRoom(by("ann"), "r"))
	if e := last(w.log(chat.UserLog("ann"))); e.Details.Action != chat.ActionSession || e.Details.Session != "r" {
		t.Errorf("its maker was told %+v", e.Details)
	}
	done(t, w.Leave(by("ann"), "p")) // which closes it
	if left := read[[]chat.Token](t)(w.Tokens(t.Context(), "ann")); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
}
