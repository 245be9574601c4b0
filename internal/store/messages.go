// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"parley/internal/chat"
)

// aboutMessages are the reader's statements for what is attached to messages.
type aboutMessages struct {
	thread, threadDown, edited, reactions, answers, versions, pins, reports, reported query
}

func (q *aboutMessages) init() {
	thread := `SELECT ` + eventColumns + ` FROM log l LEFT JOIN users u ON u.id = l.actor WHERE l.thread_id = ? AND l.pos BETWEEN ? AND ?`
	q.thread.text = thread + ` ORDER BY l.pos LIMIT ?`
	q.threadDown.text = thread + ` ORDER BY l.pos DESC LIMIT ?`
	q.edited.text = `SELECT pos, content, flags, details FROM log WHERE message_id = ?`
	q.reactions.text = reactionsQuery
	q.answers.text = `SELECT n, last FROM threads WHERE pos = ?`
	q.versions.text = `SELECT seq, content, at, replaced_at, replaced_by FROM message_versions
		WHERE pos = ? AND seq < ? ORDER BY seq DESC LIMIT ?`
	q.pins.text = `SELECT ` + eventColumns + `, p.seq, p.user_id, p.at FROM pins p JOIN log l ON l.pos = p.pos
		LEFT JOIN users u ON u.id = l.actor WHERE p.pos BETWEEN ? AND ? ORDER BY p.seq DESC`
	q.reported.text = isReported
	q.reports.text = `SELECT ` + reportColumns + ` FROM reports p JOIN rooms r ON r.num = p.pos >> 36
		WHERE (?1 = 0 OR p.pos BETWEEN ?1 << 36 AND ((?1 + 1) << 36) - 1) AND (?2 = '' OR p.status = ?2) AND p.num < ?3
		ORDER BY p.num DESC LIMIT ?4`
}

// eventDetails are an event's details as they are stored.
func eventDetails(d *chat.Details) (any, error) {
	if d == nil {
		return nil, nil
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("store: details: %w", err)
	}
	return string(text), nil
}

func eventFlags(e *chat.Event) (flags int64) {
	if e.Flagged {
		flags |= flaggedBit
	}
	if e.Edited {
		flags |= editedBit
	}
	if e.Deleted {
		flags |= deletedBit
	}
	return flags
}

// ReplaceMessage implements chat.MessageTx.
func (t *tx) ReplaceMessage(e *chat.Event) error {
	details, err := eventDetails(e.Details)
	if err != nil {
		return err
	}
	return t.exec("replace a message", fmt.Sprintf(`UPDATE log SET content = ?, flags = flags & %d | ?, details = ? WHERE pos = ?`, reactedBit|answeredBit),
		e.Content, eventFlags(e), details, pos(e.RoomNum, e.Seq))
}

// PutVersion implements chat.MessageTx. The text was written when the one before it was replaced.
func (t *tx) PutVersion(of *chat.Event, v *chat.Version) error {
	at := pos(of.RoomNum, of.Seq)
	return t.exec("keep a version", `INSERT INTO message_versions (pos, seq, content, at, replaced_at, replaced_by)
		VALUES (?1, ?2, ?3, coalesce((SELECT replaced_at FROM message_versions WHERE pos = ?1 ORDER BY seq DESC LIMIT 1), ?4), ?5, ?6)`,
		at, int64(v.Seq), v.Content, int64(v.At), int64(v.ReplacedAt), string(v.ReplacedBy))
}

// DropVersions implements chat.MessageTx.
func (t *tx) DropVersions(of *chat.Event) error {
	return t.exec("drop versions", `DELETE FROM message_versions WHERE pos = ?`, pos(of.RoomNum, of.Seq))
}

// User ids have no spaces.
const reactionsQuery = `SELECT c.emoji, c.n, (SELECT group_concat(w.user_id, ' ') FROM
		(SELECT r.user_id FROM reactions r WHERE r.pos = c.pos AND r.emoji = c.emoji ORDER BY r.user_id LIMIT ?2) w)
	FROM reaction_counts c WHERE c.pos = ?1 ORDER BY c.emoji`

func readReaction(r row) chat.Reaction {
	out := chat.Reaction{Emoji: r.text(0), Count: int(r.int(1))}
	for u := range strings.SplitSeq(r.text(2), " ") {
		out.Users = append(out.Users, chat.UserID(u))
	}
	return out
}

