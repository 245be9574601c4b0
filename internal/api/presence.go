// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// Presence is what handlers know of who is there and who is typing.
type Presence interface {
	Status(u chat.UserID) chat.Status // as others see it
	OnlineIn(ctx context.Context, r *chat.Room) (int, error)
	Choose(u chat.UserID, s chat.Status)
	// Type says that somebody is writing in a room, Rest that they have stopped. Both tell whether it is known that they may
	// write there. Where it is not, the caller finds out, and calls MayType with the room where somebody does.
	Type(u chat.UserID, room chat.RoomID) bool
	MayType(u chat.UserID, r *chat.Room)
	Rest(u chat.UserID, room chat.RoomID) bool
}

// presenceRoutes are who is there and who is typing: what passes, with a bucket of its own.
func (a *API) presenceRoutes(passing *topic.Group[Caller]) {
	for _, s := range []chat.Status{chat.Online, chat.Away, chat.Offline} {
		topic.Handle[wire.Empty, wire.Done](passing, "presence/"+string(s), a.choose(s), topic.QoS(0),
			topic.Doc("Be seen as "+string(s)+" by others"),
			answers(string(s), "everybody who is signed in", ""))
	}
	topic.Handle[wire.Empty, wire.Done](passing, "typing/{room_id}/start", a.typingStart, topic.QoS(0), topic.Doc("Say that one is writing"),
		answers("typing_started", "members who may write", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.Empty, wire.Done](passing, "typing/{room_id}/stop", a.typingStop, topic.QoS(0), topic.Doc("Say that one has stopped writing"),
		answers("typing_stopped", "members who may write", "forbidden not_member banned muted not_found"))
}

func (a *API) choose(s chat.Status) func(context.Context, *Request, *wire.Empty) topic.Result {
	return func(_ context.Context, req *Request, in *wire.Empty) topic.Result {
		who := req.Caller.UserID
		return later(a.chat.ChooseStatus(call(req, in), s), func(v chat.Chosen) wire.Replier {
			return &wire.Done{Reply: status(string(v.Status), v.Repeat)}
		}, func(v chat.Chosen) {
			if !v.Duplicate {
				a.cfg.Presence.Choose(who, v.Status)
			}
		})
	}
}

func (a *API) typingStart(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who, room := req.Caller.UserID, roomParam(req)
	reply := &wire.Done{Reply: wire.Reply{Status: "typing_started"}, RoomID: room}
	if a.cfg.Presence.Type(who, room) {
		return topic.Done(reply, nil)
	}
	return a.mayType(ctx, req, reply, func(r *chat.Room) { a.cfg.Presence.MayType(who, r) })
}

func (a *API) typingStop(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who, room := req.Caller.UserID, roomParam(req)
	reply := &wire.Done{Reply: wire.Reply{Status: "typing_stopped"}, RoomID: room}
	if a.cfg.Presence.Rest(who, room) {
		return topic.Done(reply, nil)
	}
	return a.mayType(ctx, req, reply, func(*chat.Room) {})
}

// mayType answers with reply after f, where the caller may write in the room.
func (a *API) mayType(ctx context.Context, req *Request, reply wire.Replier, f func(*chat.Room)) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, nil, func(ctx context.Context) (wire.Replier, error) {
		r, err := a.chat.MayType(ctx, who, room)
		if err != nil {
			return nil, err
		}
		f(r)
		return reply, nil
	})
}

// roomDetail shows a room with who is there.
func (a *API) roomDetail(ctx context.Context, info *chat.RoomInfo, after chat.UserID, limit int) (wire.Replier, error) {
	online, err := a.cfg.Presence.OnlineIn(ctx, info.Room)
	if err != nil {
		return nil, err
	}
	seen := map[chat.UserID]chat.Time{}
	if len(info.Members) > 0 {
		if seen, err = a.chat.WhoIsThere(ctx, info.Room, after, limit); err != nil {
			return nil, err
		}
	}
	isOnline := func(u chat.UserID) bool { return a.cfg.Presence.Status(u) != chat.Offline }
	detail := wire.RoomDetailOf(info, online, isOnline, a.cfg.Now())
	detail.ShowPresence(a.cfg.Presence.Status, seen)
	return detail, nil
}
