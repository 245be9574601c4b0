// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"sync"
	"time"

	"parley/internal/chat"
)

const (
	// Interval is how often the queue is looked at.
	Interval = time.Second
	// lease is for how long a push is one's own: longer than a call takes.
	lease = time.Minute
	// stopPatience is how long calls under way may take when the server stops.
	stopPatience = 3 * time.Second
	// withdrawPage is how many notifications that were sent are looked at each time: a bound on what that costs.
	withdrawPage = 500
	// queueSteps bounds how many pages of messages one look takes.
	queueSteps = 16
)

// Config is what a Sender needs.
type Config struct {
	Service   *chat.Service
	Away      chat.Absence
	Keys      *Keys
	Contact   string            // how push services reach the operator: a mail address or an https URL
	Texts     Texts             // empty: TextsEncrypted
	Transport http.RoundTripper // see Transport
	Logger    *slog.Logger
	Now       func() time.Time
	Random    func() float64 // in [0, 1)
}

// Sender sends what is in the queue.
type Sender struct {
	cfg    Config
	caller caller
	ended  chan struct{} // 1: a call has ended, and more may be due
	calls  sync.WaitGroup
	shown  int64 // where to go on looking for what is over
	lanes  lanes

	mu    sync.Mutex
	stats Stats
}

// Stats are figures for the operator, from New on.
type Stats struct {
	Sent     map[string]uint64 // by kind of subscription
	Closed   uint64            // withdrawals that were sent
	Failed   map[string]uint64 // attempts, by reason
	Dropped  map[string]uint64 // notifications that were not sent, by reason
	Ended    uint64            // subscriptions that the other side did not know any more
	InFlight int
	Waiting  int // when it was last looked at
}

// New makes a Sender; Run does the rest.
func New(cfg Config) *Sender {
	if cfg.Texts == "" {
		cfg.Texts = TextsEncrypted
	}
	return &Sender{
		cfg:    cfg,
		caller: caller{client: client(cfg.Transport), keys: cfg.Keys, contact: cfg.Contact, texts: cfg.Texts, now: cfg.Now},
		ended:  make(chan struct{}, 1), lanes: newLanes(calls),
		stats: Stats{Sent: map[string]uint64{}, Failed: map[string]uint64{}, Dropped: map[string]uint64{}},
	}
}

// Stats tells them.
func (s *Sender) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.stats
	out.InFlight = s.lanes.calls()
	out.Sent, out.Failed, out.Dropped = maps.Clone(out.Sent), maps.Clone(out.Failed), maps.Clone(out.Dropped)
	return out
}

// Run sends until ctx ends. It returns when the calls under way have ended, and what became of them was submitted.
func (s *Sender) Run(ctx context.Context) {
	ticks := time.NewTicker(Interval)
	defer ticks.Stop()
	calling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	complain := complaint{logger: s.cfg.Logger, text: "push: the queue cannot be worked at; trying again"}
	for look := true; ; {
		err := s.step(ctx, calling, look)
		complain.of(ctx, err)
		select {
		case <-ticks.C:
			look = true
		case <-s.ended:
			look = false
		case <-ctx.Done():
			patience := time.AfterFunc(stopPatience, stop)
			s.calls.Wait()
			patience.Stop()
			return
		}
	}
}

// step does what is to be done now. calls go on when ctx has ended.
func (s *Sender) step(ctx, calling context.Context, look bool) error {
	if look {
		if err := s.look(ctx); err != nil {
			return err
		}
	}
	for {
		more, err := s.dispatch(ctx, calling)
		if err != nil || !more {
			return err
		}
	}
}

