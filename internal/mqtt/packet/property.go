// SPDX-License-Identifier: Apache-2.0

package packet

import "encoding/binary"

// The property identifiers, section 2.2.2.2. They are variable byte integers, but all fit one byte.
const (
	idPayloadFormat        = 0x01
	idMessageExpiry        = 0x02
	idContentType          = 0x03
	idResponseTopic        = 0x08
	idCorrelationData      = 0x09
	idSubscriptionID       = 0x0B
	idSessionExpiry        = 0x11
	idAssignedClientID     = 0x12
	idServerKeepAlive      = 0x13
	idAuthMethod           = 0x15
	idAuthData             = 0x16
	idRequestProblemInfo   = 0x17
	idWillDelay            = 0x18
	idRequestResponseInfo  = 0x19
	idResponseInfo         = 0x1A
	idServerReference      = 0x1C
	idReasonString         = 0x1F
	idReceiveMaximum       = 0x21
	idTopicAliasMaximum    = 0x22
	idTopicAlias           = 0x23
	idMaximumQoS           = 0x24
	idRetainAvailable      = 0x25
	idUser                 = 0x26
	idMaximumPacketSize    = 0x27
	idWildcardSubAvailable = 0x28
	idSubIDAvailable       = 0x29
	idSharedSubAvailable   = 0x2A
)

// describeProperty is the table of section 2.2.2.2: the name of a property and the packets that may carry it.
func describeProperty(id byte) (name string, in uint16) {
	switch id {
	case idPayloadFormat:
		return "payload format indicator", inPublish | inWill
	case idMessageExpiry:
		return "message expiry interval", inPublish | inWill
	case idContentType:
		return "content type", inPublish | inWill
	case idResponseTopic:
		return "response topic", inPublish | inWill
	case idCorrelationData:
		return "correlation data", inPublish | inWill
	case idSubscriptionID:
		return "subscription identifier", inPublish | inSubscribe
	case idSessionExpiry:
		return "session expiry interval", inConnect | inConnack | inDisconnect
	case idAssignedClientID:
		return "assigned client identifier", inConnack
	case idServerKeepAlive:
		return "server keep alive", inConnack
	case idAuthMethod:
		return "authentication method", inConnect | inConnack | inAuth
	case idAuthData:
		return "authentication data", inConnect | inConnack | inAuth
	case idRequestProblemInfo:
		return "request problem information", inConnect
	case idWillDelay:
		return "will delay interval", inWill
	case idRequestResponseInfo:
		return "request response information", inConnect
	case idResponseInfo:
		return "response information", inConnack
	case idServerReference:
		return "server reference", inConnack | inDisconnect
	case idReasonString:
		return "reason string", inConnack | inAcks | inSuback | inUnsuback | inDisconnect | inAuth
	case idReceiveMaximum:
		return "receive maximum", inConnect | inConnack
	case idTopicAliasMaximum:
		return "topic alias maximum", inConnect | inConnack
	case idTopicAlias:
		return "topic alias", inPublish
	case idMaximumQoS:
		return "maximum QoS", inConnack
	case idRetainAvailable:
		return "retain available", inConnack
	case idUser:
		return "user property", inWill | inConnect | inConnack | inPublish | inAcks | inSubscribe | inSuback |
			inUnsubscribe | inUnsuback | inDisconnect | inAuth
	case idMaximumPacketSize:
		return "maximum packet size", inConnect | inConnack
	case idWildcardSubAvailable:
		return "wildcard subscription available", inConnack
	case idSubIDAvailable:
		return "subscription identifiers available", inConnack
	case idSharedSubAvailable:
		return "shared subscription available", inConnack
	}
	return "", 0
}

