// SPDX-License-Identifier: Apache-2.0

package packet

// The flags of CONNECT; bits 3 and 4 are the QoS of the will.
const (
	flagCleanStart = 1 << 1
	flagWill       = 1 << 2
	flagWillRetain = 1 << 5
	flagPassword   = 1 << 6
	flagUsername   = 1 << 7
)

// DecodeConnect decodes the body of CONNECT, which says itself which version it speaks.
//
// On an error Version still says in which version to answer, as far as the packet told; 0 means that it did not, and that
// nothing should be answered. Levels other than 4 and 5, and other protocols such as MQIsdp (MQTT 3.1), give
// UnsupportedProtocolVersion. An empty client identifier is for the caller to replace; only where 3.1.1 forbids it does it
// give ClientIDNotValid.
func DecodeConnect(body []byte) (Connect, error) {
	var c Connect
	r := reader{b: body}
	name := r.binary("protocol name")
	level := r.uint8("protocol version")
	if r.err != nil {
		return c, r.result()
	}
	if string(name) != "MQTT" || level != byte(V311) && level != byte(V5) {
		c.Version = V311
		if string(name) == "MQTT" && level&0x7F > byte(V311) { // the uppermost bit marks the bridges of some brokers
			c.Version = V5
		}
		return c, &Error{UnsupportedProtocolVersion, "protocol version: 3.1.1 and 5.0 are spoken here [MQTT-3.1.2-1] [MQTT-3.1.2-2]"}
	}
	c.Version = Version(level)

	flags := r.uint8("connect flags")
	if e := checkConnectFlags(c.Version, flags); e != nil && r.err == nil {
		r.fail(e)
	}
	c.CleanStart = flags&flagCleanStart != 0
	c.KeepAlive = r.uint16("keep alive")
	if c.Version == V5 {
		r.properties(inConnect, &c.Properties)
	}
	c.ClientID = r.text("client identifier")
	if c.ClientID == "" && c.Version == V311 && !c.CleanStart && r.err == nil {
		r.fail(&Error{ClientIDNotValid, "client identifier: empty without clean session, 3.1.1 [MQTT-3.1.3-8]"})
	}
	if flags&flagWill != 0 {
		c.Will = &Will{QoS: flags >> 3 & 3, Retain: flags&flagWillRetain != 0}
		if c.Version == V5 {
			r.properties(inWill, &c.Will.Properties)
		}
		c.Will.Topic = r.topic("will topic")
		c.Will.Payload = r.binary("will payload")
	}
	if flags&flagUsername != 0 {
		c.Username = new(r.text("user name"))
	}
	if flags&flagPassword != 0 {
		c.Password = r.binary("password")
	}
	return c, r.end(CONNECT)
}

func checkConnectFlags(v Version, flags byte) *Error {
	qos := flags >> 3 & 3
	switch {
	case flags&1 != 0:
		return malformed("connect flags: the reserved bit is set [MQTT-3.1.2-3]")
	case flags&flagWill == 0 && qos != 0:
		return malformed("connect flags: will QoS without a will [MQTT-3.1.2-11]")
	case flags&flagWill == 0 && flags&flagWillRetain != 0:
		return malformed("connect flags: will retain without a will [MQTT-3.1.2-13]")
	case qos == 3:
		return malformed("connect flags: will QoS 3 [MQTT-3.1.2-12]")
	case v == V311 && flags&flagPassword != 0 && flags&flagUsername == 0:
		return malformed("connect flags: password without user name, 3.1.1 [MQTT-3.1.2-22]")
	}
	return nil
}

