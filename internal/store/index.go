// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"modernc.org/sqlite"

	"parley/internal/chat"
	"parley/internal/search"
)

// The index of searches is a database of its own beside the other one, so that keeping it costs the writer nothing: no
// page, no fsync, no waiting. All of it can be made again from the logs, which happens when it is missing, broken, of
// another version or of another epoch.
const (
	indexName    = "search.db"
	indexVersion = 1
)

// The words of a text are joined by spaces and taken apart again by the ascii tokenizer, which leaves alone what package
// search has folded. The row of a message is its log.pos. The index knows neither order nor number of words (detail=none),
// which makes it small: the text itself, which is read for the snippet anyway, decides whether it is a hit.
//
// terms are all words that there ever were, once each, and term_parts finds those that have a text in them.
const indexSchema = `
	CREATE TABLE about (epoch INTEGER NOT NULL) STRICT;
	CREATE TABLE places (room INTEGER PRIMARY KEY, seq INTEGER NOT NULL, first_seq INTEGER NOT NULL) STRICT;
	CREATE VIRTUAL TABLE words USING fts5(text, content='', contentless_delete=1, detail=none, tokenize='ascii');
	CREATE TABLE terms (id INTEGER PRIMARY KEY, term TEXT NOT NULL UNIQUE) STRICT;
	CREATE VIRTUAL TABLE term_parts USING fts5(term, content='terms', content_rowid='id', detail=none, tokenize='trigram');
`

// The connection that writes the index. A crash may lose its last transactions whole (synchronous=NORMAL): positions and
// words are in the same transaction, and what is missing is indexed again.
var indexPragmas = []string{"busy_timeout(10000)", "synchronous(NORMAL)", "temp_store(MEMORY)", "cache_size(-8192)",
	"journal_size_limit(16777216)"}

const (
	indexBatch  = 1024                   // events of a transaction
	indexGather = 100 * time.Millisecond // how long events wait for company
	indexShare  = 20                     // while events come, the index is worked at for one part in so many of the time
	indexRetry  = time.Minute            // after a failure
	maxTerms    = 200_000                // known words kept in memory, some 60 bytes each
)

// index keeps the index of searches. One goroutine writes it; anybody reads.
type index struct {
	path  string
	epoch int64
	main  *reader
	log   *slog.Logger
	c     *conn
	read  *reader
	texts struct{ heads, lively, moment, events, target, first, examine query } // of the main database
	asked struct{ words, some, places, all, prefix, infix query }
	terms map[string]struct{}

	cancel  context.CancelFunc
	stopped chan struct{}
	wake    chan struct{} // 1: there is something to do

	mu    sync.Mutex
	dirty map[int64]struct{} // rooms
	idle  chan struct{}      // closed while nothing is to be done
}

func openIndex(ctx context.Context, dir string, epoch int64, main *reader, conns int, log *slog.Logger) (*index, error) {
	x := &index{path: filepath.Join(dir, indexName), epoch: epoch, main: main, log: log, stopped: make(chan struct{}),
		wake: make(chan struct{}, 1), dirty: make(map[int64]struct{}), idle: make(chan struct{}), terms: make(map[string]struct{})}
	if !x.usable(ctx) {
		if err := removeDatabase(x.path); err != nil {
			return nil, err
		}
		if err := x.create(ctx); err != nil {
			return nil, errors.Join(err, removeDatabase(x.path))
		}
	}
	var err error
	if x.c, err = connect(ctx, dsn(x.path, indexPragmas)); err != nil {
		return nil, err
	}
	connector, err := sqlite.NewConnector(dsn(x.path, readerPragmas, "_query_only", "1"))
	if err != nil {
		return nil, errors.Join(err, x.c.Close())
	}
	x.read = &reader{db: sql.OpenDB(connector)}
	x.read.db.SetMaxOpenConns(conns)
	x.read.db.SetMaxIdleConns(conns)

	x.texts.heads.text = `SELECT num, last_seq FROM rooms WHERE last_seq > 0 AND kind != 5 AND deleted = 0`
	x.texts.first.text = `SELECT first_seq FROM rooms WHERE num = ?`
	x.texts.events.text = `SELECT l.pos, l.kind, l.actor, l.content, l.flags, l.ref FROM log l
		WHERE l.pos BETWEEN ? AND ? ORDER BY l.pos LIMIT ?`
	x.texts.target.text = `SELECT l.pos, l.kind, l.actor, l.content, l.flags, l.ref FROM log l WHERE l.message_id = ?`
	x.texts.lively.text, x.texts.examine.text = headsText, examineText
	x.texts.moment.text = `SELECT at FROM log WHERE pos = ?`
	x.asked.words.text = `SELECT rowid FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC`
	x.asked.some.text = `SELECT rowid FROM words WHERE words MATCH ? LIMIT ?`
	x.asked.places.text = `SELECT p.room, p.seq FROM json_each(?) j CROSS JOIN places p ON p.room = j.value`
	x.asked.all.text = `SELECT room, seq FROM places`
	x.asked.prefix.text = `SELECT term FROM terms WHERE term >= ? AND term < ? LIMIT ?`
	x.asked.infix.text = `SELECT term FROM term_parts WHERE term LIKE ? LIMIT ?`

	ctx, x.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go x.run(ctx)
	return x, nil
}

