// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"parley/internal/chat"
)

// DefaultSetupTTL gives the operator a day to open the link; MaxSetupTTL bounds what is left lying about.
const (
	DefaultSetupTTL = 24 * time.Hour
	MaxSetupTTL     = 7 * 24 * time.Hour
)

// Setup lets whoever has a signed permission make the first administrator: once, and only while there is none.
type Setup struct {
	permits
	service   *chat.Service
	passwords *Passwords
}

// NewSetup returns the Setup of a server's secret. Where now is nil it is time.Now.
func NewSetup(secret Secret, service *chat.Service, passwords *Passwords, now func() time.Time) *Setup {
	return &Setup{permits: newPermits(secret, "setup", now), service: service, passwords: passwords}
}

// Issue signs a permission, where it is of use.
func (s *Setup) Issue(ctx context.Context, ttl time.Duration) (string, error) {
	if ttl == 0 {
		ttl = DefaultSetupTTL
	}
	if ttl < time.Second || ttl > MaxSetupTTL {
		return "", chat.Refuse(chat.BadRequest, "ttl: %v is not between 1s and %v", ttl, MaxSetupTTL)
	}
	there, err := s.service.HasAdministrator(ctx)
	switch {
	case err != nil:
		return "", err
	case there:
		return "", chat.Refuse(chat.Conflict, "there is an administrator already; use parley user role for more")
	}
	return s.sign("", ttl)
}

var errSetup = &chat.Error{Code: chat.Forbidden, Message: "setup: the link is not valid, or has expired; ask the operator for a new one"}

// FirstAdministrator makes one. Invitation of n is the permission. A refusal is a chat.Error.
func (s *Setup) FirstAdministrator(ctx context.Context, n Registration) (Identity, error) {
	c, ok := s.read(n.Invitation)
	if !ok {
		return Identity{}, errSetup
	}
	there, err := s.service.HasAdministrator(ctx)
	switch {
	case err != nil:
		return Identity{}, err
	case there: // asked again with the change; here so that no password is hashed for nothing
		return Identity{}, chat.Refuse(chat.Forbidden, "setup: this server has an administrator already; ask them, or sign in")
	}
	if err := CheckPassword(n.Password); err != nil {
		return Identity{}, err
	}
	hash, err := s.passwords.Hash(ctx, n.Password)
	if err != nil {
		return Identity{}, err
	}
	made, err := s.service.CreateFirstAdministrator(chat.NewUser{ID: n.UserID, DisplayName: n.DisplayName, PasswordHash: hash}, c.ID,
		chat.TimeOf(time.Unix(c.Expires, 0))).Wait(ctx)
	if err != nil {
		return Identity{}, err
	}
	return identityOf(&made.User), nil
}
