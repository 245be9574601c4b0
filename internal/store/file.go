// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

const (
	fileColumns = `f.id, f.owner, f.name, f.type, f.size, f.width, f.height, f.thumbnail, f.state, f.at`
	fileWidth   = 10
	fileQuery   = `SELECT ` + fileColumns + ` FROM files f WHERE f.id = ?`
	// shared finds shares whose messages are there: a log may be cut, a room may have ended.
	shared = ` FROM file_shares s CROSS JOIN log l ON l.pos = s.pos AND l.flags & 4 = 0 CROSS JOIN rooms r ON r.num = s.pos >> 36 AND r.deleted = 0`

	fileSharesQuery = `SELECT max(s.pos), ` + roomColumns + `, ` + memberColumns + shared + `
		CROSS JOIN members m ON m.room = r.num AND m.user_id = ?2 WHERE s.file = ?1 GROUP BY r.num ORDER BY r.num`
	looseFilesQuery = `SELECT f.id FROM files f WHERE f.at <= ? AND NOT EXISTS (SELECT 1` + shared + ` WHERE s.file = f.id) LIMIT ?`
)

// readFile reads fileColumns.
func readFile(r row) *chat.FileMeta {
	f := &chat.FileMeta{Owner: chat.UserID(r.text(1)), Name: r.text(2), Type: r.text(3), Size: r.int(4), Width: int(r.int(5)),
		Height: int(r.int(6)), Thumbnail: r.bool(7), State: chat.FileState(r.int(8)), At: chat.Time(r.int(9))}
	copy(f.ID[:], r.blob(0))
	return f
}

// File implements chat.FileTx.
func (t *tx) File(id chat.ID) (found *chat.FileMeta, err error) {
	_, err = t.c.one(func(r row) { found = readFile(r) }, fileQuery, id[:])
	return found, t.fail("read a file", err)
}

// CreateFile implements chat.FileTx.
func (t *tx) CreateFile(f *chat.FileMeta) error {
	return t.exec("create a file", `INSERT INTO files (id, owner, name, type, size, width, height, thumbnail, state, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.ID[:], string(f.Owner), f.Name, f.Type, f.Size, int64(f.Width), int64(f.Height), flag(f.Thumbnail), int64(f.State), int64(f.At))
}

// UpdateFile implements chat.FileTx.
func (t *tx) UpdateFile(f *chat.FileMeta) error {
	return t.exec("change a file", `UPDATE files SET type = ?, size = ?, width = ?, height = ?, thumbnail = ?, state = ?, at = ? WHERE id = ?`,
		f.Type, f.Size, int64(f.Width), int64(f.Height), flag(f.Thumbnail), int64(f.State), int64(f.At), f.ID[:])
}

// RemoveFile implements chat.FileTx.
func (t *tx) RemoveFile(id chat.ID) error {
	if err := t.exec("remove a file", `DELETE FROM file_shares WHERE file = ?`, id[:]); err != nil {
		return err
	}
	return t.exec("remove a file", `DELETE FROM files WHERE id = ?`, id[:])
}

// FileBytes implements chat.FileTx.
func (t *tx) FileBytes(owner chat.UserID) (sum int64, err error) {
	_, err = t.c.one(func(r row) { sum = r.int(0) }, `SELECT coalesce(sum(size), 0) FROM files WHERE owner = ?`, string(owner))
	return sum, t.fail("sum up a user's files", err)
}

// ShareFile implements chat.FileTx.
func (t *tx) ShareFile(id chat.ID, r *chat.Room, seq uint64) error {
	return t.exec("share a file", `INSERT INTO file_shares (file, pos) VALUES (?, ?)`, id[:], pos(r.Num, seq))
}

// FileShared implements chat.FileTx.
func (t *tx) FileShared(id chat.ID) (bool, error) {
	found, err := t.c.one(func(row) {}, `SELECT 1`+shared+` WHERE s.file = ? LIMIT 1`, id[:])
	return found, t.fail("find the messages of a file", err)
}

// ReadFile implements chat.FileReader.
func (s *SQLite) ReadFile(ctx context.Context, id chat.ID) (found *chat.FileMeta, err error) {
	err = s.read.rows(ctx, nil, &s.read.file, fileWidth, func(r row) error {
		found = readFile(r)
		return nil
	}, id[:])
	if err != nil {
		return nil, fmt.Errorf("store: read a file: %w", err)
	}
	return found, nil
}

// FileShares implements chat.FileReader.
func (s *SQLite) FileShares(ctx context.Context, id chat.ID, u chat.UserID) (found []chat.FileShare, err error) {
	err = s.read.rows(ctx, nil, &s.read.fileShares, 1+roomWidth+memberWidth, func(r row) error {
		found = append(found, chat.FileShare{Seq: uint64(r.int(0) & maxSeq), Room: readRoom(r[1:]).Room, Member: readMember(r[1+roomWidth:])})
		return nil
	}, id[:], string(u))
	if err != nil {
		return nil, fmt.Errorf("store: find the messages of a file: %w", err)
	}
	return found, nil
}

// LooseFiles implements chat.FileReader.
func (s *SQLite) LooseFiles(ctx context.Context, before chat.Time, limit int) (found []chat.ID, err error) {
	err = s.read.rows(ctx, nil, &s.read.looseFiles, 1, func(r row) error {
		var id chat.ID
		copy(id[:], r.blob(0))
		found = append(found, id)
		return nil
	}, int64(before), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list loose files: %w", err)
	}
	return found, nil
}
