// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// Sliding lets at most a number of requests per key start in any window of time.
type Sliding struct{ table }

// New returns a limiter of limit requests per window. A limit of 0 lets
// everything pass. Where now is nil it is time.Now. New panics on a negative
// limit and, where there is a limit, on a window that is not positive.
func New(limit int, window time.Duration, now func() time.Time) *Sliding {
	s := new(Sliding)
	s.init(limit, window, now)
	return s
}

// Reserve takes the next place of a key. With ok the request may start after
// wait, which is at most maxWait, and 0 for now. Otherwise nothing has been
// taken, and the same call would have succeeded had it been made wait later: the
// value to tell a client as "retry after".
//
// Places are handed out in order: a later call never gets an earlier time.
// Between the first and the last of any limit+1 places lies at least a window. The
// count is of the times handed out; a caller that starts late starts closer to the
// next one. See Return for a place that is not used.
func (s *Sliding) Reserve(key string, maxWait time.Duration) (wait time.Duration, ok bool) {
	if s.limit == 0 {
		return 0, true
	}
	maxWait = max(maxWait, 0)
	shard, now := s.lock(key)
	defer shard.mu.Unlock()

	log := shard.logs[key]
	place := now
	if log != nil {
		log.expire(now, s.window)
		if log.n == s.limit {
			place = log.at(0) + s.window // in the future, or it would have expired
		}
	}
	if wait = place - now; wait > maxWait {
		return wait - maxWait, false
	}
	shard.add(log, key, place, s.limit)
	return wait, true
}

// Return gives back the latest place of a key, where it is in the future still: the
// caller that Reserve told to wait has gone away.
func (s *Sliding) Return(key string) {
	if s.limit == 0 {
		return
	}
	shard, now := s.lock(key)
	defer shard.mu.Unlock()
	if log := shard.logs[key]; log != nil && log.n == s.limit && log.at(log.n-1) > now {
		log.undo(s.window)
	}
}

// Len returns the number of keys that are kept in memory.
func (s *Sliding) Len() int { return s.size() }
