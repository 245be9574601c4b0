// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"parley/internal/chat"
)

func users(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	want := chat.User{ID: "ann", DisplayName: "Änn 'O; --", Role: chat.RoleAdministrator, PasswordHash: "$argon2id$x",
		Generation: 3, BannedUntil: chat.Forever, BanReason: "no", MutedUntil: 9}
	given := want
	Do(t, s, func(tx chat.Tx) error { return tx.CreateUser(&given) })
	want.CreatedAt = clock.Time()
	same(t, "the account", *must[*chat.User](t)(s.ReadUser(ctx, "ann")), want)
	given.DisplayName = "changed outside" // must not reach what the store keeps
	Do(t, s, func(tx chat.Tx) error {
		u, err := tx.User("ann")
		if err != nil {
			return err
		}
		same(t, "the account in a change", *u, want)
		changed := *u
		changed.Generation, changed.DisplayName, changed.BannedUntil = 4, "Anna", 0
		return tx.UpdateUser(&changed)
	})
	want.Generation, want.DisplayName, want.BannedUntil = 4, "Anna", 0
	same(t, "the changed account", *must[*chat.User](t)(s.ReadUser(ctx, "ann")), want)
	Do(t, s, func(tx chat.Tx) error {
		u, err := tx.User("nobody")
		if u != nil {
			t.Errorf("an account that was never made: %+v", u)
		}
		return err
	})
	if u := must[*chat.User](t)(s.ReadUser(ctx, "nobody")); u != nil {
		t.Fatalf("an account that was never made: %+v", u)
	}
	NewUser(t, s, "bob", "Bobby ANNE")
	NewUser(t, s, "cid", "Cid")
	find := func(query string, after chat.UserID, limit int) (ids string) {
		for _, u := range must[[]chat.User](t)(s.Users(ctx, query, after, limit)) {
			ids += string(u.ID) + " "
		}
		return ids
	}
	same(t, "all accounts", find("", "", 0), "ann bob cid ")
	same(t, "a page", find("", "ann", 1), "bob ")
	same(t, "by either name", find("anN", "", 10), "ann bob ")
}

func createUser(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	Do(t, s, func(tx chat.Tx) error { _, err := Say(tx, chat.Announcements, "ann", id(1), "welcome"); return err })
	NewUser(t, s, "bob", "Bob")
	all := must[*chat.Room](t)(s.ReadRoom(ctx, chat.Announcements))
	same(t, "who hears announcements", all.MemberCount, 2)
	m := must[*chat.Member](t)(s.ReadMember(ctx, all.Num, "bob"))
	same(t, "from where on", m.JoinedSeq, 2)
	own := must[*chat.Room](t)(s.ReadRoom(ctx, chat.UserLog("bob")))
	same(t, "the kind of the own log", own.Kind, chat.UserLogRoom)
	same(t, "its members", own.MemberCount, 1)
	m = must[*chat.Member](t)(s.ReadMember(ctx, own.Num, "bob"))
	same(t, "its member's beginning", m.JoinedSeq, 1)
	for _, r := range must[[]chat.Membership](t)(s.RoomsOf(ctx, "bob")) {
		same(t, fmt.Sprintf("what a new account has not read of %s", r.Room.ID), r.Unread, 0)
	}
}

// A thousand accounts a second: here as many as a batch holds, and the announcements counted once for all.
func manyUsers(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	const n = 1000
	done := make(chan error, n)
	began := time.Now()
	for i := range n {
		s.Submit(&Change{
			Do: func(tx chat.Tx) error {
				return tx.CreateUser(&chat.User{ID: chat.UserID(fmt.Sprintf("u%d", i)), Role: chat.RoleUser})
			},
			Then: func(err error) { done <- err },
		})
	}
	for range n {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d accounts in %v", n, time.Since(began))
	same(t, "who hears announcements", must[*chat.Room](t)(s.ReadRoom(t.Context(), chat.Announcements)).MemberCount, n)
}
