// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
)

func TestSend(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.clock.Add(time.Minute)
	out := done(t, w.Send(once("bob", "k"), "r", chat.NewMessage{Content: "hi", Flag: chat.Flagged}))
	if out.RoomID != "r" || out.Seq != 3 || out.At != w.clock.Time() || out.MessageID.IsZero() {
		t.Errorf("the outcome is %+v", out)
	}
	want := &chat.Event{RoomNum: w.log("r")[2].RoomNum, RoomID: "r", RoomKind: chat.PublicRoom, Seq: 3, Count: 1, Kind: chat.Text, At: out.At,
		Actor: "bob", ActorName: "Bob", MessageID: out.MessageID, Content: "hi", Flagged: true, ClientMsgID: "k"}
	if diff := cmp.Diff(want, w.log("r")[2]); diff != "" {
		t.Error(diff)
	}
	answer := done(t, w.Send(by("ann"), "r", chat.NewMessage{Content: "yes", ReplyTo: out.MessageID}))
	if e := last(w.log("r")); e.ReplyTo != out.MessageID || !e.ThreadID.IsZero() || e.Seq != answer.Seq {
		t.Errorf("the answer is %+v", e)
	}
	w.room("other", false, "bob")
	elsewhere := done(t, w.Send(by("bob"), "other", text("x")))
	refused(t, w.Send(by("bob"), "r", chat.NewMessage{Content: "x", ReplyTo: elsewhere.MessageID}), chat.NotFound)
	refused(t, w.Send(by("bob"), "r", chat.NewMessage{Content: "x", ReplyTo: chat.ID{1}}), chat.NotFound)
	if n := len(w.log("r")); n != 4 {
		t.Errorf("the log has %d events", n)
	}
}

func TestReply(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.room("secret", true, "bob")
	root := done(t, w.Send(by("ann"), "r", text("root")))
	first := done(t, w.Reply(by("bob"), root.MessageID, text("first")))
	second := done(t, w.Reply(by("ann"), first.MessageID, text("second")))
	if e := w.log("r")[3]; e.ReplyTo != root.MessageID || e.ThreadID != root.MessageID {
		t.Errorf("the first answer is %+v", e)
	}
	if e := w.log("r")[4]; e.ReplyTo != first.MessageID || e.ThreadID != root.MessageID || e.Seq != second.Seq {
		t.Errorf("the second answer is %+v", e)
	}
	refused(t, w.Reply(by("ann"), chat.ID{1}, text("x")), chat.NotFound)
	refused(t, w.Reply(by("eve"), root.MessageID, text("x")), chat.NotMember)
	// A stranger to a private room hears the same as of a message that is not there: not even the room's name.
	hidden := done(t, w.Send(by("ann"), "secret", text("x")))
	a, b := refused(t, w.Reply(by("eve"), hidden.MessageID, text("x")), chat.NotFound), refused(t, w.Reply(by("eve"), chat.ID{1}, text("x")), chat.NotFound)
	if a.Message != b.Message {
		t.Errorf("a stranger is told %q", a.Message)
	}
	// What was before the joining cannot be answered.
	done(t, w.Invite(by("ann"), "secret", "cat"))
	refused(t, w.Reply(by("cat"), hidden.MessageID, text("x")), chat.NotFound)
}

