// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// narrow is a listener whose connections the kernel buffers little for, so that a reader that stops is noticed soon.
type narrow struct{ net.Listener }

func (l narrow) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if err == nil {
		_ = nc.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return nc, err
}

// narrowDoor gives the address of another listener of srv, over narrow connections, plain or as serve makes it.
func narrowDoor(t testing.TB, srv *server, serve func(net.Listener) error) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := goServe(func() error { return serve(narrow{l}) })
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	return l.Addr().String()
}

// narrowClient is a client of another address.
func narrowClient(t testing.TB, addr string) *client {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, nc)
}

func TestReceiveMaximumOfTheClient(t *testing.T) {
	for name, test := range map[string]struct {
		options []connection
		cfg     mqtt.Config
	}{
		"its own":             {[]connection{receiveMaximum(4)}, mqtt.Config{}},
		"ours, where smaller": {[]connection{receiveMaximum(400)}, mqtt.Config{MaxInflight: 4}},
		"ours, on 3.1.1":      {[]connection{v311}, mqtt.Config{MaxInflight: 4}},
	} {
		t.Run(name, func(t *testing.T) {
			a := newApp()
			srv := start(t, test.cfg, a)
			c, s := srv.connected(t, "c", test.options...)
			for i := range 10 {
				s.Send("d", 1, message(strconv.Itoa(i)), nil)
			}
			var ids []uint16
			for range 4 {
				ids = append(ids, c.expectPublish().PacketID)
			}
			c.expectSilence()
			if !s.Reply("r", 1, message("reply")) {
				t.Error("Reply refused")
			}
			if p := c.expectPublish(); p.QoS != 0 {
				t.Errorf("a reply of QoS %d above the maximum", p.QoS)
			}
			for i := range 6 {
				c.ack(packet.PUBACK, ids[i])
				p := c.expectPublish()
				if string(p.Payload) != strconv.Itoa(i+4) {
					t.Errorf("delivery %s", p.Payload)
				}
				ids = append(ids, p.PacketID)
				c.expectSilence()
			}
			c.ack(packet.PUBACK, 999) // unknown ids are ignored
			c.expectSilence()
		})
	}
}

func TestFullQueueAndDrained(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{QueueLength: 10}, a)
	c, s := srv.connected(t, "c", receiveMaximum(1))
	sent := 0
	feed := func() {
		for s.Send("d", 1, message(strconv.Itoa(sent)), nil) {
			sent++
		}
	}
	srv.Cork()
	feed()
	if sent != 10 {
		t.Errorf("%d queued", sent)
	}
	srv.Uncork()
	for i := range 40 {
		p := c.expectPublish()
		if string(p.Payload) != strconv.Itoa(i) {
			t.Fatalf("delivery %s, want %d", p.Payload, i)
		}
		c.ack(packet.PUBACK, p.PacketID)
		if s.Queued() < 5 && sent < 40 {
			receive(t, "Drained", a.drains)
			feed()
		}
	}
}

func TestQueueBytes(t *testing.T) {
	srv := start(t, mqtt.Config{QueueBytes: 1024}, newApp())
	_, s := srv.connected(t, "c")
	srv.Cork()
	defer srv.Uncork()
	big := message(strings.Repeat("x", 5000))
	if !s.Send("d", 0, big, nil) || s.Send("d", 0, message("x"), nil) {
		t.Error("one of any size fits, and nothing more")
	}
}

func TestDropQueued(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", keep, receiveMaximum(2))
	for i := range 6 {
		s.Send("d", 1, message(strconv.Itoa(i)), nil)
	}
	first, second := c.expectPublish(), c.expectPublish()
	s.Drop(func(m *mqtt.Message) bool { return m.Payload[0] != '0' && m.Payload[0] != '4' })
	c.ack(packet.PUBACK, first.PacketID)
	p := c.expectPublish()
	if string(p.Payload) != "4" {
		t.Errorf("delivery %s", p.Payload)
	}
	c.expectSilence()
	c.ack(packet.PUBACK, second.PacketID) // is heard, but not reported
	c.ack(packet.PUBACK, p.PacketID)
	for _, want := range []string{"0", "4"} {
		if m := receive(t, "Acked", a.acked); string(m.Payload) != want {
			t.Errorf("acked %s, want %s", m.Payload, want)
		}
	}
}

