// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

func TestChoosingAStatus(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for _, s := range []string{"online", "away", "offline"} {
		h.says("ann", "presence/"+s, ``, s)
		if got := <-h.heard.passed; got != "ann is "+s {
			t.Errorf("chosen: %s", got)
		}
	}
	h.says("ann", "presence/away", `{"client_msg_id":"k"}`, "away")
	<-h.heard.passed
	if r := h.says("ann", "presence/away", `{"client_msg_id":"k"}`, "away"); r["duplicate"] != true || len(h.heard.passed) != 0 {
		t.Errorf("a repeat: %v", r)
	}
}

// Typing is for whoever may write in the room, a slow mode aside.
func TestTypingIsForWhoMayWrite(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	typing := func(u chat.UserID, room string, want chat.Code) {
		t.Helper()
		for _, what := range []string{"start", "stop"} {
			_, err := h.ask(u, "typing/"+room+"/"+what, ``)
			if got := chat.CodeOf(err); got != want {
				t.Errorf("%s: %s in %s: %q, want %q", what, u, room, got, want)
			}
		}
		if want == "" {
			if got := <-h.heard.passed; got != string(u)+" types in "+room {
				t.Errorf("told: %s", got)
			}
		}
	}
	typing("ann", "r", "")
	typing("bob", "r", "")
	typing("cat", "r", chat.NotMember)
	typing("cat", "none", chat.NotFound)
	typing("bob", "announcements", chat.Forbidden)
	typing("root", "announcements", "")
	typing("bob", "user:bob", chat.Forbidden)
	h.says("ann", "rooms/r/update", `{"slow_mode":60}`, "room_updated")
	h.says("bob", "message/r", `{"content":"x"}`, "message_sent")
	typing("bob", "r", "")
	h.says("ann", "admin/rooms/r/moderate", `{"action":"mute","user_id":"bob","duration":60}`, "moderated")
	typing("bob", "r", chat.Muted)
	h.clock.Add(time.Minute)
	typing("bob", "r", "")
	h.says("ann", "admin/rooms/r/moderate", `{"action":"ban","user_id":"bob"}`, "moderated")
	typing("bob", "r", chat.Banned)
	h.says("ann", "private/cat", `{"content":"x"}`, "private_message_sent")
	typing("ann", "private:ann:cat", "")
	typing("bob", "private:ann:cat", chat.NotFound)
	h.says("cat", "users/ann/block", ``, "blocked")
	typing("ann", "private:ann:cat", chat.Forbidden)
}
