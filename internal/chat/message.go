// SPDX-License-Identifier: Apache-2.0

package chat

// NewMessage is what somebody wants to say. Its text has passed validation and filter.
type NewMessage struct {
	Kind    EventKind // Text when empty
	Content string
	ReplyTo ID
	Flag    Flag
	Poster  string      // of a hook: the name to show, in place of the sender's
	file    *SharedFile // see ShareFile
}

// Flag says what the rules for texts have noticed about a text.
type Flag uint8

// The flags, each of which says what those before it say.
const (
	Unflagged  Flag = iota
	Flagged         // it is marked for whoever looks
	Suspicious      // it links to a host that the operator suspects: the moderators are told
)

func (m *NewMessage) kind() EventKind {
	if m.Kind == "" {
		return Text
	}
	return m.Kind
}

func (m *NewMessage) digestParts(to string) []string {
	parts := []string{to, string(m.kind()), m.Content, m.ReplyTo.String()}
	if m.Poster != "" { // two hooks of one maker may count alike
		parts = append(parts, m.Poster)
	}
	return parts
}

// Sent is the outcome of sending a message.
type Sent struct {
	Repeat
	RoomID     RoomID `json:"room_id"`
	MessageID  ID     `json:"message_id"`
	Seq        uint64 `json:"seq"`
	At         Time   `json:"at"`
	Recipients int    `json:"recipients,omitempty"` // of a broadcast: accounts that will get it
}

// Send posts a message in a room that the caller is a member of.
func (s *Service) Send(call Call, room RoomID, m NewMessage) *Pending[Sent] {
	return submit[Sent](s, call, inRoom(room), "send", m.digestParts(string(room)), func(tx Tx, u *User) (Sent, error) {
		r, err := tx.Room(room)
		if err != nil {
			return Sent{}, err
		}
		return s.post(tx, u, r, room, call, m, ID{})
	})
}

// Reply posts a message in the room of the message it answers, as part of its thread.
func (s *Service) Reply(call Call, to ID, m NewMessage) *Pending[Sent] {
	return submit[Sent](s, call, ofMessage(to), "reply", m.digestParts(to.String()), func(tx Tx, u *User) (Sent, error) {
		parent, err := tx.Message(to)
		if err != nil {
			return Sent{}, err
		}
		if parent == nil {
			return Sent{}, noMessage()
		}
		r, err := tx.Room(parent.RoomID)
		if err != nil {
			return Sent{}, err
		}
		if _, err := s.memberOf(tx, r, parent.RoomID, u.ID, tx.Now()); CodeOf(err) == NotFound {
			return Sent{}, noMessage() // the refusal would name a room that the caller must not know of
		}
		thread := parent.ThreadID
		if thread.IsZero() {
			thread = parent.MessageID
		}
		m.ReplyTo = to
		return s.post(tx, u, r, parent.RoomID, call, m, thread)
	})
}

func noMessage() *Error { return Refuse(NotFound, "there is no such message that you can see") }

// post decides about one message and writes it.
func (s *Service) post(tx Tx, u *User, r *Room, id RoomID, call Call, m NewMessage, thread ID) (Sent, error) {
	now := tx.Now()
	member, err := s.memberOf(tx, r, id, u.ID, now)
	if err != nil {
		return Sent{}, err
	}
	if err := mayPost(r, member, u, now); err != nil {
		return Sent{}, err
	}
	if err := s.mayWriteIn(tx, r, u.ID); err != nil {
		return Sent{}, err
	}
	var parent *Event
	if !m.ReplyTo.IsZero() {
		if parent, err = tx.Message(m.ReplyTo); err != nil {
			return Sent{}, err
		}
		if parent == nil || parent.RoomNum != r.Num || parent.Seq < r.FirstVisible(member.JoinedSeq) {
			return Sent{}, Refuse(NotFound, "reply_to: there is no such message in this room")
		}
	}
	mentioned, err := mentions(tx, r, u.ID, m.Content)
	if err != nil {
		return Sent{}, err
	}
	tell, err := notable(tx, r, u.ID, mentioned, parent)
	if err != nil {
		return Sent{}, err
	}
	e := &Event{
		Kind: m.kind(), Actor: u.ID, ActorName: u.DisplayName, MessageID: s.newID(), Content: m.Content,
		ReplyTo: m.ReplyTo, ThreadID: thread, Flagged: m.Flag != Unflagged, ClientMsgID: call.ClientMsgID,
	}
	if mentioned != nil {
		e.Details = &Details{Mentions: mentioned}
	}
	if m.file != nil {
		e.Details = withFile(e.Details, m.file)
	}
	if m.Poster != "" {
		e.ActorName, e.Details = m.Poster, withPoster(e.Details, m.Poster)
	}
	if err := tx.Append(r, e); err != nil {
		return Sent{}, err
	}
	sent := e.Seq
	if m.Poster != "" { // whose hook says something has read nothing by that
		sent = member.LastSent
	}
	if err := tx.SetSent(r, member, sent, e.At); err != nil {
		return Sent{}, err
	}
	if !thread.IsZero() {
		if err := tx.AddAnswer(e); err != nil {
			return Sent{}, err
		}
	}
	if tell {
		if err := tx.PutNotable(e); err != nil {
			return Sent{}, err
		}
	}
	if m.Flag == Suspicious && r.Kind != DirectRoom {
		if err := tx.CreateReport(e, ofServer(e, e.Content, e.At)); err != nil {
			return Sent{}, err
		}
	}
	return Sent{RoomID: r.ID, MessageID: e.MessageID, Seq: e.Seq, At: e.At, Recipients: r.MemberCount}, nil
}

