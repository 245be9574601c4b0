// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// changing is a use case that changes something, asked again with the same client_msg_id.
type changing struct {
	name  string
	by    chat.UserID
	do    func(w *world, c chat.Call) result
	other func(w *world, c chat.Call) result // the same use case with other content; nil: there is none
}

// result is the outcome of any change, waited for.
type result struct {
	value any
	err   error
}

func resultOf[T any](w *world, p *chat.Pending[T]) result {
	v, err := p.Wait(w.t.Context())
	return result{v, err}
}

func changings() []changing {
	moderate := func(action string, u chat.UserID) func(*world, chat.Call) result {
		return func(w *world, c chat.Call) result { return resultOf(w, w.Moderate(c, "r", act(action, u))) }
	}
	return []changing{
		{"create", "ann",
			func(w *world, c chat.Call) result { return resultOf(w, w.CreateRoom(c, chat.NewRoom{Name: "x"})) },
			func(w *world, c chat.Call) result { return resultOf(w, w.CreateRoom(c, chat.NewRoom{Name: "y"})) }},
		{"create named", "ann",
			func(w *world, c chat.Call) result {
				return resultOf(w, w.CreateRoom(c, chat.NewRoom{ID: "x", Name: "x"}))
			},
			func(w *world, c chat.Call) result {
				return resultOf(w, w.CreateRoom(c, chat.NewRoom{ID: "y", Name: "x"}))
			}},
		{"join", "eve", func(w *world, c chat.Call) result { return resultOf(w, w.Join(c, "r")) }, nil},
		{"leave", "dan", func(w *world, c chat.Call) result { return resultOf(w, w.Leave(c, "r")) }, nil},
		{"invite", "cat",
			func(w *world, c chat.Call) result { return resultOf(w, w.Invite(c, "r", "eve")) },
			func(w *world, c chat.Call) result { return resultOf(w, w.Invite(c, "r", root)) }},
		{"update", "ann",
			func(w *world, c chat.Call) result {
				return resultOf(w, w.UpdateRoom(c, "r", chat.RoomPatch{Name: ptr("x")}))
			},
			func(w *world, c chat.Call) result {
				return resultOf(w, w.UpdateRoom(c, "r", chat.RoomPatch{Name: ptr("y")}))
			}},
		{"send", "cat",
			func(w *world, c chat.Call) result { return resultOf(w, w.Send(c, "r", text("x"))) },
			func(w *world, c chat.Call) result { return resultOf(w, w.Send(c, "r", text("y"))) }},
		{"reply", "cat",
			func(w *world, c chat.Call) result { return resultOf(w, w.Reply(c, w.first("r"), text("x"))) },
			func(w *world, c chat.Call) result { return resultOf(w, w.Send(c, "r", text("x"))) }},
		{"private", "cat",
			func(w *world, c chat.Call) result { return resultOf(w, w.SendPrivate(c, "eve", text("x"))) },
			func(w *world, c chat.Call) result { return resultOf(w, w.SendPrivate(c, "eve", text("y"))) }},
		{"broadcast", root,
			func(w *world, c chat.Call) result { return resultOf(w, w.Broadcast(c, text("x"))) },
			func(w *world, c chat.Call) result { return resultOf(w, w.Broadcast(c, text("y"))) }},
		{"mute", "ann", moderate(chat.ActionMute, "cat"), moderate(chat.ActionMute, "dan")},
		{"promote", "ann", moderate(chat.ActionPromote, "cat"), moderate(chat.ActionDemote, "cat")},
		{"kick", "ann", moderate(chat.ActionKick, "cat"), moderate(chat.ActionKick, "dan")},
		{"ban", "ann", moderate(chat.ActionBan, "cat"), moderate(chat.ActionUnban, "cat")},
		{"lock", "ann", moderate(chat.ActionLock, ""), moderate(chat.ActionUnlock, "")},
		{"mute on the server", root,
			func(w *world, c chat.Call) result {
				return resultOf(w, w.ModerateUser(c, "cat", act(chat.ActionMute, "")))
			},
			func(w *world, c chat.Call) result {
				return resultOf(w, w.ModerateUser(c, "dan", act(chat.ActionMute, "")))
			}},
		{"transfer", "ann",
			func(w *world, c chat.Call) result { return resultOf(w, w.Transfer(c, "r", "cat")) },
			func(w *world, c chat.Call) result { return resultOf(w, w.Transfer(c, "r", "dan")) }},
		{"delete", "ann",
			func(w *world, c chat.Call) result { return resultOf(w, w.DeleteRoom(c, "r")) }, nil},
	}
}

