// SPDX-License-Identifier: Apache-2.0

package tui_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/client"
	"parley/internal/tui"
)

// fake is a server with two rooms.
type fake struct {
	said    []string
	signals []string
	calls   []string
	refuse  error

	gone      string            // a room that is not there any more
	texts     map[uint64]string // of messages that are not what they were
	meanwhile func()            // happens once, between the reading of a page and its coming
}

func (f *fake) User() string { return "ann" }

func (f *fake) Send(_ context.Context, room, text string) (client.Sent, error) {
	f.said = append(f.said, room+": "+text)
	return client.Sent{Room: room}, f.refuse
}

func (f *fake) Rooms(context.Context) ([]client.Room, error) {
	rooms := []client.Room{
		{ID: "user:ann", Type: "user"},
		{ID: "announcements", Name: "Announcements", Type: "announcements"},
		{ID: "private:ann:bob", Type: "direct", LastSeq: 1, Unread: 1},
		{ID: "general", Name: "General", Type: "public", LastSeq: 120, MemberCount: 2},
	}
	return slices.DeleteFunc(rooms, func(r client.Room) bool { return r.ID == f.gone }), nil
}

func (f *fake) Members(context.Context, string) ([]client.Member, error) {
	return []client.Member{{User: "ann", Online: true}, {User: "bob", Online: true}}, nil
}

func (f *fake) History(_ context.Context, room string, before uint64, limit int) (client.Page, error) {
	if room != "general" {
		return client.Page{Room: room}, nil
	}
	if before == 0 {
		before = 121
	}
	p := client.Page{Room: room}
	for seq := before - 1; seq > 0 && len(p.Messages) < limit; seq-- {
		text, ok := f.texts[seq]
		if !ok {
			text = fmt.Sprintf("number %d.", seq)
		}
		p.Messages = append(p.Messages, said(seq, text))
	}
	p.HasMore = before > uint64(limit)+1
	if happen := f.meanwhile; happen != nil {
		f.meanwhile = nil
		happen()
	}
	return p, nil
}

func (f *fake) Call(_ context.Context, route string, fields map[string]any, _ any) error {
	f.calls = append(f.calls, fmt.Sprint(route, fields))
	return f.refuse
}

func (f *fake) Signal(route string, _ map[string]any) { f.signals = append(f.signals, route) }

func said(seq uint64, text string) client.Event {
	return client.Event{Type: "text", Room: "general", Seq: seq, ID: fmt.Sprint("m", seq), Sender: "bob", SenderName: "Bob", Content: text, Timestamp: 1_800_000_000}
}

// screen is a model whose commands run at once.
type screen struct {
	t *testing.T
	*fake
	m tea.Model
}

func open(t *testing.T) *screen {
	t.Helper()
	f := &fake{}
	s := &screen{t, f, tui.New(f, func() time.Time { return time.Unix(1_800_000_000, 0) })}
	s.run(s.m.Init())
	return s
}

func (s *screen) run(c tea.Cmd) {
	if c == nil {
		return
	}
	switch msg := c().(type) {
	case nil, tea.QuitMsg:
	case tea.BatchMsg:
		for _, c := range msg {
			s.run(c)
		}
	default:
		s.tell(msg)
	}
}

func (s *screen) tell(msg tea.Msg) {
	var c tea.Cmd
	s.m, c = s.m.Update(msg)
	s.run(c)
}

func (s *screen) key(code rune) { s.tell(tea.KeyPressMsg{Code: code}) }

