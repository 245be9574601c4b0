// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"encoding/json"
	"errors"
	"fmt"

	"parley/test/view"
)

// memory is what one device knows: the places in the logs that it was told of, and the pictures that it makes of rooms.
type memory struct {
	user       string
	ask        view.Ask
	reads      bool // sync_required has it read on in the logs at once
	begun      bool
	epoch      int64
	account    *view.Account
	rooms      map[string]*place // that it was told of; after a removal the place stays
	told       map[spot]string   // what it was told of each place in a log
	pushed     []push            // of rooms, in the order of arrival
	pulled     map[spot]bool     // what it was shown in pages, by room and seq
	heard      map[string]bool   // rooms of which it was told in passing
	connection int               // how many there were
	anew       int               // the latest of these that began anew
	copies     int               // how often something came again
	truncated  int               // how often something came truncated
	unsent     int               // how often it was told of what it is not told
	came       []string          // what became of it: the latest connections, for messages of failed tests
}

// place is how far a device was told of a room.
type place struct {
	last    uint64
	missed  uint64     // up to here it was told by sync_required that it would not be told
	picture *view.Room // nil: to be loaded
	trail   []string   // how the device came here: the latest steps, for messages of failed tests
}

// mostSteps of a trail are kept.
const mostSteps = 6

func (p *place) step(format string, args ...any) {
	p.trail = append(p.trail[max(0, len(p.trail)-mostSteps+1):], fmt.Sprintf(format, args...))
}

type spot struct {
	room string
	seq  uint64
}

// push is an event as it came by itself.
type push struct {
	spot
	edits string // of an edit that tells the text: the message
}

func newMemory(user string, ask view.Ask) *memory {
	return &memory{user: user, ask: ask, rooms: map[string]*place{}, told: map[spot]string{}, pulled: map[spot]bool{}, heard: map[string]bool{}}
}

// comes notes what became of the device.
func (m *memory) comes(format string, args ...any) {
	m.came = append(m.came[max(0, len(m.came)-mostSteps+1):], fmt.Sprintf(format, args...))
}

func (m *memory) own() string { return "user:" + m.user }

// head is what every delivery has.
type head struct {
	Type      string            `json:"type"`
	ID        string            `json:"id"`
	RoomID    string            `json:"room_id"`
	Seq       uint64            `json:"seq"`
	Epoch     int64             `json:"epoch"`
	Event     string            `json:"event"`
	UserID    string            `json:"user_id"`
	MessageID string            `json:"message_id"`
	Content   *string           `json:"content"`
	IsPrivate bool              `json:"is_private"`
	Truncated bool              `json:"truncated"`
	FirstSeq  uint64            `json:"first_seq"`
	LastSeq   uint64            `json:"last_seq"`
	Messages  []json.RawMessage `json:"messages"`
	Room      struct {
		ID string `json:"room_id"`
	} `json:"room"`
}

