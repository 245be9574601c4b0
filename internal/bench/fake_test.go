// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"parley/internal/mqtt/packet"
)

// fakeServer speaks as much of the protocol as a run needs. Its rooms live in memory, and it can be told to misbehave.
type fakeServer struct {
	addr string

	mu    sync.Mutex
	rooms map[string]*fakeRoom
	conns map[*fakeConn]bool
	sends int

	// spoil is asked about every delivery, the nth of all, and returns how often it is sent; nil sends once.
	spoil func(n int) int
	sent  int
	// refuse makes every message fail with this code.
	refuse string
	// silent leaves messages unanswered.
	silent bool

	gone    *sync.Cond // a connection has ended
	unacked int        // QoS 1 deliveries without PUBACK when their receiver left
}

// fakeReceiveMax is small, so that bursts exceed it.
const fakeReceiveMax = 3

type fakeRoom struct {
	seq     uint64
	members map[string]bool
	held    []byte // a delivery that comes after the next one
}

type fakeConn struct {
	net.Conn
	user   string
	topics map[string]byte
	nextID uint16
	owed   int // PUBACKs
}

func newFakeServer(t *testing.T) *fakeServer {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f := &fakeServer{addr: l.Addr().String(), rooms: map[string]*fakeRoom{}, conns: map[*fakeConn]bool{}}
	f.gone = sync.NewCond(&f.mu)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.serve(&fakeConn{Conn: conn, topics: map[string]byte{}}) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.mu.Lock()
		for c := range f.conns {
			c.Close()
		}
		f.mu.Unlock()
		serving.Wait()
	})
	return f
}

func (f *fakeServer) serve(c *fakeConn) {
	f.mu.Lock()
	f.conns[c] = true
	f.mu.Unlock()
	defer func() {
		f.mu.Lock()
		delete(f.conns, c)
		f.gone.Broadcast()
		f.mu.Unlock()
		c.Close()
	}()
	var buf []byte
	in := make([]byte, 4096)
	for {
		n, err := c.Read(in)
		if err != nil {
			return
		}
		buf = append(buf, in[:n]...)
		// What is here by now was sent before any answer to it.
		for publishes := 0; ; {
			h, n, err := packet.ReadHeader(buf)
			if err != nil || len(buf) < n+h.Length {
				break
			}
			body := append([]byte(nil), buf[n:n+h.Length]...)
			buf = buf[n+h.Length:]
			if h.Type == packet.PUBLISH {
				publishes++
			}
			if publishes > fakeReceiveMax || !f.handle(c, h, body) {
				return
			}
		}
	}
}

func (f *fakeServer) handle(c *fakeConn, h packet.Header, body []byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch h.Type {
	case packet.CONNECT:
		hello, err := packet.DecodeConnect(body)
		if err != nil {
			return false
		}
		answer := packet.Connack{Properties: packet.Properties{ReceiveMaximum: fakeReceiveMax}}
		if string(hello.Password) != "token of "+*hello.Username {
			answer.Code = packet.BadUserNameOrPassword
		}
		c.user = *hello.Username
		_, _ = c.Write(packet.AppendConnack(nil, version, &answer))
	case packet.SUBSCRIBE:
		sub, err := packet.DecodeSubscribe(version, body)
		if err != nil {
			return false
		}
		c.topics[sub.Subscriptions[0].Filter] = sub.Subscriptions[0].QoS
		_, _ = c.Write(packet.AppendSuback(nil, version, packet.SUBACK, &packet.Suback{PacketID: sub.PacketID, Codes: []packet.ReasonCode{packet.ReasonCode(sub.Subscriptions[0].QoS)}}))
	case packet.PUBLISH:
		var p packet.Publish
		if packet.DecodePublish(version, h.Flags, body, &p) != nil {
			return false
		}
		f.publish(c, &p)
	case packet.PUBACK:
		c.owed--
	case packet.PINGREQ:
		_, _ = c.Write(packet.AppendPingresp(nil))
	case packet.DISCONNECT:
		f.unacked += c.owed
		return false
	}
	return true
}

func (f *fakeServer) publish(c *fakeConn, p *packet.Publish) {
	ack := packet.Ack{PacketID: p.PacketID}
	var payload struct {
		RoomID  string `json:"room_id"`
		Content string `json:"content"`
	}
	if len(p.Payload) > 0 && json.Unmarshal(p.Payload, &payload) != nil {
		ack.Code = packet.PayloadFormatInvalid
	}
	parts := strings.Split(p.Topic, "/")
	switch {
	case p.Topic == "chat/rooms/create":
		if f.rooms[payload.RoomID] != nil {
			ack.Code = packet.ImplementationSpecificError
		} else {
			f.rooms[payload.RoomID] = &fakeRoom{members: map[string]bool{c.user: true}}
		}
	case parts[1] == "rooms" && parts[2] == "join":
		f.rooms[parts[3]].members[c.user] = true
	case parts[1] == "rooms" && parts[3] == "info":
		reply := fmt.Sprintf(`{"status":"success","room":{"room_id":%q,"member_count":%d}}`, parts[2], len(f.rooms[parts[2]].members))
		_, _ = c.Write(packet.AppendPublishTo(nil, version, "chat/user/"+c.user+"/replies", 0, 0, false, nil, []byte(reply)))
	case parts[1] == "message":
		if f.silent {
			return
		}
		if f.refuse != "" {
			ack.Code = packet.QuotaExceeded
			ack.Properties.User = []packet.UserProperty{{Name: "code", Value: f.refuse}}
			break
		}
		f.sends++
		f.send(c, parts[2], payload.Content)
	case parts[1] == "user": // as a plain broker
		f.deliver(parts[2], p.Payload, nil)
	}
	_, _ = c.Write(packet.AppendAck(nil, version, packet.PUBACK, &ack))
}

func (f *fakeServer) send(c *fakeConn, roomID, content string) {
	r := f.rooms[roomID]
	r.seq++
	event := fmt.Appendf(nil, `{"type":"text","id":"x","room_id":%q,"seq":%d,"sender_id":%q,"sender_name":"a \"name\"","content":%q}`,
		roomID, r.seq, c.user, content)
	for user := range r.members {
		f.deliver(user, event, r)
	}
}

func (f *fakeServer) deliver(user string, payload []byte, r *fakeRoom) {
	for c := range f.conns {
		topic := ownTopic(user)
		qos, ok := c.topics[topic]
		if !ok {
			continue
		}
		times := 1
		if f.spoil != nil && r != nil {
			times = f.spoil(f.sent)
			f.sent++
		}
		if times < 0 { // later
			r.held = payload
			continue
		}
		for range times {
			c.nextID++
			c.owed += int(qos)
			_, _ = c.Write(packet.AppendPublishTo(nil, version, topic, qos, c.nextID, false, nil, payload))
		}
		if r != nil && r.held != nil {
			_, _ = c.Write(packet.AppendPublishTo(nil, version, topic, 0, 0, false, nil, r.held))
			r.held = nil
		}
	}
}

// unacknowledged waits until everybody has left, and counts the deliveries that they owe a PUBACK for.
func (f *fakeServer) unacknowledged() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(f.conns) > 0 {
		f.gone.Wait()
	}
	return f.unacked
}

func (f *fakeServer) sendCount() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sends
}
