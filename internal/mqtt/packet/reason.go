// SPDX-License-Identifier: Apache-2.0

package packet

import "fmt"

// ReasonCode is the outcome of an operation, MQTT 5 section 2.4. MQTT 3.1.1 knows only a few of them, see ReturnCode.
type ReasonCode byte

// The reason codes. Success is also Normal Disconnection (DISCONNECT) and Granted QoS 0 (SUBACK).
const (
	Success                           ReasonCode = 0x00
	GrantedQoS1                       ReasonCode = 0x01
	GrantedQoS2                       ReasonCode = 0x02
	DisconnectWithWill                ReasonCode = 0x04
	NoMatchingSubscribers             ReasonCode = 0x10
	NoSubscriptionExisted             ReasonCode = 0x11
	ContinueAuthentication            ReasonCode = 0x18
	ReAuthenticate                    ReasonCode = 0x19
	UnspecifiedError                  ReasonCode = 0x80
	MalformedPacket                   ReasonCode = 0x81
	ProtocolError                     ReasonCode = 0x82
	ImplementationSpecificError       ReasonCode = 0x83
	UnsupportedProtocolVersion        ReasonCode = 0x84
	ClientIDNotValid                  ReasonCode = 0x85
	BadUserNameOrPassword             ReasonCode = 0x86
	NotAuthorized                     ReasonCode = 0x87
	ServerUnavailable                 ReasonCode = 0x88
	ServerBusy                        ReasonCode = 0x89
	Banned                            ReasonCode = 0x8A
	ServerShuttingDown                ReasonCode = 0x8B
	BadAuthenticationMethod           ReasonCode = 0x8C
	KeepAliveTimeout                  ReasonCode = 0x8D
	SessionTakenOver                  ReasonCode = 0x8E
	TopicFilterInvalid                ReasonCode = 0x8F
	TopicNameInvalid                  ReasonCode = 0x90
	PacketIDInUse                     ReasonCode = 0x91
	PacketIDNotFound                  ReasonCode = 0x92
	ReceiveMaximumExceeded            ReasonCode = 0x93
	TopicAliasInvalid                 ReasonCode = 0x94
	PacketTooLarge                    ReasonCode = 0x95
	MessageRateTooHigh                ReasonCode = 0x96
	QuotaExceeded                     ReasonCode = 0x97
	AdministrativeAction              ReasonCode = 0x98
	PayloadFormatInvalid              ReasonCode = 0x99
	RetainNotSupported                ReasonCode = 0x9A
	QoSNotSupported                   ReasonCode = 0x9B
	UseAnotherServer                  ReasonCode = 0x9C
	ServerMoved                       ReasonCode = 0x9D
	SharedSubscriptionsNotSupported   ReasonCode = 0x9E
	ConnectionRateExceeded            ReasonCode = 0x9F
	MaximumConnectTime                ReasonCode = 0xA0
	SubscriptionIDsNotSupported       ReasonCode = 0xA1
	WildcardSubscriptionsNotSupported ReasonCode = 0xA2
)

// The kinds of packet as bits, for the tables of what may stand where. Bit 0 is the will inside CONNECT.
const (
	inWill        = 1 << 0
	inConnect     = 1 << CONNECT
	inConnack     = 1 << CONNACK
	inPublish     = 1 << PUBLISH
	inPuback      = 1 << PUBACK
	inPubrec      = 1 << PUBREC
	inPubrel      = 1 << PUBREL
	inPubcomp     = 1 << PUBCOMP
	inSubscribe   = 1 << SUBSCRIBE
	inSuback      = 1 << SUBACK
	inUnsubscribe = 1 << UNSUBSCRIBE
	inUnsuback    = 1 << UNSUBACK
	inDisconnect  = 1 << DISCONNECT
	inAuth        = 1 << AUTH

	inReceived = inPuback | inPubrec // the answers to PUBLISH
	inReleased = inPubrel | inPubcomp
	inAcks     = inReceived | inReleased
)

// AllowedIn tells whether the standard lets a packet of type t carry the code, section 2.4.
func (c ReasonCode) AllowedIn(t Type) bool {
	_, in := c.describe()
	return t >= CONNECT && t <= AUTH && in&(1<<t) != 0
}

// String is the standard's name of the code.
func (c ReasonCode) String() string {
	if name, _ := c.describe(); name != "" {
		return name
	}
	return fmt.Sprintf("reason code 0x%02X", byte(c))
}

// Failed tells a failure from a success.
func (c ReasonCode) Failed() bool { return c >= 0x80 }

// ReturnCode is the CONNACK return code of MQTT 3.1.1, section 3.2.2.3, that comes closest. Failures without a counterpart
// become 3 (Server unavailable) where trying again later may help, else 5 (Not authorized).
func (c ReasonCode) ReturnCode() byte {
	if !c.Failed() {
		return 0
	}
	switch c {
	case UnsupportedProtocolVersion:
		return 1
	case ClientIDNotValid:
		return 2
	case BadUserNameOrPassword:
		return 4
	case UnspecifiedError, ImplementationSpecificError, ServerUnavailable, ServerBusy, ServerShuttingDown,
		MessageRateTooHigh, QuotaExceeded, UseAnotherServer, ServerMoved, ConnectionRateExceeded:
		return 3
	default:
		return 5
	}
}

