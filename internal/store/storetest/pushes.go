// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"parley/internal/chat"
)

// pushes is the way of notifications: the note, the queue, the attempt, what came of it, and the withdrawal.
func pushes(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	concerns := func(u chat.UserID, pushed, watched bool) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			if is := must[bool](t)(tx.Pushed(u)); is != pushed {
				t.Errorf("%s has a subscription: %v, want %v", u, is, pushed)
			}
			if is := must[bool](t)(tx.WatchedAll(r)); is != watched {
				t.Errorf("the room is watched: %v, want %v", is, watched)
			}
			return nil
		})
	}
	concerns("bob", false, false)
	sub := chat.PushSubscription{ID: chat.ID{1}, User: "bob", Kind: chat.UnifiedPush, Endpoint: "https://one.example/x", Host: "one.example", Events: chat.EventsNotifications, CreatedAt: clock.Time()}
	Do(t, s, func(tx chat.Tx) error { return tx.PutPushSubscription(&sub) })
	concerns("bob", true, false)
	concerns("ann", false, false)
	wish := func(text string) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			m := *must[*chat.Member](t)(tx.Member(r, "bob"))
			m.Notifications = text
			return tx.PutMember(r, &m)
		})
	}
	wish(chat.NotifyAll)
	concerns("ann", false, true)
	wish(chat.NotifyNone)
	concerns("ann", false, false)

	say := func(id byte) *chat.Event {
		e := &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: chat.ID{9, id}, Content: "hello"}
		Do(t, s, func(tx chat.Tx) error {
			if err := tx.Append(r, e); err != nil {
				return err
			}
			return tx.PutNotable(e)
		})
		return e
	}
	first, second := say(1), say(2)
	noted := must[[]chat.Notable](t)(s.Notables(ctx, 10))
	if len(noted) != 2 || noted[0].Message.MessageID != first.MessageID || noted[1].Message.MessageID != second.MessageID || noted[0].Message.RoomID != "r" {
		t.Fatalf("noted: %+v", noted)
	}
	Do(t, s, func(tx chat.Tx) error { return tx.RemoveNotable(noted[0].Num) })
	if left := must[[]chat.Notable](t)(s.Notables(ctx, 10)); len(left) != 1 || left[0].Num != noted[1].Num {
		t.Errorf("left: %+v", left)
	}

	queue := func(e *chat.Event) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			return tx.QueuePush(&chat.Push{User: "bob", Room: r.Num, Seq: e.Seq, Why: chat.WhyMention, At: e.At, Due: e.At.Add(time.Second)})
		})
	}
	due := func(busy ...string) []chat.Push {
		t.Helper()
		return must[[]chat.Push](t)(s.DuePushes(ctx, clock.Time(), busy, 10))
	}
	one := func(seq uint64) chat.Push {
		t.Helper()
		list := due()
		if len(list) != 1 || list[0].Seq != seq || list[0].Subscription != sub.ID || list[0].User != "bob" {
			t.Fatalf("due: %+v, want seq %d", list, seq)
		}
		return list[0]
	}
	queue(first)
	if list := due(); len(list) != 0 {
		t.Errorf("before its time: %+v", list)
	}
	clock.Add(time.Second)
	queue(second)
	stale := one(second.Seq) // a device hears of the latest message of a room
	if list := due("one.example"); len(list) != 0 {
		t.Errorf("of a busy host: %+v", list)
	}
	same(t, "waiting", must[int](t)(s.CountPushes(ctx)), 1)

	lease := func(p chat.Push, want bool) chat.Push {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			if got := must[bool](t)(tx.LeasePush(&p, clock.Time().Add(time.Minute))); got != want {
				t.Errorf("leased: %v, want %v", got, want)
			}
			return nil
		})
		p.Attempts++
		return p
	}
	settle := func(p chat.Push, as chat.Settlement, at chat.Time) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error { return tx.SettlePush(&p, as, at) })
	}
	p := lease(stale, true)
	lease(stale, false) // somebody has it
	if list := due(); len(list) != 0 {
		t.Errorf("under way, and due: %+v", list)
	}
	clock.Add(time.Minute) // whoever had it is gone
	p = lease(one(second.Seq), true)
	same(t, "attempts", p.Attempts, 2)
	settle(p, chat.PushPostponed, clock.Time())
	same(t, "attempts of what was postponed", one(second.Seq).Attempts, 1)
	p = lease(one(second.Seq), true)
	settle(p, chat.PushLater, clock.Time().Add(time.Hour))
	if list := due(); len(list) != 0 {
		t.Errorf("backs off, and due: %+v", list)
	}
	clock.Add(time.Hour)

	p = lease(one(second.Seq), true)
	third := say(3)
	queue(third) // while the call is under way
	settle(p, chat.PushSent, clock.Time())
	clock.Add(time.Second)
	if next := one(third.Seq); next.Shown != second.Seq || next.Attempts != 0 {
		t.Errorf("after the one before was sent: %+v", next)
	}
	p = lease(one(third.Seq), true)
	settle(p, chat.PushSent, clock.Time())
	same(t, "waiting", must[int](t)(s.CountPushes(ctx)), 0)
	shown := must[[]chat.ShownPush](t)(s.ShownPushes(ctx, 0, 10))
	if len(shown) != 1 || shown[0].Over {
		t.Fatalf("shown: %+v", shown)
	}
	Do(t, s, func(tx chat.Tx) error {
		tombstone := *third
		tombstone.Content, tombstone.Deleted = "", true
		return tx.ReplaceMessage(&tombstone)
	})
	if shown = must[[]chat.ShownPush](t)(s.ShownPushes(ctx, 0, 10)); len(shown) != 1 || !shown[0].Over {
		t.Fatalf("the message is gone, shown: %+v", shown)
	}
	Do(t, s, func(tx chat.Tx) error { return tx.WithdrawPush(shown[0].Num, clock.Time()) })
	if p = one(third.Seq); !p.Closing {
		t.Errorf("to be withdrawn: %+v", p)
	}
	p = lease(p, true)
	settle(p, chat.PushSent, clock.Time())
	if shown = must[[]chat.ShownPush](t)(s.ShownPushes(ctx, 0, 10)); len(shown) != 0 {
		t.Errorf("withdrawn, and still there: %+v", shown)
	}

	fourth := say(4)
	queue(fourth)
	Do(t, s, func(tx chat.Tx) error { return tx.RemovePushSubscription(&sub) })
	same(t, "waiting for a subscription that ended", must[int](t)(s.CountPushes(ctx)), 0)
	concerns("bob", false, false)
	settle(p, chat.PushLater, 0) // of what is gone: nothing
}
