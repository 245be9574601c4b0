// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

func (a *API) searchRoutes(chat *topic.Group[Caller]) {
	topic.Handle[wire.Search, wire.Found](chat, "search", a.search, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Messages with certain words, in all of one's rooms"),
		answers("success", "everybody who is signed in, of their own rooms", ""))
	topic.Handle[wire.SearchRoom, wire.FoundInRoom](chat, "search/{room_id}", a.searchRoom, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Messages with certain words, in one room"),
		answers("success", "members", "not_member banned not_found"))
}

func (a *API) search(ctx context.Context, req *Request, in *wire.Search) topic.Result {
	before, err := chat.ParseMark(in.Before)
	if err != nil {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "before: is not what a page of this search said"))
	}
	q := chat.SearchQuery{Text: in.Query, Sender: in.SenderID, Since: chat.Time(in.From), Until: chat.Time(in.To), Before: before, Limit: in.Limit}
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		found, err := a.chat.Search(ctx, who, q)
		if err != nil {
			return nil, err
		}
		return wire.FoundOf(found, a.cfg.Epoch, who.UserID), nil
	})
}

func (a *API) searchRoom(ctx context.Context, req *Request, in *wire.SearchRoom) topic.Result {
	q := chat.RoomSearch{BeforeSeq: in.BeforeSeq, SearchQuery: chat.SearchQuery{Text: in.Query, Sender: in.SenderID,
		Since: chat.Time(in.From), Until: chat.Time(in.To), Limit: in.Limit}}
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		found, scope, err := a.chat.SearchRoom(ctx, who, room, q)
		if err != nil {
			return nil, err
		}
		return wire.FoundInRoomOf(found, scope, a.cfg.Epoch, who.UserID), nil
	})
}