func (s *screen) write(text string) {
	for _, r := range text {
		s.tell(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
}

func (s *screen) text() string { return ansi.Strip(s.m.View().Content) }

func (s *screen) shows(want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(s.text(), w) {
			s.t.Fatalf("%q is not on the screen:\n%s", w, s.text())
		}
	}
}

func (s *screen) hides(text string) {
	s.t.Helper()
	if strings.Contains(s.text(), text) {
		s.t.Fatalf("%q is on the screen:\n%s", text, s.text())
	}
}

func TestRoomsAndMessages(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shows("> General", "@bob", "(1)", "2 members, 2 online", "number 120.")
	s.hides("user:ann")
	s.tell(tui.EventMsg(said(121, "news")))
	s.shows("Bob: news")
	s.tell(tui.EventMsg(said(121, "news"))) // a copy
	if n := strings.Count(s.text(), "Bob: news"); n != 1 {
		t.Errorf("shown %d times", n)
	}
	if !slices.Contains(s.signals, "read/general") {
		t.Errorf("not marked as read: %v", s.signals)
	}
	s.key(tea.KeyTab)
	s.shows(">+@bob", "@bob, online")
	s.tell(tui.EventMsg(said(122, "elsewhere")))
	s.shows("General", "(1)")
	s.hides("elsewhere")
}

func TestThreadsTellHowManyAnswered(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.tell(tui.EventMsg(client.Event{Type: "text", Room: "general", Seq: 121, ID: "m", Sender: "bob", SenderName: "Bob", Content: "a question"}))
	answer := client.Event{Type: "text", Room: "general", Seq: 122, ID: "a", Sender: "ann", SenderName: "Ann", Content: "an answer", ReplyTo: "m", Thread: "m"}
	s.tell(tui.EventMsg(answer))
	s.shows("a question (1 reply)", "(reply) an answer")
	s.tell(tui.EventMsg(answer)) // a copy
	s.shows("a question (1 reply)")
	answer.Seq, answer.ID = 123, "b"
	s.tell(tui.EventMsg(answer))
	s.shows("a question (2 replies)")
}

func TestHistoryLoadsUpwards(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.key(tea.KeyEscape) // the greeting goes
	for range 12 {
		s.key(tea.KeyPgUp)
	}
	s.shows("number 1.", "this is the beginning", "lines below")
	s.tell(tui.EventMsg(said(121, "new while reading")))
	s.shows("number 1.") // what is read does not move
	s.key(tea.KeyEscape)
	s.shows("new while reading", "number 120.")
}

func TestWriting(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.write("helo")
	s.key(tea.KeyLeft)
	s.write("l")
	if !slices.Contains(s.signals, "typing/general/start") {
		t.Errorf("typing is not told: %v", s.signals)
	}
	s.shows("> hello")
	s.key(tea.KeyEnter)
	if !slices.Equal(s.said, []string{"general: hello"}) {
		t.Errorf("said %v", s.said)
	}
	s.hides("> hello")
	s.refuse = &client.Error{Code: "muted", Message: "you are muted in this room"}
	s.write("once more")
	s.key(tea.KeyEnter)
	s.shows("you are muted in this room", "> once more") // to be mended, not typed again
}

// What one sees as a character is one to the keys, however many code points it has, and a key that shows nothing writes nothing.
func TestCharactersOfSeveralRunes(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.tell(tea.KeyPressMsg{Code: '\u0085', Text: "\u0085"})
	s.tell(tea.PasteMsg{Content: "x👩\u200d👩\u200d👧e\u0301y"})
	s.key(tea.KeyLeft)
	s.key(tea.KeyLeft)
	s.key(tea.KeyBackspace)
	s.write("z")
	s.key(tea.KeyDelete)
	s.key(tea.KeyHome)
	s.key(tea.KeyBackspace)
	s.key(tea.KeyRight)
	s.write("1")
	s.key(tea.KeyEnter)
	if !slices.Equal(s.said, []string{"general: x1zy"}) {
		t.Errorf("said %q", s.said)
	}
}

// A text that was refused is shown where it cannot go back to where it was written.
func TestNothingWrittenIsLost(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.refuse = &client.Error{Code: "not_member", Message: "you are not a member"}
	s.write("precious words")
	s.m.Update(tea.KeyPressMsg{Code: tea.KeyEnter}) // and the answer is late
	s.write("more")
	s.tell(tui.Sent("general", 1, s.refuse))
	s.shows("> more", "precious words")
}

func removed(kind, reason string) tui.EventMsg {
	return tui.EventMsg{Type: kind, Room: "user:ann", Seq: 9, User: "bob", Reason: reason, About: &client.Room{ID: "general", Name: "General"}}
}

// Who loses the room that is open is told so, and does not say the rest of it in another one.
func TestLosingTheRoom(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]string{"removed_from_room": "kicked: too loud", "room_deleted": `"General" was deleted`} {
		s := open(t)
		s.write("between us")
		s.gone = "general"
		s.tell(removed(kind, map[string]string{"removed_from_room": "kicked: too loud"}[kind]))
		s.shows(want, ">+@bob")
		s.hides("between us")
		s.key(tea.KeyEnter)
		if len(s.said) != 0 {
			t.Errorf("said %v", s.said)
		}
	}
	s := open(t)
	s.tell(tui.EventMsg{Type: "account_moderated", Room: "user:ann", Seq: 9, Action: "mute", Reason: "cool off"})
	s.shows("your account: mute, cool off")
}

// An edit changes a message where it stands, and what was loaded stays.
func TestEditsAndDeletions(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.key(tea.KeyEscape)
	for range 12 {
		s.key(tea.KeyPgUp)
	}
	s.tell(tui.EventMsg{Type: "message_edited", Room: "general", Seq: 121, Message: "m2", Content: "number two"})
	s.tell(tui.EventMsg{Type: "message_deleted", Room: "general", Seq: 122, Message: "m3"})
	s.tell(tui.EventMsg{Type: "message_edited", Room: "general", Seq: 123, Message: "m4"}) // it is deleted since
	s.shows("number 1.", "number two (edited)", "(deleted)", "number 4.", "this is the beginning")
	s.hides("number 3.")
}

