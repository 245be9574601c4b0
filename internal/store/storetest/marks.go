// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"parley/internal/chat"
)

// marks checks read marks, alone and together with messages and other changes of the same batch.
func marks(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	set := func(u chat.UserID, read, sent uint64) error {
		return Try(s, func(tx chat.Tx) error {
			room, err := tx.Room("r")
			if err != nil {
				return err
			}
			m, err := tx.Member(room, u)
			if err != nil {
				return err
			}
			if m == nil {
				m = &chat.Member{User: u}
			}
			if err := tx.SetRead(room, m, read, sent); err != nil {
				return err
			}
			now, err := tx.Member(room, u)
			if err == nil && (now.ReadSeq != read || now.LastSent != sent) {
				t.Errorf("within the change: %+v", now)
			}
			return err
		})
	}
	stored := func(u chat.UserID) chat.Member {
		t.Helper()
		return *must[*chat.Member](t)(s.ReadMember(t.Context(), r.Num, u))
	}
	if err := set("bob", 7, 3); err != nil {
		t.Fatal(err)
	}
	same(t, "the mark", stored("bob"), chat.Member{User: "bob", Role: chat.RoleMember, JoinedSeq: 1, JoinedAt: clock.Time(), ReadSeq: 7, LastSent: 3})
	Do(t, s, func(tx chat.Tx) error { // a message after a mark in one batch keeps both
		room, err := tx.Room("r")
		if err != nil {
			return err
		}
		m, err := tx.Member(room, "bob")
		if err != nil {
			return err
		}
		if err := tx.SetRead(room, m, 2, 0); err != nil {
			return err
		}
		_, err = Say(tx, "r", "bob", id(1), "x")
		return err
	})
	same(t, "mark and message", stored("bob"), chat.Member{User: "bob", Role: chat.RoleMember, JoinedSeq: 1, JoinedAt: clock.Time(),
		ReadSeq: 2, LastSent: 1, LastSentAt: clock.Time()})
	if err := set("eve", 1, 0); err == nil {
		t.Error("the mark of somebody who is no member was taken")
	}
}
