// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

const sessionColumns = `s.id, s.owner, s.client_id, s.version, s.expiry, s.disconnected_at, s.subscriptions`

const sessionWidth = 7

// subscription is how one subscription is stored, in a JSON array.
type subscription struct {
	Filter            string `json:"filter"`
	QoS               byte   `json:"qos,omitempty"`
	NoLocal           bool   `json:"no_local,omitempty"`
	RetainAsPublished bool   `json:"retain_as_published,omitempty"`
	RetainHandling    byte   `json:"retain_handling,omitempty"`
	ID                uint32 `json:"id,omitempty"` // MQTT 5 Subscription Identifier
}

// readSession reads sessionColumns.
func readSession(r row) (mqtt.StoredSession, error) {
	s := mqtt.StoredSession{
		ID:       mqtt.SessionID(r.int(0)),
		Owner:    r.text(1),
		ClientID: r.text(2),
		Version:  packet.Version(r.int(3)),
		Expiry:   uint32(r.int(4)),
	}
	if r[5] != nil {
		s.Disconnected = time.UnixMilli(r.int(5))
	}
	var stored []subscription
	if err := json.Unmarshal([]byte(r.text(6)), &stored); err != nil {
		return s, fmt.Errorf("subscriptions of session %d: %w", s.ID, err)
	}
	for _, sub := range stored {
		s.Subscriptions = append(s.Subscriptions, packet.Subscription{Filter: sub.Filter, QoS: sub.QoS, NoLocal: sub.NoLocal,
			RetainAsPublished: sub.RetainAsPublished, RetainHandling: sub.RetainHandling})
		s.SubscriptionIDs = append(s.SubscriptionIDs, sub.ID)
	}
	return s, nil
}

// expiryAt is when a session that disconnected at a moment is over: NULL for never.
func expiryAt(disconnected time.Time, expiry uint32) any {
	if expiry == math.MaxUint32 {
		return nil
	}
	return disconnected.UnixMilli() + int64(expiry)*1000
}

// LoadSession implements mqtt.SessionStore.
func (s *SQLite) LoadSession(ctx context.Context, owner, clientID string) (*mqtt.StoredSession, error) {
	found, err := s.loadSession(ctx, owner, clientID)
	if err != nil {
		return nil, fmt.Errorf("store: load a session: %w", err)
	}
	return found, nil
}

func (s *SQLite) loadSession(ctx context.Context, owner, clientID string) (*mqtt.StoredSession, error) {
	tx, err := s.read.snapshot(ctx, &s.read.session, &s.read.packets)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	var found *mqtt.StoredSession
	err = s.read.rows(ctx, tx, &s.read.session, sessionWidth, func(r row) error {
		stored, err := readSession(r)
		found = &stored
		return err
	}, owner, clientID, s.now().UnixMilli())
	if found == nil || err != nil {
		return nil, err
	}
	return found, s.read.rows(ctx, tx, &s.read.packets, 1, func(r row) error {
		found.Received = append(found.Received, uint16(r.int(0)))
		return nil
	}, int64(found.ID))
}

