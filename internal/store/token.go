// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

const (
	tokenColumns = `t.id, t.user_id, t.kind, t.name, t.scopes, t.created_at, t.expires_at, t.revoked` //nolint:gosec // names of columns
	tokenWidth   = 8

	tokensQuery  = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.user_id = ? AND t.revoked = 0 AND t.expires_at > ? ORDER BY t.created_at, t.id`
	revokedQuery = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.revoked = 1 AND t.expires_at > ?`
	adminQuery   = `SELECT 1 FROM users WHERE role = 'administrator' AND deleted = 0 LIMIT 1`
)

// hooksQuery uses the index tokens_of_room.
const hooksQuery = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.kind = 'hook' AND t.scopes = 'hook:' || ? AND t.revoked = 0 AND t.expires_at > ?
	ORDER BY t.created_at, t.id` //nolint:gosec // names of columns

// tokens are the reader's statements about tokens.
type tokens struct{ ofUser, ofRoom, revoked, admin query }

func (q *tokens) prepare() {
	q.ofUser.text, q.ofRoom.text, q.revoked.text, q.admin.text = tokensQuery, hooksQuery, revokedQuery, adminQuery
}

// readToken reads tokenColumns.
func readToken(r row) chat.Token {
	return chat.Token{ID: r.text(0), User: chat.UserID(r.text(1)), Kind: chat.TokenKind(r.text(2)), Name: r.text(3), Scopes: r.text(4),
		CreatedAt: chat.Time(r.int(5)), Expires: chat.Time(r.int(6)), Revoked: r.bool(7)}
}

// Token implements chat.TokenTx.
func (t *tx) Token(id string) (*chat.Token, error) {
	var found *chat.Token
	_, err := t.c.one(func(r row) { k := readToken(r); found = &k }, `SELECT `+tokenColumns+` FROM tokens t WHERE t.id = ?`, id)
	if err != nil {
		return nil, t.fail("read a token", err)
	}
	return found, nil
}

// TokensOf implements chat.TokenTx.
func (t *tx) TokensOf(u chat.UserID) ([]chat.Token, error) {
	var found []chat.Token
	err := t.c.query(func(r row) error {
		found = append(found, readToken(r))
		return nil
	}, tokensQuery, string(u), int64(t.now))
	return found, t.fail("list a user's tokens", err)
}

// HooksOf implements chat.HookTx.
func (t *tx) HooksOf(r *chat.Room) ([]chat.Token, error) {
	var found []chat.Token
	err := t.c.query(func(r row) error {
		found = append(found, readToken(r))
		return nil
	}, hooksQuery, string(r.ID), int64(t.now))
	return found, t.fail("list a room's hooks", err)
}

// RoomHooks implements chat.HookReader.
func (s *SQLite) RoomHooks(ctx context.Context, room chat.RoomID) ([]chat.Token, error) {
	return s.tokens(ctx, &s.read.tokens.ofRoom, string(room), s.now().UnixMilli())
}

// PutToken implements chat.TokenTx.
func (t *tx) PutToken(k *chat.Token) error {
	if err := t.exec("forget tokens that have expired", `DELETE FROM tokens WHERE user_id = ? AND expires_at <= ?`, string(k.User), int64(t.now)); err != nil {
		return err
	}
	return t.exec("keep a token", `INSERT INTO tokens (id, user_id, kind, name, scopes, created_at, expires_at, revoked) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET revoked = excluded.revoked`,
		k.ID, string(k.User), string(k.Kind), k.Name, k.Scopes, int64(k.CreatedAt), int64(k.Expires), flag(k.Revoked))
}

// ForgetTokens implements chat.TokenTx.
func (t *tx) ForgetTokens(u chat.UserID) error {
	return t.exec("forget a user's tokens", `DELETE FROM tokens WHERE user_id = ?`, string(u))
}

// HasAdministrator implements chat.TokenTx.
func (t *tx) HasAdministrator() (bool, error) {
	found := false
	_, err := t.c.one(func(row) { found = true }, adminQuery)
	return found, t.fail("look for an administrator", err)
}

// OtherAdministrator implements chat.TokenTx.
func (t *tx) OtherAdministrator(than chat.UserID) (bool, error) {
	found := false
	_, err := t.c.one(func(row) { found = true },
		`SELECT 1 FROM users WHERE role = 'administrator' AND deleted = 0 AND id <> ? LIMIT 1`, string(than))
	return found, t.fail("look for another administrator", err)
}

// Tokens implements chat.TokenReader.
func (s *SQLite) Tokens(ctx context.Context, u chat.UserID) ([]chat.Token, error) {
	return s.tokens(ctx, &s.read.tokens.ofUser, string(u), s.now().UnixMilli())
}

// RevokedTokens implements chat.TokenReader.
func (s *SQLite) RevokedTokens(ctx context.Context) ([]chat.Token, error) {
	return s.tokens(ctx, &s.read.tokens.revoked, s.now().UnixMilli())
}

func (s *SQLite) tokens(ctx context.Context, q *query, args ...any) ([]chat.Token, error) {
	var found []chat.Token
	err := s.read.rows(ctx, nil, q, tokenWidth, func(r row) error {
		found = append(found, readToken(r))
		return nil
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("store: list tokens: %w", err)
	}
	return found, nil
}

// ReadAdministrator implements chat.TokenReader.
func (s *SQLite) ReadAdministrator(ctx context.Context) (found bool, err error) {
	err = s.read.rows(ctx, nil, &s.read.tokens.admin, 1, func(row) error {
		found = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("store: look for an administrator: %w", err)
	}
	return found, nil
}
