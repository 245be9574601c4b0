// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

const epoch = 7

// memory is a store in memory. What is committed is seen by readers at once and reaches the feed at once, or, while it is
// held back, when the test says so: a reader can be ahead of the feed, as with a real store.
type memory struct {
	mu      sync.Mutex
	feed    *feed.Feed
	rooms   map[chat.RoomID]*logRoom
	held    []*chat.Batch
	holding bool
	saved   []chat.Place // in the order of saving
	saves   int          // calls of SavePlaces with places

	beforeRooms, afterRooms func() // around the look of RoomsOf at the state; run by the caller of Subscribe
	afterLog                func() // after a reader's look into a log
	cutAfterRead            uint64 // the first seq of every log from the next ReadRoom on; 0 nothing
	failLog                 error
	failRooms               error
}

// logRoom is a room with its log and members.
type logRoom struct {
	chat.Room
	events  []*chat.Event
	members map[chat.UserID]uint64 // JoinedSeq
}

func newMemory() *memory { return &memory{rooms: map[chat.RoomID]*logRoom{}} }

// room is the room of that id, made when it is new.
func (m *memory) room(id chat.RoomID) *logRoom {
	r := m.rooms[id]
	if r == nil {
		kind := chat.PublicRoom
		if _, _, direct := id.DirectPeers(); direct {
			kind = chat.DirectRoom
		}
		r = &logRoom{Room: chat.Room{Num: int64(len(m.rooms) + 1), ID: id, Kind: kind, FirstSeq: 1}, members: map[chat.UserID]uint64{}}
		if a, b, direct := id.DirectPeers(); direct {
			r.members[a], r.members[b] = 1, 1
		}
		m.rooms[id] = r
	}
	return r
}

// num is a room's number.
func (m *memory) num(id chat.RoomID) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.room(id).Num
}

func (m *memory) append(r *logRoom, e *chat.Event) *chat.Event {
	r.LastSeq++
	e.RoomNum, e.RoomID, e.RoomKind, e.Seq = r.Num, r.ID, r.Kind, r.LastSeq
	r.events = append(r.events, e)
	return e
}

// commit makes events in one batch.
func (m *memory) commit(make ...func(*memory) *chat.Event) {
	m.mu.Lock()
	b := &chat.Batch{}
	for _, f := range make {
		b.Events = append(b.Events, f(m))
	}
	m.hand(b)
}

// hand gives a batch to the feed, or holds it. It unlocks mu.
func (m *memory) hand(b *chat.Batch) {
	if m.holding {
		m.held = append(m.held, b)
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	m.feed.Committed(b)
}

func (m *memory) hold() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.holding = true
}

// release hands on what was held back.
func (m *memory) release() {
	m.mu.Lock()
	held := m.held
	m.held, m.holding = nil, false
	m.mu.Unlock()
	for _, b := range held {
		m.feed.Committed(b)
	}
}

// The events that tests commit.

func say(id chat.RoomID) func(*memory) *chat.Event {
	return func(m *memory) *chat.Event {
		r := m.room(id)
		return m.append(r, &chat.Event{Kind: chat.Text, Actor: "writer", Content: fmt.Sprintf("%s %d", id, r.LastSeq+1)})
	}
}

func join(u chat.UserID, id chat.RoomID) func(*memory) *chat.Event {
	return func(m *memory) *chat.Event {
		r := m.room(id)
		r.members[u] = r.LastSeq + 1
		return m.append(r, &chat.Event{Kind: chat.System, Actor: u, Details: &chat.Details{Event: chat.MemberJoined, UserID: u}})
	}
}

func leave(u chat.UserID, id chat.RoomID) func(*memory) *chat.Event {
	return func(m *memory) *chat.Event {
		r := m.room(id)
		delete(r.members, u)
		return m.append(r, &chat.Event{Kind: chat.System, Actor: u, Details: &chat.Details{Event: chat.MemberLeft, UserID: u}})
	}
}

func kick(u chat.UserID, id chat.RoomID) func(*memory) *chat.Event {
	return func(m *memory) *chat.Event {
		r := m.room(id)
		delete(r.members, u)
		return m.append(r, &chat.Event{Kind: chat.Moderated, Actor: "owner", Details: &chat.Details{Action: chat.ActionKick, UserID: u}})
	}
}

func remove(id chat.RoomID) func(*memory) *chat.Event {
	return func(m *memory) *chat.Event {
		r := m.room(id)
		clear(r.members)
		r.Deleted = true
		return m.append(r, &chat.Event{Kind: chat.RoomDeleted, Actor: "owner", Details: &chat.Details{RoomID: id}})
	}
}

// RoomsOf implements feed.Log.
func (m *memory) RoomsOf(_ context.Context, u chat.UserID) ([]chat.Membership, error) {
	m.mu.Lock()
	before, after := m.beforeRooms, m.afterRooms
	m.mu.Unlock()
	if before != nil {
		before()
	}
	m.mu.Lock()
	var out []chat.Membership
	for _, r := range m.rooms {
		if joined, ok := r.members[u]; ok && !r.Deleted {
			out = append(out, chat.Membership{Room: r.Room, Member: chat.Member{User: u, JoinedSeq: joined}})
		}
	}
	err := m.failRooms
	m.mu.Unlock()
	if after != nil {
		after()
	}
	return out, err
}

