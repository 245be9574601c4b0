// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/mqtt/packet"
)

// The generators draw whatever the standard allows, in the form in which decoding yields it: absent is nil, empty or 0.

var (
	text     = rapid.StringOfN(rapid.Rune().Filter(func(r rune) bool { return r != 0 && (r < 0xD800 || r > 0xDFFF) }), 0, 40, -1)
	someText = text.Filter(func(s string) bool { return s != "" })
	topics   = rapid.StringMatching(`[a-zé$][a-z/$ ü]{0,160}`)
	filters  = rapid.StringMatching(`([a-zé]{1,4}|\+)(/([a-z]{0,4}|\+)){0,3}(/#)?`)
	data     = rapid.SliceOfN(rapid.Byte(), 0, 200)
	packetID = rapid.Uint16Min(1)
	bit      = rapid.ByteRange(0, 1)
)

// maybe draws from g, or the zero value half of the time.
func maybe[T any](t *rapid.T, name string, g *rapid.Generator[T]) T {
	var zero T
	if rapid.Bool().Draw(t, name+" given") {
		return g.Draw(t, name)
	}
	return zero
}

// maybeNew is maybe for fields where nil means absent.
func maybeNew[T any](t *rapid.T, name string, g *rapid.Generator[T]) *T {
	if rapid.Bool().Draw(t, name+" given") {
		return new(g.Draw(t, name))
	}
	return nil
}

func users(t *rapid.T) []packet.UserProperty {
	var u []packet.UserProperty
	for range rapid.IntRange(0, 4).Draw(t, "user properties") {
		u = append(u, packet.UserProperty{Name: text.Draw(t, "name"), Value: text.Draw(t, "value")})
	}
	return u
}

func messageProperties(t *rapid.T) packet.Properties {
	return packet.Properties{
		PayloadFormat:   bit.Draw(t, "payload format"),
		MessageExpiry:   maybeNew(t, "message expiry", rapid.Uint32()),
		ContentType:     text.Draw(t, "content type"),
		ResponseTopic:   maybe(t, "response topic", topics),
		CorrelationData: maybe(t, "correlation data", data),
		User:            users(t),
	}
}

func connectionProperties(t *rapid.T) packet.Properties {
	p := packet.Properties{
		SessionExpiry:     maybeNew(t, "session expiry", rapid.Uint32()),
		ReceiveMaximum:    rapid.Uint16().Draw(t, "receive maximum"),
		TopicAliasMaximum: rapid.Uint16().Draw(t, "topic alias maximum"),
		MaximumPacketSize: rapid.Uint32().Draw(t, "maximum packet size"),
		User:              users(t),
	}
	if rapid.Bool().Draw(t, "authentication") {
		p.AuthMethod = someText.Draw(t, "authentication method")
		p.AuthData = maybe(t, "authentication data", data)
	}
	return p
}

func ackProperties(t *rapid.T) packet.Properties {
	return packet.Properties{ReasonString: text.Draw(t, "reason string"), User: users(t)}
}

// code draws a reason code that packets of type k may carry.
func code(t *rapid.T, v packet.Version, k packet.Type) packet.ReasonCode {
	return rapid.Custom(func(t *rapid.T) packet.ReasonCode { return packet.ReasonCode(rapid.Byte().Draw(t, "code")) }).
		Filter(func(c packet.ReasonCode) bool {
			if v != v5 && k == packet.CONNACK {
				return c == 0 || c >= packet.UnsupportedProtocolVersion && c <= packet.ServerUnavailable
			}
			if v != v5 && k == packet.SUBACK {
				return c <= packet.GrantedQoS2 || c == packet.UnspecifiedError
			}
			return c.AllowedIn(k)
		}).Draw(t, "reason code")
}

