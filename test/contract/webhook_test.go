// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/app"
	"parley/internal/push"
	"parley/test/systemtest"
)

// hook is a webhook that a bot got.
type hook struct {
	id   string
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

func (h *hook) room() string { s, _ := h.Data["room_id"].(string); return s }
func (h *hook) seq() uint64  { n, _ := h.Data["seq"].(float64); return uint64(n) }

// following starts a server on which bob has a webhook that follows his rooms.
func following(t *testing.T, service *pushService, clock *systemtest.Clock) (*systemtest.Server, *standardwebhooks.Webhook) {
	t.Helper()
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock), Change: func(c *app.Config) {
		c.Push.WebhookHosts, c.Push.Text = []string{"127.0.0.1"}, push.TextsAll
	}})
	web(t, s, "alice", "rooms/create", `{"room_id":"r","name":"R"}`)
	web(t, s, "bob", "rooms/join/r", "")
	made := web(t, s, "bob", "push/subscribe", fmt.Sprintf(`{"type":"webhook","events":"messages","endpoint":%q}`, service.URL+"/hook"))
	if sub := made["subscription"].(map[string]any); sub["events"] != "messages" {
		t.Errorf("subscribed: %v", made)
	}
	verifier, err := standardwebhooks.NewWebhook(made["secret"].(string))
	if err != nil {
		t.Fatal(err)
	}
	return s, verifier
}

// hooked reads a POST.
func hooked(t *testing.T, verifier *standardwebhooks.Webhook, p pushed) *hook {
	t.Helper()
	if err := verifier.VerifyIgnoringTimestamp(p.body, p.header); err != nil {
		t.Errorf("the signature: %v", err)
	}
	h := &hook{id: p.header.Get("Webhook-Id")}
	if err := json.Unmarshal(p.body, h); err != nil {
		t.Fatalf("%v in %s", err, p.body)
	}
	return h
}

// A webhook with "events":"messages" is sent what a device of the same user gets, but for what that user does.
func TestWebhookFollowsRooms(t *testing.T) {
	t.Parallel()
	service, clock := newPushService(t), &systemtest.Clock{}
	s, verifier := following(t, service, clock)
	next := func(kind, room string) *hook {
		t.Helper()
		h := hooked(t, verifier, service.next(t))
		if h.Type != kind || h.room() != room {
			t.Fatalf("got %s of %s: %v, want %s of %s", h.Type, h.room(), h.Data, kind, room)
		}
		return h
	}
	bob := s.Device(t, "bob") // he need not be away
	same := func(h *hook) {
		t.Helper()
		e := bob.Next(systemtest.At(h.room(), h.seq()))
		var device map[string]any
		if err := json.Unmarshal(e.Packet.Publish.Payload, &device); err != nil || !reflect.DeepEqual(device, h.Data) {
			t.Errorf("the device got %v (%v), the webhook %v", device, err, h.Data)
		}
	}
	sent := web(t, s, "alice", "message/r", `{"content":"hello, bot","client_msg_id":"1"}`)
	h := next("room.message", "r")
	same(h)
	if h.Data["content"] != "hello, bot" || h.Data["client_msg_id"] != nil {
		t.Errorf("the message is %v", h.Data)
	}
	id := sent["message_id"].(string)
	web(t, s, "bob", "message/r", `{"content":"what I say myself"}`)
	web(t, s, "bob", "message/"+id+"/react", `{"emoji":"👍"}`)
	web(t, s, "alice", "message/"+id+"/edit", `{"content":"hello again"}`)
	if h = next("room.event", "r"); h.Data["type"] != "message_edited" || h.Data["content"] != "hello again" {
		t.Errorf("the edit is %v", h.Data)
	}
	same(h)
	web(t, s, "alice", "private/bob", `{"content":"just you"}`)
	got := map[string]*hook{}
	for range 2 { // one room need not wait for another
		h := hooked(t, verifier, service.next(t))
		got[h.room()] = h
	}
	if h := got["private:alice:bob"]; h == nil || h.seq() != 1 || h.Data["is_private"] != true {
		t.Errorf("a conversation that begins: %v", got)
	}
	if h := got["user:bob"]; h == nil || h.Data["type"] != "room_added" {
		t.Errorf("a conversation that begins, in the own log: %v", got)
	}

	// A room that bob comes into is followed from his joining on, and no more once he is out of it.
	web(t, s, "alice", "rooms/create", `{"room_id":"later","name":"Later"}`)
	web(t, s, "alice", "message/later", `{"content":"before"}`)
	web(t, s, "alice", "rooms/later/invite", `{"user_id":"bob"}`)
	clear(got)
	for range 2 {
		h := hooked(t, verifier, service.next(t))
		got[h.room()] = h
	}
	if h := got["later"]; h == nil || h.Data["event"] != "member_joined" || h.Data["user_id"] != "bob" {
		t.Errorf("after the invitation: %v", got)
	}
	web(t, s, "alice", "admin/rooms/later/moderate", `{"action":"kick","user_id":"bob"}`)
	web(t, s, "alice", "message/later", `{"content":"after"}`)
	if h := next("room.event", "user:bob"); h.Data["type"] != "removed_from_room" {
		t.Errorf("after the kick: %v", h.Data)
	}
	web(t, s, "bob", "rooms/leave/r", "")
	web(t, s, "alice", "message/r", `{"content":"without bob"}`)
	web(t, s, "root", "broadcast", `{"content":"to all"}`)
	next("room.message", "announcements")
	web(t, s, "bob", "push/unsubscribe", fmt.Sprintf(`{"endpoint":%q}`, service.URL+"/hook"))
	web(t, s, "alice", "private/bob", `{"content":"nobody listens"}`)
	s.Restart()
	if len(service.got) != 0 || s.Metric("webhook_behind") != 0 {
		t.Errorf("left: %d, behind: %v", len(service.got), s.Metric("webhook_behind"))
	}
}

