// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"

	"github.com/go-json-experiment/json"
)

// Writer writes an archive, a line a record.
type Writer struct {
	out    *bufio.Writer
	digest hash.Hash
	counts map[string]int
}

// NewWriter begins an archive.
func NewWriter(w io.Writer, h Header) (*Writer, error) {
	out := &Writer{out: bufio.NewWriterSize(w, 256<<10), digest: sha256.New(), counts: map[string]int{}}
	h.Format = Format
	return out, out.Write(&h)
}

// Write adds a record.
func (w *Writer) Write(r Record) error {
	kind, is := r.named()
	*kind = is
	line, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("archive: a record of kind %s: %w", is, err)
	}
	line = append(line, '\n')
	if is != "end" {
		w.counts[is]++
		w.digest.Write(line)
	}
	_, err = w.out.Write(line)
	return err
}

// Count is how many records of a kind were written.
func (w *Writer) Count(kind string) int { return w.counts[kind] }

// Close writes the last line. It does not close what is written to.
func (w *Writer) Close() error {
	if err := w.Write(&End{Counts: w.counts, SHA256: hex.EncodeToString(w.digest.Sum(nil))}); err != nil {
		return err
	}
	return w.out.Flush()
}
