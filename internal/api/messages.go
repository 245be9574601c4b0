// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strconv"

	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/topic"
	"parley/internal/wire"
)

// messageRoutes are what is done to messages, and the pages about them.
func (a *API) messageRoutes(chat *topic.Group[Caller]) {
	message := chat.Group("message/{message_id}")
	topic.Handle[wire.EditMessage, wire.MessageChanged](message, "edit", a.editMessage, topic.QoS(1), topic.Doc("Replace the text of one's own message"),
		answers("message_edited", "who wrote it", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.Empty, wire.MessageChanged](message, "delete", a.deleteMessage, topic.QoS(1), topic.Doc("Leave a tombstone of a message"),
		answers("message_deleted", "who wrote it, moderators and administrators", "forbidden not_member banned not_found"))
	topic.Handle[wire.React, wire.MessageReacted](message, "react", a.react, topic.QoS(0), topic.Doc("Add an emoji to a message"),
		answers("reaction_added", "members who may write; in a read-only room all", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.React, wire.MessageReacted](message, "unreact", a.unreact, topic.QoS(0), topic.Doc("Take one's emoji back"),
		answers("reaction_removed", "members", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.Empty, wire.MessageChanged](message, "pin", a.pinMessage, topic.QoS(1), topic.Doc("Pin a message in its room"),
		answers("pinned", "moderators and administrators; in a private conversation both", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.Empty, wire.MessageChanged](message, "unpin", a.unpinMessage, topic.QoS(1), topic.Doc("Take a pin away"),
		answers("unpinned", "moderators and administrators; in a private conversation both", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.Report, wire.MessageReported](message, "report", a.reportMessage, topic.QoS(1), topic.Doc("Tell the moderators of a message"),
		answers("reported", "members, not about what they wrote themselves", "forbidden not_member banned not_found"))
	topic.Handle[wire.Versions, wire.VersionPage](message, "versions", a.versions, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Earlier texts of a message, for moderators"),
		answers("success", "moderators and administrators", "forbidden not_member banned not_found"))
	topic.Handle[wire.Thread, wire.ThreadPage](chat, "thread/{message_id}", a.thread, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A thread: its first message and a page of the answers"),
		answers("success", "members", "not_member banned not_found"))
	topic.Handle[wire.ListPins, wire.Pins](chat, "rooms/{room_id}/pins", a.pins, topic.QoS(1), topic.ReadOnly(), topic.Doc("The pinned messages of a room"),
		answers("success", "members", "not_member banned not_found"))
	topic.Handle[wire.ListReports, wire.Reports](chat, "admin/reports/list", a.listReports, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Messages that were reported to the moderators"),
		answers("success", "administrators; with room_id that room's moderators", "forbidden not_member banned not_found"))
	topic.Handle[wire.CloseReport, wire.ReportClosed](chat, "admin/reports/{report_id}/close", a.closeReport, topic.QoS(1),
		topic.Doc("Say what became of a report"),
		answers("report_closed", "the room's moderators and administrators", "forbidden not_member banned not_found"))
}

// changeMessage answers a route that does something to the message it names.
func changeMessage(req *Request, status string, do func(id chat.ID) *chat.Pending[chat.Changed]) topic.Result {
	id, err := messageParam(req)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(do(id), func(v chat.Changed) wire.Replier { return wire.MessageChangedOf(status, &v) })
}

func messageParam(req *Request) (chat.ID, error) { return idOf("message_id", req.Param("message_id")) }

func (a *API) editMessage(_ context.Context, req *Request, in *wire.EditMessage) topic.Result {
	return changeMessage(req, "message_edited", func(id chat.ID) *chat.Pending[chat.Changed] {
		return a.chat.Edit(call(req, in), id, in.Content, in.Flagged())
	})
}

func (a *API) deleteMessage(_ context.Context, req *Request, in *wire.Empty) topic.Result {
	return changeMessage(req, "message_deleted", func(id chat.ID) *chat.Pending[chat.Changed] { return a.chat.Delete(call(req, in), id) })
}

func (a *API) pinMessage(_ context.Context, req *Request, in *wire.Empty) topic.Result {
	return changeMessage(req, "pinned", func(id chat.ID) *chat.Pending[chat.Changed] { return a.chat.Pin(call(req, in), id) })
}

func (a *API) unpinMessage(_ context.Context, req *Request, in *wire.Empty) topic.Result {
	return changeMessage(req, "unpinned", func(id chat.ID) *chat.Pending[chat.Changed] { return a.chat.Unpin(call(req, in), id) })
}

// reaction reads what react and unreact are given.
func reaction(req *Request, in *wire.React) (id chat.ID, emoji string, err error) {
	if id, err = messageParam(req); err != nil {
		return id, "", err
	}
	emoji, ok := content.Emoji(in.Emoji)
	if !ok {
		return id, "", chat.Refuse(chat.BadRequest, "emoji: must be one emoji")
	}
	return id, emoji, nil
}

func (a *API) react(_ context.Context, req *Request, in *wire.React) topic.Result {
	id, emoji, err := reaction(req, in)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.React(call(req, in), id, emoji), func(v chat.Reacted) wire.Replier { return wire.MessageReactedOf("reaction_added", &v) })
}

func (a *API) unreact(_ context.Context, req *Request, in *wire.React) topic.Result {
	id, emoji, err := reaction(req, in)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.Unreact(call(req, in), id, emoji), func(v chat.Reacted) wire.Replier { return wire.MessageReactedOf("reaction_removed", &v) })
}

func (a *API) reportMessage(_ context.Context, req *Request, in *wire.Report) topic.Result {
	id, err := messageParam(req)
	if err != nil {
		return topic.Done(nil, err)
	}
	return later(a.chat.Report(call(req, in), id, in.Reason), func(v chat.Reported) wire.Replier {
		return &wire.MessageReported{Reply: status("reported", v.Repeat), RoomID: v.RoomID, MessageID: v.MessageID.String()}
	})
}

func (a *API) versions(ctx context.Context, req *Request, in *wire.Versions) topic.Result {
	id, err := messageParam(req)
	if err != nil {
		return topic.Done(nil, err)
	}
	who := req.Caller.Principal
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.Versions(ctx, who, id, in.BeforeSeq, in.Limit)
		if err != nil {
			return nil, err
		}
		return wire.VersionPageOf(page), nil
	})
}

func (a *API) thread(ctx context.Context, req *Request, in *wire.Thread) topic.Result {
	id, err := messageParam(req)
	if err != nil {
		return topic.Done(nil, err)
	}
	if in.AfterSeq > 0 && in.BeforeSeq > 0 {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "before_seq: not together with after_seq"))
	}
	who, q := req.Caller.Principal, chat.ThreadQuery{Limit: in.Limit, AfterSeq: in.AfterSeq, BeforeSeq: in.BeforeSeq}
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.Thread(ctx, who, id, q)
		if err != nil {
			return nil, err
		}
		return wire.ThreadPageOf(page, a.cfg.Epoch, who.UserID, q.BeforeSeq > 0), nil
	})
}

