// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"io"
	"net"
	"testing"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// FuzzServe feeds bytes to a connection, in pieces of a size, before or after a valid CONNECT: the server never fails and lets
// the connection go in the end, and all its counts come back to nothing.
func FuzzServe(f *testing.F) {
	for _, v := range []packet.Version{packet.V311, packet.V5} {
		var all []byte
		for name, b := range requests(v) {
			f.Add(b, uint8(v), uint8(7))
			if name != "CONNECT" && name != "DISCONNECT" && name != "AUTH" {
				all = append(all, b...)
			}
		}
		f.Add(all, uint8(v), uint8(255))
	}
	f.Fuzz(func(t *testing.T, in []byte, version, piece uint8) {
		a := newApp()
		srv, err := mqtt.NewUnswept(mqtt.Config{MaxPacketSize: 4096, QueueLength: 8, Store: newMemory()}, a)
		if err != nil {
			t.Fatal(err)
		}
		a.publish = func(s *mqtt.Session, p *packet.Publish, ack *mqtt.Ack) {
			s.Send(p.Topic, p.QoS, &mqtt.Message{Payload: append([]byte(nil), p.Payload...)}, nil)
			ack.Reply(p.Topic, p.QoS, message("reply"))
			if len(p.Payload)%5 == 4 {
				ack.Fail()
				return
			}
			ack.Done(packet.ReasonCode(len(p.Topic)), "reason", nil)
		}
		client, server := net.Pipe()
		srv.Feed(server)
		discarded := goServe(func() error {
			_, err := io.Copy(io.Discard, client)
			return err
		})
		if v := packet.Version(version); v == packet.V311 || v == packet.V5 {
			_, _ = client.Write(packet.AppendConnect(nil, &packet.Connect{Version: v, CleanStart: version%2 == 0, ClientID: "fuzz",
				Will: &packet.Will{Topic: "will"}, Properties: packet.Properties{SessionExpiry: new(uint32(60))}}))
		}
		size := max(1, int(piece))
		for rest := in; len(rest) > 0; rest = rest[min(len(rest), size):] {
			if _, err := client.Write(rest[:min(len(rest), size)]); err != nil {
				break
			}
		}
		_ = client.Close()
		<-discarded
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := srv.Shutdown(ctx); err != nil {
			t.Fatal(err)
		}
		if st := srv.Stats(); st.Connections["tcp"].Open != 0 || st.Unauthenticated != 0 {
			t.Errorf("%+v", st)
		}
		for len(a.sessions) > len(a.closed) {
			t.Fatalf("%d opened, %d closed", len(a.sessions), len(a.closed))
		}
	})
}
