// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"parley/internal/chat"
	"parley/internal/wire"
)

// Grace is how long somebody without a connection is still online.
const Grace = 30 * time.Second

// Interval is how often Run looks around.
const Interval = time.Second

// Bounds of one look around: users that are told of, and rooms of each, those with the latest events first.
const (
	tellings = 200
	roomsOf  = 512
)

// Rooms is what presence reads: a part of chat.Reader.
type Rooms interface {
	InvisibleUsers(ctx context.Context) ([]chat.UserID, error)
	SmallRooms(ctx context.Context, u chat.UserID, most, limit int) ([]int64, error)
	RoomMembers(ctx context.Context, room int64, after chat.UserID, limit int) ([]chat.Member, error)
}

// Listeners are those who are told: the feed.
type Listeners interface {
	PassRooms(rooms []int64, about chat.UserID, body []byte)
	PassRoom(room int64, except chat.UserID, body []byte)
	ListeningIn(room int64, counts func(chat.UserID) bool) int
	MemberOf(u chat.UserID, room int64) (member, known bool)
}

// Config is what a Presence needs.
type Config struct {
	Rooms     Rooms
	Listeners Listeners
	Save      func([]chat.Seen) // makes durable when people were last seen; must not block
	Logger    *slog.Logger
	Now       func() time.Time
}

// Presence knows who is there.
type Presence struct {
	*Typing
	cfg     Config
	started chat.Time

	mu        sync.Mutex
	people    map[chat.UserID]*person // who is there, was within Grace, or is to be told of
	leaving   map[chat.UserID]*person // without a connection, within Grace
	invisible map[chat.UserID]bool
	queue     []chat.UserID // to be told of
	seen      []chat.Seen   // to be made durable
}

// person is somebody who is there, or was a moment ago.
type person struct {
	devices int
	away    bool
	left    chat.Time   // when the last device went; 0 while there is one
	seen    chat.Time   // when others last could see them; 0 never since the start
	told    chat.Status // what others know
	queued  bool
}

// New makes a Presence. It reads who is invisible; Run does the rest.
func New(ctx context.Context, cfg Config) (*Presence, error) {
	p := &Presence{Typing: newTyping(cfg), cfg: cfg, people: map[chat.UserID]*person{}, leaving: map[chat.UserID]*person{}, invisible: map[chat.UserID]bool{}}
	p.started = p.now()
	hidden, err := cfg.Rooms.InvisibleUsers(ctx)
	for _, u := range hidden {
		p.invisible[u] = true
	}
	return p, err
}

func (p *Presence) now() chat.Time { return chat.TimeOf(p.cfg.Now()) }

// Arrive says that a user has one connection more.
func (p *Presence) Arrive(u chat.UserID) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.person(u)
	who.devices++
	if who.devices == 1 {
		who.left = 0
		delete(p.leaving, u)
		p.see(u, who, now)
	}
	p.changed(u, who)
}

// Leave says that a user has one connection less.
func (p *Presence) Leave(u chat.UserID) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.person(u)
	if who.devices--; who.devices > 0 {
		return
	}
	who.devices, who.left = 0, now
	p.leaving[u] = who
	p.see(u, who, now)
}

// Choose says what a user wants others to see.
func (p *Presence) Choose(u chat.UserID, s chat.Status) {
	now := p.now()
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.person(u)
	if s == chat.Offline {
		p.see(u, who, now)
		p.invisible[u] = true
	} else {
		delete(p.invisible, u)
		who.away = s == chat.Away && (who.devices > 0 || p.leaving[u] != nil)
		if who.devices > 0 {
			p.see(u, who, now)
		}
	}
	p.changed(u, who)
	p.tidy(u, who)
}

// Status is whether a user is there, as others see it.
func (p *Presence) Status(u chat.UserID) chat.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if who := p.people[u]; who != nil {
		return p.status(u, who)
	}
	return chat.Offline
}

// Absence tells since when a user has no connection, whatever others see of them; false while they have one. Of whom nothing is
// known, they are away since the server's start.
func (p *Presence) Absence(u chat.UserID) (since chat.Time, away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	who := p.people[u]
	if who == nil {
		return p.started, true
	}
	return max(who.left, p.started), who.devices == 0
}

// Here counts who is there, as others see it, and was last seen before a time: they have been there all along.
func (p *Presence) Here(before chat.Time) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for u, who := range p.people {
		if who.devices > 0 && who.seen < before && !p.invisible[u] {
			n++
		}
	}
	return n
}

// Online tells whether a user is there, as others see it.
func (p *Presence) Online(u chat.UserID) bool { return p.Status(u) != chat.Offline }

