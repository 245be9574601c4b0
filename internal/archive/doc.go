// SPDX-License-Identifier: Apache-2.0

// Package archive is a whole server, or one account, as JSON Lines: what parley export writes and parley import reads. It
// speaks of users, rooms and events in the words of the protocol and knows no database, so that it can move a server from
// one kind of storage to another, and outlives all of them.
//
// Each line is one JSON object with its kind in "kind":
//
//	archive    the first line: format, version of the server, epoch
//	user       an account with its quiet hours; its password hash only where that was asked for
//	block      who wants to hear nothing from whom
//	room       a room with its settings and the bounds of its log, followed by all that is in it:
//	  member   with role, place and choices
//	  ban
//	  event    of the log, with seq from the room's first_seq to its last_seq and no hole
//	  version  an earlier text of a message
//	  reaction
//	  pin
//	report     of a message
//	act        an entry of the audit
//	file       what is known of a file, followed by its bytes:
//	  bytes    a part of them in base64; those of its thumbnail are marked
//	share      a message that shares a file
//	request    what a client_msg_id stands for, so that a repeat still does nothing again
//	end        the last line: how many of each kind, and a digest of all lines before it
//
// Moments are milliseconds since 1970 UTC, or "forever". Reading and writing take memory for one line at a time.
package archive
