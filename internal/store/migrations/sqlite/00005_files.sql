-- SPDX-License-Identifier: Apache-2.0
-- Files, without their bytes.

-- +goose Up

CREATE TABLE files (
    id        BLOB PRIMARY KEY,
    owner     TEXT NOT NULL,
    name      TEXT NOT NULL,
    type      TEXT NOT NULL,
    size      INTEGER NOT NULL,
    width     INTEGER NOT NULL,
    height    INTEGER NOT NULL,
    thumbnail INTEGER NOT NULL,
    state     INTEGER NOT NULL, -- 0 expected, 1 uploaded, 2 condemned
    at        INTEGER NOT NULL  -- of the state
) STRICT, WITHOUT ROWID;

CREATE INDEX files_owner ON files (owner, size);

-- Which messages share a file; pos is that of the log, see 00001. A share counts while the message is there and not deleted.
CREATE TABLE file_shares (
    file BLOB NOT NULL,
    pos  INTEGER NOT NULL,
    PRIMARY KEY (file, pos)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 5;
