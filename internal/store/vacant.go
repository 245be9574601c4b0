// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// ErrNotEmpty is a data directory that has something in it already.
var ErrNotEmpty = errors.New("the data directory is not empty")

// loadingName is where data is made before it is moved to its place. One that a crash left is removed.
const loadingName = "loading"

// vacant is a data directory with nothing in it, which this process owns.
type vacant struct {
	dir               string
	lock              *os.File
	madeDir, madeLock bool
}

// takeVacant makes a directory, or takes one that is empty, and makes the one to load into.
func takeVacant(dir string) (v *vacant, err error) {
	v = &vacant{}
	if v.dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	_, err = os.Stat(v.dir)
	v.madeDir = errors.Is(err, fs.ErrNotExist)
	if err := os.MkdirAll(v.dir, 0o700); err != nil {
		return nil, err
	}
	_, err = os.Stat(filepath.Join(v.dir, "lock"))
	v.madeLock = errors.Is(err, fs.ErrNotExist)
	if v.lock, err = lockDir(v.dir); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(v.dir)
	if err == nil {
		for _, e := range entries {
			if !slices.Contains([]string{"lock", loadingName}, e.Name()) {
				err = fmt.Errorf("%s: %w: there is %s; name a new one", dir, ErrNotEmpty, e.Name())
				break
			}
		}
	}
	if err == nil {
		err = errors.Join(os.RemoveAll(v.loading()), os.Mkdir(v.loading(), 0o700))
	}
	if err != nil {
		return nil, errors.Join(err, v.leave())
	}
	return v, nil
}

func (v *vacant) loading() string { return filepath.Join(v.dir, loadingName) }

// occupy moves what was loaded to its place, the database last: it is what makes the directory one with data.
func (v *vacant) occupy() error {
	entries, err := os.ReadDir(v.loading())
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b fs.DirEntry) int {
		switch {
		case a.Name() == databaseName && b.Name() != databaseName:
			return 1
		case a.Name() != databaseName && b.Name() == databaseName:
			return -1
		}
		return 0
	})
	for _, e := range entries {
		if err := os.Rename(filepath.Join(v.loading(), e.Name()), filepath.Join(v.dir, e.Name())); err != nil {
			return err
		}
	}
	return errors.Join(os.Remove(v.loading()), syncDir(v.dir), v.lock.Close())
}

// leave gives the directory back as it was.
func (v *vacant) leave() error {
	errs := []error{v.lock.Close(), os.RemoveAll(v.loading())}
	if v.madeLock {
		errs = append(errs, os.Remove(filepath.Join(v.dir, "lock")))
	}
	if v.madeDir {
		errs = append(errs, os.Remove(v.dir))
	}
	return errors.Join(errs...)
}
