// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// PushKind says how a subscription is served. The names are public and stored.
type PushKind string

// The kinds of subscriptions.
const (
	WebPush     PushKind = "webpush"     // RFC 8030, encrypted for the device (RFC 8291)
	UnifiedPush PushKind = "unifiedpush" // a plain POST, unencrypted
	Webhook     PushKind = "webhook"     // a POST with a signature, to a host that the operator allows
)

// MaxPushSubscriptions bounds how many subscriptions an account has.
const MaxPushSubscriptions = 16

// Bounds of what a subscription says: bytes of an endpoint, characters of a device's name.
const (
	maxEndpoint = 2048
	maxDevice   = 64
)

// PushSubscription is where a device, or a program, wants to be told while its user is away. The endpoint of a push service
// is a secret: whoever has it may post there. So it is not stored with the outcome of a request.
type PushSubscription struct {
	ID        ID       `json:"id"`
	User      UserID   `json:"user_id"`
	Kind      PushKind `json:"kind"`
	Endpoint  string   `json:"-"`
	Host      string   `json:"host"` // of the endpoint, with its port where it has one
	P256dh    string   `json:"-"`    // the device's public key, in base64url
	Auth      string   `json:"-"`    // the authentication secret, in base64url
	Device    string   `json:"device"`
	Events    string   `json:"events,omitempty"` // EventsNotifications or EventsMessages
	CreatedAt Time     `json:"created_at"`
}

// PushSubscriptionTx is about who is told where, and when not.
type PushSubscriptionTx interface {
	PushSubscriptions(u UserID) ([]PushSubscription, error) // the oldest first
	// DeviceEndpoint finds the subscription with an endpoint, of whomever; webhooks are none.
	DeviceEndpoint(endpoint string) (*PushSubscription, error)
	PutPushSubscription(s *PushSubscription) error // adds it, or replaces the one with its id
	RemovePushSubscription(s *PushSubscription) error
	// SetQuietHours stores them; nil removes them.
	SetQuietHours(u UserID, q *QuietHours) error
}

// PushSubscriptionReader reads it.
type PushSubscriptionReader interface {
	PushSubscriptionsOf(ctx context.Context, u UserID) ([]PushSubscription, error) // the oldest first
	ReadPushSubscription(ctx context.Context, id ID) (*PushSubscription, error)
	ReadQuietHours(ctx context.Context, u UserID) (*QuietHours, error)
}

// NewPushSubscription is a subscription that somebody wants.
type NewPushSubscription struct {
	Kind         PushKind // empty: WebPush
	Endpoint     string
	P256dh, Auth string
	Device       string
	Events       string // empty: EventsNotifications
}

// Subscribed is the outcome of Subscribe.
type Subscribed struct {
	Repeat
	Subscription PushSubscription `json:"subscription"`
}

// Subscribe has a device of the caller told of what happens while the caller is away. The same endpoint again changes the
// subscription, the same device replaces it. An endpoint of a push service belongs to one account: the latest to name it.
func (s *Service) Subscribe(call Call, n NewPushSubscription) *Pending[Subscribed] {
	if n.Kind == "" {
		n.Kind = WebPush
	}
	if n.Events == "" {
		n.Events = EventsNotifications
	}
	host, err := s.checkSubscription(n)
	if err != nil {
		return refused[Subscribed](err)
	}
	parts := []string{string(n.Kind), n.Endpoint, n.P256dh, n.Auth, n.Device}
	if n.Events != EventsNotifications { // a repeat of a request from before there was a choice is still one
		parts = append(parts, n.Events)
	}
	return submit[Subscribed](s, call, scope{}, "subscribe", parts, func(tx Tx, u *User) (Subscribed, error) {
		mine, err := tx.PushSubscriptions(u.ID)
		if err != nil {
			return Subscribed{}, err
		}
		fresh := PushSubscription{ID: s.newID(), User: u.ID, Kind: n.Kind, Endpoint: n.Endpoint, Host: host, P256dh: n.P256dh, Auth: n.Auth,
			Device: n.Device, Events: n.Events, CreatedAt: tx.Now()}
		var former []PushSubscription
		left := len(mine)
		for _, old := range mine {
			switch {
			case old.Endpoint == n.Endpoint && old.Kind == n.Kind:
				fresh.ID, fresh.CreatedAt = old.ID, old.CreatedAt
				left--
			case old.Endpoint == n.Endpoint, n.Device != "" && old.Device == n.Device && old.Kind == n.Kind:
				former = append(former, old)
				left--
			}
		}
		if left >= MaxPushSubscriptions {
			return Subscribed{}, Refuse(TooLarge, "you have %d subscriptions, which is the most; end some first", left)
		}
		if n.Events == EventsMessages {
			if err := mayFollow(tx, u.ID, slices.DeleteFunc(mine, func(p PushSubscription) bool {
				return slices.ContainsFunc(former, func(f PushSubscription) bool { return f.ID == p.ID })
			}), fresh.ID); err != nil {
				return Subscribed{}, err
			}
		}
		if n.Kind != Webhook {
			other, err := tx.DeviceEndpoint(n.Endpoint)
			if err != nil {
				return Subscribed{}, err
			}
			if other != nil && other.User != u.ID { // another user of the same browser
				former = append(former, *other)
			}
		}
		for i := range former {
			if err := tx.RemovePushSubscription(&former[i]); err != nil {
				return Subscribed{}, err
			}
		}
		return Subscribed{Subscription: fresh}, tx.PutPushSubscription(&fresh)
	})
}

