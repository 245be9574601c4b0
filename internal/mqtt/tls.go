// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// tlsPipe lies between a tls.Conn and its socket. After the handshake what tls.Conn writes is kept here, to be flushed like
// any other output: a tls.Conn whose write fails half way is lost, and a blocking one would hold up whoever flushes.
type tlsPipe struct {
	net.Conn

	mu   sync.Mutex // a leaf, but for the system call of a non-blocking write
	sock *socket    // the plain socket; nil until the pipe is buffered
	kick func()     // asks for a flush: tls.Conn writes by itself too, such as the answer to a key update
	out  []byte     // ciphertext that waits; out[:off] is gone
	off  int
}

var errCiphertext = errors.New("mqtt: too much unsent ciphertext")

// NewTLSListener makes TLS connections of what l accepts, such that this package can write to them without blocking. Serve an
// http.Server with it for MQTT over secured WebSockets; ServeTLS uses it itself.
func NewTLSListener(l net.Listener, cfg *tls.Config) net.Listener {
	return &tlsListener{l, cfg}
}

type tlsListener struct {
	net.Listener
	cfg *tls.Config
}

// Accept implements net.Listener.
func (l *tlsListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return tls.Server(&tlsPipe{Conn: nc}, l.cfg), nil // the handshake comes with the first read
}

// buffer ends the time of direct writes, after the handshake.
func (p *tlsPipe) buffer(kick func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sock = newSocket(p.Conn)
	p.kick = kick
}

func (p *tlsPipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	if p.sock == nil {
		p.mu.Unlock()
		return p.Conn.Write(b)
	}
	defer p.kick()
	defer p.mu.Unlock()
	if len(p.out)-p.off > maxCiphertext {
		return 0, errCiphertext
	}
	p.out = append(p.out, b...)
	return len(b), nil
}

// SetWriteDeadline does nothing once the pipe is buffered: tls.Conn sets one when it closes, and it would fail our flushes.
func (p *tlsPipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sock != nil {
		return nil
	}
	return p.Conn.SetWriteDeadline(t)
}

func (p *tlsPipe) pending() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.out) > p.off
}

// flush moves ciphertext to w. full says that some is left.
func (p *tlsPipe) flush(w bytesWriter) (full bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.off == len(p.out) {
		return false, nil
	}
	n, _, err := w(p.out[p.off:])
	p.off += n
	if p.off < len(p.out) {
		return true, err
	}
	p.off = 0
	if cap(p.out) > 4096 {
		p.out = nil
	}
	p.out = p.out[:0]
	return false, err
}

func (p *tlsPipe) tryFlush() (full bool, err error) { return p.flush(p.sock.tryWrite) }

// blockingFlush is for the connection's own writer goroutine.
func (p *tlsPipe) blockingFlush() (full bool, err error) {
	p.mu.Lock()
	out := p.out[p.off:]
	p.out, p.off = nil, 0
	p.mu.Unlock()
	if len(out) > 0 {
		_, err = p.Conn.Write(out)
	}
	return false, err
}

// closeNotify says the end within TLS.
func (p *tlsPipe) closeNotify(t *tls.Conn) error {
	if err := t.CloseWrite(); err != nil {
		return err
	}
	if p.sock == nil || !p.sock.canTry() {
		return nil
	}
	if full, err := p.tryFlush(); full || err != nil {
		return errors.Join(errCiphertext, err)
	}
	return nil
}