// What keeps a member from posting, and who is above it.
func TestMayPost(t *testing.T) {
	second := time.Second
	for _, c := range []struct {
		name    string
		prepare func(w *world)
		by      chat.UserID
		want    chat.Code
		retry   time.Duration
		wait    time.Duration // then it succeeds; 0: never
	}{
		{name: "locked, member", prepare: func(w *world) { w.Moderate(by("ann"), "r", act(chat.ActionLock, "")) }, by: "cat", want: chat.Forbidden},
		{name: "locked, whoever is named", prepare: func(w *world) { w.Moderate(by("ann"), "r", act(chat.ActionLock, "dan")) }, by: "cat", want: chat.Forbidden},
		{name: "locked, moderator", prepare: func(w *world) { w.Moderate(by("ann"), "r", act(chat.ActionLock, "")) }, by: "bob"},
		{name: "unlocked", prepare: func(w *world) {
			w.Moderate(by("ann"), "r", act(chat.ActionLock, ""))
			w.Moderate(by("ann"), "r", act(chat.ActionUnlock, ""))
		}, by: "cat"},
		{name: "read-only, member", prepare: func(w *world) { w.UpdateRoom(by("ann"), "r", chat.RoomPatch{ReadOnly: ptr(true)}) }, by: "cat", want: chat.Forbidden},
		{name: "read-only, moderator", prepare: func(w *world) { w.UpdateRoom(by("ann"), "r", chat.RoomPatch{ReadOnly: ptr(true)}) }, by: "bob"},
		{name: "read-only, administrator", prepare: func(w *world) { w.UpdateRoom(by("ann"), "r", chat.RoomPatch{ReadOnly: ptr(true)}) }, by: root},
		{name: "muted", prepare: func(w *world) { w.Moderate(by("ann"), "r", act(chat.ActionMute, "cat")) }, by: "cat", want: chat.Muted},
		{name: "muted for a while", prepare: func(w *world) { w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "cat", 10*second)) },
			by: "cat", want: chat.Muted, retry: 10 * second, wait: 10 * second},
		{name: "unmuted", prepare: func(w *world) {
			w.Moderate(by("ann"), "r", act(chat.ActionMute, "cat"))
			w.Moderate(by("ann"), "r", act(chat.ActionUnmute, "cat"))
		}, by: "cat"},
		{name: "muted moderator", prepare: func(w *world) { w.Moderate(by("ann"), "r", act(chat.ActionMute, "bob")) }, by: "bob", want: chat.Muted},
		{name: "muted on the server", prepare: func(w *world) { w.ModerateUser(by(root), "cat", actFor(chat.ActionMute, "", 5*second)) },
			by: "cat", want: chat.Muted, retry: 5 * second, wait: 5 * second},
		{name: "muted on the server for ever", prepare: func(w *world) { w.ModerateUser(by(root), "cat", act(chat.ActionMute, "")) }, by: "cat", want: chat.Muted},
		{name: "unmuted on the server", prepare: func(w *world) {
			w.ModerateUser(by(root), "cat", act(chat.ActionMute, ""))
			w.ModerateUser(by(root), "cat", act(chat.ActionUnmute, ""))
		}, by: "cat"},
		{name: "banned from the server", prepare: func(w *world) { w.ModerateUser(by(root), "cat", actFor(chat.ActionBan, "", 5*second)) },
			by: "cat", want: chat.Banned, wait: 5 * second},
		{name: "slow mode, first", prepare: func(w *world) { w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(3)}) }, by: "cat"},
		{name: "slow mode, second", prepare: func(w *world) {
			w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(3)})
			w.Send(by("cat"), "r", text("first"))
		}, by: "cat", want: chat.RateLimited, retry: 3 * second, wait: 3 * second},
		{name: "slow mode, another", prepare: func(w *world) {
			w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(3)})
			w.Send(by("cat"), "r", text("first"))
		}, by: "dan"},
		{name: "slow mode, moderator", prepare: func(w *world) {
			w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(3)})
			w.Send(by("bob"), "r", text("first"))
		}, by: "bob"},
		{name: "erased", prepare: func(w *world) { w.RemoveUser("cat") }, by: "cat", want: chat.Unauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.room("r", false, "bob", "cat", "dan", root)
			w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
			c.prepare(w)
			w.settle()
			if c.want == "" {
				done(t, w.Send(by(c.by), "r", text("x")))
				return
			}
			e := refused(t, w.Send(by(c.by), "r", text("x")), c.want)
			if e.RetryAfter != c.retry {
				t.Errorf("retry after %v, want %v", e.RetryAfter, c.retry)
			}
			if c.wait == 0 {
				w.clock.Add(24 * time.Hour)
				refused(t, w.Send(by(c.by), "r", text("x")), c.want)
				return
			}
			w.clock.Add(c.wait - time.Millisecond)
			refused(t, w.Send(by(c.by), "r", text("x")), c.want)
			w.clock.Add(time.Millisecond)
			done(t, w.Send(by(c.by), "r", text("x")))
		})
	}
}

