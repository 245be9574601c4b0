// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"maps"
	"testing"
	"time"
	_ "time/tzdata" // also where the system has none

	"parley/internal/chat"
)

func TestQuietHours(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		from, to, now, until string // until empty: not quiet
	}{
		{"22:00", "07:00", "2026-11-25 23:30", "2026-11-26 07:00"}, {"22:00", "07:00", "2026-11-25 06:59", "2026-11-25 07:00"},
		{"22:00", "07:00", "2026-11-25 07:00", ""}, {"22:00", "07:00", "2026-11-25 21:59", ""}, {"22:00", "07:00", "2026-11-25 22:00", "2026-11-26 07:00"},
		{"12:00", "13:00", "2026-11-25 12:30", "2026-11-25 13:00"}, {"12:00", "13:00", "2026-11-25 13:00", ""},
		{"22:00", "07:00", "2026-03-29 01:30", "2026-03-29 07:00"}, // an hour is left out in this night
		{"22:00", "07:00", "2026-10-25 04:30", "2026-10-25 07:00"}, // an hour comes twice
	} {
		q, err := chat.ParseQuietHours(c.from, c.to, "Europe/Berlin")
		if err != nil {
			t.Fatal(err)
		}
		at := func(text string) chat.Time {
			when, err := time.ParseInLocation("2006-01-02 15:04", text, berlin)
			if err != nil {
				t.Fatal(err)
			}
			return chat.TimeOf(when)
		}
		end, quiet := q.Ends(at(c.now))
		if quiet != (c.until != "") || quiet && end != at(c.until) {
			t.Errorf("%s to %s at %s: quiet %v until %v", c.from, c.to, c.now, quiet, time.UnixMilli(int64(end)).In(berlin))
		}
	}
	for _, wrong := range [][3]string{{"22:00", "22:00", "UTC"}, {"25:00", "07:00", "UTC"}, {"7:00", "08:00", "UTC"}, {"22:00", "07:00", "Local"}, {"22:00", "07:00", ""}, {"22:00", "07:00", "../x"}, {"", "07:00", "UTC"}} {
		if _, err := chat.ParseQuietHours(wrong[0], wrong[1], wrong[2]); chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

func TestSubscriptionsBelongToDevices(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	phone := func(endpoint, device string) chat.NewPushSubscription {
		return chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: endpoint, Device: device}
	}
	count := func(u chat.UserID, want int) {
		t.Helper()
		subs, _, err := w.Subscriptions(t.Context(), chat.Principal{UserID: u})
		if err != nil || len(subs) != want {
			t.Errorf("%s has %v (%v), want %d", u, subs, err, want)
		}
	}
	for _, wrong := range []string{"", "http://example.net/", "https:///x", "https://u:p@example.net/", "https://example.net/#x", "ftp://example.net"} {
		if _, err := w.Subscribe(by("ann"), phone(wrong, "")).Wait(t.Context()); chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := w.Subscribe(by("ann"), chat.NewPushSubscription{Endpoint: "https://example.net/", P256dh: "AAAA", Auth: "AAAA"}).Wait(t.Context()); chat.CodeOf(err) != chat.BadRequest {
		t.Errorf("keys that are none: %v", err)
	}
	if _, err := w.Subscribe(by("ann"), chat.NewPushSubscription{Kind: chat.Webhook, Endpoint: "https://example.net/"}).Wait(t.Context()); chat.CodeOf(err) != chat.Forbidden {
		t.Errorf("a webhook to anywhere: %v", err)
	}
	done(t, w.Subscribe(by("ann"), phone("https://example.net/1", "phone")))
	done(t, w.Subscribe(by("ann"), phone("https://example.net/1", "phone"))) // again
	count("ann", 1)
	done(t, w.Subscribe(by("ann"), phone("https://example.net/2", "phone"))) // replaces
	count("ann", 1)
	done(t, w.Subscribe(by("bob"), phone("https://example.net/2", "other"))) // the same browser, another user
	count("ann", 0)
	count("bob", 1)
	done(t, w.SetPassword("bob", "x")) // the credentials end, and with them what a lost device was told
	count("bob", 0)
}

// What is queued is looked at once, sent once, withdrawn when it was read, and not sent when it was read before.
func TestPushQueue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	gone := func(chat.UserID) (chat.Time, bool) { return 1, true }
	there := func(chat.UserID) (chat.Time, bool) { return 0, false }
	due := func() []chat.Push {
		t.Helper()
		if _, _, err := w.QueuePushes(ctx, gone); err != nil {
			t.Fatal(err)
		}
		found, err := w.DuePushes(ctx, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	done(t, w.Subscribe(by("bob"), chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: "https://example.net/b"}))
	room := done(t, w.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "one"})).RoomID
	if found := due(); len(found) != 0 {
		t.Fatalf("due at once: %v", found)
	}
	w.clock.Add(10 * time.Second)
	found := due()
	if len(found) != 1 || found[0].Why != chat.WhyPrivate || found[0].Seq != 1 {
		t.Fatalf("due: %v", found)
	}
	if again := due(); len(again) != 1 || again[0] != found[0] {
		t.Errorf("looked at again: %v", again)
	}
	leased := done(t, w.LeasePushes(found, w.clock.Time().Add(time.Minute))).Pushes
	if second := done(t, w.LeasePushes(found, w.clock.Time().Add(time.Minute))).Pushes; len(leased) != 1 || len(second) != 0 {
		t.Fatalf("leased %v, then %v", leased, second)
	}
	if v, err := w.JudgePush(ctx, &leased[0], there); err != nil || v.Notice != nil || v.As != chat.PushDropped {
		t.Errorf("to somebody who is there: %+v, %v", v, err)
	}
	if v, err := w.JudgePush(ctx, &leased[0], gone); err != nil || v.Notice == nil {
		t.Errorf("to somebody who is away: %+v, %v", v, err)
	}
	// Another message comes while the first is under way: the outcome is not about it.
	done(t, w.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "two"}))
	w.clock.Add(10 * time.Second)
	due()
	done(t, w.SettlePush(leased[0], chat.PushSent, w.clock.Time()))
	found = due()
	if len(found) != 1 || found[0].Seq != 2 || found[0].Shown != 1 {
		t.Fatalf("due after the first: %v", found)
	}
	leased = done(t, w.LeasePushes(found, w.clock.Time().Add(time.Minute))).Pushes
	done(t, w.SettlePush(leased[0], chat.PushSent, w.clock.Time()))
	if _, n, err := w.WithdrawPushes(ctx, 0, 10); n != 0 || err != nil {
		t.Errorf("withdrawn before it was read: %d, %v", n, err)
	}
	done(t, w.MarkRead(by("bob"), room, nil, false))
	if _, n, err := w.WithdrawPushes(ctx, 0, 10); n != 1 || err != nil {
		t.Errorf("withdrawn: %d, %v", n, err)
	}
	if found = due(); len(found) != 1 || !found[0].Closing || found[0].Shown != 2 {
		t.Fatalf("to be withdrawn: %v", found)
	}
	leased = done(t, w.LeasePushes(found, w.clock.Time().Add(time.Minute))).Pushes
	done(t, w.SettlePush(leased[0], chat.PushSent, w.clock.Time()))
	w.clock.Add(time.Hour)
	if found = due(); len(found) != 0 {
		t.Errorf("left: %v", found)
	}
	done(t, w.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "three"}))
	done(t, w.MarkRead(by("bob"), room, nil, false))
	done(t, w.SendPrivate(by("bob"), "ann", chat.NewMessage{Content: "nobody listens"}))
	w.clock.Add(10 * time.Second)
	if found = due(); len(found) != 0 {
		t.Errorf("read before its time, and due: %v", found)
	}
}

