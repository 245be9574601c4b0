// SPDX-License-Identifier: Apache-2.0

// Package chat is the domain of Parley: users, rooms, members, messages and the rules between them. It imports the
// standard library only and knows neither MQTT nor SQL nor JSON shapes; what it needs of the outside are the ports in
// ports.go.
//
// Everything that lasts is an event in a room's log, with the room's next seq. A change is submitted to the store as a
// Change: the store's one writer applies it inside a transaction together with whatever else waits, commits, and only then
// is the outcome known to whoever asked and the event seen by anybody. A change decides entirely before its first write,
// so that a refusal needs no rollback.
package chat
