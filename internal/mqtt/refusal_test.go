// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func TestConnectRefused(t *testing.T) {
	srv := start(t, mqtt.Config{}, newApp())
	level := func(b byte) []byte { // CONNECT with that protocol level
		p := packet.AppendConnect(nil, &packet.Connect{Version: packet.V311, CleanStart: true, ClientID: "x"})
		p[8] = b
		return p
	}
	for _, test := range []struct {
		name string
		sent []byte
		v    packet.Version
		want packet.ReasonCode // Success: closed without an answer
	}{
		{"credentials 5.0", packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, Username: new("nobody")}), packet.V5, packet.BadUserNameOrPassword},
		{"credentials 3.1.1", packet.AppendConnect(nil, &packet.Connect{Version: packet.V311, CleanStart: true, Username: new("nobody")}), packet.V311, packet.BadUserNameOrPassword},
		{"level 3", level(3), packet.V311, packet.UnsupportedProtocolVersion},
		{"level 6", level(6), packet.V5, packet.UnsupportedProtocolVersion},
		{"empty client id, 3.1.1, not clean", packet.AppendConnect(nil, &packet.Connect{Version: packet.V311}), packet.V311, packet.ClientIDNotValid},
		{"long client id", packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, ClientID: strings.Repeat("x", 257)}), packet.V5, packet.ClientIDNotValid},
		{"not CONNECT", packet.AppendPingreq(nil), packet.V5, packet.Success},
		{"not MQTT", []byte("GET / HTTP/1.1\r\n\r\n"), packet.V5, packet.Success},
		{"CONNECT of 256 MiB", []byte{0x10, 0xFF, 0xFF, 0xFF, 0x7F, 0, 4, 'M'}, packet.V5, packet.Success},
		{"overlong length", []byte{0x10, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F}, packet.V5, packet.Success},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := srv.dial(t)
			c.v = test.v
			c.send(test.sent)
			if test.want != packet.Success {
				ack, err := packet.DecodeConnack(test.v, c.expect(packet.CONNACK))
				if err != nil || ack.Code != test.want {
					t.Errorf("CONNACK %v, %v; want %v", ack.Code, err, test.want)
				}
			}
			c.expectEnd()
		})
	}
	if n := srv.Stats().Refused[packet.BadUserNameOrPassword]; n != 2 {
		t.Errorf("refused %d", n)
	}
	eventually(t, "all have gone", func() bool { return srv.Stats().Connections["tcp"].Open == 0 })
}

