// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"errors"
	"strings"
	"testing"

	"parley/internal/mqtt/packet"
)

// TestRefusals holds one packet for each demand of the standard that it breaks; but for that, each would be legal.
func TestRefusals(t *testing.T) {
	const both = packet.Version(0)
	for _, c := range []struct {
		name    string
		version packet.Version
		bytes   string
		code    packet.ReasonCode
		reason  string // part of it: the field or the clause
	}{
		{"type 0", both, `00 00`, packet.MalformedPacket, "packet type"},
		{"CONNECT flags", both, `11 00`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"PUBACK flags", both, `42 02 000a`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"PUBREL flags", both, `60 02 000a`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"SUBSCRIBE flags", both, `80 00`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"UNSUBSCRIBE flags", both, `a3 00`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"AUTH flags", v5, `f1 00`, packet.MalformedPacket, "MQTT-2.1.3-1"},
		{"five-byte remaining length", both, `30 ffffffff01`, packet.MalformedPacket, "MQTT-1.5.5-1"},
		{"overlong remaining length", both, `c0 8000`, packet.MalformedPacket, "MQTT-1.5.5-1"},
		{"PINGREQ with a body", both, `c0 01 00`, packet.MalformedPacket, "ping"},
		{"PINGRESP with a body", both, `d0 01 00`, packet.MalformedPacket, "ping"},

		{"protocol name", both, `10 0c 0004 "MQTS" 04 02 003c 0000`, packet.UnsupportedProtocolVersion, "MQTT-3.1.2-1"},
		{"MQTT 3.1", both, `10 0e 0006 "MQIsdp" 03 02 003c 0000`, packet.UnsupportedProtocolVersion, "MQTT-3.1.2-1"},
		{"level 3", both, `10 0c 0004 "MQTT" 03 02 003c 0000`, packet.UnsupportedProtocolVersion, "MQTT-3.1.2-2"},
		{"level 6", both, `10 0d 0004 "MQTT" 06 02 003c 00 0000`, packet.UnsupportedProtocolVersion, "MQTT-3.1.2-2"},
		{"reserved connect flag", both, `10 0c 0004 "MQTT" 04 03 003c 0000`, packet.MalformedPacket, "MQTT-3.1.2-3"},
		{"will QoS without a will", both, `10 0c 0004 "MQTT" 04 0a 003c 0000`, packet.MalformedPacket, "MQTT-3.1.2-11"},
		{"will retain without a will", both, `10 0c 0004 "MQTT" 04 22 003c 0000`, packet.MalformedPacket, "MQTT-3.1.2-13"},
		{"will QoS 3", both, `10 12 0004 "MQTT" 04 1e 003c 0000 0001 "t" 0001 "p"`, packet.MalformedPacket, "MQTT-3.1.2-12"},
		{"will topic with a wildcard", both, `10 12 0004 "MQTT" 04 06 003c 0000 0001 "#" 0001 "p"`, packet.MalformedPacket, "will topic"},
		{"will topic empty", both, `10 11 0004 "MQTT" 04 06 003c 0000 0000 0001 "p"`, packet.MalformedPacket, "will topic"},
		{"password without user name", v4, `10 0f 0004 "MQTT" 04 42 003c 0000 0001 "p"`, packet.MalformedPacket, "MQTT-3.1.2-22"},
		{"empty client id without clean session", v4, `10 0c 0004 "MQTT" 04 00 003c 0000`, packet.ClientIDNotValid, "MQTT-3.1.3-8"},
		{"client id not UTF-8", both, `10 0d 0004 "MQTT" 04 02 003c 0001 ff`, packet.MalformedPacket, "MQTT-1.5.4-1"},
		{"client id with a surrogate", both, `10 0f 0004 "MQTT" 04 02 003c 0003 eda080`, packet.MalformedPacket, "MQTT-1.5.4-1"},
		{"client id with U+0000", both, `10 0e 0004 "MQTT" 04 02 003c 0002 6100`, packet.MalformedPacket, "MQTT-1.5.4-2"},
		{"U+0000 after other text", both, `10 0f 0004 "MQTT" 04 02 003c 0003 "é" 00`, packet.MalformedPacket, "MQTT-1.5.4-2"},
		{"user name with U+0000", both, `10 0f 0004 "MQTT" 04 82 003c 0000 0001 00`, packet.MalformedPacket, "user name"},
		{"bytes after CONNECT", both, `10 0d 0004 "MQTT" 04 02 003c 0000 00`, packet.MalformedPacket, "after its last field"},
		{"receive maximum 0", v5, `10 10 0004 "MQTT" 05 02 003c 03 21 0000 0000`, packet.ProtocolError, "receive maximum"},
		{"maximum packet size 0", v5, `10 12 0004 "MQTT" 05 02 003c 05 27 00000000 0000`, packet.ProtocolError, "maximum packet size"},
		{"request problem information 2", v5, `10 0f 0004 "MQTT" 05 02 003c 02 17 02 0000`, packet.ProtocolError, "request problem"},
		{"request response information 2", v5, `10 0f 0004 "MQTT" 05 02 003c 02 19 02 0000`, packet.ProtocolError, "request response"},
		{"session expiry twice", v5, `10 17 0004 "MQTT" 05 02 003c 0a 11 00000000 11 00000000 0000`, packet.ProtocolError, "twice"},
		{"authentication data alone", v5, `10 11 0004 "MQTT" 05 02 003c 04 16 0001 "x" 0000`, packet.ProtocolError, "authentication data"},
		{"authentication method empty", v5, `10 10 0004 "MQTT" 05 02 003c 03 15 0000 0000`, packet.BadAuthenticationMethod, "authentication method"},
		{"topic alias in CONNECT", v5, `10 10 0004 "MQTT" 05 02 003c 03 23 0001 0000`, packet.MalformedPacket, "property identifier"},
		{"will delay outside the will", v5, `10 12 0004 "MQTT" 05 02 003c 05 18 00000001 0000`, packet.MalformedPacket, "property identifier"},
		{"session expiry in the will", v5, `10 19 0004 "MQTT" 05 06 003c 00 0000 05 11 00000001 0001 "t" 0001 "p"`, packet.MalformedPacket, "property identifier"},
		{"property cut by its length", v5, `10 12 0004 "MQTT" 05 02 003c 04 11 00000000 0000`, packet.MalformedPacket, "session expiry interval: the packet ends"},

		{"CONNACK flags", both, `20 02 02 00`, packet.MalformedPacket, "MQTT-3.2.2-1"},
		{"CONNACK code 6", v4, `20 02 00 06`, packet.MalformedPacket, "return code"},
		{"CONNACK code unknown", v5, `20 03 00 03 00`, packet.ProtocolError, "reason code"},
		{"session present on a refusal", v4, `20 02 01 05`, packet.ProtocolError, "MQTT-3.2.2-6"},
		{"session present on a refusal", v5, `20 03 01 87 00`, packet.ProtocolError, "MQTT-3.2.2-6"},
		{"maximum QoS 2", v5, `20 05 00 00 02 24 02`, packet.ProtocolError, "maximum QoS"},
		{"retain available 2", v5, `20 05 00 00 02 25 02`, packet.ProtocolError, "retain available"},
		{"wildcard subscription available 2", v5, `20 05 00 00 02 28 02`, packet.ProtocolError, "wildcard subscription"},

		{"QoS 3", both, `36 05 0001 "a" 0001`, packet.MalformedPacket, "MQTT-3.3.1-4"},
		{"DUP at QoS 0", both, `38 03 0001 "a"`, packet.MalformedPacket, "MQTT-3.3.1-2"},
		{"topic empty", v4, `30 02 0000`, packet.ProtocolError, "topic name"},
		{"topic empty without an alias", v5, `30 03 0000 00`, packet.ProtocolError, "topic name"},
		{"topic with #", v4, `30 05 0003 "a/#"`, packet.MalformedPacket, "MQTT-3.3.2-2"},
		{"topic with +", v5, `30 06 0003 "a+b" 00`, packet.MalformedPacket, "MQTT-3.3.2-2"},
		{"topic with + and an alias", v5, `30 09 0003 "a+b" 03 23 0001`, packet.MalformedPacket, "MQTT-3.3.2-2"},
		{"topic not UTF-8", v4, `30 05 0003 61c328`, packet.MalformedPacket, "MQTT-1.5.4-1"},
		{"packet id 0", v4, `32 05 0001 "a" 0000`, packet.ProtocolError, "MQTT-2.2.1-3"},
		{"topic alias 0", v5, `30 07 0001 "a" 03 23 0000`, packet.TopicAliasInvalid, "MQTT-3.3.2-8"},
		{"topic alias twice", v5, `30 0a 0001 "a" 06 23 0001 23 0002`, packet.ProtocolError, "twice"},
		{"payload format 2", v5, `30 06 0001 "a" 02 01 02`, packet.ProtocolError, "payload format"},
		{"response topic with a wildcard", v5, `30 08 0001 "a" 04 08 0001 "#"`, packet.MalformedPacket, "response topic"},
		{"response topic empty", v5, `30 07 0001 "a" 03 08 0000`, packet.MalformedPacket, "response topic"},
		{"subscription identifier 0", v5, `30 06 0001 "a" 02 0b 00`, packet.ProtocolError, "subscription identifier"},
		{"subscription identifier overlong", v5, `30 07 0001 "a" 03 0b 8000`, packet.MalformedPacket, "MQTT-1.5.5-1"},
		{"unknown property", v5, `30 06 0001 "a" 02 7f 00`, packet.MalformedPacket, "property identifier"},
		{"property identifier of two bytes", v5, `30 07 0001 "a" 03 8101 01`, packet.MalformedPacket, "property identifier"},
		{"reason string in PUBLISH", v5, `30 08 0001 "a" 04 1f 0001 "x"`, packet.MalformedPacket, "property identifier"},
		{"property length overlong", v5, `30 05 0001 "a" 8000`, packet.MalformedPacket, "property length"},

		{"PUBACK of id 0", both, `40 02 0000`, packet.ProtocolError, "packet identifier"},
		{"PUBACK with a code of others", v5, `40 03 000a 92`, packet.ProtocolError, "reason code"},
		{"PUBREL with a code of others", v5, `62 03 000a 87`, packet.ProtocolError, "reason code"},
		{"PUBACK with a content type", v5, `40 08 000a 00 04 03 0001 "x"`, packet.MalformedPacket, "property identifier"},
		{"PUBACK with a code", v4, `40 03 000a 00`, packet.MalformedPacket, "after its last field"},

		{"SUBSCRIBE without a filter", v4, `82 02 000a`, packet.ProtocolError, "MQTT-3.8.3-2"},
		{"SUBSCRIBE without a filter", v5, `82 03 000a 00`, packet.ProtocolError, "MQTT-3.8.3-2"},
		{"SUBSCRIBE of id 0", v4, `82 06 0000 0001 "a" 00`, packet.ProtocolError, "MQTT-2.2.1-3"},
		{"filter empty", v4, `82 05 000a 0000 00`, packet.MalformedPacket, "MQTT-4.7.3-1"},
		{"filter with # inside", v4, `82 08 000a 0003 "#/a" 00`, packet.MalformedPacket, "MQTT-4.7.1-1"},
		{"filter with + in a level", v4, `82 07 000a 0002 "a+" 00`, packet.MalformedPacket, "MQTT-4.7.1-2"},
		{"QoS 3 requested", v4, `82 06 000a 0001 "a" 03`, packet.ProtocolError, "QoS 3"},
		{"options of 5.0", v4, `82 06 000a 0001 "a" 04`, packet.MalformedPacket, "MQTT-3-8.3-4"},
		{"QoS 3 requested", v5, `82 07 000a 00 0001 "a" 03`, packet.ProtocolError, "QoS 3"},
		{"retain handling 3", v5, `82 07 000a 00 0001 "a" 30`, packet.ProtocolError, "retain handling"},
		{"reserved options", v5, `82 07 000a 00 0001 "a" 40`, packet.MalformedPacket, "MQTT-3.8.3-5"},
		{"no local, shared", v5, `82 10 000a 00 000a "$share/g/a" 04`, packet.ProtocolError, "MQTT-3.8.3-4"},
		{"share without a filter", v5, `82 0e 000a 00 0008 "$share/g" 00`, packet.MalformedPacket, "MQTT-4.8.2"},
		{"share without a name", v5, `82 0f 000a 00 0009 "$share//a" 00`, packet.MalformedPacket, "MQTT-4.8.2"},
		{"two subscription identifiers", v5, `82 0b 000a 04 0b 01 0b 02 0001 "a" 00`, packet.ProtocolError, "twice"},
		{"one bad filter of two", v5, `82 0c 000a 00 0001 "a" 00 0002 "a#" 00`, packet.MalformedPacket, "MQTT-4.7.1-1"},

		{"SUBACK without a code", v5, `90 03 000a 00`, packet.ProtocolError, "no reason code"},
		{"SUBACK without a code", v4, `90 02 000a`, packet.ProtocolError, "no reason code"},
		{"SUBACK code 3", v4, `90 03 000a 03`, packet.ProtocolError, "reason code"},
		{"SUBACK code of 5.0", v4, `90 03 000a 87`, packet.MalformedPacket, "MQTT-3.9.3-2"},
		{"UNSUBACK with a code", v4, `b0 03 000a 00`, packet.MalformedPacket, "after its last field"},
		{"UNSUBACK without a code", v5, `b0 03 000a 00`, packet.ProtocolError, "no reason code"},
		{"UNSUBACK code of SUBACK", v5, `b0 04 000a 00 01`, packet.ProtocolError, "reason code"},

		{"UNSUBSCRIBE without a filter", v4, `a2 02 000a`, packet.ProtocolError, "MQTT-3.10.3-2"},
		{"UNSUBSCRIBE without a filter", v5, `a2 03 000a 00`, packet.ProtocolError, "MQTT-3.10.3-2"},
		{"UNSUBSCRIBE with a bad filter", v4, `a2 06 000a 0002 "a#"`, packet.MalformedPacket, "MQTT-4.7.1-1"},
		{"UNSUBSCRIBE with a bad filter", v5, `a2 07 000a 00 0002 "a#"`, packet.MalformedPacket, "MQTT-4.7.1-1"},
		{"subscription identifier in UNSUBSCRIBE", v5, `a2 08 000a 02 0b 01 0001 "a"`, packet.MalformedPacket, "property identifier"},

		{"DISCONNECT with a body", v4, `e0 01 00`, packet.MalformedPacket, "after its last field"},
		{"DISCONNECT code of CONNACK", v5, `e0 01 86`, packet.ProtocolError, "reason code"},
		{"DISCONNECT with bytes after", v5, `e0 03 00 00 00`, packet.MalformedPacket, "after its last field"},

		{"AUTH without a method", v5, `f0 02 18 00`, packet.ProtocolError, "authentication method"},
		{"AUTH code of others", v5, `f0 0a 87 08 15 0005 "token"`, packet.ProtocolError, "reason code"},
	} {
		versions := []packet.Version{c.version}
		if c.version == both {
			versions = []packet.Version{v4, v5}
		}
		for _, v := range versions {
			t.Run(v.String()+" "+c.name, func(t *testing.T) {
				b, _ := notation(t, c.bytes)
				got, err := decode(v, b)
				var e *packet.Error
				if !errors.As(err, &e) {
					t.Fatalf("got %+v, %v; want a *packet.Error", got, err)
				}
				if e.Code != c.code || !strings.Contains(e.Reason, c.reason) {
					t.Errorf("got %v, want %v with %q", err, c.code, c.reason)
				}
			})
		}
	}
}