// drawPacket draws a packet of type k for version v.
func drawPacket(t *rapid.T, v packet.Version, k packet.Type) any {
	five := v == v5
	switch k {
	case packet.CONNECT:
		c := packet.Connect{Version: v, CleanStart: true, KeepAlive: rapid.Uint16().Draw(t, "keep alive"),
			ClientID: text.Draw(t, "client id"), Username: maybeNew(t, "user name", text)}
		if five || c.ClientID != "" {
			c.CleanStart = rapid.Bool().Draw(t, "clean start")
		}
		if five || c.Username != nil {
			c.Password = maybe(t, "password", data)
		}
		if rapid.Bool().Draw(t, "will") {
			c.Will = &packet.Will{Topic: topics.Draw(t, "will topic"), Payload: data.Draw(t, "will payload"),
				QoS: rapid.ByteRange(0, 2).Draw(t, "will QoS"), Retain: rapid.Bool().Draw(t, "will retain")}
		}
		if five {
			c.Properties = connectionProperties(t)
			c.Properties.RequestProblemInfo = maybeNew(t, "request problem information", bit)
			c.Properties.RequestResponseInfo = bit.Draw(t, "request response information")
			if c.Will != nil {
				c.Will.Properties = messageProperties(t)
				c.Will.Properties.WillDelay = rapid.Uint32().Draw(t, "will delay")
			}
		}
		return c
	case packet.CONNACK:
		c := packet.Connack{Code: code(t, v, k)}
		c.SessionPresent = !c.Code.Failed() && rapid.Bool().Draw(t, "session present")
		if five {
			p := connectionProperties(t)
			p.AssignedClientID = text.Draw(t, "assigned client id")
			p.ServerKeepAlive = maybeNew(t, "server keep alive", rapid.Uint16())
			p.ResponseInfo = text.Draw(t, "response information")
			p.ServerReference = text.Draw(t, "server reference")
			p.ReasonString = text.Draw(t, "reason string")
			p.MaximumQoS = maybeNew(t, "maximum QoS", bit)
			p.RetainAvailable = maybeNew(t, "retain available", bit)
			p.WildcardSubAvailable = maybeNew(t, "wildcard subscription available", bit)
			p.SubIDAvailable = maybeNew(t, "subscription identifiers available", bit)
			p.SharedSubAvailable = maybeNew(t, "shared subscription available", bit)
			c.Properties = p
		}
		return c
	case packet.PUBLISH:
		p := packet.Publish{QoS: rapid.ByteRange(0, 2).Draw(t, "QoS"), Retain: rapid.Bool().Draw(t, "retain"),
			Topic: topics.Draw(t, "topic"), Payload: data.Draw(t, "payload")}
		if p.QoS > 0 {
			p.PacketID = packetID.Draw(t, "packet id")
			p.Dup = rapid.Bool().Draw(t, "dup")
		}
		if five {
			p.Properties = messageProperties(t)
			p.Properties.SubscriptionIDs = maybe(t, "subscription ids",
				rapid.SliceOfN(rapid.Uint32Range(1, packet.MaxLength), 1, 3))
			p.Properties.TopicAlias = rapid.Uint16().Draw(t, "topic alias")
			if p.Properties.TopicAlias != 0 && rapid.Bool().Draw(t, "alias only") {
				p.Topic = ""
			}
		}
		return p
	case packet.PUBACK, packet.PUBREC, packet.PUBREL, packet.PUBCOMP:
		a := packet.Ack{PacketID: packetID.Draw(t, "packet id")}
		if five {
			a.Code, a.Properties = code(t, v, k), ackProperties(t)
		}
		return a
	case packet.SUBSCRIBE:
		s := packet.Subscribe{PacketID: packetID.Draw(t, "packet id")}
		if five {
			s.Properties = packet.Properties{User: users(t),
				SubscriptionIDs: maybe(t, "subscription id", rapid.SliceOfN(rapid.Uint32Range(1, packet.MaxLength), 1, 1))}
		}
		for range rapid.IntRange(1, 4).Draw(t, "subscriptions") {
			sub := packet.Subscription{Filter: filters.Draw(t, "filter"), QoS: rapid.ByteRange(0, 2).Draw(t, "QoS")}
			if five {
				sub.NoLocal = rapid.Bool().Draw(t, "no local")
				sub.RetainAsPublished = rapid.Bool().Draw(t, "retain as published")
				sub.RetainHandling = rapid.ByteRange(0, 2).Draw(t, "retain handling")
				if !sub.NoLocal && rapid.Bool().Draw(t, "shared") {
					sub.Filter = "$share/group/" + sub.Filter
				}
			}
			s.Subscriptions = append(s.Subscriptions, sub)
		}
		return s
	case packet.SUBACK, packet.UNSUBACK:
		s := packet.Suback{PacketID: packetID.Draw(t, "packet id")}
		if five {
			s.Properties = ackProperties(t)
		}
		if five || k == packet.SUBACK {
			for range rapid.IntRange(1, 4).Draw(t, "codes") {
				s.Codes = append(s.Codes, code(t, v, k))
			}
		}
		return s
	case packet.UNSUBSCRIBE:
		u := packet.Unsubscribe{PacketID: packetID.Draw(t, "packet id"), Filters: rapid.SliceOfN(filters, 1, 4).Draw(t, "filters")}
		if five {
			u.Properties.User = users(t)
		}
		return u
	case packet.DISCONNECT:
		var d packet.Disconnect
		if five {
			d.Code, d.Properties = code(t, v, k), ackProperties(t)
			d.Properties.SessionExpiry = maybeNew(t, "session expiry", rapid.Uint32())
			d.Properties.ServerReference = text.Draw(t, "server reference")
		}
		return d
	case packet.AUTH:
		a := packet.Auth{Code: code(t, v, k), Properties: ackProperties(t)}
		a.Properties.AuthMethod = someText.Draw(t, "authentication method")
		a.Properties.AuthData = maybe(t, "authentication data", data)
		return a
	}
	return nil // a ping
}

