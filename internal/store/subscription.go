// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"fmt"

	"parley/internal/chat"
)

const (
	subscriptionColumns = `p.id, p.user_id, p.kind, p.endpoint, p.host, p.p256dh, p.auth, p.device, p.created_at, p.events`
	subscriptionWidth   = 10

	ofUserQuery = `SELECT ` + subscriptionColumns + ` FROM push_subscriptions p WHERE p.user_id = ? ORDER BY p.created_at, p.id`
)

func readSubscription(r row) chat.PushSubscription {
	p := chat.PushSubscription{User: chat.UserID(r.text(1)), Kind: chat.PushKind(r.text(2)), Endpoint: r.text(3), Host: r.text(4), P256dh: r.text(5),
		Auth: r.text(6), Device: r.text(7), CreatedAt: chat.Time(r.int(8)), Events: r.text(9)}
	copy(p.ID[:], r.blob(0))
	return p
}

// PushSubscriptions implements chat.PushSubscriptionTx.
func (t *tx) PushSubscriptions(u chat.UserID) ([]chat.PushSubscription, error) {
	var found []chat.PushSubscription
	err := t.c.query(func(r row) error {
		found = append(found, readSubscription(r))
		return nil
	}, ofUserQuery, string(u))
	return found, t.fail("list a user's push subscriptions", err)
}

// DeviceEndpoint implements chat.PushSubscriptionTx.
func (t *tx) DeviceEndpoint(endpoint string) (found *chat.PushSubscription, err error) {
	_, err = t.c.one(func(r row) {
		p := readSubscription(r)
		found = &p
	}, `SELECT `+subscriptionColumns+` FROM push_subscriptions p WHERE p.endpoint = ? AND p.kind <> 'webhook'`, endpoint)
	return found, t.fail("find the push subscription of an endpoint", err)
}

// PutPushSubscription implements chat.PushSubscriptionTx.
func (t *tx) PutPushSubscription(s *chat.PushSubscription) error {
	t.push = pushState{}
	err := t.exec("subscribe to push", `INSERT INTO push_subscriptions (id, user_id, kind, endpoint, host, p256dh, auth, device, created_at, events)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET kind = excluded.kind, endpoint = excluded.endpoint, host = excluded.host, p256dh = excluded.p256dh,
			auth = excluded.auth, device = excluded.device, events = excluded.events`,
		s.ID[:], string(s.User), string(s.Kind), s.Endpoint, s.Host, s.P256dh, s.Auth, s.Device, int64(s.CreatedAt), s.Events)
	if err != nil {
		return err
	}
	if s.Events == chat.EventsMessages { // what waits there as a notification is not sent
		if err := t.exec("forget a subscription's notifications", `DELETE FROM push_outbox WHERE subscription = ?`, s.ID[:]); err != nil {
			return err
		}
	}
	return t.followAll(s)
}

// RemovePushSubscription implements chat.PushSubscriptionTx: with what is on its way there.
func (t *tx) RemovePushSubscription(s *chat.PushSubscription) error {
	t.push = pushState{}
	if err := t.exec("end a push subscription", `DELETE FROM push_outbox WHERE subscription = ?`, s.ID[:]); err != nil {
		return err
	}
	if err := t.exec("end a push subscription", `DELETE FROM push_followers WHERE subscription = ?`, s.ID[:]); err != nil {
		return err
	}
	return t.exec("end a push subscription", `DELETE FROM push_subscriptions WHERE id = ?`, s.ID[:])
}

// SetQuietHours implements chat.PushSubscriptionTx.
func (t *tx) SetQuietHours(u chat.UserID, q *chat.QuietHours) error {
	if q == nil {
		return t.exec("end quiet hours", `DELETE FROM quiet_hours WHERE user_id = ?`, string(u))
	}
	return t.exec("set quiet hours", `INSERT INTO quiet_hours (user_id, begins, ends, zone) VALUES (?, ?, ?, ?)
		ON CONFLICT (user_id) DO UPDATE SET begins = excluded.begins, ends = excluded.ends, zone = excluded.zone`,
		string(u), int64(q.From), int64(q.To), q.Zone)
}

// PushSubscriptionsOf implements chat.PushSubscriptionReader.
func (s *SQLite) PushSubscriptionsOf(ctx context.Context, u chat.UserID) ([]chat.PushSubscription, error) {
	var found []chat.PushSubscription
	err := s.read.rows(ctx, nil, &s.read.push.ofUser, subscriptionWidth, func(r row) error {
		found = append(found, readSubscription(r))
		return nil
	}, string(u))
	if err != nil {
		return nil, fmt.Errorf("store: list push subscriptions: %w", err)
	}
	return found, nil
}

// ReadPushSubscription implements chat.PushSubscriptionReader.
func (s *SQLite) ReadPushSubscription(ctx context.Context, id chat.ID) (found *chat.PushSubscription, err error) {
	err = s.read.rows(ctx, nil, &s.read.push.byID, subscriptionWidth, func(r row) error {
		p := readSubscription(r)
		found = &p
		return nil
	}, id[:])
	if err != nil {
		return nil, fmt.Errorf("store: read a push subscription: %w", err)
	}
	return found, nil
}

// ReadQuietHours implements chat.PushSubscriptionReader.
func (s *SQLite) ReadQuietHours(ctx context.Context, u chat.UserID) (found *chat.QuietHours, err error) {
	err = s.read.rows(ctx, nil, &s.read.push.quiet, 3, func(r row) error {
		found = &chat.QuietHours{From: int(r.int(0)), To: int(r.int(1)), Zone: r.text(2)}
		return nil
	}, string(u))
	if err != nil {
		return nil, fmt.Errorf("store: read quiet hours: %w", err)
	}
	return found, nil
}