// A clock that was ahead for a while does not keep anybody in slow mode silent until it gets there again.
func TestSlowModeOutlivesClockJumps(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "cat")
	w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(3)})
	w.settle()
	w.clock.Add(24 * time.Hour)
	done(t, w.Send(by("cat"), "r", text("x")))
	w.clock.Add(-24 * time.Hour)
	done(t, w.Send(by("cat"), "r", text("x")))
}

func TestBans(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	out := done(t, w.Moderate(by("ann"), "r", actFor(chat.ActionBan, "bob", time.Minute)))
	if out.Until != w.clock.Time().Add(time.Minute) || out.User != "bob" || out.Action != chat.ActionBan {
		t.Errorf("the outcome is %+v", out)
	}
	if e := last(w.log("r")); e.Kind != chat.Moderated || e.Details.Action != chat.ActionBan || e.Details.UserID != "bob" || e.Details.Reason != "why" || e.Details.Until != out.Until {
		t.Errorf("the log says %+v", e.Details)
	}
	if e := last(w.log(chat.UserLog("bob"))); e.Kind != chat.RemovedFromRoom || e.Details.Reason != "banned: why" {
		t.Errorf("bob's log says %+v", e.Details)
	}
	e := refused(t, w.Join(by("bob"), "r"), chat.Banned)
	if e.Message != "you are banned from this room: why" {
		t.Errorf("told %q", e.Message)
	}
	w.clock.Add(time.Minute)
	done(t, w.Join(by("bob"), "r")) // it is over
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionBan, "bob")))
	w.clock.Add(1000 * 24 * time.Hour)
	refused(t, w.Join(by("bob"), "r"), chat.Banned)
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionUnban, "bob")))
	done(t, w.Join(by("bob"), "r"))
	n := len(w.log("r"))
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionUnban, "cat"))) // was not
	if len(w.log("r")) != n {
		t.Error("unbanning who is not banned is in the log")
	}
	// Kicking removes and leaves the door open.
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionKick, "bob")))
	refused(t, w.Send(by("bob"), "r", text("x")), chat.NotMember)
	done(t, w.Join(by("bob"), "r"))
	// A locked room lets nobody in but administrators.
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionLock, "")))
	refused(t, w.Join(by("dan"), "r"), chat.Forbidden)
	done(t, w.Join(by(root), "r"))
}

// What changes nothing is in no log and not on record: two moderators may do the same, and lift what is over.
func TestModeratingTwice(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	done(t, w.Moderate(by("ann"), "r", actFor(chat.ActionBan, "dan", time.Second)))
	done(t, w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "cat", time.Second)))
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob")))
	done(t, w.ModerateUser(by(root), "eve", actFor(chat.ActionBan, "", time.Second)))
	done(t, w.ModerateUser(by(root), "dan", actFor(chat.ActionMute, "", time.Second)))
	w.clock.Add(time.Second)
	events := func() string {
		list, _, err := w.AuditLog(t.Context(), who(root), "", 0, 0)
		return fmt.Sprint(len(w.log("r")), len(w.log(chat.UserLog("eve"))), len(w.log(chat.UserLog("dan"))), len(list), err)
	}
	before := events()
	for _, a := range []chat.Moderation{act(chat.ActionUnban, "dan"), act(chat.ActionUnmute, "cat"), act(chat.ActionUnmute, "bob"),
		act(chat.ActionPromote, "bob"), act(chat.ActionDemote, "cat"), act(chat.ActionUnlock, "")} {
		if out := done(t, w.Moderate(by("ann"), "r", a)); out.Action != a.Action || out.User != a.User || out.Until != 0 {
			t.Errorf("%s: %+v", a.Action, out)
		}
	}
	done(t, w.ModerateUser(by(root), "eve", act(chat.ActionUnban, "")))
	done(t, w.ModerateUser(by(root), "dan", act(chat.ActionUnmute, "")))
	if after := events(); after != before {
		t.Errorf("events and entries were %s, are %s", before, after)
	}
	refused(t, w.Moderate(by("bob"), "r", act(chat.ActionDemote, "cat")), chat.Forbidden)
}

