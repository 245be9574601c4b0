// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"time"

	json "github.com/go-json-experiment/json"

	"parley/internal/chat"
)

// Subscribe is the payload of push/subscribe. What PushSubscription.toJSON() of a browser gives can be sent as it is.
type Subscribe struct {
	Envelope
	noTexts
	Endpoint string    `json:"endpoint" doc:"where to post to: the https URL of a push service or of a webhook" example:"https://push.example.net/s/8f3a"`
	Keys     *PushKeys `json:"keys,omitempty" doc:"what a device encrypts for; needed for Web Push"`
	Type     string    `json:"type,omitempty" doc:"absent: webpush" enum:"webpush unifiedpush webhook"`
	Events   string    `json:"events,omitempty" doc:"what is sent: notifications, while the user is away, or to a webhook everything in the user's rooms" enum:"notifications messages" default:"notifications"`
	Device   string    `json:"device,omitempty" doc:"a name that the client has for this device; a new subscription of it replaces the one before" example:"firefox-desk"`
}

// PushKeys are the keys of a Web Push subscription (RFC 8291), in base64url.
type PushKeys struct {
	P256dh string `json:"p256dh" doc:"the device's public key on the curve P-256, uncompressed"`
	Auth   string `json:"auth" doc:"the authentication secret of 16 bytes"`
}

// Unsubscribe is the payload of push/unsubscribe: which of one's own subscriptions end, by one of the fields.
type Unsubscribe struct {
	Envelope
	noTexts
	SubscriptionID string `json:"subscription_id,omitempty" doc:"one subscription" example:"01a203bb-3b1a-7e2e-bb09-74d95b232ca7"`
	Endpoint       string `json:"endpoint,omitempty" doc:"the one with that endpoint"`
	Device         string `json:"device,omitempty" doc:"the one of that device"`
}

// SetQuietHours is the payload of push/quiet_hours. Without fields there are none.
type SetQuietHours struct {
	Envelope
	noTexts
	From     string `json:"from,omitempty" doc:"the beginning, HH:MM" example:"22:00"`
	To       string `json:"to,omitempty" doc:"the end, HH:MM; before from it is on the next day" example:"07:00"`
	TimeZone string `json:"time_zone,omitempty" doc:"of the IANA database" example:"Europe/Berlin"`
}

// PushSubscription is a subscription as its owner sees it. The endpoint is a secret and not shown.
type PushSubscription struct {
	SubscriptionID string    `json:"subscription_id" doc:"its id" example:"01a203bb-3b1a-7e2e-bb09-74d95b232ca7"`
	Type           string    `json:"type" doc:"what is sent there" enum:"webpush unifiedpush webhook"`
	Events         string    `json:"events" doc:"what is sent" enum:"notifications messages"`
	Host           string    `json:"host" doc:"of the endpoint" example:"push.example.net"`
	Device         string    `json:"device,omitempty" doc:"the client's name for the device"`
	CreatedAt      Timestamp `json:"created_at" doc:"when it was made"`
}

// PushSubscriptionOf shows s.
func PushSubscriptionOf(s *chat.PushSubscription) PushSubscription {
	out := PushSubscription{SubscriptionID: s.ID.String(), Type: string(s.Kind), Events: s.Events, Host: s.Host, Device: s.Device, CreatedAt: Timestamp(s.CreatedAt)}
	if out.Events == "" { // of a request from before there was a choice
		out.Events = chat.EventsNotifications
	}
	return out
}

// Subscribed answers push/subscribe.
type Subscribed struct {
	Reply
	Subscription PushSubscription `json:"subscription" doc:"what was made"`
	Secret       string           `json:"secret,omitempty" doc:"of a webhook: what its signatures are checked with; always the same for this subscription"`
}

// Unsubscribed answers push/unsubscribe.
type Unsubscribed struct {
	Reply
	Count int `json:"count" doc:"how many subscriptions have ended" example:"1"`
}