// properties decodes a property length and that many bytes of properties into p, which is zero. in is the one packet kind
// at hand, as a bit.
func (r *reader) properties(in uint16, p *Properties) {
	n := r.uvarint("property length")
	if n == 0 || r.err != nil {
		return
	}
	block := reader{b: r.take(int(n), "properties")}
	if r.err != nil {
		return
	}
	var seen uint64 // bit per identifier
	for len(block.b) > 0 && block.err == nil {
		id := block.uint8("property identifier")
		name, places := describeProperty(id)
		if places&in == 0 {
			block.fail(malformed("property identifier: unknown or not of this packet, section 2.2.2.2"))
			break
		}
		repeats := id == idUser || id == idSubscriptionID && in == inPublish
		if seen&(1<<id) != 0 && !repeats {
			block.fail(protocolError(name + ": given twice, section 2.2.2.2"))
			break
		}
		seen |= 1 << id
		block.property(id, name, p)
	}
	if block.err == nil && p.AuthData != nil && seen&(1<<idAuthMethod) == 0 {
		block.fail(protocolError("authentication data: without an authentication method, section 3.1.2.11.10"))
	}
	if block.err != nil {
		r.fail(block.err)
	}
}

// property decodes the value of one property.
func (r *reader) property(id byte, name string, p *Properties) {
	switch id {
	case idPayloadFormat:
		p.PayloadFormat = r.bit(name)
	case idMessageExpiry:
		p.MessageExpiry = new(r.uint32(name))
	case idContentType:
		p.ContentType = r.text(name)
	case idResponseTopic:
		p.ResponseTopic = r.topic(name)
	case idCorrelationData:
		p.CorrelationData = r.binary(name)
	case idSubscriptionID:
		p.SubscriptionIDs = append(p.SubscriptionIDs, nonZero(r, name, r.uvarint(name)))
	case idSessionExpiry:
		p.SessionExpiry = new(r.uint32(name))
	case idAssignedClientID:
		p.AssignedClientID = r.text(name)
	case idServerKeepAlive:
		p.ServerKeepAlive = new(r.uint16(name))
	case idAuthMethod:
		p.AuthMethod = r.text(name)
		if p.AuthMethod == "" && r.err == nil {
			r.fail(&Error{BadAuthenticationMethod, name + ": empty, section 4.12"})
		}
	case idAuthData:
		p.AuthData = r.binary(name)
	case idRequestProblemInfo:
		p.RequestProblemInfo = new(r.bit(name))
	case idWillDelay:
		p.WillDelay = r.uint32(name)
	case idRequestResponseInfo:
		p.RequestResponseInfo = r.bit(name)
	case idResponseInfo:
		p.ResponseInfo = r.text(name)
	case idServerReference:
		p.ServerReference = r.text(name)
	case idReasonString:
		p.ReasonString = r.text(name)
	case idReceiveMaximum:
		p.ReceiveMaximum = nonZero(r, name, r.uint16(name))
	case idTopicAliasMaximum:
		p.TopicAliasMaximum = r.uint16(name)
	case idTopicAlias:
		p.TopicAlias = r.uint16(name)
		if p.TopicAlias == 0 && r.err == nil {
			r.fail(&Error{TopicAliasInvalid, name + ": 0 [MQTT-3.3.2-8]"})
		}
	case idMaximumQoS:
		p.MaximumQoS = new(r.bit(name))
	case idRetainAvailable:
		p.RetainAvailable = new(r.bit(name))
	case idUser:
		if p.User == nil {
			p.User = make([]UserProperty, 0, countUser(r.b))
		}
		p.User = append(p.User, UserProperty{Name: r.text(name), Value: r.text(name)})
	case idMaximumPacketSize:
		p.MaximumPacketSize = nonZero(r, name, r.uint32(name))
	case idWildcardSubAvailable:
		p.WildcardSubAvailable = new(r.bit(name))
	case idSubIDAvailable:
		p.SubIDAvailable = new(r.bit(name))
	case idSharedSubAvailable:
		p.SharedSubAvailable = new(r.bit(name))
	}
}

// countUser counts the user properties that follow one another at the front of b, the first without its identifier.
func countUser(b []byte) int {
	for n := 1; ; n++ {
		for range 2 {
			if len(b) < 2 {
				return n
			}
			size := 2 + int(binary.BigEndian.Uint16(b))
			if size > len(b) {
				return n
			}
			b = b[size:]
		}
		if len(b) == 0 || b[0] != idUser {
			return n
		}
		b = b[1:]
	}
}

// bit yields a byte that is 0 or 1.
func (r *reader) bit(name string) byte {
	v := r.uint8(name)
	if v > 1 {
		r.fail(protocolError(name + ": neither 0 nor 1, section 2.2.2.2"))
	}
	return v
}

