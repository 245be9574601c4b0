// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/netip"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/internal/chat"
	"parley/internal/ratelimit"
)

// DefaultInvitationTTL gives somebody a week to find the message; MaxInvitationTTL bounds what is handed out and forgotten.
const (
	DefaultInvitationTTL = 7 * 24 * time.Hour
	MaxInvitationTTL     = 90 * 24 * time.Hour
)

// permits are signed texts that allow something until they expire. The key says what.
type permits struct {
	key    []byte
	now    func() time.Time
	parser *jwt.Parser
}

func newPermits(secret Secret, what string, now func() time.Time) permits {
	if now == nil {
		now = time.Now
	}
	return permits{key: secret.Key(what), now: now, parser: newParser()}
}

// sign makes the text of one.
func (p *permits) sign(subject string, ttl time.Duration) (string, error) {
	now := p.now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &payload{
		Subject: subject, IssuedAt: now.Unix(), Expires: now.Add(ttl).Unix(), ID: rand.Text(),
	}).SignedString(p.key)
	if err != nil {
		return "", fmt.Errorf("auth: signing a permission: %w", err)
	}
	return signed, nil
}

// read reads one that was signed here and has not expired.
func (p *permits) read(text string) (c payload, ok bool) {
	if len(text) > maxToken || !looksLikeToken(text) {
		return c, false
	}
	if _, err := p.parser.ParseWithClaims(text, &c, func(*jwt.Token) (any, error) { return p.key, nil }); err != nil {
		return c, false
	}
	return c, p.now().Before(time.Unix(c.Expires, 0))
}

// Invitations are signed permissions to make an account. One for a name can be used once, since a name is taken once; one
// for any name lets in as many as get hold of it until it expires.
type Invitations struct{ permits }

// NewInvitations returns the Invitations of a server's secret. Where now is nil it is time.Now.
func NewInvitations(secret Secret, now func() time.Time) *Invitations {
	return &Invitations{newPermits(secret, "invitation", now)}
}

// Issue signs an invitation for a name, or for any ("").
func (i *Invitations) Issue(user chat.UserID, ttl time.Duration) (string, error) {
	if ttl == 0 {
		ttl = DefaultInvitationTTL
	}
	switch {
	case user != "" && !chat.ValidUserID(user):
		return "", chat.Refuse(chat.BadRequest, "user_id: %q is not a valid name", string(user))
	case ttl < time.Second || ttl > MaxInvitationTTL:
		return "", chat.Refuse(chat.BadRequest, "ttl: %v is not between 1s and %v", ttl, MaxInvitationTTL)
	}
	return i.sign(string(user), ttl)
}

var errInvitation = &chat.Error{Code: chat.Forbidden, Message: "invitation: is missing, expired, or for somebody else; ask the operator for one"}

// Check refuses what is no invitation for this name.
func (i *Invitations) Check(invitation string, user chat.UserID) error {
	c, ok := i.read(invitation)
	if !ok || c.Subject != "" && c.Subject != string(user) {
		return errInvitation
	}
	return nil
}

// The policies of registration.
const (
	RegistrationOpen   = "open"   // anybody
	RegistrationInvite = "invite" // whoever has an invitation
	RegistrationClosed = "closed" // the operator alone makes accounts
)

// Of one address (of IPv6: one /64): enough for a household, and not for a farm of accounts.
const (
	registrationsPerAddress = 10
	registrationWindow      = time.Hour
)

// Registration is what somebody who has no account asks for.
type Registration struct {
	UserID      chat.UserID
	Password    string
	DisplayName string // cleaned by the caller; empty: the user id
	Invitation  string
	Remote      netip.Addr
}

// Registrar makes accounts for people who ask for one.
type Registrar struct {
	policy      string
	service     *chat.Service
	passwords   *Passwords
	invitations *Invitations
	addresses   *ratelimit.Sliding
}

// NewRegistrar returns a Registrar with one of the policies.
func NewRegistrar(policy string, service *chat.Service, passwords *Passwords, invitations *Invitations, now func() time.Time) *Registrar {
	return &Registrar{policy: policy, service: service, passwords: passwords, invitations: invitations,
		addresses: ratelimit.New(registrationsPerAddress, registrationWindow, now)}
}

// Register makes an account. A refusal is a chat.Error.
func (r *Registrar) Register(ctx context.Context, n Registration) (Identity, error) {
	switch {
	case r.policy == RegistrationClosed:
		return Identity{}, chat.Refuse(chat.Forbidden, "nobody can register here; the operator makes accounts")
	case !chat.ValidUserID(n.UserID):
		return Identity{}, chat.Refuse(chat.BadRequest, "user_id: %q cannot be chosen; use a lower-case letter or digit, then up to 63 of a-z 0-9 . _ -, and no reserved word", string(n.UserID))
	case r.policy == RegistrationInvite:
		if err := r.invitations.Check(n.Invitation, n.UserID); err != nil {
			return Identity{}, err
		}
	}
	if err := CheckPassword(n.Password); err != nil {
		return Identity{}, err
	}
	if wait, ok := r.addresses.Reserve(network(n.Remote), 0); !ok {
		return Identity{}, &chat.Error{Code: chat.RateLimited, Message: "too many accounts from your address; try again later", RetryAfter: wait}
	}
	hash, err := r.passwords.Hash(ctx, n.Password)
	if err != nil {
		return Identity{}, err
	}
	made, err := r.service.CreateUser(chat.NewUser{ID: n.UserID, DisplayName: n.DisplayName, PasswordHash: hash}).Wait(ctx)
	if err != nil {
		return Identity{}, err
	}
	return identityOf(&made.User), nil
}