// An edit notifies those whom it mentions for the first time, once, while the message is fresh and they have not read it; it holds
// for the text of the moment when it is looked at.
func TestPushOfAnEdit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.room("r", false, "bob", "cat")
	for _, u := range []chat.UserID{"bob", "cat"} {
		done(t, w.Subscribe(by(u), chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: "https://example.net/" + string(u)}))
	}
	// due is who is to be notified, of which message, and sends it.
	due := func() map[chat.UserID]uint64 {
		t.Helper()
		w.clock.Add(2 * chat.PushAfter)
		if _, _, err := w.QueuePushes(ctx, func(chat.UserID) (chat.Time, bool) { return 1, true }); err != nil {
			t.Fatal(err)
		}
		found, err := w.DuePushes(ctx, nil, 10)
		if err != nil {
			t.Fatal(err)
		}
		out := map[chat.UserID]uint64{}
		for _, p := range done(t, w.LeasePushes(found, w.clock.Time().Add(time.Minute))).Pushes {
			out[p.User] = p.Seq
			v, err := w.JudgePush(ctx, &p, func(chat.UserID) (chat.Time, bool) { return 1, true })
			if err != nil || v.Notice == nil || v.Notice.Why != chat.WhyMention || v.Notice.Seq != p.Seq {
				t.Errorf("about %+v: %+v, %v", p, v, err)
			}
			done(t, w.SettlePush(p, chat.PushSent, w.clock.Time()))
		}
		return out
	}
	is := func(what string, got map[chat.UserID]uint64, want map[chat.UserID]uint64) {
		t.Helper()
		if !maps.Equal(got, want) {
			t.Errorf("%s: to be notified are %v, want %v", what, got, want)
		}
	}
	say := func(content string) (chat.ID, uint64) {
		t.Helper()
		sent := done(t, w.Send(by("ann"), "r", text(content)))
		return sent.MessageID, sent.Seq
	}
	edit := func(id chat.ID, content string) {
		t.Helper()
		done(t, w.Edit(by("ann"), id, content, chat.Unflagged))
	}
	none := map[chat.UserID]uint64{}

	id, seq := say("lunch, @bob?")
	is("a mention", due(), map[chat.UserID]uint64{"bob": seq})
	edit(id, "lunch today, @bob?")
	is("the same mention", due(), none)
	edit(id, "lunch today, @bob and @cat.")
	is("another mention", due(), map[chat.UserID]uint64{"cat": seq})
	edit(id, "@cat, @bob: lunch tomorrow")
	is("the same mentions", due(), none)
	edit(id, "lunch")
	edit(id, "lunch, @bob and @cat")
	is("mentions again of who was notified", due(), none)

	id, _ = say("nobody")
	edit(id, "@cat")
	edit(id, "nobody, after all")
	is("a mention that was taken back", due(), none)
	id, seq = say("nobody")
	edit(id, "@cat")
	edit(id, "@cat!")
	is("two edits", due(), map[chat.UserID]uint64{"cat": seq})
	id, _ = say("nobody")
	edit(id, "@cat")
	done(t, w.Delete(by("ann"), id))
	is("deleted", due(), none)
	id, _ = say("nobody")
	done(t, w.MarkRead(by("cat"), "r", nil, false))
	edit(id, "@cat")
	is("read before", due(), none)
	id, _ = say("nobody")
	w.clock.Add(chat.MaxPushAge)
	edit(id, "@cat")
	is("too late", due(), none)
	is("of an old message", due(), none)
}

