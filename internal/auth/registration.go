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

// Invitations are signed permissions to make an account. One for a name can be used once, since a name is taken once; one
// for any name lets in as many as get hold of it until it expires.
type Invitations struct {
	key    []byte
	now    func() time.Time
	parser *jwt.Parser
}

// NewInvitations returns the Invitations of a server's secret. Where now is nil it is time.Now.
func NewInvitations(secret Secret, now func() time.Time) *Invitations {
	if now == nil {
		now = time.Now
	}
	return &Invitations{
		key: secret.Key("invitation"), now: now,
		parser: newParser(),
	}
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
	now := i.now()
	signed, err := jwt.NewWithClaims(jwt.SigningMethodHS256, &payload{
		Subject: string(user), IssuedAt: now.Unix(), Expires: now.Add(ttl).Unix(), ID: rand.Text(),
	}).SignedString(i.key)
	if err != nil {
		return "", fmt.Errorf("auth: signing an invitation: %w", err)
	}
	return signed, nil
}

var errInvitation = &chat.Error{Code: chat.Forbidden, Message: "invitation: is missing, expired, or for somebody else; ask the operator for one"}

// Check refuses what is no invitation for this name.
func (i *Invitations) Check(invitation string, user chat.UserID) error {
	var p payload
	if len(invitation) > maxToken || !looksLikeToken(invitation) {
		return errInvitation
	}
	if _, err := i.parser.ParseWithClaims(invitation, &p, func(*jwt.Token) (any, error) { return i.key, nil }); err != nil {
		return errInvitation
	}
	if !i.now().Before(time.Unix(p.Expires, 0)) || p.Subject != "" && p.Subject != string(user) {
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
