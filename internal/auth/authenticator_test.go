// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"parley/internal/chat"
)

// accounts is a set of accounts in memory.
type accounts struct {
	mu    sync.Mutex
	users map[chat.UserID]chat.User
	err   error
}

func (a *accounts) ReadUser(_ context.Context, id chat.UserID) (*chat.User, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err != nil {
		return nil, a.err
	}
	u, ok := a.users[id]
	if !ok {
		return nil, nil
	}
	return &u, nil
}

func (a *accounts) put(u chat.User) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[u.ID] = u
}

// door is an Authenticator with the accounts alice (password), bob (tokens only) and root (administrator).
type door struct {
	*Authenticator
	*clock
	t        *testing.T
	accounts *accounts
	tokens   *Tokens
}

const password = "correct horse"

func newDoor(t *testing.T) *door {
	d := &door{clock: newClock(), t: t, accounts: &accounts{users: map[chat.UserID]chat.User{}}}
	d.tokens = NewTokens(Secret{1}, d.Now)
	d.Authenticator = NewAuthenticator(d.accounts, cheapPasswords(2, d.Now), d.tokens, DefaultLimits(), d.Now)
	d.accounts.put(chat.User{ID: "alice", DisplayName: "Alice", Role: chat.RoleUser, PasswordHash: cheapHash(password), Generation: 3})
	d.accounts.put(chat.User{ID: "bob", Role: chat.RoleUser})
	d.accounts.put(chat.User{ID: "root", Role: chat.RoleAdministrator, PasswordHash: cheapHash(password)})
	return d
}

func (d *door) token(user chat.UserID, generation int64) string {
	d.t.Helper()
	token, _, err := d.tokens.Issue(user, generation, time.Hour)
	if err != nil {
		d.t.Fatal(err)
	}
	return token
}

// try answers with the code of the refusal, "" for success.
func (d *door) try(from, user, password string) chat.Code {
	d.t.Helper()
	id, err := d.Authenticate(d.t.Context(), Credentials{Username: user, Password: password, Remote: netip.MustParseAddr(from)})
	if err != nil {
		if id != (Identity{}) {
			d.t.Errorf("a refusal comes with the identity %+v", id)
		}
		if password != "" && strings.Contains(err.Error(), password) {
			d.t.Errorf("the error contains the secret: %v", err)
		}
	} else if user != "" && id.UserID != chat.UserID(user) {
		d.t.Errorf("%s came in as %s", user, id.UserID)
	}
	return chat.CodeOf(err)
}

