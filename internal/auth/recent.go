// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"
)

// recent remembers, for a while, that certain strings were seen together. It keeps digests under a key of its own, made
// at start and never stored, so that its memory does not help anybody to guess passwords afterwards any faster than the
// key does. It holds at most size entries; when full, the older half goes.
type recent struct {
	key  [sha256.Size]byte
	ttl  time.Duration
	half int
	now  func() time.Time

	mu       sync.Mutex
	young    map[digest]time.Time // when it was added
	old      map[digest]time.Time
	youngest time.Time // the latest time in old
}

type digest = [sha256.Size]byte

func newRecent(size int, ttl time.Duration, now func() time.Time) *recent {
	r := &recent{ttl: ttl, half: max(size/2, 1), now: now, young: make(map[digest]time.Time)}
	rand.Read(r.key[:]) // never fails
	return r
}

// digest keeps ("ab","c") and ("a","bc") apart by writing the lengths too.
func (r *recent) digest(parts []string) (d digest) {
	mac := hmac.New(sha256.New, r.key[:])
	var n [8]byte
	for _, p := range parts {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		mac.Write(n[:])
		mac.Write([]byte(p))
	}
	mac.Sum(d[:0])
	return d
}

// has tells whether parts were added within the last ttl.
func (r *recent) has(parts ...string) bool {
	d := r.digest(parts)
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	at, ok := r.young[d]
	if !ok {
		at, ok = r.old[d]
	}
	if !ok {
		return false
	}
	// A clock that was set back must not make an entry last longer: it is dropped then.
	age := now.Sub(at)
	return age >= 0 && age < r.ttl
}

// add remembers parts from now on.
func (r *recent) add(parts ...string) {
	d := r.digest(parts)
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.old != nil && now.Sub(r.youngest) >= r.ttl {
		r.old = nil
	}
	if _, ok := r.young[d]; !ok && len(r.young) >= r.half {
		r.old, r.young = r.young, make(map[digest]time.Time)
		r.youngest = now
	}
	r.young[d] = now
}

// len is the number of entries in memory.
func (r *recent) len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.young) + len(r.old)
}
