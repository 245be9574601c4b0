// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/eclipse/paho.golang/paho"
)

// logs is a server as a follower sees it: the logs of rooms, and since when bob is in them.
type logs struct {
	joined map[string]uint64
	heads  map[string]uint64
	cut    map[string]uint64 // up to this seq
}

// event is the one of a room at a seq; those of somebody's joining say so.
func (l *logs) event(room string, seq uint64) Event {
	e := Event{Type: "text", Room: room, Seq: seq, Epoch: 7}
	if seq == l.joined[room] {
		e.Type, e.System, e.User = "system", "member_joined", "bob"
	}
	return e
}

func (l *logs) raw(room string, seq uint64) []byte {
	e := l.event(room, seq)
	return fmt.Appendf(nil, `{"type":%q,"room_id":%q,"seq":%d,"epoch":7,"event":%q,"user_id":%q}`, e.Type, room, seq, e.System, e.User)
}

// sync answers like the server, two events a page.
func (l *logs) sync(after map[string]uint64, _ int64, page *synced) bool {
	*page = synced{Epoch: 7}
	for room, head := range l.heads {
		if l.joined[room] == 0 {
			continue
		}
		page.Rooms = append(page.Rooms, Room{ID: room, FirstSeq: 1, JoinedSeq: l.joined[room], LastSeq: head})
		last, asked := after[room]
		for seq := max(last, l.cut[room]) + 1; asked && seq <= head; seq++ {
			if len(page.Events) == 2 {
				page.HasMore = true
				break
			}
			page.Events = append(page.Events, l.event(room, seq))
		}
	}
	return true
}

// following is a follower of bob's that knows where the logs are.
func following(t *testing.T, l *logs) (*follower, chan Event) {
	events := make(chan Event, 100)
	f := newFollower(&Client{user: "bob", ctx: t.Context(), events: events})
	f.ask = l.sync
	if !f.catchUp() {
		t.Fatal(context.Cause(t.Context()))
	}
	return f, events
}

// seqs are the seqs that were passed on of a room.
func seqs(events chan Event, room string) (out []uint64) {
	for {
		select {
		case e := <-events:
			if e.Room == room {
				out = append(out, e.Seq)
			}
		default:
			return out
		}
	}
}

// Whatever the device is not told of a room that it has just joined (its inbox was full), it reads from the log: all from
// the joining on, and nothing twice.
func TestNothingIsMissedOfARoomJustJoined(t *testing.T) {
	t.Parallel()
	required := []byte(`{"type":"sync_required","room_id":"new","first_seq":7,"last_seq":12,"epoch":7}`)
	for name, happen := range map[string]func(*follower, *logs){
		"all was left out": func(f *follower, _ *logs) { f.catchUp() },
		"the end was left out, and is asked for before the beginning is looked at": func(f *follower, l *logs) {
			f.catchUp()
			for seq := uint64(5); seq < 9; seq++ {
				f.take(l.raw("new", seq))
			}
		},
		"the end was left out, and is asked for later": func(f *follower, l *logs) {
			for seq := uint64(5); seq < 9; seq++ {
				f.take(l.raw("new", seq))
			}
			f.catchUp()
		},
		"the joining was left out":                func(f *follower, l *logs) { f.take(l.raw("new", 12)) },
		"the server left something out":           func(f *follower, l *logs) { f.take(l.raw("new", 5)); f.take(required) },
		"the server left the joining out as well": func(f *follower, _ *logs) { f.take(required) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &logs{joined: map[string]uint64{"old": 1}, heads: map[string]uint64{"old": 3, "new": 4}}
			f, events := following(t, l)
			l.joined["new"], l.heads["new"] = 5, 12
			happen(f, l)
			if got, want := seqs(events, "new"), []uint64{5, 6, 7, 8, 9, 10, 11, 12}; !slices.Equal(got, want) {
				t.Errorf("passed on %v, want %v", got, want)
			}
			f.take(l.raw("new", 12)) // a late copy
			l.heads["new"] = 13
			f.take(l.raw("new", 13))
			if got := seqs(events, "new"); !slices.Equal(got, []uint64{13}) {
				t.Errorf("then passed on %v", got)
			}
		})
	}
}

