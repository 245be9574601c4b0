// SPDX-License-Identifier: Apache-2.0

package store

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"parley/internal/chat"
	"parley/internal/search"
)

// Bounds of one search. Beyond them the page is short and says where to go on.
const (
	maxExamined   = 4000 // messages whose text is read
	maxCandidates = 2000 // places that are found for all rooms at once
	manyRooms     = 8    // from so many on that is tried
	maxWords      = 200  // that begin with a text or have it in them
	firstChunk    = 8    // texts of a room read at once, at first
	examineChunk  = 64   // and at most
)

const (
	examineText = `SELECT ` + eventColumns + ` FROM json_each(?) j CROSS JOIN log l ON l.pos = j.value
		LEFT JOIN users u ON u.id = l.actor`
	headsText = `SELECT r.num, r.last_at FROM json_each(?) j CROSS JOIN rooms r ON r.num = j.value`
)

// errEnough ends a reading of rows.
var errEnough = errors.New("enough")

// Search implements chat.SearchReader.
func (s *SQLite) Search(ctx context.Context, scopes []chat.SearchScope, q chat.SearchQuery) (*chat.Found, error) {
	if s.index == nil {
		return nil, chat.Refuse(chat.Forbidden, "this server keeps no index to search in")
	}
	parsed, err := search.Parse(q.Text)
	if err != nil {
		return nil, chat.Refuse(chat.BadRequest, "query: %v", err)
	}
	found, err := s.search(ctx, &searching{db: s, x: s.index, q: q, query: parsed, budget: maxExamined}, scopes)
	if err != nil {
		return nil, fmt.Errorf("store: search: %w", err)
	}
	return found, nil
}

// searching is one search under way.
type searching struct {
	db     *SQLite
	x      *index
	q      chat.SearchQuery
	query  *search.Query
	match  string // for the index
	scan   bool   // the index cannot answer: the log itself is read
	budget int    // messages that may still be examined
	known  map[int64][]int64
	tokens []search.Token

	hits    []chat.Hit
	horizon chat.Mark // nothing older was examined everywhere
}

func (s *SQLite) search(ctx context.Context, f *searching, scopes []chat.SearchScope) (*chat.Found, error) {
	var also []string
	if f.q.Sender != "" {
		also = append(also, senderTerm(f.q.Sender))
	}
	var err error
	var possible bool
	known := func(part string, prefix bool) ([]string, bool, error) { return f.x.wordsWith(ctx, part, prefix) }
	if f.match, possible, err = f.query.Expression(known, also...); err != nil {
		return nil, err
	}
	f.scan = possible && f.match == ""
	rooms, err := f.lively(ctx, scopes)
	if err != nil {
		return nil, err
	}
	if f.match != "" && len(rooms) >= manyRooms {
		if f.known, err = f.x.everywhere(ctx, f.match); err != nil {
			return nil, err
		}
	}
	for _, r := range rooms {
		if len(f.hits) > f.q.Limit && chat.MarkOf(f.hits[f.q.Limit].Event).Compare(r.newest) > 0 {
			break // this room and all others have only older ones
		}
		if f.budget <= 0 {
			r.newest.Seq++ // which was not examined itself
			f.stop(r.newest)
			break // the others are older
		}
		if err := f.room(ctx, r); err != nil {
			return nil, err
		}
		slices.SortFunc(f.hits, func(a, b chat.Hit) int { return chat.MarkOf(b.Event).Compare(chat.MarkOf(a.Event)) })
	}
	return f.page(), nil
}

// page is what may be shown: the newest hits, down to where everything was examined.
func (f *searching) page() *chat.Found {
	n := 0
	for n < len(f.hits) && chat.MarkOf(f.hits[n].Event).Compare(f.horizon) >= 0 {
		n++
	}
	out := &chat.Found{Hits: f.hits[:n], More: f.horizon != chat.Mark{}, Next: f.horizon}
	if n > f.q.Limit {
		out.Hits, out.More = f.hits[:f.q.Limit], true
		out.Next = chat.MarkOf(out.Hits[f.q.Limit-1].Event)
	}
	return out
}

// stop notes that what is older than m was not examined in one of the rooms.
func (f *searching) stop(m chat.Mark) {
	if m.Compare(f.horizon) > 0 {
		f.horizon = m
	}
}

