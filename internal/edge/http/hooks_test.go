// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"net/url"
	"strings"
	"testing"

	"parley/internal/auth"
)

func TestHooks(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	token := func(scopes string) string {
		t.Helper()
		made := h.as("ann", "POST", "users/me/tokens/create", `{"name":"CI","scopes":[`+scopes+`]}`).wants(t, 200, "")
		return made.json["token"].(string)
	}
	sends := token(`"send"`)
	post := func(token, room, body string, headers ...string) answer {
		return h.do("POST", "/api/v1/hooks/"+token+"/"+room, body, headers...)
	}
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct{ body, kind, want string }{
		{`{"text":"from JSON","username":"ci"}`, "application/json", "from JSON"},
		{`{"text":"as curl -d says it"}`, form, "as curl -d says it"},
		{"payload=" + url.QueryEscape(`{"text":"a &lt;b&gt; &amp;amp; c"}`), form, "a <b> &amp; c"},
	} {
		if a := post(sends, "r", c.body, "Content-Type", c.kind); a.Code != 200 || a.Body.String() != "ok" {
			t.Errorf("%s: %d %s", c.body, a.Code, a.Body)
		}
		page := h.as("ann", "GET", "history/r?limit=1", "").wants(t, 200, "")
		if m := page.json["messages"].([]any)[0].(map[string]any); m["content"] != c.want || m["sender_id"] != "ann" {
			t.Errorf("%s: the message is %v", c.body, m)
		}
	}
	first := post(sends, "r", `{"text":"once"}`, "Accept", "application/json", "Idempotency-Key", "k").wants(t, 200, "")
	again := post(sends, "r", `{"text":"once"}`, "Accept", "application/json", "Idempotency-Key", "k").wants(t, 200, "")
	if again.json["duplicate"] != true || again.json["message_id"] != first.json["message_id"] {
		t.Errorf("the repeat is %s", again.Body)
	}
	for _, body := range []string{"", "x", `{}`, `{"text":1}`, `{"text":"  "}`, "text=x"} {
		post(sends, "r", body).wants(t, 400, "bad_request")
	}
	post(sends, "r", "payload=x", "Content-Type", form).wants(t, 400, "bad_request")
	post(sends, "r", `{"text":"`+strings.Repeat("x", 1000)+`"}`).wants(t, 413, "too_large")
	post(sends, "nowhere", `{"text":"x"}`).wants(t, 404, "not_found")
	post(sends, "a%2Freply", `{"text":"x"}`).wants(t, 404, "not_found")
	post(h.token("ann"), "r", `{"text":"x"}`).wants(t, 403, "forbidden") // a token for everything has no place in a URL
	post(token(`"read"`), "r", `{"text":"x"}`).wants(t, 403, "forbidden")
	post("nonsense", "r", `{"text":"x"}`).wants(t, 401, "unauthenticated")
	h.do("POST", "/api/v1/auth/logout", "", "Authorization", "Bearer "+sends).wants(t, 200, "")
	post(sends, "r", `{"text":"x"}`).wants(t, 401, "unauthenticated")
	if strings.Contains(h.logged.String(), sends) {
		t.Error("the token is in the log")
	}
}

// Moderators make hooks of their room, which post there and nowhere else, under a name of their own.
func TestHooksOfRooms(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	h.as("ann", "POST", "rooms/create", `{"room_id":"other","name":"Other"}`).wants(t, 200, "")
	h.as("ann", "POST", "rooms/r/hooks/create", `{"name":""}`).wants(t, 400, "bad_request")
	h.as("ann", "POST", "rooms/r/hooks/create", `{"name":"x","ttl":-1}`).wants(t, 400, "bad_request")
	made := h.as("ann", "POST", "rooms/r/hooks/create", `{"name":"Builds"}`).wants(t, 200, "")
	path := made.json["path"].(string)
	hook := made.json["hook"].(map[string]any)
	if hook["name"] != "Builds" || hook["user_id"] != "ann" {
		t.Errorf("made: %v", hook)
	}
	h.do("POST", path, `{"text":"green"}`).wants(t, 200, "")
	last := func() map[string]any {
		t.Helper()
		page := h.as("ann", "GET", "history/r?limit=1", "").wants(t, 200, "")
		return page.json["messages"].([]any)[0].(map[string]any)
	}
	if m := last(); m["content"] != "green" || m["sender_id"] != "ann" || m["sender_name"] != "Builds" || m["hook"] != true {
		t.Errorf("the message is %v", m)
	}
	other := h.as("ann", "POST", "rooms/r/hooks/create", `{"name":"Alerts"}`).wants(t, 200, "").json["path"].(string)
	h.do("POST", path, `{"text":"green"}`, "Idempotency-Key", "42").wants(t, 200, "")
	h.do("POST", other, `{"text":"green"}`, "Idempotency-Key", "42").wants(t, 409, "conflict") // and no silent repeat of another hook's
	h.do("POST", path, `{"text":"green"}`).wants(t, 200, "")
	h.as("ann", "POST", "message/"+last()["id"].(string)+"/edit", `{"content":"green again"}`).wants(t, 200, "")
	if m := last(); m["content"] != "green again" || m["sender_name"] != "Builds" || m["hook"] != true {
		t.Errorf("edited it is %v", m)
	}
	h.as("ann", "POST", "message/r", `{"content":"by hand"}`).wants(t, 200, "")
	if m := last(); m["sender_name"] == "Builds" || m["hook"] != nil {
		t.Errorf("of its maker: %v", m)
	}
	token := strings.Split(path, "/")[4]
	h.do("POST", "/api/v1/hooks/"+token+"/other", `{"text":"x"}`).wants(t, 403, "forbidden")
	for _, route := range []string{"message/r", "history/r", "rooms/list", "users/me/tokens/create", "rooms/r/hooks/create", "presence/online"} {
		h.do("POST", "/api/v1/"+route, `{"content":"x","name":"x"}`, "Authorization", "Bearer "+token).wants(t, 403, "forbidden")
	}
	h.do("POST", "/api/v1/auth/logout", "", "Authorization", "Bearer "+token).wants(t, 403, "forbidden")
	list := h.as("ann", "GET", "rooms/r/hooks/list", "").wants(t, 200, "")
	if hooks := list.json["hooks"].([]any); len(hooks) != 2 || strings.Contains(list.Body.String(), token) {
		t.Errorf("the list is %s", list.Body)
	}
	h.as("ann", "POST", "rooms/other/hooks/delete", `{"hook_id":"`+hook["hook_id"].(string)+`"}`).wants(t, 404, "not_found")
	h.as("ann", "POST", "rooms/r/hooks/delete", `{"hook_id":"`+hook["hook_id"].(string)+`"}`).wants(t, 200, "")
	h.do("POST", path, `{"text":"x"}`).wants(t, 401, "unauthenticated")
	if strings.Contains(h.logged.String(), token) {
		t.Error("the token is in the log")
	}
}
