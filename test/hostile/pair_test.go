// SPDX-License-Identifier: Apache-2.0

// Package hostile does to a server what it must bear. In every test two users go on chatting meanwhile: each of their messages has to
// be acknowledged and delivered before the test goes on, whatever the third one does.
package hostile

import (
	"fmt"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// pair are the two.
type pair struct {
	*systemtest.Server
	t          testing.TB
	alice, bob *systemtest.Device
	said       int
}

// start runs a server with a room of the pair's own.
func start(t *testing.T, c systemtest.Config) *pair {
	t.Helper()
	c.Users = []string{"alice", "bob", "carol", "mallory"}
	s := systemtest.Start(t, c)
	p := &pair{Server: s, t: t, alice: s.Device(t, "alice"), bob: s.Device(t, "bob")}
	p.alice.Create("pair", "private", p.bob)
	return p
}

// chat is a message each way.
func (p *pair) chat() {
	p.t.Helper()
	p.said++
	for _, way := range [][2]*systemtest.Device{{p.alice, p.bob}, {p.bob, p.alice}} {
		text := fmt.Sprintf("%s says %d", way[0].User, p.said)
		way[0].Say("pair", text)
		way[1].Next(systemtest.Says(text))
	}
	p.alice.Forget()
	p.bob.Forget()
}

// sign is how mallory signs in.
func (p *pair) sign() mqtttest.Option { return mqtttest.As("mallory", p.Token("mallory")) }

// flood has a device send many messages to a room, and waits for all acknowledgements. Nothing of it is left in the inbox.
func flood(t *testing.T, d *systemtest.Device, room, text string, many int) {
	t.Helper()
	open, sent := 0, 0
	var ids []uint16
	for sent < many || open > 0 {
		var segment []byte
		for open < 128 && sent < many {
			var id uint16
			segment, id = d.Encode(segment, "chat/message/"+room, 1, fmt.Sprintf("%d %s", sent, text))
			ids = append(ids, id)
			open++
			sent++
		}
		if len(segment) > 0 {
			d.Send(segment)
		}
		ack := d.Ack(ids[len(ids)-open])
		if ack.Ack.Code != packet.Success {
			t.Fatalf("a message of the flood was refused: %s", ack)
		}
		open--
	}
}

// quiet is a device without subscriptions: it hears acknowledgements only.
func (p *pair) quiet(user string) *systemtest.Device {
	p.t.Helper()
	d := p.Dial(p.t, user)
	d.Login(mqtttest.As(user, p.Token(user)))
	return d
}
