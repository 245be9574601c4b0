// SPDX-License-Identifier: Apache-2.0

package tui

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"parley/client"
)

const (
	sideWidth = 22 // of the list of rooms
	sideFrom  = 60 // columns that a terminal needs to have it
	indent    = 6  // of text under its time
)

// Ways to write that need no colour.
const (
	bold    = "\x1b[1m"
	faint   = "\x1b[2m"
	reverse = "\x1b[7m"
	reset   = "\x1b[0m"
)

const helpText = `Keys
  Enter            send                   Alt+Enter     new line
  Tab, Shift+Tab   next, previous room    Alt+1 to 9    room of that number
  Up, Down         scroll a line          PgUp, PgDn    scroll a page
  Esc              to the newest          Ctrl+C        quit
  Ctrl+U, Ctrl+W   clear line, word       F1            this help

Commands
  /join ROOM             become a member of a public room
  /create NAME           make a public room
  /create private NAME   make a private one
  /invite USER           make somebody a member of this room
  /leave                 leave this room
  /msg USER TEXT         write to somebody privately
  /quit                  quit
  //text                 send a text that begins with a slash

Any key closes this.`

// plain takes out what a terminal would obey.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' {
			return -1
		}
		return r
	}, s)
}

func (m *Model) side() int {
	if m.width < sideFrom {
		return 0
	}
	return sideWidth
}

func (m *Model) textWidth() int {
	if s := m.side(); s > 0 {
		return m.width - s - 1
	}
	return max(m.width, 10)
}

// messageRows is how many lines of messages there are: without header, note and input.
func (m *Model) messageRows() int { return max(m.height-3, 1) }

// View implements tea.Model.
func (m *Model) View() tea.View {
	var v tea.View
	v.AltScreen, v.WindowTitle = true, "parley"
	w := m.textWidth()
	var main []string
	if m.help {
		v.SetContent(strings.Join(clip(fill(strings.Split(helpText, "\n"), m.height), m.width), "\n"))
		return v
	}
	r := m.find(m.current)
	input, x := m.inputLine(w)
	main = append(main, m.header(r, w))
	main = append(main, m.window(r, w)...)
	main = append(main, m.note(r, w), input)
	offset := 0
	if m.side() > 0 {
		offset = m.side() + 1
	}
	v.Cursor = tea.NewCursor(offset+x, m.height-1)
	if m.side() == 0 {
		v.SetContent(strings.Join(clip(main, m.width), "\n"))
		return v
	}
	list := m.list()
	lines := make([]string, 0, m.height)
	for i, line := range clip(main, w) {
		lines = append(lines, pad(list[i], m.side())+"│"+line)
		if i == m.height-1 {
			break
		}
	}
	v.SetContent(strings.Join(lines, "\n"))
	return v
}

func fill(lines []string, n int) []string {
	for len(lines) < n {
		lines = append(lines, "")
	}
	return lines[:n]
}

func clip(lines []string, width int) []string {
	for i := range lines {
		lines[i] = ansi.Truncate(lines[i], width, "")
	}
	return lines
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(width-ansi.StringWidth(s), 0))
}

// list is the list of rooms, as many lines as the screen has; the current one is always among them.
func (m *Model) list() []string {
	lines := []string{pad(bold+ansi.Truncate(m.server.User(), sideWidth-1, "…")+reset, sideWidth)}
	rows := m.height - 1
	from := 0
	if i := slices.IndexFunc(m.rooms, func(r *room) bool { return r.ID == m.current }); i >= rows {
		from = i - rows + 1
	}
	for i, r := range m.rooms[from:] {
		if i == rows {
			break
		}
		count := ""
		if r.Unread > 0 {
			count = fmt.Sprintf("(%d)", min(r.Unread, 999))
		}
		mark := "  "
		if r.Type == "direct" && m.status[m.peer(r.ID)] == "online" {
			mark = " +"
		}
		if r.ID == m.current {
			mark = ">" + mark[1:]
		}
		name := ansi.Truncate(m.title(r), sideWidth-len(mark)-len(count)-2, "…")
		line := mark + pad(name, sideWidth-len(mark)-len(count)-1) + count
		switch {
		case r.ID == m.current:
			line = reverse + pad(line, sideWidth) + reset
		case r.Unread > 0:
			line = bold + line + reset
		}
		lines = append(lines, line)
	}
	return fill(lines, m.height)
}

