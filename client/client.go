// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/paho"
)

const (
	keepAlive   = 30 // seconds
	inboxSize   = 1024
	maxBackoff  = 30 * time.Second
	ackLimit    = 2 * time.Minute // longer than a server holds a request back
	dialLimit   = 10 * time.Second
	retryPause  = time.Second
	packetSlack = 1024 // bytes of a PUBLISH beside its payload, at most
	maxRoute    = packetSlack / 2
)

// State is how the connection is.
type State uint8

// The states.
const (
	Connecting State = iota
	Online           // connected, and what was missed has been read
	Offline          // lost; connecting again by itself
	Closed           // for good: Close was called, or the server refuses the credentials
)

// String names it.
func (s State) String() string {
	return [...]string{"connecting", "online", "offline", "closed"}[s]
}

// Config is what a Client needs.
type Config struct {
	// Server is its address: HOST, HOST:PORT or a URL with the scheme mqtt, mqtts, ws, wss, http or https.
	Server string
	// User may be left out where Password is a token.
	User string
	// Password is the account's password or an access token.
	Password string
	TLS      *tls.Config
	// State, where it is not nil, is told of every change with the error that caused it, if any. It must not block.
	State func(State, error)
}

// Client is a connection to a server that mends itself. All methods are safe for concurrent use.
type Client struct {
	cfg     Config
	user    string
	ctx     context.Context
	cancel  context.CancelCauseFunc
	manager *autopaho.ConnectionManager
	events  chan Event
	inbox   chan []byte
	wake    chan struct{} // something has to be read from the logs
	ready   chan struct{} // closed once events flow
	stopped chan struct{}
	started sync.Once
	ended   sync.Once
	nextID  atomic.Uint64

	mu         sync.Mutex
	connection uint64        // number of the present one, or of the time without
	up         chan struct{} // closed while connected and subscribed
	down       chan struct{} // closed while not; of the connection that up tells of
	maxPacket  uint32
	waiting    map[string]chan []byte
}

// Dial connects and returns when events flow. It fails when the server refuses the credentials or ctx ends before; a server
// that cannot be reached is tried until then. With a token that may not read (section 3 of docs/protocol.md), no events flow, and
// it returns when requests can be made.
func Dial(ctx context.Context, cfg Config) (*Client, error) {
	server, err := serverURL(cfg.Server)
	if err != nil {
		return nil, err
	}
	user := cfg.User
	if user == "" {
		if user = subject(cfg.Password); user == "" {
			return nil, errors.New("client: give a user name, or a token for the password")
		}
	}
	if cfg.TLS == nil {
		cfg.TLS = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	c := &Client{cfg: cfg, user: user, events: make(chan Event), inbox: make(chan []byte, inboxSize), wake: make(chan struct{}, 1),
		ready: make(chan struct{}), stopped: make(chan struct{}), up: make(chan struct{}), down: make(chan struct{}), waiting: map[string]chan []byte{}}
	close(c.down)
	c.ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	c.state(Connecting, nil)
	var last atomic.Pointer[error]
	c.manager, err = autopaho.NewConnection(c.ctx, autopaho.ClientConfig{
		ServerUrls: []*url.URL{server}, TlsCfg: cfg.TLS, KeepAlive: keepAlive, CleanStartOnInitialConnection: true,
		ConnectUsername: user, ConnectPassword: []byte(cfg.Password), ConnectTimeout: dialLimit, ReconnectBackoff: backoff,
		OnConnectionUp:   func(m *autopaho.ConnectionManager, ack *paho.Connack) { go c.subscribe(m, ack, c.connected()) },
		OnConnectionDown: func() bool { c.lost(); return c.ctx.Err() == nil },
		OnConnectError: func(err error) {
			last.Store(&err)
			if fatal := refusal(err); fatal != nil {
				c.end(fatal)
				return
			}
			c.state(Connecting, err)
		},
		ClientConfig: paho.ClientConfig{
			ClientID:      "parley-" + rand.Text()[:12],
			PacketTimeout: ackLimit,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){func(p paho.PublishReceived) (bool, error) {
				c.received(p.Packet.Topic, p.Packet.Payload)
				return true, nil
			}},
		},
	})
	if err != nil {
		c.cancel(err)
		return nil, fmt.Errorf("client: %w", err)
	}
	go c.follow()
	select {
	case <-c.ready:
		return c, nil
	case <-c.ctx.Done():
		return nil, c.Err()
	case <-ctx.Done():
		c.end(ctx.Err())
		if e := last.Load(); e != nil {
			return nil, fmt.Errorf("client: %w (%w)", *e, ctx.Err())
		}
		return nil, ctx.Err()
	}
}

