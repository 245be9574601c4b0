// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"parley/internal/chat"
	"parley/internal/wire"
)

// Verdict is what a Subscriber did with an event.
type Verdict uint8

// The verdicts.
const (
	Queued      Verdict = iota
	Full                // not queued: the device is slow; Drained will be called
	Unwanted            // the device does not listen to this room
	Unconfirmed         // queued, and the device will not acknowledge it
)

// Subscriber is a device: a door's side of a Subscription. Its methods are called under the feed's lock and never block.
type Subscriber interface {
	Offer(c *Copy) Verdict
	// Pass queues a passing event, or drops it where there is no space, and then returns false. room is what it is about, ""
	// for none. Who does not listen to it is passed it by being passed nothing.
	Pass(room chat.RoomID, body []byte) bool
	// Show is Pass for a page of a room, which who listens to single rooms is not sent.
	Show(room chat.RoomID, body []byte)
	// Revoke drops what is queued of a room before a seq and has not been sent.
	Revoke(room chat.RoomID, before uint64)
}

// Subscription is one device's place in the logs of its user's rooms.
type Subscription struct {
	feed *Feed
	user *user
	to   Subscriber

	// Under Feed.mu:
	starting bool // not offered anything yet: behind has the first event of each room since
	ended    bool
	reliable bool             // what does not fit is read from the log later, and nothing is left out
	behind   map[*room]uint64 // the next seq to be sent, of rooms that are not live
	lost     map[*room]uint64 // without reliable: the first seq that did not fit
	cut      map[*room]uint64 // the first seq that the log had no more, where nothing has been queued behind that since
	waiting  bool             // in Feed.behind, or being read

	places atomic.Pointer[Places] // nil: not kept; changed under Feed.mu
}

// Options say where a subscription begins.
type Options struct {
	// Reliable subscriptions are fed from the log when their queue is full. Others are told sync_required.
	Reliable bool
	// Places is where the session is. nil begins at the present heads.
	Places *Places
	// Own is for a device that keeps its own place; nil for others. Places must be nil then.
	Own *OwnPlace
	// Sent tells for rooms the last seq that the device has been sent already and will acknowledge; may be nil.
	Sent map[int64]uint64
}

// OwnPlace is where a device is that keeps its own place.
type OwnPlace struct {
	// Seen tells for rooms (by number) the last seq seen; a room that is not there was joined since. nil begins at the present
	// heads. What does not fit the logs harms nobody: at most its device misses something or gets it again.
	Seen map[int64]uint64
	// Begun is set by Subscribe: the user's rooms, each with the seq behind which it goes on.
	Begun []Place
}

// Place is a room with a seq.
type Place struct {
	Num  int64
	Room chat.RoomID
	Seq  uint64
}

// next is the first seq of a room that the device has not seen.
func (o *OwnPlace) next(r *room, joined uint64) uint64 {
	next := r.head + 1
	if o.Seen != nil {
		seen, known := o.Seen[r.num]
		if !known {
			seen = joined - 1
		}
		next = min(max(seen+1, joined), next)
	}
	o.Begun = append(o.Begun, Place{Num: r.num, Room: r.id, Seq: next - 1})
	return next
}

