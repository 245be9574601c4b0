// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"parley/internal/mqtt/packet"
)

// typed is a packet of any type: the struct that its Decode function yields, nil for the pings.
type typed struct {
	Type packet.Type
	Body any
}

var errIncomplete = errors.New("the bytes are not exactly one packet")

// decode decodes the one packet that b holds.
func decode(v packet.Version, b []byte) (typed, error) {
	h, n, err := packet.ReadHeader(b)
	if err != nil {
		return typed{}, err
	}
	if len(b) != n+h.Length {
		return typed{}, errIncomplete
	}
	body, err := decodeBody(v, h, b[n:])
	return typed{h.Type, body}, err
}

func decodeBody(v packet.Version, h packet.Header, b []byte) (any, error) {
	switch h.Type {
	case packet.CONNECT:
		return packet.DecodeConnect(b)
	case packet.CONNACK:
		return packet.DecodeConnack(v, b)
	case packet.PUBLISH:
		var p packet.Publish
		err := packet.DecodePublish(v, h.Flags, b, &p)
		return p, err
	case packet.PUBACK, packet.PUBREC, packet.PUBREL, packet.PUBCOMP:
		return packet.DecodeAck(v, h.Type, b)
	case packet.SUBSCRIBE:
		return packet.DecodeSubscribe(v, b)
	case packet.SUBACK, packet.UNSUBACK:
		return packet.DecodeSuback(v, h.Type, b)
	case packet.UNSUBSCRIBE:
		return packet.DecodeUnsubscribe(v, b)
	case packet.PINGREQ, packet.PINGRESP:
		return nil, nil
	case packet.DISCONNECT:
		return packet.DecodeDisconnect(v, b)
	case packet.AUTH:
		return packet.DecodeAuth(b)
	}
	return nil, fmt.Errorf("type %d passed ReadHeader", h.Type)
}

// encode is the inverse of decode.
func encode(v packet.Version, p typed) []byte {
	// Something is in front of the packet already, as in a queue.
	const before = "before"
	dst := []byte(before)
	switch b := p.Body.(type) {
	case packet.Connect:
		dst = packet.AppendConnect(dst, &b)
	case packet.Connack:
		dst = packet.AppendConnack(dst, v, &b)
	case packet.Publish:
		dst = packet.AppendPublish(dst, v, &b)
	case packet.Ack:
		dst = packet.AppendAck(dst, v, p.Type, &b)
	case packet.Subscribe:
		dst = packet.AppendSubscribe(dst, v, &b)
	case packet.Suback:
		dst = packet.AppendSuback(dst, v, p.Type, &b)
	case packet.Unsubscribe:
		dst = packet.AppendUnsubscribe(dst, v, &b)
	case packet.Disconnect:
		dst = packet.AppendDisconnect(dst, v, &b)
	case packet.Auth:
		dst = packet.AppendAuth(dst, &b)
	case nil:
		if p.Type == packet.PINGREQ {
			dst = packet.AppendPingreq(dst)
		} else {
			dst = packet.AppendPingresp(dst)
		}
	default:
		panic(fmt.Sprintf("no encoder for %T", b))
	}
	if !strings.HasPrefix(string(dst), before) {
		panic("the encoder changed what was in front")
	}
	return dst[len(before):]
}

// field is a length field inside a packet.
type field struct {
	at      int // index of its first byte
	uvarint bool
	greedy  bool // of binary data among properties: a larger length may swallow some of them and leave a legal packet
}

// notation parses a packet in the tests' notation: bytes in hexadecimal and texts in double quotes, separated by spaces;
// [0004] is a two-byte length, (0004) a greedy one, <05> a variable byte integer that is a length.
func notation(t testing.TB, s string) (b []byte, lengths []field) {
	t.Helper()
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		if s[0] == '"' {
			quoted, err := strconv.QuotedPrefix(s)
			if err != nil {
				t.Fatalf("%s: %v", s, err)
			}
			text, _ := strconv.Unquote(quoted)
			b, s = append(b, text...), s[len(quoted):]
			continue
		}
		word := strings.Fields(s)[0]
		s = s[len(word):]
		if strings.IndexByte("[(<", word[0]) >= 0 {
			lengths = append(lengths, field{at: len(b), uvarint: word[0] == '<', greedy: word[0] == '('})
			word = word[1 : len(word)-1]
		}
		raw, err := hex.DecodeString(word)
		if err != nil {
			t.Fatalf("%q: %v", word, err)
		}
		b = append(b, raw...)
	}
	return b, lengths
}

// withBody is the packet of first byte first with another body, its remaining length right.
func withBody(first byte, body []byte) []byte {
	b := []byte{first}
	for n := len(body); ; n >>= 7 {
		if n < 0x80 {
			return append(append(b, byte(n)), body...)
		}
		b = append(b, byte(n)|0x80)
	}
}

// body is what follows the fixed header of a packet.
func body(t testing.TB, b []byte) []byte {
	t.Helper()
	h, n, err := packet.ReadHeader(b)
	if err != nil || len(b) != n+h.Length {
		t.Fatalf("% x is not one packet: header %+v, %v", b, h, err)
	}
	return b[n:]
}
