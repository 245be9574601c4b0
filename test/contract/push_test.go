// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/app"
	"parley/test/systemtest"
)

// pushed is a POST that a push service got.
type pushed struct {
	path   string
	header http.Header
	body   []byte
}

// pushService is a push service over TLS on loopback. What it answers is sent to answers before; without, it is 201.
type pushService struct {
	*httptest.Server
	got     chan pushed
	answers chan func(http.ResponseWriter)
}

func newPushService(t *testing.T) *pushService {
	s := &pushService{got: make(chan pushed, 100), answers: make(chan func(http.ResponseWriter), 100)}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		select {
		case answer := <-s.answers:
			answer(w)
		default:
			w.WriteHeader(http.StatusCreated)
		}
		s.got <- pushed{r.URL.Path, r.Header, body}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *pushService) next(t *testing.T) pushed {
	t.Helper()
	select {
	case p := <-s.got:
		return p
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was pushed")
	}
	panic("unreachable")
}

// inside is a server that may call this service, by a clock that the test sets.
func (s *pushService) inside(clock *systemtest.Clock) app.Inside {
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return app.Inside{Now: clock.Now, Push: app.PushInside{Loopback: true, Roots: roots}}
}

// browser has the keys of a Web Push subscription.
type browser struct {
	key  *ecdh.PrivateKey
	auth []byte
}

func newBrowser(t *testing.T) *browser {
	key, err := ecdh.P256().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{key: key, auth: make([]byte, 16)}
	rand.Read(b.auth)
	return b
}

// subscription is what PushSubscription.toJSON() says.
func (b *browser) subscription(endpoint string) string {
	return fmt.Sprintf(`{"endpoint":%q,"expirationTime":null,"keys":{"p256dh":%q,"auth":%q}}`, endpoint,
		base64.RawURLEncoding.EncodeToString(b.key.PublicKey().Bytes()), base64.RawURLEncoding.EncodeToString(b.auth))
}

// decrypt reads a notification.
func (b *browser) decrypt(t *testing.T, body []byte) map[string]any {
	t.Helper()
	plain := b.open(t, body)
	var out map[string]any
	if err := json.Unmarshal(plain, &out); err != nil {
		t.Fatalf("%v in %q", err, plain)
	}
	return out
}

// open reads a body after RFC 8291 and RFC 8188.
func (b *browser) open(t *testing.T, body []byte) []byte {
	t.Helper()
	if len(body) < 21+65 || int(body[20]) != 65 {
		t.Fatalf("a body of %d bytes without a key", len(body))
	}
	salt, size, idLength := body[:16], binary.BigEndian.Uint32(body[16:20]), int(body[20])
	id, text := body[21:21+idLength], body[21+idLength:]
	if len(body) > 4096 || uint32(len(text)) > size {
		t.Errorf("a body of %d bytes, a record of %d", len(body), size)
	}
	other, err := ecdh.P256().NewPublicKey(id)
	if err != nil {
		t.Fatal(err)
	}
	shared, err := b.key.ECDH(other)
	if err != nil {
		t.Fatal(err)
	}
	derive := func(secret, salt []byte, info string, n int) []byte {
		out, err := hkdf.Key(sha256.New, secret, salt, info, n)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	ikm := derive(shared, b.auth, "WebPush: info\x00"+string(b.key.PublicKey().Bytes())+string(id), 32)
	block, err := aes.NewCipher(derive(ikm, salt, "Content-Encoding: aes128gcm\x00", 16))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gcm.Open(nil, derive(ikm, salt, "Content-Encoding: nonce\x00", 12), text, nil)
	if err != nil {
		t.Fatalf("the message cannot be decrypted: %v", err)
	}
	plain = bytes.TrimRight(plain, "\x00")
	if len(plain) == 0 || plain[len(plain)-1] != 2 {
		t.Fatalf("no delimiter after %q", plain)
	}
	return plain[:len(plain)-1]
}

// What reads the notifications here reads the example of RFC 8291, section 5 and appendix A, too: so what it reads is after that.
func TestExampleOfWebPush(t *testing.T) {
	t.Parallel()
	bytesOf := func(text string) []byte {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	key, err := ecdh.P256().NewPrivateKey(bytesOf("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"))
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{key: key, auth: bytesOf("BTBZMqHH6r4Tts7J_aSIgg")}
	body := "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml" +
		"mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT" +
		"pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
	if got := b.open(t, bytesOf(body)); string(got) != "When I grow up, I want to be a watermelon" {
		t.Errorf("it says %q", got)
	}
}

// web asks over HTTP: a user who does so is not there.
func web(t *testing.T, s *systemtest.Server, user, route, payload string) map[string]any {
	t.Helper()
	answer := s.HTTP(t, http.MethodPost, s.Token(user), route, payload, "Content-Type", "application/json")
	var out map[string]any
	if err := json.Unmarshal(answer.Body, &out); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%s by %s: %d %s (%v)", route, user, answer.Status, answer.Body, err)
	}
	return out
}

// checkVAPID verifies who signed a push, with the key that info tells.
func checkVAPID(t *testing.T, authorization, public, audience string) {
	t.Helper()
	var token, key string
	for part := range strings.SplitSeq(strings.TrimPrefix(authorization, "vapid "), ",") {
		switch name, value, _ := strings.Cut(strings.TrimSpace(part), "="); name {
		case "t":
			token = value
		case "k":
			key = value
		}
	}
	if key != public {
		t.Errorf("signed with the key %s, info tells %s", key, public)
	}
	point, err := base64.RawURLEncoding.DecodeString(key)
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		t.Fatal(err)
	}
	var claims jwt.RegisteredClaims
	if _, err := jwt.ParseWithClaims(token, &claims, func(*jwt.Token) (any, error) { return verifier, nil }, jwt.WithAudience(audience), jwt.WithExpirationRequired(),
		jwt.WithValidMethods([]string{"ES256"})); err != nil {
		t.Fatalf("VAPID: %v", err)
	}
	// RFC 8292, section 2: no longer than a day, and a way to reach the operator.
	if time.Until(claims.ExpiresAt.Time) > 24*time.Hour || claims.Subject != "mailto:"+app.DefaultPushContact {
		t.Errorf("VAPID: until %v, for %q", claims.ExpiresAt, claims.Subject)
	}
}

