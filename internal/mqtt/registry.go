// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"slices"
	"time"

	"parley/internal/mqtt/packet"
)

// sessionKey names a session: client identifiers of different owners have nothing to do with each other.
type sessionKey struct {
	owner    string
	clientID string
	room     bool // not a session, but the right to make room among the owner's sessions
}

// claim gives the exclusive right to open or end the session of a key. It waits for who has it.
func (srv *Server) claim(ctx context.Context, key sessionKey) (release func(), err error) {
	for {
		release, busy := srv.tryClaim(key)
		if release != nil {
			return release, nil
		}
		select {
		case <-busy:
		case <-ctx.Done():
			return nil, &Refusal{Code: packet.ServerBusy, Reason: "another connection of this client is being opened"}
		}
	}
}

// tryClaim gives the right, or else a channel that is closed when it is free again.
func (srv *Server) tryClaim(key sessionKey) (release func(), busy <-chan struct{}) {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	if ch := srv.claims[key]; ch != nil {
		return nil, ch
	}
	ch := make(chan struct{})
	srv.claims[key] = ch
	return func() {
		srv.mu.Lock()
		delete(srv.claims, key)
		srv.mu.Unlock()
		close(ch)
	}, nil
}

// attach opens the session for a connection: takes it over, resumes it or makes a new one, and queues CONNACK.
func (srv *Server) attach(ctx context.Context, c *conn, p *packet.Connect, grant *Grant, expiry uint32, ack *packet.Connack) error {
	key := sessionKey{owner: grant.Owner, clientID: p.ClientID}
	release, err := srv.claim(ctx, key)
	if err != nil {
		return err
	}
	defer release()
	s, err := srv.takeOver(ctx, key)
	if err != nil {
		return err
	}
	if s != nil && (p.CleanStart || s.expired(srv.cfg.Now())) {
		srv.end(s)
		s = nil
	} else if s == nil && srv.cfg.Store != nil {
		if s, err = srv.load(ctx, key, p.CleanStart); err != nil {
			return err
		}
	}
	resumed := s != nil
	if s == nil {
		s = &Session{srv: srv, owner: key.owner, clientID: key.clientID}
	}
	if expiry > 0 || s.id != 0 {
		if s.id == 0 {
			done, err := srv.makeRoom(ctx, key)
			if err != nil {
				return err
			}
			defer done()
		}
		if err := srv.saveOpened(ctx, s, p.Version, expiry); err != nil {
			return err
		}
	}

	srv.mu.Lock()
	s.mu.Lock()
	s.value, s.version, s.expiry, s.persistent = grant.Value, p.Version, expiry, s.id != 0
	s.awaySince = time.Time{}
	s.will = nil // cancelled by the return [MQTT-3.1.3-9]
	s.conn, s.holder = c, c
	c.s = s
	ack.SessionPresent = resumed
	ack.Code = packet.Success
	c.ctl = packet.AppendConnack(c.ctl, c.version, ack)
	if srv.sessions[key] != s {
		srv.enter(s)
	}
	delete(srv.away, s)
	delete(srv.wills, s)
	c.inRun = true // nothing is written before Opened has returned
	c.sock.buffer(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		c.markDirty()
	})
	c.attached.Store(true)
	if srv.closing.Load() {
		c.closeLocked(packet.ServerShuttingDown, "", ErrShuttingDown)
	}
	s.mu.Unlock()
	srv.mu.Unlock()
	srv.app.Opened(s, resumed)
	s.mu.Lock()
	c.inRun = false
	s.mu.Unlock()
	return nil
}

// takeOver finds the session in memory, and takes it from the connection that has it [MQTT-3.1.4-3]. It is nil without one;
// else it is without a connection. The claim of key is held.
func (srv *Server) takeOver(ctx context.Context, key sessionKey) (*Session, error) {
	s, _, err := srv.take(ctx, key, func(c *conn) {
		if c.gone == nil {
			srv.stats.takeovers.Add(1)
		}
		c.closeLocked(packet.SessionTakenOver, "", ErrTakenOver)
	})
	return s, err
}

