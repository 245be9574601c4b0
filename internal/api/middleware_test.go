// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/wire"
)

func TestNobodyIsRefused(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for _, r := range routes(h.api) {
		h.refuses("", topicOf(r.Pattern()), `{}`, chat.Unauthenticated)
	}
}

// What cannot be read is refused with the name of the field.
func TestDecoding(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for _, c := range []struct{ topic, payload, field string }{
		{"rooms/create", `{"name":7}`, "name"},
		{"rooms/create", `{"name":"x","max_members":"many"}`, "max_members"},
		{"rooms/create", `{"name":"x","max_members":1e99}`, "max_members"},
		{"rooms/create", `{"name":"x","max_members":1.5}`, "max_members"},
		{"rooms/create", `{"name":"x","max_members":-1}`, "max_members"},
		{"rooms/create", `{"name":"x","type":"secret"}`, "type"},
		{"rooms/create", `{"name":"x","room_id":"a b"}`, "room_id"},
		{"rooms/create", `{"name":"x"`, "payload"},
		{"rooms/create", `[]`, "payload"},
		{"rooms/create", `"x"`, "payload"},
		{"rooms/create", `{"name":"x"} {}`, "payload"},
		{"rooms/create", "{\"name\":\"\xff\"}", "payload"},
		{"rooms/create", `hello`, "payload"},
		{"rooms/create", `{"name":"x","request_id":{}}`, "request_id"},
		{"rooms/create", `{"name":"x","request_id":true}`, "request_id"},
		{"rooms/create", `{"name":"x","request_id":"` + strings.Repeat("x", 300) + `"}`, "request_id"},
		{"rooms/create", `{"name":"x","client_msg_id":5}`, "client_msg_id"},
		{"rooms/create", `{"name":"x","client_msg_id":"` + strings.Repeat("x", 65) + `"}`, "client_msg_id"},
		{"rooms/r/update", `{"read_only":1}`, "read_only"},
		{"rooms/r/update", `{"history_visibility":"all"}`, "history_visibility"},
		{"message/r", `{"content":"x","type":"image"}`, "type"},
		{"message/r", `{"content":"x","reply_to":"x"}`, "reply_to"},
		{"message/x/reply", `{"content":"x"}`, "message_id"},
		{"history/r", `{"around":"x"}`, "around"},
		{"history/r", `{"before":"yesterday"}`, "before"},
		{"history/r", `{"after_seq":-1}`, "after_seq"},
		{"history/r", `{"limit":-1}`, "limit"},
		{"sync", `{"rooms":{"r":"x"}}`, "rooms.r"},
		{"admin/rooms/r/moderate", `{"action":"tickle"}`, "action"},
		{"admin/rooms/r/moderate", `{"action":"ban","user_id":"bob","duration":-1}`, "duration"},
		{"admin/rooms/r/moderate", `{"action":"ban","user_id":"bob","duration":9223372036854775807}`, "duration"},
		{"admin/rooms/r/moderate", `{"action":"ban"}`, "user_id"},
	} {
		if e := h.refuses("ann", c.topic, c.payload, chat.BadRequest); !strings.HasPrefix(e.Message, c.field+": ") {
			t.Errorf("%s %s: %q does not begin with %q", c.topic, c.payload, e.Message, c.field)
		}
	}
	// A name given twice may be read twice ways.
	h.refuses("ann", "rooms/create", `{"name":"x","name":"y"}`, chat.BadRequest)
	// What is not known yet does no harm.
	h.says("ann", "rooms/create", `{"name":"x","colour":"red"}`, "room_created")
	h.says("ann", "rooms/list", ``, "success")
	h.says("ann", "history/r", `{"limit":1000000}`, "success")
	if _, err := h.ask("ann", "rooms/nothing/here/at/all", `{}`); err == nil || wire.AsError(err) != nil {
		t.Errorf("no route: %v", err)
	}
}

