// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// token has a user make a token.
func token(t *testing.T, d *systemtest.Device, payload string) (token, id string) {
	t.Helper()
	var made struct {
		Token     string `json:"token"`
		SessionID string `json:"session_id"`
	}
	if err := json.Unmarshal(d.Do("users/me/tokens/create", payload).Packet.Publish.Payload, &made); err != nil {
		t.Fatal(err)
	}
	return made.Token, made.SessionID
}

func refusedAtConnect(t *testing.T, s *systemtest.Server, user, password string) {
	t.Helper()
	if ack := s.Dial(t, user).Connect(mqtttest.As(user, password)); ack.Code != packet.BadUserNameOrPassword {
		t.Errorf("CONNECT as %s: %v", user, ack.Code)
	}
}

// A revoked token ends the connections that it opened and no others, at once and for good.
func TestRevokedTokens(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	secret, id := token(t, bob, `{"name":"phone"}`)
	phone := s.Dial(t, "bob")
	phone.Login(mqtttest.As("bob", secret))
	phone.Listen(1)
	bob.Do("users/me/sessions/revoke", `{"session_id":"`+id+`"}`)
	phone.EndsWith(packet.NotAuthorized)
	refusedAtConnect(t, s, "bob", secret)
	if e := bob.Next(systemtest.Kind("account_moderated")); e.Seq == 0 {
		t.Errorf("bob's other device is told %+v", e)
	}
	alice.Say("r", "still there")
	bob.Next(systemtest.Says("still there"))
	s.Restart()
	refusedAtConnect(t, s, "bob", secret)
	s.Device(t, "bob").Ping()
}

// A device is removed with what the server kept of it, and with the token that it came with.
func TestRevokedDevices(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	secret, _ := token(t, bob, `{"name":"lost"}`)
	options := []mqtttest.Option{mqtttest.As("bob", secret), mqtttest.ID("lost"), mqtttest.Keep(3600)}
	lost := s.Dial(t, "bob")
	lost.Login(options...)
	lost.Listen(1)
	away := s.Device(t, "bob", mqtttest.ID("away"), mqtttest.Keep(3600))
	away.Disconnect()
	bob.Do("users/me/sessions/revoke", `{"session_id":"mqtt:lost"}`)
	lost.EndsWith(packet.NotAuthorized)
	refusedAtConnect(t, s, "bob", secret)
	bob.Do("users/me/sessions/revoke", `{"session_id":"mqtt:away"}`)
	alice.Say("r", "missed")
	for _, id := range []string{"lost", "away"} {
		d := s.Dial(t, "bob")
		if d.Login(mqtttest.As("bob", s.Token("bob")), mqtttest.ID(id), mqtttest.Keep(3600)).SessionPresent {
			t.Errorf("the session %q is still there", id)
		}
	}
	bob.Refused("not_found", "users/me/sessions/revoke", `{"session_id":"mqtt:nobody"}`)
}

// What a token was not made for it does not do, over MQTT too.
func TestNarrowedTokens(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	reads, _ := token(t, bob, `{"name":"display","scopes":["read"]}`)
	sends, _ := token(t, bob, `{"name":"sensor","scopes":["send"]}`)
	display := s.Dial(t, "bob")
	display.Login(mqtttest.As("bob", reads))
	display.Listen(1)
	display.Refused("forbidden", "message/r", `{"content":"hello"}`)
	display.Refused("forbidden", "users/me/tokens/create", `{"name":"more"}`)
	display.Do("history/r", `{}`)
	alice.Say("r", "for displays")
	display.Next(systemtest.Says("for displays"))

	// A session that was subscribed with a full token gives nothing to a narrow one, and loses nothing by it.
	full := s.Device(t, "bob", mqtttest.ID("shared"), mqtttest.Keep(3600))
	full.AcknowledgeByHand()
	unacknowledged := alice.Say("r", "unacknowledged").Seq
	full.Next(systemtest.Says("unacknowledged"))
	full.Lose()
	sensor := s.Dial(t, "bob")
	if !sensor.Login(mqtttest.As("bob", sends), mqtttest.ID("shared"), mqtttest.Keep(3600)).SessionPresent {
		t.Error("the session is gone")
	}
	for _, filter := range []string{"#", "messages", "rooms/r", "rooms/+", "+/r", "+"} {
		if codes := sensor.Subscribe(1, sensor.Topic(filter)); codes[0] != packet.NotAuthorized {
			t.Errorf("%s: SUBACK %v", filter, codes)
		}
	}
	if codes := sensor.Subscribe(1, sensor.Topic("replies")); codes[0] != 1 {
		t.Errorf("replies: SUBACK %v", codes)
	}
	sensor.Do("message/r", `{"content":"measured"}`)
	sensor.Refused("forbidden", "history/r", `{}`)
	alice.Say("r", "not for sensors")
	sensor.Ping()
	if p := sensor.TakeNow(systemtest.IsDelivery); p != nil {
		t.Errorf("the sensor is sent %v", p)
	}
	sensor.Disconnect()
	again := s.Device(t, "bob", mqtttest.ID("shared"), mqtttest.Keep(3600))
	if err := systemtest.Dense(present(t, alice, again), unacknowledged); err != nil {
		t.Errorf("the device that may read misses something: %v", err)
	}
}