// DecodeConnack decodes the body of CONNACK. The return codes of 3.1.1 become the reason codes that they are closest to.
func DecodeConnack(v Version, body []byte) (Connack, error) {
	var c Connack
	r := reader{b: body}
	flags := r.uint8("acknowledge flags")
	if flags > 1 {
		r.fail(malformed("acknowledge flags: reserved bits are set [MQTT-3.2.2-1]"))
	}
	c.SessionPresent = flags == 1
	if v == V5 {
		c.Code = r.reason(CONNACK)
		r.properties(inConnack, &c.Properties)
	} else {
		code, ok := connackReason(r.uint8("return code"))
		if !ok && r.err == nil {
			r.fail(malformed("return code: above 5 is reserved, 3.1.1 section 3.2.2.3"))
		}
		c.Code = code
	}
	if c.SessionPresent && c.Code.Failed() && r.err == nil {
		r.fail(protocolError("session present: set on a refusal [MQTT-3.2.2-6]"))
	}
	return c, r.end(CONNACK)
}

// DecodePublish decodes the body of PUBLISH into p, whose former contents are lost; flags are those of the header. Payload
// and correlation data alias body. A p that is used again saves the copy of a topic that equals the one before; nothing else
// is shared between calls. On an error the contents of p mean nothing.
//
// The codec does not know who sent the packet: that a client sends no subscription identifier [MQTT-3.3.4-6], and that an
// alias is known and not above the maximum, is for the caller to check.
func DecodePublish(v Version, flags byte, body []byte, p *Publish) error {
	last := p.Topic
	*p = Publish{Dup: flags&flagDup != 0, QoS: flags >> 1 & 3, Retain: flags&flagRetain != 0}
	if e := checkPublishFlags(flags); e != nil {
		return e
	}
	r := reader{b: body}
	p.Topic = r.textLike("topic name", last)
	if p.QoS > 0 {
		p.PacketID = r.packetID()
	}
	if v == V5 {
		r.properties(inPublish, &p.Properties)
	}
	if r.err == nil && (p.Topic != "" || p.Properties.TopicAlias == 0) {
		switch fault := topicFault(p.Topic); {
		case fault == "":
		case p.Topic == "":
			r.fail(protocolError("topic name: empty without a topic alias, section 3.3.2.1"))
		default:
			r.fail(malformed("topic name: " + fault))
		}
	}
	p.Payload = r.b
	return r.result()
}

// DecodeAck decodes the body of PUBACK, PUBREC, PUBREL or PUBCOMP, whichever t names.
func DecodeAck(v Version, t Type, body []byte) (Ack, error) {
	var a Ack
	r := reader{b: body}
	a.PacketID = r.packetID()
	if v == V5 && len(r.b) > 0 {
		a.Code = r.reason(t)
		if len(r.b) > 0 {
			r.properties(1<<t, &a.Properties)
		}
	}
	return a, r.end(t)
}

// DecodeSubscribe decodes the body of SUBSCRIBE. Filters are valid when it succeeds; with MQTT 5 so are shared ones.
func DecodeSubscribe(v Version, body []byte) (Subscribe, error) {
	var s Subscribe
	r := reader{b: body}
	s.PacketID = r.packetID()
	if v == V5 {
		r.properties(inSubscribe, &s.Properties)
	}
	if r.err == nil && len(r.b) == 0 {
		r.fail(protocolError("SUBSCRIBE: no topic filter [MQTT-3.8.3-2]"))
	}
	if n := countTexts(r.b, 1); n > 0 {
		s.Subscriptions = make([]Subscription, 0, n)
	}
	for len(r.b) > 0 {
		filter, shared := r.filter(v)
		options := r.uint8("subscription options")
		if r.err != nil {
			break
		}
		sub := Subscription{
			Filter:            filter,
			QoS:               options & 3,
			NoLocal:           options&optionNoLocal != 0,
			RetainAsPublished: options&optionRetainAsPublished != 0,
			RetainHandling:    options >> 4 & 3,
		}
		switch {
		case sub.QoS == 3:
			r.fail(protocolError("subscription options: QoS 3, section 3.8.3.1"))
		case v != V5 && options > 2:
			r.fail(malformed("requested QoS: reserved bits are set, 3.1.1 [MQTT-3-8.3-4]"))
		case sub.RetainHandling == 3:
			r.fail(protocolError("subscription options: retain handling 3, section 3.8.3.1"))
		case options&0xC0 != 0:
			r.fail(malformed("subscription options: reserved bits are set [MQTT-3.8.3-5]"))
		case shared && sub.NoLocal:
			r.fail(protocolError("subscription options: no local on a shared subscription [MQTT-3.8.3-4]"))
		}
		s.Subscriptions = append(s.Subscriptions, sub)
	}
	return s, r.end(SUBSCRIBE)
}

