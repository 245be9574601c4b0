// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"

	"parley/internal/blob"
)

var id = blob.ID{1, 15: 0xab}

func opened(t *testing.T) (*blob.Dir, string) {
	t.Helper()
	dir := t.TempDir() + "/files"
	d, err := blob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func content(t *testing.T, d *blob.Dir) string {
	t.Helper()
	f, err := d.Open(id)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// broken gives some bytes and then fails, as a connection that is lost.
type broken struct{ r io.Reader }

var errLost = errors.New("connection lost")

func (b broken) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errLost
	}
	return n, err
}

func TestAnUploadGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	d, dir := opened(t)
	n, err := d.Append(id, 0, 10, true, broken{strings.NewReader("0123")})
	if n != 4 || !errors.Is(err, errLost) {
		t.Fatalf("%d bytes, %v", n, err)
	}
	if _, err := d.Open(id); !errors.Is(err, blob.ErrNone) {
		t.Errorf("a partial blob can be read: %v", err)
	}
	if err := d.Finish(t.Context(), id, 10); !errors.Is(err, blob.ErrOffset) {
		t.Errorf("a partial blob is finished: %v", err)
	}
	if d, err = blob.Open(dir); err != nil { // the server started again
		t.Fatal(err)
	}
	if n, whole, err := d.Size(id); n != 4 || whole || err != nil {
		t.Fatalf("%d bytes, whole %v, %v", n, whole, err)
	}
	for _, offset := range []int64{0, 3, 5} {
		if n, err := d.Append(id, offset, 10, false, strings.NewReader("xx")); n != 4 || !errors.Is(err, blob.ErrOffset) {
			t.Errorf("at %d: %d, %v", offset, n, err)
		}
	}
	if n, err := d.Append(id, 4, 10, false, strings.NewReader("45")); n != 6 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a short part: %d, %v", n, err)
	}
	if n, err := d.Append(id, 6, 10, false, strings.NewReader("6789")); n != 10 || err != nil {
		t.Errorf("the last part: %d, %v", n, err)
	}
	for range 2 {
		if err := d.Finish(t.Context(), id, 10); err != nil {
			t.Fatal(err)
		}
	}
	if got := content(t, d); got != "0123456789" {
		t.Errorf("stored is %q", got)
	}
	if n, err := d.Append(id, 0, 10, true, strings.NewReader("another")); n != 10 || !errors.Is(err, blob.ErrWhole) {
		t.Errorf("a finished blob is written to: %d, %v", n, err)
	}
}

func TestMoreThanAnnounced(t *testing.T) {
	t.Parallel()
	d, _ := opened(t)
	if _, err := d.Append(id, 0, 4, true, strings.NewReader("01234")); !errors.Is(err, blob.ErrLarge) {
		t.Fatal(err)
	}
	if n, _, err := d.Size(id); n != 0 || err != nil {
		t.Errorf("%d bytes of it are kept, %v", n, err)
	}
	large := bytes.Repeat([]byte("x"), 9<<20)
	if n, err := d.Append(id, 0, int64(len(large))+1, true, bytes.NewReader(large)); n != int64(len(large)) || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%d, %v", n, err)
	}
	if n, err := d.Append(id, 0, 2, true, strings.NewReader("ab")); n != 2 || err != nil { // begins anew
		t.Fatalf("%d, %v", n, err)
	}
}

// pausing tells that it is read from, and goes on when it is told to.
type pausing struct{ reading, on chan struct{} }

func (p pausing) Read([]byte) (int, error) {
	p.reading <- struct{}{}
	<-p.on
	return 0, io.EOF
}

func TestOneWriterAtATime(t *testing.T) {
	t.Parallel()
	d, _ := opened(t)
	p, ended := pausing{make(chan struct{}), make(chan struct{})}, make(chan error)
	go func() {
		_, err := d.Append(id, 0, 3, true, p)
		ended <- err
	}()
	<-p.reading
	if _, err := d.Append(id, 0, 3, true, strings.NewReader("abc")); !errors.Is(err, blob.ErrBusy) {
		t.Error(err)
	}
	if err := d.Remove(id); !errors.Is(err, blob.ErrBusy) {
		t.Error(err)
	}
	close(p.on)
	if err := <-ended; !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if _, err := d.Append(id, 0, 3, true, strings.NewReader("abc")); err != nil {
		t.Error(err)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	d, dir := opened(t)
	if _, err := d.Append(id, 0, 1, true, strings.NewReader("a")); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(d.Finish(t.Context(), id, 1), d.Attach(t.Context(), id, []byte("small")), d.Attach(t.Context(), id, []byte("smaller"))); err != nil {
		t.Fatal(err)
	}
	f, err := d.OpenAttached(id)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := io.ReadAll(f)
	f.Close()
	if string(b) != "smaller" {
		t.Errorf("attached is %q", b)
	}
	if err := errors.Join(d.Remove(id), d.Remove(id)); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(id); !errors.Is(err, blob.ErrNone) {
		t.Error(err)
	}
	for _, part := range []string{"/partial", "/whole/ab"} {
		if left, err := os.ReadDir(dir + part); err != nil || len(left) != 0 {
			t.Errorf("%s: %v, %v", part, left, err)
		}
	}
}
