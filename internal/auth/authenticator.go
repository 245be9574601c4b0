// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"parley/internal/chat"
	"parley/internal/ratelimit"
)

// Users looks accounts up; a nil User without an error means that there is none. A chat.Reader is one.
type Users interface {
	ReadUser(ctx context.Context, id chat.UserID) (*chat.User, error)
}

// Credentials are what a caller shows of itself.
type Credentials struct {
	Username string
	Password string     // the account's password or an access token
	Remote   netip.Addr // of the caller; behind a trusted proxy what the proxy said. See AddrOf
	Hook     bool       // shown at the address of incoming webhooks, where alone a token with ScopeHook is good
}

// Identity is who a caller has proved to be.
type Identity struct {
	UserID      chat.UserID
	DisplayName string
	Role        chat.ServerRole
	Generation  int64     // of the account at that moment
	Expires     time.Time // when the token ends that proved it; zero for passwords
	Token       string    // the token's id; "" for passwords
	Scopes      Scopes    // the token's
	Hook        Hook      // with ScopeHook
}

// Limits bound wrong passwords. While one of them is reached, passwords are refused unseen; valid tokens are not, since
// nobody guesses those: so whoever shares an address with a guesser, or is guessed at, keeps the devices that are
// signed in. A limit of 0 is off.
type Limits struct {
	// PerPair counts for one account from one address. It is what a person who mistypes meets.
	PerPair int
	// PerAddress counts for one address (of IPv6: one /64), whatever the account, wrong tokens included.
	PerAddress int
	// PerAccount counts for one account, whatever the address. It is far higher than PerPair, and does not apply to
	// addresses from where the account has signed in during the last month, so that a stranger cannot lock the owner out.
	PerAccount int

	Window        time.Duration // of PerPair and PerAddress
	AccountWindow time.Duration // of PerAccount
}

// DefaultLimits are 10 wrong passwords a minute per account and address, 30 per address, and 100 in a quarter of an
// hour per account.
func DefaultLimits() Limits {
	return Limits{PerPair: 10, PerAddress: 30, PerAccount: 100, Window: time.Minute, AccountWindow: 15 * time.Minute}
}

// Of the (account, address) pairs that have signed in.
const (
	familiarTTL  = 30 * 24 * time.Hour
	familiarSize = 200_000 // some 20 MiB
)

var (
	errCredentials = &chat.Error{Code: chat.Unauthenticated, Message: "user name and password do not match, or the token is not valid"}
	errHook        = &chat.Error{Code: chat.Forbidden, Message: "the token is an incoming webhook's: it is good at its address, and for nothing else"}
	errMissing     = &chat.Error{Code: chat.Unauthenticated, Message: "no credentials: give a user name with a password or token, or a token alone"}
)

// Authenticator decides who is calling. All methods are safe for concurrent use.
type Authenticator struct {
	users     Users
	passwords *Passwords
	tokens    *Tokens
	now       func() time.Time

	pairs     *ratelimit.Failures
	addresses *ratelimit.Failures
	accounts  *ratelimit.Failures
	familiar  *recent // (user, network)
}

// NewAuthenticator returns an Authenticator. Where now is nil it is time.Now.
func NewAuthenticator(users Users, passwords *Passwords, tokens *Tokens, limits Limits, now func() time.Time) *Authenticator {
	if now == nil {
		now = time.Now
	}
	return &Authenticator{
		users: users, passwords: passwords, tokens: tokens, now: now,
		pairs:     ratelimit.NewFailures(limits.PerPair, limits.Window, now),
		addresses: ratelimit.NewFailures(limits.PerAddress, limits.Window, now),
		accounts:  ratelimit.NewFailures(limits.PerAccount, limits.AccountWindow, now),
		familiar:  newRecent(familiarSize, familiarTTL, now),
	}
}

// Authenticate proves who shows c. A refusal is a chat.Error: Unauthenticated for wrong credentials, Banned with the end
// and the reason for an account that is banned from the server (told only to whoever has proved to own it), RateLimited
// with RetryAfter after too many wrong ones, Unavailable when too many hashes wait. Other errors are internal.
//
// A ban, a new password or a revocation that comes between Authenticate and the moment when the connection can be found
// by whoever ends it would be missed: the door calls Confirm after that moment.
func (a *Authenticator) Authenticate(ctx context.Context, c Credentials) (Identity, error) {
	switch {
	case c.Password == "":
		return Identity{}, errMissing
	case looksLikeToken(c.Password):
		return a.withToken(ctx, c)
	case c.Username == "":
		return Identity{}, a.wrongToken(network(c.Remote), errCredentials)
	}
	return a.withPassword(ctx, c)
}

// Confirm tells whether id, proved before, still holds.
func (a *Authenticator) Confirm(ctx context.Context, id Identity) error {
	u, err := a.read(ctx, id.UserID)
	switch {
	case err != nil:
		return err
	case !id.Expires.IsZero() && !a.now().Before(id.Expires):
		return errExpired
	case u == nil || u.Generation != id.Generation, id.Token != "" && a.tokens.Revoked(id.Token):
		return errVoid
	}
	return a.banned(u)
}

