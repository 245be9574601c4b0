// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"parley/internal/chat"
	"parley/internal/store/storetest"
)

func TestPragmas(t *testing.T) {
	s := openTest(t, Options{})
	writer := map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "temp_store": "2",
		"busy_timeout": "10000", "wal_autocheckpoint": "0", "journal_size_limit": "67108864", "cache_size": "-32768",
		"query_only": "0"}
	reader := map[string]string{"journal_mode": "wal", "query_only": "1", "temp_store": "2", "busy_timeout": "10000",
		"cache_size": "-512"}
	storetest.Do(t, s, func(tx chat.Tx) error {
		for name, want := range writer {
			err := tx.(*txType).c.query(func(r row) error {
				if got := fmt.Sprint(r[0]); got != want {
					t.Errorf("writer: %s is %s, want %s", name, got, want)
				}
				return nil
			}, "PRAGMA "+name)
			if err != nil {
				return err
			}
		}
		return nil
	})
	for name, want := range reader {
		var got string
		if err := s.read.db.QueryRowContext(t.Context(), "PRAGMA "+name).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("reader: %s is %s, want %s", name, got, want)
		}
	}
	if _, err := s.read.db.ExecContext(t.Context(), "DELETE FROM meta"); err == nil {
		t.Error("a reader can write")
	}
	// The background's connection syncs, too.
	c, err := connect(t.Context(), s.writer.wal.dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.one(func(r row) {
		if r.int(0) != 2 {
			t.Errorf("checkpoints: synchronous is %d", r.int(0))
		}
	}, "PRAGMA synchronous"); err != nil {
		t.Fatal(err)
	}
}

func TestLock(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	_, err := Open(t.Context(), Options{Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("a second Open: %v", err)
	}
	if _, err := Restore(t.Context(), dir, "nothing", time.Now()); !errors.Is(err, ErrLocked) {
		t.Fatalf("Restore beside a running server: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestPrivateFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "data dir?%41#")
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "ann", "Ann")
	for name, want := range map[string]fs.FileMode{"": 0o700, "lock": 0o600, databaseName: 0o600, databaseName + "-wal": 0o600} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%q has mode %o, want %o", name, got, want)
		}
	}
}

func TestEpoch(t *testing.T) {
	clock, dir := storetest.NewClock(), t.TempDir()
	s := openTest(t, Options{Dir: dir, Now: clock.Now})
	first := s.Epoch()
	if first != clock.Now().Unix() {
		t.Fatalf("the epoch is %d", first)
	}
	s.Close()
	clock.Add(time.Hour)
	if s = openTest(t, Options{Dir: dir, Now: clock.Now}); s.Epoch() != first {
		t.Fatalf("the epoch changed to %d", s.Epoch())
	}
}

// An interrupted first start leaves nothing in the way of the next one.
func TestHalfCreated(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseName+".new"), []byte("half of it"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "ann", "Ann")
}

func TestNotADatabase(t *testing.T) {
	for name, content := range map[string]string{"empty": "", "text": strings.Repeat("no database ", 1000)} {
		dir := t.TempDir()
		path := filepath.Join(dir, databaseName)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), databaseName) {
			t.Errorf("%s: %v", name, err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != content {
			t.Errorf("%s: the file was changed", name)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, databaseName+"-wal"), []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); err == nil {
		t.Error("a write-ahead log without its database was passed over")
	}
}

// laterMigrations are the embedded ones with one more.
func laterMigrations(t *testing.T, text string) (migrations fs.FS, version int) {
	t.Helper()
	newest, err := latest(embedded())
	if err != nil {
		t.Fatal(err)
	}
	all := fstest.MapFS{}
	names, err := fs.Glob(embedded(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(embedded(), name)
		if err != nil {
			t.Fatal(err)
		}
		all[name] = &fstest.MapFile{Data: data}
	}
	version = newest + 1
	more := maps.Clone(all)
	more[fmt.Sprintf("%05d_more.sql", version)] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + text)}
	return more, version
}

func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	known, err := latest(embedded())
	if err != nil {
		t.Fatal(err)
	}
	storetest.Do(t, s, func(tx chat.Tx) error {
		return tx.(*txType).exec("test", fmt.Sprintf("PRAGMA user_version = %d", known+3))
	})
	s.Close()
	_, err = Open(t.Context(), Options{Dir: dir})
	newer, ok := errors.AsType[*NewerSchemaError](err)
	if !ok || newer.Have != known+3 || newer.Known != known ||
		!strings.Contains(err.Error(), fmt.Sprint(known+3)) || !strings.Contains(err.Error(), fmt.Sprint(known)) {
		t.Fatalf("a newer schema: %v", err)
	}
	// The refusal let the directory go.
	if _, err = Open(t.Context(), Options{Dir: dir}); errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
}

