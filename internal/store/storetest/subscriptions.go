// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"maps"
	"testing"
	"time"

	"parley/internal/chat"
)

func subscribed(t *testing.T, s Store, sub chat.PushSubscription) {
	t.Helper()
	if sub.Events == "" {
		sub.Events = chat.EventsNotifications
	}
	sub.Host = "one.example"
	Do(t, s, func(tx chat.Tx) error { return tx.PutPushSubscription(&sub) })
}

// watchers are who wants to hear of everything, has a subscription and has not read it.
func watchers(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	users := []chat.UserID{"ann", "bob", "cat", "dan", "eve"}
	for i, u := range users {
		NewUser(t, s, u, string(u))
		switch u {
		case "dan": // has none
		case "eve": // a webhook with every message is not notified
			subscribed(t, s, chat.PushSubscription{ID: chat.ID{byte(i + 1)}, User: u, Kind: chat.Webhook, Endpoint: "https://one.example/eve", Events: chat.EventsMessages})
		default:
			subscribed(t, s, chat.PushSubscription{ID: chat.ID{byte(i + 1)}, User: u, Kind: chat.UnifiedPush, Endpoint: "https://one.example/" + string(u)})
		}
	}
	r := NewRoom(t, s, chat.Room{ID: "r"}, users...)
	other := NewRoom(t, s, chat.Room{ID: "other"}, "ann", "cat")
	change := func(u chat.UserID, f func(m *chat.Member)) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			m := *must[*chat.Member](t)(tx.Member(r, u))
			f(&m)
			return tx.PutMember(r, &m)
		})
	}
	for _, u := range users[1:] { // ann has chosen nothing
		change(u, func(m *chat.Member) { m.Notifications = chat.NotifyAll })
	}
	change("bob", func(m *chat.Member) { m.ReadSeq = 5 })
	are := func(room int64, seq uint64, limit int, want ...chat.UserID) {
		t.Helper()
		got := map[chat.UserID]bool{}
		for _, u := range must[[]chat.UserID](t)(s.WatchersOf(t.Context(), room, seq, limit)) {
			got[u] = true
		}
		wanted := map[chat.UserID]bool{}
		for _, u := range want {
			wanted[u] = true
		}
		if !maps.Equal(got, wanted) {
			t.Errorf("seq %d is watched by %v, want %v", seq, got, wanted)
		}
	}
	are(r.Num, 6, 0, "bob", "cat")
	are(r.Num, 5, 0, "cat")
	are(other.Num, 1, 0)
	same(t, "watchers within a limit", len(must[[]chat.UserID](t)(s.WatchersOf(t.Context(), r.Num, 6, 1))), 1)
	Do(t, s, func(tx chat.Tx) error {
		return tx.RemovePushSubscription(&chat.PushSubscription{ID: chat.ID{3}, User: "cat"})
	})
	are(r.Num, 6, 0, "bob")
}

// quietHours are kept through a restart, replaced and removed.
func quietHours(t *testing.T, f Factory) {
	open := f(t)
	s := open(Options{Now: NewClock().Now})
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	is := func(u chat.UserID, want *chat.QuietHours) {
		t.Helper()
		got := must[*chat.QuietHours](t)(s.ReadQuietHours(t.Context(), u))
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("quiet hours of %s are %+v, want %+v", u, got, want)
		}
	}
	set := func(q *chat.QuietHours) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error { return tx.SetQuietHours("ann", q) })
	}
	is("ann", nil)
	set(nil) // of who has none
	for _, q := range []*chat.QuietHours{{From: 22 * 60, To: 7 * 60, Zone: "Europe/Berlin"}, {From: 0, To: 1439, Zone: "UTC"}} {
		set(q)
		is("ann", q)
	}
	is("bob", nil)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(Options{Now: NewClock().Now})
	defer s.Close()
	is("ann", &chat.QuietHours{From: 0, To: 1439, Zone: "UTC"})
	set(nil)
	is("ann", nil)
}

// endpoints: a device's is found, of whomever it is; a webhook's never.
func endpoints(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	const address = "https://one.example/x"
	subscribed(t, s, chat.PushSubscription{ID: chat.ID{1}, User: "ann", Kind: chat.Webhook, Endpoint: address})
	has := func(endpoint string, want *chat.ID) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			found := must[*chat.PushSubscription](t)(tx.DeviceEndpoint(endpoint))
			if (found == nil) != (want == nil) || found != nil && (found.ID != *want || found.User != "bob" || found.Endpoint != endpoint) {
				t.Errorf("%s is of %+v, want %v", endpoint, found, want)
			}
			return nil
		})
	}
	has(address, nil)
	subscribed(t, s, chat.PushSubscription{ID: chat.ID{2}, User: "bob", Kind: chat.UnifiedPush, Endpoint: address, Device: "phone"})
	has(address, &chat.ID{2})
	subscribed(t, s, chat.PushSubscription{ID: chat.ID{2}, User: "bob", Kind: chat.UnifiedPush, Endpoint: address + "2", Device: "phone"})
	has(address, nil)
	has(address+"2", &chat.ID{2})
}

// pushSlots: a webhook has a notification of each message, a device one of each room; of the oldest no more than MaxPushesEach.
func pushSlots(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	hook, phone := chat.ID{1}, chat.ID{2}
	subscribed(t, s, chat.PushSubscription{ID: hook, User: "bob", Kind: chat.Webhook, Endpoint: "https://one.example/hook"})
	subscribed(t, s, chat.PushSubscription{ID: phone, User: "bob", Kind: chat.UnifiedPush, Endpoint: "https://one.example/phone"})
	const extra = 3
	Do(t, s, func(tx chat.Tx) error {
		for i := range chat.MaxPushesEach + extra {
			e := &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: chat.ID{9, byte(i)}, Content: "hello"}
			if err := tx.Append(r, e); err != nil {
				return err
			}
			for range 2 { // the same message again changes nothing
				if err := tx.QueuePush(&chat.Push{User: "bob", Room: r.Num, Seq: e.Seq, Why: chat.WhyAll, At: e.At, Due: e.At.Add(time.Second)}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	clock.Add(time.Second)
	seqs := map[chat.ID]map[uint64]bool{hook: {}, phone: {}}
	for _, p := range must[[]chat.Push](t)(s.DuePushes(t.Context(), clock.Time(), nil, 0)) {
		if seqs[p.Subscription][p.Seq] {
			t.Errorf("seq %d twice for one subscription", p.Seq)
		}
		seqs[p.Subscription][p.Seq] = true
	}
	last := uint64(chat.MaxPushesEach + extra)
	if len(seqs[phone]) != 1 || !seqs[phone][last] {
		t.Errorf("a device hears of %v, want %d alone", seqs[phone], last)
	}
	if n := len(seqs[hook]); n != chat.MaxPushesEach {
		t.Errorf("%d notifications for a webhook, want %d", n, chat.MaxPushesEach)
	}
	for seq := uint64(1); seq <= last; seq++ {
		if seqs[hook][seq] != (seq > extra) {
			t.Errorf("seq %d for the webhook: %v; the oldest are forgotten", seq, seqs[hook][seq])
		}
	}
}
