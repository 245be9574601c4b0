// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"parley/internal/mqtt/packet"
)

const (
	version       = packet.V5
	maxPacket     = readSize / 2           // announced to the server, so that a packet always fits the read buffer
	answerTimeout = 30 * time.Second       // for each answer while preparing
	welcomeSize   = 512                    // bytes of room for the first packets
	pingInterval  = 100 * time.Millisecond // between two handfuls of pings
)

// client is one connection. While it is prepared it is used by one goroutine, asking and waiting for the answer; after
// that a member reads it.
type client struct {
	conn       net.Conn
	user       string
	receiveMax int    // publishes of QoS 1 that the server takes unacknowledged
	rest       []byte // read, but not yet consumed
	packetID   uint16
}

// connect opens a connection as the user and waits for CONNACK. keepAlive is in seconds, 0 for none.
func connect(ctx context.Context, addr string, who Credential, clientID string, keepAlive uint16) (*client, error) {
	conn, err := (&net.Dialer{Timeout: answerTimeout}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("bench: connecting to the MQTT server: %w", err)
	}
	c := &client{conn: conn, user: who.User, rest: make([]byte, 0, welcomeSize)}
	if err := c.hello(who, clientID, keepAlive); err != nil {
		conn.Close()
		return nil, fmt.Errorf("bench: CONNECT as %s: %w", who.User, err)
	}
	return c, nil
}

func (c *client) hello(who Credential, clientID string, keepAlive uint16) error {
	hello := packet.Connect{
		Version: version, CleanStart: true, KeepAlive: keepAlive, ClientID: clientID,
		Username: &who.User, Password: []byte(who.Token),
		Properties: packet.Properties{MaximumPacketSize: maxPacket},
	}
	body, err := c.ask(packet.AppendConnect(nil, &hello), packet.CONNACK)
	if err != nil {
		return err
	}
	answer, err := packet.DecodeConnack(version, body)
	if err != nil {
		return err
	}
	if answer.Code.Failed() {
		return refusal(answer.Code, &answer.Properties)
	}
	c.receiveMax = 65535
	if n := answer.Properties.ReceiveMaximum; n > 0 {
		c.receiveMax = int(n)
	}
	return nil
}

// subscribe subscribes to one topic and waits for SUBACK.
func (c *client) subscribe(topic string, qos int) error {
	c.packetID++
	sub := packet.Subscribe{PacketID: c.packetID, Subscriptions: []packet.Subscription{{Filter: topic, QoS: byte(qos)}}}
	body, err := c.ask(packet.AppendSubscribe(nil, version, &sub), packet.SUBACK)
	if err != nil {
		return fmt.Errorf("bench: SUBSCRIBE %s: %w", topic, err)
	}
	answer, err := packet.DecodeSuback(version, packet.SUBACK, body)
	if err == nil && answer.Codes[0].Failed() {
		err = refusal(answer.Codes[0], &answer.Properties)
	}
	if err == nil && int(answer.Codes[0]) != qos {
		err = fmt.Errorf("granted with QoS %d instead of %d", answer.Codes[0], qos)
	}
	if err != nil {
		return fmt.Errorf("bench: SUBSCRIBE %s: %w", topic, err)
	}
	return nil
}

// publish publishes at QoS 1 and waits for the PUBACK; a refusal is a *refused.
func (c *client) publish(topic string, payload []byte) error {
	c.packetID++
	body, err := c.ask(packet.AppendPublishTo(nil, version, topic, 1, c.packetID, false, nil, payload), packet.PUBACK)
	if err != nil {
		return fmt.Errorf("bench: PUBLISH %s: %w", topic, err)
	}
	ack, err := packet.DecodeAck(version, packet.PUBACK, body)
	if err == nil && ack.Code.Failed() {
		err = refusal(ack.Code, &ack.Properties)
	}
	if err != nil {
		return fmt.Errorf("bench: PUBLISH %s: %w", topic, err)
	}
	return nil
}

// request publishes a request and decodes its reply, which comes on a topic that is subscribed at QoS 0 already.
func (c *client) request(topic string, payload []byte, reply any) error {
	c.packetID++
	msg := packet.AppendPublishTo(nil, version, topic, 1, c.packetID, false, nil, payload)
	body, err := c.ask(msg, packet.PUBLISH)
	if err != nil {
		return fmt.Errorf("bench: reply to %s: %w", topic, err)
	}
	var p packet.Publish
	if err := packet.DecodePublish(version, 0, body, &p); err != nil {
		return fmt.Errorf("bench: reply to %s: %w", topic, err)
	}
	if err := json.Unmarshal(p.Payload, reply); err != nil {
		return fmt.Errorf("bench: reply to %s: %w", topic, err)
	}
	return nil
}

// ask writes a packet and returns the body of the next packet of type want; others that come before it are passed over.
// The body is valid until the next call.
func (c *client) ask(msg []byte, want packet.Type) ([]byte, error) {
	c.conn.SetDeadline(time.Now().Add(answerTimeout))
	defer c.conn.SetDeadline(time.Time{})
	if _, err := c.conn.Write(msg); err != nil {
		return nil, err
	}
	for {
		h, body, err := c.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("waiting for %s: %w", want, err)
		case h.Type == want:
			return body, nil
		case h.Type == packet.DISCONNECT:
			return nil, disconnected(body)
		}
	}
}

