// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// app is an Application that records, and does what its hooks say. Without hooks: everybody may do everything, a
// user name "nobody" is refused.
type app struct {
	connect   func(*mqtt.ConnectRequest) (*mqtt.Grant, error)
	reauth    func(method string, data []byte) (*mqtt.Grant, error)
	opened    func(s *mqtt.Session, resumed bool)
	publish   func(s *mqtt.Session, p *packet.Publish, a *mqtt.Ack)
	subscribe func(s *mqtt.Session, sub *packet.Subscribe, done func([]packet.ReasonCode))
	drained   func(s *mqtt.Session)

	sessions  chan *mqtt.Session // opened
	resumed   chan bool
	published chan published
	acked     chan *mqtt.Message
	drains    chan *mqtt.Session
	closed    chan closed
	ended     chan string
	dropped   chan []string
}

type published struct {
	s       *mqtt.Session
	topic   string
	payload string
	qos     byte
	ack     *mqtt.Ack
}

type closed struct {
	s     *mqtt.Session
	ended bool
	cause error
}

func newApp() *app {
	return &app{
		sessions: make(chan *mqtt.Session, 10000), resumed: make(chan bool, 10000), published: make(chan published, 10000),
		acked: make(chan *mqtt.Message, 10000), drains: make(chan *mqtt.Session, 100), closed: make(chan closed, 10000),
		ended: make(chan string, 100), dropped: make(chan []string, 100),
	}
}

func (a *app) Connect(_ context.Context, r *mqtt.ConnectRequest) (*mqtt.Grant, error) {
	if a.connect != nil {
		return a.connect(r)
	}
	owner := "anonymous"
	if r.Packet.Username != nil {
		owner = *r.Packet.Username
	}
	if owner == "nobody" {
		return nil, &mqtt.Refusal{Code: packet.BadUserNameOrPassword, Reason: "no such user"}
	}
	return &mqtt.Grant{Owner: owner, Value: owner}, nil
}

func (a *app) Reauthenticate(_ context.Context, _ *mqtt.Session, method string, data []byte) (*mqtt.Grant, error) {
	if a.reauth == nil {
		return nil, errors.New("not expected")
	}
	return a.reauth(method, data)
}

func (a *app) Opened(s *mqtt.Session, resumed bool) {
	if a.opened != nil {
		a.opened(s, resumed)
	}
	a.sessions <- s
	a.resumed <- resumed
}

func (a *app) Publish(s *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
	if a.publish != nil {
		a.publish(s, p, ack)
		return
	}
	a.published <- published{s, p.Topic, string(p.Payload), p.QoS, ack}
	ack.Done(packet.Success, "", nil)
}

func (a *app) Subscribe(s *mqtt.Session, sub *packet.Subscribe, done func([]packet.ReasonCode)) {
	if a.subscribe != nil {
		a.subscribe(s, sub, done)
		return
	}
	codes := make([]packet.ReasonCode, len(sub.Subscriptions))
	for i, one := range sub.Subscriptions {
		codes[i] = packet.ReasonCode(min(one.QoS, 1))
		if one.Filter == "forbidden" {
			codes[i] = packet.NotAuthorized
		}
	}
	done(codes)
}

func (a *app) Unsubscribed(_ *mqtt.Session, filters []string) { a.dropped <- filters }
func (a *app) Acked(_ *mqtt.Session, m *mqtt.Message)         { a.acked <- m }
func (a *app) Drained(s *mqtt.Session) {
	if a.drained != nil {
		a.drained(s)
	}
	a.drains <- s
}
func (a *app) Closed(s *mqtt.Session, ended bool, cause error) { a.closed <- closed{s, ended, cause} }
func (a *app) Ended(_ mqtt.SessionID, owner, clientID string)  { a.ended <- owner + "/" + clientID }

// receive waits for a value.
func receive[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually waits for a condition that has no channel.
func eventually(t testing.TB, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain until %s", what)
		}
		wait := time.NewTimer(time.Millisecond)
		<-wait.C
	}
}

