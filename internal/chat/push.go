// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"slices"
	"time"
)

// Why somebody is notified of a message. The names are public and stored.
const (
	WhyPrivate = "private"
	WhyMention = "mention"
	WhyReply   = "reply"
	WhyAll     = "all" // the member wants to hear of every message of the room
)

const (
	// PushAfter is how long somebody has to be away before they are notified, and how old a message has to be.
	PushAfter = 5 * time.Second
	// MaxPushAge is how old a message may be that somebody is notified of.
	MaxPushAge = 24 * time.Hour
	// MaxPushShown is for how long a notification that was sent may be withdrawn.
	MaxPushShown = 7 * 24 * time.Hour
	// MaxPushAttempts is how often a notification is tried to be sent.
	MaxPushAttempts = 12
	// MaxNotifyAll bounds how many members with NotifyAll one message is pushed to.
	MaxNotifyAll = 500
	// MaxPushQueue bounds the notifications of all subscriptions that wait; beyond it new ones are dropped.
	MaxPushQueue = 100_000
	// MaxPushesEach bounds the notifications of one subscription, sent ones that may be withdrawn included; beyond it the oldest are
	// forgotten.
	MaxPushesEach = 100

	notablePage     = 64  // messages looked at in one step
	pushesPerChange = 128 // users whose notifications one change queues
)

// Push is a notification for one subscription: to be sent, or sent and perhaps to be withdrawn. A device has one for each
// room, about the latest message that is worth one; a webhook has one for each message.
type Push struct {
	Num          int64
	Subscription ID
	User         UserID
	Host         string // of the subscription's endpoint
	Room         int64  // Room.Num
	Seq          uint64 // of the message
	Why          string
	At           Time   // of the message
	Due          Time   // 0: nothing is to be sent
	Attempts     int    // that have begun, of what is to be sent
	Shown        uint64 // the seq that was sent last; 0 none
	Closing      bool   // Shown is to be withdrawn
}

// Notable is a message of which somebody may have to be notified, or an edit of one that mentions somebody for the first time.
type Notable struct {
	Num     int64
	Message *Event // in its present state, or the event MessageEdited; nil when it is gone
}

// Settlement is what became of a push that was leased.
type Settlement uint8

// The settlements.
const (
	PushSent      Settlement = iota // it was taken by the other side
	PushLater                       // it is to be tried again
	PushPostponed                   // it was not tried: that does not count as an attempt
	PushDropped                     // it is not to be sent; what was sent before stays until WithdrawPushes finds it to be over
)

// PushTx is about notifications on their way. The queue is a table beside the logs: a crash loses none of it.
type PushTx interface {
	// Pushed tells whether an account has a subscription, and WatchedAll whether a room has a member with NotifyAll who does. Both
	// answer from memory after the first time, since every message asks.
	Pushed(u UserID) (bool, error)
	WatchedAll(r *Room) (bool, error)
	PutNotable(e *Event) error // one row for the message or edit, whomever it concerns
	RemoveNotable(num int64) error
	// QueuePush queues p for every subscription of p.User that is older than the message, in place of what is queued for the
	// same message or, of devices, for an earlier one of the room.
	QueuePush(p *Push) error
	// LeasePush begins an attempt: until is when it counts as lost. False: p is not as it was read any more.
	LeasePush(p *Push, until Time) (bool, error)
	// SettlePush ends it: due is when to try again, and when what has come meanwhile is sent.
	SettlePush(p *Push, as Settlement, due Time) error
	WithdrawPush(num int64, now Time) error // one that was sent
	ForgetPush(num int64) error
}

// PushReader reads it.
type PushReader interface {
	Notables(ctx context.Context, limit int) ([]Notable, error) // the oldest first
	// WatchersOf lists members of a room with NotifyAll who have a subscription and have not read as far as seq.
	WatchersOf(ctx context.Context, room int64, seq uint64, limit int) ([]UserID, error)
	// DuePushes lists what is to be sent by now, to other hosts than busy ones, the longest due first.
	DuePushes(ctx context.Context, now Time, busy []string, limit int) ([]Push, error)
	// ShownPushes lists, by number after after, what was sent and may be withdrawn, and whether it is over: the message was
	// read or is gone, or the user is no member any more.
	ShownPushes(ctx context.Context, after int64, limit int) ([]ShownPush, error)
	CountPushes(ctx context.Context) (int, error) // that wait
	RoomByNum(ctx context.Context, num int64) (*Room, error)
}

// ShownPush is a push that was sent.
type ShownPush struct {
	Num  int64
	At   Time
	Over bool
}

// Absence tells since when somebody is away: without any connection. False: they are there.
type Absence func(u UserID) (since Time, away bool)

