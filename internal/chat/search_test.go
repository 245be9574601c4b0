// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

// newSearchWorld is newWorld with an index.
func newSearchWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, clock: storetest.NewClock(), events: map[chat.RoomID][]*chat.Event{}}
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: w.clock.Now, Search: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	w.store, w.Service = s, chat.NewService(s, chat.DefaultLimits(), w.newID, w.clock.Time)
	for _, u := range people {
		done(t, w.CreateUser(chat.NewUser{ID: u}))
	}
	return w
}

func (w *world) say(u chat.UserID, room chat.RoomID, text string) {
	w.t.Helper()
	done(w.t, w.Send(by(u), room, chat.NewMessage{Content: text}))
}

// hits are the texts that a user finds in a room, or everywhere.
func (w *world) hits(u chat.UserID, room chat.RoomID, query string) (texts []string, code chat.Code) {
	w.t.Helper()
	var found *chat.Found
	var err error
	if room != "" {
		found, _, err = w.SearchRoom(w.t.Context(), who(u), room, chat.RoomSearch{SearchQuery: chat.SearchQuery{Text: query}})
	} else {
		found, err = w.Search(w.t.Context(), who(u), chat.SearchQuery{Text: query})
	}
	if err != nil {
		return nil, chat.CodeOf(err)
	}
	for _, h := range found.Hits {
		texts = append(texts, h.Event.Content)
	}
	return texts, ""
}

// Nobody finds what they may not read, in one room or in all.
func TestSearchSeesWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "open", Name: "Open"}))
	done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "later", Name: "Later"}))
	done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "closed", Name: "Closed", Private: true}))
	joined := chat.VisibleJoined
	done(t, w.UpdateRoom(by("ann"), "later", chat.RoomPatch{History: &joined}))
	for _, room := range []chat.RoomID{"open", "later", "closed"} {
		w.say("ann", room, "needle before in "+string(room))
	}
	done(t, w.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "needle for bob"}))
	done(t, w.Join(by("bob"), "open"))
	done(t, w.Join(by("bob"), "later"))
	done(t, w.Invite(by("ann"), "closed", "bob"))
	for _, room := range []chat.RoomID{"open", "later", "closed"} {
		w.clock.Add(time.Second)
		w.say("ann", room, "needle after in "+string(room))
	}
	for _, c := range []struct {
		user chat.UserID
		room chat.RoomID
		want []string
		code chat.Code
	}{
		{"bob", "open", []string{"needle after in open", "needle before in open"}, ""},
		{"bob", "later", []string{"needle after in later"}, ""},
		{"bob", "closed", []string{"needle after in closed"}, ""},
		{"bob", chat.DirectID("ann", "bob"), []string{"needle for bob"}, ""},
		{"bob", "", []string{"needle after in closed", "needle after in later", "needle after in open", "needle for bob", "needle before in open"}, ""},
		{"cat", "open", nil, chat.NotMember},
		{"cat", "closed", nil, chat.NotFound},
		{"cat", chat.DirectID("ann", "bob"), nil, chat.NotFound},
		{"cat", "nowhere", nil, chat.NotFound},
		{"cat", "", nil, ""},
	} {
		if got, code := w.hits(c.user, c.room, "needle"); !slices.Equal(got, c.want) || code != c.code {
			t.Errorf("%s in %q: got %q (%s), want %q (%s)", c.user, c.room, got, code, c.want, c.code)
		}
	}

	done(t, w.Moderate(by("ann"), "open", chat.Moderation{Action: chat.ActionBan, User: "bob"}))
	done(t, w.Leave(by("bob"), "later"))
	done(t, w.DeleteRoom(by("ann"), "closed"))
	if got, code := w.hits("bob", "open", "needle"); got != nil || code != chat.Banned {
		t.Errorf("a banned one found %q (%s)", got, code)
	}
	if got, code := w.hits("bob", "closed", "needle"); got != nil || code != chat.NotFound {
		t.Errorf("in a deleted room: found %q (%s)", got, code)
	}
	if got, _ := w.hits("bob", "", "needle"); !slices.Equal(got, []string{"needle for bob"}) {
		t.Errorf("after leaving: found %q", got)
	}
	done(t, w.Join(by("bob"), "later")) // sees it from now on
	if got, _ := w.hits("bob", "later", "needle"); got != nil {
		t.Errorf("after joining anew: found %q", got)
	}
}

func TestSearchRefusesWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "open", Name: "Open"}))
	for _, q := range []chat.SearchQuery{{}, {Text: "!"}, {Text: "*ab"}, {Text: "a", Sender: "No Name"}, {Text: "a", Limit: -1}, {Text: "a", Since: 2, Until: 1}} {
		if _, _, err := w.SearchRoom(t.Context(), who("ann"), "open", chat.RoomSearch{SearchQuery: q}); chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%+v: %v", q, err)
		}
		if _, err := w.Search(t.Context(), who("ann"), q); chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestRoomSearchGoesOnBeforeASeq(t *testing.T) {
	t.Parallel()
	w := newSearchWorld(t)
	done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "open", Name: "Open"}))
	for range 5 {
		w.say("ann", "open", "needle") // seq 2 to 6
	}
	q := chat.RoomSearch{SearchQuery: chat.SearchQuery{Text: "needle", Limit: 2}}
	var seqs []uint64
	for range 3 {
		found, _, err := w.SearchRoom(t.Context(), who("ann"), "open", q)
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range found.Hits {
			seqs = append(seqs, h.Event.Seq)
		}
		if found.More != (len(seqs) < 5) {
			t.Errorf("after %v: more is %v", seqs, found.More)
		}
		q.BeforeSeq = found.Next.Seq
	}
	if want := []uint64{6, 5, 4, 3, 2}; !slices.Equal(seqs, want) {
		t.Errorf("got %v, want %v", seqs, want)
	}
}

func TestMarksAreReadBack(t *testing.T) {
	t.Parallel()
	for _, m := range []chat.Mark{{}, {At: 1, Room: 2, Seq: 3}, {At: 1_700_000_000_000, Room: 1 << 27, Seq: 1 << 36}, {At: -5, Room: 1}} {
		if got, err := chat.ParseMark(m.String()); err != nil || got != m {
			t.Errorf("%v: got %v, %v", m, got, err)
		}
	}
	for _, bad := range []string{"?", "gKCr", "gKCr_vliBNUDxx", "a"} {
		if m, err := chat.ParseMark(bad); err == nil {
			t.Errorf("%q was read as %v", bad, m)
		}
	}
}
