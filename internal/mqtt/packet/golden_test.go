// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/mqtt/packet"
)

// golden is a packet beside its bytes, written by hand from the standard.
type golden struct {
	name    string
	version packet.Version
	bytes   string // see notation
	packet  typed
	shorter []int // the lengths below its own at which its body, cut, is still a legal packet
	open    bool  // whether its body may go on: it ends with a payload or a list, or leaves out what is understood
}

const (
	v4 = packet.V311
	v5 = packet.V5
)

func goldens() []golden {
	user := []packet.UserProperty{{Name: "k", Value: "v"}}
	ping := func(t packet.Type) typed { return typed{Type: t} }
	return []golden{
		{name: "CONNECT, the least", version: v4,
			bytes:  `10 0c [0004] "MQTT" 04 02 003c [0000]`,
			packet: typed{packet.CONNECT, packet.Connect{Version: v4, CleanStart: true, KeepAlive: 60}}},
		{name: "CONNECT with everything", version: v4,
			bytes: `10 1d [0004] "MQTT" 04 ee 000a [0001] "c" [0003] "w/t" [0003] "bye" [0001] "u" [0001] "p"`,
			packet: typed{packet.CONNECT, packet.Connect{Version: v4, CleanStart: true, KeepAlive: 10, ClientID: "c",
				Username: new("u"), Password: []byte("p"),
				Will: &packet.Will{Topic: "w/t", Payload: []byte("bye"), QoS: 1, Retain: true}}}},
		{name: "CONNACK", version: v4,
			bytes:  `20 02 01 00`,
			packet: typed{packet.CONNACK, packet.Connack{SessionPresent: true}}},
		{name: "CONNACK, refused", version: v4,
			bytes:  `20 02 00 04`,
			packet: typed{packet.CONNACK, packet.Connack{Code: packet.BadUserNameOrPassword}}},
		{name: "PUBLISH, QoS 0", version: v4,
			bytes:   `30 08 [0003] "a/b" "hey"`,
			packet:  typed{packet.PUBLISH, packet.Publish{Topic: "a/b", Payload: []byte("hey")}},
			shorter: []int{5, 6, 7}, open: true},
		{name: "PUBLISH, QoS 2, DUP, RETAIN", version: v4,
			bytes: `3d 0a [0003] "a/b" 000a "hey"`,
			packet: typed{packet.PUBLISH, packet.Publish{Dup: true, QoS: 2, Retain: true, Topic: "a/b", PacketID: 10,
				Payload: []byte("hey")}},
			shorter: []int{7, 8, 9}, open: true},
		{name: "PUBLISH, empty payload", version: v4,
			bytes:  `32 07 [0003] "a/b" 0001`,
			packet: typed{packet.PUBLISH, packet.Publish{QoS: 1, Topic: "a/b", PacketID: 1, Payload: []byte{}}},
			open:   true},
		{name: "PUBACK", version: v4, bytes: `40 02 1234`, packet: typed{packet.PUBACK, packet.Ack{PacketID: 0x1234}}},
		{name: "PUBREC", version: v4, bytes: `50 02 1234`, packet: typed{packet.PUBREC, packet.Ack{PacketID: 0x1234}}},
		{name: "PUBREL", version: v4, bytes: `62 02 1234`, packet: typed{packet.PUBREL, packet.Ack{PacketID: 0x1234}}},
		{name: "PUBCOMP", version: v4, bytes: `70 02 1234`, packet: typed{packet.PUBCOMP, packet.Ack{PacketID: 0x1234}}},
		{name: "SUBSCRIBE", version: v4,
			bytes: `82 0e 000a [0003] "a/b" 01 [0003] "c/#" 02`,
			packet: typed{packet.SUBSCRIBE, packet.Subscribe{PacketID: 10,
				Subscriptions: []packet.Subscription{{Filter: "a/b", QoS: 1}, {Filter: "c/#", QoS: 2}}}},
			shorter: []int{8}, open: true},
		{name: "SUBACK", version: v4,
			bytes: `90 04 000a 01 80`,
			packet: typed{packet.SUBACK, packet.Suback{PacketID: 10,
				Codes: []packet.ReasonCode{packet.GrantedQoS1, packet.UnspecifiedError}}},
			shorter: []int{3}, open: true},
		{name: "UNSUBSCRIBE", version: v4,
			bytes:   `a2 0c 000a [0003] "a/b" [0003] "c/d"`,
			packet:  typed{packet.UNSUBSCRIBE, packet.Unsubscribe{PacketID: 10, Filters: []string{"a/b", "c/d"}}},
			shorter: []int{7}, open: true},
		{name: "UNSUBACK", version: v4, bytes: `b0 02 000a`, packet: typed{packet.UNSUBACK, packet.Suback{PacketID: 10}}},
		{name: "PINGREQ", version: v4, bytes: `c0 00`, packet: ping(packet.PINGREQ)},
		{name: "PINGRESP", version: v4, bytes: `d0 00`, packet: ping(packet.PINGRESP)},
		{name: "DISCONNECT", version: v4, bytes: `e0 00`, packet: typed{packet.DISCONNECT, packet.Disconnect{}}},

		{name: "CONNECT, the least", version: v5,
			bytes:  `10 0d [0004] "MQTT" 05 02 003c <00> [0000]`,
			packet: typed{packet.CONNECT, packet.Connect{Version: v5, CleanStart: true, KeepAlive: 60}}},
		{name: "CONNECT, password without user name", version: v5,
			bytes:  `10 11 [0004] "MQTT" 05 40 0000 <00> [0001] "c" [0001] "p"`,
			packet: typed{packet.CONNECT, packet.Connect{Version: v5, ClientID: "c", Password: []byte("p")}}},
		{name: "CONNECT with everything", version: v5,
			bytes: `10 5f [0004] "MQTT" 05 ee 000a
				<28> 11 00000078 15 [0005] "token" 16 (0002) 0102 17 00 19 01 21 0014 22 000a 26 [0001] "k" [0001] "v" 27 00010000
				[0001] "c"
				<18> 01 01 02 0000003c 03 [0001] "t" 08 [0001] "r" 09 (0001) "x" 18 00000005
				[0003] "w/t" [0003] "bye" [0001] "u" [0001] "p"`,
			packet: typed{packet.CONNECT, packet.Connect{Version: v5, CleanStart: true, KeepAlive: 10, ClientID: "c",
				Username: new("u"), Password: []byte("p"),
				Properties: packet.Properties{SessionExpiry: new(uint32(120)), AuthMethod: "token", AuthData: []byte{1, 2},
					RequestProblemInfo: new(byte(0)), RequestResponseInfo: 1, ReceiveMaximum: 20, TopicAliasMaximum: 10,
					User: user, MaximumPacketSize: 65536},
				Will: &packet.Will{Topic: "w/t", Payload: []byte("bye"), QoS: 1, Retain: true,
					Properties: packet.Properties{PayloadFormat: 1, MessageExpiry: new(uint32(60)), ContentType: "t",
						ResponseTopic: "r", CorrelationData: []byte("x"), WillDelay: 5}}}}},
		{name: "CONNACK", version: v5,
			bytes:  `20 03 00 00 <00>`,
			packet: typed{packet.CONNACK, packet.Connack{}}},
		{name: "CONNACK with everything", version: v5,
			bytes: `20 39 01 00
				<36> 11 00000e10 12 [0002] "id" 13 003c 1a [0001] "i" 1c [0001] "s" 1f [0002] "ok" 21 0064 22 0005 24 01 25 00
				26 [0001] "k" [0001] "v" 27 00100000 28 00 29 01 2a 00`,
			packet: typed{packet.CONNACK, packet.Connack{SessionPresent: true, Properties: packet.Properties{
				SessionExpiry: new(uint32(3600)), AssignedClientID: "id", ServerKeepAlive: new(uint16(60)), ResponseInfo: "i",
				ServerReference: "s", ReasonString: "ok", ReceiveMaximum: 100, TopicAliasMaximum: 5, MaximumQoS: new(byte(1)),
				RetainAvailable: new(byte(0)), User: user, MaximumPacketSize: 1 << 20, WildcardSubAvailable: new(byte(0)),
				SubIDAvailable: new(byte(1)), SharedSubAvailable: new(byte(0))}}}},
		{name: "CONNACK, refused", version: v5,
			bytes: `20 0b 00 86 <08> 1f [0005] "wrong"`,
			packet: typed{packet.CONNACK, packet.Connack{Code: packet.BadUserNameOrPassword,
				Properties: packet.Properties{ReasonString: "wrong"}}}},
		{name: "PUBLISH with everything", version: v5,
			bytes: `32 31 [0003] "a/b" 000a
				<26> 01 01 02 0000003c 03 [0004] "text" 08 [0001] "r" 09 [0002] dead 0b 05 0b 8001 23 0007 26 [0001] "k" [0001] "v"
				"hey"`,
			packet: typed{packet.PUBLISH, packet.Publish{QoS: 1, Topic: "a/b", PacketID: 10, Payload: []byte("hey"),
				Properties: packet.Properties{PayloadFormat: 1, MessageExpiry: new(uint32(60)), ContentType: "text",
					ResponseTopic: "r", CorrelationData: []byte{0xDE, 0xAD}, SubscriptionIDs: []uint32{5, 128}, TopicAlias: 7,
					User: user}}},
			shorter: []int{46, 47, 48}, open: true},
		{name: "PUBLISH, alias only", version: v5,
			bytes: `30 09 [0000] <03> 23 0007 "hey"`,
			packet: typed{packet.PUBLISH, packet.Publish{Properties: packet.Properties{TopicAlias: 7},
				Payload: []byte("hey")}},
			shorter: []int{6, 7, 8}, open: true},
		{name: "PUBACK", version: v5, bytes: `40 02 000a`, packet: typed{packet.PUBACK, packet.Ack{PacketID: 10}}, open: true},
		{name: "PUBACK with a code", version: v5,
			bytes:   `40 03 000a 10`,
			packet:  typed{packet.PUBACK, packet.Ack{PacketID: 10, Code: packet.NoMatchingSubscribers}},
			shorter: []int{2}, open: true},
		{name: "PUBACK with properties", version: v5,
			bytes: `40 0a 000a 87 <06> 1f [0003] "no!"`,
			packet: typed{packet.PUBACK, packet.Ack{PacketID: 10, Code: packet.NotAuthorized,
				Properties: packet.Properties{ReasonString: "no!"}}},
			shorter: []int{2, 3}},
		{name: "PUBREC", version: v5,
			bytes: `50 0b 000a 00 <07> 26 [0001] "k" [0001] "v"`,
			packet: typed{packet.PUBREC, packet.Ack{PacketID: 10,
				Properties: packet.Properties{User: user}}},
			shorter: []int{2, 3}},
		{name: "PUBREL", version: v5,
			bytes:   `62 03 000a 92`,
			packet:  typed{packet.PUBREL, packet.Ack{PacketID: 10, Code: packet.PacketIDNotFound}},
			shorter: []int{2}, open: true},
		{name: "PUBCOMP", version: v5,
			bytes:   `70 03 000a 92`,
			packet:  typed{packet.PUBCOMP, packet.Ack{PacketID: 10, Code: packet.PacketIDNotFound}},
			shorter: []int{2}, open: true},
		{name: "SUBSCRIBE", version: v5,
			bytes: `82 0b 000a <02> 0b 05 [0003] "a/b" 2d`,
			packet: typed{packet.SUBSCRIBE, packet.Subscribe{PacketID: 10,
				Properties: packet.Properties{SubscriptionIDs: []uint32{5}},
				Subscriptions: []packet.Subscription{{Filter: "a/b", QoS: 1, NoLocal: true, RetainAsPublished: true,
					RetainHandling: 2}}}},
			open: true},
		{name: "SUBSCRIBE, shared", version: v5,
			bytes: `82 12 000a <00> [000c] "$share/g/a/#" 01`,
			packet: typed{packet.SUBSCRIBE, packet.Subscribe{PacketID: 10,
				Subscriptions: []packet.Subscription{{Filter: "$share/g/a/#", QoS: 1}}}},
			open: true},
		{name: "SUBACK", version: v5,
			bytes: `90 06 000a <00> 00 01 87`,
			packet: typed{packet.SUBACK, packet.Suback{PacketID: 10,
				Codes: []packet.ReasonCode{packet.Success, packet.GrantedQoS1, packet.NotAuthorized}}},
			shorter: []int{4, 5}, open: true},
		{name: "UNSUBSCRIBE", version: v5,
			bytes:  `a2 08 000a <00> [0003] "a/b"`,
			packet: typed{packet.UNSUBSCRIBE, packet.Unsubscribe{PacketID: 10, Filters: []string{"a/b"}}},
			open:   true},
		{name: "UNSUBACK", version: v5,
			bytes: `b0 05 000a <00> 00 11`,
			packet: typed{packet.UNSUBACK, packet.Suback{PacketID: 10,
				Codes: []packet.ReasonCode{packet.Success, packet.NoSubscriptionExisted}}},
			shorter: []int{4}, open: true},
		{name: "DISCONNECT", version: v5, bytes: `e0 00`, packet: typed{packet.DISCONNECT, packet.Disconnect{}}, open: true},
		{name: "DISCONNECT with a code", version: v5,
			bytes:   `e0 01 04`,
			packet:  typed{packet.DISCONNECT, packet.Disconnect{Code: packet.DisconnectWithWill}},
			shorter: []int{0}, open: true},
		{name: "DISCONNECT with a session expiry of 0", version: v5,
			bytes:   `e0 07 00 <05> 11 00000000`,
			packet:  typed{packet.DISCONNECT, packet.Disconnect{Properties: packet.Properties{SessionExpiry: new(uint32(0))}}},
			shorter: []int{0, 1}},
		{name: "AUTH, empty", version: v5, bytes: `f0 00`, packet: typed{packet.AUTH, packet.Auth{}}},
		{name: "AUTH", version: v5,
			bytes: `f0 0a 18 <08> 15 [0005] "token"`,
			packet: typed{packet.AUTH, packet.Auth{Code: packet.ContinueAuthentication,
				Properties: packet.Properties{AuthMethod: "token"}}},
			shorter: []int{0}},
	}
}