// DefaultNotifications is what a member hears of who has not chosen: of every private message, else of mentions and replies.
func DefaultNotifications(kind RoomKind) string {
	if kind == DirectRoom {
		return NotifyAll
	}
	return NotifyMentions
}

// notifies tells whether a member hears of a message for this reason.
func (m *Member) notifies(kind RoomKind, why string) bool {
	wish := m.Notifications
	if wish == "" {
		wish = DefaultNotifications(kind)
	}
	switch wish {
	case NotifyAll:
		return true
	case NotifyMentions:
		return why == WhyMention || why == WhyReply
	}
	return false
}

// notable tells whether somebody may have to be notified of a new message. It looks at nobody but those whom the message names, so
// that a message to a thousand members costs what one to ten does.
func notable(tx Tx, r *Room, sender UserID, mentioned []UserID, parent *Event) (bool, error) {
	named := mentioned
	if parent != nil {
		named = append(named[:len(named):len(named)], parent.Actor)
	}
	if a, b, ok := r.ID.DirectPeers(); ok && r.Kind == DirectRoom {
		named = append(named[:len(named):len(named)], a, b)
	}
	if pushed, err := anyPushed(tx, sender, named); pushed || err != nil {
		return pushed, err
	}
	return tx.WatchedAll(r)
}

// anyPushed tells whether one of some users, but for the sender, has a subscription.
func anyPushed(tx Tx, sender UserID, users []UserID) (bool, error) {
	for _, u := range users {
		if u == sender {
			continue
		}
		if pushed, err := tx.Pushed(u); pushed || err != nil {
			return pushed, err
		}
	}
	return false, nil
}

// reason is why a user is to be notified of a message.
type reasonFor struct {
	user UserID
	why  string
}

// concerned lists who may have to be notified of a message and why, each once, the strongest reason first.
func (s *Service) concerned(ctx context.Context, e *Event) ([]reasonFor, error) {
	var out []reasonFor
	have := map[UserID]bool{e.Actor: true}
	add := func(u UserID, why string) {
		if !have[u] {
			have[u] = true
			out = append(out, reasonFor{u, why})
		}
	}
	if a, b, ok := e.RoomID.DirectPeers(); ok && e.RoomKind == DirectRoom {
		add(a, WhyPrivate)
		add(b, WhyPrivate)
		return out, nil
	}
	if e.Details != nil {
		for _, u := range e.Details.Mentions {
			add(u, WhyMention)
		}
	}
	if !e.ReplyTo.IsZero() {
		parent, err := s.store.ReadMessage(ctx, e.ReplyTo)
		if err != nil {
			return nil, err
		}
		if parent != nil {
			add(parent.Actor, WhyReply)
		}
	}
	watchers, err := s.store.WatchersOf(ctx, e.RoomNum, e.Seq, MaxNotifyAll)
	for _, u := range watchers {
		add(u, WhyAll)
	}
	return out, err
}

// QueuePushes looks at messages of which somebody may have to be notified, and queues notifications for those who are away. What
// was looked at is forgotten in the same transaction, so that a crash neither loses nor doubles any. It tells how
// many notifications were dropped since too many wait, and whether there is more to do at once.
func (s *Service) QueuePushes(ctx context.Context, away Absence) (dropped int, more bool, err error) {
	page, err := s.store.Notables(ctx, notablePage)
	if err != nil || len(page) == 0 {
		return 0, false, err
	}
	waiting, err := s.store.CountPushes(ctx)
	if err != nil {
		return 0, false, err
	}
	var done []int64
	var queue []Push
	for _, n := range page {
		now := s.now()
		if m := n.Message; m != nil && !m.Deleted && now.Sub(m.At) < MaxPushAge {
			if age := now.Sub(m.At); age < PushAfter && age >= 0 {
				break // those behind it are younger; a message from the future, by a clock that was set back, does not hold them up
			}
			found, err := s.pushesOf(ctx, m, away)
			if err != nil {
				return dropped, false, err
			}
			if waiting+len(queue)+len(found) > MaxPushQueue {
				dropped += len(found)
				found = nil
			}
			queue = append(queue, found...)
		}
		done = append(done, n.Num)
	}
	if len(done) == 0 {
		return dropped, false, nil
	}
	for len(queue) > pushesPerChange { // no change makes others wait for long
		if err := s.queuePushes(ctx, queue[:pushesPerChange], nil); err != nil {
			return dropped, false, err
		}
		queue = queue[pushesPerChange:]
	}
	return dropped, len(done) == notablePage, s.queuePushes(ctx, queue, done)
}

func (s *Service) queuePushes(ctx context.Context, queue []Push, done []int64) error {
	_, err := administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		for i := range queue {
			if err := tx.QueuePush(&queue[i]); err != nil {
				return Settled{}, err
			}
		}
		for _, num := range done {
			if err := tx.RemoveNotable(num); err != nil {
				return Settled{}, err
			}
		}
		return Settled{}, nil
	}).Wait(ctx)
	return err
}

