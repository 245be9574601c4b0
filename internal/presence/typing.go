// SPDX-License-Identifier: Apache-2.0

package presence

import (
	"sync"

	"parley/internal/chat"
	"parley/internal/wire"
)

// Typing knows who is writing, where.
type Typing struct {
	cfg Config

	mu      sync.Mutex
	writers map[writer]*writing
}

// writer is somebody in a room.
type writer struct {
	user chat.UserID
	room chat.RoomID
}

// writing is what is known of a writer.
type writing struct {
	num    int64
	small  bool
	asked  chat.Time // when it was found out that they may
	until  chat.Time // when it ends by itself; 0 it has ended
	shown  bool      // the others were told that it has begun, and not that it has ended
	passed chat.Time // when a beginning was last passed on
}

func newTyping(cfg Config) *Typing { return &Typing{cfg: cfg, writers: map[writer]*writing{}} }

// Type says that a user is writing in a room. It tells whether it knew that they may; otherwise whoever calls finds out
// and calls MayType.
func (t *Typing) Type(u chat.UserID, room chat.RoomID) bool {
	key, now := writer{u, room}, chat.TimeOf(t.cfg.Now())
	t.mu.Lock()
	w := t.writers[key]
	if w == nil || now.Sub(w.asked) >= chat.TypingExpires {
		t.mu.Unlock()
		return false
	}
	num := w.num
	t.mu.Unlock()
	if member, known := t.cfg.Listeners.MemberOf(u, num); known && !member {
		return false // removed since
	}
	t.begin(key, num, now)
	return true
}

// MayType says that a user is writing in a room where they may.
func (t *Typing) MayType(u chat.UserID, r *chat.Room) {
	key, now := writer{u, r.ID}, chat.TimeOf(t.cfg.Now())
	t.mu.Lock()
	w := t.writers[key]
	if w == nil {
		w = &writing{num: r.Num}
		t.writers[key] = w
	}
	w.small, w.asked = r.MemberCount <= chat.SmallRoom, now
	t.mu.Unlock()
	t.begin(key, r.Num, now)
}

func (t *Typing) begin(key writer, num int64, now chat.Time) {
	t.mu.Lock()
	w := t.writers[key]
	if w == nil { // it has expired meanwhile
		t.mu.Unlock()
		return
	}
	w.until = now.Add(chat.TypingExpires)
	pass := w.small && (w.passed == 0 || now.Sub(w.passed) >= chat.TypingEvery)
	if pass {
		w.passed, w.shown = now, true
	}
	t.mu.Unlock()
	if pass {
		t.cfg.Listeners.PassRoom(num, key.user, wire.AppendTyping(nil, key.room, key.user, true, now))
	}
}

// Rest says that a user has stopped writing. It tells whether it knew that they may write there.
func (t *Typing) Rest(u chat.UserID, room chat.RoomID) bool {
	key := writer{u, room}
	t.mu.Lock()
	w := t.writers[key]
	if w == nil {
		t.mu.Unlock()
		return false
	}
	shown, num := w.shown, w.num
	w.until, w.shown = 0, false
	t.mu.Unlock()
	if shown {
		t.stop(key, num)
	}
	return true
}

func (t *Typing) stop(key writer, num int64) {
	t.cfg.Listeners.PassRoom(num, key.user, wire.AppendTyping(nil, key.room, key.user, false, chat.TimeOf(t.cfg.Now())))
}

// expire ends what nobody has renewed, and forgets what has ended.
func (t *Typing) expire() {
	now := chat.TimeOf(t.cfg.Now())
	over := map[writer]int64{}
	t.mu.Lock()
	for key, w := range t.writers {
		if w.until > now {
			continue
		}
		if w.shown {
			over[key] = w.num
			w.shown = false
		}
		if now.Sub(w.passed) >= chat.TypingEvery { // until then another beginning would come too soon
			delete(t.writers, key)
		}
	}
	t.mu.Unlock()
	for key, num := range over {
		t.stop(key, num)
	}
}
