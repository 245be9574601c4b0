// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// since takes all that a device is told of room r from a seq on, up to and including an event of that type.
func since(t *testing.T, d *systemtest.Device, seq uint64, last string) (events []map[string]any) {
	t.Helper()
	for _, e := range systemtest.Of("r", d.UpTo(systemtest.Kind(last))) {
		if e.Seq < seq {
			continue
		}
		var fields map[string]any
		if err := json.Unmarshal(e.Packet.Publish.Payload, &fields); err != nil {
			t.Fatal(err)
		}
		events = append(events, fields)
	}
	return events
}

func kindsOf(events []map[string]any) string {
	var out []string
	for _, e := range events {
		out = append(out, e["type"].(string))
	}
	return strings.Join(out, " ")
}

// Section 5, messages: a message is written, mended, reacted to, pinned, reported and deleted. Who is there hears of each step;
// who was away hears of the same steps, and of no text that is gone.
func TestTheLifeOfAMessage(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	tablet := func() *systemtest.Device { return s.Device(t, "bob", mqtttest.ID("tablet"), mqtttest.Keep(3600)) }
	away := tablet()
	away.Disconnect()

	sent := bob.Do("message/r", `{"content":"a secrte for @alice"}`)
	message := "message/" + sent.MessageID
	if e := alice.Next(systemtest.Says("a secrte for @alice")); !strings.Contains(string(e.Packet.Publish.Payload), `"mentions":["alice"]`) {
		t.Errorf("alice is not mentioned: %s", e.Packet.Publish.Payload)
	}
	alice.Refused("forbidden", message+"/edit", `{"content":"mine"}`)
	if r := bob.Do(message+"/edit", `{"content":"a secret for @alice"}`); r.Status != "message_edited" || r.Seq != sent.Seq+1 {
		t.Errorf("edited: %+v", r)
	}
	alice.Do(message+"/react", `{"emoji":"❤"}`)
	alice.Do(message+"/react", `{"emoji":"👍"}`)
	alice.Do(message+"/unreact", `{"emoji":"👍"}`)
	alice.Do(message+"/pin", ``)
	if r := alice.Do(message+"/reply", `{"content":"hm"}`); r.Status != "message_sent" {
		t.Errorf("answered: %+v", r)
	}
	if r := alice.Do(message+"/report", `{"reason":"too secret"}`); r.Status != "reported" {
		t.Errorf("reported: %+v", r)
	}
	if r := bob.Do(message+"/delete", ``); r.Status != "message_deleted" {
		t.Errorf("deleted: %+v", r)
	}
	bob.Refused("conflict", message+"/edit", `{"content":"again"}`)

	const steps = "message_edited reaction_added reaction_added reaction_removed message_pinned text message_deleted"
	live := since(t, alice, sent.Seq+1, "message_deleted")
	if kinds := kindsOf(live); kinds != steps {
		t.Errorf("alice hears of %s", kinds)
	}
	if live[0]["content"] != "a secret for @alice" || live[0]["message_id"] != sent.MessageID || live[1]["emoji"] != "❤\uFE0F" {
		t.Errorf("alice hears %v, %v", live[0], live[1])
	}
	later := since(t, tablet(), sent.Seq, "message_deleted")
	if kinds := kindsOf(later); kinds != "text "+steps {
		t.Errorf("who was away hears of %s", kinds)
	}
	for _, e := range later {
		if text, _ := json.Marshal(e); strings.Contains(string(text), "secr") {
			t.Errorf("who was away gets the deleted text: %s", text)
		}
	}
	if later[0]["deleted"] != true || later[0]["content"] != "" {
		t.Errorf("no tombstone: %v", later[0])
	}
	history := alice.Do("history/r", `{"limit":2}`)
	if !slices.ContainsFunc(systemtest.Pointers(history.Messages), func(e *systemtest.Event) bool { return e.ID == sent.MessageID && e.Content == "" }) {
		t.Errorf("the history has %+v", history.Messages)
	}
}