// TestRoundTrip: what was encoded is decoded as it was.
func TestRoundTrip(t *testing.T) {
	for k := packet.CONNECT; k <= packet.AUTH; k++ {
		for _, v := range []packet.Version{v4, v5} {
			if k == packet.AUTH && v == v4 {
				continue
			}
			t.Run(v.String()+" "+k.String(), func(t *testing.T) {
				rapid.Check(t, func(t *rapid.T) {
					want := typed{k, drawPacket(t, v, k)}
					b := encode(v, want)
					got, err := decode(v, b)
					if err != nil {
						t.Fatalf("% x: %v", b, err)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Fatalf("% x (-want +got):\n%s", b, diff)
					}
				})
			})
		}
	}
}

// TestPublishTo: the quick way of fan-out makes the same bytes as the plain one, of the size that was foretold, and the
// struct used again holds nothing of the packet before.
func TestPublishTo(t *testing.T) {
	var reused packet.Publish
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.SampledFrom([]packet.Version{v4, v5}).Draw(t, "version")
		p := drawPacket(t, v, packet.PUBLISH).(packet.Publish)
		p.Retain = false
		want := packet.AppendPublish(nil, v, &p)
		properties := packet.AppendProperties(nil, &p.Properties)
		got := packet.AppendPublishTo(nil, v, p.Topic, p.QoS, p.PacketID, p.Dup, properties, p.Payload)
		if !bytes.Equal(want, got) {
			t.Fatalf("AppendPublishTo made % x, AppendPublish % x", got, want)
		}
		if size := packet.PublishSize(v, len(p.Topic), p.QoS, len(properties), len(p.Payload)); size != len(got) {
			t.Fatalf("PublishSize is %d, the packet has %d bytes", size, len(got))
		}
		h, n, err := packet.ReadHeader(got)
		if err != nil {
			t.Fatal(err)
		}
		if err := packet.DecodePublish(v, h.Flags, got[n:], &reused); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(p, reused); diff != "" {
			t.Fatalf("into the struct used before (-want +got):\n%s", diff)
		}
	})
}