// Reacted implements chat.ReactionTx.
func (t *tx) Reacted(of *chat.Event, emoji string, u chat.UserID) (bool, error) {
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM reactions WHERE pos = ? AND emoji = ? AND user_id = ?`,
		pos(of.RoomNum, of.Seq), emoji, string(u))
	return found, t.fail("find a reaction", err)
}

// Reactions implements chat.ReactionTx.
func (t *tx) Reactions(of *chat.Event) ([]chat.Reaction, error) {
	var found []chat.Reaction
	err := t.c.query(func(r row) error {
		found = append(found, readReaction(r))
		return nil
	}, reactionsQuery, pos(of.RoomNum, of.Seq), int64(chat.ListedReactions))
	return found, t.fail("list reactions", err)
}

// PutReaction implements chat.ReactionTx.
func (t *tx) PutReaction(of *chat.Event, emoji string, u chat.UserID, seq uint64) error {
	at := pos(of.RoomNum, of.Seq)
	err := t.exec("react", `INSERT INTO reactions (pos, emoji, user_id, seq) VALUES (?, ?, ?, ?)`, at, emoji, string(u), int64(seq))
	if err != nil {
		return err
	}
	err = t.exec("count a reaction", `INSERT INTO reaction_counts (pos, emoji, n) VALUES (?, ?, 1)
		ON CONFLICT (pos, emoji) DO UPDATE SET n = n + 1`, at, emoji)
	if err != nil {
		return err
	}
	return t.exec("mark a message", fmt.Sprintf(`UPDATE log SET flags = flags | %d WHERE pos = ?`, reactedBit), at)
}

// RemoveReaction implements chat.ReactionTx.
func (t *tx) RemoveReaction(of *chat.Event, emoji string, u chat.UserID) error {
	at := pos(of.RoomNum, of.Seq)
	err := t.exec("take a reaction back", `DELETE FROM reactions WHERE pos = ? AND emoji = ? AND user_id = ?`, at, emoji, string(u))
	if err != nil {
		return err
	}
	if err := t.exec("count a reaction", `UPDATE reaction_counts SET n = n - 1 WHERE pos = ? AND emoji = ?`, at, emoji); err != nil {
		return err
	}
	if err := t.exec("forget an emoji", `DELETE FROM reaction_counts WHERE pos = ? AND emoji = ? AND n <= 0`, at, emoji); err != nil {
		return err
	}
	return t.exec("unmark a message", fmt.Sprintf(`UPDATE log SET flags = flags & ~%d
		WHERE pos = ?1 AND NOT EXISTS (SELECT 1 FROM reaction_counts WHERE pos = ?1)`, reactedBit), at)
}

// DropReactions implements chat.ReactionTx.
func (t *tx) DropReactions(of *chat.Event) error {
	at := pos(of.RoomNum, of.Seq)
	if err := t.exec("drop reactions", `DELETE FROM reactions WHERE pos = ?`, at); err != nil {
		return err
	}
	if err := t.exec("drop reactions", `DELETE FROM reaction_counts WHERE pos = ?`, at); err != nil {
		return err
	}
	return t.exec("unmark a message", fmt.Sprintf(`UPDATE log SET flags = flags & ~%d WHERE pos = ?`, reactedBit), at)
}

// lacking are events that were read, of which there is more than their rows have.
type lacking struct{ reacted, answered, edits []*chat.Event }

// note takes e, which has these flags, where something lacks.
func (l *lacking) note(e *chat.Event, flags int64) {
	if flags&reactedBit != 0 {
		l.reacted = append(l.reacted, e)
	}
	if flags&answeredBit != 0 {
		l.answered = append(l.answered, e)
	}
	if e.Kind == chat.MessageEdited {
		l.edits = append(l.edits, e)
	}
}

// complete adds to events what their rows do not have: reactions, answers, and to edits the message's present text.
func (r *reader) complete(ctx context.Context, l *lacking) error {
	for _, e := range l.reacted {
		err := r.rows(ctx, nil, &r.about.reactions, 3, func(row row) error {
			e.Reactions = append(e.Reactions, readReaction(row))
			return nil
		}, pos(e.RoomNum, e.Seq), int64(chat.ListedReactions))
		if err != nil {
			return err
		}
	}
	for _, e := range l.answered {
		err := r.rows(ctx, nil, &r.about.answers, 2, func(row row) error {
			e.Answers = chat.Answers{Count: int(row.int(0)), LastSeq: row.uint(1)}
			return nil
		}, pos(e.RoomNum, e.Seq))
		if err != nil {
			return err
		}
	}
	for _, e := range l.edits {
		if err := r.presentText(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// presentText gives an edit the text that its message has now.
func (r *reader) presentText(ctx context.Context, e *chat.Event) error {
	e.Content, e.Details, e.Flagged = "", nil, false
	return r.rows(ctx, nil, &r.about.edited, 4, func(row row) error {
		e.Target = uint64(row.int(0) & maxSeq)
		e.Content, e.Flagged = row.text(1), row.int(2)&flaggedBit != 0
		d := new(chat.Details)
		if text := row.text(3); text != "" {
			if err := json.Unmarshal([]byte(text), d); err != nil {
				return err
			}
		}
		if d.Mentions != nil {
			e.Details = &chat.Details{Mentions: d.Mentions}
		}
		return nil
	}, e.MessageID[:])
}

// Thread implements chat.MessageReader.
func (s *SQLite) Thread(ctx context.Context, room *chat.Room, root chat.ID, q chat.LogQuery) ([]*chat.Event, error) {
	text := &s.read.about.thread
	if q.Descending {
		text = &s.read.about.threadDown
	}
	found, err := s.events(ctx, room, text, root[:], pos(room.Num, q.From), pos(room.Num, q.To), unlimited(q.Limit))
	if err != nil {
		return nil, fmt.Errorf("store: read a thread of %q: %w", room.ID, err)
	}
	return found, nil
}

// Versions implements chat.MessageReader.
func (s *SQLite) Versions(ctx context.Context, of *chat.Event, before uint64, limit int) ([]chat.Version, error) {
	if before == 0 || before > maxSeq {
		before = maxSeq + 1
	}
	var found []chat.Version
	err := s.read.rows(ctx, nil, &s.read.about.versions, 5, func(r row) error {
		found = append(found, chat.Version{Seq: r.uint(0), Content: r.text(1), At: chat.Time(r.int(2)), ReplacedAt: chat.Time(r.int(3)), ReplacedBy: chat.UserID(r.text(4))})
		return nil
	}, pos(of.RoomNum, of.Seq), int64(before), unlimited(limit))
	if err != nil {
		return nil, fmt.Errorf("store: list versions: %w", err)
	}
	return found, nil
}

// Pinned implements chat.PinTx.
func (t *tx) Pinned(of *chat.Event) (bool, error) {
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM pins WHERE pos = ?`, pos(of.RoomNum, of.Seq))
	return found, t.fail("find a pin", err)
}

