// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"parley/internal/chat"
)

// statsQuery counts everything in one statement, so as of one commit.
const statsQuery = `SELECT
	(SELECT count(*) FROM users WHERE deleted = 0),
	(SELECT count(*) FROM users WHERE role = 'administrator' AND deleted = 0),
	(SELECT count(*) FROM presence p CROSS JOIN users u ON u.id = p.user_id WHERE p.last_seen >= ?1 AND u.deleted = 0),
	r.public, r.private, r.direct, r.messages,
	(SELECT count(*) FROM sessions WHERE disconnected_at IS NOT NULL AND (expires_at IS NULL OR expires_at > ?2)),
	(SELECT count(*) FROM files WHERE state = 1), (SELECT coalesce(sum(size), 0) FROM files WHERE state = 1)
	FROM (SELECT coalesce(sum(kind = 1), 0) AS public, coalesce(sum(kind = 2), 0) AS private, coalesce(sum(kind = 3), 0) AS direct,
		coalesce(sum(count - cut_count), 0) AS messages FROM rooms WHERE deleted = 0) r`

// Counts implements chat.StatsReader.
func (s *SQLite) Counts(ctx context.Context, seenSince, now chat.Time) (c chat.Counts, err error) {
	err = s.read.rows(ctx, nil, &s.read.stats, 10, func(r row) error {
		c = chat.Counts{Accounts: r.int(0), Administrators: r.int(1), Active: r.int(2), PublicRooms: r.int(3), PrivateRooms: r.int(4),
			DirectRooms: r.int(5), Messages: r.int(6), AwaySessions: r.int(7), Files: r.int(8), FileBytes: r.int(9)}
		return nil
	}, int64(seenSince), int64(now))
	if err != nil {
		return c, fmt.Errorf("store: count what is stored: %w", err)
	}
	c.DatabaseBytes = s.onDisk(databaseName)
	c.IndexBytes = s.onDisk(indexName)
	return c, nil
}

// onDisk is what a database takes with its write-ahead log. Either file may be missing at any moment.
func (s *SQLite) onDisk(name string) (n int64) {
	for _, suffix := range []string{"", "-wal"} {
		if f, err := os.Stat(filepath.Join(s.dir, name+suffix)); err == nil {
			n += f.Size()
		}
	}
	return n
}
