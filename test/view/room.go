// SPDX-License-Identifier: Apache-2.0

// Package view is what a client makes of what it is sent: pictures of rooms and of the own account, loaded once and kept up by
// the events of the logs as docs/protocol.md tells clients to apply them. Tests hold such a picture against one that is loaded
// anew.
package view

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Message is a message as a client shows it.
type Message struct {
	Seq                   uint64
	Type, Sender, Content string
	ReplyTo, Thread       string
	Happened              string // of a system message: what, and to whom
	File                  string
	Hook                  string // the name of the hook that posted it
	Mentions              string
	Edited, Deleted       bool
	Flagged               bool
	Reactions             map[string][]string // by emoji
	Answers               int                 // in the thread that it begins
	LastAnswer            uint64              // the seq of the latest of these
}

// Member is somebody in a room.
type Member struct {
	Role  string
	Muted bool
}

// Room is a picture of a room.
type Room struct {
	Seq      uint64 // of the last event applied; before the first one, of the page that was loaded
	Messages map[string]*Message
	Pins     map[string]bool
	Settings map[string]string
	Members  map[string]Member
	Gone     bool // deleted

	// What events did not tell, and has to be asked for: earlier messages, because the user may see others now, and texts and
	// answers of messages by id.
	StalePast    bool
	StaleTexts   map[string]bool
	StaleThreads map[string]bool
}

// NewRoom is a picture of a room of which nothing is known yet.
func NewRoom() *Room {
	return &Room{Messages: map[string]*Message{}, Pins: map[string]bool{}, Settings: map[string]string{}, Members: map[string]Member{},
		StaleTexts: map[string]bool{}, StaleThreads: map[string]bool{}}
}

// event is what a room's log can say.
type event struct {
	Type      string              `json:"type"`
	ID        string              `json:"id"`
	Seq       uint64              `json:"seq"`
	SenderID  string              `json:"sender_id"`
	MessageID string              `json:"message_id"`
	ReplyTo   string              `json:"reply_to"`
	ThreadID  string              `json:"thread_id"`
	Answers   *int                `json:"thread_count"`
	LastSeq   uint64              `json:"thread_last_seq"`
	Event     string              `json:"event"`
	UserID    string              `json:"user_id"`
	Content   *string             `json:"content"`
	Hook      bool                `json:"hook"`
	Name      string              `json:"sender_name"`
	Edited    bool                `json:"edited"`
	Deleted   bool                `json:"deleted"`
	Flagged   bool                `json:"flagged"`
	Mentions  []string            `json:"mentions"`
	Reactions map[string][]string `json:"reactions"`
	File      json.RawMessage     `json:"file"`
	Emoji     string              `json:"emoji"`
	Action    string              `json:"action"`
	TargetID  string              `json:"target_id"`
	Role      string              `json:"role"`
	Muted     bool                `json:"muted"`
	Changes   map[string]any      `json:"changes"`
	Truncated bool                `json:"truncated"`
}

// Show takes a message as a page shows it: how it is now.
func (r *Room) Show(body []byte) error {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	return r.show(&e)
}

func (r *Room) show(e *event) error {
	if e.Truncated || e.Content == nil {
		return fmt.Errorf("message %s comes without its text", e.ID)
	}
	m := &Message{Seq: e.Seq, Type: e.Type, Sender: e.SenderID, Content: *e.Content, ReplyTo: e.ReplyTo, Thread: e.ThreadID, File: string(e.File),
		Mentions: strings.Join(e.Mentions, " "), Edited: e.Edited, Deleted: e.Deleted, Flagged: e.Flagged, Reactions: e.Reactions}
	if e.Type == "system" {
		m.Happened = e.Event + " " + e.UserID
	}
	if e.Hook {
		m.Hook = e.Name
	}
	if m.Reactions == nil {
		m.Reactions = map[string][]string{}
	}
	if e.Answers != nil {
		m.Answers, m.LastAnswer = *e.Answers, e.LastSeq
	}
	r.Messages[e.ID] = m
	delete(r.StaleTexts, e.ID)
	delete(r.StaleThreads, e.ID)
	return nil
}