// each runs f as a subtest for every golden packet.
func each(t *testing.T, f func(t *testing.T, g golden, b []byte, lengths []field)) {
	for _, g := range goldens() {
		t.Run(g.version.String()+" "+g.name, func(t *testing.T) {
			b, lengths := notation(t, g.bytes)
			f(t, g, b, lengths)
		})
	}
}

func TestGoldenDecode(t *testing.T) {
	each(t, func(t *testing.T, g golden, b []byte, _ []field) {
		got, err := decode(g.version, b)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(g.packet, got); diff != "" {
			t.Errorf("decoded (-want +got):\n%s", diff)
		}
	})
}

func TestGoldenEncode(t *testing.T) {
	each(t, func(t *testing.T, g golden, b []byte, _ []field) {
		if diff := cmp.Diff(b, encode(g.version, g.packet)); diff != "" {
			t.Errorf("encoded (-want +got):\n%s", diff)
		}
	})
}

// TestCut cuts every packet at every byte, once in the stream and once with a remaining length to match.
func TestCut(t *testing.T) {
	each(t, func(t *testing.T, g golden, b []byte, _ []field) {
		for n := range b {
			if _, err := decode(g.version, b[:n]); err == nil {
				t.Errorf("the first %d bytes of % x were taken for a packet", n, b)
			}
		}
		whole := body(t, b)
		for n := range whole {
			got, err := decode(g.version, withBody(b[0], whole[:n:n]))
			if legal := slices.Contains(g.shorter, n); legal != (err == nil) {
				t.Errorf("body cut at %d: got %+v, %v; want it to be legal: %t", n, got, err, legal)
			}
		}
		if _, err := decode(g.version, withBody(b[0], append(slices.Clone(whole), 0))); err == nil && !g.open {
			t.Error("a byte after the last field was let through")
		}
	})
}

