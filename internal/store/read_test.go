// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
	"parley/internal/store/storetest"
)

// A read needs one connection, the first of its kind too: if it waited for a second one while it holds the first, as many
// reads as there are connections would wait for each other.
func TestReadsTakeOneConnection(t *testing.T) {
	s := openTest(t, Options{})
	r := storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	storetest.Do(t, s, func(tx chat.Tx) error {
		for i := range 4 {
			if err := tx.Append(r, &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: messageID(i)}); err != nil {
				return err
			}
		}
		return tx.PutMember(r, &chat.Member{User: "bob", JoinedSeq: 1, ReadSeq: 2})
	})
	saved := make(chan error, 1)
	s.SaveSession(&mqtt.StoredSession{Owner: "bob", ClientID: "phone", Expiry: 60}, func(_ mqtt.SessionID, err error) { saved <- err })
	if err := <-saved; err != nil {
		t.Fatal(err)
	}
	s.read.db.SetMaxOpenConns(1)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	list, err := s.RoomsOf(ctx, "bob")
	if err != nil {
		t.Fatal("rooms of a user:", err)
	}
	if len(list) != 1 || list[0].Unread != 2 {
		t.Errorf("rooms: %+v", list)
	}
	if session, err := s.LoadSession(ctx, "bob", "phone"); session == nil || err != nil {
		t.Errorf("session: %v, %v", session, err)
	}
}
