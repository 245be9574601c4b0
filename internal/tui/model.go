// SPDX-License-Identifier: Apache-2.0

package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	tea "charm.land/bubbletea/v2"

	"parley/client"
)

const (
	pageSize    = 50               // messages asked for at once
	askLimit    = 90 * time.Second // longer than a server holds a request back
	typingEvery = 3 * time.Second
	typingLast  = 12 * time.Second // a typing that is not ended ends by itself
)

// Server is what the chat asks of its server: a *client.Client.
type Server interface {
	User() string
	Send(ctx context.Context, room, text string) (client.Sent, error)
	Rooms(ctx context.Context) ([]client.Room, error)
	Members(ctx context.Context, room string) ([]client.Member, error)
	History(ctx context.Context, room string, before uint64, limit int) (client.Page, error)
	Call(ctx context.Context, route string, fields map[string]any, out any) error
	Signal(route string, fields map[string]any)
}

// What comes from the server by itself.
type (
	// EventMsg is an event.
	EventMsg client.Event
	// StateMsg is a change of the connection.
	StateMsg client.State
)

// Answers to what was asked.
type (
	roomsMsg   struct{ rooms []client.Room }
	historyMsg struct {
		room   string
		before uint64
		page   client.Page
	}
	membersMsg struct {
		room    string
		members []client.Member
	}
	sentMsg struct {
		room string
		n    int
		err  error
	}
	doneMsg struct {
		notice string
		open   string // the room to open
	}
	failedMsg struct {
		room string // whose history it was, if any
		err  error
	}
)

// room is a room on the screen.
type room struct {
	client.Room
	messages []client.Event // by seq
	loaded   bool           // the latest page is there
	more     bool           // there are earlier ones
	loading  bool
	stale    bool // what is being loaded may have been changed meanwhile
	members  []client.Member
	typing   map[string]time.Time // since when
	pending  []pending
}

// pending is a message that is not acknowledged yet.
type pending struct {
	n    int
	text string
}

// Model is the screen.
type Model struct {
	server        Server
	now           func() time.Time
	width, height int
	state         client.State
	rooms         []*room
	current       string // room id
	scroll        int    // lines between the newest one and the bottom of the screen
	input         []rune
	at            int // of the cursor in input
	notice        string
	help          bool
	status        map[string]string // of users, where it is known
	sent          int
	typed         time.Time // when typing was told last
}

// New makes the screen. now tells the time.
func New(s Server, now func() time.Time) *Model {
	return &Model{server: s, now: now, state: client.Online, width: 80, height: 24, status: map[string]string{},
		notice: "/help or F1 shows the keys and commands"}
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return m.askRooms() }

// ask runs f beside the screen.
func ask(f func(ctx context.Context) tea.Msg) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), askLimit)
		defer cancel()
		return f(ctx)
	}
}

func (m *Model) askRooms() tea.Cmd {
	return ask(func(ctx context.Context) tea.Msg {
		rooms, err := m.server.Rooms(ctx)
		if err != nil {
			return failedMsg{err: err}
		}
		return roomsMsg{rooms}
	})
}

func (m *Model) askHistory(r *room, before uint64) tea.Cmd {
	if r.loading {
		return nil
	}
	r.loading = true
	id := r.ID
	return ask(func(ctx context.Context) tea.Msg {
		page, err := m.server.History(ctx, id, before, pageSize)
		if err != nil {
			return failedMsg{room: id, err: err}
		}
		return historyMsg{id, before, page}
	})
}

func (m *Model) askMembers(r *room) tea.Cmd {
	id := r.ID
	return ask(func(ctx context.Context) tea.Msg {
		members, err := m.server.Members(ctx, id)
		if err != nil {
			return failedMsg{err: err}
		}
		return membersMsg{id, members}
	})
}

// find finds a room that is on the screen.
func (m *Model) find(id string) *room {
	for _, r := range m.rooms {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.key(msg)
	case tea.PasteMsg:
		m.insert(strings.ReplaceAll(msg.Content, "\r\n", "\n"))
	case StateMsg:
		m.state = client.State(msg)
		if m.state == client.Closed {
			return m, tea.Quit
		}
	case EventMsg:
		return m, m.event(client.Event(msg))
	case roomsMsg:
		return m, m.setRooms(msg.rooms)
	case historyMsg:
		return m, m.setHistory(msg)
	case membersMsg:
		if r := m.find(msg.room); r != nil {
			r.members = msg.members
			for _, u := range msg.members {
				m.status[u.User] = map[bool]string{true: "online", false: "offline"}[u.Online]
			}
		}
	case sentMsg:
		m.sentDone(msg)
	case doneMsg:
		m.notice = msg.notice
		if msg.open != "" {
			m.current, m.scroll = msg.open, 0
		}
		return m, m.askRooms()
	case failedMsg:
		m.fail(msg.err)
		if r := m.find(msg.room); r != nil {
			r.loading, r.stale = false, false
		}
	}
	return m, nil
}

