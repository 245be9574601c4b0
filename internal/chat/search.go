// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
)

// SearchLimits: how many messages a page of a search has.
const (
	searchPage    = 20
	maxSearchPage = 100
)

// SearchScope is a part of a room's log in which somebody may search.
type SearchScope struct {
	Room     *Room
	From, To uint64 // seq
}

// SearchQuery says what to look for. Text is in the language of queries; see the protocol.
type SearchQuery struct {
	Text   string
	Sender UserID // "" anybody
	Since  Time   // 0: no bound
	Until  Time   // 0: no bound
	Before Mark   // only what is older; zero: from the newest on
	Limit  int
}

// Mark is a place in the order of search results, which is that of time.
type Mark struct {
	At   Time
	Room int64
	Seq  uint64
}

// MarkOf is the place of a message.
func MarkOf(e *Event) Mark { return Mark{At: e.At, Room: e.RoomNum, Seq: e.Seq} }

// Hit is a message that answers a query.
type Hit struct {
	Event   *Event
	Snippet string
}

// Found is a page of hits, newest first. With More there may be others older than Next, even where the page is short: a
// search looks at a bounded number of messages.
type Found struct {
	Hits []Hit
	More bool
	Next Mark
}

// RoomSearch is a search in one room.
type RoomSearch struct {
	SearchQuery
	BeforeSeq uint64 // 0: from the newest on
}

// SearchRoom looks for messages in what the caller may see of a room. To is the newest seq that the page answers for.
func (s *Service) SearchRoom(ctx context.Context, who Principal, room RoomID, q RoomSearch) (found *Found, scope SearchScope, err error) {
	r, m, err := s.visible(ctx, who, room)
	if err != nil {
		return nil, scope, err
	}
	if err := q.check(); err != nil {
		return nil, scope, err
	}
	scope = SearchScope{Room: r, From: r.FirstVisible(m.JoinedSeq), To: r.LastSeq}
	if q.BeforeSeq > 0 {
		scope.To = min(scope.To, q.BeforeSeq-1)
	}
	found, err = s.store.Search(ctx, []SearchScope{scope}, q.SearchQuery)
	return found, scope, err
}

// Search looks for messages in what the caller may see of all their rooms.
func (s *Service) Search(ctx context.Context, who Principal, q SearchQuery) (*Found, error) {
	if err := q.check(); err != nil {
		return nil, err
	}
	rooms, err := s.store.RoomsOf(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	scopes := make([]SearchScope, 0, len(rooms))
	for i := range rooms {
		r := &rooms[i].Room
		if r.Kind == UserLogRoom { // has no messages
			continue
		}
		scopes = append(scopes, SearchScope{Room: r, From: r.FirstVisible(rooms[i].Member.JoinedSeq), To: r.LastSeq})
	}
	return s.store.Search(ctx, scopes, q)
}

func (q *SearchQuery) check() (err error) {
	if q.Sender != "" && !ValidUserID(q.Sender) {
		return Refuse(BadRequest, "sender_id: is not a user id")
	}
	if q.Since != 0 && q.Until != 0 && q.Since > q.Until {
		return Refuse(BadRequest, "from: is later than to")
	}
	q.Limit, err = pageSize(q.Limit, searchPage, maxSearchPage)
	return err
}

// String is the mark as clients hold it: opaque, and "" for none.
func (m Mark) String() string {
	if m == (Mark{}) {
		return ""
	}
	b := binary.AppendVarint(nil, int64(m.At))
	b = binary.AppendVarint(b, m.Room)
	b = binary.AppendUvarint(b, m.Seq)
	return base64.RawURLEncoding.EncodeToString(b)
}

// ParseMark reads what String made.
func ParseMark(text string) (m Mark, err error) {
	if text == "" {
		return m, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return m, fmt.Errorf("a cursor: %w", err)
	}
	at, n := binary.Varint(b)
	if n <= 0 {
		return m, fmt.Errorf("a cursor: is cut off")
	}
	room, k := binary.Varint(b[n:])
	if k <= 0 {
		return m, fmt.Errorf("a cursor: is cut off")
	}
	seq, l := binary.Uvarint(b[n+k:])
	if l <= 0 || n+k+l != len(b) {
		return m, fmt.Errorf("a cursor: is cut off")
	}
	return Mark{Time(at), room, seq}, nil
}

// Compare orders marks: -1 when m comes before o, that is, is older.
func (m Mark) Compare(o Mark) int {
	switch {
	case m.At != o.At:
		return sign(m.At < o.At)
	case m.Room != o.Room:
		return sign(m.Room < o.Room)
	case m.Seq != o.Seq:
		return sign(m.Seq < o.Seq)
	}
	return 0
}

func sign(less bool) int {
	if less {
		return -1
	}
	return 1
}
