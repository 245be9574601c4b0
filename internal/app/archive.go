// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"parley/internal/archive"
	"parley/internal/blob"
	"parley/internal/chat"
	"parley/internal/store"
)

// chunk is how much of a file a line of an archive has, in bytes.
const chunk = 48 << 10

// Exporting says what is exported.
type Exporting struct {
	Version   string      // of the program
	Passwords bool        // accounts with the hashes of their passwords
	User      chat.UserID // only what is of this account; empty: the whole server
	// Progress hears of what was written. It is called after every record and has to be quick.
	Progress func(count func(kind string) int)
}

// Moved tells what Export or Import has done.
type Moved struct {
	Users, Rooms, Events, Files int
	// Gone is how many files had no bytes any more and were left out.
	Gone  int
	Epoch int64 // of the data: its new one after Import
}

// Export writes an archive of a server, which may run. It works on a copy of the database as of one moment, which is made in the
// data directory and removed in the end.
func Export(ctx context.Context, dir string, w io.Writer, o Exporting, log *slog.Logger) (m Moved, err error) {
	ops, err := Connect(ctx, dir, false, log)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, ops.Close()) }()
	dir, err = filepath.Abs(dir)
	if err != nil {
		return m, err
	}
	aside, err := os.MkdirTemp(dir, "export-*")
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(aside)) }()
	snapshot := filepath.Join(aside, "snapshot.db")
	if err := ops.Backup(ctx, snapshot); err != nil {
		return m, err
	}
	if m.Epoch, err = store.EpochOf(ctx, snapshot); err != nil {
		return m, err
	}
	var blobs *blob.Dir
	if _, err := os.Stat(filepath.Join(dir, filesDir)); err == nil {
		if blobs, err = blob.Open(filepath.Join(dir, filesDir)); err != nil {
			return m, err
		}
	}
	out, err := archive.NewWriter(w, archive.Header{Version: o.Version, Epoch: m.Epoch, At: archive.Moment(chat.TimeOf(time.Now())), Passwords: o.Passwords && o.User == "", User: o.User})
	if err != nil {
		return m, err
	}
	emit := func(r archive.Record) error {
		if err := out.Write(r); err != nil {
			return err
		}
		if o.Progress != nil {
			o.Progress(out.Count)
		}
		return nil
	}
	err = store.Export(ctx, snapshot, store.ExportOptions{Passwords: o.Passwords && o.User == "", User: o.User,
		File: func(id chat.ID, size int64, thumbnail bool, record func(int64) error) (bool, error) {
			ok, err := exportFile(blobs, id, size, thumbnail, record, emit)
			if !ok && err == nil {
				m.Gone++
			}
			return ok, err
		}}, emit)
	if err == nil {
		err = out.Close()
	}
	m.count(out.Count)
	return m, err
}

func (m *Moved) count(of func(string) int) {
	m.Users, m.Rooms, m.Events, m.Files = of("user"), of("room"), of("event"), of("file")
}

