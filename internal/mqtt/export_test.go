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