// first is the first message with an id in a room's log.
func (w *world) first(id chat.RoomID) chat.ID { return w.log(id)[0].MessageID }

// total counts the events of all logs.
func (w *world) total() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, events := range w.events {
		n += len(events)
	}
	return n
}

// duplicate takes Duplicate out of an outcome.
func duplicate(v any) (bool, any) {
	c := reflect.New(reflect.TypeOf(v)).Elem()
	c.Set(reflect.ValueOf(v))
	d := c.FieldByName("Duplicate").Bool()
	c.FieldByName("Duplicate").SetBool(false)
	return d, c.Interface()
}

// A repeat of a success returns the first outcome and does nothing again, a year later alike; the same id with other content is a
// conflict.
func TestRepeats(t *testing.T) {
	for _, c := range changings() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.room("r", false, "bob", "cat", "dan")
			w.settle()
			first := c.do(w, once(c.by, "key"))
			if first.err != nil {
				t.Fatal(first.err)
			}
			if d, _ := duplicate(first.value); d {
				t.Fatal("the first one is a duplicate")
			}
			before := w.total()
			w.clock.Add(365 * 24 * time.Hour)
			again := c.do(w, once(c.by, "key"))
			if again.err != nil {
				t.Fatalf("the repeat: %v", again.err)
			}
			d, value := duplicate(again.value)
			if !d || !reflect.DeepEqual(value, first.value) {
				t.Fatalf("the repeat is duplicate %v and\n%+v, want\n%+v", d, value, first.value)
			}
			if c.other != nil {
				if got := c.other(w, once(c.by, "key")); chat.CodeOf(got.err) != chat.Conflict {
					t.Fatalf("with other content: %+v", got)
				}
			}
			if n := w.total(); n != before {
				t.Fatalf("repeating appended %d events", n-before)
			}
		})
	}
}

func TestRepeatScopes(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.room("q", false, "bob")
	first := done(t, w.Send(once("ann", "k"), "r", text("x")))
	// Another sender, another room, outside rooms: other ids.
	for _, p := range []*chat.Pending[chat.Sent]{w.Send(once("bob", "k"), "r", text("x")), w.Send(once("ann", "k"), "q", text("x")),
		w.SendPrivate(once("ann", "k"), "bob", text("x"))} {
		if out := done(t, p); out.Duplicate {
			t.Fatal("a duplicate in another scope")
		}
	}
	if out := done(t, w.CreateRoom(once("ann", "k"), chat.NewRoom{Name: "x"})); out.Duplicate {
		t.Fatal("a duplicate in another scope")
	}
	// Within the room another use case with the same id is a conflict.
	refused(t, w.Leave(once("ann", "k"), "r"), chat.Conflict)
	// Who was removed meanwhile is told the outcome, and who is banned from the server is not.
	done(t, w.Moderate(by(root), "r", act(chat.ActionBan, "ann")))
	if out := done(t, w.Send(once("ann", "k"), "r", text("x"))); !out.Duplicate || out.MessageID != first.MessageID {
		t.Fatalf("the repeat is %+v", out)
	}
	done(t, w.ModerateUser(by(root), "ann", act(chat.ActionBan, "")))
	refused(t, w.Send(once("ann", "k"), "r", text("x")), chat.Banned)
}

