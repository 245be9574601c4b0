// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

func TestLive(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("bob", "r"), join("bob", "other"))
		ann, phone, pad := feedtest.New("ann", 0), feedtest.New("bob", 0), feedtest.New("bob", 0)
		h.subscribe(ann, feed.Options{})
		h.subscribe(phone, feed.Options{})
		h.subscribe(pad, feed.Options{Reliable: true})
		h.commit(several(3, say("r"))...)
		h.commit(say("other"), say("r"), say("elsewhere"))
		h.wants(ann, "r", 3, 4, 5, 6)
		h.wants(phone, "r", 3, 4, 5, 6)
		h.wants(pad, "r", 3, 4, 5, 6)
		h.wants(ann, "other")
		h.wants(pad, "other", 2)
		for _, d := range []*feedtest.Device{ann, phone, pad} {
			h.wants(d, "elsewhere")
		}
	})
}

// A joining is the first event of the new member, on all of their devices; a leaving is not offered to who left.
func TestMembershipFollowsTheLog(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		ann, bob := feedtest.New("ann", 0), feedtest.New("bob", 0)
		h.commit(say("r"), join("ann", "r"))
		h.subscribe(ann, feed.Options{})
		h.subscribe(bob, feed.Options{})
		h.commit(say("r"), join("bob", "r"), say("r"))
		h.wants(bob, "r", 4, 5)
		h.commit(leave("bob", "r"), say("r"))
		h.wants(bob, "r", 4, 5)
		h.wants(ann, "r", 3, 4, 5, 6, 7)
		h.commit(join("bob", "r"), kick("bob", "r"), say("r"), join("bob", "r"))
		h.wants(bob, "r", 4, 5, 11)
		h.wants(ann, "r", span(3, 11)...)
		h.commit(say("r"), remove("r"))
		h.wants(ann, "r", append(span(3, 11), 13)...) // what was queued of a deleted room is taken back
		h.wants(bob, "r", 4, 5, 11, 13)
		if s := h.feed.Stats(); s.Rooms != 0 {
			t.Fatalf("%d rooms are followed after the end of the only one", s.Rooms)
		}
	})
}

// A room that nobody followed is followed from the joining of a listener on, a conversation from its first message on.
func TestRoomsBegin(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		ann, bob, eve := feedtest.New("ann", 0), feedtest.New("bob", 0), feedtest.New("eve", 0)
		for _, d := range []*feedtest.Device{ann, bob, eve} {
			h.subscribe(d, feed.Options{})
		}
		h.commit(several(3, say("r"))...)
		h.commit(join("ann", "r"), say("r"))
		h.wants(ann, "r", 4, 5)
		direct := chat.DirectID("ann", "bob")
		h.commit(say(direct), say(direct))
		h.wants(ann, direct, 1, 2)
		h.wants(bob, direct, 1, 2)
		h.wants(eve, direct)
	})
}

func TestOverflowTurnsToTheLog(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("ann", "q"))
		d := feedtest.New("ann", 2)
		h.subscribe(d, feed.Options{Reliable: true})
		h.commit(several(300, say("r"))...) // several pages of the log
		h.commit(say("q"), say("q"), say("q"))
		for range 50 {
			d.Write(1)
			synctest.Wait()
			if n := d.Waiting(); n > 2 {
				t.Fatalf("the queue has %d events, its bound is 2", n)
			}
		}
		h.commit(say("r"), say("q")) // while it is behind
		h.wants(d, "r", span(2, 302)...)
		h.wants(d, "q", span(2, 5)...)
		if s := h.feed.Stats(); s.Behind != 0 {
			t.Fatalf("%d subscriptions wait for a reader after all was read", s.Behind)
		}
		h.commit(say("r")) // live again
		h.wants(d, "r", span(2, 303)...)
		if s := d.Syncs(); len(s) != 0 {
			t.Fatalf("a reliable device was told %v", s)
		}
	})
}