func (a *Authenticator) withToken(ctx context.Context, c Credentials) (Identity, error) {
	claims, err := a.tokens.Verify(c.Password)
	if err == nil && c.Username != "" && c.Username != string(claims.UserID) {
		return Identity{}, &chat.Error{Code: chat.Unauthenticated, Message: "the access token is another user's"}
	}
	if err != nil {
		if honest(err) {
			return Identity{}, err
		}
		return Identity{}, a.wrongToken(network(c.Remote), err)
	}
	u, err := a.read(ctx, claims.UserID)
	switch {
	case err != nil:
		return Identity{}, err
	case u == nil || u.Generation != claims.Generation:
		return Identity{}, errVoid
	case claims.Scopes == ScopeHook && !c.Hook: // not even a connection that may do nothing: it would take places, and be its user's presence
		return Identity{}, errHook
	}
	if err := a.banned(u); err != nil {
		return Identity{}, err
	}
	id := identityOf(u)
	id.Expires, id.Token, id.Scopes, id.Hook = claims.Expires, claims.ID, claims.Scopes, claims.Hook
	return id, nil
}

// wrongToken counts a token that nobody issued, and answers in the limit's place when it is reached.
func (a *Authenticator) wrongToken(network string, refusal error) error {
	if retry, blocked := a.addresses.Blocked(network); blocked {
		return tooMany(retry)
	}
	a.addresses.Fail(network)
	return refusal
}

func (a *Authenticator) withPassword(ctx context.Context, c Credentials) (Identity, error) {
	from := network(c.Remote)
	user := chat.UserID(c.Username)
	if !chat.ValidUserID(user) {
		// No account has such a name, as everybody can see: no hash has to hide it.
		return Identity{}, a.wrongToken(from, errCredentials)
	}
	pair := c.Username + " " + from // a user id contains no space
	blocked := func() error { return a.blocked(c.Username, from, pair) }
	if err := blocked(); err != nil {
		return Identity{}, err
	}
	u, err := a.read(ctx, user)
	if err != nil {
		return Identity{}, err
	}
	hash := ""
	if u != nil {
		hash = u.PasswordHash
	}
	ok, err := a.passwords.verify(ctx, user, hash, c.Password, attempt{
		// Many may wait for a hash when the first of them fails: the limit is asked again when the turn comes, so that
		// no more than run side by side can pass it.
		before: blocked,
		after: func(ok bool) {
			if ok {
				a.pairs.Forget(pair)
				a.familiar.add(c.Username, from)
				return
			}
			a.pairs.Fail(pair)
			a.addresses.Fail(from)
			a.accounts.Fail(c.Username)
		},
	})
	switch {
	case chat.CodeOf(err) == chat.Internal:
		return Identity{}, fmt.Errorf("auth: password of %s: %w", user, err)
	case err != nil:
		return Identity{}, err
	case !ok:
		return Identity{}, errCredentials
	}
	if err := a.banned(u); err != nil {
		return Identity{}, err
	}
	return identityOf(u), nil
}

// blocked refuses a password unseen while one of the limits is reached.
func (a *Authenticator) blocked(user, from, pair string) error {
	if retry, blocked := a.addresses.Blocked(from); blocked {
		return tooMany(retry)
	}
	if retry, blocked := a.pairs.Blocked(pair); blocked {
		return tooMany(retry)
	}
	if retry, blocked := a.accounts.Blocked(user); blocked && !a.familiar.has(user, from) {
		return tooMany(retry)
	}
	return nil
}

func tooMany(retry time.Duration) error {
	return &chat.Error{Code: chat.RateLimited, Message: "too many wrong passwords; wait before the next attempt", RetryAfter: retry}
}

// read finds an account that exists.
func (a *Authenticator) read(ctx context.Context, id chat.UserID) (*chat.User, error) {
	u, err := a.users.ReadUser(ctx, id)
	switch {
	case err != nil:
		return nil, fmt.Errorf("auth: reading account %s: %w", id, err)
	case u == nil || u.Deleted:
		return nil, nil
	}
	return u, nil
}

// banned refuses an account that is banned from the server.
func (a *Authenticator) banned(u *chat.User) error {
	now := chat.TimeOf(a.now())
	if !u.BannedAt(now) {
		return nil
	}
	text := "you are banned from this server"
	e := &chat.Error{Code: chat.Banned}
	if u.BannedUntil != chat.Forever {
		e.RetryAfter = u.BannedUntil.Until(now)
		text += " until " + time.UnixMilli(int64(u.BannedUntil)).UTC().Format(time.RFC3339)
	}
	if u.BanReason != "" {
		text += ": " + u.BanReason
	}
	e.Message = text
	return e
}

func identityOf(u *chat.User) Identity {
	return Identity{UserID: u.ID, DisplayName: u.DisplayName, Role: u.Role, Generation: u.Generation}
}
