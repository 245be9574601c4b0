// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Backup writes a copy of the database as of one commit, while the store goes on working. It is durable when Backup
// returns, and an existing file is never overwritten.
func (s *SQLite) Backup(ctx context.Context, path string) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return fmt.Errorf("store: back up: %w", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s: %w", path, fs.ErrExist)
		}
		return fmt.Errorf("store: back up: %w; choose another name", err)
	}
	if err := vacuumInto(ctx, filepath.Join(s.dir, databaseName), path); err != nil {
		return fmt.Errorf("store: back up to %s: %w", path, err)
	}
	return nil
}

// vacuumInto copies a database that may be in use. The copy appears under its name when it is whole and durable.
func vacuumInto(ctx context.Context, from, to string) error {
	c, err := connect(ctx, dsn(from, readerPragmas))
	if err != nil {
		return err
	}
	defer c.Close()
	// A name of its own: of two backups to one path the second fails when it is moved in.
	f, err := os.CreateTemp(filepath.Dir(to), filepath.Base(to)+".*.partial") // mode 0600
	if err != nil {
		return err
	}
	partial := f.Name()
	if err := f.Close(); err != nil {
		return err
	}
	if _, err := c.execContext(ctx, "VACUUM INTO ?", partial); err != nil {
		return errors.Join(err, removeDatabase(partial))
	}
	return moveIn(partial, to)
}

// Restored tells what Restore did.
type Restored struct {
	Epoch    int64  // the new one
	Replaced string // where the former database is now; "" when there was none
}

// Restore puts a backup in the place of a data directory's database, which is kept under another name. No server may run
// there (ErrLocked). The backup is checked first; a newer schema is refused, an older one migrated at the next start. The
// data gets a new epoch, so that clients notice that it was rewound.
func Restore(ctx context.Context, dir, backup string, now time.Time) (*Restored, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("store: data directory: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: make the data directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, err
	}
	defer lock.Close()
	done, err := restore(ctx, filepath.Join(dir, databaseName), backup, now)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", backup, err)
	}
	return done, nil
}

func restore(ctx context.Context, path, backup string, now time.Time) (*Restored, error) {
	fresh := path + ".restored"
	if err := removeDatabase(fresh); err != nil {
		return nil, err
	}
	if err := copyFile(backup, fresh); err != nil {
		return nil, errors.Join(err, removeDatabase(fresh))
	}
	done := &Restored{Epoch: max(formerEpoch(ctx, path)+1, now.Unix())}
	if err := renew(ctx, fresh, backup, done); err != nil {
		return nil, errors.Join(err, removeDatabase(fresh))
	}
	if _, err := os.Stat(path); err == nil {
		done.Replaced = path + ".replaced-" + now.UTC().Format("20060102-150405.000")
		// formerEpoch has closed the database, which emptied the write-ahead log into it. One that is left belongs to a
		// database that could not be opened.
		if err := os.Rename(path+"-wal", done.Replaced+"-wal"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		// A second name first, so that at no moment there is no database; a rename where there are no links.
		if os.Link(path, done.Replaced) != nil {
			if err := os.Rename(path, done.Replaced); err != nil {
				return nil, err
			}
		}
		if err := os.Remove(path + "-shm"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	if err := moveIn(fresh, path); err != nil {
		return nil, err
	}
	return done, nil
}

// formerEpoch is the epoch of the database that is to be replaced; 0 when there is none that can be read.
func formerEpoch(ctx context.Context, path string) int64 {
	if _, err := os.Stat(path); err != nil {
		return 0
	}
	c, err := connect(ctx, dsn(path, checkpointPragmas))
	if err != nil {
		return 0
	}
	defer c.Close()
	epoch, err := readEpoch(c)
	if err != nil {
		return 0
	}
	return epoch
}

// renew checks the copy of a backup and gives it its new epoch.
func renew(ctx context.Context, path, backup string, done *Restored) error {
	newest, err := latest(embedded())
	if err != nil {
		return err
	}
	c, err := connect(ctx, dsn(path, []string{"synchronous(FULL)", "journal_mode(WAL)"}))
	if err != nil {
		return fmt.Errorf("it is not a usable database: %w", err)
	}
	defer c.Close()
	version := 0
	if _, err := c.one(func(r row) { version = int(r.int(0)) }, "PRAGMA user_version"); err != nil {
		return fmt.Errorf("it is not a usable database: %w", err)
	}
	switch {
	case version > newest:
		return &NewerSchemaError{Path: backup, Have: version, Known: newest}
	case version == 0:
		return errors.New("it is not a parley database")
	}
	var faults []error
	err = c.query(func(r row) error {
		if text := r.text(0); text != "ok" {
			faults = append(faults, errors.New(text))
		}
		return nil
	}, "PRAGMA integrity_check(10)")
	if err = errors.Join(append(faults, err)...); err != nil {
		return fmt.Errorf("it is damaged: %w", err)
	}
	backedUp, err := readEpoch(c)
	if err != nil {
		return err
	}
	done.Epoch = max(done.Epoch, backedUp+1)
	if _, err = c.exec(`DELETE FROM packets`); err != nil { // clients have used those ids again since
		return err
	}
	_, err = c.exec(`UPDATE meta SET value = ? WHERE key = 'epoch'`, done.Epoch)
	return err
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
