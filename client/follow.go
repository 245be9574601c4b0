// SPDX-License-Identifier: Apache-2.0

package client

import (
	"encoding/json"
	"errors"
	"fmt"
)

// follower puts events in order. One goroutine uses it. A room is known from the joining on, or from the first reading, until
// the user is taken out of it. Of a room that is known nothing is missing but what the log is asked for at once; whatever tells
// of one that is not makes the follower look for its beginning.
type follower struct {
	c     *Client
	ask   func(after map[string]uint64, epoch int64, page *synced) bool // syncs; false once the client is closed
	live  bool                                                          // the heads are known
	epoch int64
	last  map[string]uint64 // by known room: the last seq that was passed on
	seen  map[string]uint64 // by room: the greatest seq that is known to exist
	left  map[string]uint64 // by room that was known before: the last seq that was passed on
}

func newFollower(c *Client) *follower {
	f := &follower{c: c, ask: c.sync}
	f.reset()
	return f
}

// reset forgets all rooms.
func (f *follower) reset() {
	f.live, f.last, f.seen, f.left = false, map[string]uint64{}, map[string]uint64{}, map[string]uint64{}
}

// follow passes events on until the client is closed.
func (c *Client) follow() {
	defer close(c.stopped)
	defer close(c.events)
	f := newFollower(c)
	for {
		ok := true
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake:
			if ok = f.catchUp(); ok {
				c.started.Do(func() { close(c.ready) })
				c.state(Online, nil)
			}
		case raw := <-c.inbox:
			ok = f.take(raw)
		}
		if !ok {
			return
		}
	}
}

// emit passes one event on. It is false once the client is closed.
func (f *follower) emit(e Event) bool {
	select {
	case f.c.events <- e:
		return true
	case <-f.c.ctx.Done():
		return false
	}
}

// take handles what came by itself.
func (f *follower) take(raw []byte) bool {
	var e Event
	if json.Unmarshal(raw, &e) != nil {
		return true // of a later protocol
	}
	switch {
	case e.Type == "sync_required":
		f.seen[e.Room] = max(f.seen[e.Room], e.LastSeq)
	case e.Seq == 0:
		return !f.live || f.emit(e) // while Dial still waits for the heads, nobody reads
	default:
		f.seen[e.Room] = max(f.seen[e.Room], e.Seq)
	}
	last, known := f.last[e.Room]
	switch {
	case !f.live: // the catching up that is due will have it
		return true
	case e.Epoch != f.epoch:
		return f.catchUp()
	case known && e.Seq == last+1, !known && e.Seq > f.left[e.Room] && f.begins(e):
		return f.pass(e)
	case known && f.seen[e.Room] > last:
		return f.read(map[string]uint64{e.Room: last})
	case !known && f.seen[e.Room] > f.left[e.Room]: // joined meanwhile, and the event that said so was left out
		return f.catchUp()
	}
	return true
}

// begins tells whether an event is the first one that the user gets of a room.
func (f *follower) begins(e Event) bool {
	return e.Seq == 1 || e.System == "member_joined" && e.User == f.c.user
}

// pass passes an event of a log on and notes it. What is missing before it is not in the log any more.
func (f *follower) pass(e Event) bool {
	if last, known := f.last[e.Room]; known && !f.begins(e) && !f.cut(e.Room, last+1, e.Seq-1) {
		return false
	}
	f.last[e.Room] = e.Seq
	if e.About != nil && (e.Type == "removed_from_room" || e.Type == "room_deleted") {
		f.forget(e.About.ID) // a return begins with the joining
	}
	return f.emit(e)
}

// cut tells of events that there were and that nobody can read any more, from one seq to another; of none where that is less.
func (f *follower) cut(room string, from, to uint64) bool {
	if from > to {
		return true
	}
	e := Event{Type: TypeCut, Room: room, FirstSeq: from, LastSeq: to, Epoch: f.epoch}
	e.Raw = fmt.Appendf(nil, `{"type":%q,"room_id":%q,"first_seq":%d,"last_seq":%d,"epoch":%d}`, e.Type, e.Room, e.FirstSeq, e.LastSeq, e.Epoch)
	return f.emit(e)
}

