// SPDX-License-Identifier: Apache-2.0

package packet_test

import (
	"testing"

	"parley/internal/mqtt/packet"
)

func TestReturnCode(t *testing.T) {
	want := map[packet.ReasonCode]byte{
		packet.UnsupportedProtocolVersion: 1,
		packet.ClientIDNotValid:           2,
		packet.ServerUnavailable:          3,
		packet.ServerBusy:                 3,
		packet.QuotaExceeded:              3,
		packet.ConnectionRateExceeded:     3,
		packet.UseAnotherServer:           3,
		packet.UnspecifiedError:           3,
		packet.BadUserNameOrPassword:      4,
		packet.NotAuthorized:              5,
		packet.Banned:                     5,
		packet.BadAuthenticationMethod:    5,
	}
	for c, code := range want {
		if got := c.ReturnCode(); got != code {
			t.Errorf("%v becomes %d, want %d", c, got, code)
		}
	}
	for i := range 256 {
		c := packet.ReasonCode(i)
		if got := c.ReturnCode(); got > 5 || (got == 0) == c.Failed() {
			t.Errorf("%v becomes %d", c, got)
		}
	}
}

// TestReasonTable counts the rows of section 2.4: every code has a name of its own and a packet to stand in. (Section 3.14 has
// one row less for DISCONNECT, bad authentication method.)
func TestReasonTable(t *testing.T) {
	rows := map[packet.Type]int{
		packet.CONNACK: 22, packet.PUBACK: 9, packet.PUBREC: 9, packet.PUBREL: 2, packet.PUBCOMP: 2, packet.SUBACK: 12,
		packet.UNSUBACK: 7, packet.DISCONNECT: 30, packet.AUTH: 3,
	}
	names := make(map[string]packet.ReasonCode)
	for i := range 256 {
		c := packet.ReasonCode(i)
		allowed := false
		for k := packet.Type(0); k < 20; k++ {
			if c.AllowedIn(k) {
				rows[k]--
				allowed = true
			}
		}
		if !allowed {
			continue
		}
		if other, taken := names[c.String()]; taken {
			t.Errorf("%#x and %#x are both called %q", i, byte(other), c)
		}
		names[c.String()] = c
	}
	if len(names) != 43 {
		t.Errorf("%d codes, want 43", len(names))
	}
	for k, left := range rows {
		if left != 0 {
			t.Errorf("%v: %d codes too few", k, left)
		}
	}
	if got := packet.ReasonCode(0x42).String(); got != "reason code 0x42" {
		t.Errorf("an unknown code is called %q", got)
	}
}

func TestNames(t *testing.T) {
	for k, want := range map[packet.Type]string{0: "reserved", packet.CONNECT: "CONNECT", packet.UNSUBSCRIBE: "UNSUBSCRIBE",
		packet.UNSUBACK: "UNSUBACK", packet.AUTH: "AUTH", 16: "reserved", 255: "reserved"} {
		if got := k.String(); got != want {
			t.Errorf("type %d is called %q, want %q", byte(k), got, want)
		}
	}
	err := &packet.Error{Code: packet.MalformedPacket, Reason: "QoS: 3 [MQTT-3.3.1-4]"}
	if got, want := err.Error(), "mqtt: malformed packet: QoS: 3 [MQTT-3.3.1-4]"; got != want {
		t.Errorf("the error reads %q, want %q", got, want)
	}
}
