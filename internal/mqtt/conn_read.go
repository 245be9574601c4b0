// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"errors"
	"io"
	"os"
	"sync"
	"time"

	"parley/internal/mqtt/packet"
)

const (
	bufferSize = 16 << 10 // bytes of a pooled buffer
	stashSize  = 4 << 10  // an incomplete packet up to this size is copied out, so that the buffer can go back
)

// errWoken says that reading was interrupted so that the connection looks at its state.
var errWoken = errors.New("mqtt: woken")

// inbuf is a read buffer, held while there is something to read. b[r:w] are MQTT bytes not handled yet, b[w:e] WebSocket
// bytes not unframed yet.
type inbuf struct {
	b       []byte
	r, w, e int
	publish packet.Publish // decoded into, again and again
}

var inbufs = sync.Pool{New: func() any { return &inbuf{b: make([]byte, bufferSize)} }}

// take gives the connection a buffer, with what was stashed.
func (c *conn) take() *inbuf {
	if c.in == nil {
		in := inbufs.Get().(*inbuf)
		in.r, in.w, in.e = 0, c.stashW, copy(in.b, c.stash)
		if c.ws == nil {
			in.w = in.e
		}
		c.in, c.stash, c.stashW = in, nil, 0
	}
	return c.in
}

// park gives the buffer back if what is left in it is small.
func (c *conn) park() {
	in := c.in
	if in == nil {
		return
	}
	rest := in.b[in.r:in.e]
	if len(rest) > stashSize {
		return
	}
	if len(rest) > 0 {
		c.stash, c.stashW = append([]byte(nil), rest...), in.w-in.r
	}
	c.in = nil
	in.publish.Payload = nil
	if len(in.b) == bufferSize {
		inbufs.Put(in)
	}
}

// makeRoom compacts or grows a buffer that is held. A packet's buffer grows as its bytes arrive, whatever size it announced.
func (c *conn) makeRoom() {
	in := c.in
	if in == nil {
		return
	}
	if in.r > 0 {
		n := copy(in.b, in.b[in.r:in.e])
		in.w, in.r, in.e = in.w-in.r, 0, n
	}
	if in.e < len(in.b) {
		return
	}
	b := make([]byte, 2*len(in.b))
	copy(b, in.b)
	in.b = b
}

// readAheadFull tells whether a paused connection has looked far enough ahead.
func (c *conn) readAheadFull() bool { return c.in != nil && c.in.e-c.in.r >= maxReadAhead }

// fill waits for bytes and reads them once.
func (c *conn) fill() error {
	c.makeRoom()
	var err error
	if c.sock.readiness() {
		c.readErr = nil
		if err = c.sock.raw.Read(c.ready); err == nil {
			err = c.readErr
		}
	} else {
		err = c.fillBlocking()
	}
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// Reset before the state is looked at: a wake that comes later leaves its deadline.
			_ = c.sock.nc.SetReadDeadline(time.Time{})
			return errWoken
		}
		return err
	}
	c.lastRead.Store(c.srv.tick.Load())
	return nil
}

// readReady is called by RawConn.Read, first at once and then whenever the socket has become readable. A buffer is held
// only from there on until nothing is left.
func (c *conn) readReady(fd uintptr) bool {
	in := c.take()
	n, again, err := readFD(fd, in.b[in.e:])
	if again {
		c.park()
		return false
	}
	c.received(n)
	c.readErr = err
	return true
}

func (c *conn) fillBlocking() error {
	c.park()
	if c.in != nil {
		n, err := c.sock.nc.Read(c.in.b[c.in.e:])
		c.received(n)
		return dropErrorAfterBytes(n, err)
	}
	if c.small == nil {
		c.small = make([]byte, blockingRead)
	}
	n, err := c.sock.nc.Read(c.small)
	if n > 0 {
		in := c.take()
		copy(in.b[in.e:], c.small[:n])
		c.received(n)
	}
	return dropErrorAfterBytes(n, err)
}

// dropErrorAfterBytes handles what was read first; a lasting error comes again.
func dropErrorAfterBytes(n int, err error) error {
	if n > 0 {
		return nil
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}

func (c *conn) received(n int) {
	in := c.in
	in.e += n
	if c.ws == nil {
		in.w = in.e
	}
	c.srv.stats.bytesIn.Add(uint64(n))
}

// unframe turns WebSocket frames into MQTT bytes.
func (c *conn) unframe() error {
	if c.ws == nil {
		return nil
	}
	return c.ws.unframe(c)
}

// consume handles the packets at hand, in order. It stops at the first that has to wait, and then looks ahead.
func (c *conn) consume() error {
	if c.in == nil && len(c.stash) == 0 {
		return nil
	}
	in := c.take()
	unframed := c.unframe() // its error comes after the packets before it
	s := c.s
	s.mu.Lock()
	paused := c.paused
	c.inRun = true
	s.mu.Unlock()
	if paused {
		c.held = true
		if err := c.lookAhead(); err != nil {
			return err
		}
		return unframed
	}
	for in.r < in.w {
		h, size, err := c.next(in.r)
		if err != nil {
			return err
		}
		if size == 0 {
			break
		}
		wait, err := c.handle(h, in.b[in.r+size-h.Length:in.r+size])
		if err != nil {
			return err
		}
		if wait {
			c.held, c.ahead = true, size
			return c.lookAhead()
		}
		in.r += size
	}
	return unframed
}

// next finds the packet at offset r; size is 0 when it is not complete. The announced length is compared with the limit
// before any room is made for it.
func (c *conn) next(r int) (h packet.Header, size int, err error) {
	in := c.in
	h, n, err := packet.ReadHeader(in.b[r:in.w])
	if errors.Is(err, packet.ErrShort) {
		return h, 0, nil
	}
	if err != nil {
		return h, 0, err
	}
	size = n + h.Length
	if size > int(c.srv.cfg.MaxPacketSize) {
		return h, 0, &packet.Error{Code: packet.PacketTooLarge, Reason: "the packet exceeds the Maximum Packet Size [MQTT-3.2.2-15]"}
	}
	if in.w-r < size {
		return h, 0, nil
	}
	return h, size, nil
}

// lookAhead answers pings and takes acknowledgements that lie behind a packet that has to wait. What it has handled is
// removed; the rest keeps its order. Faults are left to be found in order.
func (c *conn) lookAhead() error {
	in := c.in
	from := in.r + c.ahead
	to := from
	for from < in.w {
		h, size, err := c.next(from)
		if err != nil || size == 0 || h.Type == packet.DISCONNECT {
			break
		}
		if h.Type == packet.PINGREQ || h.Type == packet.PUBACK {
			if _, err := c.handle(h, in.b[from+size-h.Length:from+size]); err != nil {
				return err
			}
		} else {
			if to != from {
				copy(in.b[to:], in.b[from:from+size])
			}
			to += size
		}
		from += size
	}
	if to != from {
		n := copy(in.b[to:], in.b[from:in.e])
		in.w -= from - to
		in.e = to + n
	}
	c.ahead = to - in.r
	return nil
}