// Section 6, push: who is away is told, encrypted for their device, also when the server stopped in between; and no more once
// they have read it elsewhere.
func TestWebPush(t *testing.T) {
	t.Parallel()
	service, clock, bobs := newPushService(t), &systemtest.Clock{}, newBrowser(t)
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock)})
	public := web(t, s, "bob", "info", "")["push"].(map[string]any)["vapid_public_key"].(string)
	web(t, s, "bob", "push/subscribe", bobs.subscription(service.URL+"/bob"))
	web(t, s, "alice", "private/bob", `{"content":"are you there?"}`)
	s.Restart()
	select {
	case p := <-service.got:
		t.Fatalf("pushed before bob was away for long: %v", p)
	default:
	}
	clock.Jump(10 * time.Second)
	first := service.next(t)
	checkVAPID(t, first.header.Get("Authorization"), public, service.URL)
	if first.path != "/bob" || first.header.Get("Content-Encoding") != "aes128gcm" || first.header.Get("Urgency") != "high" ||
		len(first.header.Get("Topic")) != 32 || first.header.Get("Ttl") == "" {
		t.Errorf("pushed to %s with %v", first.path, first.header)
	}
	said := bobs.decrypt(t, first.body)
	for field, want := range map[string]any{"type": "message", "tag": "private:alice:bob", "room_id": "private:alice:bob", "seq": 1.0, "user_id": "bob",
		"why": "private", "sender_id": "alice", "sender_name": "Alice", "content": "are you there?", "message_type": "text"} {
		if said[field] != want {
			t.Errorf("%s is %v, want %v", field, said[field], want)
		}
	}
	s.Until("push_sent_total", func(n float64) bool { return n == 1 })
	web(t, s, "bob", "read/private:alice:bob", `{}`)
	second := service.next(t)
	closing := bobs.decrypt(t, second.body)
	if closing["type"] != "close" || closing["tag"] != said["tag"] || closing["seq"] != 1.0 || closing["content"] != nil {
		t.Errorf("withdrawn with %v", closing)
	}
	if len(second.body) != len(first.body) { // whose size would tell who carries it what it is
		t.Errorf("bodies of %d and %d bytes", len(first.body), len(second.body))
	}
	if second.header.Get("Topic") != first.header.Get("Topic") {
		t.Error("the withdrawal does not take the place of what waits at the push service")
	}
	// What is read before its time is not sent at all: the next thing that is comes from carol.
	web(t, s, "alice", "private/bob", `{"content":"never mind"}`)
	web(t, s, "bob", "read/private:alice:bob", `{}`)
	web(t, s, "carol", "private/bob", `{"content":"and me?"}`)
	clock.Jump(10 * time.Second)
	if third := bobs.decrypt(t, service.next(t).body); third["sender_id"] != "carol" {
		t.Errorf("pushed %v", third)
	}
	if text := s.Log(); strings.Contains(text, service.URL+"/bob") {
		t.Errorf("an endpoint is in the log:\n%s", text)
	}
}

