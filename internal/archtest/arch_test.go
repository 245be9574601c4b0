// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func TestImportsFollowTheTable(t *testing.T) {
	t.Parallel()
	root := moduleRoot(t)
	files := sourceFiles(t, root)
	faults, err := checkImports(os.DirFS(root), files, rooms())
	if err != nil {
		t.Fatal(err)
	}
	for _, fault := range faults {
		t.Error(fault)
	}
	if !slices.ContainsFunc(files, func(name string) bool { return strings.HasPrefix(name, "internal/mqtt/") }) {
		t.Errorf("looked at %d files and none of internal/mqtt: the list of files is wrong", len(files))
	}
}

// The checker itself: each case is one file that imports one package.
func TestCheckImports(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file, imports string
		fault         string // a part of the sentence; empty when allowed
	}{
		{"internal/chat/room.go", "context", ""},
		{"internal/chat/room.go", "parley/internal/store", "may import the standard library"},
		{"internal/chat/room.go", "github.com/google/uuid", "imports github.com/google/uuid"},
		{"internal/chat/sub/x.go", "parley/internal/chat", ""},
		{"internal/chatter/x.go", "fmt", "rooms.go"},
		{"internal/wire/x.go", "parley/internal/chat", ""},
		{"internal/wire/x.go", "parley/internal/chatter", "imports parley/internal/chatter"},
		{"internal/mqtt/conn.go", "github.com/gobwas/ws/wsutil", ""},
		{"internal/mqtt/conn.go", "parley/internal/mqtt/packet", ""},
		{"internal/mqtt/conn.go", "parley/internal/chat", "imports parley/internal/chat"},
		{"internal/mqtt/packet/read.go", "github.com/gobwas/ws", "imports github.com/gobwas/ws"},
		{"internal/mqtt/packet/read.go", "parley/internal/mqtt", "imports parley/internal/mqtt"},
		{"internal/store/sqlite/x.go", "parley/internal/store", ""},
		{"internal/store/sqlite/x.go", "modernc.org/sqlite", ""},
		{"internal/edge/http/x.go", "parley/internal/api", ""},
		{"internal/edge/http/sse/x.go", "parley/internal/edge/http", ""},
		{"internal/edge/http/x.go", "parley/internal/edge/mqtt", "imports parley/internal/edge/mqtt"},
		{"internal/edge/mqtt/x.go", "parley/internal/store", "imports parley/internal/store"},
		{"internal/edge/mqtt/x.go", "parley/internal/bus", "imports parley/internal/bus"},
		{"internal/app/x.go", "parley/internal/edge/mqtt", ""},
		{"internal/api/x.go", "parley/internal/app", "imports parley/internal/app"},
		{"internal/store/x.go", "C", "imports C"},
		{"cmd/parley/main.go", "parley/internal/app", ""},
		{"cmd/parley/main.go", "parley/internal/store", "imports parley/internal/store"},
		{"internal/chat/room_test.go", "pgregory.net/rapid", ""},
		{"elsewhere/x.go", "fmt", "elsewhere: no line covers this package"},
	} {
		fsys := fstest.MapFS{c.file: {Data: []byte("package x\nimport _ \"" + c.imports + "\"\n")}}
		faults, err := checkImports(fsys, []string{c.file}, rooms())
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(faults, "; ")
		if (c.fault == "") != (got == "") || !strings.Contains(got, c.fault) {
			t.Errorf("%s importing %s: got %q, want %q", c.file, c.imports, got, c.fault)
		}
	}
}

func TestRoomsAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	known := func(name string) bool {
		for _, r := range rooms() {
			if _, ok := cover(r.path, "internal/"+name); ok || r.path == name { // client stands outside
				return true
			}
		}
		return name == anything
	}
	for _, r := range rooms() {
		if r.path == "" || seen[r.path] || !fs.ValidPath(strings.ReplaceAll(r.path, "*", "x")) {
			t.Errorf("room %q is empty, doubled or no path", r.path)
		}
		seen[r.path] = true
		for _, name := range r.imports {
			if !known(name) {
				t.Errorf("room %s may import %q, which is no room", r.path, name)
			}
		}
	}
}
