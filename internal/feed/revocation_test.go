// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"testing"
	"testing/synctest"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

// Who is removed gets nothing that was not on the socket by then: live, queued, behind, or being read at that moment.
func TestRemovalTakesBack(t *testing.T) {
	removals := map[string]func(*memory) *chat.Event{"kicked": kick("ann", "r"), "left": leave("ann", "r")}
	for name, removal := range removals {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.commit(join("ann", "r"), join("ann", "q"))
				d := feedtest.New("ann", 4)
				h.subscribe(d, feed.Options{Reliable: true})
				h.commit(say("r"), say("q"), say("r"), say("q")) // queued
				h.commit(say("r"), say("r"))                     // behind
				d.Put(1)                                         // on the socket
				h.commit(removal, say("r"), say("q"))
				h.wants(d, "r", 2)
				h.wants(d, "q", 2, 3, 4)
				h.commit(say("r"), join("ann", "r"), say("r"))
				h.wants(d, "r", 2, 9, 10)
			})
		})
	}
	t.Run("while the log is read for them", func(t *testing.T) {
		for name, back := range map[string]bool{"gone": false, "back at once": true} {
			t.Run(name, func(t *testing.T) {
				inBubble(t, func(t *testing.T, h *house) {
					h.commit(join("ann", "r"))
					h.commit(several(5, say("r"))...)
					read := make(chan struct{})
					h.afterLog = func() { <-read }
					d := feedtest.New("ann", 0)
					h.subscribe(d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 2})})
					h.commit(kick("ann", "r"), say("r"))
					var want []uint64
					if back {
						h.commit(join("ann", "r"), say("r"))
						want = span(9, 10)
					}
					close(read)
					h.wants(d, "r", want...)
				})
			})
		}
	})
}

