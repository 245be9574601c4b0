// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
)

// Same tells whether r gives the bytes that a finished blob of so many came with. write is what it was rewritten with since. What r
// gives is in a file meanwhile.
func (d *Dir) Same(id ID, size int64, r io.Reader, write Rewriter) (same bool, err error) {
	if err := d.take(id); err != nil {
		return false, err
	}
	defer d.give(id)
	whole, err := open(d.whole(id))
	if err != nil {
		return false, err
	}
	defer whole.Close()
	path := d.partial(id) + repeatedSuffix
	again, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return false, named(err)
	}
	early := os.Remove(path) // where the system permits it, a crash leaves nothing
	defer func() {
		err = errors.Join(err, named(again.Close()))
		if early != nil {
			err = errors.Join(err, named(os.Remove(path)))
		}
	}()
	n, reading, writing := copyChunk(again, io.LimitReader(r, size+1))
	_, start := again.Seek(0, io.SeekStart)
	if err := errors.Join(reading, named(errors.Join(writing, start))); err != nil || n != size {
		return false, err
	}
	c := &comparison{with: bufio.NewReader(whole)}
	rewritten, err := write(c, again)
	if err != nil {
		return false, err
	}
	if rewritten {
		return c.equal(), nil
	}
	_, from := again.Seek(0, io.SeekStart)
	_, with := whole.Seek(0, io.SeekStart)
	c = &comparison{with: bufio.NewReader(whole)}
	_, err = io.Copy(c, again)
	return c.equal(), named(errors.Join(from, with, err))
}

// comparison compares what is written to it.
type comparison struct {
	with   *bufio.Reader
	buf    []byte
	differ bool
}

func (c *comparison) Write(b []byte) (int, error) {
	if c.differ {
		return len(b), nil
	}
	c.buf = append(c.buf[:0], b...)
	_, err := io.ReadFull(c.with, c.buf)
	c.differ = err != nil || !bytes.Equal(c.buf, b)
	return len(b), nil
}

// equal tells whether all was the same and nothing is missing.
func (c *comparison) equal() bool {
	_, err := c.with.ReadByte()
	return !c.differ && errors.Is(err, io.EOF)
}
