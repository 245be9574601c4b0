// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

// What passes about a room goes to its members that listen, and to nobody who is not one any more.
func TestPassingEventsOfRooms(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("bob", "r"), join("bob", "q"), join("cat", "q"))
		ann, bob, pad, cat := feedtest.New("ann", 0), feedtest.New("bob", 0), feedtest.New("bob", 0), feedtest.New("cat", 0)
		all := []*feedtest.Device{ann, bob, pad, cat}
		for _, d := range all {
			h.subscribe(d, feed.Options{})
		}
		wants := func(what, want string) {
			t.Helper()
			got := ""
			for _, d := range all {
				got += fmt.Sprint(d.Passed())
			}
			if got != want {
				t.Errorf("%s: passed on %s, want %s", what, got, want)
			}
		}
		h.feed.PassRoom(h.num("r"), "", []byte("1"))
		wants("to all", "[r 1][r 1][r 1][]")
		h.feed.PassRoom(h.num("r"), "bob", []byte("2"))
		h.feed.PassRoom(99, "", []byte("2"))
		wants("but to bob", "[r 2][][][]")
		h.feed.PassAbout("bob", "r", []byte("3"))
		h.feed.PassAbout("nobody", "r", []byte("3"))
		wants("to bob's devices", "[][r 3][r 3][]")
		h.feed.PassRooms([]int64{h.num("r"), h.num("q"), 99}, "bob", []byte("4"))
		wants("to who shares a room with bob", "[ 4][ 4][ 4][ 4]")
		h.feed.PassRooms(nil, "ann", []byte("5"))
		wants("to the own devices", "[ 5][][][]")
		if n := h.feed.ListeningIn(h.num("r"), func(u chat.UserID) bool { return u != "ann" }); n != 1 {
			t.Errorf("%d listen, want bob alone", n)
		}

		h.commit(kick("bob", "r"))
		synctest.Wait()
		h.feed.PassRoom(h.num("r"), "", []byte("6"))
		h.feed.Show("bob", "r", []byte("7")) // read before
		wants("after the removal", "[r 6][][][]")
		for _, c := range []struct {
			user          chat.UserID
			room          chat.RoomID
			member, known bool
		}{{"bob", "r", false, true}, {"bob", "q", true, true}, {"ann", "r", true, true}, {"dan", "r", false, false}} {
			if member, known := h.feed.MemberOf(c.user, h.num(c.room)); member != c.member || known != c.known {
				t.Errorf("%s in %s: %v, known %v", c.user, c.room, member, known)
			}
		}
	})
}