// QuietHours are the hours in which a user is not disturbed.
type QuietHours struct {
	From     string `json:"from" doc:"HH:MM" example:"22:00"`
	To       string `json:"to" doc:"HH:MM" example:"07:00"`
	TimeZone string `json:"time_zone" doc:"of the IANA database" example:"Europe/Berlin"`
}

// QuietHoursOf shows q.
func QuietHoursOf(q *chat.QuietHours) *QuietHours {
	if q == nil {
		return nil
	}
	from, to := q.Clock()
	return &QuietHours{From: from, To: to, TimeZone: q.Zone}
}

// QuietHoursSet answers push/quiet_hours.
type QuietHoursSet struct {
	Reply
	QuietHours *QuietHours `json:"quiet_hours,omitempty" doc:"absent: there are none"`
}

// PushSubscriptions answers push/list.
type PushSubscriptions struct {
	Reply
	Subscriptions []PushSubscription `json:"subscriptions" doc:"one's own, the oldest first"`
	QuietHours    *QuietHours        `json:"quiet_hours,omitempty" doc:"absent: there are none"`
}

// PushSubscriptionsOf shows what somebody has.
func PushSubscriptionsOf(subs []chat.PushSubscription, q *chat.QuietHours) *PushSubscriptions {
	out := &PushSubscriptions{Reply: Reply{Status: "success"}, Subscriptions: make([]PushSubscription, len(subs)), QuietHours: QuietHoursOf(q)}
	for i := range subs {
		out.Subscriptions[i] = PushSubscriptionOf(&subs[i])
	}
	return out
}

// PushInfo is what info tells about push.
type PushInfo struct {
	VAPIDPublicKey string `json:"vapid_public_key" doc:"applicationServerKey of a Web Push subscription, in base64url"`
	Webhooks       bool   `json:"webhooks" doc:"there are hosts that webhooks may go to"`
	Messages       bool   `json:"messages" doc:"and they may be sent everything in their user's rooms"`
}

// The types of what is pushed.
const (
	PushMessage = "message" // show it
	PushClose   = "close"   // take what is shown under the tag away
)

// Notification is what a device is sent: the plaintext of a Web Push message. The texts are there as far as the operator allows.
type Notification struct {
	Type        string      `json:"type"`
	Tag         string      `json:"tag"` // one notification for each room is shown at a time
	RoomID      chat.RoomID `json:"room_id"`
	Seq         uint64      `json:"seq"` // of a close: everything up to it was read
	UserID      chat.UserID `json:"user_id"`
	MessageID   string      `json:"message_id,omitempty"`
	Why         string      `json:"why,omitempty"` // private, mention, reply or all
	MessageType string      `json:"message_type,omitempty"`
	Timestamp   *Timestamp  `json:"timestamp,omitempty"`
	RoomName    string      `json:"room_name,omitempty"`
	SenderID    chat.UserID `json:"sender_id,omitempty"`
	SenderName  string      `json:"sender_name,omitempty"`
	Content     string      `json:"content,omitempty"`
	FileName    string      `json:"file_name,omitempty"`
	ThreadID    string      `json:"thread_id,omitempty"`
}

// JSON is the notification as it is sent.
func (n *Notification) JSON() ([]byte, error) { return json.Marshal(n) }

// The types of webhooks.
const (
	WebhookMessage = "notification.message"
	WebhookClosed  = "notification.closed"
)

// Webhook is the body of a webhook, after the Standard Webhooks convention.
type Webhook struct {
	Type      string        `json:"type"`
	Timestamp string        `json:"timestamp"` // RFC 3339: of the message, or of its withdrawal
	Data      *Notification `json:"data"`
}

// WebhookOf wraps n for a webhook.
func WebhookOf(n *Notification, at chat.Time) *Webhook {
	w := &Webhook{Type: WebhookMessage, Timestamp: time.UnixMilli(int64(at)).UTC().Format(time.RFC3339Nano), Data: n}
	if n.Type == PushClose {
		w.Type = WebhookClosed
	}
	return w
}

// JSON is the webhook's body.
func (w *Webhook) JSON() ([]byte, error) { return json.Marshal(w) }
