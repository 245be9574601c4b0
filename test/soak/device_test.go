// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"parley/client"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// kind is what a device speaks.
type kind uint8

const (
	mqtt5   kind = iota // a session that stays
	mqtt311             // the same
	mqtt0               // MQTT 5 at QoS 0, without a session: reads from the logs what it is not sent
	library             // package client
	events              // Server-Sent Events
	looks               // HTTP alone: asks now and then
	kinds
)

func (k kind) String() string {
	return [...]string{"mqtt5", "mqtt311", "mqtt0", "library", "events", "looks"}[k]
}

// device is one device of a person. One goroutine (run) connects it, hears what comes and connects it again; the person's
// goroutine tells it what becomes of it.
type device struct {
	town   *town
	user   string
	name   string
	kind   kind
	narrow bool // a small receive buffer, and few deliveries in flight
	small  bool // takes small packets only
	cable  *systemtest.Cable

	keep func(body []byte) error // writes down what comes; nil: nobody does

	hearing sync.Mutex // guards the memory: held while something is taken in
	memory  *memory
	lastID  string // of events

	mu      sync.Mutex
	wanted  bool // to be connected
	fresh   bool // the next connection begins without the session
	held    bool // reads nothing for now
	link    link // nil while away
	changed chan struct{}
	// open are packet ids of requests of QoS 2 that the session may still know: used again before PUBREL, they would be taken for
	// those requests coming again.
	open map[uint16]bool
}

// begins and completed say that a request of QoS 2 is under way, and is not any more.
func (d *device) begins(id uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open[id] = true
}

func (d *device) completed(id uint16) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, id)
}

// complete ends what a former connection of the session left open: its requests are asked again over HTTP.
func (d *device) complete(c *mqtttest.Client) error {
	d.mu.Lock()
	open := slices.Sorted(maps.Keys(d.open))
	d.mu.Unlock()
	for _, id := range open {
		if err := c.Write(packet.AppendAck(nil, c.Version(), packet.PUBREL, &packet.Ack{PacketID: id})); err != nil {
			return err
		}
		if _, err := c.Await("PUBCOMP", completes(id)); err != nil {
			return err
		}
		d.completed(id)
	}
	return nil
}

func completes(id uint16) func(*mqtttest.Packet) bool {
	return func(p *mqtttest.Packet) bool { return p.Type == packet.PUBCOMP && p.Ack.PacketID == id }
}

// link is a connection that tells of events.
type link interface {
	// next waits for what comes. It fails when the connection is over and everything that came is taken.
	next() (body []byte, err error)
	// leave ends the connection, properly or not.
	leave(properly bool)
}

func newDevice(w *town, user string, number int, k kind, narrow bool) *device {
	d := &device{town: w, user: user, name: fmt.Sprint("device", number), kind: k, narrow: narrow, wanted: true, changed: make(chan struct{}), open: map[uint16]bool{}}
	d.memory = newMemory(user, w.asking(user))
	d.memory.reads = k == mqtt0
	if k == library {
		d.cable = systemtest.NewCable(w.t, w.addr("mqtt"))
	}
	return d
}

func (d *device) String() string { return fmt.Sprintf("%s/%s (%v)", d.user, d.name, d.kind) }

// change alters what d.mu guards, or only says that something has changed.
func (d *device) change(alter func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	alter()
	close(d.changed)
	d.changed = make(chan struct{})
}

// run keeps the device connected while it is wanted, until ctx ends.
func (d *device) run(ctx context.Context) {
	for {
		d.mu.Lock()
		wanted, changed := d.wanted, d.changed
		d.mu.Unlock()
		around := d.town.news()
		if !wanted {
			select {
			case <-changed:
				continue
			case <-ctx.Done():
				return
			}
		}
		l, err := d.connect(ctx)
		switch {
		case ctx.Err() != nil:
			if l != nil {
				l.leave(false)
			}
			return
		case err == nil:
			d.hear(l)
		case errors.Is(err, errAway), errors.Is(err, errOver):
			pause := time.NewTimer(retry)
			select { // until the server is back, or lets the user in again
			case <-around:
			case <-pause.C:
			case <-ctx.Done():
				return
			}
			pause.Stop()
		default:
			d.town.fault("%v: connecting: %v", d, err)
			return
		}
	}
}

