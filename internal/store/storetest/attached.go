// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
)

// said makes a room with n messages of ann and gives them.
func said(t *testing.T, s Store, room chat.RoomID, n int) []*chat.Event {
	t.Helper()
	NewRoom(t, s, chat.Room{ID: room}, "ann")
	var out []*chat.Event
	Do(t, s, func(tx chat.Tx) error {
		out = nil
		for range n {
			var number [1]byte
			copy(number[:], room)
			e, err := Say(tx, room, "ann", id(int(number[0])*1000+len(out)), "old text")
			if err != nil {
				return err
			}
			out = append(out, e)
		}
		return nil
	})
	return out
}

func replaced(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	m := said(t, s, "r", 2)
	said(t, s, "q", 1)
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		if err := tx.PutReaction(m[0], "👍", "bob", 3); err != nil {
			return err
		}
		for i, text := range []string{"newer", "newest"} {
			e := &chat.Event{Kind: chat.MessageEdited, Actor: "ann", MessageID: m[0].MessageID, Content: text, Target: 1, Details: &chat.Details{Mentions: []chat.UserID{"bob"}}}
			if err := tx.Append(r, e); err != nil {
				return err
			}
			before, err := tx.Message(m[0].MessageID)
			if err != nil {
				return err
			}
			if err := tx.PutVersion(before, &chat.Version{Seq: e.Seq, Content: before.Content, At: before.At, ReplacedAt: e.At + chat.Time(i), ReplacedBy: "ann"}); err != nil {
				return err
			}
			after := *before
			after.Content, after.Edited, after.Flagged, after.Details = text, true, true, &chat.Details{Mentions: []chat.UserID{"bob"}}
			if err := tx.ReplaceMessage(&after); err != nil {
				return err
			}
		}
		return nil
	})
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	log := must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{}))
	same(t, "the message", spaced(log[0].Content, log[0].Edited, log[0].Flagged, log[0].Details.Mentions, log[0].Reactions), "newest true true [bob] [{👍 [bob] 1}]")
	same(t, "the other message", spaced(log[1].Content, log[1].Edited, log[1].Reactions), "old text false []")
	for _, e := range log[2:] { // both have the text of now
		same(t, "an edit", spaced(e.Kind, e.Content, e.Flagged, e.Target, e.Details.Mentions), "message_edited newest true 1 [bob]")
	}
	versions := must[[]chat.Version](t)(s.Versions(t.Context(), m[0], 0, 0))
	want := []chat.Version{{Seq: 4, Content: "newer", At: log[2].At, ReplacedAt: log[3].At + 1, ReplacedBy: "ann"}, {Seq: 3, Content: "old text", At: log[0].At, ReplacedAt: log[2].At, ReplacedBy: "ann"}}
	if !reflect.DeepEqual(versions, want) {
		t.Errorf("the versions are %+v, want %+v", versions, want)
	}
	same(t, "versions before the latest", len(must[[]chat.Version](t)(s.Versions(t.Context(), m[0], 4, 0))), 1)
	same(t, "one version", len(must[[]chat.Version](t)(s.Versions(t.Context(), m[0], 0, 1))), 1)
	same(t, "versions of the other message", len(must[[]chat.Version](t)(s.Versions(t.Context(), m[1], 0, 0))), 0)
	Do(t, s, func(tx chat.Tx) error {
		tombstone := *log[0]
		tombstone.Content, tombstone.Deleted, tombstone.Edited, tombstone.Flagged, tombstone.Details = "", true, false, false, nil
		if err := tx.ReplaceMessage(&tombstone); err != nil {
			return err
		}
		if err := tx.DropReactions(m[0]); err != nil {
			return err
		}
		return tx.DropVersions(m[0])
	})
	for _, e := range must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{})) {
		same(t, fmt.Sprintf("what is left of the text in seq %d", e.Seq), spaced(strings.Contains(e.Content, "new"), e.Details, len(e.Reactions), e.Deleted), spaced(false, (*chat.Details)(nil), 0, e.Seq == 1))
	}
	same(t, "versions left", len(must[[]chat.Version](t)(s.Versions(t.Context(), m[0], 0, 0))), 0)
}

