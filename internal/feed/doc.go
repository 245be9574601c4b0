// SPDX-License-Identifier: Apache-2.0

// Package feed decides who hears what. It takes committed events in the order of their commits, knows which users are
// listening and which rooms they are in, and offers each event to their devices.
//
// Rules, for each room and subscription:
//
//   - A subscription is offered the events of a room in the order of seq, without a hole.
//   - It is live, and then offered an event when it is committed; or it is behind, and then read from the log until it has
//     reached the head. A full queue and a return after an absence make it behind. Nothing is kept for the absent.
//   - Membership changes by the events of the log alone, when their turn comes: a joining is the first event offered to
//     the new member, a removal takes back what the device has not been sent yet and is not offered to the removed.
//   - A room emits only head+1. An older event is a repetition and is ignored; a newer one makes the feed read the log.
//
// Locks, in the order in which they may be taken: Feed.mu, then whatever a Subscriber locks, then Places.mu. A Subscriber
// calls Drained and Acked with none of its locks held.
package feed