// TestPublishFlags: DecodePublish does not rely on ReadHeader for the flags.
func TestPublishFlags(t *testing.T) {
	for _, flags := range []byte{0b0110, 0b0111, 0b1110, 0b1000, 0b1001} {
		var p packet.Publish
		if err := packet.DecodePublish(v4, flags, []byte{0, 1, 'a', 0, 1}, &p); err == nil {
			t.Errorf("flags %04b: decoded as %+v", flags, p)
		}
	}
}

// TestConnectVersionOnError: whoever refuses a CONNECT has to know in which version to say so.
func TestConnectVersionOnError(t *testing.T) {
	for _, c := range []struct {
		bytes string // the body
		want  packet.Version
	}{
		{`0006 "MQIsdp" 03 02`, v4},
		{`0004 "MQTT" 03 02`, v4},
		{`0004 "MQTT" 84 02`, v4},
		{`0004 "MQTT" 06 02`, v5},
		{`0004 "MQTT" 04 01`, v4},
		{`0004 "MQTT" 05 01`, v5},
		{`0004 "MQTT" 05`, v5},
		{`0004 "MQTT"`, 0},
		{`ffff`, 0},
		{``, 0},
	} {
		b, _ := notation(t, c.bytes)
		got, err := packet.DecodeConnect(b)
		if err == nil || got.Version != c.want {
			t.Errorf("%s: version %v, error %v; want version %v and an error", c.bytes, got.Version, err, c.want)
		}
	}
}

