// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"sync"

	"github.com/gobwas/ws"

	"parley/internal/mqtt/packet"
)

// scratch is what one write is made of: the bytes, and which part of them is what.
type scratch struct {
	b     []byte
	units []unit
	props []byte
}

// unit is one packet in a scratch (for control packets, a run of them), or one message that is skipped (without bytes).
type unit struct {
	start, end int
	kind       unitKind
	inflight   bool // it has an entry in Session.inflight
	ctl        int  // bytes of conn.ctl
}

type unitKind byte

const (
	unitControl unitKind = iota
	unitFrames           // WebSocket control frames
	unitReply
	unitResend
	unitQueue
)

const keptScratch = 2 * flushChunk // bytes; larger ones are left to the garbage collector

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (sc *scratch) release() {
	if cap(sc.b) > keptScratch {
		return
	}
	sc.b, sc.units = sc.b[:0], sc.units[:0]
	scratches.Put(sc)
}

// markDirty sees to it that the connection's output gets written. s.mu is held. Where somebody writes already, or the
// connection's goroutine is in the middle of handling packets, they look again before they stop.
func (c *conn) markDirty() {
	if c.dirty || c.flushing || c.inRun || c.dead {
		return
	}
	c.dirty = true
	c.srv.flusher.add(c)
}

// hasOutput tells whether there is anything that may be written now. s.mu is held.
func (c *conn) hasOutput() bool {
	if len(c.partial) > 0 || len(c.ctl) > 0 || len(c.frames) > 0 || len(c.replies) > 0 || c.sock.pending() {
		return true
	}
	if c.closing && c.ws != nil && !c.ws.closed {
		return true
	}
	s := c.s
	if s.conn != c || c.closing {
		return false
	}
	if s.sent < s.inflight.len() {
		return s.sent < c.maxSend
	}
	if s.queue.len() == 0 {
		return false
	}
	d := s.queue.at(0)
	return d.barrier != nil || d.qos == 0 || d.flags&deliveryDropped != 0 || s.inflight.len() < c.maxSend
}

// flush writes what there is, as far as the socket takes it without blocking. The rest is left to a goroutine of this connection.
// One writer at a time: flushing says that there is one.
func (c *conn) flush() {
	s := c.s
	s.mu.Lock()
	c.dirty = false
	if c.flushing || c.dead || !c.hasOutput() {
		s.mu.Unlock()
		return
	}
	c.flushing = true
	if !c.sock.canTry() {
		c.stall()
		s.mu.Unlock()
		c.srv.writers.Go(c.drain)
		return
	}
	state := c.write(c.sock.tryWrite)
	if state == writeFull {
		s.mu.Unlock()
		c.srv.writers.Go(c.drain)
	} else if c.stopFlushing() {
		s.mu.Unlock()
		c.sock.closeWrite()
	} else {
		s.mu.Unlock()
	}
	s.notify()
}

// stopFlushing clears the flag of the writer when nothing is left. last says that those were the last words: the flag stays,
// and the caller closes our direction. s.mu is held.
func (c *conn) stopFlushing() (last bool) {
	last = c.last && !c.dead
	c.flushing = last
	return last
}

// drain writes for a connection whose socket is full, or cannot be written without blocking. It holds flushing, and only this
// connection waits. It ends with nothing left, or with the socket closed: the sweep closes one that takes nothing for too long.
func (c *conn) drain() {
	s := c.s
	defer func() {
		if p := recover(); p != nil {
			c.logPanic(p)
			c.sock.close()
		}
	}()
	err := c.sock.waitWritable(func(w bytesWriter) bool {
		s.mu.Lock()
		state := c.write(w)
		s.mu.Unlock()
		s.notify()
		return state != writeFull
	})
	s.mu.Lock()
	if err != nil {
		c.fail(err)
	}
	c.blocked.Store(0)
	if c.stopFlushing() {
		defer c.sock.closeWrite()
	} else if !c.dead && c.hasOutput() {
		c.markDirty() // came between the last look and now
	}
	s.mu.Unlock()
}

