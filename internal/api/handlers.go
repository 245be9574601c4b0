// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"time"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

func roomParam(req *Request) chat.RoomID { return chat.RoomID(req.Param("room_id")) }
func userParam(req *Request) chat.UserID { return chat.UserID(req.Param("user_id")) }

// idOf reads an optional id of a payload or parameter.
func idOf(field, value string) (chat.ID, error) {
	if value == "" {
		return chat.ID{}, nil
	}
	id, ok := chat.ParseID(value)
	if !ok {
		return chat.ID{}, chat.Refuse(chat.BadRequest, "%s: is not an id (a UUID)", field)
	}
	return id, nil
}

func (a *API) createRoom(_ context.Context, req *Request, in *wire.CreateRoom) topic.Result {
	if in.Type != "" && in.Type != "public" && in.Type != "private" {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "type: must be public or private"))
	}
	n := chat.NewRoom{ID: in.RoomID, Name: in.Name, Description: in.Description, Private: in.Type == "private", MaxMembers: in.MaxMembers}
	return later(a.chat.CreateRoom(call(req, in), n), roomState("room_created"))
}

func roomState(s string) func(chat.RoomState) wire.Replier {
	return func(v chat.RoomState) wire.Replier {
		return &wire.RoomCreated{Reply: status(s, v.Repeat), RoomID: v.Room.ID, Room: wire.RoomDataOf(&v.Room)}
	}
}

func joined(s string) func(chat.Joined) wire.Replier {
	return func(v chat.Joined) wire.Replier {
		if v.Already {
			s = "already_member"
		}
		return &wire.Joined{Reply: status(s, v.Repeat), RoomID: v.RoomID, MemberCount: v.MemberCount, FirstSeq: v.FirstSeq}
	}
}

// joinHistory is how many messages a joining member is shown.
const joinHistory = 20

func (a *API) joinRoom(ctx context.Context, req *Request, in *wire.Empty) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	ctx = context.WithoutCancel(ctx) // the history comes after the reply, which ends an HTTP request
	return later(a.chat.Join(call(req, in), room), joined("joined"), func(v chat.Joined) {
		if !v.Already && !v.Duplicate {
			a.showHistory(ctx, who, room)
		}
	})
}

// showHistory passes the last messages of a room to one of its members.
func (a *API) showHistory(ctx context.Context, who chat.Principal, room chat.RoomID) {
	a.read(ctx, nil, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.History(ctx, who, room, chat.HistoryQuery{Limit: joinHistory})
		if err != nil {
			return nil, err
		}
		a.cfg.Audience.Show(who.UserID, page.Room.ID, wire.MessageHistory(page, a.cfg.Epoch, who.UserID))
		return nil, nil
	})
}

func (a *API) leaveRoom(_ context.Context, req *Request, in *wire.Empty) topic.Result {
	return later(a.chat.Leave(call(req, in), roomParam(req)), func(v chat.Left) wire.Replier {
		return &wire.Done{Reply: status("left", v.Repeat), RoomID: v.RoomID}
	})
}

func (a *API) invite(_ context.Context, req *Request, in *wire.NameUser) topic.Result {
	return later(a.chat.Invite(call(req, in), roomParam(req), in.UserID), joined("invited"))
}

func (a *API) updateRoom(_ context.Context, req *Request, in *wire.UpdateRoom) topic.Result {
	p := chat.RoomPatch{Name: in.Name, Description: in.Description, MaxMembers: in.MaxMembers, SlowMode: in.SlowMode, ReadOnly: in.ReadOnly, History: in.History,
		Retention: in.Retention}
	return later(a.chat.UpdateRoom(call(req, in), roomParam(req), p), roomState("room_updated"))
}

func (a *API) transferRoom(_ context.Context, req *Request, in *wire.NameUser) topic.Result {
	return later(a.chat.Transfer(call(req, in), roomParam(req), in.UserID), roomState("transferred"))
}

