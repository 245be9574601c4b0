// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/chat"
	"parley/internal/wire"
)

// shown is a message as a client keeps it.
type shown struct {
	Content   string
	Edited    bool
	Deleted   bool
	Flagged   bool
	Mentions  string
	Reactions map[string][]string
}

// view is a client's picture of a room: a snapshot, and the events since, as docs/protocol.md tells clients to apply them.
type view struct {
	user     chat.UserID
	seq      uint64
	messages map[string]*shown // by id
	pins     map[string]bool
	stale    map[string]bool // edited, and the event did not say how
}

// told is what a client can be sent.
type told struct {
	Type      string              `json:"type"`
	ID        string              `json:"id"`
	Seq       uint64              `json:"seq"`
	MessageID string              `json:"message_id"`
	UserID    string              `json:"user_id"`
	Content   *string             `json:"content"`
	Edited    bool                `json:"edited"`
	Deleted   bool                `json:"deleted"`
	Flagged   bool                `json:"flagged"`
	Mentions  []string            `json:"mentions"`
	Reactions map[string][]string `json:"reactions"`
	Emoji     string              `json:"emoji"`
	Count     *int                `json:"count"`
}

func (v *view) show(e told) {
	m := &shown{Content: *e.Content, Edited: e.Edited, Deleted: e.Deleted, Flagged: e.Flagged, Mentions: strings.Join(e.Mentions, " "), Reactions: e.Reactions}
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	v.messages[e.ID] = m
}

// apply takes one event of the log.
func (v *view) apply(body []byte) error {
	var e told
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	if e.Seq <= v.seq {
		return nil
	}
	if e.Seq != v.seq+1 {
		return fmt.Errorf("after %d comes %d", v.seq, e.Seq)
	}
	v.seq = e.Seq
	if e.ID != "" {
		v.show(e)
		return nil
	}
	m := v.messages[e.MessageID]
	if m == nil { // one that the client has not loaded
		m = &shown{}
	}
	switch e.Type {
	case "message_edited":
		m.Edited = true
		v.stale[e.MessageID] = e.Content == nil
		if e.Content != nil {
			m.Content, m.Flagged, m.Mentions = *e.Content, e.Flagged, strings.Join(e.Mentions, " ")
		}
	case "message_deleted":
		*m = shown{Deleted: true, Reactions: map[string][]string{}}
		delete(v.stale, e.MessageID)
		delete(v.pins, e.MessageID)
	case "reaction_added":
		if m.Reactions != nil && !slices.Contains(m.Reactions[e.Emoji], e.UserID) {
			m.Reactions[e.Emoji] = append(m.Reactions[e.Emoji], e.UserID)
			slices.Sort(m.Reactions[e.Emoji])
		}
	case "reaction_removed":
		m.Reactions[e.Emoji] = slices.DeleteFunc(m.Reactions[e.Emoji], func(u string) bool { return u == e.UserID })
		if len(m.Reactions[e.Emoji]) == 0 {
			delete(m.Reactions, e.Emoji)
		}
	case "message_pinned":
		v.pins[e.MessageID] = true
	case "message_unpinned":
		delete(v.pins, e.MessageID)
	}
	return nil
}

// snapshot loads a room as a client does that comes anew.
func (w *world) snapshot(u chat.UserID, id chat.RoomID) (*view, error) {
	v := &view{user: u, messages: map[string]*shown{}, pins: map[string]bool{}, stale: map[string]bool{}}
	q := chat.HistoryQuery{Limit: 7}
	for {
		p, err := w.History(w.t.Context(), who(u), id, q)
		if err != nil {
			return nil, err
		}
		v.seq = max(v.seq, p.To)
		for _, m := range p.Messages {
			var e told
			if err := json.Unmarshal(wire.AppendEvent(nil, m, 1, false), &e); err != nil {
				return nil, err
			}
			v.show(e)
		}
		if !p.HasMore {
			break
		}
		q.BeforeSeq = p.From
	}
	pins, err := w.Pins(w.t.Context(), who(u), id, 0)
	if err != nil {
		return nil, err
	}
	for _, p := range pins.Pins {
		v.pins[p.Message.MessageID.String()] = true
	}
	return v, nil
}

// reload loads what edits did not tell.
func (w *world) reload(v *view, id chat.RoomID) error {
	for name, stale := range v.stale {
		if !stale || v.messages[name] == nil {
			continue
		}
		around, _ := chat.ParseID(name)
		p, err := w.History(w.t.Context(), who(v.user), id, chat.HistoryQuery{Around: around, Limit: 1})
		if err != nil {
			return err
		}
		var e told
		if err := json.Unmarshal(wire.AppendEvent(nil, p.Messages[0], 1, false), &e); err != nil {
			return err
		}
		v.show(e)
	}
	return nil
}

func (v *view) differs(o *view) error {
	for id, m := range o.messages {
		if mine := v.messages[id]; mine == nil || fmt.Sprintf("%+v", *mine) != fmt.Sprintf("%+v", *m) {
			return fmt.Errorf("message %s is %+v, in a fresh snapshot %+v", id, mine, *m)
		}
	}
	if len(v.messages) != len(o.messages) || !maps.Equal(v.pins, o.pins) || v.seq != o.seq {
		return fmt.Errorf("%d messages up to %d, pinned %v; in a fresh snapshot %d up to %d, pinned %v", len(v.messages), v.seq, v.pins, len(o.messages), o.seq, o.pins)
	}
	return nil
}

// change is something done to the n-th message that there is by then.
type change struct {
	Kind string
	N    int
	Text string
}

