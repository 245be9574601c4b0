// SPDX-License-Identifier: Apache-2.0

package ratelimit

import "time"

// Failures blocks a key after too many failures within a window, for instance an
// account or an address after wrong passwords.
//
// Where attempts of one key run one after another, ask Blocked before each and
// call Fail after a wrong one. Where they may run side by side, that would let
// any number through before the first has failed: there call Attempt, which
// counts the failure in advance, and Pardon when the attempt was right after all.
// A success calls Forget where it proves that the earlier failures were honest:
// for an account, not for an address, whose owner could otherwise wipe out
// guesses at other accounts by logging in to their own.
type Failures struct{ table }

// NewFailures returns a counter that blocks a key with limit failures within a
// window. A limit of 0 blocks nothing. Where now is nil it is time.Now. It
// panics as [New] does.
func NewFailures(limit int, window time.Duration, now func() time.Time) *Failures {
	f := new(Failures)
	f.init(limit, window, now)
	return f
}

// Blocked reports whether a key has used up its failures, and how long it stays
// blocked when no further ones come.
func (f *Failures) Blocked(key string) (retry time.Duration, blocked bool) {
	if f.limit == 0 {
		return 0, false
	}
	shard, now := f.lock(key)
	defer shard.mu.Unlock()
	retry = f.blockedFor(shard.logs[key], now)
	return retry, retry > 0
}

// Fail counts a failure. One of a key that is blocked prolongs the block: the
// latest failures count.
func (f *Failures) Fail(key string) {
	if f.limit == 0 {
		return
	}
	shard, now := f.lock(key)
	defer shard.mu.Unlock()
	shard.add(shard.logs[key], key, now, f.limit)
}

// Attempt counts a failure in advance and reports true, unless the key is
// blocked; then it counts nothing and tells for how long.
func (f *Failures) Attempt(key string) (retry time.Duration, ok bool) {
	if f.limit == 0 {
		return 0, true
	}
	shard, now := f.lock(key)
	defer shard.mu.Unlock()
	log := shard.logs[key]
	if retry = f.blockedFor(log, now); retry > 0 {
		return retry, false
	}
	shard.add(log, key, now, f.limit)
	return 0, true
}

// Pardon takes back the latest failure of a key, if there is one.
func (f *Failures) Pardon(key string) {
	if f.limit == 0 {
		return
	}
	shard, _ := f.lock(key)
	defer shard.mu.Unlock()
	log := shard.logs[key]
	if log == nil {
		return
	}
	if log.pop(); log.n == 0 {
		shard.drop(log)
	}
}

// Forget drops all failures of a key.
func (f *Failures) Forget(key string) {
	if f.limit == 0 {
		return
	}
	shard, _ := f.lock(key)
	defer shard.mu.Unlock()
	if log := shard.logs[key]; log != nil {
		shard.drop(log)
	}
}

// Len returns the number of keys that are kept in memory.
func (f *Failures) Len() int { return f.size() }

// blockedFor returns how long a key stays blocked, 0 where it is not.
func (f *Failures) blockedFor(log *eventLog, now time.Duration) time.Duration {
	if log == nil || log.n < f.limit {
		return 0
	}
	return max(log.at(0)+f.window-now, 0)
}
