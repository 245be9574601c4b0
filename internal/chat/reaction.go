// SPDX-License-Identifier: Apache-2.0

package chat

// MaxReactionKinds bounds the different emoji of one message, ListedReactions the users that are named for each of them; how
// many there are is always told.
const (
	MaxReactionKinds = 20
	ListedReactions  = 100
)

// maxEmoji bounds an emoji, in bytes. The longest in use have some 35.
const maxEmoji = 64

// Reaction is an emoji on a message.
type Reaction struct {
	Emoji string
	Users []UserID // by id, at most ListedReactions
	Count int      // of all users
}

// Reacted is the outcome of a reaction or of taking one back: the message's reactions after it.
type Reacted struct {
	Repeat
	RoomID    RoomID     `json:"room_id"`
	MessageID ID         `json:"message_id"`
	Emoji     string     `json:"emoji"`
	Seq       uint64     `json:"seq,omitempty"` // of the event; 0 when there was nothing to do
	Reactions []Reaction `json:"reactions,omitempty"`
}

// React adds the caller's emoji to a message. emoji is a valid one in its one spelling. Again changes nothing.
func (s *Service) React(call Call, id ID, emoji string) *Pending[Reacted] {
	if emoji == "" || len(emoji) > maxEmoji {
		return refused[Reacted](Refuse(BadRequest, "emoji: must be one emoji"))
	}
	return submit[Reacted](s, call, ofMessage(id), "react", []string{id.String(), emoji}, func(tx Tx, u *User) (Reacted, error) {
		return s.react(tx, u, id, emoji, true)
	})
}

// Unreact takes the caller's emoji back. Again changes nothing.
func (s *Service) Unreact(call Call, id ID, emoji string) *Pending[Reacted] {
	if emoji == "" || len(emoji) > maxEmoji {
		return refused[Reacted](Refuse(BadRequest, "emoji: must be one emoji"))
	}
	return submit[Reacted](s, call, ofMessage(id), "unreact", []string{id.String(), emoji}, func(tx Tx, u *User) (Reacted, error) {
		return s.react(tx, u, id, emoji, false)
	})
}

func (s *Service) react(tx Tx, u *User, id ID, emoji string, add bool) (Reacted, error) {
	at, err := s.findMessage(tx, u, id)
	if err != nil {
		return Reacted{}, err
	}
	if at.message.Deleted {
		return Reacted{}, gone()
	}
	if err := mayReact(at.room, at.member, u, tx.Now()); err != nil {
		return Reacted{}, err
	}
	if add {
		if err := s.mayWriteIn(tx, at.room, u.ID); err != nil {
			return Reacted{}, err
		}
	}
	there, err := tx.Reacted(at.message, emoji, u.ID)
	if err != nil {
		return Reacted{}, err
	}
	out := Reacted{RoomID: at.room.ID, MessageID: id, Emoji: emoji}
	if out.Reactions, err = tx.Reactions(at.message); err != nil || there == add {
		return out, err
	}
	count, known := 0, false
	for _, r := range out.Reactions {
		if r.Emoji == emoji {
			count, known = r.Count, true
		}
	}
	e := &Event{Kind: ReactionAdded, Actor: u.ID, MessageID: id, Content: emoji, Target: at.message.Seq, Details: &Details{Count: count + 1}}
	if add {
		if !known && len(out.Reactions) >= MaxReactionKinds {
			return Reacted{}, Refuse(Conflict, "emoji: the message has %d different ones already; use one of those", MaxReactionKinds)
		}
	} else {
		e.Kind, e.Details.Count = ReactionRemoved, count-1
	}
	if err := tx.Append(at.room, e); err != nil {
		return Reacted{}, err
	}
	if add {
		err = tx.PutReaction(at.message, emoji, u.ID, e.Seq)
	} else {
		err = tx.RemoveReaction(at.message, emoji, u.ID)
	}
	if err != nil {
		return Reacted{}, err
	}
	out.Seq = e.Seq
	out.Reactions, err = tx.Reactions(at.message)
	return out, err
}

// mayReact refuses a member who may not react at the moment. A read-only room and the announcements are there to be reacted
// to; a locked room is not.
func mayReact(r *Room, m *Member, u *User, now Time) error {
	if err := maySpeak(m, u, now); err != nil {
		return err
	}
	if r.Locked && !isModerator(m, u) {
		return Refuse(Forbidden, "the room is locked; only moderators react")
	}
	return nil
}
