// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/archive"
	"parley/internal/chat"
)

// What of the database an archive has, and what not. A test holds these against the schema: a new table or column is either
// exported and loaded, or left out on purpose.
var (
	exported = map[string]string{
		"users":            "id, display_name, role, password_hash, generation, created_at, banned_until, ban_reason, muted_until, deleted",
		"blocks":           "by_user, other, at",
		"rooms":            "num, id, kind, name, description, created_by, created_at, max_members, slow_mode, read_only, locked, history, deleted, first_seq, cut_count, last_seq, count, last_at, policy, retention",
		"members":          "room, user_id, role, joined_seq, joined_at, last_sent, last_sent_at, read_seq, muted_until, notifications",
		"bans":             "room, user_id, until, by_user, at, reason",
		"log":              "pos, kind, at, actor, message_id, ref, content, reply_to, thread_id, flags, client_msg_id, details",
		"message_versions": "pos, seq, content, at, replaced_at, replaced_by",
		"reactions":        "pos, emoji, user_id, seq",
		"pins":             "pos, seq, user_id, at",
		"reports":          "num, pos, message_id, reporter, sender, content, reason, at, status, closed_by, closed_at",
		"audit":            "id, at, actor, action, target, room, message_id, role, reason, until",
		"presence":         "user_id, invisible, last_seen",
		"quiet_hours":      "user_id, begins, ends, zone",
		"files":            "id, owner, name, type, size, width, height, thumbnail, state, at",
		"file_shares":      "file, pos",
		"requests":         "user_id, room, client_msg_id, digest, outcome",
	}
	// Columns that follow from others.
	derived = map[string]string{"users": "folded", "rooms": "member_count, folded", "log": "count"}
	// Tables that follow from others, or are of connections and of this server's keys alone.
	unexported = []string{"meta", "sessions", "packets", "places", "reaction_counts", "threads", "cleanups", "tokens",
		"push_subscriptions", "push_notable", "push_outbox", "push_followers"}
)

// ExportOptions say what of a database is exported.
type ExportOptions struct {
	Passwords bool        // users come with their hashes
	User      chat.UserID // only what is of this account; empty: everything
	// File tells the sizes of a file's bytes and of its thumbnail (0: none), and writes both behind its record. ok is false where
	// the bytes are gone.
	File func(id chat.ID, size int64, thumbnail bool, record func(thumbnail int64) error) (ok bool, err error)
}

// exporter reads a database that nobody writes.
type exporter struct {
	*conn
	ExportOptions
	ctx  context.Context
	emit func(archive.Record) error
	ids  map[int64]chat.RoomID // of rooms that are exported, by number
}

// Export reads a database, such as a backup, that nobody writes meanwhile, and emits what is in it in the order of an archive.
// The schema has to be the present one.
func Export(ctx context.Context, path string, o ExportOptions, emit func(archive.Record) error) error {
	c, err := connect(ctx, dsn(path, readerPragmas, "_query_only", "1"))
	if err != nil {
		return fmt.Errorf("store: export: %w", err)
	}
	defer c.Close()
	e := &exporter{conn: c, ExportOptions: o, ctx: ctx, emit: emit, ids: map[int64]chat.RoomID{}}
	for _, part := range []func() error{e.users, e.blocks, e.rooms, e.reports, e.audit, e.files, e.requests} {
		if err := part(); err != nil {
			return fmt.Errorf("store: export: %w", err)
		}
	}
	return nil
}

// ErrNoUser is an account to be exported that does not exist.
var ErrNoUser = errors.New("there is no such account")

// all queries everything, or with User what is of that account, and ends with the context.
func (e *exporter) all(each func(row) error, text, ofUser string, args ...any) error {
	if e.User != "" {
		text, args = text+ofUser, append(args, string(e.User))
	}
	return e.query(func(r row) error {
		if err := e.ctx.Err(); err != nil {
			return err
		}
		return each(r)
	}, text, args...)
}

func (e *exporter) users() error {
	found := false
	err := e.all(func(r row) error {
		found = true
		u := &archive.User{ID: chat.UserID(r.text(0)), DisplayName: r.text(1), Role: chat.ServerRole(r.text(2)), Generation: r.int(4),
			CreatedAt: archive.Moment(r.int(5)), BannedUntil: archive.Moment(r.int(6)), BanReason: r.text(7), MutedUntil: archive.Moment(r.int(8)),
			Deleted: r.bool(9), Invisible: r.bool(10), LastSeen: archive.Moment(r.int(11))}
		if e.Passwords {
			u.PasswordHash = r.text(3)
		}
		if zone := r.text(14); zone != "" {
			q := chat.QuietHours{From: int(r.int(12)), To: int(r.int(13))}
			from, to := q.Clock()
			u.QuietHours = &archive.QuietHours{From: from, To: to, TimeZone: zone}
		}
		return e.emit(u)
	}, `SELECT id, display_name, role, password_hash, generation, created_at, banned_until, ban_reason, muted_until, deleted,
		coalesce(p.invisible, 0), coalesce(p.last_seen, 0), coalesce(q.begins, 0), coalesce(q.ends, 0), coalesce(q.zone, '')
		FROM users LEFT JOIN presence p ON p.user_id = id LEFT JOIN quiet_hours q ON q.user_id = id`, ` WHERE id = ?`)
	if err == nil && !found && e.User != "" {
		return ErrNoUser
	}
	return err
}

