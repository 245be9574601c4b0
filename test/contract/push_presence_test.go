// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"testing"
	"time"

	"parley/internal/presence"
	"parley/test/systemtest"
)

// Who reads a stream is there, for the other members and for push; when it ends, they are away.
func TestStreamIsPresence(t *testing.T) {
	t.Parallel()
	service, clock, bobs, carols := newPushService(t), &systemtest.Clock{}, newBrowser(t), newBrowser(t)
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock)})
	alice := s.Device(t, "alice")
	alice.Do("rooms/create", `{"room_id":"r","name":"Room"}`)
	web(t, s, "bob", "rooms/join/r", "")
	web(t, s, "bob", "push/subscribe", bobs.subscription(service.URL+"/bob"))
	web(t, s, "carol", "push/subscribe", carols.subscription(service.URL+"/carol"))
	is := func(status string) func(*systemtest.Event) bool {
		return func(e *systemtest.Event) bool {
			if e.Type != "user_status" {
				return false
			}
			p := payload(t, e)
			return p["user_id"] == "bob" && p["status"] == status
		}
	}
	online := func() any { return web(t, s, "carol", "rooms/r/info", "")["online"] }
	web(t, s, "carol", "rooms/join/r", "")

	x := listen(t, s, s.Token("bob"), "", "")
	alice.Next(is("online"))
	if n := online(); n != 2.0 { // alice and bob
		t.Errorf("%v are online while bob reads a stream, want 2", n)
	}
	// Messages are looked at in their order: when carol is told of the second, the first is decided about.
	alice.Do("private/bob", `{"content":"you see this"}`)
	alice.Do("private/carol", `{"content":"and you do not"}`)
	clock.Jump(10 * time.Second)
	if p := service.next(t); p.path != "/carol" {
		t.Errorf("pushed to %s, whose user reads a stream", p.path)
	}

	x.close()
	s.Until("streams", func(n float64) bool { return n == 0 })
	alice.Do("private/bob", `{"content":"you do not see this"}`)
	clock.Jump(10 * time.Second)
	p := service.next(t)
	if p.path != "/bob" {
		t.Fatalf("pushed to %s, want bob", p.path)
	}
	if got := bobs.decrypt(t, p.body); got["content"] != "you do not see this" {
		t.Errorf("pushed %v", got)
	}
	clock.Jump(presence.Grace)
	alice.Next(is("offline"))
	if n := online(); n != 1.0 {
		t.Errorf("%v are online after bob's stream has ended, want 1", n)
	}
}
