// SPDX-License-Identifier: Apache-2.0

package presence_test

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
	"parley/internal/presence"
)

// town is what presence stands on: everybody shares room 1, and bob is in the big room 2 too.
type town struct {
	*presence.Presence
	mu        sync.Mutex
	told      []string
	saved     map[chat.UserID]chat.Time
	invisible []chat.UserID
	asked     int
	removed   bool // bob from all rooms
	knows     bool // the feed knows bob's rooms
}

var start time.Time

func (w *town) InvisibleUsers(context.Context) ([]chat.UserID, error) { return w.invisible, nil }

func (w *town) SmallRooms(_ context.Context, _ chat.UserID, most, limit int) ([]int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if most != chat.SmallRoom || limit < 1 {
		return nil, fmt.Errorf("asked for %d rooms of %d members", limit, most)
	}
	return []int64{1}, nil
}

func (w *town) RoomMembers(context.Context, int64, chat.UserID, int) ([]chat.Member, error) {
	return []chat.Member{{User: "ann"}, {User: "bob"}, {User: "cat"}}, nil
}

func (w *town) PassRooms(rooms []int64, about chat.UserID, body []byte) {
	w.note(fmt.Sprint(rooms, " ", about), body)
}

func (w *town) PassRoom(room int64, except chat.UserID, body []byte) {
	w.note(fmt.Sprint(room, " but ", except), body)
}

func (w *town) ListeningIn(_ int64, counts func(chat.UserID) bool) (n int) {
	for _, u := range []chat.UserID{"ann", "bob"} {
		if counts(u) {
			n++
		}
	}
	return n
}

func (w *town) MemberOf(chat.UserID, int64) (member, known bool) { return !w.removed, w.knows }