// next reads one packet, waiting for it. The body is valid until the next call.
func (c *client) next() (packet.Header, []byte, error) {
	for {
		h, n, err := packet.ReadHeader(c.rest)
		switch {
		case err == nil && h.Length > maxPacket:
			return h, nil, fmt.Errorf("%s of %d bytes, the limit announced is %d", h.Type, h.Length, maxPacket)
		case err == nil && len(c.rest) >= n+h.Length:
			body := c.rest[n : n+h.Length]
			c.rest = c.rest[n+h.Length:]
			return h, body, nil
		case err != nil && !errors.Is(err, packet.ErrShort):
			return h, nil, err
		}
		if len(c.rest) == cap(c.rest) {
			c.rest = append(make([]byte, 0, max(welcomeSize, 2*len(c.rest))), c.rest...)
		}
		n, err = c.conn.Read(c.rest[len(c.rest):cap(c.rest)])
		if err != nil {
			return h, nil, err
		}
		c.rest = c.rest[:len(c.rest)+n]
	}
}

// close leaves with a DISCONNECT, so that the server does not take it for a lost connection.
func (c *client) close() {
	c.conn.SetDeadline(time.Now().Add(time.Second))
	_, _ = c.conn.Write(packet.AppendDisconnect(nil, version, &packet.Disconnect{})) // it is going away in any case
	c.conn.Close()
}

// refused is an answer with a reason code of 0x80 or more.
type refused struct {
	code   packet.ReasonCode
	name   string // the application's own code, from the user properties
	reason string
}

func (r *refused) Error() string {
	text := r.name
	if text == "" {
		text = r.code.String()
	}
	text += " (0x" + strconv.FormatUint(uint64(r.code), 16) + ")"
	if r.reason != "" {
		text += ": " + r.reason
	}
	if r.limited() {
		text += ": the server's rate limit has to be off for a measurement, start it with --rate-limit 0"
	}
	return text
}

// limited tells whether the rate limit refused it.
func (r *refused) limited() bool { return r.name == "rate_limited" }

func refusal(code packet.ReasonCode, p *packet.Properties) *refused {
	r := &refused{code: code, reason: p.ReasonString}
	for _, u := range p.User {
		if u.Name == "code" {
			r.name = u.Value
		}
	}
	return r
}

// disconnected is the error for a DISCONNECT by the server.
func disconnected(body []byte) error {
	d, err := packet.DecodeDisconnect(version, body)
	if err != nil {
		return err
	}
	return fmt.Errorf("the server disconnected: %w", refusal(d.Code, &d.Properties))
}

// delivery takes a PUBLISH apart as far as a delivery needs: the packet identifier (0 at QoS 0) and the payload, which
// aliases body.
func delivery(flags byte, body []byte) (id uint16, payload []byte, ok bool) {
	if len(body) < 2 {
		return 0, nil, false
	}
	n := 2 + int(binary.BigEndian.Uint16(body))
	if flags&0b0110 != 0 {
		if len(body) < n+2 {
			return 0, nil, false
		}
		id = uint16(body[n])<<8 | uint16(body[n+1])
		n += 2
	}
	// The property length, a variable byte integer.
	for shift, length := 0, 0; ; shift += 7 {
		if n >= len(body) || shift > 21 {
			return 0, nil, false
		}
		c := body[n]
		n++
		length |= int(c&0x7F) << shift
		if c < 0x80 {
			n += length
			break
		}
	}
	if n > len(body) {
		return 0, nil, false
	}
	return id, body[n:], true
}

// event is what the check of a delivery needs to know of it.
type event struct {
	kind    string
	seq     uint64 // 0 for a passing event
	inRoom  bool   // it belongs to the room that was asked about
	content []byte // of a message
}

// The members of an event as servers write them, without spaces.
var (
	textKey    = []byte(`{"type":"text",`)
	roomKey    = []byte(`"room_id":"`)
	seqKey     = []byte(`"seq":`)
	contentKey = []byte(`"content":"`)
)

// readEvent reads a delivery. roomID ends with a quotation mark. The common shape is searched for its members; whatever
// looks different is decoded.
func readEvent(payload, roomID []byte) (event, error) {
	if bytes.HasPrefix(payload, textKey) {
		room := bytes.Index(payload, roomKey)
		seq := bytes.Index(payload, seqKey)
		content := bytes.Index(payload, contentKey)
		if room >= 0 && seq >= 0 && content >= 0 {
			e := event{kind: "text", inRoom: bytes.HasPrefix(payload[room+len(roomKey):], roomID), content: payload[content+len(contentKey):]}
			for _, c := range payload[seq+len(seqKey):] {
				if c < '0' || c > '9' {
					break
				}
				e.seq = e.seq*10 + uint64(c-'0')
			}
			return e, nil
		}
	}
	var e struct {
		Type    string `json:"type"`
		RoomID  string `json:"room_id"`
		Seq     uint64 `json:"seq"`
		Content string `json:"content"`
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return event{}, fmt.Errorf("a delivery is not a JSON object: %w", err)
	}
	return event{e.Type, e.Seq, e.RoomID+`"` == string(roomID), []byte(e.Content)}, nil
}

// isClosed tells whether a read ended because the connection did.
func isClosed(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) }
