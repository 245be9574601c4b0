-- SPDX-License-Identifier: Apache-2.0
-- Webhooks that are sent everything of their account's rooms.

-- +goose Up

ALTER TABLE push_subscriptions ADD COLUMN events TEXT NOT NULL DEFAULT 'notifications';

CREATE INDEX push_subscriptions_following ON push_subscriptions (user_id) WHERE events = 'messages';

-- A webhook's place in the log of each room that its account is in. Rows come and go with the memberships. What is to be sent is
-- what the log has behind after_seq: nothing is queued, so nothing is lost.
CREATE TABLE push_followers (
    subscription BLOB NOT NULL,
    room         INTEGER NOT NULL,
    after_seq    INTEGER NOT NULL, -- taken by the other side, or passed over, up to here
    due          INTEGER,          -- when to go on; NULL at the head of the log
    attempts     INTEGER NOT NULL, -- of the next event, that failed
    PRIMARY KEY (subscription, room)
) STRICT, WITHOUT ROWID;

CREATE INDEX push_followers_room ON push_followers (room);
CREATE INDEX push_followers_due ON push_followers (due) WHERE due IS NOT NULL;

-- Incoming webhooks of a room.
CREATE INDEX tokens_of_room ON tokens (scopes) WHERE kind = 'hook';

PRAGMA user_version = 11;
