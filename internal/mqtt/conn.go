// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime/debug"
	"sync/atomic"
	"time"

	"parley/internal/mqtt/packet"
)

// conn is one network connection. Its goroutine reads, and alone takes it apart in the end; others only ask for that
// (closeLocked). Fields below "guarded" belong to the lock of its session, the others to the goroutine, or are atomic.
type conn struct {
	srv      *Server
	sock     *socket
	ws       *deframer // nil without WebSocket
	remote   net.Addr
	listener listenerKind
	index    int // in Server.conns, under its lock

	lastRead  atomic.Uint32 // tick
	grown     atomic.Bool   // the goroutine has handled packets that need a larger stack
	keepAlive atomic.Uint32 // ticks that may pass without a byte from the client; 0 any
	blocked   atomic.Uint32 // tick since which the socket has taken no byte of what waits; 0 nothing waits
	deadline  atomic.Uint32 // tick at which the socket is closed whatever happens; 0 never
	stopped   atomic.Bool   // nothing is being read, by our own will: the keep alive is suspended
	expires   atomic.Int64  // Unix seconds; 0 never
	attached  atomic.Bool   // s is set

	s          *Session // set at CONNECT
	version    packet.Version
	maxPacket  int  // bytes the client takes; 0 any
	maxSend    int  // deliveries in flight
	problems   bool // Request Problem Information
	authMethod string
	will       *packet.Will
	willDelay  uint32
	goodbye    bool // the client said DISCONNECT

	in      *inbuf
	stash   []byte // bytes of an incomplete packet while no buffer is held
	stashW  int
	small   []byte // of blocking reads
	ready   func(fd uintptr) bool
	readErr error
	ahead   int  // while paused: bytes behind in.r that have been looked through
	eof     bool // the client has said all, and some of it is held
	held    bool // complete packets wait for the end of a pause
	aliases []string

	// Guarded by s.mu.
	closing  bool
	linger   bool  // the peer should read our last words
	last     bool  // nothing more will be said
	cause    error // why it ends
	draining bool  // server shutdown: no more requests, outstanding ones end
	paused   bool
	inRun    bool          // packets are being handled; their output is written at the end of the run
	resume   chan struct{} // wakes the goroutine when it does not read
	gone     chan struct{} // closed when the session is free, made by who waits
	dirty    bool          // on the flusher's list
	flushing bool          // somebody writes
	dead     bool          // writing has failed
	partial  []byte        // rest of a packet of which the kernel has taken the beginning
	ctl      []byte        // encoded control packets
	frames   []byte        // WebSocket control frames
	replies  []reply       // messages that go between them
	replyLen int           // bytes of their payloads
	pinged   bool          // the packets of this run were pings
	heldLen  int           // bytes of replies whose acknowledgement waits for an earlier one
	head     *Ack          // PUBLISH packets in order of arrival, until acknowledged
	tail     *Ack
	slots    int
	slotLen  int // bytes of their payloads
	quota    int // QoS 1 and 2 packets the client counts as unacknowledged
	deciding int // SUBSCRIBE packets that the application has not answered
	subs     int // SUBSCRIBE and UNSUBSCRIBE under way
}

type listenerKind byte

const (
	tcpListener listenerKind = iota
	tlsListenerKind
	webSocketListener
	listenerKinds
)

func (k listenerKind) String() string { return [...]string{"tcp", "tls", "websocket"}[k] }

var (
	errClosing  = errors.New("mqtt: the connection is being closed")
	errInternal = errors.New("mqtt: internal error")
	errNotFirst = errors.New("mqtt: the first packet is not CONNECT")
)

// Why a connection ended, as Application.Closed hears it. io.EOF and network errors say that the client went away.
var (
	ErrKeepAlive    = errors.New("mqtt: nothing heard within the keep alive")
	ErrSlowReader   = errors.New("mqtt: the client took no byte for too long")
	ErrTakenOver    = errors.New("mqtt: the session was taken over")
	ErrShuttingDown = errors.New("mqtt: the server is shutting down")
)

func (srv *Server) newConn(nc net.Conn, kind listenerKind, remote net.Addr) *conn {
	c := &conn{srv: srv, sock: newSocket(nc), remote: remote, listener: kind}
	c.ready = c.readReady
	c.lastRead.Store(srv.tick.Load())
	c.deadline.Store(srv.tick.Load() + seconds(srv.cfg.ConnectTimeout))
	return c
}

