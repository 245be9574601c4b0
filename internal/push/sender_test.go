// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/chat"
	"parley/internal/store"
)

// network is the other side: hosts that begin with "hang" take a call and say nothing, the others answer.
type network struct {
	calls chan *http.Request
}

// RoundTrip implements http.RoundTripper.
func (n network) RoundTrip(r *http.Request) (*http.Response, error) {
	n.calls <- r
	if strings.HasPrefix(r.URL.Host, "hang") {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return &http.Response{StatusCode: http.StatusCreated, Body: http.NoBody, Request: r}, nil
}

// queued is a service with a store in which users have subscriptions; everybody is away.
func queued(t *testing.T, endpoints map[chat.UserID][]string) *chat.Service {
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ids := uint64(0)
	service := chat.NewService(s, chat.DefaultLimits(), func() (id chat.ID) {
		ids++
		binary.BigEndian.PutUint64(id[8:], ids)
		return id
	}, func() chat.Time { return chat.TimeOf(time.Now()) })
	create(t, service.CreateUser(chat.NewUser{ID: "ann"}))
	for u, all := range endpoints {
		create(t, service.CreateUser(chat.NewUser{ID: u}))
		for _, endpoint := range all {
			create(t, service.Subscribe(chat.Call{Principal: chat.Principal{UserID: u}}, chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: endpoint}))
		}
	}
	return service
}

func create[T any](t *testing.T, p *chat.Pending[T]) T {
	t.Helper()
	v, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// More hosts hang than a server has places, each with more to be told than a host has: who is told elsewhere is told at once.
func TestHangingHostsHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endpoints := map[chat.UserID][]string{"bob": {"https://good.example.net/bob"}}
		hanging := []chat.UserID{}
		for i := range 2 {
			u := chat.UserID(fmt.Sprint("u", i))
			hanging = append(hanging, u)
			for j := range chat.MaxPushSubscriptions {
				endpoints[u] = append(endpoints[u], fmt.Sprintf("https://hang%d-%d.example.net/", i, j))
			}
		}
		service := queued(t, endpoints)
		rooms := []chat.RoomID{"a", "b", "c", "d"} // a device is told once of each
		ann := chat.Call{Principal: chat.Principal{UserID: "ann"}}
		for _, room := range rooms {
			create(t, service.CreateRoom(ann, chat.NewRoom{ID: room, Name: string(room)}))
			for _, u := range append(hanging, "bob") {
				create(t, service.Join(chat.Call{Principal: chat.Principal{UserID: u}}, room))
			}
		}
		n := network{make(chan *http.Request, 10000)}
		sender := New(Config{Service: service, Away: func(chat.UserID) (chat.Time, bool) { return 1, true }, Transport: n,
			Logger: slog.New(slog.DiscardHandler), Now: time.Now, Random: func() float64 { return 0 }})
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() {
			sender.Run(ctx)
			close(ended)
		}()
		defer func() {
			stop()
			<-ended
		}()
		// told tells how long after it is due somebody is told at the host that answers.
		told := func(text string) time.Duration {
			for _, room := range rooms {
				for _, u := range hanging {
					create(t, service.Send(ann, room, chat.NewMessage{Content: fmt.Sprintf("@%s %s", u, text)}))
				}
			}
			create(t, service.Send(ann, rooms[0], chat.NewMessage{Content: "@bob " + text}))
			due := time.Now().Add(chat.PushAfter)
			for r := range n.calls {
				if r.URL.Host == "good.example.net" {
					return time.Since(due)
				}
			}
			panic("unreachable")
		}
		if d := told("for the first time"); d > Interval {
			t.Errorf("told %v late", d)
		}
		if sender.Stats().InFlight < 2*chat.MaxPushSubscriptions {
			t.Errorf("only %d calls are under way", sender.Stats().InFlight)
		}
		for i := range 3 { // at different times of the others' backing off
			time.Sleep(time.Duration(i) * 7 * time.Second) // of the bubble
			if d := told(fmt.Sprint("again ", i)); d > Interval {
				t.Errorf("told %v late, the time %d", d, i)
			}
		}
		if f := sender.Stats().Failed["network"]; f < 2*chat.MaxPushSubscriptions {
			t.Errorf("%d calls have failed", f)
		}
	})
}