// take is takeOver for any reason: end closes the connection, with Session.mu held. closed tells whether there was one.
func (srv *Server) take(ctx context.Context, key sessionKey, end func(*conn)) (s *Session, closed bool, err error) {
	for {
		srv.mu.Lock()
		s := srv.sessions[key]
		if s == nil || s.holder == nil {
			srv.mu.Unlock()
			return s, closed, nil
		}
		s.mu.Lock()
		old := s.holder
		end(old)
		if old.gone == nil {
			old.gone = make(chan struct{})
		}
		gone := old.gone
		s.mu.Unlock()
		srv.mu.Unlock()
		closed = true
		select {
		case <-gone:
		case <-ctx.Done():
			return nil, closed, &Refusal{Code: packet.ServerBusy, Reason: "the former connection of this client is still being closed"}
		}
	}
}

// load brings a session from the store into memory, unless it has expired or is to be discarded.
func (srv *Server) load(ctx context.Context, key sessionKey, discard bool) (*Session, error) {
	stored, err := srv.cfg.Store.LoadSession(ctx, key.owner, key.clientID)
	if err != nil {
		return nil, err
	}
	if stored == nil {
		return nil, nil
	}
	if discard || stored.expired(srv.cfg.Now()) {
		srv.delete(stored.ID, key.owner, key.clientID)
		return nil, nil
	}
	s := &Session{srv: srv, id: stored.ID, owner: key.owner, clientID: key.clientID, version: stored.Version, expiry: stored.Expiry,
		awaySince: stored.Disconnected, subs: slices.Clone(stored.Subscriptions), subIDs: slices.Clone(stored.SubscriptionIDs)}
	if len(s.subIDs) != len(s.subs) {
		s.subIDs = make([]uint32, len(s.subs))
	}
	for _, id := range stored.Received {
		if s.received == nil {
			s.received = make(map[uint16]*inflow, len(stored.Received))
		}
		s.received[id] = &inflow{state: inflowReceived}
	}
	return s, nil
}

func (st *StoredSession) expired(now time.Time) bool {
	return !st.Disconnected.IsZero() && st.Expiry != neverExpires && !now.Before(st.Disconnected.Add(time.Duration(st.Expiry)*time.Second))
}

func (s *Session) expired(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil && s.snapshot().expired(now)
}

