// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

// Cut implements chat.CutTx. The running count of what is left goes on from the count of what was cut.
func (t *tx) Cut(r *chat.Room, before chat.Time, most int) (int, error) {
	s, err := t.numbered(r.Num)
	if err != nil {
		return 0, err
	}
	first := pos(s.Num, s.FirstSeq)
	var last, count int64
	found, err := t.c.one(func(r row) { last, count = r.int(0), r.int(1) },
		`SELECT pos, count FROM log WHERE pos BETWEEN ? AND ? AND at < ? ORDER BY pos DESC LIMIT 1`,
		first, pos(s.Num, s.FirstSeq+uint64(most)-1), int64(before))
	if err != nil {
		return 0, t.fail("find the beginning of a log", err)
	}
	if !found {
		return 0, nil
	}
	for _, statement := range cutting {
		if err := t.exec("cut a log", statement, first, last); err != nil {
			return 0, err
		}
	}
	n := int(last - first + 1)
	s.FirstSeq, s.cut = s.FirstSeq+uint64(n), uint64(count)
	r.FirstSeq = s.FirstSeq // when the caller works on a copy
	return n, t.exec("move the beginning of a log", `UPDATE rooms SET first_seq = ?, cut_count = ? WHERE num = ?`,
		int64(s.FirstSeq), int64(s.cut), s.Num)
}

// cutting removes a part of a log, and what belongs to its messages. Reports that are open stay until they are closed: nobody gets
// rid of one by having the log cut. Those closed since go with the next part.
var cutting = [...]string{
	`DELETE FROM log WHERE pos BETWEEN ? AND ?`,
	`DELETE FROM message_versions WHERE pos BETWEEN ? AND ?`,
	`DELETE FROM reactions WHERE pos BETWEEN ? AND ?`,
	`DELETE FROM reaction_counts WHERE pos BETWEEN ? AND ?`,
	`DELETE FROM threads WHERE pos BETWEEN ? AND ?`,
	`DELETE FROM pins WHERE pos BETWEEN ? AND ?`,
	fmt.Sprintf(`DELETE FROM reports WHERE pos BETWEEN (?1 >> %d) << %d AND ?2 AND status <> 'open'`, seqBits, seqBits),
}

// PutCleanup implements chat.CutTx.
func (t *tx) PutCleanup(c *chat.Cleanup) error {
	t.writes++
	num, err := t.c.insert(`INSERT INTO cleanups (room, before) VALUES (?, ?)`, c.Room, int64(c.Before))
	c.Num = num
	return t.fail("order a cleanup", err)
}

// RemoveCleanup implements chat.CutTx.
func (t *tx) RemoveCleanup(num int64) error {
	return t.exec("finish a cleanup", `DELETE FROM cleanups WHERE num = ?`, num)
}

// Cleanups implements chat.CutReader.
func (s *SQLite) Cleanups(ctx context.Context) ([]chat.Cleanup, error) {
	var found []chat.Cleanup
	err := s.read.rows(ctx, nil, &s.read.governing.cleanups, 3, func(r row) error {
		found = append(found, chat.Cleanup{Num: r.int(0), Room: r.int(1), Before: chat.Time(r.int(2))})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("store: list cleanups: %w", err)
	}
	return found, nil
}

// OldRooms implements chat.CutReader.
func (s *SQLite) OldRooms(ctx context.Context, q chat.OldQuery) ([]chat.OldRoom, error) {
	text := &s.read.governing.oldRooms
	if q.Before == 0 {
		text = &s.read.governing.expiredRooms
	}
	var found []chat.OldRoom
	err := s.read.rows(ctx, nil, text, 3, func(r row) error {
		found = append(found, chat.OldRoom{Num: r.int(0), ID: chat.RoomID(r.text(1)), Before: chat.Time(r.int(2))})
		return nil
	}, q.After, q.Room, int64(q.Before), int64(q.Now), unlimited(q.Limit))
	if err != nil {
		return nil, fmt.Errorf("store: find old logs: %w", err)
	}
	return found, nil
}

// OldMessages implements chat.CutReader.
func (s *SQLite) OldMessages(ctx context.Context, room int64, before chat.Time) (uint64, error) {
	n, err := s.oldMessages(ctx, room, before)
	if err != nil {
		return 0, fmt.Errorf("store: count old messages: %w", err)
	}
	return n, nil
}

func (s *SQLite) oldMessages(ctx context.Context, room int64, before chat.Time) (uint64, error) {
	var cut uint64
	err := s.read.rows(ctx, nil, &s.read.governing.cutCount, 1, func(r row) error {
		cut = r.uint(0)
		return nil
	}, room)
	if err != nil {
		return 0, err
	}
	first, err := s.read.seqAt(ctx, room, before)
	if err != nil {
		return 0, err
	}
	n, err := s.read.countAt(ctx, nil, room, first-1)
	return max(n, cut) - cut, err // what was cut meanwhile is none of it
}
