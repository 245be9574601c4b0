// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"log/slog"
	"testing"

	"parley/internal/store"
	"parley/internal/store/storetest"
)

func TestSQLite(t *testing.T) {
	storetest.Run(t, func(t *testing.T) func(storetest.Options) storetest.Store {
		dir := t.TempDir()
		return func(o storetest.Options) storetest.Store {
			s, err := store.Open(t.Context(), store.Options{Dir: dir, Now: o.Now, OnCommit: o.OnCommit,
				Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
	})
}
