// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

func TestDescribeTakesTheUnionOfTheBinaries(t *testing.T) {
	t.Parallel()
	linux := &debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "example.com/b", Version: "v2.0.0", Sum: "h1:b"},
		{Path: "example.com/a", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1", Sum: "h1:fork"}},
	}}
	windows := &debug.BuildInfo{GoVersion: "go1.26.0", Deps: []*debug.Module{
		{Path: "example.com/b", Version: "v2.0.0", Sum: "h1:b"},
		{Path: "example.com/console", Version: "v0.1.0"},
	}}
	doc := describe([]binary{{name: "linux", info: linux}, {name: "windows", info: windows}}, "v1.2.3", time.Unix(86400, 0))
	want := "pkg:golang/example.com/b@v2.0.0 pkg:golang/example.com/console@v0.1.0 pkg:golang/example.com/fork@v1.0.1 pkg:golang/stdlib@go1.26.0"
	if got := strings.Join(doc.Dependencies[0].DependsOn, " "); got != want {
		t.Errorf("modules %s, want %s", got, want)
	}
	if len(doc.Components) != 4 || doc.Components[0].Properties[0].Value != "h1:b" {
		t.Errorf("components %+v", doc.Components)
	}
	if doc.Metadata.Timestamp != "1970-01-02T00:00:00Z" || len(doc.Metadata.Component.Components) != 2 {
		t.Errorf("metadata %+v", doc.Metadata)
	}
}

func TestRunReadsARealBinary(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := run(&out, "v1", "1700000000", []string{self}); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(out.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if doc.Format != "CycloneDX" || len(doc.Metadata.Component.Components[0].Hashes[0].Content) != 64 {
		t.Errorf("got %s", out.String())
	}
	for _, paths := range [][]string{nil, {"/nowhere"}} {
		if err := run(&out, "v1", "", paths); err == nil {
			t.Errorf("run on %q succeeded", paths)
		}
	}
	if err := run(&out, "v1", "yesterday", []string{self}); err == nil || !strings.Contains(err.Error(), "SOURCE_DATE_EPOCH") {
		t.Errorf("a bad SOURCE_DATE_EPOCH: %v", err)
	}
}
