// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"parley/internal/chat"
	"parley/internal/ratelimit"
)

// LoginTTL is how long a login lasts.
const LoginTTL = 30 * 24 * time.Hour

// Logins of one account: more in an hour than people and their devices need, and few enough that the tokens they leave behind
// can be remembered.
const (
	loginsPerAccount = 100
	loginWindow      = time.Hour
)

// Logins gives tokens to those who have proved who they are, and takes them back.
type Logins struct {
	tokens  *Tokens
	service *chat.Service
	rate    *ratelimit.Sliding
}

// NewLogins returns Logins.
func NewLogins(tokens *Tokens, service *chat.Service, now func() time.Time) *Logins {
	return &Logins{tokens: tokens, service: service, rate: ratelimit.New(loginsPerAccount, loginWindow, now)}
}

// Begin gives a token to id, proved with a password. name is what its owner knows it by.
func (l *Logins) Begin(ctx context.Context, id Identity, name string) (token string, expires time.Time, err error) {
	if wait, ok := l.rate.Reserve(string(id.UserID), 0); !ok {
		return "", time.Time{}, &chat.Error{Code: chat.RateLimited, Message: "too many logins; keep the token of one", RetryAfter: wait}
	}
	granted, err := l.service.GrantToken(chat.Call{Principal: chat.Principal{UserID: id.UserID}}, chat.NewToken{
		ID: NewTokenID(), Kind: chat.LoginToken, Name: name, TTL: LoginTTL, Generation: id.Generation}).Wait(ctx)
	if err != nil {
		return "", time.Time{}, err
	}
	token, err = l.tokens.Granted(granted)
	return token, moment(granted.Token.Expires), err
}

// End revokes the token that proved id.
func (l *Logins) End(ctx context.Context, id Identity) error {
	gone, err := l.service.RevokeToken(chat.Call{Principal: chat.Principal{UserID: id.UserID}}, id.Token, chat.TimeOf(id.Expires)).Wait(ctx)
	if err != nil {
		return err
	}
	l.tokens.RevokeAll(gone.Tokens)
	return nil
}