// What a webhook cannot have is refused.
func TestWebhooksThatCannotFollow(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Change: func(c *app.Config) { c.Push.WebhookHosts = []string{"bots.example.net"} }})
	bob := s.Device(t, "bob")
	bob.Refused("forbidden", "push/subscribe", `{"type":"webhook","events":"messages","endpoint":"https://bots.example.net/"}`) // no texts
	bob.Refused("bad_request", "push/subscribe", `{"type":"webhook","events":"everything","endpoint":"https://bots.example.net/"}`)
	bob.Refused("bad_request", "push/subscribe", `{"type":"unifiedpush","events":"messages","endpoint":"https://bots.example.net/"}`)
	bob.Refused("forbidden", "push/subscribe", `{"type":"webhook","events":"messages","endpoint":"https://elsewhere.example.net/"}`)
}

// However often the other side fails, it takes every event of each room once at least, and none before an earlier one; a repeat is
// recognisable. The server is restarted in the middle.
func TestWebhookLosesNothing(t *testing.T) {
	t.Parallel()
	const each = 10
	clock := &systemtest.Clock{}
	type taken struct {
		seq uint64
		id  string
	}
	var mu sync.Mutex
	by := map[string][]taken{}
	count, complete := 0, make(chan struct{})
	service := newPushService(t)
	random := rand.New(rand.NewPCG(1, 2))
	var verifier *standardwebhooks.Webhook
	service.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		if _, err := body.ReadFrom(r.Body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		h := hooked(t, verifier, pushed{header: r.Header, body: body.Bytes()})
		switch random.IntN(6) {
		case 0:
			w.WriteHeader(http.StatusBadGateway)
			return
		case 1: // it was taken, and the answer is lost
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				defer c.Close()
			}
		}
		list := by[h.room()]
		if n := len(list); n > 0 && list[n-1].seq == h.seq() {
			if list[n-1].id != h.id {
				t.Errorf("a repeat of %s %d has the id %s, and had %s", h.room(), h.seq(), h.id, list[n-1].id)
			}
			return
		}
		by[h.room()] = append(list, taken{h.seq(), h.id})
		if strings.HasPrefix(h.room(), "room") {
			if count++; count == 3*each {
				close(complete)
			}
		}
	})
	mu.Lock()
	s, v := following(t, service, clock)
	verifier = v
	mu.Unlock()
	first := map[string]uint64{}
	for i := range 3 {
		web(t, s, "alice", "rooms/create", fmt.Sprintf(`{"room_id":"room%d","name":"R"}`, i))
		joined := web(t, s, "bob", fmt.Sprintf("rooms/join/room%d", i), "")
		first[fmt.Sprintf("room%d", i)] = uint64(joined["member_count"].(float64)) // the joining is the second event
	}
	clocked := time.NewTicker(5 * time.Millisecond) // what backs off has its turn soon
	defer clocked.Stop()
	alices := s.Device(t, "alice")
	var asked []uint16
	for n := range each - 1 {
		for i := range 3 {
			if i == 1 && n%4 == 0 { // what follows below
				continue
			}
			asked = append(asked, alices.Publish(fmt.Sprintf("chat/message/room%d", i), 1, fmt.Sprint(n)))
		}
	}
	for _, id := range asked {
		alices.Ack(id)
	}
	for n := range each - 1 {
		if n%4 == 0 {
			web(t, s, "alice", "message/room1", `{"content":"to fill up"}`)
			web(t, s, "bob", "message/room1", `{"content":"by the bot: not sent, and no hole for it"}`)
		}
	}
	s.Restart()
	deadline := time.After(2 * time.Minute)
	for done := false; !done; {
		select {
		case <-complete:
			done = true
		case <-clocked.C:
			clock.Jump(2 * time.Second)
		case <-deadline:
			mu.Lock()
			defer mu.Unlock()
			t.Fatalf("%d events were taken, not %d: %v\nfailed %v, behind %v", count, 3*each, by, s.Metric("webhook_failed_total"), s.Metric("webhook_behind"))
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for room, from := range first {
		list := by[room]
		if len(list) != each || list[0].seq != from {
			t.Errorf("%s: %d events from %d on, want %d from %d on", room, len(list), list[0].seq, each, from)
		}
		for i := 1; i < len(list); i++ {
			if list[i].seq <= list[i-1].seq || room != "room1" && list[i].seq != list[i-1].seq+1 {
				t.Errorf("%s: %d came after %d", room, list[i].seq, list[i-1].seq)
			}
		}
	}
}

// A webhook that was down for too long is told what it missed, and goes on from there.
func TestWebhookThatWasDownForLong(t *testing.T) {
	t.Parallel()
	service, clock := newPushService(t), &systemtest.Clock{}
	s, verifier := following(t, service, clock)
	for range 50 {
		service.answers <- func(w http.ResponseWriter) { w.WriteHeader(http.StatusInternalServerError) }
	}
	var seqs []uint64
	for i := range 3 {
		seqs = append(seqs, uint64(web(t, s, "alice", "message/r", fmt.Sprintf(`{"content":"missed %d"}`, i))["seq"].(float64)))
	}
	s.Until("webhook_failed_total", func(n float64) bool { return n >= 1 })
	clock.Jump(25 * time.Hour)
	web(t, s, "alice", "message/r", `{"content":"from today"}`)
	for len(service.answers) > 0 {
		<-service.answers
	}
	missed := false
	for !missed {
		h := hooked(t, verifier, service.next(t))
		if missed = h.Type == "room.sync_required"; missed {
			if h.room() != "r" || h.Data["first_seq"] != float64(seqs[0]) || h.Data["last_seq"] != float64(seqs[2]) || h.Data["epoch"] == nil {
				t.Errorf("missed: %v, want from %d to %d", h.Data, seqs[0], seqs[2])
			}
		}
		clock.Jump(5 * time.Minute)
	}
	s.Until("webhook_skipped_total", func(n float64) bool { return n == 1 })
	web(t, s, "alice", "message/r", `{"content":"and on"}`)
	for _, want := range []string{"from today", "and on"} { // what was not too old is not missing
		h := hooked(t, verifier, service.next(t))
		for h.room() != "r" || h.Type == "room.sync_required" { // an attempt that failed may have been the first we heard of
			h = hooked(t, verifier, service.next(t))
		}
		if h.Type != "room.message" || h.Data["content"] != want {
			t.Errorf("got %s %v, want %q", h.Type, h.Data, want)
		}
	}
}

// A host that never answers, or is not there, holds nobody else up; 410 ends a subscription.
func TestDeadWebhookHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	service, clock := newPushService(t), &systemtest.Clock{}
	s, verifier := following(t, service, clock)
	release := make(chan struct{})
	dead := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(dead.Close)
	t.Cleanup(func() { close(release) })
	web(t, s, "carol", "push/subscribe", fmt.Sprintf(`{"type":"webhook","events":"messages","endpoint":%q}`, dead.URL))
	web(t, s, "carol", "push/subscribe", `{"type":"webhook","events":"messages","endpoint":"https://127.0.0.1:1/"}`)
	for i := range 6 { // more rooms than one host has places
		web(t, s, "carol", "rooms/create", fmt.Sprintf(`{"room_id":"c%d","name":"C"}`, i))
		web(t, s, "alice", fmt.Sprintf("rooms/join/c%d", i), "")
	}
	s.Until("webhook_failed_total", func(n float64) bool { return n >= 1 }) // nobody listens on port 1
	s.Until("webhook_behind", func(n float64) bool { return n >= 6 })
	for i := range 20 {
		web(t, s, "alice", "message/r", fmt.Sprint(`{"content":"`, i, `"}`))
		if h := hooked(t, verifier, service.next(t)); h.Data["content"] != fmt.Sprint(i) {
			t.Fatalf("got %v, want %d", h.Data, i)
		}
	}
	service.answers <- func(w http.ResponseWriter) { w.WriteHeader(http.StatusGone) }
	web(t, s, "alice", "message/r", `{"content":"the last"}`)
	service.next(t)
	s.Until("webhook_ended_total", func(n float64) bool { return n == 1 })
	endedFor(t, s)
	figures := web(t, s, systemtest.Root, "admin/stats", "")["webhooks"].(map[string]any)
	if figures["sent"].(float64) < 20 || figures["failed"].(float64) < 2 || figures["behind"].(float64) < 6 || figures["calls"].(float64) < 1 || figures["skipped"] != 0.0 {
		t.Errorf("the figures of webhooks are %v", figures)
	}
}