// nonZero passes v on unless it is 0, which the standard calls a protocol error for some numbers.
func nonZero[T uint16 | uint32](r *reader, name string, v T) T {
	if v == 0 {
		r.fail(protocolError(name + ": 0, section 2.2.2.2"))
	}
	return v
}

// AppendProperties appends what is set in p as MQTT 5 properties, without the property length in front. It does not check
// whether a packet may carry them.
func AppendProperties(dst []byte, p *Properties) []byte {
	dst = appendByteProperty(dst, idPayloadFormat, p.PayloadFormat)
	dst = appendUint32Pointer(dst, idMessageExpiry, p.MessageExpiry)
	dst = appendTextProperty(dst, idContentType, p.ContentType)
	dst = appendTextProperty(dst, idResponseTopic, p.ResponseTopic)
	dst = appendBinaryProperty(dst, idCorrelationData, p.CorrelationData)
	for _, id := range p.SubscriptionIDs {
		dst = appendUvarint(append(dst, idSubscriptionID), min(id, MaxLength))
	}
	dst = appendUint32Pointer(dst, idSessionExpiry, p.SessionExpiry)
	dst = appendTextProperty(dst, idAssignedClientID, p.AssignedClientID)
	if p.ServerKeepAlive != nil {
		dst = binary.BigEndian.AppendUint16(append(dst, idServerKeepAlive), *p.ServerKeepAlive)
	}
	dst = appendTextProperty(dst, idAuthMethod, p.AuthMethod)
	dst = appendBinaryProperty(dst, idAuthData, p.AuthData)
	dst = appendBytePointer(dst, idRequestProblemInfo, p.RequestProblemInfo)
	dst = appendUint32Property(dst, idWillDelay, p.WillDelay)
	dst = appendByteProperty(dst, idRequestResponseInfo, p.RequestResponseInfo)
	dst = appendTextProperty(dst, idResponseInfo, p.ResponseInfo)
	dst = appendTextProperty(dst, idServerReference, p.ServerReference)
	dst = appendTextProperty(dst, idReasonString, p.ReasonString)
	dst = appendUint16Property(dst, idReceiveMaximum, p.ReceiveMaximum)
	dst = appendUint16Property(dst, idTopicAliasMaximum, p.TopicAliasMaximum)
	dst = appendUint16Property(dst, idTopicAlias, p.TopicAlias)
	dst = appendBytePointer(dst, idMaximumQoS, p.MaximumQoS)
	dst = appendBytePointer(dst, idRetainAvailable, p.RetainAvailable)
	for i := range p.User {
		dst = appendText(append(dst, idUser), p.User[i].Name)
		dst = appendText(dst, p.User[i].Value)
	}
	dst = appendUint32Property(dst, idMaximumPacketSize, p.MaximumPacketSize)
	dst = appendBytePointer(dst, idWildcardSubAvailable, p.WildcardSubAvailable)
	dst = appendBytePointer(dst, idSubIDAvailable, p.SubIDAvailable)
	return appendBytePointer(dst, idSharedSubAvailable, p.SharedSubAvailable)
}

func appendByteProperty(dst []byte, id, v byte) []byte {
	if v == 0 {
		return dst
	}
	return append(dst, id, v)
}

func appendBytePointer(dst []byte, id byte, v *byte) []byte {
	if v == nil {
		return dst
	}
	return append(dst, id, *v)
}

func appendUint16Property(dst []byte, id byte, v uint16) []byte {
	if v == 0 {
		return dst
	}
	return binary.BigEndian.AppendUint16(append(dst, id), v)
}

func appendUint32Property(dst []byte, id byte, v uint32) []byte {
	if v == 0 {
		return dst
	}
	return binary.BigEndian.AppendUint32(append(dst, id), v)
}

func appendUint32Pointer(dst []byte, id byte, v *uint32) []byte {
	if v == nil {
		return dst
	}
	return binary.BigEndian.AppendUint32(append(dst, id), *v)
}

func appendTextProperty(dst []byte, id byte, s string) []byte {
	if s == "" {
		return dst
	}
	return appendText(append(dst, id), s)
}

func appendBinaryProperty(dst []byte, id byte, b []byte) []byte {
	if b == nil {
		return dst
	}
	return appendBinary(append(dst, id), b)
}