// Whoever asked is answered, also when Drop takes the answer back before it is sent: of what is queued, and of what waits for an
// earlier acknowledgement.
func TestDropOfAnAnswer(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c")
	page := func() *mqtt.Message {
		m := message("page " + strings.Repeat("x", 1000))
		m.Revoked = func() *mqtt.Message { return message("not yours any more") }
		return m
	}
	c.publish("t", 1, 1, "")
	first := receive(t, "Publish", held)
	c.publish("t", 1, 2, "")
	second := receive(t, "Publish", held)
	second.ack.Reply("r", 0, page())
	second.ack.Done(packet.Success, "", nil)
	eventually(t, "nobody writes", srv.Flushed)
	srv.Cork()
	s.Reply("r", 0, page())
	before := s.Unsent()
	for range 2 { // once is enough
		s.Drop(func(m *mqtt.Message) bool { return m.Revoked != nil })
	}
	if after := s.Unsent(); after >= before || after != 2*len("not yours any more") {
		t.Errorf("%d bytes are unsent, and were %d", after, before)
	}
	srv.Uncork()
	if p := c.expectPublish(); string(p.Payload) != "not yours any more" {
		t.Errorf("the answer that was queued became %.20s", p.Payload)
	}
	first.ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBACK, 1)
	if p := c.expectPublish(); string(p.Payload) != "not yours any more" {
		t.Errorf("the answer that waited became %.20s", p.Payload)
	}
	c.expectAck(packet.PUBACK, 2)
	eventually(t, "nothing is unsent", func() bool { return s.Unsent() == 0 })
}

// TestDropReachesWhatTheSocketHasNot fills a socket and revokes: of what was queued behind it nothing comes.
func TestDropReachesWhatTheSocketHasNot(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{QueueBytes: 64 << 20}, a)
	addr := narrowDoor(t, srv, srv.Serve)
	c := narrowClient(t, addr)
	c.login("c")
	s := receive(t, "Opened", a.sessions)
	const n = 600
	for i := range n {
		s.Send("d", 0, message(fmt.Sprintf("%04d%s", i, strings.Repeat("x", 10000))), nil)
	}
	s.Reply("r", 0, message("secret reply"))
	eventually(t, "the socket is full", func() bool { return srv.FlushWaiting() == 1 })
	s.Drop(func(*mqtt.Message) bool { return true })
	s.Send("d", 0, message("last"), nil)
	for i := 0; ; i++ {
		p := c.expectPublish()
		if string(p.Payload) == "last" {
			if i == n {
				t.Error("everything came")
			}
			break
		}
		if string(p.Payload[:4]) != fmt.Sprintf("%04d", i) {
			t.Fatalf("delivery %.4s, want %04d", p.Payload, i)
		}
	}
}

func TestCorkIsOneWriteForEachSession(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	var clients []*client
	var sessions []*mqtt.Session
	for i := range 50 {
		c, s := srv.connected(t, strconv.Itoa(i))
		c.expectSilence()
		clients, sessions = append(clients, c), append(sessions, s)
	}
	// Who writes already when the server is corked writes on: the last PINGRESP may be read before its writer has looked
	// whether there is more.
	eventually(t, "nobody writes", srv.Flushed)
	before := srv.Stats()
	srv.Cork()
	srv.Cork()
	for i := range 20 {
		m := message(strconv.Itoa(i))
		for _, s := range sessions {
			s.Send("d", byte(i%2), m, nil)
		}
	}
	srv.Uncork()
	if st := srv.Stats(); st.Writes != before.Writes {
		t.Errorf("%d writes while corked", st.Writes-before.Writes)
	}
	srv.Uncork()
	for _, c := range clients {
		for i := range 20 {
			if p := c.expectPublish(); string(p.Payload) != strconv.Itoa(i) {
				t.Fatalf("delivery %s, want %d", p.Payload, i)
			}
		}
	}
	if n := srv.Stats().Writes - before.Writes; n != 50 {
		t.Errorf("%d writes", n)
	}
	eventually(t, "all are counted", func() bool { return srv.Stats().MessagesOut-before.MessagesOut == 1000 })
}

