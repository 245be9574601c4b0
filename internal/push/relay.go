// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/chat"
	"parley/internal/wire"
)

const (
	// relayCalls bounds the webhooks that are called at the same time; to one host callsEach.
	relayCalls = 32
	// relayGap is how soon after a look the next one comes when something was committed: many commits cost one.
	relayGap = 20 * time.Millisecond
	// maxRelayBackoff is how long a webhook that fails is left alone at most.
	maxRelayBackoff = 5 * time.Minute
	// maxRelayBody bounds what is posted, in bytes; a larger event is told of and not shown.
	maxRelayBody = 64 << 10
)

// RelayConfig is what a Relay needs.
type RelayConfig struct {
	Service   *chat.Service
	Epoch     int64
	Keys      *Keys
	Transport http.RoundTripper // see Transport
	Logger    *slog.Logger
	Now       func() time.Time
	Random    func() float64 // in [0, 1)
}

// place names the place of a webhook in a room.
type place struct {
	subscription chat.ID
	room         int64
}

// Relay sends webhooks everything of their account's rooms: of each room one event at a time, in the order of its log. What is to
// be sent is read from the log behind the webhook's place, so that nothing is lost by being down, on either side.
type Relay struct {
	cfg    RelayConfig
	caller caller
	lanes  lanes
	wake   chan struct{} // 1: something was committed
	ended  chan struct{} // 1: a call has ended, and more may be due
	some   atomic.Bool   // whether any webhook follows, as of the last look
	calls  sync.WaitGroup

	mu    sync.Mutex
	busy  map[place]bool // those that are worked on, one at a time; false: no more, from the next look on
	stats RelayStats
}

// RelayStats are figures for the operator, from NewRelay on.
type RelayStats struct {
	Sent     uint64            // events that were taken by the other side
	Failed   map[string]uint64 // attempts, by reason
	Skipped  uint64            // times that events were passed over, being too old or cut
	Ended    uint64            // subscriptions that the other side did not want any more
	Behind   int               // places behind which the log goes on, when it was last looked at
	InFlight int
}

// NewRelay makes a Relay; Run does the rest.
func NewRelay(cfg RelayConfig) *Relay {
	return &Relay{cfg: cfg, caller: caller{client: client(cfg.Transport), keys: cfg.Keys, now: cfg.Now}, lanes: newLanes(relayCalls),
		wake: make(chan struct{}, 1), ended: make(chan struct{}, 1), busy: map[place]bool{}, stats: RelayStats{Failed: map[string]uint64{}}}
}

// Stats tells them.
func (r *Relay) Stats() RelayStats {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.stats
	out.InFlight, out.Failed = r.lanes.calls(), maps.Clone(out.Failed)
	return out
}

