// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// Of one page of an export.
const (
	exportPage  = 200  // messages
	exportChunk = 500  // messages read at once
	exportScan  = 5000 // messages looked at
)

// Export is a page of what an account is and wrote.
type Export struct {
	User     *User
	Blocked  []UserID     // on the first page
	Rooms    []Membership // on the first page
	Quiet    *QuietHours  // on the first page; nil: none
	Messages []*Event     // the account's own, by room id and seq
	// Where the next page begins, while HasMore.
	NextRoom RoomID
	NextSeq  uint64
	HasMore  bool
}

// Export reads what the caller wrote in the rooms that they are in, after a seq of a room (those before it by id are
// done). A page may be empty and not the last: it looks at a bounded part of the logs.
func (s *Service) Export(ctx context.Context, who Principal, room RoomID, after uint64) (*Export, error) {
	u, err := s.Account(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	rooms, err := s.store.RoomsOf(ctx, u.ID)
	if err != nil {
		return nil, err
	}
	out := &Export{User: u}
	if room == "" {
		out.Rooms = rooms
		if out.Blocked, err = s.store.Blocks(ctx, u.ID); err != nil {
			return nil, err
		}
		if out.Quiet, err = s.store.ReadQuietHours(ctx, u.ID); err != nil {
			return nil, err
		}
	}
	bytes, scan := maxPageBytes, exportScan
	for i := range rooms {
		m := &rooms[i]
		if m.Room.ID < room || m.Room.Kind == UserLogRoom {
			continue
		}
		from := m.Room.FirstVisible(m.Member.JoinedSeq)
		if m.Room.ID == room {
			from = max(from, after+1)
		}
		for from <= m.Room.LastSeq {
			if scan <= 0 {
				out.NextRoom, out.NextSeq, out.HasMore = m.Room.ID, from-1, true
				return out, nil
			}
			events, err := s.store.Log(ctx, &m.Room, LogQuery{From: from, To: m.Room.LastSeq, Limit: exportChunk, MessagesOnly: true})
			if err != nil {
				return nil, err
			}
			for _, e := range events {
				if e.Actor != u.ID || !e.Kind.Counts() {
					continue
				}
				if bytes -= e.weight(); len(out.Messages) > 0 && (len(out.Messages) == exportPage || bytes < 0) {
					out.NextRoom, out.NextSeq, out.HasMore = m.Room.ID, e.Seq-1, true
					return out, nil
				}
				out.Messages = append(out.Messages, e)
			}
			scan -= max(len(events), 1)
			if len(events) < exportChunk {
				break
			}
			from = events[len(events)-1].Seq + 1
		}
	}
	return out, nil
}