func (e *exporter) blocks() error {
	return e.all(func(r row) error {
		return e.emit(&archive.Block{User: chat.UserID(r.text(0)), Of: chat.UserID(r.text(1)), At: archive.Moment(r.int(2))})
	}, `SELECT by_user, other, at FROM blocks`, ` WHERE by_user = ?`)
}

// rooms emits rooms in the order of their numbers, so that whoever loads them gives the same ones, each with what is in it.
func (e *exporter) rooms() error {
	return e.all(func(r row) error {
		num := r.int(0)
		room := &archive.Room{ID: chat.RoomID(r.text(1)), Type: archive.RoomType(chat.RoomKind(r.int(2))), Name: r.text(3), Description: r.text(4),
			CreatedBy: chat.UserID(r.text(5)), CreatedAt: archive.Moment(r.int(6)), MaxMembers: int(r.int(7)), SlowMode: int(r.int(8)), ReadOnly: r.bool(9),
			Locked: r.bool(10), History: chat.Visibility(r.text(11)), Deleted: r.bool(12), FirstSeq: r.uint(13), Cut: r.uint(14), LastSeq: r.uint(15),
			Count: r.uint(16), LastAt: archive.Moment(r.int(17)), Policy: r.int(18), Retention: int(r.int(19))}
		e.ids[num] = room.ID
		if err := e.emit(room); err != nil {
			return err
		}
		for _, part := range []func(int64, chat.RoomID) error{e.members, e.bans, e.log, e.versions, e.reactions, e.pins} {
			if err := part(num, room.ID); err != nil {
				return fmt.Errorf("the room %q: %w", room.ID, err)
			}
		}
		return nil
	}, `SELECT num, id, kind, name, description, created_by, created_at, max_members, slow_mode, read_only, locked, history, deleted,
		first_seq, cut_count, last_seq, count, last_at, policy, retention FROM rooms r`,
		` WHERE EXISTS (SELECT 1 FROM members WHERE room = num AND user_id = ?1)
			OR EXISTS (SELECT 1 FROM log WHERE pos BETWEEN num << 36 AND ((num + 1) << 36) - 1 AND actor = ?1)`)
}

func (e *exporter) members(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		return e.emit(&archive.Member{Room: room, User: chat.UserID(r.text(0)), Role: chat.RoomRole(r.int(1)).String(), JoinedSeq: r.uint(2),
			JoinedAt: archive.Moment(r.int(3)), LastSent: r.uint(4), LastSentAt: archive.Moment(r.int(5)), ReadSeq: r.uint(6),
			MutedUntil: archive.Moment(r.int(7)), Notifications: r.text(8)})
	}, `SELECT user_id, role, joined_seq, joined_at, last_sent, last_sent_at, read_seq, muted_until, notifications FROM members WHERE room = ?`,
		` AND user_id = ?`, num)
}

func (e *exporter) bans(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		return e.emit(&archive.Ban{Room: room, User: chat.UserID(r.text(0)), Until: archive.Moment(r.int(1)), By: chat.UserID(r.text(2)),
			At: archive.Moment(r.int(3)), Reason: r.text(4)})
	}, `SELECT user_id, until, by_user, at, reason FROM bans WHERE room = ?`, ` AND user_id = ?`, num)
}

// ids of messages and files as archives have them.
func idText(b []byte) string {
	if b == nil {
		return ""
	}
	var id chat.ID
	copy(id[:], b)
	return id.String()
}

func seqOf(pos int64) uint64 { return uint64(pos & maxSeq) }

func (e *exporter) log(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		flags, id := r.int(8), r.blob(4)
		if id == nil {
			id = r.blob(5)
		}
		event := &archive.Event{Room: room, Seq: seqOf(r.int(0)), Type: chat.EventKind(r.text(1)), At: archive.Moment(r.int(2)), Actor: chat.UserID(r.text(3)),
			MessageID: idText(id), Content: r.text(11), ReplyTo: idText(r.blob(6)), ThreadID: idText(r.blob(7)), Flagged: flags&flaggedBit != 0,
			Edited: flags&editedBit != 0, Deleted: flags&deletedBit != 0, ClientMsgID: r.text(9)}
		if details := r.text(10); details != "" {
			event.Details = jsontext.Value(details)
		}
		return e.emit(event)
	}, `SELECT pos, kind, at, actor, message_id, ref, reply_to, thread_id, flags, client_msg_id, details, content FROM log WHERE pos BETWEEN ? AND ?`,
		` AND actor = ? AND kind IN ('text', 'image', 'file')`, pos(num, 0), pos(num, maxSeq))
}

