// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"parley/client"
	"parley/test/systemtest"
)

// What comes while the bridge is up, what came while it was not, and what it does not know to have copied: each is copied once.
func TestCopiesOnce(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	alice, bob := s.Device(t, "alice"), s.Device(t, "bob")
	alice.Create("from", "public", bob)
	alice.Create("to", "public", bob)
	file := filepath.Join(t.TempDir(), "place")
	start := func() (stop func()) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		cfg := client.Config{Server: s.Addr("mqtt"), Password: s.Token("bob")}
		go func() { ended <- run(ctx, cfg, cfg, &bridge{from: "from", to: "to", file: file}) }()
		s.Until("feed_subscriptions", func(n float64) bool { return n == 4 }) // ours, and the bridge's two
		return func() {
			cancel()
			if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			s.Until("feed_subscriptions", func(n float64) bool { return n == 2 })
		}
	}
	next := 0
	arrives := func(n int) {
		t.Helper()
		for range n {
			e := alice.Next(func(e *systemtest.Event) bool { return e.RoomID == "to" && e.Type == "text" })
			if e.Content != fmt.Sprint("Alice: ", next) || e.SenderID != "bob" {
				t.Errorf("%s copied %q, want number %d", e.SenderID, e.Content, next)
			}
			next++
		}
	}
	said := 0
	say := func(n int) {
		for range n {
			alice.Say("from", fmt.Sprint(said))
			said++
		}
	}
	stop := start()
	say(3)
	arrives(3)
	stop()
	old, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	say(70) // more than a page
	stop = start()
	say(2)
	arrives(72)
	stop()
	if err := os.WriteFile(file, old, 0o600); err != nil { // it was killed before it noted what it had done
		t.Fatal(err)
	}
	stop = start()
	say(1)
	arrives(1)
	stop()
}