// More than a page of the log was missed, and more comes while it is read.
func TestResumeFarBehind(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"))
		h.commit(several(400, say("r"))...)
		gate := make(chan struct{})
		h.afterLog = func() { <-gate }
		d := feedtest.New("ann", 0)
		h.subscribe(d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 10})})
		for range 3 {
			h.commit(say("r"))
			gate <- struct{}{}
			synctest.Wait()
		}
		close(gate)
		h.commit(say("r"))
		h.wants(d, "r", span(11, 405)...)
	})
}

func TestOverflowWithoutReliability(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"))
		d := feedtest.New("ann", 2)
		h.subscribe(d, feed.Options{})
		h.commit(several(5, say("r"))...)
		if s := d.Syncs(); len(s) != 0 {
			t.Fatalf("told %v before there was room for it", s)
		}
		d.Write(2)
		synctest.Wait()
		want := []string{`r {"type":"sync_required","room_id":"r","first_seq":4,"last_seq":6,"epoch":7}`}
		if got := d.Syncs(); !slices.Equal(got, want) {
			t.Fatalf("told %q, want %q", got, want)
		}
		h.commit(say("r"))
		h.wants(d, "r", 2, 3, 7)
	})
}

func TestResume(t *testing.T) {
	for _, c := range []struct {
		name   string
		places map[chat.RoomID]uint64
		sent   map[chat.RoomID]uint64
		want   []uint64
	}{
		{"where it was", map[chat.RoomID]uint64{"r": 4}, nil, span(5, 9)},
		{"at the head", map[chat.RoomID]uint64{"r": 8}, nil, span(9, 9)},
		{"joined while away", nil, nil, span(3, 9)},
		{"left and joined again while away", map[chat.RoomID]uint64{"r": 1}, nil, span(3, 9)},
		{"unacknowledged ones are sent again by the server", map[chat.RoomID]uint64{"r": 4}, map[chat.RoomID]uint64{"r": 6}, span(7, 9)},
		{"all unacknowledged", map[chat.RoomID]uint64{"r": 4}, map[chat.RoomID]uint64{"r": 8}, span(9, 9)},
	} {
		t.Run(c.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, h *house) {
				h.commit(say("r"), say("r"), join("ann", "r"))
				h.commit(several(5, say("r"))...)
				sent := map[int64]uint64{}
				for id, seq := range c.sent {
					sent[h.num(id)] = seq
				}
				d := feedtest.New("ann", 3)
				h.subscribe(d, feed.Options{Reliable: true, Places: h.places(c.places), Sent: sent})
				h.commit(say("r"))
				h.wants(d, "r", c.want...)
			})
		})
	}
}

// What the retention has cut comes as sync_required, never as a silent hole.
func TestResumePastRetention(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("ann", "gone"))
		h.commit(several(9, say("r"))...)
		h.commit(several(9, say("gone"))...)
		h.rooms["r"].FirstSeq, h.rooms["gone"].FirstSeq = 6, 11
		d := feedtest.New("ann", 0)
		h.subscribe(d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 2, "gone": 4})})
		h.commit(say("r"), say("gone"))
		h.wants(d, "r", span(6, 11)...)
		h.wants(d, "gone", 11)
		want := []string{
			`gone {"type":"sync_required","room_id":"gone","first_seq":5,"last_seq":10,"epoch":7}`,
			`r {"type":"sync_required","room_id":"r","first_seq":3,"last_seq":5,"epoch":7}`,
		}
		got := d.Syncs()
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Fatalf("told %q, want %q", got, want)
		}
	})
}

// A log may be cut after a reader has seen where it begins.
func TestCutWhileReading(t *testing.T) {
	for first, want := range map[uint64]string{6: "3-5", 11: "3-10"} {
		inBubble(t, func(t *testing.T, h *house) {
			h.commit(join("ann", "r"))
			h.commit(several(9, say("r"))...) // to 10
			h.cutAfterRead = first
			d := feedtest.New("ann", 0)
			h.subscribe(d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 2})})
			h.commit(say("r"))
			h.wants(d, "r", span(first, 11)...)
			var from, to uint64
			_, _ = fmt.Sscanf(strings.Join(d.Syncs(), ""), `r {"type":"sync_required","room_id":"r","first_seq":%d,"last_seq":%d`, &from, &to)
			if got := fmt.Sprint(from, "-", to); got != want {
				t.Fatalf("cut to %d: told %s (%q), want %s", first, got, d.Syncs(), want)
			}
		})
	}
}