// Where a text is expected, whatever does not begin with { is that text, unless its content type says otherwise.
func TestPlainText(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	message := h.says("ann", "message/r", `{"content":"root"}`, "message_sent")["message_id"].(string)
	for _, c := range []struct {
		topic, contentType, payload string
		want                        string // "" refused
	}{
		{"message/r", "", "hello", "hello"},
		{"message/r", "", ` {"content":"x"}`, `{"content":"x"}`},
		{"message/r", "", `"quoted"`, `"quoted"`},
		{"message/r", "", `{"content":"json"}`, "json"},
		{"message/r", "text/plain", `{"content":"json"}`, `{"content":"json"}`},
		{"message/r", "Text/Plain; charset=utf-8", `{braces`, `{braces`},
		{"message/r", "application/json", `hello`, ""},
		{"message/r", "application/json", `{"content":"json"}`, "json"},
		{"message/r", "", `{braces`, ""},
		{"message/r", "", "\xff\xfe", ""},
		{"message/" + message + "/reply", "", "answer", "answer"},
		{"private/ann", "", "psst", "psst"},
	} {
		r := request("bob", c.topic, c.payload)
		r.ContentType = c.contentType
		reply, err := h.serve(r)
		if c.want == "" {
			refusal(t, err, chat.BadRequest)
			continue
		}
		if err != nil {
			t.Errorf("%s %q as %q: %v", c.topic, c.payload, c.contentType, err)
			continue
		}
		page := h.says("ann", "history/"+shown(t, reply)["room_id"].(string), `{"limit":1}`, "success")
		if got := page["messages"].([]any)[0].(map[string]any)["content"]; got != c.want {
			t.Errorf("%s %q as %q is %q, want %q", c.topic, c.payload, c.contentType, got, c.want)
		}
	}
	r := request("ann", "rooms/create", "hello") // no text is expected
	r.ContentType = "text/plain"
	_, err := h.serve(r)
	refusal(t, err, chat.BadRequest)
}

// The client_msg_id may stand beside the payload; the one in it counts.
func TestClientMsgIDBesideThePayload(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	send := func(beside, payload string) map[string]any {
		t.Helper()
		r := request("ann", "message/r", payload)
		r.Caller.ClientMsgID = beside
		reply, err := h.serve(r)
		if err != nil {
			t.Fatal(err)
		}
		return shown(t, reply)
	}
	first := send("k", "hello")
	if again := send("k", "hello"); again["duplicate"] != true || again["message_id"] != first["message_id"] || again["seq"] != first["seq"] {
		t.Errorf("the repeat is %v", again)
	}
	if again := send("other", `{"content":"hello","client_msg_id":"k"}`); again["duplicate"] != true {
		t.Errorf("the repeat as JSON is %v", again)
	}
	if other := send("k", `{"content":"hello","client_msg_id":"k2"}`); other["duplicate"] != nil {
		t.Errorf("another id: %v", other)
	}
	h.refuses("ann", "message/r", `{"content":"other","client_msg_id":"k"}`, chat.Conflict)
}

func TestRateLimits(t *testing.T) {
	rate := api.Rate{Requests: 3, Window: 40 * time.Second}
	h := open(t, content.Policy{}, api.Rates{Changes: rate, Reads: rate})
	for range 3 {
		h.says("ann", "message/r", "x", "message_sent")
	}
	h.clock.Add(10 * time.Second)
	e := h.refuses("ann", "message/r", "x", chat.RateLimited) // at QoS 0 and over HTTP at once
	if e.RetryAfter != 30*time.Second {
		t.Errorf("retry after %v, want 30s", e.RetryAfter)
	}
	// Whoever would rather wait, waits for their turn.
	wait := func(u chat.UserID) (time.Duration, bool) {
		t.Helper()
		r := request(u, "message/r", "waited")
		r.Wait = true
		d, resume, delayed := h.api.Router().Dispatch(t.Context(), r).Delayed()
		if delayed && d == 30*time.Second {
			if _, err := resume(t.Context()).Wait(t.Context()); err != nil {
				t.Errorf("resumed: %v", err)
			}
		}
		return d, delayed
	}
	for range 3 {
		if d, delayed := wait("ann"); !delayed || d != 30*time.Second {
			t.Errorf("waits %v (%v), want 30s", d, delayed)
		}
	}
	r := request("ann", "message/r", "x")
	r.Wait = true
	_, err := h.serve(r) // the next turn is in 70 s
	if e := refusal(t, err, chat.RateLimited); e.RetryAfter != 10*time.Second {
		t.Errorf("retry after %v, want 10s", e.RetryAfter)
	}
	// Others, and reads, have their own.
	h.says("bob", "message/r", "x", "message_sent")
	for range 3 {
		h.says("ann", "history/r", "", "success")
	}
	h.refuses("ann", "sync", "", chat.RateLimited)
	// Requests that cannot be read count, too.
	for range 3 {
		h.refuses("cat", "rooms/create", "{", chat.BadRequest)
	}
	h.refuses("cat", "rooms/create", "{", chat.RateLimited)
}