// concernedNow lists who may have to be notified since a message was edited: whom it mentions now, and its text before did not. The
// message is nil when there is nothing to notify of any more.
func (s *Service) concernedNow(ctx context.Context, edit *Event) (e *Event, out []reasonFor, err error) {
	e, err = s.store.ReadMessage(ctx, edit.MessageID)
	if err != nil || e == nil || e.Deleted || e.Details == nil || s.now().Sub(e.At) >= MaxPushAge {
		return nil, nil, err
	}
	before, err := s.store.Versions(ctx, e, edit.Seq+1, 1)
	if err != nil || len(before) == 0 || before[0].Seq != edit.Seq {
		return nil, nil, err
	}
	for _, u := range added(e.Details.Mentions, before[0].Content) {
		if u != e.Actor {
			out = append(out, reasonFor{u, WhyMention})
		}
	}
	return e, out, nil
}

// pushesOf lists whom to notify of a message, or an edit: those concerned who are away and want it.
func (s *Service) pushesOf(ctx context.Context, e *Event, away Absence) ([]Push, error) {
	r, err := s.store.ReadRoom(ctx, e.RoomID)
	if err != nil || r == nil || r.Deleted {
		return nil, err
	}
	at := e.At
	var concerned []reasonFor
	if e.Kind == MessageEdited {
		e, concerned, err = s.concernedNow(ctx, e)
	} else {
		concerned, err = s.concerned(ctx, e)
	}
	if err != nil || e == nil {
		return nil, err
	}
	var out []Push
	for _, c := range concerned {
		since, gone := away(c.user)
		if !gone {
			continue
		}
		wants, err := s.wantsPush(ctx, r, e, c.user, c.why)
		if err != nil {
			return nil, err
		}
		if wants {
			out = append(out, Push{User: c.user, Room: r.Num, Seq: e.Seq, Why: c.why, At: e.At, Due: max(at, since).Add(PushAfter)})
		}
	}
	return out, nil
}

// wantsPush tells whether a user may be notified of a message, and wants to: they can see it, have not read it, and have
// blocked neither the sender nor the room.
func (s *Service) wantsPush(ctx context.Context, r *Room, e *Event, u UserID, why string) (bool, error) {
	m, err := s.store.ReadMember(ctx, r.Num, u)
	if err != nil || m == nil {
		return false, err
	}
	if e.Seq < r.FirstVisible(m.JoinedSeq) || e.Seq < m.JoinedSeq || e.Seq <= max(m.ReadSeq, m.LastSent) || !m.notifies(r.Kind, why) {
		return false, nil
	}
	account, err := s.store.ReadUser(ctx, u)
	if err != nil || mayAct(account, s.now()) != nil {
		return false, err
	}
	blocked, err := s.store.ReadBlocked(ctx, u, e.Actor)
	return !blocked, err
}

// Leased are pushes of which an attempt has begun.
type Leased struct {
	Repeat
	Pushes []Push `json:"-"`
}

// LeasePushes begins attempts to send pushes that DuePushes has listed. Those of them that have changed since are left out. The
// attempt is counted before it is made: what ends the process each time does not do so for ever.
func (s *Service) LeasePushes(pushes []Push, until Time) *Pending[Leased] {
	return administer[Leased](s, func(tx Tx, _ *User) (Leased, error) {
		var out Leased
		for _, p := range pushes {
			ok, err := tx.LeasePush(&p, until)
			if err != nil {
				return Leased{}, err
			}
			if ok {
				p.Attempts++
				out.Pushes = append(out.Pushes, p)
			}
		}
		return out, nil
	})
}

// DuePushes lists what is to be sent by now, see PushReader.
func (s *Service) DuePushes(ctx context.Context, busy []string, limit int) ([]Push, error) {
	return s.store.DuePushes(ctx, s.now(), busy, limit)
}

// CountPushes is how many notifications wait.
func (s *Service) CountPushes(ctx context.Context) (int, error) { return s.store.CountPushes(ctx) }

// Notice is what is sent to a subscription.
type Notice struct {
	Subscription PushSubscription
	Room         *Room
	Message      *Event // nil of a withdrawal
	Why          string
	Seq          uint64
	User         UserID
}

// Verdict is what to do with a push whose turn it is.
type Verdict struct {
	Notice *Notice    // to be sent, when it is not nil; else:
	As     Settlement // PushPostponed until Due, or PushDropped
	Due    Time
	Reason string // of what is dropped: a word for the metrics
}

