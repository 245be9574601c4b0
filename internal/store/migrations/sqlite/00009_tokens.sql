-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Access tokens that were given out, so that they can be listed and revoked: what they say, never the tokens themselves.
CREATE TABLE tokens (
    id         TEXT PRIMARY KEY,
    user_id    TEXT NOT NULL, -- '' of the permission to make the first administrator
    kind       TEXT NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL, -- '' everything
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_of_user ON tokens (user_id, created_at);
CREATE INDEX revoked_tokens ON tokens (expires_at) WHERE revoked = 1;

-- Whether there is an administrator, without looking at all accounts.
CREATE INDEX administrators ON users (id) WHERE role = 'administrator' AND deleted = 0;

PRAGMA user_version = 9;
