// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"testing"
	"time"

	"parley/internal/chat"
)

// hooks is a world in which webhooks may follow.
func hooks(t *testing.T) *world {
	limits := chat.DefaultLimits()
	limits.WebhookHosts, limits.WebhookTexts = []string{"b.example.net"}, true
	return newWorldWith(t, limits)
}

func hookTo(path string) chat.NewPushSubscription {
	return chat.NewPushSubscription{Kind: chat.Webhook, Endpoint: "https://b.example.net/" + path, Events: chat.EventsMessages}
}

// What is next for a webhook is asked anew for each event: by what its account may see now.
func TestWhatIsNextForAWebhook(t *testing.T) {
	t.Parallel()
	w := hooks(t)
	w.room("r", false, "bob")
	done(t, w.Send(by("ann"), "r", text("before")))
	done(t, w.Subscribe(by("bob"), hookTo("")))
	state := func() chat.Follower {
		t.Helper()
		due := read[[]chat.Follower](t)(w.DueFollowers(t.Context(), nil, 10))
		if len(due) != 1 {
			t.Fatalf("due: %+v", due)
		}
		return due[0]
	}
	for _, say := range []string{"mine", "mine, too"} {
		done(t, w.Send(by("bob"), "r", text(say)))
	}
	sent := done(t, w.Send(by("ann"), "r", text("hello")))
	f := state()
	next := func() *chat.Following {
		t.Helper()
		return read[*chat.Following](t)(w.NextOf(t.Context(), &f))
	}
	n := next()
	if n.Event == nil || n.Event.Content != "hello" || n.Through != sent.Seq || n.Room.ID != "r" || n.Subscription.User != "bob" {
		t.Fatalf("next: %+v", n)
	}
	done(t, w.Edit(by("ann"), sent.MessageID, "hello, all", chat.Unflagged))
	if n := next(); n.Event == nil || n.Event.Content != "hello, all" {
		t.Errorf("of an edited message: %+v", n)
	}

	// A ban holds it up, and what is there comes afterwards.
	done(t, w.ModerateUser(by(root), "bob", act(chat.ActionBan, "")))
	if n := next(); !n.Wait || n.Event != nil {
		t.Errorf("of who is banned: %+v", n)
	}
	done(t, w.ModerateUser(by(root), "bob", act(chat.ActionUnban, "")))
	if n := next(); n.Wait || n.Event == nil {
		t.Errorf("after the ban: %+v", n)
	}

	// What is too old, and what was cut, is told of as missing.
	w.clock.Add(chat.MaxPushAge + time.Second)
	last := done(t, w.Send(by("ann"), "r", text("from today")))
	if n := next(); n.Missed != sent.Seq || n.Through != last.Seq-1 || n.Event != nil {
		t.Errorf("of what is too old: %+v", n)
	}
	f.After = last.Seq - 1
	if n := next(); n.Event == nil || n.Event.Content != "from today" {
		t.Errorf("after what was too old: %+v", n)
	}
	f.After = sent.Seq - 1
	if _, err := w.Cleanup(t.Context(), by(root), chat.CleanupRequest{Room: "r", OlderThan: time.Minute}); err != nil {
		t.Fatal(err)
	}
	if n := next(); n.Missed != f.After+1 || n.Through != last.Seq-1 || n.Event != nil {
		t.Errorf("of what was cut: %+v", n)
	}
	done(t, w.Send(by("bob"), "r", text("mine again")))
	f.After = last.Seq
	if n := next(); n.Event != nil || n.Missed != 0 || n.Through != last.Seq+1 {
		t.Errorf("of one's own: %+v", n)
	}

	// Another webhook in place of this one ends it; so does being out of the room.
	done(t, w.Moderate(by("ann"), "r", act(chat.ActionKick, "bob")))
	if n := next(); !n.End {
		t.Errorf("out of the room: %+v", n)
	}
	if due := read[[]chat.Follower](t)(w.DueFollowers(t.Context(), nil, 10)); len(due) != 1 || due[0].Room == f.Room {
		t.Errorf("left: %+v", due) // the own log, which says so
	}
	if f = state(); next().Missed == 0 {
		t.Error("the ban of yesterday is told of")
	}
	f.After = next().Through
	if n := next(); n.Event == nil || n.Event.Kind != chat.RemovedFromRoom {
		t.Errorf("in the own log: %+v", n)
	}
	done(t, w.SetPassword("bob", "x")) // ends all subscriptions
	if n := next(); !n.End {
		t.Errorf("unsubscribed: %+v", n)
	}
}

// An account has MaxFollowing webhooks that follow, and a room is followed by MaxFollowers.
func TestHowManyWebhooksFollow(t *testing.T) {
	t.Parallel()
	w := hooks(t)
	w.room("r", false)
	for i := range chat.MaxFollowing {
		done(t, w.Subscribe(by("ann"), hookTo(fmt.Sprint(i))))
	}
	refused(t, w.Subscribe(by("ann"), hookTo("more")), chat.TooLarge)
	done(t, w.Subscribe(by("ann"), hookTo("0"))) // once more
	notified := hookTo("0")
	notified.Events = ""
	done(t, w.Subscribe(by("ann"), notified))
	done(t, w.Subscribe(by("ann"), hookTo("more")))

	for i := range chat.MaxFollowers - chat.MaxFollowing {
		u := chat.UserID(fmt.Sprint("bot", i))
		w.CreateUser(chat.NewUser{ID: u})
		done(t, w.Subscribe(by(u), hookTo("")))
		done(t, w.Join(by(u), "r"))
	}
	done(t, w.Subscribe(by("bob"), hookTo("")))
	refused(t, w.Join(by("bob"), "r"), chat.RoomFull)
	refused(t, w.Invite(by("ann"), "r", "bob"), chat.RoomFull)
	done(t, w.Join(by("cat"), "r")) // without a webhook
	refused(t, w.Subscribe(by("cat"), hookTo("")), chat.TooLarge)
	done(t, w.Leave(by("bot0"), "r"))
	done(t, w.Join(by("bob"), "r"))
}
