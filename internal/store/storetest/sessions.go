// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func sessions(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	want := mqtt.StoredSession{Owner: "ann", ClientID: "phone \x00'", Version: packet.V5, Expiry: 3600,
		Subscriptions: []packet.Subscription{
			{Filter: "chat/user/ann/#", QoS: 1, NoLocal: true, RetainAsPublished: true, RetainHandling: 2},
			{Filter: "chat/user/ann/replies"},
		},
		SubscriptionIDs: []uint32{268435455, 0},
	}
	want.ID = saveSession(t, s, want)
	got := must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", want.ClientID))
	if !reflect.DeepEqual(*got, want) {
		t.Fatalf("the session is\n%+v, want\n%+v", *got, want)
	}
	for _, name := range [][2]string{{"bob", want.ClientID}, {"ann", "phone"}} {
		if other := must[*mqtt.StoredSession](t)(s.LoadSession(ctx, name[0], name[1])); other != nil {
			t.Errorf("%q has the session %+v", name, other)
		}
	}
	// Changed, disconnected, taken up again.
	want.Version, want.Subscriptions, want.SubscriptionIDs = packet.V311, want.Subscriptions[:1], want.SubscriptionIDs[:1]
	same(t, "the id of the saved session", saveSession(t, s, want), want.ID)
	clock.Add(time.Minute)
	wait(t, func(done func(error)) { s.DisconnectSession(want.ID, clock.Now(), 60, done) })
	want.Disconnected, want.Expiry = clock.Now(), 60
	clock.Add(59 * time.Second)
	got = must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", want.ClientID))
	if !reflect.DeepEqual(*got, want) {
		t.Fatalf("the disconnected session is\n%+v, want\n%+v", *got, want)
	}
	want.Disconnected = time.Time{}
	saveSession(t, s, want)
	clock.Add(time.Hour)
	if got = must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", want.ClientID)); got == nil || !got.Disconnected.IsZero() {
		t.Fatalf("the session taken up again is %+v", got)
	}
}

func sessionExpiry(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	save := func(client string, expiry uint32, away time.Duration) mqtt.SessionID {
		id := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: client, Expiry: expiry})
		if away != 0 {
			wait(t, func(done func(error)) { s.DisconnectSession(id, clock.Now().Add(-away), expiry, done) })
		}
		return id
	}
	save("connected", 0, 0)
	save("forever", math.MaxUint32, time.Hour)
	save("soon", 3600, 59*time.Minute)
	late := save("late", 60, 2*time.Minute)
	save("just", 60, time.Minute)
	list := func(found []mqtt.StoredSession, err error) (names string) {
		t.Helper()
		for _, s := range must[[]mqtt.StoredSession](t)(found, err) {
			names += s.ClientID + " "
		}
		return names
	}
	same(t, "expired sessions", list(s.ExpiredSessions(ctx, clock.Now(), 10)), "late just ")
	same(t, "one of them", list(s.ExpiredSessions(ctx, clock.Now(), 1)), "late ")
	same(t, "the owner's, the longest away first", list(s.OwnerSessions(ctx, "ann")), "forever soon late just connected ")
	same(t, "another owner's", list(s.OwnerSessions(ctx, "bob")), "")
	for client, want := range map[string]bool{"connected": true, "forever": true, "soon": true, "late": false, "just": false} {
		got := must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", client))
		same(t, fmt.Sprintf("whether %q can be taken up", client), got != nil, want)
	}
	wait(t, func(done func(error)) { s.DeleteSession(late, done) })
	same(t, "expired sessions without the deleted one", list(s.ExpiredSessions(ctx, clock.Now(), 10)), "just ")

	// A new session in the place of one that expired unnoticed inherits nothing.
	session := save("again", 60, 0)
	s.StartPlaces(int64(session), "ann", nil)
	wait(t, func(done func(error)) { s.SavePlaces([]chat.Place{{Session: int64(session), Room: 1, Seq: 1}}, done) })
	Do(t, s, func(tx chat.Tx) error { return tx.PutPacket(chat.Origin{Session: int64(session), PacketID: 1}) })
	wait(t, func(done func(error)) { s.DisconnectSession(session, clock.Now().Add(-time.Hour), 60, done) })
	fresh := save("again", 60, 0)
	if fresh == session {
		t.Error("an expired session was taken over")
	}
	same(t, "packet ids of the new session", len(must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", "again")).Received), 0)
	for _, id := range []mqtt.SessionID{session, fresh} {
		same(t, "places", len(must[map[int64]uint64](t)(s.LoadPlaces(ctx, int64(id)))), 0)
	}
}

func sessionEnd(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	old := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60})
	s.StartPlaces(int64(old), "ann", nil)
	Do(t, s, func(tx chat.Tx) error { return tx.PutPacket(chat.Origin{Session: int64(old), PacketID: 1}) })
	s.DeleteSession(old, nil)
	fresh := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60})
	if fresh == old {
		t.Fatal("the id of an ended session came back")
	}
	// What comes late for the old session changes nothing.
	Do(t, s, func(tx chat.Tx) error { return tx.PutPacket(chat.Origin{Session: int64(old), PacketID: 2}) })
	wait(t, func(done func(error)) { s.SavePlaces([]chat.Place{{Session: int64(old), Room: 1, Seq: 1}}, done) })
	for _, session := range []mqtt.SessionID{old, fresh} {
		same(t, "places", len(must[map[int64]uint64](t)(s.LoadPlaces(ctx, int64(session)))), 0)
	}
	got := must[*mqtt.StoredSession](t)(s.LoadSession(ctx, "ann", "phone"))
	same(t, "packet ids of the new session", len(got.Received), 0)
	failed := make(chan error, 2)
	s.SaveSession(&mqtt.StoredSession{ID: old, Owner: "ann", ClientID: "phone"}, func(_ mqtt.SessionID, err error) { failed <- err })
	s.StartPlaces(int64(old), "ann", func(places map[int64]uint64, err error) { failed <- err })
	for range 2 {
		if err := <-failed; err == nil {
			t.Error("an ended session was brought back")
		}
	}
}

