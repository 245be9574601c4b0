// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"bytes"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"parley/internal/mqtt/packet"
)

// TestOlderVersion: what 3.1.1 cannot say is left out or said as well as it can.
func TestOlderVersion(t *testing.T) {
	properties := packet.Properties{ReasonString: "because", ContentType: "text/plain", User: []packet.UserProperty{{Name: "a", Value: "b"}}}
	for _, c := range []struct {
		name string
		got  []byte
		want string
	}{
		{"CONNACK", packet.AppendConnack(nil, v4, &packet.Connack{SessionPresent: true, Code: packet.Banned, Properties: properties}),
			`20 02 00 05`},
		{"PUBLISH", packet.AppendPublish(nil, v4, &packet.Publish{Topic: "a", Properties: properties, Payload: []byte("x")}),
			`30 04 0001 "ax"`},
		{"PUBLISH to", packet.AppendPublishTo(nil, v4, "a", 1, 7, false, []byte{1, 1}, []byte("x")),
			`32 06 0001 "a" 0007 "x"`},
		{"PUBACK", packet.AppendAck(nil, v4, packet.PUBACK, &packet.Ack{PacketID: 7, Code: packet.NotAuthorized, Properties: properties}),
			`40 02 0007`},
		{"SUBSCRIBE", packet.AppendSubscribe(nil, v4, &packet.Subscribe{PacketID: 7, Properties: properties,
			Subscriptions: []packet.Subscription{{Filter: "a", QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2}}}),
			`82 06 0007 0001 "a" 01`},
		{"SUBACK", packet.AppendSuback(nil, v4, packet.SUBACK, &packet.Suback{PacketID: 7, Properties: properties,
			Codes: []packet.ReasonCode{packet.GrantedQoS1, packet.NotAuthorized, packet.SharedSubscriptionsNotSupported}}),
			`90 05 0007 01 80 80`},
		{"UNSUBACK", packet.AppendSuback(nil, v4, packet.UNSUBACK, &packet.Suback{PacketID: 7, Properties: properties,
			Codes: []packet.ReasonCode{packet.NotAuthorized}}),
			`b0 02 0007`},
		{"UNSUBSCRIBE", packet.AppendUnsubscribe(nil, v4, &packet.Unsubscribe{PacketID: 7, Properties: properties, Filters: []string{"a"}}),
			`a2 05 0007 0001 "a"`},
		{"AUTH", packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate}), // of 5.0, whose code is never alone
			`f0 02 19 00`},
		{"DISCONNECT", packet.AppendDisconnect(nil, v4, &packet.Disconnect{Code: packet.ServerBusy, Properties: properties}),
			`e0 00`},
	} {
		if want, _ := notation(t, c.want); !bytes.Equal(c.got, want) {
			t.Errorf("%s: % x, want % x", c.name, c.got, want)
		}
	}
}

// TestIllegalFlags: the encoder sets no flags that a decoder would have to refuse.
func TestIllegalFlags(t *testing.T) {
	for _, b := range [][]byte{
		packet.AppendPublish(nil, v5, &packet.Publish{Dup: true, Topic: "a"}),
		packet.AppendPublishTo(nil, v5, "a", 0, 9, true, nil, nil),
		packet.AppendConnack(nil, v5, &packet.Connack{SessionPresent: true, Code: packet.Banned}),
	} {
		if got, err := decode(v5, b); err != nil {
			t.Errorf("% x: %+v, %v", b, got, err)
		}
	}
}

// TestTooLong: text is cut at a character, and the stream stays framed.
func TestTooLong(t *testing.T) {
	long := strings.Repeat("é", 20_000)
	b := packet.AppendAck(nil, v5, packet.PUBACK, &packet.Ack{PacketID: 1, Code: packet.QuotaExceeded,
		Properties: packet.Properties{ReasonString: long + long}})
	got, err := packet.DecodeAck(v5, packet.PUBACK, body(t, b))
	if err != nil {
		t.Fatal(err)
	}
	if s := got.Properties.ReasonString; len(s) != 65_534 || !utf8.ValidString(s) {
		t.Errorf("a reason string of %d bytes arrived, valid: %t", len(s), utf8.ValidString(s))
	}
	b = packet.AppendPublishTo(nil, v5, strings.Repeat("a", 70_000), 1, 1, false, nil, []byte("x"))
	if len(b) != packet.PublishSize(v5, 70_000, 1, 0, 1) {
		t.Errorf("PublishSize is %d for a packet of %d", packet.PublishSize(v5, 70_000, 1, 0, 1), len(b))
	}
	body(t, b)
	b = packet.AppendConnect(nil, &packet.Connect{Version: v5, Password: make([]byte, 70_000)})
	if _, err := decode(v5, b); err != nil {
		t.Error(err)
	}
	if b := packet.AppendPublishTo([]byte("before"), v5, "a", 0, 0, false, nil, make([]byte, packet.MaxLength)); string(b) != "before" {
		t.Errorf("a packet beyond MaxLength was appended: %d bytes", len(b))
	}
}

