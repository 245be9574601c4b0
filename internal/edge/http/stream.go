// SPDX-License-Identifier: Apache-2.0

package http

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"sync"

	"parley/internal/chat"
	"parley/internal/feed"
)

// Bounds of what waits for one stream. Beyond them the feed turns to reading the log, at the stream's own pace; passing
// events are dropped.
const (
	maxStreamEvents = 256
	maxStreamBytes  = 256 << 10
)

// maxEventID bounds an event id on its way in, in characters; it has some 8 for each room.
const maxEventID = 60 << 10

// stream is a reader of events, as the feed's Subscriber. What it is offered waits in its queue for the goroutine of its
// request, which alone writes to the socket.
type stream struct {
	user   chat.UserID
	rooms  map[chat.RoomID]bool // nil: all
	wake   chan struct{}        // of capacity 1
	ending chan struct{}        // closed when the stream has to end
	ends   sync.Once

	mu    sync.Mutex
	queue []queued
	bytes int
	full  bool // an event was refused: the feed waits to hear that there is room
	// skipped are the latest events of rooms that the stream does not want: it has not to be told of them later either.
	skipped map[int64]uint64
}

// queued is what waits: an event, or (without a seq) a passing one.
type queued struct {
	num  int64
	room chat.RoomID
	seq  uint64
	body []byte
}

func newStream(user chat.UserID, rooms map[chat.RoomID]bool) *stream {
	return &stream{user: user, rooms: rooms, wake: make(chan struct{}, 1), ending: make(chan struct{})}
}

// end has the stream's request return.
func (s *stream) end() { s.ends.Do(func() { close(s.ending) }) }

// Offer implements feed.Subscriber.
func (s *stream) Offer(c *feed.Copy) feed.Verdict {
	e := c.Event
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms != nil && !s.rooms[e.RoomID] {
		if s.skipped == nil {
			s.skipped = map[int64]uint64{}
		}
		s.skipped[e.RoomNum] = e.Seq
		return feed.Unwanted
	}
	if len(s.queue) >= maxStreamEvents || s.bytes >= maxStreamBytes {
		s.full = true
		return feed.Full
	}
	s.put(queued{num: e.RoomNum, room: e.RoomID, seq: e.Seq, body: c.Body(s.user)})
	return feed.Queued
}

// Pass implements feed.Subscriber.
func (s *stream) Pass(room chat.RoomID, body []byte) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rooms != nil && room != "" && !s.rooms[room] {
		return true
	}
	if len(s.queue) >= 2*maxStreamEvents || s.bytes >= 2*maxStreamBytes {
		return false
	}
	s.put(queued{room: room, body: body})
	return true
}

// Show implements feed.Subscriber.
func (s *stream) Show(room chat.RoomID, body []byte) { s.Pass(room, body) }

// put queues q. mu is held.
func (s *stream) put(q queued) {
	s.queue = append(s.queue, q)
	s.bytes += len(q.body)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Revoke implements feed.Subscriber.
func (s *stream) Revoke(room chat.RoomID, before uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = slices.DeleteFunc(s.queue, func(q queued) bool {
		gone := q.room == room && q.seq < before // passing events, too
		if gone {
			s.bytes -= len(q.body)
		}
		return gone
	})
}

// take gives what waits, up to some bytes, at least one; drained says that the feed waits to hear of it.
func (s *stream) take(limit int, skipped map[int64]uint64) (out []queued, drained bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.queue) && (n == 0 || size+len(s.queue[n].body) <= limit) {
		size += len(s.queue[n].body)
		n++
	}
	out = slices.Clone(s.queue[:n])
	clear(s.queue[:n])
	s.queue = s.queue[n:]
	s.bytes -= size
	if len(s.queue) == 0 {
		s.queue = nil
		drained, s.full = s.full, false
	}
	maps.Copy(skipped, s.skipped)
	s.skipped = nil
	return out, drained
}

// eventID is a place in the logs as an id of Server-Sent Events: the epoch, then each room's number, as the difference to the one
// before, and seq.
func eventID(epoch int64, seen map[int64]uint64) string {
	b := binary.AppendVarint(nil, epoch)
	last := int64(0)
	for _, num := range slices.Sorted(maps.Keys(seen)) {
		b = binary.AppendVarint(b, num-last)
		b = binary.AppendUvarint(b, seen[num])
		last = num
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseEventID reads one. It says nothing secret and allows nothing: whoever makes one up chooses what they get again.
func parseEventID(id string) (epoch int64, seen map[int64]uint64, ok bool) {
	if len(id) > maxEventID {
		return 0, nil, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(id)
	if err != nil {
		return 0, nil, false
	}
	epoch, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	seen = map[int64]uint64{}
	last := int64(0)
	for b = b[n:]; len(b) > 0; {
		step, n := binary.Varint(b)
		if n <= 0 || step <= 0 || last+step < last {
			return 0, nil, false
		}
		seq, m := binary.Uvarint(b[n:])
		if m <= 0 || seq >= 1<<63 {
			return 0, nil, false
		}
		last += step
		seen[last] = seq
		b = b[n+m:]
	}
	return epoch, seen, true
}
