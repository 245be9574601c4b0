// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"testing"
	"time"

	"parley/client"
	"parley/internal/admin"
	"parley/internal/app"
)

// patience is how long nothing here takes, even with the race detector on a machine that has other things to do.
const patience = 2 * time.Minute

func code(err error) string {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	return ""
}

// A topic that MQTT does not allow ends the connection; asked for again and again it would never be answered.
func TestWhatCannotBeARouteIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	_, bob, _ := pair(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, room := range []string{"", "a+b", "#", "a/b", "a\x00b", "\xff", "@", "@a/b", "@+"} {
		if _, err := bob.Send(ctx, room, "hello"); code(err) != "bad_request" {
			t.Errorf("sending to %q: %v", room, err)
		}
	}
	if _, err := bob.History(ctx, "a/b", 0, 1); code(err) != "bad_request" {
		t.Errorf("history: %v", err)
	}
	if err := bob.Join(ctx, "+"); code(err) != "bad_request" {
		t.Errorf("joining: %v", err)
	}
	bob.Signal("typing/+/start", nil)
	if _, err := bob.Send(ctx, "general", "still here"); err != nil {
		t.Error(err)
	}
}

// A token that may only send is enough to send.
func TestTokenThatMayNotRead(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir := t.TempDir()
	server, end, err := begin(ctx, dir)
	must(t, err)
	t.Cleanup(func() {
		if err := end(); err != nil {
			t.Error(err)
		}
	})
	alice := dial(t, server, "alice")
	must(t, alice.Call(ctx, "rooms/create", map[string]any{"room_id": "general", "name": "General"}, nil))

	ops, err := app.Connect(ctx, dir, false, slog.New(slog.DiscardHandler))
	must(t, err)
	tokens, err := ops.Tokens(ctx, []admin.UserID{"alice"}, admin.NewToken{Scopes: []string{"send"}, TTL: time.Hour})
	must(t, errors.Join(err, ops.Close()))

	sender, err := client.Dial(ctx, client.Config{Server: server, Password: tokens[0]})
	must(t, err)
	if s, err := sender.Send(ctx, "general", "the build is green"); err != nil || s.Room != "general" {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := sender.History(ctx, "general", 0, 1); code(err) != "forbidden" {
		t.Errorf("it read: %v", err)
	}
	must(t, sender.Close())
}

// Whoever gives up on a server that says nothing, or says too little, leaves no connection behind.
func TestServerThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	for name, greeting := range map[string][]byte{
		"no CONNACK": nil,
		"no SUBACK":  {0x20, 3, 0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, err := net.Listen("tcp", "127.0.0.1:0")
			must(t, err)
			defer l.Close()
			connected, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				c, err := l.Accept()
				if err != nil {
					ended <- err
					return
				}
				defer c.Close()
				_, err = c.Write(greeting)
				close(connected)
				if err == nil {
					_, err = io.Copy(io.Discard, c)
				}
				ended <- err
			}()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-connected
				cancel()
			}()
			if _, err := client.Dial(ctx, client.Config{Server: l.Addr().String(), User: "bob", Password: password}); !errors.Is(err, context.Canceled) {
				t.Errorf("Dial: %v", err)
			}
			select {
			case <-ended: // with or without a reset
			case <-time.After(patience):
				t.Error("the connection is still there")
			}
		})
	}
}

func TestDialAfterTheEnd(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Dial(ctx, client.Config{Server: serve(t), User: "bob", Password: password}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Closing is told once, may be done twice and by several, and ends whatever waits.
func TestClose(t *testing.T) {
	t.Parallel()
	told := make(chan error, 10)
	c, err := client.Dial(t.Context(), client.Config{Server: serve(t), User: "bob", Password: password, State: func(s client.State, err error) {
		if s == client.Closed {
			told <- err
		}
	}})
	must(t, err)
	closed := make(chan error, 4)
	for range cap(closed) {
		go func() { closed <- c.Close() }()
	}
	for range cap(closed) {
		must(t, <-closed)
	}
	if len(told) != 1 || <-told != nil {
		t.Errorf("the closing was told %d times", len(told))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := c.Send(ctx, "general", "hello"); err == nil || ctx.Err() != nil {
		t.Errorf("sending after the end: %v", err)
	}
	c.Signal("presence/online", nil)
	if _, open := <-c.Events(); open || c.Err() != nil {
		t.Errorf("events go on, or it ended with %v", c.Err())
	}
}