// Of a room: mentions and replies, and no more unless the member asks for it.
func TestPushOfARoom(t *testing.T) {
	t.Parallel()
	service, clock, bobs := newPushService(t), &systemtest.Clock{}, newBrowser(t)
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock)})
	web(t, s, "alice", "rooms/create", `{"room_id":"general","name":"General"}`)
	web(t, s, "bob", "rooms/join/general", "")
	web(t, s, "bob", "push/subscribe", bobs.subscription(service.URL+"/bob"))
	mine := web(t, s, "bob", "message/general", `{"content":"a question"}`)
	expect := func(why, text string) {
		t.Helper()
		clock.Jump(10 * time.Second)
		got := bobs.decrypt(t, service.next(t).body)
		if got["why"] != why || got["content"] != text || got["room_name"] != "General" {
			t.Errorf("pushed %v, want %s: %s", got, why, text)
		}
	}
	web(t, s, "alice", "message/general", `{"content":"nothing for anybody"}`)
	web(t, s, "alice", "message/general", `{"content":"lunch, @bob?"}`)
	expect("mention", "lunch, @bob?")
	web(t, s, "alice", "message/"+mine["message_id"].(string)+"/reply", `{"content":"an answer"}`)
	expect("reply", "an answer")
	web(t, s, "bob", "rooms/general/prefs", `{"notifications":"all"}`)
	web(t, s, "alice", "message/general", `{"content":"anything"}`)
	expect("all", "anything")
	web(t, s, "bob", "rooms/general/prefs", `{"notifications":"none"}`)
	web(t, s, "alice", "message/general", `{"content":"@bob, again"}`)
	web(t, s, "carol", "private/bob", `{"content":"the end"}`)
	clock.Jump(10 * time.Second)
	for got := bobs.decrypt(t, service.next(t).body); got["content"] != "the end"; got = bobs.decrypt(t, service.next(t).body) {
		if got["type"] != "close" {
			t.Errorf("pushed %v to somebody who wants nothing", got)
		}
	}
}

// Webhooks are signed, tried again, and end when the other side says so.
func TestWebhook(t *testing.T) {
	t.Parallel()
	service, clock := newPushService(t), &systemtest.Clock{}
	s := systemtest.Start(t, systemtest.Config{Inside: service.inside(clock), Change: func(c *app.Config) { c.Push.WebhookHosts = []string{"127.0.0.1"} }})
	made := web(t, s, "bob", "push/subscribe", fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, service.URL+"/hook"))
	verifier, err := standardwebhooks.NewWebhook(made["secret"].(string))
	if err != nil {
		t.Fatal(err)
	}
	service.answers <- func(w http.ResponseWriter) {
		w.Header().Set("Retry-After", "100")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	web(t, s, "alice", "private/bob", `{"content":"secret words"}`)
	clock.Jump(10 * time.Second)
	first := service.next(t)
	s.Until("push_failed_total", func(n float64) bool { return n == 1 })
	clock.Jump(101 * time.Second)
	second := service.next(t)
	for _, p := range []pushed{first, second} {
		if err := verifier.VerifyIgnoringTimestamp(p.body, p.header); err != nil {
			t.Errorf("the signature: %v", err)
		}
		var hook struct {
			Type string         `json:"type"`
			Data map[string]any `json:"data"`
		}
		if err := json.Unmarshal(p.body, &hook); err != nil || hook.Type != "notification.message" || hook.Data["sender_id"] != "alice" {
			t.Errorf("a webhook of %s (%v)", p.body, err)
		}
		if bytes.Contains(p.body, []byte("secret words")) {
			t.Error("the text is in a webhook, which the operator did not allow")
		}
	}
	if first.header.Get("Webhook-Id") != second.header.Get("Webhook-Id") {
		t.Error("a repetition has another id")
	}
	service.answers <- func(w http.ResponseWriter) { w.WriteHeader(http.StatusGone) }
	web(t, s, "alice", "private/bob", `{"content":"more"}`)
	clock.Jump(10 * time.Second)
	service.next(t)
	s.Until("push_subscriptions_ended_total", func(n float64) bool { return n == 1 })
	endedFor(t, s)
}

// endedFor waits until bob has no subscription: it ends a moment after the answer.
func endedFor(t *testing.T, s *systemtest.Server) {
	t.Helper()
	web(t, s, "bob", "push/unsubscribe", `{"device":"none"}`) // whatever was submitted before is done when this is
	if left := web(t, s, "bob", "push/list", "")["subscriptions"].([]any); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
