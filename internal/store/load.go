// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/archive"
	"parley/internal/chat"
)

// loadedAtOnce is how many records a transaction of a Loader has.
const loadedAtOnce = 20_000

// Loader makes a data directory of an archive's records: all of it, or nothing.
type Loader struct {
	c       *conn
	home    *vacant
	path    string
	rooms   map[chat.RoomID]int64
	room    *archive.Room // the one that is being loaded
	num     int64
	count   uint64 // messages in its log so far
	members int64
	pending int
}

// loadPragmas are for a database that is thrown away when something goes wrong.
var loadPragmas = []string{"synchronous(OFF)", "journal_mode(OFF)", "temp_store(MEMORY)", "cache_size(-65536)", "locking_mode(EXCLUSIVE)"}

// NewLoader begins in a data directory that is empty, or is made. No server may run there (ErrLocked, ErrNotEmpty).
func NewLoader(ctx context.Context, dir string, now time.Time) (*Loader, error) {
	home, err := takeVacant(dir)
	if err != nil {
		return nil, fmt.Errorf("store: load: %w", err)
	}
	l := &Loader{home: home, path: filepath.Join(home.loading(), databaseName), rooms: map[chat.RoomID]int64{}}
	o := Options{Dir: home.loading(), Now: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler), migrations: embedded()}
	if err = create(ctx, l.path, &o); err == nil {
		l.c, err = connect(ctx, dsn(l.path, loadPragmas))
	}
	if err == nil { // a new database has the announcements, which an archive brings along
		_, err = l.c.exec(`DELETE FROM rooms`)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: load: %w", err), l.Close())
	}
	return l, nil
}

// Dir is where files that belong to the data are to be put meanwhile.
func (l *Loader) Dir() string { return l.home.loading() }

// Put adds a record. The order is that of an archive, whose Reader has checked it; what a database cannot hold is an error.
func (l *Loader) Put(r archive.Record) error {
	if l.pending == 0 {
		if _, err := l.c.exec("BEGIN"); err != nil {
			return fmt.Errorf("store: load: %w", err)
		}
	}
	if err := l.put(r); err != nil {
		return fmt.Errorf("store: load: %w", err)
	}
	if l.pending++; l.pending >= loadedAtOnce {
		return l.commit()
	}
	return nil
}

func (l *Loader) commit() error {
	if l.pending == 0 {
		return nil
	}
	l.pending = 0
	_, err := l.c.exec("COMMIT")
	return err
}

func (l *Loader) put(r archive.Record) error {
	switch v := r.(type) {
	case *archive.User:
		return l.user(v)
	case *archive.Block:
		return l.insert(`INSERT INTO blocks (by_user, other, at) VALUES (?, ?, ?)`, string(v.User), string(v.Of), int64(v.At))
	case *archive.Room:
		return l.putRoom(v)
	case *archive.Member:
		return l.member(v)
	case *archive.Ban:
		return l.insert(`INSERT INTO bans (room, user_id, until, by_user, at, reason) VALUES (?, ?, ?, ?, ?, ?)`,
			l.num, string(v.User), int64(v.Until), string(v.By), int64(v.At), v.Reason)
	case *archive.Event:
		return l.event(v)
	case *archive.Version:
		return l.insert(`INSERT INTO message_versions (pos, seq, content, at, replaced_at, replaced_by) VALUES (?, ?, ?, ?, ?, ?)`,
			pos(l.num, v.Seq), int64(v.ReplacedIn), v.Content, int64(v.At), int64(v.ReplacedAt), string(v.ReplacedBy))
	case *archive.Reaction:
		return l.reaction(v)
	case *archive.Pin:
		return l.insert(`INSERT INTO pins (pos, seq, user_id, at) VALUES (?, ?, ?, ?)`, pos(l.num, v.Seq), int64(v.PinnedIn), string(v.User), int64(v.At))
	case *archive.Report:
		return l.report(v)
	case *archive.Act:
		return l.act(v)
	case *archive.File:
		return l.file(v)
	case *archive.Share:
		return l.share(v)
	case *archive.Request:
		return l.request(v)
	}
	return fmt.Errorf("a %T has no place in a database", r)
}

func (l *Loader) insert(text string, args ...any) error {
	_, err := l.c.exec(text, args...)
	return err
}

