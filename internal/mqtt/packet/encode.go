// SPDX-License-Identifier: Apache-2.0

package packet

import (
	"encoding/binary"
	"unicode/utf8"
)

// AppendConnect appends a CONNECT of c.Version.
func AppendConnect(dst []byte, c *Connect) []byte {
	start := len(dst)
	dst = begin(dst, CONNECT, 0)
	dst = append(dst, 0, 4, 'M', 'Q', 'T', 'T', byte(c.Version))
	var flags byte
	if c.CleanStart {
		flags |= flagCleanStart
	}
	if c.Will != nil {
		flags |= flagWill | c.Will.QoS&3<<3
		if c.Will.Retain {
			flags |= flagWillRetain
		}
	}
	if c.Username != nil {
		flags |= flagUsername
	}
	if c.Password != nil {
		flags |= flagPassword
	}
	dst = append(dst, flags)
	dst = binary.BigEndian.AppendUint16(dst, c.KeepAlive)
	dst = appendPropertyBlock(dst, c.Version, &c.Properties)
	dst = appendText(dst, c.ClientID)
	if c.Will != nil {
		dst = appendPropertyBlock(dst, c.Version, &c.Will.Properties)
		dst = appendText(dst, c.Will.Topic)
		dst = appendBinary(dst, c.Will.Payload)
	}
	if c.Username != nil {
		dst = appendText(dst, *c.Username)
	}
	if c.Password != nil {
		dst = appendBinary(dst, c.Password)
	}
	return finish(dst, start)
}

// AppendConnack appends a CONNACK. A refusal never says that a session is present [MQTT-3.2.2-6].
func AppendConnack(dst []byte, v Version, c *Connack) []byte {
	start := len(dst)
	dst = begin(dst, CONNACK, 0)
	var flags byte
	if c.SessionPresent && !c.Code.Failed() {
		flags = 1
	}
	if v != V5 {
		dst = append(dst, flags, c.Code.ReturnCode())
		return finish(dst, start)
	}
	dst = append(dst, flags, byte(c.Code))
	dst = appendPropertyBlock(dst, v, &c.Properties)
	return finish(dst, start)
}

// AppendPublish appends a PUBLISH. Where the properties are encoded already, AppendPublishTo is quicker.
func AppendPublish(dst []byte, v Version, p *Publish) []byte {
	start := len(dst)
	flags := publishFlags(p.QoS, p.Dup)
	if p.Retain {
		flags |= flagRetain
	}
	dst = begin(dst, PUBLISH, flags)
	dst = appendText(dst, p.Topic)
	if p.QoS > 0 {
		dst = binary.BigEndian.AppendUint16(dst, p.PacketID)
	}
	dst = appendPropertyBlock(dst, v, &p.Properties)
	dst = append(dst, p.Payload...)
	return finish(dst, start)
}

// AppendPublishTo appends a PUBLISH without RETAIN; it is the way of fan-out, where payload and properties are the same for
// many receivers. properties are what AppendProperties made; 3.1.1 ignores them. packetID counts at QoS 1 and 2 only.
func AppendPublishTo(dst []byte, v Version, topic string, qos byte, packetID uint16, dup bool, properties, payload []byte) []byte {
	if len(topic) > maxText {
		topic = topic[:maxText]
	}
	if v != V5 {
		properties = nil
	}
	length := publishLength(v, len(topic), qos, len(properties), len(payload))
	if length > MaxLength {
		return dst
	}
	dst = append(dst, byte(PUBLISH)<<4|publishFlags(qos, dup))
	dst = appendUvarint(dst, uint32(length))
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(topic)))
	dst = append(dst, topic...)
	if qos > 0 {
		dst = binary.BigEndian.AppendUint16(dst, packetID)
	}
	if v == V5 {
		dst = appendUvarint(dst, uint32(len(properties)))
		dst = append(dst, properties...)
	}
	return append(dst, payload...)
}

// PublishSize is the size in bytes of the whole packet that AppendPublishTo appends for a topic, properties and a payload of
// so many bytes: the number to compare with a client's Maximum Packet Size, and to make room for.
func PublishSize(v Version, topicLen int, qos byte, propsLen, payloadLen int) int {
	n := publishLength(v, topicLen, qos, propsLen, payloadLen)
	return 1 + uvarintSize(n) + n
}

func publishLength(v Version, topicLen int, qos byte, propsLen, payloadLen int) int {
	n := 2 + min(topicLen, maxText) + payloadLen
	if qos > 0 {
		n += 2
	}
	if v == V5 {
		n += uvarintSize(propsLen) + propsLen
	}
	return n
}

// publishFlags never sets DUP at QoS 0 [MQTT-3.3.1-2].
func publishFlags(qos byte, dup bool) byte {
	flags := qos & 3 << 1
	if dup && flags != 0 {
		flags |= flagDup
	}
	return flags
}

// AppendAck appends PUBACK, PUBREC, PUBREL or PUBCOMP, whichever t names, in its shortest form: 3.1.1 has nothing but the
// packet identifier, and 5.0 leaves out Success without properties.
func AppendAck(dst []byte, v Version, t Type, a *Ack) []byte {
	start := len(dst)
	var flags byte
	if t == PUBREL {
		flags = 0b0010 // [MQTT-3.6.1-1]
	}
	dst = begin(dst, t, flags)
	dst = binary.BigEndian.AppendUint16(dst, a.PacketID)
	if v == V5 {
		dst = appendReason(dst, a.Code, &a.Properties)
	}
	return finish(dst, start)
}