// ReadRoom implements feed.Log.
func (m *memory) ReadRoom(_ context.Context, id chat.RoomID) (*chat.Room, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r := m.rooms[id].Room
	if m.cutAfterRead != 0 {
		m.rooms[id].FirstSeq = m.cutAfterRead
	}
	return &r, nil
}

// Log implements feed.Log.
func (m *memory) Log(_ context.Context, room *chat.Room, q chat.LogQuery) ([]*chat.Event, error) {
	m.mu.Lock()
	after := m.afterLog
	r := m.rooms[room.ID]
	var out []*chat.Event
	for _, e := range r.events {
		if e.Seq >= max(q.From, r.FirstSeq) && e.Seq <= q.To && len(out) < q.Limit {
			out = append(out, e)
		}
	}
	err := m.failLog
	m.mu.Unlock()
	if after != nil {
		after()
	}
	return out, err
}

// outcome is a change that only has an outcome.
type outcome func(error)

func (outcome) Apply(chat.Tx) error { return nil }
func (o outcome) Done(err error)    { o(err) }

// SavePlaces implements chat.Places.
func (m *memory) SavePlaces(places []chat.Place, done func(error)) {
	m.mu.Lock()
	m.saved = append(m.saved, places...)
	if len(places) > 0 {
		m.saves++
	}
	if done == nil {
		m.mu.Unlock()
		return
	}
	m.hand(&chat.Batch{Changes: []chat.Outcome{{Change: outcome(done)}}})
}

// StartPlaces implements chat.Places.
func (m *memory) StartPlaces(_ int64, u chat.UserID, done func(map[int64]uint64, error)) {
	m.mu.Lock()
	heads := map[int64]uint64{}
	for _, r := range m.rooms {
		if _, ok := r.members[u]; ok {
			heads[r.Num] = r.LastSeq
		}
	}
	m.hand(&chat.Batch{Changes: []chat.Outcome{{Change: outcome(func(error) { done(heads, nil) })}}})
}

func (m *memory) LoadPlaces(context.Context, int64) (map[int64]uint64, error) {
	return nil, errors.New("not used")
}
func (m *memory) DropPlaces(int64, func(error)) {}

// drainAll empties the device's queue until nothing more comes.
func drainAll(d *feedtest.Device) {
	for synctest.Wait(); !d.Idle(); synctest.Wait() {
		d.Write(1 << 30)
	}
}

// house is a running feed on a memory.
type house struct {
	*memory
	t testing.TB
}

// commit makes events in one batch, and waits until the feed has done what it can.
func (h *house) commit(make ...func(*memory) *chat.Event) {
	h.memory.commit(make...)
	synctest.Wait()
}

func (h *house) release() {
	h.memory.release()
	synctest.Wait()
}

// open runs a feed. It must be called inside a bubble of synctest.
func open(t testing.TB, account func(*chat.Event)) *house {
	m := newMemory()
	f := feed.New(feed.Config{Log: m, Places: m, Epoch: epoch, Logger: slog.New(slog.DiscardHandler), Account: account})
	m.feed = f
	go f.Run()
	t.Cleanup(f.Close)
	return &house{memory: m, t: t}
}

// subscribe begins to feed a device.
func (h *house) subscribe(d *feedtest.Device, opt feed.Options) *feed.Subscription {
	h.t.Helper()
	sub, err := h.feed.Subscribe(h.t.Context(), d.User, d, opt)
	if err != nil {
		h.t.Fatal(err)
	}
	d.Connected(sub)
	synctest.Wait()
	return sub
}

// places are a session's, made of pairs of room and seq.
func (h *house) places(seqs map[chat.RoomID]uint64) *feed.Places {
	nums := map[int64]uint64{}
	for id, seq := range seqs {
		nums[h.num(id)] = seq
	}
	return feed.NewPlaces(1, nums)
}

// inBubble runs a test with a feed whose time and goroutines are the test's own.
func inBubble(t *testing.T, f func(t *testing.T, h *house)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, open(t, nil)) })
}

// span is from..to.
func span(from, to uint64) []uint64 {
	var out []uint64
	for s := from; s <= to; s++ {
		out = append(out, s)
	}
	return out
}

// wants drains the device and fails unless it has received just that of a room.
func (h *house) wants(d *feedtest.Device, id chat.RoomID, want ...uint64) {
	h.t.Helper()
	drainAll(d)
	if got := d.Received(id); !slices.Equal(got, want) {
		h.t.Fatalf("%s received of %s %v, want %v", d.User, id, got, want)
	}
}

// several makes n of the same event.
func several(n int, f func(*memory) *chat.Event) []func(*memory) *chat.Event {
	return slices.Repeat([]func(*memory) *chat.Event{f}, n)
}

// savedPlaces are the places saved last, by room number.
func (m *memory) savedPlaces() (last map[int64]uint64, calls int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	last = map[int64]uint64{}
	for _, p := range m.saved {
		last[p.Room] = p.Seq
	}
	return maps.Clone(last), m.saves
}