func reactions(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	m := said(t, s, "r", 2)
	const many = chat.ListedReactions + 3
	Do(t, s, func(tx chat.Tx) error {
		for i := range many {
			if err := tx.PutReaction(m[0], "👍", chat.UserID(fmt.Sprintf("u%03d", many-i)), 3); err != nil {
				return err
			}
		}
		if err := tx.PutReaction(m[0], "❤️", "ann", 4); err != nil {
			return err
		}
		there, err := tx.Reacted(m[0], "❤️", "ann")
		same(t, "reacted", there, true)
		if err != nil {
			return err
		}
		there, err = tx.Reacted(m[1], "❤️", "ann")
		same(t, "reacted to the other message", there, false)
		return err
	})
	e := must[*chat.Event](t)(s.ReadMessage(t.Context(), m[0].MessageID))
	same(t, "the kinds", len(e.Reactions), 2)
	same(t, "the first", spaced(e.Reactions[0]), "{❤️ [ann] 1}")
	same(t, "all of the second", e.Reactions[1].Count, many)
	same(t, "those named", spaced(len(e.Reactions[1].Users), e.Reactions[1].Users[0]), spaced(chat.ListedReactions, "u001"))
	Do(t, s, func(tx chat.Tx) error {
		for i := range many {
			if err := tx.RemoveReaction(m[0], "👍", chat.UserID(fmt.Sprintf("u%03d", i+1))); err != nil {
				return err
			}
		}
		left, err := tx.Reactions(m[0])
		same(t, "left", spaced(left), "[{❤️ [ann] 1}]")
		if err != nil {
			return err
		}
		return tx.RemoveReaction(m[0], "❤️", "ann")
	})
	e = must[*chat.Event](t)(s.ReadMessage(t.Context(), m[0].MessageID))
	same(t, "left of all", len(e.Reactions), 0)
}

func pinned(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	m, other := said(t, s, "r", 3), said(t, s, "q", 1)
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for i, e := range []*chat.Event{m[2], m[0], other[0]} {
			if err := tx.PutPin(e, &chat.Pin{Seq: uint64(10 + i), By: "ann", At: clock.Time()}); err != nil {
				return err
			}
		}
		n, err := tx.CountPins(r)
		same(t, "pins of the room", n, 2)
		if err != nil {
			return err
		}
		there, err := tx.Pinned(m[1])
		same(t, "pinned", there, false)
		return err
	})
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	pins := must[[]chat.Pin](t)(s.Pins(t.Context(), r))
	same(t, "the pins", spaced(len(pins), pins[0].Message.Seq, pins[0].By, pins[0].At == clock.Time(), pins[1].Message.Seq, pins[1].Message.RoomID), "2 1 ann true 3 r")
	Do(t, s, func(tx chat.Tx) error { return tx.RemovePin(m[0]) })
	same(t, "the pins left", len(must[[]chat.Pin](t)(s.Pins(t.Context(), r))), 1)
}

func reports(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	m, other := said(t, s, "r", 1), said(t, s, "q", 1)
	var made chat.Report
	Do(t, s, func(tx chat.Tx) error {
		for _, e := range []*chat.Event{m[0], other[0]} {
			made = chat.Report{Sender: "ann", Content: "old text", Reporter: "bob", Reason: "why", At: clock.Time(), Status: chat.ReportOpen}
			if err := tx.CreateReport(e, &made); err != nil {
				return err
			}
		}
		again, err := tx.HasReported(m[0], "bob")
		same(t, "reported", again, true)
		if err != nil {
			return err
		}
		again, err = tx.HasReported(m[0], "cat")
		same(t, "reported by somebody else", again, false)
		return err
	})
	reported := func(what string, of *chat.Event, want bool) {
		t.Helper()
		same(t, what, must[bool](t)(s.ReadReported(t.Context(), of)), want)
		Do(t, s, func(tx chat.Tx) error {
			open, err := tx.IsReported(of)
			same(t, what+", while writing", open, want)
			return err
		})
	}
	reported("reported by anybody", m[0], true)
	reported("another message", &chat.Event{RoomNum: m[0].RoomNum, Seq: m[0].Seq + 1}, false)
	made.RoomID, made.MessageID, made.Seq = "q", other[0].MessageID, 1
	all := must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{}))
	same(t, "the latest report", all[0], made)
	same(t, "both", len(all), 2)
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	same(t, "those of a room", spaced(must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{Room: r.Num}))), spaced(all[1:]))
	same(t, "those before", len(must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{Before: made.Num}))), 1)
	Do(t, s, func(tx chat.Tx) error {
		found, err := tx.Report(made.Num)
		if err != nil {
			return err
		}
		found.Status, found.ClosedBy, found.ClosedAt = chat.ReportResolved, "root", clock.Time()
		return tx.CloseReport(found)
	})
	reported("after the report was closed", other[0], false)
	reported("while another one is open", m[0], true)
	same(t, "those open", len(must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{Status: chat.ReportOpen, Limit: 5}))), 1)
	closed := must[[]chat.Report](t)(s.Reports(t.Context(), chat.ReportQuery{Status: chat.ReportResolved}))
	same(t, "the closed one", spaced(closed[0].ClosedBy, closed[0].Content == "", closed[0].ClosedAt == clock.Time()), "root true true")
	Do(t, s, func(tx chat.Tx) error {
		again, err := tx.HasReported(other[0], "bob")
		same(t, "reported and closed", again, false)
		return err
	})
}