// answered counts an answer that came in its thread, or takes what the deletion of one left.
func (r *Room) answered(e *event) {
	first := r.Messages[e.ThreadID]
	switch {
	case first == nil:
	case e.ID != "":
		if !e.Deleted && e.Seq > first.LastAnswer {
			first.Answers, first.LastAnswer = first.Answers+1, e.Seq
		}
	case e.Answers == nil:
		r.StaleThreads[e.ThreadID] = true
	default:
		first.Answers, first.LastAnswer = *e.Answers, e.LastSeq
	}
}

// settings are what room_updated and a room's data have in common.
var settings = []string{"name", "description", "max_members", "slow_mode", "read_only", "history_visibility"}

// Set takes the settings from a room's data.
func (r *Room) Set(data []byte) error {
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		return err
	}
	r.change(all)
	r.Settings["locked"] = fmt.Sprint(all["locked"])
	return nil
}

func (r *Room) change(values map[string]any) {
	for _, name := range settings {
		if v, ok := values[name]; ok {
			r.Settings[name] = fmt.Sprint(v)
		}
	}
}

// ErrHole says that an event does not follow the one before it.
var ErrHole = errors.New("a hole in the log")

// Apply takes the next event of the room's log, whichever kind it is. Copies of former ones change nothing.
func (r *Room) Apply(body []byte) (kind string, err error) {
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return "", err
	}
	switch {
	case e.Seq <= r.Seq:
		return e.Type, nil
	case e.Seq != r.Seq+1:
		return e.Type, fmt.Errorf("%w: after %d comes %d", ErrHole, r.Seq, e.Seq)
	}
	r.Seq = e.Seq
	if e.ID != "" {
		if e.Type == "system" {
			r.moves(&e)
		}
		r.answered(&e)
		return e.Type, r.show(&e)
	}
	if e.MessageID != "" {
		return e.Type, r.touch(&e)
	}
	switch e.Type {
	case "room_updated":
		r.change(e.Changes)
		if _, ok := e.Changes["history_visibility"]; ok {
			r.StalePast = true
		}
		if owner, ok := e.Changes["owner_id"].(string); ok {
			r.own(owner)
		}
	case "moderated":
		r.moderated(&e)
	case "room_deleted":
		r.Gone = true
	default:
		return e.Type, fmt.Errorf("nobody knows %s", body)
	}
	return e.Type, nil
}

// moves is a joining or a leaving. Who takes over an empty room owns it, and who comes back muted is muted still.
func (r *Room) moves(e *event) {
	if e.Event == "member_left" {
		delete(r.Members, e.UserID)
		return
	}
	r.Members[e.UserID] = Member{Role: cmp.Or(e.Role, "member"), Muted: e.Muted}
}

// own makes a member the owner. A former one that is still there has become a moderator.
func (r *Room) own(user string) {
	for u, m := range r.Members {
		switch {
		case u == user:
			m.Role = "owner"
		case m.Role == "owner":
			m.Role = "moderator"
		}
		r.Members[u] = m
	}
}

func (r *Room) moderated(e *event) {
	switch e.Action {
	case "kick", "ban":
		delete(r.Members, e.TargetID)
		return
	case "lock", "unlock":
		r.Settings["locked"] = fmt.Sprint(e.Action == "lock")
		return
	}
	m, ok := r.Members[e.TargetID]
	if !ok {
		return
	}
	switch e.Action {
	case "mute", "unmute":
		m.Muted = e.Action == "mute"
	case "promote", "demote":
		m.Role = e.Role
	}
	r.Members[e.TargetID] = m
}