// JudgePush decides about a push that was leased, by how things are now: what was read meanwhile is not sent any more.
func (s *Service) JudgePush(ctx context.Context, p *Push, away Absence) (Verdict, error) {
	drop := func(reason string) (Verdict, error) { return Verdict{As: PushDropped, Reason: reason}, nil }
	sub, err := s.store.ReadPushSubscription(ctx, p.Subscription)
	if err != nil {
		return Verdict{}, err
	}
	if sub == nil || sub.User != p.User || sub.Kind == Webhook && !s.webhookAllowed(sub.Host) {
		return drop("unsubscribed")
	}
	r, err := s.store.RoomByNum(ctx, p.Room)
	if err != nil {
		return Verdict{}, err
	}
	if r == nil {
		return drop("gone")
	}
	now := s.now()
	if p.Closing {
		if now.Sub(p.At) > MaxPushShown || p.Attempts > MaxPushAttempts {
			return drop("old")
		}
		return Verdict{Notice: &Notice{Subscription: *sub, Room: r, Seq: p.Shown, User: p.User}}, nil
	}
	if now.Sub(p.At) > MaxPushAge || p.Attempts > MaxPushAttempts {
		return drop("old")
	}
	found, err := s.store.Log(ctx, r, LogQuery{From: p.Seq, To: p.Seq, Limit: 1})
	if err != nil {
		return Verdict{}, err
	}
	if len(found) == 0 || found[0].Deleted || r.Deleted {
		return drop("gone")
	}
	why, err := s.stillWhy(ctx, found[0], p)
	if err != nil {
		return Verdict{}, err
	}
	if why == "" {
		return drop("gone")
	}
	wants, err := s.wantsPush(ctx, r, found[0], p.User, why)
	if err != nil {
		return Verdict{}, err
	}
	if !wants {
		return drop("read") // or not wanted any more
	}
	since, gone := away(p.User)
	if !gone {
		return drop("online")
	}
	if ready := since.Add(PushAfter); ready > now {
		return Verdict{As: PushPostponed, Due: ready}, nil
	}
	q, err := s.store.ReadQuietHours(ctx, p.User)
	if err != nil {
		return Verdict{}, err
	}
	if q != nil {
		if end, quiet := q.Ends(now); quiet {
			return Verdict{As: PushPostponed, Due: end}, nil
		}
	}
	return Verdict{Notice: &Notice{Subscription: *sub, Room: r, Message: found[0], Why: why, Seq: p.Seq, User: p.User}}, nil
}

// stillWhy is why a push is sent by now: of a message whose mention was taken back something else may be left, or "".
func (s *Service) stillWhy(ctx context.Context, e *Event, p *Push) (string, error) {
	if p.Why != WhyMention || e.Details != nil && slices.Contains(e.Details.Mentions, p.User) {
		return p.Why, nil
	}
	left, err := s.concerned(ctx, e)
	for _, c := range left {
		if c.user == p.User {
			return c.why, nil
		}
	}
	return "", err
}

// Settled is the outcome of what is done to the queue.
type Settled struct{ Repeat }

// SettlePush says what became of a push that was leased; due is when it is tried again.
func (s *Service) SettlePush(p Push, as Settlement, due Time) *Pending[Settled] {
	return administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		return Settled{}, tx.SettlePush(&p, as, due)
	})
}

// DropSubscription ends a subscription that the other side does not know any more.
func (s *Service) DropSubscription(sub PushSubscription) *Pending[Settled] {
	return administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		return Settled{}, tx.RemovePushSubscription(&sub)
	})
}

// WithdrawPushes looks at a page of the notifications that were sent, and withdraws those whose message was read elsewhere or
// is gone. It tells where to go on, 0 for the beginning, and how many were withdrawn.
func (s *Service) WithdrawPushes(ctx context.Context, after int64, limit int) (next int64, withdrawn int, err error) {
	page, err := s.store.ShownPushes(ctx, after, limit)
	if err != nil {
		return after, 0, err
	}
	var over, old []int64
	now := s.now()
	for _, p := range page {
		switch {
		case now.Sub(p.At) > MaxPushShown:
			old = append(old, p.Num)
		case p.Over:
			over = append(over, p.Num)
		}
	}
	if len(page) == limit {
		next = page[limit-1].Num
	}
	if len(over)+len(old) == 0 {
		return next, 0, nil
	}
	_, err = administer[Settled](s, func(tx Tx, _ *User) (Settled, error) {
		for _, num := range over {
			if err := tx.WithdrawPush(num, tx.Now()); err != nil {
				return Settled{}, err
			}
		}
		for _, num := range old {
			if err := tx.ForgetPush(num); err != nil {
				return Settled{}, err
			}
		}
		return Settled{}, nil
	}).Wait(ctx)
	return next, len(over), err
}
