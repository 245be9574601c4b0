// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
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
	var id uint32
	if ids := sub.Properties.SubscriptionIDs; len(ids) > 0 {
		id = ids[0]
	}
	for i, f := range sub.Subscriptions {
		switch {
		case strings.HasPrefix(f.Filter, "$share/"):
			codes[i] = packet.SharedSubscriptionsNotSupported
		case !own(f.Filter, dev.user):
			codes[i] = packet.NotAuthorized
		default:
			qos := min(f.QoS, 1) // 2 is granted as 1
			codes[i] = packet.ReasonCode(qos)
			granted = append(granted, grant{filter: f.Filter, qos: qos, id: id})
		}
	}
	if len(granted) == 0 {
		done(codes)
		return
	}
	go dev.change(func(l *listening) *listening { return l.with(granted, dev.user) }, func(err error) {
		if err != nil {
			s.Close(packet.ServerUnavailable, "the subscription could not be stored")
			return
		}
		done(codes)
	})
}

// Unsubscribed implements server.Application.
func (d *Door) Unsubscribed(s *server.Session, filters []string) {
	dev := deviceOf(s)
	go dev.change(func(l *listening) *listening { return l.without(filters, dev.user) }, func(error) {})
}

// change replaces what the device listens to, and begins, ends or renews its subscription where that is another one now.
// It blocks.
func (d *device) change(alter func(*listening) *listening, done func(error)) {
	d.changing.Lock()
	defer d.changing.Unlock()
	before := d.listening.Load()
	after := alter(before)
	did, wasReliable := before.listens()
	does, reliable := after.listens()
	d.listening.Store(after)
	if did == does && wasReliable == reliable {
		done(nil)
		return
	}
	d.detach()
	keeps := d.session.ID() != 0
	if wasReliable && keeps && !reliable {
		d.door.cfg.Places.DropPlaces(int64(d.session.ID()), nil)
	}
	if !does {
		done(nil)
		return
	}
	opt := feed.Options{Reliable: reliable}
	ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
	defer cancel()
	if reliable && keeps {
		// The first SUBSCRIBE is where the session begins in the logs: durable before SUBACK.
		seqs, err := d.startPlaces(ctx)
		if err != nil {
			done(err)
			return
		}
		opt.Places = feed.NewPlaces(int64(d.session.ID()), seqs)
	}
	done(d.attach(ctx, opt))
}

func (d *device) startPlaces(ctx context.Context) (map[int64]uint64, error) {
	type outcome struct {
		seqs map[int64]uint64
		err  error
	}
	c := make(chan outcome, 1)
	d.door.cfg.Places.StartPlaces(int64(d.session.ID()), d.user, func(seqs map[int64]uint64, err error) { c <- outcome{seqs, err} })
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
	closed := d.closed
	if !closed {
		d.sub = sub
	}
	d.mu.Unlock()
	for _, e := range early {
		sub.Acked(e)
	}
	if closed {
		sub.Close()
	}
	return nil
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
	l := newListening(granted, d.user)
	listens, reliable := l.listens()
	if !listens {
		d.listening.Store(l)
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
	d.changing.Lock() // a SUBSCRIBE waits until the session is where it was
	d.listening.Store(l)
	go func() {
		defer d.changing.Unlock()
		ctx, cancel := context.WithTimeout(d.door.ctx, startTimeout)
		defer cancel()
		opt := feed.Options{Reliable: reliable, Sent: sent}
		if reliable && d.session.ID() != 0 {
			seqs, err := d.loadPlaces(ctx)
			if err != nil {
				d.unavailable(err)
				return
			}
			opt.Places = feed.NewPlaces(int64(d.session.ID()), seqs)
		}
		if err := d.attach(ctx, opt); err != nil {
			d.unavailable(err)
		}
	}()
}

// loadPlaces reads the session's places after all changes to them that are under way.
func (d *device) loadPlaces(ctx context.Context) (map[int64]uint64, error) {
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
	return d.door.cfg.Places.LoadPlaces(ctx, int64(d.session.ID()))
}

func (d *device) unavailable(err error) {
	if d.door.ctx.Err() == nil {
		d.door.cfg.Logger.Error("mqtt: a session cannot go on", "user", d.user, "error", err)
	}
	d.session.Close(packet.ServerUnavailable, "the session cannot go on at the moment; try again")
}