type writeState byte

const (
	writeDone writeState = iota // nothing is left
	writeFull
	writeFailed
)

// write moves output to w until nothing is left or w is full. s.mu is held, but not while w runs: nobody who has something for
// this session waits for a system call.
func (c *conn) write(w bytesWriter) (state writeState) {
	s := c.s
	locked := true
	defer func() {
		if p := recover(); p != nil {
			if !locked {
				s.mu.Lock()
			}
			c.logPanic(p)
			c.fail(errInternal)
			state = writeFailed
		}
	}()
	out := func(b []byte) (n int, full, ok bool) {
		locked = false
		s.mu.Unlock()
		c.srv.stats.writes.Add(1)
		n, full, err := w(b)
		s.mu.Lock()
		locked = true
		c.srv.stats.bytesOut.Add(uint64(n))
		if n > 0 && c.blocked.Load() != 0 {
			c.blocked.Store(max(1, c.srv.tick.Load()))
		}
		if err != nil {
			c.fail(err)
		}
		return n, full, !c.dead
	}
	for {
		if len(c.partial) > 0 || c.sock.pending() {
			rest := c.partial
			n, full, ok := out(rest)
			if !ok {
				return writeFailed
			}
			if c.partial = rest[n:]; len(c.partial) == 0 {
				c.partial = nil
			}
			if full {
				c.stall()
				return writeFull
			}
			continue
		}
		sc := scratches.Get().(*scratch)
		c.build(sc)
		if len(sc.units) == 0 {
			sc.release()
			c.blocked.Store(0)
			return writeDone
		}
		n, full := 0, false
		if len(sc.b) > 0 {
			var ok bool
			if n, full, ok = out(sc.b); !ok {
				return writeFailed
			}
		}
		c.commit(sc, n)
		sc.release()
		if full {
			c.stall()
			return writeFull
		}
	}
}

// stall notes since when the socket has taken nothing.
func (c *conn) stall() {
	if c.blocked.Load() == 0 {
		c.blocked.Store(max(1, c.srv.tick.Load()))
	}
}

// fail gives the connection up. s.mu is held.
func (c *conn) fail(err error) {
	c.dead = true
	c.partial, c.ctl, c.frames, c.replies, c.replyLen = nil, nil, nil, nil, 0
	c.linger = false
	c.closeLocked(packet.Success, "", err)
}

// build encodes what may be sent, up to about one chunk: control packets with the replies between them, then what a
// reconnect sends again, then the queue. s.mu is held. Nothing is taken from its place until commit knows how much was written.
func (c *conn) build(sc *scratch) {
	limit := c.sock.chunk()
	if len(c.frames) > 0 {
		sc.units = append(sc.units, unit{end: len(c.frames), kind: unitFrames})
		sc.b = append(sc.b, c.frames...)
	}
	from := 0
	for i := range c.replies {
		r := &c.replies[i]
		from = c.buildControl(sc, from, r.at)
		if len(sc.b) >= limit {
			return
		}
		c.buildReply(sc, r)
	}
	c.buildControl(sc, from, len(c.ctl))
	if c.closing && c.ws != nil && !c.ws.closed {
		c.ws.closed = true
		start := len(sc.b)
		sc.b = appendCloseFrame(sc.b, c.ws.status)
		sc.units = append(sc.units, unit{start: start, end: len(sc.b), kind: unitControl})
	}
	s := c.s
	if s.conn != c || c.closing {
		return
	}
	for s.sent < s.inflight.len() && s.sent < c.maxSend && len(sc.b) < limit {
		d := s.inflight.at(s.sent)
		s.sent++
		start := len(sc.b)
		skip := d.flags&(deliveryAcked|deliveryDropped) != 0
		d.flags |= deliveryWriting // skipped ones too: commit counts them
		if !skip && d.m.Ahead != nil {
			c.encode(sc, &delivery{m: d.m.Ahead, topic: d.topic, subIDs: d.subIDs}, false)
		}
		if skip || !c.encode(sc, d, true) {
			d.flags |= deliveryAcked // nothing goes out on this connection, no PUBACK will come
		}
		sc.units = append(sc.units, unit{start: start, end: len(sc.b), kind: unitResend, inflight: true})
	}
	if s.sent < s.inflight.len() {
		return
	}
	for i := 0; i < s.queue.len() && len(sc.b) < limit; i++ {
		if !c.buildDelivery(sc, s.queue.at(i)) {
			return
		}
	}
}