// connackReason is the inverse of ReturnCode for the codes that 3.1.1 defines; others are reserved.
func connackReason(returnCode byte) (ReasonCode, bool) {
	switch returnCode {
	case 0:
		return Success, true
	case 1:
		return UnsupportedProtocolVersion, true
	case 2:
		return ClientIDNotValid, true
	case 3:
		return ServerUnavailable, true
	case 4:
		return BadUserNameOrPassword, true
	case 5:
		return NotAuthorized, true
	}
	return 0, false
}

// describe is the table of section 2.4: the name of a code and the packets that may carry it.
func (c ReasonCode) describe() (name string, in uint16) {
	switch c {
	case Success:
		return "success", inConnack | inAcks | inSuback | inUnsuback | inDisconnect | inAuth
	case GrantedQoS1:
		return "granted QoS 1", inSuback
	case GrantedQoS2:
		return "granted QoS 2", inSuback
	case DisconnectWithWill:
		return "disconnect with will message", inDisconnect
	case NoMatchingSubscribers:
		return "no matching subscribers", inReceived
	case NoSubscriptionExisted:
		return "no subscription existed", inUnsuback
	case ContinueAuthentication:
		return "continue authentication", inAuth
	case ReAuthenticate:
		return "re-authenticate", inAuth
	case UnspecifiedError:
		return "unspecified error", inConnack | inReceived | inSuback | inUnsuback | inDisconnect
	case MalformedPacket:
		return "malformed packet", inConnack | inDisconnect
	case ProtocolError:
		return "protocol error", inConnack | inDisconnect
	case ImplementationSpecificError:
		return "implementation specific error", inConnack | inReceived | inSuback | inUnsuback | inDisconnect
	case UnsupportedProtocolVersion:
		return "unsupported protocol version", inConnack
	case ClientIDNotValid:
		return "client identifier not valid", inConnack
	case BadUserNameOrPassword:
		return "bad user name or password", inConnack
	case NotAuthorized:
		return "not authorized", inConnack | inReceived | inSuback | inUnsuback | inDisconnect
	case ServerUnavailable:
		return "server unavailable", inConnack
	case ServerBusy:
		return "server busy", inConnack | inDisconnect
	case Banned:
		return "banned", inConnack
	case ServerShuttingDown:
		return "server shutting down", inDisconnect
	case BadAuthenticationMethod:
		return "bad authentication method", inConnack | inDisconnect
	case KeepAliveTimeout:
		return "keep alive timeout", inDisconnect
	case SessionTakenOver:
		return "session taken over", inDisconnect
	case TopicFilterInvalid:
		return "topic filter invalid", inSuback | inUnsuback | inDisconnect
	case TopicNameInvalid:
		return "topic name invalid", inConnack | inReceived | inDisconnect
	case PacketIDInUse:
		return "packet identifier in use", inReceived | inSuback | inUnsuback
	case PacketIDNotFound:
		return "packet identifier not found", inReleased
	case ReceiveMaximumExceeded:
		return "receive maximum exceeded", inDisconnect
	case TopicAliasInvalid:
		return "topic alias invalid", inDisconnect
	case PacketTooLarge:
		return "packet too large", inConnack | inDisconnect
	case MessageRateTooHigh:
		return "message rate too high", inDisconnect
	case QuotaExceeded:
		return "quota exceeded", inConnack | inReceived | inSuback | inDisconnect
	case AdministrativeAction:
		return "administrative action", inDisconnect
	case PayloadFormatInvalid:
		return "payload format invalid", inConnack | inReceived | inDisconnect
	case RetainNotSupported:
		return "retain not supported", inConnack | inDisconnect
	case QoSNotSupported:
		return "QoS not supported", inConnack | inDisconnect
	case UseAnotherServer:
		return "use another server", inConnack | inDisconnect
	case ServerMoved:
		return "server moved", inConnack | inDisconnect
	case SharedSubscriptionsNotSupported:
		return "shared subscriptions not supported", inSuback | inDisconnect
	case ConnectionRateExceeded:
		return "connection rate exceeded", inConnack | inDisconnect
	case MaximumConnectTime:
		return "maximum connect time", inDisconnect
	case SubscriptionIDsNotSupported:
		return "subscription identifiers not supported", inSuback | inDisconnect
	case WildcardSubscriptionsNotSupported:
		return "wildcard subscriptions not supported", inSuback | inDisconnect
	}
	return "", 0
}

// Error is a packet that the standard does not allow. Code is what to answer with: in CONNACK for a CONNECT, else in
// DISCONNECT. Reason names the field and the clause of the MQTT 5 standard; it quotes nothing from the packet, so it may be
// sent to the peer as a Reason String.
type Error struct {
	Code   ReasonCode
	Reason string
}

// Error names the code and the reason.
func (e *Error) Error() string { return fmt.Sprintf("mqtt: %s: %s", e.Code, e.Reason) }

func malformed(reason string) *Error { return &Error{MalformedPacket, reason} }

func protocolError(reason string) *Error { return &Error{ProtocolError, reason} }