// begin learns where the logs are, on a connection that hears already: what comes twice is known.
func (m *memory) begin() error {
	s, err := m.sync(nil)
	if err != nil {
		return err
	}
	if m.account, err = view.LoadAccount(m.ask); err != nil {
		return err
	}
	m.epoch, m.begun = s.Epoch, true
	for _, r := range s.Rooms {
		if r.ID != m.own() {
			m.rooms[r.ID] = &place{last: r.LastSeq}
			if err := m.load(r.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

// synced is an answer of sync.
type synced struct {
	Epoch   int64             `json:"epoch"`
	Rooms   []room            `json:"rooms"`
	Events  []json.RawMessage `json:"events"`
	HasMore bool              `json:"has_more"`
}

// room is a room as its members see it in lists.
type room struct {
	ID       string `json:"room_id"`
	Type     string `json:"type"`
	FirstSeq uint64 `json:"first_seq"`
	Joined   uint64 `json:"joined_seq"`
	LastSeq  uint64 `json:"last_seq"`
	ReadSeq  uint64 `json:"read_seq"`
	Unread   int    `json:"unread"`
}

func (m *memory) sync(after map[string]uint64) (s synced, err error) {
	payload := map[string]any{}
	if after != nil {
		payload = map[string]any{"rooms": after, "epoch": m.epoch, "limit": 50}
	}
	err = m.ask("sync", payload, &s)
	return s, err
}

// catchUp asks for what was missed, as a client does whose session is gone.
func (m *memory) catchUp() error {
	for {
		after := map[string]uint64{m.own(): m.account.Seq}
		for id, p := range m.rooms {
			after[id] = p.last
		}
		s, err := m.sync(after)
		if err != nil {
			return err
		}
		if s.Epoch != m.epoch {
			return fmt.Errorf("the epoch is %d, it was %d", s.Epoch, m.epoch)
		}
		for _, e := range s.Events {
			if err := m.take(e, pulled); err != nil {
				return fmt.Errorf("sync: %w", err)
			}
		}
		if s.HasMore {
			if len(s.Events) == 0 {
				return errors.New("sync has more, and nothing on its page")
			}
			continue
		}
		mine := map[string]bool{}
		for _, r := range s.Rooms {
			mine[r.ID] = true
			switch p := m.rooms[r.ID]; {
			case r.ID == m.own():
				if m.account.Seq != r.LastSeq {
					return fmt.Errorf("sync left out the own log from %d to %d", m.account.Seq+1, r.LastSeq)
				}
			case p == nil: // joined meanwhile
				m.rooms[r.ID] = &place{last: r.LastSeq}
				if err := m.load(r.ID); err != nil {
					return err
				}
			case r.FirstSeq > r.LastSeq: // all of it was cut
				p.last, p.picture = max(p.last, r.LastSeq), nil
			case p.last < r.LastSeq:
				return fmt.Errorf("sync left out %s from %d to %d", r.ID, p.last+1, r.LastSeq)
			}
		}
		for id := range m.rooms {
			if !mine[id] {
				m.comes("not in %s any more, by connection %d", id, m.connection)
				delete(m.rooms, id)
			}
		}
		return nil
	}
}

// load loads the picture of a room. Who is not in it has none.
func (m *memory) load(id string) error {
	picture, err := view.LoadRoom(m.ask, id)
	if err != nil {
		if no := (*refusal)(nil); errors.As(err, &no) || errors.Is(err, view.ErrStranger) {
			return nil
		}
		return fmt.Errorf("loading %s: %w", id, err)
	}
	for _, shown := range picture.Messages {
		m.pulled[spot{id, shown.Seq}] = true
	}
	m.rooms[id].picture = picture
	return nil
}

// way is how something came.
type way uint8

const (
	pulled   way = iota // on a page of sync, where what was cut away is missing
	followed            // by package client, pushed or from a log
	pushed              // by the server itself
)

// take is told of something.
func (m *memory) take(body []byte, by way) error {
	var e head
	if err := json.Unmarshal(body, &e); err != nil {
		return fmt.Errorf("%w in %s", err, body)
	}
	if e.Seq == 0 {
		return m.passing(&e)
	}
	if e.Epoch != m.epoch {
		return fmt.Errorf("the epoch is %d, not that of %s", m.epoch, body)
	}
	at := spot{e.RoomID, e.Seq}
	is := e.Type + " " + e.ID + e.MessageID
	if was, again := m.told[at]; again {
		m.copies++
		if was != is {
			return fmt.Errorf("place %v had %s, and comes again as %s", at, was, body)
		}
	}
	m.told[at] = is
	if e.RoomID == m.own() {
		_, err := m.account.Apply(body)
		if err == nil && e.Room.ID != "" && e.Type != "room_added" {
			if p := m.rooms[e.Room.ID]; p != nil {
				p.picture = nil
			}
		}
		return err
	}
	if by == pushed {
		p := push{spot: at}
		if e.Type == "message_edited" && e.Content != nil {
			p.edits = e.MessageID
		}
		m.pushed = append(m.pushed, p)
	} else {
		m.pulled[at] = true
	}
	p := m.rooms[e.RoomID]
	if p == nil {
		p = &place{}
		m.rooms[e.RoomID] = p
		if m.anew == m.connection && m.late(e.RoomID, e.Seq) {
			p.last = e.Seq - 1
		}
	}
	if e.Seq > p.last+1 {
		begins := e.Type == "system" && e.Event == "member_joined" && e.UserID == m.user
		// "room_deleted is the last event of a log", and nobody is a member after it: what "had not been written to the socket by
		// then" is taken back.
		ends := e.Type == "room_deleted"
		if by != pulled && !begins && !ends && p.missed < e.Seq-1 {
			hole := fmt.Errorf("%w: after %d of %s comes %s; before: %q, of the device: %q", view.ErrHole, p.last, e.RoomID, body, p.trail, m.came)
			p.last, p.picture = e.Seq, nil // it is told of once
			return hole
		}
		p.picture = nil
	}
	p.step("%d, %v, by connection %d", e.Seq, [...]string{"pulled", "followed", "pushed"}[by], m.connection)
	p.last = max(p.last, e.Seq)
	if e.Truncated {
		m.truncated++
		p.picture = nil
	}
	if p.picture == nil {
		return m.load(e.RoomID)
	}
	if _, err := p.picture.Apply(body); err != nil {
		return fmt.Errorf("%s: %w", e.RoomID, err)
	}
	if p.picture.StalePast {
		return m.load(e.RoomID)
	}
	return nil
}

// cut tells whether the log begins no earlier than seq, or is not the user's any more.
func (m *memory) cut(id string, seq uint64) (bool, error) {
	s, err := m.sync(nil)
	for _, r := range s.Rooms {
		if r.ID == id {
			return r.FirstSeq >= seq, err
		}
	}
	return true, err
}

// late tells whether an event may be from before the user was taken out of a room, and on its way since: "a removed, banned or left
// member gets nothing that had not been written to the socket by then". A connection that begins anew hears from the heads on, and
// learns the rest from sync, which does not know the room any more: so the first event that comes has nothing before it. What is
// from the present stay is not such a one: that begins with the joining.
func (m *memory) late(id string, seq uint64) bool {
	s, err := m.sync(nil)
	for _, r := range s.Rooms {
		if r.ID == id {
			return r.Joined > seq
		}
	}
	no := (*refusal)(nil) // banned, and asked in the end
	return err == nil || errors.As(err, &no)
}

// passing is told of something that is in no log.
func (m *memory) passing(e *head) error {
	switch e.Type {
	case "sync_required":
		m.unsent++
		m.comes("of %s it is not told %d to %d, by connection %d", e.RoomID, e.FirstSeq, e.LastSeq, m.connection)
		if m.reads {
			err := m.catchUp()
			if no := (*refusal)(nil); errors.As(err, &no) { // banned: the next connection reads on
				return nil
			}
			return err
		}
		p := m.rooms[e.RoomID]
		if p == nil { // joined while the device was away, and the joining has been cut away since
			p = &place{}
			m.rooms[e.RoomID] = p
		}
		p.missed, p.picture = max(p.missed, e.LastSeq), nil
		// "What is past the retention comes as sync_required": nothing else does, for who is fed from the log.
		if cut, err := m.cut(e.RoomID, e.LastSeq+1); err == nil && !cut {
			return fmt.Errorf("of %s, %d to %d are not told and not cut away; before: %q, of the device: %q", e.RoomID, e.FirstSeq, e.LastSeq, p.trail, m.came)
		}
	case "message_history":
		for _, body := range e.Messages {
			var shown head
			if err := json.Unmarshal(body, &shown); err != nil {
				return err
			}
			m.pulled[spot{shown.RoomID, shown.Seq}] = true
		}
	case "typing_start", "typing_stop", "read":
		m.heard[e.RoomID] = true
	case "user_status":
	default:
		return fmt.Errorf("nobody knows %s of %s", e.Type, e.RoomID)
	}
	return nil
}