// Committed hears of every batch. It costs nothing while no webhook follows, and never waits.
func (r *Relay) Committed(b *chat.Batch) {
	if len(b.Events) > 0 && r.some.Load() {
		signal(r.wake)
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends. It returns when the calls under way have ended, and what became of them was submitted.
func (r *Relay) Run(ctx context.Context) {
	ticks := time.NewTicker(Interval)
	defer ticks.Stop()
	calling, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	complain := complaint{logger: r.cfg.Logger, text: "push: webhooks cannot be worked at; trying again"}
	wake := r.wake
	var gap <-chan time.Time
	for look := true; ; {
		err := r.step(ctx, calling, look)
		complain.of(ctx, err)
		look = false
		select {
		case <-ticks.C:
			look = true
		case <-wake:
			wake, gap = nil, time.After(relayGap)
		case <-gap:
			wake, gap = r.wake, nil
		case <-r.ended:
		case <-ctx.Done():
			patience := time.AfterFunc(stopPatience, stop)
			r.calls.Wait()
			patience.Stop()
			return
		}
	}
}

// step starts work on webhooks with something to be sent, as far as there are places for them.
func (r *Relay) step(ctx, calling context.Context, look bool) error {
	if look {
		behind, some, err := r.cfg.Service.CountDueFollowers(ctx)
		if err != nil {
			return err
		}
		r.some.Store(some)
		r.mu.Lock()
		r.stats.Behind = behind
		r.mu.Unlock()
	}
	if !r.some.Load() {
		return nil
	}
	busy, free := r.lanes.free(r.nowTime())
	if free <= 0 {
		return nil
	}
	// Those that are worked on are due, too. Who ends from now on has been at a later place than the one that is read here.
	r.mu.Lock()
	maps.DeleteFunc(r.busy, func(_ place, working bool) bool { return !working })
	r.mu.Unlock()
	due, err := r.cfg.Service.DueFollowers(ctx, busy, 2*relayCalls+4*free)
	if err != nil {
		return err
	}
	for _, f := range due {
		if lane := r.begin(&f); lane != nil {
			r.calls.Go(func() { r.serve(calling, f, lane) })
		}
	}
	return nil
}

func (r *Relay) nowTime() chat.Time { return chat.TimeOf(r.cfg.Now()) }

// begin takes a webhook to be worked on, which nobody else does meanwhile; nil: it is worked on, or its turn comes later.
func (r *Relay) begin(f *chat.Follower) *lane {
	r.mu.Lock()
	defer r.mu.Unlock()
	at := place{f.Subscription, f.Room}
	if _, busy := r.busy[at]; busy {
		return nil
	}
	taken := r.lanes.take(f.Host, r.nowTime())
	if taken != nil {
		r.busy[at] = true
	}
	return taken
}

// turn is how many events one webhook is sent of one room before others have their turn.
const turn = 64

// serve sends a webhook what it has not had of a room.
func (r *Relay) serve(ctx context.Context, f chat.Follower, at *lane) {
	var until chat.Time
	wait := time.Duration(0)
	settled := func() {
		// It is not free before its place is known: nobody begins at a place from before.
		_, _ = r.cfg.Service.SettleFollower(f, wait).Wait(context.WithoutCancel(ctx))
	}
	defer func() {
		if e := recover(); e != nil {
			r.cfg.Logger.Error("push: sending to a webhook panicked", "panic", e)
			f.Attempts++
			wait = maxRelayBackoff
			settled()
		}
		r.mu.Lock()
		r.busy[place{f.Subscription, f.Room}] = false
		r.mu.Unlock()
		r.lanes.leave(at, until)
		signal(r.ended)
	}()
	for range turn {
		next, err := r.cfg.Service.NextOf(ctx, &f)
		switch {
		case ctx.Err() != nil:
			settled()
			return
		case err != nil:
			r.cfg.Logger.Error("push: what comes next for a webhook cannot be read; trying again", "error", err)
			f.Attempts++
			wait = r.backoff(f.Attempts)
			settled()
			return
		case next.End:
			_, _ = r.cfg.Service.EndFollower(f).Wait(context.WithoutCancel(ctx))
			return
		case next.Wait:
			wait = maxRelayBackoff
			settled()
			return
		case next.Event == nil && next.Missed == 0:
			done := next.Through == f.After
			f.After = next.Through
			if done {
				settled()
				return
			}
			continue
		}
		r.lanes.begin(at, r.nowTime())
		a := r.post(ctx, next)
		r.lanes.end(at, r.nowTime())
		if a.err != nil && errors.Is(ctx.Err(), context.Canceled) { // the server stops: it may have arrived or not
			settled()
			return
		}
		if a.err != nil || a.status < 200 || a.status > 299 {
			if wait, until = r.failed(&f, next, a); wait >= 0 {
				settled()
			}
			return
		}
		r.mu.Lock()
		if next.Event != nil {
			r.stats.Sent++
		} else {
			r.stats.Skipped++
		}
		r.mu.Unlock()
		f.After, f.Attempts = next.Through, 0
		r.cfg.Service.SettleFollower(f, 0) // what a crash takes from it is sent again
	}
	settled()
}

// failed says how long to wait after an attempt that failed, and until when the host wants to be left alone; less than 0: the other
// side wants nothing more, and the subscription has ended.
func (r *Relay) failed(f *chat.Follower, n *chat.Following, a answer) (wait time.Duration, until chat.Time) {
	f.Attempts++
	r.mu.Lock()
	r.stats.Failed[a.reason()]++
	r.mu.Unlock()
	log := r.cfg.Logger.With("host", f.Host, "subscription", f.Subscription, "room", n.Room.ID, "attempt", f.Attempts, "status", a.status, "error", a.err)
	if a.status == http.StatusGone {
		log.Info("push: a webhook wants nothing more; its subscription ends")
		r.mu.Lock()
		r.stats.Ended++
		r.mu.Unlock()
		_, _ = r.cfg.Service.DropSubscription(n.Subscription).Wait(context.Background())
		return -1, 0
	}
	wait = r.backoff(f.Attempts)
	if a.retryAfter > 0 {
		wait = max(wait, min(a.retryAfter, maxBackoff))
		until = chat.TimeOf(r.cfg.Now().Add(wait))
	}
	log.Debug("push: a webhook failed, trying again", "in", wait)
	return wait, until
}

func (r *Relay) backoff(attempts int) time.Duration {
	return min(backoff(attempts, r.cfg.Random()), maxRelayBackoff)
}

// post sends the next event once, or tells that events are missing.
func (r *Relay) post(ctx context.Context, n *chat.Following) answer {
	id := n.Subscription.ID.String() + "." + strconv.FormatInt(r.cfg.Epoch, 10) + "." + strconv.FormatInt(n.Room.Num, 10) + "." + strconv.FormatUint(n.Through, 10)
	var body []byte
	if n.Event == nil {
		id += ".missed"
		body = wire.AppendHookMissed(nil, n.Room.ID, n.Missed, n.Through, r.cfg.Epoch, chat.TimeOf(r.cfg.Now()))
	} else if body = wire.AppendHookEvent(nil, n.Event, r.cfg.Epoch, false); len(body) > maxRelayBody {
		body = wire.AppendHookEvent(nil, n.Event, r.cfg.Epoch, true)
	}
	return r.caller.answered(ctx, func(ctx context.Context) (*http.Response, error) {
		return r.caller.signed(ctx, &n.Subscription, id, body)
	})
}
