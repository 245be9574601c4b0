// SPDX-License-Identifier: Apache-2.0

// Package feedtest is what tests of feeds have in common: devices that listen, with a socket that takes what the test says, and
// what each is entitled to by its user's times in a room.
package feedtest

import (
	"slices"
	"strings"
	"sync"

	"parley/internal/chat"
	"parley/internal/feed"
)

// Device is a feed.Subscriber with a queue of its own. What is taken from the queue has been written to the socket; what was
// written is remembered over all connections.
type Device struct {
	User chat.UserID

	cap int // of the queue; 0: any

	mu       sync.Mutex
	sub      *feed.Subscription // nil while away
	queue    []*chat.Event
	full     bool
	written  map[chat.RoomID][]uint64
	passed   []string
	unwanted map[chat.RoomID]bool
	copies   []*feed.Copy
	keeping  bool
	changed  chan struct{}
}

// New makes a user's device, which is away. Its queue takes capacity events, or any number with 0.
func New(u chat.UserID, capacity int) *Device {
	return &Device{User: u, cap: capacity, written: map[chat.RoomID][]uint64{}, unwanted: map[chat.RoomID]bool{}, changed: make(chan struct{}, 1)}
}

// Offer implements feed.Subscriber.
func (d *Device) Offer(c *feed.Copy) feed.Verdict {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.unwanted[c.Event.RoomID] {
		return feed.Unwanted
	}
	if d.cap > 0 && len(d.queue) >= d.cap {
		d.full = true
		return feed.Full
	}
	if d.keeping {
		d.copies = append(d.copies, c)
	}
	d.queue = append(d.queue, c.Event)
	select {
	case d.changed <- struct{}{}:
	default:
	}
	return feed.Queued
}

// Pass implements feed.Subscriber.
func (d *Device) Pass(room chat.RoomID, body []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.passed = append(d.passed, string(room)+" "+string(body))
	return true
}

// Show implements feed.Subscriber.
func (d *Device) Show(room chat.RoomID, body []byte) { d.Pass(room, append([]byte("page "), body...)) }

// Revoke implements feed.Subscriber.
func (d *Device) Revoke(room chat.RoomID, before uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.queue = slices.DeleteFunc(d.queue, func(e *chat.Event) bool { return e.RoomID == room && e.Seq < before })
}

// Ignore makes the device not listen to a room.
func (d *Device) Ignore(room chat.RoomID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.unwanted[room] = true
}

// Keep makes the device keep the copies that it is offered.
func (d *Device) Keep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.keeping = true
}

// Copies are those kept.
func (d *Device) Copies() []*feed.Copy {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.copies)
}

// Connected gives the device its subscription. Until then nothing is written.
func (d *Device) Connected(sub *feed.Subscription) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sub = sub
}

// Here tells whether the device has a subscription.
func (d *Device) Here() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.sub != nil
}

// Leave loses the connection with all that is queued. Without one it does nothing.
func (d *Device) Leave() {
	d.mu.Lock()
	sub := d.sub
	d.sub, d.queue, d.full = nil, nil, false
	d.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// Put writes up to n events to the socket. The other side acknowledges none, and the feed is not told of the room in the queue.
func (d *Device) Put(n int) (written []*chat.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.put(n)
}

func (d *Device) put(n int) (written []*chat.Event) {
	if d.sub == nil {
		return nil
	}
	n = min(n, len(d.queue))
	written = slices.Clone(d.queue[:n])
	d.queue = slices.Delete(d.queue, 0, n)
	for _, e := range written {
		d.written[e.RoomID] = append(d.written[e.RoomID], e.Seq)
	}
	return written
}

// Write writes up to n events to the socket. They are acknowledged at once, and the feed is told when there is room again.
func (d *Device) Write(n int) {
	d.mu.Lock()
	written, sub := d.put(n), d.sub
	drained := sub != nil && d.full && len(d.queue) < d.cap // after a revocation, too
	if drained {
		d.full = false
	}
	d.mu.Unlock()
	for _, e := range written {
		sub.Acked(e)
	}
	if drained {
		sub.Drained()
	}
}

// Waiting is how many events are in the queue.
func (d *Device) Waiting() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue)
}

// Idle tells whether nothing is queued, and nothing was too much for the queue.
func (d *Device) Idle() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.queue) == 0 && !d.full
}

// Changed gets a value after something was queued.
func (d *Device) Changed() <-chan struct{} { return d.changed }

// Received is what was written of a room, by seq.
func (d *Device) Received(room chat.RoomID) []uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.written[room])
}

// Last is the last seq written of a room, 0 without any.
func (d *Device) Last(room chat.RoomID) uint64 {
	if s := d.Received(room); len(s) > 0 {
		return s[len(s)-1]
	}
	return 0
}

// Rooms are those of which something was written.
func (d *Device) Rooms() (rooms []chat.RoomID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id := range d.written {
		rooms = append(rooms, id)
	}
	return rooms
}

// Passed takes the passing events, each behind its room and a space.
func (d *Device) Passed() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	passed := d.passed
	d.passed = nil
	return passed
}

// Syncs are the sync_required among the passing events, which stay.
func (d *Device) Syncs() (told []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, p := range d.passed {
		if strings.Contains(p, "sync_required") {
			told = append(told, p)
		}
	}
	return told
}