func (a *API) deleteRoom(_ context.Context, req *Request, in *wire.Empty) topic.Result {
	return later(a.chat.DeleteRoom(call(req, in), roomParam(req)), func(v chat.RoomState) wire.Replier {
		return &wire.Done{Reply: status("room_deleted", v.Repeat), RoomID: v.Room.ID}
	})
}

func (a *API) listRooms(ctx context.Context, req *Request, in *wire.ListRooms) topic.Result {
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		if in.Mine {
			rooms, more, err := a.chat.Mine(ctx, who, in.Query, in.After, in.Limit)
			return &wire.OwnRooms{Reply: wire.Reply{Status: "success"}, Rooms: wire.RoomHeadsOf(rooms), HasMore: more}, err
		}
		rooms, more, err := a.chat.PublicRooms(ctx, in.Query, in.After, in.Limit)
		return &wire.Rooms{Reply: wire.Reply{Status: "success"}, Rooms: wire.RoomsOf(rooms), HasMore: more}, err
	})
}

func (a *API) roomInfo(ctx context.Context, req *Request, in *wire.RoomInfo) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		info, err := a.chat.RoomInfo(ctx, who, room, in.After, in.Limit)
		if err != nil {
			return nil, err
		}
		return a.roomDetail(ctx, info, in.After, in.Limit)
	})
}

// message makes the domain's message of a payload.
func message(in *wire.SendMessage) (chat.NewMessage, error) {
	if in.Type != "" && in.Type != chat.Text {
		return chat.NewMessage{}, chat.Refuse(chat.BadRequest, "type: must be text; a file or image is sent with file/share")
	}
	replyTo, err := idOf("reply_to", in.ReplyTo)
	return chat.NewMessage{Content: in.Content, ReplyTo: replyTo, Flag: in.Flagged()}, err
}

func sent(s string) func(chat.Sent) wire.Replier {
	return func(v chat.Sent) wire.Replier {
		r := &wire.MessageSent{Reply: status(s, v.Repeat), RoomID: v.RoomID, MessageID: v.MessageID.String(), Seq: v.Seq, Timestamp: wire.Timestamp(v.At)}
		if s == "broadcast_sent" {
			r.Recipients = v.Recipients
		}
		return r
	}
}

func (a *API) sendMessage(_ context.Context, req *Request, in *wire.SendMessage) topic.Result {
	m, err := message(in)
	if err != nil {
		return topic.Done(nil, err)
	}
	m.Poster = req.Caller.Poster
	return later(a.chat.Send(call(req, in), roomParam(req), m), sent("message_sent"))
}

func (a *API) replyTo(_ context.Context, req *Request, in *wire.SendMessage) topic.Result {
	m, err := message(in)
	if err != nil {
		return topic.Done(nil, err)
	}
	to, err := idOf("message_id", req.Param("message_id"))
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.Reply(call(req, in), to, m), sent("message_sent"))
}

func (a *API) sendPrivate(_ context.Context, req *Request, in *wire.SendMessage) topic.Result {
	m, err := message(in)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.SendPrivate(call(req, in), userParam(req), m), sent("private_message_sent"))
}

func (a *API) broadcast(_ context.Context, req *Request, in *wire.SendMessage) topic.Result {
	m, err := message(in)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.Broadcast(call(req, in), m), sent("broadcast_sent"))
}

func (a *API) history(ctx context.Context, req *Request, in *wire.History) topic.Result {
	around, err := idOf("around", in.Around)
	if err != nil {
		return topic.Done(nil, err)
	}
	places := 0
	for _, given := range []bool{in.Before != 0, in.BeforeSeq > 0, in.AfterSeq != nil, in.Around != ""} {
		if given {
			places++
		}
	}
	if places > 1 {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "before, before_seq, after_seq and around: give one of them at most"))
	}
	q := chat.HistoryQuery{Limit: in.Limit, Before: chat.Time(in.Before), BeforeSeq: in.BeforeSeq, AfterSeq: in.AfterSeq, Around: around}
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.History(ctx, who, room, q)
		if err != nil {
			return nil, err
		}
		return wire.PageOf(page, a.cfg.Epoch, who.UserID, q.AfterSeq != nil), nil
	})
}

