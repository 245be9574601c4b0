// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

const blocksQuery = `SELECT other FROM blocks WHERE by_user = ? ORDER BY other`

// blocksOf is whom a user has blocked. Most users have blocked nobody: an empty set is remembered as nil.
func (t *tx) blocksOf(by chat.UserID) (map[chat.UserID]bool, error) {
	if set, ok := t.blocks[by]; ok {
		return set, nil
	}
	var set map[chat.UserID]bool
	err := t.c.query(func(r row) error {
		if set == nil {
			set = make(map[chat.UserID]bool)
		}
		set[chat.UserID(r.text(0))] = true
		return nil
	}, blocksQuery, string(by))
	if err != nil {
		return nil, t.fail("read whom a user has blocked", err)
	}
	t.blocks[by] = set
	return set, nil
}

// Blocked implements chat.PeopleTx.
func (t *tx) Blocked(by, other chat.UserID) (bool, error) {
	set, err := t.blocksOf(by)
	return set[other], err
}

// CountBlocks implements chat.PeopleTx.
func (t *tx) CountBlocks(by chat.UserID) (int, error) {
	set, err := t.blocksOf(by)
	return len(set), err
}

// PutBlock implements chat.PeopleTx.
func (t *tx) PutBlock(by, other chat.UserID) error {
	delete(t.blocks, by)
	return t.exec("block a user", `INSERT INTO blocks (by_user, other, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		string(by), string(other), int64(t.now))
}

// RemoveBlock implements chat.PeopleTx.
func (t *tx) RemoveBlock(by, other chat.UserID) error {
	delete(t.blocks, by)
	return t.exec("unblock a user", `DELETE FROM blocks WHERE by_user = ? AND other = ?`, string(by), string(other))
}

// ForgetBlocks implements chat.PeopleTx.
func (t *tx) ForgetBlocks(u chat.UserID) error {
	clear(t.blocks)
	return t.exec("forget a user's blocks", `DELETE FROM blocks WHERE by_user = ?1 OR other = ?1`, string(u))
}

// RoomsOfUser implements chat.PeopleTx.
func (t *tx) RoomsOfUser(u chat.UserID) ([]chat.RoomID, error) {
	var ids []chat.RoomID
	err := t.c.query(func(r row) error {
		ids = append(ids, chat.RoomID(r.text(0)))
		return nil
	}, `SELECT r.id FROM members m CROSS JOIN rooms r ON r.num = m.room WHERE m.user_id = ? ORDER BY r.id`, string(u))
	return ids, t.fail("list the rooms of a user", err)
}

// Blocks implements chat.PeopleReader.
func (s *SQLite) Blocks(ctx context.Context, by chat.UserID) ([]chat.UserID, error) {
	var ids []chat.UserID
	err := s.read.rows(ctx, nil, &s.read.blocks, 1, func(r row) error {
		ids = append(ids, chat.UserID(r.text(0)))
		return nil
	}, string(by))
	if err != nil {
		return nil, fmt.Errorf("store: read whom a user has blocked: %w", err)
	}
	return ids, nil
}

// ReadBlocked implements chat.PeopleReader.
func (s *SQLite) ReadBlocked(ctx context.Context, by, other chat.UserID) (found bool, err error) {
	err = s.read.rows(ctx, nil, &s.read.blocked, 1, func(row) error {
		found = true
		return nil
	}, string(by), string(other))
	if err != nil {
		return false, fmt.Errorf("store: read whether a user has blocked another: %w", err)
	}
	return found, nil
}
