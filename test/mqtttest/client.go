// SPDX-License-Identifier: Apache-2.0

// Package mqtttest is an MQTT client for tests: it does only what it is told, right or wrong, and keeps everything that the
// server says until a test takes it.
//
//	c := mqtttest.Dial(t, addr)
//	c.Login(mqtttest.As("bob", token), mqtttest.Keep(3600))
//	c.Subscribe(1, "chat/user/bob/#")
//	id := c.Publish("chat/message/general", 1, "hello")
//	ack := c.Ack(id)
//
// Packets arrive in an inbox. Take removes the first one that matches and waits for it; nothing else is lost or reordered, and
// each has its number on the connection, so that a test can say what came before what. Tests wait for packets, never for time.
//
// Methods without an error fail the test and belong to its goroutine. Await and Write return errors and may be called anywhere.
package mqtttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/internal/mqtt/packet"
)

// Patience is how long a client waits for what must come.
const Patience = 30 * time.Second

// Packet is one packet of the server. The field of its type is set.
type Packet struct {
	Index      int // number on this connection, from 0
	Type       packet.Type
	Connack    packet.Connack
	Publish    packet.Publish
	Ack        packet.Ack    // PUBACK, PUBREC, PUBREL, PUBCOMP
	Suback     packet.Suback // SUBACK, UNSUBACK
	Disconnect packet.Disconnect
	Auth       packet.Auth
}

// Client is one connection.
type Client struct {
	t       testing.TB
	nc      net.Conn
	version packet.Version
	asked   packet.Connect

	writing sync.Mutex

	mu      sync.Mutex
	held    chan struct{} // by Hold: nothing is read until it is closed
	inbox   []*Packet
	count   int
	changed chan struct{} // closed and replaced at every change
	ended   error         // set when nothing more will come
	manual  bool
	nextID  uint16
}

// ErrTimeout is what Await returns when nothing came.
var ErrTimeout = errors.New("mqtttest: waited in vain")

// Dial opens a connection and says nothing yet.
func Dial(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := TryDial(t, addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TryDial is Dial for servers that may be away.
func TryDial(t testing.TB, addr string) (*Client, error) { return dial(t, addr, net.Dialer{}) }

// DialNarrow is Dial with a small receive buffer, so that a client that does not read is soon felt by the server.
func DialNarrow(t testing.TB, addr string) *Client {
	t.Helper()
	c, err := TryDialNarrow(t, addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TryDialNarrow is DialNarrow for servers that may be away.
func TryDialNarrow(t testing.TB, addr string) (*Client, error) {
	return dial(t, addr, net.Dialer{Control: func(_, _ string, raw syscall.RawConn) error {
		var fault error
		if err := raw.Control(func(fd uintptr) { fault = narrow(fd) }); err != nil {
			return err
		}
		return fault
	}})
}

func dial(t testing.TB, addr string, d net.Dialer) (*Client, error) {
	d.Timeout = Patience
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	c := &Client{t: t, nc: nc, version: packet.V5, changed: make(chan struct{})}
	read := make(chan struct{})
	go func() {
		defer close(read)
		c.read()
	}()
	t.Cleanup(func() {
		_ = nc.Close()
		c.Release()
		<-read
	})
	return c, nil
}

// Option is what a test says of its CONNECT.
type Option func(*packet.Connect)

// As signs in.
func As(user, password string) Option {
	return func(p *packet.Connect) { p.Username, p.Password = &user, []byte(password) }
}

// ID is the client identifier.
func ID(id string) Option { return func(p *packet.Connect) { p.ClientID = id } }

// V311 speaks MQTT 3.1.1. It goes before options that differ between versions.
func V311(p *packet.Connect) { p.Version = packet.V311 }

// Keep wants the session to go on where it was, and to outlive the connection: in MQTT 5 by so many seconds.
func Keep(seconds uint32) Option {
	return func(p *packet.Connect) {
		p.CleanStart = false
		if p.Version == packet.V5 {
			p.Properties.SessionExpiry = &seconds
		}
	}
}

// Fresh begins a session that outlives the connection by so many seconds, and discards a former one.
func Fresh(seconds uint32) Option {
	return func(p *packet.Connect) { p.CleanStart, p.Properties.SessionExpiry = true, &seconds }
}

// With sets properties of CONNECT.
func With(set func(*packet.Properties)) Option {
	return func(p *packet.Connect) { set(&p.Properties) }
}

// Connect sends CONNECT and returns CONNACK, whatever it says.
func (c *Client) Connect(options ...Option) packet.Connack {
	c.t.Helper()
	ack, err := c.TryConnect(options...)
	if err != nil {
		c.t.Fatal(err)
	}
	return ack
}

// TryConnect is Connect for servers that may go away.
func (c *Client) TryConnect(options ...Option) (packet.Connack, error) {
	p := packet.Connect{Version: packet.V5, CleanStart: true}
	for _, o := range options {
		o(&p)
	}
	c.mu.Lock()
	c.version, c.asked = p.Version, p
	c.mu.Unlock()
	if err := c.Write(packet.AppendConnect(nil, &p)); err != nil {
		return packet.Connack{}, err
	}
	got, err := c.Await("CONNACK", OfType(packet.CONNACK))
	if err != nil {
		return packet.Connack{}, err
	}
	return got.Connack, nil
}

// Login is Connect that has to succeed.
func (c *Client) Login(options ...Option) packet.Connack {
	c.t.Helper()
	ack := c.Connect(options...)
	if ack.Code != packet.Success {
		c.t.Fatalf("CONNACK %v: %s", ack.Code, ack.Properties.ReasonString)
	}
	return ack
}

// Version is the one that CONNECT named.
func (c *Client) Version() packet.Version {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.version
}

// AcknowledgeByHand leaves deliveries of QoS 1 unacknowledged until Acknowledge.
func (c *Client) AcknowledgeByHand() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.manual = true
}

// Acknowledge sends PUBACK.
func (c *Client) Acknowledge(ids ...uint16) {
	c.t.Helper()
	var b []byte
	for _, id := range ids {
		b = packet.AppendAck(b, c.Version(), packet.PUBACK, &packet.Ack{PacketID: id})
	}
	c.Send(b)
}

// Hold stops reading; Release goes on. What a read that is under way brings is still taken.
func (c *Client) Hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held == nil {
		c.held = make(chan struct{})
	}
}

// Release ends Hold. Without one it does nothing.
func (c *Client) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.held != nil {
		close(c.held)
		c.held = nil
	}
}

func (c *Client) whileHeld() {
	c.mu.Lock()
	held := c.held
	c.mu.Unlock()
	if held != nil {
		<-held
	}
}

// Cut closes the connection without a word, as a lost link does.
func (c *Client) Cut() { _ = c.nc.Close() }

// Finish says that nothing more will be sent, and goes on reading.
func (c *Client) Finish() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
}