// exportFile writes a file with its bytes. ok is false where they are gone: it was collected after the snapshot, or never kept.
func exportFile(blobs *blob.Dir, id chat.ID, size int64, thumbnail bool, record func(int64) error, emit func(archive.Record) error) (ok bool, err error) {
	if blobs == nil {
		return false, nil
	}
	whole, err := blobs.Open(id)
	if errors.Is(err, blob.ErrNone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer whole.Close()
	info, err := whole.Stat()
	if err != nil {
		return false, err
	}
	if info.Size() != size {
		return false, fmt.Errorf("the file %s has %d bytes on the disk instead of %d", id, info.Size(), size)
	}
	var small *os.File
	var smallSize int64
	if thumbnail {
		small, err = blobs.OpenAttached(id)
		if err == nil {
			defer small.Close()
			info, err = small.Stat()
		}
		if errors.Is(err, blob.ErrNone) {
			small, err = nil, nil
		}
		if err != nil {
			return false, err
		}
		if small != nil {
			smallSize = info.Size()
		}
	}
	if err := record(smallSize); err != nil {
		return false, err
	}
	if err := exportBytes(whole, id, false, emit); err != nil || small == nil {
		return true, err
	}
	return true, exportBytes(small, id, true, emit)
}

func exportBytes(r io.Reader, id chat.ID, thumbnail bool, emit func(archive.Record) error) error {
	buf := make([]byte, chunk)
	for {
		n, err := io.ReadFull(r, buf)
		if n > 0 {
			if err := emit(&archive.Bytes{ID: id.String(), Thumbnail: thumbnail, Data: buf[:n]}); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
	}
}

// Import makes a server's data of an archive, in a directory that is empty or does not exist. When it fails nothing is left.
// progress may be nil; see Exporting.
func Import(ctx context.Context, dir string, in io.Reader, progress func(count func(kind string) int)) (m Moved, err error) {
	r, err := archive.NewReader(in)
	if err != nil {
		return m, err
	}
	if u := r.Header().User; u != "" {
		return m, fmt.Errorf("this is the account %q alone, for a person to keep; only a whole server can be imported", u)
	}
	l, err := store.NewLoader(ctx, dir, time.Now())
	if errors.Is(err, store.ErrNotEmpty) {
		return m, fmt.Errorf("data: %w", err)
	}
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	files := &fileImport{reader: r, dir: filepath.Join(l.Dir(), filesDir)}
	for {
		record, err := files.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = l.Put(record)
		}
		if f, ok := record.(*archive.File); ok && err == nil {
			err = files.keep(ctx, f)
		}
		if err != nil {
			return m, err
		}
		if progress != nil {
			progress(r.Count)
		}
	}
	m.count(r.Count)
	m.Epoch, err = l.Finish(r.Header().Epoch)
	return m, err
}

// fileImport reads an archive with the bytes of files apart.
type fileImport struct {
	reader *archive.Reader
	dir    string
	blobs  *blob.Dir
}

func (i *fileImport) next() (archive.Record, error) {
	r, err := i.reader.Next()
	if b, ok := r.(*archive.Bytes); ok {
		return nil, fmt.Errorf("the file %s has more bytes than its size, or comes without its record", b.ID)
	}
	return r, err
}

// keep takes a file's bytes, which are the next lines.
func (i *fileImport) keep(ctx context.Context, f *archive.File) error {
	id, ok := chat.ParseID(f.ID)
	if !ok || f.Size < 0 || f.Thumbnail < 0 || f.Thumbnail > 8<<20 {
		return fmt.Errorf("the file %q cannot be one", f.ID)
	}
	if i.blobs == nil {
		var err error
		if i.blobs, err = blob.Open(i.dir); err != nil {
			return err
		}
	}
	_, err := i.blobs.Append(id, 0, f.Size, true, &bytesOf{i: i, id: f.ID, left: f.Size})
	if err == nil && f.Thumbnail > 0 {
		var small []byte
		if small, err = io.ReadAll(&bytesOf{i: i, id: f.ID, thumbnail: true, left: f.Thumbnail}); err == nil {
			err = i.blobs.Attach(ctx, id, small)
		}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errors.New("some of its bytes are missing")
	}
	if err != nil {
		return fmt.Errorf("the file %s: %w", f.ID, err)
	}
	return nil
}

// bytesOf reads the lines with bytes of one file.
type bytesOf struct {
	i         *fileImport
	id        string
	thumbnail bool
	left      int64
	have      []byte
}

func (b *bytesOf) Read(p []byte) (int, error) {
	for len(b.have) == 0 {
		if b.left == 0 {
			return 0, io.EOF
		}
		r, err := b.i.reader.Next()
		if err != nil {
			return 0, err
		}
		part, ok := r.(*archive.Bytes)
		if !ok || part.ID != b.id || part.Thumbnail != b.thumbnail {
			return 0, io.ErrUnexpectedEOF
		}
		if int64(len(part.Data)) > b.left {
			return 0, errors.New("it has more bytes than its size")
		}
		b.left -= int64(len(part.Data))
		b.have = part.Data
	}
	n := copy(p, b.have)
	b.have = b.have[n:]
	return n, nil
}

// ExportTo writes an archive to a file that must not exist. It has its name once it is whole and durable.
func ExportTo(ctx context.Context, dir, path string, o Exporting, log *slog.Logger) (m Moved, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = fmt.Errorf("%s: %w; choose another name", path, fs.ErrExist)
		}
		return m, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial") // mode 0600
	if err != nil {
		return m, err
	}
	m, err = Export(ctx, dir, f, o, log)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		// A link fails where somebody was faster; a rename is for file systems that have no links.
		if err = os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
			return m, os.Rename(f.Name(), path)
		}
	}
	return m, errors.Join(err, os.Remove(f.Name()))
}
