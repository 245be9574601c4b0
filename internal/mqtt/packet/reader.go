// SPDX-License-Identifier: Apache-2.0

package packet

import "encoding/binary"

// reader takes fields off the front of a body. After its first fault it yields zero values only, so that a decoder reads
// straight through and asks for the error once. Field names go into the error.
type reader struct {
	b   []byte
	err *Error
}

func (r *reader) fail(e *Error) {
	if r.err == nil {
		r.err = e
	}
	r.b = nil
}

func (r *reader) short(field string) {
	r.fail(malformed(field + ": the packet ends inside, section 4.13.1"))
}

// result is the first fault as an error, or nil.
func (r *reader) result() error {
	if r.err != nil {
		return r.err
	}
	return nil
}

// end is result for a packet that must be used up by now.
func (r *reader) end(t Type) error {
	if r.err == nil && len(r.b) != 0 {
		r.fail(malformed(t.String() + ": bytes after its last field, section 4.13.1"))
	}
	return r.result()
}

func (r *reader) uint8(field string) byte {
	if len(r.b) < 1 {
		r.short(field)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uint16(field string) uint16 {
	if len(r.b) < 2 {
		r.short(field)
		return 0
	}
	v := binary.BigEndian.Uint16(r.b)
	r.b = r.b[2:]
	return v
}

func (r *reader) uint32(field string) uint32 {
	if len(r.b) < 4 {
		r.short(field)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) uvarint(field string) uint32 {
	v, n := uvarint(r.b)
	switch {
	case n == 0:
		r.short(field)
		return 0
	case n < 0:
		r.fail(malformed(field + ": overlong or more than four bytes [MQTT-1.5.5-1]"))
		return 0
	}
	r.b = r.b[n:]
	return v
}

// take yields the next n bytes, aliasing the body, their capacity cut so that an append cannot reach the rest of it.
func (r *reader) take(n int, field string) []byte {
	if n > len(r.b) {
		r.short(field)
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

// binary yields binary data, section 1.5.6, aliasing the body; never nil unless it failed.
func (r *reader) binary(field string) []byte {
	n := r.uint16(field)
	if r.err != nil {
		return nil
	}
	return r.take(int(n), field)
}

// text yields a UTF-8 string, section 1.5.4, as a copy.
func (r *reader) text(field string) string { return r.textLike(field, "") }

// textLike is text that returns same where the bytes equal it, which saves the copy.
func (r *reader) textLike(field, same string) string {
	b := r.binary(field)
	if r.err != nil {
		return ""
	}
	s := same
	if s != string(b) {
		s = string(b)
	}
	if fault := textFault(s); fault != "" {
		r.fail(malformed(field + ": " + fault))
		return ""
	}
	return s
}

// topic yields a topic name.
func (r *reader) topic(field string) string {
	s := r.text(field)
	if r.err != nil {
		return ""
	}
	if fault := topicFault(s); fault != "" {
		r.fail(malformed(field + ": " + fault))
		return ""
	}
	return s
}

// filter yields a topic filter; with MQTT 5 a shared one is looked into.
func (r *reader) filter(v Version) (s string, shared bool) {
	const field = "topic filter"
	s = r.text(field)
	if r.err != nil {
		return "", false
	}
	if fault := filterFault(s); fault != "" {
		r.fail(malformed(field + ": " + fault))
		return "", false
	}
	if v < V5 {
		return s, false
	}
	_, _, shared, ok := SplitShare(s)
	if !ok {
		r.fail(malformed(field + ": not $share/name/filter [MQTT-4.8.2-1] [MQTT-4.8.2-2]"))
		return "", false
	}
	return s, shared
}

// packetID yields a packet identifier.
func (r *reader) packetID() uint16 {
	id := r.uint16("packet identifier")
	if id == 0 && r.err == nil {
		r.fail(protocolError("packet identifier: 0 [MQTT-2.2.1-3]"))
	}
	return id
}

// reason yields a reason code that packets of type t may carry.
func (r *reader) reason(t Type) ReasonCode {
	c := ReasonCode(r.uint8("reason code"))
	if r.err == nil && !c.AllowedIn(t) {
		r.fail(protocolError("reason code: not one of " + t.String() + ", section 2.4"))
	}
	return c
}

// countTexts counts the strings at the front of b, each followed by extra bytes, so that the room for them is made once: a
// slice that grows as it goes would cost several times as much. Faults are for the decoder to find.
func countTexts(b []byte, extra int) int {
	n := 0
	for len(b) >= 2 {
		size := 2 + int(binary.BigEndian.Uint16(b)) + extra
		if size > len(b) {
			break
		}
		b = b[size:]
		n++
	}
	return n
}
