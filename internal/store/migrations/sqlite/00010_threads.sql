-- SPDX-License-Identifier: Apache-2.0

-- +goose Up

-- How many answers a thread has that are not deleted, and the seq of the latest of them: never counted on reading. pos is that of
-- the thread's first message, see 00001; log.flags & 16 says that a message has some.
CREATE TABLE threads (
    pos  INTEGER PRIMARY KEY,
    n    INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;

-- The latest answer is found again when one is deleted, past any number of deleted ones.
CREATE INDEX log_answers ON log (thread_id, pos) WHERE thread_id IS NOT NULL AND flags & 4 = 0;

INSERT INTO threads (pos, n, last)
    SELECT root.pos, count(*), max(a.pos) & 0xFFFFFFFFF
    FROM log a JOIN log root ON root.message_id = a.thread_id
    WHERE a.thread_id IS NOT NULL AND a.flags & 4 = 0
    GROUP BY root.pos;

UPDATE log SET flags = flags | 16 WHERE pos IN (SELECT pos FROM threads);

PRAGMA user_version = 10;
