// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"testing"

	"parley/internal/chat"
)

// head is a user's place in a room.
func (w *world) head(u chat.UserID, id chat.RoomID) chat.Membership {
	w.t.Helper()
	for _, m := range read[*chat.Synced](w.t)(w.Sync(w.t.Context(), who(u), nil, 0)).Rooms {
		if m.Room.ID == id {
			return m
		}
	}
	w.t.Fatalf("%s is not in %s", u, id)
	return chat.Membership{}
}

func TestMarkRead(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob") // seq 1 and 2
	for range 4 {
		w.Send(by("ann"), "r", text("x")) // 3 to 6
	}
	events := len(w.log("r"))
	for _, c := range []struct {
		what   string
		seq    *uint64
		back   bool
		mark   uint64
		unread uint64
	}{
		{"some", ptr[uint64](4), false, 4, 2},
		{"never back", ptr[uint64](3), false, 4, 2},
		{"beyond the head", ptr[uint64](99), false, 6, 0},
		{"set back", ptr[uint64](3), true, 3, 3},
		{"all", nil, false, 6, 0},
		{"back to nothing", ptr[uint64](0), true, 0, 4},
	} {
		got := done(t, w.MarkRead(by("bob"), "r", c.seq, c.back))
		if got.Seq != c.mark || got.RoomID != "r" || got.Told == c.back {
			t.Errorf("%s: %+v, want the mark %d", c.what, got, c.mark)
		}
		if m := w.head("bob", "r"); m.Member.ReadSeq != c.mark || m.Unread != c.unread {
			t.Errorf("%s: stored %d with %d unread, want %d with %d", c.what, m.Member.ReadSeq, m.Unread, c.mark, c.unread)
		}
	}
	if got := done(t, w.MarkRead(by("bob"), "r", ptr[uint64](0), false)); got.Changed {
		t.Error("a mark that did not move counts as changed")
	}
	w.settle()
	if n := len(w.log("r")); n != max(events, 6) {
		t.Errorf("the log has %d events: marks make none", n)
	}
	if m := w.head("ann", "r"); m.Member.ReadSeq != m.Member.JoinedSeq {
		t.Errorf("somebody else's mark moved: %+v", m.Member)
	}
}

// What is set back behind an own message is unread again, and the next own message reads it.
func TestMarkUnreadBehindOwnMessage(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.Send(by("ann"), "r", text("3"))
	w.Send(by("bob"), "r", text("4"))
	done(t, w.MarkRead(by("bob"), "r", ptr[uint64](2), true))
	if n := w.head("bob", "r").Unread; n != 2 {
		t.Errorf("%d unread, want 2", n)
	}
	done(t, w.Send(by("bob"), "r", text("5")))
	if n := w.head("bob", "r").Unread; n != 0 {
		t.Errorf("after an own message %d unread", n)
	}
}

func TestMarkReadIsForMembers(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "dan")
	w.room("p", true)
	w.Moderate(by("ann"), "r", act(chat.ActionBan, "dan"))
	refused(t, w.MarkRead(by("cat"), "r", nil, false), chat.NotMember)
	refused(t, w.MarkRead(by("dan"), "r", nil, false), chat.Banned)
	refused(t, w.MarkRead(by("cat"), "p", nil, false), chat.NotFound)
	refused(t, w.MarkRead(by("cat"), "none", nil, false), chat.NotFound)
	refused(t, w.MarkRead(by("bob"), "r", nil, true), chat.BadRequest)
	if got := done(t, w.MarkRead(by("bob"), chat.Announcements, nil, false)); got.Told {
		t.Error("all accounts are told who reads announcements")
	}
	done(t, w.MarkRead(by("bob"), chat.UserLog("bob"), nil, false))
	a := done(t, w.MarkRead(once("bob", "m"), "r", ptr[uint64](1), false))
	b := done(t, w.MarkRead(once("bob", "m"), "r", ptr[uint64](1), false))
	if !b.Duplicate || b.Seq != a.Seq || b.Changed {
		t.Errorf("the repeat: %+v", b)
	}
	refused(t, w.MarkRead(once("bob", "m"), "r", ptr[uint64](1), true), chat.Conflict)
}

func TestPreferences(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	for _, c := range []struct {
		user  chat.UserID
		value string
		want  chat.Code
	}{
		{"ann", chat.NotifyMentions, ""}, {"ann", "loud", chat.BadRequest}, {"ann", "", chat.BadRequest},
		{"cat", chat.NotifyNone, chat.NotMember}, {root, chat.NotifyNone, chat.NotMember},
	} {
		if got := of(t, w.SetPreferences(by(c.user), "r", c.value))(); got != c.want {
			t.Errorf("%s chose %q: %q, want %q", c.user, c.value, got, c.want)
		}
	}
	if a, b := w.head("ann", "r").Member.Notifications, w.head("bob", "r").Member.Notifications; a != chat.NotifyMentions || b != "" {
		t.Errorf("stored: ann %q, bob %q", a, b)
	}
}
