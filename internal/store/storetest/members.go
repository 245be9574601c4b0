// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"

	"parley/internal/chat"
)

func members(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	NewUser(t, s, "bob", "Bob Okafor")
	want := chat.Member{User: "bob", Role: chat.RoleModerator, JoinedSeq: 4, JoinedAt: 5, LastSent: 6, LastSentAt: 7, ReadSeq: 8,
		MutedUntil: chat.Forever, Notifications: "mentions"}
	Do(t, s, func(tx chat.Tx) error {
		room, err := tx.Room("r")
		if err != nil {
			return err
		}
		if err := tx.PutMember(room, &want); err != nil {
			return err
		}
		same(t, "the count seen in the same change", room.MemberCount, 2)
		m, err := tx.Member(room, "bob")
		if err != nil {
			return err
		}
		same(t, "the member in the same change", *m, want)
		changed := *m
		changed.Role = chat.RoleOwner
		if err := tx.PutMember(room, &changed); err != nil {
			return err
		}
		same(t, "the count after a change of role", room.MemberCount, 2)
		return tx.SetSent(room, m, 10, 11)
	})
	want.Role, want.LastSent, want.LastSentAt = chat.RoleOwner, 10, 11
	same(t, "the member", *must[*chat.Member](t)(s.ReadMember(ctx, r.Num, "bob")), want)
	same(t, "the count", must[*chat.Room](t)(s.ReadRoom(ctx, "r")).MemberCount, 2)
	same(t, "the page of members", len(must[[]chat.Member](t)(s.RoomMembers(ctx, r.Num, "ann", 1))), 1)
	all := must[[]chat.Member](t)(s.RoomMembers(ctx, r.Num, "", 0))
	same(t, "all members", len(all), 2)
	same(t, "the name of who has none", all[0].Name, "")
	same(t, "the name of a member", all[1].Name, "Bob Okafor")

	// Leaving and coming back within one change, with a message between.
	Do(t, s, func(tx chat.Tx) error {
		room, err := tx.Room("r")
		if err != nil {
			return err
		}
		if _, err := Say(tx, "r", "bob", id(1), "bye"); err != nil {
			return err
		}
		if err := tx.RemoveMember(room, "bob"); err != nil {
			return err
		}
		if m, err := tx.Member(room, "bob"); m != nil || err != nil {
			t.Errorf("after leaving: %+v, %v", m, err)
		}
		if err := tx.RemoveMember(room, "nobody"); err != nil {
			return err
		}
		same(t, "the count after leaving", room.MemberCount, 1)
		return tx.PutMember(room, &chat.Member{User: "bob", Role: chat.RoleMember, JoinedSeq: 9})
	})
	same(t, "who came back", *must[*chat.Member](t)(s.ReadMember(ctx, r.Num, "bob")),
		chat.Member{User: "bob", Role: chat.RoleMember, JoinedSeq: 9})
	if m := must[*chat.Member](t)(s.ReadMember(ctx, r.Num, "eve")); m != nil {
		t.Fatalf("a stranger: %+v", m)
	}
}

func seniority(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "r"})
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for i, u := range []chat.UserID{"dan", "bob", "eve", "ann"} {
			if err := tx.PutMember(r, &chat.Member{User: u, JoinedSeq: uint64(10 - i)}); err != nil {
				return err
			}
		}
		if _, err := Say(tx, "r", "dan", id(1), "x"); err != nil {
			return err
		}
		list, err := tx.Members(r)
		order := ""
		for _, m := range list {
			order += fmt.Sprint(m.User, m.LastSent, " ")
		}
		same(t, "the order of seniority, with what this change did", order, "ann0 eve0 bob0 dan1 ")
		return err
	})
}

func bans(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "r"})
	for _, want := range []chat.Ban{{User: "eve", Until: 10, By: "ann", At: 3, Reason: "no"}, {User: "eve", Until: chat.Forever, By: "bob", At: 4}} {
		Do(t, s, func(tx chat.Tx) error {
			r, err := tx.Room("r")
			if err != nil {
				return err
			}
			if err := tx.PutBan(r, &want); err != nil {
				return err
			}
			b, err := tx.Ban(r, "eve")
			if err != nil {
				return err
			}
			same(t, "the ban", *b, want)
			return nil
		})
	}
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		if err := tx.RemoveBan(r, "eve"); err != nil {
			return err
		}
		b, err := tx.Ban(r, "eve")
		if b != nil {
			t.Errorf("a lifted ban: %+v", b)
		}
		return err
	})
}

func unread(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	NewRoom(t, s, chat.Room{ID: "shared"}, "ann", "bob")
	NewRoom(t, s, chat.Room{ID: "secret", Kind: chat.PrivateRoom}, "bob")
	NewRoom(t, s, chat.Room{ID: "gone", Deleted: true}, "ann")
	n := 0
	say := func(room chat.RoomID, u chat.UserID) {
		t.Helper()
		n++
		Do(t, s, func(tx chat.Tx) error { _, err := Say(tx, room, u, id(n), "x"); return err })
	}
	check := func(want string) {
		t.Helper()
		got := ""
		for _, m := range must[[]chat.Membership](t)(s.RoomsOf(t.Context(), "ann")) {
			got += fmt.Sprintf("%s:%d ", m.Room.ID, m.Unread)
			same(t, "whose membership", m.Member.User, "ann")
		}
		same(t, "unread messages by room", got, want)
	}
	check("announcements:0 shared:0 user:ann:0 ")
	say("shared", "bob")
	say("shared", "bob")
	check("announcements:0 shared:2 user:ann:0 ")
	Do(t, s, func(tx chat.Tx) error { // an event that does not count
		r, err := tx.Room("shared")
		if err != nil {
			return err
		}
		return tx.Append(r, &chat.Event{Kind: chat.ReactionAdded, Actor: "bob", MessageID: id(1)})
	})
	say("shared", "bob")
	check("announcements:0 shared:3 user:ann:0 ")
	mark := func(seq uint64) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			r, err := tx.Room("shared")
			if err != nil {
				return err
			}
			m, err := tx.Member(r, "ann")
			if err != nil {
				return err
			}
			read := *m
			read.ReadSeq = seq
			return tx.PutMember(r, &read)
		})
	}
	mark(2)
	check("announcements:0 shared:1 user:ann:0 ")
	mark(3) // the reaction: the same count
	check("announcements:0 shared:1 user:ann:0 ")
	mark(1000) // beyond the head
	check("announcements:0 shared:0 user:ann:0 ")
	mark(1)
	check("announcements:0 shared:2 user:ann:0 ")
	say("shared", "ann") // the own message reads all before it
	check("announcements:0 shared:0 user:ann:0 ")
	say("shared", "bob")
	check("announcements:0 shared:1 user:ann:0 ")

	// In a private room nothing before the joining counts.
	say("secret", "bob")
	say("secret", "bob")
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("secret")
		if err != nil {
			return err
		}
		e := &chat.Event{Kind: chat.System, Actor: "ann", MessageID: id(900), Details: &chat.Details{Event: chat.MemberJoined, UserID: "ann"}}
		if err := tx.Append(r, e); err != nil {
			return err
		}
		return tx.PutMember(r, &chat.Member{User: "ann", Role: chat.RoleMember, JoinedSeq: e.Seq})
	})
	check("announcements:0 secret:0 shared:1 user:ann:0 ")
	say("secret", "bob")
	check("announcements:0 secret:1 shared:1 user:ann:0 ")
}
