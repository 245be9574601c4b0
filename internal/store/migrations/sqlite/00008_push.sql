-- SPDX-License-Identifier: Apache-2.0
-- Who is told of messages while away, and what is on its way to them.

-- +goose Up

CREATE TABLE push_subscriptions (
    id         BLOB PRIMARY KEY,
    user_id    TEXT NOT NULL,
    kind       TEXT NOT NULL, -- webpush, unifiedpush, webhook
    endpoint   TEXT NOT NULL,
    host       TEXT NOT NULL,
    p256dh     TEXT NOT NULL,
    auth       TEXT NOT NULL,
    device     TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX push_subscriptions_user ON push_subscriptions (user_id, kind, endpoint);
CREATE UNIQUE INDEX push_subscriptions_device ON push_subscriptions (endpoint) WHERE kind <> 'webhook';

CREATE TABLE quiet_hours (
    user_id TEXT PRIMARY KEY,
    begins  INTEGER NOT NULL, -- minutes after midnight
    ends    INTEGER NOT NULL,
    zone    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Messages of which somebody may have to be notified, until they have been looked at: written with the message. AUTOINCREMENT keeps
-- them in the order of their commits.
CREATE TABLE push_notable (
    num INTEGER PRIMARY KEY AUTOINCREMENT,
    pos INTEGER NOT NULL -- that of the log, see 00001
) STRICT;

-- Notifications: to be sent (due), or sent and perhaps to be withdrawn (due is NULL). AUTOINCREMENT: a late outcome must not meet
-- another one by its number.
CREATE TABLE push_outbox (
    num          INTEGER PRIMARY KEY AUTOINCREMENT,
    subscription BLOB NOT NULL,
    slot         INTEGER NOT NULL, -- of a device's the room, of a webhook's the pos: what there is only one of
    user_id      TEXT NOT NULL,
    host         TEXT NOT NULL,
    room         INTEGER NOT NULL,
    seq          INTEGER NOT NULL,
    why          TEXT NOT NULL,
    at           INTEGER NOT NULL, -- of the message
    due          INTEGER,
    attempts     INTEGER NOT NULL,
    shown        INTEGER NOT NULL, -- the seq that was sent last; 0 none
    closing      INTEGER NOT NULL  -- shown is to be withdrawn
) STRICT;

CREATE UNIQUE INDEX push_outbox_slot ON push_outbox (subscription, slot);
CREATE INDEX push_outbox_due ON push_outbox (due, host) WHERE due IS NOT NULL;
CREATE INDEX push_outbox_shown ON push_outbox (num) WHERE due IS NULL;

CREATE INDEX members_all ON members (room, user_id) WHERE notifications = 'all';

PRAGMA user_version = 8;