func TestRefusalsAreNotRemembered(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	refused(t, w.Send(once("bob", "k"), "r", text("x")), chat.NotMember)
	done(t, w.Join(by("bob"), "r"))
	if out := done(t, w.Send(once("bob", "k"), "r", text("y"))); out.Duplicate {
		t.Fatal("a refusal was remembered")
	}
	refused(t, w.Send(once("bob", strings.Repeat("é", 65)), "r", text("y")), chat.BadRequest)
	refused(t, w.Send(once("bob", strings.Repeat("x", 1000)), "r", text("y")), chat.BadRequest)
	refused(t, w.Send(once("bob", "\xff"), "r", text("y")), chat.BadRequest)
	done(t, w.Send(once("bob", strings.Repeat("é", 64)), "r", text("y")))
}

// Within one batch, too: both are waiting when the first is decided.
func TestRepeatsBesideEachOther(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	w.settle()
	var pending []*chat.Pending[chat.Sent]
	for range 20 {
		pending = append(pending, w.Send(once("ann", "k"), "r", text("x")))
	}
	firsts := 0
	var seq uint64
	for _, p := range pending {
		out := done(t, p)
		if !out.Duplicate {
			firsts++
		}
		if seq != 0 && out.Seq != seq {
			t.Fatalf("seq %d and %d", seq, out.Seq)
		}
		seq = out.Seq
	}
	if firsts != 1 || len(w.log("r")) != 2 {
		t.Fatalf("%d firsts, %d events", firsts, len(w.log("r")))
	}
}

// The packet id of a QoS 2 PUBLISH is stored with what it did, until it is released; that of a refused one is not.
func TestQoS2Origin(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	var session mqtt.SessionID
	wait := func(start func(done func(error))) {
		t.Helper()
		c := make(chan error, 1)
		start(func(err error) { c <- err })
		if err := <-c; err != nil {
			t.Fatal(err)
		}
	}
	wait(func(done func(error)) {
		w.store.SaveSession(&mqtt.StoredSession{Owner: "ann", ClientID: "c", Version: packet.V5, Expiry: 100},
			func(id mqtt.SessionID, err error) { session = id; done(err) })
	})
	call := by("ann")
	call.Origin = chat.Origin{Session: int64(session), PacketID: 9}
	if out := done(t, w.Send(call, "r", text("x"))); out.Duplicate || out.Seq != 2 {
		t.Fatalf("the first: %+v", out)
	}
	if out := done(t, w.Send(call, "r", text("x"))); !out.Duplicate {
		t.Fatalf("again: %+v", out)
	}
	wait(func(done func(error)) { w.store.ReleasePacketID(session, 9, done) })
	if out := done(t, w.Send(call, "r", text("x"))); out.Duplicate || out.Seq != 3 {
		t.Fatalf("after the release: %+v", out)
	}
	call.Origin.PacketID = 10
	refused(t, w.Send(call, "nowhere", text("x")), chat.NotFound)
	if out := done(t, w.Send(call, "r", text("x"))); out.Duplicate {
		t.Fatal("a refused one was remembered")
	}
	// With a client_msg_id the repeat has the first outcome, whatever its packet.
	call.Origin.PacketID, call.ClientMsgID = 11, "k"
	first := done(t, w.Send(call, "r", text("x")))
	call.Origin.PacketID = 12
	if out := done(t, w.Send(call, "r", text("x"))); !out.Duplicate || out.MessageID != first.MessageID {
		t.Fatalf("the repeat is %+v", out)
	}
	stored, err := w.store.LoadSession(t.Context(), "ann", "c")
	if err != nil || len(stored.Received) != 4 {
		t.Fatalf("stored: %+v %v", stored, err)
	}
	// The zero origin and a session without a store remember nothing.
	for _, o := range []chat.Origin{{}, {PacketID: 9}, {Session: int64(session)}} {
		call := by("ann")
		call.Origin = o
		for range 2 {
			if out := done(t, w.Send(call, "r", text("x"))); out.Duplicate {
				t.Fatalf("%+v was remembered", o)
			}
		}
	}
}
