// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"log/slog"
	"math"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"parley/internal/chat"
	"parley/internal/wire"
)

// Log is what the feed reads: the part of chat.Reader that it needs.
type Log interface {
	RoomsOf(ctx context.Context, u chat.UserID) ([]chat.Membership, error)
	ReadRoom(ctx context.Context, id chat.RoomID) (*chat.Room, error)
	Log(ctx context.Context, room *chat.Room, q chat.LogQuery) ([]*chat.Event, error)
}

// Config is what a Feed needs.
type Config struct {
	Log    Log
	Places chat.Places
	Epoch  int64
	Logger *slog.Logger

	// Cork and Uncork surround the offering of a batch, so that doors send what it brings each device at once.
	Cork, Uncork func()
	// Account is called for each event that takes something from an account, after it has been offered: an end of a
	// membership before anybody knows the outcome, what happened to the account itself (AccountModerated) after that. It
	// must not block.
	Account func(e *chat.Event)
}

// QueuedBatches is how many commits may wait for the feed. A full queue holds the writer up, which is the back-pressure:
// offering is quick, so that it fills only when the processor cannot follow.
const QueuedBatches = 64

// readers is how many subscriptions are read from the log at the same time.
const readers = 4

// readRetry is how long a subscription waits when the log could not be read.
const readRetry = time.Second

// logPage is how many events one look into the log brings.
const logPage = 128

// Feed offers events to subscriptions.
type Feed struct {
	cfg     Config
	batches chan *chat.Batch
	done    chan struct{} // closed when Run has returned
	stop    context.CancelFunc
	ctx     context.Context
	saver   saver

	mu     sync.Mutex
	rooms  map[int64]*room // those with a listening member
	users  map[chat.UserID]*user
	behind []*Subscription // waiting for a reader
	wake   *sync.Cond      // of behind
	subs   int

	// While the rooms of somebody who begins to listen are read from the store (loading > 0), what the log says meanwhile
	// is noted, so that the older state read does not undo it.
	loading int
	heads   map[int64]uint64   // of rooms that nobody listens to: the last seq
	removed map[removal]uint64 // the seq of the removal
}

// removal is the end of a membership, or (without a user) of a room.
type removal struct {
	room int64
	user chat.UserID
}

// room is a room that somebody listens to.
type room struct {
	num     int64
	id      chat.RoomID
	head    uint64 // the last seq offered
	members []*user
}

// user is somebody who listens.
type user struct {
	id    chat.UserID
	subs  []*Subscription
	rooms []membership
}

// membership is a room of a user, the user's index among its members, and since when they are one.
type membership struct {
	room   *room
	index  int
	joined uint64 // seq
}

// New makes a Feed. Run must be called for anything to happen.
func New(cfg Config) *Feed {
	f := &Feed{cfg: cfg, batches: make(chan *chat.Batch, QueuedBatches), done: make(chan struct{}),
		rooms: map[int64]*room{}, users: map[chat.UserID]*user{}}
	f.wake = sync.NewCond(&f.mu)
	f.ctx, f.stop = context.WithCancel(context.Background())
	f.saver.places = cfg.Places
	if f.cfg.Cork == nil {
		f.cfg.Cork, f.cfg.Uncork = func() {}, func() {}
	}
	if f.cfg.Account == nil {
		f.cfg.Account = func(*chat.Event) {}
	}
	return f
}

// Committed queues a batch. It is what a store calls after a commit, in order; it blocks while QueuedBatches wait.
func (f *Feed) Committed(b *chat.Batch) { f.batches <- b }

// Run offers batches until Close has been called and everything queued is done.
func (f *Feed) Run() {
	defer close(f.done)
	var wg sync.WaitGroup
	for range readers {
		wg.Go(f.read)
	}
	for b := range f.batches {
		f.cfg.Cork()
		f.offerAll(b)
		// what has piled up meanwhile leaves in the same writes
		for n := len(f.batches); n > 0; n-- {
			f.offerAll(<-f.batches)
		}
		f.cfg.Uncork()
	}
	f.stop()
	f.mu.Lock()
	f.wake.Broadcast()
	f.mu.Unlock()
	wg.Wait()
}

// Close ends Run after what is queued. Committed must not be called any more: the store is closed before.
func (f *Feed) Close() {
	close(f.batches)
	<-f.done
}

// SavePlaces makes places durable that have changed, and calls done then. The feed does it by itself each second.
func (f *Feed) SavePlaces(done func(error)) { f.saver.save(done) }

