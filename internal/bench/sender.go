// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"strconv"
	"sync"

	"parley/internal/mqtt/packet"
)

// sender is what a member needs to send. Its lock is held while packets are written too, so that they keep their order.
type sender struct {
	l      *load
	m      *member
	index  uint16
	topics []string // that a message is published to: the room's route, or each member's own topic on a plain broker
	window int      // publishes that may be unacknowledged
	limit  int64    // messages under way in the closed loop

	mu       sync.Mutex
	released int64   // messages that may be begun (bursts, rate)
	due      []int64 // when those of them that have not begun were due
	begun    int64
	done     int64 // acknowledged or refused
	refused  int64
	echoed   int64 // come back
	lost     int64 // will not come back, the server said
	failed   bool  // a publish of the message at the head of pending was refused

	part    int    // publishes that the message begun last still needs
	sendDue int64  // when that message was due
	body    []byte // its content
	payload []byte

	pending  []pendingPublish // unacknowledged, in the order of sending, from head on
	head     int
	packetID uint16
}

// pendingPublish is a PUBLISH that waits for its PUBACK.
type pendingPublish struct {
	id   uint16
	last bool // of its message
	due  int64
}

// release lets n messages begin that are due now, and writes what the window allows.
func (s *sender) release(n int, due int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.l.stopped.Load() {
		return
	}
	s.released += int64(n)
	for range n {
		s.due = append(s.due, due)
	}
	s.write(s.pump(nil, due))
}

// write sends packets. That the connection is gone is for its reader to find.
func (s *sender) write(packets []byte) {
	if len(packets) > 0 {
		_, _ = s.m.conn.Write(packets)
	}
}

// pump appends the publishes that may go out now. s.mu is held.
func (s *sender) pump(out []byte, now int64) []byte {
	for len(s.pending)-s.head < s.window {
		if s.part == 0 && !s.begin(now) {
			break
		}
		topic := s.topics[len(s.topics)-s.part]
		s.part--
		if s.packetID++; s.packetID == 0 {
			s.packetID = 1
		}
		s.pending = append(s.pending, pendingPublish{s.packetID, s.part == 0, s.sendDue})
		out = packet.AppendPublishTo(out, version, topic, 1, s.packetID, false, nil, s.payload)
	}
	return out
}

// begin makes the next message, if there may be one now. What was released before the end still goes out.
func (s *sender) begin(now int64) bool {
	if s.l.closedLoop() {
		if s.l.stopped.Load() || s.begun >= min(s.done, s.echoed+s.refused+s.lost)+s.limit {
			return false
		}
		s.sendDue = now
	} else {
		if len(s.due) == 0 {
			return false
		}
		s.sendDue = s.due[0]
		s.due = s.due[1:]
	}
	st := stamp{s.l.run, s.index, uint32(s.begun), s.sendDue}
	st.put(s.body)
	s.begun++
	s.part = len(s.topics)
	s.payload = s.l.appendMessage(s.payload[:0], s, s.begun)
	return true
}

// appendMessage appends the payload of a message: a request to send it, or for a broker what a chat server delivers.
func (l *load) appendMessage(dst []byte, s *sender, seq int64) []byte {
	if !l.broker {
		dst = append(dst, `{"content":"`...)
		dst = append(dst, s.body...)
		if l.cfg.IDs {
			dst = append(dst, `","client_msg_id":"`...)
			dst = append(dst, s.body[:stampSize]...)
		}
		return append(dst, `"}`...)
	}
	dst = append(dst, `{"type":"text","id":"019ab9a6-7c44-7d31-9f0c-2f1e5a6b7c8d","room_id":"`...)
	dst = append(dst, s.m.room.id...)
	dst = append(dst, `","seq":`...)
	dst = strconv.AppendInt(dst, seq, 10)
	dst = append(dst, `,"sender_id":"`...)
	dst = append(dst, s.m.user...)
	dst = append(dst, `","sender_name":"`...)
	dst = append(dst, s.m.user...)
	dst = append(dst, `","content":"`...)
	dst = append(dst, s.body...)
	return append(dst, `","timestamp":1763821492.123,"reply_to":null,"thread_id":null,"reactions":{},"edited":false,"epoch":1}`...)
}

// acknowledge takes the body of a PUBACK. s.mu is held.
func (s *sender) acknowledge(sh *shard, body []byte, now int64) error {
	ack, err := packet.DecodeAck(version, packet.PUBACK, body)
	if err != nil {
		return err
	}
	if s.head == len(s.pending) {
		return fmt.Errorf("PUBACK %d comes for nothing that was sent", ack.PacketID)
	}
	p := s.pending[s.head]
	if p.id != ack.PacketID {
		return fmt.Errorf("PUBACK %d comes before that of %d [MQTT-4.6.0-2]", ack.PacketID, p.id)
	}
	if s.head++; s.head == len(s.pending) {
		s.pending, s.head = s.pending[:0], 0
	} else if s.head >= 1024 {
		s.pending = s.pending[:copy(s.pending, s.pending[s.head:])]
		s.head = 0
	}
	if ack.Code.Failed() {
		s.failed = true
		r := refusal(ack.Code, &ack.Properties)
		sh.fault(r.Error())
		if r.limited() {
			s.l.abort(r)
		}
	}
	if !p.last {
		return nil
	}
	s.done++
	if s.failed {
		s.failed = false
		s.refused++
		return nil
	}
	s.m.room.acknowledged.Add(1)
	sh.acks.Add(1)
	if s.l.measured(p.due) {
		sh.ackLatency.add(since(p.due, now))
	}
	return nil
}
