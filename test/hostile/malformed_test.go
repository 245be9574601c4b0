// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// A packet larger than the server's maximum is refused by its announcement: no byte of it is waited for.
func TestAnnounced256MiB(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	huge := []byte{byte(packet.PUBLISH) << 4, 0xFF, 0xFF, 0xFF, 0x7F}
	for _, version := range []mqtttest.Option{func(*packet.Connect) {}, mqtttest.V311} {
		m := p.Dial(t, "mallory")
		m.Login(version, p.sign())
		m.Send(huge)
		if m.Version() == packet.V5 {
			m.EndsWith(packet.PacketTooLarge)
		} else if d := m.End(); d != nil {
			t.Errorf("DISCONNECT from a 3.1.1 server: %+v", d)
		}
		p.chat()
	}
	stranger := mqtttest.Dial(t, p.Addr("mqtt"))
	huge[0] = byte(packet.CONNECT) << 4
	stranger.Send(huge)
	stranger.End()
	p.chat()
}

// A SUBSCRIBE that ends in the middle of a filter is malformed, not the end of the server.
func TestTruncatedSubscribe(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	for version, body := range map[packet.Version][]byte{
		packet.V5:   {0, 1, 0, 0, 30, 'c', 'h', 'a', 't'},
		packet.V311: {0, 1, 0, 30, 'c', 'h', 'a', 't'},
	} {
		m := p.Dial(t, "mallory")
		m.Login(func(c *packet.Connect) { c.Version = version }, p.sign())
		m.Send(append([]byte{byte(packet.SUBSCRIBE)<<4 | 2, byte(len(body))}, body...))
		if version == packet.V5 {
			m.EndsWith(packet.MalformedPacket)
		} else {
			m.End()
		}
		p.chat()
	}
}

// samples are one packet of each type that a client may send, with everything in it, and the others besides.
func samples(v packet.Version, user, password string) map[string][]byte {
	all := packet.Properties{}
	props := func(set func(*packet.Properties)) packet.Properties {
		var p packet.Properties
		if v == packet.V5 {
			p.User = []packet.UserProperty{{Name: "n", Value: "v"}}
			set(&p)
		}
		return p
	}
	own := "chat/user/" + user + "/"
	ack := packet.Ack{PacketID: 7, Properties: props(func(p *packet.Properties) { p.ReasonString = "why" })}
	out := map[string][]byte{
		"CONNECT": packet.AppendConnect(nil, &packet.Connect{Version: v, CleanStart: true, ClientID: "c", Username: &user, Password: []byte(password),
			Will:       &packet.Will{Topic: "chat/message/none", QoS: 1, Payload: []byte("bye"), Properties: props(func(p *packet.Properties) { p.WillDelay = 5 })},
			Properties: props(func(p *packet.Properties) { p.SessionExpiry, p.ReceiveMaximum = new(uint32), 9 })}),
		"CONNACK": packet.AppendConnack(nil, v, &packet.Connack{Properties: all}),
		"PUBLISH": packet.AppendPublish(nil, v, &packet.Publish{Topic: "chat/message/none", QoS: 1, PacketID: 7, Payload: []byte("hello"),
			Properties: props(func(p *packet.Properties) { p.ResponseTopic, p.CorrelationData, p.TopicAlias = own+"r", []byte("c"), 3 })}),
		"PUBACK":  packet.AppendAck(nil, v, packet.PUBACK, &ack),
		"PUBREC":  packet.AppendAck(nil, v, packet.PUBREC, &ack),
		"PUBREL":  packet.AppendAck(nil, v, packet.PUBREL, &ack),
		"PUBCOMP": packet.AppendAck(nil, v, packet.PUBCOMP, &ack),
		"SUBSCRIBE": packet.AppendSubscribe(nil, v, &packet.Subscribe{PacketID: 7, Subscriptions: []packet.Subscription{{Filter: own + "#", QoS: 1}, {Filter: own + "messages"}},
			Properties: props(func(p *packet.Properties) { p.SubscriptionIDs = []uint32{300} })}),
		"SUBACK":      packet.AppendSuback(nil, v, packet.SUBACK, &packet.Suback{PacketID: 7, Codes: []packet.ReasonCode{0}}),
		"UNSUBSCRIBE": packet.AppendUnsubscribe(nil, v, &packet.Unsubscribe{PacketID: 7, Filters: []string{own + "#"}, Properties: props(func(*packet.Properties) {})}),
		"PINGREQ":     packet.AppendPingreq(nil),
		"PINGRESP":    packet.AppendPingresp(nil),
		"DISCONNECT":  packet.AppendDisconnect(nil, v, &packet.Disconnect{Properties: props(func(p *packet.Properties) { p.ReasonString = "bye" })}),
	}
	if v == packet.V5 {
		out["AUTH"] = packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate, Properties: packet.Properties{AuthMethod: "token", AuthData: []byte("x")}})
	}
	return out
}

