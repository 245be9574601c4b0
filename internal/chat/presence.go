// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"time"
)

// Status is whether somebody is there, as others see it.
type Status string

// The statuses. A user who is there may choose to be Offline to all others.
const (
	Online  Status = "online"
	Away    Status = "away"
	Offline Status = "offline"
)

// Seen is when somebody was last there.
type Seen struct {
	User UserID
	At   Time
}

// PresenceTx is what of presence outlives connections.
type PresenceTx interface {
	Invisible(u UserID) (bool, error)
	SetInvisible(u UserID, invisible bool) error
	SetSeen(s Seen) error // never back
}

// PresenceReader reads it.
type PresenceReader interface {
	InvisibleUsers(ctx context.Context) ([]UserID, error)
	// SmallRooms lists the numbers of rooms and private conversations that u is in, of at most most members: up to limit
	// of them, those with the latest events first.
	SmallRooms(ctx context.Context, u UserID, most, limit int) ([]int64, error)
	// LastSeen tells when members of a room were last seen, of those that RoomMembers lists.
	LastSeen(ctx context.Context, room int64, after UserID, limit int) (map[UserID]Time, error)
}

// Chosen is the outcome of choosing a status.
type Chosen struct {
	Repeat
	Status Status `json:"status"`
}

// ChooseStatus says what the caller wants others to see. That it is Offline outlives connections and the server; Away lasts
// as long as the caller is there.
func (s *Service) ChooseStatus(call Call, status Status) *Pending[Chosen] {
	return submit[Chosen](s, call, scope{}, "presence", []string{string(status)}, func(tx Tx, u *User) (Chosen, error) {
		out := Chosen{Status: status}
		was, err := tx.Invisible(u.ID)
		if err != nil || was == (status == Offline) {
			return out, err
		}
		return out, tx.SetInvisible(u.ID, !was)
	})
}

// seenPerChange bounds how many rows one change writes.
const seenPerChange = 256

// SaveSeen makes durable when people were last seen. Whoever misses it is only seen earlier.
func (s *Service) SaveSeen(seen []Seen) {
	for len(seen) > 0 {
		some := seen[:min(len(seen), seenPerChange)]
		seen = seen[len(some):]
		administer[Chosen](s, func(tx Tx, _ *User) (Chosen, error) {
			for _, one := range some {
				if err := tx.SetSeen(one); err != nil {
					return Chosen{}, err
				}
			}
			return Chosen{}, nil
		})
	}
}

// MayType finds a room that the caller may say in that they are typing: where they may write, a slow mode aside.
func (s *Service) MayType(ctx context.Context, who Principal, room RoomID) (*Room, error) {
	r, m, err := s.visible(ctx, who, room)
	if err != nil {
		return nil, err
	}
	u, err := s.store.ReadUser(ctx, who.UserID)
	if err != nil {
		return nil, err
	}
	if err := mayAct(u, s.now()); err != nil {
		return nil, err
	}
	if err := mayPost(r, m, u, s.now()); err != nil && CodeOf(err) != RateLimited {
		return nil, err
	}
	if a, b, ok := r.ID.DirectPeers(); ok {
		if a == who.UserID {
			a = b
		}
		if _, err := s.Account(ctx, a); err != nil { // erased: nobody reads it
			return nil, err
		}
		for _, pair := range [][2]UserID{{a, who.UserID}, {who.UserID, a}} {
			blocked, err := s.store.ReadBlocked(ctx, pair[0], pair[1])
			if err != nil {
				return nil, err
			}
			if blocked {
				return nil, Refuse(Forbidden, "you take no private messages from each other")
			}
		}
	}
	return r, nil
}

// WhoIsThere is the part of a room's members that is shown, with when they were last seen.
func (s *Service) WhoIsThere(ctx context.Context, room *Room, after UserID, limit int) (map[UserID]Time, error) {
	limit, err := pageSize(limit, s.limit.MaxListPage, s.limit.MaxListPage)
	if err != nil {
		return nil, err
	}
	return s.store.LastSeen(ctx, room.Num, after, limit)
}

// TypingExpires is for how long a typing_start holds, TypingEvery how often one is passed on.
const (
	TypingExpires = 10 * time.Second
	TypingEvery   = 3 * time.Second
)
