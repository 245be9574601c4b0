// SPDX-License-Identifier: Apache-2.0

//go:build unix

package mqtt_test

import (
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// TestQuiet: who talks keeps the goroutine with the large stack, who is quiet gets a fresh one and misses nothing by it.
func TestQuiet(t *testing.T) {
	t.Parallel()
	a := newApp()
	srv := startUnswept(t, mqtt.Config{}, a)
	c := srv.dial(t)
	c.login("c")
	s := <-a.sessions
	talk := func() {
		t.Helper()
		c.publish("t", 1, 7, "hello")
		if ack := c.expectAck(packet.PUBACK, 7); ack.Code != packet.Success {
			t.Fatalf("refused: %v", ack.Code)
		}
	}
	for range 3 {
		talk()
		srv.Sweep(2) // no second has passed without a word for long enough
		if n := srv.LargeStacks(); n != 1 {
			t.Fatalf("%d connections on a large stack, want the one that talks", n)
		}
		talk()
		srv.Sweep(4)
		eventually(t, "the quiet one has a small stack", func() bool { return srv.LargeStacks() == 0 })
		srv.Sweep(10) // and is left in peace
		c.send(packet.AppendPingreq(nil))
		c.expect(packet.PINGRESP)
		s.Send("d", 0, message("delivery"), nil)
		if p := c.expectPublish(); string(p.Payload) != "delivery" {
			t.Fatalf("got %q", p.Payload)
		}
	}
	c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{}))
	c.expectEnd()
	<-a.closed
}
