// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"

	"parley/internal/chat"
)

func rooms(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	want := chat.Room{ID: "general", Kind: chat.PublicRoom, Name: "Allgemeines", Description: "Über \x00 alles", CreatedBy: "ann",
		MaxMembers: 7, SlowMode: 3, ReadOnly: true, Locked: true, History: chat.VisibleJoined}
	given := want
	Do(t, s, func(tx chat.Tx) error { return tx.CreateRoom(&given) })
	if given.Num == 0 {
		t.Fatal("CreateRoom gave no number")
	}
	want.Num, want.FirstSeq, want.CreatedAt = given.Num, 1, clock.Time()
	got := must[*chat.Room](t)(s.ReadRoom(ctx, "general"))
	same(t, "the room read", *got, want)
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("general")
		if err != nil {
			return err
		}
		same(t, "the room in a change", *r, want)
		changed := *r
		changed.Name, changed.Deleted, changed.MemberCount = "Neu", true, 0
		changed.LastSeq, changed.Count = 99, 99 // the head is not UpdateRoom's to move
		if err := tx.UpdateRoom(&changed); err != nil {
			return err
		}
		same(t, "the name seen through the pointer handed out before", r.Name, "Neu")
		same(t, "the head", r.LastSeq, 0)
		return nil
	})
	got = must[*chat.Room](t)(s.ReadRoom(ctx, "general"))
	want.Name, want.Deleted, want.Policy = "Neu", true, got.Policy
	same(t, "the changed room", *got, want)

	if r := must[*chat.Room](t)(s.ReadRoom(ctx, "nowhere")); r != nil {
		t.Fatalf("a room that was never made: %+v", r)
	}
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("nowhere")
		if r != nil {
			t.Errorf("a room that was never made, in a change: %+v", r)
		}
		return err
	})
	all := must[*chat.Room](t)(s.ReadRoom(ctx, chat.Announcements))
	if all == nil || all.Kind != chat.AnnouncementsRoom || all.LastSeq != 0 {
		t.Fatalf("a new database has the announcements %+v", all)
	}
}

func publicRooms(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	for _, r := range []chat.Room{
		{ID: "b-side", Name: "ÄPFEL und Birnen"}, {ID: "a-side", Name: "Tea"}, {ID: "C-side", Name: "100% _wild_"},
		{ID: "hidden", Kind: chat.PrivateRoom, Name: "Tea"}, {ID: "gone", Name: "Tea", Deleted: true},
		{ID: "private:a:b", Kind: chat.DirectRoom},
	} {
		NewRoom(t, s, r)
	}
	for _, c := range []struct {
		query string
		after chat.RoomID
		limit int
		want  string
	}{
		{"", "", 0, "[C-side a-side b-side]"},
		{"", "", 2, "[C-side a-side]"},
		{"", "a-side", 2, "[b-side]"},
		{"äpfel", "", 10, "[b-side]"},
		{"c-SIDE", "", 10, "[C-side]"},
		{"tea", "", 10, "[a-side]"},
		{"%", "", 10, "[C-side]"},
		{"x'; --", "", 10, "[]"},
	} {
		ids := []chat.RoomID{}
		for _, r := range must[[]chat.Room](t)(s.PublicRooms(t.Context(), c.query, c.after, c.limit)) {
			ids = append(ids, r.ID)
		}
		same(t, fmt.Sprintf("public rooms for %q after %q, %d", c.query, c.after, c.limit), fmt.Sprint(ids), c.want)
	}
}

// The policy version rises with all that decides who may what, and with nothing that every message does.
func policy(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	put := func(change func(*chat.Member)) func(chat.Tx, *chat.Room) error {
		return func(tx chat.Tx, r *chat.Room) error {
			m, err := tx.Member(r, "ann")
			if err != nil {
				return err
			}
			changed := *m
			change(&changed)
			return tx.PutMember(r, &changed)
		}
	}
	for _, c := range []struct {
		name  string
		rises bool
		do    func(chat.Tx, *chat.Room) error
	}{
		{"join", true, func(tx chat.Tx, r *chat.Room) error { return tx.PutMember(r, &chat.Member{User: "bob"}) }},
		{"role", true, put(func(m *chat.Member) { m.Role = chat.RoleModerator })},
		{"mute", true, put(func(m *chat.Member) { m.MutedUntil = 5 })},
		{"read mark", false, put(func(m *chat.Member) { m.ReadSeq = 5 })},
		{"preference", false, put(func(m *chat.Member) { m.Notifications = "none" })},
		{"message", false, func(tx chat.Tx, _ *chat.Room) error { _, err := Say(tx, "r", "ann", id(1), "hi"); return err }},
		{"ban", true, func(tx chat.Tx, r *chat.Room) error { return tx.PutBan(r, &chat.Ban{User: "eve"}) }},
		{"unban", true, func(tx chat.Tx, r *chat.Room) error { return tx.RemoveBan(r, "eve") }},
		{"leave", true, func(tx chat.Tx, r *chat.Room) error { return tx.RemoveMember(r, "bob") }},
		{"settings", true, func(tx chat.Tx, r *chat.Room) error { c := *r; c.SlowMode = 9; return tx.UpdateRoom(&c) }},
	} {
		old := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r")).Policy
		Do(t, s, func(tx chat.Tx) error {
			r, err := tx.Room("r")
			if err != nil {
				return err
			}
			return c.do(tx, r)
		})
		got := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r")).Policy
		if c.rises != (got > old) {
			t.Errorf("%s: the policy version went from %d to %d", c.name, old, got)
		}
	}
}
