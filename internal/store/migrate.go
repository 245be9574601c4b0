// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"parley/internal/chat"
)

//go:embed migrations/sqlite/*.sql
var files embed.FS

func embedded() fs.FS {
	sub, err := fs.Sub(files, "migrations/sqlite")
	if err != nil {
		panic(err) // the name is a constant
	}
	return sub
}

// NewerSchemaError says that a database was written by a newer parley.
type NewerSchemaError struct {
	Path        string
	Have, Known int // schema versions: of the database, and the newest that this program knows
}

func (e *NewerSchemaError) Error() string {
	return fmt.Sprintf("store: %s has schema version %d, this parley knows versions up to %d; run the newer parley that wrote it, or restore an older backup",
		e.Path, e.Have, e.Known)
}

// migration is a file of SQL and the schema version that it leads to.
type migration struct {
	name    string
	version int
}

// list lists the migrations, whose names begin with their versions.
func list(migrations fs.FS) ([]migration, error) {
	names, err := fs.Glob(migrations, "*.sql")
	if err != nil {
		return nil, err
	}
	var all []migration
	for _, name := range names {
		number, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, fmt.Errorf("store: migration %s: its name must begin with a number: %w", name, err)
		}
		all = append(all, migration{name, n})
	}
	return all, nil
}

// latest is the newest schema version among the migrations.
func latest(migrations fs.FS) (newest int, err error) {
	all, err := list(migrations)
	for _, m := range all {
		newest = max(newest, m.version)
	}
	return newest, err
}

// steps are the migrations as goose runs them. SQLite takes a file whole and finds the ends of its statements; goose's own reader
// of SQL takes four megabytes for each line.
func steps(migrations fs.FS) ([]*goose.Migration, error) {
	all, err := list(migrations)
	if err != nil {
		return nil, err
	}
	var run []*goose.Migration
	for _, m := range all {
		text, err := fs.ReadFile(migrations, m.name)
		if err != nil {
			return nil, err
		}
		run = append(run, goose.NewGoMigration(int64(m.version), &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, string(text)); err != nil {
				return fmt.Errorf("%s: %w", m.name, err)
			}
			return nil
		}}, nil))
	}
	return run, nil
}

// prepare sees to it that there is a database with the newest schema at path.
func prepare(ctx context.Context, path string, o *Options) error {
	newest, err := latest(o.migrations)
	if err != nil {
		return err
	}
	_, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return create(ctx, path, o)
	}
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	have, err := schemaVersion(ctx, path)
	switch {
	case err != nil:
		return fmt.Errorf("store: read the schema version of %s: %w", path, err)
	case have > newest:
		return &NewerSchemaError{Path: path, Have: have, Known: newest}
	case have == newest:
		return nil
	case have == 0:
		return fmt.Errorf("store: %s is not a parley database; move it away, or restore a backup", path)
	}
	o.Logger.Info("migrating the database", "from", have, "to", newest)
	before := path + ".before-" + strconv.Itoa(newest)
	if err := os.Remove(before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("store: make way for the copy before the migration: %w", err)
	}
	if err := vacuumInto(ctx, path, before); err != nil {
		return fmt.Errorf("store: copy the database before its migration: %w", err)
	}
	if err := migrate(ctx, dsn(path, writerPragmas, "_txlock", "immediate"), o.migrations); err != nil {
		return fmt.Errorf("store: migrate %s to schema version %d (a copy from before is %s): %w", path, newest, before, err)
	}
	return nil
}

func schemaVersion(ctx context.Context, path string) (version int, err error) {
	c, err := connect(ctx, dsn(path, readerPragmas))
	if err != nil {
		return 0, err
	}
	defer c.Close()
	_, err = c.one(func(r row) { version = int(r.int(0)) }, "PRAGMA user_version")
	return version, err
}

func migrate(ctx context.Context, dsn string, migrations fs.FS) error {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	db.SetMaxOpenConns(1)
	all, err := steps(migrations)
	if err != nil {
		return err
	}
	p, err := goose.NewProvider(goose.DialectSQLite3, db, nil, goose.WithGoMigrations(all...))
	if err != nil {
		return err
	}
	_, err = p.Up(ctx)
	return err
}

// create makes a new database. It is built beside its place, without an fsync, and put there whole: an interrupted first
// start leaves nothing behind that looks like a database.
func create(ctx context.Context, path string, o *Options) error {
	if err := createFile(ctx, path, o); err != nil {
		return fmt.Errorf("store: create %s: %w", path, err)
	}
	return nil
}

func createFile(ctx context.Context, path string, o *Options) error {
	// A write-ahead log without its database is somebody's data.
	if _, err := os.Stat(path + "-wal"); err == nil {
		return fmt.Errorf("%s-wal is there without its database; move it away, or put the database back", path)
	}
	fresh := path + ".new"
	if err := removeDatabase(fresh); err != nil {
		return err
	}
	if err := os.WriteFile(fresh, nil, 0o600); err != nil { // the mode is the write-ahead log's, too
		return err
	}
	off := []string{"journal_mode(MEMORY)", "synchronous(OFF)"}
	if err := migrate(ctx, dsn(fresh, off), o.migrations); err != nil {
		return err
	}
	c, err := connect(ctx, dsn(fresh, off))
	if err != nil {
		return err
	}
	if err := errors.Join(seed(c, chat.TimeOf(o.Now())), c.Close()); err != nil {
		return err
	}
	return moveIn(fresh, path)
}

// seed stores what every database has from the beginning.
func seed(c *conn, now chat.Time) error {
	_, err := c.exec(`INSERT INTO meta (key, value) VALUES ('epoch', ?)`, max(int64(now)/1000, 1))
	if err != nil {
		return err
	}
	t := newTx(c)
	t.now = now
	err = t.CreateRoom(&chat.Room{ID: chat.Announcements, Kind: chat.AnnouncementsRoom, Name: "Announcements",
		CreatedBy: chat.SystemUser})
	if err != nil {
		return err
	}
	// Kept in the file: every later connection uses it.
	return c.query(func(row) error { return nil }, "PRAGMA journal_mode = WAL")
}

// moveIn makes a closed database file durable and gives it its name.
func moveIn(from, to string) error {
	if err := syncFile(from); err != nil {
		return err
	}
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// removeDatabase removes a database file and what belongs to it.
func removeDatabase(path string) error {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if err := os.Remove(path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func readEpoch(c *conn) (epoch int64, err error) {
	found, err := c.one(func(r row) { epoch = r.int(0) }, `SELECT value FROM meta WHERE key = 'epoch'`)
	if err == nil && !found {
		err = errors.New("the database has no epoch")
	}
	return epoch, err
}

// noTransaction tells SQLite's complaint that there is nothing to roll back.
func noTransaction(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code() == sqlite3.SQLITE_ERROR && strings.Contains(e.Error(), "no transaction is active")
}
