// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"slices"
	"time"
)

// TokenKind is how a token came about.
type TokenKind string

// The kinds of tokens.
const (
	LoginToken TokenKind = "login" // given for a password
	NamedToken TokenKind = "token" // made for a program or a device
	setupToken TokenKind = "setup" // the permission to make the first administrator, once it was used
)

// What one account may have in force. One login more ends the oldest; one named token more is refused.
const (
	MaxLogins      = 100
	MaxNamedTokens = 100
)

// Token is what is kept of an access token: what it says, never the token itself.
type Token struct {
	ID        string    `json:"id"`
	User      UserID    `json:"user_id"`
	Kind      TokenKind `json:"kind"`
	Name      string    `json:"name"`             // what the owner knows it by
	Scopes    string    `json:"scopes,omitempty"` // separated by spaces; empty: everything
	CreatedAt Time      `json:"created_at"`
	Expires   Time      `json:"expires"`
	Revoked   bool      `json:"-"`
}

// NewToken is a token to be given out.
type NewToken struct {
	ID     string // random
	Kind   TokenKind
	Name   string
	Scopes string
	TTL    time.Duration // whole seconds
	// Generation is the account's when the caller proved who they are: what was proved with an old password gets no new token.
	Generation int64
}

// Granted is the outcome of GrantToken: what the token is to say. A repeat says the same.
type Granted struct {
	Repeat
	Token      Token `json:"token"`
	Generation int64 `json:"generation"`
}

// GrantToken keeps what a token will say, before anybody has it.
func (s *Service) GrantToken(call Call, n NewToken) *Pending[Granted] {
	return submit[Granted](s, call, scope{}, "token", []string{string(n.Kind), n.Name, n.Scopes, n.TTL.String()}, func(tx Tx, u *User) (Granted, error) {
		if u.Generation != n.Generation {
			return Granted{}, Refuse(Unauthenticated, "the password was changed; sign in again")
		}
		return s.grant(tx, u, n)
	})
}

// GrantTokenTo is GrantToken for the operator.
func (s *Service) GrantTokenTo(id UserID, n NewToken) *Pending[Granted] {
	return administer[Granted](s, func(tx Tx, _ *User) (Granted, error) {
		u, err := s.existing(tx, id)
		if err != nil {
			return Granted{}, err
		}
		return s.grant(tx, u, n)
	})
}

func (s *Service) grant(tx Tx, u *User, n NewToken) (Granted, error) {
	has, err := tx.TokensOf(u.ID)
	if err != nil {
		return Granted{}, err
	}
	has = slices.DeleteFunc(has, func(t Token) bool { return t.Kind != n.Kind })
	if n.Kind == NamedToken && len(has) >= MaxNamedTokens {
		return Granted{}, Refuse(Conflict, "there are %d tokens already; revoke one first", len(has))
	}
	now := tx.Now()
	t := Token{ID: n.ID, User: u.ID, Kind: n.Kind, Name: n.Name, Scopes: n.Scopes, CreatedAt: now}
	t.Expires = (now - now%1000).Add(n.TTL) // a token counts in whole seconds
	if n.Kind == LoginToken && len(has) >= MaxLogins {
		for i := range has[:len(has)-MaxLogins+1] {
			if err := s.revokeToken(tx, &has[i], u.ID); err != nil {
				return Granted{}, err
			}
		}
	}
	return Granted{Token: t, Generation: u.Generation}, tx.PutToken(&t)
}

// RevokedTokens is the outcome of revoking.
type RevokedTokens struct {
	Repeat
	Tokens []Token `json:"tokens"`
}

// RevokeToken ends one of the caller's own tokens. One that was not kept can be named by whoever has it: expires is then what
// it says of itself.
func (s *Service) RevokeToken(call Call, id string, expires Time) *Pending[RevokedTokens] {
	return submit[RevokedTokens](s, call, scope{}, "revoke token", []string{id}, func(tx Tx, u *User) (RevokedTokens, error) {
		t, err := tx.Token(id)
		if err != nil {
			return RevokedTokens{}, err
		}
		if t == nil && expires != 0 {
			t = &Token{ID: id, User: u.ID, Kind: LoginToken, CreatedAt: tx.Now(), Expires: expires}
		}
		if t == nil || t.User != u.ID || t.Expires <= tx.Now() {
			return RevokedTokens{}, Refuse(NotFound, "session_id: there is no session %q", id)
		}
		if t.Revoked {
			return RevokedTokens{Tokens: []Token{*t}}, nil
		}
		return RevokedTokens{Tokens: []Token{*t}}, s.revokeToken(tx, t, u.ID)
	})
}

// RevokeOtherTokens ends all of the caller's own tokens but one.
func (s *Service) RevokeOtherTokens(call Call, but string) *Pending[RevokedTokens] {
	return submit[RevokedTokens](s, call, scope{}, "revoke other tokens", nil, func(tx Tx, u *User) (RevokedTokens, error) {
		has, err := tx.TokensOf(u.ID)
		if err != nil {
			return RevokedTokens{}, err
		}
		has = slices.DeleteFunc(has, func(t Token) bool { return t.ID == but })
		for i := range has {
			if err := s.revokeToken(tx, &has[i], u.ID); err != nil {
				return RevokedTokens{}, err
			}
		}
		return RevokedTokens{Tokens: has}, nil
	})
}

// revokeToken ends a token that is in force, and tells it in the owner's log: connections that it opened end.
func (s *Service) revokeToken(tx Tx, t *Token, actor UserID) error {
	gone := *t
	gone.Revoked = true
	if err := tx.PutToken(&gone); err != nil {
		return err
	}
	return s.tell(tx, t.User, &Event{Kind: AccountModerated, Actor: actor,
		Details: &Details{Action: ActionSession, UserID: t.User, Session: t.ID, Expires: t.Expires}})
}

// Tokens lists an account's tokens that are in force, the oldest first.
func (s *Service) Tokens(ctx context.Context, u UserID) ([]Token, error) {
	return s.store.Tokens(ctx, u)
}

// HasAdministrator tells whether the server has one.
func (s *Service) HasAdministrator(ctx context.Context) (bool, error) {
	return s.store.ReadAdministrator(ctx)
}

// CreateFirstAdministrator makes an administrator where there is none. permission is what allows it, until it expires: it
// works once, whatever becomes of the account.
func (s *Service) CreateFirstAdministrator(n NewUser, permission string, expires Time) *Pending[Account] {
	n.Role = RoleAdministrator
	if err := n.check(); err != nil {
		return refused[Account](err)
	}
	return administer[Account](s, func(tx Tx, _ *User) (Account, error) {
		used, err := tx.Token(permission)
		if err != nil {
			return Account{}, err
		}
		there, err := tx.HasAdministrator()
		switch {
		case err != nil:
			return Account{}, err
		case used != nil:
			return Account{}, Refuse(Forbidden, "setup: was used already; ask the operator for a new link")
		case there:
			return Account{}, Refuse(Forbidden, "setup: this server has an administrator already; ask them, or sign in")
		}
		taken, err := tx.User(n.ID)
		if err != nil {
			return Account{}, err
		}
		if taken != nil {
			return Account{}, errTaken(n.ID)
		}
		if err := tx.PutToken(&Token{ID: permission, Kind: setupToken, CreatedAt: tx.Now(), Expires: expires, Revoked: true}); err != nil {
			return Account{}, err
		}
		return s.createUser(tx, n)
	})
}
