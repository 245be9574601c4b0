// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"reflect"
	"testing"
	"time"

	"parley/internal/chat"
)

func appending(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	NewRoom(t, s, chat.Room{ID: "other"}, "ann")
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for i, kind := range []chat.EventKind{chat.System, chat.Text, chat.MessageEdited, chat.Image, chat.File, chat.RoomUpdated} {
			e := &chat.Event{Kind: kind, Actor: "ann", MessageID: id(i + 1)}
			if err := tx.Append(r, e); err != nil {
				return err
			}
			same(t, "seq", e.Seq, uint64(i+1))
			same(t, "count", e.Count, []uint64{0, 1, 1, 2, 3, 3}[i])
			same(t, "room", e.RoomID, "r")
			same(t, "number", e.RoomNum, r.Num)
			same(t, "kind of room", e.RoomKind, chat.PublicRoom)
			same(t, "time", e.At, clock.Time())
			same(t, "the head seen at once", r.LastSeq, e.Seq)
		}
		_, err = Say(tx, "other", "ann", id(100), "elsewhere")
		return err
	})
	r := must[*chat.Room](t)(s.ReadRoom(ctx, "r"))
	same(t, "the head", r.LastSeq, 6)
	same(t, "the count", r.Count, 3)
	for seq, want := range []uint64{0, 0, 1, 1, 2, 3, 3, 3, 3} {
		same(t, fmt.Sprintf("messages up to seq %d", seq), must[uint64](t)(s.CountAt(ctx, r.Num, uint64(seq))), want)
	}
	other := must[*chat.Room](t)(s.ReadRoom(ctx, "other"))
	same(t, "the head of the other log", other.LastSeq, 1)
}

func everyField(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewUser(t, s, "ann", "Ann A")
	NewRoom(t, s, chat.Room{ID: "r", Kind: chat.PrivateRoom}, "ann")
	name, slow, on, visible, owner := "N", 5, true, chat.VisibleShared, chat.UserID("bob")
	events := []*chat.Event{
		{Kind: chat.Text, Actor: "ann", ActorName: "Ann A", MessageID: id(1), Content: "héllo\x00'; DROP TABLE log;--\n😀", ReplyTo: id(7), ThreadID: id(8),
			Flagged: true, Edited: true, Deleted: true, ClientMsgID: "c-1"},
		{Kind: chat.System, Actor: chat.SystemUser, MessageID: id(2), Details: &chat.Details{Event: chat.MemberJoined, UserID: "bob"}},
		{Kind: chat.ReactionAdded, Actor: "bob", MessageID: id(1), Content: "👍"},
		{Kind: chat.ReactionRemoved, Actor: "bob", MessageID: id(1), Content: "👍"}, // about the same message
		{Kind: chat.Moderated, Actor: "ann", Details: &chat.Details{Action: chat.ActionMute, UserID: "bob", Reason: "r", Until: chat.Forever, Role: "owner"}},
		{Kind: chat.RoomAdded, Actor: "ann", Details: &chat.Details{RoomID: "x", RoomName: "X", RoomKind: chat.DirectRoom}},
		{Kind: chat.RoomUpdated, Actor: "ann", Details: &chat.Details{Changes: &chat.RoomPatch{Name: &name, SlowMode: &slow, ReadOnly: &on, History: &visible, OwnerID: &owner}}},
	}
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := tx.Append(r, e); err != nil {
				return err
			}
		}
		return nil
	})
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	got := must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{From: 1}))
	if len(got) != len(events) {
		t.Fatalf("%d events are read, %d were stored", len(got), len(events))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], events[i]) {
			t.Errorf("event %d is\n%+v, want\n%+v", i, got[i], events[i])
		}
	}
}

// fill appends n events to a room, a second apart; every third is no message.
func fill(t testing.TB, s chat.Writer, clock *Clock, room chat.RoomID, n int) {
	t.Helper()
	for i := range n {
		clock.Add(time.Second)
		Do(t, s, func(tx chat.Tx) error {
			r, err := tx.Room(room)
			if err != nil {
				return err
			}
			e := &chat.Event{Kind: chat.Text, MessageID: id(int(r.Num)*1000 + i)}
			if i%3 == 2 {
				e.Kind = chat.MessagePinned
			}
			return tx.Append(r, e)
		})
	}
}

func seqs(events []*chat.Event) string {
	list := make([]uint64, len(events))
	for i, e := range events {
		list[i] = e.Seq
	}
	return fmt.Sprint(list)
}