// note keeps what was passed on, with the second.
func (w *town) note(to string, body []byte) {
	var e struct {
		Type   string  `json:"type"`
		Status string  `json:"status"`
		Room   string  `json:"room_id"`
		Seen   float64 `json:"last_seen"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		panic(err)
	}
	text := fmt.Sprintf("%v: %s %s%s%s", time.Since(start).Truncate(time.Second), to, e.Type, e.Status, e.Room)
	if e.Seen != 0 {
		text += fmt.Sprintf(" seen %.0f", e.Seen-float64(start.Unix()))
	}
	w.mu.Lock()
	w.told = append(w.told, text)
	w.mu.Unlock()
}

// inTown runs a test with a clock of its own. The Presence looks around at whole seconds; the test acts between them.
func inTown(t *testing.T, invisible []chat.UserID, f func(w *town)) {
	synctest.Test(t, func(t *testing.T) {
		start = time.Now()
		w := &town{invisible: invisible, saved: map[chat.UserID]chat.Time{}}
		var err error
		w.Presence, err = presence.New(t.Context(), presence.Config{Rooms: w, Listeners: w, Logger: slog.New(slog.DiscardHandler), Now: time.Now,
			Save: func(seen []chat.Seen) {
				for _, s := range seen {
					w.saved[s.User] = s.At
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		go w.Run(ctx)
		pass(500 * time.Millisecond)
		f(w)
		stop()
		synctest.Wait()
	})
}

func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func (w *town) wants(t *testing.T, what string, want ...string) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	if !slices.Equal(w.told, want) {
		t.Errorf("%s: told\n%s, want\n%s", what, strings.Join(w.told, "\n"), strings.Join(want, "\n"))
	}
	w.told = nil
}

// Online with the first device, offline Grace after the last one; each is told once.
func TestPresenceComesFromConnections(t *testing.T) {
	inTown(t, nil, func(w *town) { // at 0.5 s
		w.Arrive("bob")
		w.Arrive("bob")
		if w.Status("bob") != chat.Online {
			t.Error("bob is here and not online")
		}
		pass(time.Second) // 1.5
		w.wants(t, "the first device", "1s: [1] bob user_statusonline")
		w.Leave("bob")
		pass(time.Minute)
		w.wants(t, "one device less")
		w.Leave("bob") // at 61.5
		pass(29 * time.Second)
		if !w.Online("bob") {
			t.Error("offline before Grace")
		}
		w.wants(t, "within Grace")
		pass(2 * time.Second)
		if w.Online("bob") {
			t.Error("online after Grace")
		}
		w.wants(t, "after Grace", "1m32s: [1] bob user_statusoffline seen 62")
		if got := w.saved["bob"]; got != chat.TimeOf(start.Add(61500*time.Millisecond)) {
			t.Errorf("last seen %v", got)
		}
	})
}

// A device whose connection flaps makes no noise, nor does a choice that is taken back at once.
func TestFlappingIsToldToNobody(t *testing.T) {
	inTown(t, nil, func(w *town) {
		w.Arrive("bob")
		pass(time.Second)
		w.wants(t, "arrived", "1s: [1] bob user_statusonline")
		for range 100 {
			w.Leave("bob")
			pass(20 * time.Second)
			w.Arrive("bob")
			pass(100 * time.Millisecond)
			w.Choose("bob", chat.Away)
			w.Choose("bob", chat.Online)
		}
		w.wants(t, "flapping")
		if w.asked != 1 {
			t.Errorf("%d looks for rooms", w.asked)
		}
	})
}

func TestChosenStatus(t *testing.T) {
	inTown(t, []chat.UserID{"cat"}, func(w *town) {
		w.Arrive("bob")
		w.Arrive("cat") // invisible since before the start
		pass(time.Second)
		w.wants(t, "arrived", "1s: [1] bob user_statusonline")
		w.Choose("bob", chat.Away)
		pass(time.Second)
		w.wants(t, "away", "2s: [1] bob user_statusaway")
		w.Choose("bob", chat.Offline) // at 2.5
		if w.Online("bob") || w.Online("cat") {
			t.Error("the invisible are seen")
		}
		pass(time.Second)
		w.wants(t, "invisible", "3s: [1] bob user_statusoffline seen 2")
		before := w.saved["bob"]
		w.Leave("bob")
		pass(time.Minute)
		w.Arrive("bob")
		pass(time.Minute)
		w.wants(t, "an invisible one comes and goes")
		w.Flush()
		if w.saved["bob"] != before || w.saved["cat"] != 0 {
			t.Errorf("when the invisible were seen: %v, %v", w.saved["bob"], w.saved["cat"])
		}
		if n, err := w.OnlineIn(t.Context(), &chat.Room{Num: 1, MemberCount: 3}); n != 0 || err != nil {
			t.Errorf("%d online in the small room (%v)", n, err)
		}
		if n, err := w.OnlineIn(t.Context(), &chat.Room{Num: 2, MemberCount: chat.SmallRoom + 1}); n != 1 || err != nil {
			t.Errorf("%d online in the big room (%v), want ann who listens", n, err)
		}
		w.Choose("bob", chat.Online)
		pass(time.Second)
		w.wants(t, "visible again", "2m4s: [1] bob user_statusonline")
		w.Choose("dan", chat.Away) // who is not here
		pass(time.Second)
		w.wants(t, "nobody's choice")
		if w.Online("dan") {
			t.Error("who is not here is online by choosing")
		}
		// Away ends with the last device.
		w.Choose("bob", chat.Away)
		pass(time.Second)
		w.Leave("bob")
		w.Choose("bob", chat.Away) // over HTTP, while still seen
		if w.Status("bob") != chat.Away {
			t.Errorf("away and gone a moment ago, bob is %s", w.Status("bob"))
		}
		pass(time.Minute)
		w.Arrive("bob")
		if w.Status("bob") != chat.Online {
			t.Errorf("after a return bob is %s", w.Status("bob"))
		}
	})
}

// A rush is told bit by bit, and of each only the latest.
func TestRushIsBounded(t *testing.T) {
	inTown(t, nil, func(w *town) {
		for i := range 450 {
			w.Arrive(chat.UserID(fmt.Sprint("u", i)))
		}
		for _, want := range []int{200, 200, 50, 0} {
			pass(time.Second)
			w.mu.Lock()
			if len(w.told) != want {
				t.Errorf("%d were told of, want %d", len(w.told), want)
			}
			w.told = nil
			w.mu.Unlock()
		}
		if len(w.saved) != 450 {
			t.Errorf("%d are saved", len(w.saved))
		}
	})
}

func TestTyping(t *testing.T) {
	inTown(t, nil, func(w *town) { // at 0.5
		small, big := &chat.Room{Num: 1, ID: "r", MemberCount: chat.SmallRoom}, &chat.Room{Num: 2, ID: "b", MemberCount: chat.SmallRoom + 1}
		if w.Type("bob", "r") || w.Rest("bob", "r") {
			t.Error("known without having been asked")
		}
		w.MayType("bob", small)
		w.MayType("bob", big)
		w.wants(t, "the first", "0s: 1 but bob typing_startr")
		for range 4 { // to 4.5: within TypingEvery they are dropped
			pass(time.Second)
			if !w.Type("bob", "r") {
				t.Error("asked again")
			}
		}
		w.wants(t, "the next", "3s: 1 but bob typing_startr")
		pass(11 * time.Second)
		w.wants(t, "ends by itself", "15s: 1 but bob typing_stopr")
		if w.Type("bob", "r") {
			t.Error("known for ever")
		}
		w.MayType("bob", small) // at 15.5
		for range 2 {
			if !w.Rest("bob", "r") {
				t.Error("not known")
			}
		}
		w.wants(t, "stopped", "15s: 1 but bob typing_startr", "15s: 1 but bob typing_stopr")
		w.Type("bob", "r") // too soon
		pass(3 * time.Second)
		w.wants(t, "too soon")
		w.Type("bob", "r")
		w.wants(t, "again", "18s: 1 but bob typing_startr")
		w.knows = true
		if !w.Type("bob", "r") {
			t.Error("a member is asked about")
		}
		w.removed = true
		if w.Type("bob", "r") {
			t.Error("who was removed still types")
		}
		pass(time.Minute)
		w.wants(t, "the end", "29s: 1 but bob typing_stopr")
	})
}