// A page that was read before an edit, and came after it, is asked for again.
func TestEditWhileLoading(t *testing.T) {
	t.Parallel()
	f := &fake{}
	s := &screen{t, f, tui.New(f, func() time.Time { return time.Unix(1_800_000_000, 0) })}
	f.meanwhile = func() {
		f.texts = map[uint64]string{120: "another text"}
		s.tell(tui.EventMsg{Type: "message_edited", Room: "general", Seq: 121, Message: "m120", Content: "another text"})
	}
	s.run(s.m.Init())
	s.shows("another text")
	s.hides("number 120.")
}

// A copy is not unread twice, and one's own word elsewhere makes the room read.
func TestUnread(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.key(tea.KeyTab)
	s.tell(tui.EventMsg(said(121, "one")))
	s.tell(tui.EventMsg(said(121, "one")))
	s.shows("(1)")
	s.tell(tui.EventMsg(said(122, "two")))
	s.shows("(2)")
	mine := said(123, "from my phone")
	mine.Sender = "ann"
	s.tell(tui.EventMsg(mine))
	s.hides("(2)")
	s.hides("(1)")
}

func TestCommands(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, line := range []string{"/join cellar", "/create private My room", "/create Yard", "/msg @bob how are you", "/leave", "/invite cat"} {
		s.write(line)
		s.key(tea.KeyEnter)
	}
	want := []string{"rooms/join/cellarmap[]", "rooms/createmap[name:My room type:private]", "rooms/createmap[name:Yard]",
		"private/bobmap[content:how are you]", "rooms/leave/generalmap[]", "rooms/general/invitemap[user_id:cat]"}
	if !slices.Equal(s.calls, want) {
		t.Errorf("asked\n%v, want\n%v", s.calls, want)
	}
	for _, line := range []string{"/nonsense", "/join", "/msg bob"} {
		s.write(line)
		s.key(tea.KeyEnter)
	}
	s.shows("/msg needs")
	if len(s.calls) != len(want) || len(s.said) != 0 {
		t.Errorf("asked %v, said %v", s.calls[len(want):], s.said)
	}
	s.write("//path")
	s.key(tea.KeyEnter)
	if !slices.Equal(s.said, []string{"general: /path"}) {
		t.Errorf("said %v", s.said)
	}
	s.write("/help")
	s.key(tea.KeyEnter)
	s.shows("Keys", "Commands", "/create private NAME")
	s.write("x")
	s.hides("Commands")
}

// No message writes outside its place, whatever is in it and whatever size the terminal has.
func TestScreenHoldsItsSize(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.tell(tui.EventMsg(said(121, "red \x1b[31malert\x07 \x1b]0;title\x1b\\ end\nsecond line "+strings.Repeat("界", 90)+" "+strings.Repeat("x", 300))))
	if raw := s.m.View().Content; strings.Contains(raw, "\x1b[31m") || strings.Contains(raw, "\x07") || strings.Contains(raw, "\x1b]") {
		t.Errorf("the terminal is commanded: %q", raw)
	}
	s.tell(tui.StateMsg(client.Offline))
	s.write(strings.Repeat("long ", 60))
	for _, size := range [][2]int{{80, 24}, {120, 40}, {59, 10}, {60, 5}, {20, 4}, {10, 3}, {1, 1}} {
		s.tell(tea.WindowSizeMsg{Width: size[0], Height: size[1]})
		for range 2 {
			lines := strings.Split(s.text(), "\n")
			if len(lines) > max(size[1], 4) {
				t.Errorf("%v: %d lines", size, len(lines))
			}
			for _, line := range lines {
				if w := ansi.StringWidth(line); w > size[0] {
					t.Errorf("%v: a line of %d columns: %q", size, w, line)
				}
			}
			s.key(tea.KeyF1)
		}
		s.key(tea.KeyF2) // closes the help
	}
	s.tell(tea.WindowSizeMsg{Width: 80, Height: 24})
	s.shows("no connection")
}

func TestTyping(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.shows("/help") // and still:
	s.tell(tui.EventMsg(client.Event{Type: "typing_start", Room: "general", User: "bob"}))
	s.shows("bob is typing")
	s.tell(tui.EventMsg(client.Event{Type: "typing_start", Room: "general", User: "ann"}))
	s.shows("bob is typing")
	s.tell(tui.EventMsg(said(121, "done")))
	s.hides("is typing")
}