// look queues notifications for new messages, and withdraws what is over.
func (s *Sender) look(ctx context.Context) error {
	for range queueSteps {
		dropped, more, err := s.cfg.Service.QueuePushes(ctx, s.cfg.Away)
		if dropped > 0 {
			s.drop("queue_full", dropped)
		}
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	next, _, err := s.cfg.Service.WithdrawPushes(ctx, s.shown, withdrawPage)
	if err != nil {
		return err
	}
	s.shown = next
	waiting, err := s.cfg.Service.CountPushes(ctx)
	s.mu.Lock()
	s.stats.Waiting = waiting
	s.mu.Unlock()
	return err
}

func (s *Sender) nowTime() chat.Time { return chat.TimeOf(s.cfg.Now()) }

// dispatch starts calls for what is due, as far as there are places for them. more says that it is worth asking again.
func (s *Sender) dispatch(ctx, calling context.Context) (more bool, err error) {
	busy, free := s.lanes.free(s.nowTime())
	if free <= 0 {
		return false, nil
	}
	due, err := s.cfg.Service.DuePushes(ctx, busy, 4*free)
	if err != nil || len(due) == 0 {
		return false, err
	}
	var picked []chat.Push
	places := map[int64]*lane{}
	for _, p := range due {
		if place := s.lanes.take(p.Host, s.nowTime()); place != nil {
			picked, places[p.Num] = append(picked, p), place
		}
	}
	if len(picked) == 0 {
		return false, nil
	}
	leased, err := s.cfg.Service.LeasePushes(picked, s.nowTime().Add(lease)).Wait(ctx)
	if err != nil {
		for _, place := range places {
			s.lanes.leave(place, 0)
		}
		return false, err
	}
	for _, p := range leased.Pushes {
		place := places[p.Num]
		delete(places, p.Num)
		s.calls.Go(func() { s.send(calling, p, place) })
	}
	for _, place := range places { // of what has changed meanwhile
		s.lanes.leave(place, 0)
	}
	return len(due) == 4*free || len(picked) < len(due), nil
}

func (s *Sender) drop(reason string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Dropped[reason] += uint64(n)
}

// send makes one attempt, and says what became of it.
func (s *Sender) send(ctx context.Context, p chat.Push, place *lane) {
	var until chat.Time
	defer func() {
		if e := recover(); e != nil { // the lease ends by itself
			s.cfg.Logger.Error("push: a call panicked", "panic", e)
		}
		s.lanes.leave(place, until)
		select {
		case s.ended <- struct{}{}:
		default:
		}
	}()
	verdict, err := s.cfg.Service.JudgePush(ctx, &p, s.cfg.Away)
	switch {
	case err != nil:
		if ctx.Err() == nil {
			s.cfg.Logger.Error("push: a notification cannot be decided about; trying again", "error", err)
		}
		s.settle(p, chat.PushLater, s.nowTime().Add(backoff(p.Attempts, s.cfg.Random())))
	case verdict.Notice == nil:
		if verdict.As == chat.PushDropped {
			s.drop(verdict.Reason, 1)
		}
		s.settle(p, verdict.As, verdict.Due)
	default:
		until = s.deliver(ctx, p, place, verdict.Notice)
	}
}

// deliver calls, and tells until when the host wants to be left alone.
func (s *Sender) deliver(ctx context.Context, p chat.Push, place *lane, n *chat.Notice) (until chat.Time) {
	s.lanes.begin(place, s.nowTime())
	a := s.caller.call(ctx, n)
	now := s.nowTime()
	s.lanes.end(place, now)
	if a.err != nil && errors.Is(ctx.Err(), context.Canceled) { // the server stops: it may have arrived or not
		s.settle(p, chat.PushPostponed, now)
		return 0
	}
	fate := a.fate()
	if fate == taken {
		s.mu.Lock()
		if n.Message == nil {
			s.stats.Closed++
		} else {
			s.stats.Sent[string(n.Subscription.Kind)]++
		}
		s.mu.Unlock()
		s.settle(p, chat.PushSent, now)
		return 0
	}
	s.mu.Lock()
	s.stats.Failed[a.reason()]++
	s.mu.Unlock()
	log := s.cfg.Logger.With("host", p.Host, "subscription", p.Subscription, "attempt", p.Attempts, "status", a.status, "error", a.err)
	switch fate {
	case gone:
		log.Info("push: the other side has forgotten a subscription; it ends")
		s.mu.Lock()
		s.stats.Ended++
		s.mu.Unlock()
		s.cfg.Service.DropSubscription(n.Subscription)
	case futile:
		log.Warn("push: refused for good")
		s.drop("refused", 1)
		s.settle(p, chat.PushDropped, 0)
	default:
		wait := max(backoff(p.Attempts, s.cfg.Random()), a.retryAfter)
		log.Debug("push: failed, trying again", "in", wait)
		s.settle(p, chat.PushLater, now.Add(wait))
		if a.retryAfter > 0 {
			return now.Add(min(a.retryAfter, maxBackoff))
		}
	}
	return 0
}

// settle submits what became of a push. It is durable soon after; what a crash prevents is sent again.
func (s *Sender) settle(p chat.Push, as chat.Settlement, due chat.Time) {
	s.cfg.Service.SettlePush(p, as, due)
}
