// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// TestSeconds has the server's own seconds pass, over pipes, which know no readiness.
func TestSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newApp()
		srv, err := mqtt.NewServer(mqtt.Config{}, a)
		if err != nil {
			t.Fatal(err)
		}
		open := func() *client {
			ours, theirs := net.Pipe()
			srv.Feed(theirs)
			return newClient(t, ours)
		}
		start := time.Now()
		until := func(c *client) time.Duration { // the server closes
			_ = c.nc.SetReadDeadline(time.Time{})
			b := make([]byte, 1000)
			for {
				if _, err := c.nc.Read(b); err != nil {
					return time.Since(start).Round(time.Second)
				}
			}
		}
		if d := until(open()); d < 10*time.Second || d > 12*time.Second {
			t.Errorf("without CONNECT: cut after %v", d)
		}

		c := open()
		c.login("c", keepAlive(20))
		start = time.Now()
		if d := until(c); d < 30*time.Second || d > 36*time.Second { // a pipe cannot be closed one way: the last words have 2 s
			t.Errorf("keep alive of 20 s: cut after %v", d)
		}
		if end := <-a.closed; !errors.Is(end.cause, mqtt.ErrKeepAlive) {
			t.Errorf("cause %v", end.cause)
		}
		<-a.sessions

		c = open()
		c.login("slow")
		s := <-a.sessions
		s.Send("d", 0, message("never read"), nil)
		start = time.Now()
		end := <-a.closed
		if d := time.Since(start); d < 30*time.Second || d > 33*time.Second || !errors.Is(end.cause, mqtt.ErrSlowReader) {
			t.Errorf("slow reader: cut after %v, %v", d, end.cause)
		}

		c = open()
		c.login("e", expiry(100))
		<-a.sessions
		c.send(packet.AppendDisconnect(nil, c.v, &packet.Disconnect{}))
		<-a.closed
		start = time.Now()
		<-a.ended
		if d := time.Since(start); d < 100*time.Second || d > 106*time.Second {
			t.Errorf("the session ended after %v", d)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
}
