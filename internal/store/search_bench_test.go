// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
)

// vocabulary are words with the frequencies of a language (Zipf), Latin and Chinese ones.
type vocabulary struct {
	rnd   *rand.Rand
	zipf  *rand.Zipf
	words []string
}

func newVocabulary() *vocabulary {
	rnd := rand.New(rand.NewPCG(1, 2))
	v := &vocabulary{rnd: rnd, zipf: rand.NewZipf(rnd, 1.1, 3, 99_999)}
	for i := range 100_000 {
		var b strings.Builder
		for n := i + 7; n > 0; n /= 20 {
			b.WriteByte("bcdfghjklmnprstvwxyz"[n%20])
			b.WriteByte("aeiou"[n%5])
		}
		v.words = append(v.words, b.String())
	}
	return v
}

// message is a text of some 100 bytes; every tenth is Chinese.
func (v *vocabulary) message(n int) string {
	var b strings.Builder
	if n%10 == 0 {
		for range 30 {
			b.WriteRune(rune(0x4e00 + v.zipf.Uint64()%3000))
		}
		return b.String()
	}
	for b.Len() < 100 {
		b.WriteString(v.words[v.zipf.Uint64()])
		b.WriteByte(' ')
	}
	return b.String()
}

// fill appends n messages to the rooms of a closed store in turn, past the writer.
func fill(tb testing.TB, dir string, n int) {
	tb.Helper()
	c, err := connect(tb.Context(), dsn(filepath.Join(dir, databaseName), []string{"synchronous(OFF)", "temp_store(MEMORY)"}))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close()
	exec := func(text string, args ...any) {
		if _, err := c.exec(text, args...); err != nil {
			tb.Fatal(err)
		}
	}
	var rooms []int64
	err = c.query(func(r row) error {
		rooms = append(rooms, r.int(0))
		return nil
	}, `SELECT num FROM rooms WHERE id LIKE 'big%' ORDER BY num`)
	if err != nil || len(rooms) == 0 {
		tb.Fatal("no room", err)
	}
	v := newVocabulary()
	exec("BEGIN")
	for i := range n {
		id := benchID(i + 1)
		text := v.message(i)
		switch i {
		case n / 2:
			text += "quokka" // once
		case n / 3:
			text += "袋鼠兔"
		}
		room, seq, at := rooms[i%len(rooms)], int64(i/len(rooms)+1), int64(1_700_000_000_000+i*1000)
		exec(`INSERT INTO log (pos, count, kind, at, actor, message_id, content, flags) VALUES (?, ?, 'text', ?, ?, ?, ?, 0)`,
			pos(room, uint64(seq)), seq, at, fmt.Sprintf("user%d", i%50), id[:], text)
		if i >= n-len(rooms) {
			exec(`UPDATE rooms SET last_seq = ?, count = ?, last_at = ? WHERE num = ?`, seq, seq, at, room)
		}
	}
	exec("COMMIT")
}

func fileSize(tb testing.TB, name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		tb.Fatal(err)
	}
	return info.Size()
}

// openFilled opens a store with PARLEY_SEARCH_MESSAGES messages of 100 bytes (20 000 if not set) in so many rooms, and tells
// what their index takes of time and space.
func openFilled(b *testing.B, rooms int) (*SQLite, []chat.SearchScope) {
	b.Helper()
	n := 20_000
	if s := os.Getenv("PARLEY_SEARCH_MESSAGES"); s != "" {
		n, _ = strconv.Atoi(s)
	}
	dir := b.TempDir()
	s, err := Open(b.Context(), Options{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	s.writer.submit(&operation{apply: func(t *tx) error {
		for i := range rooms {
			if _, err := t.createRoom(&chat.Room{ID: chat.RoomID(fmt.Sprintf("big%d", i)), Kind: chat.PublicRoom}); err != nil {
				return err
			}
		}
		return nil
	}, done: func(err error) { done <- err }})
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	fill(b, dir, n)
	began := time.Now()
	s = openBench(b, Options{Dir: dir, Search: true})
	<-s.index.current()
	took := time.Since(began)
	b.Logf("indexed %d messages in %v: %v each; log %d bytes each, index %d", n, took.Round(time.Millisecond), took/time.Duration(n),
		fileSize(b, filepath.Join(dir, databaseName))/int64(n), fileSize(b, filepath.Join(dir, indexName))/int64(n))
	scopes := make([]chat.SearchScope, rooms)
	for i := range scopes {
		r, err := s.ReadRoom(b.Context(), chat.RoomID(fmt.Sprintf("big%d", i)))
		if err != nil {
			b.Fatal(err)
		}
		scopes[i] = chat.SearchScope{Room: r, From: 1, To: r.LastSeq}
	}
	return s, scopes
}

// BenchmarkSearch searches in one big room.
func BenchmarkSearch(b *testing.B) { benchmarkSearch(b, 1) }

// BenchmarkSearchEverywhere searches in 300 rooms, as somebody does who is in all of them.
func BenchmarkSearchEverywhere(b *testing.B) { benchmarkSearch(b, 300) }

func benchmarkSearch(b *testing.B, rooms int) {
	s, scope := openFilled(b, rooms)
	v := newVocabulary()
	common, middle, seldom := v.words[0], v.words[200], v.words[5000]
	for _, q := range []struct {
		name string
		chat.SearchQuery
	}{
		{"common", chat.SearchQuery{Text: common}},
		{"rare", chat.SearchQuery{Text: "*quokka"}},
		{"rareWord", chat.SearchQuery{Text: seldom}},
		{"common_and_rare", chat.SearchQuery{Text: common + " " + seldom}},
		{"two_common", chat.SearchQuery{Text: common + " " + v.words[1]}},
		{"phrase_of_common", chat.SearchQuery{Text: `"` + common + " " + v.words[1] + `"`}},
		{"phrase_that_is_not_there", chat.SearchQuery{Text: `"` + middle + " " + v.words[201] + " " + v.words[202] + `"`}},
		{"prefix_1", chat.SearchQuery{Text: common[:1] + "*"}},
		{"prefix_2", chat.SearchQuery{Text: middle[:2] + "*"}},
		{"prefix_3", chat.SearchQuery{Text: middle[:3] + "*"}},
		{"prefix_4", chat.SearchQuery{Text: seldom[:4] + "*"}},
		{"infix", chat.SearchQuery{Text: "*" + seldom[1:]}},
		{"infix_common", chat.SearchQuery{Text: "*aba"}},
		{"character", chat.SearchQuery{Text: string(rune(0x4e00))}},
		{"two_characters", chat.SearchQuery{Text: string([]rune{0x4e00, 0x4e01})}},
		{"three_characters", chat.SearchQuery{Text: "袋鼠兔"}},
		{"sender", chat.SearchQuery{Text: common, Sender: "user7"}},
		{"sender_without", chat.SearchQuery{Text: common, Sender: "nobody"}},
		{"nothing", chat.SearchQuery{Text: "zzzzzzzzzzzzqq"}},
	} {
		b.Run(q.name, func(b *testing.B) {
			q.Limit = 20
			var hits int
			for b.Loop() {
				f, err := s.Search(context.Background(), scope, q.SearchQuery)
				if err != nil {
					b.Fatal(err)
				}
				hits = len(f.Hits)
			}
			b.ReportMetric(float64(hits), "hits")
		})
	}
}
