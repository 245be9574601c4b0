// SPDX-License-Identifier: Apache-2.0

// Package blob keeps the bytes of files in a directory.
//
// A blob is named by an id. Its bytes come in order, from one or more writers one after the other, into a partial file; who brings
// the last ones gives it its final name. So a name in the directory of finished blobs always has all its bytes, which are durable,
// and what was interrupted, by a lost connection or a crash, goes on from the length of the partial file: that is written to the
// disk before it is told to anybody.
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
)

// The failures that a caller tells apart.
var (
	ErrFull   = errors.New("blob: no space left")
	ErrBusy   = errors.New("blob: somebody else is writing it")
	ErrOffset = errors.New("blob: the bytes do not begin where the last ones ended")
	ErrWhole  = errors.New("blob: it is finished")
	ErrLarge  = errors.New("blob: more bytes than were announced")
	ErrNone   = errors.New("blob: there is none of this name")
)

// syncEvery is after how many bytes a partial file is written to the disk: what a crash of the machine may cost an upload.
const syncEvery = 4 << 20

// ID names a blob: it is that of the file (chat.ID).
type ID = [16]byte

// Dir is a directory of blobs. All methods are safe for concurrent use; one process owns the directory.
type Dir struct {
	root string

	mu   sync.Mutex
	busy map[ID]chan struct{} // being written or removed; closed when it is not any more
}

// Open opens a directory of blobs, and makes it where there is none.
func Open(root string) (*Dir, error) {
	for _, dir := range []string{root, filepath.Join(root, "partial"), filepath.Join(root, "whole")} {
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("blob: %w", err)
		}
	}
	return &Dir{root: root, busy: map[ID]chan struct{}{}}, errors.Join(syncDir(filepath.Dir(root)), syncDir(root))
}

func (d *Dir) partial(id ID) string { return filepath.Join(d.root, "partial", fmt.Sprintf("%x", id)) }

// whole spreads files over 256 directories by the last byte, which is random in a UUIDv7.
func (d *Dir) whole(id ID) string {
	return filepath.Join(d.root, "whole", fmt.Sprintf("%02x", id[15]), fmt.Sprintf("%x", id))
}

// attachedSuffix is the name of what belongs to a blob and has no id of its own: its thumbnail.
const attachedSuffix = ".thumbnail"

// rewrittenSuffix is the name of what is to take a blob's place, repeatedSuffix of what is compared with one.
const (
	rewrittenSuffix = ".rewritten"
	repeatedSuffix  = ".repeated"
)

func (d *Dir) take(id ID) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, ok := d.busy[id]; ok {
		return ErrBusy
	}
	d.busy[id] = make(chan struct{})
	return nil
}

// await takes a blob as soon as nobody else has it.
func (d *Dir) await(ctx context.Context, id ID) error {
	for d.take(id) != nil {
		d.mu.Lock()
		other, ok := d.busy[id]
		d.mu.Unlock()
		if !ok {
			continue
		}
		select {
		case <-other:
		case <-ctx.Done():
			return ErrBusy
		}
	}
	return nil
}

func (d *Dir) give(id ID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	close(d.busy[id])
	delete(d.busy, id)
}

// Size tells how many bytes of a blob are there, and whether it is finished. Of a blob that nobody has begun it is 0.
func (d *Dir) Size(id ID) (size int64, whole bool, err error) {
	for _, path := range [...]string{d.whole(id), d.partial(id)} {
		info, err := os.Stat(path)
		if err == nil {
			return info.Size(), path != d.partial(id), nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return 0, false, fmt.Errorf("blob: %w", err)
		}
	}
	return 0, false, nil
}