func (f *Feed) offerAll(b *chat.Batch) {
	var accounts, removals []*chat.Event
	f.mu.Lock()
	for _, e := range b.Events {
		f.advance(e)
		if e.Kind == chat.AccountModerated {
			accounts = append(accounts, e)
		} else if _, ok := e.Revokes(); ok {
			removals = append(removals, e)
		}
	}
	f.mu.Unlock()
	for _, e := range removals {
		f.cfg.Account(e)
	}
	for _, o := range b.Changes {
		f.resolve(o)
	}
	for _, e := range accounts {
		f.cfg.Account(e)
	}
}

// resolve tells a change its outcome. What whoever waits for it does then must not end the process.
func (f *Feed) resolve(o chat.Outcome) {
	defer func() {
		if p := recover(); p != nil {
			f.cfg.Logger.Error("feed: an outcome's receiver panicked", "panic", p, "stack", string(debug.Stack()))
		}
	}()
	o.Change.Done(o.Err)
}

// advance brings a room's log to e. The caller holds mu.
func (f *Feed) advance(e *chat.Event) {
	if f.loading > 0 {
		f.note(e)
	}
	r := f.rooms[e.RoomNum]
	if r == nil {
		if r = f.begin(e); r == nil {
			return // nobody listens
		}
	}
	switch {
	case e.Seq <= r.head:
		return
	case e.Seq > r.head+1:
		f.repair(r, e.Seq-1)
	}
	f.offer(r, e)
}

// note keeps what a state of the rooms read meanwhile may not know yet.
func (f *Feed) note(e *chat.Event) {
	f.heads[e.RoomNum] = e.Seq
	if u, ok := e.Removes(); ok {
		f.removed[removal{e.RoomNum, u}] = e.Seq
	} else if e.Kind == chat.RoomDeleted && e.RoomKind != chat.UserLogRoom {
		f.removed[removal{room: e.RoomNum}] = e.Seq
	}
}

// load begins noting, loaded ends it. The caller holds mu.
func (f *Feed) load() {
	if f.loading == 0 {
		f.heads, f.removed = map[int64]uint64{}, map[removal]uint64{}
	}
	f.loading++
}

func (f *Feed) loaded() {
	if f.loading--; f.loading == 0 {
		f.heads, f.removed = nil, nil
	}
}

// begin starts to follow a room with an event that makes a listening user its member; nil when it does not.
func (f *Feed) begin(e *chat.Event) *room {
	var members []*user
	if a, b, ok := e.RoomID.DirectPeers(); ok {
		members = append(members, f.users[a], f.users[b])
	} else if joined, ok := e.Joins(); ok {
		members = append(members, f.users[joined])
	}
	members = slices.DeleteFunc(members, func(u *user) bool { return u == nil })
	if len(members) == 0 {
		return nil
	}
	joined := uint64(1) // of a private conversation
	if _, ok := e.Joins(); ok {
		joined = e.Seq
	}
	r := f.room(e.RoomNum, e.RoomID, e.Seq-1)
	for _, u := range members {
		f.enter(r, u, joined)
	}
	return r
}

// repair offers what is missing up to and including seq to, which a store with one writer never lets happen.
func (f *Feed) repair(r *room, to uint64) {
	f.cfg.Logger.Warn("feed: events missing, reading the log", "from_seq", r.head+1, "to_seq", to)
	for r.head < to {
		events, err := f.cfg.Log.Log(f.ctx, &chat.Room{Num: r.num, ID: r.id}, chat.LogQuery{From: r.head + 1, To: to, Limit: logPage})
		if err != nil || len(events) == 0 {
			f.cfg.Logger.Error("feed: the log cannot be read; devices learn of the hole by seq", "error", err)
			r.head = to
			return
		}
		for _, e := range events {
			if f.loading > 0 {
				f.note(e)
			}
			f.offer(r, e)
		}
	}
}

// offer emits e, whose turn it is. The caller holds mu.
func (f *Feed) offer(r *room, e *chat.Event) {
	r.head = e.Seq
	if id, ok := e.Removes(); ok {
		if u := f.users[id]; u != nil {
			f.revoke(r, u, e.Seq)
		}
	} else if id, ok := e.Joins(); ok {
		if u := f.users[id]; u != nil {
			f.enter(r, u, e.Seq)
		}
	}
	c := f.copyOf(e)
	var veiled *Copy
	for _, u := range r.members {
		seen := c
		if e.Veiled() {
			if as := e.As(u.joined(r)); as != e {
				if veiled == nil {
					veiled = f.copyOf(as)
				}
				seen = veiled
			}
		}
		for _, s := range u.subs {
			s.offer(r, seen)
		}
	}
	if e.Kind == chat.RoomDeleted && e.RoomKind != chat.UserLogRoom {
		for len(r.members) > 0 {
			f.revoke(r, r.members[0], e.Seq)
		}
	}
}

