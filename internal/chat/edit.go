// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// Changed is the outcome of what was done to a message.
type Changed struct {
	Repeat
	RoomID    RoomID `json:"room_id"`
	MessageID ID     `json:"message_id"`
	Seq       uint64 `json:"seq,omitempty"` // of the event; 0 when there was nothing to do
	At        Time   `json:"at,omitempty"`
}

func changed(e *Event) Changed {
	return Changed{RoomID: e.RoomID, MessageID: e.MessageID, Seq: e.Seq, At: e.At}
}

// found is a message with where it is. member is nil only for administrators who are not in the room.
type found struct {
	message *Event
	room    *Room
	member  *Member
}

func gone() *Error { return Refuse(Conflict, "the message was deleted") }

// findMessage finds a message, never a system one, that the caller can see as a member of its room.
func (s *Service) findMessage(tx Tx, u *User, id ID) (found, error) {
	e, err := tx.Message(id)
	if err != nil {
		return found{}, err
	}
	if e == nil || e.Kind == System {
		return found{}, noMessage()
	}
	r, err := tx.Room(e.RoomID)
	if err != nil {
		return found{}, err
	}
	m, err := s.memberOf(tx, r, e.RoomID, u.ID, tx.Now())
	if CodeOf(err) == NotFound {
		return found{}, noMessage() // the refusal would name a room that the caller must not know of
	}
	if err != nil {
		return found{}, err
	}
	if e.Seq < r.FirstVisible(m.JoinedSeq) {
		return found{}, noMessage()
	}
	return found{e, r, m}, nil
}

// governMessage is findMessage for what moderators do: administrators need no membership. What two people say to each other is
// closed to them, but for a message that one of the two has reported, until the report is closed.
func (s *Service) governMessage(tx Tx, u *User, id ID) (found, error) {
	at, err := s.findMessage(tx, u, id)
	if err == nil || u.Role != RoleAdministrator || CodeOf(err) == Internal {
		return at, err
	}
	e, failure := tx.Message(id)
	if failure != nil {
		return found{}, failure
	}
	if e == nil || e.Kind == System {
		return found{}, err
	}
	r, failure := tx.Room(e.RoomID)
	if failure != nil {
		return found{}, failure
	}
	if r == nil || r.Deleted || e.Seq < r.FirstSeq {
		return found{}, err
	}
	if r.Kind == DirectRoom {
		if named, failure := tx.IsReported(e); failure != nil || !named {
			return found{}, errorOr(failure, err)
		}
	}
	m, failure := tx.Member(r, u.ID)
	return found{e, r, m}, failure
}

// Edit replaces the text of one's own message. The text before is kept for moderators. The same text again changes nothing.
func (s *Service) Edit(call Call, id ID, content string, flag Flag) *Pending[Changed] {
	return submit[Changed](s, call, ofMessage(id), "edit", []string{id.String(), content}, func(tx Tx, u *User) (Changed, error) {
		at, err := s.findMessage(tx, u, id)
		if err != nil {
			return Changed{}, err
		}
		if at.message.Actor != u.ID {
			return Changed{}, Refuse(Forbidden, "only who wrote a message edits it")
		}
		if at.message.Deleted {
			return Changed{}, gone()
		}
		if err := mayChange(at.room, at.member, u, tx.Now()); err != nil {
			return Changed{}, err
		}
		if err := s.mayWriteIn(tx, at.room, u.ID); err != nil {
			return Changed{}, err
		}
		if at.message.Content == content {
			return Changed{RoomID: at.room.ID, MessageID: id}, nil
		}
		mentioned, err := mentions(tx, at.room, u.ID, content)
		if err != nil {
			return Changed{}, err
		}
		tell, err := anyPushed(tx, u.ID, added(mentioned, at.message.Content))
		if err != nil {
			return Changed{}, err
		}
		// Once, while nobody has closed it: a text that is altered again and again is one thing to look at.
		report := flag == Suspicious && at.room.Kind != DirectRoom
		if report {
			reported, err := tx.HasReported(at.message, SystemUser)
			if err != nil {
				return Changed{}, err
			}
			report = !reported
		}
		e := &Event{Kind: MessageEdited, Actor: u.ID, MessageID: id, Content: content, Flagged: flag != Unflagged, Target: at.message.Seq}
		if mentioned != nil {
			e.Details = &Details{Mentions: mentioned}
		}
		if err := tx.Append(at.room, e); err != nil {
			return Changed{}, err
		}
		if err := s.keepVersion(tx, at.message, e); err != nil {
			return Changed{}, err
		}
		if tell {
			if err := tx.PutNotable(e); err != nil {
				return Changed{}, err
			}
		}
		if report {
			if err := tx.CreateReport(at.message, ofServer(at.message, content, e.At)); err != nil {
				return Changed{}, err
			}
		}
		edited := *at.message
		edited.Content, edited.Flagged, edited.Edited = content, flag != Unflagged, true
		edited.Details = withMentions(edited.Details, mentioned)
		return changed(e), tx.ReplaceMessage(&edited)
	})
}

// withMentions are details with other mentions; nil when nothing is in them.
func withMentions(d *Details, mentioned []UserID) *Details {
	if d == nil {
		if mentioned == nil {
			return nil
		}
		d = &Details{}
	}
	out := *d
	out.Mentions = mentioned
	return &out
}

