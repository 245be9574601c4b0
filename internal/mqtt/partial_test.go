// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// TestPartialWrites has the socket take any number of bytes at a time, with sends, replies, revocations and acknowledgements in between
// and in the middle of a write. What comes out is always whole packets in order; nothing that had been revoked before its
// first byte was taken is among them; everything else is, once; Acked comes in the order of sending.
func TestPartialWrites(t *testing.T) {
	a := newApp()
	srv, err := mqtt.NewUnswept(mqtt.Config{QueueLength: 1000, MaxInflight: 5}, a)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		_ = srv.Shutdown(ctx)
	}()
	rapid.Check(t, func(rt *rapid.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		srv.Feed(theirs)
		newClient(t, ours).login("c")
		s := receive(t, "Opened", a.sessions)
		eventually(t, "nobody else writes", s.HoldWriter)

		var stream []byte    // what the client has got
		var parsed int       // of it, in whole packets
		var arrived []string // deliveries
		var unacked []uint16 // packet ids to acknowledge, in order
		begun := map[string]bool{}
		dropped := map[string]bool{}
		qos := map[string]byte{}
		var sent []string
		hasty := false
		revoked := map[string]bool{} // by Drop, whether in time or not
		var acked []string
		checkAcked := func(rt *rapid.T) {
			for len(a.acked) > 0 {
				name := string((<-a.acked).Payload)
				if !begun[name] || qos[name] != 1 || len(acked) > 0 && name <= acked[len(acked)-1] {
					rt.Fatalf("%s acked after %v", name, acked)
				}
				acked = append(acked, name)
			}
		}
		parse := func() {
			for {
				h, n, err := packet.ReadHeader(stream[parsed:])
				if err != nil || len(stream)-parsed < n+h.Length {
					return
				}
				var p packet.Publish
				if h.Type != packet.PUBLISH {
					rt.Fatalf("%v in the stream", h.Type)
				}
				if err := packet.DecodePublish(packet.V5, h.Flags, stream[parsed+n:parsed+n+h.Length], &p); err != nil {
					rt.Fatal(err)
				}
				parsed += n + h.Length
				arrived = append(arrived, string(p.Payload))
				if p.QoS == 1 {
					unacked = append(unacked, p.PacketID)
				}
			}
		}
		acknowledge := func() {
			if len(unacked) > 0 {
				s.Acknowledge(unacked[0])
				unacked = unacked[1:]
			}
		}
		send := func() {
			name := fmt.Sprintf("m%03d", len(sent))
			q := byte(rapid.IntRange(0, 1).Draw(rt, "qos"))
			s.Send("d", q, message(name), nil)
			sent, qos[name] = append(sent, name), q
		}
		// What has begun is known from the stream: the names of packets of which at least the first byte is there.
		write := func(room int, midway func()) {
			s.WriteThrough(func(b []byte) (int, bool) {
				if midway != nil {
					midway()
					midway = nil
				}
				n := min(room, len(b))
				room -= n
				stream = append(stream, b[:n]...)
				for at := 0; at < n; { // whole packets, but for a remainder at the front that has begun before
					h, size, err := packet.ReadHeader(b[at:])
					if err != nil || h.Type != packet.PUBLISH || at+size+h.Length > len(b) {
						break
					}
					begun[string(b[at+size+h.Length-4:at+size+h.Length])] = true
					at += size + h.Length
				}
				parse()
				if hasty {
					acknowledge() // before the server knows how much the kernel has taken
				}
				return n, n < len(b)
			})
		}
		rt.Repeat(map[string]func(*rapid.T){
			"send":        func(*rapid.T) { send() },
			"acknowledge": func(*rapid.T) { acknowledge() },
			"write":       func(rt *rapid.T) { write(rapid.IntRange(0, 60).Draw(rt, "room"), nil) },
			"write while acknowledged": func(rt *rapid.T) {
				write(rapid.IntRange(0, 60).Draw(rt, "room"), func() { send(); acknowledge() })
			},
			"write while forged acknowledgements come": func(rt *rapid.T) {
				id := rapid.Uint16Range(1, 30).Draw(rt, "id")
				write(rapid.IntRange(0, 60).Draw(rt, "room"), func() { s.Acknowledge(id); s.Acknowledge(id + 1) })
			},
			"":      func(rt *rapid.T) { checkAcked(rt) },
			"hasty": func(*rapid.T) { hasty = !hasty },
			"drop": func(rt *rapid.T) {
				if len(sent) == 0 {
					return
				}
				name := sent[rapid.IntRange(max(0, len(sent)-6), len(sent)-1).Draw(rt, "which")]
				s.Drop(func(m *mqtt.Message) bool { return string(m.Payload) == name })
				revoked[name] = true
				if !begun[name] {
					dropped[name] = true
				}
			},
		})
		for range len(sent) + 1 {
			write(1<<20, nil)
			for len(unacked) > 0 {
				acknowledge()
			}
		}
		want := slices.DeleteFunc(slices.Clone(sent), func(name string) bool { return dropped[name] })
		if !slices.Equal(arrived, want) {
			rt.Fatalf("arrived %v\nwant    %v", arrived, want)
		}
		if parsed != len(stream) {
			rt.Fatalf("%d bytes left over", len(stream)-parsed)
		}
		checkAcked(rt)
		for _, name := range sent {
			if qos[name] == 1 && !revoked[name] && !slices.Contains(acked, name) {
				rt.Fatalf("%s was never reported as acknowledged", name)
			}
		}
		_ = ours.Close()
		receive(t, "Closed", a.closed)
	})
}