// broken calls f with every beginning of a packet, and with its lengths off by one and far off: wherever one may stand, which
// is at every byte. It stops at end.
func broken(whole []byte, end int, f func(what string, b []byte)) {
	for cut := range end {
		f(fmt.Sprintf("cut at %d", cut), whole[:cut])
	}
	for at := range end {
		for _, wrong := range []byte{whole[at] + 1, whole[at] - 1, 0xFF} {
			b := append([]byte(nil), whole...)
			b[at] = wrong
			f(fmt.Sprintf("byte %d is %d", at, wrong), b)
		}
		if at+2 <= len(whole) { // two-byte lengths
			b := append([]byte(nil), whole...)
			binary.BigEndian.PutUint16(b[at:], 0xFFFF)
			f(fmt.Sprintf("bytes %d and %d are 255", at, at+1), b)
		}
	}
}

// Every packet type, cut at every byte and with every length wrong, in both versions. What the server answers is left to it, as long as
// it is MQTT and comes to an end when the client has ended; the pair does not notice.
func TestBrokenPackets(t *testing.T) {
	t.Parallel()
	p := start(t, systemtest.Config{})
	type attempt struct {
		what    string
		version packet.Version
		connect bool // the broken packet is the first
		bytes   []byte
	}
	var attempts []attempt
	token := p.Token("mallory")
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		for name, whole := range samples(v, "mallory", token) {
			end := len(whole)
			if name == "CONNECT" {
				end -= len(token) - 3 // a broken token says nothing new at each of its bytes
			}
			broken(whole, end, func(what string, b []byte) {
				attempts = append(attempts, attempt{fmt.Sprintf("%s %s, %s", v, name, what), v, name == "CONNECT", b})
			})
		}
	}
	if testing.Short() {
		attempts = attempts[:len(attempts)/8]
	}
	next := make(chan attempt)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for a := range next {
				if err := p.try(a.version, a.connect, a.bytes); err != nil {
					t.Errorf("%s: %v", a.what, err)
				}
			}
		})
	}
	for i, a := range attempts {
		if i%200 == 0 {
			p.chat()
		}
		next <- a
	}
	close(next)
	workers.Wait()
	p.chat()
	t.Logf("%d broken packets", len(attempts))
}

// try sends bytes on a connection of its own and waits until the server has closed it.
func (p *pair) try(v packet.Version, connect bool, b []byte) error {
	if connect {
		return p.tryFirst(b)
	}
	c, err := mqtttest.TryDial(p.t, p.Addr("mqtt"))
	if err != nil {
		return err
	}
	defer c.Cut()
	ack, err := c.TryConnect(func(c *packet.Connect) { c.Version = v }, p.sign())
	if err != nil {
		return fmt.Errorf("signing in: %w", err)
	}
	if ack.Code != packet.Success {
		return fmt.Errorf("signing in: CONNACK %v", ack.Code)
	}
	if err := c.Write(b); err != nil {
		return err
	}
	c.Finish()
	if _, err := c.Await("the end", func(*mqtttest.Packet) bool { return false }); !mqtttest.IsEnd(err) {
		return err
	}
	return nil
}

// tryFirst is try for bytes in the place of CONNECT: the answer may be of another version than was meant.
func (p *pair) tryFirst(b []byte) error {
	nc, err := net.Dial("tcp", p.Addr("mqtt"))
	if err != nil {
		return err
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(mqtttest.Patience))
	if _, err := nc.Write(b); err != nil {
		return err
	}
	if err := nc.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(nc)
	if err != nil && !mqtttest.IsEnd(err) {
		return err
	}
	if len(answer) > 0 && answer[0] != byte(packet.CONNACK)<<4 {
		return fmt.Errorf("answered % x", answer)
	}
	return nil
}
