// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"parley/internal/chat"
)

// followers checks the places of webhooks: they come and go with memberships and subscriptions, are due when their log goes on, and
// never move back.
func followers(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	for _, u := range []chat.UserID{"ann", "bot"} {
		NewUser(t, s, u, string(u))
	}
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bot")
	other := NewRoom(t, s, chat.Room{ID: "other"}, "ann")
	n := 0
	say := func(room chat.RoomID) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			n++
			_, err := Say(tx, room, "ann", id(n), "x")
			return err
		})
	}
	say("r")
	sub := chat.PushSubscription{ID: id(900), User: "bot", Kind: chat.Webhook, Endpoint: "https://b.example.net/", Host: "b.example.net",
		Events: chat.EventsMessages, CreatedAt: clock.Time()}
	put := func(events string) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			sub.Events = events
			return tx.PutPushSubscription(&sub)
		})
	}
	due := func(busy ...string) string {
		t.Helper()
		out := ""
		for _, f := range must[[]chat.Follower](t)(s.DueFollowers(ctx, clock.Time(), busy, 0)) {
			if f.Subscription != sub.ID || f.Host != sub.Host {
				t.Errorf("the place %+v is not of %+v", f, sub)
			}
			out += fmt.Sprintf("%d after %d, failed %d; ", f.Room, f.After, f.Attempts)
		}
		return out
	}
	is := func(what, want string) {
		t.Helper()
		same(t, what, due(), want)
	}
	some := func(want bool, places int) {
		t.Helper()
		behind, some, err := s.CountDueFollowers(ctx)
		if err != nil || some != want || behind != places {
			t.Errorf("followed: %v, behind: %d (%v), want %v and %d", some, behind, err, want, places)
		}
	}
	some(false, 0)
	put(chat.EventsNotifications)
	say("r")
	is("a subscription to notifications", "")
	some(false, 0)
	put(chat.EventsMessages)
	is("at the head", "")
	some(true, 0)
	say("other")
	is("a room that the account is not in", "")
	say("r")
	is("behind the head", fmt.Sprintf("%d after 2, failed 0; ", r.Num))
	same(t, "with a busy host", due("b.example.net"), "")
	put(chat.EventsMessages)
	is("subscribed again", fmt.Sprintf("%d after 2, failed 0; ", r.Num))
	some(true, 1)

	settle := func(room int64, after uint64, attempts int, wait time.Duration) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			return tx.SettleFollower(&chat.Follower{Subscription: sub.ID, Room: room, After: after, Attempts: attempts}, tx.Now().Add(wait))
		})
	}
	settle(r.Num, 2, 1, time.Minute)
	is("backing off", "")
	say("r")
	is("a newer event hurries nothing", "")
	clock.Add(time.Minute)
	is("after that", fmt.Sprintf("%d after 2, failed 1; ", r.Num))
	settle(r.Num, 3, 0, 0)
	is("one more is there", fmt.Sprintf("%d after 3, failed 0; ", r.Num))
	settle(r.Num, 4, 0, 0)
	is("all was taken", "")
	settle(r.Num, 1, 0, 0)
	is("never back", "")
	settle(other.Num, 1, 0, 0) // there is no such place
	is("no place comes of settling", "")

	member := func(do func(tx chat.Tx, in *chat.Room) error) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			in, err := tx.Room("other")
			if err != nil {
				return err
			}
			return do(tx, in)
		})
	}
	member(func(tx chat.Tx, in *chat.Room) error {
		if n := must[int](t)(tx.CountFollowers(in)); n != 0 || !must[bool](t)(tx.Following("bot")) || must[bool](t)(tx.Following("ann")) {
			t.Errorf("%d follow before anybody does", n)
		}
		return tx.PutMember(in, &chat.Member{User: "bot", Role: chat.RoleMember, JoinedSeq: in.LastSeq})
	})
	is("from the joining on", fmt.Sprintf("%d after 0, failed 0; ", other.Num))
	member(func(tx chat.Tx, in *chat.Room) error {
		if n := must[int](t)(tx.CountFollowers(in)); n != 1 {
			t.Errorf("%d follow", n)
		}
		same(t, "no room is crowded", must[chat.RoomID](t)(tx.CrowdedRoom("ann")), "")
		return tx.RemoveMember(in, "bot")
	})
	is("out of the room", "")
	say("other")
	is("nothing wakes it", "")
	Do(t, s, func(tx chat.Tx) error { return tx.RemoveFollower(&chat.Follower{Subscription: sub.ID, Room: r.Num}) })
	say("r")
	is("removed", "")
	put(chat.EventsMessages)
	say("r")
	is("followed anew", fmt.Sprintf("%d after 5, failed 0; ", r.Num))
	put(chat.EventsNotifications)
	is("notified only", "")
	put(chat.EventsMessages)
	say("r")
	Do(t, s, func(tx chat.Tx) error { return tx.RemovePushSubscription(&sub) })
	is("unsubscribed", "")
	some(false, 0)

	// Many webhooks in one room.
	Do(t, s, func(tx chat.Tx) error {
		in := must[*chat.Room](t)(tx.Room("r"))
		for i := range chat.MaxFollowers {
			u := chat.UserID(fmt.Sprint("bot", i))
			if err := tx.CreateUser(&chat.User{ID: u, Role: chat.RoleUser}); err != nil {
				return err
			}
			if err := tx.PutMember(in, &chat.Member{User: u, Role: chat.RoleMember, JoinedSeq: in.LastSeq + 1}); err != nil {
				return err
			}
			one := sub
			one.ID, one.User = id(1000+i), u
			if err := tx.PutPushSubscription(&one); err != nil {
				return err
			}
		}
		same(t, "the crowded one", must[chat.RoomID](t)(tx.CrowdedRoom("ann")), "r")
		return nil
	})
	say("r")
	same(t, "all of them are due", len(must[[]chat.Follower](t)(s.DueFollowers(ctx, clock.Time(), nil, 0))), chat.MaxFollowers)
}
