// SPDX-License-Identifier: Apache-2.0

// Command licenses writes the licence texts of a program: its own, Go's, and those of every module that is linked into
// it on any of the platforms that are released. The result is plain text, compressed with gzip.
//
//	licenses -o cmd/parley/licenses/texts.txt.gz ./cmd/parley
//
// A module without a licence file is an error: nobody may pass it on.
package main

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// platforms are those of the release; each links modules of its own.
var platforms = [...]string{"linux", "darwin", "windows"}

func main() {
	output := flag.String("o", "", "file to write")
	flag.Parse()
	if err := run(*output, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "licenses:", err)
		os.Exit(1)
	}
}

func run(output string, packages []string) error {
	if output == "" || len(packages) == 0 {
		return errors.New("usage: licenses -o FILE PACKAGE")
	}
	modules, err := linked(packages)
	if err != nil {
		return err
	}
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return fmt.Errorf("go env GOROOT: %w", err)
	}
	modules = append([]module{{Path: "The Go standard library", Dir: strings.TrimSpace(string(goroot))}}, modules...)
	var text bytes.Buffer
	if err := write(&text, modules); err != nil {
		return err
	}
	packed, err := compress(text.Bytes())
	if err != nil {
		return err
	}
	return os.WriteFile(output, packed, 0o644) //nolint:gosec // a public file
}

// compress gives the same bytes for the same text: no name and no time go in.
func compress(text []byte) ([]byte, error) {
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// module is as go list prints it.
type module struct {
	Path, Version, Dir string
	Main               bool
	Replace            *module
}

// linked lists the modules of all packages that packages need, on all platforms, by path.
func linked(packages []string) ([]module, error) {
	found := map[string]module{}
	for _, platform := range platforms {
		cmd := exec.Command("go", append([]string{"list", "-deps", "-json=Module"}, packages...)...)
		cmd.Env = append(os.Environ(), "GOOS="+platform, "CGO_ENABLED=0")
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("go list for %s: %w", platform, err)
		}
		dec := json.NewDecoder(bytes.NewReader(out))
		for {
			var p struct{ Module *module }
			if err := dec.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return nil, fmt.Errorf("go list for %s: %w", platform, err)
			}
			if m := p.Module; m != nil {
				if m.Replace != nil {
					m = m.Replace
				}
				found[m.Path] = *m
			}
		}
	}
	modules := make([]module, 0, len(found))
	for _, m := range found {
		modules = append(modules, m)
	}
	// The program's own module first.
	slices.SortFunc(modules, func(a, b module) int {
		if a.Main != b.Main {
			return map[bool]int{true: -1, false: 1}[a.Main]
		}
		return cmp.Compare(a.Path, b.Path)
	})
	return modules, nil
}

// legal matches the names of files with the terms of a module.
var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents|unlicense)([-._].*)?$`)

// write prints a table of contents and then every text.
func write(w io.Writer, modules []module) error {
	fmt.Fprintln(w, "\nIt contains:")
	fmt.Fprintln(w)
	for _, m := range modules {
		fmt.Fprintf(w, "  %s\n", title(m))
	}
	for _, m := range modules {
		entries, err := os.ReadDir(m.Dir)
		if err != nil {
			return fmt.Errorf("%s: %w; run go mod download", title(m), err)
		}
		found := false
		for _, e := range entries {
			if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
				continue
			}
			text, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
			if err != nil {
				return fmt.Errorf("%s: %w", title(m), err)
			}
			found = true
			fmt.Fprintf(w, "\n%s\n%s, %s\n\n%s\n", strings.Repeat("=", 78), title(m), e.Name(), bytes.TrimSpace(text))
		}
		if !found {
			return fmt.Errorf("%s has no licence file in %s", title(m), m.Dir)
		}
	}
	return nil
}

func title(m module) string { return strings.TrimSpace(m.Path + " " + m.Version) }
