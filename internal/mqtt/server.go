// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/mqtt/packet"
)

// ErrServerClosed is what Serve returns after Shutdown.
var ErrServerClosed = errors.New("mqtt: server closed")

// Server serves MQTT. See the package comment for how its parts work together.
type Server struct {
	cfg  Config
	app  Application
	log  *slog.Logger
	ctx  context.Context // ends with the server
	stop context.CancelFunc

	tick            atomic.Uint32 // seconds since the start, roughly: counted by the sweep
	unauthenticated atomic.Int64
	closing         atomic.Bool
	expiring        atomic.Bool
	ids             atomic.Int64 // of sessions, without a store
	stats           counters
	flusher         flusher

	connsMu   sync.Mutex // a leaf
	conns     []*conn
	listeners map[net.Listener]struct{}

	mu       sync.Mutex // before Session.mu
	sessions map[sessionKey]*Session
	owners   map[string]*Session // first of the owner's, linked
	away     map[*Session]struct{}
	wills    map[*Session]struct{}
	claims   map[sessionKey]chan struct{}

	live    sync.WaitGroup // connections
	writers sync.WaitGroup // goroutines that wait for a full socket
	tasks   sync.WaitGroup // the sweep, and what it starts
	writes  sync.WaitGroup // submitted to the store, not done
}

// NewServer makes a server for app. It runs until Shutdown.
func NewServer(cfg Config, app Application) (*Server, error) {
	srv, err := newServer(cfg, app)
	if err != nil {
		return nil, err
	}
	srv.tasks.Go(srv.sweepForever)
	return srv, nil
}

func newServer(cfg Config, app Application) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	srv := &Server{
		cfg: cfg, app: app, log: cfg.Logger,
		listeners: map[net.Listener]struct{}{},
		sessions:  map[sessionKey]*Session{},
		owners:    map[string]*Session{},
		away:      map[*Session]struct{}{},
		wills:     map[*Session]struct{}{},
		claims:    map[sessionKey]chan struct{}{},
	}
	srv.ctx, srv.stop = context.WithCancel(context.Background())
	srv.tick.Store(1)
	srv.flusher.start(cfg.FlushWorkers)
	return srv, nil
}

// Serve accepts MQTT connections on l until Shutdown, then returns ErrServerClosed.
func (srv *Server) Serve(l net.Listener) error { return srv.serve(l, tcpListener) }

// ServeTLS accepts MQTT connections over TLS.
func (srv *Server) ServeTLS(l net.Listener, cfg *tls.Config) error {
	return srv.serve(NewTLSListener(l, cfg), tlsListenerKind)
}

func (srv *Server) serve(l net.Listener, kind listenerKind) error {
	srv.connsMu.Lock()
	if srv.closing.Load() {
		srv.connsMu.Unlock()
		_ = l.Close()
		return ErrServerClosed
	}
	srv.listeners[l] = struct{}{}
	srv.connsMu.Unlock()
	delay := time.Duration(0)
	for {
		nc, err := l.Accept()
		if err != nil {
			if srv.closing.Load() {
				return ErrServerClosed
			}
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			// Out of file descriptors, most likely: it passes.
			delay = min(max(2*delay, 5*time.Millisecond), time.Second)
			srv.log.Error("mqtt: accepting a connection", "listener", kind.String(), "error", err, "retry_in", delay)
			select {
			case <-time.After(delay):
				continue
			case <-srv.ctx.Done():
				return ErrServerClosed
			}
		}
		delay = 0
		if !srv.admit() {
			_ = nc.Close()
			continue
		}
		srv.start(srv.newConn(nc, kind, nc.RemoteAddr()))
	}
}

// admit decides whether another connection is taken, and counts it among those without CONNECT.
func (srv *Server) admit() bool {
	if n := srv.cfg.MaxConnections; n > 0 {
		srv.connsMu.Lock()
		full := len(srv.conns) >= n
		srv.connsMu.Unlock()
		if full {
			srv.stats.turned.Add(1)
			return false
		}
	}
	if srv.unauthenticated.Add(1) > int64(srv.cfg.MaxUnauthenticated) {
		srv.unauthenticated.Add(-1)
		srv.stats.turned.Add(1)
		return false
	}
	return true
}