// serverURL reads a server's address.
func serverURL(s string) (*url.URL, error) {
	if s == "" {
		return nil, errors.New("client: no server is given")
	}
	if !strings.Contains(s, "://") {
		s = "mqtt://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("client: the server's address: %w", err)
	}
	port := ""
	switch u.Scheme {
	case "mqtt", "tcp":
		port = "1883"
	case "mqtts", "tls", "ssl":
		port = "8883"
	case "http", "https":
		u.Scheme = map[string]string{"http": "ws", "https": "wss"}[u.Scheme]
	case "ws", "wss":
	default:
		return nil, fmt.Errorf("client: the server's address: scheme %q; use mqtt, mqtts, ws, wss, http or https", u.Scheme)
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("client: the server's address: %q names no host", s)
	}
	if port == "" && u.Path == "" || u.Path == "/" && port == "" {
		u.Path = "/mqtt"
	}
	if port != "" && u.Port() == "" {
		u.Host += ":" + port
	}
	return u, nil
}

// subject is whose a token is; "" when it is no token. The server proves it.
func subject(token string) string {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return ""
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var claims struct {
		Subject string `json:"sub"`
	}
	if json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.Subject
}

func backoff(attempt int) time.Duration {
	if attempt == 0 {
		return 0
	}
	return min(250*time.Millisecond<<min(attempt, 10), maxBackoff)
}

// refusal is the error of a CONNECT that will not be accepted later either; nil otherwise.
func refusal(err error) error {
	e, ok := errors.AsType[*autopaho.ConnackError](err)
	if !ok {
		return nil
	}
	switch e.ReasonCode {
	case 0x84, 0x85, 0x86, 0x87, 0x8C:
		return &Error{Code: "unauthenticated", Message: reasonOr(e.Reason, "user name and password do not match, or the token is not valid")}
	case 0x8A:
		return &Error{Code: "banned", Message: reasonOr(e.Reason, "you are banned from this server")}
	}
	return nil
}

func reasonOr(reason, text string) string {
	if reason == "" {
		return text
	}
	return reason
}

// User is who the client is.
func (c *Client) User() string { return c.user }

// Events are what happens, from when Dial returned on. The channel is closed when the client is; Err tells why. A reader
// that is slow loses passing events only: the others are read from the logs again.
func (c *Client) Events() <-chan Event { return c.events }

// Err tells why the client is closed: nil while it is not, and after Close.
func (c *Client) Err() error {
	err := context.Cause(c.ctx)
	if errors.Is(err, errClosed) {
		return nil
	}
	return err
}

var errClosed = errors.New("client: closed")

// Close ends the connection.
func (c *Client) Close() error {
	c.end(errClosed)
	ctx, cancel := context.WithTimeout(context.Background(), dialLimit)
	defer cancel()
	<-c.stopped
	return c.manager.Disconnect(ctx)
}

// end closes the client for good; the first reason counts.
func (c *Client) end(why error) {
	c.ended.Do(func() {
		c.cancel(why)
		if errors.Is(why, errClosed) {
			why = nil
		}
		c.state(Closed, why)
	})
}

