// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"LICENSE": "the terms", "NOTICE.txt": "the notice", "COPYING.md": "more terms", "license.go": "package license", "README": "nothing legal",
		"LICENSE-MIT": "other terms", "licensed": "not one",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text+"\n\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := write(&out, []module{{Path: "example.com/m", Version: "v1.0.0", Dir: dir}}); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]bool{
		"the terms\n": true, "the notice\n": true, "more terms\n": true, "other terms\n": true, "package license": false, "nothing legal": false, "not one": false,
		"example.com/m v1.0.0, LICENSE\n": true, "  example.com/m v1.0.0\n": true,
	} {
		if strings.Contains(out.String(), text) != want {
			t.Errorf("%q is there: %v, want %v", text, !want, want)
		}
	}
	err := write(&out, []module{{Path: "example.com/free", Dir: t.TempDir()}})
	if err == nil || !strings.Contains(err.Error(), "example.com/free has no licence file") {
		t.Errorf("without terms: %v", err)
	}
}

func TestCompressIsReproducible(t *testing.T) {
	a, err := compress([]byte("text"))
	if err != nil {
		t.Fatal(err)
	}
	b, err := compress([]byte("text"))
	if err != nil || !bytes.Equal(a, b) {
		t.Errorf("two runs differ (%v)", err)
	}
}

func TestLinked(t *testing.T) {
	modules, err := linked([]string{"parley/cmd/parley"})
	if err != nil {
		t.Fatal(err)
	}
	if len(modules) < 10 || !modules[0].Main {
		t.Errorf("%d modules, the first is %+v", len(modules), modules[0])
	}
	seen := map[string]bool{}
	for _, m := range modules {
		seen[m.Path] = true
	}
	for _, path := range []string{"github.com/alecthomas/kong", "modernc.org/sqlite", "golang.org/x/sys"} {
		if !seen[path] {
			t.Errorf("%s is not among them", path)
		}
	}
}
