// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"
)

// build is what is known of how this binary was made.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Date     string `json:"date,omitempty"` // of the commit
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// buildOf takes the version from the linker, else from the module's own, else "devel".
func buildOf(linked string, info *debug.BuildInfo) build {
	b := build{Version: linked, Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info != nil {
		if v := info.Main.Version; v != "(devel)" {
			b.Version = cmp.Or(b.Version, v)
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.time":
				b.Date = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	b.Version = cmp.Or(b.Version, "devel")
	return b
}

type versionCommand struct {
	JSON bool `name:"json" help:"Print a JSON object."`
}

// Run prints what a report of a fault should contain.
func (c *versionCommand) Run(p *process) error {
	info, _ := debug.ReadBuildInfo()
	b := buildOf(version, info)
	if c.JSON {
		return json.NewEncoder(p.stdout).Encode(b)
	}
	fmt.Fprintf(p.stdout, "parley %s", b.Version)
	if b.Commit != "" {
		fmt.Fprintf(p.stdout, " (commit %.12s of %s)", b.Commit, b.Date)
	}
	if b.Modified {
		fmt.Fprint(p.stdout, ", modified")
	}
	fmt.Fprintf(p.stdout, ", %s, %s\n", b.Go, b.Platform)
	return nil
}