// TestWrongLengths gives every length field inside every packet each wrong value of one byte, and some larger ones.
func TestWrongLengths(t *testing.T) {
	each(t, func(t *testing.T, g golden, b []byte, lengths []field) {
		for _, f := range lengths {
			for wrong := range 256 {
				c := slices.Clone(b)
				if f.uvarint {
					if wrong == int(b[f.at]) {
						continue
					}
					c[f.at] = byte(wrong)
				} else {
					if wrong == int(b[f.at+1]) {
						continue
					}
					c[f.at+1] = byte(wrong)
				}
				got, err := decode(g.version, c)
				switch {
				case err == nil && cmp.Equal(g.packet, got):
					t.Errorf("length at %d set to %d: the packet is still the same", f.at, wrong)
				case err == nil && !g.open && !f.greedy:
					t.Errorf("length at %d set to %d: decoded as %+v", f.at, wrong, got)
				case err == nil && wrong < 0x80 && f.at+wrong > len(b):
					t.Errorf("length at %d set to %d reaches beyond the packet: decoded as %+v", f.at, wrong, got)
				}
			}
			beyond := [][]byte{{0x01, 0x00}, {0x7F, 0xFF}, {0xFF, 0xFF}}
			if f.uvarint {
				beyond = [][]byte{{0x80, 0x01}, {0xFF, 0xFF, 0xFF, 0x7F}, {0xFF, 0xFF, 0xFF, 0xFF, 0x01}, {0x80, 0x00}}
			}
			width := 2
			if f.uvarint {
				width = 1
			}
			for _, length := range beyond {
				c := slices.Concat(b[:f.at], length, b[f.at+width:])
				_, n, _ := packet.ReadHeader(b)
				if got, err := decode(g.version, withBody(b[0], c[n:])); err == nil {
					t.Errorf("length at %d set to % x: decoded as %+v", f.at, length, got)
				}
			}
		}
	})
}

// TestEveryByte sets each byte of each packet to each value. Whatever still decodes must be what its encoding decodes to.
func TestEveryByte(t *testing.T) {
	each(t, func(t *testing.T, g golden, b []byte, _ []field) {
		c := slices.Clone(b)
		for i := range c {
			for value := range 256 {
				c[i] = byte(value)
				checkStable(t, g.version, c)
			}
			c[i] = b[i]
		}
	})
}
