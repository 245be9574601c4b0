// SPDX-License-Identifier: Apache-2.0

package push

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	webpush "github.com/SherClockHolmes/webpush-go"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"parley/internal/chat"
)

// caller speaks to the other side.
type caller struct {
	client  *http.Client
	keys    *Keys
	contact string // of the operator, for push services: an address or an https URL
	texts   Texts
	now     func() time.Time
}

// answer is what came of a call.
type answer struct {
	status     int // 0: there was none
	retryAfter time.Duration
	err        error // without the URL, which is a secret
}

// call sends a notice once.
func (c *caller) call(ctx context.Context, n *chat.Notice) answer {
	return c.answered(ctx, func(ctx context.Context) (*http.Response, error) { return c.post(ctx, n) })
}

// answered posts once, and reads what is answered.
func (c *caller) answered(ctx context.Context, post func(context.Context) (*http.Response, error)) answer {
	ctx, cancel := callContext(ctx)
	defer cancel()
	response, err := post(ctx)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return answer{err: err}
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswerBytes)
	return answer{status: response.StatusCode, retryAfter: retryAfter(response.Header.Get("Retry-After"), c.now())}
}

func (c *caller) post(ctx context.Context, n *chat.Notice) (*http.Response, error) {
	now := c.now()
	body, err := c.texts.body(n, chat.TimeOf(now))
	if err != nil {
		return nil, err
	}
	ttl := chat.MaxPushAge
	urgency := webpush.UrgencyNormal
	if m := n.Message; m != nil {
		ttl = max(ttl-chat.TimeOf(now).Sub(m.At), 0)
		if n.Why != chat.WhyAll {
			urgency = webpush.UrgencyHigh
		}
	}
	switch n.Subscription.Kind {
	case chat.WebPush:
		return webpush.SendNotificationWithContext(ctx, body, &webpush.Subscription{Endpoint: n.Subscription.Endpoint,
			Keys: webpush.Keys{Auth: n.Subscription.Auth, P256dh: n.Subscription.P256dh}}, &webpush.Options{
			HTTPClient: c.client, Subscriber: c.contact, Topic: topic(n), TTL: int(ttl.Seconds()), Urgency: urgency,
			VAPIDPublicKey: c.keys.Public(), VAPIDPrivateKey: c.keys.private()})
	case chat.UnifiedPush:
		return c.do(ctx, &n.Subscription, body, http.Header{"Content-Type": {"application/json"}, "Ttl": {strconv.Itoa(int(ttl.Seconds()))},
			"Topic": {topic(n)}, "Urgency": {string(urgency)}})
	case chat.Webhook:
		return c.signed(ctx, &n.Subscription, webhookID(n), body)
	}
	return nil, fmt.Errorf("push: a subscription of kind %q cannot be served", n.Subscription.Kind)
}

// signed posts to a webhook, with a signature after the Standard Webhooks convention.
func (c *caller) signed(ctx context.Context, sub *chat.PushSubscription, id string, body []byte) (*http.Response, error) {
	signer, err := standardwebhooks.NewWebhook(c.keys.WebhookSecret(sub.ID))
	if err != nil {
		return nil, err
	}
	now := c.now()
	signature, err := signer.Sign(id, now, body)
	if err != nil {
		return nil, err
	}
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set(standardwebhooks.HeaderWebhookID, id)
	header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return c.do(ctx, sub, body, header)
}

func (c *caller) do(ctx context.Context, sub *chat.PushSubscription, body []byte, header http.Header) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, sub.Endpoint, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header = header
	r.Header.Set("User-Agent", "parley")
	return c.client.Do(r)
}

// webhookID is the same at each try, and another one for each thing that is told.
func webhookID(n *chat.Notice) string {
	id := n.Subscription.ID.String() + "." + strconv.FormatInt(n.Room.Num, 10) + "." + strconv.FormatUint(n.Seq, 10)
	if n.Message == nil {
		return id + ".closed"
	}
	return id
}

// retryAfter reads the header of that name: seconds, or a date. 0: there is none that can be read.
func retryAfter(text string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// fate is what an answer means for the push.
type fate uint8

const (
	taken  fate = iota
	again       // later
	gone        // the subscription ended
	futile      // trying again helps nothing
)

func (a answer) fate() fate {
	switch {
	case a.err != nil:
		if errors.Is(a.err, errAddress) {
			return futile
		}
		return again
	case a.status >= 200 && a.status < 300:
		return taken
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		return gone
	case a.status == http.StatusTooManyRequests || a.status == http.StatusRequestTimeout || a.status == http.StatusTooEarly || a.status >= 500:
		return again
	}
	return futile
}

// reason is a word for the metrics of what failed.
func (a answer) reason() string {
	switch {
	case errors.Is(a.err, errAddress):
		return "address"
	case a.err != nil:
		return "network"
	case a.status == http.StatusTooManyRequests:
		return "rate_limited"
	case a.status >= 500:
		return "server_error"
	case a.status >= 300 && a.status < 400:
		return "redirect"
	case a.status == http.StatusNotFound || a.status == http.StatusGone:
		return "gone"
	}
	return "refused"
}

// The bounds of backing off.
const (
	firstBackoff = 10 * time.Second
	maxBackoff   = time.Hour
)

// backoff is how long to wait after an attempt has failed, the first being 1: twice as long each time, within half of it more or
// less, so that those who failed together do not come back together. random is in [0, 1).
func backoff(attempt int, random float64) time.Duration {
	d := maxBackoff
	if shift := max(attempt-1, 0); shift < 20 {
		d = min(firstBackoff<<shift, maxBackoff)
	}
	return d/2 + time.Duration(random*float64(d))
}