func TestModerateUser(t *testing.T) {
	w := newWorld(t)
	refused(t, w.ModerateUser(by("ann"), "bob", act(chat.ActionBan, "")), chat.Forbidden)
	refused(t, w.ModerateUser(by(root), second, act(chat.ActionBan, "")), chat.Forbidden)
	refused(t, w.ModerateUser(by(root), "nobody", act(chat.ActionBan, "")), chat.NotFound)
	refused(t, w.ModerateUser(by(root), "bob", act(chat.ActionKick, "")), chat.BadRequest)
	refused(t, w.ModerateUser(by(root), "bob", act(chat.ActionLock, "")), chat.BadRequest)
	out := done(t, w.ModerateUser(by(root), "bob", actFor(chat.ActionBan, "", time.Hour)))
	if out.Until != w.clock.Time().Add(time.Hour) || out.User != "bob" {
		t.Errorf("the outcome is %+v", out)
	}
	if e := last(w.log(chat.UserLog("bob"))); e.Kind != chat.AccountModerated || e.Actor != root || e.Details.Action != chat.ActionBan || e.Details.Reason != "why" {
		t.Errorf("bob's log says %+v", e)
	}
	refused(t, w.CreateRoom(by("bob"), chat.NewRoom{Name: "x"}), chat.Banned)
	done(t, w.ModerateUser(by(root), "bob", act(chat.ActionUnban, "")))
	done(t, w.CreateRoom(by("bob"), chat.NewRoom{Name: "x"}))
	done(t, w.ModerateUser(by(root), "bob", act(chat.ActionMute, "")))
	refused(t, w.CreateRoom(by("bob"), chat.NewRoom{Name: "x"}), chat.Muted)
	refused(t, w.SendPrivate(by("bob"), "ann", text("x")), chat.Muted)
	if n := len(w.log(chat.DirectID("ann", "bob"))); n != 0 {
		t.Error("a refused message began a conversation")
	}
}