// Lose ends the connection without a DISCONNECT and waits until the server has noticed.
func (c *Client) Lose() {
	c.t.Helper()
	c.Finish()
	c.End()
}

// Disconnect says DISCONNECT and waits until the server has let go of the session.
func (c *Client) Disconnect() {
	c.t.Helper()
	c.Send(packet.AppendDisconnect(nil, c.Version(), &packet.Disconnect{}))
	c.End()
}

// Send writes bytes as they are.
func (c *Client) Send(b []byte) {
	c.t.Helper()
	if err := c.Write(b); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// Write is Send with an error.
func (c *Client) Write(b []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	_ = c.nc.SetWriteDeadline(time.Now().Add(Patience))
	_, err := c.nc.Write(b)
	return err
}

func (c *Client) read() {
	var buf []byte
	chunk := make([]byte, 32<<10)
	for {
		c.whileHeld()
		n, err := c.nc.Read(chunk)
		buf = append(buf, chunk[:n]...)
		for {
			h, size, fault := packet.ReadHeader(buf)
			if errors.Is(fault, packet.ErrShort) || fault == nil && len(buf) < size+h.Length {
				break
			}
			p := &Packet{Type: h.Type}
			if fault == nil {
				fault = c.decode(h, buf[size:size+h.Length:size+h.Length], p)
			}
			if fault != nil {
				c.end(fmt.Errorf("mqtttest: the server sent a bad packet: %w", fault))
				return
			}
			buf = buf[size+h.Length:]
			c.arrived(p)
		}
		if err != nil {
			_ = c.nc.Close() // as clients do; the server waits for it, for a while
			c.end(err)
			return
		}
	}
}

func (c *Client) decode(h packet.Header, body []byte, p *Packet) (err error) {
	v := c.Version()
	switch h.Type {
	case packet.CONNACK:
		p.Connack, err = packet.DecodeConnack(v, body)
	case packet.PUBLISH:
		err = packet.DecodePublish(v, h.Flags, body, &p.Publish)
		p.Publish.Payload = append([]byte(nil), p.Publish.Payload...)
	case packet.PUBACK, packet.PUBREC, packet.PUBREL, packet.PUBCOMP:
		p.Ack, err = packet.DecodeAck(v, h.Type, body)
	case packet.SUBACK, packet.UNSUBACK:
		p.Suback, err = packet.DecodeSuback(v, h.Type, body)
	case packet.DISCONNECT:
		p.Disconnect, err = packet.DecodeDisconnect(v, body)
	case packet.AUTH:
		p.Auth, err = packet.DecodeAuth(body)
	case packet.PINGRESP:
	default:
		err = fmt.Errorf("%v is not for servers to send", h.Type)
	}
	return err
}

func (c *Client) arrived(p *Packet) {
	c.mu.Lock()
	acknowledge := p.Type == packet.PUBLISH && p.Publish.QoS == 1 && !c.manual
	version := c.version
	c.mu.Unlock()
	if acknowledge { // before anybody sees it, so that a DISCONNECT after it comes after the PUBACK
		_ = c.Write(packet.AppendAck(nil, version, packet.PUBACK, &packet.Ack{PacketID: p.Publish.PacketID}))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p.Index = c.count
	c.count++
	c.inbox = append(c.inbox, p)
	close(c.changed)
	c.changed = make(chan struct{})
}

func (c *Client) end(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended = err
	close(c.changed)
	c.changed = make(chan struct{})
}

// take removes the first packet that matches; nil without one.
func (c *Client) take(match func(*Packet) bool) (p *Packet, changed <-chan struct{}, ended error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, p := range c.inbox {
		if match(p) {
			if i == 0 { // the usual case, however much has come
				c.inbox[0] = nil
				c.inbox = c.inbox[1:]
			} else {
				c.inbox = slices.Delete(c.inbox, i, i+1)
			}
			return p, nil, nil
		}
	}
	return nil, c.changed, c.ended
}

// Await takes the first packet that matches, and waits for it.
func (c *Client) Await(what string, match func(*Packet) bool) (*Packet, error) {
	timer := time.NewTimer(Patience)
	defer timer.Stop()
	for {
		p, changed, ended := c.take(match)
		switch {
		case p != nil:
			return p, nil
		case ended != nil:
			return nil, fmt.Errorf("waiting for %s: the connection has ended: %w%s", what, ended, c.leftover())
		}
		select {
		case <-changed:
		case <-timer.C:
			return nil, fmt.Errorf("%w for %s%s", ErrTimeout, what, c.leftover())
		}
	}
}

// leftover names the last few packets that nobody took: what came instead.
func (c *Client) leftover() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text := ""
	for _, p := range c.inbox[max(0, len(c.inbox)-5):] {
		text += "\n\tin the inbox: " + p.String()
	}
	return text
}

// String shows a packet in messages of failed tests.
func (p *Packet) String() string {
	switch p.Type {
	case packet.PUBLISH:
		return fmt.Sprintf("#%d PUBLISH %s q%d %s", p.Index, p.Publish.Topic, p.Publish.QoS, p.Publish.Payload)
	case packet.CONNACK:
		return fmt.Sprintf("#%d CONNACK %v %s", p.Index, p.Connack.Code, p.Connack.Properties.ReasonString)
	case packet.DISCONNECT:
		return fmt.Sprintf("#%d DISCONNECT %v %s", p.Index, p.Disconnect.Code, p.Disconnect.Properties.ReasonString)
	case packet.SUBACK, packet.UNSUBACK:
		return fmt.Sprintf("#%d %v %d %v", p.Index, p.Type, p.Suback.PacketID, p.Suback.Codes)
	}
	return fmt.Sprintf("#%d %v %d %v %s", p.Index, p.Type, p.Ack.PacketID, p.Ack.Code, p.Ack.Properties.ReasonString)
}

// Take is Await that has to succeed.
func (c *Client) Take(what string, match func(*Packet) bool) *Packet {
	c.t.Helper()
	p, err := c.Await(what, match)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

// TakeNow takes what has arrived already; nil without.
func (c *Client) TakeNow(match func(*Packet) bool) *Packet {
	p, _, _ := c.take(match)
	return p
}

// OfType matches packets of a type.
func OfType(t packet.Type) func(*Packet) bool { return func(p *Packet) bool { return p.Type == t } }

// End waits until the server closes, and returns its DISCONNECT, nil without.
func (c *Client) End() *packet.Disconnect {
	c.t.Helper()
	_, err := c.Await("the end", func(*Packet) bool { return false })
	if errors.Is(err, ErrTimeout) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, net.ErrClosed) {
		c.t.Fatalf("the server does not close: %v", err)
	}
	var fault *packet.Error
	if errors.As(err, &fault) {
		c.t.Fatal(err)
	}
	if p := c.TakeNow(OfType(packet.DISCONNECT)); p != nil {
		return &p.Disconnect
	}
	return nil
}

// EndsWith is End with the DISCONNECT of that code.
func (c *Client) EndsWith(code packet.ReasonCode) {
	c.t.Helper()
	d := c.End()
	if d == nil || d.Code != code {
		c.t.Fatalf("the connection ended with %+v, want DISCONNECT %v", d, code)
	}
}

// Ended tells whether the server has closed the connection.
func (c *Client) Ended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended != nil
}

