// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

func TestGoverning(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.says("ann", "admin/rooms/r/moderate", `{"action":"ban","user_id":"cat","duration":60,"reason":"spam"}`, "moderated")
	bans := h.says("ann", "rooms/r/bans", `{}`, "success")["bans"].([]any)
	if b := bans[0].(map[string]any); len(bans) != 1 || b["user_id"] != "cat" || b["banned_by"] != "ann" || b["reason"] != "spam" || b["until"] == nil {
		t.Errorf("the bans are %v", bans)
	}
	h.refuses("bob", "rooms/r/bans", `{}`, chat.Forbidden)
	entries := h.says("ann", "admin/audit/list", `{"room_id":"r"}`, "success")["entries"].([]any)
	if e := entries[0].(map[string]any); len(entries) != 1 || e["user_id"] != "ann" || e["target_id"] != "cat" || e["action"] != "ban" || e["reason"] != "spam" {
		t.Errorf("the record is %v", entries)
	}
	h.refuses("ann", "admin/audit/list", `{}`, chat.Forbidden)
	if all := h.says("root", "admin/audit/list", `{"limit":1}`, "success"); all["has_more"] != true {
		t.Errorf("the record of the server is %v", all)
	}

	h.says("ann", "message/r", `{"content":"x"}`, "message_sent")
	h.clock.Add(time.Hour)
	h.refuses("root", "admin/messages/cleanup", `{"room_id":"r"}`, chat.BadRequest)
	h.refuses("root", "admin/messages/cleanup", `{"older_than":-1}`, chat.BadRequest)
	h.refuses("root", "admin/messages/cleanup", `{"older_than":9223372036854775807}`, chat.BadRequest)
	h.refuses("ann", "admin/messages/cleanup", `{"room_id":"r","older_than":60}`, chat.Forbidden)
	if r := h.says("root", "admin/messages/cleanup", `{"room_id":"r","older_than":60,"dry_run":true}`, "cleaned"); r["count"] != 1.0 || r["dry_run"] != true {
		t.Errorf("dry: %v", r)
	}
	if r := h.says("root", "admin/messages/cleanup", `{"room_id":"r","older_than":60}`, "cleaned"); r["count"] != 1.0 || r["dry_run"] != nil {
		t.Errorf("cut: %v", r)
	}
	if page := h.says("bob", "history/r", ``, "success"); page["count"] != 0.0 {
		t.Errorf("after it: %v", page)
	}
	if r := h.says("ann", "rooms/r/update", `{"retention":60}`, "room_updated"); r["room_data"].(map[string]any)["retention"] != 60.0 {
		t.Errorf("the room is %v", r)
	}
}

// What is stored is counted at most once in countEvery; what runs is told as it is.
func TestStats(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.refuses("ann", "admin/stats", ``, chat.Forbidden)
	accounts := func() any {
		t.Helper()
		s := h.says("root", "admin/stats", ``, "success")
		if s["version"] != "v" || s["epoch"] != float64(epoch) {
			t.Errorf("of the server: %v", s)
		}
		return s["accounts"].(map[string]any)["total"]
	}
	if n := accounts(); n != 4.0 {
		t.Errorf("%v accounts, want 4", n)
	}
	if _, err := h.service.CreateUser(chat.NewUser{ID: "dan"}).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.clock.Add(9 * time.Second)
	if n := accounts(); n != 4.0 {
		t.Errorf("%v accounts soon after, want the same 4", n)
	}
	h.clock.Add(time.Second)
	if n := accounts(); n != 5.0 {
		t.Errorf("%v accounts later, want 5", n)
	}
	h.clock.Add(-time.Hour) // no clock that jumps keeps old figures
	if _, err := h.service.CreateUser(chat.NewUser{ID: "eve"}).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := accounts(); n != 6.0 {
		t.Errorf("%v accounts after a jump, want 6", n)
	}
	h.says("root", "admin/users/ann/promote", `{"reason":"on call"}`, "moderated")
	h.says("ann", "admin/stats", ``, "success")
}
