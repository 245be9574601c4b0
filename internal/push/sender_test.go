// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/chat"
	"parley/internal/store"
	"parley/internal/wire"
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

// server is a sender with a service and a store, in a bubble of synctest; everybody is away.
type server struct {
	*chat.Service
	network network
	sender  *Sender

	t    *testing.T
	dir  string
	ids  uint64
	stop func()
}

func newServer(t *testing.T) *server {
	s := &server{t: t, dir: t.TempDir(), network: network{make(chan *http.Request, 10_000)}}
	s.start()
	t.Cleanup(func() { s.stop() })
	s.add("ann")
	return s
}

func (s *server) start() {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), store.Options{Dir: s.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Service = chat.NewService(db, chat.DefaultLimits(), func() (id chat.ID) {
		s.ids++
		binary.BigEndian.PutUint64(id[8:], s.ids)
		return id
	}, func() chat.Time { return chat.TimeOf(time.Now()) })
	s.sender = New(Config{Service: s.Service, Away: func(chat.UserID) (chat.Time, bool) { return 1, true }, Transport: s.network,
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, Random: func() float64 { return 0 }})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		s.sender.Run(ctx)
		close(ended)
	}()
	s.stop = func() {
		stop()
		<-ended
		if err := db.Close(); err != nil {
			s.t.Error(err)
		}
	}
}

// sleep is down for a while.
func (s *server) sleep(d time.Duration) {
	s.stop()
	time.Sleep(d) // of the bubble
	s.start()
}

func by(u chat.UserID) chat.Call { return chat.Call{Principal: chat.Principal{UserID: u}} }

func done[T any](t *testing.T, p *chat.Pending[T]) T {
	t.Helper()
	v, err := p.Wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// add adds an account with subscriptions.
func (s *server) add(u chat.UserID, endpoints ...string) {
	s.t.Helper()
	done(s.t, s.CreateUser(chat.NewUser{ID: u}))
	for _, endpoint := range endpoints {
		done(s.t, s.Subscribe(by(u), chat.NewPushSubscription{Kind: chat.UnifiedPush, Endpoint: endpoint}))
	}
}

// More hosts hang than half the places that a server has, each with more to be told than a host has places: who is told elsewhere
// is told at once.
func TestHangingHostsHoldUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.add("bob", "https://good.example.net/bob")
		hanging := []chat.UserID{"u0", "u1"}
		for _, u := range hanging {
			var endpoints []string
			for j := range chat.MaxPushSubscriptions {
				endpoints = append(endpoints, fmt.Sprintf("https://hangs-%s-%d.example.net/", u, j))
			}
			s.add(u, endpoints...)
		}
		rooms := []chat.RoomID{"a", "b", "c", "d"} // a device is told once of each
		for _, room := range rooms {
			done(t, s.CreateRoom(by("ann"), chat.NewRoom{ID: room, Name: string(room)}))
			for _, u := range append(hanging, "bob") {
				done(t, s.Join(by(u), room))
			}
		}
		// told tells how long after it is due somebody is told at the host that answers.
		told := func(text string) time.Duration {
			for _, room := range rooms {
				for _, u := range hanging {
					done(t, s.Send(by("ann"), room, chat.NewMessage{Content: fmt.Sprintf("@%s %s", u, text)}))
				}
			}
			done(t, s.Send(by("ann"), rooms[0], chat.NewMessage{Content: "@bob " + text}))
			due := time.Now().Add(chat.PushAfter)
			for r := range s.network.calls {
				if r.URL.Host == "good.example.net" {
					return time.Since(due)
				}
			}
			panic("unreachable")
		}
		if d := told("for the first time"); d > Interval {
			t.Errorf("told %v late", d)
		}
		if n := s.sender.Stats().InFlight; n < 2*chat.MaxPushSubscriptions {
			t.Errorf("only %d calls are under way", n)
		}
		for i := range 3 { // at different times of the others' backing off
			time.Sleep(time.Duration(i) * 7 * time.Second) // of the bubble
			if d := told(fmt.Sprint("again ", i)); d > Interval {
				t.Errorf("told %v late, the time %d", d, i)
			}
		}
		if f := s.sender.Stats().Failed["network"]; f < 2*chat.MaxPushSubscriptions {
			t.Errorf("%d calls have failed", f)
		}
	})
}

// What happens while the server is down is heeded when it is up again: quiet hours end, and what is older than a day is not sent,
// whether it waited in the queue or was not looked at yet.
func TestServerThatWasDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t)
		s.add("bob", "https://push.example.net/")
		const settled = 3 * Interval // a look and what comes of it
		quiet := func(from, to time.Duration) {
			t.Helper()
			at := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("15:04") }
			q, err := chat.ParseQuietHours(at(from), at(to), "UTC")
			if err != nil {
				t.Fatal(err)
			}
			done(t, s.SetQuietHours(by("bob"), q))
		}
		say := func() uint64 { return done(t, s.SendPrivate(by("ann"), "bob", chat.NewMessage{Content: "hello"})).Seq }
		is := func(what string, waiting int, told ...uint64) {
			t.Helper()
			time.Sleep(chat.PushAfter + settled) // of the bubble
			for _, want := range told {
				select {
				case r := <-s.network.calls:
					var got wire.Notification
					body, err := io.ReadAll(r.Body)
					if err == nil {
						err = json.Unmarshal(body, &got)
					}
					if err != nil || got.Type != wire.PushMessage || got.Seq != want {
						t.Errorf("%s: told %s (%v), want seq %d", what, body, err, want)
					}
				default:
					t.Errorf("%s: not told of seq %d", what, want)
				}
			}
			if n := s.sender.Stats().Waiting; n != waiting || len(s.network.calls) != 0 {
				t.Errorf("%s: %d wait, and %d too many were told", what, n, len(s.network.calls))
			}
		}
		quiet(-time.Hour, time.Hour)
		say()
		is("by night", 1)
		s.sleep(30 * time.Minute)
		latest := say()
		is("by night, after a restart", 1)
		s.sleep(time.Hour)
		is("in the morning", 0, latest)

		quiet(-time.Minute, -2*time.Minute) // nearly always
		say()
		is("in a long night", 1)
		s.sleep(chat.MaxPushAge)
		is("a day later", 0)
		if n := s.sender.Stats().Dropped["old"]; n != 1 {
			t.Errorf("%d were dropped for their age, want 1", n)
		}
		done(t, s.SetQuietHours(by("bob"), nil))
		say()
		s.sleep(chat.MaxPushAge)
		is("not looked at for a day", 0)
		is("after that", 0, say())
	})
}