// OnlineIn counts the members of a room who are there, as others see it: in big rooms those of whom a device listens.
func (p *Presence) OnlineIn(ctx context.Context, r *chat.Room) (int, error) {
	if r.MemberCount > chat.SmallRoom {
		return p.cfg.Listeners.ListeningIn(r.Num, p.visible()), nil
	}
	members, err := p.cfg.Rooms.RoomMembers(ctx, r.Num, "", 0)
	n := 0
	for i := range members {
		if p.Online(members[i].User) {
			n++
		}
	}
	return n, err
}

// visible tells who has not chosen to be offline. It is a copy, for callers that hold locks.
func (p *Presence) visible() func(chat.UserID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	hidden := make(map[chat.UserID]bool, len(p.invisible))
	for u := range p.invisible {
		hidden[u] = true
	}
	return func(u chat.UserID) bool { return !hidden[u] }
}

// person is somebody's entry, made where there is none. The caller holds mu, as of all that follow.
func (p *Presence) person(u chat.UserID) *person {
	who := p.people[u]
	if who == nil {
		who = &person{told: chat.Offline}
		p.people[u] = who
	}
	return who
}

func (p *Presence) status(u chat.UserID, who *person) chat.Status {
	switch {
	case p.invisible[u], who.devices == 0 && p.leaving[u] == nil:
		return chat.Offline
	case who.away:
		return chat.Away
	}
	return chat.Online
}

// see notes that others could see u at now.
func (p *Presence) see(u chat.UserID, who *person, now chat.Time) {
	if p.invisible[u] {
		return
	}
	who.seen = now
	p.seen = append(p.seen, chat.Seen{User: u, At: now})
}

// changed has others told of u where they know something else.
func (p *Presence) changed(u chat.UserID, who *person) {
	if !who.queued && p.status(u, who) != who.told {
		who.queued = true
		p.queue = append(p.queue, u)
	}
}

// tidy forgets somebody of whom there is nothing to know.
func (p *Presence) tidy(u chat.UserID, who *person) {
	if who.devices == 0 && !who.queued && who.told == chat.Offline && p.leaving[u] == nil {
		delete(p.people, u)
	}
}

// Run looks around until ctx ends.
func (p *Presence) Run(ctx context.Context) {
	ticks := time.NewTicker(Interval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.look(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// Flush makes durable when people were last seen, those who are there included: the server stops.
func (p *Presence) Flush() {
	now := p.now()
	p.mu.Lock()
	for u, who := range p.people {
		if who.devices > 0 {
			p.see(u, who, now)
		}
	}
	seen := p.seen
	p.seen = nil
	p.mu.Unlock()
	p.save(seen)
}

func (p *Presence) save(seen []chat.Seen) {
	last := make(map[chat.UserID]int, len(seen))
	kept := seen[:0]
	for _, s := range seen { // one row for each, the latest
		if at, ok := last[s.User]; ok {
			kept[at].At = s.At
			continue
		}
		last[s.User] = len(kept)
		kept = append(kept, s)
	}
	if len(kept) > 0 {
		p.cfg.Save(kept)
	}
}

// telling is one user_status.
type telling struct {
	user   chat.UserID
	status chat.Status
	seen   chat.Time
}

// look does what has become due.
func (p *Presence) look(ctx context.Context) {
	now := p.now()
	p.expire()
	p.mu.Lock()
	for u, who := range p.leaving {
		if now.Sub(who.left) < Grace {
			continue
		}
		delete(p.leaving, u)
		who.away = false
		p.changed(u, who)
		p.tidy(u, who)
	}
	some := p.queue[:min(len(p.queue), tellings)]
	p.queue = p.queue[len(some):]
	tell := make([]telling, 0, len(some))
	for _, u := range some {
		who := p.people[u]
		who.queued = false
		if s := p.status(u, who); s != who.told {
			who.told = s
			tell = append(tell, telling{u, s, who.seen})
		}
		p.tidy(u, who)
	}
	seen := p.seen
	p.seen = nil
	p.mu.Unlock()
	p.save(seen)
	for _, t := range tell {
		rooms, err := p.cfg.Rooms.SmallRooms(ctx, t.user, chat.SmallRoom, roomsOf)
		if err != nil {
			if ctx.Err() == nil {
				p.cfg.Logger.Error("presence: rooms cannot be read; nobody is told", "user", t.user, "error", err)
			}
			continue
		}
		p.cfg.Listeners.PassRooms(rooms, t.user, wire.AppendUserStatus(nil, t.user, t.status, t.seen, now))
	}
}
