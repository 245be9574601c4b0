// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"parley/internal/chat"
	"parley/internal/mqtt"
)

// busy keeps the writer busy until release is called, so that what is submitted meanwhile waits together.
func busy(s chat.Writer) (release func()) {
	started, gate := make(chan struct{}), make(chan struct{})
	once := sync.OnceFunc(func() { close(started) })
	s.Submit(&Change{Do: func(chat.Tx) error {
		once()
		<-gate
		return nil
	}})
	<-started
	return func() { close(gate) }
}

// order: outcomes and events come in the order of submission, each exactly once.
func order(t *testing.T, f Factory) {
	var mu sync.Mutex
	var committed []uint64
	clock := NewClock()
	s := f(t)(Options{Now: clock.Now, OnCommit: func(b *chat.Batch) {
		mu.Lock()
		for _, e := range b.Events {
			if e.RoomID == "r" {
				committed = append(committed, e.Seq)
			}
		}
		mu.Unlock()
		b.Resolve()
	}})
	defer s.Close()
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	const n = 500
	done := make(chan int, n)
	for i := range n {
		s.Submit(&Change{
			Do: func(tx chat.Tx) error {
				e, err := Say(tx, "r", "ann", id(i), "x")
				if err == nil && e.Seq != uint64(i+1) {
					return fmt.Errorf("change %d got seq %d", i, e.Seq)
				}
				return err
			},
			Then: func(err error) {
				if err != nil {
					t.Error(err)
				}
				done <- i
			},
		})
	}
	for i := range n {
		same(t, "the outcome that came next", <-done, i)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(committed) != n {
		t.Fatalf("%d events were handed out", len(committed))
	}
	for i, seq := range committed {
		same(t, "the event that came next", seq, uint64(i+1))
	}
}

// refusals: a refused change harms nobody, and its outcome comes in its turn.
func refusals(t *testing.T, f Factory) {
	s, _ := opened(t, f)
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	refused := chat.Refuse(chat.Muted, "not now")
	applied := 0
	release := busy(s)
	done := make(chan error, 3)
	for i := range 3 {
		s.Submit(&Change{
			Do: func(tx chat.Tx) error {
				applied++
				if i == 1 {
					return fmt.Errorf("wrapped: %w", refused)
				}
				_, err := Say(tx, "r", "ann", id(i), "x")
				return err
			},
			Then: func(err error) { done <- err },
		})
	}
	release()
	for i := range 3 {
		if err := <-done; (i == 1) != errors.Is(err, refused) {
			t.Errorf("change %d: %v", i, err)
		}
	}
	same(t, "how often changes were applied", applied, 3)
	same(t, "the head", must[*chat.Room](t)(s.ReadRoom(t.Context(), "r")).LastSeq, 2)
}

// poison: a change that fails, panics, or refuses after writing is alone in that; seq stays dense.
func poison(t *testing.T, f Factory) {
	for name, bad := range map[string]struct {
		do   func(chat.Tx) error
		want *chat.Error
	}{
		"failure": {func(chat.Tx) error { return errors.New("broken") }, chat.ErrUnavailable},
		"panic":   {func(chat.Tx) error { panic("broken") }, &chat.Error{Code: chat.Internal}},
		"late refusal": {func(tx chat.Tx) error {
			if _, err := Say(tx, "r", "ann", id(900), "not to be seen"); err != nil {
				return err
			}
			return chat.Refuse(chat.Muted, "too late")
		}, &chat.Error{Code: chat.Muted}},
		"doubled message id": {func(tx chat.Tx) error {
			if _, err := Say(tx, "r", "ann", id(901), "x"); err != nil {
				return err
			}
			_, _ = Say(tx, "r", "ann", id(901), "x") // swallowed: the transaction must not be committed all the same
			return nil
		}, chat.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			clock := NewClock()
			var events []*chat.Event
			s := f(t)(Options{Now: clock.Now, OnCommit: func(b *chat.Batch) {
				events = append(events, b.Events...)
				b.Resolve()
			}})
			NewRoom(t, s, chat.Room{ID: "r"}, "ann")
			release := busy(s)
			const n, at = 21, 10
			done := make(chan error, n)
			for i := range n {
				do := func(tx chat.Tx) error { _, err := Say(tx, "r", "ann", id(i), "x"); return err }
				if i == at {
					do = bad.do
				}
				s.Submit(&Change{Do: do, Then: func(err error) { done <- err }})
			}
			release()
			for i := range n {
				err := <-done
				if i != at && err != nil {
					t.Errorf("change %d beside the bad one: %v", i, err)
				}
				if i == at && !errors.Is(err, bad.want) {
					t.Errorf("the bad change: %v", err)
				}
			}
			r := must[*chat.Room](t)(s.ReadRoom(t.Context(), "r"))
			same(t, "the head", r.LastSeq, n-1)
			log := must[[]*chat.Event](t)(s.Log(t.Context(), r, chat.LogQuery{}))
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if len(log) != n-1 || len(events) != n-1 {
				t.Fatalf("%d events are stored, %d were handed out", len(log), len(events))
			}
			for i := range log {
				same(t, "the seq stored", log[i].Seq, uint64(i+1))
				same(t, "the seq handed out", events[i].Seq, uint64(i+1))
				same(t, "the count stored", log[i].Count, uint64(i+1))
			}
		})
	}
}

