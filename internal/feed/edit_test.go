// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

// An edit of a message from before somebody's joining comes to them without the text, live and from the log.
func TestEditsOfWhatWasBeforeComeWithoutTheText(t *testing.T) {
	edit := func(target uint64) func(m *memory) *chat.Event {
		return func(m *memory) *chat.Event {
			return m.append(m.room("r"), &chat.Event{Kind: chat.MessageEdited, Actor: "ann", MessageID: chat.ID{1}, Content: "secret", Target: target,
				Details: &chat.Details{Mentions: []chat.UserID{"cat"}}})
		}
	}
	for _, late := range []bool{false, true} {
		inBubble(t, func(t *testing.T, h *house) {
			h.commit(join("ann", "r"), say("r"), join("bob", "r"), join("cat", "r"), say("r")) // 1 to 5
			devices := map[chat.UserID]*feedtest.Device{"ann": feedtest.New("ann", 0), "bob": feedtest.New("bob", 0), "cat": feedtest.New("cat", 0)}
			opt := feed.Options{}
			if late {
				h.commit(edit(2), edit(5))
			}
			for _, d := range devices {
				d.Keep()
				if late {
					opt = feed.Options{Reliable: true, Places: h.places(map[chat.RoomID]uint64{"r": 5})}
				}
				h.subscribe(d, opt)
			}
			if !late {
				h.commit(edit(2), edit(5))
			}
			synctest.Wait()
			for u, d := range devices {
				if len(d.Copies()) != 2 {
					t.Fatalf("%s (late %v) was offered %d events", u, late, len(d.Copies()))
				}
				older, newer := string(d.Copies()[0].Body(u)), string(d.Copies()[1].Body(u))
				if strings.Contains(older, "secret") != (u == "ann") || strings.Contains(older, "cat") != (u == "ann") {
					t.Errorf("%s (late %v) is told of the older message: %s", u, late, older)
				}
				if !strings.Contains(newer, "secret") || !strings.Contains(newer, `"seq":7`) {
					t.Errorf("%s (late %v) is told of the newer message: %s", u, late, newer)
				}
			}
		})
	}
}

// The deletion of an answer tells who came after the thread's first message only whose answer it was.
func TestDeletedAnswersOfOlderThreadsComeWithoutTheCount(t *testing.T) {
	gone := func(root uint64) func(m *memory) *chat.Event {
		return func(m *memory) *chat.Event {
			thread := &chat.ThreadChange{ID: chat.ID{1}.String(), RootSeq: root, Answers: chat.Answers{Count: 7, LastSeq: 4}}
			return m.append(m.room("r"), &chat.Event{Kind: chat.MessageDeleted, Actor: "ann", MessageID: chat.ID{2}, Details: &chat.Details{Thread: thread}})
		}
	}
	inBubble(t, func(t *testing.T, h *house) {
		h.commit(join("ann", "r"), say("r"), join("bob", "r"), say("r")) // 1 to 4
		devices := map[chat.UserID]*feedtest.Device{"ann": feedtest.New("ann", 0), "bob": feedtest.New("bob", 0)}
		for _, d := range devices {
			d.Keep()
			h.subscribe(d, feed.Options{})
		}
		h.commit(gone(2), gone(4))
		synctest.Wait()
		for u, d := range devices {
			for i, all := range []bool{u == "ann", true} {
				body := string(d.Copies()[i].Body(u))
				if !strings.Contains(body, `"thread_id"`) || strings.Contains(body, `"thread_count":7`) != all {
					t.Errorf("%s is told %s", u, body)
				}
			}
		}
	})
}
