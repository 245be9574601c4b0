// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"runtime"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"parley/internal/chat"
)

// Bounds of new passwords.
const (
	// MinPassword is the least number of characters: NIST SP 800-63B says eight.
	MinPassword = 8
	// MaxPassword is the greatest number of bytes: more protects nothing and costs time.
	MaxPassword = 1024
)

const (
	// verifiedTTL is for how long a password that was right need not be hashed again: long enough for a restart of the
	// server or a network that comes back.
	verifiedTTL = 10 * time.Minute
	// verifiedSize bounds the digests of such passwords: some 10 MiB.
	verifiedSize = 100_000
	// waitingPerSlot bounds how many callers wait for a hash: five seconds of work. Who comes then is told to come back
	// rather than to time out.
	waitingPerSlot = 128
)

// ErrBusy is the outcome of a hash that had to wait behind too many others. Nothing was counted against the caller.
var ErrBusy = &chat.Error{Code: chat.Unavailable, Message: "too many sign-ins at once; try again in a few seconds, or use a token"}

// Passwords hashes and verifies passwords. All methods are safe for concurrent use.
type Passwords struct {
	slots    chan struct{} // one for each hash that may run
	waiting  chan struct{} // one for each that waits or runs
	verified *recent       // (user, hash, password)
	nobody   *phc          // stands in for the hash of an account that has none
}

// NewPasswords returns a Passwords that runs at most slots hashes at once; 0 means one for each core. Where now is nil
// it is time.Now.
func NewPasswords(slots int, now func() time.Time) *Passwords {
	if slots <= 0 {
		slots = runtime.GOMAXPROCS(0)
	}
	if now == nil {
		now = time.Now
	}
	return &Passwords{
		slots:    make(chan struct{}, slots),
		waiting:  make(chan struct{}, slots*(1+waitingPerSlot)),
		verified: newRecent(verifiedSize, verifiedTTL, now),
		nobody:   matchless(),
	}
}

// CheckPassword tells why a password cannot be set, as a chat.Error; nil when it can.
func CheckPassword(password string) error {
	switch {
	case !utf8.ValidString(password):
		return chat.Refuse(chat.BadRequest, "password: is not valid UTF-8")
	case utf8.RuneCountInString(password) < MinPassword:
		return chat.Refuse(chat.BadRequest, "password: shorter than %d characters", MinPassword)
	case len(password) > MaxPassword:
		return chat.Refuse(chat.BadRequest, "password: longer than %d bytes", MaxPassword)
	case strings.IndexFunc(password, unicode.IsControl) >= 0:
		return chat.Refuse(chat.BadRequest, "password: contains a control character")
	case looksLikeToken(password):
		return chat.Refuse(chat.BadRequest, "password: has the shape of an access token; choose another")
	}
	return nil
}

// Hash returns the PHC string of a new password, which must pass CheckPassword. It waits until a slot is free.
func (p *Passwords) Hash(ctx context.Context, password string) (string, error) {
	if err := CheckPassword(password); err != nil {
		return "", err
	}
	// Operators' imports wait as long as it takes; there is nothing to overload by them.
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	done := make(chan string, 1)
	go func() {
		defer func() { <-p.slots }()
		done <- newPHC(password).String()
	}()
	select {
	case s := <-done:
		return s, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// Outdated tells whether a stored hash was made with lesser parameters than new ones get, and should be made again when
// the password is next at hand. A damaged one is not outdated.
func (p *Passwords) Outdated(hash string) bool {
	h, err := parsePHC(hash)
	return err == nil && h.outdated()
}

// Verify tells whether password is that of user, whose stored hash is given; an empty hash is that of nobody, takes as
// long and never matches. It waits for a slot, and returns ErrBusy when too many wait already.
func (p *Passwords) Verify(ctx context.Context, user chat.UserID, hash, password string) (bool, error) {
	return p.verify(ctx, user, hash, password, attempt{})
}

// attempt is what surrounds a hash: before is asked when the slot is there and may refuse; after is told the outcome in
// any case, even when the caller has gone away meanwhile.
type attempt struct {
	before func() error
	after  func(ok bool)
}

// verify hashes on a goroutine of its own: the stack of the caller, which may be one of very many connections, does not
// grow by it, and the caller can go away without losing the count.
func (p *Passwords) verify(ctx context.Context, user chat.UserID, hash, password string, a attempt) (bool, error) {
	h := p.nobody
	if hash != "" {
		var err error
		if h, err = parsePHC(hash); err != nil {
			return false, err
		}
		if p.verified.has(string(user), hash, password) {
			if a.after != nil {
				a.after(true)
			}
			return true, nil
		}
	}
	if len(password) > MaxPassword {
		password = "" // never matches either, see CheckPassword
	}
	select {
	case p.waiting <- struct{}{}:
	default:
		return false, ErrBusy
	}
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		<-p.waiting
		return false, ctx.Err()
	}
	if a.before != nil {
		if err := a.before(); err != nil {
			<-p.slots
			<-p.waiting
			return false, err
		}
	}
	done := make(chan bool, 1)
	go func() {
		ok := h.matches(password)
		if ok {
			p.verified.add(string(user), hash, password)
		}
		if a.after != nil {
			a.after(ok)
		}
		<-p.slots
		<-p.waiting
		done <- ok
	}()
	select {
	case ok := <-done:
		return ok, nil
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