func TestAcknowledgementsOfABatchLeaveInOneWrite(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c")
	var acks []*mqtt.Ack
	for id := uint16(1); id <= 64; id++ {
		c.publish("t", 1, id, "")
		acks = append(acks, receive(t, "Publish", held).ack)
	}
	c.expectSilence()
	eventually(t, "nobody writes", srv.Flushed)
	before := srv.Stats().Writes
	srv.Cork()
	for _, ack := range acks {
		ack.Done(packet.Success, "", nil)
	}
	srv.Uncork()
	for id := uint16(1); id <= 64; id++ {
		c.expectAck(packet.PUBACK, id)
	}
	if n := srv.Stats().Writes - before; n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestMaximumPacketSizeOfTheClient(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", func(p *packet.Connect) { p.Properties.MaximumPacketSize = 100 })
	if s.MaxPacketSize() != 100 {
		t.Errorf("MaxPacketSize %d", s.MaxPacketSize())
	}
	small := message("small")
	large := &mqtt.Message{Payload: bytes.Repeat([]byte("x"), 100), Smaller: func() *mqtt.Message { return small }}
	hopeless := &mqtt.Message{Payload: large.Payload, Smaller: func() *mqtt.Message { return large }}
	exact := &mqtt.Message{Payload: bytes.Repeat([]byte("x"), 100-8)} // 2 header, 3 topic, 2 id, 1 properties
	s.Send("d", 1, large, nil)
	s.Send("d", 1, hopeless, nil)
	s.Send("d", 1, message("last"), nil)
	s.Send("d", 1, exact, nil)
	s.Send("d", 0, message("end"), nil)
	var ids []uint16
	for _, want := range []int{5, 4, 92, 3} {
		p := c.expectPublish()
		if len(p.Payload) != want {
			t.Errorf("%d bytes: %.20s", len(p.Payload), p.Payload)
		}
		if p.QoS == 1 {
			ids = append(ids, p.PacketID)
		}
	}
	for _, id := range ids {
		c.ack(packet.PUBACK, id)
	}
	for _, want := range []*mqtt.Message{large, hopeless} { // as if it had been sent
		if m := receive(t, "Acked", a.acked); m != want {
			t.Errorf("acked %.10s", m.Payload)
		}
	}
	if n := srv.Stats().TooLarge; n != 1 {
		t.Errorf("too large %d", n)
	}
}

// TestSubackKeepsItsPlace: what is sent before done goes out before SUBACK, and what is sent later does not.
func TestSubackKeepsItsPlace(t *testing.T) {
	for _, hold := range []bool{false, true} {
		a, store := newApp(), newMemory()
		a.subscribe = func(s *mqtt.Session, sub *packet.Subscribe, done func([]packet.ReasonCode)) {
			s.Send("d", 0, message("before"), nil)
			done([]packet.ReasonCode{0})
			done([]packet.ReasonCode{packet.NotAuthorized}) // the first counts
			if !hold {
				s.Send("d", 0, message("after"), nil)
			}
		}
		srv := start(t, mqtt.Config{Store: store}, a)
		c, _ := srv.connected(t, "c", keep)
		store.set(func() { store.hold = hold })
		c.send(packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 1, Subscriptions: []packet.Subscription{{Filter: "a"}}}))
		if p := c.expectPublish(); string(p.Payload) != "before" {
			t.Errorf("delivery %s", p.Payload)
		}
		if hold {
			c.expectSilence()
			store.release()
		}
		c.expect(packet.SUBACK)
		if !hold {
			c.expectPublish()
		}
		store.set(func() { store.hold = false })
	}
}

// TestSlowReader has one client that stops reading among others: they are served, it is closed when it takes nothing for the
// write timeout, and one that reads on after a while gets everything in order.
func TestSlowReader(t *testing.T) {
	a := newApp()
	srv := startUnswept(t, mqtt.Config{QueueBytes: 64 << 20}, a)
	slowReader(t, srv, a, func() *client { return narrowClient(t, narrowDoor(t, srv, srv.Serve)) })
}

