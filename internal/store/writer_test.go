// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/store/storetest"
)

// openTest opens a store in o.Dir, or in a new directory.
func openTest(t *testing.T, o Options) *SQLite {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// messageID is an id that no other number has.
func messageID(n int) chat.ID { return benchID(n) }

// say is a change that sends one message of ann to the room r.
func say(n int, text string) func(chat.Tx) error {
	return func(tx chat.Tx) error {
		_, err := storetest.Say(tx, "r", "ann", messageID(n), text)
		return err
	}
}

// hold keeps the writer busy until release is called.
func hold(s *SQLite) (release func()) {
	started, gate := make(chan struct{}), make(chan struct{})
	s.Submit(&storetest.Change{Do: func(chat.Tx) error {
		close(started)
		<-gate
		return nil
	}})
	<-started
	return func() { close(gate) }
}

// submitAll submits n messages and returns their outcomes as they come.
func submitAll(s *SQLite, from, n int, text string) <-chan error {
	done := make(chan error, n)
	for i := range n {
		s.Submit(&storetest.Change{Do: say(from+i, text), Then: func(err error) { done <- err }})
	}
	return done
}

func head(t *testing.T, s *SQLite) uint64 {
	t.Helper()
	r, err := s.ReadRoom(t.Context(), "r")
	if err != nil || r == nil {
		t.Fatalf("the room is %v, %v", r, err)
	}
	return r.LastSeq
}

func TestGroupCommit(t *testing.T) {
	type commit struct{ changes, events int }
	commits := make(chan commit, 100)
	s := openTest(t, Options{Observe: func(changes, events int, d time.Duration) {
		if d <= 0 {
			t.Errorf("a commit took %v", d)
		}
		commits <- commit{changes, events}
	}})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	<-commits
	release := hold(s)
	done := submitAll(s, 0, 64, "x")
	release()
	for range 64 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if got := <-commits; got != (commit{1, 0}) {
		t.Fatalf("the commit that kept the writer busy had %+v", got)
	}
	if got := <-commits; got != (commit{64, 64}) {
		t.Fatalf("64 waiting changes: the first commit had %+v", got)
	}
	stats := s.Stats()
	if stats.Batches != 3 || stats.Changes != 66 || stats.Events != 64 || stats.Queue != 0 || stats.Failures != 0 {
		t.Fatalf("the figures are %+v", stats)
	}
}

func TestBatchIsBounded(t *testing.T) {
	var sizes []int
	s := openTest(t, Options{Observe: func(changes, _ int, _ time.Duration) { sizes = append(sizes, changes) }})
	release := hold(s)
	for range maxBatch + 10 {
		s.Submit(&storetest.Change{Do: func(chat.Tx) error { return nil }})
	}
	s.SavePlaces(make([]chat.Place, 4*placesPerChange), nil) // two changes of it fill a batch
	release()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(sizes); got != fmt.Sprintf("[1 %d 12 2]", maxBatch) {
		t.Fatalf("the batches had %s changes", got)
	}
}

// A commit that fails undoes everything, and what the writer keeps in memory with it; only the change at fault is refused.
func TestCommitFails(t *testing.T) {
	var logged strings.Builder
	var events []uint64
	s := openTest(t, Options{
		Logger: slog.New(slog.NewTextHandler(&logged, nil)),
		OnCommit: func(b *chat.Batch) {
			for _, e := range b.Events {
				events = append(events, e.Seq)
			}
			b.Resolve()
		},
	})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	release := hold(s)
	good := submitAll(s, 0, 10, "x")
	bad := make(chan error, 1)
	s.Submit(&storetest.Change{
		Do: func(tx chat.Tx) error {
			// A foreign key that is looked at in COMMIT only.
			own := tx.(*txType)
			if err := own.exec("test", "PRAGMA defer_foreign_keys = ON"); err != nil {
				return err
			}
			if err := own.exec("test", "INSERT INTO places (session, room, seq) VALUES (4711, 1, 1)"); err != nil {
				return err
			}
			return say(100, "must not stay")(tx)
		},
		Then: func(err error) { bad <- err },
	})
	more := submitAll(s, 10, 10, "x")
	release()
	for range 10 {
		if err := errors.Join(<-good, <-more); err != nil {
			t.Error(err)
		}
	}
	if err := <-bad; !errors.Is(err, chat.ErrUnavailable) {
		t.Errorf("the change whose commit failed: %v", err)
	}
	if got := head(t, s); got != 20 {
		t.Errorf("the head is %d", got)
	}
	if stats := s.Stats(); stats.Failures != 1 {
		t.Errorf("the figures are %+v", stats)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i, seq := range events {
		if seq != uint64(i+1) {
			t.Fatalf("events handed out: %v", events)
		}
	}
	if !strings.Contains(logged.String(), "FOREIGN KEY") || !strings.Contains(logged.String(), "storage works again") {
		t.Errorf("the log says %s", logged.String())
	}
}

// txType is tx where a variable has that name.
type txType = tx

// OnCommit that blocks holds the writer back: nothing more is committed, and Submit does not block.
func TestBackPressure(t *testing.T) {
	gate, entered := make(chan struct{}), make(chan struct{}, 100)
	s := openTest(t, Options{OnCommit: func(b *chat.Batch) {
		entered <- struct{}{}
		<-gate
		b.Resolve()
	}})
	done := make(chan error, 2)
	s.Submit(&storetest.Change{
		Do:   func(tx chat.Tx) error { return tx.CreateRoom(&chat.Room{ID: "first"}) },
		Then: func(err error) { done <- err },
	})
	<-entered
	s.Submit(&storetest.Change{
		Do:   func(tx chat.Tx) error { return tx.CreateRoom(&chat.Room{ID: "second"}) },
		Then: func(err error) { done <- err },
	})
	if queue := s.Stats().Queue; queue != 1 {
		t.Errorf("the queue has %d", queue)
	}
	if r, err := s.ReadRoom(t.Context(), "first"); r == nil || err != nil {
		t.Errorf("what is committed cannot be read while OnCommit blocks: %v, %v", r, err)
	}
	if r, err := s.ReadRoom(t.Context(), "second"); r != nil || err != nil {
		t.Errorf("written in spite of OnCommit: %v, %v", r, err)
	}
	close(gate)
	if err := errors.Join(<-done, <-done); err != nil {
		t.Fatal(err)
	}
}

// Maps that outgrow their limit lose entries, never what they say.
func TestCacheIsBounded(t *testing.T) {
	s := openTest(t, Options{})
	storetest.Do(t, s, func(tx chat.Tx) error { tx.(*txType).limit = 20; return nil })
	for i := range 60 {
		user := chat.UserID(fmt.Sprintf("u%d", i))
		storetest.NewUser(t, s, user, "U")
		storetest.NewRoom(t, s, chat.Room{ID: chat.RoomID(user)}, user)
	}
	for round := range 2 {
		for i := range 60 {
			user := chat.UserID(fmt.Sprintf("u%d", i))
			storetest.Do(t, s, func(tx chat.Tx) error {
				if u, err := tx.User(user); u == nil || err != nil {
					t.Errorf("account %s: %v, %v", user, u, err)
				}
				if until, err := tx.LastMute(&chat.Room{ID: chat.RoomID(user)}, user); until != 0 || err != nil {
					t.Errorf("muted until %d: %v", until, err)
				}
				e, err := storetest.Say(tx, chat.RoomID(user), user, messageID(round*100+i), "x")
				if err == nil && e.Seq != uint64(round+1) {
					t.Errorf("seq %d in round %d", e.Seq, round)
				}
				return err
			})
		}
	}
	storetest.Do(t, s, func(tx chat.Tx) error {
		own := tx.(*txType)
		if len(own.rooms) > 21 || len(own.byNum) != len(own.rooms) || len(own.members) > 21 || len(own.users) > 21 || len(own.mutes) > 21 {
			t.Errorf("in memory: %d and %d rooms, %d members, %d accounts", len(own.rooms), len(own.byNum), len(own.members), len(own.users))
		}
		return nil
	})
}

// What was acknowledged is there after a kill -9: in a copy of the files as they are on disk at that moment.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "ann", "Ann")
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	for round := range 5 {
		done := submitAll(s, round*100, 100, "x")
		for range 100 {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		copied := t.TempDir()
		for _, name := range []string{databaseName, databaseName + "-wal"} {
			copyTest(t, filepath.Join(dir, name), filepath.Join(copied, name))
		}
		again := openTest(t, Options{Dir: copied})
		if got := head(t, again); got != uint64(round+1)*100 {
			t.Fatalf("after %d acknowledged messages the head is %d", (round+1)*100, got)
		}
		r, err := again.ReadRoom(t.Context(), "r")
		if err != nil {
			t.Fatal(err)
		}
		log, err := again.Log(t.Context(), r, chat.LogQuery{})
		if err != nil || uint64(len(log)) != r.LastSeq || log[len(log)-1].Count != r.Count {
			t.Fatalf("the log has %d events, %v; the room is %+v", len(log), err, r)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func copyTest(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// A full database refuses everything, loses nothing, and works again when there is space.
func TestFull(t *testing.T) {
	s := openTest(t, Options{})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	pages := func(pragma string) (n int64) {
		storetest.Do(t, s, func(tx chat.Tx) error {
			return tx.(*txType).c.query(func(r row) error { n = r.int(0); return nil }, pragma)
		})
		return n
	}
	now := pages("PRAGMA page_count")
	pages(fmt.Sprintf("PRAGMA max_page_count = %d", now+50))
	refused, acknowledged := fillUp(t, s, 0)
	if refused == 0 || acknowledged == 0 {
		t.Fatalf("%d acknowledged, %d refused", acknowledged, refused)
	}
	if got := head(t, s); got != uint64(acknowledged) {
		t.Fatalf("%d acknowledged, the head is %d", acknowledged, got)
	}
	pages(fmt.Sprintf("PRAGMA max_page_count = %d", now+5000))
	if err := storetest.Try(s, say(1<<20, "x")); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("Ping with space again: %v", err)
	}
	if got := head(t, s); got != uint64(acknowledged)+1 {
		t.Fatalf("%d acknowledged, the head is %d", acknowledged+1, got)
	}
}

// fillUp sends big messages in batches until one is refused.
func fillUp(t *testing.T, s *SQLite, from int) (refused, acknowledged int) {
	t.Helper()
	for round := 0; refused == 0 && round < 100; round++ {
		release := hold(s)
		done := submitAll(s, from+round*20, 20, strings.Repeat("x", 4000))
		release()
		for range 20 {
			switch err := <-done; {
			case err == nil:
				acknowledged++
			case errors.Is(err, chat.ErrUnavailable):
				refused++
			default:
				t.Fatalf("refused with %v", err)
			}
		}
	}
	return refused, acknowledged
}

// Ping reports the last failure until something could be written again, which it tries itself.
func TestPing(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	failing := errors.New("the disk is on fire")
	s.writer.failing.Store(&failing)
	release := hold(s)
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Ping(cancelled); !errors.Is(err, failing) {
		t.Fatalf("while nothing can be tried: %v", err)
	}
	release()
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("after it could write: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, errClosed) {
		t.Fatalf("closed: %v", err)
	}
}

// The write-ahead log is begun anew again and again, instead of growing.
func TestCheckpoints(t *testing.T) {
	dir := t.TempDir()
	checkpointed := make(chan struct{}, 1000)
	s := openTest(t, Options{Dir: dir, checkpointPages: 100, checkpointed: func() { checkpointed <- struct{}{} }})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	const rounds, each = 40, 40 // a round is more than 40 pages
	checkpoints := 0
	for round := range rounds {
		done := submitAll(s, round*each, each, strings.Repeat("x", 4000))
		for range each {
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		if s.writer.wal.busy.Load() { // let it finish, so that the size does not depend on how fast it is
			<-checkpointed
			checkpoints++
		}
	}
	if checkpoints < 5 {
		t.Fatalf("%d checkpoints", checkpoints)
	}
	info, err := os.Stat(filepath.Join(dir, databaseName+"-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if written := int64(rounds * each * 4000); info.Size() > written/4 {
		t.Fatalf("after %d bytes of messages the write-ahead log has %d", written, info.Size())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, databaseName+"-wal")); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("the write-ahead log is left after Close: %v", err)
	}
}

// The writer completes a checkpoint itself: then the database file alone has everything.
func TestWriterCompletesCheckpoint(t *testing.T) {
	dir := t.TempDir()
	checkpointed := make(chan struct{}, 1)
	s := openTest(t, Options{Dir: dir, checkpointed: func() { checkpointed <- struct{}{} }})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	storetest.Do(t, s, say(1, "x"))
	s.writer.wal.finish <- struct{}{} // as the background does when its copy is done
	<-checkpointed
	alone := t.TempDir()
	copyTest(t, filepath.Join(dir, databaseName), filepath.Join(alone, databaseName))
	if got := head(t, openTest(t, Options{Dir: alone})); got != 1 {
		t.Fatalf("in the database file the head is %d", got)
	}
}

// Readers beside the writer see whole commits: a log without holes up to its head, and figures that fit each other.
func TestReadersBesideTheWriter(t *testing.T) {
	s := openTest(t, Options{checkpointPages: 50})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				list, err := s.RoomsOf(t.Context(), "bob")
				if err != nil || len(list) != 1 {
					t.Errorf("rooms: %v, %v", list, err)
					return
				}
				m := &list[0]
				if m.Unread != m.Room.Count || m.Room.Count != m.Room.LastSeq {
					t.Errorf("unread %d in %+v", m.Unread, m.Room)
				}
				log, err := s.Log(t.Context(), &m.Room, chat.LogQuery{Limit: 20, Descending: true})
				if err != nil || len(log) < int(min(m.Room.LastSeq, 20)) {
					t.Errorf("%d events, %v", len(log), err)
					return
				}
				for i, e := range log {
					if e.Seq != log[0].Seq-uint64(i) || e.Count != e.Seq || log[0].Seq < m.Room.LastSeq {
						t.Errorf("event %d of the newest has seq %d and count %d", i, e.Seq, e.Count)
					}
				}
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	done := submitAll(s, 0, 3000, "x")
	for range 3000 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	close(stop)
	readers.Wait()
}