func (a *API) pins(ctx context.Context, req *Request, in *wire.ListPins) topic.Result {
	who, room := req.Caller.Principal, roomParam(req)
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.Pins(ctx, who, room, in.BeforeSeq)
		if err != nil {
			return nil, err
		}
		return wire.PinsOf(page, a.cfg.Epoch, who.UserID), nil
	})
}

func (a *API) listReports(ctx context.Context, req *Request, in *wire.ListReports) topic.Result {
	who, state := req.Caller.Principal, chat.ReportStatus(in.Status)
	switch in.Status {
	case "":
		state = chat.ReportOpen
	case "all":
		state = ""
	}
	return a.read(ctx, req.Caller.Busy, func(ctx context.Context) (wire.Replier, error) {
		page, err := a.chat.Reports(ctx, who, in.RoomID, state, in.Before, in.Limit)
		if err != nil {
			return nil, err
		}
		return wire.ReportsOf(page), nil
	})
}

func (a *API) closeReport(_ context.Context, req *Request, in *wire.CloseReport) topic.Result {
	num, err := strconv.ParseInt(req.Param("report_id"), 10, 64)
	if err != nil {
		return topic.Done(nil, chat.Refuse(chat.NotFound, "there is no such report that you can see"))
	}
	return later(a.chat.CloseReport(call(req, in), num, in.Status), func(v chat.Closed) wire.Replier {
		return &wire.ReportClosed{Reply: status("report_closed", v.Repeat), ReportID: v.Num, Outcome: v.Status}
	})
}
