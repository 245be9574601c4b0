// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"testing"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

// Who is muted on the server writes nowhere, until the mute is lifted.
func TestServerWideMute(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.refuses("ann", "admin/users/bob/mute", `{}`, chat.Forbidden)
	if r := h.says("root", "admin/users/bob/mute", `{"duration":60,"reason":"noise"}`, "moderated"); r["until"] == nil {
		t.Errorf("muted: %v", r)
	}
	for _, route := range []string{"message/r", "private/ann"} {
		if e := h.refuses("bob", route, `{"content":"but"}`, chat.Muted); e.RetryAfter <= 0 {
			t.Errorf("%s: %+v", route, e)
		}
	}
	h.refuses("ann", "admin/users/bob/unmute", `{}`, chat.Forbidden)
	if r := h.says("root", "admin/users/bob/unmute", `{}`, "moderated"); r["action"] != "unmute" || r["until"] != nil {
		t.Errorf("unmuted: %v", r)
	}
	h.says("bob", "message/r", `{"content":"at last"}`, "message_sent")
	h.says("bob", "private/ann", `{"content":"at last"}`, "private_message_sent")
}