// Ping waits for the answer to a PINGREQ: the server lives, and has handled all that was sent before.
func (c *Client) Ping() {
	c.t.Helper()
	c.Send(packet.AppendPingreq(nil))
	c.Take("PINGRESP", OfType(packet.PINGRESP))
}

// Subscribe asks for filters and returns the codes.
func (c *Client) Subscribe(qos byte, filters ...string) []packet.ReasonCode {
	c.t.Helper()
	codes, err := c.TrySubscribe(qos, filters...)
	if err != nil {
		c.t.Fatal(err)
	}
	return codes
}

// TrySubscribe is Subscribe with an error.
func (c *Client) TrySubscribe(qos byte, filters ...string) ([]packet.ReasonCode, error) {
	s := packet.Subscribe{PacketID: c.ID()}
	for _, f := range filters {
		s.Subscriptions = append(s.Subscriptions, packet.Subscription{Filter: f, QoS: qos})
	}
	if err := c.Write(packet.AppendSubscribe(nil, c.Version(), &s)); err != nil {
		return nil, err
	}
	p, err := c.Await("SUBACK", func(p *Packet) bool { return p.Type == packet.SUBACK && p.Suback.PacketID == s.PacketID })
	if err != nil {
		return nil, err
	}
	return p.Suback.Codes, nil
}