func TestAuthenticate(t *testing.T) {
	d := newDoor(t)
	alice, bob := d.token("alice", 3), d.token("bob", 0)
	d.accounts.put(chat.User{ID: "gone", PasswordHash: cheapHash(password), Deleted: true})
	for _, c := range []struct {
		name, user, password string
		want                 chat.Code
	}{
		{"password", "alice", password, ""},
		{"token as the password", "alice", alice, ""},
		{"token alone", "", alice, ""},
		{"token of an account without a password", "bob", bob, ""},
		{"wrong password", "alice", "wrong horse", chat.Unauthenticated},
		{"no password", "alice", "", chat.Unauthenticated},
		{"nothing", "", "", chat.Unauthenticated},
		{"password alone", "", password, chat.Unauthenticated},
		{"nobody", "nobody", password, chat.Unauthenticated},
		{"no valid name", "Alice", password, chat.Unauthenticated},
		{"a name with a zero byte", "alice\x00", password, chat.Unauthenticated},
		{"account without a password", "bob", password, chat.Unauthenticated},
		{"another's token", "alice", bob, chat.Unauthenticated},
		{"token of an earlier generation", "", d.token("alice", 2), chat.Unauthenticated},
		{"token of a later generation", "", d.token("alice", 4), chat.Unauthenticated},
		{"token of nobody", "", d.token("nobody", 0), chat.Unauthenticated},
		{"deleted account", "gone", password, chat.Unauthenticated},
		{"token of a deleted account", "", d.token("gone", 0), chat.Unauthenticated},
		{"forged token", "alice", alice[:len(alice)-4] + "AAAA", chat.Unauthenticated},
	} {
		if got := d.try("192.0.2.1", c.user, c.password); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// What is in the address of an incoming webhook opens no connection.
func TestHooksPostAndNothingElse(t *testing.T) {
	d := newDoor(t)
	c := Claims{UserID: "alice", IssuedAt: d.Now(), Expires: d.Now().Add(time.Hour), ID: "h", Generation: 3, Scopes: ScopeHook, Hook: Hook{"r", "Builds"}}
	token, err := d.tokens.Sign(c)
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"", "alice"} {
		if got := d.try("192.0.2.1", user, token); got != chat.Forbidden {
			t.Errorf("as %q: %q", user, got)
		}
	}
	id, err := d.Authenticate(t.Context(), Credentials{Password: token, Hook: true})
	if err != nil || id.UserID != "alice" || id.Hook != c.Hook {
		t.Errorf("at its address: %+v, %v", id, err)
	}
}

func TestIdentity(t *testing.T) {
	d := newDoor(t)
	id, err := d.Authenticate(t.Context(), Credentials{Username: "alice", Password: password})
	if want := (Identity{UserID: "alice", DisplayName: "Alice", Role: chat.RoleUser, Generation: 3}); err != nil || id != want {
		t.Errorf("by password: %+v, %v", id, err)
	}
	id, err = d.Authenticate(t.Context(), Credentials{Password: d.token("root", 0)})
	if err != nil || id.Role != chat.RoleAdministrator || !id.Expires.Equal(d.Now().Add(time.Hour)) {
		t.Errorf("by token: %+v, %v", id, err)
	}
}

func TestExpiredTokenSaysSo(t *testing.T) {
	d := newDoor(t)
	token := d.token("alice", 3)
	d.Advance(time.Hour)
	_, err := d.Authenticate(t.Context(), Credentials{Password: token})
	if chat.CodeOf(err) != chat.Unauthenticated || !strings.Contains(err.Error(), "expired") {
		t.Errorf("%v", err)
	}
}

func TestBanIsToldToItsOwnerOnly(t *testing.T) {
	d := newDoor(t)
	token := d.token("alice", 3)
	u := d.accounts.users["alice"]
	u.BannedUntil, u.BanReason = chat.TimeOf(d.Now().Add(time.Hour)), "spam"
	d.accounts.put(u)
	for name, c := range map[string]Credentials{
		"password": {Username: "alice", Password: password}, "token": {Password: token},
	} {
		_, err := d.Authenticate(t.Context(), c)
		e, ok := errors.AsType[*chat.Error](err)
		if !ok || e.Code != chat.Banned || e.RetryAfter != time.Hour || !strings.Contains(e.Message, "2026-03-01T13:00:00Z: spam") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := d.try("192.0.2.1", "alice", "wrong horse"); got != chat.Unauthenticated {
		t.Errorf("with a wrong password: %q", got)
	}
	d.Advance(time.Hour)
	if got := d.try("192.0.2.1", "alice", password); got != "" {
		t.Errorf("after its end: %q", got)
	}
	u.BannedUntil, u.BanReason = chat.Forever, ""
	d.accounts.put(u)
	_, err := d.Authenticate(t.Context(), Credentials{Username: "alice", Password: password})
	if e, ok := errors.AsType[*chat.Error](err); !ok || e.Code != chat.Banned || e.RetryAfter != 0 || strings.Contains(e.Message, "until") {
		t.Errorf("for ever: %v", err)
	}
}

func TestConfirm(t *testing.T) {
	d := newDoor(t)
	id, err := d.Authenticate(t.Context(), Credentials{Password: d.token("alice", 3)})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Confirm(t.Context(), id); err != nil {
		t.Errorf("at once: %v", err)
	}
	was := d.accounts.users["alice"]
	for name, c := range map[string]struct {
		change func(u *chat.User)
		want   chat.Code
	}{
		"new generation": {func(u *chat.User) { u.Generation++ }, chat.Unauthenticated},
		"banned":         {func(u *chat.User) { u.BannedUntil = chat.Forever }, chat.Banned},
		"deleted":        {func(u *chat.User) { u.Deleted = true }, chat.Unauthenticated},
	} {
		u := was
		c.change(&u)
		d.accounts.put(u)
		if got := chat.CodeOf(d.Confirm(t.Context(), id)); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	d.accounts.put(was)
	d.Advance(time.Hour)
	if got := chat.CodeOf(d.Confirm(t.Context(), id)); got != chat.Unauthenticated {
		t.Errorf("expired: %q", got)
	}
}

func TestStorageFailureIsInternal(t *testing.T) {
	d := newDoor(t)
	d.accounts.err = errors.New("disk on fire")
	for _, c := range []Credentials{{Username: "alice", Password: password}, {Password: d.token("alice", 3)}} {
		for range 50 { // and nobody is blamed for it
			_, err := d.Authenticate(t.Context(), c)
			if chat.CodeOf(err) != chat.Internal {
				t.Fatalf("%v", err)
			}
		}
	}
}

func TestPairLimit(t *testing.T) {
	d := newDoor(t)
	for i := range 10 {
		if got := d.try("192.0.2.1", "alice", fmt.Sprint("wrong horse ", i)); got != chat.Unauthenticated {
			t.Fatalf("attempt %d: %q", i+1, got)
		}
	}
	if got := d.try("192.0.2.1", "alice", password); got != chat.RateLimited {
		t.Errorf("the right password after ten wrong ones: %q", got)
	}
	_, err := d.Authenticate(t.Context(), Credentials{Username: "alice", Password: password, Remote: netip.MustParseAddr("192.0.2.1")})
	if e, ok := errors.AsType[*chat.Error](err); !ok || e.RetryAfter != time.Minute {
		t.Errorf("retry: %v", err)
	}
	for what, c := range map[string][3]string{
		"the owner elsewhere":                {"198.51.100.1", "alice", password},
		"another account from the address":   {"192.0.2.1", "root", password},
		"a token of the account, from there": {"192.0.2.1", "alice", d.token("alice", 3)},
	} {
		if got := d.try(c[0], c[1], c[2]); got != "" {
			t.Errorf("%s: %q", what, got)
		}
	}
	d.Advance(time.Minute)
	if got := d.try("192.0.2.1", "alice", password); got != "" {
		t.Errorf("after a minute: %q", got)
	}
}

func TestSuccessForgetsThePair(t *testing.T) {
	d := newDoor(t)
	for range 3 {
		for range 9 {
			d.try("192.0.2.1", "alice", "wrong horse")
		}
		if got := d.try("192.0.2.1", "alice", password); got != "" {
			t.Fatalf("%q", got)
		}
	}
	// Not the address: its owner could wipe out guesses by signing in as themselves.
	for range 3 {
		d.try("192.0.2.1", "bob", "wrong horse")
	}
	if got := d.try("192.0.2.1", "alice", password); got != chat.RateLimited {
		t.Errorf("after 30 wrong ones from the address: %q", got)
	}
}

func TestAddressLimit(t *testing.T) {
	for name, c := range map[string]struct{ from, same, other string }{
		"IPv4": {"192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"},
		"IPv6": {"2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			for i := range 30 {
				if got := d.try(c.from, fmt.Sprint("user", i), "wrong horse"); got != chat.Unauthenticated {
					t.Fatalf("attempt %d: %q", i+1, got)
				}
			}
			if got := d.try(c.same, "alice", password); got != chat.RateLimited {
				t.Errorf("same network: %q", got)
			}
			if got := d.try(c.same, "", "eyJ.eyJ.eyJ"); got != chat.RateLimited {
				t.Errorf("a forged token: %q", got)
			}
			if got := d.try(c.same, "", d.token("alice", 3)); got != "" {
				t.Errorf("a valid token: %q", got)
			}
			if got := d.try(c.other, "alice", password); got != "" {
				t.Errorf("another network: %q", got)
			}
		})
	}
}

// Tokens that were once issued here are nobody's guess: a device that keeps trying an old one locks nobody out.
func TestOldTokensAreNotCounted(t *testing.T) {
	d := newDoor(t)
	old := d.token("alice", 3)
	void := d.token("alice", 2)
	for range 100 {
		d.try("192.0.2.1", "", void)
	}
	d.Advance(time.Hour)
	for range 100 {
		d.try("192.0.2.1", "", old)
	}
	if got := d.try("192.0.2.1", "alice", password); got != "" {
		t.Errorf("%q", got)
	}
}

// A hundred addresses that guess at one account block it for strangers, but not from where its owner signs in.
func TestAccountLimitLeavesTheOwnerIn(t *testing.T) {
	d := newDoor(t)
	if got := d.try("198.51.100.1", "alice", password); got != "" {
		t.Fatal(got)
	}
	for i := range 100 {
		if got := d.try(fmt.Sprint("203.0.113.", i), "alice", "wrong horse"); got != chat.Unauthenticated {
			t.Fatalf("attempt %d: %q", i+1, got)
		}
	}
	if got := d.try("203.0.113.200", "alice", password); got != chat.RateLimited {
		t.Errorf("the next stranger: %q", got)
	}
	if got := d.try("198.51.100.1", "alice", password); got != "" {
		t.Errorf("the owner: %q", got)
	}
	d.Advance(verifiedTTL) // the owner's password has to be compared again
	if got := d.try("198.51.100.1", "alice", password); got != "" {
		t.Errorf("the owner, later: %q", got)
	}
	if got := d.try("203.0.113.200", "root", password); got != "" {
		t.Errorf("another account: %q", got)
	}
	d.Advance(15 * time.Minute)
	if got := d.try("203.0.113.200", "alice", password); got != "" {
		t.Errorf("a quarter of an hour later: %q", got)
	}
}

// Many wrong passwords that wait for their turn together pass the limit by no more than run side by side.
func TestLimitHoldsForAttemptsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor(t)
		slots := d.passwords.slots
		for range cap(slots) {
			slots <- struct{}{}
		}
		var mu sync.Mutex
		codes := map[chat.Code]int{}
		var wg sync.WaitGroup
		for i := range 100 {
			wg.Go(func() {
				_, err := d.Authenticate(t.Context(), Credentials{Username: "alice", Password: fmt.Sprint("wrong horse ", i)})
				mu.Lock()
				defer mu.Unlock()
				codes[chat.CodeOf(err)]++
			})
		}
		synctest.Wait() // all of them have passed the first look at the limit
		for range cap(slots) {
			<-slots
		}
		wg.Wait()
		if n := codes[chat.Unauthenticated]; n < 10 || n > 9+cap(slots) || codes[chat.RateLimited] != 100-n {
			t.Errorf("%v, want 10 or 11 refused for the password and the rest for the rate", codes)
		}
	})
}