func logQueries(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	for _, room := range []chat.RoomID{"before", "r", "behind"} {
		NewRoom(t, s, chat.Room{ID: room})
		fill(t, s, clock, room, 10)
	}
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	for _, c := range []struct {
		q    chat.LogQuery
		want string
	}{
		{chat.LogQuery{}, "[1 2 3 4 5 6 7 8 9 10]"},
		{chat.LogQuery{Descending: true}, "[10 9 8 7 6 5 4 3 2 1]"},
		{chat.LogQuery{From: 4, Limit: 3}, "[4 5 6]"},
		{chat.LogQuery{From: 4, To: 5, Limit: 3}, "[4 5]"},
		{chat.LogQuery{From: 4, To: 8, Limit: 3, Descending: true}, "[8 7 6]"},
		{chat.LogQuery{From: 11, Limit: 3}, "[]"},
		{chat.LogQuery{From: 5, To: 4}, "[]"},
		{chat.LogQuery{From: 9, To: 1 << 63}, "[9 10]"},
		{chat.LogQuery{From: 1 << 63}, "[]"},
		{chat.LogQuery{From: 2, MessagesOnly: true, Limit: 3}, "[2 4 5]"},
		{chat.LogQuery{MessagesOnly: true, Descending: true, Limit: 3}, "[10 8 7]"},
	} {
		same(t, fmt.Sprintf("the log for %+v", c.q), seqs(must[[]*chat.Event](t)(s.Log(t.Context(), r, c.q))), c.want)
	}
}

func before(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "empty"})
	NewRoom(t, s, chat.Room{ID: "r"})
	start := clock.Time()
	fill(t, s, clock, "r", 20) // seq n is n seconds after start
	NewRoom(t, s, chat.Room{ID: "behind"})
	fill(t, s, clock, "behind", 2)
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	newest := func(r *chat.Room, at chat.Time) (seq uint64) {
		t.Helper()
		for _, e := range must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{Before: at, Descending: true, Limit: 1})) {
			seq = e.Seq
		}
		return seq
	}
	for n := range 23 {
		at := start.Add(time.Duration(n) * time.Second)
		want := uint64(min(max(n-1, 0), 20))
		same(t, fmt.Sprintf("the newest event older than second %d", n), newest(r, at), want)
		same(t, fmt.Sprintf("the newest event older than second %d and a bit", n), newest(r, at+1), uint64(min(n, 20)))
	}
	same(t, "the newest event since the beginning of time", newest(r, 1), 0)
	same(t, "the newest event until its end", newest(r, chat.Forever), 20)
	same(t, "the newest event of an empty log", newest(must[*chat.Room](t)(s.ReadRoom(t.Context(), "empty")), chat.Forever), 0)
	same(t, "an ascending page", seqs(must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{From: 3, To: 9, Before: start.Add(6 * time.Second), MessagesOnly: true}))), "[4 5]")
}

func clockJumps(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	NewRoom(t, s, chat.Room{ID: "other"}, "ann")
	say := func(room chat.RoomID, n int, given chat.Time) (at chat.Time) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			r, err := tx.Room(room)
			if err != nil {
				return err
			}
			e := &chat.Event{Kind: chat.Text, MessageID: id(n), At: given}
			err = tx.Append(r, e)
			at = e.At
			return err
		})
		return at
	}
	first := say("r", 1, 0)
	clock.Add(-24 * time.Hour)
	same(t, "the time after the clock was set back", say("r", 2, 0), first)
	same(t, "the time that the caller took from that clock", say("r", 3, clock.Time()), first)
	same(t, "the time in a log that was quiet", say("other", 4, 0), clock.Time())
	clock.Add(48 * time.Hour)
	same(t, "the time after it was set right", say("r", 5, 0), clock.Time())
}

func messages(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	r := NewRoom(t, s, chat.Room{ID: "r", Kind: chat.PrivateRoom}, "ann")
	Do(t, s, func(tx chat.Tx) error {
		if _, err := Say(tx, "r", "ann", id(1), "hi"); err != nil {
			return err
		}
		if err := tx.Append(r, &chat.Event{Kind: chat.MessagePinned, Actor: "ann", MessageID: id(1)}); err != nil {
			return err
		}
		e, err := tx.Message(id(1))
		if err != nil {
			return err
		}
		same(t, "the message seen in the same change", e.Content+" "+string(e.RoomID), "hi r")
		same(t, "the kind of its room", e.RoomKind, chat.PrivateRoom)
		missing, err := tx.Message(id(2))
		if missing != nil {
			t.Errorf("a message that was never sent: %+v", missing)
		}
		return err
	})
	e := must[*chat.Event](t)(s.ReadMessage(ctx, id(1)))
	same(t, "the message", e.Content+" "+string(e.RoomID)+" "+e.ActorName, "hi r Ann")
	same(t, "its seq", e.Seq, 1)
	same(t, "the kind of its room", e.RoomKind, chat.PrivateRoom)
	if e := must[*chat.Event](t)(s.ReadMessage(ctx, id(2))); e != nil {
		t.Fatalf("a message that was never sent: %+v", e)
	}
}
