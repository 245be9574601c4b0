// SPDX-License-Identifier: Apache-2.0

package archtest

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// checkImports parses the import clauses of files, which are paths of Go files
// in fsys, and returns one sentence for each import that table forbids, in the
// order of files.
func checkImports(fsys fs.FS, files []string, table []room) ([]string, error) {
	var faults []string
	unknown := map[string]bool{}
	for _, file := range files {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			continue
		}
		dir := path.Dir(file)
		r, unit, ok := roomOf(table, dir)
		if !ok {
			if !unknown[dir] {
				unknown[dir] = true
				faults = append(faults, fmt.Sprintf("%s: no line covers this package; add one to rooms() in internal/archtest/rooms.go that says what it may import", dir))
			}
			continue
		}
		src, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("reading imports: %w", err)
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, src, parser.ImportsOnly)
		if err != nil {
			return nil, fmt.Errorf("reading imports: %w", err)
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: import %s: %w", file, spec.Path.Value, err)
			}
			if !r.allows(unit, name) {
				faults = append(faults, fmt.Sprintf("%s imports %s; %s may import %s", file, name, unit, r.describe()))
			}
		}
	}
	return faults, nil
}

// roomOf finds the longest room that covers the package in dir. unit is the
// room's path with a "*" resolved to the segment that it stands for.
func roomOf(table []room, dir string) (found room, unit string, ok bool) {
	depth := 0
	for _, r := range table {
		u, covered := cover(r.path, dir)
		if n := strings.Count(r.path, "/") + 1; covered && n > depth {
			found, unit, depth = r, u, n
		}
	}
	return found, unit, depth > 0
}

// cover reports whether pattern covers dir, and the part of dir that matches.
func cover(pattern, dir string) (unit string, ok bool) {
	want, have := strings.Split(pattern, "/"), strings.Split(dir, "/")
	if len(have) < len(want) {
		return "", false
	}
	for i, segment := range want {
		if segment != "*" && segment != have[i] {
			return "", false
		}
	}
	return strings.Join(have[:len(want)], "/"), true
}

// allows reports whether a package of room r, matched as unit, may import name.
func (r room) allows(unit, name string) bool {
	if own, ok := strings.CutPrefix(name, modulePath+"/"); ok {
		if within(own, unit) {
			return true
		}
		inside := strings.TrimPrefix(own, "internal/")
		for _, allowed := range r.imports {
			if allowed == anything || within(inside, allowed) {
				return true
			}
		}
		return false
	}
	if isStandard(name) {
		return true
	}
	for _, allowed := range r.libraries {
		if allowed == anything || within(name, allowed) {
			return true
		}
	}
	return false
}

// within reports whether name is root or lies below it.
func within(name, root string) bool {
	return name == root || strings.HasPrefix(name, root+"/")
}

// isStandard tells the standard library by the rule that the go command uses:
// the first segment of its paths has no dot. "C" would need cgo, which the
// static builds do without.
func isStandard(name string) bool {
	first, _, _ := strings.Cut(name, "/")
	return name != "C" && !strings.Contains(first, ".")
}

// describe lists what r may import, for a message.
func (r room) describe() string {
	all := append([]string{"the standard library"}, r.imports...)
	return strings.Join(append(all, r.libraries...), ", ")
}