// livelyRoom is a part of a room's log with what a search has to know of it.
type livelyRoom struct {
	chat.SearchScope
	lastAt  chat.Time // of the head of the log
	indexed uint64
	newest  chat.Mark // of the part
}

// lively cuts the parts to what is asked for, and sorts them by their latest events, the newest first: so a page gets to
// what comes next in any case, and the pages come to an end.
func (f *searching) lively(ctx context.Context, scopes []chat.SearchScope) ([]livelyRoom, error) {
	nums := make([]int64, len(scopes))
	rooms := make([]livelyRoom, len(scopes))
	at := make(map[int64]*livelyRoom, len(scopes))
	for i, scope := range scopes {
		nums[i], rooms[i].SearchScope = scope.Room.Num, scope
		at[nums[i]] = &rooms[i]
	}
	list := numbers(nums)
	// The index first: what it has in addition by the time it is asked is left out, and is read from the log.
	err := f.x.read.rows(ctx, nil, &f.x.asked.places, 2, func(r row) error {
		at[r.int(0)].indexed = r.uint(1)
		return nil
	}, list)
	if err != nil {
		return nil, err
	}
	err = f.db.read.rows(ctx, nil, &f.x.texts.lively, 2, func(r row) error {
		at[r.int(0)].lastAt = chat.Time(r.int(1))
		return nil
	}, list)
	if err != nil {
		return nil, err
	}
	left := rooms[:0]
	for _, r := range rooms {
		if err := f.bound(ctx, &r); err != nil {
			return nil, err
		}
		if r.From <= r.To {
			left = append(left, r)
		}
	}
	slices.SortFunc(left, func(a, b livelyRoom) int { return b.newest.Compare(a.newest) })
	return left, nil
}

// bound cuts a room's part to the times of the query and to what comes after the former page.
func (f *searching) bound(ctx context.Context, r *livelyRoom) error {
	room := r.Room.Num
	if f.q.Since > r.lastAt {
		r.To = 0
	}
	if f.q.Since != 0 && r.From <= r.To {
		first, err := f.db.read.seqAt(ctx, room, f.q.Since)
		if err != nil {
			return err
		}
		r.From = max(r.From, first)
	}
	until := f.until(room)
	if until != 0 && until <= r.lastAt && r.From <= r.To {
		first, err := f.db.read.seqAt(ctx, room, until)
		if err != nil {
			return err
		}
		r.To = min(r.To, first-1)
	}
	if b := f.q.Before; b.Room == room {
		r.To = min(r.To, b.Seq-min(b.Seq, 1))
	}
	r.newest = chat.Mark{At: r.lastAt, Room: room, Seq: r.To}
	if r.From > r.To || r.To == r.Room.LastSeq && (until == 0 || until > r.lastAt) {
		return nil
	}
	return f.db.read.rows(ctx, nil, &f.x.texts.moment, 1, func(row row) error {
		r.newest.At = chat.Time(row.int(0))
		return nil
	}, pos(room, r.To))
}

// numbers is a list for json_each.
func numbers(list []int64) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // numbers
	}
	return string(b)
}

// room looks for the newest hits in a room.
func (f *searching) room(ctx context.Context, r livelyRoom) (err error) {
	from, to := r.From, r.To
	e := examination{searching: f, room: r.Room, left: f.q.Limit + 1, chunk: firstChunk}
	if len(f.hits) > f.q.Limit {
		e.floor = chat.MarkOf(f.hits[f.q.Limit].Event)
	}
	// What the index does not have yet is read from the log.
	lowest := max(from, r.indexed+1)
	if f.scan {
		lowest = from
	}
	for at := to; at >= lowest && !e.done(); {
		low := max(lowest, at-min(at, uint64(e.chunk))+1)
		chunk := make([]int64, 0, e.chunk)
		for seq := at; seq >= low; seq-- {
			chunk = append(chunk, pos(r.Room.Num, seq))
		}
		if err := e.examine(ctx, chunk); err != nil {
			return err
		}
		at = low - 1
	}
	if to = min(to, r.indexed); f.match == "" || e.done() || from > to {
		return nil
	}
	var chunk []int64
	each := func(p int64) error {
		if chunk = append(chunk, p); len(chunk) < e.chunk {
			return nil
		}
		if err := e.examine(ctx, chunk); err != nil {
			return err
		}
		if chunk = chunk[:0]; e.done() {
			return errEnough
		}
		return nil
	}
	if err = f.candidates(ctx, pos(r.Room.Num, from), pos(r.Room.Num, to), each); err == nil && len(chunk) > 0 {
		err = e.examine(ctx, chunk)
	}
	if errors.Is(err, errEnough) {
		return nil
	}
	return err
}

