// SPDX-License-Identifier: Apache-2.0

// Package store keeps everything in one SQLite database: the ports chat.Store and mqtt.SessionStore.
//
// # Files
//
// A data directory belongs to one process, which holds DATA/lock. The database is DATA/parley.db with its write-ahead log
// beside it; parley.db.before-N is the copy made before the migration to schema N, parley.db.replaced-TIME what a restored
// backup took the place of.
//
// DATA/search.db is the index of the messages' words. It is written behind the commits, by a goroutine and a connection of
// its own that never hold the writer up, and remembers for each log how far it is in the same transaction as the words. What
// it does not have yet a search reads from the log; what is wrong in it the text corrects. So it may lag, and may be lost.
//
// # One writer
//
// Submit puts a change into a queue. One goroutine takes everything that waits, applies it in order inside one transaction
// and commits with one fsync (journal_mode=WAL, synchronous=FULL). While that runs the next batch gathers, so that under
// load many changes share a commit and an idle server answers after one; nothing ever waits for company. Rooms, members
// and accounts that changes ask for are kept in memory, and what a batch changes again and again (the head of a log, a
// member's last message) is written once, before the commit.
//
// When a change fails in any other way than by a *chat.Error, when it panics, when a refused one has written something, or
// when the commit fails, the transaction is undone, everything kept in memory is forgotten, and the changes of the batch
// are tried one by one, each in its own transaction. So one bad change harms only itself, and a full disk refuses
// everything with chat.ErrUnavailable until there is space again.
//
// After the commit the batch goes to Options.OnCommit, in order and on the writer's goroutine. It may block: that is how a
// slow receiver of events holds back the writing of new ones.
//
// Readers use connections of their own and see what is committed, without ever waiting for the writer.
//
// # Logs
//
// All logs are one table whose key is room number * 2^36 + seq. Within a log seq is dense and the time never falls, even
// when the clock is set back, so a moment is found by bisecting. The running count of messages is in every row: unread
// messages are the difference of two of them.
package store