func closeDrains(t *testing.T, f Factory) {
	open := f(t)
	s := open(Options{})
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	release := busy(s)
	const n = 3000
	var mu sync.Mutex
	outcomes := 0
	for i := range n {
		s.Submit(&Change{
			Do: func(tx chat.Tx) error { _, err := Say(tx, "r", "ann", id(i), "x"); return err },
			Then: func(err error) {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					outcomes++
				}
			},
		})
	}
	release()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	same(t, "changes made durable by Close", outcomes, n)
	mu.Unlock()
	if err := Try(s, func(chat.Tx) error { return nil }); !errors.Is(err, chat.ErrUnavailable) {
		t.Fatalf("a change after Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatalf("a second Close: %v", err)
	}
	s = open(Options{})
	defer s.Close()
	same(t, "the head after opening again", must[*chat.Room](t)(s.ReadRoom(t.Context(), "r")).LastSeq, n)
}

// reopen: everything is there again, logs go on where they were, and no session is connected.
func reopen(t *testing.T, f Factory) {
	clock := NewClock()
	open := f(t)
	s := open(Options{Now: clock.Now})
	NewUser(t, s, "ann", "Ann")
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	fill(t, s, clock, "r", 5)
	session := saveSession(t, s, mqtt.StoredSession{Owner: "ann", ClientID: "phone", Expiry: 60})
	wait(t, func(done func(error)) {
		s.StartPlaces(int64(session), "ann", func(_ map[int64]uint64, err error) { done(err) })
	})
	Do(t, s, func(tx chat.Tx) error {
		if err := tx.PutPacket(chat.Origin{Session: int64(session), PacketID: 7}); err != nil {
			return err
		}
		return tx.PutRequest("ann", 0, "c", &chat.Request{Outcome: []byte("o")})
	})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(Options{Now: clock.Now})
	defer s.Close()
	Do(t, s, func(tx chat.Tx) error {
		e, err := Say(tx, "r", "ann", id(1<<20), "again")
		if err != nil {
			return err
		}
		same(t, "the next seq", e.Seq, 6)
		same(t, "the next count", e.Count, 5)
		if got, err := tx.Request("ann", 0, "c"); err != nil || got == nil || string(got.Outcome) != "o" {
			t.Errorf("the remembered request: %+v, %v", got, err)
		}
		seen, err := tx.PacketSeen(chat.Origin{Session: int64(session), PacketID: 7})
		same(t, "the packet id seen", seen, true)
		return err
	})
	got := must[*mqtt.StoredSession](t)(s.LoadSession(t.Context(), "ann", "phone"))
	if got == nil || !got.Disconnected.Equal(clock.Now()) {
		t.Fatalf("the session after opening again: %+v", got)
	}
	same(t, "its places", len(must[map[int64]uint64](t)(s.LoadPlaces(t.Context(), int64(session)))), 3)
}
