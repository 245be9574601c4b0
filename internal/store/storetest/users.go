// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
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

func blocks(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	for _, u := range []chat.UserID{"ann", "bob", "cid"} {
		NewUser(t, s, u, string(u))
	}
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	has := func(by, other chat.UserID, want bool) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			b, err := tx.Blocked(by, other)
			same(t, fmt.Sprintf("%s blocking %s, in a change", by, other), b, want)
			return err
		})
		same(t, fmt.Sprintf("%s blocking %s", by, other), must[bool](t)(s.ReadBlocked(ctx, by, other)), want)
	}
	has("ann", "bob", false)
	Do(t, s, func(tx chat.Tx) error {
		if err := tx.PutBlock("ann", "cid"); err != nil {
			return err
		}
		if err := tx.PutBlock("ann", "bob"); err != nil {
			return err
		}
		return tx.PutBlock("bob", "cid")
	})
	has("ann", "bob", true)
	has("bob", "ann", false)
	same(t, "whom ann has blocked", fmt.Sprint(must[[]chat.UserID](t)(s.Blocks(ctx, "ann"))), "[bob cid]")
	// What a refused or failed transaction read must not stay in memory.
	if err := Try(s, func(tx chat.Tx) error {
		if err := tx.PutBlock("cid", "ann"); err != nil {
			return err
		}
		if _, err := tx.Blocked("cid", "ann"); err != nil {
			return err
		}
		return fmt.Errorf("no")
	}); err == nil {
		t.Error("a failing change succeeded")
	}
	has("cid", "ann", false)
	Do(t, s, func(tx chat.Tx) error {
		n, err := tx.CountBlocks("ann")
		same(t, "how many ann has blocked", n, 2)
		if err != nil {
			return err
		}
		rooms, err := tx.RoomsOfUser("ann")
		same(t, "the rooms of ann", fmt.Sprint(rooms), "[announcements r user:ann]")
		return errors.Join(err, tx.RemoveBlock("ann", "bob"))
	})
	has("ann", "bob", false)
	Do(t, s, func(tx chat.Tx) error { return tx.ForgetBlocks("cid") })
	has("ann", "cid", false)
	has("bob", "cid", false)
}
