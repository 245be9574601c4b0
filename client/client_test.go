// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/client"
	"parley/internal/admin"
	"parley/internal/app"
	"parley/test/systemtest"
)

const password = "a long enough password"

// serve runs a server with alice and bob, and tells the address of its MQTT door.
func serve(t *testing.T) string {
	t.Helper()
	address, end, err := begin(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	return address
}

// begin is serve on a data directory, until end is called.
func begin(ctx context.Context, dir string) (address string, end func() error, err error) {
	cfg := app.Default()
	cfg.Data = dir
	cfg.Listen = app.Listen{MQTT: "127.0.0.1:0", MQTTS: app.Off, HTTP: app.Off, Ops: app.Off}
	cfg.Access.RateLimit.Events = 0
	log := slog.New(slog.DiscardHandler)
	ops, err := app.Connect(ctx, cfg.Data, true, log)
	if err != nil {
		return "", nil, err
	}
	for _, u := range []admin.UserID{"alice", "bob"} {
		if _, err := ops.AddUser(ctx, admin.NewUser{ID: u, Password: password}); err != nil {
			return "", nil, errors.Join(err, ops.Close())
		}
	}
	if err := ops.Close(); err != nil {
		return "", nil, err
	}
	server, err := app.New(ctx, cfg, "test", log)
	if err != nil {
		return "", nil, err
	}
	running, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(running) }()
	_, address, _ = strings.Cut(server.Doors()[0].URL, "://")
	return address, func() error {
		stop()
		return <-ended
	}, nil
}