// until is the first moment that is too late in a room, from the query and the place to go on from; 0 without. In the
// room of that place the seq decides, and of the others those with higher numbers come before it.
func (f *searching) until(room int64) chat.Time {
	var t chat.Time
	if f.q.Until != 0 {
		t = f.q.Until + 1
	}
	b := f.q.Before
	if b == (chat.Mark{}) || b.Room == room {
		return t
	}
	if b.Room > room {
		b.At++
	}
	if t == 0 || b.At < t {
		return b.At
	}
	return t
}

// candidates calls each for what the index has between two positions, the newest first.
func (f *searching) candidates(ctx context.Context, from, to int64, each func(int64) error) error {
	if f.known == nil {
		return f.x.read.rows(ctx, nil, &f.x.asked.words, 1, func(r row) error { return each(r.int(0)) }, f.match, from, to)
	}
	for _, p := range f.known[from>>seqBits] {
		if p < from || p > to {
			continue
		}
		if err := each(p); err != nil {
			return err
		}
	}
	return nil
}

// examination is a search in one room.
type examination struct {
	*searching
	room  *chat.Room
	left  int       // hits that are still wanted
	floor chat.Mark // other rooms have a whole page that is newer
	below bool      // what follows is older than floor
	chunk int       // texts to be read at once: more and more, since most rooms of many have little for a page
}

// done tells whether there are hits enough, or messages enough were examined.
func (e *examination) done() bool { return e.left <= 0 || e.budget <= 0 || e.below }

// examine reads messages at descending positions and keeps those that are hits.
func (e *examination) examine(ctx context.Context, at []int64) error {
	e.budget -= len(at)
	messages, err := e.db.events(ctx, e.room, &e.x.texts.examine, numbers(at))
	if err != nil || len(messages) == 0 {
		return err
	}
	for _, m := range messages {
		if !m.Kind.Counts() || m.Deleted || e.q.Sender != "" && m.Actor != e.q.Sender {
			continue
		}
		e.tokens = search.Tokens(e.tokens[:0], m.Content)
		if spans, ok := e.query.Match(e.tokens); ok {
			e.hits = append(e.hits, chat.Hit{Event: m, Snippet: search.Snippet(m.Content, spans)})
			e.left--
		}
	}
	lowest := chat.MarkOf(messages[len(messages)-1])
	if e.below = lowest.Compare(e.floor) < 0; e.below {
		return nil // the page is full without the rest
	}
	if e.done() {
		e.stop(lowest)
	}
	e.chunk = min(2*e.chunk, examineChunk)
	return nil
}

// wordsWith tells the words in use that begin with a folded text or have it in them, and whether those are all.
func (x *index) wordsWith(ctx context.Context, part string, prefix bool) (found []string, all bool, err error) {
	each := func(r row) error {
		found = append(found, r.text(0))
		return nil
	}
	if prefix {
		err = x.read.rows(ctx, nil, &x.asked.prefix, 1, each, part, part+string(utf8.MaxRune), int64(maxWords))
	} else {
		err = x.read.rows(ctx, nil, &x.asked.infix, 1, each, "%"+part+"%", int64(maxWords))
	}
	return found, len(found) < maxWords, err
}

// everywhere finds the places of a rare word in all rooms, by room, the newest first; nil when there are too many.
func (x *index) everywhere(ctx context.Context, match string) (map[int64][]int64, error) {
	found := make(map[int64][]int64)
	n := 0
	err := x.read.rows(ctx, nil, &x.asked.some, 1, func(r row) error {
		p := r.int(0)
		found[p>>seqBits] = append(found[p>>seqBits], p)
		n++
		return nil
	}, match, int64(maxCandidates))
	if err != nil || n == maxCandidates {
		return nil, err
	}
	for _, list := range found {
		slices.SortFunc(list, func(a, b int64) int { return cmp.Compare(b, a) })
	}
	return found, nil
}
