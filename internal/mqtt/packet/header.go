// SPDX-License-Identifier: Apache-2.0

package packet

import "errors"

// MaxLength is the largest remaining length that a fixed header can express, in bytes.
const MaxLength = 268_435_455

// ErrShort says that the bytes at hand end before the fixed header does: read more.
var ErrShort = errors.New("mqtt: more bytes are needed for the fixed header")

// ReadHeader decodes the fixed header at the beginning of b; n is its size in bytes (2 to 5). The body is the h.Length
// bytes that follow, which b need not hold yet: compare h.Length with the limit before making room for them.
//
// The error is ErrShort, or an *Error for a header that no further byte can make good: a reserved type, reserved flags, a
// PUBLISH of QoS 3, a length that is overlong or of more than four bytes, a ping with a body. AUTH is let through for
// either version: on 3.1.1 its type is reserved, and the caller, who knows the version, refuses it.
func ReadHeader(b []byte) (h Header, n int, err error) {
	if len(b) == 0 {
		return Header{}, 0, ErrShort
	}
	h.Type, h.Flags = Type(b[0]>>4), b[0]&0x0F
	if e := checkFlags(h.Type, h.Flags); e != nil {
		return Header{}, 0, e
	}
	length, n := uvarint(b[1:])
	switch {
	case n == 0:
		return Header{}, 0, ErrShort
	case n < 0:
		return Header{}, 0, malformed("remaining length: overlong or more than four bytes [MQTT-1.5.5-1]")
	}
	if (h.Type == PINGREQ || h.Type == PINGRESP) && length != 0 {
		return Header{}, 0, malformed("remaining length: a ping has no body, sections 3.12 and 3.13")
	}
	h.Length = int(length)
	return h, 1 + n, nil
}

// checkFlags checks the lower four bits of the first byte against the type.
func checkFlags(t Type, flags byte) *Error {
	want := byte(0)
	switch t {
	case PUBLISH:
		return checkPublishFlags(flags)
	case PUBREL, SUBSCRIBE, UNSUBSCRIBE:
		want = 0b0010
	case 0:
		return malformed("packet type: 0 is reserved, section 2.1.2")
	}
	if flags != want {
		return malformed("fixed header: reserved flags [MQTT-2.1.3-1]")
	}
	return nil
}

func checkPublishFlags(flags byte) *Error {
	switch qos := flags >> 1 & 3; {
	case qos == 3:
		return malformed("QoS: 3 [MQTT-3.3.1-4]")
	case qos == 0 && flags&flagDup != 0:
		return malformed("DUP: set at QoS 0 [MQTT-3.3.1-2]")
	}
	return nil
}

// The flags of PUBLISH; bits 1 and 2 are the QoS.
const (
	flagRetain = 0b0001
	flagDup    = 0b1000
)

// uvarint decodes a variable byte integer, section 1.5.5. n is its size in bytes, 0 when b ends too early, and negative
// when it is overlong or has more than four bytes.
func uvarint(b []byte) (v uint32, n int) {
	for i := range 4 {
		if i == len(b) {
			return 0, 0
		}
		c := b[i]
		v |= uint32(c&0x7F) << (7 * i)
		if c < 0x80 {
			if c == 0 && i > 0 {
				return 0, -1
			}
			return v, i + 1
		}
	}
	return 0, -1
}

// uvarintSize is the number of bytes of a variable byte integer.
func uvarintSize(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	default:
		return 4
	}
}

// appendUvarint appends n, which is at most MaxLength, as a variable byte integer.
func appendUvarint(dst []byte, n uint32) []byte {
	for n >= 0x80 {
		dst = append(dst, byte(n)|0x80)
		n >>= 7
	}
	return append(dst, byte(n))
}
