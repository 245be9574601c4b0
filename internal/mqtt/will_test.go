// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func will(delay uint32) connection {
	return func(c *packet.Connect) {
		c.Will = &packet.Will{Topic: "bye", Payload: []byte("gone"), QoS: 1, Properties: packet.Properties{WillDelay: delay}}
	}
}

func TestWill(t *testing.T) {
	for _, test := range []struct {
		name  string
		leave func(srv *server, c *client)
		want  bool
	}{
		{"lost", func(_ *server, c *client) { _ = c.nc.Close() }, true},
		{"DISCONNECT", func(_ *server, c *client) { c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{})) }, false},
		{"DISCONNECT with will", func(_ *server, c *client) {
			c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{Code: packet.DisconnectWithWill}))
		}, true},
		{"protocol error", func(_ *server, c *client) { c.send(packet.AppendPingresp(nil)) }, true},
		{"taken over", func(srv *server, c *client) { srv.connected(t, "c") }, true},
		{"shutdown", func(srv *server, c *client) { go func() { _ = srv.Shutdown(t.Context()) }() }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := newApp()
			srv := start(t, mqtt.Config{}, a)
			c, s := srv.connected(t, "c", will(0))
			test.leave(srv, c)
			receive(t, "Closed", a.closed)
			if !test.want {
				if len(a.published) > 0 {
					t.Error("the will was published")
				}
				return
			}
			if p := receive(t, "the will", a.published); p.topic != "bye" || p.payload != "gone" || p.qos != 1 || p.s != s {
				t.Errorf("will %+v", p)
			}
		})
	}
}

func TestDelayedWill(t *testing.T) {
	a, clk := newApp(), newClock()
	srv := startUnswept(t, mqtt.Config{Now: clk.Now, Store: newMemory()}, a)
	c, _ := srv.connected(t, "c", expiry(100), will(10))
	c.cut(a)
	clk.move(9 * time.Second)
	srv.Sweep(1)
	c, _ = srv.connected(t, "c", keep, will(10)) // cancels it
	clk.move(9 * time.Second)
	srv.Sweep(1)
	if len(a.published) > 0 {
		t.Fatal("published although the client came back")
	}
	c.cut(a)
	eventually(t, "the will waits", func() bool {
		clk.move(10 * time.Second)
		srv.Sweep(1)
		return len(a.published) == 1
	})
	receive(t, "the will", a.published)

	c, _ = srv.connected(t, "d", expiry(5), will(1000)) // cut by the end of the session
	c.cut(a)
	clk.move(5 * time.Second)
	eventually(t, "the session's end publishes it", func() bool {
		srv.Sweep(5)
		return len(a.published) == 1
	})
	receive(t, "the will", a.published)

	c, _ = srv.connected(t, "e", expiry(500), will(1000))
	c.cut(a)
	srv.connected(t, "e") // clean start ends the session
	receive(t, "the will", a.published)

	c, _ = srv.connected(t, "f", expiry(500), will(1000))
	c.cut(a)
	c, _ = srv.connected(t, "f", keep)
	c.cut(a)
	srv.connected(t, "f") // ends the session, but the return has cancelled the will
	receive(t, "Ended", a.ended)
	if len(a.published) > 0 {
		t.Error("a cancelled will was published")
	}
}

func TestRefusedWill(t *testing.T) {
	a := newApp()
	a.connect = func(*mqtt.ConnectRequest) (*mqtt.Grant, error) {
		return &mqtt.Grant{Owner: "alice", CheckWill: func(w *packet.Will) error {
			return &mqtt.Refusal{Code: packet.TopicNameInvalid, Reason: "no such topic: " + w.Topic}
		}}, nil
	}
	srv := start(t, mqtt.Config{}, a)
	if ack := srv.dial(t).login("c", will(0)); ack.Code != packet.TopicNameInvalid || ack.Properties.ReasonString != "no such topic: bye" {
		t.Errorf("CONNACK %+v", ack)
	}
	srv.connected(t, "c")
}
