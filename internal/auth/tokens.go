// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/internal/chat"
)

// Lifetimes of tokens.
const (
	DefaultTokenTTL = 720 * time.Hour
	MaxTokenTTL     = 10 * 365 * 24 * time.Hour
)

// maxToken bounds a token's length in bytes: those issued here have some 250.
const maxToken = 2048

// Refusals of tokens. The last two are told only to a caller whose token was really issued here.
var (
	errToken   = &chat.Error{Code: chat.Unauthenticated, Message: "the access token is not valid"}
	errExpired = &chat.Error{Code: chat.Unauthenticated, Message: "the access token has expired; sign in again"}
	errVoid    = &chat.Error{Code: chat.Unauthenticated, Message: "the access token was revoked; sign in again"}
)

// Claims are what a token says.
type Claims struct {
	UserID     chat.UserID
	IssuedAt   time.Time
	Expires    time.Time
	ID         string // of this token, for the audit
	Generation int64  // of the account when the token was issued
}

// Tokens issues and verifies access tokens: JWTs signed with HMAC-SHA256. All methods are safe for concurrent use.
type Tokens struct {
	key    []byte
	now    func() time.Time
	parser *jwt.Parser
}

// NewTokens returns the Tokens of a server's secret. Where now is nil it is time.Now.
func NewTokens(secret Secret, now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{
		key:    secret.Key("access token"),
		now:    now,
		parser: newParser(),
	}
}

// newParser reads what is signed here. The algorithm is ours to say, not the token's. The times are checked by the caller:
// what is right depends on the injected clock.
func newParser() *jwt.Parser {
	return jwt.NewParser(jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}), jwt.WithoutClaimsValidation(), jwt.WithStrictDecoding())
}

// payload is the claims as they are written. Times are whole seconds.
type payload struct {
	jwt.Claims `json:"-"` // nil: the library would ask it only if it checked the claims

	Subject    string `json:"sub"`
	IssuedAt   int64  `json:"iat"`
	Expires    int64  `json:"exp"`
	ID         string `json:"jti"`
	Generation int64  `json:"gen"`
	// Scope is not issued. A token that some later server has narrowed down must not count as a full one here.
	Scope string `json:"scope,omitempty"`
}

// Issue signs a token for an account, which is valid for ttl (0 is DefaultTokenTTL) or until the account's generation,
// given here, moves on.
func (t *Tokens) Issue(user chat.UserID, generation int64, ttl time.Duration) (token string, expires time.Time, err error) {
	if ttl == 0 {
		ttl = DefaultTokenTTL
	}
	switch {
	case !chat.ValidUserID(user):
		return "", time.Time{}, chat.Refuse(chat.BadRequest, "user_id: %q is not a valid name", string(user))
	case ttl < time.Second || ttl > MaxTokenTTL:
		return "", time.Time{}, chat.Refuse(chat.BadRequest, "ttl: %v is not between 1s and %v", ttl, MaxTokenTTL)
	}
	now := t.now()
	expires = now.Add(ttl).Truncate(time.Second)
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &payload{
		Subject: string(user), IssuedAt: now.Unix(), Expires: expires.Unix(), ID: rand.Text(), Generation: generation,
	}).SignedString(t.key)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: signing a token for %s: %w", user, err)
	}
	return signed, expires, nil
}

// Verify reads a token that was issued here and has not expired. Whether the account still stands behind it, by its
// generation, is for the caller to see. Errors are chat.Errors of Unauthenticated.
func (t *Tokens) Verify(token string) (Claims, error) {
	if len(token) > maxToken || !looksLikeToken(token) {
		return Claims{}, errToken
	}
	var p payload
	if _, err := t.parser.ParseWithClaims(token, &p, t.keyFor); err != nil {
		return Claims{}, errToken // what the library says may quote the token
	}
	c := Claims{
		UserID: chat.UserID(p.Subject), IssuedAt: time.Unix(p.IssuedAt, 0), Expires: time.Unix(p.Expires, 0),
		ID: p.ID, Generation: p.Generation,
	}
	switch {
	case !chat.ValidUserID(c.UserID), p.Expires <= 0, p.Scope != "":
		return Claims{}, errToken
	case !t.now().Before(c.Expires):
		return Claims{}, errExpired
	}
	return c, nil
}

func (t *Tokens) keyFor(*jwt.Token) (any, error) { return t.key, nil }

// honest tells whether a refused token was really issued here, so that nobody was guessing. Is would compare codes only.
func honest(err error) bool {
	e, ok := errors.AsType[*chat.Error](err)
	return ok && (e == errExpired || e == errVoid)
}

// looksLikeToken tells whether s has the shape of a JWT: three parts of base64url with dots between them, the first of
// which begins an object.
func looksLikeToken(s string) bool {
	if !strings.HasPrefix(s, "eyJ") || strings.Count(s, ".") != 2 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '.' && i > 0 && i < len(s)-1 && s[i-1] != '.':
		default:
			return false
		}
	}
	return true
}
