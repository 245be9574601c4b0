// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
)

// devices are MQTT sessions that are not there.
type devices struct {
	list  []api.Device
	ended []string
}

func (d *devices) Devices(context.Context, chat.UserID) ([]api.Device, error) {
	return slices.Clone(d.list), nil
}

func (d *devices) EndDevice(_ context.Context, _ chat.UserID, clientID string) (bool, error) {
	n := len(d.list)
	d.list = slices.DeleteFunc(d.list, func(o api.Device) bool { return o.ClientID == clientID })
	d.ended = append(d.ended, clientID)
	return len(d.list) < n, nil
}

// What a narrowed token needs, for each route.
func TestScopeOfEveryRoute(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for _, r := range routes(h.api) {
		pattern := strings.TrimPrefix(r.Pattern(), "chat/")
		group, rest, _ := strings.Cut(pattern, "/")
		want := "account"
		switch {
		case group == "admin" || group == "broadcast":
			want = "admin"
		case group == "users" && (strings.HasPrefix(rest, "me/") || !r.ReadOnly()), group == "push":
		case r.ReadOnly():
			want = "read"
		case group == "rooms":
			want = "rooms"
		case slices.Contains([]string{"message", "private", "file", "read", "typing", "presence"}, group):
			want = "send"
		}
		if got := api.ScopeOf(r); got != auth.ScopeNamed(want) {
			t.Errorf("%s takes the scope %q, want %q", pattern, got, want)
		}
	}
}

// Every route refuses every token that lacks its scope, before anything else is looked at, and lets through the one that has it.
func TestScopesAreEnforced(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	all, err := auth.ParseScopes([]string{"read", "send", "rooms", "account", "admin"})
	if err != nil {
		t.Fatal(err)
	}
	outOfScope := func(scopes auth.Scopes, r *api.Route) bool {
		req := request("cat", topicOf(r.Pattern()), "no JSON")
		req.Caller.Scopes = scopes
		_, err := h.serve(req)
		return err != nil && strings.Contains(err.Error(), "does not have the scope")
	}
	for _, r := range routes(h.api) {
		need := api.ScopeOf(r)
		if !outOfScope(all&^need, r) {
			t.Errorf("%s: is open to a token without %s", r.Pattern(), need)
		}
		if outOfScope(need, r) || outOfScope(0, r) {
			t.Errorf("%s: is closed to a token with %s", r.Pattern(), need)
		}
	}
}

func (h *house) sessions(u chat.UserID, token, clientID string) map[string]map[string]any {
	h.t.Helper()
	req := request(u, "users/me/sessions", "")
	req.Caller.Token, req.Caller.ClientID = token, clientID
	reply, err := h.serve(req)
	if err != nil {
		h.t.Fatal(err)
	}
	out := map[string]map[string]any{}
	for _, s := range shown(h.t, reply)["sessions"].([]any) {
		s := s.(map[string]any)
		out[s["session_id"].(string)] = s
	}
	return out
}

func TestNamedTokens(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	const ask = `{"name":"sensor","scopes":["send","read"],"ttl":3600,"client_msg_id":"k"}`
	made := h.says("ann", "users/me/tokens/create", ask, "token_created")
	token, id := made["token"].(string), made["session_id"].(string)
	c, err := h.tokens.Verify(token)
	if err != nil || c.UserID != "ann" || c.ID != id || c.Scopes != auth.ScopeSend|auth.ScopeRead || c.Expires.Sub(c.IssuedAt) != time.Hour {
		t.Errorf("claims %+v, %v", c, err)
	}
	// Asked again with the same id it is the same token, although nobody keeps it.
	if again := h.says("ann", "users/me/tokens/create", ask, "token_created"); again["token"] != token || again["duplicate"] != true {
		t.Errorf("again: %v", again)
	}
	list := h.sessions("ann", id, "")
	if s := list[id]; len(list) != 1 || s["kind"] != "token" || s["name"] != "sensor" || fmt.Sprint(s["scopes"]) != "[read send]" || s["current"] != true || s["connected"] != false {
		t.Errorf("the list is %v", list)
	}
	h.refuses("bob", "users/me/sessions/revoke", `{"session_id":"`+id+`"}`, chat.NotFound) // not his
	h.says("ann", "users/me/sessions/revoke", `{"session_id":"`+id+`"}`, "session_revoked")
	if _, err := h.tokens.Verify(token); chat.CodeOf(err) != chat.Unauthenticated {
		t.Errorf("a revoked token: %v", err)
	}
	if list := h.sessions("ann", "", ""); len(list) != 0 {
		t.Errorf("the list is %v", list)
	}
	h.says("ann", "users/me/sessions/revoke", `{"session_id":"`+id+`"}`, "session_revoked") // again changes nothing
	h.refuses("ann", "users/me/tokens/create", `{"name":""}`, chat.BadRequest)
	h.refuses("ann", "users/me/tokens/create", `{"name":"x","scopes":["dance"]}`, chat.BadRequest)
	h.refuses("ann", "users/me/tokens/create", `{"name":"x","ttl":-1}`, chat.BadRequest)
	h.refuses("ann", "users/me/tokens/create", `{"name":"x","ttl":99999999999}`, chat.BadRequest)
	narrow := request("ann", "users/me/tokens/create", `{"name":"x"}`)
	narrow.Caller.Scopes = auth.ScopeAccount
	_, err = h.serve(narrow)
	refusal(t, err, chat.Forbidden)
	old := request("ann", "users/me/tokens/create", `{"name":"x"}`)
	old.Caller.Generation = -1 // the password was changed since
	_, err = h.serve(old)
	refusal(t, err, chat.Unauthenticated)
	for i := range chat.MaxNamedTokens {
		h.says("bob", "users/me/tokens/create", fmt.Sprintf(`{"name":"number %d"}`, i), "token_created")
	}
	h.refuses("bob", "users/me/tokens/create", `{"name":"one more"}`, chat.Conflict)
}