// CountPins implements chat.PinTx.
func (t *tx) CountPins(r *chat.Room) (n int, err error) {
	_, err = t.c.one(func(r row) { n = int(r.int(0)) }, `SELECT count(*) FROM pins WHERE pos BETWEEN ? AND ?`, pos(r.Num, 0), pos(r.Num, maxSeq))
	return n, t.fail("count pins", err)
}

// PutPin implements chat.PinTx.
func (t *tx) PutPin(of *chat.Event, p *chat.Pin) error {
	return t.exec("pin", `INSERT INTO pins (pos, seq, user_id, at) VALUES (?, ?, ?, ?)`, pos(of.RoomNum, of.Seq), int64(p.Seq), string(p.By), int64(p.At))
}

// RemovePin implements chat.PinTx.
func (t *tx) RemovePin(of *chat.Event) error {
	return t.exec("unpin", `DELETE FROM pins WHERE pos = ?`, pos(of.RoomNum, of.Seq))
}

// Pins implements chat.MessageReader.
func (s *SQLite) Pins(ctx context.Context, room *chat.Room) ([]chat.Pin, error) {
	var found []chat.Pin
	events, err := s.eventsWith(ctx, room, &s.read.about.pins, 3, func(r row) {
		found = append(found, chat.Pin{Seq: r.uint(eventWidth), By: chat.UserID(r.text(eventWidth + 1)), At: chat.Time(r.int(eventWidth + 2))})
	}, pos(room.Num, 0), pos(room.Num, maxSeq))
	if err != nil {
		return nil, fmt.Errorf("store: list the pins of %q: %w", room.ID, err)
	}
	for i := range found {
		found[i].Message = events[i]
	}
	return found, nil
}