func TestReadHeader(t *testing.T) {
	for _, c := range []struct {
		bytes string
		want  packet.Header
		n     int
		err   error
	}{
		{``, packet.Header{}, 0, packet.ErrShort},
		{`30`, packet.Header{}, 0, packet.ErrShort},
		{`30 80`, packet.Header{}, 0, packet.ErrShort},
		{`30 ffffff`, packet.Header{}, 0, packet.ErrShort},
		{`30 00`, packet.Header{Type: packet.PUBLISH}, 2, nil},
		{`3d 7f 00`, packet.Header{Type: packet.PUBLISH, Flags: 0xD, Length: 127}, 2, nil},
		{`30 8001 00`, packet.Header{Type: packet.PUBLISH, Length: 128}, 3, nil},
		{`30 ff7f`, packet.Header{Type: packet.PUBLISH, Length: 16383}, 3, nil},
		{`30 808001`, packet.Header{Type: packet.PUBLISH, Length: 16384}, 4, nil},
		{`30 ffffff7f`, packet.Header{Type: packet.PUBLISH, Length: packet.MaxLength}, 5, nil},
		{`62 02`, packet.Header{Type: packet.PUBREL, Flags: 2, Length: 2}, 2, nil},
	} {
		b, _ := notation(t, c.bytes)
		h, n, err := packet.ReadHeader(b)
		if h != c.want || n != c.n || !errors.Is(err, c.err) {
			t.Errorf("%s: got %+v, %d, %v; want %+v, %d, %v", c.bytes, h, n, err, c.want, c.n, c.err)
		}
	}
	// A first byte that nothing can make good is refused before the length has arrived.
	if _, _, err := packet.ReadHeader([]byte{0x36}); errors.Is(err, packet.ErrShort) {
		t.Error("QoS 3: more bytes asked for")
	}
}
