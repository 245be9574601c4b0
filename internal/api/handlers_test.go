// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/wire"
)

// receive waits for what was passed on.
func receive(t testing.TB, ch <-chan string) string {
	t.Helper()
	select {
	case s := <-ch:
		return s
	case <-time.After(10 * time.Second):
		t.Fatal("waited in vain")
		return ""
	}
}

// A walk through all routes as clients take it: each answers with the status of docs/protocol.md.
func TestStatuses(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.says("ann", "rooms/create", `{"name":"Den","type":"private","room_id":"den","max_members":3}`, "room_created")
	h.says("cat", "rooms/join/r", ``, "joined")
	if got := receive(t, h.heard.passed); !strings.HasPrefix(got, `cat {"type":"message_history","room_id":"r","epoch":7,"messages":[{"type":"system"`) {
		t.Errorf("who joins is shown %s", got)
	}
	h.says("cat", "rooms/join/r", ``, "already_member")
	h.says("cat", "rooms/leave/r", ``, "left")
	h.says("ann", "rooms/den/invite", `{"user_id":"bob"}`, "invited")
	h.says("ann", "rooms/den/invite", `{"user_id":"bob"}`, "already_member")
	h.says("ann", "rooms/den/update", `{"slow_mode":1}`, "room_updated")
	h.says("ann", "rooms/den/transfer", `{"user_id":"bob"}`, "transferred")
	h.says("bob", "rooms/den/delete", ``, "room_deleted")
	sent := h.says("bob", "message/r", `{"content":"hi","request_id":"q1"}`, "message_sent")
	id := sent["message_id"].(string)
	if _, ok := chat.ParseID(id); !ok || sent["seq"] != 5.0 || sent["room_id"] != "r" || sent["recipients"] != nil {
		t.Errorf("sent: %v", sent)
	}
	h.says("ann", "message/"+id+"/reply", `hello`, "message_sent")
	if got := h.says("ann", "private/cat", `psst`, "private_message_sent"); got["room_id"] != "private:ann:cat" {
		t.Errorf("private: %v", got)
	}
	if got := h.says("root", "broadcast", `news`, "broadcast_sent"); got["recipients"] != 4.0 {
		t.Errorf("broadcast: %v", got)
	}
	if got := h.says("ann", "admin/rooms/r/moderate", `{"action":"mute","user_id":"bob","duration":60,"reason":"x"}`, "moderated"); got["until"] != 1_800_000_060.0 ||
		got["user_id"] != "bob" || got["room_id"] != "r" || got["action"] != "mute" {
		t.Errorf("muted: %v", got)
	}
	h.refuses("bob", "message/r", `x`, chat.Muted)
	if got := h.says("ann", "admin/rooms/r/moderate", `{"action":"ban","user_id":"bob"}`, "moderated"); got["until"] != nil {
		t.Errorf("banned for ever: %v", got)
	}
	for _, action := range []string{"mute", "unmute", "ban", "unban"} {
		if got := h.says("root", "admin/users/cat/"+action, `{}`, "moderated"); got["action"] != action || got["user_id"] != "cat" {
			t.Errorf("%s: %v", action, got)
		}
	}
	h.refuses("ann", "admin/users/cat/ban", `{}`, chat.Forbidden)
	h.says("ann", "sync", ``, "success")
	h.says("ann", "history/r", ``, "success")
	h.says("ann", "rooms/list", ``, "success")
	h.says("ann", "rooms/r/info", ``, "success")
	h.says("ann", "info", ``, "success")
}

