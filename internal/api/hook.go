// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// hookRoutes are what moderators do with the incoming webhooks of their room.
func (a *API) hookRoutes(rooms *topic.Group[Caller]) {
	topic.Handle[wire.CreateHook, wire.HookCreated](rooms, "{room_id}/hooks/create", a.createHook, topic.QoS(1),
		topic.Doc("Make an incoming webhook of a room"),
		answers("hook_created", "the room's moderators, and administrators who are members; with a token that is not narrowed", "forbidden not_member banned not_found"))
	topic.Handle[wire.Empty, wire.Hooks](rooms, "{room_id}/hooks/list", a.listHooks, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A room's incoming webhooks"),
		answers("success", "the room's moderators, administrators", "forbidden not_member banned not_found"))
	topic.Handle[wire.DeleteHook, wire.HookDeleted](rooms, "{room_id}/hooks/delete", a.deleteHook, topic.QoS(1),
		topic.Doc("End an incoming webhook of a room, whoever made it"),
		answers("hook_deleted", "the room's moderators, administrators", "forbidden not_member banned not_found"))
}

func (a *API) createHook(_ context.Context, req *Request, in *wire.CreateHook) topic.Result {
	if req.Caller.Scopes != 0 {
		return topic.Done(nil, chat.Refuse(chat.Forbidden, "a token that is narrowed makes no hooks; sign in"))
	}
	ttl := in.TTL
	if ttl == 0 {
		ttl = int64(chat.DefaultHookTTL / time.Second)
	}
	if ttl < 1 || ttl > maxTokenTTL {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "ttl: must be from 1 to %d seconds", maxTokenTTL))
	}
	promise := topic.NewPromise()
	room := roomParam(req)
	a.chat.CreateHook(call(req, in), room, chat.NewToken{ID: auth.NewTokenID(), Name: in.Name, TTL: time.Duration(ttl) * time.Second,
		Generation: req.Caller.Generation}).Then(func(v chat.Granted, err error) {
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		token, err := a.cfg.Tokens.Granted(v) // a repeat gets the same
		promise.Resolve(&wire.HookCreated{Reply: status("hook_created", v.Repeat), RoomID: room, Hook: wire.HookDataOf(&v.Token),
			Path: "/api/v1/hooks/" + token + "/" + string(room)}, err)
	})
	return topic.Later(promise)
}

func (a *API) listHooks(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		list, err := a.chat.RoomHooks(ctx, who, room)
		if err != nil {
			return nil, err
		}
		return wire.HooksOf(room, list), nil
	})
}

func (a *API) deleteHook(_ context.Context, req *Request, in *wire.DeleteHook) topic.Result {
	room := roomParam(req)
	return later(a.chat.DeleteHook(call(req, in), room, in.HookID), func(v chat.RevokedTokens) wire.Replier {
		a.cfg.Tokens.RevokeAll(v.Tokens)
		return &wire.HookDeleted{Reply: status("hook_deleted", v.Repeat), RoomID: room, HookID: in.HookID}
	})
}