func places(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	session := int64(saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60}))
	same(t, "places before the first", len(must[map[int64]uint64](t)(s.LoadPlaces(ctx, session))), 0)
	wait(t, func(done func(error)) {
		s.StartPlaces(session, "ann", func(_ map[int64]uint64, err error) { done(err) })
	})
	same(t, "places started", len(must[map[int64]uint64](t)(s.LoadPlaces(ctx, session))), 3)
	for _, seq := range []uint64{5, 7, 6} { // a place never goes back
		wait(t, func(done func(error)) {
			s.SavePlaces([]chat.Place{{Session: session, Room: r.Num, Seq: seq}, {Session: session, Room: 999, Seq: 1}}, done)
		})
	}
	got := must[map[int64]uint64](t)(s.LoadPlaces(ctx, session))
	same(t, "the saved place", got[r.Num], 7)
	same(t, "a place in a room joined later", got[999], 1)
	wait(t, func(done func(error)) { s.SavePlaces(nil, done) })
	wait(t, func(done func(error)) { s.DropPlaces(session, done) })
	same(t, "places after dropping them", len(must[map[int64]uint64](t)(s.LoadPlaces(ctx, session))), 0)
}

// The places of a new session are the heads as earlier changes left them, those of the same transaction too, and nothing later.
func startPlacesInOrder(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewUser(t, s, "ann", "Ann")
	r := NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	gone := NewRoom(t, s, chat.Room{ID: "gone", Deleted: true}, "ann")
	session := int64(saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60}))
	release := busy(s)
	results := make(chan map[int64]uint64, 3)
	for i := range 3 {
		s.Submit(&Change{Do: func(tx chat.Tx) error { _, err := Say(tx, "r", "ann", id(i), "x"); return err }})
		s.StartPlaces(session, "ann", func(places map[int64]uint64, err error) {
			if err != nil {
				t.Error(err)
			}
			results <- places
		})
	}
	release()
	for i := range 3 {
		got := <-results
		same(t, "the head", got[r.Num], uint64(i+1))
		same(t, "the number of places", len(got), 3)
		if _, ok := got[gone.Num]; ok {
			t.Error("a place in a deleted room")
		}
	}
}

func manyPlaces(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	var list []chat.Place
	session := int64(saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60}))
	for i := range 3000 {
		list = append(list, chat.Place{Session: session, Room: int64(i), Seq: uint64(i + 1)})
	}
	wait(t, func(done func(error)) { s.SavePlaces(list, done) })
	got := must[map[int64]uint64](t)(s.LoadPlaces(t.Context(), session))
	same(t, "the number of places", len(got), len(list))
	same(t, "the last", got[2999], 3000)
}