// usable tells whether there is an index of this epoch and version.
func (x *index) usable(ctx context.Context) bool {
	version, err := schemaVersion(ctx, x.path)
	if err != nil || version != indexVersion {
		return false
	}
	c, err := connect(ctx, dsn(x.path, readerPragmas))
	if err != nil {
		return false
	}
	defer c.Close()
	var epoch int64
	_, err = c.one(func(r row) { epoch = r.int(0) }, `SELECT epoch FROM about`)
	return err == nil && epoch == x.epoch
}

func (x *index) create(ctx context.Context) (err error) {
	if err := os.WriteFile(x.path, nil, 0o600); err != nil {
		return err
	}
	connector, err := sqlite.NewConnector(dsn(x.path, []string{"journal_mode(WAL)", "synchronous(OFF)"}))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "BEGIN;"+indexSchema+
		fmt.Sprintf("INSERT INTO about (epoch) VALUES (%d); PRAGMA user_version = %d; COMMIT", x.epoch, indexVersion))
	return err
}

func (x *index) close() error {
	x.cancel()
	<-x.stopped
	return errors.Join(x.read.close(), x.c.Close())
}

// note says that the logs of these events have grown. It is called on the writer's goroutine, after the commit.
func (x *index) note(events []*chat.Event) {
	x.mu.Lock()
	had := len(x.dirty)
	for _, e := range events {
		if e.RoomKind != chat.UserLogRoom {
			x.dirty[e.RoomNum] = struct{}{}
		}
	}
	if had == 0 && len(x.dirty) > 0 {
		select {
		case <-x.idle:
			x.idle = make(chan struct{})
		default:
		}
	}
	x.mu.Unlock()
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// take removes a room from those that have something new.
func (x *index) take() (room int64, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for room = range x.dirty {
		delete(x.dirty, room)
		return room, true
	}
	return 0, false
}

// settle tells who waits for it that the index is up to date, if it is.
func (x *index) settle() {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.dirty) > 0 {
		return
	}
	select {
	case <-x.idle:
	default:
		close(x.idle)
	}
}

// back returns a room that is not done.
func (x *index) back(room int64) {
	x.mu.Lock()
	x.dirty[room] = struct{}{}
	x.mu.Unlock()
}

// current is closed when everything is indexed that was committed before the call.
func (x *index) current() <-chan struct{} {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.idle
}

func (x *index) run(ctx context.Context) {
	defer close(x.stopped)
	if err := x.findBehind(ctx); err != nil && ctx.Err() == nil {
		x.log.Error("search: rooms that are not indexed could not be listed", "err", err)
	}
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select { // first of all let events gather, or the others have their share
		case <-rest.C:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		more, err := x.slice(ctx)
		worked := time.Since(began)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			x.log.Error("search: the index could not be brought up to date; searches still look at the newest messages", "err", err)
			rest.Reset(indexRetry)
			continue
		case more && len(x.wake) == 0: // nothing came meanwhile: catch up
			rest.Reset(0)
			continue
		case !more:
			x.settle()
			select {
			case <-x.wake:
			case <-ctx.Done():
				return
			}
		default:
			<-x.wake
		}
		rest.Reset(max(indexGather, (indexShare-1)*worked))
	}
}

// findBehind finds the rooms that have grown since they were indexed.
func (x *index) findBehind(ctx context.Context) error {
	known := make(map[int64]int64)
	err := x.read.rows(ctx, nil, &x.asked.all, 2, func(r row) error {
		known[r.int(0)] = r.int(1)
		return nil
	})
	if err != nil {
		return err
	}
	return x.main.rows(ctx, nil, &x.texts.heads, 2, func(r row) error {
		if r.int(1) > known[r.int(0)] {
			x.back(r.int(0))
		}
		return nil
	})
}

// entry is an event on its way into the index.
type entry struct {
	pos    int64
	kind   chat.EventKind
	actor  string
	text   string
	target chat.ID
}

func readEntry(r row) entry {
	e := entry{pos: r.int(0), kind: chat.EventKind(r.text(1)), actor: r.text(2), text: r.text(3)}
	if r.int(4)&deletedBit != 0 || !e.kind.Counts() {
		e.text = ""
	}
	copy(e.target[:], r.blob(5))
	return e
}

