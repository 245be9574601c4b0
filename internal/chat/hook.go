// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"strings"
	"time"
)

// HookToken is the kind of a token that posts into one room, and may do nothing else: that of an incoming webhook.
const HookToken TokenKind = "hook"

// MaxHooks bounds the incoming webhooks of a room.
const MaxHooks = 20

// What an Audited says of them; its Reason is the hook's name.
const (
	ActionCreateHook = "create_hook"
	ActionDeleteHook = "delete_hook"
)

const hookScope = "hook:"

// HookRoom tells the room that a token is bound to; empty of those that are no hooks.
func (t *Token) HookRoom() RoomID {
	if t.Kind != HookToken {
		return ""
	}
	return RoomID(strings.TrimPrefix(t.Scopes, hookScope))
}

// HookTx is about incoming webhooks of rooms.
type HookTx interface {
	HooksOf(r *Room) ([]Token, error) // neither revoked nor expired, the oldest first
}

// HookReader reads it.
type HookReader interface {
	RoomHooks(ctx context.Context, room RoomID) ([]Token, error) // neither revoked nor expired, the oldest first
}

// CreateHook makes an incoming webhook of a room, for its moderators. What it posts is the caller's, under the hook's name, and passes
// what the caller's messages pass.
func (s *Service) CreateHook(call Call, room RoomID, n NewToken) *Pending[Granted] {
	parts := []string{string(room), n.Name, n.TTL.String()}
	return submit[Granted](s, call, inRoom(room), "create hook", parts, func(tx Tx, u *User) (Granted, error) {
		r, m, err := s.governed(tx, room, u)
		switch {
		case err != nil:
			return Granted{}, err
		case !isModerator(m, u):
			return Granted{}, Refuse(Forbidden, "only moderators make hooks")
		case m == nil:
			return Granted{}, Refuse(NotMember, "join the room first: what the hook posts is yours")
		case u.Generation != n.Generation:
			return Granted{}, Refuse(Unauthenticated, "the password was changed; sign in again")
		}
		has, err := tx.HooksOf(r)
		if err != nil {
			return Granted{}, err
		}
		if len(has) >= MaxHooks {
			return Granted{}, Refuse(Conflict, "the room has %d hooks already; delete one first", len(has))
		}
		now := tx.Now()
		t := Token{ID: n.ID, User: u.ID, Kind: HookToken, Name: n.Name, Scopes: hookScope + string(r.ID), CreatedAt: now, Expires: (now - now%1000).Add(n.TTL)}
		if err := tx.PutToken(&t); err != nil {
			return Granted{}, err
		}
		return Granted{Token: t, Generation: u.Generation}, audit(tx, Audited{Actor: u.ID, Action: ActionCreateHook, Target: u.ID, RoomID: r.ID, Reason: t.Name})
	})
}

// DeleteHook ends an incoming webhook of a room, whoever made it.
func (s *Service) DeleteHook(call Call, room RoomID, id string) *Pending[RevokedTokens] {
	return submit[RevokedTokens](s, call, inRoom(room), "delete hook", []string{string(room), id}, func(tx Tx, u *User) (RevokedTokens, error) {
		r, m, err := s.governed(tx, room, u)
		if err != nil {
			return RevokedTokens{}, err
		}
		if !isModerator(m, u) {
			return RevokedTokens{}, Refuse(Forbidden, "only moderators delete hooks")
		}
		t, err := tx.Token(id)
		if err != nil {
			return RevokedTokens{}, err
		}
		if t == nil || t.HookRoom() != r.ID || t.Revoked || t.Expires <= tx.Now() {
			return RevokedTokens{}, Refuse(NotFound, "hook_id: the room has no hook %q", id)
		}
		if err := s.revokeToken(tx, t, u.ID); err != nil {
			return RevokedTokens{}, err
		}
		return RevokedTokens{Tokens: []Token{*t}}, audit(tx, Audited{Actor: u.ID, Action: ActionDeleteHook, Target: t.User, RoomID: r.ID, Reason: t.Name})
	})
}

// endHooks ends all incoming webhooks of a room that is no more.
func (s *Service) endHooks(tx Tx, r *Room, actor UserID) error {
	hooks, err := tx.HooksOf(r)
	if err != nil {
		return err
	}
	for i := range hooks {
		if err := s.revokeToken(tx, &hooks[i], actor); err != nil {
			return err
		}
	}
	return nil
}

// RoomHooks lists the incoming webhooks of a room that are in force, for its moderators.
func (s *Service) RoomHooks(ctx context.Context, who Principal, room RoomID) ([]Token, error) {
	r, err := s.moderates(ctx, who, room)
	if err != nil {
		return nil, err
	}
	return s.store.RoomHooks(ctx, r.ID)
}

// DefaultHookTTL is how long a hook is valid of which nobody says so.
const DefaultHookTTL = 365 * 24 * time.Hour

// withPoster adds the name of a hook to what is known of a message.
func withPoster(d *Details, name string) *Details {
	out := Details{}
	if d != nil {
		out = *d
	}
	out.Poster = name
	return &out
}