// memberOf is the caller's membership, or the refusal.
func (s *Service) memberOf(tx Tx, r *Room, id RoomID, u UserID, now Time) (*Member, error) {
	if r == nil || r.Deleted {
		return nil, noRoom(id)
	}
	m, err := tx.Member(r, u)
	if err != nil || m != nil {
		return m, err
	}
	b, err := tx.Ban(r, u)
	if err != nil {
		return nil, err
	}
	return nil, access(r, id, nil, b, now)
}

// SendPrivate posts a message in the private conversation with another user, which the first message begins.
func (s *Service) SendPrivate(call Call, to UserID, m NewMessage) *Pending[Sent] {
	room := DirectID(call.UserID, to)
	return submit[Sent](s, call, inRoom(room), "private", m.digestParts(string(to)), func(tx Tx, u *User) (Sent, error) {
		if to == u.ID {
			return Sent{}, Refuse(BadRequest, "user_id: a private conversation needs somebody else")
		}
		peer, err := tx.User(to)
		if err != nil {
			return Sent{}, err
		}
		if peer == nil || peer.Deleted {
			return Sent{}, Refuse(NotFound, "there is no user %q", string(to))
		}
		if err := maySpeak(nil, u, tx.Now()); err != nil {
			return Sent{}, err
		}
		r, err := tx.Room(room)
		if err != nil {
			return Sent{}, err
		}
		if r == nil {
			if !m.ReplyTo.IsZero() {
				return Sent{}, Refuse(NotFound, "reply_to: there is no such message in this conversation")
			}
			if err := s.mayWrite(tx, u.ID, to); err != nil {
				return Sent{}, err
			}
			if r, err = s.openDirect(tx, u, peer); err != nil {
				return Sent{}, err
			}
		}
		return s.post(tx, u, r, room, call, m, ID{})
	})
}

// openDirect makes the private conversation of two users and tells both in their own logs.
func (s *Service) openDirect(tx Tx, u, peer *User) (*Room, error) {
	r := &Room{ID: DirectID(u.ID, peer.ID), Kind: DirectRoom, CreatedBy: u.ID, CreatedAt: tx.Now(), MaxMembers: 2, History: VisibleShared, FirstSeq: 1}
	if err := tx.CreateRoom(r); err != nil {
		return nil, err
	}
	for _, id := range [...]UserID{u.ID, peer.ID} {
		if err := tx.PutMember(r, &Member{User: id, Role: RoleMember, JoinedSeq: 1, JoinedAt: tx.Now()}); err != nil {
			return nil, err
		}
		if err := s.tell(tx, id, &Event{Kind: RoomAdded, Actor: u.ID, Details: roomDetails(r)}); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Broadcast posts an announcement to every account.
func (s *Service) Broadcast(call Call, m NewMessage) *Pending[Sent] {
	return submit[Sent](s, call, inRoom(Announcements), "broadcast", m.digestParts(""), func(tx Tx, u *User) (Sent, error) {
		if u.Role != RoleAdministrator {
			return Sent{}, Refuse(Forbidden, "only administrators broadcast")
		}
		r, err := tx.Room(Announcements)
		if err != nil {
			return Sent{}, err
		}
		return s.post(tx, u, r, Announcements, call, m, ID{})
	})
}

// tell appends an event to a user's own log.
func (s *Service) tell(tx Tx, u UserID, e *Event) error {
	log, err := tx.Room(UserLog(u))
	if err != nil || log == nil {
		return err
	}
	return tx.Append(log, e)
}

// roomDetails say which room an event of a user's own log is about.
func roomDetails(r *Room) *Details {
	return &Details{RoomID: r.ID, RoomName: r.Name, RoomKind: r.Kind}
}