// server is a running server on a loopback port.
type server struct {
	*mqtt.Server
	t    testing.TB
	app  *app
	addr string
}

// start runs a server with real seconds; startUnswept one whose seconds pass by Sweep.
func start(t testing.TB, cfg mqtt.Config, a *app) *server {
	return startWith(t, cfg, a, mqtt.NewServer)
}
func startUnswept(t testing.TB, cfg mqtt.Config, a *app) *server {
	return startWith(t, cfg, a, mqtt.NewUnswept)
}

func startWith(t testing.TB, cfg mqtt.Config, a *app, make func(mqtt.Config, mqtt.Application) (*mqtt.Server, error)) *server {
	t.Helper()
	srv, err := make(cfg, a)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := goServe(func() error { return srv.Serve(l) })
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		defer cancel()
		_ = srv.Shutdown(ctx)
		if err := <-served; !errors.Is(err, mqtt.ErrServerClosed) {
			t.Errorf("Serve: %v", err)
		}
	})
	return &server{srv, t, a, l.Addr().String()}
}

func goServe(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

// client is a scripted client on the codec: it does only what it is told.
type client struct {
	t   testing.TB
	nc  net.Conn
	v   packet.Version
	buf []byte
}

func (s *server) dial(t testing.TB) *client {
	t.Helper()
	nc, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, nc)
}

func newClient(t testing.TB, nc net.Conn) *client {
	c := &client{t: t, nc: nc, v: packet.V5}
	t.Cleanup(func() { _ = nc.Close() })
	return c
}

// connection is what a test says of its CONNECT.
type connection func(*packet.Connect)

func v311(c *packet.Connect) { c.Version = packet.V311 }
func keep(c *packet.Connect) {
	c.CleanStart = false
	if c.Version == packet.V5 {
		c.Properties.SessionExpiry = new(uint32(3600))
	}
}
func user(name string) connection { return func(c *packet.Connect) { c.Username = &name } }
func receiveMaximum(n uint16) connection {
	return func(c *packet.Connect) { c.Properties.ReceiveMaximum = n }
}
func keepAlive(seconds uint16) connection { return func(c *packet.Connect) { c.KeepAlive = seconds } }
func expiry(seconds uint32) connection {
	return func(c *packet.Connect) { c.Properties.SessionExpiry = &seconds }
}

// login sends CONNECT and takes CONNACK.
func (c *client) login(id string, options ...connection) packet.Connack {
	c.t.Helper()
	p := &packet.Connect{Version: packet.V5, CleanStart: true, ClientID: id}
	for _, o := range options {
		o(p)
	}
	c.v = p.Version
	c.send(packet.AppendConnect(nil, p))
	ack, err := packet.DecodeConnack(c.v, c.expect(packet.CONNACK))
	if err != nil {
		c.t.Fatal(err)
	}
	return ack
}

// connected dials and logs in, and gives the session besides.
func (s *server) connected(t testing.TB, id string, options ...connection) (*client, *mqtt.Session) {
	t.Helper()
	c := s.dial(t)
	if ack := c.login(id, options...); ack.Code != packet.Success {
		t.Fatalf("CONNACK %v", ack.Code)
	}
	return c, receive(t, "Opened", s.app.sessions)
}

func (c *client) send(b []byte) {
	c.t.Helper()
	_ = c.nc.SetWriteDeadline(time.Now().Add(patience))
	if _, err := c.nc.Write(b); err != nil {
		c.t.Fatalf("sending: %v", err)
	}
}

// next reads one packet; io.EOF or a reset says that the server has closed.
func (c *client) next() (packet.Header, []byte, error) {
	for {
		h, n, err := packet.ReadHeader(c.buf)
		if err == nil && len(c.buf) >= n+h.Length {
			body := c.buf[n : n+h.Length]
			c.buf = c.buf[n+h.Length:]
			return h, body, nil
		}
		if err != nil && !errors.Is(err, packet.ErrShort) {
			return h, nil, err
		}
		b := make([]byte, 64<<10)
		_ = c.nc.SetReadDeadline(time.Now().Add(patience))
		m, err := c.nc.Read(b)
		if m == 0 && err != nil {
			return h, nil, err
		}
		c.buf = append(c.buf, b[:m]...)
	}
}

