// SPDX-License-Identifier: Apache-2.0

package app

import (
	"log/slog"
	"testing"

	"parley/internal/chat"
)

// A demo has something to show in each part of a client, the second start finds it again, and nothing is said twice.
func TestDemoTellsItsStoryOnce(t *testing.T) {
	cfg := Default()
	cfg.Data, cfg.Demo, cfg.Listen.MQTT, cfg.Listen.HTTP = t.TempDir(), true, "127.0.0.1:0", "127.0.0.1:0"
	var passwords [2]string
	for start := range passwords {
		a, err := New(t.Context(), cfg, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		passwords[start] = a.Demo().Users[1].Password
		alice := chat.Principal{UserID: "alice"}
		mine, _, err := a.service.Mine(t.Context(), alice, "", "", 0)
		if err != nil {
			t.Fatal(err)
		}
		rooms, unread := map[chat.RoomID]bool{}, uint64(0)
		for _, m := range mine {
			rooms[m.Room.ID] = true
			unread += m.Unread
		}
		for _, want := range []chat.RoomID{"general", "greenhouse", "kitchen", "harvest-plan", "private:alice:bob", chat.Announcements} {
			if !rooms[want] {
				t.Errorf("start %d: alice is not in %s", start, want)
			}
		}
		if rooms["reading-circle"] {
			t.Errorf("start %d: there is nothing left to discover", start)
		}
		if unread == 0 {
			t.Errorf("start %d: nothing is unread", start)
		}
		page, err := a.service.History(t.Context(), alice, "greenhouse", chat.HistoryQuery{})
		if err != nil {
			t.Fatal(err)
		}
		pictures := 0
		for _, e := range page.Messages {
			if e.Kind == chat.Image {
				pictures++
			}
		}
		if pictures != 1 {
			t.Errorf("start %d: the greenhouse shows %d pictures, want 1", start, pictures)
		}
		pins, err := a.service.Pins(t.Context(), alice, "general", 0)
		if err != nil || len(pins.Pins) != 1 {
			t.Errorf("start %d: general has the pins %+v (%v), want 1", start, pins, err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if passwords[0] != passwords[1] {
		t.Error("the passwords changed with the second start")
	}
}

func TestDemoStoryNamesWhatThereIs(t *testing.T) {
	named := map[string]bool{"": true}
	for i, l := range demoStory() {
		if !named[l.quotes] || !named[l.answers] {
			t.Errorf("line %d (%q) points at %q, which nobody has said before", i, l.text, l.quotes+l.answers)
		}
		named[l.name] = true
	}
}