// forget makes a room unknown.
func (f *follower) forget(room string) {
	if last, known := f.last[room]; known {
		f.left[room] = last
	}
	delete(f.last, room)
	delete(f.seen, room)
}

// catchUp reads what was missed in all rooms; the first time, it only learns where they are.
func (f *follower) catchUp() bool {
	if !f.live {
		return f.read(nil)
	}
	after := make(map[string]uint64, len(f.last))
	for room, seq := range f.last {
		after[room] = seq
	}
	return f.read(after)
}

type synced struct {
	Epoch   int64   `json:"epoch"`
	Rooms   []Room  `json:"rooms"`
	Events  []Event `json:"events"`
	HasMore bool    `json:"has_more"`
}

// read reads on in the logs of the rooms named, after the seqs given, up to their heads.
func (f *follower) read(after map[string]uint64) bool {
	for {
		var page synced
		if !f.ask(after, f.epoch, &page) {
			return false
		}
		if f.live && page.Epoch != f.epoch {
			f.reset()
			after = nil
			if !f.emit(Event{Type: TypeReset, Epoch: page.Epoch}) {
				return false
			}
		}
		f.epoch = page.Epoch
		for _, e := range page.Events {
			if last, known := f.last[e.Room]; known && e.Seq <= last {
				continue
			}
			if !f.pass(e) {
				return false
			}
			if after != nil {
				after[e.Room] = e.Seq
			}
		}
		if page.HasMore && len(page.Events) > 0 {
			continue
		}
		if !f.adopt(page.Rooms, after) {
			return false
		}
		if after = f.behind(after); len(after) == 0 {
			return true
		}
	}
}

// adopt takes the heads of a page that was the last one. Rooms that are new join those after which is read. It is false once the
// client is closed.
func (f *follower) adopt(rooms []Room, after map[string]uint64) bool {
	heads := make(map[string]uint64, len(rooms))
	for _, r := range rooms {
		heads[r.ID] = r.LastSeq
		switch _, known := f.last[r.ID]; {
		case known:
		case !f.live:
			f.last[r.ID] = r.LastSeq
		case after != nil:
			from := max(r.JoinedSeq, 1) - 1
			from = max(from, f.left[r.ID])
			f.last[r.ID], f.seen[r.ID] = from, max(f.seen[r.ID], r.LastSeq)
			after[r.ID] = from
			heads[r.ID] = from // not read yet
		}
	}
	f.live = true
	for room := range after {
		head, mine := heads[room]
		if !mine {
			f.forget(room)
			continue
		}
		if !f.cut(room, f.last[room]+1, head) {
			return false
		}
		f.last[room] = max(f.last[room], head)
	}
	for room := range f.seen {
		if _, mine := heads[room]; !mine {
			if _, known := f.last[room]; !known {
				delete(f.seen, room)
			}
		}
	}
	return true
}

// behind tells which of the rooms just read have gone on meanwhile. On the first reading all are looked at.
func (f *follower) behind(read map[string]uint64) map[string]uint64 {
	out := map[string]uint64{}
	for room, last := range f.last {
		if _, asked := read[room]; (asked || read == nil) && f.seen[room] > last {
			out[room] = last
		}
	}
	return out
}

// sync asks for the heads of all rooms and for what came in some of them, again and again until it is answered. It is false
// once the client is closed.
func (c *Client) sync(after map[string]uint64, epoch int64, page *synced) bool {
	fields := map[string]any{"rooms": after}
	if epoch != 0 {
		fields["epoch"] = epoch
	}
	for {
		*page = synced{}
		err := c.Call(c.ctx, "sync", fields, page)
		if err == nil {
			return true
		}
		pause := retryPause
		if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 {
			pause = e.RetryAfter
		}
		if c.pause(min(pause, maxBackoff)); c.ctx.Err() != nil {
			return false
		}
	}
}
