// SPDX-License-Identifier: Apache-2.0

// Package packet encodes and decodes the control packets of MQTT 3.1.1 and 5.0, in both directions.
//
// Decoding works on one complete packet body in memory and never allocates more than that body justifies: byte slices in
// the decoded structs alias the body (strings are copied), so whoever keeps them longer than the buffer copies them.
// Encoding appends to a caller's slice and allocates nothing where it has room.
package packet

// Version is the protocol level of CONNECT.
type Version byte

// The protocol versions spoken.
const (
	V311 Version = 4
	V5   Version = 5
)

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
	PayloadFormat         byte // 1 means UTF-8
	MessageExpiry         *uint32
	ContentType           string
	ResponseTopic         string
	CorrelationData       []byte
	SubscriptionIDs       []uint32 // PUBLISH to a client: one for each matching subscription; SUBSCRIBE: at most one
	SessionExpiry         *uint32  // seconds; 0xFFFFFFFF never
	AssignedClientID      string
	ServerKeepAlive       *uint16 // seconds
	AuthMethod            string
	AuthData              []byte
	RequestProblemInfo    *byte
	WillDelay             uint32 // seconds
	RequestResponseInfo   byte
	ResponseInfo          string
	ServerReference       string
	ReasonString          string
	ReceiveMaximum        uint16 // 0 absent: 65535
	TopicAliasMaximum     uint16
	TopicAlias            uint16
	MaximumQoS            *byte
	RetainAvailable       *byte
	User                  []UserProperty
	MaximumPacketSize     uint32 // 0 absent: no limit
	WildcardSubAvailable  *byte
	SubIDAvailable        *byte
	SharedSubAvailable    *byte
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