// A mention that is taken back while its notification waits is none; another reason that is left is told.
func TestPushOfAMentionTakenBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	w.room("r", false, "bob", "cat", "dan")
	for _, u := range []chat.UserID{"bob", "cat", "dan"} {
		done(t, w.Subscribe(by(u), chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: "https://example.net/" + string(u)}))
	}
	done(t, w.SetPreferences(by("cat"), "r", chat.NotifyAll))
	gone := func(chat.UserID) (chat.Time, bool) { return 1, true }
	question := done(t, w.Send(by("dan"), "r", text("a question"))).MessageID
	answer := done(t, w.Reply(by("ann"), question, text("@bob @cat @dan: an answer"))).MessageID
	w.clock.Add(2 * chat.PushAfter)
	if _, _, err := w.QueuePushes(ctx, gone); err != nil {
		t.Fatal(err)
	}
	done(t, w.Edit(by("ann"), answer, "an answer", chat.Unflagged))
	got := map[chat.UserID]string{}
	for _, p := range read[[]chat.Push](t)(w.DuePushes(ctx, nil, 10)) {
		if p.Why == chat.WhyMention {
			v := read[chat.Verdict](t)(w.JudgePush(ctx, &p, gone))
			got[p.User] = v.Reason
			if v.Notice != nil {
				got[p.User] = v.Notice.Why
			}
		}
	}
	if want := map[chat.UserID]string{"bob": "gone", "cat": chat.WhyAll, "dan": chat.WhyReply}; !maps.Equal(got, want) {
		t.Errorf("told because of %v, want %v", got, want)
	}
}
