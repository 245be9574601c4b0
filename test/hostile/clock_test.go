// SPDX-License-Identifier: Apache-2.0

package hostile

import (
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// A clock that jumps changes what is shown. Order, delivery and limits do not depend on it.
func TestClockThatJumps(t *testing.T) {
	t.Parallel()
	var c systemtest.Clock
	p := start(t, systemtest.Config{
		Inside: app.Inside{Now: c.Now},
		Change: func(cfg *app.Config) { cfg.Access.RateLimit = app.Rate{Events: 10000, Window: time.Hour} },
	})
	m := p.Device(t, "mallory", mqtttest.ID("phone"), mqtttest.Keep(3600))
	p.alice.Create("open", "public", m)
	var last uint64
	var before float64
	say := func(text string) float64 {
		t.Helper()
		r := p.alice.Say("open", text)
		if e := m.Next(systemtest.Says(text)); last != 0 && r.Seq != last+1 || e.Seq != r.Seq {
			t.Fatalf("%q has seq %d and %d after %d", text, r.Seq, e.Seq, last)
		}
		last = r.Seq
		p.chat()
		return r.Timestamp
	}
	before = say("now")
	c.Jump(-24 * time.Hour)
	if at := say("a day earlier"); at > before {
		t.Errorf("timestamp %v after %v", at, before)
	}
	c.Jump(25 * time.Hour)
	say("an hour later")
	// The history goes by seq.
	var texts []string
	for _, e := range m.Do("history/open", "{}").Messages {
		if e.Type == "text" {
			texts = append(texts, e.Content)
		}
	}
	if len(texts) != 3 || texts[0] != "an hour later" || texts[1] != "a day earlier" || texts[2] != "now" {
		t.Errorf("history, newest first: %q", texts)
	}
	// A session that is away when the clock goes back stays, and one whose time is over is over.
	m.Disconnect()
	p.chat()
	c.Jump(-time.Hour)
	p.alice.Say("open", "while away")
	m = p.Device(t, "mallory", mqtttest.ID("phone"), mqtttest.Keep(3600))
	m.Next(systemtest.Says("while away"))
	m.Disconnect()
	p.chat() // a commit behind that of the disconnection
	c.Jump(48 * time.Hour)
	again := p.Dial(t, "mallory")
	if ack := again.Login(p.sign(), mqtttest.ID("phone"), mqtttest.Keep(3600)); ack.SessionPresent {
		t.Error("a session of an hour is there after two days")
	}
	p.chat()
	// Tokens end by the clock: everybody has to sign in again, and is told so.
	c.Jump(60 * 24 * time.Hour)
	again.EndsWith(packet.NotAuthorized)
	p.alice.EndsWith(packet.NotAuthorized)
	p.bob.EndsWith(packet.NotAuthorized)
}