func (c *conn) buildControl(sc *scratch, from, to int) int {
	if to > from {
		start := len(sc.b)
		if c.ws != nil {
			sc.b = appendFrameHeader(sc.b, ws.OpBinary, to-from)
		}
		sc.b = append(sc.b, c.ctl[from:to]...)
		sc.units = append(sc.units, unit{start: start, end: len(sc.b), kind: unitControl, ctl: to - from})
	}
	return to
}

func (c *conn) buildReply(sc *scratch, r *reply) {
	s := c.s
	start := len(sc.b)
	u := unit{start: start, kind: unitReply}
	if !r.dropped {
		d := delivery{m: r.m, topic: r.topic, qos: r.qos, flags: deliveryReply | deliveryWriting}
		if d.qos == 1 {
			id, ok := s.nextPacketID()
			if ok = ok && s.conn == c && !c.closing && s.sent == s.inflight.len() && s.sent < c.maxSend; !ok {
				d.qos = 0
			}
			d.id = id
		}
		if c.encode(sc, &d, false) && d.qos == 1 {
			s.nextID = d.id
			s.inflight.push(d)
			s.sent++
			u.inflight = true
		}
	}
	u.end = len(sc.b)
	sc.units = append(sc.units, u)
}

// buildDelivery encodes one of the queue; false says that the client's Receive Maximum is used up [MQTT-3.3.4-9].
func (c *conn) buildDelivery(sc *scratch, d *delivery) bool {
	s := c.s
	u := unit{start: len(sc.b), kind: unitQueue}
	switch {
	case d.flags&deliveryDropped != 0:
	case d.barrier != nil:
		if !d.barrier.durable {
			d.barrier.reached = true // it goes out by itself when it is
		} else if !d.barrier.reached {
			if c.ws != nil {
				sc.b = appendFrameHeader(sc.b, ws.OpBinary, len(d.barrier.packet))
			}
			sc.b = append(sc.b, d.barrier.packet...)
		}
	case d.qos == 0:
		c.encode(sc, d, false)
	default:
		id, ok := s.nextPacketID()
		if !ok || s.inflight.len() >= c.maxSend {
			return false
		}
		sent := *d
		sent.id = id
		sent.flags |= deliveryWriting
		if c.encode(sc, &sent, false) {
			s.nextID = id
		} else {
			sent.id = 0
			sent.flags |= deliveryAcked // as if it had been sent [MQTT-3.1.2-25]
		}
		s.inflight.push(sent)
		s.sent++
		u.inflight = true
	}
	u.end = len(sc.b)
	sc.units = append(sc.units, u)
	return true
}

// encode appends a PUBLISH. It returns false, having appended nothing, when the client cannot take one of that size.
func (c *conn) encode(sc *scratch, d *delivery, dup bool) bool {
	extra := 0
	if c.version == packet.V5 {
		for _, id := range d.subIDs {
			extra += 1 + uvarintSize(id)
		}
	}
	m := fit(c.version, c.maxPacket, d.m, d.topic, d.qos, extra)
	if m == nil {
		c.srv.stats.tooLarge.Add(1)
		return false
	}
	props := m.Properties
	if extra > 0 {
		sc.props = append(sc.props[:0], props...)
		for _, id := range d.subIDs {
			sc.props = appendSubscriptionID(sc.props, id)
		}
		props = sc.props
	}
	if c.ws != nil {
		sc.b = appendFrameHeader(sc.b, ws.OpBinary, packet.PublishSize(c.version, len(d.topic), d.qos, len(props), len(m.Payload)))
	}
	sc.b = packet.AppendPublishTo(sc.b, c.version, d.topic, d.qos, d.id, dup && d.qos > 0, props, m.Payload)
	return true
}