func (l *Loader) user(u *archive.User) error {
	if !chat.ValidUserID(u.ID) {
		return fmt.Errorf("%q cannot be the name of an account", u.ID)
	}
	if u.Role != chat.RoleUser && u.Role != chat.RoleAdministrator {
		return fmt.Errorf("the role %q of %q is none", u.Role, u.ID)
	}
	quiet, err := quietOf(u)
	if err != nil {
		return err
	}
	err = l.insert(`INSERT INTO users (id, display_name, role, password_hash, generation, created_at, banned_until, ban_reason, muted_until, deleted, folded)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, string(u.ID), u.DisplayName, string(u.Role), u.PasswordHash, u.Generation, int64(u.CreatedAt),
		int64(u.BannedUntil), u.BanReason, int64(u.MutedUntil), flag(u.Deleted), fold(string(u.ID), u.DisplayName))
	if err == nil && (u.Invisible || u.LastSeen != 0) {
		err = l.insert(`INSERT INTO presence (user_id, invisible, last_seen) VALUES (?, ?, ?)`, string(u.ID), flag(u.Invisible), int64(u.LastSeen))
	}
	if err != nil || quiet == nil {
		return err
	}
	return l.insert(`INSERT INTO quiet_hours (user_id, begins, ends, zone) VALUES (?, ?, ?, ?)`, string(u.ID), int64(quiet.From), int64(quiet.To), quiet.Zone)
}

// quietOf reads an account's quiet hours, nil where it has none.
func quietOf(u *archive.User) (*chat.QuietHours, error) {
	if u.QuietHours == nil {
		return nil, nil
	}
	q, err := chat.ParseQuietHours(u.QuietHours.From, u.QuietHours.To, u.QuietHours.TimeZone)
	if err == nil && q == nil {
		err = errors.New("they are empty")
	}
	if err != nil {
		return nil, fmt.Errorf("the quiet hours of %q: %w", u.ID, err)
	}
	return q, nil
}

func (l *Loader) putRoom(r *archive.Room) error {
	if err := l.endRoom(); err != nil {
		return err
	}
	kind, ok := archive.RoomKind(r.Type)
	if !ok {
		return fmt.Errorf("the type %q of the room %q is none", r.Type, r.ID)
	}
	num, err := l.c.insert(`INSERT INTO rooms (id, kind, name, description, created_by, created_at, max_members, slow_mode, read_only, locked, history,
			deleted, first_seq, cut_count, last_seq, count, last_at, member_count, policy, folded, retention)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`, string(r.ID), int64(kind), r.Name, r.Description, string(r.CreatedBy),
		int64(r.CreatedAt), int64(r.MaxMembers), int64(r.SlowMode), flag(r.ReadOnly), flag(r.Locked), string(r.History), flag(r.Deleted),
		int64(r.FirstSeq), int64(r.Cut), int64(r.LastSeq), int64(r.Count), int64(r.LastAt), r.Policy, fold(string(r.ID), r.Name), int64(r.Retention))
	if err != nil {
		return err
	}
	l.rooms[r.ID], l.room, l.num, l.count, l.members = num, r, num, r.Cut, 0
	return nil
}

// endRoom notes what follows from what was in a room.
func (l *Loader) endRoom() error {
	if l.room == nil {
		return nil
	}
	l.room = nil
	return l.insert(`UPDATE rooms SET member_count = ? WHERE num = ?`, l.members, l.num)
}

func (l *Loader) member(m *archive.Member) error {
	role, ok := archive.RoomRole(m.Role)
	if !ok {
		return fmt.Errorf("the role %q of %q in %q is none", m.Role, m.User, m.Room)
	}
	l.members++
	return l.insert(`INSERT INTO members (room, user_id, role, joined_seq, joined_at, last_sent, last_sent_at, read_seq, muted_until, notifications)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, l.num, string(m.User), int64(role), int64(m.JoinedSeq), int64(m.JoinedAt), int64(m.LastSent), int64(m.LastSentAt),
		int64(m.ReadSeq), int64(m.MutedUntil), m.Notifications)
}

// idOf reads an id of an archive, nil where it is empty.
func idOf(text string) (any, error) {
	if text == "" {
		return nil, nil
	}
	id, ok := chat.ParseID(text)
	if !ok {
		return nil, fmt.Errorf("%q is no id", text)
	}
	return id[:], nil
}

