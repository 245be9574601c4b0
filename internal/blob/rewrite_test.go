// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/blob"
)

func finished(t *testing.T, text string) (*blob.Dir, string) {
	t.Helper()
	d, dir := opened(t)
	size := int64(len(text))
	if _, err := d.Append(id, 0, size, true, strings.NewReader(text)); err != nil {
		t.Fatal(err)
	}
	if err := d.Finish(t.Context(), id, size); err != nil {
		t.Fatal(err)
	}
	return d, dir
}

func says(text string) func(io.Writer, io.ReadSeeker) (bool, error) {
	return func(dst io.Writer, _ io.ReadSeeker) (bool, error) {
		_, err := io.WriteString(dst, text)
		return true, err
	}
}

// leftovers are files that no finished blob has.
func leftovers(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(dir + "/partial/*")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestRewriteIsWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	d, dir := finished(t, "former content")
	size, err := d.Rewrite(t.Context(), id, func(dst io.Writer, src io.ReadSeeker) (bool, error) {
		former, err := io.ReadAll(src)
		if err != nil || string(former) != "former content" {
			t.Errorf("reads %q, %v", former, err)
		}
		if _, err := io.WriteString(dst, "new"); err != nil {
			return false, err
		}
		if got := content(t, d); got != "former content" { // half written
			t.Errorf("meanwhile it is %q", got)
		}
		impatient, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := d.Rewrite(impatient, id, says("other")); !errors.Is(err, blob.ErrBusy) {
			t.Errorf("twice at once: %v", err)
		}
		return true, nil
	})
	if size != 3 || err != nil || content(t, d) != "new" {
		t.Errorf("%d bytes, %v: %q", size, err, content(t, d))
	}
	size, err = d.Rewrite(t.Context(), id, func(dst io.Writer, _ io.ReadSeeker) (bool, error) {
		_, err := io.WriteString(dst, "not wanted")
		return false, err
	})
	if size != 3 || err != nil || content(t, d) != "new" {
		t.Errorf("unchanged: %d bytes, %v: %q", size, err, content(t, d))
	}
	_, err = d.Rewrite(t.Context(), id, func(dst io.Writer, _ io.ReadSeeker) (bool, error) {
		_, _ = io.WriteString(dst, "half")
		return true, errLost
	})
	if !errors.Is(err, errLost) || content(t, d) != "new" {
		t.Errorf("failed: %v: %q", err, content(t, d))
	}
	if left := leftovers(t, dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := d.Rewrite(t.Context(), blob.ID{2}, says("x")); !errors.Is(err, blob.ErrNone) {
		t.Errorf("of nothing: %v", err)
	}
}

// A crash while the new bytes are written leaves them beside the blob, which stays; the next start finds it, and what is tried
// again takes their place. A crash after the name was given leaves the new bytes: Finish, which is tried again, keeps them.
func TestRewriteAfterACrash(t *testing.T) {
	t.Parallel()
	d, dir := finished(t, "former content")
	halt := errors.New("the process ends here")
	func() {
		defer func() {
			if recover() != halt {
				t.Error("did not end")
			}
		}()
		_, _ = d.Rewrite(t.Context(), id, func(dst io.Writer, _ io.ReadSeeker) (bool, error) {
			_, _ = io.WriteString(dst, "half of what was to be much longer")
			panic(halt)
		})
	}()
	if len(leftovers(t, dir)) != 1 {
		t.Fatalf("left behind: %v, want what was half written", leftovers(t, dir))
	}
	after := func() *blob.Dir {
		t.Helper()
		d, err := blob.Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d = after()
	if n, whole, err := d.Size(id); n != 14 || !whole || err != nil || content(t, d) != "former content" {
		t.Errorf("after the crash: %d bytes, whole %v, %v: %q", n, whole, err, content(t, d))
	}
	if n, err := d.Rewrite(t.Context(), id, says("new")); n != 3 || err != nil {
		t.Errorf("again: %d bytes, %v", n, err)
	}
	d = after()
	if err := d.Finish(t.Context(), id, 14); err != nil { // the record still has the size of before
		t.Errorf("finish again: %v", err)
	}
	if n, whole, err := d.Size(id); n != 3 || !whole || err != nil || content(t, d) != "new" || len(leftovers(t, dir)) != 0 {
		t.Errorf("at last: %d bytes, whole %v, %v: %q, left %v", n, whole, err, content(t, d), leftovers(t, dir))
	}
	if err := d.Remove(id); err != nil {
		t.Error(err)
	}
	if _, err := d.Open(id); !errors.Is(err, blob.ErrNone) {
		t.Errorf("removed, and opened: %v", err)
	}
}