// retry is when a device tries again of which nobody says why it could not connect.
const retry = time.Second

// errAway says that the server is not there, or not for this user.
var errAway = errors.New("away")

// hear takes what comes until the connection is over.
func (d *device) hear(l link) {
	defer context.AfterFunc(d.town.ctx, func() { l.leave(false) })()
	d.change(func() { d.link, d.held = l, false })
	d.mu.Lock()
	wanted := d.wanted
	d.mu.Unlock()
	if !wanted { // meanwhile
		l.leave(false)
	}
	by := pushed
	if d.kind == library {
		by = followed
	}
	for {
		body, err := l.next()
		if err != nil {
			break
		}
		d.hearing.Lock()
		err = d.memory.take(body, by)
		if d.keep != nil {
			err = errors.Join(err, d.keep(body))
		}
		d.hearing.Unlock()
		if err != nil && !errors.Is(err, errOver) {
			d.town.fault("%v: %v", d, err)
		}
		d.change(func() {})
	}
	d.change(func() { d.link = nil })
	l.leave(false)
}

// arrive makes the memory fit a connection that hears from now on. Where it cannot, the next connection begins anew.
func (d *device) arrive(goesOn bool) error {
	d.hearing.Lock()
	defer d.hearing.Unlock()
	var err error
	d.memory.connection++
	if goesOn = goesOn && d.memory.begun; !goesOn {
		d.memory.anew = d.memory.connection
	}
	switch {
	case !d.memory.begun:
		err = d.memory.begin()
	case !goesOn:
		err = d.memory.catchUp()
	}
	d.memory.comes("connection %d goes on: %v; knows %d rooms (%v)", d.memory.connection, goesOn, len(d.memory.rooms), err)
	if err != nil {
		d.change(func() { d.fresh = true })
	}
	if no := (*refusal)(nil); errors.As(err, &no) { // banned meanwhile
		return errAway
	}
	return err
}

// connect connects. What was to begin anew and did not come to its end has to do so the next time.
func (d *device) connect(ctx context.Context) (link, error) {
	d.mu.Lock()
	fresh := d.fresh
	d.fresh = false
	d.mu.Unlock()
	l, err := d.begin(ctx, fresh)
	if err != nil && fresh {
		d.change(func() { d.fresh = true })
	}
	return l, err
}

func (d *device) begin(ctx context.Context, fresh bool) (link, error) {
	switch d.kind {
	case mqtt5, mqtt311, mqtt0:
		return d.connectMQTT(fresh)
	case library:
		return d.connectLibrary(ctx)
	case events:
		return d.connectEvents(ctx, fresh)
	default:
		l := &looker{over: make(chan struct{})}
		return l, d.arrive(false)
	}
}

// smallPacket is the Maximum Packet Size of devices that take small packets only: a long text comes truncated to them.
const smallPacket = 1200

// mqttLink is a connection over MQTT.
type mqttLink struct {
	*mqtttest.Client
	device *device
	last   uint16
}

