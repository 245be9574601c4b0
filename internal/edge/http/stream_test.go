// SPDX-License-Identifier: Apache-2.0

package http

import (
	"encoding/base64"
	"fmt"
	"maps"
	"testing"

	"parley/internal/chat"
	"parley/internal/feed"
)

func TestEventIDs(t *testing.T) {
	for _, seen := range []map[int64]uint64{{}, {1: 0}, {1: 1, 2: 1 << 40, 1 << 26: 7}} {
		epoch, got, ok := parseEventID(eventID(-5, seen))
		if !ok || epoch != -5 || !maps.Equal(got, seen) {
			t.Errorf("%v: %d %v %v", seen, epoch, got, ok)
		}
	}
	for name, b := range map[string][]byte{"empty": {}, "cut": {2, 2}, "not ascending": {2, 4, 1, 1, 1}, "the same again": {2, 4, 1, 0, 1}} {
		if _, _, ok := parseEventID(base64.RawURLEncoding.EncodeToString(b)); ok {
			t.Errorf("%s: is read", name)
		}
	}
}

// What anybody sends as an id neither panics nor comes out as anything but a place.
func FuzzEventID(f *testing.F) {
	f.Add("")
	f.Add(eventID(1_795_360_141, map[int64]uint64{1: 1, 3: 900}))
	f.Fuzz(func(t *testing.T, id string) {
		epoch, seen, ok := parseEventID(id)
		if !ok {
			return
		}
		e, s, ok := parseEventID(eventID(epoch, seen))
		if !ok || e != epoch || !maps.Equal(s, seen) {
			t.Errorf("%q: %d %v", id, epoch, seen)
		}
	})
}

func event(room chat.RoomID, num int64, seq uint64) *feed.Copy {
	return &feed.Copy{Event: &chat.Event{RoomID: room, RoomNum: num, Seq: seq, Kind: chat.Text, Content: fmt.Sprint(seq)}}
}

// The queue is bounded, says so, and gives way in order.
func TestStreamQueue(t *testing.T) {
	s := newStream("ann", nil)
	for seq := range uint64(maxStreamEvents) {
		if s.Offer(event("r", 1, seq+1)) != feed.Queued {
			t.Fatalf("event %d is not queued", seq+1)
		}
	}
	if s.Offer(event("r", 1, maxStreamEvents+1)) != feed.Full {
		t.Error("there is no end to the queue")
	}
	for s.Pass("r", []byte("{}")) {
	}
	seen, next := map[int64]uint64{}, uint64(1)
	for {
		out, drained := s.take(1000, seen)
		for _, q := range out {
			if q.seq != 0 && q.seq != next {
				t.Fatalf("seq %d, want %d", q.seq, next)
			} else if q.seq != 0 {
				next++
			}
		}
		if drained {
			break
		}
		if len(out) == 0 {
			t.Fatal("the feed is not told that there is room")
		}
	}
	if next != maxStreamEvents+1 || s.bytes != 0 {
		t.Errorf("%d events came, %d bytes are left", next-1, s.bytes)
	}
	if s.Offer(event("r", 1, next)) != feed.Queued {
		t.Error("the queue stays full")
	}
}

// What is taken back is not written; what came after a return is.
func TestStreamRevoke(t *testing.T) {
	s := newStream("ann", nil)
	s.Offer(event("r", 1, 5))
	s.Offer(event("q", 2, 5))
	s.Pass("r", []byte("typing"))
	s.Pass("", []byte("status"))
	s.Offer(event("r", 1, 9))
	s.Revoke("r", 9)
	out, _ := s.take(1<<20, map[int64]uint64{})
	if len(out) != 3 || out[0].room != "q" || string(out[1].body) != "status" || out[2].seq != 9 {
		t.Errorf("left are %+v", out)
	}
}

// Rooms that are not wanted are passed over, and count as seen.
func TestStreamFilter(t *testing.T) {
	s := newStream("ann", map[chat.RoomID]bool{"r": true})
	if s.Offer(event("q", 2, 5)) != feed.Unwanted || s.Offer(event("r", 1, 7)) != feed.Queued || !s.Pass("q", []byte("typing")) {
		t.Error("the filter does not hold")
	}
	seen := map[int64]uint64{2: 4}
	if out, _ := s.take(1<<20, seen); len(out) != 1 || out[0].room != "r" || seen[2] != 5 {
		t.Errorf("%+v, seen %v", out, seen)
	}
}