func (c *Client) state(s State, err error) {
	if c.cfg.State != nil {
		c.cfg.State(s, err)
	}
}

// connected notes a new connection and gives its number.
func (c *Client) connected() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.connection++
	return c.connection
}

// subscribe asks for the user's topics on a new connection, until it is answered or the connection is lost.
func (c *Client) subscribe(m *autopaho.ConnectionManager, ack *paho.Connack, connection uint64) {
	// QoS 0: what a lost connection or a full queue leaves out is read from the logs.
	own := "chat/user/" + c.user
	topics := []string{own + "/#", own + "/replies"} // the second is for tokens that may not read
	for c.current(connection) {
		ctx, cancel := context.WithTimeout(c.ctx, ackLimit)
		answer, err := m.Subscribe(ctx, &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: topics[0]}}})
		cancel()
		switch {
		case err == nil && c.subscribed(ack, connection):
			if len(topics) == 1 {
				c.started.Do(func() { close(c.ready) })
				c.state(Online, nil)
				return
			}
			c.catchUp()
			return
		case err == nil:
			return // lost already, and comes again
		case answer == nil: // lost, or not answered
			c.pause(retryPause)
		case len(topics) == 1:
			c.end(&Error{Code: "forbidden", Message: "the server refuses the subscription to " + own + "/replies"})
			return
		default:
			topics = topics[1:]
		}
	}
}

// current tells whether a connection is the present one of a client that is not closed.
func (c *Client) current(connection uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return connection == c.connection && c.ctx.Err() == nil
}

// pause waits, but not beyond the client's end.
func (c *Client) pause(d time.Duration) {
	ctx, cancel := context.WithTimeout(c.ctx, d)
	defer cancel()
	<-ctx.Done()
}

// subscribed notes that a connection can be used, unless it was lost since: its end may be known before its beginning is.
func (c *Client) subscribed(ack *paho.Connack, connection uint64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if connection != c.connection {
		return false
	}
	c.maxPacket = 0
	if ack.Properties != nil && ack.Properties.MaximumPacketSize != nil {
		c.maxPacket = *ack.Properties.MaximumPacketSize
	}
	c.down = make(chan struct{})
	close(c.up)
	return true
}

// lost notes that the connection is gone.
func (c *Client) lost() {
	c.mu.Lock()
	c.connection++ // none
	select {
	case <-c.up:
		c.up = make(chan struct{})
		close(c.down)
	default: // it was lost before it was subscribed
	}
	c.mu.Unlock()
	if c.ctx.Err() == nil {
		c.state(Offline, nil)
	}
}

func (c *Client) catchUp() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// received sorts what comes. It must not block: replies come the same way.
func (c *Client) received(topic string, payload []byte) {
	if !strings.HasSuffix(topic, "/replies") {
		select {
		case c.inbox <- payload:
		default:
			c.catchUp() // the log has it
		}
		return
	}
	var head struct {
		ID json.Number `json:"request_id"`
	}
	if json.Unmarshal(payload, &head) != nil {
		return
	}
	c.mu.Lock()
	answer := c.waiting[head.ID.String()]
	c.mu.Unlock()
	if answer != nil {
		select {
		case answer <- payload:
		default: // answered before
		}
	}
}

// Call asks for a route, such as "rooms/join/general", with the fields of its payload, and reads the reply into out, which
// may be nil. It waits for a connection and asks again, as the same request, until it is answered or ctx ends. A refusal
// is an *Error.
func (c *Client) Call(ctx context.Context, route string, fields map[string]any, out any) error {
	if err := validRoute(route); err != nil {
		return err
	}
	id := fmt.Sprint(c.nextID.Add(1))
	payload := make(map[string]any, len(fields)+2)
	payload["client_msg_id"] = rand.Text()
	for k, v := range fields {
		payload[k] = v
	}
	payload["request_id"] = json.Number(id)
	body, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("client: %w", err)
	}
	answer := make(chan []byte, 1)
	c.mu.Lock()
	c.waiting[id] = answer
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.waiting, id)
		c.mu.Unlock()
	}()
	for {
		reply, err := c.attempt(ctx, "chat/"+route, body, answer)
		if err != nil {
			return err
		}
		if reply != nil {
			return readReply(reply, out)
		}
	}
}

