// SPDX-License-Identifier: Apache-2.0

// Package packet encodes and decodes the control packets of MQTT 3.1.1 and 5.0, in both directions.
//
// # Decoding
//
// ReadHeader decodes the fixed header from the first bytes of a stream. With the body in memory, the Decode function of its
// type does the rest:
//
//	h, n, err := packet.ReadHeader(buf)
//	switch {
//	case err == packet.ErrShort: // read more
//	case h.Length > limit: // refuse before making room for it
//	}
//	body := buf[n : n+h.Length]
//	err = packet.DecodePublish(version, h.Flags, body, &publish)
//
// PINGREQ and PINGRESP have no body, and ReadHeader has checked them. What it and the Decode functions refuse is an *Error,
// with the reason code to answer with. They check everything that the standard demands of a packet by itself; what depends
// on the session, on who sent it or on limits that were agreed upon is left to the caller. Clauses are numbered as in MQTT
// 5.0, with "3.1.1" before those that only the older standard has.
//
// Decoding never allocates more than a small multiple of the body: six times for a body of nothing but the shortest user
// properties or subscriptions, thirty with those that take turns with subscription identifiers. Byte slices in the decoded structs alias the body, so
// whoever keeps them longer than the buffer copies them; strings are copies.
//
// # Encoding
//
// The Append functions append one whole packet to a slice and allocate nothing where it has room. They trust the caller:
// topics and filters are valid (ValidTopic, ValidFilter), text is UTF-8 without U+0000, packet identifiers are not 0, and
// properties and reason codes are such as the packet may carry. Whatever they are given, the stream stays framed: text and
// binary data beyond 65535 bytes are cut, and a packet whose remaining length would exceed MaxLength is not appended at all.
//
// # Topics
//
// ValidTopic, ValidFilter, SplitShare and Match are the rules of sections 4.7 and 4.8.
package packet

import "strings"

// Version is the protocol level of CONNECT.
type Version byte

// The protocol versions spoken.
const (
	V311 Version = 4
	V5   Version = 5
)

// String is "3.1.1" or "5.0".
func (v Version) String() string {
	switch v {
	case V311:
		return "3.1.1"
	case V5:
		return "5.0"
	}
	return "unknown"
}

// Type is the control packet type: the upper four bits of the first byte.
type Type byte

// The control packet types, section 2.1.2.
const (
	CONNECT Type = iota + 1
	CONNACK
	PUBLISH
	PUBACK
	PUBREC
	PUBREL
	PUBCOMP
	SUBSCRIBE
	SUBACK
	UNSUBSCRIBE
	UNSUBACK
	PINGREQ
	PINGRESP
	DISCONNECT
	AUTH
)

// String is the standard's name of the type.
func (t Type) String() string {
	const names = "reserved   CONNECT    CONNACK    PUBLISH    PUBACK     PUBREC     PUBREL     PUBCOMP    " +
		"SUBSCRIBE  SUBACK     UNSUBSCRIBEUNSUBACK   PINGREQ    PINGRESP   DISCONNECT AUTH       "
	const width = len("UNSUBSCRIBE")
	if t > AUTH {
		t = 0
	}
	return strings.TrimRight(names[int(t)*width:][:width], " ")
}

// Header is a decoded fixed header.
type Header struct {
	Type   Type
	Flags  byte // lower four bits, already checked against the type [MQTT-2.1.3-1]
	Length int  // remaining length: bytes of the body
}

// UserProperty is one name-value pair; they repeat and keep their order.
type UserProperty struct{ Name, Value string }

// Properties are the properties of any MQTT 5 packet. A pointer or a slice that is nil, an empty string, or (for numbers
// without a pointer) zero means absent. Which of them a packet may carry is checked when decoding.
type Properties struct {
	PayloadFormat        byte // 1 means UTF-8
	MessageExpiry        *uint32
	ContentType          string
	ResponseTopic        string
	CorrelationData      []byte
	SubscriptionIDs      []uint32 // PUBLISH to a client: one for each matching subscription; SUBSCRIBE: at most one
	SessionExpiry        *uint32  // seconds; 0xFFFFFFFF never
	AssignedClientID     string
	ServerKeepAlive      *uint16 // seconds
	AuthMethod           string
	AuthData             []byte
	RequestProblemInfo   *byte
	WillDelay            uint32 // seconds
	RequestResponseInfo  byte
	ResponseInfo         string
	ServerReference      string
	ReasonString         string
	ReceiveMaximum       uint16 // 0 absent: 65535
	TopicAliasMaximum    uint16
	TopicAlias           uint16
	MaximumQoS           *byte
	RetainAvailable      *byte
	User                 []UserProperty
	MaximumPacketSize    uint32 // 0 absent: no limit
	WildcardSubAvailable *byte
	SubIDAvailable       *byte
	SharedSubAvailable   *byte
}

// Connect is the CONNECT packet.
type Connect struct {
	Version    Version
	CleanStart bool
	KeepAlive  uint16 // seconds, 0 off
	ClientID   string
	Username   *string
	Password   []byte // nil when the flag is off
	Properties Properties
	Will       *Will
}

// Will is the message that a CONNECT leaves behind.
type Will struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retain     bool
	Properties Properties
}

// Connack is the CONNACK packet. On 3.1.1 Code is sent as the return code that comes closest (see ReasonCode.ReturnCode).
type Connack struct {
	SessionPresent bool
	Code           ReasonCode
	Properties     Properties
}

// Publish is the PUBLISH packet.
type Publish struct {
	Dup        bool
	QoS        byte
	Retain     bool
	Topic      string // may be empty on MQTT 5 with a topic alias
	PacketID   uint16 // of QoS 1 and 2
	Properties Properties
	Payload    []byte
}

// Ack is PUBACK, PUBREC, PUBREL or PUBCOMP.
type Ack struct {
	PacketID   uint16
	Code       ReasonCode
	Properties Properties // ReasonString and User only
}

// Subscription is one filter of a SUBSCRIBE with its options.
type Subscription struct {
	Filter            string
	QoS               byte
	NoLocal           bool
	RetainAsPublished bool
	RetainHandling    byte
}

// Subscribe is the SUBSCRIBE packet.
type Subscribe struct {
	PacketID      uint16
	Properties    Properties
	Subscriptions []Subscription
}

// Suback is SUBACK or UNSUBACK.
type Suback struct {
	PacketID   uint16
	Codes      []ReasonCode // UNSUBACK of 3.1.1 carries none
	Properties Properties
}

// Unsubscribe is the UNSUBSCRIBE packet.
type Unsubscribe struct {
	PacketID   uint16
	Properties Properties
	Filters    []string
}

// Disconnect is the DISCONNECT packet; on 3.1.1 it is empty.
type Disconnect struct {
	Code       ReasonCode
	Properties Properties
}

// Auth is the AUTH packet of MQTT 5.
type Auth struct {
	Code       ReasonCode
	Properties Properties
}