// serve lives through handshake and CONNECT; the rest runs on a fresh goroutine, whose stack has not grown.
func (c *conn) serve() {
	connected := false
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
			if connected = c.s != nil; connected {
				c.s.Close(packet.UnspecifiedError, "internal error")
			}
		}
		c.srv.unauthenticated.Add(-1)
		if connected {
			go c.run(true)
			return
		}
		if c.linger {
			c.deadline.Store(c.srv.tick.Load() + lingerSeconds)
			c.sock.closeWrite()
			c.discardUntilClosed()
		}
		c.sock.close()
		c.srv.remove(c)
	}()
	if t, ok := c.sock.nc.(*tls.Conn); ok {
		ctx, cancel := context.WithTimeout(c.srv.ctx, c.srv.cfg.ConnectTimeout)
		defer cancel()
		if err := t.HandshakeContext(ctx); err != nil {
			return
		}
	}
	body, err := c.readConnect()
	if err != nil {
		return
	}
	connected = c.connect(body)
}

// readConnect waits for the first packet. Whatever else it is, nothing is answered [MQTT-3.1.0-1].
func (c *conn) readConnect() ([]byte, error) {
	for {
		if in := c.in; in != nil {
			if err := c.unframe(); err != nil {
				return nil, err
			}
			h, n, err := packet.ReadHeader(in.b[in.r:in.w])
			switch {
			case errors.Is(err, packet.ErrShort):
			case err != nil:
				return nil, err
			case h.Type != packet.CONNECT:
				return nil, errNotFirst
			case n+h.Length > min(maxConnectSize, int(c.srv.cfg.MaxPacketSize)):
				return nil, &packet.Error{Code: packet.PacketTooLarge, Reason: "CONNECT is too large"}
			case in.w-in.r >= n+h.Length:
				body := in.b[in.r+n : in.r+n+h.Length]
				in.r += n + h.Length
				return body, nil
			}
		}
		if err := c.fill(); err != nil && !errors.Is(err, errWoken) {
			return nil, err
		}
	}
}

// run is the life of the connection after CONNECT. It goes on in another goroutine when the client has said nothing for a while
// and this one has handled packets that need a larger stack: a stack that has grown stays at 4 KiB at least, and who waits needs
// less than 1.
func (c *conn) run(first bool) {
	cause := errClosing
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
			cause = &packet.Error{Code: packet.UnspecifiedError, Reason: "internal error"}
		}
		if errors.Is(cause, errHandedOver) {
			go c.run(false)
			return
		}
		c.finish(cause)
	}()
	if first {
		c.deadline.Store(0)
		c.flush()
	}
	cause = c.loop()
}

// errHandedOver ends a goroutine of a connection, and not the connection.
var errHandedOver = errors.New("mqtt: goes on in another goroutine")

func (c *conn) loop() error {
	fresh := c.in != nil // bytes that came along with CONNECT
	for {
		proceed, err := c.beforeRead(fresh)
		if err != nil {
			return err
		}
		if !proceed {
			if err := c.fill(); errors.Is(err, errWoken) {
				if c.quiet(c.srv.tick.Load()) {
					c.grown.Store(false)
					return errHandedOver
				}
				continue
			} else if errors.Is(err, io.EOF) && c.held && !c.eof {
				c.eof = true // what was sent before the end still counts, DISCONNECT above all
				continue
			} else if err != nil {
				return err
			}
		}
		fresh = false
		err = c.consume()
		c.endRun()
		if err != nil {
			return err
		}
	}
}

// beforeRead stops while nothing may be read, and tells whether there are packets to go on with before reading more.
func (c *conn) beforeRead(fresh bool) (proceed bool, err error) {
	s := c.s
	for {
		s.mu.Lock()
		if c.draining && c.head == nil {
			c.closeLocked(packet.ServerShuttingDown, "", ErrShuttingDown)
		}
		if c.closing {
			s.mu.Unlock()
			return false, errClosing
		}
		if !c.draining {
			if c.backlog() >= softBacklog {
				c.paused = true
			}
			if !c.paused && (c.held || fresh) {
				c.held, c.ahead = false, 0
				c.inRun = true
				s.mu.Unlock()
				return true, nil
			}
			if !c.paused || !c.eof && !c.readAheadFull() && c.backlog() < hardBacklog {
				c.inRun = false
				s.mu.Unlock()
				return false, nil
			}
		}
		ch := make(chan struct{}, 1)
		c.resume = ch
		s.mu.Unlock()
		c.stopped.Store(true)
		<-ch
		c.lastRead.Store(c.srv.tick.Load())
		c.stopped.Store(false)
	}
}

