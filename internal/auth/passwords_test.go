// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"parley/internal/chat"
)

// clock is a clock that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// cheapHash is a hash of a password that takes microseconds to compare.
func cheapHash(password string) string {
	h := &phc{memory: 8, passes: 1, threads: 1, salt: []byte("0123456789abcdef")}
	h.key = h.derive(password, keySize)
	return h.String()
}

// cheapPasswords compares in microseconds with accounts that do not exist, too.
func cheapPasswords(slots int, now func() time.Time) *Passwords {
	p := NewPasswords(slots, now)
	p.nobody = &phc{memory: 8, passes: 1, threads: 1, salt: make([]byte, 16), key: make([]byte, 32)}
	return p
}

func TestHashAndVerify(t *testing.T) {
	p := NewPasswords(0, nil)
	hash, err := p.Hash(t.Context(), "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(hash, "$argon2id$v=19$m=32768,t=2,p=1$") || strings.Contains(hash, "horse") {
		t.Errorf("hash %s", hash)
	}
	for password, want := range map[string]bool{"correct horse": true, "correct horsf": false, "": false, strings.Repeat("x", MaxPassword+1): false} {
		if got, err := p.Verify(t.Context(), "alice", hash, password); got != want || err != nil {
			t.Errorf("Verify(%.20q) = %v, %v", password, got, err)
		}
	}
	if p.Outdated(hash) {
		t.Error("a new hash is outdated")
	}
}

// An account that does not exist costs what one that does costs: the same parameters, and a turn in the same queue.
func TestNobodyTakesAsLong(t *testing.T) {
	p := NewPasswords(1, nil)
	have, want := p.nobody, newPHC("whatever it is")
	if have.memory != want.memory || have.passes != want.passes || have.threads != want.threads || len(have.key) != len(want.key) {
		t.Errorf("hash of nobody %v, of somebody %v", have, want)
	}
	p = cheapPasswords(1, nil)
	asked := false
	ok, err := p.verify(t.Context(), "nobody", "", "", attempt{before: func() error { asked = true; return nil }})
	if ok || err != nil || !asked {
		t.Errorf("verify = %v, %v; waited its turn: %v", ok, err, asked)
	}
}

func TestCheckPassword(t *testing.T) {
	token, _, err := NewTokens(Secret{1}, nil).Issue("alice", 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	for name, password := range map[string]string{
		"empty": "", "short": "1234567", "short in characters": "äöüäöüä", "long": strings.Repeat("x", MaxPassword+1),
		"control": "pass\x00word", "new line": "password\n", "not UTF-8": "password\xff", "token": token,
	} {
		err := CheckPassword(password)
		if chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%s: %v, want bad_request", name, err)
		}
		if err != nil && password != "" && strings.Contains(err.Error(), password) {
			t.Errorf("%s: the error contains the password", name)
		}
		if _, err := NewPasswords(1, nil).Hash(t.Context(), password); err == nil {
			t.Errorf("%s: hashed", name)
		}
	}
	for _, password := range []string{"12345678", "eyJhbGciOi.not.a.token", "eyJ with spaces. and. dots", "пароль-пароль", "😀😀😀😀😀😀😀😀"} {
		if err := CheckPassword(password); err != nil {
			t.Errorf("%q: %v", password, err)
		}
	}
}

