// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"testing"

	"parley/internal/chat"
)

func TestBlocksEndPrivateMessagesAndInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob")
	done(t, w.SendPrivate(by("bob"), "ann", text("before")))
	first := done(t, w.SendPrivate(by("bob"), "ann", text("again")))
	done(t, w.SetBlock(by("ann"), "bob", true))
	done(t, w.SetBlock(by("ann"), "bob", true))
	direct := chat.DirectID("ann", "bob")
	for name, o := range map[string]outcome{
		"to her":              of(t, w.SendPrivate(by("bob"), "ann", text("no"))),
		"in the conversation": of(t, w.Send(by("bob"), direct, text("no"))),
		"as a reply":          of(t, w.Reply(by("bob"), first.MessageID, text("no"))),
		"from her":            of(t, w.SendPrivate(by("ann"), "bob", text("no"))),
		"a pin":               of(t, w.Pin(by("bob"), first.MessageID)),
		"a file":              of(t, w.BeginUpload(by("bob"), direct, chat.NewFile{Name: "x", Size: 1})),
		"an invitation of his": func() chat.Code {
			w.CreateRoom(by("bob"), chat.NewRoom{ID: "b", Name: "b"})
			return of(t, w.Invite(by("bob"), "b", "ann"))()
		},
	} {
		if got := o(); got != chat.Forbidden {
			t.Errorf("%s: %q, want forbidden", name, got)
		}
	}
	done(t, w.Send(by("bob"), "r", text("a shared room")))
	done(t, w.SendPrivate(by("cat"), "ann", text("somebody else")))
	done(t, w.Invite(by("cat"), done(t, w.CreateRoom(by("cat"), chat.NewRoom{Name: "c"})).Room.ID, "ann"))
	events := 0
	for _, e := range w.log(chat.UserLog("ann")) {
		if e.Kind == chat.UserBlocked && e.Details.UserID == "bob" {
			events++
		}
	}
	if events != 1 {
		t.Errorf("%d events of one block", events)
	}
	if b := read[[]chat.UserID](t)(w.Blocks(t.Context(), "ann")); len(b) != 1 || b[0] != "bob" {
		t.Errorf("blocked are %v", b)
	}
	done(t, w.SetBlock(by("ann"), "bob", false))
	done(t, w.SendPrivate(by("bob"), "ann", text("hello again")))
	refused(t, w.SetBlock(by("ann"), "ann", true), chat.BadRequest)
	refused(t, w.SetBlock(by("ann"), "nobody", true), chat.NotFound)
}

// Nobody learns of a block but who made it, and it does not begin a conversation.
func TestBlockBeforeTheFirstMessage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	done(t, w.SetBlock(by("ann"), "bob", true))
	refused(t, w.SendPrivate(by("bob"), "ann", text("hi")), chat.Forbidden)
	if r := read[*chat.Room](t)(w.store.ReadRoom(t.Context(), chat.DirectID("ann", "bob"))); r != nil {
		t.Error("the conversation began")
	}
	if n := len(w.log(chat.UserLog("bob"))); n != 0 {
		t.Errorf("bob was told %d things", n)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob")
	done(t, w.Send(by("ann"), "r", text("hi")))
	for range 2 {
		p := done(t, w.UpdateProfile(once("ann", "k"), "Annabel"))
		if p.ID != "ann" || p.DisplayName != "Annabel" || p.CreatedAt == 0 || p.Role != chat.RoleUser {
			t.Errorf("the outcome is %+v", p)
		}
	}
	page := read[*chat.Page](t)(w.History(t.Context(), who("bob"), "r", chat.HistoryQuery{Limit: 1}))
	if name := page.Messages[0].ActorName; name != "Annabel" {
		t.Errorf("a message of before shows %q", name)
	}
	found, more, err := w.FindUsers(t.Context(), "nnab", "", 0)
	if err != nil || more || len(found) != 1 || found[0].ID != "ann" {
		t.Errorf("found %v (%v)", found, err)
	}
	if _, more, err := w.FindUsers(t.Context(), "", "ann", 2); err != nil || !more {
		t.Errorf("a page with more behind it says more = %v (%v)", more, err)
	}
}

func TestErasureKeepsThreadsReadable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	root := done(t, w.Send(by("ann"), "r", text("a question")))
	done(t, w.Reply(by("bob"), root.MessageID, text("an answer")))
	done(t, w.SetBlock(by("cat"), "ann", true))
	done(t, w.SetPassword("ann", "hash"))
	refused(t, w.DeleteAccount(by("ann"), "another hash"), chat.Conflict)
	done(t, w.DeleteAccount(by("ann"), "hash"))
	refused(t, w.Send(by("ann"), "r", text("still here?")), chat.Unauthenticated)
	_, err := w.Account(t.Context(), "ann")
	isRefusal(t, err, chat.NotFound)
	page := read[*chat.Page](t)(w.History(t.Context(), who("bob"), "r", chat.HistoryQuery{}))
	seen := false
	for _, m := range page.Messages {
		if m.MessageID == root.MessageID {
			seen = true
			if m.ActorName != chat.ErasedName || m.Content != "a question" || m.Actor != "ann" {
				t.Errorf("what she wrote is %+v", m)
			}
		}
	}
	if !seen {
		t.Error("what she wrote is gone")
	}
	if m := read[*chat.Member](t)(w.store.ReadMember(t.Context(), page.Room.Num, "ann")); m != nil {
		t.Error("she is still a member")
	}
	if m := read[*chat.Member](t)(w.store.ReadMember(t.Context(), page.Room.Num, "bob")); m == nil || m.Role != chat.RoleOwner {
		t.Errorf("the room was not handed over: %+v", m)
	}
	if b := read[[]chat.UserID](t)(w.Blocks(t.Context(), "cat")); len(b) != 0 {
		t.Errorf("blocks of nobody are left: %v", b)
	}
	refused(t, w.CreateUser(chat.NewUser{ID: "ann"}), chat.Conflict)
}

func TestPasswordThatWasProvedMustStillBeTheOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := done(t, w.SetPassword("ann", "one")).User.Generation
	done(t, w.ChangePassword(by("ann"), "one", "two", chat.NewToken{ID: "t"}, ""))
	refused(t, w.ChangePassword(by("ann"), "one", "three", chat.NewToken{}, ""), chat.Conflict)
	refused(t, w.ChangePassword(by("bob"), "", "three", chat.NewToken{}, ""), chat.Conflict)
	u := read[*chat.User](t)(w.Account(t.Context(), "ann"))
	if u.PasswordHash != "two" || u.Generation <= before {
		t.Errorf("the account is %+v", u)
	}
}
