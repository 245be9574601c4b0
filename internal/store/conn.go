// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
)

// conn is the writer's connection, used by one goroutine. It speaks to the driver without database/sql between: the pool's
// locking and conversions cost as much as a short statement, and there is nothing to pool.
type conn struct {
	raw   driver.Conn
	stmts map[string]*stmt // by their text
}

// stmt is a prepared statement with its argument slots.
type stmt struct {
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
	close func() error
	args  []driver.NamedValue
	dest  []driver.Value
	row   row
}

func connect(ctx context.Context, dsn string) (*conn, error) {
	connector, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: make(map[string]*stmt)}, nil
}

// prepare returns the statement of that text, prepared at its first use.
func (c *conn) prepare(text string) (*stmt, error) {
	if s, ok := c.stmts[text]; ok {
		return s, nil
	}
	raw, err := c.raw.Prepare(text)
	if err != nil {
		return nil, err
	}
	exec, canExec := raw.(driver.StmtExecContext)
	query, canQuery := raw.(driver.StmtQueryContext)
	if !canExec || !canQuery {
		return nil, errors.Join(errors.New("the sqlite driver has no contexts"), raw.Close())
	}
	s := &stmt{exec: exec, query: query, close: raw.Close}
	c.stmts[text] = s
	return s, nil
}

// bind fills the slots: args are int64, string, []byte or nil, as the driver knows them.
func (s *stmt) bind(args []any) []driver.NamedValue {
	s.args = s.args[:0]
	for i, a := range args {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return s.args
}

// exec runs a statement without rows and tells how many it changed.
func (c *conn) exec(text string, args ...any) (int64, error) {
	return c.execContext(context.Background(), text, args...)
}

// execContext is exec that ends with the context.
func (c *conn) execContext(ctx context.Context, text string, args ...any) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	r, err := s.exec.ExecContext(ctx, s.bind(args))
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// insert runs an INSERT and tells the row's number.
func (c *conn) insert(text string, args ...any) (int64, error) {
	s, err := c.prepare(text)
	if err != nil {
		return 0, err
	}
	r, err := s.exec.ExecContext(context.Background(), s.bind(args))
	if err != nil {
		return 0, err
	}
	return r.LastInsertId()
}

// query calls each for every row; the row is valid during the call only.
func (c *conn) query(each func(row) error, text string, args ...any) (err error) {
	s, err := c.prepare(text)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(context.Background(), s.bind(args))
	if err != nil {
		return err
	}
	defer func() {
		if e := rows.Close(); err == nil {
			err = e
		}
	}()
	if s.dest == nil {
		n := len(rows.Columns())
		s.dest, s.row = make([]driver.Value, n), make(row, n)
	}
	for {
		switch err := rows.Next(s.dest); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		for i, v := range s.dest {
			s.row[i] = v
		}
		if err := each(s.row); err != nil {
			return err
		}
	}
}

// one calls each for the row, if there is one, and tells whether there was.
func (c *conn) one(each func(row), text string, args ...any) (found bool, err error) {
	err = c.query(func(r row) error {
		found = true
		each(r)
		return nil
	}, text, args...)
	return found, err
}

// pagesWritten tells how many pages went to the write-ahead log since it was asked last.
func (c *conn) pagesWritten() int {
	s, ok := c.raw.(sqlite.DBStatus)
	if !ok {
		return 0
	}
	n, _, err := s.Status(sqlite.DBStatusCacheWrite, true)
	if err != nil {
		return 0
	}
	return n
}

// checkpoint copies what it can of the write-ahead log into the database without waiting for anybody.
func (c *conn) checkpoint() error {
	return c.query(func(row) error { return nil }, "PRAGMA wal_checkpoint(PASSIVE)")
}

// Close closes the connection with its statements.
func (c *conn) Close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

// row is one row as the driver gives it: int64, string, []byte or nil in each column.
type row []any

func (r row) int(i int) int64 {
	n, ok := r[i].(int64)
	if !ok && r[i] != nil {
		panic(fmt.Sprintf("store: column %d is %T, not an integer", i, r[i])) // STRICT tables keep it from happening
	}
	return n
}

func (r row) uint(i int) uint64 { return uint64(r.int(i)) }
func (r row) bool(i int) bool   { return r.int(i) != 0 }

// text is "" for NULL.
func (r row) text(i int) string {
	s, ok := r[i].(string)
	if !ok && r[i] != nil {
		panic(fmt.Sprintf("store: column %d is %T, not text", i, r[i]))
	}
	return s
}

// blob is nil for NULL.
func (r row) blob(i int) []byte {
	b, ok := r[i].([]byte)
	if !ok && r[i] != nil {
		panic(fmt.Sprintf("store: column %d is %T, not a blob", i, r[i]))
	}
	return b
}

// flag is how booleans are stored.
func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// null stores "" as NULL.
func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}
