// SPDX-License-Identifier: Apache-2.0

package blob_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"

	"parley/internal/blob"
)

// upper is a Rewriter that leaves what is in capitals as it is.
func upper(dst io.Writer, src io.ReadSeeker) (bool, error) {
	b, err := io.ReadAll(src)
	if err != nil {
		return false, err
	}
	_, err = dst.Write(bytes.ToUpper(b))
	return !bytes.Equal(b, bytes.ToUpper(b)), err
}

func TestSame(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a long text ", 1<<16)
	for _, c := range []struct {
		was, is string
		same    bool
	}{
		{"text", "text", true},
		{"text", "tale", false},
		{"text", "tex", false},
		{"text", "texts", false},
		{"TEXT", "TEXT", true},
		{"TEXT", "TALE", false},
		{"TEXT", "", false},
		{long, long, true},
		{long, long[:len(long)-1] + "!", false},
	} {
		d, dir := finished(t, c.was)
		if _, err := d.Rewrite(t.Context(), id, upper); err != nil {
			t.Fatal(err)
		}
		same, err := d.Same(id, int64(len(c.was)), strings.NewReader(c.is), upper)
		if same != c.same || err != nil || content(t, d) != strings.ToUpper(c.was) || len(leftovers(t, dir)) != 0 {
			t.Errorf("%.9q and %.9q: %v, %v, left %v", c.was, c.is, same, err, leftovers(t, dir))
		}
	}
	d, dir := finished(t, "text")
	if _, err := d.Same(id, 4, broken{strings.NewReader("te")}, upper); !errors.Is(err, errLost) || len(leftovers(t, dir)) != 0 {
		t.Errorf("a body that breaks off: %v, left %v", err, leftovers(t, dir))
	}
	if _, err := d.Same(blob.ID{2}, 4, strings.NewReader("text"), upper); !errors.Is(err, blob.ErrNone) {
		t.Errorf("of nothing: %v", err)
	}
}

// Who brings the last byte finishes the blob with it: nobody begins it anew before the caller comes to Finish.
func TestTheLastByteFinishes(t *testing.T) {
	t.Parallel()
	d, _ := opened(t)
	if n, err := d.Append(id, 0, 3, true, strings.NewReader("one")); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if n, err := d.Append(id, 0, 3, true, strings.NewReader("two")); n != 3 || !errors.Is(err, blob.ErrWhole) {
		t.Errorf("another: %d, %v", n, err)
	}
	if err := d.Finish(t.Context(), id, 3); err != nil || content(t, d) != "one" {
		t.Errorf("%v: %q", err, content(t, d))
	}
}

// Finishing waits for who writes the blob.
func TestFinishWaits(t *testing.T) {
	t.Parallel()
	d, _ := finished(t, "former")
	synctest.Test(t, func(t *testing.T) {
		on := make(chan struct{})
		go func() {
			_, err := d.Rewrite(t.Context(), id, func(dst io.Writer, _ io.ReadSeeker) (bool, error) {
				<-on
				_, err := io.WriteString(dst, "new")
				return true, err
			})
			if err != nil {
				t.Error(err)
			}
		}()
		synctest.Wait()
		var waited [2]bool
		for i := range waited {
			go func() {
				if err := d.Attach(t.Context(), id, []byte("small")); err != nil {
					t.Error(err)
				}
				waited[i] = true
			}()
		}
		synctest.Wait()
		if waited != [2]bool{} {
			t.Error("did not wait")
		}
		close(on)
		synctest.Wait()
		if waited != [2]bool{true, true} || content(t, d) != "new" {
			t.Errorf("waited %v: %q", waited, content(t, d))
		}
	})
}
