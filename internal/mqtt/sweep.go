// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"slices"
	"time"

	"parley/internal/mqtt/packet"
)

// sweepForever looks at every connection once a second, which costs less than a timer or a deadline for each.
func (srv *Server) sweepForever() {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	var conns []*conn
	for {
		select {
		case <-ticker.C:
			conns = srv.sweep(conns)
		case <-srv.ctx.Done():
			return
		}
	}
}

// sweep is one second's round: timeouts, wills that are due, sessions that have expired. It takes and gives back room for the list.
func (srv *Server) sweep(conns []*conn) []*conn {
	tick := srv.tick.Add(1)
	now := srv.cfg.Now()
	srv.connsMu.Lock()
	conns = append(conns[:0], srv.conns...)
	srv.connsMu.Unlock()
	for i, c := range conns {
		c.check(tick, now.Unix(), (tick+uint32(i))%8 == 0)
	}
	clear(conns)
	if !srv.closing.Load() {
		srv.publishDueWills(now)
		if tick%expirySweepEvery == 0 {
			srv.expire(now)
		}
	}
	return conns
}

// check applies the timeouts to one connection.
func (c *conn) check(tick uint32, now int64, shrink bool) {
	if d := c.deadline.Load(); d != 0 && tick >= d {
		c.sock.close()
		return
	}
	if !c.attached.Load() {
		return
	}
	if since := c.blocked.Load(); since != 0 && tick-since >= seconds(c.srv.cfg.WriteTimeout) {
		if c.shut(packet.Success, "", ErrSlowReader) {
			c.srv.stats.slow.Add(1)
		}
		c.sock.close()
		return
	}
	if limit := c.keepAlive.Load(); limit != 0 && !c.stopped.Load() && tick-c.lastRead.Load() > limit {
		if c.shut(packet.KeepAliveTimeout, "nothing heard for one and a half times the keep alive", ErrKeepAlive) {
			c.srv.stats.keepAlive.Add(1)
		}
	}
	if at := c.expires.Load(); at != 0 && now >= at {
		c.expires.Store(0)
		c.shut(packet.NotAuthorized, "the authentication has expired",
			&packet.Error{Code: packet.NotAuthorized, Reason: "authentication expired"})
	}
	if c.quiet(tick) {
		c.rest()
	}
	if shrink {
		c.shrink()
	}
}

// quietAfter is for how many ticks a client says nothing before its connection goes on on a small stack. Who talks keeps the large
// one: a goroutine for each packet would grow its stack each time.
const quietAfter = 3

// quiet tells whether the connection waits, and has done for a while, on a stack that is larger than waiting needs.
func (c *conn) quiet(tick uint32) bool {
	return c.grown.Load() && c.sock.readiness() && tick-c.lastRead.Load() >= quietAfter
}

// rest has a quiet connection go on in another goroutine.
func (c *conn) rest() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if !c.closing && c.resume == nil {
		c.wake()
	}
}

// shut asks the connection to end; false says that it is ending already.
func (c *conn) shut(code packet.ReasonCode, reason string, cause error) bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closing {
		return false
	}
	c.closeLocked(code, reason, cause)
	return true
}

// shrink gives back the memory of queues that are empty.
func (c *conn) shrink() {
	s := c.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.flushing || s.conn != c {
		return
	}
	s.queue.shrink()
	s.inflight.shrink()
	if len(s.acked) == 0 && !s.notifying {
		s.acked = nil
	}
	if len(c.ctl) == 0 {
		c.ctl = nil
	}
	if len(c.frames) == 0 {
		c.frames = nil
	}
	if len(s.received) == 0 {
		s.received = nil
	}
}

// expire ends sessions whose time is up, on a goroutine of its own: it waits for the store.
func (srv *Server) expire(now time.Time) {
	if srv.expiring.Swap(true) {
		return
	}
	srv.tasks.Go(func() {
		defer srv.expiring.Store(false)
		ctx, cancel := context.WithTimeout(srv.ctx, 30*time.Second)
		defer cancel()
		for _, st := range srv.expired(ctx, now) {
			srv.endIfAway(ctx, &st, true)
		}
	})
}

// expired lists sessions whose time was up at now, in memory and in the store.
func (srv *Server) expired(ctx context.Context, now time.Time) []StoredSession {
	var over []StoredSession
	srv.mu.Lock()
	for s := range srv.away {
		s.mu.Lock()
		if st := s.snapshot(); st.expired(now) {
			over = append(over, *st)
		}
		s.mu.Unlock()
	}
	srv.mu.Unlock()
	if srv.cfg.Store == nil {
		return over
	}
	stored, err := srv.cfg.Store.ExpiredSessions(ctx, now, expirySweepBatch)
	if err != nil && ctx.Err() == nil {
		srv.log.Error("mqtt: expired sessions were not found", "error", err)
	}
	for _, st := range stored {
		if !slices.ContainsFunc(over, func(o StoredSession) bool { return o.ID == st.ID }) {
			over = append(over, st)
		}
	}
	return over
}