func TestMalformed(t *testing.T) {
	srv := start(t, mqtt.Config{}, newApp())
	publish := func(p packet.Publish) []byte {
		if p.Topic == "" && p.Properties.TopicAlias == 0 {
			p.Topic = "t"
		}
		return packet.AppendPublish(nil, packet.V5, &p)
	}
	for _, test := range []struct {
		name string
		sent []byte
		want packet.ReasonCode
	}{
		{"second CONNECT", packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, ClientID: "y"}), packet.ProtocolError},
		{"CONNACK", packet.AppendConnack(nil, packet.V5, &packet.Connack{}), packet.ProtocolError},
		{"SUBACK", packet.AppendSuback(nil, packet.V5, packet.SUBACK, &packet.Suback{PacketID: 1, Codes: []packet.ReasonCode{0}}), packet.ProtocolError},
		{"PINGRESP", packet.AppendPingresp(nil), packet.ProtocolError},
		{"AUTH without method", packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate, Properties: packet.Properties{AuthMethod: "token"}}), packet.ProtocolError},
		{"256 MiB announced", []byte{0x30, 0xFF, 0xFF, 0xFF, 0x7F, 0, 1, 't'}, packet.PacketTooLarge},
		{"truncated SUBSCRIBE", []byte{0x82, 3, 0, 1, 0}, packet.ProtocolError},
		{"SUBSCRIBE whose filter ends early", []byte{0x82, 6, 0, 1, 0, 0, 9, 'a'}, packet.MalformedPacket},
		{"invalid filter", []byte{0x82, 9, 0, 1, 0, 0, 3, 'a', '#', 'b', 1}, packet.MalformedPacket},
		{"alias above the maximum", publish(packet.Publish{Topic: "t", Properties: packet.Properties{TopicAlias: 17}}), packet.TopicAliasInvalid},
		{"alias not set", publish(packet.Publish{Properties: packet.Properties{TopicAlias: 3}}), packet.TopicAliasInvalid},
		{"subscription id from a client", publish(packet.Publish{Properties: packet.Properties{SubscriptionIDs: []uint32{1}}}), packet.ProtocolError},
		{"expiry in DISCONNECT after none", packet.AppendDisconnect(nil, packet.V5, &packet.Disconnect{Properties: packet.Properties{SessionExpiry: new(uint32(5))}}), packet.ProtocolError},
		{"reserved type", []byte{0x00, 0}, packet.MalformedPacket},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, s := srv.connected(t, "c")
			c.send(test.sent)
			d := c.expectDisconnect(test.want)
			if d.Properties.ReasonString == "" {
				t.Error("no reason string")
			}
			end := receive(t, "Closed", srv.app.closed)
			var fault *packet.Error
			if end.s != s || !errors.As(end.cause, &fault) || fault.Code != test.want {
				t.Errorf("closed %+v", end)
			}
		})
		t.Run(test.name+" without problem information", func(t *testing.T) {
			c, _ := srv.connected(t, "c", func(p *packet.Connect) { p.Properties.RequestProblemInfo = new(byte) })
			c.send(test.sent)
			if d := c.expectDisconnect(test.want); d.Properties.ReasonString != "" {
				t.Errorf("reason string %q", d.Properties.ReasonString)
			}
			receive(t, "Closed", srv.app.closed)
		})
	}
	t.Run("3.1.1 is only closed", func(t *testing.T) {
		c, _ := srv.connected(t, "c", v311)
		c.send([]byte{0x82, 3, 0, 1, 0})
		c.expectEnd()
	})
	t.Run("AUTH on 3.1.1", func(t *testing.T) {
		c, _ := srv.connected(t, "c", v311)
		c.send([]byte{0xF0, 0})
		c.expectEnd()
	})
}

func TestConnack(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{KeepAliveMax: 100 * time.Second, MaxSessionExpiry: time.Hour, ReceiveMaximum: 33, MaxPacketSize: 4096, TopicAliasMaximum: 5}, a)
	c := srv.dial(t)
	p := c.login("", func(p *packet.Connect) { p.Properties.SessionExpiry = new(uint32(0xFFFFFFFF)) }).Properties
	if len(p.AssignedClientID) < 20 || *p.SessionExpiry != 3600 || *p.ServerKeepAlive != 100 || p.ReceiveMaximum != 33 ||
		p.MaximumPacketSize != 4096 || p.TopicAliasMaximum != 5 || *p.SharedSubAvailable != 0 || p.RetainAvailable != nil || p.MaximumQoS != nil {
		t.Errorf("properties %+v", p)
	}
	if s := receive(t, "Opened", a.sessions); s.ClientID() != p.AssignedClientID || !s.Persistent() {
		t.Errorf("session %q", s.ClientID())
	}
	p = srv.dial(t).login("x", keepAlive(60), expiry(3600)).Properties
	if p.AssignedClientID != "" || p.SessionExpiry != nil || p.ServerKeepAlive != nil {
		t.Errorf("properties %+v", p)
	}
}

func TestTopicAlias(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c")
	for _, topic := range []string{"one", "", "two", ""} {
		c.send(packet.AppendPublish(nil, c.v, &packet.Publish{Topic: topic, Properties: packet.Properties{TopicAlias: 16}}))
	}
	for _, want := range []string{"one", "one", "two", "two"} {
		if p := receive(t, "Publish", a.published); p.topic != want {
			t.Errorf("topic %q, want %q", p.topic, want)
		}
	}
}

func TestReceiveMaximumExceeded(t *testing.T) {
	a := newApp()
	a.publish = func(*mqtt.Session, *packet.Publish, *mqtt.Ack) {}
	srv := start(t, mqtt.Config{ReceiveMaximum: 4}, a)
	c, _ := srv.connected(t, "c")
	for id := uint16(1); id <= 5; id++ {
		c.publish("t", 1+byte(id%2), id, "")
	}
	c.expectDisconnect(packet.ReceiveMaximumExceeded)
}