func dial(t *testing.T, server, user string) *client.Client {
	t.Helper()
	c, err := client.Dial(t.Context(), client.Config{Server: server, User: user, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// pair is alice and bob in the room general; bob's connection goes through a cable that can be cut.
func pair(t *testing.T) (alice, bob *client.Client, cable *systemtest.Cable) {
	t.Helper()
	server := serve(t)
	cable = systemtest.NewCable(t, server)
	alice, bob = dial(t, server, "alice"), dial(t, cable.Addr, "bob")
	must(t, alice.Call(t.Context(), "rooms/create", map[string]any{"room_id": "general", "name": "General"}, nil))
	must(t, bob.Join(t.Context(), "general"))
	go func() { // she listens to nothing
		for range alice.Events() {
		}
	}()
	return alice, bob, cable
}

// texts reads n messages of general and fails where their seqs have holes or copies.
func texts(t *testing.T, c *client.Client, n int) []string {
	t.Helper()
	var out []string
	last := uint64(0)
	limit := time.After(90 * time.Second)
	for len(out) < n {
		select {
		case e, ok := <-c.Events():
			if !ok {
				t.Fatalf("closed after %d messages: %v", len(out), c.Err())
			}
			if e.Room != "general" || e.Seq == 0 {
				continue
			}
			if last != 0 && e.Seq != last+1 {
				t.Fatalf("after %d came %d", last, e.Seq)
			}
			last = e.Seq
			if e.IsMessage() {
				out = append(out, e.Content)
			}
		case <-limit:
			t.Fatalf("only %d of %d messages came: %v", len(out), n, out)
		}
	}
	return out
}

func numbered(from, to int) (out []string) {
	for i := from; i < to; i++ {
		out = append(out, fmt.Sprint("m", i))
	}
	return out
}

func TestSendAndFollow(t *testing.T) {
	t.Parallel()
	alice, bob, _ := pair(t)
	for _, m := range numbered(0, 20) {
		if s, err := alice.Send(t.Context(), "general", m); err != nil || s.Seq == 0 || s.Room != "general" {
			t.Fatalf("%+v, %v", s, err)
		}
	}
	if got := texts(t, bob, 20); !slices.Equal(got, numbered(0, 20)) {
		t.Errorf("got %v", got)
	}
	if s, err := alice.Send(t.Context(), "@bob", "psst"); err != nil || s.Room != "private:alice:bob" {
		t.Errorf("%+v, %v", s, err)
	}
	_, err := bob.Send(t.Context(), "nowhere", "hello?")
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "not_found" || e.Message == "" {
		t.Errorf("to a room that is not there: %v", err)
	}
	rooms, err := bob.Rooms(t.Context())
	must(t, err)
	i := slices.IndexFunc(rooms, func(r client.Room) bool { return r.ID == "general" })
	if i < 0 || rooms[i].Unread != 20 || rooms[i].Role != "member" || rooms[i].MemberCount != 2 {
		t.Errorf("bob's rooms are %+v", rooms)
	}
	page, err := bob.History(t.Context(), "general", 0, 3)
	must(t, err)
	if len(page.Messages) != 3 || page.Messages[0].Content != "m19" || !page.HasMore || page.Messages[0].Timestamp.Time().Year() < 2024 {
		t.Errorf("the page is %+v", page)
	}
}

func TestWhatWasMissedIsReadFromTheLog(t *testing.T) {
	t.Parallel()
	alice, bob, cable := pair(t)
	n := 0
	say := func(count int) {
		for _, m := range numbered(n, n+count) {
			_, err := alice.Send(t.Context(), "general", m)
			must(t, err)
		}
		n += count
	}
	say(2)
	if got := texts(t, bob, 2); !slices.Equal(got, numbered(0, 2)) {
		t.Fatalf("got %v", got)
	}
	cable.Cut()
	say(50)
	cable.Mend()
	say(3)
	if got := texts(t, bob, 53); !slices.Equal(got, numbered(2, 55)) {
		t.Errorf("got %v", got)
	}
}

// Nobody reads the events meanwhile: what does not fit is read from the log later.
func TestSlowReaderMissesNothing(t *testing.T) {
	t.Parallel()
	alice, bob, _ := pair(t)
	const n = 3000 // more than the inbox
	var senders sync.WaitGroup
	for range 30 {
		senders.Go(func() {
			for range n / 30 {
				if _, err := alice.Send(t.Context(), "general", "x"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	senders.Wait()
	texts(t, bob, n)
}

func TestSendsAreExactlyOnceThroughCuts(t *testing.T) {
	t.Parallel()
	alice, bob, cable := pair(t)
	const n = 40
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cutter.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(15 * time.Millisecond):
				cable.Cut()
				cable.Mend()
			}
		}
	})
	for _, m := range numbered(0, n) {
		_, err := bob.Send(t.Context(), "general", m)
		must(t, err)
	}
	close(stop)
	cutter.Wait()
	page, err := alice.History(t.Context(), "general", 0, 200)
	must(t, err)
	var got []string
	for _, m := range slices.Backward(page.Messages) {
		if m.IsMessage() {
			got = append(got, m.Content)
		}
	}
	if !slices.Equal(got, numbered(0, n)) {
		t.Errorf("the log has %v", got)
	}
}

func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	server := serve(t)
	_, err := client.Dial(t.Context(), client.Config{Server: server, User: "alice", Password: "not the password"})
	if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != "unauthenticated" {
		t.Errorf("got %v", err)
	}
	if _, err := client.Dial(t.Context(), client.Config{Server: server, Password: "no token"}); err == nil {
		t.Error("connected as nobody")
	}
	if _, err := client.Dial(t.Context(), client.Config{Server: "gopher://x", User: "alice"}); err == nil {
		t.Error("connected to a gopher")
	}
}

// A changed password ends the client; it does not try again for ever.
func TestNewPasswordClosesTheClient(t *testing.T) {
	t.Parallel()
	_, bob, _ := pair(t)
	go func() {
		for range bob.Events() {
		}
	}()
	// The answer may be lost with the connection.
	_ = bob.Call(t.Context(), "users/me/password", map[string]any{"password": password, "new_password": "another good one"}, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		err := bob.Call(ctx, "info", nil, nil)
		if ctx.Err() != nil {
			t.Fatal("the client goes on with the old password")
		}
		if e, ok := errors.AsType[*client.Error](err); ok && e.Code == "unauthenticated" {
			return
		}
	}
}
