-- SPDX-License-Identifier: Apache-2.0
-- Times are milliseconds since 1970 UTC; 0 is never. The last statement of every migration sets user_version to the
-- migration's own number: a current schema is recognised by it without asking anything else.

-- +goose Up

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id            TEXT PRIMARY KEY,
    display_name  TEXT NOT NULL,
    role          TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    generation    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    banned_until  INTEGER NOT NULL,
    ban_reason    TEXT NOT NULL,
    muted_until   INTEGER NOT NULL,
    deleted       INTEGER NOT NULL,
    folded        TEXT NOT NULL -- id and display name in lower case, for the directory's search
) STRICT, WITHOUT ROWID;

CREATE TABLE rooms (
    num          INTEGER PRIMARY KEY, -- below 2^27, see log.pos
    id           TEXT NOT NULL UNIQUE,
    kind         INTEGER NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT NOT NULL,
    created_by   TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    max_members  INTEGER NOT NULL,
    slow_mode    INTEGER NOT NULL,
    read_only    INTEGER NOT NULL,
    locked       INTEGER NOT NULL,
    history      TEXT NOT NULL,
    deleted      INTEGER NOT NULL,
    first_seq    INTEGER NOT NULL, -- first event that retention left
    cut_count    INTEGER NOT NULL, -- messages before it: what log.count was at first_seq - 1
    last_seq     INTEGER NOT NULL,
    count        INTEGER NOT NULL,
    last_at      INTEGER NOT NULL, -- log.at of last_seq: it never falls within a log
    member_count INTEGER NOT NULL,
    policy       INTEGER NOT NULL,
    folded       TEXT NOT NULL     -- id and name in lower case, for the room list's search
) STRICT;

CREATE INDEX rooms_public ON rooms (id) WHERE kind = 1 AND deleted = 0;

-- Every log in one table. pos is the room's num * 2^36 + seq: one integer key keeps each log together and in order, and is
-- found and inserted faster than a pair. seq is dense from first_seq to last_seq, and at never falls with rising seq, so
-- that a time is found by bisecting seq and needs no index.
CREATE TABLE log (
    pos           INTEGER PRIMARY KEY,
    count         INTEGER NOT NULL, -- messages up to and including this event
    kind          TEXT NOT NULL,
    at            INTEGER NOT NULL,
    actor         TEXT NOT NULL,
    message_id    BLOB,             -- of messages: their own id
    ref           BLOB,             -- of events about a message: its id
    content       TEXT NOT NULL,
    reply_to      BLOB,
    thread_id     BLOB,
    flags         INTEGER NOT NULL, -- 1 flagged, 2 edited, 4 deleted
    client_msg_id TEXT,
    details       TEXT              -- JSON
) STRICT;

CREATE UNIQUE INDEX log_message ON log (message_id) WHERE message_id IS NOT NULL;

CREATE TABLE members (
    room          INTEGER NOT NULL,
    user_id       TEXT NOT NULL,
    role          INTEGER NOT NULL,
    joined_seq    INTEGER NOT NULL,
    joined_at     INTEGER NOT NULL,
    last_sent     INTEGER NOT NULL,
    last_sent_at  INTEGER NOT NULL,
    read_seq      INTEGER NOT NULL,
    muted_until   INTEGER NOT NULL,
    notifications TEXT NOT NULL,
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id);

CREATE TABLE bans (
    room    INTEGER NOT NULL,
    user_id TEXT NOT NULL,
    until   INTEGER NOT NULL,
    by_user TEXT NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (room, user_id)
) STRICT, WITHOUT ROWID;

-- Requests that succeeded, by the client's own id for them; room is 0 outside rooms.
CREATE TABLE requests (
    user_id       TEXT NOT NULL,
    room          INTEGER NOT NULL,
    client_msg_id TEXT NOT NULL,
    digest        BLOB NOT NULL,
    outcome       BLOB NOT NULL,
    PRIMARY KEY (user_id, room, client_msg_id)
) STRICT, WITHOUT ROWID;

-- MQTT sessions that outlive their connections. AUTOINCREMENT: a late change must not meet another session by its number.
CREATE TABLE sessions (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    owner           TEXT NOT NULL,
    client_id       TEXT NOT NULL,
    version         INTEGER NOT NULL,
    expiry          INTEGER NOT NULL, -- seconds after the disconnection; 0xFFFFFFFF never
    disconnected_at INTEGER,          -- NULL while connected
    expires_at      INTEGER,          -- NULL while connected, and of those that never expire
    subscriptions   TEXT NOT NULL,    -- JSON
    UNIQUE (owner, client_id)
) STRICT;

CREATE INDEX sessions_expiring ON sessions (expires_at) WHERE expires_at IS NOT NULL;

-- QoS 2 packet ids that were stored with their changes and not yet released.
CREATE TABLE packets (
    session   INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session, packet_id)
) STRICT, WITHOUT ROWID;

-- Where sessions are in the logs: the highest seq acknowledged without a gap.
CREATE TABLE places (
    session INTEGER NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    room    INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    PRIMARY KEY (session, room)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 1;
