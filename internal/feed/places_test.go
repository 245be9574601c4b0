// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

// Places are saved each second when something has changed, the latest of each room only, and when a device goes.
func TestPlacesAreSaved(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), join("ann", "q"))
		d := feedtest.New("ann", 0)
		p := h.places(map[chat.RoomID]uint64{"r": 1, "q": 1})
		h.subscribe(d, feed.Options{Reliable: true, Places: p})
		check := func(when string, r, q uint64, calls int) {
			t.Helper()
			synctest.Wait()
			want := map[int64]uint64{}
			if r > 0 {
				want[h.num("r")] = r
			}
			if q > 0 {
				want[h.num("q")] = q
			}
			got, n := h.savedPlaces()
			if diff := cmp.Diff(want, got); diff != "" || n != calls {
				t.Fatalf("%s: saved in %d calls, want %d: %s", when, n, calls, diff)
			}
		}
		for range 5 {
			h.commit(say("r"))
			d.Write(1)
		}
		h.commit(say("q"))
		d.Write(1)
		time.Sleep(time.Second - time.Millisecond)
		check("just before a second is over", 0, 0, 0)
		time.Sleep(time.Millisecond)
		check("after a second", 6, 2, 1)
		time.Sleep(time.Hour)
		check("after an hour without anything", 6, 2, 1)
		h.commit(say("r"))
		d.Write(1)
		h.feed.SavePlaces(nil)
		check("at request", 7, 2, 2)
		time.Sleep(time.Hour)
		check("an hour later", 7, 2, 2)
		h.commit(say("r"), say("r"))
		d.Write(1)
		d.Leave()
		check("when the device goes", 8, 2, 3)
		time.Sleep(time.Hour)
		check("an hour after it went", 8, 2, 3)

		done := make(chan error, 1)
		h.feed.SavePlaces(func(err error) { done <- err })
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		check("nothing to save", 8, 2, 3)
	})
}

// A place never goes back, and one room's says nothing of another's.
func TestPlacesOnlyAdvance(t *testing.T) {
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"))
		d := feedtest.New("ann", 0)
		p := feed.NewPlaces(1, nil)
		sub := h.subscribe(d, feed.Options{Reliable: true, Places: p})
		r := h.num("r")
		for _, seq := range []uint64{3, 2, 5, 5, 4} {
			sub.Acked(&chat.Event{RoomNum: r, Seq: seq})
		}
		if diff := cmp.Diff(map[int64]uint64{r: 5}, p.Seqs()); diff != "" {
			t.Fatal(diff)
		}
		none := feedtest.New("ann", 0)
		h.subscribe(none, feed.Options{Reliable: true}).Acked(&chat.Event{RoomNum: r, Seq: 9}) // keeps no places
	})
}
