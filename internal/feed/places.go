// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"maps"
	"sync"
	"time"

	"parley/internal/chat"
)

// Places is where a session that outlives its connections is in the logs: for each room the highest seq acknowledged
// without a gap. It belongs to the session, and is handed to each Subscription of it in turn.
type Places struct {
	session int64

	mu    sync.Mutex
	seqs  map[int64]uint64 // by room number
	dirty map[int64]uint64 // not made durable yet
	noted bool             // in saver.noted
}

// NewPlaces makes the places of a session, as the store has them.
func NewPlaces(session int64, seqs map[int64]uint64) *Places {
	return &Places{session: session, seqs: seqs}
}

// next is the first seq of a room that the session has not acknowledged: of a room that it has no place in, the joining.
func (p *Places) next(room int64, joined uint64) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seq, ok := p.seqs[room]; ok {
		return seq + 1
	}
	return joined
}

// saver makes changed places durable: each second, and when a session loses its connection.
type saver struct {
	places chat.Places

	mu    sync.Mutex
	noted []*Places
	timer *time.Timer
}

// advance moves a place forward. It never goes back.
func (s *saver) advance(p *Places, room int64, seq uint64) {
	p.mu.Lock()
	if p.seqs[room] >= seq {
		p.mu.Unlock()
		return
	}
	if p.seqs == nil {
		p.seqs = map[int64]uint64{}
	}
	if p.dirty == nil {
		p.dirty = map[int64]uint64{}
	}
	p.seqs[room], p.dirty[room] = seq, seq
	note := !p.noted
	p.noted = true
	p.mu.Unlock()
	if note {
		s.note(p)
	}
}

func (s *saver) note(p *Places) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noted = append(s.noted, p)
	if s.timer == nil {
		s.timer = time.AfterFunc(saveInterval, func() { s.save(nil) })
	}
}

// save submits all places that have changed. done, which may be nil, is called once they are durable or could not be made so.
func (s *saver) save(done func(error)) {
	s.mu.Lock()
	noted := s.noted
	s.noted = nil
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	s.mu.Unlock()
	var changed []chat.Place
	for _, p := range noted {
		changed = p.take(changed)
	}
	if len(changed) == 0 {
		if done != nil {
			done(nil)
		}
		return
	}
	s.places.SavePlaces(changed, done)
}

// flush submits the places of one session.
func (s *saver) flush(p *Places) {
	if changed := p.take(nil); len(changed) > 0 {
		s.places.SavePlaces(changed, nil)
	}
}

// take appends what has changed and counts it as saved: what a failing store loses is acknowledged again after a crash only.
func (p *Places) take(to []chat.Place) []chat.Place {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noted = false
	for room, seq := range p.dirty {
		to = append(to, chat.Place{Session: p.session, Room: room, Seq: seq})
	}
	p.dirty = nil
	return to
}

// Seqs tells the places, by room number.
func (p *Places) Seqs() map[int64]uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.seqs)
}
