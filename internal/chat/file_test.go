// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
)

// uploaded makes a file of u whose bytes are there.
func (w *world) uploaded(u chat.UserID, room chat.RoomID, size int64) chat.ID {
	w.t.Helper()
	id := done(w.t, w.BeginUpload(by(u), room, chat.NewFile{Name: "a.txt", Type: "text/plain", Size: size})).File.ID
	done(w.t, w.FinishUpload(by(u), "", id, chat.FileContent{Type: "image/png", Width: 4, Height: 3, Thumbnail: true}))
	return id
}

func TestWhoUploadsAndShares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	w.room("secret", true)
	begin := func(u chat.UserID, room chat.RoomID) *chat.Pending[chat.Uploaded] {
		return w.BeginUpload(by(u), room, chat.NewFile{Name: "x", Size: 1})
	}
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionMute, "cat")))
	refused(t, begin("eve", "r"), chat.NotMember)
	refused(t, begin("eve", "secret"), chat.NotFound)
	refused(t, begin("eve", "nowhere"), chat.NotFound)
	refused(t, begin("cat", "r"), chat.Muted)
	refused(t, begin("bob", chat.Announcements), chat.Forbidden)
	refused(t, begin("bob", chat.UserLog("bob")), chat.Forbidden)
	done(t, begin(root, chat.Announcements))

	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{SlowMode: ptr(60)}))
	id := w.uploaded("bob", "r", 5)
	sent := done(t, w.ShareFile(by("bob"), "r", id, text("look")))
	done(t, begin("bob", "r")) // a slow mode is about messages
	refused(t, w.ShareFile(by("bob"), "r", id, text("")), chat.RateLimited)
	refused(t, w.ShareFile(by("ann"), "r", id, text("")), chat.NotFound)
	refused(t, w.ShareFile(by("bob"), "secret", id, text("")), chat.NotFound)
	refused(t, w.ShareFile(by("bob"), "r", chat.ID{9}, text("")), chat.NotFound)
	refused(t, w.FinishUpload(by("ann"), "", id, chat.FileContent{}), chat.NotFound)
	expected := done(t, begin("ann", "r")).File.ID
	refused(t, w.ShareFile(by("ann"), "r", expected, text("")), chat.Conflict)

	log := w.log("r")
	e := log[len(log)-1]
	want := chat.SharedFile{FileID: id.String(), Name: "a.txt", Type: "image/png", Size: 5, Width: 4, Height: 3, Thumbnail: true}
	if e.MessageID != sent.MessageID || e.Kind != chat.Image || e.Content != "look" || e.Details == nil || e.Details.File == nil || *e.Details.File != want {
		t.Errorf("the event is %+v", e)
	}
	page := read[*chat.Page](t)(w.History(t.Context(), who("ann"), "r", chat.HistoryQuery{Limit: 1}))
	if m := page.Messages[0]; m.Details == nil || m.Details.File == nil || *m.Details.File != want {
		t.Errorf("what is read is %+v", m)
	}
	// An edit changes the caption and keeps the file; a deletion takes both.
	done(t, w.Edit(by("bob"), sent.MessageID, "another look", chat.Unflagged))
	page = read[*chat.Page](t)(w.History(t.Context(), who("ann"), "r", chat.HistoryQuery{Limit: 1}))
	if m := page.Messages[0]; m.Content != "another look" || m.Details == nil || m.Details.File == nil || *m.Details.File != want {
		t.Errorf("edited it is %+v", m)
	}
	read[*chat.FileMeta](t)(w.FileFor(t.Context(), who("ann"), id))
	done(t, w.Delete(by("ann"), sent.MessageID))
	_, err := w.FileFor(t.Context(), who("ann"), id)
	isRefusal(t, err, chat.NotFound)
	read[*chat.FileMeta](t)(w.FileFor(t.Context(), who("bob"), id))
}

// A file is seen by whom the message is seen by: in a private room from the joining on.
func TestFilesFromBeforeTheJoining(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("secret", true)
	id := w.uploaded("ann", "secret", 1)
	done(t, w.ShareFile(by("ann"), "secret", id, text("")))
	done(t, w.Invite(by("ann"), "secret", "bob"))
	_, err := w.FileFor(t.Context(), who("bob"), id)
	isRefusal(t, err, chat.NotFound)
	done(t, w.ShareFile(by("ann"), "secret", id, text("")))
	read[*chat.FileMeta](t)(w.FileFor(t.Context(), who("bob"), id))
	done(t, w.Moderate(by("ann"), "secret", act(chat.ActionKick, "bob")))
	_, err = w.FileFor(t.Context(), who("bob"), id)
	isRefusal(t, err, chat.NotFound)
	done(t, w.DeleteRoom(by("ann"), "secret"))
	w.clock.Add(chat.FileLifetime)
	if loose := read[[]chat.ID](t)(w.LooseFiles(t.Context(), 10)); len(loose) != 1 || loose[0] != id {
		t.Errorf("loose are %v", loose)
	}
}