// Many right passwords at once from one address are all let in.
func TestRightPasswordsAtOnce(t *testing.T) {
	d := newDoor(t)
	for i := range 100 {
		d.accounts.put(chat.User{ID: chat.UserID(fmt.Sprint("user", i)), PasswordHash: cheapHash(password)})
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			_, err := d.Authenticate(t.Context(), Credentials{Username: fmt.Sprint("user", i), Password: password})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAddrOf(t *testing.T) {
	for _, c := range []struct {
		addr net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, "192.0.2.1"},
		{&net.TCPAddr{IP: net.ParseIP("2001:db8::1"), Port: 1}, "2001:db8::1"},
		{&net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, "192.0.2.1"},
		{&net.IPAddr{IP: net.IPv4(192, 0, 2, 1)}, "192.0.2.1"},
		{&net.UnixAddr{Name: "@", Net: "unix"}, "invalid IP"},
		{nil, "invalid IP"},
	} {
		if got := AddrOf(c.addr).String(); got != c.want {
			t.Errorf("AddrOf(%v) = %s, want %s", c.addr, got, c.want)
		}
	}
	for addr, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "::ffff:192.0.2.1": "192.0.2.1", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::", "fe80::1%eth0": "fe80::",
	} {
		if got := network(netip.MustParseAddr(addr)); got != want {
			t.Errorf("network(%s) = %s, want %s", addr, got, want)
		}
	}
}
