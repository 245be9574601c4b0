// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"parley/internal/mqtt/packet"
)

// room is one room of the load.
type room struct {
	id           string
	quoted       []byte // the id and a quotation mark, as it ends in JSON
	members      int
	senders      []*sender
	acknowledged atomic.Int64 // messages of this run
	arrived      atomic.Int64 // first copies of them, at all members
	target       atomic.Int64 // arrived is this when the burst under way is complete
}

// member is a connected and subscribed member of one room. Its fields belong to the goroutine that reads the connection.
type member struct {
	*client
	l      *load
	room   *room
	sender *sender // nil for one who only listens

	order    sequence
	received int64 // messages of this run, without copies
}

// shard is what goes with a read: a buffer, and the counts of what came in. A reader borrows one for each read, so that
// connections that have nothing to read hold no memory, and counts are added up on the cache lines of one core.
type shard struct {
	in, out []byte

	acks       atomic.Int64 // messages acknowledged
	deliveries atomic.Int64 // copies of messages that came
	received   atomic.Int64 // messages that came, without copies

	ackLatency, deliverLatency histogram
	faults                     map[string]int
}

// readSize is the room for one read, in bytes.
const readSize = 128 << 10

func newShard() *shard { return &shard{in: make([]byte, readSize), faults: map[string]int{}} }

func (sh *shard) fault(text string) { sh.faults[text]++ }

// since is the time from a moment that a stamp names until now, both in nanoseconds since the start of the run.
func since(due, now int64) time.Duration { return time.Duration(now - due) }

// take consumes what was read, and sends what follows from it: acknowledgements and the next messages. rest is the part of
// a packet at the end.
func (m *member) take(sh *shard, b []byte) (rest []byte, err error) {
	now := m.l.now()
	if m.sender != nil {
		m.sender.mu.Lock()
	}
	sh.out = sh.out[:0]
	before := m.received
	rest, err = m.packets(sh, b, now)
	if m.sender != nil {
		if err == nil {
			sh.out = m.sender.pump(sh.out, now)
		}
		m.sender.write(sh.out)
		m.sender.mu.Unlock()
	} else if len(sh.out) > 0 && err == nil {
		_, err = m.conn.Write(sh.out)
	}
	if n := m.received - before; n > 0 {
		sh.received.Add(n)
		// Whoever brings the last copy of a burst starts the next.
		if burst := m.l.cfg.Burst; burst > 0 && m.room.arrived.Add(n) == m.room.target.Load() {
			m.room.nextBurst(burst, m.l.now())
		}
	}
	return rest, err
}

// nextBurst sends n messages into the room at once.
func (r *room) nextBurst(n int, due int64) {
	r.target.Add(int64(n * r.members))
	r.senders[0].release(n, due)
}

// packets handles the whole packets in b.
func (m *member) packets(sh *shard, b []byte, now int64) (rest []byte, err error) {
	for {
		h, n, err := packet.ReadHeader(b)
		switch {
		case errors.Is(err, packet.ErrShort):
			return b, nil
		case err != nil:
			return nil, err
		case h.Length > maxPacket:
			return nil, fmt.Errorf("%s of %d bytes, the limit announced is %d", h.Type, h.Length, maxPacket)
		case len(b) < n+h.Length:
			return b, nil
		}
		body := b[n : n+h.Length]
		b = b[n+h.Length:]
		switch {
		case h.Type == packet.PUBLISH:
			id, payload, ok := delivery(h.Flags, body)
			if !ok {
				return nil, errors.New("a PUBLISH of the server ends inside of a field")
			}
			if id != 0 {
				sh.out = packet.AppendAck(sh.out, version, packet.PUBACK, &packet.Ack{PacketID: id})
			}
			if err := m.deliver(sh, payload, now); err != nil {
				return nil, err
			}
		case h.Type == packet.PUBACK && m.sender != nil:
			if err := m.sender.acknowledge(sh, body, now); err != nil {
				return nil, err
			}
		case h.Type == packet.PINGRESP:
		case h.Type == packet.DISCONNECT:
			return nil, disconnected(body)
		default:
			return nil, fmt.Errorf("the server sent %s", h.Type)
		}
	}
}

// deliver checks and counts a delivery.
func (m *member) deliver(sh *shard, payload []byte, now int64) error {
	e, err := readEvent(payload, m.room.quoted)
	switch {
	case err != nil:
		return err
	case e.kind == "sync_required" && e.inRoom:
		sh.fault("sync_required: the server gave up delivering to a queue that was full")
		if s := m.sender; s != nil {
			s.lost = max(s.lost, s.begun-s.refused-s.echoed)
		}
		return nil
	case e.seq == 0 || !e.inRoom: // a passing event, or one of another log
		return nil
	}
	first := m.order.see(e.seq)
	st, ok := readStamp(e.content)
	if !ok || st.run != m.l.run {
		return nil
	}
	sh.deliveries.Add(1)
	if !first {
		return nil
	}
	m.received++
	if m.sender != nil && st.sender == m.sender.index {
		m.sender.echoed++
	}
	if m.l.measured(st.due) {
		sh.deliverLatency.add(since(st.due, now))
	}
	return nil
}

// listen reads the connection until it ends.
func (m *member) listen() error {
	if len(m.rest) > 0 { // came together with the answers while preparing
		sh := m.l.borrow()
		rest, err := m.take(sh, sh.in[:copy(sh.in, m.rest)])
		m.keep(rest)
		m.l.giveBack(sh)
		if err != nil {
			return err
		}
	} else {
		m.rest = nil
	}
	return m.read()
}

// keep holds the beginning of a packet until the rest of it comes.
func (m *member) keep(rest []byte) {
	m.rest = nil
	if len(rest) > 0 {
		m.rest = append([]byte(nil), rest...)
	}
}
