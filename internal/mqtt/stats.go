// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"sync/atomic"

	"parley/internal/mqtt/packet"
)

// Stats is a reading of the server's counters: totals since the start, unless they say otherwise.
type Stats struct {
	Connections      map[string]ConnectionStats // by listener: "tcp", "tls", "websocket"
	Unauthenticated  int                        // now
	Sessions         int                        // in memory now, connected or not
	PacketsIn        uint64
	MessagesIn       uint64 // PUBLISH
	MessagesOut      uint64
	BytesIn          uint64 // after decryption
	BytesOut         uint64 // before encryption
	Writes           uint64 // write system calls: messages out a write is what batching buys
	QueueFull        uint64 // Send refused
	TooLarge         uint64 // deliveries above the client's Maximum Packet Size
	SlowReaders      uint64 // closed because they took nothing
	KeepAliveTimeout uint64
	Takeovers        uint64
	Turned           uint64                       // connections closed at once: too many, or too many without CONNECT
	Refused          map[packet.ReasonCode]uint64 // CONNECT, by reason
	Disconnected     map[packet.ReasonCode]uint64 // DISCONNECT sent, by reason
}

// ConnectionStats counts the connections of one kind of listener.
type ConnectionStats struct {
	Open  int // now
	Total uint64
}

type counters struct {
	open                                                    [listenerKinds]atomic.Int64
	total                                                   [listenerKinds]atomic.Uint64
	packetsIn, messagesIn, messagesOut, bytesIn, bytesOut   atomic.Uint64
	writes, queueFull, tooLarge, slow, keepAlive, takeovers atomic.Uint64
	turned                                                  atomic.Uint64
	refused, disconnects                                    [256]atomic.Uint64
}

// Stats reads the counters. They are not read at one instant.
func (srv *Server) Stats() Stats {
	t := &srv.stats
	st := Stats{
		Connections:      map[string]ConnectionStats{},
		Unauthenticated:  int(srv.unauthenticated.Load()),
		PacketsIn:        t.packetsIn.Load(),
		MessagesIn:       t.messagesIn.Load(),
		MessagesOut:      t.messagesOut.Load(),
		BytesIn:          t.bytesIn.Load(),
		BytesOut:         t.bytesOut.Load(),
		Writes:           t.writes.Load(),
		QueueFull:        t.queueFull.Load(),
		TooLarge:         t.tooLarge.Load(),
		SlowReaders:      t.slow.Load(),
		KeepAliveTimeout: t.keepAlive.Load(),
		Takeovers:        t.takeovers.Load(),
		Turned:           t.turned.Load(),
		Refused:          map[packet.ReasonCode]uint64{},
		Disconnected:     map[packet.ReasonCode]uint64{},
	}
	for k := range listenerKinds {
		st.Connections[k.String()] = ConnectionStats{Open: int(t.open[k].Load()), Total: t.total[k].Load()}
	}
	for code := range t.refused {
		if n := t.refused[code].Load(); n > 0 {
			st.Refused[packet.ReasonCode(code)] = n
		}
		if n := t.disconnects[code].Load(); n > 0 {
			st.Disconnected[packet.ReasonCode(code)] = n
		}
	}
	srv.mu.Lock()
	st.Sessions = len(srv.sessions)
	srv.mu.Unlock()
	return st
}