// subscriptionID is the property identifier, section 2.2.2.2.
const subscriptionID = 0x0B

func appendSubscriptionID(b []byte, id uint32) []byte {
	b = append(b, subscriptionID)
	for id >= 0x80 {
		b = append(b, byte(id)|0x80)
		id >>= 7
	}
	return append(b, byte(id))
}

func uvarintSize(n uint32) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

// commit takes from their places the units of which w has taken at least one byte, and undoes the rest. Of the last one taken
// the remainder is kept. s.mu is held.
func (c *conn) commit(sc *scratch, n int) {
	s := c.s
	attached := s.conn == c // else the session went on without this connection, and has tidied up by itself
	entries := 0
	for i := range sc.units {
		if sc.units[i].inflight {
			entries++
		}
	}
	entry := s.sent - entries // of the first unit that has one
	done, ctl, replies, queued, messages := 0, 0, 0, 0, 0
	for _, u := range sc.units {
		if u.start > n || u.start == n && u.end > n {
			break
		}
		done++
		ctl += u.ctl
		switch u.kind {
		case unitFrames:
			c.frames = c.frames[u.end:]
		case unitReply:
			replies++
		case unitQueue:
			queued++
		}
		if u.kind >= unitReply && u.end > u.start {
			messages++
		}
		if u.inflight {
			if attached {
				s.inflight.at(entry).flags &^= deliveryWriting
			}
			entry++
		}
		if u.end > n {
			c.partial = append([]byte(nil), sc.b[n:u.end]...)
		}
	}
	c.srv.stats.messagesOut.Add(uint64(messages))
	c.consumeControl(ctl, replies)
	if !attached {
		return
	}
	for i := len(sc.units) - 1; i >= done; i-- {
		u := sc.units[i]
		if !u.inflight {
			continue
		}
		s.sent--
		if u.kind == unitResend {
			s.inflight.at(s.sent).flags &^= deliveryWriting
			continue
		}
		if id := s.inflight.at(s.inflight.len() - 1).id; id != 0 {
			s.nextID = id - 1 // 0 for 1, and nextPacketID skips 0
		}
		s.inflight.popBack()
	}
	for range queued {
		if d := s.queue.at(0); d.m != nil {
			s.queueBytes -= len(d.m.Payload)
		}
		s.queue.popFront()
	}
	s.popAcknowledged()
	if s.full && s.queue.len() < c.srv.cfg.QueueLength/2 && s.queueBytes <= c.srv.cfg.QueueBytes/2 {
		s.full, s.drained = false, true
	}
}

// consumeControl forgets control bytes and replies that have been written. s.mu is held.
func (c *conn) consumeControl(ctl, replies int) {
	for i := range replies {
		c.replyLen -= len(c.replies[i].m.Payload)
	}
	if replies == len(c.replies) {
		c.replies = nil
	} else if replies > 0 {
		c.replies = c.replies[replies:]
	}
	if ctl == len(c.ctl) {
		if cap(c.ctl) > 512 {
			c.ctl = nil
		}
		c.ctl = c.ctl[:0]
	} else if ctl > 0 {
		c.ctl = c.ctl[:copy(c.ctl, c.ctl[ctl:])]
	}
	if ctl > 0 {
		for i := range c.replies {
			c.replies[i].at -= ctl
		}
	}
	c.mayResume()
}
