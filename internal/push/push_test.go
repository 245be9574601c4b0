// SPDX-License-Identifier: Apache-2.0

package push

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"parley/internal/chat"
)

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"8.8.8.8": true, "2a00:1450::1": true, "64:ff9b::8.8.8.8": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "::1": false, "::": false, "fe80::1": false,
		"fd00::1": false, "ff02::1": false, "::ffff:10.0.0.1": false, "64:ff9b::127.0.0.1": false, "64:ff9b:1::1": false, "2002:7f00:1::": false,
		"2001::1": false, "2001:db8::1": false, "::10.0.0.1": false,
	} {
		if got := Public(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s: public %v, want %v", address, got, want)
		}
	}
}

// A name that leads inside is refused when the connection is made, and tried no more.
func TestNoWayInside(t *testing.T) {
	t.Parallel()
	c := caller{client: client(Transport(false, nil)), now: time.Now, texts: TextsAll}
	for _, endpoint := range []string{"https://localhost:1/x", "https://127.0.0.1:1/x", "https://[::1]:1/x", "http://8.8.8.8/"} {
		a := c.call(t.Context(), &chat.Notice{Subscription: chat.PushSubscription{Kind: chat.UnifiedPush, Endpoint: endpoint}, Room: &chat.Room{ID: "r"}})
		if !errors.Is(a.err, errAddress) || a.fate() != futile || strings.Contains(a.err.Error(), "/x") {
			t.Errorf("%s: %v", endpoint, a.err)
		}
		keys, err := NewKeys(append(make([]byte, 31), 1), []byte("secret"))
		if err != nil {
			t.Fatal(err)
		}
		r := NewRelay(RelayConfig{Keys: keys, Transport: Transport(false, nil), Now: time.Now, Random: func() float64 { return 0 }})
		a = r.post(t.Context(), &chat.Following{Subscription: chat.PushSubscription{Kind: chat.Webhook, Endpoint: endpoint}, Room: &chat.Room{ID: "r"},
			Event: &chat.Event{Kind: chat.Text}})
		if !errors.Is(a.err, errAddress) || strings.Contains(a.err.Error(), "/x") {
			t.Errorf("%s, as a webhook that follows: %v", endpoint, a.err)
		}
	}
}

func TestBackoff(t *testing.T) {
	t.Parallel()
	for attempt, want := range map[int]time.Duration{0: 10 * time.Second, 1: 10 * time.Second, 2: 20 * time.Second, 9: 2560 * time.Second, 10: time.Hour, 1000: time.Hour} {
		if low, high := backoff(attempt, 0), backoff(attempt, 0.999999); low != want/2 || high <= want || high > want*3/2 {
			t.Errorf("attempt %d: from %v to %v, want half of %v more or less", attempt, low, high, want)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	for status, want := range map[int]fate{200: taken, 201: taken, 301: futile, 400: futile, 403: futile, 404: gone, 410: gone, 413: futile, 429: again, 500: again, 503: again} {
		if got := (answer{status: status}).fate(); got != want {
			t.Errorf("%d: %v, want %v", status, got, want)
		}
	}
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Duration{"120": 2 * time.Minute, "": 0, "-1": 0, "soon": 0, now.Add(time.Hour).Format(http.TimeFormat): time.Hour,
		now.Add(-time.Hour).Format(http.TimeFormat): 0} {
		if got := retryAfter(text, now); got != want {
			t.Errorf("Retry-After %q: %v, want %v", text, got, want)
		}
	}
}

// A payload fits, whatever is in it, and texts go where the operator lets them.
func TestPayloads(t *testing.T) {
	t.Parallel()
	n := &chat.Notice{Room: &chat.Room{ID: "r", Name: strings.Repeat("\"", 100)}, Message: &chat.Event{Kind: chat.Text, Actor: "ann", ActorName: "Ann",
		Content: strings.Repeat("\\😀", 4000)}, Why: chat.WhyMention, Seq: 1, User: "bob"}
	for _, kind := range []chat.PushKind{chat.WebPush, chat.UnifiedPush, chat.Webhook} {
		n.Subscription.Kind = kind
		for _, texts := range []Texts{TextsAll, TextsEncrypted, TextsNone} {
			body, err := texts.body(n, 1)
			if err != nil || len(body) > maxPayload {
				t.Errorf("%s, %s: %d bytes, %v", kind, texts, len(body), err)
			}
			want := kind == chat.WebPush && texts != TextsNone || kind == chat.Webhook && texts == TextsAll
			if got := strings.Contains(string(body), "😀"); got != want {
				t.Errorf("%s, %s: has the text %v, want %v", kind, texts, got, want)
			}
			if kind == chat.UnifiedPush && strings.Contains(string(body), "ann") {
				t.Errorf("the sender is in an unencrypted push: %s", body)
			}
		}
	}
}
