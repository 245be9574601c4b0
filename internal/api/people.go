// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// proofs bounds how often somebody may prove their password in a minute: whoever got hold of a token must not find it
// out by trying.
const proofs = 10

func (a *API) peopleRoutes(chat *topic.Group[Caller]) {
	users := chat.Group("users")
	topic.Handle[wire.Empty, wire.OwnProfile](users, "me", a.ownProfile, topic.QoS(1), topic.ReadOnly(), topic.Doc("One's own account"),
		answers("success", "everybody, of themselves", ""))
	topic.Handle[wire.FindUsers, wire.Users](users, "search", a.findUsers, topic.QoS(1), topic.ReadOnly(), topic.Doc("The directory of accounts"),
		answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.Empty, wire.Profile](users, "{user_id}", a.profile, topic.QoS(1), topic.ReadOnly(), topic.Doc("Somebody's account, as all may see it"),
		answers("success", "everybody who is signed in", "not_found"))
	topic.Handle[wire.ExportAccount, wire.Export](users, "me/export", a.exportAccount, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("What the server holds of oneself: profile, rooms, own messages"),
		answers("success", "everybody, of themselves", ""))
	topic.Handle[wire.UpdateProfile, wire.Profile](users, "me/update", a.updateProfile, topic.QoS(1), topic.Doc("Change what others see of oneself"),
		answers("profile_updated", "everybody who is not muted on the server, of themselves", "muted"))
	topic.Handle[wire.ChangePassword, wire.PasswordChanged](users, "me/password", a.changePassword, topic.QoS(1), topic.Doc("Choose a new password"),
		answers("password_changed", "everybody who has a password", "forbidden"))
	topic.Handle[wire.ProvePassword, wire.UserDone](users, "me/delete", a.deleteAccount, topic.QoS(1), topic.Doc("Erase one's own account"),
		answers("account_deleted", "everybody who has a password", "forbidden"))
	a.sessionRoutes(users)
	topic.Handle[wire.Empty, wire.UserDone](users, "{user_id}/block", a.block(true, "blocked"), topic.QoS(1),
		topic.Doc("Take no more private messages and invitations from somebody"),
		answers("blocked", "everybody who is signed in", "not_found"))
	topic.Handle[wire.Empty, wire.UserDone](users, "{user_id}/unblock", a.block(false, "unblocked"), topic.QoS(1), topic.Doc("End a block"),
		answers("unblocked", "everybody who is signed in", "not_found"))
}

func (a *API) ownProfile(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	me := req.Caller.UserID
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		u, err := a.chat.Account(ctx, me)
		if err != nil {
			return nil, err
		}
		blocked, err := a.chat.Blocks(ctx, me)
		return wire.OwnProfileOf(u, blocked, chat.TimeOf(a.cfg.Now())), err
	})
}

func (a *API) profile(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	id := userParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		u, err := a.chat.Account(ctx, id)
		if err != nil {
			return nil, err
		}
		return &wire.Profile{Reply: wire.Reply{Status: "success"}, User: wire.UserDataOf(u)}, nil
	})
}

func (a *API) findUsers(ctx context.Context, req *Request, in *wire.FindUsers) topic.Result {
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		users, more, err := a.chat.FindUsers(ctx, in.Query, in.After, in.Limit)
		return wire.UsersOf(users, more), err
	})
}

func (a *API) exportAccount(ctx context.Context, req *Request, in *wire.ExportAccount) topic.Result {
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		e, err := a.chat.Export(ctx, who, in.RoomID, in.AfterSeq)
		if err != nil {
			return nil, err
		}
		return wire.ExportOf(e, a.cfg.Epoch), nil
	})
}

func (a *API) updateProfile(_ context.Context, req *Request, in *wire.UpdateProfile) topic.Result {
	return later(a.chat.UpdateProfile(call(req, in), in.DisplayName), func(v chat.Profile) wire.Replier {
		return &wire.Profile{Reply: status("profile_updated", v.Repeat),
			User: wire.UserData{UserID: v.ID, DisplayName: v.DisplayName, Role: v.Role, CreatedAt: wire.Timestamp(v.CreatedAt)}}
	})
}

