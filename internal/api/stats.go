// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"sync"
	"time"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// Running is what the process knows of itself. What is nil is not told.
type Running struct {
	Started time.Time
	// Here counts who was last seen before a time and is there now.
	Here func(before chat.Time) int
	// Fill sets what is neither stored nor known to the API: connections, requests, commits, pushes.
	Fill func(*wire.Stats)
}

// countEvery is how long figures of what is stored are good: counting looks at every account and room.
const countEvery = 10 * time.Second

// counted are such figures.
type counted struct {
	mu sync.Mutex // held while counting: who asks meanwhile gets the same figures
	at time.Time
	chat.Counts
}

// statsRoutes are what administrators see of the server, and who is one.
func (a *API) statsRoutes(admin *topic.Group[Caller]) {
	topic.Handle[wire.Empty, wire.Stats](admin, "stats", a.stats, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Figures of the server: accounts, rooms, connections, requests, commits, storage"),
		answers("success", "administrators", "forbidden"))
	topic.Handle[wire.ChooseRole, wire.Moderated](admin, "users/{user_id}/promote", a.chooseRole(chat.ActionPromote), topic.QoS(2),
		topic.Doc("Make an account an administrator"),
		answers("moderated", "administrators", "forbidden not_found"))
	topic.Handle[wire.ChooseRole, wire.Moderated](admin, "users/{user_id}/demote", a.chooseRole(chat.ActionDemote), topic.QoS(2),
		topic.Doc("Make an administrator a user again, but for the last one"),
		answers("moderated", "administrators", "forbidden not_found"))
}

func (a *API) stats(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		if err := a.chat.OnlyAdministrators(ctx, who); err != nil {
			return nil, err
		}
		counts, at, err := a.count(ctx)
		if err != nil {
			return nil, err
		}
		out := wire.StatsOf(&counts, chat.TimeOf(at))
		now := a.cfg.Now()
		out.Version, out.Epoch, out.Timestamp = a.cfg.Version, a.cfg.Epoch, wire.Timestamp(chat.TimeOf(now))
		if started := a.cfg.Running.Started; !started.IsZero() {
			out.StartedAt, out.Uptime = wire.Timestamp(chat.TimeOf(started)), now.Sub(started).Seconds()
		}
		if a.cfg.Running.Fill != nil {
			a.cfg.Running.Fill(out)
		}
		return out, nil
	})
}

// count gives the figures of what is stored, at most countEvery old.
func (a *API) count(ctx context.Context) (chat.Counts, time.Time, error) {
	c := &a.counted
	c.mu.Lock()
	defer c.mu.Unlock()
	now := a.cfg.Now()
	if age := now.Sub(c.at); c.at.IsZero() || age < 0 || age >= countEvery {
		counts, err := a.chat.Counts(ctx, a.cfg.Running.Here)
		if err != nil {
			return chat.Counts{}, now, err
		}
		c.Counts, c.at = counts, now
	}
	return c.Counts, c.at, nil
}

func (a *API) chooseRole(action string) func(context.Context, *Request, *wire.ChooseRole) topic.Result {
	return func(_ context.Context, req *Request, in *wire.ChooseRole) topic.Result {
		return later(a.chat.ChooseRole(call(req, in), userParam(req), chat.Moderation{Action: action, Reason: in.Reason}), moderated)
	}
}