func TestPrivateConversations(t *testing.T) {
	w := newWorld(t)
	out := done(t, w.SendPrivate(by("bob"), "ann", text("hi")))
	id := chat.DirectID("ann", "bob")
	if out.RoomID != id || id != "private:ann:bob" || out.Seq != 1 {
		t.Errorf("the outcome is %+v", out)
	}
	for _, u := range []chat.UserID{"ann", "bob"} {
		if e := last(w.log(chat.UserLog(u))); e.Kind != chat.RoomAdded || e.Details.RoomID != id {
			t.Errorf("%s's log says %+v", u, e)
		}
	}
	done(t, w.SendPrivate(by("ann"), "bob", text("hello")))
	done(t, w.Send(by("ann"), id, text("again"))) // the same room by its name
	done(t, w.Reply(by("ann"), out.MessageID, text("and again")))
	page := read[*chat.Page](t)(w.History(t.Context(), who("bob"), id, chat.HistoryQuery{}))
	if len(page.Messages) != 4 || page.From != 1 || page.To != 4 {
		t.Errorf("the history is %+v", page)
	}
	refused(t, w.SendPrivate(by("ann"), "ann", text("x")), chat.BadRequest)
	refused(t, w.SendPrivate(by("ann"), "nobody", text("x")), chat.NotFound)
	refused(t, w.SendPrivate(by("ann"), "bob:cat", text("x")), chat.NotFound)
	refused(t, w.SendPrivate(by("ann"), "cat", chat.NewMessage{Content: "x", ReplyTo: out.MessageID}), chat.NotFound)
	// Nobody is there any more who would read it, by whatever name one writes; what was said can be read, and taken back.
	file := w.uploaded("ann", id, 1)
	done(t, w.RemoveUser("bob"))
	refused(t, w.SendPrivate(by("ann"), "bob", text("x")), chat.NotFound)
	refused(t, w.Send(by("ann"), id, text("x")), chat.NotFound)
	refused(t, w.Reply(by("ann"), out.MessageID, text("x")), chat.NotFound)
	refused(t, w.ShareFile(by("ann"), id, file, text("x")), chat.NotFound)
	refused(t, w.React(by("ann"), out.MessageID, "👍"), chat.NotFound)
	_, err := w.MayType(t.Context(), who("ann"), id)
	isRefusal(t, err, chat.NotFound)
	page = read[*chat.Page](t)(w.History(t.Context(), who("ann"), id, chat.HistoryQuery{}))
	if len(page.Messages) != 4 {
		t.Errorf("the history is %+v", page)
	}
	done(t, w.Delete(by("ann"), page.Messages[0].MessageID))
}

func TestBroadcast(t *testing.T) {
	w := newWorld(t)
	refused(t, w.Broadcast(by("ann"), text("x")), chat.Forbidden)
	out := done(t, w.Broadcast(once(root, "k"), text("news")))
	if out.RoomID != chat.Announcements || out.Recipients != len(people)+2 {
		t.Errorf("the outcome is %+v", out)
	}
	if again := done(t, w.Broadcast(once(root, "k"), text("news"))); !again.Duplicate || again.MessageID != out.MessageID || again.Recipients != out.Recipients {
		t.Errorf("again: %+v", again)
	}
	page := read[*chat.Page](t)(w.History(t.Context(), who("eve"), chat.Announcements, chat.HistoryQuery{}))
	if len(page.Messages) != 1 || page.Messages[0].Content != "news" {
		t.Errorf("eve sees %+v", page)
	}
}

func TestAccounts(t *testing.T) {
	w := newWorld(t)
	for _, id := range []chat.UserID{"", "me", "search", "system", "Ann", "-a", "a b", "a:b", "a/b", "é"} {
		refused(t, w.CreateUser(chat.NewUser{ID: id}), chat.BadRequest)
	}
	refused(t, w.CreateUser(chat.NewUser{ID: "x", Role: "king"}), chat.BadRequest)
	refused(t, w.CreateUser(chat.NewUser{ID: "ann"}), chat.Conflict)
	refused(t, w.SetRole("ann", "king"), chat.BadRequest)
	refused(t, w.SetPassword("nobody", ""), chat.NotFound)

	before := read[*chat.User](t)(w.store.ReadUser(t.Context(), "ann"))
	out := done(t, w.SetPassword("ann", "hash"))
	if out.User.Generation <= before.Generation || out.User.PasswordHash != "hash" {
		t.Errorf("the account is %+v", out.User)
	}
	if e := last(w.log(chat.UserLog("ann"))); e.Kind != chat.AccountModerated || e.Details.Action != chat.ActionCredentials || e.Details.UserID != "ann" {
		t.Errorf("the log says %+v", e)
	}
	done(t, w.SetRole("ann", chat.RoleAdministrator))
	done(t, w.Broadcast(by("ann"), text("x")))
	done(t, w.RemoveUser("ann"))
	refused(t, w.CreateUser(chat.NewUser{ID: "ann"}), chat.Conflict) // the name stays taken
	refused(t, w.SetPassword("ann", "hash"), chat.NotFound)
	refused(t, w.Broadcast(by("ann"), text("x")), chat.Unauthenticated)
}
