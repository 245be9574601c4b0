// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/search"
)

// searched is a store with an index and a model of what is in its logs.
type searched struct {
	*SQLite
	t     *testing.T
	dir   string
	clock time.Time
	rooms []*chat.Room
	texts map[chat.RoomID][]*chat.Event // messages in their present state
	ids   int
}

func newSearched(t *testing.T, rooms int) *searched {
	s := &searched{t: t, dir: t.TempDir(), clock: time.UnixMilli(1_700_000_000_000), texts: map[chat.RoomID][]*chat.Event{}}
	s.open()
	for i := range rooms {
		s.change(func(tx *tx) error {
			r := &chat.Room{ID: chat.RoomID(fmt.Sprintf("room%d", i)), Kind: chat.PublicRoom}
			s.rooms = append(s.rooms, r)
			return tx.CreateRoom(r)
		})
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func (s *searched) open() {
	s.t.Helper()
	db, err := Open(s.t.Context(), Options{Dir: s.dir, Search: true, Now: func() time.Time { return s.clock }, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		s.t.Fatal(err)
	}
	s.SQLite = db
}

func (s *searched) change(apply func(*tx) error) {
	s.t.Helper()
	done := make(chan error, 1)
	s.Submit(&operation{apply: apply, done: func(err error) { done <- err }})
	if err := <-done; err != nil {
		s.t.Fatal(err)
	}
}

func (s *searched) send(room int, from chat.UserID, text string) *chat.Event {
	s.t.Helper()
	s.ids++
	e := &chat.Event{Kind: chat.Text, Actor: from, MessageID: benchID(s.ids), Content: text}
	s.change(func(tx *tx) error { return tx.Append(s.rooms[room], e) })
	now := *e
	s.texts[e.RoomID] = append(s.texts[e.RoomID], &now)
	return &now
}

// replace edits or, with no text, deletes a message.
func (s *searched) replace(room int, e *chat.Event, text string) {
	s.t.Helper()
	e.Content, e.Deleted, e.Edited = text, text == "", text != ""
	kind := chat.MessageEdited
	if e.Deleted {
		kind = chat.MessageDeleted
	}
	s.change(func(tx *tx) error {
		if err := tx.ReplaceMessage(e); err != nil {
			return err
		}
		return tx.Append(s.rooms[room], &chat.Event{Kind: kind, Actor: e.Actor, MessageID: e.MessageID})
	})
}

func (s *searched) indexed() {
	select {
	case <-s.index.current():
	case <-time.After(2 * time.Minute): // it takes no more than its share of the time
		s.t.Fatal("the index does not get up to date")
	}
}

func (s *searched) scopes() (scopes []chat.SearchScope) {
	for _, r := range s.rooms {
		now, err := s.ReadRoom(s.t.Context(), r.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		scopes = append(scopes, chat.SearchScope{Room: now, From: 1, To: now.LastSeq})
	}
	return scopes
}

// all reads every page.
func (s *searched) all(scopes []chat.SearchScope, q chat.SearchQuery) (found []string) {
	s.t.Helper()
	for range 10_000 {
		page, err := s.Search(s.t.Context(), scopes, q)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, h := range page.Hits {
			found = append(found, fmt.Sprintf("%s/%d", h.Event.RoomID, h.Event.Seq))
		}
		if !page.More {
			return found
		}
		if len(page.Hits) > q.Limit || q.Before != (chat.Mark{}) && page.Next.Compare(q.Before) >= 0 {
			s.t.Fatalf("a page of %d goes on from %v at %v", len(page.Hits), q.Before, page.Next)
		}
		q.Before = page.Next
	}
	s.t.Fatal("the pages have no end")
	return nil
}

// expected is what all should give: by looking at every message.
func (s *searched) expected(scopes []chat.SearchScope, q chat.SearchQuery) (found []string) {
	s.t.Helper()
	parsed, err := search.Parse(q.Text)
	if err != nil {
		s.t.Fatal(err)
	}
	var hits []*chat.Event
	for _, scope := range scopes {
		for _, e := range s.texts[scope.Room.ID] {
			_, ok := parsed.Match(search.Tokens(nil, e.Content))
			if ok && e.Seq >= scope.From && e.Seq <= scope.To && (q.Sender == "" || q.Sender == e.Actor) &&
				(q.Since == 0 || e.At >= q.Since) && (q.Until == 0 || e.At <= q.Until) {
				hits = append(hits, e)
			}
		}
	}
	slices.SortFunc(hits, func(a, b *chat.Event) int { return chat.MarkOf(b).Compare(chat.MarkOf(a)) })
	for _, e := range hits {
		found = append(found, fmt.Sprintf("%s/%d", e.RoomID, e.Seq))
	}
	return found
}

var searchWords = []string{"alpha", "beta", "Ärger", "gammaray", "gamma", "日本語", "本日", "👍", "x1", "of", "the"}

func searchText(rnd *rand.Rand) string {
	var b strings.Builder
	for range 1 + rnd.IntN(5) {
		b.WriteString(searchWords[rnd.IntN(len(searchWords))])
		if rnd.IntN(6) > 0 {
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// However far the index is, whatever was edited, deleted, indexed before a restart or not: a search finds what reading
// all messages finds, in the same order, in pages of any size.
func TestSearchAgreesWithReading(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(7, 7))
	s := newSearched(t, 10)
	queries := []string{"alpha", "arger", "gam*", "*amma", "*ray", `"of the"`, "of the", "日", "本日", "日本語", "👍", "alpha beta", "x1 日本", "nowhere", "*here"}
	for step := range 8 {
		for range 40 {
			room := rnd.IntN(len(s.rooms))
			if rnd.IntN(3) > 0 {
				s.clock = s.clock.Add(time.Duration(rnd.IntN(3)) * time.Millisecond)
			}
			list := s.texts[s.rooms[room].ID]
			switch k := rnd.IntN(10); {
			case k == 0 && len(list) > 0:
				s.replace(room, list[rnd.IntN(len(list))], searchText(rnd))
			case k == 1 && len(list) > 0:
				s.replace(room, list[rnd.IntN(len(list))], "")
			default:
				s.send(room, chat.UserID([]string{"ann", "bob", "a-n.n"}[rnd.IntN(3)]), searchText(rnd))
			}
		}
		if step%4 == 0 {
			if err := s.Close(); err != nil { // wherever the index is
				t.Fatal(err)
			}
			s.open()
		}
		s.indexed() // an edited message is found under its new words from then on
		scopes := s.scopes()
		if step%3 == 1 { // what somebody may see
			scopes = scopes[:1+rnd.IntN(len(scopes))]
			for i := range scopes {
				scopes[i].From = 1 + rnd.Uint64N(scopes[i].To+1)
			}
		}
		for _, text := range queries {
			q := chat.SearchQuery{Text: text, Limit: 1 + rnd.IntN(30)}
			if rnd.IntN(3) == 0 {
				q.Sender = []chat.UserID{"ann", "a-n.n", "nobody"}[rnd.IntN(3)]
			}
			if rnd.IntN(3) == 0 {
				q.Since = chat.TimeOf(s.clock) - chat.Time(rnd.IntN(300))
				q.Until = q.Since + chat.Time(rnd.IntN(300))
			}
			if got, want := s.all(scopes, q), s.expected(scopes, q); !slices.Equal(got, want) {
				t.Fatalf("step %d, %+v: got %d, want %d:\n%v\n%v", step, q, len(got), len(want), got, want)
			}
		}
	}
}

// After a quiet time the index follows as soon as ever: its rest is measured by its work.
func TestIndexFollowsSoonAfterQuiet(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 1)
	s.send(0, "ann", "one")
	s.indexed()
	<-time.After(time.Second) // what the quiet time is
	s.send(0, "ann", "two")
	began := time.Now()
	s.indexed()
	if took := time.Since(began); took > 15*time.Second { // 100 ms on a machine that has time; 20 s where the quiet time counted as work
		t.Errorf("the index followed after %v", took)
	}
}

// What is not indexed yet is found too, at once, and what is deleted is not.
func TestSearchDoesNotWaitForTheIndex(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 1)
	s.indexed()
	s.index.cancel() // for good
	<-s.index.stopped
	e := s.send(0, "ann", "the first word")
	s.send(0, "ann", "another")
	if got := s.all(s.scopes(), chat.SearchQuery{Text: "first", Limit: 5}); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	s.replace(0, e, "")
	if got := s.all(s.scopes(), chat.SearchQuery{Text: "first", Limit: 5}); got != nil {
		t.Errorf("got %v, which was deleted", got)
	}
}

// Deleted and replaced texts leave the index itself, not only the results.
func TestDeletedTextLeavesTheIndex(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 1)
	e, f := s.send(0, "ann", "secret one"), s.send(0, "ann", "secret two")
	s.indexed()
	s.replace(0, e, "")
	s.replace(0, f, "harmless")
	s.indexed()
	places, err := s.index.everywhere(t.Context(), `"secret"`)
	if err != nil || len(places) != 0 {
		t.Errorf("the index has %v (%v)", places, err)
	}
	if places, _ = s.index.everywhere(t.Context(), `"harmless"`); len(places) != 1 {
		t.Errorf("the index has %v of the new text", places)
	}
}

// An index that is missing, broken or of other data is made again.
func TestIndexIsMadeAgain(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 2)
	s.send(0, "ann", "needle")
	s.send(1, "ann", "needle")
	s.indexed()
	path := filepath.Join(s.dir, indexName)
	exec := func(name, text string) {
		c, err := connect(t.Context(), dsn(filepath.Join(s.dir, name), readerPragmas))
		if err == nil {
			_, err = c.exec(text)
		}
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
	for name, harm := range map[string]func(){
		"missing":   func() { _ = os.Remove(path) },
		"broken":    func() { _ = os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600) },
		"version":   func() { exec(indexName, `PRAGMA user_version = 77`) },
		"epoch":     func() { exec(databaseName, `UPDATE meta SET value = value + 1 WHERE key = 'epoch'`) },
		"untouched": func() {},
	} {
		if err := s.Close(); err != nil {
			t.Fatal(name, err)
		}
		harm()
		s.open()
		s.indexed()
		if places, err := s.index.everywhere(t.Context(), `"needle"`); err != nil || len(places) != 2 {
			t.Errorf("%s: the index has %v (%v)", name, places, err)
		}
		if got := s.all(s.scopes(), chat.SearchQuery{Text: "needle", Limit: 1}); len(got) != 2 {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// What retention removes from a log leaves the index with the next message.
func TestIndexFollowsRetention(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 1)
	for range 5 {
		s.send(0, "ann", "old")
	}
	s.indexed()
	s.change(func(tx *tx) error {
		if err := tx.exec("cut", `DELETE FROM log WHERE pos < ?`, pos(s.rooms[0].Num, 4)); err != nil {
			return err
		}
		return tx.exec("cut", `UPDATE rooms SET first_seq = 4, cut_count = 3 WHERE num = ?`, s.rooms[0].Num)
	})
	s.send(0, "ann", "new")
	s.indexed()
	if places, err := s.index.everywhere(t.Context(), `"old"`); err != nil || len(places[s.rooms[0].Num]) != 2 {
		t.Errorf("the index has %v (%v)", places, err)
	}
}

// A search looks at so many messages and no more, and tells where to go on.
func TestSearchIsBounded(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 1)
	s.change(func(tx *tx) error {
		for i := range maxExamined + 500 {
			if err := tx.Append(s.rooms[0], &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: benchID(1000 + i), Content: "two words"}); err != nil {
				return err
			}
		}
		return nil
	})
	s.indexed()
	q := chat.SearchQuery{Text: `"words two"`, Limit: 10}
	page, err := s.Search(t.Context(), s.scopes(), q)
	if err != nil || len(page.Hits) != 0 || !page.More || page.Next.Seq > 500+examineChunk || page.Next.Seq == 0 {
		t.Fatalf("got %+v, %v", page, err)
	}
	q.Before = page.Next
	if page, err = s.Search(t.Context(), s.scopes(), q); err != nil || page.More {
		t.Errorf("got %+v, %v", page, err)
	}
}

// Messages of the same moment, and rooms that a page did not get to, are on later pages.
func TestSearchGoesOnWithoutGaps(t *testing.T) {
	t.Parallel()
	s := newSearched(t, 4)
	s.change(func(tx *tx) error { // what is examined in vain, and uses pages up
		for i := range maxExamined + 500 {
			if err := tx.Append(s.rooms[3], &chat.Event{Kind: chat.Text, Actor: "ann", MessageID: benchID(1000 + i), Content: "two words"}); err != nil {
				return err
			}
		}
		return nil
	})
	s.clock = s.clock.Add(time.Second)
	for room := range 3 {
		s.send(room, "ann", "words two")
	}
	s.clock = s.clock.Add(time.Second)
	check := func(when string) {
		t.Helper()
		for _, limit := range []int{1, 2, 50} {
			q := chat.SearchQuery{Text: `"words two"`, Limit: limit}
			if got, want := s.all(s.scopes(), q), s.expected(s.scopes(), q); !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: got %v, want %v", when, limit, got, want)
			}
		}
	}
	check("not indexed")
	s.indexed()
	check("indexed")
	s.send(3, "ann", "the latest") // now the others lie between
	s.indexed()
	check("the busy room first")
}