func (c *client) expect(want packet.Type) []byte {
	c.t.Helper()
	h, body, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for %v: %v", want, err)
	}
	if h.Type != want {
		c.t.Fatalf("got %v % x, want %v", h.Type, body, want)
	}
	return body
}

func (c *client) expectAck(want packet.Type, id uint16) packet.Ack {
	c.t.Helper()
	a, err := packet.DecodeAck(c.v, want, c.expect(want))
	if err != nil {
		c.t.Fatal(err)
	}
	if a.PacketID != id {
		c.t.Fatalf("%v of %d, want %d", want, a.PacketID, id)
	}
	return a
}

// expectPublish takes a PUBLISH. Its payload is the caller's.
func (c *client) expectPublish() packet.Publish {
	c.t.Helper()
	h, body, err := c.next()
	if err != nil {
		c.t.Fatalf("waiting for PUBLISH: %v", err)
	}
	if h.Type != packet.PUBLISH {
		c.t.Fatalf("got %v % x, want PUBLISH", h.Type, body)
	}
	var p packet.Publish
	if err := packet.DecodePublish(c.v, h.Flags, body, &p); err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *client) expectDisconnect(want packet.ReasonCode) packet.Disconnect {
	c.t.Helper()
	d, err := packet.DecodeDisconnect(c.v, c.expect(packet.DISCONNECT))
	if err != nil {
		c.t.Fatal(err)
	}
	if d.Code != want {
		c.t.Fatalf("DISCONNECT %v (%s), want %v", d.Code, d.Properties.ReasonString, want)
	}
	c.expectEnd()
	return d
}

// expectEnd says that the server closes without another packet.
func (c *client) expectEnd() {
	c.t.Helper()
	h, body, err := c.next()
	var timeout net.Error
	switch {
	case err == nil:
		c.t.Fatalf("got %v % x, want the end", h.Type, body)
	case errors.As(err, &timeout) && timeout.Timeout():
		c.t.Fatal("the server does not close")
	}
}

// expectSilence says that the server has nothing to say: a ping comes back at once.
func (c *client) expectSilence() {
	c.t.Helper()
	c.send(packet.AppendPingreq(nil))
	c.expect(packet.PINGRESP)
}

func (c *client) publish(topic string, qos byte, id uint16, payload string) {
	c.t.Helper()
	c.send(packet.AppendPublish(nil, c.v, &packet.Publish{Topic: topic, QoS: qos, PacketID: id, Payload: []byte(payload)}))
}

func (c *client) ack(t packet.Type, id uint16) {
	c.t.Helper()
	c.send(packet.AppendAck(nil, c.v, t, &packet.Ack{PacketID: id}))
}

func (c *client) subscribe(id uint16, filters ...string) packet.Suback {
	c.t.Helper()
	sub := &packet.Subscribe{PacketID: id}
	for _, f := range filters {
		sub.Subscriptions = append(sub.Subscriptions, packet.Subscription{Filter: f, QoS: 1})
	}
	c.send(packet.AppendSubscribe(nil, c.v, sub))
	ack, err := packet.DecodeSuback(c.v, packet.SUBACK, c.expect(packet.SUBACK))
	if err != nil || ack.PacketID != id {
		c.t.Fatalf("SUBACK %+v: %v", ack, err)
	}
	return ack
}

// cut drops the connection without a word and waits until the server has noticed.
func (c *client) cut(a *app) closed {
	c.t.Helper()
	_ = c.nc.Close()
	return receive(c.t, "Closed", a.closed)
}

func message(text string) *mqtt.Message { return &mqtt.Message{Payload: []byte(text)} }
