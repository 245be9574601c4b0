// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime/debug"
)

// licenses holds licenses/texts.txt.gz where the build has made it.
//
//go:embed licenses
var licenses embed.FS

const licenseTexts = "licenses/texts.txt.gz"

type licensesCommand struct{}

// Run prints the texts, or says that they are not in this binary and lists the modules that are.
func (c *licensesCommand) Run(p *process) error {
	fmt.Fprintln(p.stdout, "Parley is under the Apache License, Version 2.0.")
	err := printTexts(p.stdout, licenses)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return errors.New("this binary does not know what it was built from")
	}
	fmt.Fprintln(p.stdout, "\nThis binary was built without the licence texts (make build adds them). It contains the Go standard library and:")
	fmt.Fprintln(p.stdout)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		fmt.Fprintf(p.stdout, "%s %s\n", m.Path, m.Version)
	}
	return nil
}

func printTexts(w io.Writer, files fs.FS) error {
	packed, err := fs.ReadFile(files, licenseTexts)
	if err != nil {
		return err
	}
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("%s: %w", licenseTexts, err)
	}
	if _, err := io.Copy(w, z); err != nil { //nolint:gosec // made by our own build
		return fmt.Errorf("%s: %w", licenseTexts, err)
	}
	return z.Close()
}
