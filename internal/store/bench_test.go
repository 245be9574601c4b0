// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/store/storetest"
)

func openBench(b *testing.B, o Options) *SQLite {
	b.Helper()
	if o.Dir == "" {
		o.Dir = b.TempDir()
	}
	o.Logger = slog.New(slog.DiscardHandler)
	s, err := Open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { s.Close() })
	return s
}

// benchID is a message id that grows with n, as UUIDv7 do.
func benchID(n int) (id chat.ID) {
	copy(id[:], fmt.Sprintf("%016x", n))
	return id
}

var body = string(make([]byte, 100)) // zero bytes are characters, too

// sendChange is what a message costs the store: look for the request, append, note the sender, remember the request.
type sendChange struct {
	room chat.RoomID
	user chat.UserID
	n    int
	once string
	done chan<- error
}

func (c *sendChange) Apply(tx chat.Tx) error {
	r, err := tx.Room(c.room)
	if err != nil {
		return err
	}
	m, err := tx.Member(r, c.user)
	if err != nil {
		return err
	}
	if c.once != "" {
		if old, err := tx.Request(c.user, r.Num, c.once); old != nil || err != nil {
			return err
		}
	}
	e := &chat.Event{Kind: chat.Text, Actor: c.user, MessageID: benchID(c.n), Content: body, ClientMsgID: c.once}
	if err := tx.Append(r, e); err != nil {
		return err
	}
	if err := tx.SetSent(r, m, e.Seq, e.At); err != nil {
		return err
	}
	if c.once == "" {
		return nil
	}
	return tx.PutRequest(c.user, r.Num, c.once, &chat.Request{Outcome: []byte(`{"seq":1}`)})
}

func (c *sendChange) Done(err error) { c.done <- err }

// BenchmarkSend measures durable messages of 100 bytes to 50 rooms of 10 members, so many waiting at a time.
func BenchmarkSend(b *testing.B) {
	for _, waiting := range []int{1, 16, 128} {
		for _, once := range []bool{false, true} {
			name := fmt.Sprintf("waiting=%d", waiting)
			if once {
				name += "/client_msg_id"
			}
			b.Run(name, func(b *testing.B) { benchmarkSend(b, waiting, once) })
		}
	}
}

func benchmarkSend(b *testing.B, waiting int, once bool) {
	commits := 0
	s := openBench(b, Options{Observe: func(int, int, time.Duration) { commits++ }})
	rooms, users := make([]chat.RoomID, 50), make([]chat.UserID, 10)
	for i := range users {
		users[i] = chat.UserID(fmt.Sprintf("user%d", i))
		storetest.NewUser(b, s, users[i], "User")
	}
	for i := range rooms {
		rooms[i] = chat.RoomID(fmt.Sprintf("room%d", i))
		storetest.NewRoom(b, s, chat.Room{ID: rooms[i]}, users...)
	}
	done := make(chan error, waiting)
	send := func(n int) {
		c := &sendChange{room: rooms[n%50], user: users[n/50%10], n: n, done: done}
		if once {
			c.once = fmt.Sprintf("%016x", uint64(n)*0x9E3779B97F4A7C15)
		}
		s.Submit(c)
	}
	commits = 0
	b.ReportAllocs()
	b.ResetTimer()
	sent := 0
	for ; sent < min(waiting, b.N); sent++ {
		send(sent)
	}
	for range b.N {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
		if sent < b.N {
			send(sent)
			sent++
		}
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(b.N)/float64(max(commits, 1)), "rows/commit")
}