// checkSubscription refuses what cannot be served, and tells the endpoint's host.
func (s *Service) checkSubscription(n NewPushSubscription) (host string, err error) {
	switch n.Kind {
	case WebPush, UnifiedPush, Webhook:
	default:
		return "", Refuse(BadRequest, "type: must be webpush, unifiedpush or webhook")
	}
	if utf8.RuneCountInString(n.Device) > maxDevice || !utf8.ValidString(n.Device) || strings.ContainsFunc(n.Device, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", Refuse(BadRequest, "device: must be at most %d characters in one line", maxDevice)
	}
	if n.Endpoint == "" {
		return "", Refuse(BadRequest, "endpoint: is missing; the https URL of a push service or a webhook")
	}
	if len(n.Endpoint) > maxEndpoint {
		return "", Refuse(TooLarge, "endpoint: longer than %d bytes", maxEndpoint)
	}
	u, parseErr := url.Parse(n.Endpoint)
	if parseErr != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Opaque != "" {
		return "", Refuse(BadRequest, "endpoint: must be an https URL with a host, without a user and a fragment")
	}
	host = strings.ToLower(u.Host)
	if n.Kind == Webhook && !s.webhookAllowed(host) {
		return "", Refuse(Forbidden, "endpoint: the operator of this server allows no webhooks to %q", host)
	}
	switch {
	case n.Events != EventsNotifications && n.Events != EventsMessages:
		return "", Refuse(BadRequest, "events: must be notifications or messages")
	case n.Events == EventsMessages && n.Kind != Webhook:
		return "", Refuse(BadRequest, "events: only a webhook is sent all messages")
	case n.Events == EventsMessages && !s.limit.WebhookTexts:
		return "", Refuse(Forbidden, "events: the operator of this server lets no texts into webhooks")
	}
	if n.Kind == WebPush {
		return host, checkKeys(n.P256dh, n.Auth)
	}
	if n.P256dh != "" || n.Auth != "" {
		return "", Refuse(BadRequest, "keys: only webpush has them; an endpoint of UnifiedPush with keys is of type webpush")
	}
	return host, nil
}

// checkKeys refuses keys that nothing can be encrypted for.
func checkKeys(p256dh, auth string) error {
	key, err := pushKey(p256dh)
	if err == nil {
		_, err = ecdh.P256().NewPublicKey(key)
	}
	if err != nil {
		return Refuse(BadRequest, "keys: p256dh must be a point on the curve P-256, uncompressed, in base64url")
	}
	if secret, err := pushKey(auth); err != nil || len(secret) != 16 {
		return Refuse(BadRequest, "keys: auth must be 16 bytes in base64url")
	}
	return nil
}

// pushKey decodes base64url, with padding or without.
func pushKey(text string) ([]byte, error) {
	return base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
}

// webhookAllowed tells whether webhooks may go to a host: the name of one that the operator listed, whatever the port, or with
// the port that was listed.
func (s *Service) webhookAllowed(host string) bool {
	name := host
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		name = host[:i]
	}
	for _, allowed := range s.limit.WebhookHosts {
		if strings.EqualFold(allowed, host) || strings.EqualFold(allowed, name) {
			return true
		}
	}
	return false
}

// Unsubscribed is the outcome of Unsubscribe.
type Unsubscribed struct {
	Repeat
	Count int `json:"count"`
}