func (m *Model) fail(err error) {
	m.notice = err.Error()
	if e, ok := errors.AsType[*client.Error](err); ok {
		m.notice = e.Message
	}
}

// setRooms takes the list of rooms. What is known of those that stay is kept.
func (m *Model) setRooms(list []client.Room) tea.Cmd {
	var rooms []*room
	for _, r := range list {
		if r.Type == "user" { // one's own log
			continue
		}
		if known := m.find(r.ID); known != nil {
			known.Room = r
			rooms = append(rooms, known)
		} else {
			rooms = append(rooms, &room{Room: r, typing: map[string]time.Time{}})
		}
	}
	rank := map[string]int{"public": 0, "private": 0, "direct": 1, "announcements": 2}
	slices.SortFunc(rooms, func(a, b *room) int {
		if d := rank[a.Type] - rank[b.Type]; d != 0 {
			return d
		}
		return strings.Compare(strings.ToLower(m.title(a)), strings.ToLower(m.title(b)))
	})
	m.rooms = rooms
	if m.find(m.current) == nil && len(rooms) > 0 {
		m.current, m.scroll = rooms[0].ID, 0
	}
	return m.open(m.current)
}

// title is what a room is called on the screen.
func (m *Model) title(r *room) string {
	switch {
	case r.Type == "direct":
		return "@" + m.peer(r.ID)
	case r.Name != "":
		return plain(r.Name)
	}
	return r.ID
}

// peer is the other one of a private conversation.
func (m *Model) peer(id string) string {
	a, b, _ := strings.Cut(strings.TrimPrefix(id, "private:"), ":")
	if a == m.server.User() {
		return b
	}
	return a
}

// open shows a room.
func (m *Model) open(id string) tea.Cmd {
	r := m.find(id)
	if r == nil {
		return nil
	}
	if m.current != id {
		m.scroll = 0
	}
	m.current = id
	var cmds []tea.Cmd
	if !r.loaded {
		cmds = append(cmds, m.askHistory(r, 0))
	}
	if r.members == nil && r.Type != "announcements" {
		cmds = append(cmds, m.askMembers(r))
	}
	return tea.Batch(append(cmds, m.markRead(r))...)
}

// markRead says that what is on the screen was read.
func (m *Model) markRead(r *room) tea.Cmd {
	if r.Unread == 0 || !r.loaded {
		return nil
	}
	r.Unread = 0
	id, seq := r.ID, r.LastSeq
	return func() tea.Msg {
		m.server.Signal("read/"+id, map[string]any{"seq": seq})
		return nil
	}
}

func (m *Model) setHistory(msg historyMsg) tea.Cmd {
	r := m.find(msg.room)
	if r == nil {
		return nil
	}
	if r.loading = false; r.stale {
		r.stale = false
		return m.askHistory(r, msg.before)
	}
	r.more = msg.page.HasMore
	page := slices.Clone(msg.page.Messages)
	slices.Reverse(page)
	if msg.before == 0 { // what came meanwhile stays
		i := slices.IndexFunc(r.messages, func(e client.Event) bool { return len(page) == 0 || e.Seq > page[len(page)-1].Seq })
		if i >= 0 {
			page = append(page, r.messages[i:]...)
			for _, e := range r.messages[i:] {
				answered(page, &e)
			}
		}
		r.loaded, r.messages = true, page
	} else if len(r.messages) > 0 && msg.before == r.messages[0].Seq {
		r.messages = append(page, r.messages...)
	}
	if r.ID == m.current {
		return m.markRead(r)
	}
	return nil
}