// bigRoom is a room of n messages, by ten members; written past the writer, for speed.
func bigRoom(b *testing.B, n int) (*SQLite, *chat.Room) {
	b.Helper()
	dir := b.TempDir()
	s := openBench(b, Options{Dir: dir})
	for i := range 10 {
		storetest.NewUser(b, s, chat.UserID(fmt.Sprintf("user%d", i)), fmt.Sprintf("User %d", i))
	}
	r := storetest.NewRoom(b, s, chat.Room{ID: "big"}, "user0")
	storetest.Do(b, s, func(t chat.Tx) error {
		c := t.(*tx).c
		_, err := c.exec(`WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
			INSERT INTO log (pos, count, kind, at, actor, message_id, content, flags)
			SELECT ?2 + i, i, 'text', i * 1000, 'user' || (i % 10), CAST(printf('%016x', i) AS BLOB), ?3, 0 FROM n`,
			int64(n), pos(r.Num, 0), body)
		if err != nil {
			return err
		}
		_, err = c.exec(`UPDATE rooms SET last_seq = ?1, count = ?1, last_at = ?1 * 1000 WHERE num = ?2`, int64(n), r.Num)
		return err
	})
	r, err := s.ReadRoom(b.Context(), "big")
	if err != nil || r.LastSeq != uint64(n) {
		b.Fatalf("the big room is %+v, %v", r, err)
	}
	return s, r
}

// BenchmarkHistory measures pages of 50 all over a room of a million messages.
func BenchmarkHistory(b *testing.B) {
	const n = 1_000_000
	s, r := bigRoom(b, n)
	ctx := b.Context()
	at := func(i int) uint64 { return 100 + uint64(i)*7919*61%(n-200) }
	page := func(b *testing.B, q func(i int) chat.LogQuery) {
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			events, err := s.Log(ctx, r, q(i))
			if err != nil || len(events) != 50 {
				b.Fatalf("%d events, %v", len(events), err)
			}
		}
	}
	b.Run("newest", func(b *testing.B) {
		page(b, func(int) chat.LogQuery { return chat.LogQuery{Limit: 50, Descending: true, MessagesOnly: true} })
	})
	b.Run("before_seq", func(b *testing.B) {
		page(b, func(i int) chat.LogQuery {
			return chat.LogQuery{To: at(i), Limit: 50, Descending: true, MessagesOnly: true}
		})
	})
	b.Run("after_seq", func(b *testing.B) {
		page(b, func(i int) chat.LogQuery { return chat.LogQuery{From: at(i), Limit: 50} })
	})
	b.Run("before_time", func(b *testing.B) {
		page(b, func(i int) chat.LogQuery {
			return chat.LogQuery{Before: chat.Time(at(i) * 1000), Limit: 50, Descending: true, MessagesOnly: true}
		})
	})
	b.Run("count", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if got, err := s.CountAt(ctx, r.Num, at(i)); err != nil || got != at(i) {
				b.Fatal(got, err)
			}
		}
	})
	b.Run("message", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			if e, err := s.ReadMessage(ctx, benchID(int(at(i)))); err != nil || e == nil {
				b.Fatal(e, err)
			}
		}
	})
}

// BenchmarkRoomsOf measures a user's list of 100 rooms, all with something unread.
func BenchmarkRoomsOf(b *testing.B) {
	s := openBench(b, Options{})
	storetest.NewUser(b, s, "ann", "Ann")
	for i := range 100 {
		id := chat.RoomID(fmt.Sprintf("room%d", i))
		r := storetest.NewRoom(b, s, chat.Room{ID: id}, "ann")
		storetest.Do(b, s, func(tx chat.Tx) error {
			for k := range 10 {
				if err := tx.Append(r, &chat.Event{Kind: chat.Text, MessageID: benchID(i*10 + k)}); err != nil {
					return err
				}
			}
			return tx.PutMember(r, &chat.Member{User: "ann", JoinedSeq: 1, ReadSeq: 5})
		})
	}
	b.ReportAllocs()
	for b.Loop() {
		list, err := s.RoomsOf(b.Context(), "ann")
		if err != nil || len(list) != 102 || list[1].Unread != 5 {
			b.Fatal(len(list), err)
		}
	}
}

// BenchmarkOpen measures a first start: an empty directory.
func BenchmarkOpen(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		o := Options{Dir: b.TempDir(), Logger: slog.New(slog.DiscardHandler)}
		b.StartTimer()
		s, err := Open(b.Context(), o)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
