// SPDX-License-Identifier: Apache-2.0

// Package presence knows who is there, and who is typing.
//
// Presence comes from connections: a user is online from the first authenticated connection, whether or not it listens, and
// offline when the last one has been gone for Grace. Away lasts while the user is there. Who has chosen to be offline is
// offline to all others; that outlives connections and the server.
//
// A change is told by the next look around (Interval), as the passing event user_status, once to each user who shares a
// room of at most chat.SmallRoom members and listens. What has changed back by then is told to nobody, so that a device
// whose connection flaps makes no noise. One look tells of at most tellings users; the rest wait, and of each only the
// latest status is told. Bigger rooms are asked: see OnlineIn.
//
// Typing is passed on to the listening members of small rooms, at most once in chat.TypingEvery, and ends by itself after
// chat.TypingExpires.
//
// One goroutine (Run) does all that waits, with no timer for anybody. Locks: Presence.mu and Typing.mu are leaves; nothing
// is called with them held.
package presence
