// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"parley/internal/mqtt/packet"
)

// parallel is how many connections are prepared at the same time.
const parallel = 32

// each runs do for 0 to n-1, at most width at the same time, and reports how many are done. After the first error it
// starts no more.
func each(ctx context.Context, n, width int, done func(int), do func(context.Context, int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next, finished atomic.Int64
	var workers sync.WaitGroup
	for range min(width, n) {
		workers.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := do(ctx, i); err != nil {
					cancel(err)
					return
				}
				done(int(finished.Add(1)))
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}

// roomID names a room of a scenario. The size is part of it, since a room keeps the capacity it was made with.
func roomID(scenario string, members, i int) string {
	return fmt.Sprintf("bench-%s-%d-%d", scenario, members, i)
}

// makeRooms sees to it that every room exists and has its members. It tells how many members had to join.
func (l *load) makeRooms(ctx context.Context, p *progress) (joined int, err error) {
	width := l.roomSize()
	missing := make([]bool, len(l.rooms))
	p.begin("rooms", len(l.rooms))
	err = each(ctx, len(l.rooms), parallel, p.step, func(ctx context.Context, i int) error {
		full, err := l.makeRoom(ctx, l.rooms[i], l.who[i*width])
		missing[i] = !full
		return err
	})
	if err != nil {
		return 0, err
	}
	var joiners []int
	for i := range l.who {
		if missing[i/width] {
			joiners = append(joiners, i)
		}
	}
	p.begin("joining", len(joiners))
	err = each(ctx, len(joiners), parallel, p.step, func(ctx context.Context, i int) error {
		who := joiners[i]
		return l.join(ctx, l.rooms[who/width], l.who[who])
	})
	return len(joiners), err
}

// makeRoom creates a room, or finds it there, and tells whether it has all its members.
func (l *load) makeRoom(ctx context.Context, r *room, owner Credential) (full bool, err error) {
	c, err := connect(ctx, l.addr, owner, l.clientID("owner", owner.User), 0)
	if err != nil {
		return false, err
	}
	defer c.close()
	request, err := json.Marshal(map[string]any{"room_id": r.id, "name": r.id, "type": "public", "max_members": 2 * max(r.members, 2)})
	if err != nil {
		return false, err
	}
	if err := c.publish("chat/rooms/create", request); err != nil {
		refusal, ok := errors.AsType[*refused](err)
		if !ok || refusal.code != packet.ImplementationSpecificError { // conflict: it exists
			return false, err
		}
	}
	if err := c.subscribe("chat/user/"+owner.User+"/replies", 0); err != nil {
		return false, err
	}
	var reply struct {
		Status string
		Room   struct {
			MemberCount int `json:"member_count"`
		}
	}
	if err := c.request("chat/rooms/"+r.id+"/info", nil, &reply); err != nil {
		return false, err
	}
	return reply.Status == "success" && reply.Room.MemberCount >= r.members, nil
}

// join makes someone a member, who may be one already.
func (l *load) join(ctx context.Context, r *room, who Credential) error {
	c, err := connect(ctx, l.addr, who, l.clientID("join", who.User), 0)
	if err != nil {
		return err
	}
	defer c.close()
	return c.publish("chat/rooms/join/"+r.id, nil)
}

// connectMembers connects and subscribes everybody, and starts reading.
func (l *load) connectMembers(ctx context.Context, p *progress) error {
	p.begin("connecting", len(l.who))
	return each(ctx, len(l.who), parallel, p.step, func(ctx context.Context, i int) error {
		m := &l.members[i]
		c, err := l.connectMember(ctx, l.who[i])
		if err != nil {
			return err
		}
		m.client = c
		if m.sender != nil {
			m.sender.window = min(c.receiveMax, 60_000) // below 65535, so that an identifier is free again when its turn comes
		}
		l.readers.Go(func() {
			l.ended(m, m.listen())
		})
		return nil
	})
}

func (l *load) connectMember(ctx context.Context, who Credential) (*client, error) {
	c, err := connect(ctx, l.addr, who, l.clientID("member", who.User), l.keepAlive())
	if err != nil {
		return nil, err
	}
	if err := c.subscribe(ownTopic(who.User), l.cfg.QoS); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// ownTopic is where a user's deliveries come.
func ownTopic(user string) string { return "chat/user/" + user + "/messages" }

// clientID names a connection. On a plain broker client ids are not the user's own, so the user is part of it.
func (l *load) clientID(role, user string) string { return "bench-" + role + "-" + user }
