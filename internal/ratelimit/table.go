// SPDX-License-Identifier: Apache-2.0

package ratelimit

import (
	"fmt"
	"hash/maphash"
	"sync"
	"time"
)

const (
	// shardCount is the number of locks; enough that two cores rarely meet.
	shardCount = 16
	// sweepsPerCall is how many idle keys one call drops at most. More than one,
	// because a call adds at most one key; few, so that no call takes long.
	sweepsPerCall = 4
)

// table holds the logs of all keys.
type table struct {
	limit  int
	window time.Duration
	now    func() time.Time
	seed   maphash.Seed
	shards [shardCount]shard
}

// init panics on a limit or window that makes no sense: they come from
// configuration that was checked before.
func (t *table) init(limit int, window time.Duration, now func() time.Time) {
	if limit < 0 {
		panic(fmt.Sprintf("ratelimit: limit %d: give a number of events, or 0 for no limit", limit))
	}
	if limit > 0 && window <= 0 {
		panic(fmt.Sprintf("ratelimit: window %v: must be longer than 0", window))
	}
	if now == nil {
		now = time.Now
	}
	t.limit, t.window, t.now = limit, window, now
	t.seed = maphash.MakeSeed()
	for i := range t.shards {
		t.shards[i].logs = make(map[string]*eventLog)
	}
}

// lock returns the locked shard of a key and its present time, after dropping a
// few idle keys.
func (t *table) lock(key string) (*shard, time.Duration) {
	s := &t.shards[maphash.String(t.seed, key)%shardCount]
	s.mu.Lock()
	now := s.advance(t.now())
	for range sweepsPerCall {
		idle := s.first
		if idle == nil || idle.last()+t.window > now {
			break
		}
		s.drop(idle)
	}
	return s, now
}

// size returns the number of keys.
func (t *table) size() int {
	n := 0
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		n += len(s.logs)
		s.mu.Unlock()
	}
	return n
}

// shard is a part of the keys under one lock. The logs are also on a list, the
// longest untouched first, so that idle ones are found without a search. A log
// whose last event lies in the future may hold up the ones behind it, by no more
// than that future is away.
type shard struct {
	mu          sync.Mutex
	logs        map[string]*eventLog
	first, last *eventLog
	read        time.Time     // the clock when it was last looked at
	elapsed     time.Duration // time since then began, never decreasing
}

// advance moves the shard's time on to a reading of the clock and returns it.
func (s *shard) advance(t time.Time) time.Duration {
	if !s.read.IsZero() {
		s.elapsed += max(t.Sub(s.read), 0)
	}
	s.read = t
	return s.elapsed
}

// add records an event of a key; l is the key's log, nil where it has none.
func (s *shard) add(l *eventLog, key string, at time.Duration, limit int) {
	if l == nil {
		l = &eventLog{key: key}
		s.logs[key] = l
	} else {
		s.unlink(l)
	}
	l.push(at, limit)
	l.prev = s.last
	if s.last == nil {
		s.first = l
	} else {
		s.last.next = l
	}
	s.last = l
}

func (s *shard) drop(l *eventLog) {
	s.unlink(l)
	delete(s.logs, l.key)
}

func (s *shard) unlink(l *eventLog) {
	if l.prev == nil {
		s.first = l.next
	} else {
		l.prev.next = l.next
	}
	if l.next == nil {
		s.last = l.prev
	} else {
		l.next.prev = l.prev
	}
	l.prev, l.next = nil, nil
}

// eventLog holds the times of the last events of one key in a ring, oldest
// first. A log in a table has at least one event.
type eventLog struct {
	key        string
	prev, next *eventLog
	ring       []time.Duration
	head, n    int
}

// at returns the i-th time, the oldest being number 0.
func (l *eventLog) at(i int) time.Duration { return l.ring[(l.head+i)%len(l.ring)] }

func (l *eventLog) last() time.Duration { return l.at(l.n - 1) }

// expire removes the events that are a whole window old.
func (l *eventLog) expire(now, window time.Duration) {
	for l.n > 0 && l.at(0)+window <= now {
		l.head = (l.head + 1) % len(l.ring)
		l.n--
	}
}

// push adds a time, which must not be before the last; beyond limit events the
// oldest goes.
func (l *eventLog) push(at time.Duration, limit int) {
	if l.n == limit {
		l.ring[l.head] = at
		l.head = (l.head + 1) % len(l.ring)
		return
	}
	if l.n == len(l.ring) {
		ring := make([]time.Duration, min(max(4, 2*l.n), limit))
		for i := range l.n {
			ring[i] = l.at(i)
		}
		l.ring, l.head = ring, 0
	}
	l.ring[(l.head+l.n)%len(l.ring)] = at
	l.n++
}

// pop removes the newest event.
func (l *eventLog) pop() { l.n-- }

// undo takes back the latest event of a full log, which lies a window after the one
// that it replaced.
func (l *eventLog) undo(window time.Duration) {
	l.head = (l.head + len(l.ring) - 1) % len(l.ring)
	l.ring[l.head] -= window
}
