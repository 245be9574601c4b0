-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- Who takes no private messages and invitations from whom.
CREATE TABLE blocks (
    by_user TEXT NOT NULL,
    other   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (by_user, other)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 7;