// A log that cannot be read is read again later: nothing is left out.
func TestLogFails(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("ann", "q"))
		h.commit(several(4, say("r"))...)
		h.failLog = errors.New("disk on fire")
		d := feedtest.New("ann", 0)
		h.subscribe(d, feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 1, "q": 1})})
		h.commit(say("r"), say("q"))
		h.wants(d, "r")
		h.wants(d, "q", 2) // other rooms go on
		time.Sleep(time.Minute)
		h.wants(d, "r")
		h.mu.Lock()
		h.failLog = nil
		h.mu.Unlock()
		time.Sleep(2 * time.Second)
		h.commit(say("r"))
		h.wants(d, "r", span(2, 7)...)
		if told := d.Syncs(); len(told) > 0 {
			t.Fatalf("told %v", told)
		}
	})
}

func TestSubscribeFails(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"))
		h.failRooms = errors.New("disk on fire")
		if _, err := h.feed.Subscribe(t.Context(), "ann", feedtest.New("ann", 0), feed.Options{}); !errors.Is(err, h.failRooms) {
			t.Fatalf("Subscribe: %v", err)
		}
		h.failRooms = nil
		h.hold() // the store hangs
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		cancel(gone)
		if _, err := h.feed.Subscribe(ctx, "ann", feedtest.New("ann", 0), feed.Options{}); !errors.Is(err, gone) {
			t.Fatalf("Subscribe: %v", err)
		}
		h.release()
		if s := h.feed.Stats(); s.Users != 0 || s.Subscriptions != 0 || s.Rooms != 0 {
			t.Fatalf("failed subscriptions leave %+v behind", s)
		}
	})
}

// The feed emits head+1 only: what is missing it reads, what comes again it ignores.
func TestGapRepair(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		ann, bob, cat := feedtest.New("ann", 0), feedtest.New("bob", 0), feedtest.New("cat", 0)
		h.commit(join("ann", "r"), join("cat", "r"))
		for _, d := range []*feedtest.Device{ann, bob, cat} {
			h.subscribe(d, feed.Options{Reliable: true})
		}
		h.hold()
		for range 200 {
			h.commit(say("r"))
		}
		h.commit(join("bob", "r"), say("r"), kick("cat", "r"), say("r"))
		last := h.held[len(h.held)-1]
		h.held = []*chat.Batch{{Events: last.Events[3:]}, last, h.held[0]} // the rest is lost, and then repeated
		h.release()
		h.commit(say("r"))
		h.wants(ann, "r", span(3, 207)...)
		h.wants(bob, "r", span(203, 207)...)
		h.wants(cat, "r") // what was in the queue was taken back
	})
}

// The last listening member goes and comes back within what is repaired.
func TestGapRepairForgetsNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		ann := feedtest.New("ann", 0)
		h.commit(join("ann", "r"))
		h.subscribe(ann, feed.Options{Reliable: true})
		h.hold()
		h.commit(leave("ann", "r"), say("r"), join("ann", "r"), say("r"))
		h.held[0].Events = h.held[0].Events[3:]
		h.release()
		h.commit(say("r"))
		h.wants(ann, "r", 4, 5, 6)
	})
}

func TestUnwanted(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("ann", "q"))
		h.commit(several(5, say("r"))...)
		d := feedtest.New("ann", 0)
		d.Ignore("r")
		p := h.places(map[chat.RoomID]uint64{"r": 2, "q": 1})
		h.subscribe(d, feed.Options{Reliable: true, Places: p})
		h.commit(say("r"), say("q"))
		h.wants(d, "r")
		h.wants(d, "q", 2)
		// What the device does not listen to does not keep its place back.
		if got := p.Seqs(); got[h.num("r")] != 7 || got[h.num("q")] != 2 {
			t.Fatalf("the places are %v", got)
		}
	})
}