// slice indexes up to indexBatch events in one transaction. more says that there are others.
func (x *index) slice(ctx context.Context) (more bool, err error) {
	var taken []int64
	defer func() {
		if err != nil {
			clear(x.terms) // some may have been undone
			for _, room := range taken {
				x.back(room)
			}
		}
	}()
	begun, left := false, indexBatch
	for left > 0 {
		room, ok := x.take()
		if !ok {
			break
		}
		taken = append(taken, room)
		if !begun {
			if _, err := x.c.exec("BEGIN IMMEDIATE"); err != nil {
				return false, err
			}
			begun = true
			defer func() {
				if err != nil {
					_, _ = x.c.exec("ROLLBACK") // the failure is reported already
				}
			}()
		}
		n, err := x.room(ctx, room, left)
		if err != nil {
			return false, err
		}
		if n == left { // perhaps there are others
			x.back(room)
		}
		left -= max(n, 1)
	}
	if begun {
		_, err = x.c.exec("COMMIT")
	}
	return left <= 0, err
}

// room indexes what is new in a log, at most limit events, and tells how many it were.
func (x *index) room(ctx context.Context, room int64, limit int) (int, error) {
	var seq, first int64
	if _, err := x.c.one(func(r row) { seq, first = r.int(0), r.int(1) }, `SELECT seq, first_seq FROM places WHERE room = ?`, room); err != nil {
		return 0, err
	}
	var events []entry
	err := x.main.rows(ctx, nil, &x.texts.events, 6, func(r row) error {
		events = append(events, readEntry(r))
		return nil
	}, pos(room, uint64(seq)+1), pos(room, maxSeq), int64(limit))
	if err != nil || len(events) == 0 {
		return 0, err
	}
	last := events[len(events)-1].pos
	for _, e := range events {
		switch e.kind {
		case chat.MessageEdited, chat.MessageDeleted:
			err = x.again(ctx, e.target, pos(room, uint64(seq)))
		default:
			err = x.put(e)
		}
		if err != nil {
			return 0, err
		}
	}
	if first, err = x.cut(ctx, room, first); err != nil {
		return 0, err
	}
	_, err = x.c.exec(`INSERT INTO places (room, seq, first_seq) VALUES (?, ?, ?)
		ON CONFLICT (room) DO UPDATE SET seq = excluded.seq, first_seq = excluded.first_seq`, room, last&maxSeq, first)
	return len(events), err
}

// put enters a message, when it has words.
func (x *index) put(e entry) error {
	if e.text == "" {
		return nil
	}
	tokens := search.Tokens(nil, e.text)
	if len(tokens) == 0 {
		return nil
	}
	for _, t := range tokens {
		if !t.Char {
			if err := x.know(t.Text); err != nil {
				return err
			}
		}
	}
	terms := search.Terms(nil, tokens)
	words := make([]byte, 0, 2*len(e.text))
	for _, t := range append(terms, senderTerm(chat.UserID(e.actor))) {
		words = append(append(words, t...), ' ')
	}
	_, err := x.c.exec(`INSERT INTO words (rowid, text) VALUES (?, ?)`, e.pos, string(words))
	return err
}

// know enters a word among those that can be found by their beginning or a part of them.
func (x *index) know(term string) error {
	if _, ok := x.terms[term]; ok {
		return nil
	}
	n, err := x.c.exec(`INSERT INTO terms (term) VALUES (?) ON CONFLICT DO NOTHING`, term)
	if err != nil {
		return err
	}
	if n > 0 {
		if _, err := x.c.exec(`INSERT INTO term_parts (rowid, term) SELECT id, term FROM terms WHERE term = ?`, term); err != nil {
			return err
		}
	}
	if len(x.terms) >= maxTerms {
		clear(x.terms)
	}
	x.terms[term] = struct{}{}
	return nil
}

// again enters the present text of a message that has changed. What lies behind upTo is reached in its turn.
func (x *index) again(ctx context.Context, id chat.ID, upTo int64) error {
	var e entry
	err := x.main.rows(ctx, nil, &x.texts.target, 6, func(r row) error {
		e = readEntry(r)
		return nil
	}, id[:])
	if err != nil || e.pos == 0 || e.pos > upTo {
		return err
	}
	if _, err := x.c.exec(`DELETE FROM words WHERE rowid = ?`, e.pos); err != nil {
		return err
	}
	return x.put(e)
}

// cut takes out what retention has removed from the beginning of a log. What it has not taken out yet does no harm: a
// message that is gone from the log is no hit.
func (x *index) cut(ctx context.Context, room, first int64) (int64, error) {
	var now int64
	err := x.main.rows(ctx, nil, &x.texts.first, 1, func(r row) error {
		now = r.int(0)
		return nil
	}, room)
	if err != nil || now <= max(first, 1) {
		return first, err
	}
	_, err = x.c.exec(`DELETE FROM words WHERE rowid BETWEEN ? AND ?`, pos(room, uint64(first)), pos(room, uint64(now)-1))
	return now, err
}

// senderTerm is the word by which messages of a user are found. No text has it: its first character is no letter.
func senderTerm(u chat.UserID) string { return "\ue000" + hex.EncodeToString([]byte(u)) }