// What happens while somebody begins to listen: each case is committed before the state is read, between the reading and
// the end of Subscribe, or before it without having reached the feed. What the device then gets does not depend on it.
func TestSubscribeRaces(t *testing.T) {
	type events = []func(*memory) *chat.Event
	direct := chat.DirectID("ann", "bob")
	const place = 3 // of the session in room r, whose head is 5
	for _, c := range []struct {
		name   string
		events events
		room   chat.RoomID
		want   []uint64 // with say(room) after it
	}{
		{"message", events{say("r")}, "r", span(4, 7)},
		{"kicked", events{say("r"), kick("ann", "r"), say("r")}, "r", nil},
		{"left and back", events{leave("ann", "r"), say("r"), join("ann", "r"), say("r")}, "r", span(8, 10)},
		{"back and gone", events{leave("ann", "r"), join("ann", "r"), leave("ann", "r")}, "r", nil},
		{"deleted", events{say("r"), remove("r")}, "r", nil},
		{"joined another", events{say("new"), join("ann", "new"), say("new")}, "new", span(2, 4)},
		{"joined another and left", events{join("ann", "new"), leave("ann", "new"), say("new")}, "new", nil},
		{"joined, left and joined", events{join("ann", "new"), leave("ann", "new"), say("new"), join("ann", "new")}, "new", span(4, 5)},
		{"conversation begins", events{say(direct), say(direct)}, direct, span(1, 3)},
	} {
		for when, arrange := range map[string]func(h *house, commit func()){
			"before the reading":          func(h *house, commit func()) { h.beforeRooms = commit },
			"after the reading":           func(h *house, commit func()) { h.afterRooms = commit },
			"before, not in the feed yet": func(h *house, commit func()) { h.hold(); commit() },
			"in the reading, not in the feed yet": func(h *house, commit func()) {
				h.beforeRooms = func() { h.hold(); commit() }
			},
			"after, not in the feed yet": func(h *house, commit func()) {
				h.afterRooms = func() { h.hold(); commit() }
			},
			"one by one": func(h *house, _ func()) {
				// The first half before the reading, the second after it.
				half := len(c.events) / 2
				h.beforeRooms = func() { h.hold(); h.memory.commit(c.events[:half]...) }
				h.afterRooms = func() { h.memory.release(); h.settleFeed(); h.memory.commit(c.events[half:]...) }
			},
		} {
			for _, others := range []bool{false, true} { // follow the room already
				name := c.name + "/" + when
				if others {
					name += "/followed"
				}
				t.Run(name, func(t *testing.T) {
					inBubble(t, func(t *testing.T, h *house) {
						h.commit(join("ann", "r"), join("bob", "r"))
						h.commit(several(3, say("r"))...)
						bob := feedtest.New("bob", 0)
						if others {
							h.subscribe(bob, feed.Options{})
						}
						h.room(c.room)
						d := feedtest.New("ann", 0)
						arrange(h, func() { h.memory.commit(c.events...); waitUnlessHeld(h) })
						subscribed := make(chan struct{})
						go func() {
							defer close(subscribed)
							sub, err := h.feed.Subscribe(t.Context(), d.User, d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": place})})
							if err != nil {
								t.Error(err)
								return
							}
							d.Connected(sub)
						}()
						synctest.Wait()
						h.release()
						<-subscribed
						h.commit(say(c.room))
						h.wants(d, c.room, c.want...)
						if c.room != "r" {
							h.commit(say("r"))
							h.wants(d, "r", 4, 5, 6)
						}
					})
				})
			}
		}
	}
}

// waitUnlessHeld lets the feed do what it has been given.
func waitUnlessHeld(h *house) {
	h.mu.Lock()
	holding := h.holding
	h.mu.Unlock()
	if !holding {
		h.settleFeed()
	}
}

// settleFeed waits until the feed has offered all it was given; unlike synctest.Wait it may be called in a hook.
func (h *house) settleFeed() {
	done := make(chan struct{})
	h.SavePlaces(nil, func(error) { close(done) })
	<-done
}

// Somebody who listens already and whose joining is on its way must not be passed over because another one begins to
// listen with a state that is ahead of the feed; nor may somebody be passed over whose removal is on its way.
func TestSubscribeAheadOfTheFeed(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), say("r"))
		bob, cat := feedtest.New("bob", 0), feedtest.New("cat", 0)
		h.subscribe(bob, feed.Options{Reliable: true})
		h.subscribe(cat, feed.Options{Reliable: true})
		h.hold()
		h.commit(join("bob", "r"), join("cat", "r"), say("r"), kick("cat", "r"), say("r"))
		ann := feedtest.New("ann", 0)
		subscribed := make(chan struct{})
		go func() {
			defer close(subscribed)
			sub, _ := h.feed.Subscribe(t.Context(), "ann", ann, feed.Options{})
			ann.Connected(sub)
		}()
		synctest.Wait()
		h.release()
		<-subscribed
		h.commit(say("r"))
		h.wants(bob, "r", span(3, 8)...)
		h.wants(cat, "r")
		if got := ann.Received("r"); len(got) > 0 {
			t.Fatal(got)
		}
		h.drainAndCheckEnd(ann, "r", 8)
	})
}

// drainAndCheckEnd fails unless the device's last event of a room is last.
func (h *house) drainAndCheckEnd(d *feedtest.Device, id chat.RoomID, last uint64) {
	h.t.Helper()
	drainAll(d)
	got := d.Received(id)
	if len(got) == 0 || got[len(got)-1] != last {
		h.t.Fatalf("%s received %v, want up to %d", d.User, got, last)
	}
}

// Two devices of one user: what the one is doing does not touch the other.
func TestSecondDevice(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"))
		h.commit(several(4, say("r"))...)
		first, second := feedtest.New("ann", 1), feedtest.New("ann", 0)
		h.subscribe(first, feed.Options{Reliable: true})
		h.commit(say("r"), say("r")) // first is behind
		h.afterRooms = func() { h.memory.commit(say("r")); h.settleFeed() }
		h.subscribe(second, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 1})})
		h.afterRooms = nil
		h.commit(say("r"))
		h.wants(second, "r", span(2, 9)...)
		second.Leave()
		h.commit(say("r"))
		h.wants(first, "r", span(6, 10)...)
		h.wants(second, "r", span(2, 9)...)
	})
}