// Unsubscribe drops filters.
func (c *Client) Unsubscribe(filters ...string) {
	c.t.Helper()
	id := c.ID()
	c.Send(packet.AppendUnsubscribe(nil, c.Version(), &packet.Unsubscribe{PacketID: id, Filters: filters}))
	c.Take("UNSUBACK", func(p *Packet) bool { return p.Type == packet.UNSUBACK && p.Suback.PacketID == id })
}

// ID gives the next packet identifier.
func (c *Client) ID() uint16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nextID++
	if c.nextID == 0 {
		c.nextID = 1
	}
	return c.nextID
}

// Encode makes a PUBLISH with the next packet identifier.
func (c *Client) Encode(dst []byte, topic string, qos byte, payload string, with ...func(*packet.Publish)) ([]byte, uint16) {
	p := packet.Publish{Topic: topic, QoS: qos, Payload: []byte(payload)}
	if qos > 0 {
		p.PacketID = c.ID()
	}
	for _, w := range with {
		w(&p)
	}
	return packet.AppendPublish(dst, c.Version(), &p), p.PacketID
}

// Publish sends a PUBLISH and returns its packet identifier.
func (c *Client) Publish(topic string, qos byte, payload string, with ...func(*packet.Publish)) uint16 {
	c.t.Helper()
	b, id := c.Encode(nil, topic, qos, payload, with...)
	c.Send(b)
	return id
}

// Ack waits for the PUBACK, or the PUBREC, of a packet identifier.
func (c *Client) Ack(id uint16) *Packet {
	c.t.Helper()
	return c.Take(fmt.Sprintf("the acknowledgement of %d", id), Acknowledges(id))
}

// Acknowledges matches PUBACK and PUBREC of a packet identifier.
func Acknowledges(id uint16) func(*Packet) bool {
	return func(p *Packet) bool {
		return (p.Type == packet.PUBACK || p.Type == packet.PUBREC) && p.Ack.PacketID == id
	}
}

// Complete sends PUBREL and waits for PUBCOMP.
func (c *Client) Complete(id uint16) packet.Ack {
	c.t.Helper()
	c.Send(packet.AppendAck(nil, c.Version(), packet.PUBREL, &packet.Ack{PacketID: id}))
	return c.Take("PUBCOMP", func(p *Packet) bool { return p.Type == packet.PUBCOMP && p.Ack.PacketID == id }).Ack
}

// IsEnd tells whether an error says that the connection has ended, rather than that something did not come.
func IsEnd(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNREFUSED)
}
