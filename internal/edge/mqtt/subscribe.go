// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"strings"

	"parley/internal/chat"
	"parley/internal/feed"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// Subscribe implements server.Application.
func (d *Door) Subscribe(s *server.Session, sub *packet.Subscribe, done func([]packet.ReasonCode)) {
	dev := deviceOf(s)
	codes := make([]packet.ReasonCode, len(sub.Subscriptions))
	var granted []grant
	var at []int // of codes
	var id uint32
	if ids := sub.Properties.SubscriptionIDs; len(ids) > 0 {
		id = ids[0]
	}
	for i, f := range sub.Subscriptions {
		switch {
		case strings.HasPrefix(f.Filter, "$share/"):
			codes[i] = packet.SharedSubscriptionsNotSupported
		case !own(f.Filter, dev.user), !dev.mayRead() && showsEvents(f.Filter, dev.user):
			codes[i] = packet.NotAuthorized
		default:
			qos := min(f.QoS, 1) // 2 is granted as 1
			codes[i] = packet.ReasonCode(qos)
			granted, at = append(granted, grant{filter: f.Filter, qos: qos, id: id}), append(at, i)
		}
	}
	if len(granted) == 0 {
		done(codes)
		return
	}
	dev.enqueue(func() {
		next, taken := dev.listening.Load().with(granted, dev.user)
		for i, ok := range taken {
			if !ok {
				codes[at[i]] = packet.QuotaExceeded
			}
		}
		if err := dev.change(dev.allowed(next)); err != nil {
			dev.fail(err, "the subscription could not be stored; try again")
			return
		}
		done(codes)
	})
}

// Unsubscribed implements server.Application.
func (d *Door) Unsubscribed(s *server.Session, filters []string) {
	dev := deviceOf(s)
	dev.enqueue(func() {
		if err := dev.change(dev.allowed(dev.listening.Load().without(filters, dev.user))); err != nil {
			dev.fail(err, "the subscriptions could not be changed; try again")
		}
	})
}

// enqueue has f run after all changes of this device's subscriptions that came before, on one goroutine.
func (d *device) enqueue(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.changes = append(d.changes, f)
	if len(d.changes) == 1 {
		go d.work()
	}
}

// work does what is enqueued. The one at work stays in the queue until it is done.
func (d *device) work() {
	for {
		d.mu.Lock()
		f := d.changes[0]
		d.mu.Unlock()
		d.door.contain("a subscription", func() { d.fail(nil, "internal error") }, f)
		d.mu.Lock()
		if d.changes = d.changes[1:]; len(d.changes) == 0 {
			d.changes = nil
			d.mu.Unlock()
			return
		}
		d.mu.Unlock()
	}
}

var errClosed = errors.New("mqtt: the connection is over")

// change replaces what the device listens to, and begins, ends or renews its subscription where that is another one now. It
// blocks.
func (d *device) change(after *listening) error {
	if d.closed.Load() {
		return errClosed // the session's places are its next connection's now
	}
	did, wasReliable := d.listening.Load().listens()
	does, reliable := after.listens()
	if did == does && wasReliable == reliable {
		d.listening.Store(after)
		return nil
	}
	ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
	defer cancel()
	id := int64(d.session.ID())
	if wasReliable && !reliable && id != 0 {
		d.door.cfg.Places.DropPlaces(id, nil)
	}
	if !does {
		d.listening.Store(after)
		d.detach()
		return nil
	}
	var places *feed.Places
	if reliable && !wasReliable && id != 0 {
		// The first SUBSCRIBE at QoS 1 is where the session begins in the logs: durable before SUBACK.
		seqs, err := d.startPlaces(ctx, id)
		if err != nil {
			return err
		}
		places = feed.NewPlaces(id, seqs)
	}
	d.listening.Store(after)
	if did {
		d.renew(reliable, places)
		return nil
	}
	return d.attach(ctx, feed.Options{Reliable: reliable, Places: places})
}

func (d *device) startPlaces(ctx context.Context, session int64) (map[int64]uint64, error) {
	type outcome struct {
		seqs map[int64]uint64
		err  error
	}
	c := make(chan outcome, 1)
	d.door.cfg.Places.StartPlaces(session, d.user, func(seqs map[int64]uint64, err error) { c <- outcome{seqs, err} })
	select {
	case o := <-c:
		return o.seqs, o.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// attach makes the device a subscriber.
func (d *device) attach(ctx context.Context, opt feed.Options) error {
	sub, err := d.door.cfg.Feed.Subscribe(ctx, d.user, d, opt)
	if err != nil {
		return err
	}
	d.mu.Lock()
	early := d.early
	d.early = nil
	closed := d.closed.Load()
	if !closed {
		d.sub = sub
	}
	d.mu.Unlock()
	for _, e := range early {
		sub.Acked(e)
	}
	if closed {
		sub.Close()
		return nil
	}
	sub.Drained() // the queue may have been full and empty again before anybody could tell sub
	return nil
}

func (d *device) renew(reliable bool, places *feed.Places) {
	d.mu.Lock()
	sub := d.sub
	d.mu.Unlock()
	if sub != nil {
		sub.Renew(reliable, places)
	}
}

func (d *device) detach() {
	d.mu.Lock()
	sub := d.sub
	d.sub = nil
	d.mu.Unlock()
	if sub != nil {
		sub.Close()
	}
}

// resume goes on with the subscriptions of a session that comes back.
func (d *device) resume() {
	var granted []grant
	ids := d.session.SubscriptionIDs()
	for i, f := range d.session.Subscriptions() {
		granted = append(granted, grant{filter: f.Filter, qos: min(f.QoS, 1), id: ids[i]})
	}
	l := d.allowed(newListening(granted, d.user))
	d.listening.Store(l)
	listens, reliable := l.listens()
	if !listens {
		return
	}
	// What was sent and not acknowledged the server sends again by itself: the feed goes on behind it. Asked before
	// anything new can be in flight.
	sent := map[int64]uint64{}
	d.session.Unacknowledged(func(m *server.Message) bool {
		if e, ok := m.Tag.(*chat.Event); ok {
			sent[e.RoomNum] = max(sent[e.RoomNum], e.Seq)
		}
		return true
	})
	d.enqueue(func() { // a SUBSCRIBE waits until the session is where it was
		ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
		defer cancel()
		opt := feed.Options{Reliable: reliable, Sent: sent}
		if id := int64(d.session.ID()); reliable && id != 0 {
			seqs, err := d.loadPlaces(ctx, id)
			if err != nil {
				d.fail(err, "the session cannot go on at the moment; try again")
				return
			}
			opt.Places = feed.NewPlaces(id, seqs)
		}
		if err := d.attach(ctx, opt); err != nil {
			d.fail(err, "the session cannot go on at the moment; try again")
		}
	})
}

// loadPlaces reads the session's places after all changes to them that are under way.
func (d *device) loadPlaces(ctx context.Context, session int64) (map[int64]uint64, error) {
	settled := make(chan error, 1)
	d.door.cfg.Places.SavePlaces(nil, func(err error) { settled <- err })
	select {
	case err := <-settled:
		if err != nil {
			return nil, err
		}
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return d.door.cfg.Places.LoadPlaces(ctx, session)
}

// fail ends the connection because of a fault that is not the client's.
func (d *device) fail(err error, reason string) {
	if err != nil && !errors.Is(err, errClosed) && d.door.ctx.Err() == nil {
		d.door.cfg.Logger.Error("mqtt: a session cannot go on", "user", d.user, "error", err)
	}
	d.end(packet.ServerUnavailable, reason)
}