// TestLengthBoundaries crosses every size of the variable byte integer, with and without room in the slice.
func TestLengthBoundaries(t *testing.T) {
	for _, boundary := range []int{1 << 7, 1 << 14, 1 << 21} {
		for n := boundary - 12; n <= boundary+2; n++ {
			p := packet.Publish{Topic: "a", Payload: make([]byte, n), Properties: packet.Properties{
				CorrelationData: make([]byte, min(n, 65_535))}}
			for _, room := range []int{0, 4 << 20} {
				b := packet.AppendPublish(make([]byte, 0, room), v5, &p)
				var got packet.Publish
				if err := packet.DecodePublish(v5, 0, body(t, b), &got); err != nil {
					t.Fatalf("%d bytes: %v", n, err)
				}
				if len(got.Payload) != n || len(got.Properties.CorrelationData) != min(n, 65_535) {
					t.Fatalf("%d bytes: %d of payload, %d of correlation data arrived", n, len(got.Payload), len(got.Properties.CorrelationData))
				}
			}
		}
	}
}

// TestAliases: an append to a decoded slice cannot reach the bytes that follow it in the body.
func TestAliases(t *testing.T) {
	b := packet.AppendConnect(nil, &packet.Connect{Version: v5, Password: []byte("secret"),
		Will: &packet.Will{Topic: "t", Payload: []byte("bye")}})
	c, err := packet.DecodeConnect(body(t, b))
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(b)
	_ = append(c.Will.Payload, 0xFF)
	if !bytes.Equal(b, before) {
		t.Error("an append to the will's payload changed the body")
	}
}

func TestAllocations(t *testing.T) {
	payload := bytes.Repeat([]byte("x"), 200)
	properties := packet.AppendProperties(nil, &packet.Properties{ContentType: "application/json", User: []packet.UserProperty{{Name: "a", Value: "b"}}})
	dst := make([]byte, 0, 1024)
	check := func(name string, most float64, f func()) {
		t.Helper()
		if got := testing.AllocsPerRun(100, f); got > most {
			t.Errorf("%s: %v allocations, at most %v wanted", name, got, most)
		}
	}
	check("AppendPublishTo", 0, func() {
		dst = packet.AppendPublishTo(dst[:0], v5, "chat/user/alice/messages", 1, 7, false, properties, payload)
	})
	check("AppendProperties", 0, func() {
		dst = packet.AppendProperties(dst[:0], &packet.Properties{ContentType: "application/json", TopicAlias: 1})
	})
	check("AppendPublish", 0, func() {
		dst = packet.AppendPublish(dst[:0], v5, &packet.Publish{Topic: "chat/message/general", QoS: 1, PacketID: 7, Payload: payload})
	})
	check("AppendAck", 0, func() {
		dst = packet.AppendAck(dst[:0], v5, packet.PUBACK, &packet.Ack{PacketID: 7})
	})
	check("ReadHeader, AppendPingresp", 0, func() {
		if _, _, err := packet.ReadHeader([]byte{0xC0, 0}); err != nil {
			t.Error(err)
		}
		dst = packet.AppendPingresp(dst[:0])
	})
	check("Match, ValidFilter", 0, func() {
		if !packet.Match("chat/user/+/#", "chat/user/alice/messages") || !packet.ValidFilter("chat/user/+/#") {
			t.Error("no match")
		}
	})
	ack := []byte{0, 7}
	for _, v := range []packet.Version{v4, v5} {
		one := body(t, packet.AppendPublishTo(nil, v, "chat/message/general", 1, 7, false, nil, payload))
		other := body(t, packet.AppendPublishTo(nil, v, "chat/message/random", 1, 7, false, nil, payload))
		var p packet.Publish
		check("DecodePublish, topics by turns", 2, func() { // one a packet
			if packet.DecodePublish(v, 2, one, &p) != nil || packet.DecodePublish(v, 2, other, &p) != nil {
				t.Error("not decoded")
			}
		})
		check("DecodePublish, the same topic again", 0, func() {
			if packet.DecodePublish(v, 2, other, &p) != nil {
				t.Error("not decoded")
			}
		})
		check("DecodeAck", 0, func() {
			if _, err := packet.DecodeAck(v, packet.PUBACK, ack); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestMemoryBound: the worst bodies of a mebibyte cost a small multiple of their size, all that is thrown away on the way
// included.
func TestMemoryBound(t *testing.T) {
	const size = 1 << 20
	fill := func(head, unit string) []byte { return []byte(head + strings.Repeat(unit, (size-len(head))/len(unit))) }
	properties := func(unit string) []byte {
		block := strings.Repeat(unit, size/len(unit))
		n := len(block)
		return []byte("\x00\x01a" + string([]byte{byte(n) | 0x80, byte(n>>7) | 0x80, byte(n >> 14)}) + block)
	}
	for _, c := range []struct {
		name string
		kind packet.Type
		body []byte
	}{
		{"user properties", packet.PUBLISH, properties("\x26\x00\x00\x00\x00")},
		{"user properties by turns", packet.PUBLISH, properties("\x26\x00\x00\x00\x00\x0b\x01")},
		{"subscription identifiers", packet.PUBLISH, properties("\x0b\x01")},
		{"subscriptions", packet.SUBSCRIBE, fill("\x00\x01\x00", "\x00\x01a\x00")},
		{"filters", packet.UNSUBSCRIBE, fill("\x00\x01\x00", "\x00\x01a")},
		{"reason codes", packet.SUBACK, fill("\x00\x01\x00", "\x00")},
	} {
		t.Run(c.name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := decodeBody(v5, packet.Header{Type: c.kind}, c.body)
			runtime.ReadMemStats(&after)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("%.1f times the body", float64(after.TotalAlloc-before.TotalAlloc)/size)
			if used := after.TotalAlloc - before.TotalAlloc; used > 32*size {
				t.Errorf("%d bytes were allocated for a body of %d", used, size)
			}
		})
	}
}
