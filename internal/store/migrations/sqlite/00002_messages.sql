-- SPDX-License-Identifier: Apache-2.0
-- What is attached to messages. pos is the message's place in the log, see 00001: what belongs to the beginning of a log
-- can be cut with it.

-- +goose Up

CREATE INDEX log_thread ON log (thread_id, pos) WHERE thread_id IS NOT NULL;

-- Texts that were replaced, for moderators.
CREATE TABLE message_versions (
    pos         INTEGER NOT NULL,
    seq         INTEGER NOT NULL, -- of the event that replaced it
    content     TEXT NOT NULL,
    at          INTEGER NOT NULL, -- when it was written
    replaced_at INTEGER NOT NULL,
    replaced_by TEXT NOT NULL,
    PRIMARY KEY (pos, seq)
) STRICT, WITHOUT ROWID;

-- One row per message, emoji and user; log.flags & 8 says that a message has some.
CREATE TABLE reactions (
    pos     INTEGER NOT NULL,
    emoji   TEXT NOT NULL,
    user_id TEXT NOT NULL,
    seq     INTEGER NOT NULL, -- of the event that added it
    PRIMARY KEY (pos, emoji, user_id)
) STRICT, WITHOUT ROWID;

-- How many users reacted with an emoji: never counted on reading.
CREATE TABLE reaction_counts (
    pos   INTEGER NOT NULL,
    emoji TEXT NOT NULL,
    n     INTEGER NOT NULL,
    PRIMARY KEY (pos, emoji)
) STRICT, WITHOUT ROWID;

CREATE TABLE pins (
    pos     INTEGER PRIMARY KEY,
    seq     INTEGER NOT NULL, -- of the event that pinned it
    user_id TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT;

CREATE TABLE reports (
    num         INTEGER PRIMARY KEY AUTOINCREMENT,
    pos         INTEGER NOT NULL,
    message_id  BLOB NOT NULL,
    reporter    TEXT NOT NULL,
    sender      TEXT NOT NULL,
    content     TEXT NOT NULL, -- as it was reported; empty once closed
    reason      TEXT NOT NULL,
    at          INTEGER NOT NULL,
    status      TEXT NOT NULL, -- open, resolved, dismissed
    closed_by   TEXT NOT NULL,
    closed_at   INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX reports_open ON reports (pos, reporter) WHERE status = 'open';

PRAGMA user_version = 2;