// start lets an admitted connection live.
func (srv *Server) start(c *conn) {
	srv.connsMu.Lock()
	if srv.closing.Load() {
		srv.connsMu.Unlock()
		srv.unauthenticated.Add(-1)
		c.sock.close()
		return
	}
	c.index = len(srv.conns)
	srv.conns = append(srv.conns, c)
	srv.live.Add(1)
	srv.connsMu.Unlock()
	srv.stats.open[c.listener].Add(1)
	srv.stats.total[c.listener].Add(1)
	go c.serve()
}

// remove forgets a connection at its very end.
func (srv *Server) remove(c *conn) {
	srv.connsMu.Lock()
	last := len(srv.conns) - 1
	srv.conns[c.index] = srv.conns[last]
	srv.conns[c.index].index = c.index
	srv.conns[last] = nil
	srv.conns = srv.conns[:last]
	srv.connsMu.Unlock()
	srv.stats.open[c.listener].Add(-1)
	srv.live.Done()
}

func (srv *Server) connections() []*conn {
	srv.connsMu.Lock()
	defer srv.connsMu.Unlock()
	return append([]*conn(nil), srv.conns...)
}

// Cork holds back the flushing of sessions until Uncork, so that a batch of messages leaves in one write for each session.
// Calls nest. What a client's own packets cause waits too; keep it short.
func (srv *Server) Cork() { srv.flusher.cork() }

// Uncork undoes one Cork.
func (srv *Server) Uncork() { srv.flusher.uncork() }

// Sessions lists the owner's sessions in memory, connected or not.
func (srv *Server) Sessions(owner string) []*Session {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	var list []*Session
	for s := srv.owners[owner]; s != nil; s = s.nextOwned {
		list = append(list, s)
	}
	return list
}

// Disconnect closes the owner's connections, but for those that keep (which may be nil) wants to keep.
func (srv *Server) Disconnect(owner string, code packet.ReasonCode, reason string, keep func(*Session) bool) {
	for _, s := range srv.Sessions(owner) {
		if keep == nil || !keep(s) {
			s.Close(code, reason)
		}
	}
}

// Shutdown ends the server in good order: no new connections, no new requests; outstanding requests are acknowledged; MQTT 5 clients
// hear ServerShuttingDown. Sessions stay, wills are not published. When ctx ends first the rest is cut off, and its error
// is returned.
func (srv *Server) Shutdown(ctx context.Context) error {
	srv.connsMu.Lock()
	if srv.closing.Swap(true) {
		srv.connsMu.Unlock()
		return ErrServerClosed
	}
	for l := range srv.listeners {
		_ = l.Close()
	}
	srv.connsMu.Unlock()
	for _, c := range srv.connections() {
		c.drainAndClose()
	}
	err := wait(ctx, &srv.live)
	if err != nil {
		srv.stop()
		for _, c := range srv.connections() {
			c.abandon()
		}
		srv.live.Wait()
	}
	srv.stop()
	srv.flusher.close()
	srv.writers.Wait()
	srv.tasks.Wait()
	if e := wait(ctx, &srv.writes); err == nil {
		err = e
	}
	return err
}

// drainAndClose asks a connection to end when its outstanding requests are done.
func (c *conn) drainAndClose() {
	if !c.attached.Load() {
		c.sock.close()
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.draining = true
	if !c.closing {
		c.wake()
	}
}

// abandon ends a connection whatever is outstanding.
func (c *conn) abandon() {
	if c.attached.Load() {
		c.s.mu.Lock()
		c.closeLocked(packet.Success, "", ErrShuttingDown)
		c.s.mu.Unlock()
	}
	c.sock.close()
}

func wait(ctx context.Context, group *sync.WaitGroup) error {
	done := make(chan struct{})
	go func() {
		group.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
