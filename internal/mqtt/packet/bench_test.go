// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"bytes"
	"testing"

	"parley/internal/mqtt/packet"
)

const benchTopic = "chat/user/alice/messages"

var benchPayload = bytes.Repeat([]byte("x"), 250)

func BenchmarkAppendPublishTo(b *testing.B) {
	properties := packet.AppendProperties(nil, &packet.Properties{ContentType: "application/json"})
	for _, v := range []packet.Version{v4, v5} {
		b.Run(v.String(), func(b *testing.B) {
			dst := make([]byte, 0, 1024)
			b.ReportAllocs()
			for b.Loop() {
				dst = packet.AppendPublishTo(dst[:0], v, benchTopic, 1, 7, false, properties, benchPayload)
			}
		})
	}
}

func BenchmarkDecodePublish(b *testing.B) {
	for _, c := range []struct {
		name       string
		version    packet.Version
		properties packet.Properties
	}{
		{"3.1.1", v4, packet.Properties{}},
		{"5.0", v5, packet.Properties{}},
		{"5.0 request", v5, packet.Properties{ContentType: "application/json", ResponseTopic: "chat/user/alice/replies",
			CorrelationData: []byte("0123456789abcdef"), User: []packet.UserProperty{{Name: "client_msg_id", Value: "0123456789"}}}},
	} {
		b.Run(c.name, func(b *testing.B) {
			whole := packet.AppendPublish(nil, c.version, &packet.Publish{Topic: benchTopic, QoS: 1, PacketID: 7,
				Properties: c.properties, Payload: benchPayload})
			var p packet.Publish
			b.ReportAllocs()
			for b.Loop() {
				h, n, err := packet.ReadHeader(whole)
				if err != nil {
					b.Fatal(err)
				}
				p.Topic = "" // the topic differs each time
				if err := packet.DecodePublish(c.version, h.Flags, whole[n:], &p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecodeAck(b *testing.B) {
	body := []byte{0, 7}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := packet.DecodeAck(v5, packet.PUBACK, body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if !packet.Match("chat/user/+/#", benchTopic) {
			b.Fatal("no match")
		}
	}
}