// Append appends what r gives to a partial blob, which has offset bytes, up to size bytes in all, and tells how many there are
// then. They are durable, also when reading ends with an error, which is returned as it is. With fresh the blob begins anew, and
// offset does not count; without it an offset that is not the blob's length is ErrOffset. More bytes than size are ErrLarge, and
// none of the blob is kept. With all bytes the blob is finished, and nobody writes to it any more: ErrWhole.
func (d *Dir) Append(id ID, offset, size int64, fresh bool, r io.Reader) (n int64, err error) {
	if err := d.take(id); err != nil {
		return 0, err
	}
	defer d.give(id)
	have, whole, err := d.Size(id)
	switch {
	case err != nil:
		return 0, err
	case whole:
		return have, ErrWhole
	case fresh:
		if err := os.Remove(d.partial(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return have, named(err)
		}
		have = 0
	case offset != have:
		return have, ErrOffset
	}
	f, err := os.OpenFile(d.partial(id), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return have, named(err)
	}
	defer f.Close()
	var failure error
	for failure == nil && have < size {
		var k int64
		var broken error
		k, failure, broken = copyChunk(f, io.LimitReader(r, min(syncEvery, size-have)))
		if err := errors.Join(broken, f.Sync()); err != nil {
			// Nobody knows what of the last bytes is there.
			return have, named(errors.Join(err, f.Truncate(have)))
		}
		have += k
		if k == 0 && failure == nil {
			failure = io.ErrUnexpectedEOF
		}
	}
	if failure != nil {
		return have, failure
	}
	if k, err := io.ReadFull(r, make([]byte, 1)); k > 0 {
		return 0, errors.Join(ErrLarge, os.Remove(d.partial(id)))
	} else if err != nil && !errors.Is(err, io.EOF) {
		return have, err
	}
	return have, errors.Join(f.Close(), d.moveIn(d.partial(id), d.whole(id))) // Windows renames nothing that is open
}

// copyChunk tells failures of the reader from those of the file.
func copyChunk(f *os.File, r io.Reader) (n int64, reading, writing error) {
	buf := make([]byte, 64<<10)
	for {
		k, err := r.Read(buf)
		if k > 0 {
			if _, err := f.Write(buf[:k]); err != nil {
				return n, nil, err
			}
			n += int64(k)
		}
		if errors.Is(err, io.EOF) {
			return n, nil, nil
		}
		if err != nil {
			return n, err, nil
		}
	}
}

// Finish makes sure that a blob whose bytes are all there is finished: a crash may have come in between. When it returns without an
// error, bytes and name are durable. It waits for whoever writes the blob, as Rewrite and Attach do; ErrBusy: until ctx ended.
func (d *Dir) Finish(ctx context.Context, id ID, size int64) error {
	if err := d.await(ctx, id); err != nil {
		return err
	}
	defer d.give(id)
	have, whole, err := d.Size(id)
	switch {
	case err != nil:
		return err
	case whole: // and it may have been a crash that kept the name from the disk, or Rewrite that made it shorter
		return named(syncDir(filepath.Dir(d.whole(id))))
	case have != size:
		return fmt.Errorf("blob: %d of %d bytes are there: %w", have, size, ErrOffset)
	}
	if err := syncFile(d.partial(id)); err != nil {
		return named(err)
	}
	return d.moveIn(d.partial(id), d.whole(id))
}

// moveIn renames a file that is on the disk into the finished ones.
func (d *Dir) moveIn(from, to string) error {
	dir := filepath.Dir(to)
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return named(err)
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return named(err)
	}
	if err := os.Rename(from, to); err != nil {
		return named(err)
	}
	return named(syncDir(dir))
}

// A Rewriter makes other bytes of a blob's, or tells by false that they stay as they are.
type Rewriter func(dst io.Writer, src io.ReadSeeker) (bool, error)

// Rewrite puts other bytes in the place of a finished blob's, durably and at once: whoever opens it, also after a crash, finds the
// former or the new ones. Where write returns false or fails the blob stays as it is. Rewrite
// tells the blob's size then.
func (d *Dir) Rewrite(ctx context.Context, id ID, write Rewriter) (size int64, err error) {
	if err := d.await(ctx, id); err != nil {
		return 0, err
	}
	defer d.give(id)
	src, err := open(d.whole(id))
	if err != nil {
		return 0, err
	}
	defer src.Close()
	fresh := d.partial(id) + rewrittenSuffix
	dst, err := os.OpenFile(fresh, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, named(err)
	}
	changed, failure := write(dst, src)
	if failure == nil && changed {
		failure = dst.Sync()
	}
	failure = errors.Join(failure, dst.Close())
	if failure == nil && changed {
		err = errors.Join(src.Close(), d.moveIn(fresh, d.whole(id))) // Windows renames nothing that is open
	} else {
		err = named(os.Remove(fresh))
	}
	if failure != nil {
		return 0, errors.Join(named(failure), err)
	}
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(d.whole(id))
	if err != nil {
		return 0, named(err)
	}
	return info.Size(), nil
}

// Attach stores the thumbnail of a blob, durably, in place of one that is there.
func (d *Dir) Attach(ctx context.Context, id ID, data []byte) error {
	if err := d.await(ctx, id); err != nil {
		return err
	}
	defer d.give(id)
	partial := d.partial(id) + attachedSuffix
	err := os.WriteFile(partial, data, 0o600)
	if err == nil {
		err = syncFile(partial)
	}
	if err != nil {
		return named(errors.Join(err, os.Remove(partial)))
	}
	return d.moveIn(partial, d.whole(id)+attachedSuffix)
}

// Open opens a finished blob. The caller closes it.
func (d *Dir) Open(id ID) (*os.File, error) { return open(d.whole(id)) }

// OpenAttached opens what was attached to a blob.
func (d *Dir) OpenAttached(id ID) (*os.File, error) { return open(d.whole(id) + attachedSuffix) }

func open(path string) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	return f, named(err)
}

// Remove removes all of a blob: what is finished, partial and attached. What is not there is removed already.
func (d *Dir) Remove(id ID) error {
	if err := d.take(id); err != nil {
		return err
	}
	defer d.give(id)
	var errs []error
	for _, path := range [...]string{d.whole(id) + attachedSuffix, d.partial(id) + attachedSuffix, d.partial(id) + rewrittenSuffix, d.partial(id) + repeatedSuffix, d.whole(id), d.partial(id)} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return named(errors.Join(errs...))
}

// diskFull is what Windows says (ERROR_DISK_FULL).
const diskFull = syscall.Errno(112)

// named makes ErrFull of the system's words for it.
func named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT), runtime.GOOS == "windows" && errors.Is(err, diskFull):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return fmt.Errorf("blob: %w", err)
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncDir makes the names in a directory durable. Windows cannot, and does not need it.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