// Delete leaves a tombstone of a message. Its author may, and moderators: of what the author deletes nothing is kept, of what a
// moderator deletes the text is kept for moderators. Again changes nothing.
func (s *Service) Delete(call Call, id ID) *Pending[Changed] {
	return submit[Changed](s, call, ofMessage(id), "delete", []string{id.String()}, func(tx Tx, u *User) (Changed, error) {
		at, err := s.governMessage(tx, u, id)
		if err != nil {
			return Changed{}, err
		}
		own := at.message.Actor == u.ID
		if !own {
			if err := mayDelete(tx, at, u); err != nil {
				return Changed{}, err
			}
		}
		if at.message.Deleted {
			return Changed{RoomID: at.room.ID, MessageID: id}, nil
		}
		e := &Event{Kind: MessageDeleted, Actor: u.ID, MessageID: id, Target: at.message.Seq}
		if !at.message.ThreadID.IsZero() {
			thread, err := tx.RemoveAnswer(at.message)
			if err != nil {
				return Changed{}, err
			}
			e.Details = &Details{Thread: &thread}
		}
		if err := tx.Append(at.room, e); err != nil {
			return Changed{}, err
		}
		if own {
			err = tx.DropVersions(at.message)
		} else if err = s.keepVersion(tx, at.message, e); err == nil {
			err = audit(tx, Audited{Actor: u.ID, Action: ActionDeleteMessage, Target: at.message.Actor, RoomID: at.room.ID, MessageID: id})
		}
		if err != nil {
			return Changed{}, err
		}
		if err := tx.DropReactions(at.message); err != nil {
			return Changed{}, err
		}
		if err := tx.RemovePin(at.message); err != nil {
			return Changed{}, err
		}
		tombstone := *at.message
		tombstone.Content, tombstone.Details = "", nil
		if d := at.message.Details; d != nil && d.Poster != "" { // whose it was does not change
			tombstone.Details = withPoster(nil, d.Poster)
		}
		tombstone.Flagged, tombstone.Edited, tombstone.Deleted = false, false, true
		return changed(e), tx.ReplaceMessage(&tombstone)
	})
}

// mayDelete refuses who may not delete somebody else's message.
func mayDelete(tx Tx, at found, u *User) error {
	if !isModerator(at.member, u) {
		return Refuse(Forbidden, "only who wrote a message and moderators delete it")
	}
	author, err := tx.User(at.message.Actor)
	if err != nil {
		return err
	}
	if author == nil { // an account that is forgotten has no role
		author = &User{}
	}
	target, err := tx.Member(at.room, at.message.Actor)
	if err != nil {
		return err
	}
	if outranks(target, author, at.member, u) {
		return Refuse(Forbidden, "who wrote the message has a higher role than you")
	}
	return nil
}

// Version is a text that was replaced.
type Version struct {
	Seq        uint64 // of the event that replaced it
	Content    string
	At         Time // when it was written
	ReplacedAt Time
	ReplacedBy UserID
}

// keepVersion keeps the text of a message that e replaces.
func (s *Service) keepVersion(tx Tx, of, e *Event) error {
	return tx.PutVersion(of, &Version{Seq: e.Seq, Content: of.Content, At: of.At, ReplacedAt: e.At, ReplacedBy: e.Actor})
}

// VersionPage is a page of the texts that a message has had before.
type VersionPage struct {
	Message  *Event
	Versions []Version // the latest first
	HasMore  bool
}

// Versions shows moderators what a message said before, replaced before the event seq (0: the latest).
func (s *Service) Versions(ctx context.Context, who Principal, id ID, before uint64, limit int) (*VersionPage, error) {
	limit, err := pageSize(limit, s.limit.HistoryPage, s.limit.MaxHistoryPage)
	if err != nil {
		return nil, err
	}
	u, err := s.store.ReadUser(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	if u == nil {
		return nil, noMessage()
	}
	e, _, m, err := s.visibleMessage(ctx, u, id)
	if err != nil {
		return nil, err
	}
	if e.Kind == System {
		return nil, noMessage()
	}
	if !isModerator(m, u) {
		return nil, Refuse(Forbidden, "only moderators see earlier versions")
	}
	p := &VersionPage{Message: e}
	if p.Versions, err = s.store.Versions(ctx, e, before, limit+1); err != nil {
		return nil, err
	}
	p.Versions, p.HasMore = pageOf(p.Versions, limit, func(v *Version) int { return len(v.Content) })
	return p, nil
}

// visibleMessage is governMessage for what only reads, system messages too, which may be answered; m is nil of an administrator who is not in the room.
func (s *Service) visibleMessage(ctx context.Context, u *User, id ID) (*Event, *Room, *Member, error) {
	e, err := s.store.ReadMessage(ctx, id)
	if err != nil {
		return nil, nil, nil, err
	}
	if e == nil {
		return nil, nil, nil, noMessage()
	}
	r, m, err := s.visible(ctx, Principal{u.ID}, e.RoomID)
	switch code := CodeOf(err); {
	case code == "":
		if e.Seq < r.FirstVisible(m.JoinedSeq) {
			return nil, nil, nil, noMessage()
		}
		return e, r, m, nil
	case u.Role == RoleAdministrator && code != Internal:
		if r, err = s.store.ReadRoom(ctx, e.RoomID); err != nil || r == nil || r.Deleted {
			return nil, nil, nil, errorOr(err, noMessage())
		}
		if r.Kind == DirectRoom {
			if named, err := s.store.ReadReported(ctx, e); err != nil || !named {
				return nil, nil, nil, errorOr(err, noMessage())
			}
		}
		return e, r, nil, nil
	case code == NotFound:
		return nil, nil, nil, noMessage()
	}
	return nil, nil, nil, err
}

func errorOr(err, refusal error) error {
	if err != nil {
		return err
	}
	return refusal
}

// mayChange refuses a member who may not write at the moment; a slow mode is about new messages only.
func mayChange(r *Room, m *Member, u *User, now Time) error {
	unhurried := *r
	unhurried.SlowMode = 0
	return mayPost(&unhurried, m, u, now)
}
