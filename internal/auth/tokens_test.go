// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"parley/internal/chat"
)

func TestTokenRoundTrip(t *testing.T) {
	clock := newClock()
	tokens := NewTokens(Secret{1}, clock.Now)
	token, expires, err := tokens.Issue("alice", 7, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if !expires.Equal(clock.Now().Add(time.Hour)) {
		t.Errorf("expires %v", expires)
	}
	c, err := tokens.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	if c.UserID != "alice" || c.Generation != 7 || c.ID == "" || !c.Expires.Equal(expires) || !c.IssuedAt.Equal(clock.Now()) {
		t.Errorf("claims %+v", c)
	}
	other, _, err := tokens.Issue("alice", 7, time.Hour)
	if err != nil || other == token {
		t.Errorf("two tokens are the same (error %v)", err)
	}
	if CheckPassword(token) == nil {
		t.Error("a token can be set as a password")
	}
	clock.Advance(time.Hour - time.Nanosecond)
	if _, err := tokens.Verify(token); err != nil {
		t.Errorf("in its last moment: %v", err)
	}
	clock.Advance(time.Nanosecond)
	if _, err := tokens.Verify(token); err != error(errExpired) {
		t.Errorf("when its time is over: %v", err)
	}
	clock.Advance(-10 * time.Hour)
	if _, err := tokens.Verify(token); err != nil {
		t.Errorf("on a clock that is behind: %v", err)
	}
}

func TestIssueRefuses(t *testing.T) {
	tokens := NewTokens(Secret{1}, nil)
	for name, c := range map[string]struct {
		user chat.UserID
		ttl  time.Duration
	}{
		"no name": {"", time.Hour}, "reserved": {"me", time.Hour}, "upper case": {"Alice", time.Hour},
		"negative": {"alice", -1}, "short": {"alice", time.Millisecond}, "long": {"alice", MaxTokenTTL + 1},
	} {
		if token, _, err := tokens.Issue(c.user, 0, c.ttl); token != "" || chat.CodeOf(err) != chat.BadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Every token that was not signed with this key and this algorithm is refused, and no refusal says what it was.
func TestForgedTokens(t *testing.T) {
	clock := newClock()
	tokens := NewTokens(Secret{1}, clock.Now)
	good, _, err := tokens.Issue("alice", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(good, ".")
	b64 := base64.RawURLEncoding
	claims := func(change map[string]any) map[string]any {
		m := map[string]any{"sub": "alice", "iat": clock.Now().Unix(), "exp": clock.Now().Add(time.Hour).Unix(), "jti": "x", "gen": 0}
		for k, v := range change {
			if v == nil {
				delete(m, k)
			} else {
				m[k] = v
			}
		}
		return m
	}
	sign := func(method jwt.SigningMethod, key any, m map[string]any) string {
		s, err := jwt.NewWithClaims(method, jwt.MapClaims(m)).SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	other, _, err := NewTokens(Secret{2}, clock.Now).Issue("alice", 0, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	bob, err := json.Marshal(claims(map[string]any{"sub": "bob"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tokens.Verify(sign(jwt.SigningMethodHS256, tokens.key, claims(nil))); err != nil {
		t.Fatalf("a token with the right key: %v", err)
	}
	key := Secret{1}
	forged := map[string]string{
		"another key":       other,
		"the secret itself": sign(jwt.SigningMethodHS256, key[:], claims(nil)),
		"alg none":          sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, claims(nil)),
		"alg none, dressed": b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + parts[1] + "." + parts[2],
		"alg HS512":         sign(jwt.SigningMethodHS512, tokens.key, claims(nil)),
		"no signature":      parts[0] + "." + parts[1] + ".",
		"another payload":   parts[0] + "." + b64.EncodeToString(bob) + "." + parts[2],
		"cut":               good[:len(good)-1],
		"longer":            good + "A",
		"padded":            good + "=",
		"four parts":        good + ".AAAA",
		"huge":              parts[0] + "." + strings.Repeat("A", 1<<20) + "." + parts[2],
		"empty":             "",
		"no expiry":         sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"exp": nil})),
		"no subject":        sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"sub": nil})),
		"reserved subject":  sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"sub": "system"})),
		"an unknown scope":  sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"scope": "read dance"})),
		"a blank scope":     sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"scope": " "})),
		"scope of a number": sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"scope": 1})),
		"expiry of text":    sign(jwt.SigningMethodHS256, tokens.key, claims(map[string]any{"exp": "soon"})),
	}
	for name, token := range forged {
		_, err := tokens.Verify(token)
		if err != error(errToken) {
			t.Errorf("%s: %v", name, err)
		}
		if honest(err) {
			t.Errorf("%s: counts as honest", name)
		}
	}
}

func FuzzVerifyToken(f *testing.F) {
	tokens := NewTokens(Secret{1}, newClock().Now)
	good, _, err := tokens.Issue("alice", 0, time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("eyJ.eyJ.eyJ")
	f.Add("eyJhbGciOiJub25lIn0.e30.AA")
	f.Fuzz(func(t *testing.T, token string) {
		c, err := tokens.Verify(token)
		if err == nil && c.UserID != "alice" {
			t.Errorf("forged: %q", token)
		}
	})
}

func BenchmarkVerifyToken(b *testing.B) {
	tokens := NewTokens(Secret{1}, nil)
	token, _, err := tokens.Issue("alice", 7, time.Hour)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tokens.Verify(token); err != nil {
			b.Fatal(err)
		}
	}
}
