// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"fmt"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

var said = bytes.Repeat([]byte("all work, no play "), 6)[:98]

// BenchmarkSend measures what a message of a hundred bytes to a room of 10 costs from the sender's PUBLISH to its PUBACK and all
// deliveries, over loopback, in a server whose 10 rooms get two messages at a time each. The clients count into ns/op, but
// allocate nothing: B/op and allocs/op are the server's. They are less noisy than the time, but hold the search index, too, which
// is filled beside the sending: how much of it falls into the measured time differs from run to run, so that only runs of the
// same length (-benchtime=20000x) can be compared, several of each.
func BenchmarkSend(b *testing.B) {
	const rooms, members, senders = 10, 10, 2
	var users []string
	for i := range rooms * members {
		users = append(users, fmt.Sprintf("user%d", i))
	}
	s := systemtest.Start(b, systemtest.Config{Users: users})
	var missing atomic.Int64
	done := make(chan struct{}, 1)
	const round = rooms * senders
	var sending []net.Conn
	for i, user := range users {
		room := fmt.Sprintf("room%d", i/members)
		d := s.Device(b, user, mqtttest.Fresh(0))
		if i%members == 0 {
			d.Do("rooms/create", fmt.Sprintf(`{"room_id":%q,"name":"Room"}`, room))
		} else {
			d.Do("rooms/join/"+room, "")
		}
		d.Disconnect()
	}
	for i, user := range users {
		nc := plainly(b, s, user)
		if i%members < senders {
			sending = append(sending, nc)
		}
		go tally(nc, &missing, done)
	}
	publishes := make([][]byte, len(sending))
	for i := range sending {
		publishes[i] = packet.AppendPublish(nil, packet.V5, &packet.Publish{QoS: 1, PacketID: 1, Topic: fmt.Sprintf("chat/message/room%d", i/senders),
			Payload: fmt.Appendf(nil, `{"content":"%s"}`, said)})
	}
	b.ReportAllocs()
	b.ResetTimer()
	for sent := 0; sent < b.N; sent += round {
		missing.Store(round * (1 + members))
		for i, nc := range sending {
			if _, err := nc.Write(publishes[i]); err != nil {
				b.Fatal(err)
			}
		}
		select {
		case <-done:
		case <-time.After(30 * time.Second):
			b.Fatalf("%d acknowledgements and deliveries are missing", missing.Load())
		}
	}
}

// plainly connects somebody who listens to what their rooms say, at QoS 0.
func plainly(b *testing.B, s *systemtest.Server, user string) net.Conn {
	b.Helper()
	nc, err := net.Dial("tcp", s.Addr("mqtt"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { nc.Close() })
	hello := packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, CleanStart: true, ClientID: "plain-" + user,
		Username: &user, Password: []byte(s.Token(user))})
	hello = packet.AppendSubscribe(hello, packet.V5, &packet.Subscribe{PacketID: 1,
		Subscriptions: []packet.Subscription{{Filter: "chat/user/" + user + "/messages"}}})
	if _, err := nc.Write(hello); err != nil {
		b.Fatal(err)
	}
	var buf [1 << 10]byte
	for held := 0; ; {
		n, err := nc.Read(buf[held:])
		if err != nil {
			b.Fatal(err)
		}
		held += n
		if connack, size, err := packet.ReadHeader(buf[:held]); err == nil && held > size+connack.Length {
			if h, _, err := packet.ReadHeader(buf[size+connack.Length : held]); err == nil && h.Type == packet.SUBACK {
				return nc
			}
		}
	}
}

// tally takes acknowledgements and deliveries off what is missing, to the connection's end.
func tally(nc net.Conn, missing *atomic.Int64, done chan<- struct{}) {
	buf, held := make([]byte, 64<<10), 0
	for {
		n, err := nc.Read(buf[held:])
		if err != nil {
			return
		}
		left := buf[:held+n]
		for {
			h, size, err := packet.ReadHeader(left)
			if err != nil || len(left) < size+h.Length {
				break
			}
			// Who came online is told, too.
			wanted := h.Type == packet.PUBACK || h.Type == packet.PUBLISH && bytes.Contains(left[:size+h.Length], said)
			if wanted && missing.Add(-1) == 0 {
				done <- struct{}{}
			}
			left = left[size+h.Length:]
		}
		held = copy(buf, left)
	}
}
