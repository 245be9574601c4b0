// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func TestTakeover(t *testing.T) {
	for _, test := range []struct {
		name    string
		options []connection
		resumed bool
	}{
		{"ends with its connection", nil, false},
		{"persistent", []connection{keep}, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newApp()
			srv := start(t, mqtt.Config{}, a)
			first, s1 := srv.connected(t, "same", append(test.options, user("alice"))...)
			stranger, _ := srv.connected(t, "same", append(test.options, user("bob"))...)
			second := srv.dial(t)
			if ack := second.login("same", append(test.options, user("alice"))...); ack.SessionPresent != test.resumed {
				t.Errorf("session present %v", ack.SessionPresent)
			}
			s2 := receive(t, "Opened", a.sessions)
			if (s1 == s2) != test.resumed {
				t.Error("resumed is the same session, and only that")
			}
			first.expectDisconnect(packet.SessionTakenOver)
			if end := receive(t, "Closed", a.closed); end.s != s1 || end.ended == test.resumed || !errors.Is(end.cause, mqtt.ErrTakenOver) {
				t.Errorf("closed %+v", end)
			}
			second.expectSilence()
			stranger.expectSilence()
			if n := srv.Stats().Takeovers; n != 1 {
				t.Errorf("takeovers %d", n)
			}
		})
	}
}

// TestTakeoverStorm has many connections fight for one session: one has it in the end, and Opened and Closed alternate.
func TestTakeoverStorm(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{Store: newMemory()}, a)
	const n = 50
	done := make(chan *client, n)
	for range n {
		c := srv.dial(t)
		go func() {
			p := packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, ClientID: "same", Properties: packet.Properties{SessionExpiry: new(uint32(60))}})
			_, _ = c.nc.Write(p)
			for {
				h, _, err := c.next()
				if err != nil || h.Type == packet.DISCONNECT {
					break
				}
				_, _ = c.nc.Write(packet.AppendPingreq(nil))
			}
			done <- c
		}()
	}
	for range n - 1 {
		receive(t, "a loser", done)
	}
	select {
	case <-done:
		t.Fatal("nobody is left")
	default:
	}
	eventually(t, "all have been opened", func() bool { return len(a.sessions) == n && len(a.closed) == n-1 })
	if st := srv.Stats(); st.Sessions != 1 || st.Connections["tcp"].Open < 1 {
		t.Errorf("%+v", st)
	}
}

func TestResumeSendsAgainInOrder(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	c, s := srv.connected(t, "c", keep)
	c.subscribe(1, "a")
	for i := range 8 {
		s.Send("a", 1, message(strconv.Itoa(i)), nil)
	}
	ids := map[string]uint16{}
	for i := range 8 {
		p := c.expectPublish()
		if string(p.Payload) != strconv.Itoa(i) || p.Dup {
			t.Fatalf("delivery %+v", p)
		}
		ids[strconv.Itoa(i)] = p.PacketID
	}
	c.ack(packet.PUBACK, ids["0"])
	c.ack(packet.PUBACK, ids["3"]) // out of order
	if m := receive(t, "Acked", a.acked); string(m.Payload) != "0" {
		t.Errorf("acked %s", m.Payload)
	}
	c.expectSilence()
	s.Drop(func(m *mqtt.Message) bool { return string(m.Payload) == "5" })
	s.Reply("a", 1, message("a reply is not sent again"))
	c.expectPublish()
	if end := c.cut(a); end.ended {
		t.Error("ended")
	}
	var left []string
	s.Unacknowledged(func(m *mqtt.Message) bool { left = append(left, string(m.Payload)); return true })
	if fmt.Sprint(left) != "[1 2 3 4 6 7]" {
		t.Errorf("unacknowledged %v", left)
	}
	if s.Send("a", 1, message("while away"), nil) {
		t.Error("Send to an absent session")
	}

	a.opened = func(s *mqtt.Session, resumed bool) { s.Send("a", 1, message("new"), nil) }
	c = srv.dial(t)
	if ack := c.login("c", keep, receiveMaximum(3)); !ack.SessionPresent {
		t.Error("no session present")
	}
	if again := receive(t, "Opened", a.sessions); again != s || len(s.Subscriptions()) != 1 {
		t.Errorf("session %v", s.Subscriptions())
	}
	want := []string{"1", "2", "4", "6", "7", "new"}
	got := []packet.Publish{c.expectPublish(), c.expectPublish()}
	c.expectSilence() // 3 counts, though it is acknowledged: the window is a window of order
	for len(got) < len(want) {
		c.ack(packet.PUBACK, got[len(got)-2].PacketID)
		got = append(got, c.expectPublish())
	}
	for i, p := range got {
		text := string(p.Payload)
		if text != want[i] || p.Dup != (text != "new") || text != "new" && p.PacketID != ids[text] {
			t.Errorf("delivery %d: %q dup %v id %d", i, text, p.Dup, p.PacketID)
		}
	}
	c.ack(packet.PUBACK, got[4].PacketID)
	c.ack(packet.PUBACK, got[5].PacketID)
	for _, want := range []string{"1", "2", "3", "4", "6", "7", "new"} {
		if m := receive(t, "Acked", a.acked); string(m.Payload) != want {
			t.Errorf("acked %s, want %s", m.Payload, want)
		}
	}
}