// The subscription options; bits 0 and 1 are the QoS, bits 4 and 5 the retain handling.
const (
	optionNoLocal           = 1 << 2
	optionRetainAsPublished = 1 << 3
)

// DecodeSuback decodes the body of SUBACK or UNSUBACK, whichever t names. The failure of 3.1.1 becomes UnspecifiedError.
func DecodeSuback(v Version, t Type, body []byte) (Suback, error) {
	var s Suback
	r := reader{b: body}
	s.PacketID = r.packetID()
	if v == V5 {
		r.properties(1<<t, &s.Properties)
	} else if t == UNSUBACK {
		return s, r.end(t)
	}
	if r.err == nil && len(r.b) == 0 {
		r.fail(protocolError(t.String() + ": no reason code [MQTT-3.8.4-6] [MQTT-3.11.3-1]"))
	}
	if len(r.b) > 0 {
		s.Codes = make([]ReasonCode, 0, len(r.b))
	}
	for len(r.b) > 0 {
		code := r.reason(t)
		if v != V5 && code > GrantedQoS2 && code != UnspecifiedError {
			r.fail(malformed("return code: reserved, 3.1.1 [MQTT-3.9.3-2]"))
		}
		s.Codes = append(s.Codes, code)
	}
	return s, r.end(t)
}

// DecodeUnsubscribe decodes the body of UNSUBSCRIBE. Filters are valid when it succeeds.
func DecodeUnsubscribe(v Version, body []byte) (Unsubscribe, error) {
	var u Unsubscribe
	r := reader{b: body}
	u.PacketID = r.packetID()
	if v == V5 {
		r.properties(inUnsubscribe, &u.Properties)
	}
	if r.err == nil && len(r.b) == 0 {
		r.fail(protocolError("UNSUBSCRIBE: no topic filter [MQTT-3.10.3-2]"))
	}
	if n := countTexts(r.b, 0); n > 0 {
		u.Filters = make([]string, 0, n)
	}
	for len(r.b) > 0 {
		filter, _ := r.filter(v)
		u.Filters = append(u.Filters, filter)
	}
	return u, r.end(UNSUBSCRIBE)
}

// DecodeDisconnect decodes the body of DISCONNECT. The codec does not know who sent it: that a session expiry interval
// comes from a client only [MQTT-3.14.2-2] is for the caller to check.
func DecodeDisconnect(v Version, body []byte) (Disconnect, error) {
	var d Disconnect
	r := reader{b: body}
	if v == V5 && len(r.b) > 0 {
		d.Code = r.reason(DISCONNECT)
		if len(r.b) > 0 {
			r.properties(inDisconnect, &d.Properties)
		}
	}
	return d, r.end(DISCONNECT)
}

// DecodeAuth decodes the body of AUTH, which MQTT 5 alone has. An empty body is Success without a method, section 3.15.2.1;
// any other names the method.
func DecodeAuth(body []byte) (Auth, error) {
	var a Auth
	r := reader{b: body}
	if len(r.b) > 0 {
		a.Code = r.reason(AUTH)
		r.properties(inAuth, &a.Properties)
		if r.err == nil && a.Properties.AuthMethod == "" {
			r.fail(protocolError("authentication method: missing in AUTH, section 3.15.2.2.2"))
		}
	}
	return a, r.end(AUTH)
}