func TestKeepAlive(t *testing.T) {
	a := newApp()
	srv := startUnswept(t, mqtt.Config{}, a)
	c, _ := srv.connected(t, "c", keepAlive(10))
	idle, _ := srv.connected(t, "idle")
	srv.Sweep(15)
	c.expectSilence()
	srv.Sweep(15)
	c.expectSilence()
	srv.Sweep(18)
	c.expectDisconnect(packet.KeepAliveTimeout)
	if end := receive(t, "Closed", a.closed); !errors.Is(end.cause, mqtt.ErrKeepAlive) {
		t.Errorf("cause %v", end.cause)
	}
	idle.expectSilence() // keep alive 0
}

func TestNeverConnects(t *testing.T) {
	srv := startUnswept(t, mqtt.Config{MaxUnauthenticated: 2}, newApp())
	silent, partial := srv.dial(t), srv.dial(t)
	partial.send([]byte{0x10, 20, 0, 4, 'M', 'Q'})
	eventually(t, "both wait", func() bool { return srv.Stats().Unauthenticated == 2 })
	srv.dial(t).expectEnd() // one too many
	srv.Sweep(9)
	if n := srv.Stats().Unauthenticated; n != 2 {
		t.Errorf("%d wait after 9 s", n)
	}
	srv.Sweep(3)
	silent.expectEnd()
	partial.expectEnd()
	if st := srv.Stats(); st.Turned != 1 {
		t.Errorf("turned %d", st.Turned)
	}
	eventually(t, "there is room again", func() bool { return srv.Stats().Unauthenticated == 0 })
	srv.connected(t, "c")
}

func TestMaxConnections(t *testing.T) {
	srv := start(t, mqtt.Config{MaxConnections: 1}, newApp())
	srv.connected(t, "c")
	srv.dial(t).expectEnd()
}

// requests is one valid packet of every type that a client may send after CONNECT, and CONNECT itself.
func requests(v packet.Version) map[string][]byte {
	props := packet.Properties{}
	if v == packet.V5 {
		props.User = []packet.UserProperty{{Name: "name", Value: "value"}}
	}
	list := map[string][]byte{
		"CONNECT": packet.AppendConnect(nil, &packet.Connect{Version: v, CleanStart: true, ClientID: "cut", Username: new("user"), Password: []byte("pass"),
			Properties: props, Will: &packet.Will{Topic: "will", Payload: []byte("w"), QoS: 1}}),
		"PUBLISH 0":   packet.AppendPublish(nil, v, &packet.Publish{Topic: "topic", Payload: []byte("payload"), Properties: props}),
		"PUBLISH 1":   packet.AppendPublish(nil, v, &packet.Publish{Topic: "topic", QoS: 1, PacketID: 1, Payload: []byte("payload"), Properties: props}),
		"PUBLISH 2":   packet.AppendPublish(nil, v, &packet.Publish{Topic: "topic", QoS: 2, PacketID: 2, Properties: props}),
		"PUBACK":      packet.AppendAck(nil, v, packet.PUBACK, &packet.Ack{PacketID: 3, Properties: props}),
		"PUBREC":      packet.AppendAck(nil, v, packet.PUBREC, &packet.Ack{PacketID: 3, Properties: props}),
		"PUBREL":      packet.AppendAck(nil, v, packet.PUBREL, &packet.Ack{PacketID: 3, Properties: props}),
		"PUBCOMP":     packet.AppendAck(nil, v, packet.PUBCOMP, &packet.Ack{PacketID: 3, Properties: props}),
		"SUBSCRIBE":   packet.AppendSubscribe(nil, v, &packet.Subscribe{PacketID: 4, Subscriptions: []packet.Subscription{{Filter: "a/+"}, {Filter: "b/#", QoS: 1}}, Properties: props}),
		"UNSUBSCRIBE": packet.AppendUnsubscribe(nil, v, &packet.Unsubscribe{PacketID: 5, Filters: []string{"a/+", "b"}, Properties: props}),
		"PINGREQ":     packet.AppendPingreq(nil),
		"DISCONNECT":  packet.AppendDisconnect(nil, v, &packet.Disconnect{Properties: props}),
	}
	if v == packet.V5 {
		list["AUTH"] = packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate, Properties: packet.Properties{AuthMethod: "m", AuthData: []byte("d")}})
	}
	return list
}

