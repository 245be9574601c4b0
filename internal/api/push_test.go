// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
)

// Quiet hours are kept until others take their place, or none.
func TestQuietHours(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	hours := map[string]any{"from": "22:00", "to": "07:30", "time_zone": "Europe/Berlin"}
	listed := func(user chat.UserID) any { return h.says(user, "push/list", ``, "success")["quiet_hours"] }
	if r := h.says("ann", "push/quiet_hours", `{"from":"22:00","to":"07:30","time_zone":"Europe/Berlin"}`, "quiet_hours_set"); cmp.Diff(any(hours), r["quiet_hours"]) != "" {
		t.Errorf("set: %v", r)
	}
	for _, wrong := range []string{`{"from":"22:00"}`, `{"from":"22:00","to":"25:00","time_zone":"Europe/Berlin"}`, `{"from":"22:00","to":"07:00","time_zone":"Moon/Tycho"}`} {
		h.refuses("ann", "push/quiet_hours", wrong, chat.BadRequest)
	}
	if diff := cmp.Diff(any(hours), listed("ann")); diff != "" {
		t.Error(diff)
	}
	if other := listed("bob"); other != nil {
		t.Errorf("bob's are %v", other)
	}
	h.says("ann", "push/quiet_hours", `{}`, "quiet_hours_set")
	if left := listed("ann"); left != nil {
		t.Errorf("taken back, and still %v", left)
	}
}

// What a webhook that follows rooms is sent are deliveries: a token that may not read makes none.
func TestFollowingTakesReading(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for scopes, want := range map[auth.Scopes]bool{auth.ScopeAccount: false, auth.ScopeAccount | auth.ScopeRead: true, 0: true} {
		r := request("ann", "push/subscribe", `{"type":"webhook","events":"messages","endpoint":"https://example.com/"}`)
		r.Caller.Scopes = scopes
		_, err := h.serve(r)
		refusal(t, err, chat.Forbidden) // the operator allows no host, either
		if may := !strings.Contains(err.Error(), "does not have the scope read"); may != want {
			t.Errorf("with %q: %v", scopes, err)
		}
	}
}