func TestFileQuota(t *testing.T) {
	t.Parallel()
	limits := chat.DefaultLimits()
	limits.MaxFileSize, limits.FileQuota = 60, 100
	w := newWorldWith(t, limits)
	w.room("r", false, "bob")
	begin := func(u chat.UserID, size int64) *chat.Pending[chat.Uploaded] {
		return w.BeginUpload(by(u), "r", chat.NewFile{Name: "x", Size: size})
	}
	refused(t, begin("bob", 61), chat.TooLarge)
	refused(t, begin("bob", 0), chat.BadRequest)
	first := done(t, begin("bob", 60)).File.ID
	refused(t, begin("bob", 41), chat.TooLarge) // what is announced counts
	done(t, begin("bob", 40))
	refused(t, begin("bob", 1), chat.TooLarge)
	done(t, begin("ann", 60))
	if v := done(t, w.CondemnFile(first, false)); v.Loose {
		t.Error("a file was condemned before its time")
	}
	if v := done(t, w.ForgetFile(first)); v.Loose {
		t.Error("a file was forgotten before it was condemned")
	}
	w.clock.Add(chat.FileLifetime)
	for range 2 { // the first attempt at its bytes may fail
		if v := done(t, w.CondemnFile(first, false)); !v.Loose {
			t.Error("a loose file was not condemned")
		}
	}
	refused(t, w.FinishUpload(by("bob"), "", first, chat.FileContent{}), chat.NotFound)
	if loose := read[[]chat.ID](t)(w.LooseFiles(t.Context(), 1)); len(loose) != 1 || loose[0] != first {
		t.Errorf("what is left of it is not found again: %v", loose)
	}
	refused(t, begin("bob", 60), chat.TooLarge) // until the bytes are gone
	done(t, w.ForgetFile(first))
	done(t, begin("bob", 60))
}

// A file that somebody shared in the meantime is not taken away.
func TestCondemningASharedFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false)
	id := w.uploaded("ann", "r", 1)
	w.clock.Add(chat.FileLifetime + time.Hour)
	if loose := read[[]chat.ID](t)(w.LooseFiles(t.Context(), 10)); len(loose) != 1 {
		t.Fatalf("loose are %v", loose)
	}
	done(t, w.ShareFile(by("ann"), "r", id, text("")))
	for _, early := range []bool{false, true} {
		if v := done(t, w.CondemnFile(id, early)); v.Loose {
			t.Error("a shared file was condemned")
		}
	}
	read[*chat.FileMeta](t)(w.FileFor(t.Context(), who("ann"), id))
}

func TestRepeatedUploadsAndShares(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false)
	n := chat.NewFile{Name: "a", Size: 3}
	first := done(t, w.BeginUpload(once("ann", "k"), "r", n))
	again := done(t, w.BeginUpload(once("ann", "k"), "r", n))
	if !again.Duplicate || again.File != first.File {
		t.Errorf("the repeat is %+v, the first was %+v", again, first)
	}
	n.Size = 4
	refused(t, w.BeginUpload(once("ann", "k"), "r", n), chat.Conflict)
	id := w.uploaded("ann", "r", 1)
	sent := done(t, w.ShareFile(once("ann", "s"), "r", id, text("")))
	if repeat := done(t, w.ShareFile(once("ann", "s"), "r", id, text(""))); !repeat.Duplicate || repeat.MessageID != sent.MessageID {
		t.Errorf("the repeat is %+v", repeat)
	}
	refused(t, w.ShareFile(once("ann", "s"), "r", first.File.ID, text("")), chat.Conflict)
}

func TestFileNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"report.pdf": "report.pdf", "/etc/passwd": "passwd", `C:\a\b.txt`: "b.txt", "../..": "file", "": "file", "...": "file", ". a .": "a",
		"a\x00b\nc": "abc", "a<b>:c|d?e*f\"": "a_b__c_d_e_f_", "con.txt": "_con.txt", "console": "console", ".bashrc": "bashrc", "x/": "file",
		"fdp\u202eexe.": "fdpexe", "日本語.txt": "日本語.txt", strings.Repeat("é", 200): strings.Repeat("é", 100),
	} {
		if got := chat.CleanFileName(name); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}