func slowReader(t *testing.T, srv *server, a *app, dial func() *client) {
	dead, late := dial(), dial()
	dead.login("dead", v311)
	deadSession := receive(t, "Opened", a.sessions)
	late.login("late")
	lateSession := receive(t, "Opened", a.sessions)
	quick, quickSession := srv.connected(t, "quick")
	const n = 60
	m := message(strings.Repeat("x", 20000))
	for i := range n {
		srv.Cork()
		deadSession.Send("d", 0, m, nil)
		lateSession.Send(strconv.Itoa(i), byte(i%2), m, nil)
		quickSession.Send(strconv.Itoa(i), 0, m, nil)
		srv.Uncork()
		if p := quick.expectPublish(); p.Topic != strconv.Itoa(i) {
			t.Fatalf("delivery %s, want %d", p.Topic, i)
		}
	}
	eventually(t, "both sockets are full", func() bool { return srv.FlushWaiting() == 2 })
	srv.Sweep(20)
	for i := range n {
		p := late.expectPublish()
		if p.Topic != strconv.Itoa(i) || len(p.Payload) != len(m.Payload) {
			t.Fatalf("delivery %s, want %d", p.Topic, i)
		}
		if p.QoS == 1 {
			late.ack(packet.PUBACK, p.PacketID)
		}
	}
	eventually(t, "the dead one is closed", func() bool { // the kernel may have taken more meanwhile
		srv.Sweep(15)
		return len(a.closed) > 0
	})
	end := receive(t, "Closed", a.closed)
	if end.s != deadSession || !errors.Is(end.cause, mqtt.ErrSlowReader) {
		t.Errorf("closed %+v", end)
	}
	if st := srv.Stats(); st.SlowReaders != 1 {
		t.Errorf("slow readers %d", st.SlowReaders)
	}
	late.expectSilence()
	quick.expectSilence()
}

// TestConcurrentUse has everything at once from many goroutines, for the race detector: nothing is lost or out of order.
func TestConcurrentUse(t *testing.T) {
	a := newApp()
	a.publish = func(s *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
		go func() {
			ack.Reply("r", 1, message("reply"))
			ack.Done(packet.Success, "", nil)
		}()
	}
	srv := start(t, mqtt.Config{}, a)
	const clients, senders, each = 4, 4, 100
	var group sync.WaitGroup
	for i := range clients {
		c, s := srv.connected(t, strconv.Itoa(i), receiveMaximum(7))
		for from := range senders {
			group.Go(func() {
				for n := range each {
					srv.Cork()
					if !s.Send(strconv.Itoa(from), byte(n%2), message(strconv.Itoa(n)), nil) {
						t.Error("Send refused")
					}
					s.Drop(func(*mqtt.Message) bool { return false })
					s.Unacknowledged(func(*mqtt.Message) bool { return true })
					srv.Uncork()
				}
			})
		}
		group.Go(func() {
			for id := uint16(1); id <= each; id++ {
				c.publish("t", 1, id, "")
			}
		})
		group.Go(func() {
			next := make([]int, senders)
			acked, replies := uint16(0), 0
			for acked < each || replies < each || fmt.Sprint(next) != fmt.Sprint([]int{each, each, each, each}) {
				h, body, err := c.next()
				if err != nil {
					t.Error(err)
					return
				}
				if h.Type == packet.PUBACK {
					ack, _ := packet.DecodeAck(c.v, h.Type, body)
					if acked++; ack.PacketID != acked {
						t.Errorf("PUBACK %d, want %d", ack.PacketID, acked)
						return
					}
					continue
				}
				var p packet.Publish
				if err := packet.DecodePublish(c.v, h.Flags, body, &p); err != nil {
					t.Error(err)
					return
				}
				if p.QoS == 1 {
					c.ack(packet.PUBACK, p.PacketID)
				}
				if p.Topic == "r" {
					replies++
					continue
				}
				from, _ := strconv.Atoi(p.Topic)
				if n, _ := strconv.Atoi(string(p.Payload)); n != next[from] {
					t.Errorf("from %d: %d, want %d", from, n, next[from])
					return
				}
				next[from]++
			}
		})
	}
	group.Wait()
}
