// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"parley/internal/chat"
)

// seqBits is how much of log.pos is the seq; the rest is the room's number.
const (
	seqBits = 36
	maxSeq  = 1<<seqBits - 1
)

// The bits of log.flags.
const (
	flaggedBit = 1 << iota
	editedBit
	deletedBit
	reactedBit  // a message with reactions: so that those without cost nothing
	answeredBit // a message that begins a thread, likewise
)

const eventColumns = `l.pos, l.count, l.kind, l.at, l.actor, l.message_id, l.ref, l.content, l.reply_to, l.thread_id,
	l.flags, l.client_msg_id, l.details, coalesce(u.display_name, '')`

const eventWidth = 14

// readEvent reads eventColumns; the room's id and kind are left to the caller.
func readEvent(r row) (*chat.Event, error) {
	flags := r.int(10)
	e := &chat.Event{
		RoomNum:     r.int(0) >> seqBits,
		Seq:         uint64(r.int(0) & maxSeq),
		Count:       r.uint(1),
		Kind:        chat.EventKind(r.text(2)),
		At:          chat.Time(r.int(3)),
		Actor:       chat.UserID(r.text(4)),
		Content:     r.text(7),
		Flagged:     flags&flaggedBit != 0,
		Edited:      flags&editedBit != 0,
		Deleted:     flags&deletedBit != 0,
		ClientMsgID: r.text(11),
	}
	if e.Kind.IsMessage() {
		copy(e.MessageID[:], r.blob(5))
		e.ActorName = r.text(13)
	} else {
		copy(e.MessageID[:], r.blob(6))
	}
	copy(e.ReplyTo[:], r.blob(8))
	copy(e.ThreadID[:], r.blob(9))
	if details := r.text(12); details != "" {
		e.Details = new(chat.Details)
		if err := json.Unmarshal([]byte(details), e.Details); err != nil {
			return nil, fmt.Errorf("details of seq %d of room %d: %w", e.Seq, e.RoomNum, err)
		}
		if e.Details.Poster != "" {
			e.ActorName = e.Details.Poster
		}
	}
	return e, nil
}

// pos is where seq of a room is in the table.
func pos(room int64, seq uint64) int64 { return room<<seqBits | int64(min(seq, maxSeq)) }