// AppendSubscribe appends a SUBSCRIBE. 3.1.1 has only the QoS of the options.
func AppendSubscribe(dst []byte, v Version, s *Subscribe) []byte {
	start := len(dst)
	dst = begin(dst, SUBSCRIBE, 0b0010)
	dst = binary.BigEndian.AppendUint16(dst, s.PacketID)
	dst = appendPropertyBlock(dst, v, &s.Properties)
	for i := range s.Subscriptions {
		sub := &s.Subscriptions[i]
		options := sub.QoS & 3
		if v == V5 {
			if sub.NoLocal {
				options |= optionNoLocal
			}
			if sub.RetainAsPublished {
				options |= optionRetainAsPublished
			}
			options |= sub.RetainHandling & 3 << 4
		}
		dst = append(appendText(dst, sub.Filter), options)
	}
	return finish(dst, start)
}

// AppendSuback appends SUBACK or UNSUBACK, whichever t names. On 3.1.1 every failure is 0x80, and UNSUBACK has no codes.
func AppendSuback(dst []byte, v Version, t Type, s *Suback) []byte {
	start := len(dst)
	dst = begin(dst, t, 0)
	dst = binary.BigEndian.AppendUint16(dst, s.PacketID)
	dst = appendPropertyBlock(dst, v, &s.Properties)
	if v != V5 && t == UNSUBACK {
		return finish(dst, start)
	}
	for _, code := range s.Codes {
		if v != V5 && code.Failed() {
			code = UnspecifiedError
		}
		dst = append(dst, byte(code))
	}
	return finish(dst, start)
}

// AppendUnsubscribe appends an UNSUBSCRIBE.
func AppendUnsubscribe(dst []byte, v Version, u *Unsubscribe) []byte {
	start := len(dst)
	dst = begin(dst, UNSUBSCRIBE, 0b0010)
	dst = binary.BigEndian.AppendUint16(dst, u.PacketID)
	dst = appendPropertyBlock(dst, v, &u.Properties)
	for _, filter := range u.Filters {
		dst = appendText(dst, filter)
	}
	return finish(dst, start)
}

// AppendPingreq appends a PINGREQ.
func AppendPingreq(dst []byte) []byte { return append(dst, byte(PINGREQ)<<4, 0) }

// AppendPingresp appends a PINGRESP.
func AppendPingresp(dst []byte) []byte { return append(dst, byte(PINGRESP)<<4, 0) }

// AppendDisconnect appends a DISCONNECT in its shortest form. On 3.1.1 it is always empty; there a server sends none and
// just closes.
func AppendDisconnect(dst []byte, v Version, d *Disconnect) []byte {
	start := len(dst)
	dst = begin(dst, DISCONNECT, 0)
	if v == V5 {
		dst = appendReason(dst, d.Code, &d.Properties)
	}
	return finish(dst, start)
}

// AppendAuth appends an AUTH of MQTT 5.
func AppendAuth(dst []byte, a *Auth) []byte {
	start := len(dst)
	dst = begin(dst, AUTH, 0)
	dst = appendReason(dst, a.Code, &a.Properties)
	if len(dst) == start+3 { // unlike the others, AUTH cannot have a code without a property length, section 3.15.2.2.1
		dst = append(dst, 0)
	}
	return finish(dst, start)
}

// begin appends the first byte and one byte of room for the remaining length.
func begin(dst []byte, t Type, flags byte) []byte { return append(dst, byte(t)<<4|flags, 0) }

// finish fills in the remaining length of the packet that began at start, or takes it back if it is larger than MaxLength.
func finish(dst []byte, start int) []byte {
	if len(dst)-start-2 > MaxLength {
		return dst[:start]
	}
	return setLength(dst, start+1)
}

// setLength writes the number of bytes after index at there as a variable byte integer, moving them up if it needs more
// than the one byte of room.
func setLength(dst []byte, at int) []byte {
	n := len(dst) - at - 1
	if n < 0x80 {
		dst[at] = byte(n)
		return dst
	}
	extra := uvarintSize(n) - 1
	dst = append(dst, 0, 0, 0)[:len(dst)+extra]
	copy(dst[at+1+extra:], dst[at+1:at+1+n])
	appendUvarint(dst[:at], uint32(min(n, MaxLength)))
	return dst
}

// appendPropertyBlock appends properties with their length in front; nothing on 3.1.1.
func appendPropertyBlock(dst []byte, v Version, p *Properties) []byte {
	if v != V5 {
		return dst
	}
	at := len(dst)
	return setLength(AppendProperties(append(dst, 0), p), at)
}

// appendReason appends a reason code and properties, without the parts at the end that are understood: no property length
// where there are no properties, nor then a code that is Success.
func appendReason(dst []byte, code ReasonCode, p *Properties) []byte {
	at := len(dst)
	dst = appendPropertyBlock(append(dst, byte(code)), V5, p)
	switch {
	case len(dst) > at+2:
		return dst
	case code != Success:
		return dst[:at+1]
	}
	return dst[:at]
}

// appendText appends a UTF-8 string, cut at a character if it is longer than the standard allows.
func appendText(dst []byte, s string) []byte {
	if len(s) > maxText {
		n := maxText
		for n > maxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
			n--
		}
		s = s[:n]
	}
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendBinary appends binary data, cut if it is longer than the standard allows.
func appendBinary(dst, b []byte) []byte {
	b = b[:min(len(b), maxText)]
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(b))), b...)
}
