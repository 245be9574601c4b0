// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"crypto/tls"
	"net"
	"syscall"
)

// blockingRead is the buffer, in bytes, with which a connection waits that cannot wait for readiness alone (TLS, pipes).
const blockingRead = 1024

// socket moves bytes of one network connection: never blocking through readiness where the operating system lets us
// (raw), else blocking on the goroutines of that connection alone.
type socket struct {
	nc  net.Conn // what is read, written and closed; a *tls.Conn when secured
	raw syscall.RawConn
	// pipe lies below a *tls.Conn; nil on plain sockets, and on a *tls.Conn whose socket we did not make.
	pipe *tlsPipe

	// Argument and result of the RawConn callback, which is made once. They belong to whoever holds conn.flushing.
	writeFD func(fd uintptr) bool
	out     []byte
	outN    int
	outErr  error
}

// bytesWriter takes as much of b as it can. full says that it takes no more for now. For a secured socket n counts what has
// been encrypted, and full that ciphertext waits.
type bytesWriter func(b []byte) (n int, full bool, err error)

func newSocket(nc net.Conn) *socket {
	s := &socket{nc: nc}
	if t, ok := nc.(*tls.Conn); ok {
		s.pipe, _ = t.NetConn().(*tlsPipe)
		if s.pipe != nil {
			s.raw = rawConn(s.pipe.Conn)
		}
		return s
	}
	s.raw = rawConn(nc)
	if s.raw != nil {
		s.writeFD = func(fd uintptr) bool {
			s.outN, _, s.outErr = writeFD(fd, s.out)
			return true
		}
	}
	return s
}

// readiness tells whether reading can wait without a buffer.
func (s *socket) readiness() bool { return s.raw != nil && s.pipe == nil }

// canTry tells whether tryWrite can do anything without blocking.
func (s *socket) canTry() bool { return s.raw != nil }

func (s *socket) chunk() int {
	if s.pipe != nil {
		return flushChunkTLS
	}
	return flushChunk
}

// tryWrite is a bytesWriter that never blocks.
func (s *socket) tryWrite(b []byte) (n int, full bool, err error) {
	if s.pipe != nil {
		return s.encryptThen(b, s.pipe.tryFlush)
	}
	s.out, s.outN, s.outErr = b, 0, nil
	err = s.raw.Write(s.writeFD)
	s.out = nil
	if err == nil {
		err = s.outErr
	}
	return s.outN, s.outN < len(b), err
}

// blockingWrite is a bytesWriter for the connection's own writer goroutine.
func (s *socket) blockingWrite(b []byte) (n int, full bool, err error) {
	if s.pipe != nil {
		return s.encryptThen(b, s.pipe.blockingFlush)
	}
	n, err = s.nc.Write(b)
	return n, false, err
}

func (s *socket) encryptThen(b []byte, flush func() (bool, error)) (n int, full bool, err error) {
	if full, err := flush(); full || err != nil {
		return 0, full, err
	}
	if len(b) > 0 {
		if n, err = s.nc.Write(b); err != nil {
			return n, false, err
		}
	}
	full, err = flush()
	return n, full, err
}

// buffer ends the time of blocking writes, when the connection belongs to a session.
func (s *socket) buffer(kick func()) {
	if s.pipe != nil {
		s.pipe.buffer(kick)
	}
}

// pending tells whether ciphertext waits.
func (s *socket) pending() bool { return s.pipe != nil && s.pipe.pending() }

// waitWritable runs step with a bytesWriter, again each time the socket has room, until step returns true.
func (s *socket) waitWritable(step func(w bytesWriter) bool) error {
	if s.raw == nil {
		for !step(s.blockingWrite) {
		}
		return nil
	}
	return s.raw.Write(func(fd uintptr) bool {
		plain := func(b []byte) (int, bool, error) { return writeFD(fd, b) }
		if s.pipe == nil {
			return step(plain)
		}
		return step(func(b []byte) (int, bool, error) {
			return s.encryptThen(b, func() (bool, error) { return s.pipe.flush(plain) })
		})
	})
}

// closeWrite ends our direction, so that the peer reads what was written and then the end.
func (s *socket) closeWrite() {
	if t, ok := s.nc.(*tls.Conn); ok {
		if s.pipe == nil || s.pipe.closeNotify(t) != nil {
			return
		}
	}
	nc := s.nc
	if s.pipe != nil {
		nc = s.pipe.Conn
	}
	if h, ok := nc.(interface{ CloseWrite() error }); ok {
		_ = h.CloseWrite()
	}
}

// close cuts the connection without a word; a TLS alert could block.
func (s *socket) close() {
	if t, ok := s.nc.(*tls.Conn); ok {
		_ = t.NetConn().Close()
		return
	}
	_ = s.nc.Close()
}