func TestMigration(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "ann", "Ann")
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	storetest.Do(t, s, say(1, "old"))
	s.Close()

	// One that fails leaves everything as it was.
	broken, version := laterMigrations(t, "CREATE TABLE later (x); INSERT INTO nowhere VALUES (1); PRAGMA user_version = 2;")
	if _, err := Open(t.Context(), Options{Dir: dir, migrations: broken}); err == nil || !strings.Contains(err.Error(), "before-") {
		t.Fatalf("a migration that fails: %v", err)
	}
	s = openTest(t, Options{Dir: dir})
	storetest.Do(t, s, say(2, "after the failed migration"))
	s.Close()

	good, version := laterMigrations(t, fmt.Sprintf("CREATE TABLE later (x); PRAGMA user_version = %d;", version))
	s = openTest(t, Options{Dir: dir, migrations: good})
	if got := head(t, s); got != 2 {
		t.Fatalf("after the migration the head is %d", got)
	}
	storetest.Do(t, s, func(tx chat.Tx) error { return tx.(*txType).exec("test", "INSERT INTO later VALUES (1)") })
	s.Close()
	openTest(t, Options{Dir: dir, migrations: good}).Close() // current: nothing to do

	// The copy is a whole database of the schema before.
	before := filepath.Join(dir, fmt.Sprintf("%s.before-%d", databaseName, version))
	old := t.TempDir()
	copyTest(t, before, filepath.Join(old, databaseName))
	s = openTest(t, Options{Dir: old})
	if got := head(t, s); got != 2 {
		t.Fatalf("in the copy from before the head is %d", got)
	}
}

// earlier are the migrations up to a schema version.
func earlier(t *testing.T, version int) fs.FS {
	t.Helper()
	some := fstest.MapFS{}
	names, err := fs.Glob(embedded(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(embedded(), name)
		if err != nil {
			t.Fatal(err)
		}
		if number, _, _ := strings.Cut(name, "_"); number <= fmt.Sprintf("%05d", version) {
			some[name] = &fstest.MapFile{Data: data}
		}
	}
	return some
}

// The answers of threads that were there before they were counted are counted.
func TestMigrationCountsAnswers(t *testing.T) {
	dir := t.TempDir()
	if err := openTest(t, Options{Dir: dir, migrations: earlier(t, 9)}).Close(); err != nil {
		t.Fatal(err)
	}
	// By hand: the store writes into tables of its own time only.
	c, err := connect(t.Context(), dsn(filepath.Join(dir, databaseName), writerPragmas))
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string, args ...any) {
		t.Helper()
		if _, err := c.exec(text, args...); err != nil {
			t.Fatal(err)
		}
	}
	threads := []byte{0, 0, 1, 1, 2, 1, 9} // a thread's first message, by its place; 9 is gone
	write(`INSERT INTO rooms (num, id, kind, name, description, created_by, created_at, max_members, slow_mode, read_only, locked, history,
			deleted, first_seq, cut_count, last_seq, count, last_at, member_count, policy, folded)
		VALUES (70, 'r', 1, 'r', '', 'ann', 1, 9, 0, 0, 0, 'shared', 0, 1, 0, ?1, ?1, 1, 0, 1, 'r')`, int64(len(threads)))
	for i, thread := range threads {
		flags := int64(0)
		if i == 5 {
			flags = 4 // deleted
		}
		write(`INSERT INTO log (pos, count, kind, at, actor, message_id, content, thread_id, flags) VALUES (?, ?, 'text', 1, 'ann', ?, 'x', ?, ?)`,
			pos(70, uint64(i+1)), int64(i+1), idValue(chat.ID{byte(i + 1)}), idValue(chat.ID{thread}), flags)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	s := openTest(t, Options{Dir: dir})
	defer s.Close()
	r, err := s.ReadRoom(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	events, err := s.Log(t.Context(), r, chat.LogQuery{})
	if err != nil {
		t.Fatal(err)
	}
	var got []chat.Answers
	for _, e := range events {
		got = append(got, e.Answers)
	}
	if want := []chat.Answers{{Count: 2, LastSeq: 4}, {Count: 1, LastSeq: 5}, {}, {}, {}, {}, {}}; !slices.Equal(got, want) {
		t.Errorf("counted %+v, want %+v", got, want)
	}
}

// Every migration says its own number, by which a current schema is recognised.
func TestMigrationsSetTheirVersion(t *testing.T) {
	names, err := fs.Glob(embedded(), "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	last := 0
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(number)
		if err != nil || n <= last {
			t.Fatalf("%s is not numbered after %d", name, last)
		}
		last = n
		data, err := fs.ReadFile(embedded(), name)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("PRAGMA user_version = %d;", n); !strings.HasSuffix(strings.TrimSpace(string(data)), want) {
			t.Errorf("%s does not end with %q", name, want)
		}
	}
}

// What retention cut off counts as what it was.
func TestCutLog(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "bob", "Bob")
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann", "bob")
	for i := range 10 {
		storetest.Do(t, s, say(i, "x"))
	}
	s.Close()
	edit(t, dir, `DELETE FROM log WHERE (pos & 0xFFFFFFFFF) <= 4 AND pos >> 36 = (SELECT num FROM rooms WHERE id = 'r')`,
		`UPDATE rooms SET first_seq = 5, cut_count = 4 WHERE id = 'r'`)
	s = openTest(t, Options{Dir: dir})
	r, err := s.ReadRoom(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]uint64{0: 4, 3: 4, 4: 4, 5: 5, 10: 10, 99: 10} {
		if got, err := s.CountAt(t.Context(), r.Num, seq); got != want || err != nil {
			t.Errorf("messages up to seq %d: %d, %v, want %d", seq, got, err, want)
		}
	}
	if log, err := s.Log(t.Context(), r, chat.LogQuery{From: 1, Before: chat.Forever}); len(log) != 6 || err != nil {
		t.Errorf("the log has %d events left, %v", len(log), err)
	}
	list, err := s.RoomsOf(t.Context(), "bob")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		if m.Room.ID == "r" && m.Unread != 6 {
			t.Errorf("unread: %d", m.Unread)
		}
	}
	s.Close()
	edit(t, dir, `DELETE FROM log`, `UPDATE rooms SET first_seq = 11, cut_count = 10 WHERE id = 'r'`)
	s = openTest(t, Options{Dir: dir})
	if got, err := s.CountAt(t.Context(), r.Num, 3); got != 10 || err != nil {
		t.Errorf("messages of a log that was cut off whole: %d, %v", got, err)
	}
	if log, err := s.Log(t.Context(), r, chat.LogQuery{Before: chat.Forever}); len(log) != 0 || err != nil {
		t.Errorf("a log that was cut off whole has %d events, %v", len(log), err)
	}
	storetest.Do(t, s, say(100, "x"))
	if got := head(t, s); got != 11 {
		t.Errorf("it goes on with seq %d", got)
	}
}

