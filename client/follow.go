// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"encoding/json"
	"errors"
	"time"
)

// checkEvery is how often the heads are asked for when nothing else makes it necessary. A hole shows itself with the next
// event; what is missing at the very end, with the notice of it lost as well, shows itself only so.
const checkEvery = 20 * time.Second

// follower puts events in order. One goroutine uses it.
type follower struct {
	c     *Client
	live  bool // the heads are known
	epoch int64
	last  map[string]uint64 // by room: the last seq that was passed on
	seen  map[string]uint64 // by room: the greatest seq that is known to exist
}

// follow passes events on until the client is closed.
func (c *Client) follow() {
	defer close(c.stopped)
	defer close(c.events)
	f := &follower{c: c, last: map[string]uint64{}, seen: map[string]uint64{}}
	check := time.NewTicker(checkEvery)
	defer check.Stop()
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
		case <-check.C:
			if f.live {
				ok = f.catchUp()
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
		return f.emit(e)
	default:
		f.seen[e.Room] = max(f.seen[e.Room], e.Seq)
	}
	last, known := f.last[e.Room]
	switch {
	case !f.live: // the catching up that is due will have it
		return true
	case e.Epoch != f.epoch:
		return f.catchUp()
	case e.Type != "sync_required" && (!known || e.Seq == last+1):
		return f.pass(e)
	case known && f.seen[e.Room] > last:
		return f.read(map[string]uint64{e.Room: last})
	}
	return true
}

// pass passes an event of a log on and notes it.
func (f *follower) pass(e Event) bool {
	f.last[e.Room] = e.Seq
	if e.About != nil && (e.Type == "removed_from_room" || e.Type == "room_deleted") {
		delete(f.last, e.About.ID) // a return begins with the joining
		delete(f.seen, e.About.ID)
	}
	return f.emit(e)
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
		if !f.ask(after, &page) {
			return false
		}
		if f.live && page.Epoch != f.epoch {
			f.live, f.last, f.seen, after = false, map[string]uint64{}, map[string]uint64{}, nil
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
		f.adopt(page.Rooms, after)
		if after = f.behind(after); len(after) == 0 {
			return true
		}
	}
}

// adopt takes the heads of a page that was the last one.
func (f *follower) adopt(rooms []Room, after map[string]uint64) {
	heads := make(map[string]uint64, len(rooms))
	for _, r := range rooms {
		heads[r.ID] = r.LastSeq
		if _, known := f.last[r.ID]; !known && !f.live {
			f.last[r.ID] = r.LastSeq
		}
	}
	f.live = true
	for room := range after {
		if head, mine := heads[room]; mine {
			f.last[room] = max(f.last[room], head) // what lies between was not for the caller
		} else {
			delete(f.last, room)
			delete(f.seen, room)
		}
	}
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

// ask syncs, again and again until it is answered. It is false once the client is closed.
func (f *follower) ask(after map[string]uint64, page *synced) bool {
	fields := map[string]any{"rooms": after}
	if f.epoch != 0 {
		fields["epoch"] = f.epoch
	}
	for {
		*page = synced{}
		err := f.c.Call(f.c.ctx, "sync", fields, page)
		if err == nil {
			return true
		}
		pause := retryPause
		if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter > 0 {
			pause = e.RetryAfter
		}
		ctx, cancel := context.WithTimeout(f.c.ctx, min(pause, maxBackoff))
		<-ctx.Done()
		cancel()
		if f.c.ctx.Err() != nil {
			return false
		}
	}
}