func TestCleanStartEndsTheSession(t *testing.T) {
	for _, store := range []*memory{nil, newMemory()} {
		a := newApp()
		cfg := mqtt.Config{}
		if store != nil {
			cfg.Store = store
		}
		srv := start(t, cfg, a)
		c, s := srv.connected(t, "c", keep)
		c.subscribe(1, "a")
		c.cut(a)
		c, again := srv.connected(t, "c", expiry(60))
		if again == s || len(again.Subscriptions()) != 0 || again.ID() == s.ID() {
			t.Error("the old session")
		}
		if id := receive(t, "Ended", a.ended); id != "anonymous/c" {
			t.Errorf("ended %s", id)
		}
		c.expectSilence()
		if n := srv.InMemory(); n != 1 {
			t.Errorf("%d sessions", n)
		}
	}
}

func TestSessionExpires(t *testing.T) {
	for _, store := range []*memory{nil, newMemory()} {
		a, clk := newApp(), newClock()
		cfg := mqtt.Config{Now: clk.Now}
		if store != nil {
			cfg.Store = store
		}
		srv := startUnswept(t, cfg, a)
		c, _ := srv.connected(t, "c", expiry(100))
		c.cut(a)
		stays, _ := srv.connected(t, "stays", expiry(100))
		eventually(t, "it is away", func() bool { return srv.Detaching() == 0 })
		clk.move(99 * time.Second)
		srv.Sweep(10)
		if len(a.ended) > 0 {
			t.Fatal("ended too early")
		}
		clk.move(time.Second)
		srv.Sweep(10)
		if id := receive(t, "Ended", a.ended); id != "anonymous/c" {
			t.Errorf("ended %s", id)
		}
		if store != nil && store.get("anonymous", "c") != nil {
			t.Error("still stored")
		}
		if n := srv.InMemory(); n != 1 {
			t.Errorf("%d sessions", n)
		}
		stays.expectSilence()
	}
}

func TestExpiryFoundWhenConnecting(t *testing.T) {
	a, clk := newApp(), newClock()
	srv := startUnswept(t, mqtt.Config{Now: clk.Now}, a)
	c, _ := srv.connected(t, "c", expiry(100))
	c.cut(a)
	clk.move(time.Hour)
	if ack := srv.dial(t).login("c", keep); ack.SessionPresent {
		t.Error("an expired session is present")
	}
	receive(t, "Ended", a.ended)
}

func TestExpiryChangedByDisconnect(t *testing.T) {
	a, store := newApp(), newMemory()
	srv := start(t, mqtt.Config{Store: store}, a)
	c, s := srv.connected(t, "c", expiry(100))
	c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{Properties: packet.Properties{SessionExpiry: new(uint32(0))}}))
	if end := receive(t, "Closed", a.closed); end.s != s || !end.ended {
		t.Errorf("closed %+v", end)
	}
	eventually(t, "it is deleted", func() bool { return store.get("anonymous", "c") == nil && srv.InMemory() == 0 })
	c, _ = srv.connected(t, "d", expiry(100))
	c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{Properties: packet.Properties{SessionExpiry: new(uint32(7))}}))
	receive(t, "Closed", a.closed)
	eventually(t, "it is stored", func() bool { return store.get("anonymous", "d").Expiry == 7 })
}

func TestStoredSession(t *testing.T) {
	store := newMemory()
	a := newApp()
	srv := start(t, mqtt.Config{Store: store}, a)
	c, s := srv.connected(t, "c", keep, user("alice"))
	if st := store.get("alice", "c"); st == nil || st.ID != s.ID() || st.Expiry != 3600 || !st.Disconnected.IsZero() || st.Version != packet.V5 {
		t.Fatalf("stored before CONNACK: %+v", st)
	}
	// SUBACK leaves when the subscription is durable.
	store.set(func() { store.hold = true })
	c.send(packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 1, Properties: packet.Properties{SubscriptionIDs: []uint32{5}},
		Subscriptions: []packet.Subscription{{Filter: "a", QoS: 1, NoLocal: true}, {Filter: "b"}}}))
	c.expectSilence()
	if n := store.release(); n != 1 {
		t.Errorf("%d saved", n)
	}
	c.expect(packet.SUBACK)
	if st := store.get("alice", "c"); len(st.Subscriptions) != 2 || st.SubscriptionIDs[1] != 5 {
		t.Errorf("stored %+v", st)
	}
	store.set(func() { store.hold = false })
}

