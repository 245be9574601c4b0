// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"testing"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// Section 4, order, and the group commit: a connection with many unacknowledged publishes gets them acknowledged in the order of
// arrival, and pays for few commits.
func TestManyPublishesFewCommits(t *testing.T) {
	t.Parallel()
	const many = 64
	s := systemtest.Start(t, systemtest.Config{})
	alice, bob := s.Device(t, "alice"), s.Device(t, "bob")
	alice.Create("r", "public", bob)
	before := s.Metric("commits_total")

	var segment []byte
	var ids []uint16
	for i := range many {
		var id uint16
		segment, id = alice.Encode(segment, "chat/message/r", 1, fmt.Sprintf("message %d", i))
		ids = append(ids, id)
	}
	alice.Send(segment)
	last := -1
	for _, id := range ids {
		ack := alice.Ack(id)
		if ack.Ack.Code != 0 {
			t.Fatalf("acknowledged %v", ack.Ack.Code)
		}
		if ack.Index < last {
			t.Fatalf("the acknowledgement of %d overtook another", id)
		}
		last = ack.Index
	}
	if commits := s.Metric("commits_total") - before; commits > 8 || commits < 1 {
		t.Errorf("%d publishes of one segment took %v commits, want 1 to 8", many, commits)
	}
	for i, e := range systemtest.Of("r", bob.UpTo(systemtest.Says(fmt.Sprintf("message %d", many-1))))[1:] { // behind the joining
		if want := fmt.Sprintf("message %d", i); e.Content != want {
			t.Fatalf("delivered %q, want %q", e.Content, want)
		}
	}
}

// The replies of the same publishes come in their order too, each before its acknowledgement.
func TestRepliesKeepTheOrder(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	for _, version := range []mqtttest.Option{func(p *connect) {}, mqtttest.V311} {
		alice := s.Device(t, "alice", version, mqtttest.ID("a"))
		room := fmt.Sprintf("r%d", alice.Version())
		alice.Create(room, "public")
		var segment []byte
		var ids []uint16
		for i := range 40 {
			text := fmt.Sprintf(`{"request_id":%d,"content":"x"}`, i)
			if i%4 == 3 {
				text = fmt.Sprintf(`{"request_id":%d,"content":""}`, i) // refused at once, yet in its turn
			}
			var id uint16
			segment, id = alice.Encode(segment, "chat/message/"+room, 1, text)
			ids = append(ids, id)
		}
		alice.Send(segment)
		last := -1
		for i, id := range ids {
			reply, ack := alice.Reply(float64(i)), alice.Ack(id)
			if (i%4 == 3) != (reply.Error.Code == "bad_request") {
				t.Fatalf("reply %d is %s %+v", i, reply.Status, reply.Error)
			}
			if reply.Packet.Index < last || ack.Index < reply.Packet.Index {
				t.Fatalf("reply and acknowledgement %d came as packets %d and %d, those before ended at %d", i, reply.Packet.Index, ack.Index, last)
			}
			last = ack.Index
		}
	}
}