// A room that the user was taken from is not followed, whatever comes late of it, and begins with the next joining.
func TestAReturnBeginsWithTheJoining(t *testing.T) {
	t.Parallel()
	l := &logs{joined: map[string]uint64{"r": 2, "user:bob": 1}, heads: map[string]uint64{"r": 4, "user:bob": 0}}
	f, events := following(t, l)
	l.heads["r"], l.heads["user:bob"] = 9, 1
	delete(l.joined, "r")
	f.take([]byte(`{"type":"removed_from_room","room_id":"user:bob","seq":1,"epoch":7,"room":{"room_id":"r"}}`))
	f.take(l.raw("r", 5))
	f.take([]byte(`{"type":"sync_required","room_id":"r","first_seq":5,"last_seq":6,"epoch":7}`))
	if got := seqs(events, "r"); got != nil {
		t.Errorf("passed on %v of a room left", got)
	}
	l.joined["r"] = 8
	f.take(l.raw("r", 9))
	if got, want := seqs(events, "r"), []uint64{8, 9}; !slices.Equal(got, want) {
		t.Errorf("passed on %v, want %v", got, want)
	}
}

// What retention took while the client was away is told of, wherever it lies, and once.
func TestWhatIsCutIsToldOf(t *testing.T) {
	t.Parallel()
	l := &logs{joined: map[string]uint64{"r": 1, "all": 1}, heads: map[string]uint64{"r": 4, "all": 4}, cut: map[string]uint64{}}
	f, events := following(t, l)
	l.heads["r"], l.heads["all"], l.cut["r"], l.cut["all"] = 9, 9, 6, 9
	f.catchUp()
	f.catchUp()
	l.heads["all"] = 10
	f.take(l.raw("all", 10))
	close(events)
	got := map[string][]string{}
	for e := range events {
		if e.Type == TypeCut {
			var raw Event
			if err := json.Unmarshal(e.Raw, &raw); err != nil || raw.Room != e.Room || raw.FirstSeq != e.FirstSeq || raw.LastSeq != e.LastSeq || raw.Epoch != 7 {
				t.Errorf("%s: %v", e.Raw, err)
			}
			got[e.Room] = append(got[e.Room], fmt.Sprintf("cut %d to %d", e.FirstSeq, e.LastSeq))
			continue
		}
		got[e.Room] = append(got[e.Room], fmt.Sprint(e.Seq))
	}
	if want := []string{"cut 5 to 6", "7", "8", "9"}; !slices.Equal(got["r"], want) {
		t.Errorf("of r %q is passed on, want %q", got["r"], want)
	}
	if want := []string{"cut 5 to 9", "10"}; !slices.Equal(got["all"], want) {
		t.Errorf("of all %q is passed on, want %q", got["all"], want)
	}
}

// What passes while the heads are still asked for is nobody's to read yet: it must not keep the heads waiting.
func TestPassingEventsBeforeTheHeads(t *testing.T) {
	t.Parallel()
	over, stop := context.WithCancel(t.Context())
	stop()
	f := newFollower(&Client{user: "bob", ctx: over, events: make(chan Event)}) // whoever emits fails
	if !f.take([]byte(`{"type":"typing_start","room_id":"r","user_id":"ann"}`)) {
		t.Error("a passing event was passed on before anybody could read it")
	}
}

// A connection can be lost, and followed by the next one, before its subscription is known of.
func TestSubscribedAfterTheLoss(t *testing.T) {
	t.Parallel()
	c := &Client{ctx: t.Context(), up: make(chan struct{}), down: make(chan struct{})}
	close(c.down)
	usable := func() bool {
		select {
		case <-c.up:
			return true
		default:
			return false
		}
	}
	first := c.connected()
	c.lost()
	if c.subscribed(&paho.Connack{}, first) || usable() {
		t.Error("a connection that is lost is used")
	}
	second := c.connected()
	if c.subscribed(&paho.Connack{}, first) || usable() {
		t.Error("the subscription of a former connection counts for the next one")
	}
	if !c.subscribed(&paho.Connack{}, second) || !usable() {
		t.Error("the connection is not used")
	}
	if c.lost(); usable() {
		t.Error("the connection is used although it is lost")
	}
}
