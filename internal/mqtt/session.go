// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"slices"
	"sync"
	"time"

	"parley/internal/mqtt/packet"
)

// Session is what the server keeps of one client: (owner, client id). It outlives its connections while it is persistent,
// and while it is in memory it stays the same *Session. Its methods may be called from any goroutine.
type Session struct {
	srv      *Server
	owner    string
	clientID string

	saving sync.Mutex // orders snapshots of the subscriptions on their way to the store; before mu

	mu         sync.Mutex
	id         SessionID
	value      any
	version    packet.Version
	expiry     uint32 // seconds
	persistent bool   // expiry is above 0 while connected; stays when DISCONNECT sets it to 0, for the store to be told
	conn       *conn  // nil while away
	subs       []packet.Subscription
	subIDs     []uint32  // parallel to subs
	awaySince  time.Time // zero while connected

	// Deliveries, see outbound.go.
	queue      deque[delivery]
	queueBytes int
	full       bool // Send has refused
	inflight   deque[delivery]
	sent       int    // of inflight: sent on this connection; the others are to be sent again
	nextID     uint16 // the last packet id given
	acked      []*Message
	drained    bool
	notifying  bool

	received map[uint16]*inflow // inbound QoS 2, see qos2.go

	will      *packet.Will // waits for its delay, see will.go
	willDue   time.Time
	holder    *conn    // has the session, or is still being taken from it; Server.mu
	nextOwned *Session // Server.mu
	prevOwned *Session
}

// ID names the session in the store; 0 when it ends with its connection.
func (s *Session) ID() SessionID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.id
}

// Owner is the namespace of the client id, as granted.
func (s *Session) Owner() string { return s.owner }

// ClientID is the client identifier, the client's own or the one assigned.
func (s *Session) ClientID() string { return s.clientID }

// Version is the protocol of the present or latest connection.
func (s *Session) Version() packet.Version {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.version
}

// Persistent tells whether the session outlives its connection.
func (s *Session) Persistent() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.persistent && s.expiry > 0
}

// Connected tells whether the session has a connection.
func (s *Session) Connected() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn != nil
}

// Value is the application's own: of the grant, or set since.
func (s *Session) Value() any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.value
}

// SetValue replaces the application's own value.
func (s *Session) SetValue(v any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.value = v
}

// Subscriptions is a copy of the session's subscriptions, with the QoS granted.
func (s *Session) Subscriptions() []packet.Subscription {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subs)
}

// SubscriptionIDs is parallel to Subscriptions; 0 without an identifier.
func (s *Session) SubscriptionIDs() []uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.subIDs)
}

// RequestProblemInfo is false when the client wants no reason strings.
func (s *Session) RequestProblemInfo() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conn == nil || s.conn.problems
}

// MaxPacketSize is the largest packet, in bytes, that the client takes; 0 means any.
func (s *Session) MaxPacketSize() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return 0
	}
	return uint32(s.conn.maxPacket)
}

// RemoteAddr is the address of the client's present connection, "" without one.
func (s *Session) RemoteAddr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil || s.conn.remote == nil {
		return ""
	}
	return s.conn.remote.String()
}

// Close ends the connection, on MQTT 5 with a DISCONNECT. The session stays if it is persistent.
func (s *Session) Close(code packet.ReasonCode, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		s.conn.closeLocked(code, reason, &packet.Error{Code: code, Reason: reason})
	}
}

// subscribe adds or replaces a subscription [MQTT-3.8.4-3] and tells whether that changed anything. mu is held.
func (s *Session) subscribe(sub packet.Subscription, id uint32) bool {
	for i := range s.subs {
		if s.subs[i].Filter == sub.Filter {
			same := s.subs[i] == sub && s.subIDs[i] == id
			s.subs[i], s.subIDs[i] = sub, id
			return !same
		}
	}
	s.subs = append(s.subs, sub)
	s.subIDs = append(s.subIDs, id)
	return true
}

// unsubscribe drops a subscription and tells whether there was one. mu is held.
func (s *Session) unsubscribe(filter string) bool {
	for i := range s.subs {
		if s.subs[i].Filter == filter {
			s.subs = slices.Delete(s.subs, i, i+1)
			s.subIDs = slices.Delete(s.subIDs, i, i+1)
			return true
		}
	}
	return false
}

// snapshot is the session as the store keeps it. mu is held.
func (s *Session) snapshot() *StoredSession {
	return &StoredSession{
		ID: s.id, Owner: s.owner, ClientID: s.clientID, Version: s.version, Expiry: s.expiry, Disconnected: s.awaySince,
		Subscriptions: slices.Clone(s.subs), SubscriptionIDs: slices.Clone(s.subIDs),
	}
}
