// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"

	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// markRoutes are the read marks and what a member wants to hear of. passing has the bucket of what is dropped beyond the
// rate.
func (a *API) markRoutes(chat, passing *topic.Group[Caller]) {
	topic.Handle[wire.MarkRead, wire.Mark](passing, "read/{room_id}", a.markRead, topic.QoS(0),
		topic.Doc("Say how far one has read in a room"),
		answers("read", "members", "not_member banned not_found"))
	topic.Handle[wire.SetPreferences, wire.Preferences](chat, "rooms/{room_id}/prefs", a.setPreferences, topic.QoS(1),
		topic.Doc("Choose what to be notified of"),
		answers("preferences_set", "members", "forbidden not_member banned not_found"))
}

func (a *API) markRead(_ context.Context, req *Request, in *wire.MarkRead) topic.Result {
	who := req.Caller.UserID
	return later(a.chat.MarkRead(call(req, in), roomParam(req), in.Seq, in.Unread), func(v chat.ReadMark) wire.Replier {
		return &wire.Mark{Reply: status("read", v.Repeat), RoomID: v.RoomID, Seq: v.Seq}
	}, func(v chat.ReadMark) {
		if !v.Changed {
			return
		}
		body := wire.AppendRead(nil, v.RoomID, who, v.Seq, chat.TimeOf(a.cfg.Now()))
		if !v.Told { // big rooms, and what is set back, concern the own devices only
			a.cfg.Audience.PassAbout(who, v.RoomID, body)
			return
		}
		a.cfg.Audience.PassRoom(v.RoomNum, "", body)
	})
}

func (a *API) setPreferences(_ context.Context, req *Request, in *wire.SetPreferences) topic.Result {
	return later(a.chat.SetPreferences(call(req, in), roomParam(req), in.Notifications), func(v chat.Preferences) wire.Replier {
		return &wire.Preferences{Reply: status("preferences_set", v.Repeat), RoomID: v.RoomID, Notifications: v.Notifications}
	})
}