// Subscribe begins to feed a device. It reads the user's rooms from the store. When it returns, every event that is
// committed from now on will be offered, after what Options.Places says was missed.
func (f *Feed) Subscribe(ctx context.Context, id chat.UserID, to Subscriber, opt Options) (*Subscription, error) {
	s := &Subscription{feed: f, to: to, starting: true, reliable: opt.Reliable}
	s.places.Store(opt.Places)
	// From here on the user's joinings and leavings are followed; those before are in what RoomsOf will read.
	f.mu.Lock()
	u := f.users[id]
	if u == nil {
		u = &user{id: id}
		f.users[id] = u
	}
	s.user = u
	u.subs = append(u.subs, s)
	f.subs++
	f.load()
	f.mu.Unlock()

	rooms, err := f.cfg.Log.RoomsOf(ctx, id)
	if err == nil {
		err = f.settle(ctx)
	}
	if err != nil {
		s.Close()
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.loaded()
	if s.ended {
		return s, err
	}
	for i := range rooms {
		m := &rooms[i]
		removed := max(f.removed[removal{m.Room.Num, id}], f.removed[removal{room: m.Room.Num}])
		if removed > m.Room.LastSeq {
			continue // since; who has joined again by now was entered with that event
		}
		r := f.room(m.Room.Num, m.Room.ID, max(m.Room.LastSeq, f.heads[m.Room.Num]))
		f.enter(r, u, m.Member.JoinedSeq)
		var next uint64
		switch {
		case opt.Own != nil:
			next = opt.Own.next(r, m.Member.JoinedSeq)
		case opt.Places != nil:
			next = max(opt.Places.next(r.num, m.Member.JoinedSeq), m.Member.JoinedSeq, opt.Sent[r.num]+1)
		default:
			continue
		}
		if next != r.head+1 {
			s.fallBehind(r, next)
		} else {
			delete(s.behind, r)
		}
	}
	s.starting = false
	s.catchUp()
	return s, nil
}

// settle waits until everything that the store has committed by now has been offered: a store resolves changes in the order
// of commits, through this feed. Without it a state read from the store could be ahead of the feed, and a room followed
// from that state on would pass over the joinings and removals of others that are still on their way here. Whether the
// empty change succeeds does not matter.
func (f *Feed) settle(ctx context.Context) error {
	settled := make(chan struct{})
	f.cfg.Places.SavePlaces(nil, func(error) { close(settled) })
	select {
	case <-settled:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close ends the subscription. Places that have changed are made durable.
func (s *Subscription) Close() {
	f := s.feed
	f.mu.Lock()
	if s.ended {
		f.mu.Unlock()
		return
	}
	s.ended = true
	u := s.user
	u.subs = slices.DeleteFunc(u.subs, func(o *Subscription) bool { return o == s })
	f.subs--
	s.behind, s.lost, s.cut = nil, nil, nil
	if len(u.subs) == 0 {
		delete(f.users, u.id)
		for len(u.rooms) > 0 {
			f.exit(u.rooms[0].room, u)
		}
	}
	f.mu.Unlock()
	if p := s.places.Load(); p != nil {
		f.saver.flush(p)
	}
}

// offer hands the device an event of a room, or notes that it must be read later. The caller holds Feed.mu.
func (s *Subscription) offer(r *room, c *Copy) {
	if s.starting {
		if _, noted := s.behind[r]; !noted {
			s.fallBehind(r, c.Event.Seq)
		}
		return
	}
	if len(s.behind) > 0 {
		next, behind := s.behind[r]
		if behind && next != c.Event.Seq {
			return
		}
		delete(s.behind, r)
	}
	if len(s.lost) > 0 {
		if _, lost := s.lost[r]; lost {
			return
		}
	}
	switch s.hand(r, c) {
	case Full:
		if s.reliable {
			s.fallBehind(r, c.Event.Seq)
		} else {
			if s.lost == nil {
				s.lost = map[*room]uint64{}
			}
			s.lost[r] = c.Event.Seq
		}
	case Unwanted, Unconfirmed:
		s.advance(r, c.Event.Seq)
	}
}

// hand offers the device an event of a room. The first one behind what retention has cut goes with what says so.
func (s *Subscription) hand(r *room, c *Copy) Verdict {
	first, ok := s.cut[r]
	if !ok {
		return s.to.Offer(c)
	}
	c = &Copy{Event: c.Event, epoch: c.epoch, Ahead: wire.AppendSyncRequired(nil, r.id, first, c.Event.Seq-1, c.epoch)}
	v := s.to.Offer(c)
	if v != Full {
		delete(s.cut, r)
	}
	return v
}

// advance moves the place on by an event that no acknowledgement will come for.
func (s *Subscription) advance(r *room, seq uint64) {
	if p := s.places.Load(); p != nil {
		s.feed.saver.advance(p, r.num, seq)
	}
}

// Renew changes what a subscription is without a gap: whether it is reliable, and where its places are kept (nil: nowhere).
func (s *Subscription) Renew(reliable bool, places *Places) {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.reliable = reliable
	s.places.Store(places)
}

func (s *Subscription) fallBehind(r *room, next uint64) {
	if s.behind == nil {
		s.behind = map[*room]uint64{}
	}
	s.behind[r] = next
}

// catchUp has a reader look at the subscription, where it is needed. The caller holds Feed.mu.
func (s *Subscription) catchUp() {
	if s.waiting || s.ended || len(s.behind) == 0 && len(s.lost) == 0 {
		return
	}
	s.waiting = true
	s.feed.behind = append(s.feed.behind, s)
	s.feed.wake.Signal()
}

// Drained says that the device's queue has room again.
func (s *Subscription) Drained() {
	s.feed.mu.Lock()
	defer s.feed.mu.Unlock()
	s.catchUp()
}

// Acked says that the device has acknowledged an event, and with it all earlier ones that it was sent.
func (s *Subscription) Acked(e *chat.Event) {
	if p := s.places.Load(); p != nil {
		s.feed.saver.advance(p, e.RoomNum, e.Seq)
	}
}

// read is a reader: it brings subscriptions that are behind forward, one page of one room at a time, in turn.
func (f *Feed) read() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for {
		for len(f.behind) == 0 {
			if f.ctx.Err() != nil {
				return
			}
			f.wake.Wait()
		}
		if f.ctx.Err() != nil {
			return
		}
		s := f.behind[0]
		f.behind[0] = nil
		f.behind = f.behind[1:]
		again := f.readOn(s)
		s.waiting = false
		if again {
			s.catchUp()
		}
	}
}

// readOn reads one page for s and tells whether there is more to be done now. The caller holds mu, which is given up
// while the log is read.
func (f *Feed) readOn(s *Subscription) bool {
	if s.ended {
		return false
	}
	f.tellLost(s)
	var r *room
	var next uint64
	for room, n := range s.behind {
		if n <= room.head { // otherwise its turn has not come
			r, next = room, n
			break
		}
	}
	if r == nil {
		return false
	}
	head := r.head
	f.mu.Unlock()
	state, events, err := f.page(r, next, head)
	f.mu.Lock()
	if at, still := s.behind[r]; s.ended || !still || at != next {
		return true // revoked meanwhile
	}
	if err != nil {
		if f.ctx.Err() == nil {
			f.cfg.Logger.Error("feed: the log cannot be read; trying again", "error", err, "retry_in", readRetry)
			time.AfterFunc(readRetry, s.Drained)
		}
		return false
	}
	first := max(state.FirstSeq, 1)
	if len(events) > 0 { // the log may have been cut after its beginning was read
		first = max(first, events[0].Seq)
	} else {
		first = max(first, head+1)
	}
	if next < first { // past the retention: never a silent hole
		if !s.to.Pass(r.id, wire.AppendSyncRequired(nil, r.id, next, min(first-1, head), f.cfg.Epoch)) {
			time.AfterFunc(readRetry, s.Drained)
			return false
		}
		if _, ok := s.cut[r]; !ok {
			if s.cut == nil {
				s.cut = map[*room]uint64{}
			}
			s.cut[r] = next
		}
		next = first
	}
	f.cfg.Cork()
	defer f.cfg.Uncork()
	joined := s.user.joined(r)
	for _, e := range events {
		switch s.hand(r, f.copyOf(e.As(joined))) {
		case Full:
			s.behind[r] = e.Seq
			return false // Drained will be called
		case Unwanted, Unconfirmed:
			s.advance(r, e.Seq)
		}
		next = e.Seq + 1
	}
	if len(events) == 0 {
		next = head + 1
	}
	if next > r.head {
		delete(s.behind, r)
	} else {
		s.behind[r] = next
	}
	return true
}

// page reads events of a room, and where its log begins.
func (f *Feed) page(r *room, from, to uint64) (*chat.Room, []*chat.Event, error) {
	state, err := f.cfg.Log.ReadRoom(f.ctx, r.id)
	if err != nil {
		return nil, nil, err
	}
	if state == nil {
		state = &chat.Room{Num: r.num, ID: r.id, FirstSeq: to + 1}
	}
	events, err := f.cfg.Log.Log(f.ctx, state, chat.LogQuery{From: from, To: to, Limit: logPage})
	return state, events, err
}

// tellLost tells a device that is not fed from the log what it was not sent. The caller holds mu.
func (f *Feed) tellLost(s *Subscription) {
	for r, first := range s.lost {
		if !s.to.Pass(r.id, wire.AppendSyncRequired(nil, r.id, first, r.head, f.cfg.Epoch)) {
			time.AfterFunc(readRetry, s.Drained)
			return
		}
		delete(s.lost, r)
	}
}
