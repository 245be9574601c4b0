// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"modernc.org/sqlite"
)

// reader is the pool of connections that only read, with their statements.
type reader struct {
	db *sql.DB

	file, fileShares, looseFiles query

	room, publicRooms                          query
	member, roomMembers, roomsOf, ban          query
	user, users                                query
	blocks, blocked                            query
	message                                    query
	about                                      aboutMessages
	logUp, logDown, messagesUp, messagesDown   query
	count, bisect                              query
	session, packets, expired, owned, placesOf query
	governing                                  governing
	present                                    present
	tokens                                     tokens
	push                                       pushQueries
	following                                  following
	stats                                      query
}

// query is a statement that is prepared at its first use; database/sql repeats that for each connection.
type query struct {
	text string
	stmt atomic.Pointer[sql.Stmt]
}

const (
	logQuery = `SELECT ` + eventColumns + ` FROM log l LEFT JOIN users u ON u.id = l.actor
		WHERE l.pos BETWEEN ? AND ?`
	onlyMessages = ` AND l.kind IN ('text', 'image', 'file', 'system')`
	sessionQuery = `SELECT ` + sessionColumns + ` FROM sessions s WHERE `
)

// openReader opens the pool. conns bounds its connections; each holds half a MiB of pages at most.
func openReader(dsn string, conns int) (*reader, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	r := &reader{db: sql.OpenDB(connector)}
	r.db.SetMaxOpenConns(conns)
	r.db.SetMaxIdleConns(conns)
	r.db.SetConnMaxIdleTime(10 * time.Minute)

	r.file.text, r.fileShares.text, r.looseFiles.text = fileQuery, fileSharesQuery, looseFilesQuery
	r.room.text = `SELECT ` + roomColumns + ` FROM rooms r WHERE r.id = ?`
	r.publicRooms.text = `SELECT ` + roomColumns + ` FROM rooms r
		WHERE r.kind = 1 AND r.deleted = 0 AND r.id > ? AND instr(r.folded, ?) > 0 ORDER BY r.id LIMIT ?`
	r.member.text = `SELECT ` + memberColumns + ` FROM members m WHERE m.room = ? AND m.user_id = ?`
	r.ban.text = banQuery
	r.roomMembers.text = `SELECT ` + memberColumns + `, coalesce(u.display_name, '') FROM members m LEFT JOIN users u ON u.id = m.user_id
		WHERE m.room = ? AND m.user_id > ? ORDER BY m.user_id LIMIT ?`
	// CROSS JOIN keeps the order of the tables: a user's memberships first, never all rooms.
	r.roomsOf.text = `SELECT ` + roomColumns + `, ` + memberColumns + ` FROM members m CROSS JOIN rooms r ON r.num = m.room
		WHERE m.user_id = ? AND r.deleted = 0 ORDER BY r.id`
	r.user.text = `SELECT ` + userColumns + ` FROM users u WHERE u.id = ?`
	r.users.text = `SELECT ` + userColumns + ` FROM users u
		WHERE u.deleted = 0 AND u.id > ? AND instr(u.folded, ?) > 0 ORDER BY u.id LIMIT ?`
	r.blocks.text = blocksQuery
	r.blocked.text = `SELECT 1 FROM blocks WHERE by_user = ? AND other = ?`
	r.message.text = `SELECT ` + eventColumns + `, r.id, r.kind FROM log l JOIN rooms r ON r.num = l.pos >> 36
		LEFT JOIN users u ON u.id = l.actor WHERE l.message_id = ?`
	r.about.init()
	r.logUp.text = logQuery + ` ORDER BY l.pos LIMIT ?`
	r.logDown.text = logQuery + ` ORDER BY l.pos DESC LIMIT ?`
	r.messagesUp.text = logQuery + onlyMessages + ` ORDER BY l.pos LIMIT ?`
	r.messagesDown.text = logQuery + onlyMessages + ` ORDER BY l.pos DESC LIMIT ?`
	r.count.text = `SELECT coalesce(
			(SELECT l.count FROM log l WHERE l.pos BETWEEN ?1 << 36 AND ?2 ORDER BY l.pos DESC LIMIT 1),
			(SELECT r.cut_count FROM rooms r WHERE r.num = ?1), 0)`
	// lo is the lowest seq that may be the answer, hi the first that is surely not older. A step halves what is between.
	r.bisect.text = `WITH RECURSIVE span (lo, hi) AS (
			SELECT first_seq, last_seq + 1 FROM rooms WHERE num = ?1
			UNION ALL
			SELECT iif(l.at < ?2, (lo + hi) / 2 + 1, lo), iif(l.at < ?2, hi, (lo + hi) / 2)
			FROM span CROSS JOIN log l ON l.pos = (?1 << 36) + (lo + hi) / 2 WHERE lo < hi)
		SELECT lo FROM span WHERE lo >= hi`
	r.session.text = sessionQuery + `s.owner = ? AND s.client_id = ? AND (s.expires_at IS NULL OR s.expires_at > ?)`
	r.packets.text = `SELECT packet_id FROM packets WHERE session = ? ORDER BY packet_id`
	r.expired.text = sessionQuery + `s.expires_at <= ? ORDER BY s.expires_at LIMIT ?`
	r.owned.text = sessionQuery + `s.owner = ? ORDER BY s.disconnected_at IS NULL, s.disconnected_at, s.id`
	r.placesOf.text = `SELECT room, seq FROM places WHERE session = ?`
	r.governing.prepare()
	r.present.prepare()
	r.tokens.prepare()
	r.push.prepare()
	r.following.prepare()
	r.stats.text = statsQuery
	return r, nil
}

// snapshot begins a transaction in which everything is read as of one commit, by the given statements alone. They are
// prepared before it: who holds a connection must not wait for another, or all of them may be held by who waits. Roll it
// back when done.
func (r *reader) snapshot(ctx context.Context, uses ...*query) (*sql.Tx, error) {
	for _, q := range uses {
		if _, err := r.prepared(ctx, q); err != nil {
			return nil, err
		}
	}
	return r.db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
}

// prepared returns q's statement. The caller holds no connection.
func (r *reader) prepared(ctx context.Context, q *query) (*sql.Stmt, error) {
	if s := q.stmt.Load(); s != nil {
		return s, nil
	}
	s, err := r.db.PrepareContext(ctx, q.text) // ctx is for the preparing alone
	if err != nil {
		return nil, err
	}
	if !q.stmt.CompareAndSwap(nil, s) {
		return q.stmt.Load(), s.Close()
	}
	return s, nil
}

// rows calls each for every row of q, in tx when it is not nil. A row is valid during the call only.
func (r *reader) rows(ctx context.Context, tx *sql.Tx, q *query, width int, each func(row) error, args ...any) error {
	var stmt *sql.Stmt
	if tx != nil {
		if stmt = q.stmt.Load(); stmt == nil {
			return fmt.Errorf("store: the snapshot was not made for this statement: %s", q.text)
		}
		stmt = tx.StmtContext(ctx, stmt) // closed with tx
	} else {
		var err error
		if stmt, err = r.prepared(ctx, q); err != nil {
			return err
		}
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	values, pointers := make(row, width), make([]any, width)
	for i := range values {
		pointers[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(pointers...); err != nil {
			return err
		}
		if err := each(values); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (r *reader) close() error { return r.db.Close() } // its statements with it

// unlimited is a LIMIT: 0 and less are none.
func unlimited(limit int) int64 {
	if limit <= 0 {
		return math.MaxInt64
	}
	return int64(limit)
}
