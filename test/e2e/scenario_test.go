// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"parley/test/parleytest"
)

// scenarioLimit bounds one client's scenario.
const scenarioLimit = 3 * time.Minute

// TestForeignClients shows of each foreign client: it sends and receives; it
// is away for 1000 messages, a crash and a restart of the server, and comes
// back to all of them in order.
func TestForeignClients(t *testing.T) {
	binary, err := parleytest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range drivers() {
		t.Run(d.name(), func(t *testing.T) {
			require(t, d.needs()...)
			s := parleytest.New(t, parleytest.Config{Binary: binary})
			s.AddUser("alice", "the password of alice")
			s.AddUser("bob", "the password of bob")
			s.Start()
			alice, bob := s.Token("alice"), s.Token("bob")
			s.Post(alice, "rooms/create", map[string]any{"name": "General", "room_id": "general"})
			s.Post(bob, "rooms/join/general", nil)
			awayAndBack(t, d, stage{
				broker:  broker{tcp: s.Addr("mqtt"), ws: "ws://" + s.Addr("http") + "/mqtt"},
				sender:  login{user: "alice", password: "the password of alice", clientID: "laptop"},
				reader:  login{user: "bob", password: "the password of bob", clientID: "phone"},
				topic:   "chat/message/general",
				filter:  "chat/user/bob/#",
				text:    roomText("general", "alice"),
				crash:   func() { s.Kill(); s.Start() },
				restart: func() { s.Stop(); s.Start() },
			})
		})
	}
}

// roomText picks the text messages of one room and sender out of what a user
// is sent.
func roomText(room, sender string) func(string) (seq int, text string, ok bool, err error) {
	return func(payload string) (int, string, bool, error) {
		var m struct {
			Type     string `json:"type"`
			RoomID   string `json:"room_id"`
			SenderID string `json:"sender_id"`
			Seq      int    `json:"seq"`
			Content  string `json:"content"`
		}
		if err := json.Unmarshal([]byte(payload), &m); err != nil {
			return 0, "", false, fmt.Errorf("a delivery is no JSON object: %w: %q", err, payload)
		}
		switch m.Type {
		case "text":
			if m.RoomID != room || m.SenderID != sender || m.Seq < 1 {
				return 0, "", false, fmt.Errorf("want a message of %s in %s with its seq, got %s", sender, room, payload)
			}
			return m.Seq, m.Content, true, nil
		case "sync_required":
			return 0, "", false, fmt.Errorf("nothing is past the retention, but came %s", payload)
		}
		return 0, "", false, nil
	}
}

// stage is a broker with a sender and a reader on it.
type stage struct {
	broker         broker
	sender, reader login
	topic, filter  string
	// text returns the text and the position of a message; ok is false for a
	// payload that is none. Positions are dense; 0 stands for no position.
	text func(payload string) (seq int, text string, ok bool, err error)
	// crash and restart end the broker badly and well, and start it again.
	crash, restart func()
}

// awayAndBack is the scenario. A message may arrive twice, as QoS 1 has it,
// but none may be missing, out of order or somebody else's.
func awayAndBack(t *testing.T, d driver, st stage) {
	t.Helper()
	ctx := within(t, scenarioLimit)
	got := ledger{text: st.text, seen: map[string]int{}}
	listen := func() *inbox {
		t.Helper()
		in, err := d.listen(ctx, st.broker, st.reader, st.filter)
		if err != nil {
			t.Fatalf("listening: %v", err)
		}
		got.repeats = 0
		return in
	}
	send := func(bodies []string) {
		t.Helper()
		if err := d.send(ctx, st.broker, st.sender, st.topic, bodies); err != nil {
			t.Fatalf("sending: %v", err)
		}
	}
	receive := func(in *inbox, bodies []string) {
		t.Helper()
		if err := got.receive(ctx, in, bodies); err != nil {
			t.Fatalf("receiving: %v", err)
		}
	}
	leave := func(in *inbox) {
		t.Helper()
		if err := in.leave(); err != nil {
			t.Fatalf("leaving: %v", err)
		}
	}

	in := listen()
	live := series("live", 10)
	send(live)
	receive(in, live)
	leave(in)

	missed := series("missed", 1000)
	send(missed[:600])
	st.crash()
	send(missed[600:])
	st.restart()

	in = listen()
	receive(in, missed)
	again := series("again", 10)
	send(again)
	receive(in, again)
	leave(in)

	// What was acknowledged does not come again. The client may have said
	// goodbye before it acknowledged the very last.
	in = listen()
	end := series("end", 1)
	send(end)
	receive(in, end)
	if got.repeats > 1 {
		t.Errorf("%d messages came again after a connection that had ended well", got.repeats)
	}
	leave(in)
}

// series names n messages.
func series(name string, n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf("%s %04d", name, i+1)
	}
	return bodies
}

// ledger checks what a reader is sent, over all its connections.
type ledger struct {
	text    func(payload string) (seq int, text string, ok bool, err error)
	seq     int            // of the last new message; 0 before the first
	seen    map[string]int // text -> seq
	repeats int            // messages that came again
}

// receive reads until all of want have arrived, in their order.
func (l *ledger) receive(ctx context.Context, in *inbox, want []string) error {
	for i := 0; i < len(want); {
		payload, err := in.next(ctx)
		if err != nil {
			return fmt.Errorf("%d of %d have arrived, then: %w", i, len(want), err)
		}
		seq, text, ok, err := l.text(payload)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		if before, repeated := l.seen[text]; repeated {
			if before != seq {
				return fmt.Errorf("%q came as seq %d, and before as %d", text, seq, before)
			}
			l.repeats++
			continue
		}
		if text != want[i] {
			return fmt.Errorf("got %q (seq %d), want %q", text, seq, want[i])
		}
		if l.seq > 0 && seq != l.seq+1 {
			return fmt.Errorf("%q has seq %d after %d: a hole", text, seq, l.seq)
		}
		l.seen[text], l.seq = seq, seq
		i++
	}
	return nil
}
