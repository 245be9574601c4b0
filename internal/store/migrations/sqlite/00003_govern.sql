-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Seconds for which a room's log is kept; 0 as long as the server keeps logs.
ALTER TABLE rooms ADD COLUMN retention INTEGER NOT NULL DEFAULT 0;

CREATE INDEX rooms_retention ON rooms (num) WHERE retention > 0;

-- Who did what to whom, where, when and why.
CREATE TABLE audit (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    actor      TEXT NOT NULL,
    action     TEXT NOT NULL,
    target     TEXT NOT NULL, -- an account, or empty
    room       TEXT NOT NULL, -- a room's id, or empty
    message_id BLOB,
    role       TEXT NOT NULL,
    reason     TEXT NOT NULL,
    until      INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_room ON audit (room, id) WHERE room <> '';

-- Cleanups that were ordered and are not finished.
CREATE TABLE cleanups (
    num    INTEGER PRIMARY KEY AUTOINCREMENT,
    room   INTEGER NOT NULL, -- 0: all
    before INTEGER NOT NULL  -- what is older goes
) STRICT;

-- What outlives a user's connections. A user without a row is a visible one who was never seen.
CREATE TABLE presence (
    user_id   TEXT PRIMARY KEY,
    invisible INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX presence_invisible ON presence (user_id) WHERE invisible <> 0;

PRAGMA user_version = 3;
