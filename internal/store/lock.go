// SPDX-License-Identifier: Apache-2.0

package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrLocked is in the chain of what Open and Restore return when another process owns the data directory.
var ErrLocked = errors.New("another parley process owns this data directory")

// lockDir makes the data directory this process's own until the file is closed.
func lockDir(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("store: lock the data directory: %w", err)
	}
	held, err := lockFile(f)
	switch {
	case held:
		f.Close()
		return nil, fmt.Errorf("store: %s: %w; stop it, or choose another directory", dir, ErrLocked)
	case err != nil:
		f.Close()
		return nil, fmt.Errorf("store: lock the data directory %s: %w", dir, err)
	}
	return f, nil
}
