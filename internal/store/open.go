// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
)

// Options say how to open a store. Only Dir is needed.
type Options struct {
	Dir    string           // the data directory; made when missing
	Now    func() time.Time // nil: time.Now
	Logger *slog.Logger     // nil: slog.Default

	// OnCommit gets every batch after its commit, in order, on the writer's goroutine; changes of the store's own (sessions,
	// places) are in it, too. It calls Batch.Resolve, itself or
	// later. It may block, which holds the writer back. nil: the store resolves.
	OnCommit func(*chat.Batch)

	// Observe hears of every commit: how many changes and events it had, and how long it took from the first change to
	// the end of the fsync. It must not block. nil: nobody does.
	Observe func(changes, events int, d time.Duration)

	// Search keeps an index of the messages' words. Without it nothing can be searched for.
	Search bool

	// Of tests:
	migrations      fs.FS  // nil: the embedded ones
	checkpointPages int    // 0: checkpointPages
	checkpointed    func() // after each checkpoint
}

// SQLite is an open store.
type SQLite struct {
	dir    string
	now    func() time.Time
	epoch  int64
	lock   *os.File
	writer *writer
	read   *reader
	index  *index // nil: none is kept

	closing sync.Once
	closed  error
}

var (
	_ chat.Store        = (*SQLite)(nil)
	_ mqtt.SessionStore = (*SQLite)(nil)
)

// databaseName is the database's file in the data directory.
const databaseName = "parley.db"

// The settings of connections. Every one also waits 10 s for a lock: nobody else should hold any, an operator with the
// sqlite3 command might.
var (
	// The writer. Its commits wait for fsync (synchronous=FULL). Checkpoints are the checkpointer's.
	writerPragmas = []string{"busy_timeout(10000)", "synchronous(FULL)", "foreign_keys(ON)", "temp_store(MEMORY)",
		"cache_size(-32768)", "wal_autocheckpoint(0)", "journal_size_limit(67108864)"}
	// Readers, who also get query_only.
	readerPragmas = []string{"busy_timeout(10000)", "temp_store(MEMORY)", "cache_size(-512)"}
	// Background checkpoints: they write to the database file and sync it.
	checkpointPragmas = []string{"busy_timeout(10000)", "synchronous(FULL)", "cache_size(-1024)"}
)

// dsn names a database file, by its absolute path, with settings.
func dsn(path string, pragmas []string, more ...string) string {
	q := url.Values{"_pragma": pragmas}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	path = filepath.ToSlash(path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // C:/… on Windows
	}
	u := url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Open opens the store in a data directory, makes it when there is none, and migrates an older one after copying it. The
// errors are ErrLocked, *NewerSchemaError and failures of the storage.
func Open(ctx context.Context, o Options) (*SQLite, error) {
	if o.Dir == "" {
		return nil, errors.New("store: Dir is empty; name a data directory")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.OnCommit == nil {
		o.OnCommit = (*chat.Batch).Resolve
	}
	if o.migrations == nil {
		o.migrations = embedded()
	}
	if o.checkpointPages == 0 {
		o.checkpointPages = checkpointPages
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("store: data directory %s: %w", o.Dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: make the data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, dir, &o)
	if err != nil {
		lock.Close()
		return nil, err
	}
	s.lock = lock
	return s, nil
}

func open(ctx context.Context, dir string, o *Options) (*SQLite, error) {
	path := filepath.Join(dir, databaseName)
	if err := prepare(ctx, path, o); err != nil {
		return nil, err
	}
	c, err := connect(ctx, dsn(path, writerPragmas))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w", path, err)
	}
	s := &SQLite{dir: dir, now: o.Now}
	if s.epoch, err = readEpoch(c); err == nil {
		err = disconnectAll(c, chat.TimeOf(o.Now()))
	}
	if err == nil {
		s.read, err = openReader(dsn(path, readerPragmas, "_query_only", "1"), max(4, runtime.GOMAXPROCS(0)))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: open %s: %w", path, err), c.Close())
	}
	if o.Search {
		if s.index, err = openIndex(ctx, dir, s.epoch, s.read, max(4, runtime.GOMAXPROCS(0)), o.Logger); err != nil {
			return nil, errors.Join(fmt.Errorf("store: open the index in %s: %w", dir, err), s.read.close(), c.Close())
		}
	}
	wal := &checkpointer{dsn: dsn(path, checkpointPragmas), log: o.Logger, limit: o.checkpointPages, after: o.checkpointed, finish: make(chan struct{}, 1)}
	s.writer = &writer{
		tx:       newTx(c),
		now:      o.Now,
		log:      o.Logger,
		onCommit: o.OnCommit,
		observe:  o.Observe,
		wal:      wal,
		index:    s.index,
		wake:     make(chan struct{}, 1),
		stopped:  make(chan struct{}),
	}
	go s.writer.run()
	return s, nil
}

// Close finishes everything that was submitted, with its OnCommit, and gives the directory free. Changes submitted later
// are told chat.ErrUnavailable.
func (s *SQLite) Close() error {
	s.closing.Do(func() {
		s.writer.close()
		s.writer.wal.wg.Wait()
		var err error
		if s.index != nil {
			err = s.index.close()
		}
		// The last connection to close copies the write-ahead log into the database and removes it.
		err = errors.Join(err, s.read.close(), s.writer.tx.c.Close())
		if err != nil {
			err = fmt.Errorf("store: close: %w", err)
		}
		s.closed = errors.Join(err, s.lock.Close())
	})
	return s.closed
}

// Submit implements chat.Writer.
func (s *SQLite) Submit(c chat.Change) { s.writer.submit(c) }

// Epoch is the number of this data: another one after a restored backup.
func (s *SQLite) Epoch() int64 { return s.epoch }

// Ping tells why changes cannot be made durable at the moment; nil when they can. After a failure it tries to write.
func (s *SQLite) Ping(ctx context.Context) error { return s.writer.ping(ctx) }

// Stats are figures of the writer, from Open on.
type Stats struct {
	Queue    int    // changes waiting now, without those of the running transaction
	Batches  uint64 // commits
	Changes  uint64 // in them, refused ones too
	Events   uint64
	Failures uint64 // changes that could not be made durable
}

// Stats reads them.
func (s *SQLite) Stats() Stats {
	w := s.writer
	w.mu.Lock()
	queue := len(w.queue)
	w.mu.Unlock()
	return Stats{Queue: queue, Batches: w.batches.Load(), Changes: w.changes.Load(), Events: w.events.Load(),
		Failures: w.failures.Load()}
}
