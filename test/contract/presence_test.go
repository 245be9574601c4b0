// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"strings"
	"testing"

	"parley/test/systemtest"
)

// payload is what a passing event says.
func payload(t *testing.T, e *systemtest.Event) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(e.Packet.Publish.Payload, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Section 5, presence: it comes from connections, subscribed or not; who is invisible is offline to others, also after a
// restart of the server.
func TestPresence(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	is := func(user, status string) func(*systemtest.Event) bool {
		return func(e *systemtest.Event) bool {
			if e.Type != "user_status" {
				return false
			}
			p := payload(t, e)
			if p["seq"] != nil || e.Packet.Publish.QoS != 0 {
				t.Errorf("a passing event came as %s", e.Packet)
			}
			return p["user_id"] == user && p["status"] == status
		}
	}
	online := func(d *systemtest.Device, route string) string {
		var shown struct {
			Online  int
			Members []struct {
				UserID string `json:"user_id"`
				Online bool
				Away   bool
				Seen   float64 `json:"last_seen"`
			}
		}
		r := d.Do(route, `{}`)
		if err := json.Unmarshal(r.Packet.Publish.Payload, &shown); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for _, m := range shown.Members {
			switch {
			case m.Away:
				out.WriteString(m.UserID + " away ")
			case m.Online:
				out.WriteString(m.UserID + " ")
			case m.Seen > 0:
				out.WriteString(m.UserID + " seen ")
			}
		}
		return out.String()
	}
	carol := s.Device(t, "carol")
	carol.Do("rooms/join/r", "")
	if got := online(carol, "rooms/r/info"); got != "alice bob carol " {
		t.Errorf("online are %s", got)
	}
	bob.Do("presence/away", "")
	carol.Next(is("bob", "away"))
	if got := online(alice, "rooms/r/info"); got != "alice bob away carol " {
		t.Errorf("with bob away, online are %s", got)
	}
	bob.Do("presence/offline", "")
	gone := payload(t, carol.Next(is("bob", "offline")))
	if gone["last_seen"] == nil {
		t.Errorf("bob went as %v", gone)
	}
	if got := online(alice, "rooms/r/info"); got != "alice bob seen carol " {
		t.Errorf("with bob invisible, online are %s", got)
	}
	s.Restart()
	alice, bob = s.Device(t, "alice"), s.Device(t, "bob")
	if got := online(alice, "rooms/r/info"); got != "alice bob seen carol seen " {
		t.Errorf("after the restart online are %s", got)
	}
	bob.Do("presence/online", "")
	alice.Next(is("bob", "online"))
}

// Section 5, typing and read marks: passing events to the other members.
func TestTypingAndReading(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Say("r", "x")
	alice.Do("typing/r/start", "")
	if p := payload(t, bob.Next(systemtest.Kind("typing_start"))); p["room_id"] != "r" || p["user_id"] != "alice" {
		t.Errorf("typing is told as %v", p)
	}
	alice.Do("typing/r/stop", "")
	bob.Next(systemtest.Kind("typing_stop"))
	pad := s.Device(t, "bob")
	bob.Do("read/r", `{}`)
	for _, d := range []*systemtest.Device{alice, pad} {
		if p := payload(t, d.Next(systemtest.Kind("read"))); p["room_id"] != "r" || p["user_id"] != "bob" || p["read_seq"] != 3.0 {
			t.Errorf("reading is told as %v", p)
		}
	}
	carol := s.Device(t, "carol")
	carol.Refused("not_member", "typing/r/start", "")
	carol.Refused("not_member", "typing/r/stop", "")
	carol.Refused("not_member", "read/r", "")
}
