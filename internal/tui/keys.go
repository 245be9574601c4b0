// SPDX-License-Identifier: Apache-2.0

package tui

import (
	"context"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"
)

// key takes a key.
func (m *Model) key(k tea.KeyPressMsg) tea.Cmd {
	if m.help {
		m.help = false
		if k.String() != "ctrl+c" {
			return nil
		}
	}
	switch s := k.String(); s {
	case "ctrl+c", "ctrl+d":
		return tea.Quit
	case "f1":
		m.help = true
	case "enter":
		return m.enter()
	case "alt+enter", "ctrl+j":
		m.insert("\n")
	case "tab", "ctrl+n":
		return m.turn(1)
	case "shift+tab", "ctrl+p":
		return m.turn(-1)
	case "pgup":
		return m.scrollBy(m.height - 5)
	case "pgdown":
		return m.scrollBy(5 - m.height)
	case "up":
		return m.scrollBy(1)
	case "down":
		return m.scrollBy(-1)
	case "esc":
		m.notice = ""
		return m.scrollBy(-m.scroll)
	default:
		if n := strings.TrimPrefix(s, "alt+"); len(n) == 1 && n != s && n[0] >= '1' && n[0] <= '9' {
			if i := int(n[0] - '1'); i < len(m.rooms) {
				return m.open(m.rooms[i].ID)
			}
			return nil
		}
		return m.edit(s, k.Key().Text)
	}
	return nil
}

// edit changes the line that is written.
func (m *Model) edit(key, text string) tea.Cmd {
	switch key {
	case "left":
		m.at -= m.before()
	case "right":
		m.at += m.after()
	case "home", "ctrl+a":
		m.at = 0
	case "end", "ctrl+e":
		m.at = len(m.input)
	case "backspace", "ctrl+h":
		n := m.before()
		m.input, m.at = slices.Delete(m.input, m.at-n, m.at), m.at-n
	case "delete":
		m.input = slices.Delete(m.input, m.at, m.at+m.after())
	case "ctrl+u":
		m.input, m.at = m.input[m.at:], 0
	case "ctrl+k":
		m.input = m.input[:m.at]
	case "ctrl+w":
		i := m.at
		for i > 0 && unicode.IsSpace(m.input[i-1]) {
			i--
		}
		for i > 0 && !unicode.IsSpace(m.input[i-1]) {
			i--
		}
		m.input, m.at = slices.Delete(m.input, i, m.at), i
	default:
		if text != "" {
			m.insert(text)
			m.notice = ""
			return m.tellTyping()
		}
	}
	return nil
}

// before is how many runes the character before the cursor has, which may be several: an accent, a family. 0: there is none.
func (m *Model) before() int {
	n, last := 0, 0
	for n < m.at {
		last = cluster(m.input[n:m.at])
		n += last
	}
	return last
}

// after is the same of the one behind the cursor.
func (m *Model) after() int { return cluster(m.input[m.at:]) }

// cluster is how many runes the first character of a text has.
func cluster(text []rune) int {
	first, _ := ansi.FirstGraphemeCluster(string(text), ansi.GraphemeWidth)
	return utf8.RuneCountInString(first)
}

func (m *Model) insert(text string) {
	r := []rune(plain(strings.ReplaceAll(text, "\t", "    ")))
	m.input = slices.Insert(m.input, m.at, r...)
	m.at += len(r)
}

func (m *Model) tellTyping() tea.Cmd {
	r := m.find(m.current)
	if r == nil || len(m.input) == 0 || m.input[0] == '/' || m.now().Sub(m.typed) < typingEvery {
		return nil
	}
	m.typed = m.now()
	return func() tea.Msg {
		m.server.Signal("typing/"+r.ID+"/start", nil)
		return nil
	}
}

// turn goes to another room.
func (m *Model) turn(by int) tea.Cmd {
	n := len(m.rooms)
	if n == 0 {
		return nil
	}
	i := slices.IndexFunc(m.rooms, func(r *room) bool { return r.ID == m.current })
	return m.open(m.rooms[((i+by)%n+n)%n].ID)
}

// scrollBy goes up (or down) some lines, and asks for earlier messages at the top.
func (m *Model) scrollBy(lines int) tea.Cmd {
	r := m.find(m.current)
	if r == nil {
		return nil
	}
	all := len(m.lines(r, m.textWidth()))
	top := max(all-m.messageRows(), 0)
	m.scroll = min(max(m.scroll+lines, 0), top)
	switch {
	case m.scroll == top && r.more && len(r.messages) > 0:
		return m.askHistory(r, r.messages[0].Seq)
	case m.scroll == 0:
		return m.markRead(r)
	}
	return nil
}

// enter sends what was written, or obeys it.
func (m *Model) enter() tea.Cmd {
	text := strings.TrimSpace(string(m.input))
	m.notice = ""
	if text == "" {
		return nil
	}
	m.input, m.at = nil, 0
	if strings.HasPrefix(text, "/") && !strings.HasPrefix(text, "//") {
		return m.command(text)
	}
	r := m.find(m.current)
	if r == nil {
		m.notice = "you are in no room; /join one"
		return nil
	}
	return m.send(r, strings.TrimPrefix(text, "/"))
}

func (m *Model) send(r *room, text string) tea.Cmd {
	m.sent++
	n, id := m.sent, r.ID
	r.pending = append(r.pending, pending{n, text})
	m.scroll, m.typed = 0, m.typed.Add(-typingEvery)
	// Not bounded: what is not sent yet goes when the connection is back.
	return func() tea.Msg {
		_, err := m.server.Send(context.Background(), id, text)
		return sentMsg{id, n, err}
	}
}

const usage = "unknown command; /help lists them"

// command obeys a line that begins with a slash.
func (m *Model) command(line string) tea.Cmd {
	name, rest, _ := strings.Cut(line, " ")
	rest = strings.TrimSpace(rest)
	first, more, _ := strings.Cut(rest, " ")
	do := func(notice, open, route string, fields map[string]any) tea.Cmd {
		return ask(func(ctx context.Context) tea.Msg {
			var reply struct {
				Room string `json:"room_id"`
			}
			if err := m.server.Call(ctx, route, fields, &reply); err != nil {
				return failedMsg{err: err}
			}
			if open == "reply" {
				open = reply.Room
			}
			return doneMsg{notice, open}
		})
	}
	need := func(what string) tea.Cmd {
		m.notice = name + " needs " + what
		return nil
	}
	switch name {
	case "/help":
		m.help = true
		return nil
	case "/quit":
		return tea.Quit
	case "/join":
		if first == "" {
			return need("a room: /join ROOM")
		}
		return do("joined "+first, first, "rooms/join/"+first, nil)
	case "/create":
		if rest == "" {
			return need("a name: /create NAME, or /create private NAME")
		}
		fields := map[string]any{"name": rest}
		if first == "private" && more != "" {
			fields = map[string]any{"name": strings.TrimSpace(more), "type": "private"}
		}
		return do("created", "reply", "rooms/create", fields)
	case "/leave":
		if m.find(m.current) == nil {
			return need("a room to leave")
		}
		return do("left", "", "rooms/leave/"+m.current, nil)
	case "/invite":
		if first == "" {
			return need("a user: /invite USER")
		}
		return do("invited "+first, "", "rooms/"+m.current+"/invite", map[string]any{"user_id": first})
	case "/msg":
		first = strings.TrimPrefix(first, "@")
		if more = strings.TrimSpace(more); first == "" || more == "" {
			return need("a user and a text: /msg USER TEXT")
		}
		return do("", "reply", "private/"+first, map[string]any{"content": more})
	}
	m.notice = usage
	return nil
}
