// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// governRoutes are what moderators and administrators look through and tidy up.
func (a *API) governRoutes(chat *topic.Group[Caller]) {
	topic.Handle[wire.ListBans, wire.Bans](chat, "rooms/{room_id}/bans", a.listBans, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Who is banned from a room, for its moderators"),
		answers("success", "the room's moderators, administrators", "forbidden not_member banned not_found"))
	topic.Handle[wire.ListAudit, wire.AuditList](chat, "admin/audit/list", a.listAudit, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Who did what to whom, where, when and why"),
		answers("success", "administrators; with room_id that room's moderators", "forbidden not_member banned not_found"))
	topic.Handle[wire.Cleanup, wire.Cleaned](chat, "admin/messages/cleanup", a.cleanup, topic.QoS(1),
		topic.Doc("Cut old messages from the beginning of logs"),
		answers("cleaned", "administrators", "forbidden not_found"))
}

func (a *API) listBans(ctx context.Context, req *Request, in *wire.ListBans) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		list, more, err := a.chat.RoomBans(ctx, who, room, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		return wire.BansOf(room, list, more), nil
	})
}

func (a *API) listAudit(ctx context.Context, req *Request, in *wire.ListAudit) topic.Result {
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		list, more, err := a.chat.AuditLog(ctx, who, in.RoomID, in.Before, in.Limit)
		if err != nil {
			return nil, err
		}
		return wire.AuditListOf(list, more, in.RoomID), nil
	})
}

func (a *API) cleanup(ctx context.Context, req *Request, in *wire.Cleanup) topic.Result {
	if in.OlderThan == nil {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "older_than: is missing; the age in seconds, 0 for everything"))
	}
	q := chat.CleanupRequest{Room: in.RoomID, OlderThan: -1, DryRun: in.DryRun}
	if n := *in.OlderThan; n >= 0 && n <= int64(chat.MaxRetention/time.Second) {
		q.OlderThan = time.Duration(n) * time.Second
	}
	caller := call(req, in)
	// It takes as long as there is to cut, and goes on when whoever asked is gone.
	return a.read(context.WithoutCancel(ctx), nil, func(ctx context.Context) (wire.Replier, error) {
		done, err := a.chat.Cleanup(ctx, caller, q)
		if err != nil {
			return nil, err
		}
		return &wire.Cleaned{Reply: status("cleaned", done.Repeat), RoomID: done.RoomID, Count: done.Count, DryRun: in.DryRun}, nil
	})
}
