// SPDX-License-Identifier: Apache-2.0

// Command sbom writes a bill of materials, in CycloneDX 1.6 JSON, of Go
// binaries: the modules that the linker really put into them, as the binaries
// themselves tell.
//
//	sbom -version v1.2.3 dist/parley_linux_amd64 dist/parley_windows_amd64.exe
//
// Several binaries are taken as one program built for several platforms.
// SOURCE_DATE_EPOCH (Unix seconds) sets the time in the document, so that the
// same source gives the same bytes.
package main

import (
	"cmp"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"time"
)

func main() {
	version := flag.String("version", "unknown", "version of the program")
	flag.Parse()
	if err := run(os.Stdout, *version, os.Getenv("SOURCE_DATE_EPOCH"), flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(w io.Writer, version, epoch string, paths []string) error {
	if len(paths) == 0 {
		return errors.New("name at least one binary")
	}
	seconds, err := strconv.ParseInt(cmp.Or(epoch, "0"), 10, 64)
	if err != nil {
		return fmt.Errorf("SOURCE_DATE_EPOCH: %w", err)
	}
	var binaries []binary
	for _, path := range paths {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		binaries = append(binaries, binary{name: filepath.Base(path), sum: sha256.Sum256(content), info: info})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(describe(binaries, version, time.Unix(seconds, 0)))
}

// binary is what is known of one file.
type binary struct {
	name string
	sum  [sha256.Size]byte
	info *debug.BuildInfo
}

// The part of CycloneDX that is used.
type (
	document struct {
		Format       string       `json:"bomFormat"`
		SpecVersion  string       `json:"specVersion"`
		Version      int          `json:"version"`
		Metadata     metadata     `json:"metadata"`
		Components   []component  `json:"components"`
		Dependencies []dependency `json:"dependencies"`
	}
	metadata struct {
		Timestamp string    `json:"timestamp"`
		Component component `json:"component"`
	}
	component struct {
		Type       string      `json:"type"`
		Ref        string      `json:"bom-ref"`
		Name       string      `json:"name"`
		Version    string      `json:"version,omitempty"`
		PURL       string      `json:"purl,omitempty"`
		Hashes     []hash      `json:"hashes,omitempty"`
		Properties []property  `json:"properties,omitempty"`
		Licenses   []license   `json:"licenses,omitempty"`
		Components []component `json:"components,omitempty"`
	}
	hash struct {
		Algorithm string `json:"alg"`
		Content   string `json:"content"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
	license struct {
		License struct {
			ID string `json:"id"`
		} `json:"license"`
	}
	dependency struct {
		Ref       string   `json:"ref"`
		DependsOn []string `json:"dependsOn"`
	}
)

// describe lists the union of the binaries' modules, sorted.
func describe(binaries []binary, version string, at time.Time) document {
	modules := map[string]component{}
	program := component{Type: "application", Name: "parley", Version: version}
	for _, b := range binaries {
		program.Components = append(program.Components, component{
			Type: "file", Ref: "file:" + b.name, Name: b.name,
			Hashes: []hash{{Algorithm: "SHA-256", Content: hex.EncodeToString(b.sum[:])}},
		})
		for _, m := range b.info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			c := moduleComponent(m.Path, m.Version, m.Sum)
			modules[c.Ref] = c
		}
		c := moduleComponent("stdlib", b.info.GoVersion, "")
		modules[c.Ref] = c
	}
	program.Ref = "pkg:golang/parley@" + version
	program.PURL = program.Ref
	apache := license{}
	apache.License.ID = "Apache-2.0"
	program.Licenses = []license{apache}

	refs := slices.Sorted(maps.Keys(modules))
	doc := document{
		Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		Metadata:     metadata{Timestamp: at.UTC().Format(time.RFC3339), Component: program},
		Dependencies: []dependency{{Ref: program.Ref, DependsOn: refs}},
	}
	for _, ref := range refs {
		doc.Components = append(doc.Components, modules[ref])
	}
	return doc
}

// moduleComponent describes a module. sum is the go command's own hash of the
// module's files, which is none of the hashes that CycloneDX knows.
func moduleComponent(path, version, sum string) component {
	c := component{Type: "library", Name: path, Version: version, PURL: "pkg:golang/" + path + "@" + version}
	c.Ref = c.PURL
	if sum != "" {
		c.Properties = []property{{Name: "go:sum", Value: sum}}
	}
	return c
}