func (l *Loader) event(e *archive.Event) error {
	id, err1 := idOf(e.MessageID)
	reply, err2 := idOf(e.ReplyTo)
	thread, err3 := idOf(e.ThreadID)
	if err := errors.Join(err1, err2, err3); err != nil {
		return fmt.Errorf("event %d of %q: %w", e.Seq, e.Room, err)
	}
	own, ref := id, any(nil)
	if !e.Type.IsMessage() {
		own, ref = nil, id
	}
	if e.Details != nil {
		if err := json.Unmarshal(e.Details, &chat.Details{}); err != nil {
			return fmt.Errorf("event %d of %q: its details are malformed", e.Seq, e.Room)
		}
	}
	if e.Type.Counts() {
		l.count++
	}
	flags := flag(e.Flagged)*flaggedBit | flag(e.Edited)*editedBit | flag(e.Deleted)*deletedBit
	err := l.insert(`INSERT INTO log (pos, count, kind, at, actor, message_id, ref, content, reply_to, thread_id, flags, client_msg_id, details)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, pos(l.num, e.Seq), int64(l.count), string(e.Type), int64(e.At), string(e.Actor), own, ref, e.Content,
		reply, thread, flags, null(e.ClientMsgID), null(string(e.Details)))
	if err != nil || thread == nil || e.Deleted {
		return err
	}
	return errors.Join(l.insert(countingAnswer[0], thread, int64(e.Seq)), l.insert(countingAnswer[1], thread))
}

func (l *Loader) reaction(r *archive.Reaction) error {
	at := pos(l.num, r.Seq)
	return errors.Join(
		l.insert(`INSERT INTO reactions (pos, emoji, user_id, seq) VALUES (?, ?, ?, ?)`, at, r.Emoji, string(r.User), int64(r.AddedIn)),
		l.insert(`INSERT INTO reaction_counts (pos, emoji, n) VALUES (?, ?, 1) ON CONFLICT (pos, emoji) DO UPDATE SET n = n + 1`, at, r.Emoji),
		l.insert(`UPDATE log SET flags = flags | ? WHERE pos = ?`, int64(reactedBit), at))
}

// placeOf is where a seq of a room is.
func (l *Loader) placeOf(room chat.RoomID, seq uint64) (int64, error) {
	num, ok := l.rooms[room]
	if !ok {
		return 0, fmt.Errorf("there is no room %q", room)
	}
	return pos(num, seq), nil
}

func (l *Loader) report(r *archive.Report) error {
	at, err := l.placeOf(r.Room, r.Seq)
	id, err2 := idOf(r.MessageID)
	if err := errors.Join(err, err2); err != nil {
		return fmt.Errorf("report %d: %w", r.Num, err)
	}
	if !slices.Contains([]chat.ReportStatus{chat.ReportOpen, chat.ReportResolved, chat.ReportDismissed}, r.Status) {
		return fmt.Errorf("report %d: its status %q is none", r.Num, r.Status)
	}
	return l.insert(`INSERT INTO reports (num, pos, message_id, reporter, sender, content, reason, at, status, closed_by, closed_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, r.Num, at, id, string(r.Reporter), string(r.Sender), r.Content, r.Reason, int64(r.At), string(r.Status),
		string(r.ClosedBy), int64(r.ClosedAt))
}

func (l *Loader) act(a *archive.Act) error {
	id, err := idOf(a.MessageID)
	if err != nil {
		return err
	}
	return l.insert(`INSERT INTO audit (id, at, actor, action, target, room, message_id, role, reason, until) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		a.ID, int64(a.At), string(a.Actor), a.Action, string(a.Target), string(a.Room), id, a.Role, a.Reason, int64(a.Until))
}

func (l *Loader) file(f *archive.File) error {
	id, err := idOf(f.ID)
	if err != nil {
		return err
	}
	return l.insert(`INSERT INTO files (id, owner, name, type, size, width, height, thumbnail, state, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`,
		id, string(f.Owner), f.Name, f.Type, f.Size, int64(f.Width), int64(f.Height), flag(f.Thumbnail > 0), int64(f.At))
}

func (l *Loader) share(s *archive.Share) error {
	id, err := idOf(s.ID)
	at, err2 := l.placeOf(s.Room, s.Seq)
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	return l.insert(`INSERT INTO file_shares (file, pos) VALUES (?, ?)`, id, at)
}

func (l *Loader) request(r *archive.Request) error {
	num, ok := l.rooms[r.Room]
	if r.Room != "" && !ok {
		return fmt.Errorf("a request of %q: there is no room %q", r.User, r.Room)
	}
	return l.insert(`INSERT INTO requests (user_id, room, client_msg_id, digest, outcome) VALUES (?, ?, ?, ?, ?)`, string(r.User), num, r.ClientMsgID,
		r.Digest, r.Outcome)
}

// Finish gives the data its epoch, which is after a former one, and makes all of it durable.
func (l *Loader) Finish(former int64) (epoch int64, err error) {
	if l.pending == 0 {
		if _, err := l.c.exec("BEGIN"); err != nil {
			return 0, err
		}
		l.pending = 1
	}
	err = l.endRoom()
	if _, ok := l.rooms[chat.Announcements]; !ok && err == nil {
		err = fmt.Errorf("the room %q is missing", chat.Announcements)
	}
	if err == nil {
		epoch, err = readEpoch(l.c)
	}
	epoch = max(epoch, former+1)
	if err == nil {
		_, err = l.c.exec(`UPDATE meta SET value = ? WHERE key = 'epoch'`, epoch)
	}
	err = errors.Join(err, l.commit())
	if err == nil { // it was made without a journal, which a database that is served has
		err = l.c.query(func(row) error { return nil }, "PRAGMA journal_mode(WAL)")
	}
	err = errors.Join(err, l.c.Close())
	l.c = nil
	if err == nil {
		err = errors.Join(syncFile(l.path), syncDir(l.home.loading()))
	}
	if err == nil {
		if err = l.home.occupy(); err == nil {
			l.home = nil
			return epoch, nil
		}
	}
	return 0, fmt.Errorf("store: load: %w", err)
}

// Close gives up what was not finished, and leaves nothing of it.
func (l *Loader) Close() error {
	var errs []error
	if l.c != nil {
		errs = append(errs, l.c.Close())
		l.c = nil
	}
	if l.home != nil {
		errs = append(errs, l.home.leave())
		l.home = nil
	}
	return errors.Join(errs...)
}
