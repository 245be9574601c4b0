// SPDX-License-Identifier: Apache-2.0

// Package web holds the web client as it was built into dist. A server that was built without Node holds a placeholder only.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Client is the built web client; nil where it was not built.
func Client() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil
	}
	if _, err := fs.Stat(files, "index.html"); err != nil {
		return nil
	}
	return files
}