// touch is what was done to a message.
func (r *Room) touch(e *event) error {
	m := r.Messages[e.MessageID]
	if m == nil { // one that the client has not loaded
		m = &Message{Reactions: map[string][]string{}}
	}
	switch e.Type {
	case "message_edited":
		m.Edited = true
		if e.Content == nil {
			if r.Messages[e.MessageID] != nil {
				r.StaleTexts[e.MessageID] = true
			}
			return nil
		}
		delete(r.StaleTexts, e.MessageID)
		m.Content, m.Flagged, m.Mentions = *e.Content, e.Flagged, strings.Join(e.Mentions, " ")
	case "message_deleted":
		m.Content, m.File, m.Mentions, m.Edited, m.Flagged, m.Deleted, m.Reactions = "", "", "", false, false, true, map[string][]string{}
		delete(r.StaleTexts, e.MessageID)
		delete(r.Pins, e.MessageID)
		r.answered(e)
	case "reaction_added":
		if users := m.Reactions[e.Emoji]; !slices.Contains(users, e.UserID) {
			m.Reactions[e.Emoji] = append(users, e.UserID)
			slices.Sort(m.Reactions[e.Emoji])
		}
	case "reaction_removed":
		m.Reactions[e.Emoji] = slices.DeleteFunc(m.Reactions[e.Emoji], func(u string) bool { return u == e.UserID })
		if len(m.Reactions[e.Emoji]) == 0 {
			delete(m.Reactions, e.Emoji)
		}
	case "message_pinned":
		r.Pins[e.MessageID] = true
	case "message_unpinned":
		delete(r.Pins, e.MessageID)
	default:
		return fmt.Errorf("nobody knows the event %s of a message", e.Type)
	}
	return nil
}

// Differs tells the first thing that a picture which was loaded anew shows otherwise, nil without. What is stale has to have
// been asked for before.
func (r *Room) Differs(fresh *Room) error {
	for id, m := range fresh.Messages {
		mine := r.Messages[id]
		if mine == nil {
			return fmt.Errorf("message %s %+v is missing", id, *m)
		}
		if a, b := fmt.Sprintf("%+v", *mine), fmt.Sprintf("%+v", *m); a != b {
			return fmt.Errorf("message %s is\n%s, in a fresh picture\n%s", id, a, b)
		}
	}
	for id, m := range r.Messages {
		if fresh.Messages[id] == nil {
			return fmt.Errorf("message %s %+v is not in a fresh picture", id, *m)
		}
	}
	switch {
	case r.Gone != fresh.Gone:
		return fmt.Errorf("gone: %v, in a fresh picture %v", r.Gone, fresh.Gone)
	case !maps.Equal(r.Pins, fresh.Pins):
		return fmt.Errorf("pinned are %v, in a fresh picture %v", r.Pins, fresh.Pins)
	case !maps.Equal(r.Members, fresh.Members):
		return fmt.Errorf("members are %v, in a fresh picture %v", r.Members, fresh.Members)
	case !maps.Equal(r.Settings, fresh.Settings):
		return fmt.Errorf("the settings are %v, in a fresh picture %v", r.Settings, fresh.Settings)
	}
	return nil
}

// Forget drops what lies before a seq: retention has cut it from the log, or the user may not see it any more. So it does with pins
// of messages that are not there: events name what was pinned to all members, also to who may not see it.
func (r *Room) Forget(before uint64) {
	for id, m := range r.Messages {
		if m.Seq < before {
			delete(r.Messages, id)
			delete(r.StaleTexts, id)
			delete(r.StaleThreads, id)
		}
	}
	maps.DeleteFunc(r.Pins, func(id string, _ bool) bool { return r.Messages[id] == nil })
}

// Clone is a copy.
func (r *Room) Clone() *Room {
	c := *r
	c.Messages = map[string]*Message{}
	for id, m := range r.Messages {
		copied := *m
		copied.Reactions = map[string][]string{}
		for emoji, users := range m.Reactions {
			copied.Reactions[emoji] = slices.Clone(users)
		}
		c.Messages[id] = &copied
	}
	c.Pins, c.Settings, c.Members = maps.Clone(r.Pins), maps.Clone(r.Settings), maps.Clone(r.Members)
	c.StaleTexts, c.StaleThreads = maps.Clone(r.StaleTexts), maps.Clone(r.StaleThreads)
	return &c
}