func (d *device) connectMQTT(fresh bool) (link, error) {
	dial := mqtttest.TryDial
	if d.narrow {
		dial = mqtttest.TryDialNarrow
	}
	c, err := dial(d.town.t, d.town.addr("mqtt"))
	if err != nil {
		return nil, errAway
	}
	var options []mqtttest.Option
	if d.kind == mqtt311 {
		options = append(options, mqtttest.V311)
	}
	options = append(options, mqtttest.As(d.user, d.town.tokens[d.user]), mqtttest.ID(d.name))
	c.AcknowledgeByHand() // what is not taken, as of a connection that ends before it is known what it goes on with, is to come again
	qos := byte(1)
	switch fresh = fresh && d.kind != mqtt311; {
	case d.kind == mqtt0:
		fresh, qos = true, 0
		options = append(options, mqtttest.Fresh(0))
	case fresh:
		options = append(options, mqtttest.Fresh(3600))
	default:
		options = append(options, mqtttest.Keep(3600))
	}
	if d.kind != mqtt311 {
		options = append(options, mqtttest.With(func(p *packet.Properties) {
			if d.narrow {
				p.ReceiveMaximum = 3
			}
			if d.small {
				p.MaximumPacketSize = smallPacket
			}
		}))
	}
	hello, err := c.TryConnect(options...)
	if err != nil {
		c.Cut()
		return nil, errAway
	}
	if hello.Code != packet.Success {
		c.Cut()
		if d.town.mayRefuse(hello.Code) {
			return nil, errAway
		}
		return nil, fmt.Errorf("CONNACK %v", hello.Code)
	}
	d.hearing.Lock()
	begun := d.memory.begun
	d.hearing.Unlock()
	if begun && !fresh && !hello.SessionPresent {
		c.Cut()
		return nil, errors.New("the session is lost")
	}
	if !hello.SessionPresent {
		if codes, err := c.TrySubscribe(qos, "chat/user/"+d.user+"/#"); err != nil || codes[0] != packet.ReasonCode(qos) {
			c.Cut()
			return nil, errAway
		}
	}
	if err := d.complete(c); err != nil {
		c.Cut()
		return nil, errAway
	}
	if err := d.arrive(hello.SessionPresent); err != nil {
		c.Cut()
		return nil, err
	}
	return &mqttLink{Client: c, device: d}, nil
}

func (l *mqttLink) next() ([]byte, error) {
	if l.last != 0 {
		_ = l.Write(packet.AppendAck(nil, l.Version(), packet.PUBACK, &packet.Ack{PacketID: l.last}))
	}
	for {
		p, err := l.Await("an event", systemtest.IsDelivery)
		if errors.Is(err, mqtttest.ErrTimeout) {
			continue
		}
		if err != nil {
			return nil, err
		}
		l.last = p.Publish.PacketID
		return p.Publish.Payload, nil
	}
}

func (l *mqttLink) leave(properly bool) {
	l.Release()
	if properly {
		if l.Write(packet.AppendDisconnect(nil, l.Version(), &packet.Disconnect{})) == nil {
			return // the server closes, and what it sent by then is read
		}
	}
	l.Cut()
}

// libraryLink is a connection of package client.
type libraryLink struct {
	*client.Client
	once sync.Once
}

func (d *device) connectLibrary(ctx context.Context) (link, error) {
	ctx, cancel := context.WithTimeout(ctx, patience())
	defer cancel()
	c, err := client.Dial(ctx, client.Config{Server: d.cable.Addr, User: d.user, Password: d.town.tokens[d.user]})
	if err != nil {
		if no := (*client.Error)(nil); errors.As(err, &no) {
			return nil, errAway // banned
		}
		return nil, err
	}
	l := &libraryLink{Client: c}
	if err := d.arrive(false); err != nil {
		l.leave(true)
		return nil, err
	}
	return l, nil
}

func (l *libraryLink) next() ([]byte, error) {
	e, ok := <-l.Events()
	if !ok {
		return nil, io.EOF
	}
	return e.Raw, nil
}

func (l *libraryLink) leave(bool) {
	l.once.Do(func() {
		go func() {
			for range l.Events() {
			}
		}()
		_ = l.Close()
	})
}

// eventsLink is a stream of Server-Sent Events.
type eventsLink struct {
	cancel context.CancelFunc
	bodies chan []byte
	over   chan struct{}
}

