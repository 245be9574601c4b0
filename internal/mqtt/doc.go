// SPDX-License-Identifier: Apache-2.0

// Package mqtt is a server for MQTT 3.1.1 and 5.0 over TCP, TLS and WebSocket. It knows the protocol (connections, sessions, flow
// control, wills, keep alive, refusals) and nothing of what is said: an Application decides who may connect, what a PUBLISH
// does, what may be subscribed to and what a session is sent. There is no topic space in it; a chat server, or a general broker,
// is an Application.
//
// # Use
//
//	srv, err := mqtt.NewServer(mqtt.Config{Store: store}, app)
//	go srv.Serve(tcpListener)
//	go srv.ServeTLS(tlsListener, tlsConfig)
//	mux.Handle("/mqtt", srv.WebSocket())   // wss: serve http on mqtt.NewTLSListener
//	...
//	srv.Shutdown(ctx)
//
// The Application gets a *Session for each client and sends through it (Session.Send, Session.Reply). It completes each PUBLISH
// through an *Ack, at once or later: many may be outstanding, they are acknowledged in the order of arrival.
//
// # Guarantees
//
//   - Nobody waits for a socket. Sending queues a pointer; a full queue is refused (Session.Send) and reported when there
//     is room again (Application.Drained). What a socket does not take waits with its connection, which is closed when it takes
//     nothing for Config.WriteTimeout.
//   - Between Cork and Uncork sessions only gather; then each is written once.
//   - Deliveries of QoS 1 are sent again after a reconnect, in order, with the same packet id and DUP, before anything new;
//     Acked is called in the order of sending. Deliveries of QoS 2 are sent as QoS 1.
//   - What has been revoked by Session.Drop is not sent any more, unless its first byte is on the socket already (over TLS: unless
//     it has been encrypted, at most one record of 16 KiB).
//   - A PUBLISH of QoS 2 reaches the Application once in one session, through lost connections, and with a SessionStore and
//     Ack.Origin through a crash.
//   - Bounded memory for each connection: packets are measured before they are read, and grow as they arrive; outstanding requests,
//     unread acknowledgements and queues are limited. Beyond the limit reading stops, though pings and acknowledgements are
//     still heard for a while.
//   - A fault in one connection, a panic included, ends that connection.
//
// # How it works
//
// Each connection has one goroutine, which reads. On a plain socket it waits for readiness and holds no buffer meanwhile;
// with TLS, or where there is no readiness, it blocks in a read of 1 KiB. The goroutine decodes in place, calls the Application,
// and at the end of what one read gave writes what that has caused.
//
// Output is encoded by the writer only, straight from the queues into a pooled buffer, and goes out in one non-blocking
// write: first control packets with the replies among them, then what a reconnect sends again, then the queue as far as the
// client's Receive Maximum allows. Only packets of which the kernel has taken a byte are taken from their queues. Whoever
// finds the connection's flushing flag clear is the writer: its own goroutine, or one of a few flush workers, which serve the
// list of connections with output. When the socket is full the flag passes to a goroutine of that connection, which waits.
//
// A sweep once a second applies keep alive, timeouts, delayed wills and expiry to all; there are no timers for each.
//
// # Locks
//
// In this order, and no application callback is called while one is held, except Message.Smaller and the function given to
// Drop and Unacknowledged:
//
//  1. the claim of a session's key (Server.claim): the right to open or end it; held while the store and a former connection
//     are waited for. The claim to make room among an owner's sessions comes after it, and other keys are only tried under it.
//  2. Session.saving: the order of snapshots on their way to the store.
//  3. Server.mu: the tables of sessions.
//  4. Session.mu: everything of a session and its connection that changes. Never held in a system call.
//  5. leaves: flusher.mu, Server.connsMu, tlsPipe.mu.
package mqtt