func (a *API) sync(ctx context.Context, req *Request, in *wire.Sync) topic.Result {
	who, after := req.Caller.Principal, in.Rooms
	if in.Epoch != 0 && in.Epoch != a.cfg.Epoch {
		after = nil // the seqs are of other data: the caller begins anew from the heads
	}
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		s, err := a.chat.Sync(ctx, who, after, in.Limit)
		if err != nil {
			return nil, err
		}
		return &wire.Synced{Reply: wire.Reply{Status: "success"}, Epoch: a.cfg.Epoch, Rooms: wire.RoomHeadsOf(s.Rooms),
			Events: wire.EventsOf(s.Events, a.cfg.Epoch, who.UserID), Unread: wire.UnreadOf(s.Rooms), HasMore: s.HasMore}, nil
	})
}

func moderated(v chat.Acted) wire.Replier {
	r := &wire.Moderated{Reply: status("moderated", v.Repeat), RoomID: v.RoomID, UserID: v.User, Action: v.Action}
	if v.Until != 0 && v.Until != chat.Forever {
		until := wire.Timestamp(v.Until)
		r.Until = &until
	}
	return r
}

// seconds reads a duration; what is too long for a time.Duration is left too long for the domain.
func seconds(n int64) time.Duration {
	if n < 0 || n > int64(2*chat.MaxModeration/time.Second) {
		return -1
	}
	return time.Duration(n) * time.Second
}

func (a *API) moderateRoom(_ context.Context, req *Request, in *wire.Moderate) topic.Result {
	act := chat.Moderation{Action: in.Action, User: in.UserID, Duration: seconds(in.Duration), Reason: in.Reason}
	return later(a.chat.Moderate(call(req, in), roomParam(req), act), moderated)
}

func (a *API) moderateUser(action string) func(context.Context, *Request, *wire.Sanction) topic.Result {
	return func(_ context.Context, req *Request, in *wire.Sanction) topic.Result {
		act := chat.Moderation{Action: action, Duration: seconds(in.Duration), Reason: in.Reason}
		return later(a.chat.ModerateUser(call(req, in), userParam(req), act), moderated)
	}
}

func (a *API) info(_ context.Context, _ *Request, _ *wire.Empty) topic.Result {
	l := a.chat.Limits()
	limits := map[string]any{
		"content_length": a.cfg.Rules().MaxLength(), "name_length": MaxNameLength, "client_msg_id_length": chat.MaxClientMsgID,
		"history_page": l.MaxHistoryPage, "sync_events": l.MaxSyncEvents, "list_page": l.MaxListPage, "max_members": l.MaxMembers,
		"reaction_kinds": chat.MaxReactionKinds, "reaction_users_listed": chat.ListedReactions, "pins": chat.MaxPins, "mentions": chat.MaxMentions,
		"push_subscriptions": chat.MaxPushSubscriptions,
		"rate_requests":      a.cfg.Rates.Changes.Requests, "rate_window": a.cfg.Rates.Changes.Window.Seconds(),
	}
	for k, v := range a.cfg.Info {
		limits[k] = v
	}
	return topic.Done(&wire.Info{Reply: wire.Reply{Status: "success"}, Version: a.cfg.Version, Protocol: 1, Epoch: a.cfg.Epoch, Limits: limits, Push: a.pushInfo(),
		Guarantees: []string{"acknowledged_is_durable", "one_order", "at_least_once_recognisable", "exactly_once_with_client_msg_id", "exactly_once_with_qos_2", "resumes_after_absence"}}, nil)
}