func TestSubscriptionsSurviveARestart(t *testing.T) {
	store := newMemory()
	a := newApp()
	srv := start(t, mqtt.Config{Store: store}, a)
	c, _ := srv.connected(t, "c", keep)
	c.send(packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 1, Properties: packet.Properties{SubscriptionIDs: []uint32{5}},
		Subscriptions: []packet.Subscription{{Filter: "a", QoS: 1, NoLocal: true}, {Filter: "b"}}}))
	c.expect(packet.SUBACK)
	saves := len(store.log)
	c.send(packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 2, Properties: packet.Properties{SubscriptionIDs: []uint32{5}},
		Subscriptions: []packet.Subscription{{Filter: "b"}}}))
	c.expect(packet.SUBACK)
	if len(store.log) != saves {
		t.Error("an identical SUBSCRIBE is saved again")
	}
	c.send(packet.AppendUnsubscribe(nil, c.v, &packet.Unsubscribe{PacketID: 3, Filters: []string{"b", "none"}}))
	ack, err := packet.DecodeSuback(c.v, packet.UNSUBACK, c.expect(packet.UNSUBACK))
	if err != nil || !slices.Equal(ack.Codes, []packet.ReasonCode{packet.Success, packet.NoSubscriptionExisted}) {
		t.Errorf("UNSUBACK %+v %v", ack, err)
	}
	if d := receive(t, "Unsubscribed", a.dropped); fmt.Sprint(d) != "[b]" {
		t.Errorf("unsubscribed %v", d)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func(c *client) {
		_, _, _ = c.next() // DISCONNECT
		_ = c.nc.Close()
	}(c)
	if err := srv.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if st := store.get("anonymous", "c"); st.Disconnected.IsZero() {
		t.Error("the disconnection is not stored")
	}

	b := newApp()
	srv = start(t, mqtt.Config{Store: store}, b)
	c = srv.dial(t)
	if ack := c.login("c", keep); !ack.SessionPresent {
		t.Error("no session present")
	}
	s := receive(t, "Opened", b.sessions)
	if !receive(t, "resumed", b.resumed) {
		t.Error("not resumed")
	}
	if subs := s.Subscriptions(); len(subs) != 1 || subs[0] != (packet.Subscription{Filter: "a", QoS: 1, NoLocal: true}) || s.SubscriptionIDs()[0] != 5 {
		t.Errorf("subscriptions %+v %v", subs, s.SubscriptionIDs())
	}
}

func TestStoreFails(t *testing.T) {
	store := newMemory()
	a := newApp()
	srv := start(t, mqtt.Config{Store: store}, a)
	c, _ := srv.connected(t, "c", keep)
	store.set(func() { store.fail = true })
	c.send(packet.AppendSubscribe(nil, c.v, &packet.Subscribe{PacketID: 1, Subscriptions: []packet.Subscription{{Filter: "a"}}}))
	c.expectDisconnect(packet.ServerBusy)
	receive(t, "Closed", a.closed)
	if ack := srv.dial(t).login("c", keep); ack.Code != packet.ServerUnavailable {
		t.Errorf("CONNACK %v", ack.Code)
	}
	store.set(func() { store.fail = false })
	c, _ = srv.connected(t, "c", keep)
	c.expectSilence()
}

func TestSessionCap(t *testing.T) {
	for _, store := range []*memory{nil, newMemory()} {
		a, clk := newApp(), newClock()
		cfg := mqtt.Config{Now: clk.Now, MaxSessionsPerOwner: 3}
		if store != nil {
			cfg.Store = store
		}
		srv := start(t, cfg, a)
		var clients []*client
		for i := range 3 {
			c, _ := srv.connected(t, fmt.Sprint(i), keep, user("alice"))
			clients = append(clients, c)
		}
		srv.connected(t, "other", keep, user("bob"))
		srv.connected(t, "passing", user("alice"))
		if ack := srv.dial(t).login("3", keep, user("alice")); ack.Code != packet.QuotaExceeded {
			t.Errorf("CONNACK %v", ack.Code)
		}
		for _, i := range []int{1, 0} { // 1 is the longest disconnected
			clients[i].cut(a)
			eventually(t, "it is away", func() bool { return srv.Detaching() == 0 })
			clk.move(time.Second)
		}
		srv.connected(t, "3", keep, user("alice"))
		if id := receive(t, "Ended", a.ended); id != "alice/1" {
			t.Errorf("ended %s", id)
		}
		if ack := srv.dial(t).login("0", keep, user("alice")); !ack.SessionPresent {
			t.Error("the other one has ended too")
		}
	}
}

