// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"testing"

	"parley/internal/chat"
)

// mutes: until when somebody is muted who may be in the room or not is what the latest act says, also of acts of before a start, and
// never what a change said that failed.
func mutes(t *testing.T, f Factory) {
	open, clock := f(t), NewClock()
	s := open(Options{Now: clock.Now})
	NewUser(t, s, "ann", "Ann")
	rooms := map[chat.RoomID]*chat.Room{"r": NewRoom(t, s, chat.Room{ID: "r"}, "ann"), "q": NewRoom(t, s, chat.Room{ID: "q"}, "ann")}
	act := func(tx chat.Tx, room chat.RoomID, action string, u chat.UserID, until chat.Time) error {
		return tx.PutAudit(&chat.Audited{At: clock.Time(), Actor: "ann", Action: action, Target: u, RoomID: room, Until: until})
	}
	muted := func(room chat.RoomID, u chat.UserID, want chat.Time) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			same(t, "muted until", must[chat.Time](t)(tx.LastMute(rooms[room], u)), want)
			return nil
		})
	}
	put := func(room chat.RoomID, action string, u chat.UserID, until chat.Time) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error { return act(tx, room, action, u, until) })
	}
	put("r", chat.ActionMute, "bob", 7)
	muted("r", "bob", 7)
	muted("r", "cat", 0)
	muted("q", "bob", 0)
	put("r", chat.ActionMute, "bob", chat.Forever)
	put("r", chat.ActionMute, "cat", 9)
	put("r", chat.ActionKick, "cat", 0)
	put("", chat.ActionMute, "dan", 9) // on the server
	muted("r", "bob", chat.Forever)
	muted("r", "cat", 9)
	muted("r", "dan", 0)
	put("r", chat.ActionUnmute, "cat", 0)
	muted("r", "cat", 0)
	failure := errors.New("no")
	if err := Try(s, func(tx chat.Tx) error { return errors.Join(act(tx, "r", chat.ActionMute, "cat", 11), failure) }); err == nil {
		t.Fatal("the change did not fail")
	}
	muted("r", "cat", 0)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(Options{Now: clock.Now})
	defer s.Close()
	put("q", chat.ActionMute, "cat", 5)
	muted("r", "bob", chat.Forever)
	muted("r", "cat", 0)
	muted("q", "cat", 5)
}