func TestRevokeMQTTSessions(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	token := func(name string) string {
		return h.says("ann", "users/me/tokens/create", `{"name":"`+name+`"}`, "token_created")["session_id"].(string)
	}
	phone, tablet, own := token("phone"), token("tablet"), token("own")
	h.devices.list = []api.Device{
		{ClientID: "phone", Connected: true, Since: h.clock.Now(), Address: "203.0.113.5", Token: phone},
		{ClientID: "old", Since: h.clock.Now()}, {ClientID: "mine", Connected: true, Token: own},
	}
	list := h.sessions("ann", own, "mine")
	if s := list["mqtt:phone"]; s["kind"] != "mqtt" || s["connected"] != true || s["token_id"] != phone || s["address"] != "203.0.113.5" || s["current"] != false || s["since"] == nil {
		t.Errorf("the phone is %v", s)
	}
	if list[phone]["connected"] != true || list[tablet]["connected"] != false || list["mqtt:mine"]["current"] != true || list["mqtt:old"]["connected"] != false {
		t.Errorf("the list is %v", list)
	}
	mine := func(payload string) *api.Request {
		r := request("ann", "users/me/sessions/revoke", payload)
		r.Caller.Token, r.Caller.ClientID = own, "mine"
		return r
	}
	_, err := h.serve(mine(`{"session_id":"mqtt:mine"}`))
	refusal(t, err, chat.BadRequest)
	_, err = h.serve(mine(`{"session_id":"mqtt:nobody"}`))
	refusal(t, err, chat.NotFound)
	_, err = h.serve(mine(`{}`))
	refusal(t, err, chat.BadRequest)
	_, err = h.serve(mine(`{"session_id":"x","others":true}`))
	refusal(t, err, chat.BadRequest)
	reply, err := h.serve(mine(`{"session_id":"mqtt:phone"}`))
	if err != nil || fmt.Sprint(shown(t, reply)["revoked"]) != fmt.Sprint([]string{"mqtt:phone", phone}) {
		t.Errorf("a lost phone: %v %v", reply, err)
	}
	if !h.tokens.Revoked(phone) || h.tokens.Revoked(tablet) {
		t.Error("the phone's token, and no other, is to be void")
	}
	reply, err = h.serve(mine(`{"others":true}`))
	if err != nil || fmt.Sprint(shown(t, reply)["revoked"]) != fmt.Sprint([]string{tablet, "mqtt:old"}) {
		t.Errorf("all others: %v %v", shown(t, reply), err)
	}
	if list := h.sessions("ann", own, "mine"); len(list) != 2 || list[own] == nil || list["mqtt:mine"] == nil {
		t.Errorf("left are %v", list)
	}
}

// Of more logins than may be in force, the oldest end.
func TestTooManyLogins(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	first := ""
	for i := range chat.MaxLogins + 1 {
		id := fmt.Sprintf("login%03d", i)
		h.clock.Add(time.Millisecond)
		_, err := h.service.GrantTokenTo("ann", chat.NewToken{ID: id, Kind: chat.LoginToken, Name: "x", TTL: time.Hour}).Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = id
		}
	}
	if list := h.sessions("ann", "", ""); len(list) != chat.MaxLogins || list[first] != nil {
		t.Errorf("%d logins, the first %v", len(list), list[first])
	}
	h.clock.Add(time.Hour)
	if list := h.sessions("ann", "", ""); len(list) != 0 {
		t.Errorf("expired and listed: %d", len(list))
	}
}

// Who changes the password stays signed in, and nobody else does.
func TestPasswordChangeKeepsTheCaller(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	hash, err := h.passwords.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.SetPassword("ann", hash).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	u, err := h.service.Account(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"browser", "other"} {
		_, err := h.service.GrantTokenTo("ann", chat.NewToken{ID: name, Kind: chat.LoginToken, Name: name, TTL: time.Hour}).Wait(t.Context())
		if err != nil {
			t.Fatal(err)
		}
	}
	r := request("ann", "users/me/password", `{"password":"correct horse","new_password":"battery staple"}`)
	r.Caller.Token, r.Caller.Generation, r.Caller.Scopes = "browser", u.Generation, auth.ScopeAccount|auth.ScopeRead
	reply, err := h.serve(r)
	if err != nil {
		t.Fatal(err)
	}
	c, err := h.tokens.Verify(shown(t, reply)["token"].(string))
	if err != nil || c.Generation <= u.Generation || c.Scopes != auth.ScopeAccount|auth.ScopeRead {
		t.Errorf("claims %+v, %v", c, err)
	}
	list := h.sessions("ann", c.ID, "")
	if len(list) != 1 || list[c.ID]["name"] != "browser" {
		t.Errorf("left are %v", list)
	}
}