func (a *API) block(blocked bool, done string) func(context.Context, *Request, *wire.Empty) topic.Result {
	return func(_ context.Context, req *Request, in *wire.Empty) topic.Result {
		return later(a.chat.SetBlock(call(req, in), userParam(req), blocked), func(v chat.Block) wire.Replier {
			return &wire.UserDone{Reply: status(done, v.Repeat), UserID: v.User}
		})
	}
}

func (a *API) changePassword(ctx context.Context, req *Request, in *wire.ChangePassword) topic.Result {
	scopes, replaced := req.Caller.Scopes, req.Caller.Token
	return a.proved(ctx, req, in, in.Password, func(ctx context.Context, c chat.Call, hash string, done func(wire.Replier, error)) error {
		fresh, err := a.cfg.Passwords.Hash(ctx, in.NewPassword)
		if err != nil {
			if e := wire.AsError(err); e != nil {
				err = &chat.Error{Code: e.Code, Message: "new_" + e.Message}
			}
			return err
		}
		n := chat.NewToken{ID: auth.NewTokenID(), Kind: chat.LoginToken, Name: "password change", Scopes: scopes.String(), TTL: auth.LoginTTL}
		a.chat.ChangePassword(c, hash, fresh, n, replaced).Then(func(v chat.PasswordChanged, err error) {
			if err != nil {
				done(nil, err)
				return
			}
			token, err := a.cfg.Tokens.Granted(v.Granted)
			done(&wire.PasswordChanged{Reply: status("password_changed", v.Repeat), UserID: c.UserID, Token: token,
				Expires: wire.Timestamp(v.Granted.Token.Expires)}, err)
		})
		return nil
	})
}

func (a *API) deleteAccount(ctx context.Context, req *Request, in *wire.ProvePassword) topic.Result {
	return a.proved(ctx, req, in, in.Password, func(_ context.Context, c chat.Call, hash string, done func(wire.Replier, error)) error {
		a.chat.DeleteAccount(c, hash).Then(func(v chat.Account, err error) {
			done(&wire.UserDone{Reply: status("account_deleted", v.Repeat), UserID: c.UserID}, err)
		})
		return nil
	})
}

// proved changes something once the caller has shown the account's password. Hashing takes long: it is done on a goroutine
// of its own, and the change takes effect when it is done. change either refuses or sees to it that done is called.
func (a *API) proved(ctx context.Context, req *Request, in wire.Payload, password string,
	change func(ctx context.Context, c chat.Call, hash string, done func(wire.Replier, error)) error) topic.Result {
	c := call(req, in)
	// No digest of a payload with a password in it may be stored: it could be guessed from that.
	c.ClientMsgID, c.Digest = "", [16]byte{}
	if wait, ok := a.proofs.Reserve(string(c.UserID), 0); !ok {
		return topic.Done(nil, &chat.Error{Code: chat.RateLimited, Message: "too many attempts; try again later", RetryAfter: wait})
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	promise := topic.NewPromise()
	done := func(reply wire.Replier, err error) {
		cancel()
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		promise.Resolve(reply, nil)
	}
	go func() {
		_, err := safely(ctx, func(ctx context.Context) (wire.Replier, error) {
			hash, err := a.prove(ctx, c.UserID, password)
			if err != nil {
				return nil, err
			}
			return nil, change(ctx, c, hash, done)
		})
		if err != nil {
			done(nil, err)
		}
	}()
	return topic.Later(promise)
}

// prove compares a password with an account's and returns the hash that it was compared with.
func (a *API) prove(ctx context.Context, id chat.UserID, password string) (hash string, err error) {
	u, err := a.chat.Account(ctx, id)
	if err != nil {
		return "", err
	}
	if u.PasswordHash == "" {
		return "", chat.Refuse(chat.Forbidden, "this account has no password; ask the operator of the server")
	}
	if auth.CheckPassword(password) != nil { // it was never one, a token among them
		return "", errWrongPassword()
	}
	ok, err := a.cfg.Passwords.Verify(ctx, u.ID, u.PasswordHash, password)
	switch {
	case chat.CodeOf(err) == chat.Internal:
		return "", fmt.Errorf("api: password of %s: %w", u.ID, err)
	case err != nil:
		return "", err
	case !ok:
		return "", errWrongPassword()
	}
	return u.PasswordHash, nil
}

func errWrongPassword() *chat.Error {
	return chat.Refuse(chat.Forbidden, "password: is not the present one")
}
