// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/gobwas/ws"

	"parley/internal/mqtt/packet"
)

// subProtocol is what a client must ask for [MQTT-6.0.0-3].
const subProtocol = "mqtt"

// WebSocket is MQTT over WebSocket, for ws and, behind an http.Server on a NewTLSListener, for wss. Whether the page that the
// browser shows may connect (Origin) is for the caller's middleware to check, and so is who a proxy says the client is:
// Request.RemoteAddr counts.
func (srv *Server) WebSocket() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !offersSubProtocol(r.Header) {
			http.Error(w, "the WebSocket sub-protocol mqtt is required", http.StatusBadRequest)
			return
		}
		if !srv.admit() {
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
			return
		}
		up := ws.HTTPUpgrader{Protocol: func(p string) bool { return p == subProtocol }}
		nc, rw, _, err := up.Upgrade(r, w) // answers by itself, also a refusal
		if err != nil {
			srv.unauthenticated.Add(-1)
			if nc != nil {
				_ = nc.Close()
			}
			return
		}
		remote := nc.RemoteAddr()
		if a, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			remote = net.TCPAddrFromAddrPort(a)
		}
		c := srv.newConn(nc, webSocketListener, remote)
		c.ws = &deframer{}
		if n := rw.Reader.Buffered(); n > 0 {
			c.stash = make([]byte, n)
			_, _ = io.ReadFull(rw.Reader, c.stash)
			c.take()
		}
		srv.start(c)
	})
}

func offersSubProtocol(h http.Header) bool {
	for _, line := range h.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if strings.TrimSpace(p) == subProtocol {
				return true
			}
		}
	}
	return false
}

// deframer takes WebSocket frames apart, RFC 6455 section 5. MQTT packets may begin and end anywhere in them [MQTT-6.0.0-2].
type deframer struct {
	need       uint64 // payload bytes of the present frame that are still to come
	mask       [4]byte
	pos        int
	fragmented bool // a message has begun whose last frame has not
	closed     bool // our close frame has been sent
	status     ws.StatusCode
}

func (d *deframer) fault(status ws.StatusCode, reason string) error {
	d.status = status
	return &packet.Error{Code: packet.ProtocolError, Reason: reason}
}

// unframe moves the payload of c.in.b[w:e] to its front, in place.
func (d *deframer) unframe(c *conn) error {
	in := c.in
	at := in.w
	defer func() {
		n := copy(in.b[in.w:], in.b[at:in.e])
		in.e = in.w + n
	}()
	for at < in.e {
		if d.need > 0 {
			n := copy(in.b[in.w:], in.b[at:at+int(min(d.need, uint64(in.e-at)))])
			ws.Cipher(in.b[in.w:in.w+n], d.mask, d.pos)
			in.w, at = in.w+n, at+n
			d.need -= uint64(n)
			d.pos = (d.pos + n) & 3
			continue
		}
		h, size := readFrameHeader(in.b[at:in.e])
		if size == 0 {
			return nil
		}
		if err := d.check(h); err != nil {
			return err
		}
		if !h.OpCode.IsControl() {
			d.fragmented = !h.Fin
			d.need, d.mask, d.pos = uint64(h.Length), h.Mask, 0
			at += size
			continue
		}
		if in.e-at < size+int(h.Length) {
			return nil
		}
		payload := in.b[at+size : at+size+int(h.Length)]
		ws.Cipher(payload, h.Mask, 0)
		at += size + int(h.Length)
		switch h.OpCode {
		case ws.OpPing:
			c.pong(payload)
		case ws.OpClose:
			d.status = ws.StatusNormalClosure
			return io.EOF
		}
	}
	return nil
}

// check refuses what a client must not send.
func (d *deframer) check(h ws.Header) error {
	state := ws.StateServerSide
	if d.fragmented {
		state |= ws.StateFragmented
	}
	if err := ws.CheckHeader(h, state); err != nil {
		return d.fault(ws.StatusProtocolError, "websocket: "+err.Error())
	}
	if h.OpCode == ws.OpText {
		return d.fault(ws.StatusUnsupportedData, "websocket: only binary frames carry MQTT [MQTT-6.0.0-1]")
	}
	if h.Length < 0 {
		return d.fault(ws.StatusProtocolError, "websocket: frame length")
	}
	return nil
}

// readFrameHeader decodes a frame header; size is 0 when b does not hold all of it.
func readFrameHeader(b []byte) (h ws.Header, size int) {
	if len(b) < 2 {
		return h, 0
	}
	h.Fin = b[0]&0x80 != 0
	h.Rsv = b[0] >> 4 & 7
	h.OpCode = ws.OpCode(b[0] & 0x0F)
	h.Masked = b[1]&0x80 != 0
	size = 2
	switch n := b[1] & 0x7F; n {
	case 126:
		if len(b) < size+2 {
			return h, 0
		}
		h.Length = int64(binary.BigEndian.Uint16(b[size:]))
		size += 2
	case 127:
		if len(b) < size+8 {
			return h, 0
		}
		h.Length = int64(binary.BigEndian.Uint64(b[size:]))
		size += 8
	default:
		h.Length = int64(n)
	}
	if h.Masked {
		if len(b) < size+4 {
			return h, 0
		}
		copy(h.Mask[:], b[size:])
		size += 4
	}
	return h, size
}

// appendFrameHeader begins a frame of n bytes; a server does not mask.
func appendFrameHeader(b []byte, op ws.OpCode, n int) []byte {
	b = append(b, 0x80|byte(op))
	switch {
	case n < 126:
		return append(b, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, 127), uint64(n))
}

func appendCloseFrame(b []byte, status ws.StatusCode) []byte {
	if status == 0 {
		status = ws.StatusNormalClosure
	}
	b = appendFrameHeader(b, ws.OpClose, 2)
	return binary.BigEndian.AppendUint16(b, uint16(status))
}

// pong answers a ping. Who does not read gets none: only the latest ping wants an answer.
func (c *conn) pong(payload []byte) {
	if c.s == nil {
		_, _ = c.sock.nc.Write(append(appendFrameHeader(nil, ws.OpPong, len(payload)), payload...))
		return
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.closing || len(c.frames) > 1024 {
		return
	}
	c.frames = append(appendFrameHeader(c.frames, ws.OpPong, len(payload)), payload...)
	c.markDirty()
}