func (m *Model) header(r *room, width int) string {
	right := ""
	switch m.state {
	case client.Online:
	case client.Offline, client.Connecting:
		right = "[no connection, trying again]"
	default:
		right = "[" + m.state.String() + "]"
	}
	left := "no room; /join one or /create one"
	if r != nil {
		left = m.title(r)
		switch {
		case r.Type == "direct":
			if s := m.status[m.peer(r.ID)]; s != "" {
				left += ", " + s
			}
		case r.Type != "announcements":
			online := 0
			for _, u := range r.members {
				if m.status[u.User] == "online" {
					online++
				}
			}
			left += fmt.Sprintf(", %d members", r.MemberCount)
			if r.MemberCount == 1 {
				left = strings.TrimSuffix(left, "s")
			}
			if online > 0 {
				left += fmt.Sprintf(", %d online", online)
			}
			if r.Description != "" {
				left += ": " + strings.ReplaceAll(plain(r.Description), "\n", " ")
			}
		}
	}
	left = ansi.Truncate(" "+left, width-ansi.StringWidth(right)-1, "…")
	return reverse + pad(left, width-ansi.StringWidth(right)) + right + reset
}

// window is the part of the messages that is on the screen.
func (m *Model) window(r *room, width int) []string {
	rows := m.messageRows()
	if r == nil {
		return fill(nil, rows)
	}
	lines := m.lines(r, width)
	end := max(len(lines)-m.scroll, 0)
	begin := max(end-rows, 0)
	shown := slices.Clone(lines[begin:end])
	return append(fill(nil, rows-len(shown)), shown...) // at the bottom
}

// lines are all lines of a room.
func (m *Model) lines(r *room, width int) []string {
	var out []string
	switch {
	case r.loading:
		out = append(out, faint+"  reading …"+reset)
	case r.loaded && !r.more:
		out = append(out, faint+"  this is the beginning"+reset)
	}
	day := ""
	for i := range r.messages {
		e := &r.messages[i]
		at := e.Timestamp.Time()
		if d := at.Format("Monday, 2 January 2006"); d != day {
			day = d
			out = append(out, faint+"  -- "+d+" --"+reset)
		}
		out = append(out, m.messageLines(e, at.Format("15:04"), width)...)
	}
	for _, p := range r.pending {
		out = append(out, wrapped(faint+"  ... "+reset, faint+m.server.User()+": "+p.text+reset, width)...)
	}
	return out
}

func (m *Model) messageLines(e *client.Event, at string, width int) []string {
	head := faint + at + reset + " "
	switch {
	case e.Type == "system":
		return wrapped(head, faint+"* "+plain(e.Content)+reset, width)
	case e.Deleted:
		return wrapped(head, bold+plain(e.SenderName)+reset+": "+faint+"(deleted)"+reset, width)
	}
	text := plain(e.Content)
	if e.Edited {
		text += faint + " (edited)" + reset
	}
	if e.ReplyTo != "" {
		text = faint + "(reply) " + reset + text
	}
	if e.ThreadCount != nil {
		text += faint + " (" + replies(*e.ThreadCount) + ")" + reset
	}
	return wrapped(head, bold+plain(e.SenderName)+reset+": "+text, width)
}

func replies(n int) string {
	if n == 1 {
		return "1 reply"
	}
	return strconv.Itoa(n) + " replies"
}

// wrapped breaks a text into lines under its head.
func wrapped(head, text string, width int) []string {
	lines := strings.Split(ansi.Wrap(text, max(width-indent, 4), ""), "\n")
	for i := range lines {
		if i == 0 {
			lines[i] = head + lines[i]
		} else {
			lines[i] = strings.Repeat(" ", indent) + lines[i]
		}
	}
	return lines
}

// note is the line above the input: what went wrong, who types, what is below.
func (m *Model) note(r *room, width int) string {
	var parts []string
	if m.notice != "" {
		parts = append(parts, strings.ReplaceAll(plain(m.notice), "\n", " "))
	}
	if who := m.whoTypes(r); who != "" {
		parts = append(parts, faint+who+reset)
	}
	if m.notice == "" && m.scroll > 0 {
		parts = append(parts, faint+fmt.Sprintf("%d lines below; Esc goes there", m.scroll)+reset)
	}
	return ansi.Truncate(" "+strings.Join(parts, "; "), width, "…")
}

// whoTypes tells who else writes at the moment.
func (m *Model) whoTypes(r *room) string {
	if r == nil {
		return ""
	}
	var typing []string
	for u, since := range r.typing {
		if m.now().Sub(since) < typingLast {
			typing = append(typing, u)
		}
	}
	slices.Sort(typing)
	switch len(typing) {
	case 0:
		return ""
	case 1:
		return typing[0] + " is typing"
	}
	return strings.Join(typing, ", ") + " are typing"
}

// inputLine is the part of the input around the cursor, and where the cursor is in it.
func (m *Model) inputLine(width int) (line string, x int) {
	show := func(r []rune) string { return strings.ReplaceAll(string(r), "\n", "⏎") }
	before, after := show(m.input[:m.at]), show(m.input[m.at:])
	space := max(width-4, 4)
	if w := ansi.StringWidth(before); w > space {
		before = ansi.TruncateLeft(before, w-space, "")
	}
	return "> " + before + after, 2 + ansi.StringWidth(before)
}