// saveOpened makes the session durable as connected, before CONNACK says that it exists.
func (srv *Server) saveOpened(ctx context.Context, s *Session, v packet.Version, expiry uint32) error {
	if srv.cfg.Store == nil {
		if s.id == 0 {
			s.mu.Lock()
			s.id = SessionID(srv.ids.Add(1))
			s.mu.Unlock()
		}
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	s.mu.Lock()
	snap := s.snapshot()
	s.mu.Unlock()
	snap.Version, snap.Expiry, snap.Disconnected = v, expiry, time.Time{}
	type saved struct {
		id  SessionID
		err error
	}
	done := make(chan saved, 1)
	srv.submit(snap, func(id SessionID, err error) { done <- saved{id, err} })
	select {
	case r := <-done:
		if r.err != nil {
			return r.err
		}
		s.mu.Lock()
		s.id = r.id
		s.mu.Unlock()
		return nil
	case <-ctx.Done():
		// It may still be saved, as connected, although nobody will have it: say so when it is.
		srv.tasks.Go(func() {
			if r := <-done; r.err == nil {
				srv.writes.Add(1)
				srv.cfg.Store.DisconnectSession(r.id, srv.cfg.Now(), expiry, srv.stored("disconnection was not saved", s.owner, s.clientID))
			}
		})
		return ctx.Err()
	}
}

// save submits the session as it is. s.saving is held, so that snapshots arrive in the order in which they were taken.
func (srv *Server) save(s *Session, done func(SessionID, error)) {
	s.mu.Lock()
	snap := s.snapshot()
	s.mu.Unlock()
	srv.submit(snap, done)
}

func (srv *Server) submit(snap *StoredSession, done func(SessionID, error)) {
	srv.writes.Add(1)
	srv.cfg.Store.SaveSession(snap, func(id SessionID, err error) {
		defer srv.writes.Done()
		done(id, err)
	})
}

// makeRoom sees to it that the owner may have another persistent session: above the cap the longest disconnected ends. The
// right to do so is held until done is called.
func (srv *Server) makeRoom(ctx context.Context, key sessionKey) (done func(), err error) {
	done, err = srv.claim(ctx, sessionKey{owner: key.owner, room: true})
	if err != nil {
		return nil, err
	}
	list, err := srv.ownerSessions(ctx, key.owner)
	if err != nil {
		done()
		return nil, err
	}
	if len(list) < srv.cfg.MaxSessionsPerOwner {
		return done, nil
	}
	for i := range list {
		if srv.endIfAway(ctx, &list[i], false) {
			return done, nil
		}
	}
	done()
	return nil, &Refusal{Code: packet.QuotaExceeded, Reason: "too many persistent sessions, all of them connected"}
}

// ownerSessions lists persistent sessions, the longest disconnected first.
func (srv *Server) ownerSessions(ctx context.Context, owner string) ([]StoredSession, error) {
	if srv.cfg.Store != nil {
		return srv.cfg.Store.OwnerSessions(ctx, owner)
	}
	var list []StoredSession
	for _, s := range srv.Sessions(owner) {
		s.mu.Lock()
		if s.id != 0 {
			list = append(list, *s.snapshot())
		}
		s.mu.Unlock()
	}
	slices.SortFunc(list, func(a, b StoredSession) int {
		switch {
		case a.Disconnected.IsZero() != b.Disconnected.IsZero():
			if a.Disconnected.IsZero() {
				return 1
			}
			return -1
		default:
			return a.Disconnected.Compare(b.Disconnected)
		}
	})
	return list, nil
}

// endIfAway ends a session that has no connection and that nobody is opening. With expired it must also be over.
func (srv *Server) endIfAway(ctx context.Context, st *StoredSession, expired bool) bool {
	key := sessionKey{owner: st.Owner, clientID: st.ClientID}
	release, _ := srv.tryClaim(key)
	if release == nil {
		return false
	}
	defer release()
	srv.mu.Lock()
	s := srv.sessions[key]
	busy := s != nil && s.holder != nil
	srv.mu.Unlock()
	if busy {
		return false
	}
	if s != nil {
		if expired && !s.expired(srv.cfg.Now()) {
			return false
		}
		srv.end(s)
		return true
	}
	if srv.cfg.Store == nil {
		return false
	}
	now, err := srv.cfg.Store.LoadSession(ctx, st.Owner, st.ClientID) // it may have come and gone since it was listed
	if err != nil || now != nil && expired && !now.expired(srv.cfg.Now()) {
		return false
	}
	if now == nil && !expired {
		return true
	}
	id := st.ID
	if now != nil {
		id = now.ID
	}
	srv.delete(id, st.Owner, st.ClientID)
	return true
}

// end is the end of a session in memory that has no connection. The claim of its key is held.
func (srv *Server) end(s *Session) {
	srv.mu.Lock()
	srv.leave(s)
	srv.mu.Unlock()
	s.mu.Lock()
	will := s.will
	s.will = nil
	id := s.id
	s.mu.Unlock()
	if will != nil { // [MQTT-3.1.2-8]: the delay ends with the session
		srv.publishWill(s, will)
	}
	srv.delete(id, s.owner, s.clientID)
}

// delete forgets a session without a connection in the store, and tells the application.
func (srv *Server) delete(id SessionID, owner, clientID string) {
	srv.deleteStored(id, owner, clientID)
	defer func() { // nobody's connection is to blame
		if p := recover(); p != nil {
			srv.logPanic("the end of a session", owner+"/"+clientID, p)
		}
	}()
	srv.app.Ended(id, owner, clientID)
}

// deleteStored waits until the store has done so: who comes next must not find the session any more.
func (srv *Server) deleteStored(id SessionID, owner, clientID string) {
	if srv.cfg.Store == nil || id == 0 {
		return
	}
	srv.writes.Add(1)
	log := srv.stored("session was not deleted", owner, clientID)
	done := make(chan struct{})
	srv.cfg.Store.DeleteSession(id, func(err error) {
		log(err)
		close(done)
	})
	select {
	case <-done:
	case <-srv.ctx.Done():
	}
}

// stored logs that a submitted change failed.
func (srv *Server) stored(what, owner, clientID string) func(error) {
	return func(err error) {
		defer srv.writes.Done()
		if err != nil {
			srv.log.Error("mqtt: "+what, "owner", owner, "client_id", clientID, "error", err)
		}
	}
}

// detach takes the session from a connection that ends, on the connection's goroutine.
func (srv *Server) detach(c *conn, cause error) {
	s := c.s
	now := srv.cfg.Now()
	s.mu.Lock()
	s.conn = nil
	s.queue, s.queueBytes, s.full, s.drained = deque[delivery]{}, 0, false, false
	s.tidyInflight()
	s.awaySince = now
	expiry, id := s.expiry, s.id
	s.mu.Unlock()
	s.notify()

	ended := expiry == 0
	if c.will != nil && !srv.closing.Load() && !errors.Is(cause, ErrShuttingDown) {
		if delay := min(c.willDelay, expiry); delay == 0 {
			srv.publishWill(s, c.will)
		} else {
			s.mu.Lock()
			s.will, s.willDue = c.will, now.Add(time.Duration(delay)*time.Second)
			s.mu.Unlock()
		}
	}
	srv.app.Closed(s, ended, cause)
	if st := srv.cfg.Store; st != nil && id != 0 {
		if ended {
			srv.deleteStored(id, s.owner, s.clientID)
		} else {
			srv.writes.Add(1)
			st.DisconnectSession(id, now, expiry, srv.stored("disconnection was not saved", s.owner, s.clientID))
		}
	}

	srv.mu.Lock()
	s.mu.Lock()
	s.holder = nil
	switch {
	case ended, srv.cfg.Store != nil && s.inflight.len() == 0 && len(s.received) == 0 && s.will == nil:
		srv.leave(s) // the store has all there is to know
	default:
		srv.away[s] = struct{}{}
		if s.will != nil {
			srv.wills[s] = struct{}{}
		}
	}
	s.mu.Unlock()
	gone := c.gone
	srv.mu.Unlock()
	if gone != nil {
		close(gone)
	}
}

// enter puts a session into the tables. srv.mu is held.
func (srv *Server) enter(s *Session) {
	srv.sessions[sessionKey{owner: s.owner, clientID: s.clientID}] = s
	first := srv.owners[s.owner]
	s.nextOwned = first
	if first != nil {
		first.prevOwned = s
	}
	srv.owners[s.owner] = s
}

// leave takes a session out of the tables. srv.mu is held.
func (srv *Server) leave(s *Session) {
	key := sessionKey{owner: s.owner, clientID: s.clientID}
	delete(srv.away, s)
	delete(srv.wills, s)
	if srv.sessions[key] != s {
		return
	}
	delete(srv.sessions, key)
	switch {
	case s.prevOwned != nil:
		s.prevOwned.nextOwned = s.nextOwned
	case s.nextOwned != nil:
		srv.owners[s.owner] = s.nextOwned
	default:
		delete(srv.owners, s.owner)
	}
	if s.nextOwned != nil {
		s.nextOwned.prevOwned = s.prevOwned
	}
	s.nextOwned, s.prevOwned = nil, nil
}
