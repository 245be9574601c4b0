// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"slices"
	"strings"
)

// visible is a room that the caller may read, with what they may see of it.
func (s *Service) visible(ctx context.Context, who Principal, id RoomID) (*Room, *Member, error) {
	r, err := s.store.ReadRoom(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	if r == nil || r.Deleted {
		return nil, nil, noRoom(id)
	}
	m, err := s.store.ReadMember(ctx, r.Num, who.UserID)
	if err != nil {
		return nil, nil, err
	}
	if m == nil {
		b, err := s.store.ReadBan(ctx, r.Num, who.UserID)
		if err != nil {
			return nil, nil, err
		}
		return nil, nil, access(r, id, nil, b, s.now())
	}
	return r, m, nil
}

// HistoryQuery selects a page of a room's messages. At most one of Before, BeforeSeq, AfterSeq and Around.
type HistoryQuery struct {
	Limit     int
	Before    Time
	BeforeSeq uint64
	AfterSeq  *uint64 // ascending
	Around    ID
}

// Page is a page of messages in their current state, newest first, or ascending after AfterSeq.
type Page struct {
	Room     *Room
	Messages []*Event
	From, To uint64 // the part of the log that the page covers; both 0 when it covers none
	HasMore  bool   // beyond the page, in its direction
}

// History reads a page of a room that the caller is a member of.
func (s *Service) History(ctx context.Context, who Principal, room RoomID, q HistoryQuery) (*Page, error) {
	r, m, err := s.visible(ctx, who, room)
	if err != nil {
		return nil, err
	}
	limit, err := pageSize(q.Limit, s.limit.HistoryPage, s.limit.MaxHistoryPage)
	if err != nil {
		return nil, err
	}
	first := r.FirstVisible(m.JoinedSeq)
	switch {
	case !q.Around.IsZero():
		return s.around(ctx, r, first, q.Around, limit)
	case q.AfterSeq != nil:
		if *q.AfterSeq >= r.LastSeq {
			return &Page{Room: r}, nil
		}
		return s.ascending(ctx, r, max(first, *q.AfterSeq+1), limit)
	}
	to := r.LastSeq
	if q.BeforeSeq > 0 {
		to = min(to, q.BeforeSeq-1)
	}
	return s.descending(ctx, r, first, to, q.Before, limit)
}

func pageSize(asked, usual, most int) (int, error) {
	switch {
	case asked < 0:
		return 0, Refuse(BadRequest, "limit: must not be negative")
	case asked == 0:
		return usual, nil
	}
	return min(asked, most), nil
}

// maxPageBytes bounds the texts of one page, so that an answer stays small whatever its messages are.
const maxPageBytes = 128 << 10

// weight is about how many bytes of JSON an event has beside what every event has.
func (e *Event) weight() int {
	n := len(e.Content)
	for i := range e.Reactions {
		n += 32 + 24*len(e.Reactions[i].Users)
	}
	if d := e.Details; d != nil {
		n += len(d.Reason) + 24*len(d.Mentions)
		if c := d.Changes; c != nil && c.Description != nil {
			n += len(*c.Description)
		}
	}
	return n
}

// pageOf is the part of a list that makes a page: at most limit, at least one, and as many as the texts allow for. more tells that
// something is left.
func pageOf[T any](list []T, limit int, texts func(*T) int) (page []T, more bool) {
	bytes := maxPageBytes
	for i := range list {
		if bytes -= texts(&list[i]); i > 0 && (i == limit || bytes < 0) {
			return list[:i], true
		}
	}
	return list, false
}

// fitting is how many of events, at most limit and at least one, go into one page with bytes left for texts; it takes those from
// bytes.
func fitting(events []*Event, limit int, bytes *int) int {
	for i, e := range events {
		if *bytes -= e.weight(); i > 0 && (i == limit || *bytes < 0) {
			return i
		}
	}
	return len(events)
}

func (s *Service) descending(ctx context.Context, r *Room, first, to uint64, before Time, limit int) (*Page, error) {
	p := &Page{Room: r}
	if to < first {
		return p, nil
	}
	var err error
	p.Messages, err = s.store.Log(ctx, r, LogQuery{From: first, To: to, Before: before, Limit: limit + 1, Descending: true, MessagesOnly: true})
	if err != nil {
		return nil, err
	}
	p.From, p.To = first, to
	if before != 0 { // what lies between the newest of the page and before is not known to be covered
		if len(p.Messages) == 0 {
			p.From, p.To = 0, 0
			return p, nil
		}
		p.To = p.Messages[0].Seq
	}
	bytes := maxPageBytes
	if n := fitting(p.Messages, limit, &bytes); n < len(p.Messages) {
		p.HasMore = true
		p.Messages = p.Messages[:n]
		p.From = p.Messages[n-1].Seq
	}
	return p, nil
}

func (s *Service) ascending(ctx context.Context, r *Room, from uint64, limit int) (*Page, error) {
	p := &Page{Room: r}
	if from > r.LastSeq {
		return p, nil
	}
	var err error
	p.Messages, err = s.store.Log(ctx, r, LogQuery{From: from, To: r.LastSeq, Limit: limit + 1, MessagesOnly: true})
	if err != nil {
		return nil, err
	}
	p.From, p.To = from, r.LastSeq
	bytes := maxPageBytes
	if n := fitting(p.Messages, limit, &bytes); n < len(p.Messages) {
		p.HasMore = true
		p.Messages = p.Messages[:n]
		p.To = p.Messages[n-1].Seq
	}
	return p, nil
}

// around reads as many messages before a message as after it.
func (s *Service) around(ctx context.Context, r *Room, first uint64, id ID, limit int) (*Page, error) {
	centre, err := s.store.ReadMessage(ctx, id)
	if err != nil {
		return nil, err
	}
	if centre == nil || centre.RoomNum != r.Num || centre.Seq < first {
		return nil, Refuse(NotFound, "around: there is no such message in this room")
	}
	newer := &Page{}
	if limit > 1 {
		if newer, err = s.ascending(ctx, r, centre.Seq+1, limit/2); err != nil {
			return nil, err
		}
	}
	older, err := s.descending(ctx, r, first, centre.Seq, 0, limit-len(newer.Messages))
	if err != nil {
		return nil, err
	}
	slices.Reverse(newer.Messages)
	older.Messages = append(newer.Messages, older.Messages...)
	older.To = max(older.To, newer.To)
	return older, nil
}

// Synced is the answer to sync.
type Synced struct {
	Rooms   []Membership // every room of the caller
	Events  []*Event     // of the rooms asked for, each room's in order
	HasMore bool
}

// Sync tells the heads of all the caller's rooms, and reads on in the logs of some of them after the seqs given.
func (s *Service) Sync(ctx context.Context, who Principal, after map[RoomID]uint64, limit int) (*Synced, error) {
	limit, err := pageSize(limit, s.limit.MaxSyncEvents, s.limit.MaxSyncEvents)
	if err != nil {
		return nil, err
	}
	out := &Synced{}
	bytes := maxPageBytes
	if out.Rooms, err = s.store.RoomsOf(ctx, who.UserID); err != nil {
		return nil, err
	}
	for i := range out.Rooms {
		m := &out.Rooms[i]
		last, asked := after[m.Room.ID]
		if !asked || last >= m.Room.LastSeq {
			continue
		}
		from := max(m.Room.FirstVisible(m.Member.JoinedSeq), last+1)
		if limit == 0 || bytes <= 0 {
			out.HasMore = true
			break
		}
		events, err := s.store.Log(ctx, &m.Room, LogQuery{From: from, To: m.Room.LastSeq, Limit: limit})
		if err != nil {
			return nil, err
		}
		events = events[:fitting(events, limit, &bytes)]
		for i, e := range events {
			events[i] = e.As(m.Member.JoinedSeq)
		}
		out.Events = append(out.Events, events...)
		limit -= len(events)
		if n := len(events); n > 0 && events[n-1].Seq < m.Room.LastSeq {
			out.HasMore = true
		}
	}
	return out, nil
}

// Mine lists the caller's rooms with their heads, by id: those whose id or name contains query (any case), after after.
// limit 0 is all of them.
func (s *Service) Mine(ctx context.Context, who Principal, query string, after RoomID, limit int) ([]Membership, bool, error) {
	if limit < 0 {
		return nil, false, Refuse(BadRequest, "limit: must not be negative")
	}
	rooms, err := s.store.RoomsOf(ctx, who.UserID)
	query = strings.ToLower(query)
	rooms = slices.DeleteFunc(rooms, func(m Membership) bool {
		return m.Room.ID <= after && after != "" ||
			query != "" && !strings.Contains(strings.ToLower(string(m.Room.ID)), query) && !strings.Contains(strings.ToLower(m.Room.Name), query)
	})
	if limit > 0 && len(rooms) > limit {
		return rooms[:limit], true, err
	}
	return rooms, false, err
}

// PublicRooms lists rooms that anybody may join.
func (s *Service) PublicRooms(ctx context.Context, query string, after RoomID, limit int) ([]Room, bool, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, false, err
	}
	rooms, err := s.store.PublicRooms(ctx, query, after, limit+1)
	rooms, more := pageOf(rooms, limit, func(r *Room) int { return len(r.Name) + len(r.Description) })
	return rooms, more, err
}

// RoomInfo is what a caller may know of a room: Members only as a member.
type RoomInfo struct {
	Room    *Room
	Self    *Member // nil for a stranger to a public room
	Members []Member
	HasMore bool
}

// RoomInfo tells about a room, with a page of members after a user id.
func (s *Service) RoomInfo(ctx context.Context, who Principal, id RoomID, after UserID, limit int) (*RoomInfo, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, err
	}
	r, m, err := s.visible(ctx, who, id)
	if code := CodeOf(err); code == NotMember || code == Banned { // who is not in a public room sees what all may see of it
		outside, e := s.store.ReadRoom(ctx, id)
		if e != nil || outside != nil && outside.Kind == PublicRoom {
			return &RoomInfo{Room: outside}, e
		}
	}
	if err != nil {
		return nil, err
	}
	info := &RoomInfo{Room: r, Self: m}
	info.Members, err = s.store.RoomMembers(ctx, r.Num, after, limit+1)
	if len(info.Members) > limit {
		info.Members, info.HasMore = info.Members[:limit], true
	}
	return info, err
}
