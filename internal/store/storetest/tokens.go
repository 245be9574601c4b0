// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"slices"
	"testing"
	"time"

	"parley/internal/chat"
)

func tokens(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	hour := clock.Time().Add(time.Hour)
	first := chat.Token{ID: "a", User: "ann", Kind: chat.LoginToken, Name: "phone", CreatedAt: clock.Time(), Expires: hour}
	second := chat.Token{ID: "b", User: "ann", Kind: chat.NamedToken, Name: "sensor", Scopes: "read send", CreatedAt: clock.Time() + 1, Expires: hour.Add(time.Hour)}
	other := chat.Token{ID: "c", User: "bob", Kind: chat.LoginToken, Name: "", CreatedAt: clock.Time(), Expires: hour.Add(time.Hour)}
	Do(t, s, func(tx chat.Tx) error {
		for _, k := range []chat.Token{second, first, other} {
			if err := tx.PutToken(&k); err != nil {
				return err
			}
		}
		listed(t, "in the change", must[[]chat.Token](t)(tx.TokensOf("ann")), first, second)
		same(t, "one", *must[*chat.Token](t)(tx.Token("b")), second)
		if k := must[*chat.Token](t)(tx.Token("nothing")); k != nil {
			t.Errorf("a token that was never made: %+v", k)
		}
		return nil
	})
	listed(t, "the oldest first", must[[]chat.Token](t)(s.Tokens(ctx, "ann")), first, second)
	revoked := second
	revoked.Revoked = true
	Do(t, s, func(tx chat.Tx) error { return tx.PutToken(&revoked) })
	listed(t, "without the revoked one", must[[]chat.Token](t)(s.Tokens(ctx, "ann")), first)
	listed(t, "the revoked one", must[[]chat.Token](t)(s.RevokedTokens(ctx)), revoked)
	clock.Add(time.Hour)
	if list := must[[]chat.Token](t)(s.Tokens(ctx, "ann")); len(list) != 0 {
		t.Errorf("expired, and listed: %+v", list)
	}
	// Those of a user that have expired are forgotten with the next change of theirs; others are not touched.
	Do(t, s, func(tx chat.Tx) error {
		if err := tx.PutToken(&revoked); err != nil {
			return err
		}
		if k := must[*chat.Token](t)(tx.Token("a")); k != nil {
			t.Errorf("expired, and kept: %+v", k)
		}
		return tx.ForgetTokens("ann")
	})
	if list := must[[]chat.Token](t)(s.RevokedTokens(ctx)); len(list) != 0 {
		t.Errorf("forgotten, and there: %+v", list)
	}
	listed(t, "another's", must[[]chat.Token](t)(s.Tokens(ctx, "bob")), other)

	administrator := func(want bool) {
		t.Helper()
		Do(t, s, func(tx chat.Tx) error {
			same(t, "an administrator, in the change", must[bool](t)(tx.HasAdministrator()), want)
			same(t, "one who is not ann", must[bool](t)(tx.OtherAdministrator("ann")), false)
			same(t, "one who is not bob", must[bool](t)(tx.OtherAdministrator("bob")), want)
			return nil
		})
		same(t, "an administrator", must[bool](t)(s.ReadAdministrator(ctx)), want)
	}
	administrator(false)
	change := func(alter func(u *chat.User)) {
		Do(t, s, func(tx chat.Tx) error {
			u := *must[*chat.User](t)(tx.User("ann"))
			alter(&u)
			return tx.UpdateUser(&u)
		})
	}
	change(func(u *chat.User) { u.Role = chat.RoleAdministrator })
	administrator(true)
	change(func(u *chat.User) { u.Deleted = true })
	administrator(false)
}

func listed(t *testing.T, what string, got []chat.Token, want ...chat.Token) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %+v, want %+v", what, got, want)
	}
}

// hooks checks the tokens that are bound to a room.
func hooks(t *testing.T, f Factory) {
	s, clock := opened(t, f)
	ctx := t.Context()
	NewUser(t, s, "ann", "Ann")
	NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	now := clock.Time()
	hook := func(id, scopes string, at, expires chat.Time) chat.Token {
		return chat.Token{ID: id, User: "ann", Kind: chat.HookToken, Name: "Builds", Scopes: scopes, CreatedAt: at, Expires: expires}
	}
	first, second := hook("1", "hook:r", now, now+10_000), hook("2", "hook:r", now+1, now+5_000)
	gone, other, plain := hook("3", "hook:r", now, now+10_000), hook("4", "hook:rr", now, now+10_000), hook("5", "hook:r", now, now+10_000)
	gone.Revoked, plain.Kind = true, chat.NamedToken
	Do(t, s, func(tx chat.Tx) error {
		for _, k := range []chat.Token{second, first, gone, other, plain} {
			if err := tx.PutToken(&k); err != nil {
				return err
			}
		}
		listed(t, "in the change", must[[]chat.Token](t)(tx.HooksOf(must[*chat.Room](t)(tx.Room("r")))), first, second)
		return nil
	})
	listed(t, "of the room", must[[]chat.Token](t)(s.RoomHooks(ctx, "r")), first, second)
	clock.Add(6 * time.Second)
	listed(t, "later", must[[]chat.Token](t)(s.RoomHooks(ctx, "r")), first)
	same(t, "whose", first.HookRoom(), "r")
	same(t, "of a token that is none", plain.HookRoom(), "")
}
