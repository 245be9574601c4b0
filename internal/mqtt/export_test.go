// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"net"
	"net/netip"
)

// NewUnswept makes a server whose seconds pass by Sweep only.
func NewUnswept(cfg Config, app Application) (*Server, error) { return newServer(cfg, app) }

// Sweep lets n seconds pass.
func (srv *Server) Sweep(n int) {
	for range n {
		srv.sweep(nil)
	}
	for srv.expiring.Load() { // what the sweep has started; ends at once with stores that answer at once
	}
}

// Feed runs one connection over nc, as Serve does.
func (srv *Server) Feed(nc net.Conn) {
	if srv.admit() {
		srv.start(srv.newConn(nc, tcpListener, net.TCPAddrFromAddrPort(netip.AddrPort{})))
	}
}

// FlushWaiting counts connections whose output waits for their socket.
func (srv *Server) FlushWaiting() int {
	n := 0
	for _, c := range srv.connections() {
		if c.attached.Load() && c.blocked.Load() != 0 {
			n++
		}
	}
	return n
}

// Backlog is the number of control bytes and reply bytes that wait for a client.
func (s *Session) Backlog() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return 0
	}
	return s.conn.backlog()
}

// Paused tells whether the connection has stopped taking requests.
func (s *Session) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil && s.conn.paused
}

// InMemory counts sessions in the tables.
func (srv *Server) InMemory() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	return len(srv.sessions)
}

// Detaching counts sessions that have lost their connection and are still being taken from it.
func (srv *Server) Detaching() int {
	srv.mu.Lock()
	defer srv.mu.Unlock()
	n := 0
	for _, s := range srv.sessions {
		s.mu.Lock()
		if s.holder != nil && s.conn == nil {
			n++
		}
		s.mu.Unlock()
	}
	return n
}

// WriteThrough takes the role of the writer of s's connection: w gets what would go to the socket, until nothing is left or
// w says that it is full.
func (s *Session) WriteThrough(w func(b []byte) (n int, full bool)) {
	s.mu.Lock()
	s.conn.write(func(b []byte) (int, bool, error) {
		n, full := w(b)
		return n, full, nil
	})
	s.mu.Unlock()
	s.notify()
}

// HoldWriter keeps everybody else from writing to s's connection, once nobody does.
func (s *Session) HoldWriter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.conn
	if c.flushing || c.dirty || c.inRun || c.hasOutput() {
		return false
	}
	c.flushing = true
	return true
}

// Acknowledge is a PUBACK from the client.
func (s *Session) Acknowledge(id uint16) {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	s.acknowledge(c, id)
	s.notify()
}

// Flushed tells that no flush worker has anything to write.
func (srv *Server) Flushed() bool {
	f := &srv.flusher
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.waiting == f.workers && f.head == len(f.list)
}

// LargeStacks counts connections whose goroutine has handled packets that need a larger stack.
func (srv *Server) LargeStacks() int {
	n := 0
	for _, c := range srv.connections() {
		if c.grown.Load() {
			n++
		}
	}
	return n
}