// endRun tells the application what was acknowledged and writes what the packets of this run have caused. While the server
// is corked that is left to the end of the batch.
func (c *conn) endRun() {
	s := c.s
	s.notify()
	s.mu.Lock()
	c.inRun = false
	output := !c.flushing && !c.dirty && c.hasOutput()
	if output && (c.pinged || c.srv.flusher.isCorked()) {
		c.markDirty() // a mere ping is not worth the stack of a write
		output = false
	}
	c.pinged = false
	s.mu.Unlock()
	if output {
		c.flush()
	}
}

// closeLocked asks the connection to end, with a DISCONNECT on MQTT 5 unless the code is Success. s.mu is held.
func (c *conn) closeLocked(code packet.ReasonCode, reason string, cause error) {
	if c.closing {
		return
	}
	c.closing = true
	c.cause = cause
	if code != packet.Success {
		c.linger = true
		if c.version == packet.V5 {
			code = sayable(code, packet.DISCONNECT)
			c.srv.stats.disconnects[code].Add(1)
			d := packet.Disconnect{Code: code}
			if c.problems {
				d.Properties.ReasonString = reason
			}
			c.appendControl(func(b []byte) []byte { return packet.AppendDisconnect(b, c.version, &d) },
				func(b []byte) []byte {
					return packet.AppendDisconnect(b, c.version, &packet.Disconnect{Code: code})
				})
		}
	}
	c.wake()
}

// sayable gives the code that comes closest among those that a packet type may carry, section 2.4.
func sayable(code packet.ReasonCode, t packet.Type) packet.ReasonCode {
	switch {
	case code.AllowedIn(t):
		return code
	case t == packet.DISCONNECT && code == packet.Banned:
		return packet.AdministrativeAction
	}
	return packet.UnspecifiedError
}

// wake makes the connection's goroutine look at its state again, wherever it waits. s.mu is held.
func (c *conn) wake() {
	if c.resume != nil {
		c.resume <- struct{}{} // has room for one, and is used once
		c.resume = nil
		return
	}
	_ = c.sock.nc.SetReadDeadline(time.Unix(1, 0))
}

// finish is the end of the connection: last words, session freed, socket closed.
func (c *conn) finish(cause error) {
	defer c.srv.remove(c)
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
		}
	}()
	s := c.s
	var fault *packet.Error
	s.mu.Lock()
	c.inRun = false
	switch {
	case c.closing:
	case c.goodbye:
		c.closing = true
	case errors.As(cause, &fault):
		c.closeLocked(fault.Code, fault.Reason, cause)
	default:
		c.closing, c.cause = true, cause
	}
	cause, linger := c.cause, c.linger || c.ws != nil // WebSocket has a close frame to be read
	c.stopped.Store(true)                             // the keep alive is over
	c.deadline.Store(c.srv.tick.Load() + lingerSeconds)
	s.mu.Unlock()
	if cause != nil && !errors.Is(cause, io.EOF) {
		c.srv.log.Debug("mqtt: connection ends", "owner", s.owner, "client_id", s.clientID, "cause", cause)
	}
	c.flush()
	c.srv.detach(c, cause)
	if linger {
		s.mu.Lock()
		c.last = true
		ours := !c.flushing && c.stopFlushing() // else the writer closes our direction when it is done
		s.mu.Unlock()
		if ours {
			c.sock.closeWrite()
		}
		c.discardUntilClosed()
	}
	c.sock.close()
}

// discardUntilClosed lets the peer read our last words: a socket closed over unread bytes resets the connection, which
// destroys what is under way to the peer. The sweep ends it after lingerSeconds.
func (c *conn) discardUntilClosed() {
	buf := c.small
	if buf == nil {
		buf = make([]byte, blockingRead)
	}
	for {
		_, err := c.sock.nc.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) { // the wake of a closing connection
			err = c.sock.nc.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return
		}
	}
}

func (c *conn) logPanic(p any) { c.srv.logPanic("a connection", fmt.Sprint(c.remote), p) }

func (srv *Server) logPanic(what, which string, p any) {
	srv.log.Error("mqtt: "+what+" failed", "which", which, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
}

// fingerprint is the SHA-256 of the client certificate, whose key the handshake has proved; nil without one.
func (c *conn) fingerprint() []byte {
	t, ok := c.sock.nc.(*tls.Conn)
	if !ok {
		return nil
	}
	certs := t.ConnectionState().PeerCertificates
	if len(certs) == 0 {
		return nil
	}
	sum := sha256.Sum256(certs[0].Raw)
	return sum[:]
}