func TestDisconnectOwner(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	one, s1 := srv.connected(t, "1", user("alice"))
	two, _ := srv.connected(t, "2", user("alice"))
	bob, _ := srv.connected(t, "1", user("bob"))
	srv.Disconnect("alice", packet.Banned, "you are banned", func(s *mqtt.Session) bool { return s == s1 })
	if d := two.expectDisconnect(packet.AdministrativeAction); d.Properties.ReasonString != "you are banned" {
		t.Errorf("reason %q", d.Properties.ReasonString)
	}
	one.expectSilence()
	bob.expectSilence()
	srv.Disconnect("alice", packet.NotAuthorized, "", nil)
	one.expectDisconnect(packet.NotAuthorized)
	bob.expectSilence()
}

func TestTokenExpiryAndReauthentication(t *testing.T) {
	a, clk := newApp(), newClock()
	grant := func(owner string, life time.Duration) *mqtt.Grant {
		return &mqtt.Grant{Owner: owner, Expires: clk.Now().Add(life), Response: []byte("welcome"), Value: life}
	}
	a.connect = func(r *mqtt.ConnectRequest) (*mqtt.Grant, error) {
		if m := r.Packet.Properties.AuthMethod; m != "token" && m != "" {
			return nil, &mqtt.Refusal{Code: packet.BadAuthenticationMethod, Reason: "token is the only method"}
		}
		return grant("alice", 10*time.Second), nil
	}
	a.reauth = func(method string, data []byte) (*mqtt.Grant, error) {
		if string(data) == "bad" {
			return nil, &mqtt.Refusal{Code: packet.NotAuthorized, Reason: "bad token"}
		}
		return grant(string(data), time.Hour), nil
	}
	token := func(p *packet.Connect) { p.Properties.AuthMethod = "token" }
	srv := startUnswept(t, mqtt.Config{Now: clk.Now}, a)
	if ack := srv.dial(t).login("x", func(p *packet.Connect) { p.Properties.AuthMethod = "SCRAM" }); ack.Code != packet.BadAuthenticationMethod {
		t.Errorf("CONNACK %v", ack.Code)
	}
	dial := func(id string) *client {
		c := srv.dial(t)
		ack := c.login(id, token)
		if ack.Properties.AuthMethod != "token" || string(ack.Properties.AuthData) != "welcome" {
			t.Errorf("CONNACK %+v", ack)
		}
		return c
	}
	reauth := func(c *client, method, data string) {
		c.send(packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate, Properties: packet.Properties{AuthMethod: method, AuthData: []byte(data)}}))
	}
	stays, expires, bad, other, method := dial("1"), dial("2"), dial("3"), dial("4"), dial("5")
	reauth(stays, "token", "alice")
	auth, err := packet.DecodeAuth(stays.expect(packet.AUTH))
	if err != nil || auth.Code != packet.Success || auth.Properties.AuthMethod != "token" {
		t.Errorf("AUTH %+v %v", auth, err)
	}
	reauth(bad, "token", "bad")
	bad.expectDisconnect(packet.NotAuthorized)
	reauth(other, "token", "bob")
	other.expectDisconnect(packet.NotAuthorized)
	reauth(method, "another", "alice")
	method.expectDisconnect(packet.ProtocolError)
	srv.Sweep(1)
	expires.expectSilence()
	clk.move(11 * time.Second)
	srv.Sweep(1)
	expires.expectDisconnect(packet.NotAuthorized)
	stays.expectSilence()
}

func TestShutdownDrains(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", keep)
	old, _ := srv.connected(t, "old", v311)
	c.publish("t", 1, 1, "")
	c.publish("t", 1, 2, "")
	first, second := receive(t, "Publish", held), receive(t, "Publish", held)
	done := goServe(func() error { return srv.Shutdown(t.Context()) })
	old.expectEnd()
	c.publish("t", 1, 3, "") // no longer heard
	first.ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBACK, 1)
	second.ack.Done(packet.Success, "", nil)
	c.expectAck(packet.PUBACK, 2)
	c.expectDisconnect(packet.ServerShuttingDown)
	_ = c.nc.Close()
	_ = old.nc.Close()
	if err := receive(t, "Shutdown", done); err != nil {
		t.Error(err)
	}
	if len(held) > 0 {
		t.Error("a request was taken during shutdown")
	}
	if err := srv.Shutdown(t.Context()); !errors.Is(err, mqtt.ErrServerClosed) {
		t.Errorf("second Shutdown: %v", err)
	}
}

func TestShutdownIsCutShort(t *testing.T) {
	a, held := holding()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c")
	c.publish("t", 1, 1, "")
	receive(t, "Publish", held)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
}
