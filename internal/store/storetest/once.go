// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"

	"parley/internal/chat"
	"parley/internal/mqtt"
)

func requests(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	want := chat.Request{Digest: id(1), Outcome: []byte(`{"seq":1}`)}
	Do(t, s, func(tx chat.Tx) error {
		if err := tx.PutRequest("ann", 3, "c-1", &want); err != nil {
			return err
		}
		return tx.PutRequest("ann", 0, "c-1", &chat.Request{})
	})
	Do(t, s, func(tx chat.Tx) error {
		got, err := tx.Request("ann", 3, "c-1")
		if err != nil {
			return err
		}
		same(t, "the digest", got.Digest, want.Digest)
		same(t, "the outcome", string(got.Outcome), string(want.Outcome))
		if got, err := tx.Request("ann", 0, "c-1"); err != nil || got == nil || len(got.Outcome) != 0 {
			t.Errorf("the request outside rooms: %+v, %v", got, err)
		}
		for _, other := range []struct {
			u    chat.UserID
			room int64
			id   string
		}{{"bob", 3, "c-1"}, {"ann", 4, "c-1"}, {"ann", 3, "C-1"}} {
			if got, err := tx.Request(other.u, other.room, other.id); got != nil || err != nil {
				t.Errorf("%+v: %+v, %v", other, got, err)
			}
		}
		return nil
	})
}

// saveSession stores a session and returns its id.
func saveSession(t testing.TB, s Store, session mqtt.StoredSession) (id mqtt.SessionID) {
	t.Helper()
	wait(t, func(done func(error)) {
		s.SaveSession(&session, func(got mqtt.SessionID, err error) {
			id = got
			done(err)
		})
	})
	if id == 0 {
		t.Fatal("SaveSession gave no id")
	}
	return id
}

func packets(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	session := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60})
	other := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "desk", Expiry: 60})
	seen := func(session mqtt.SessionID, packet uint16) (yes bool) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) (err error) {
			yes, err = tx.PacketSeen(chat.Origin{Session: int64(session), PacketID: packet})
			return err
		})
		return yes
	}
	put := func(session mqtt.SessionID, packet uint16) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error { return tx.PutPacket(chat.Origin{Session: int64(session), PacketID: packet}) })
	}
	put(session, 9)
	put(session, 65535)
	put(session, 9) // harmless
	put(0, 9)
	put(session+1000, 9) // of a session that has ended
	same(t, "a packet id that was stored", seen(session, 9), true)
	same(t, "one that was not", seen(session, 10), false)
	same(t, "the same of another session", seen(other, 9), false)
	same(t, "of no session", seen(0, 9), false)
	loaded := must[*mqtt.StoredSession](t)(s.LoadSession(t.Context(), "ann", "phone"))
	if len(loaded.Received) != 2 || loaded.Received[0] != 9 || loaded.Received[1] != 65535 {
		t.Fatalf("a returning session has received %v", loaded.Received)
	}
	wait(t, func(done func(error)) { s.ReleasePacketID(session, 9, done) })
	same(t, "a packet id that was released", seen(session, 9), false)
	same(t, "one that was not", seen(session, 65535), true)
}
