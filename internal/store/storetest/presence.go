// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"

	"parley/internal/chat"
)

// presences checks who is invisible, when people were last seen, and which rooms are small.
func presences(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	for _, u := range []chat.UserID{"ann", "bob", "cat"} {
		NewUser(t, s, u, string(u))
	}
	old := NewRoom(t, s, chat.Room{ID: "old"}, "ann", "bob")
	big := NewRoom(t, s, chat.Room{ID: "big"}, "ann", "bob", "cat")
	young := NewRoom(t, s, chat.Room{ID: "young", Kind: chat.PrivateRoom}, "ann", "bob")
	NewRoom(t, s, chat.Room{ID: "gone", Deleted: true}, "ann")
	NewRoom(t, s, chat.Room{ID: "others"}, "bob")
	Do(t, s, func(tx chat.Tx) error {
		for i, room := range []chat.RoomID{"old", "big"} {
			if _, err := Say(tx, room, "ann", id(i), "x"); err != nil {
				return err
			}
		}
		for _, seen := range []chat.Seen{{User: "bob", At: 5}, {User: "bob", At: 4}, {User: "cat", At: 7}, {User: "eve", At: 1}} {
			if err := tx.SetSeen(seen); err != nil {
				return err
			}
		}
		for _, c := range []struct {
			user      chat.UserID
			invisible bool
		}{{"bob", true}, {"ann", true}, {"ann", false}} {
			if err := tx.SetInvisible(c.user, c.invisible); err != nil {
				return err
			}
			now, err := tx.Invisible(c.user)
			if err != nil {
				return err
			}
			same(t, "invisible", now, c.invisible)
		}
		never, err := tx.Invisible("cat")
		same(t, "who never chose", never, false)
		return err
	})
	same(t, "who is invisible", fmt.Sprint(must[[]chat.UserID](t)(s.InvisibleUsers(ctx))), "[bob]")
	same(t, "when members were seen", fmt.Sprint(must[map[chat.UserID]chat.Time](t)(s.LastSeen(ctx, big.Num, "", 0))), "map[bob:5 cat:7]")
	same(t, "a page of it", fmt.Sprint(must[map[chat.UserID]chat.Time](t)(s.LastSeen(ctx, big.Num, "ann", 1))), "map[bob:5]")
	same(t, "small rooms, the liveliest first", fmt.Sprint(must[[]int64](t)(s.SmallRooms(ctx, "ann", 2, 9))), fmt.Sprint([]int64{old.Num, young.Num}))
	same(t, "the first of them", fmt.Sprint(must[[]int64](t)(s.SmallRooms(ctx, "ann", 2, 1))), fmt.Sprint([]int64{old.Num}))
	same(t, "bigger ones", len(must[[]int64](t)(s.SmallRooms(ctx, "ann", 3, 9))), 3)
}
