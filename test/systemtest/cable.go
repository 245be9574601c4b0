// SPDX-License-Identifier: Apache-2.0

package systemtest

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Cable is a way to a server that keeps its address when the server gets another one, and that can be cut.
type Cable struct {
	Addr string

	mu     sync.Mutex
	server string
	off    bool
	conns  map[net.Conn]bool
}

// NewCable lays one to the server's address. It is gone when the test ends.
func NewCable(t testing.TB, server string) *Cable {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	k := &Cable{Addr: l.Addr().String(), server: server, conns: map[net.Conn]bool{}}
	t.Cleanup(func() {
		_ = l.Close()
		k.Cut()
	})
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go k.carry(c)
		}
	}()
	return k
}

func (k *Cable) carry(c net.Conn) {
	defer c.Close()
	k.mu.Lock()
	server := k.server
	k.mu.Unlock()
	s, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer s.Close()
	k.mu.Lock()
	cut := k.off || k.server != server
	if !cut {
		k.conns[c], k.conns[s] = true, true
	}
	k.mu.Unlock()
	if cut {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(s, c)
		_ = s.Close()
	}()
	_, _ = io.Copy(c, s)
	_ = c.Close()
	<-done
	k.mu.Lock()
	delete(k.conns, c)
	delete(k.conns, s)
	k.mu.Unlock()
}

// Cut ends all connections and lets none through until Mend or To.
func (k *Cable) Cut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.off = true
	k.end()
}

// Mend lets connections through again.
func (k *Cable) Mend() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.off = false
}

// To leads to another server from now on, and ends the connections to the former one.
func (k *Cable) To(server string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.server, k.off = server, false
	k.end()
}

func (k *Cable) end() {
	for c := range k.conns {
		_ = c.Close()
	}
}