func TestPassAndFigures(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("bob", "r"))
		ann, pad, bob := feedtest.New("ann", 0), feedtest.New("ann", 0), feedtest.New("bob", 0)
		h.subscribe(ann, feed.Options{})
		h.subscribe(pad, feed.Options{})
		h.subscribe(bob, feed.Options{})
		h.feed.Show("ann", "r", []byte("1"))
		h.feed.Show("nobody", "r", []byte("1"))
		h.feed.Show("bob", "q", []byte("1")) // who is not in it, any more or yet
		if fmt.Sprint(ann.Passed(), pad.Passed(), bob.Passed()) != "[r page 1] [r page 1] []" {
			t.Fatalf("passed on: %q %q %q", ann.Passed(), pad.Passed(), bob.Passed())
		}
		if got := h.feed.Stats(); got != (feed.Stats{Subscriptions: 3, Users: 2, Rooms: 1}) {
			t.Fatalf("the figures are %+v", got)
		}
		if h.feed.OnlineIn(h.num("r")) != 2 || h.feed.OnlineIn(99) != 0 || !h.feed.Online("bob") || h.feed.Online("cat") {
			t.Fatal("who is online is wrong")
		}
		bob.Leave()
		bob.Leave()
		ann.Leave()
		if h.feed.OnlineIn(h.num("r")) != 1 || h.feed.Online("bob") || !h.feed.Online("ann") {
			t.Fatal("who is online after closing is wrong")
		}
		pad.Leave()
		if got := h.feed.Stats(); got != (feed.Stats{}) {
			t.Fatalf("closed subscriptions leave %+v", got)
		}
		h.commit(say("r"))
		h.wants(ann, "r")
	})
}

// All devices share one copy; the sender alone sees the client_msg_id.
func TestCopies(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("bob", "r"), join("cat", "r"))
		devices := []*feedtest.Device{feedtest.New("ann", 0), feedtest.New("bob", 0), feedtest.New("cat", 0)}
		for _, d := range devices {
			d.Keep()
			h.subscribe(d, feed.Options{})
		}
		h.commit(func(m *memory) *chat.Event {
			return m.append(m.room("r"), &chat.Event{Kind: chat.Text, Actor: "ann", Content: "hi", ClientMsgID: "secret"})
		})
		synctest.Wait()
		c := devices[0].Copies()[0]
		for _, d := range devices {
			if d.Copies()[0] != c {
				t.Fatal("a copy for each device")
			}
			own := strings.Contains(string(c.Body(d.User)), `"client_msg_id":"secret"`)
			if own != (d.User == "ann") || (c.Form(d.User) == 1) != own {
				t.Fatalf("%s sees %s", d.User, c.Body(d.User))
			}
		}
		if &c.Body("bob")[0] != &c.Body("cat")[0] {
			t.Fatal("encoded for each viewer")
		}
		if got := string(c.Truncated()); got != `{"type":"text","room_id":"r","seq":4,"truncated":true,"epoch":7}` {
			t.Fatalf("truncated: %s", got)
		}
	})
}

// Who removes hears of it only when nothing of the removed one is on its way any more; what happens to an account comes
// after its outcome, so that whoever asks is answered before the connection ends.
func TestAccountEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order []string
		h := open(t, func(e *chat.Event) { order = append(order, string(e.Kind)) })
		h.mu.Lock()
		b := &chat.Batch{
			Events: []*chat.Event{
				h.append(h.room("user:ann"), &chat.Event{Kind: chat.AccountModerated, Details: &chat.Details{Action: chat.ActionBan, UserID: "ann"}}),
				kick("ann", "r")(h.memory),
				say("r")(h.memory),
			},
			Changes: []chat.Outcome{{Change: outcome(func(error) { order = append(order, "outcome") })}},
		}
		h.hand(b)
		synctest.Wait()
		if want := []string{"moderated", "outcome", "account_moderated"}; !slices.Equal(order, want) {
			t.Fatalf("the order is %v, want %v", order, want)
		}
	})
}
