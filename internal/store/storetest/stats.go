// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
)

// stats checks the figures of what is stored: what is erased, deleted, expected or expired counts nowhere.
func stats(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	now := clock.Time()
	empty := must[chat.Counts](t)(s.Counts(ctx, now, now))
	if empty.DatabaseBytes <= 0 {
		t.Errorf("a database of %d bytes", empty.DatabaseBytes)
	}
	empty.DatabaseBytes, empty.IndexBytes = 0, 0
	same(t, "nothing", empty, chat.Counts{})

	for _, u := range []chat.UserID{"ann", "bob", "cat", "dan"} {
		NewUser(t, s, u, string(u))
	}
	NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	NewRoom(t, s, chat.Room{ID: "p", Kind: chat.PrivateRoom}, "ann")
	NewRoom(t, s, chat.Room{ID: "q", Kind: chat.PrivateRoom}, "ann")
	NewRoom(t, s, chat.Room{ID: chat.DirectID("ann", "bob"), Kind: chat.DirectRoom}, "ann", "bob")
	NewRoom(t, s, chat.Room{ID: "gone", Deleted: true}, "ann")
	Do(t, s, func(tx chat.Tx) error {
		for i := range 3 {
			if _, err := Say(tx, "r", "ann", id(i), "x"); err != nil {
				return err
			}
		}
		r, err := tx.Room("r")
		if err != nil {
			return err
		}
		if err := tx.Append(r, &chat.Event{Kind: chat.RoomUpdated, Actor: "ann", Details: &chat.Details{}}); err != nil {
			return err
		}
		for _, seen := range []chat.Seen{{User: "ann", At: now}, {User: "bob", At: now - 1}, {User: "dan", At: now}} {
			if err := tx.SetSeen(seen); err != nil {
				return err
			}
		}
		for u, alter := range map[chat.UserID]func(*chat.User){
			"bob": func(u *chat.User) { u.Role = chat.RoleAdministrator },
			"dan": func(u *chat.User) { u.Role, u.Deleted = chat.RoleAdministrator, true },
		} {
			changed := *must[*chat.User](t)(tx.User(u))
			alter(&changed)
			if err := tx.UpdateUser(&changed); err != nil {
				return err
			}
		}
		for i, state := range []chat.FileState{chat.FileUploaded, chat.FileUploaded, chat.FileExpected} {
			if err := tx.CreateFile(&chat.FileMeta{ID: id(10 + i), Owner: "ann", Name: "f", Size: 100, At: now, State: state}); err != nil {
				return err
			}
		}
		return nil
	})
	for i, expiry := range []uint32{60, 3600, 3600} {
		session := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: string(rune('a' + i)), Expiry: expiry})
		if i < 2 { // the third is connected
			wait(t, func(done func(error)) { s.DisconnectSession(session, clock.Now(), expiry, done) })
		}
	}
	clock.Add(2 * time.Minute)
	got := must[chat.Counts](t)(s.Counts(ctx, now, clock.Time()))
	got.DatabaseBytes, got.IndexBytes = 0, 0
	same(t, "the figures", got, chat.Counts{Accounts: 3, Administrators: 1, Active: 1, PublicRooms: 1, PrivateRooms: 2, DirectRooms: 1, Messages: 3,
		AwaySessions: 1, Files: 2, FileBytes: 200})
}
