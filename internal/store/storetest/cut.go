// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"parley/internal/chat"
)

// cuts checks that logs are cut at their beginning only, in steps, and that counts and unread numbers go on.
func cuts(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	NewUser(t, s, "ann", "Ann")
	NewUser(t, s, "bob", "Bob")
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	other := NewRoom(t, s, chat.Room{ID: "other"}, "ann")
	for i := range 5 {
		Do(t, s, func(tx chat.Tx) error {
			if _, err := Say(tx, "other", "ann", id(100+i), "x"); err != nil {
				return err
			}
			_, err := Say(tx, "r", "ann", id(i), "x")
			return err
		})
		clock.Add(time.Second)
	}
	cut := func(before chat.Time, most int) (n int) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			room, err := tx.Room("r")
			if err != nil {
				return err
			}
			n, err = tx.Cut(room, before, most)
			return err
		})
		return n
	}
	Do(t, s, func(tx chat.Tx) error {
		for i, who := range []chat.UserID{"bob", "cat"} {
			m, err := tx.Message(id(i))
			if err != nil {
				return err
			}
			report := chat.Report{Sender: "ann", Content: "x", Reporter: who, Status: chat.ReportOpen}
			if err := tx.CreateReport(m, &report); err != nil {
				return err
			}
			if i == 1 {
				report.Status = chat.ReportDismissed
				if err := tx.CloseReport(&report); err != nil {
					return err
				}
			}
		}
		return nil
	})
	reports := func(what string, open, closed int) {
		t.Helper()
		for status, n := range map[chat.ReportStatus]int{chat.ReportOpen: open, chat.ReportDismissed: closed} {
			found := must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{Room: r.Num, Status: status}))
			same(t, what+", reports "+string(status), len(found), n)
			if n == 1 && status == chat.ReportOpen {
				same(t, what+", what was reported", found[0].Content, "x")
			}
		}
	}
	reports("before the cut", 1, 1)
	ctx, at := t.Context(), clock.Time().Add(-2*time.Second) // when the fourth was said
	same(t, "old messages", must[uint64](t)(s.OldMessages(ctx, r.Num, at)), 3)
	old := must[[]chat.OldRoom](t)(s.OldRooms(ctx, chat.OldQuery{Room: r.Num, Before: at, Limit: 9}))
	same(t, "how many old rooms", len(old), 1)
	same(t, "the old room", old[0], chat.OldRoom{Num: r.Num, ID: "r", Before: at})
	same(t, "one step", cut(at, 2), 2)
	same(t, "old messages that are left", must[uint64](t)(s.OldMessages(ctx, r.Num, at)), 1)
	reports("after the cut", 1, 0)
	Do(t, s, func(tx chat.Tx) error {
		report, err := tx.Report(1)
		if err != nil || report == nil {
			t.Fatalf("the report is not found: %v, %v", report, err)
		}
		report.Status = chat.ReportDismissed
		return tx.CloseReport(report)
	})
	same(t, "the last step", cut(at, 2), 1)
	reports("closed after the cut", 0, 0)
	same(t, "nothing more", cut(at, 2), 0)
	state := must[*chat.Room](t)(s.ReadRoom(ctx, "r"))
	same(t, "the beginning", state.FirstSeq, 4)
	same(t, "the head", state.LastSeq, 5)
	events := must[[]*chat.Event](t)(s.Log(ctx, state, chat.LogQuery{}))
	same(t, "events left", len(events), 2)
	same(t, "the count before them", must[uint64](t)(s.CountAt(ctx, r.Num, 3)), 3)
	if m := must[*chat.Event](t)(s.ReadMessage(ctx, id(0))); m != nil {
		t.Errorf("a message that was cut: %+v", m)
	}
	same(t, "another log", len(must[[]*chat.Event](t)(s.Log(ctx, other, chat.LogQuery{}))), 5)
	for _, m := range must[[]chat.Membership](t)(s.RoomsOf(ctx, "bob")) {
		if m.Room.ID == "r" {
			same(t, "unread messages", m.Unread, 2)
		}
	}
	same(t, "rooms without a retention", len(must[[]chat.OldRoom](t)(s.OldRooms(ctx, chat.OldQuery{Now: clock.Time()}))), 0)
	same(t, "the rest", cut(clock.Time(), 10), 2)
	Do(t, s, func(tx chat.Tx) error {
		e, err := Say(tx, "r", "ann", id(50), "x")
		if err == nil {
			same(t, "the next seq", e.Seq, 6)
			same(t, "the next count", e.Count, 6)
		}
		return err
	})
}