// idValue stores the zero ID as NULL.
func idValue(id chat.ID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

// Append implements chat.RoomTx. An e.At before the log's latest is raised to that.
func (t *tx) Append(r *chat.Room, e *chat.Event) error {
	s, err := t.numbered(r.Num)
	if err != nil {
		return err
	}
	if s.LastSeq >= maxSeq {
		return t.fail("append to a log", fmt.Errorf("%q is full: %d events", s.ID, s.LastSeq))
	}
	if e.At == 0 {
		e.At = t.now
	}
	e.At = max(e.At, s.lastAt)
	e.RoomNum, e.RoomID, e.RoomKind = s.Num, s.ID, s.Kind
	e.Seq, e.Count = s.LastSeq+1, s.Count
	if e.Kind.Counts() {
		e.Count++
	}
	var own, ref any
	if e.Kind.IsMessage() {
		own = idValue(e.MessageID)
	} else {
		ref = idValue(e.MessageID)
	}
	content, details := e.Content, e.Details
	if e.Kind == chat.MessageEdited {
		content, details = "", nil // the message has them, and a deletion must find no second copy
	}
	detailsText, err := eventDetails(details)
	if err != nil {
		return err
	}
	err = t.exec("append to a log", `INSERT INTO log (pos, count, kind, at, actor, message_id, ref, content, reply_to,
			thread_id, flags, client_msg_id, details) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		pos(s.Num, e.Seq), int64(e.Count), string(e.Kind), int64(e.At), string(e.Actor), own, ref, content,
		idValue(e.ReplyTo), idValue(e.ThreadID), eventFlags(e), null(e.ClientMsgID), detailsText)
	if err != nil {
		return err
	}
	s.LastSeq, s.Count, s.lastAt = e.Seq, e.Count, e.At
	r.LastSeq, r.Count = e.Seq, e.Count // when the caller works on a copy
	t.touch(s, false)
	t.events = append(t.events, e)
	return t.wakeFollowers(s.Num)
}

const messageQuery = `SELECT ` + eventColumns + ` FROM log l LEFT JOIN users u ON u.id = l.actor WHERE l.message_id = ?`

// Message implements chat.RoomTx.
func (t *tx) Message(id chat.ID) (*chat.Event, error) {
	var found *chat.Event
	err := t.c.query(func(r row) (err error) {
		found, err = readEvent(r)
		return err
	}, messageQuery, id[:])
	if found == nil || err != nil {
		return nil, t.fail("read a message", err)
	}
	s, err := t.numbered(found.RoomNum)
	if err != nil {
		return nil, err
	}
	found.RoomID, found.RoomKind = s.ID, s.Kind
	return found, nil
}

// ReadMessage implements chat.Reader.
func (s *SQLite) ReadMessage(ctx context.Context, id chat.ID) (*chat.Event, error) {
	var room chat.Room
	found, err := s.eventsWith(ctx, &room, &s.read.message, 2, func(r row) {
		room.ID, room.Kind = chat.RoomID(r.text(eventWidth)), chat.RoomKind(r.int(eventWidth+1))
	}, id[:])
	if err != nil {
		return nil, fmt.Errorf("store: read a message: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return found[0], nil
}

// Log implements chat.Reader. A Limit of 0 is none.
func (s *SQLite) Log(ctx context.Context, room *chat.Room, q chat.LogQuery) ([]*chat.Event, error) {
	found, err := s.log(ctx, room, q)
	if err != nil {
		return nil, fmt.Errorf("store: read the log of %q: %w", room.ID, err)
	}
	return found, nil
}

func (s *SQLite) log(ctx context.Context, room *chat.Room, q chat.LogQuery) ([]*chat.Event, error) {
	from, to := q.From, q.To
	if to == 0 || to > maxSeq {
		to = maxSeq
	}
	if q.Before != 0 {
		first, err := s.read.seqAt(ctx, room.Num, q.Before)
		if err != nil {
			return nil, err
		}
		to = min(to, first-1)
	}
	if from > to {
		return nil, nil
	}
	text := &s.read.logUp
	switch {
	case q.Descending && q.MessagesOnly:
		text = &s.read.messagesDown
	case q.Descending:
		text = &s.read.logDown
	case q.MessagesOnly:
		text = &s.read.messagesUp
	}
	return s.events(ctx, room, text, pos(room.Num, from), pos(room.Num, to), unlimited(q.Limit))
}

// events reads the events of a room that q, a query of eventColumns, finds.
func (s *SQLite) events(ctx context.Context, room *chat.Room, q *query, args ...any) ([]*chat.Event, error) {
	return s.eventsWith(ctx, room, q, 0, func(row) {}, args...)
}

// eventsWith is events for a query with more columns, for which each is called before the row's event is taken.
func (s *SQLite) eventsWith(ctx context.Context, room *chat.Room, q *query, more int, each func(row), args ...any) ([]*chat.Event, error) {
	var found []*chat.Event
	var lacks lacking
	err := s.read.rows(ctx, nil, q, eventWidth+more, func(r row) error {
		e, err := readEvent(r)
		if err != nil {
			return err
		}
		each(r)
		e.RoomID, e.RoomKind = room.ID, room.Kind
		lacks.note(e, r.int(10))
		found = append(found, e)
		return nil
	}, args...)
	if err != nil {
		return found, err
	}
	return found, s.read.complete(ctx, &lacks)
}

// CountAt implements chat.Reader. Before what retention left it is the number of messages that were cut.
func (s *SQLite) CountAt(ctx context.Context, room int64, seq uint64) (uint64, error) {
	n, err := s.read.countAt(ctx, nil, room, seq)
	if err != nil {
		return 0, fmt.Errorf("store: count messages: %w", err)
	}
	return n, nil
}

func (r *reader) countAt(ctx context.Context, tx *sql.Tx, room int64, seq uint64) (n uint64, err error) {
	err = r.rows(ctx, tx, &r.count, 1, func(row row) error {
		n = row.uint(0)
		return nil
	}, room, pos(room, seq))
	return n, err
}

// seqAt finds the first seq whose event is not older than at; it is beyond the head when there is none.
func (r *reader) seqAt(ctx context.Context, room int64, at chat.Time) (seq uint64, err error) {
	found := false
	err = r.rows(ctx, nil, &r.bisect, 1, func(row row) error {
		seq, found = row.uint(0), true
		return nil
	}, room, int64(at))
	if err == nil && !found {
		err = errors.New("the log has a hole")
	}
	return seq, err
}