// Unsubscribe ends those of the caller's subscriptions that have this id, this endpoint or this device; of the three one is
// given.
func (s *Service) Unsubscribe(call Call, id ID, endpoint, device string) *Pending[Unsubscribed] {
	given := 0
	for _, is := range []bool{!id.IsZero(), endpoint != "", device != ""} {
		if is {
			given++
		}
	}
	if given != 1 {
		return refused[Unsubscribed](Refuse(BadRequest, "subscription_id: give one of subscription_id, endpoint and device"))
	}
	return submit[Unsubscribed](s, call, scope{}, "unsubscribe", []string{id.String(), endpoint, device}, func(tx Tx, u *User) (Unsubscribed, error) {
		mine, err := tx.PushSubscriptions(u.ID)
		if err != nil {
			return Unsubscribed{}, err
		}
		var out Unsubscribed
		for i := range mine {
			if old := &mine[i]; !id.IsZero() && old.ID == id || endpoint != "" && old.Endpoint == endpoint || device != "" && old.Device == device {
				if err := tx.RemovePushSubscription(old); err != nil {
					return Unsubscribed{}, err
				}
				out.Count++
			}
		}
		return out, nil
	})
}

// forgetPushes ends all subscriptions of an account whose credentials are void: its devices have to sign in again.
func forgetPushes(tx Tx, u UserID) error {
	subs, err := tx.PushSubscriptions(u)
	if err != nil {
		return err
	}
	for i := range subs {
		if err := tx.RemovePushSubscription(&subs[i]); err != nil {
			return err
		}
	}
	return nil
}

// Subscriptions lists the caller's subscriptions, the oldest first, and their quiet hours, nil where there are none.
func (s *Service) Subscriptions(ctx context.Context, who Principal) ([]PushSubscription, *QuietHours, error) {
	subs, err := s.store.PushSubscriptionsOf(ctx, who.UserID)
	if err != nil {
		return nil, nil, err
	}
	q, err := s.store.ReadQuietHours(ctx, who.UserID)
	return subs, q, err
}

// QuietHours are when a user is not to be disturbed, each day: from From until To, minutes after midnight in Zone. A To that
// is not after From is on the next day.
type QuietHours struct {
	From int    `json:"from"`
	To   int    `json:"to"`
	Zone string `json:"zone"` // of the IANA database
}

// Ends tells when the quiet hours are over in which now is; false when it is in none.
func (q *QuietHours) Ends(now Time) (Time, bool) {
	zone, err := time.LoadLocation(q.Zone)
	if err != nil {
		return 0, false // a zone that there is no more: rather a push too many
	}
	t := time.UnixMilli(int64(now)).In(zone)
	at := func(days, minutes int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+days, 0, minutes, 0, 0, zone)
	}
	overnight := 0
	if q.To <= q.From {
		overnight = 1
	}
	for _, day := range []int{-1, 0} { // those that began yesterday, too
		if end := at(day+overnight, q.To); !t.Before(at(day, q.From)) && t.Before(end) {
			return TimeOf(end), true
		}
	}
	return 0, false
}

// Clock tells them as ParseQuietHours reads them.
func (q *QuietHours) Clock() (from, to string) {
	clock := func(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }
	return clock(q.From), clock(q.To)
}

// QuietHoursSet is the outcome of SetQuietHours.
type QuietHoursSet struct {
	Repeat
	Hours *QuietHours `json:"hours"`
}

// ParseQuietHours reads HH:MM and a time zone; all empty are none.
func ParseQuietHours(from, to, zone string) (*QuietHours, error) {
	if from == "" && to == "" && zone == "" {
		return nil, nil
	}
	q := &QuietHours{Zone: zone}
	for _, f := range []struct {
		name, text string
		to         *int
	}{{"from", from, &q.From}, {"to", to, &q.To}} {
		t, err := time.Parse("15:04", f.text)
		if err != nil || len(f.text) != len("15:04") {
			return nil, Refuse(BadRequest, "%s: must be a time of the day such as 22:00", f.name)
		}
		*f.to = t.Hour()*60 + t.Minute()
	}
	if q.From == q.To {
		return nil, Refuse(BadRequest, "to: must differ from from")
	}
	if _, err := time.LoadLocation(zone); err != nil || zone == "" || zone == "Local" {
		return nil, Refuse(BadRequest, "time_zone: must be a name of the IANA database such as Europe/Berlin")
	}
	return q, nil
}

// SetQuietHours says when the caller is not to be disturbed; nil is never.
func (s *Service) SetQuietHours(call Call, q *QuietHours) *Pending[QuietHoursSet] {
	var parts []string
	if q != nil {
		parts = []string{time.Duration(q.From).String(), time.Duration(q.To).String(), q.Zone}
	}
	return submit[QuietHoursSet](s, call, scope{}, "quiet hours", parts, func(tx Tx, u *User) (QuietHoursSet, error) {
		return QuietHoursSet{Hours: q}, tx.SetQuietHours(u.ID, q)
	})
}
