// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"parley/internal/mqtt"
)

// memory is a SessionStore in memory, whose writes are done at once, or held until the test lets them go, or fail.
type memory struct {
	mu       sync.Mutex
	next     mqtt.SessionID
	sessions map[mqtt.SessionID]*mqtt.StoredSession
	hold     bool
	held     []func()
	fail     bool
	log      []string
}

func newMemory() *memory { return &memory{sessions: map[mqtt.SessionID]*mqtt.StoredSession{}} }

var errStore = errors.New("the store is ill")

func (m *memory) submit(what string, write func(), done func(error)) {
	m.mu.Lock()
	m.log = append(m.log, what)
	if m.fail {
		m.mu.Unlock()
		if done != nil {
			done(errStore)
		}
		return
	}
	write()
	if m.hold {
		m.held = append(m.held, func() { done(nil) })
		m.mu.Unlock()
		return
	}
	m.mu.Unlock()
	if done != nil {
		done(nil)
	}
}

// release lets held writes be done.
func (m *memory) release() int {
	m.mu.Lock()
	held := m.held
	m.held = nil
	m.mu.Unlock()
	for _, done := range held {
		done()
	}
	return len(held)
}

func (m *memory) set(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

func (m *memory) find(owner, clientID string) *mqtt.StoredSession {
	for _, s := range m.sessions {
		if s.Owner == owner && s.ClientID == clientID {
			return s
		}
	}
	return nil
}

// get is a copy of a stored session.
func (m *memory) get(owner, clientID string) *mqtt.StoredSession {
	m.mu.Lock()
	defer m.mu.Unlock()
	if s := m.find(owner, clientID); s != nil {
		clone := *s
		return &clone
	}
	return nil
}

func (m *memory) LoadSession(_ context.Context, owner, clientID string) (*mqtt.StoredSession, error) {
	return m.get(owner, clientID), nil
}

func (m *memory) SaveSession(s *mqtt.StoredSession, done func(mqtt.SessionID, error)) {
	var id mqtt.SessionID
	m.submit("save", func() {
		old := m.sessions[s.ID]
		if old == nil {
			old = &mqtt.StoredSession{}
			m.next++
			id = m.next
		} else {
			id = s.ID
		}
		clone := *s
		clone.ID, clone.Received = id, old.Received
		m.sessions[id] = &clone
	}, func(err error) { done(id, err) })
}

func (m *memory) DisconnectSession(id mqtt.SessionID, at time.Time, expiry uint32, done func(error)) {
	m.submit("disconnect", func() {
		if s := m.sessions[id]; s != nil {
			s.Disconnected, s.Expiry = at, expiry
		}
	}, done)
}

func (m *memory) DeleteSession(id mqtt.SessionID, done func(error)) {
	m.submit("delete", func() { delete(m.sessions, id) }, done)
}

func (m *memory) ReleasePacketID(id mqtt.SessionID, packetID uint16, done func(error)) {
	m.submit("release", func() {
		if s := m.sessions[id]; s != nil {
			s.Received = slices.DeleteFunc(slices.Clone(s.Received), func(p uint16) bool { return p == packetID })
		}
	}, done)
}

func (m *memory) ExpiredSessions(_ context.Context, now time.Time, limit int) ([]mqtt.StoredSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []mqtt.StoredSession
	for _, s := range m.sessions {
		if !s.Disconnected.IsZero() && !now.Before(s.Disconnected.Add(time.Duration(s.Expiry)*time.Second)) && len(list) < limit {
			list = append(list, *s)
		}
	}
	return list, nil
}

func (m *memory) OwnerSessions(_ context.Context, owner string) ([]mqtt.StoredSession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []mqtt.StoredSession
	for _, s := range m.sessions {
		if s.Owner == owner {
			list = append(list, *s)
		}
	}
	slices.SortFunc(list, func(a, b mqtt.StoredSession) int {
		if a.Disconnected.IsZero() != b.Disconnected.IsZero() {
			if a.Disconnected.IsZero() {
				return 1
			}
			return -1
		}
		return a.Disconnected.Compare(b.Disconnected)
	})
	return list, nil
}

// received stores a QoS 2 packet id, as an application does in a message's own transaction.
func (m *memory) received(id mqtt.SessionID, packetID uint16) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sessions[id].Received = append(m.sessions[id].Received, packetID)
}

// clock is a wall clock that stands still until moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Unix(1_700_000_000, 0)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