var changesOf = map[string][]string{
	"send":   {"say"},
	"edit":   {"edit", "edit", "say"},
	"delete": {"delete", "edit", "say"},
	"react":  {"react", "react", "unreact"},
	"pin":    {"pin", "unpin", "pin", "delete"},
	"all":    {"say", "edit", "delete", "react", "react", "unreact", "pin", "unpin"},
}

// A snapshot that was taken at any moment and the events after it, heard live or read later, are what a snapshot is that is
// taken at the end: for each kind of change, made by several members at once.
func TestSnapshotAndEventsAreASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rooms := 0
	rapid.Check(t, func(rt *rapid.T) {
		words := changesOf[rapid.SampledFrom(slices.Sorted(maps.Keys(changesOf))).Draw(rt, "what")]
		one := rapid.Custom(func(rt *rapid.T) change {
			return change{rapid.SampledFrom(words).Draw(rt, "kind"), rapid.IntRange(0, 5).Draw(rt, "n"), rapid.SampledFrom([]string{"👍", "❤️", "@bob you", "@cat"}).Draw(rt, "text")}
		})
		acts := map[chat.UserID][]change{}
		for _, u := range people[:3] {
			acts[u] = rapid.SliceOfN(one, 2, 8).Draw(rt, string(u))
		}
		rooms++
		if err := w.tell(chat.RoomID(fmt.Sprintf("view%d", rooms)), acts); err != nil {
			rt.Fatal(err)
		}
	})
}

// tell has acts done beside each other, while clients load the room, and tells what was wrong in the end.
func (w *world) tell(id chat.RoomID, acts map[chat.UserID][]change) error {
	w.room(id, false, "bob", "cat")
	var mu sync.Mutex
	var ids []chat.ID
	for _, u := range people[:3] {
		ids = append(ids, done(w.t, w.Send(by(u), id, text("one of "+string(u)))).MessageID)
	}
	done(w.t, w.Moderate(by("ann"), id, act(chat.ActionPromote, "bob")))
	done(w.t, w.Join(by("dan"), id)) // who is not sent edits of what was before
	var clients []*view
	var failures []error
	load := func(u chat.UserID) {
		v, err := w.snapshot(u, id)
		mu.Lock()
		defer mu.Unlock()
		clients, failures = append(clients, v, v.clone()), append(failures, err)
	}
	load("bob")
	load("dan")
	var wg sync.WaitGroup
	for u, list := range acts {
		wg.Go(func() {
			for i, d := range list {
				mu.Lock()
				target := ids[d.N%len(ids)]
				mu.Unlock()
				var err error
				switch d.Kind {
				case "say":
					var s chat.Sent
					if s, err = w.Send(by(u), id, text(d.Text)).Wait(w.t.Context()); err == nil {
						mu.Lock()
						ids = append(ids, s.MessageID)
						mu.Unlock()
					}
				case "edit":
					_, err = w.Edit(by(u), target, fmt.Sprintf("%s %s %d", d.Text, u, i), i%2 == 0).Wait(w.t.Context())
				case "delete":
					_, err = w.Delete(by(u), target).Wait(w.t.Context())
				case "react":
					_, err = w.React(by(u), target, d.Text).Wait(w.t.Context())
				case "unreact":
					_, err = w.Unreact(by(u), target, d.Text).Wait(w.t.Context())
				case "pin":
					_, err = w.Pin(by(u), target).Wait(w.t.Context())
				case "unpin":
					_, err = w.Unpin(by(u), target).Wait(w.t.Context())
				}
				if code := chat.CodeOf(err); code != "" && code != chat.Forbidden && code != chat.Conflict {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			}
		})
	}
	load("cat")
	load("dan")
	wg.Wait()
	w.settle()
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	for i, v := range clients {
		if err := w.follow(v, id, i%2 == 0); err != nil {
			return fmt.Errorf("client %d, %s: %w", i, v.user, err)
		}
		fresh, err := w.snapshot(v.user, id)
		if err != nil {
			return err
		}
		fresh.seq = v.seq // what follows the last message is no part of a page's cover when it is no message
		if err := v.differs(fresh); err != nil {
			return fmt.Errorf("client %d, %s: %w", i, v.user, err)
		}
	}
	return nil
}

// follow applies what came after a snapshot: as it was sent live, or as sync gives it later.
func (w *world) follow(v *view, id chat.RoomID, live bool) error {
	var events []*chat.Event
	if live {
		r, err := w.store.ReadRoom(w.t.Context(), id)
		if err != nil {
			return err
		}
		m, err := w.store.ReadMember(w.t.Context(), r.Num, v.user)
		if err != nil {
			return err
		}
		for _, e := range w.log(id) {
			events = append(events, e.As(m.JoinedSeq))
		}
	} else {
		s, err := w.Sync(w.t.Context(), who(v.user), map[chat.RoomID]uint64{id: v.seq}, 0)
		if err != nil {
			return err
		}
		events = s.Events
	}
	for _, e := range events {
		if err := v.apply(wire.AppendEvent(nil, e, 1, false)); err != nil {
			return err
		}
	}
	return w.reload(v, id)
}

func (v *view) clone() *view {
	if v == nil {
		return nil
	}
	c := &view{user: v.user, seq: v.seq, messages: map[string]*shown{}, pins: maps.Clone(v.pins), stale: map[string]bool{}}
	for id, m := range v.messages {
		copied := *m
		copied.Reactions = map[string][]string{}
		for emoji, users := range m.Reactions {
			copied.Reactions[emoji] = slices.Clone(users)
		}
		c.messages[id] = &copied
	}
	return c
}
