// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
)

func TestPeople(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.says("ann", "users/me/update", `{"display_name":"  Ann of `+profane+`"}`, "profile_updated")
	me := h.says("ann", "users/me", "", "success")
	user := me["user"].(map[string]any)
	if user["display_name"] != "Ann of ************" || user["user_id"] != "ann" || me["has_password"] != false || len(me["blocked"].([]any)) != 0 {
		t.Errorf("the account is %v", me)
	}
	if _, ok := me["muted"]; ok {
		t.Errorf("muted is told: %v", me)
	}
	if got := h.says("bob", "users/ann", "", "success")["user"].(map[string]any); got["display_name"] != user["display_name"] {
		t.Errorf("others see %v", got)
	}
	h.refuses("ann", "users/nobody", "", chat.NotFound)
	h.refuses("ann", "users/me/update", `{}`, chat.BadRequest)
	list := h.says("ann", "users/search", `{"limit":2}`, "success")
	if len(list["users"].([]any)) != 2 || list["has_more"] != true {
		t.Errorf("the directory is %v", list)
	}
	h.says("ann", "users/bob/block", "", "blocked")
	h.refuses("bob", "private/ann", "hello", chat.Forbidden)
	if b := h.says("ann", "users/me", "", "success")["blocked"].([]any); len(b) != 1 || b[0] != "bob" {
		t.Errorf("blocked are %v", b)
	}
	h.says("ann", "message/r", "mine", "message_sent")
	h.says("bob", "message/r", "not hers", "message_sent")
	x := h.says("ann", "users/me/export", "", "success")
	if m := x["messages"].([]any); len(m) != 1 || m[0].(map[string]any)["content"] != "mine" || x["has_more"] != false || len(x["rooms"].([]any)) != 3 || x["next"] != nil {
		t.Errorf("the export is %v", x)
	}
	h.says("ann", "users/bob/unblock", "", "unblocked")
	h.says("bob", "private/ann", "hello", "private_message_sent")
	h.says("root", "admin/users/cat/mute", `{"duration":60}`, "moderated")
	if me := h.says("cat", "users/me", "", "success"); me["muted"] != true || me["muted_until"] == nil {
		t.Errorf("a muted account is %v", me)
	}
}

func TestOwnPassword(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	hash, err := h.passwords.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.service.SetPassword("ann", hash).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := h.refuses("ann", "users/me/password", `{"password":"wrong horse","new_password":"battery staple"}`, chat.Forbidden); !strings.HasPrefix(e.Message, "password: ") {
		t.Error(e)
	}
	if e := h.refuses("ann", "users/me/password", `{"password":"correct horse","new_password":"short"}`, chat.BadRequest); !strings.HasPrefix(e.Message, "new_password: ") {
		t.Error(e)
	}
	h.refuses("bob", "users/me/password", `{"password":"correct horse","new_password":"battery staple"}`, chat.Forbidden)
	secret, err := auth.LoadSecret(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := auth.NewTokens(secret, time.Now).Issue("ann", 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	h.refuses("ann", "users/me/delete", `{"password":"`+token+`"}`, chat.Forbidden)
	h.says("ann", "users/me/password", `{"password":"correct horse","new_password":"battery staple","client_msg_id":"k"}`, "password_changed")
	u, err := h.service.Account(t.Context(), "ann")
	if err != nil {
		t.Fatal(err)
	}
	if ok, err := h.passwords.Verify(t.Context(), "ann", u.PasswordHash, "battery staple"); !ok || err != nil {
		t.Errorf("the new password does not hold: %v", err)
	}
	h.refuses("ann", "users/me/delete", `{"password":"correct horse"}`, chat.Forbidden)
	h.says("ann", "users/me/delete", `{"password":"battery staple"}`, "account_deleted")
	h.refuses("ann", "users/me", "", chat.NotFound)
	// Attempts are bounded, whatever comes of them.
	var last error
	for range 11 {
		_, last = h.ask("bob", "users/me/delete", `{"password":"wrong horse"}`)
	}
	refusal(t, last, chat.RateLimited)
	h.clock.Add(61 * time.Second)
	h.refuses("bob", "users/me/delete", `{"password":"wrong horse"}`, chat.Forbidden)
}