func TestReads(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for i := range 3 {
		h.says("ann", "message/r", fmt.Sprint("m", i), "message_sent") // 3, 4, 5
	}
	seqs := func(page map[string]any, field string) (out []float64) {
		for _, m := range page[field].([]any) {
			out = append(out, m.(map[string]any)["seq"].(float64))
		}
		return out
	}
	page := h.says("bob", "history/r", `{"limit":2}`, "success")
	if diff := cmp.Diff([]float64{5, 4}, seqs(page, "messages")); diff != "" || page["has_more"] != true || page["count"] != 2.0 || page["epoch"] != 7.0 {
		t.Errorf("the page is %v", page)
	}
	page = h.says("bob", "history/r", `{"after_seq":3}`, "success")
	if diff := cmp.Diff([]float64{4, 5}, seqs(page, "messages")); diff != "" || cmp.Diff([]any{4.0, 5.0}, page["covers"]) != "" {
		t.Errorf("the page is %v", page)
	}
	page = h.says("bob", "history/r", `{"before":1799999999.5}`, "success")
	if page["count"] != 0.0 || page["has_more"] != false {
		t.Errorf("the page is %v", page)
	}
	h.refuses("bob", "history/r", `{"before_seq":5,"after_seq":3}`, chat.BadRequest)
	h.refuses("bob", "history/r", `{"before":1799999999.5,"after_seq":0}`, chat.BadRequest)
	for _, wrong := range []string{`{"before":1e300}`, `{"before":"yesterday"}`} {
		if e := h.refuses("bob", "history/r", wrong, chat.BadRequest); e.Message != "before: must be a number of seconds" {
			t.Errorf("%s: %s", wrong, e.Message)
		}
	}
	if e := h.refuses("bob", "file/upload/r", `{"name":"a","data":"!"}`, chat.BadRequest); e.Message != "data: is not base64, with padding" {
		t.Errorf("not base64: %s", e.Message)
	}

	s := h.says("bob", "sync", `{"rooms":{"r":3},"epoch":7}`, "success")
	if diff := cmp.Diff([]float64{4, 5}, seqs(s, "events")); diff != "" || s["epoch"] != 7.0 {
		t.Errorf("sync: %v", s)
	}
	if s := h.says("bob", "sync", `{"rooms":{"r":3},"epoch":6}`, "success"); len(s["events"].([]any)) != 0 || len(s["rooms"].([]any)) != 3 {
		t.Errorf("sync with seqs of other data: %v", s)
	}

	list := h.says("bob", "rooms/list", ``, "success")["rooms"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["role"] != nil {
		t.Errorf("public rooms: %v", list)
	}
	list = h.says("bob", "rooms/list", `{"mine":true,"query":"ROOM"}`, "success")["rooms"].([]any)
	if len(list) != 1 || list[0].(map[string]any)["role"] != "member" || list[0].(map[string]any)["unread"] != 3.0 {
		t.Errorf("own rooms: %v", list)
	}
	info := h.says("bob", "rooms/r/info", ``, "success")
	if info["online"] != 1.0 || len(info["members"].([]any)) != 2 || info["members"].([]any)[1].(map[string]any)["online"] != true {
		t.Errorf("info: %v", info)
	}
	info = h.says("cat", "rooms/r/info", ``, "success")
	if len(info["members"].([]any)) != 0 {
		t.Errorf("a stranger sees %v", info)
	}
	general := h.says("bob", "info", ``, "success")
	limits := general["limits"].(map[string]any)
	if general["version"] != "v" || general["epoch"] != 7.0 || limits["door"] != 1.0 || limits["content_length"] != 4000.0 || len(general["guarantees"].([]any)) == 0 {
		t.Errorf("info: %v", general)
	}
}

// Joining shows the last messages to who joins, not to who is there already or repeats.
func TestJoinShowsHistory(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for i := range 25 {
		h.says("ann", "message/r", fmt.Sprint("m", i), "message_sent")
	}
	h.says("cat", "rooms/join/r", `{"client_msg_id":"k"}`, "joined")
	got := receive(t, h.heard.passed)
	if n := strings.Count(got, `"type":"text"`) + strings.Count(got, `"type":"system"`); n != 20 || !strings.Contains(got, `"count":20,"has_more":true`) {
		t.Errorf("shown are %d messages: %s", n, got)
	}
	if got := h.says("cat", "rooms/join/r", `{"client_msg_id":"k"}`, "joined"); got["duplicate"] != true {
		t.Errorf("the repeat is %v", got)
	}
	h.says("cat", "rooms/join/r", ``, "already_member")
	h.says("cat", "history/r", ``, "success") // reads wait for those before
	select {
	case s := <-h.heard.passed:
		t.Errorf("shown again: %s", s)
	default:
	}
}

// A fault in a read is an internal error of that request.
func TestReadPanics(t *testing.T) {
	rules := rulesOf(t, content.Policy{})
	a := api.New(api.Config{Service: chat.NewService(nil, chat.DefaultLimits(), nil, nil), Rules: func() *content.Rules { return rules }, Now: time.Now})
	_, err := a.Router().Dispatch(t.Context(), request("ann", "history/r", "")).Wait(t.Context())
	if err == nil || wire.AsError(err) != nil || !strings.Contains(err.Error(), "panicked") {
		t.Errorf("got %v", err)
	}
}