func (d *device) connectEvents(ctx context.Context, fresh bool) (link, error) {
	ctx, cancel := context.WithCancel(ctx)
	id := d.lastID
	if fresh {
		id = ""
	}
	resp, err := systemtest.OpenStream(ctx, d.town.addr("http"), d.town.tokens[d.user], "events", id)
	if err != nil {
		cancel()
		return nil, errAway
	}
	if resp.StatusCode != 200 {
		cancel()
		resp.Body.Close()
		if resp.StatusCode == 401 || resp.StatusCode == 403 || resp.StatusCode == 503 {
			return nil, errAway
		}
		return nil, errors.New(resp.Status)
	}
	l := &eventsLink{cancel: cancel, bodies: make(chan []byte), over: make(chan struct{})}
	began := make(chan struct{})
	go func() {
		defer close(l.over)
		defer resp.Body.Close()
		first, left := true, false
		_ = systemtest.ReadEvents(resp.Body, func(id, data string) {
			if first {
				first = false
				d.lastID = id
				close(began)
				return
			}
			if data == "" || left { // what follows something that was not taken must not be taken
				return
			}
			select {
			case l.bodies <- []byte(data):
				d.lastID = id
			case <-ctx.Done():
				left = true
			}
		})
	}()
	select {
	case <-began:
	case <-l.over:
		cancel()
		return nil, errAway
	}
	if err := d.arrive(id != ""); err != nil {
		l.leave(false)
		<-l.over
		return nil, err
	}
	return l, nil
}

func (l *eventsLink) next() ([]byte, error) {
	select {
	case body := <-l.bodies:
		return body, nil
	case <-l.over:
		return nil, io.EOF
	}
}

func (l *eventsLink) leave(bool) { l.cancel() }

// looker hears nothing.
type looker struct {
	over chan struct{}
	once sync.Once
}

func (l *looker) next() ([]byte, error) {
	<-l.over
	return nil, io.EOF
}

func (l *looker) leave(bool) { l.once.Do(func() { close(l.over) }) }

// look asks what is new, where the device has to ask.
func (d *device) look() {
	d.hearing.Lock()
	defer d.hearing.Unlock()
	if d.kind != looks || !d.memory.begun {
		return
	}
	no := (*refusal)(nil) // banned
	if err := d.memory.catchUp(); err != nil && !errors.Is(err, errOver) && !errors.As(err, &no) {
		d.town.fault("%v: %v", d, err)
	}
}

// go away, properly or not.
func (d *device) goAway(properly bool) {
	var l link
	d.change(func() { d.wanted, l = false, d.link })
	if l != nil {
		l.leave(properly)
	}
}

// lose cuts the connection under the device, which comes back by itself.
func (d *device) lose() {
	if d.cable != nil {
		d.cable.Cut()
		d.cable.Mend()
		return
	}
	d.mu.Lock()
	l := d.link
	d.mu.Unlock()
	if l != nil {
		l.leave(false)
	}
}

func (d *device) comeBack(fresh bool) {
	d.change(func() { d.wanted, d.fresh = true, d.fresh || fresh })
}

// speaks gives the connection where the device can ask over MQTT and will hear the answer: nil where it cannot.
func (d *device) speaks() *mqttLink {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.held {
		return nil
	}
	l, _ := d.link.(*mqttLink)
	return l
}

// hold makes the device read nothing until release, or until its connection ends.
func (d *device) hold(held bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l, ok := d.link.(*mqttLink)
	switch {
	case !ok:
	case held:
		l.Hold()
	default:
		l.Release()
	}
	d.held = held && ok
}

// state is for messages of failed tests.
func (d *device) state() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return fmt.Sprintf("wanted %v, connected %v, held %v, narrow %v", d.wanted, d.link != nil, d.held, d.narrow)
}

// await waits until the device has come to something, or until ctx is over.
func (d *device) await(ctx context.Context, what string, come func(*memory) string) error {
	for {
		d.mu.Lock()
		changed := d.changed
		d.mu.Unlock()
		d.hearing.Lock()
		missing := come(d.memory)
		d.hearing.Unlock()
		if missing == "" {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waited in vain for %s: %s (%s): %w", what, missing, d.state(), context.Cause(ctx))
		}
	}
}