// edit changes a closed store's database.
func edit(t *testing.T, dir string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, databaseName), writerPragmas))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range statements {
		if _, err := db.ExecContext(context.Background(), text); err != nil {
			t.Fatal(err)
		}
	}
}

// Databases of before were made by goose, which took the files apart itself: the schema is the same, and they are gone on with.
func TestStepsAreWhatGooseReads(t *testing.T) {
	made := func(up func(dsn string) error) (dsnOf string, schema []string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), databaseName)
		dsnOf = dsn(path, writerPragmas)
		if err := up(dsnOf); err != nil {
			t.Fatal(err)
		}
		c, err := connect(t.Context(), dsnOf)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		comment := regexp.MustCompile(`--[^\n]*`)
		for _, query := range []string{
			"SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY type, name",
			"SELECT version_id || ' ' || is_applied FROM goose_db_version ORDER BY id",
			"SELECT user_version || '' FROM pragma_user_version",
		} {
			if err := c.query(func(r row) error {
				schema = append(schema, strings.Join(strings.Fields(comment.ReplaceAllString(r.text(0), "")), " "))
				return nil
			}, query); err != nil {
				t.Fatal(err)
			}
		}
		return dsnOf, schema
	}
	_, got := made(func(dsn string) error { return migrate(t.Context(), dsn, embedded()) })
	old, want := made(func(dsn string) error {
		db, err := sql.Open("sqlite", dsn)
		if err != nil {
			return err
		}
		defer db.Close()
		p, err := goose.NewProvider(goose.DialectSQLite3, db, embedded())
		if err != nil {
			return err
		}
		_, err = p.Up(t.Context())
		return err
	})
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Fatalf("%d lines, goose's own reader makes (-):\n%s", len(want), diff)
	}
	more, version := laterMigrations(t, "CREATE TABLE later (x);")
	if err := migrate(t.Context(), old, more); err != nil {
		t.Fatalf("to version %d: %v", version, err)
	}
}
