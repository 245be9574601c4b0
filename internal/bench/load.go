// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mqtt/packet"
)

// load is one scenario on one server: the connections, and what they count.
type load struct {
	cfg    *Config
	addr   string
	broker bool // a plain MQTT broker: the sender does the fan-out
	server process
	self   process
	run    uint16 // in every stamp, so that messages of other runs do not count
	epoch  time.Time

	who     []Credential
	rooms   []*room
	members []member
	senders []*sender

	stopped     atomic.Bool  // no message begins; set until the start
	from, until atomic.Int64 // what is due in between is measured, nanoseconds since epoch
	broken      atomic.Int64 // connections that ended by themselves
	closing     atomic.Bool  // connections are ended by us
	aborted     chan error   // what makes going on senseless; holds one
	stop        context.CancelFunc
	readers     sync.WaitGroup

	mu     sync.Mutex
	shards []*shard // all there are
	free   []*shard // not borrowed
	faults map[string]int
}

// newLoad lays out rooms, members and senders.
func newLoad(cfg *Config, who []Credential, addr string, pid int, broker bool) *load {
	l := &load{
		cfg: cfg, addr: addr, broker: broker, server: processOf(pid), self: processOf(os.Getpid()),
		run: uint16(rand.Uint32()), epoch: time.Now(), who: who, members: make([]member, len(who)), //nolint:gosec // not a secret
		aborted: make(chan error, 1), faults: map[string]int{},
	}
	l.stopped.Store(true)
	l.until.Store(math.MaxInt64)
	width := l.roomSize()
	for i := range cfg.Rooms {
		first := i * width
		size := min(width, len(who)-first)
		id := roomID(cfg.Scenario, width, i)
		r := &room{id: id, quoted: []byte(id + `"`), members: size}
		l.rooms = append(l.rooms, r)
		for j := range size {
			m := &l.members[first+j]
			m.l, m.room = l, r
			if cfg.loaded() && j < l.sendersPerRoom() {
				l.addSender(m, who[first:first+size])
			}
		}
	}
	return l
}

// roomSize is how many members a room has; the last one may have fewer.
func (l *load) roomSize() int {
	if l.cfg.loaded() {
		return l.cfg.Members
	}
	return idleRoom
}

// sendersPerRoom is 1 where the order of a room's messages is that of one sender: in bursts, and on a plain broker, which
// has no common order for several.
func (l *load) sendersPerRoom() int {
	if l.broker || l.cfg.Burst > 0 {
		return 1
	}
	return l.cfg.Senders
}

// inFlight is how many messages a sender has under way in the closed loop. A broker's only sender has those of all.
func (l *load) inFlight() int { return l.cfg.InFlight * l.cfg.Senders / l.sendersPerRoom() }

func (l *load) addSender(m *member, members []Credential) {
	s := &sender{l: l, m: m, index: uint16(len(l.senders)), body: newBody(l.cfg.Body), limit: int64(l.inFlight())}
	if l.broker {
		for _, c := range members {
			s.topics = append(s.topics, ownTopic(c.User))
		}
	} else {
		s.topics = []string{"chat/message/" + m.room.id}
	}
	m.sender = s
	m.room.senders = append(m.room.senders, s)
	l.senders = append(l.senders, s)
}

// now is nanoseconds since the start of the run.
func (l *load) now() int64 { return int64(time.Since(l.epoch)) }

// measured tells whether a message that was due then is one whose latency counts.
func (l *load) measured(due int64) bool { return due >= l.from.Load() && due < l.until.Load() }

func (l *load) closedLoop() bool { return l.cfg.Rate == 0 && l.cfg.Burst == 0 }

// keepAlive is what CONNECT says, in seconds.
func (l *load) keepAlive() uint16 { return uint16(max(l.cfg.KeepAlive, 0) / time.Second) }

// abort ends the run with an error.
func (l *load) abort(err error) {
	select {
	case l.aborted <- err:
	default:
	}
}

func (l *load) borrow() *shard {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.free); n > 0 {
		sh := l.free[n-1]
		l.free = l.free[:n-1]
		return sh
	}
	sh := newShard()
	l.shards = append(l.shards, sh)
	return sh
}

func (l *load) giveBack(sh *shard) {
	l.mu.Lock()
	l.free = append(l.free, sh)
	l.mu.Unlock()
}

// ended notes that a connection is over.
func (l *load) ended(m *member, err error) {
	m.conn.Close()
	if l.closing.Load() {
		return
	}
	l.broken.Add(1)
	if isClosed(err) {
		err = errors.New("closed by the server")
	}
	l.mu.Lock()
	l.faults["connection lost: "+err.Error()]++
	l.mu.Unlock()
}

// totals are the counts of all shards so far.
type totals struct{ acks, deliveries, received int64 }

func (l *load) totals() (t totals) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, sh := range l.shards {
		t.acks += sh.acks.Load()
		t.deliveries += sh.deliveries.Load()
		t.received += sh.received.Load()
	}
	return t
}

