// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
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
	ID         string // of this token, by which it can be revoked
	Generation int64  // of the account when the token was issued
	Scopes     Scopes
	Hook       Hook // with ScopeHook
}

// Hook is what a token of an incoming webhook is bound to.
type Hook struct {
	Room chat.RoomID `json:"room"`
	Name string      `json:"name"` // what its messages are shown under
}

// Tokens issues and verifies access tokens: JWTs signed with HMAC-SHA256. All methods are safe for concurrent use.
type Tokens struct {
	key    []byte
	now    func() time.Time
	parser *jwt.Parser

	mu      sync.RWMutex
	revoked map[string]time.Time // of tokens that have not expired: when they will have
}

// NewTokens returns the Tokens of a server's secret. Where now is nil it is time.Now.
func NewTokens(secret Secret, now func() time.Time) *Tokens {
	if now == nil {
		now = time.Now
	}
	return &Tokens{
		key:    secret.Key("access token"),
		now:    now,
		parser: newParser(), revoked: map[string]time.Time{},
	}
}

// Revoke voids a token, and forgets those that have expired meanwhile. It is kept in memory alone: a server does it again with
// what its store has when it starts.
func (t *Tokens) Revoke(id string, expires time.Time) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.revoked[id]; known || !now.Before(expires) {
		return
	}
	if len(t.revoked)%revokedSweep == revokedSweep-1 {
		maps.DeleteFunc(t.revoked, func(_ string, end time.Time) bool { return !now.Before(end) })
	}
	t.revoked[id] = expires
}

// RevokeAll voids tokens as the store has them.
func (t *Tokens) RevokeAll(tokens []chat.Token) {
	for i := range tokens {
		t.Revoke(tokens[i].ID, moment(tokens[i].Expires))
	}
}

// revokedSweep is after how many more those are looked for that have expired.
const revokedSweep = 64

// Revoked tells whether a token was.
func (t *Tokens) Revoked(id string) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	_, gone := t.revoked[id]
	return gone
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
	Scope      string `json:"scope,omitempty"` // with spaces between; absent: everything
	Hook       *Hook  `json:"hook,omitempty"`  // with the scope hook
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
	token, err = t.Sign(Claims{UserID: user, IssuedAt: now, Expires: expires, ID: NewTokenID(), Generation: generation})
	return token, expires, err
}

// NewTokenID makes the id of a token.
func NewTokenID() string { return rand.Text() }

// Sign signs a token that says c. The same claims make the same token.
func (t *Tokens) Sign(c Claims) (string, error) {
	p := &payload{Subject: string(c.UserID), IssuedAt: c.IssuedAt.Unix(), Expires: c.Expires.Unix(), ID: c.ID, Generation: c.Generation, Scope: c.Scopes.String()}
	if c.Scopes == ScopeHook {
		p.Hook = &c.Hook
	}
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, p).SignedString(t.key)
	if err != nil {
		return "", fmt.Errorf("auth: signing a token for %s: %w", c.UserID, err)
	}
	return signed, nil
}

// Granted signs what was kept of a token with GrantToken.
func (t *Tokens) Granted(g chat.Granted) (token string, err error) {
	c := Claims{UserID: g.Token.User, IssuedAt: moment(g.Token.CreatedAt), Expires: moment(g.Token.Expires), ID: g.Token.ID, Generation: g.Generation}
	if room := g.Token.HookRoom(); room != "" {
		c.Scopes, c.Hook = ScopeHook, Hook{room, g.Token.Name}
	} else if c.Scopes, err = ParseScopes(strings.Fields(g.Token.Scopes)); err != nil {
		return "", err
	}
	return t.Sign(c)
}

func moment(t chat.Time) time.Time { return time.UnixMilli(int64(t)) }

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
	var err error
	if p.Scope == hookScope && p.Hook != nil && p.Hook.Room != "" {
		c.Scopes, c.Hook = ScopeHook, *p.Hook
	} else if c.Scopes, err = ParseScopes(strings.Fields(p.Scope)); err != nil || (c.Scopes == 0) != (p.Scope == "") {
		return Claims{}, errToken // narrowed down by a later server, in a way that is not known here
	}
	switch {
	case !chat.ValidUserID(c.UserID), p.Expires <= 0:
		return Claims{}, errToken
	case !t.now().Before(c.Expires):
		return Claims{}, errExpired
	case t.Revoked(c.ID):
		return Claims{}, errVoid
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
