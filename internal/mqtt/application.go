// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"net"
	"time"

	"parley/internal/mqtt/packet"
)

// Application is what a Server serves: it decides who may connect, what a PUBLISH does, what a session may subscribe to
// and what it is sent. The server knows the protocol, the application knows the meaning.
//
// Publish, Subscribe and Unsubscribe are called on the connection's own goroutine in packet order and must not block;
// Connect and Reauthenticate may. Acked and Drained may be called on any goroutine, with none of the session's locks held.
type Application interface {
	// Connect authenticates a CONNECT that the protocol finds no fault with, before any session is touched. A *Refusal
	// says which reason code the client hears; any other error is answered ServerUnavailable and logged.
	Connect(ctx context.Context, req *ConnectRequest) (*Grant, error)

	// Reauthenticate answers an AUTH packet of a live MQTT 5 connection (section 4.12). The grant must name the same owner.
	Reauthenticate(ctx context.Context, s *Session, method string, data []byte) (*Grant, error)

	// Opened says that s has a connection; CONNACK has been queued and whatever is sent now follows it. A resumed session
	// has its subscriptions already (s.Subscriptions).
	Opened(s *Session, resumed bool)

	// Publish handles one PUBLISH, or the will of a session that may have no connection any more. p and its byte slices are
	// valid during the call only. The outcome goes to a, exactly
	// once, during the call or later from any goroutine. Order of acknowledgements is the server's business.
	Publish(s *Session, p *packet.Publish, a *Ack)

	// Subscribe decides about the filters of one SUBSCRIBE and calls done exactly once, during the call or later, with
	// one code for each: the granted QoS or a refusal. Filters granted are then part of the session and, for a session
	// that outlives its connection, durable before SUBACK leaves. Anything sent before done goes out before SUBACK.
	Subscribe(s *Session, sub *packet.Subscribe, done func(codes []packet.ReasonCode))

	// Unsubscribed says that these filters were dropped from the session.
	Unsubscribed(s *Session, filters []string)

	// Acked says that the client has acknowledged m (QoS 1). Calls for one session come in the order of sending.
	Acked(s *Session, m *Message)

	// Drained says that a session whose Send had returned false has room again.
	Drained(s *Session)

	// Closed says that s has lost its connection (cause nil after a DISCONNECT by the client). With ended, the session
	// itself is over (it had no expiry interval); otherwise it waits for its owner and Send stores nothing for it. What was
	// queued and not sent is gone; what was sent and not acknowledged is sent again by itself (Session.Unacknowledged).
	Closed(s *Session, ended bool, cause error)

	// Ended says that a session without a connection is over: expired, or replaced by a clean start.
	Ended(id SessionID, owner, clientID string)
}

// ConnectRequest is what a client says of itself, with what the connection shows.
type ConnectRequest struct {
	Packet         *packet.Connect // an application that ignores the will sets it to nil
	RemoteAddr     net.Addr        // of the client; behind a trusted proxy what the proxy said
	Listener       string          // "tcp", "tls" or "websocket"
	PeerCertSHA256 []byte          // fingerprint of a verified-to-be-held client certificate, nil without
}

// Grant is a successful authentication.
type Grant struct {
	Owner     string                     // namespace of the client id: sessions belong to (owner, client id)
	Expires   time.Time                  // the connection is closed with NotAuthorized then; zero never
	Value     any                        // the application's own; Session.Value returns it
	Response  []byte                     // authentication data for CONNACK or AUTH, MQTT 5
	CheckWill func(w *packet.Will) error // may refuse the will (nil accepts all); Connect may refuse it itself, too
}

// Refusal is an error that tells the client why, with its reason code.
type Refusal struct {
	Code   packet.ReasonCode
	Reason string
}

func (r *Refusal) Error() string { return r.Reason }

// Message is an application message on its way to clients. One Message serves every session that it is sent to; it must not be changed afterwards.
type Message struct {
	Payload    []byte
	Properties []byte // encoded MQTT 5 properties (packet.AppendProperties), the same for every receiver; not sent on 3.1.1
	// Smaller returns what is sent instead to a client whose Maximum Packet Size the message exceeds; nil, or a result
	// that is too large as well, drops the message for that client.
	Smaller func() *Message
	// Ahead goes ahead of the message, at QoS 0, when a reconnect sends it again: it went ahead of it by itself the first time
	// (Session.Reply), and may have been lost with the connection. nil: nothing does.
	Ahead *Message
	// Revoked returns what is sent instead of an answer that Drop takes back: whoever asked is owed one still. With nil nothing
	// is sent, as with deliveries.
	Revoked func() *Message
	// Tag is the application's own: it finds it again in Acked and Drop.
	Tag any
}

// SessionID names a persistent session in the store; 0 is a session that ends with its connection.
type SessionID int64

// SessionStore keeps sessions that outlive their connections. Changes are submitted and become durable in the order of the
// calls; done (which may be nil) is called once they are, or could not be made so, on any goroutine.
type SessionStore interface {
	// A store that is opened counts the sessions that it finds connected as disconnected from then on.

	// LoadSession finds an unexpired session with its subscriptions and the inbound QoS 2 packet ids received but not released; nil without.
	LoadSession(ctx context.Context, owner, clientID string) (*StoredSession, error)
	// SaveSession creates or updates the session (not its Received), and gives its id.
	SaveSession(s *StoredSession, done func(SessionID, error))
	// DisconnectSession sets when the session expires, counted from now.
	DisconnectSession(id SessionID, at time.Time, expiry uint32, done func(error))
	// DeleteSession ends a session and forgets all that belongs to it.
	DeleteSession(id SessionID, done func(error))
	// ReleasePacketID forgets an inbound QoS 2 packet id, at PUBREL. PUBCOMP leaves after done.
	ReleasePacketID(id SessionID, packetID uint16, done func(error))
	// ExpiredSessions lists up to limit sessions without a connection whose time was up at now.
	ExpiredSessions(ctx context.Context, now time.Time, limit int) ([]StoredSession, error)
	// OwnerSessions lists the owner's sessions, the longest disconnected first: the cap of sessions per owner ends the first.
	OwnerSessions(ctx context.Context, owner string) ([]StoredSession, error)
}

// StoredSession is a session as the store keeps it.
type StoredSession struct {
	ID              SessionID
	Owner           string
	ClientID        string
	Version         packet.Version
	Expiry          uint32    // seconds after the disconnection; 0xFFFFFFFF never
	Disconnected    time.Time // zero while connected
	Subscriptions   []packet.Subscription
	SubscriptionIDs []uint32 // parallel to Subscriptions; 0 without
	Received        []uint16 // QoS 2 packet ids stored with their messages, awaiting PUBREL
}
