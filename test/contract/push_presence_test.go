// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"parley/internal/app"
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

// What a push service answers is heeded: it is left alone for as long as it says, nobody is followed elsewhere, and a subscription
// that it does not know any more ends.
func TestAnswersOfAPushService(t *testing.T) {
	t.Parallel()
	service, clock, bobs := newPushService(t), &systemtest.Clock{}, newBrowser(t)
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock)})
	for _, name := range []string{"push_failed_total", "push_dropped_total", "push_sent_total"} {
		if n := s.Metric(name); n != 0 {
			t.Fatalf("%s is %v at the start", name, n)
		}
	}
	web(t, s, "bob", "push/subscribe", bobs.subscription(service.URL+"/bob"))
	answer := func(status int, header, value string) {
		service.answers <- func(w http.ResponseWriter) {
			w.Header().Set(header, value)
			w.WriteHeader(status)
		}
	}
	failed := func(want float64) {
		t.Helper()
		s.Until("push_failed_total", func(n float64) bool { return n == want })
	}
	answer(http.StatusTooManyRequests, "Retry-After", "1000")
	web(t, s, "alice", "private/bob", `{"content":"first"}`)
	clock.Jump(10 * time.Second)
	service.next(t)
	failed(1)
	// Longer than backing off would take after the first attempt, and not as long as was asked for.
	clock.Jump(900 * time.Second)
	web(t, s, "bob", "read/private:alice:bob", `{}`)
	web(t, s, "carol", "private/bob", `{"content":"second"}`)
	select {
	case p := <-service.got:
		t.Fatalf("pushed to a host that wants to be left alone: %v", bobs.decrypt(t, p.body))
	default:
	}
	clock.Jump(101 * time.Second)
	answer(http.StatusTemporaryRedirect, "Location", service.URL+"/elsewhere")
	if got := bobs.decrypt(t, service.next(t).body); got["content"] != "second" {
		t.Errorf("pushed %v", got)
	}
	failed(2)
	answer(http.StatusNotFound, "X-Reason", "unsubscribed")
	web(t, s, "alice", "private/bob", `{"content":"third"}`)
	clock.Jump(10 * time.Second)
	if p := service.next(t); p.path != "/bob" {
		t.Errorf("pushed to %s: a redirection was followed", p.path)
	}
	s.Until("push_subscriptions_ended_total", func(n float64) bool { return n == 1 })
	endedFor(t, s)
}

// A host that does not answer and one that is not there hold up nobody who is told elsewhere.
func TestHostsThatHoldUpNobody(t *testing.T) {
	t.Parallel()
	const each = 20
	service, clock, bobs := newPushService(t), &systemtest.Clock{}, newBrowser(t)
	release := make(chan struct{})
	hanging := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(hanging.Close)
	t.Cleanup(func() { close(release) }) // before it
	dead := httptest.NewTLSServer(nil)
	dead.Close()
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock), Change: func(c *app.Config) { c.Push.WebhookHosts = []string{"127.0.0.1"} }})
	web(t, s, "alice", "rooms/create", `{"room_id":"r","name":"Room"}`)
	for user, url := range map[string]string{"carol": hanging.URL, "bob": dead.URL} {
		web(t, s, user, "rooms/join/r", "")
		web(t, s, user, "push/subscribe", fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, url))
	}
	web(t, s, "bob", "push/subscribe", bobs.subscription(service.URL+"/bob"))
	for range each { // for carol alone, then for bob
		web(t, s, "alice", "message/r", `{"content":"@carol"}`)
	}
	web(t, s, "alice", "message/r", `{"content":"@bob and @carol"}`)
	clock.Jump(10 * time.Second)
	if got := bobs.decrypt(t, service.next(t).body); got["content"] != "@bob and @carol" {
		t.Errorf("pushed %v", got)
	}
	if n := s.Metric("push_sent_total"); n > 1 {
		t.Errorf("%v were sent, want 1", n)
	}
}
