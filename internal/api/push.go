// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// Push is what clients have to know of how pushes are signed.
type Push struct {
	VAPIDPublicKey string                            // empty: there are no pushes
	WebhookSecret  func(subscription chat.ID) string // what the webhooks of a subscription are signed with
}

func (a *API) pushRoutes(chat *topic.Group[Caller]) {
	push := chat.Group("push")
	topic.Handle[wire.Subscribe, wire.Subscribed](push, "subscribe", a.subscribe, topic.QoS(1),
		topic.Doc("Have this device, or a webhook, told of messages while one is away; or a webhook sent everything"),
		answers("push_subscribed", "everybody who is signed in; webhooks to hosts that the operator allows", "forbidden"))
	topic.Handle[wire.Unsubscribe, wire.Unsubscribed](push, "unsubscribe", a.unsubscribe, topic.QoS(1), topic.Doc("End push subscriptions of one's own"),
		answers("push_unsubscribed", "everybody who is signed in", ""))
	topic.Handle[wire.Empty, wire.PushSubscriptions](push, "list", a.listSubscriptions, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("One's own push subscriptions and quiet hours"),
		answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.SetQuietHours, wire.QuietHoursSet](push, "quiet_hours", a.setQuietHours, topic.QoS(1), topic.Doc("Choose when not to be disturbed"),
		answers("quiet_hours_set", "everybody who is signed in", ""))
}

// pushInfo is the part of info about push.
func (a *API) pushInfo() *wire.PushInfo {
	if a.cfg.Push.VAPIDPublicKey == "" {
		return nil
	}
	l := a.chat.Limits()
	hosts := len(l.WebhookHosts) > 0
	return &wire.PushInfo{VAPIDPublicKey: a.cfg.Push.VAPIDPublicKey, Webhooks: hosts, Messages: hosts && l.WebhookTexts}
}

func (a *API) subscribe(_ context.Context, req *Request, in *wire.Subscribe) topic.Result {
	if in.Events == chat.EventsMessages && !req.Caller.Scopes.Allow(auth.ScopeRead) { // deliveries, on another way
		return topic.Done(nil, outOfScope(auth.ScopeRead))
	}
	n := chat.NewPushSubscription{Kind: chat.PushKind(in.Type), Endpoint: in.Endpoint, Device: in.Device, Events: in.Events}
	if in.Keys != nil {
		n.P256dh, n.Auth = in.Keys.P256dh, in.Keys.Auth
	}
	return later(a.chat.Subscribe(call(req, in), n), func(v chat.Subscribed) wire.Replier {
		out := &wire.Subscribed{Reply: status("push_subscribed", v.Repeat), Subscription: wire.PushSubscriptionOf(&v.Subscription)}
		if v.Subscription.Kind == chat.Webhook && a.cfg.Push.WebhookSecret != nil {
			out.Secret = a.cfg.Push.WebhookSecret(v.Subscription.ID)
		}
		return out
	})
}

func (a *API) unsubscribe(_ context.Context, req *Request, in *wire.Unsubscribe) topic.Result {
	var id chat.ID
	if in.SubscriptionID != "" {
		var ok bool
		if id, ok = chat.ParseID(in.SubscriptionID); !ok {
			return topic.Done(nil, chat.Refuse(chat.BadRequest, "subscription_id: is not the id of a subscription"))
		}
	}
	return later(a.chat.Unsubscribe(call(req, in), id, in.Endpoint, in.Device), func(v chat.Unsubscribed) wire.Replier {
		return &wire.Unsubscribed{Reply: status("push_unsubscribed", v.Repeat), Count: v.Count}
	})
}

func (a *API) listSubscriptions(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		subs, quiet, err := a.chat.Subscriptions(ctx, who)
		if err != nil {
			return nil, fmt.Errorf("api: push subscriptions: %w", err)
		}
		return wire.PushSubscriptionsOf(subs, quiet), nil
	})
}

func (a *API) setQuietHours(_ context.Context, req *Request, in *wire.SetQuietHours) topic.Result {
	q, err := chat.ParseQuietHours(in.From, in.To, in.TimeZone)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.SetQuietHours(call(req, in), q), func(v chat.QuietHoursSet) wire.Replier {
		return &wire.QuietHoursSet{Reply: status("quiet_hours_set", v.Repeat), QuietHours: wire.QuietHoursOf(v.Hours)}
	})
}
