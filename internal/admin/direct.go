// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
)

// Parts are what Direct works on. None may be nil.
type Parts struct {
	Service   *chat.Service
	Reader    chat.Reader
	Passwords *auth.Passwords
	Tokens    *auth.Tokens

	Invitations *auth.Invitations
	Setup       *auth.Setup
	// Name checks a display name and returns it as it is to be stored.
	Name func(name string) (string, error)
	// Backup writes a consistent copy of the database to a file that must not exist.
	Backup func(ctx context.Context, path string) error
	Now    func() time.Time
}

// Direct does the operations in the process that owns the data directory.
type Direct struct{ parts Parts }

// NewDirect returns the Operations on parts.
func NewDirect(parts Parts) *Direct { return &Direct{parts: parts} }

var _ Operations = (*Direct)(nil)

// AddUser implements Operations.
func (d *Direct) AddUser(ctx context.Context, u NewUser) (User, error) {
	if err := d.prepare(&u); err != nil {
		return User{}, err
	}
	hash, err := d.hash(ctx, u.Password)
	if err != nil {
		return User{}, err
	}
	made, err := d.create(u, hash).Wait(ctx)
	if err != nil {
		return User{}, err
	}
	return userOf(&made.User, d.now()), nil
}

// Import implements Operations. All accounts of a call share few commits. Passwords are hashed on half of the cores, so
// that a running server has the others.
func (d *Direct) Import(ctx context.Context, users []NewUser) ([]error, error) {
	if len(users) > MaxImport {
		return nil, chat.Refuse(chat.TooLarge, "users: more than %d at once", MaxImport)
	}
	faults := make([]error, len(users))
	hashes := make([]string, len(users))
	next := make(chan int)
	var workers sync.WaitGroup
	for range max(runtime.GOMAXPROCS(0)/2, 1) {
		workers.Go(func() {
			for i := range next {
				if faults[i] = d.prepare(&users[i]); faults[i] == nil {
					hashes[i], faults[i] = d.hash(ctx, users[i].Password)
				}
			}
		})
	}
	for i := range users {
		next <- i
	}
	close(next)
	workers.Wait()
	if err := ctx.Err(); err != nil {
		return nil, err // nothing was made yet
	}
	pending := make([]*chat.Pending[chat.Account], len(users))
	for i := range users {
		if faults[i] == nil {
			pending[i] = d.create(users[i], hashes[i])
		}
	}
	for i, p := range pending {
		if p == nil {
			continue
		}
		if _, faults[i] = p.Wait(ctx); ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return faults, nil
}

// prepare checks what the service does not.
func (d *Direct) prepare(u *NewUser) error {
	if u.DisplayName == "" {
		return nil
	}
	name, err := d.parts.Name(u.DisplayName)
	if err != nil {
		return chat.Refuse(chat.BadRequest, "display_name: %v", err)
	}
	u.DisplayName = name
	return nil
}

func (d *Direct) hash(ctx context.Context, password string) (string, error) {
	if password == "" {
		return "", nil
	}
	return d.parts.Passwords.Hash(ctx, password)
}

func (d *Direct) create(u NewUser, hash string) *chat.Pending[chat.Account] {
	return d.parts.Service.CreateUser(chat.NewUser{ID: u.ID, DisplayName: u.DisplayName, Role: u.Role, PasswordHash: hash})
}

// Users implements Operations.
func (d *Direct) Users(ctx context.Context, after chat.UserID) ([]User, error) {
	users, err := d.parts.Reader.Users(ctx, "", after, MaxPage)
	if err != nil {
		return nil, err
	}
	now := d.now()
	out := make([]User, 0, len(users))
	for i := range users {
		out = append(out, userOf(&users[i], now))
	}
	return out, nil
}

// SetPassword implements Operations.
func (d *Direct) SetPassword(ctx context.Context, id chat.UserID, password string) error {
	if err := d.exists(ctx, id); err != nil {
		return err // before a hash is made for nobody
	}
	hash, err := d.hash(ctx, password)
	if err != nil {
		return err
	}
	_, err = d.parts.Service.SetPassword(id, hash).Wait(ctx)
	return err
}

// SetRole implements Operations.
func (d *Direct) SetRole(ctx context.Context, id chat.UserID, role chat.ServerRole) error {
	_, err := d.parts.Service.SetRole(id, role).Wait(ctx)
	return err
}

// RemoveUser implements Operations.
func (d *Direct) RemoveUser(ctx context.Context, id chat.UserID) error {
	_, err := d.parts.Service.RemoveUser(id).Wait(ctx)
	return err
}

// Tokens implements Operations.
func (d *Direct) Tokens(ctx context.Context, ids []chat.UserID, t NewToken) ([]string, error) {
	scopes, err := auth.ParseScopes(t.Scopes)
	if err != nil {
		return nil, err
	}
	n := chat.NewToken{Kind: chat.NamedToken, Name: t.Name, Scopes: scopes.String(), TTL: t.TTL.Truncate(time.Second)}
	switch {
	case n.TTL == 0 && t.TTL == 0:
		n.TTL = auth.DefaultTokenTTL
	case n.TTL < time.Second || n.TTL > auth.MaxTokenTTL:
		return nil, chat.Refuse(chat.BadRequest, "ttl: %v is not between 1s and %v", t.TTL, auth.MaxTokenTTL)
	}
	if n.Name == "" { // whoever asks again and again, such as a script, has the oldest end
		n.Kind, n.Name = chat.LoginToken, "parley token"
	} else if n.Name, err = d.parts.Name(t.Name); err != nil {
		return nil, chat.Refuse(chat.BadRequest, "name: %v", err)
	}
	for _, id := range ids {
		if err := d.exists(ctx, id); err != nil {
			return nil, err
		}
	}
	pending := make([]*chat.Pending[chat.Granted], len(ids))
	for i, id := range ids {
		n.ID = auth.NewTokenID()
		pending[i] = d.parts.Service.GrantTokenTo(id, n)
	}
	out := make([]string, 0, len(ids))
	for _, p := range pending {
		granted, err := p.Wait(ctx)
		if err != nil {
			return nil, err
		}
		token, err := d.parts.Tokens.Granted(granted)
		if err != nil {
			return nil, err
		}
		out = append(out, token)
	}
	return out, nil
}

// Invite implements Operations.
func (d *Direct) Invite(_ context.Context, user chat.UserID, ttl time.Duration) (string, error) {
	return d.parts.Invitations.Issue(user, ttl)
}

// SetUp implements Operations.
func (d *Direct) SetUp(ctx context.Context, ttl time.Duration) (string, error) {
	return d.parts.Setup.Issue(ctx, ttl)
}

// Backup implements Operations.
func (d *Direct) Backup(ctx context.Context, path string) error {
	if !filepath.IsAbs(path) {
		return chat.Refuse(chat.BadRequest, "path: %q is not absolute", path)
	}
	return d.parts.Backup(ctx, path)
}

// exists refuses an account that does not.
func (d *Direct) exists(ctx context.Context, id chat.UserID) error {
	u, err := d.parts.Reader.ReadUser(ctx, id)
	switch {
	case err != nil:
		return fmt.Errorf("admin: reading account %s: %w", id, err)
	case u == nil || u.Deleted:
		return chat.Refuse(chat.NotFound, "there is no account %q", string(id))
	}
	return nil
}

func (d *Direct) now() chat.Time { return chat.TimeOf(d.parts.Now()) }

// asRefusal finds the refusal in err; any other error becomes an internal one that keeps its text, since the operator
// may read it.
func asRefusal(err error) *chat.Error {
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	return &chat.Error{Code: chat.Internal, Message: err.Error()}
}
