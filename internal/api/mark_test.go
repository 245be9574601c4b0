// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

// A mark is told to the room; one that is set back to the own devices alone; one that does not move to nobody.
func TestReadMarksAreToldOn(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.says("ann", "message/r", `{"content":"x"}`, "message_sent") // seq 3
	if r := h.says("bob", "read/r", ``, "read"); r["seq"] != 3.0 || r["room_id"] != "r" {
		t.Errorf("the reply is %v", r)
	}
	if got := <-h.heard.passed; !strings.HasPrefix(got, `room {"type":"read","room_id":"r","user_id":"bob","read_seq":3,`) {
		t.Errorf("the room hears %s", got)
	}
	h.says("bob", "read/r", `{"seq":2}`, "read") // does not go back
	if r := h.says("bob", "read/r", `{"seq":1,"unread":true}`, "read"); r["seq"] != 1.0 {
		t.Errorf("the reply is %v", r)
	}
	if got := <-h.heard.passed; !strings.HasPrefix(got, `bob {"type":"read","room_id":"r","user_id":"bob","read_seq":1,`) {
		t.Errorf("the own devices hear %s", got)
	}
	s := h.says("bob", "sync", ``, "success")
	if s["unread"] != 1.0 {
		t.Errorf("unread in all: %v", s["unread"])
	}
	h.refuses("cat", "read/r", ``, chat.NotMember)
	h.says("bob", "rooms/r/prefs", `{"notifications":"none"}`, "preferences_set")
	for _, room := range h.says("bob", "rooms/list", `{"mine":true}`, "success")["rooms"].([]any) {
		want := "mentions"
		if room := room.(map[string]any); room["room_id"] == "r" {
			want = "none"
		}
		if got := room.(map[string]any)["notifications"]; got != want {
			t.Errorf("%v: notifications %v, want %s", room, got, want)
		}
	}
}

// What only passes has a bucket of its own, and does not wait when it is empty.
func TestExcessOfPassingRequestsIsDropped(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{Changes: api.Rate{Requests: 1, Window: time.Minute}, Passing: api.Rate{Requests: 2, Window: time.Minute}})
	h.says("bob", "read/r", `{"seq":1}`, "read")
	h.says("bob", "read/r", `{"seq":2}`, "read")
	r := request("bob", "read/r", `{"seq":2}`)
	r.Wait = true // it would wait for its turn elsewhere
	_, err := h.serve(r)
	if e := refusal(t, err, chat.RateLimited); e.RetryAfter != time.Minute {
		t.Errorf("retry after %v", e.RetryAfter)
	}
	h.says("bob", "message/r", `{"content":"x"}`, "message_sent")
	h.clock.Add(time.Minute)
	h.says("bob", "read/r", `{"seq":2}`, "read")
}