// SaveSession implements mqtt.SessionStore. An ID of 0 creates the session; one of the same owner and client id that is
// still stored, because it expired unnoticed, ends with all that belongs to it. A session that has ended in the meantime is
// not brought back: done gets an error.
func (s *SQLite) SaveSession(session *mqtt.StoredSession, done func(mqtt.SessionID, error)) {
	stored := make([]subscription, len(session.Subscriptions))
	for i, sub := range session.Subscriptions {
		stored[i] = subscription{Filter: sub.Filter, QoS: sub.QoS, NoLocal: sub.NoLocal,
			RetainAsPublished: sub.RetainAsPublished, RetainHandling: sub.RetainHandling}
		if i < len(session.SubscriptionIDs) {
			stored[i].ID = session.SubscriptionIDs[i]
		}
	}
	// Marshalling strings, numbers and booleans cannot fail.
	text, encodingErr := json.Marshal(stored)
	id, owner, clientID := int64(session.ID), session.Owner, session.ClientID
	version, expiry := int64(session.Version), int64(session.Expiry)
	var disconnected, expires any
	if !session.Disconnected.IsZero() {
		disconnected = session.Disconnected.UnixMilli()
		expires = expiryAt(session.Disconnected, session.Expiry)
	}
	saved := id
	s.Submit(&operation{
		apply: func(t *tx) error {
			if encodingErr != nil {
				return encodingErr
			}
			if id != 0 {
				t.writes++
				n, err := t.c.exec(`UPDATE sessions SET version = ?, expiry = ?, disconnected_at = ?, expires_at = ?,
					subscriptions = ? WHERE id = ?`, version, expiry, disconnected, expires, string(text), id)
				if err == nil && n == 0 {
					t.writes--
					return errNoSession
				}
				return t.fail("save a session", err)
			}
			err := t.exec("replace a session", `DELETE FROM sessions WHERE owner = ? AND client_id = ?`, owner, clientID)
			if err != nil {
				return err
			}
			saved, err = t.c.insert(`INSERT INTO sessions
				(owner, client_id, version, expiry, disconnected_at, expires_at, subscriptions) VALUES (?, ?, ?, ?, ?, ?, ?)`,
				owner, clientID, version, expiry, disconnected, expires, string(text))
			return t.fail("save a session", err)
		},
		done: func(err error) {
			if done == nil {
				return
			}
			if err != nil {
				done(0, err)
				return
			}
			done(mqtt.SessionID(saved), nil)
		},
	})
}

// DisconnectSession implements mqtt.SessionStore.
func (s *SQLite) DisconnectSession(id mqtt.SessionID, at time.Time, expiry uint32, done func(error)) {
	s.Submit(&operation{done: done, apply: func(t *tx) error {
		return t.exec("disconnect a session",
			`UPDATE sessions SET expiry = ?, disconnected_at = ?, expires_at = ? WHERE id = ?`,
			int64(expiry), at.UnixMilli(), expiryAt(at, expiry), int64(id))
	}})
}

// DeleteSession implements mqtt.SessionStore.
func (s *SQLite) DeleteSession(id mqtt.SessionID, done func(error)) {
	s.Submit(&operation{done: done, apply: func(t *tx) error {
		return t.exec("delete a session", `DELETE FROM sessions WHERE id = ?`, int64(id)) // packets and places cascade
	}})
}

// ReleasePacketID implements mqtt.SessionStore.
func (s *SQLite) ReleasePacketID(id mqtt.SessionID, packetID uint16, done func(error)) {
	s.Submit(&operation{done: done, apply: func(t *tx) error {
		return t.exec("release a packet id", `DELETE FROM packets WHERE session = ? AND packet_id = ?`,
			int64(id), int64(packetID))
	}})
}

// ExpiredSessions implements mqtt.SessionStore; Received is not filled in.
func (s *SQLite) ExpiredSessions(ctx context.Context, now time.Time, limit int) ([]mqtt.StoredSession, error) {
	return s.listSessions(ctx, &s.read.expired, now.UnixMilli(), unlimited(limit))
}

// OwnerSessions implements mqtt.SessionStore; Received is not filled in.
func (s *SQLite) OwnerSessions(ctx context.Context, owner string) ([]mqtt.StoredSession, error) {
	return s.listSessions(ctx, &s.read.owned, owner)
}

func (s *SQLite) listSessions(ctx context.Context, q *query, args ...any) ([]mqtt.StoredSession, error) {
	var found []mqtt.StoredSession
	err := s.read.rows(ctx, nil, q, sessionWidth, func(r row) error {
		stored, err := readSession(r)
		found = append(found, stored)
		return err
	}, args...)
	if err != nil {
		return nil, fmt.Errorf("store: list sessions: %w", err)
	}
	return found, nil
}

// disconnectAll notes that no session has a connection: what the process before this one could not say any more.
func disconnectAll(c *conn, now chat.Time) error {
	_, err := c.exec(`UPDATE sessions SET disconnected_at = ?1,
		expires_at = iif(expiry = 0xFFFFFFFF, NULL, ?1 + expiry * 1000) WHERE disconnected_at IS NULL`, int64(now))
	return err
}