const reportColumns = `p.num, p.pos, p.message_id, p.reporter, p.sender, p.content, p.reason, p.at, p.status, p.closed_by, p.closed_at, r.id`

const reportWidth = 12

func readReport(r row) chat.Report {
	out := chat.Report{Num: r.int(0), Seq: uint64(r.int(1) & maxSeq), Reporter: chat.UserID(r.text(3)), Sender: chat.UserID(r.text(4)), Content: r.text(5),
		Reason: r.text(6), At: chat.Time(r.int(7)), Status: chat.ReportStatus(r.text(8)), ClosedBy: chat.UserID(r.text(9)), ClosedAt: chat.Time(r.int(10)),
		RoomID: chat.RoomID(r.text(11))}
	copy(out.MessageID[:], r.blob(2))
	return out
}

// HasReported implements chat.ReportTx.
func (t *tx) HasReported(of *chat.Event, u chat.UserID) (bool, error) {
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM reports WHERE pos = ? AND reporter = ? AND status = 'open'`, pos(of.RoomNum, of.Seq), string(u))
	return found, t.fail("find a report", err)
}

// isReported finds an open report of the message at a place.
const isReported = `SELECT 1 FROM reports WHERE pos = ? AND status = 'open' LIMIT 1`

// IsReported implements chat.ReportTx.
func (t *tx) IsReported(of *chat.Event) (bool, error) {
	found, err := t.c.one(func(row) {}, isReported, pos(of.RoomNum, of.Seq))
	return found, t.fail("find a report", err)
}

// ReadReported implements chat.MessageReader.
func (s *SQLite) ReadReported(ctx context.Context, of *chat.Event) (found bool, err error) {
	err = s.read.rows(ctx, nil, &s.read.about.reported, 1, func(row) error {
		found = true
		return nil
	}, pos(of.RoomNum, of.Seq))
	if err != nil {
		return false, fmt.Errorf("store: find a report: %w", err)
	}
	return found, nil
}

// Report implements chat.ReportTx.
func (t *tx) Report(num int64) (*chat.Report, error) {
	var found *chat.Report
	_, err := t.c.one(func(r row) {
		report := readReport(r)
		found = &report
	}, `SELECT `+reportColumns+` FROM reports p JOIN rooms r ON r.num = p.pos >> 36 WHERE p.num = ?`, num)
	return found, t.fail("find a report", err)
}

// CreateReport implements chat.ReportTx.
func (t *tx) CreateReport(of *chat.Event, r *chat.Report) error {
	t.writes++
	num, err := t.c.insert(`INSERT INTO reports (pos, message_id, reporter, sender, content, reason, at, status, closed_by, closed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, '', 0)`, pos(of.RoomNum, of.Seq), of.MessageID[:], string(r.Reporter), string(r.Sender), r.Content, r.Reason,
		int64(r.At), string(r.Status))
	r.Num = num
	return t.fail("report a message", err)
}

// CloseReport implements chat.ReportTx.
func (t *tx) CloseReport(r *chat.Report) error {
	r.Content = ""
	return t.exec("close a report", `UPDATE reports SET status = ?, closed_by = ?, closed_at = ?, content = '' WHERE num = ?`,
		string(r.Status), string(r.ClosedBy), int64(r.ClosedAt), r.Num)
}

// Reports implements chat.MessageReader.
func (s *SQLite) Reports(ctx context.Context, q chat.ReportQuery) ([]chat.Report, error) {
	before := q.Before
	if before <= 0 {
		before = 1<<63 - 1
	}
	var found []chat.Report
	err := s.read.rows(ctx, nil, &s.read.about.reports, reportWidth, func(r row) error {
		found = append(found, readReport(r))
		return nil
	}, q.Room, string(q.Status), before, unlimited(q.Limit))
	if err != nil {
		return nil, fmt.Errorf("store: list reports: %w", err)
	}
	return slices.Clip(found), nil
}