func threads(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	m := said(t, s, "r", 1)
	Do(t, s, func(tx chat.Tx) error {
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for i := range 6 {
			e := &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: id(5000 + i)}
			if i%2 == 0 {
				e.ThreadID = m[0].MessageID
			}
			if err := tx.Append(r, e); err != nil {
				return err
			}
		}
		return nil
	})
	r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
	for _, c := range []struct {
		q    chat.LogQuery
		want string
	}{
		{chat.LogQuery{To: 99}, "[2 4 6]"}, {chat.LogQuery{To: 99, Limit: 2}, "[2 4]"}, {chat.LogQuery{From: 3, To: 5}, "[4]"},
		{chat.LogQuery{To: 5, Descending: true}, "[4 2]"},
	} {
		same(t, fmt.Sprintf("the thread for %+v", c.q), seqs(must[[]*chat.Event](t)(s.Thread(t.Context(), r, m[0].MessageID, c.q))), c.want)
	}
}

// answers checks that the answers of a thread are counted as they come, are deleted and are cut.
func answers(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	m := said(t, s, "r", 2)
	var list []*chat.Event
	Do(t, s, func(tx chat.Tx) error {
		list = nil
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		for i := range 4 {
			e := &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: id(6000 + i), ThreadID: m[0].MessageID}
			if err := tx.Append(r, e); err != nil {
				return err
			}
			if err := tx.AddAnswer(e); err != nil {
				return err
			}
			list = append(list, e)
		}
		return nil
	})
	ctx := t.Context()
	r := must[*chat.Room](t)(s.ReadRoom(ctx, "r"))
	counted := func(what, want string) {
		t.Helper()
		log := must[[]*chat.Event](t)(s.Log(ctx, r, chat.LogQuery{}))
		same(t, what, spaced(log[0].Answers.Count, log[0].Answers.LastSeq), want)
		same(t, what+", read alone", must[*chat.Event](t)(s.ReadMessage(ctx, m[0].MessageID)).Answers, log[0].Answers)
		for _, e := range log[1:] {
			same(t, what+": of another message", e.Answers, chat.Answers{})
		}
	}
	remove := func(e *chat.Event) (change chat.ThreadChange) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			var err error
			if change, err = tx.RemoveAnswer(e); err != nil {
				return err
			}
			tombstone := *e
			tombstone.Content, tombstone.Deleted = "", true
			return tx.ReplaceMessage(&tombstone)
		})
		return change
	}
	counted("the answers", "4 6")
	thread := m[0].MessageID.String()
	same(t, "without the one before the latest", remove(list[2]), chat.ThreadChange{ID: thread, RootSeq: 1, Answers: chat.Answers{Count: 3, LastSeq: 6}})
	same(t, "without the latest", remove(list[3]), chat.ThreadChange{ID: thread, RootSeq: 1, Answers: chat.Answers{Count: 2, LastSeq: 4}})
	Do(t, s, func(tx chat.Tx) error { // what becomes of the first message does not touch the count
		if err := tx.PutReaction(m[0], "👍", "ann", 9); err != nil {
			return err
		}
		edited := *m[0]
		edited.Content, edited.Edited = "new", true
		if err := tx.ReplaceMessage(&edited); err != nil {
			return err
		}
		return tx.DropReactions(m[0])
	})
	counted("what is left", "2 4")
	remove(list[0])
	same(t, "without any", remove(list[1]), chat.ThreadChange{ID: thread, RootSeq: 1})
	counted("nothing left", "0 0")
	answer := func(n int) *chat.Event {
		e := &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: id(n), ThreadID: m[0].MessageID}
		Do(t, s, func(tx chat.Tx) error {
			room, err := tx.Room("r")
			if err != nil {
				return err
			}
			if err := tx.Append(room, e); err != nil {
				return err
			}
			return tx.AddAnswer(e)
		})
		return e
	}
	answer(6100)
	counted("a new beginning", "1 7")
	clock.Add(time.Minute)
	late := answer(6101)
	Do(t, s, func(tx chat.Tx) error {
		room, err := tx.Room("r")
		if err != nil {
			return err
		}
		n, err := tx.Cut(room, late.At, 100)
		same(t, "cut", n, 7)
		return err
	})
	answer(6102) // the first message is gone
	for _, e := range must[[]*chat.Event](t)(s.Log(ctx, r, chat.LogQuery{})) {
		same(t, "in a thread that was cut", e.Answers, chat.Answers{})
	}
	same(t, "deleted from a thread that was cut", remove(late), chat.ThreadChange{ID: thread})
}

// spaced writes values with a space between any two.
func spaced(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }
