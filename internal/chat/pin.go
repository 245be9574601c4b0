// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// MaxPins bounds the pinned messages of a room.
const MaxPins = 50

// Pin is a message that is pinned in its room.
type Pin struct {
	Message *Event // as read; in its current state
	Seq     uint64 // of the event that pinned it
	By      UserID
	At      Time
}

// Pin pins a message in its room: moderators do, in a private conversation both. Again changes nothing.
func (s *Service) Pin(call Call, id ID) *Pending[Changed] {
	return submit[Changed](s, call, ofMessage(id), "pin", []string{id.String()}, func(tx Tx, u *User) (Changed, error) {
		return s.pin(tx, u, id, true)
	})
}

// Unpin takes a pin away. Again changes nothing.
func (s *Service) Unpin(call Call, id ID) *Pending[Changed] {
	return submit[Changed](s, call, ofMessage(id), "unpin", []string{id.String()}, func(tx Tx, u *User) (Changed, error) {
		return s.pin(tx, u, id, false)
	})
}

func (s *Service) pin(tx Tx, u *User, id ID, add bool) (Changed, error) {
	at, err := s.findMessage(tx, u, id)
	if err != nil {
		return Changed{}, err
	}
	if at.room.Kind != DirectRoom && !isModerator(at.member, u) {
		return Changed{}, Refuse(Forbidden, "only moderators pin messages")
	}
	if err := s.mayWriteIn(tx, at.room, u.ID); err != nil {
		return Changed{}, err
	}
	if at.message.Deleted && add {
		return Changed{}, gone()
	}
	there, err := tx.Pinned(at.message)
	if err != nil {
		return Changed{}, err
	}
	if there == add {
		return Changed{RoomID: at.room.ID, MessageID: id}, nil
	}
	e := &Event{Kind: MessageUnpinned, Actor: u.ID, MessageID: id, Target: at.message.Seq}
	if !add {
		if err := tx.Append(at.room, e); err != nil {
			return Changed{}, err
		}
		return changed(e), tx.RemovePin(at.message)
	}
	n, err := tx.CountPins(at.room)
	if err != nil {
		return Changed{}, err
	}
	if n >= MaxPins {
		return Changed{}, Refuse(Conflict, "the room has its %d pinned messages; unpin one first", MaxPins)
	}
	e.Kind = MessagePinned
	if err := tx.Append(at.room, e); err != nil {
		return Changed{}, err
	}
	return changed(e), tx.PutPin(at.message, &Pin{Seq: e.Seq, By: u.ID, At: e.At})
}

// PinPage is what is pinned in a room, of what the caller may see, the latest pinned first.
type PinPage struct {
	Room    *Room
	Pins    []Pin
	HasMore bool
}

// Pins lists the pinned messages of a room that the caller is a member of, pinned before the event seq (0: all).
func (s *Service) Pins(ctx context.Context, who Principal, room RoomID, before uint64) (*PinPage, error) {
	r, m, err := s.visible(ctx, who, room)
	if err != nil {
		return nil, err
	}
	pins, err := s.store.Pins(ctx, r)
	if err != nil {
		return nil, err
	}
	p := &PinPage{Room: r}
	first, bytes := r.FirstVisible(m.JoinedSeq), maxPageBytes
	for _, pin := range pins {
		if pin.Message.Seq < first || before > 0 && pin.Seq >= before {
			continue
		}
		if bytes -= pin.Message.weight(); bytes < 0 && len(p.Pins) > 0 {
			p.HasMore = true
			break
		}
		p.Pins = append(p.Pins, pin)
	}
	return p, nil
}
