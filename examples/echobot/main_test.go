// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"testing"

	"parley/client"
	"parley/test/systemtest"
)

func TestEchoes(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	alice := s.Device(t, "alice")
	alice.Create("r", "public", s.Device(t, "bob"))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, client.Config{Server: s.Addr("mqtt"), Password: s.Token("bob")})
	}()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	s.Until("connections", func(n float64) bool { return n == 3 }) // alice's, bob's and the bot's
	s.Until("feed_subscriptions", func(n float64) bool { return n == 3 })
	alice.Say("r", "nothing to do with it")
	asked := alice.Say("r", "!echo one")
	if e := alice.Next(systemtest.Says("one")); e.SenderID != "bob" || e.ThreadID != asked.MessageID {
		t.Errorf("the answer is %+v", e)
	}
}