// event takes what happened.
func (m *Model) event(e client.Event) tea.Cmd {
	switch e.Type {
	case client.TypeReset:
		m.rooms = nil
		return m.askRooms()
	case "room_added", "removed_from_room", "room_deleted":
		if strings.HasPrefix(e.Room, "user:") {
			m.tellLoss(e)
			return m.askRooms()
		}
	case "account_moderated":
		if m.notice = "your account: " + strings.ReplaceAll(e.Action, "_", " "); e.Reason != "" {
			m.notice += ", " + e.Reason
		}
	case "user_status":
		m.status[e.User] = e.Status
	}
	r := m.find(e.Room)
	if r == nil {
		return nil
	}
	r.LastSeq = max(r.LastSeq, e.Seq)
	switch {
	case e.Type == "typing_start" && e.User != m.server.User():
		r.typing[e.User] = m.now()
	case e.Type == "typing_stop":
		delete(r.typing, e.User)
	case e.Type == "read" && e.User == m.server.User():
		r.Unread = 0
	case e.Type == "room_updated":
		return m.askRooms()
	case e.Type == "moderated":
		return m.askMembers(r)
	case e.Type == "message_edited", e.Type == "message_deleted":
		return m.change(r, e)
	case e.Type == client.TypeCut:
		if r.messages, r.loaded = nil, false; r.ID == m.current {
			return m.askHistory(r, 0)
		}
	case e.IsMessage() || e.Type == "system":
		return m.message(r, e)
	}
	return nil
}

// tellLoss says that a room is gone and why. What was being written for it does not go to the room that is shown instead.
func (m *Model) tellLoss(e client.Event) {
	if e.About == nil || e.Type == "room_added" || e.Reason == "left" {
		return
	}
	name := e.About.Name
	if name == "" {
		name = e.About.ID
	}
	if m.notice = fmt.Sprintf("you are not in %q any more: %s", name, e.Reason); e.Type == "room_deleted" {
		m.notice = fmt.Sprintf("%q was deleted", name)
	}
	if e.About.ID == m.current && !strings.HasPrefix(string(m.input), "/") {
		m.input, m.at = nil, 0
	}
}

// change takes an edit or a deletion of a message, as section 6 of docs/protocol.md has it applied.
func (m *Model) change(r *room, e client.Event) tea.Cmd {
	r.stale = r.stale || r.loading
	known := true
	for i := range r.messages {
		switch of := &r.messages[i]; {
		case of.ID == e.Message && e.Type == "message_deleted":
			of.Content, of.Deleted, of.Edited, of.Flagged = "", true, false, false
		case of.ID == e.Message && e.Content != "" && !of.Deleted:
			of.Content, of.Edited, of.Flagged = e.Content, true, e.Flagged
		}
		known = r.messages[i].Answered(&e) && known
	}
	if known {
		return nil
	}
	if r.loaded = false; r.ID == m.current {
		return m.askHistory(r, 0)
	}
	return nil
}

func (m *Model) message(r *room, e client.Event) tea.Cmd {
	delete(r.typing, e.Sender)
	if r.ID == m.current && m.scroll > 0 { // what is read does not move
		before := len(m.lines(r, m.textWidth()))
		defer func() { m.scroll += len(m.lines(r, m.textWidth())) - before }()
	}
	n := len(r.messages)
	fresh := n == 0 || r.messages[n-1].Seq < e.Seq
	if fresh {
		r.messages = append(r.messages, e)
	}
	answered(r.messages, &e)
	var cmds []tea.Cmd
	if e.Type == "system" {
		cmds = append(cmds, m.askMembers(r))
	}
	switch {
	case !fresh || !e.IsMessage():
	case e.Sender == m.server.User(): // from here or from another device: all before it counts as read
		r.Unread = 0
	default:
		r.Unread++
	}
	if r.ID == m.current && m.scroll == 0 {
		cmds = append(cmds, m.markRead(r))
	}
	return tea.Batch(cmds...)
}

// answered counts an answer in the first message of its thread, where that is among messages. After a deletion all is read again.
func answered(messages []client.Event, e *client.Event) {
	if i := slices.IndexFunc(messages, func(m client.Event) bool { return m.ID == e.Thread }); i >= 0 && e.Thread != "" {
		messages[i].Answered(e)
	}
}

func (m *Model) sentDone(msg sentMsg) {
	lost := ""
	if r := m.find(msg.room); r != nil {
		r.pending = slices.DeleteFunc(r.pending, func(p pending) bool {
			if p.n != msg.n {
				return false
			}
			if lost = p.text; msg.err != nil && len(m.input) == 0 && r.ID == m.current { // to be mended, not typed again
				m.input, lost = []rune(p.text), ""
				m.at = len(m.input)
			}
			return true
		})
	}
	if msg.err != nil {
		m.fail(msg.err)
		if lost != "" {
			m.notice += fmt.Sprintf("; not sent: %q", lost)
		}
	}
}
