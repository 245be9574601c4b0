// SPDX-License-Identifier: Apache-2.0

package store

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"parley/internal/archive"
	"parley/internal/chat"
)

// An archive has everything: a table or column that comes new is exported and loaded, or left out on purpose.
func TestNothingIsLeftOutOfArchives(t *testing.T) {
	s, err := Open(t.Context(), Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	c, err := connect(t.Context(), dsn(filepath.Join(s.dir, databaseName), readerPragmas))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	have := map[string][]string{}
	if err := c.query(func(r row) error {
		have[r.text(0)] = append(have[r.text(0)], r.text(1))
		return nil
	}, `SELECT m.name, i.name FROM sqlite_master m, pragma_table_info(m.name) i WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name NOT LIKE 'goose%'`); err != nil {
		t.Fatal(err)
	}
	for table, columns := range have {
		known := strings.Split(exported[table], ", ")
		known = append(known, strings.Split(derived[table], ", ")...)
		if exported[table] == "" {
			if !slices.Contains(unexported, table) {
				t.Errorf("the table %s is new: export and load it (export.go, load.go, internal/archive), or name it in unexported", table)
			}
			continue
		}
		for _, column := range columns {
			if !slices.Contains(known, column) {
				t.Errorf("the column %s.%s is new: export and load it, or name it in derived", table, column)
			}
		}
	}
}

// Quiet hours that nobody could have set are refused, before anything is served with them.
func TestLoaderRefusesQuietHours(t *testing.T) {
	l, err := NewLoader(t.Context(), filepath.Join(t.TempDir(), "data"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	for _, q := range []archive.QuietHours{{}, {From: "22:00", To: "7:00", TimeZone: "UTC"}, {From: "22:00", To: "22:00", TimeZone: "UTC"}, {From: "22:00", To: "07:00", TimeZone: "nowhere"}} {
		if err := l.user(&archive.User{ID: "ann", Role: chat.RoleUser, QuietHours: &q}); err == nil || !strings.Contains(err.Error(), `"ann"`) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// Loading 100 000 messages takes seconds.
func BenchmarkLoad(b *testing.B) {
	l, err := NewLoader(b.Context(), filepath.Join(b.TempDir(), "data"), time.Now())
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	if err := l.Put(&archive.Room{ID: "announcements", Type: "announcements", History: "shared", FirstSeq: 1, LastSeq: uint64(b.N)}); err != nil {
		b.Fatal(err)
	}
	e := archive.Event{Room: "announcements", Type: "text", At: 1, Actor: "alice", Content: "a message as long as most of them are, of some words"}
	for b.Loop() {
		e.Seq++
		if err := l.Put(&e); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := l.Finish(1); err != nil {
		b.Fatal(err)
	}
}
