// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"testing"
	"time"

	"parley/internal/chat"
)

// files checks what is known of files, and in which messages they can be seen.
func files(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	other := NewRoom(t, s, chat.Room{ID: "other"}, "ann", "bob")
	one := chat.FileMeta{ID: id(1), Owner: "ann", Name: "a b.png", Type: "image/jpeg", Size: 1 << 40, At: clock.Time()}
	two := chat.FileMeta{ID: id(2), Owner: "ann", Name: "two", Size: 2, At: clock.Time().Add(time.Second), State: chat.FileUploaded}
	Do(t, s, func(tx chat.Tx) error {
		if sum, err := tx.FileBytes("ann"); sum != 0 || err != nil {
			t.Errorf("none: %d bytes, %v", sum, err)
		}
		if err := tx.CreateFile(&one); err != nil {
			return err
		}
		if err := tx.CreateFile(&two); err != nil {
			return err
		}
		one.Type, one.Width, one.Height, one.Thumbnail, one.State, one.At = "image/png", 3, 4, true, chat.FileUploaded, one.At+5
		if err := tx.UpdateFile(&one); err != nil {
			return err
		}
		got, err := tx.File(id(1))
		if err != nil {
			return err
		}
		same(t, "the file within the change", *got, one)
		if none, err := tx.File(id(9)); none != nil || err != nil {
			t.Errorf("no file: %v, %v", none, err)
		}
		sum, err := tx.FileBytes("ann")
		same(t, "the sum", sum, int64(1<<40+2))
		return err
	})
	same(t, "the file", *must[*chat.FileMeta](t)(s.ReadFile(t.Context(), id(1))), one)
	if none, err := s.ReadFile(t.Context(), id(9)); none != nil || err != nil {
		t.Errorf("no file: %v, %v", none, err)
	}
	share := func(room chat.RoomID, message int) (seq uint64) {
		Do(t, s, func(tx chat.Tx) error {
			in, err := tx.Room(room)
			if err != nil {
				return err
			}
			e := &chat.Event{Kind: chat.Image, Actor: "ann", MessageID: id(message), Details: &chat.Details{File: &chat.SharedFile{FileID: "x", Size: 3}}}
			if err := tx.Append(in, e); err != nil {
				return err
			}
			seq = e.Seq
			return tx.ShareFile(id(1), in, e.Seq)
		})
		return seq
	}
	shares := func(u chat.UserID, want ...uint64) {
		t.Helper()
		var got []uint64
		for _, at := range must[[]chat.FileShare](t)(s.FileShares(t.Context(), id(1), u)) {
			if at.Member.User != u {
				t.Errorf("the share of %q is told to %q", at.Member.User, u)
			}
			got = append(got, uint64(at.Room.Num), at.Seq)
		}
		if !slices.Equal(got, want) {
			t.Errorf("rooms and seqs of %s are %v, want %v", u, got, want)
		}
	}
	loose := func(before chat.Time, want ...chat.ID) {
		t.Helper()
		if got := must[[]chat.ID](t)(s.LooseFiles(t.Context(), before, 10)); !slices.Equal(got, want) {
			t.Errorf("loose are %v, want %v", got, want)
		}
	}
	isShared := func(want bool) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			got, err := tx.FileShared(id(1))
			same(t, "shared", got, want)
			return err
		})
	}
	isShared(false)
	loose(one.At - 1)
	loose(one.At, id(1))
	loose(two.At, id(1), id(2))
	share("r", 11)
	last := share("r", 12)
	elsewhere := share("other", 13)
	isShared(true)
	loose(two.At, id(2))
	shares("bob", uint64(r.Num), last, uint64(other.Num), elsewhere)
	shares("eve")
	Do(t, s, func(tx chat.Tx) error { // the room ends, and with it what is in it
		in, err := tx.Room("other")
		if err != nil {
			return err
		}
		ended := *in
		ended.Deleted = true
		return tx.UpdateRoom(&ended)
	})
	shares("bob", uint64(r.Num), last)
	isShared(true)
	Do(t, s, func(tx chat.Tx) error { return tx.RemoveFile(id(1)) })
	isShared(false)
	shares("bob")
	if gone := must[*chat.FileMeta](t)(s.ReadFile(t.Context(), id(1))); gone != nil {
		t.Errorf("a removed file is there: %+v", gone)
	}
}
