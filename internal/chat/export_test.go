// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"testing"

	"parley/internal/chat"
)

// All that somebody wrote, and nothing of others, whatever the pages are.
func TestExport(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.room("a", false, "bob")
	w.room("b", true, "bob")
	w.room("c", false, "cat")
	var want []string
	for i := range 450 {
		room := chat.RoomID("a")
		if i >= 300 {
			room = "b"
		}
		w.Send(by("bob"), room, text(fmt.Sprint("m", i)))
		w.Send(by("ann"), room, text("not his"))
		want = append(want, fmt.Sprint("m", i))
	}
	w.Send(by("cat"), "c", text("not his either"))
	done(t, w.SetBlock(by("bob"), "eve", true))
	done(t, w.SendPrivate(by("bob"), "dan", text("psst")))
	want = append(want, "psst")
	var got []string
	var room chat.RoomID
	var after uint64
	pages := 0
	for {
		p := read[*chat.Export](t)(w.Export(t.Context(), who("bob"), room, after))
		if first := pages == 0; first != (len(p.Rooms) == 5) || first != (len(p.Blocked) == 1) || p.User.ID != "bob" {
			t.Errorf("page %d has %d rooms, %d blocks", pages, len(p.Rooms), len(p.Blocked))
		}
		for _, m := range p.Messages {
			got = append(got, m.Content)
		}
		if pages++; !p.HasMore {
			break
		}
		if pages > 20 {
			t.Fatal("no end")
		}
		room, after = p.NextRoom, p.NextSeq
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %d messages in %d pages, want %d:\n%v", len(got), pages, len(want), got)
	}
	if pages < 3 {
		t.Errorf("only %d pages", pages)
	}
}