// TestCutAndWrongLength sends every packet type cut at every byte, and with every value of every byte that could be a length, to a live
// server: whatever happens to that connection, another goes on.
func TestCutAndWrongLength(t *testing.T) {
	a := newApp()
	a.publish = func(_ *mqtt.Session, _ *packet.Publish, ack *mqtt.Ack) { ack.Done(0, "", nil) }
	srv := start(t, mqtt.Config{}, a)
	witness, _ := srv.connected(t, "witness")
	go func() { // the channels of the fixture hold only so much
		for range a.closed {
		}
	}()
	go func() {
		for range a.sessions {
		}
	}()
	go func() {
		for range a.resumed {
		}
	}()
	go func() {
		for range a.dropped {
		}
	}()
	defer close(a.dropped)
	try := func(v packet.Version, name string, bytes []byte, end bool) {
		c := srv.dial(t)
		if name != "CONNECT" {
			c.send(packet.AppendConnect(nil, &packet.Connect{Version: v, CleanStart: true, ClientID: "cut"}))
		}
		c.send(bytes)
		if end {
			_ = c.nc.(*net.TCPConn).CloseWrite()
		}
		_ = c.nc.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, c.nc); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%v %s % x: the server neither answers nor closes", v, name, bytes)
		}
		_ = c.nc.Close()
	}
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		for name, whole := range requests(v) {
			for n := range len(whole) {
				try(v, name, whole[:n], true)
			}
			for i := 1; i < len(whole); i++ {
				for _, value := range []byte{0, 1, whole[i] - 1, whole[i] + 1, 0x7F, 0x80, 0xFF} {
					wrong := append([]byte(nil), whole...)
					wrong[i] = value
					try(v, name, wrong, true)
				}
			}
			witness.expectSilence()
		}
	}
	witness.publish("still", 1, 9, "")
	witness.expectAck(packet.PUBACK, 9)
	_ = witness.nc.Close()
	eventually(t, "all have gone", func() bool { return srv.Stats().Connections["tcp"].Open == 0 })
	close(a.closed)
	close(a.sessions)
	close(a.resumed)
}

func TestPanicEndsOneConnection(t *testing.T) {
	a := newApp()
	a.publish = func(*mqtt.Session, *packet.Publish, *mqtt.Ack) { panic("fault") }
	srv := start(t, mqtt.Config{}, a)
	other, _ := srv.connected(t, "other")
	c, s := srv.connected(t, "c")
	c.publish("t", 1, 1, "")
	c.expectDisconnect(packet.UnspecifiedError)
	if end := receive(t, "Closed", a.closed); end.s != s {
		t.Errorf("closed %+v", end)
	}
	other.expectSilence()

	c, s = srv.connected(t, "c", func(p *packet.Connect) { p.Properties.MaximumPacketSize = 20 })
	s.Send("topic", 1, &mqtt.Message{Payload: make([]byte, 100), Smaller: func() *mqtt.Message { panic("fault") }}, nil)
	c.expectEnd()
	receive(t, "Closed", a.closed)
	other.expectSilence()
}

func TestConfigNamesTheField(t *testing.T) {
	for want, cfg := range map[string]mqtt.Config{
		"MaxPacketSize":       {MaxPacketSize: 1},
		"ConnectTimeout":      {ConnectTimeout: time.Millisecond},
		"WriteTimeout":        {WriteTimeout: -1},
		"KeepAliveMax":        {KeepAliveMax: 20 * time.Hour},
		"MaxSessionExpiry":    {MaxSessionExpiry: -1},
		"MaxSessionsPerOwner": {MaxSessionsPerOwner: -1},
		"QueueLength":         {QueueLength: 1},
		"QueueBytes":          {QueueBytes: 1},
		"MaxConnections":      {MaxConnections: -1},
		"MaxUnauthenticated":  {MaxUnauthenticated: -1},
		"MaxInflight":         {MaxInflight: 70000},
		"FlushWorkers":        {FlushWorkers: -1},
	} {
		if _, err := mqtt.NewServer(cfg, newApp()); err == nil || !strings.Contains(err.Error(), want+" ") {
			t.Errorf("%s: %v", want, err)
		}
	}
}