// start lets the senders begin.
func (l *load) start(ctx context.Context) {
	l.stopped.Store(false)
	switch {
	case l.cfg.Rate > 0:
		l.readers.Go(func() { l.pace(ctx) })
	case l.cfg.Burst > 0:
		for _, r := range l.rooms {
			r.nextBurst(l.cfg.Burst, l.now())
		}
	default:
		for _, s := range l.senders {
			s.mu.Lock()
			s.write(s.pump(nil, l.now()))
			s.mu.Unlock()
		}
	}
}

// timerSlack is how much later than asked a sleep may end without anything being wrong.
const timerSlack = 2 * time.Millisecond

// pace releases messages at even distances, room by room. A message that is released later than a timer explains is
// counted from when it was due.
func (l *load) pace(ctx context.Context) {
	interval := float64(time.Second) / l.cfg.Rate
	start := l.now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for i := 0; !l.stopped.Load(); i++ {
		due := start + int64(float64(i)*interval)
		if wait := due - l.now(); wait > 0 {
			timer.Reset(time.Duration(wait))
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		}
		if now := l.now(); now-due < int64(timerSlack) {
			due = now
		}
		r := l.rooms[i%len(l.rooms)]
		r.senders[i/len(l.rooms)%len(r.senders)].release(1, due)
	}
}

// pings keeps the connections alive: a handful at a time, so that no connection waits longer than three quarters of the
// keep-alive interval.
func (l *load) pings(ctx context.Context) {
	if l.cfg.KeepAlive < 0 {
		return
	}
	rounds := max(1, int(l.cfg.KeepAlive*3/4/pingInterval))
	ping := packet.AppendPingreq(nil)
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	for round := 0; ; round = (round + 1) % rounds {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		for i := round; i < len(l.members); i += rounds {
			_, _ = l.members[i].conn.Write(ping) // that a connection is gone is for its reader to find
		}
	}
}

// drain waits until every member has every acknowledged message, or nothing comes for a while.
func (l *load) drain(ctx context.Context, p *progress) {
	p.begin("draining", 0)
	patience := min(l.cfg.Patience, 5*time.Second)
	last, moved := l.totals(), time.Now()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if l.settled() {
			return
		}
		if t := l.totals(); t != last {
			last, moved = t, time.Now()
		} else if time.Since(moved) > patience {
			return
		}
	}
}

// settled tells whether nothing is under way any more.
func (l *load) settled() bool {
	for _, s := range l.senders {
		s.mu.Lock()
		busy := s.done < s.begun
		s.mu.Unlock()
		if busy {
			return false
		}
	}
	var want int64
	for _, r := range l.rooms {
		want += r.acknowledged.Load() * int64(r.members)
	}
	return l.totals().received >= want
}

// close ends all connections and waits for their readers.
func (l *load) close() {
	l.stopped.Store(true)
	l.closing.Store(true)
	l.stop()
	var leaving sync.WaitGroup
	for i := range parallel {
		leaving.Go(func() {
			for j := i; j < len(l.members); j += parallel {
				if c := l.members[j].client; c != nil {
					c.close()
				}
			}
		})
	}
	leaving.Wait()
	l.readers.Wait()
}

// A moment is everything that is counted, at one time.
type moment struct {
	at           time.Time
	server, self usage
	totals
}

func (l *load) moment() (moment, error) {
	server, err := l.server.read()
	if err != nil {
		return moment{}, err
	}
	self, err := l.self.read()
	if err != nil { // not Linux: the client's own CPU is left out
		self = usage{}
	}
	return moment{time.Now(), server, self, l.totals()}, nil
}

// wait waits for d, showing it as the progress, and ends early when the run is aborted or stands still.
func (l *load) wait(ctx context.Context, p *progress, what string, d time.Duration, moving bool) error {
	p.begin(what, int(d/time.Millisecond))
	begin := time.Now()
	last, moved := l.totals(), begin
	ticker := time.NewTicker(min(100*time.Millisecond, max(d, time.Millisecond)))
	defer ticker.Stop()
	end := time.NewTimer(d)
	defer end.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-l.aborted:
			return fmt.Errorf("bench: aborted: %w", err)
		case <-end.C:
			return nil
		case <-ticker.C:
		}
		p.step(int(time.Since(begin) / time.Millisecond))
		if t := l.totals(); t != last {
			last, moved = t, time.Now()
		} else if moving && time.Since(moved) > l.cfg.Patience {
			return fmt.Errorf("bench: no acknowledgement and no delivery for %s: is the server's rate limit off (--rate-limit 0)? %s",
				l.cfg.Patience, l.someFault())
		}
	}
}

// someFault is one fault to put into an error.
func (l *load) someFault() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	for text := range l.faults {
		return "(" + text + ")"
	}
	return ""
}