func (e *exporter) versions(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		return e.emit(&archive.Version{Room: room, Seq: seqOf(r.int(0)), ReplacedIn: r.uint(1), Content: r.text(2), At: archive.Moment(r.int(3)),
			ReplacedAt: archive.Moment(r.int(4)), ReplacedBy: chat.UserID(r.text(5))})
	}, `SELECT pos, seq, content, at, replaced_at, replaced_by FROM message_versions v WHERE pos BETWEEN ? AND ?`,
		` AND (SELECT actor FROM log l WHERE l.pos = v.pos) = ?`, pos(num, 0), pos(num, maxSeq))
}

func (e *exporter) reactions(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		return e.emit(&archive.Reaction{Room: room, Seq: seqOf(r.int(0)), Emoji: r.text(1), User: chat.UserID(r.text(2)), AddedIn: r.uint(3)})
	}, `SELECT pos, emoji, user_id, seq FROM reactions WHERE pos BETWEEN ? AND ?`, ` AND user_id = ?`, pos(num, 0), pos(num, maxSeq))
}

func (e *exporter) pins(num int64, room chat.RoomID) error {
	return e.all(func(r row) error {
		return e.emit(&archive.Pin{Room: room, Seq: seqOf(r.int(0)), PinnedIn: r.uint(1), User: chat.UserID(r.text(2)), At: archive.Moment(r.int(3))})
	}, `SELECT pos, seq, user_id, at FROM pins WHERE pos BETWEEN ? AND ?`, ` AND user_id = ?`, pos(num, 0), pos(num, maxSeq))
}

func (e *exporter) reports() error {
	return e.all(func(r row) error {
		return e.emit(&archive.Report{Num: r.int(0), Room: e.ids[r.int(1)>>seqBits], Seq: seqOf(r.int(1)), MessageID: idText(r.blob(2)), Reporter: chat.UserID(r.text(3)),
			Sender: chat.UserID(r.text(4)), Content: r.text(5), Reason: r.text(6), At: archive.Moment(r.int(7)), Status: chat.ReportStatus(r.text(8)),
			ClosedBy: chat.UserID(r.text(9)), ClosedAt: archive.Moment(r.int(10))})
	}, `SELECT num, pos, message_id, reporter, sender, content, reason, at, status, closed_by, closed_at FROM reports`, ` WHERE reporter = ?`)
}

func (e *exporter) audit() error {
	return e.all(func(r row) error {
		return e.emit(&archive.Act{ID: r.int(0), At: archive.Moment(r.int(1)), Actor: chat.UserID(r.text(2)), Action: r.text(3), Target: chat.UserID(r.text(4)),
			Room: chat.RoomID(r.text(5)), MessageID: idText(r.blob(6)), Role: r.text(7), Reason: r.text(8), Until: archive.Moment(r.int(9))})
	}, `SELECT id, at, actor, action, target, room, message_id, role, reason, until FROM audit`, ` WHERE actor = ?`)
}

// files emits those that were uploaded: permissions to upload end with the server that gave them.
func (e *exporter) files() error {
	gone := map[chat.ID]bool{}
	err := e.all(func(r row) error {
		f := &archive.File{ID: idText(r.blob(0)), Owner: chat.UserID(r.text(1)), Name: r.text(2), Type: r.text(3), Size: r.int(4), Width: int(r.int(5)),
			Height: int(r.int(6)), At: archive.Moment(r.int(8))}
		var id chat.ID
		copy(id[:], r.blob(0))
		ok, err := e.File(id, f.Size, r.bool(7), func(thumbnail int64) error {
			f.Thumbnail = thumbnail
			return e.emit(f)
		})
		if !ok {
			gone[id] = true
		}
		return err
	}, `SELECT id, owner, name, type, size, width, height, thumbnail, at FROM files WHERE state = 1`, ` AND owner = ?`)
	if err != nil {
		return err
	}
	return e.all(func(r row) error {
		var id chat.ID
		copy(id[:], r.blob(0))
		if gone[id] || e.ids[r.int(1)>>seqBits] == "" {
			return nil
		}
		return e.emit(&archive.Share{ID: id.String(), Room: e.ids[r.int(1)>>seqBits], Seq: seqOf(r.int(1))})
	}, `SELECT file, pos FROM file_shares s WHERE EXISTS (SELECT 1 FROM files WHERE id = file AND state = 1)`, ` AND (SELECT owner FROM files WHERE id = file) = ?`)
}

func (e *exporter) requests() error {
	if e.User != "" {
		return nil // they are of no use to a person
	}
	return e.all(func(r row) error {
		return e.emit(&archive.Request{User: chat.UserID(r.text(0)), Room: e.ids[r.int(1)], ClientMsgID: r.text(2), Digest: r.blob(3), Outcome: r.blob(4)})
	}, `SELECT user_id, room, client_msg_id, digest, outcome FROM requests`, "")
}

// EpochOf is the epoch of a database that nobody writes.
func EpochOf(ctx context.Context, path string) (int64, error) {
	c, err := connect(ctx, dsn(path, readerPragmas, "_query_only", "1"))
	if err != nil {
		return 0, fmt.Errorf("store: %w", err)
	}
	defer c.Close()
	return readEpoch(c)
}
