// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"time"
)

// What a subscription is told of. The names are public and stored.
const (
	EventsNotifications = "notifications" // what its user is to be notified of while away
	EventsMessages      = "messages"      // everything in its user's rooms: a webhook that follows them
)

const (
	// MaxFollowing bounds the webhooks of one account that follow its rooms.
	MaxFollowing = 2
	// MaxFollowedRooms bounds the rooms that an account may be in when it makes one.
	MaxFollowedRooms = 1000
	// MaxFollowers bounds the webhooks that follow one room; the announcements have no bound.
	MaxFollowers = 50

	followPage = 32 // events read at once; all but one are those that the webhook's own account made
)

// Follower is the place of a webhook in the log of a room that its account is in.
type Follower struct {
	Subscription ID
	Room         int64 // Room.Num
	Host         string
	After        uint64 // taken by the other side, or passed over, up to here
	Attempts     int    // of the next event, that failed
}

// FollowTx is about webhooks that follow rooms. Their places come and go with memberships and subscriptions: a place begins at the
// head of the log, or of whoever joins with their joining. Append makes the places of its room due.
type FollowTx interface {
	// Following tells whether an account has a webhook that follows its rooms. It answers from memory where nobody has one.
	Following(u UserID) (bool, error)
	CountFollowers(r *Room) (int, error)
	// CrowdedRoom finds a room of u with MaxFollowers or more webhooks, empty where there is none.
	CrowdedRoom(u UserID) (RoomID, error)
	// SettleFollower moves a place that is still there, never back. It is due where the log goes on, and then at due.
	SettleFollower(f *Follower, due Time) error
	RemoveFollower(f *Follower) error
}

// FollowReader reads it.
type FollowReader interface {
	// DueFollowers lists places whose log goes on and that are due at now, with other hosts than busy ones, the longest due first.
	DueFollowers(ctx context.Context, now Time, busy []string, limit int) ([]Follower, error)
	// CountDueFollowers counts places behind which the log goes on. Some says whether any webhook follows at all.
	CountDueFollowers(ctx context.Context) (behind int, some bool, err error)
}

// Following is what comes next for a webhook. One of Event, Missed and End is set, or nothing: then all up to Through is passed over.
type Following struct {
	Subscription PushSubscription
	Room         *Room
	Event        *Event // to be sent
	Through      uint64 // the place when it was taken
	Missed       uint64 // first of what will not be sent any more, up to Through: it is too old, or was cut
	End          bool   // there is nothing to follow any more
	Wait         bool   // it may not be sent now
}

// NextOf reads what comes next for a webhook, and whether it may be sent: that is asked anew for each event.
func (s *Service) NextOf(ctx context.Context, f *Follower) (*Following, error) {
	sub, err := s.store.ReadPushSubscription(ctx, f.Subscription)
	if err != nil {
		return nil, err
	}
	if sub == nil || sub.Events != EventsMessages {
		return &Following{End: true}, nil
	}
	out := &Following{Subscription: *sub, Through: f.After}
	if out.Room, err = s.store.RoomByNum(ctx, f.Room); err != nil {
		return nil, err
	}
	if out.Room == nil || out.Room.Deleted {
		out.End = true
		return out, nil
	}
	m, err := s.store.ReadMember(ctx, f.Room, sub.User)
	if err != nil {
		return nil, err
	}
	account, err := s.store.ReadUser(ctx, sub.User)
	if err != nil {
		return nil, err
	}
	now := s.now()
	switch {
	case m == nil || account == nil || account.Deleted:
		out.End = true
		return out, nil
	case !s.limit.WebhookTexts || !s.webhookAllowed(sub.Host) || account.BannedAt(now):
		out.Wait = true
		return out, nil
	}
	return out, s.readOn(ctx, f.After, m, now, out)
}

// readOn finds the next event behind after that is to be sent.
func (s *Service) readOn(ctx context.Context, after uint64, m *Member, now Time, out *Following) error {
	r := out.Room
	from := max(after+1, m.JoinedSeq)
	if from < r.FirstSeq {
		out.Missed, out.Through = from, r.FirstSeq-1
		return nil
	}
	page, err := s.store.Log(ctx, r, LogQuery{From: from, To: r.LastSeq, Limit: followPage})
	if err != nil {
		return err
	}
	if len(page) > 0 && page[0].Seq > from { // it was cut meanwhile
		out.Missed, out.Through = from, page[0].Seq-1
		return nil
	}
	for _, e := range page {
		own := e.Actor == m.User && e.Kind != System
		if !own && now.Sub(e.At) > MaxPushAge {
			old, err := s.store.Log(ctx, r, LogQuery{From: e.Seq, To: r.LastSeq, Before: now.Add(-MaxPushAge), Limit: 1, Descending: true})
			if err != nil {
				return err
			}
			out.Missed, out.Through = e.Seq, e.Seq
			if len(old) > 0 {
				out.Through = old[0].Seq
			}
			return nil
		}
		out.Through = e.Seq
		if !own {
			out.Event = e.As(m.JoinedSeq)
			return nil
		}
	}
	return nil
}

// DueFollowers lists webhooks with something to be sent, see FollowReader.
func (s *Service) DueFollowers(ctx context.Context, busy []string, limit int) ([]Follower, error) {
	return s.store.DueFollowers(ctx, s.now(), busy, limit)
}

// CountDueFollowers counts them, see FollowReader.
func (s *Service) CountDueFollowers(ctx context.Context) (behind int, some bool, err error) {
	return s.store.CountDueFollowers(ctx)
}

// SettleFollower says how far a webhook has come. wait is how long it is to be left alone.
func (s *Service) SettleFollower(f Follower, wait time.Duration) *Pending[Settled] {
	return administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		return Settled{}, tx.SettleFollower(&f, tx.Now().Add(wait))
	})
}

// EndFollower ends a place.
func (s *Service) EndFollower(f Follower) *Pending[Settled] {
	return administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		return Settled{}, tx.RemoveFollower(&f)
	})
}

// mayFollow refuses a webhook that would follow too much.
func mayFollow(tx Tx, u UserID, mine []PushSubscription, except ID) error {
	n := 0
	for i := range mine {
		if mine[i].Events == EventsMessages && mine[i].ID != except {
			n++
		}
	}
	if n >= MaxFollowing {
		return Refuse(TooLarge, "events: you have %d webhooks with all messages, which is the most; end one first", n)
	}
	rooms, err := tx.RoomsOfUser(u)
	if err != nil {
		return err
	}
	if len(rooms) > MaxFollowedRooms {
		return Refuse(TooLarge, "events: you are in %d rooms; a webhook with all messages can be made in at most %d", len(rooms), MaxFollowedRooms)
	}
	crowded, err := tx.CrowdedRoom(u)
	if err == nil && crowded != "" {
		err = Refuse(TooLarge, "events: %d webhooks follow the room %q, which is the most; leave it first", MaxFollowers, string(crowded))
	}
	return err
}

// mayBeFollowed refuses to let somebody with a webhook that follows into a room that too many follow already.
func mayBeFollowed(tx Tx, r *Room, u UserID) error {
	follows, err := tx.Following(u)
	if err != nil || !follows {
		return err
	}
	n, err := tx.CountFollowers(r)
	if err == nil && n >= MaxFollowers {
		err = Refuse(RoomFull, "the room has %d members whose webhooks are sent all messages, which is the most", n)
	}
	return err
}
