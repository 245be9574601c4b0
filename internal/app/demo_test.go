// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/admin"
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

// impatient is a context that ends when it has been waited for a number of times.
type impatient struct {
	context.Context
	left atomic.Int64
}

func (c *impatient) Done() <-chan struct{} {
	if c.left.Add(-1) < 0 {
		over := make(chan struct{})
		close(over)
		return over
	}
	return c.Context.Done()
}

func (c *impatient) Err() error {
	if c.left.Load() < 0 {
		return context.Canceled
	}
	return c.Context.Err()
}

// A demo whose making was interrupted, wherever, is finished by the next start; nothing is said twice and no password changes.
func TestDemoGoesOnWhereItWasInterrupted(t *testing.T) {
	cfg := Default()
	cfg.Data, cfg.Listen.MQTT, cfg.Listen.HTTP = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	var a *App
	open := func() {
		var err error
		if a, err = New(t.Context(), cfg, "test", slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
	}
	shut := func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}
	open()
	defer func() { shut() }()
	var made, first *Demo
	for waits, starts := int64(1), 1; made == nil; waits, starts = waits+13, starts+1 {
		ctx := &impatient{Context: t.Context()}
		ctx.left.Store(waits)
		var err error
		made, err = a.makeDemo(ctx)
		shut() // what was asked for and not waited for comes to its end
		open()
		if err == nil && starts < 5 {
			t.Fatalf("the demo was interrupted %d times only", starts-1)
		} else if err != nil && !errors.Is(err, context.Canceled) {
			t.Fatalf("start %d: %v", starts, err)
		}
		kept, err := os.ReadFile(filepath.Join(cfg.Data, demoFile))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		var d Demo
		if err := errors.Join(err, json.Unmarshal(kept, &d)); err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = &d
		}
		if diff := cmp.Diff(first.Users, d.Users); diff != "" || d.Unfinished != (made == nil) {
			t.Fatalf("start %d: unfinished is %t, and the accounts changed: %s", starts, d.Unfinished, diff)
		}
	}
	said := map[chat.RoomID]int{}
	for _, l := range demoStory() {
		if l.reacts == "" && !l.pins && l.to == "" {
			said[l.in]++
		}
	}
	for _, room := range []chat.RoomID{"general", "greenhouse", "kitchen", "random", "harvest-plan", chat.Announcements} {
		page, err := a.service.History(t.Context(), chat.Principal{UserID: "admin"}, room, chat.HistoryQuery{Limit: 200})
		if room == "greenhouse" || room == "kitchen" {
			page, err = a.service.History(t.Context(), chat.Principal{UserID: "alice"}, room, chat.HistoryQuery{Limit: 200})
		}
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, e := range page.Messages {
			if e.Kind == chat.Text || e.Kind == chat.Image {
				n++
			}
		}
		if n != said[room] {
			t.Errorf("%d messages in %s, want %d", n, room, said[room])
		}
	}
}

func TestDemoNeedsADirectoryOfItsOwn(t *testing.T) {
	cfg := Default()
	cfg.Data, cfg.Listen.MQTT, cfg.Listen.HTTP = t.TempDir(), "127.0.0.1:0", "127.0.0.1:0"
	a, err := New(t.Context(), cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := a.admin.AddUser(t.Context(), admin.NewUser{ID: "carol"}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := a.makeDemo(t.Context()); err == nil || !strings.Contains(err.Error(), "--data") {
			t.Errorf("a demo beside other accounts: %v", err)
		}
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