// validRoute refuses what cannot be the topic of a PUBLISH [MQTT-3.3.2-2]: a server ends the connection for it, so that it would
// be asked again for ever.
func validRoute(route string) error {
	if strings.ContainsAny(route, "+#\x00") || !utf8.ValidString(route) || len(route) > maxRoute {
		return &Error{Code: "bad_request", Message: fmt.Sprintf("there is no route %.100q: names of rooms and users have letters, digits and . _ - only", route)}
	}
	return nil
}

// attempt asks once. It returns nothing when the connection was lost before the answer.
func (c *Client) attempt(ctx context.Context, topic string, body []byte, answer <-chan []byte) ([]byte, error) {
	c.mu.Lock()
	up := c.up
	c.mu.Unlock()
	select {
	case <-up:
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
	c.mu.Lock()
	down, limit := c.down, c.maxPacket
	c.mu.Unlock()
	if limit > 0 && len(body)+packetSlack > int(limit) {
		return nil, &Error{Code: "too_large", Message: fmt.Sprintf("the request has %d bytes; the server takes %d", len(body), limit)}
	}
	refused := make(chan error, 1)
	publishing, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		ack, err := c.manager.Publish(publishing, &paho.Publish{QoS: 1, Topic: topic, Payload: body})
		if err != nil {
			refused <- refusalOf(ack)
		}
	}()
	select {
	case reply := <-answer:
		return reply, nil
	case err := <-refused:
		if err != nil {
			return nil, err
		}
		select { // not sent: the connection is about to be found lost
		case <-down:
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-c.ctx.Done():
			return nil, context.Cause(c.ctx)
		}
		return nil, nil
	case <-down:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, context.Cause(c.ctx)
	}
}

// refusalOf reads a negative acknowledgement; nil where there is none.
func refusalOf(ack *paho.PublishResponse) error {
	if ack == nil || ack.ReasonCode < 0x80 {
		return nil
	}
	e := &Error{Code: "internal", Message: fmt.Sprintf("refused with 0x%02X", ack.ReasonCode)}
	if ack.Properties == nil {
		return e
	}
	for _, p := range ack.Properties.User {
		switch p.Key {
		case "code":
			e.Code = p.Value
		case "message":
			e.Message = p.Value
		case "retry_after":
			if d, err := time.ParseDuration(p.Value + "s"); err == nil {
				e.RetryAfter = d
			}
		}
	}
	return e
}

func readReply(reply []byte, out any) error {
	var head struct {
		Error *struct {
			Code       string  `json:"code"`
			Message    string  `json:"message"`
			RetryAfter float64 `json:"retry_after"`
		} `json:"error"`
	}
	if err := json.Unmarshal(reply, &head); err != nil {
		return fmt.Errorf("client: the server's reply: %w", err)
	}
	if e := head.Error; e != nil {
		return &Error{Code: e.Code, Message: e.Message, RetryAfter: time.Duration(e.RetryAfter * float64(time.Second))}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(reply, out); err != nil {
		return fmt.Errorf("client: the server's reply: %w", err)
	}
	return nil
}

// Signal publishes to a route at QoS 0 and does not wait: for what is worth nothing later, such as typing.
func (c *Client) Signal(route string, fields map[string]any) {
	if validRoute(route) != nil {
		return
	}
	body, err := json.Marshal(fields)
	if err != nil || len(fields) == 0 {
		body = nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Second)
	defer cancel()
	// A connection that is down has nobody to tell.
	_, _ = c.manager.Publish(ctx, &paho.Publish{Topic: "chat/" + route, Payload: body})
}