// What was verified is not hashed again until its time is over, for that password, that hash and that user alone.
func TestVerifiedPasswordIsRemembered(t *testing.T) {
	clock := newClock()
	p := cheapPasswords(1, clock.Now)
	hash := cheapHash("correct horse")
	hashes := 0
	verify := func(user chat.UserID, hash, password string) bool {
		ok, err := p.verify(t.Context(), user, hash, password, attempt{before: func() error { hashes++; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		return ok
	}
	step := func(what string, ok, want bool, wantHashes int) {
		t.Helper()
		if ok != want || hashes != wantHashes {
			t.Errorf("%s: %v with %d hashes so far, want %v with %d", what, ok, hashes, want, wantHashes)
		}
	}
	step("first", verify("alice", hash, "correct horse"), true, 1)
	step("again", verify("alice", hash, "correct horse"), true, 1)
	step("wrong", verify("alice", hash, "wrong horse"), false, 2)
	step("wrong again", verify("alice", hash, "wrong horse"), false, 3)
	step("another user", verify("bob", hash, "correct horse"), true, 4)
	step("a new hash", verify("alice", cheapHash("another horse"), "correct horse"), false, 5)
	clock.Advance(verifiedTTL - time.Nanosecond)
	step("just in time", verify("alice", hash, "correct horse"), true, 5)
	clock.Advance(time.Nanosecond)
	step("too late", verify("alice", hash, "correct horse"), true, 6)
	clock.Advance(-time.Hour)
	step("the clock was set back", verify("alice", hash, "correct horse"), true, 7)
}

func TestRecentIsBounded(t *testing.T) {
	clock := newClock()
	r := newRecent(10, time.Minute, clock.Now)
	for i := range 1000 {
		r.add("user", string(rune('a'+i)))
		if n := r.len(); n > 10 {
			t.Fatalf("%d entries, want at most 10", n)
		}
		if !r.has("user", string(rune('a'+i))) || (i > 0 && !r.has("user", string(rune('a'+i-1)))) {
			t.Fatal("the latest entries are gone")
		}
	}
	if r.has("usera", "") || r.has("use", "ra") {
		t.Error("parts run into each other")
	}
}

func TestHashesWaitForASlot(t *testing.T) {
	p := cheapPasswords(1, nil)
	hash := cheapHash("correct horse")
	p.slots <- struct{}{} // a hash that takes for ever

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Verify(ctx, "alice", hash, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("Verify without a slot: %v", err)
	}
	if _, err := p.Hash(ctx, "correct horse"); !errors.Is(err, context.Canceled) {
		t.Errorf("Hash without a slot: %v", err)
	}
	if n := len(p.waiting); n != 0 {
		t.Errorf("%d still wait", n)
	}
	// As many as may wait do; the next one is refused.
	for range cap(p.waiting) {
		p.waiting <- struct{}{}
	}
	_, err := p.Verify(t.Context(), "alice", hash, "correct horse")
	if chat.CodeOf(err) != chat.Unavailable {
		t.Errorf("with a full queue: %v, want unavailable", err)
	}
	for range cap(p.waiting) {
		<-p.waiting
	}
	<-p.slots
	if ok, err := p.Verify(t.Context(), "alice", hash, "correct horse"); !ok || err != nil {
		t.Errorf("afterwards: %v, %v", ok, err)
	}
}

// A caller that goes away while its password is compared is counted all the same.
func TestGoneCallerIsCounted(t *testing.T) {
	p := cheapPasswords(1, nil)
	ctx, cancel := context.WithCancel(t.Context())
	counted := make(chan bool, 1)
	goOn := make(chan struct{})
	_, err := p.verify(ctx, "alice", cheapHash("correct horse"), "wrong horse", attempt{
		before: func() error { cancel(); return nil },
		after:  func(ok bool) { <-goOn; counted <- ok },
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	close(goOn)
	if <-counted {
		t.Error("counted as right")
	}
}

func TestVerifyConcurrently(t *testing.T) {
	p := cheapPasswords(2, nil)
	hash := cheapHash("correct horse")
	var running, most int
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range 64 {
		password := "correct horse"
		if i%2 == 1 {
			password = "wrong horse"
		}
		wg.Go(func() {
			ok, err := p.verify(t.Context(), "alice", hash, password, attempt{
				before: func() error {
					mu.Lock()
					defer mu.Unlock()
					running++
					most = max(most, running)
					return nil
				},
				after: func(bool) {
					mu.Lock()
					defer mu.Unlock()
					running = max(running-1, 0) // what was remembered has not run
				},
			})
			if err != nil || ok != (password == "correct horse") {
				t.Errorf("%v, %v", ok, err)
			}
		})
	}
	wg.Wait()
	if most > 2 {
		t.Errorf("%d hashes ran at once, want at most 2", most)
	}
	if len(p.slots) != 0 || len(p.waiting) != 0 {
		t.Errorf("slots %d and places %d were not given back", len(p.slots), len(p.waiting))
	}
}

func TestDamagedHashes(t *testing.T) {
	p := NewPasswords(1, nil)
	good := cheapHash("correct horse")
	for _, hash := range []string{
		"x", "$", "$argon2id$", strings.Replace(good, "argon2id", "argon2i", 1), strings.Replace(good, "v=19", "v=16", 1),
		strings.Replace(good, "m=8", "m=99999999", 1), strings.Replace(good, "m=8", "m=0", 1), strings.Replace(good, "t=1", "t=65", 1),
		strings.Replace(good, "p=1", "p=0", 1), strings.Replace(good, "p=1", "p=256", 1), strings.Replace(good, "p=1", "p=1,x=2", 1),
		good + "=", good + "$", good[:len(good)-40], "$2a$10$abcdefghijklmnopqrstuv",
	} {
		ok, err := p.Verify(t.Context(), "alice", hash, "correct horse")
		if ok || err == nil || chat.CodeOf(err) != chat.Internal {
			t.Errorf("Verify against %q = %v, %v", hash, ok, err)
		} else if strings.Contains(err.Error(), hash) && len(hash) > 1 {
			t.Errorf("the error quotes the hash: %v", err)
		}
		if p.Outdated(hash) {
			t.Errorf("%q is outdated", hash)
		}
	}
	if !p.Outdated(good) {
		t.Error("a hash with lesser parameters is not outdated")
	}
}

func FuzzParsePHC(f *testing.F) {
	f.Add(cheapHash("correct horse"))
	f.Add("$argon2id$v=19$m=32768,t=2,p=1$c2FsdHNhbHQ$a2V5a2V5a2V5")
	f.Add("$argon2id$v=19$m=,t=,p=$$")
	f.Fuzz(func(t *testing.T, s string) {
		h, err := parsePHC(s)
		if err != nil {
			return
		}
		again, err := parsePHC(h.String())
		if err != nil || again.String() != h.String() {
			t.Errorf("%q reads as %v, which reads as %v (%v)", s, h, again, err)
		}
	})
}

func BenchmarkHash(b *testing.B) {
	p := NewPasswords(1, nil)
	for b.Loop() {
		if _, err := p.Hash(b.Context(), "correct horse"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkVerifyRemembered(b *testing.B) {
	p := NewPasswords(1, nil)
	hash := cheapHash("correct horse")
	b.ReportAllocs()
	for b.Loop() {
		if ok, err := p.Verify(b.Context(), "alice", hash, "correct horse"); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
