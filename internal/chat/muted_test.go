// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"testing"
	"time"

	"parley/internal/chat"
)

// Who is muted is heard nowhere: not in messages, and not in what else others read or are drawn into either. Moderating, and what
// one does for oneself, goes on.
func TestMutedAreNotHeardInOtherWays(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("r", false, "bob", "cat", "eve")
	w.room("q", false, "bob")
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
	w.Moderate(by("ann"), "q", act(chat.ActionPromote, "bob"))
	own := done(t, w.Send(by("bob"), "r", text("before"))).MessageID
	theirs := done(t, w.Send(by("ann"), "r", text("hello"))).MessageID
	heard := func(room chat.RoomID) map[string]outcome {
		return map[string]outcome{
			"name":        of(t, w.UpdateRoom(by("bob"), room, chat.RoomPatch{Name: ptr("buy now")})),
			"description": of(t, w.UpdateRoom(by("bob"), room, chat.RoomPatch{Description: ptr("buy now"), ReadOnly: ptr(true)})),
			"invitation":  of(t, w.Invite(by("bob"), room, "dan")),
		}
	}
	refusedAs := func(what string, all map[string]outcome, want chat.Code) {
		t.Helper()
		for name, code := range all {
			if got := code(); got != want {
				t.Errorf("%s: %s: %q, want %q", what, name, got, want)
			}
		}
	}

	done(t, w.Moderate(by("ann"), "r", actFor(chat.ActionMute, "bob", time.Minute)))
	refusedAs("muted in the room", heard("r"), chat.Muted)
	refusedAs("muted in the room, elsewhere", heard("q"), "")
	done(t, w.UpdateProfile(by("bob"), "Bob B"))
	done(t, w.UpdateRoom(by("bob"), "r", chat.RoomPatch{SlowMode: ptr(1)}))
	done(t, w.Moderate(by("bob"), "r", act(chat.ActionKick, "cat")))
	done(t, w.Pin(by("bob"), theirs))
	done(t, w.Delete(by("bob"), own))
	if e := refused(t, w.Invite(by("bob"), "r", "dan"), chat.Muted); e.RetryAfter != time.Minute {
		t.Errorf("the refusal says to wait %v", e.RetryAfter)
	}
	w.clock.Add(time.Minute)
	refusedAs("after the mute", heard("r"), "")

	done(t, w.ModerateUser(by(root), "bob", chat.Moderation{Action: chat.ActionMute}))
	done(t, w.UpdateProfile(by("bob"), "Bob B")) // as it is
	all := heard("q")
	all["display name"] = of(t, w.UpdateProfile(by("bob"), "BUY NOW"))
	refusedAs("muted on the server", all, chat.Muted)
	done(t, w.UpdateRoom(by("bob"), "q", chat.RoomPatch{SlowMode: ptr(1)}))
}