// room is the followed room num, made with this head when it is new.
func (f *Feed) room(num int64, id chat.RoomID, head uint64) *room {
	r := f.rooms[num]
	if r == nil {
		r = &room{num: num, id: id, head: head}
		f.rooms[num] = r
	}
	return r
}

// joined tells since when u is a member of r.
func (u *user) joined(r *room) uint64 {
	for i := range u.rooms {
		if u.rooms[i].room == r {
			return u.rooms[i].joined
		}
	}
	return math.MaxUint64
}

// enter makes u a member of r since the event joined; again changes nothing.
func (f *Feed) enter(r *room, u *user, joined uint64) {
	for i := range u.rooms {
		if u.rooms[i].room == r {
			return
		}
	}
	f.rooms[r.num] = r // it may have been forgotten a moment ago
	u.rooms = append(u.rooms, membership{r, len(r.members), joined})
	r.members = append(r.members, u)
}

// exit ends a membership. A room that nobody listens to is forgotten.
func (f *Feed) exit(r *room, u *user) {
	i := slices.IndexFunc(u.rooms, func(m membership) bool { return m.room == r })
	if i < 0 {
		return
	}
	at := u.rooms[i].index
	u.rooms = slices.Delete(u.rooms, i, i+1)
	last := len(r.members) - 1
	moved := r.members[last]
	r.members[at], r.members[last] = moved, nil
	r.members = r.members[:last]
	if at != last {
		for i := range moved.rooms {
			if moved.rooms[i].room == r {
				moved.rooms[i].index = at
			}
		}
	}
	for _, s := range u.subs {
		delete(s.behind, r)
		delete(s.lost, r)
		delete(s.cut, r)
	}
	if last == 0 {
		delete(f.rooms, r.num)
	}
}

// revoke ends a membership and takes back what u's devices have not been sent yet of what came before.
func (f *Feed) revoke(r *room, u *user, before uint64) {
	f.exit(r, u)
	for _, s := range u.subs {
		s.to.Revoke(r.id, before)
	}
}

// Online tells whether a device of the user listens.
func (f *Feed) Online(u chat.UserID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.users[u] != nil
}

// OnlineIn counts the members of a room of whom a device listens.
func (f *Feed) OnlineIn(room int64) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if r := f.rooms[room]; r != nil {
		return len(r.members)
	}
	return 0
}

// Stats are figures for the operator.
type Stats struct {
	Subscriptions int
	Users         int
	Rooms         int
	Behind        int // subscriptions waiting to be read from the log
	Batches       int // commits waiting to be offered
}

// Stats tells them.
func (f *Feed) Stats() Stats {
	f.mu.Lock()
	defer f.mu.Unlock()
	return Stats{Subscriptions: f.subs, Users: len(f.users), Rooms: len(f.rooms), Behind: len(f.behind), Batches: len(f.batches)}
}

func (f *Feed) copyOf(e *chat.Event) *Copy { return &Copy{Event: e, epoch: f.cfg.Epoch} }

// Copy is an event on its way to devices. One Copy serves all of them; it is used under the feed's lock.
type Copy struct {
	Event *chat.Event
	// Forms are what a door made of the copy, for the sender (1) and for all others (0), so that it makes it once.
	Forms [2]any
	// Ahead is nil, or the sync_required that was passed to the device ahead of this event: where the event is sent again, so is
	// that.
	Ahead []byte

	epoch int64
	body  [2][]byte
}

// Body is the event's JSON, as this user sees it.
func (c *Copy) Body(viewer chat.UserID) []byte {
	i := c.Form(viewer)
	if c.body[i] == nil {
		c.body[i] = wire.AppendEvent(make([]byte, 0, 384+len(c.Event.Content)), c.Event, c.epoch, i == 1)
	}
	return c.body[i]
}

// Form tells which of Forms is this user's.
func (c *Copy) Form(viewer chat.UserID) int {
	if viewer == c.Event.Actor && c.Event.ClientMsgID != "" {
		return 1
	}
	return 0
}

// Truncated is what a device gets that cannot take Body.
func (c *Copy) Truncated() []byte { return wire.AppendTruncated(nil, c.Event, c.epoch) }

// saveInterval is how often places are made durable: what a crash may repeat.
const saveInterval = time.Second
