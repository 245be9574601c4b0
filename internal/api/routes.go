// SPDX-License-Identifier: Apache-2.0

package api

import (
	"parley/internal/topic"
	"parley/internal/wire"
)

// Prefix is what every topic of a route begins with.
const Prefix = "chat"

func (a *API) routes() *Router {
	r := topic.New[Caller]()
	chat := r.Group(Prefix, authenticated, a.limited, decoded, a.clean)
	passing := r.Group(Prefix, authenticated, a.passingLimit, decoded, a.clean)

	topic.Handle[wire.Empty, wire.Info](chat, "info", a.info, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Version, limits and guarantees of this deployment"))
	topic.Handle[wire.Sync, wire.Synced](chat, "sync", a.sync, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Heads of all own rooms, and what came after the last seq seen in some of them"))
	topic.Handle[wire.History, wire.Page](chat, "history/{room_id}", a.history, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A page of a room's messages in their current state"))

	a.searchRoutes(chat)

	rooms := chat.Group("rooms")
	topic.Handle[wire.CreateRoom, wire.RoomCreated](rooms, "create", a.createRoom, topic.QoS(2), topic.Doc("Create a room and own it"))
	topic.Handle[wire.Empty, wire.Joined](rooms, "join/{room_id}", a.joinRoom, topic.QoS(1), topic.Doc("Become a member of a public room"))
	topic.Handle[wire.Empty, wire.Done](rooms, "leave/{room_id}", a.leaveRoom, topic.QoS(1), topic.Doc("End one's membership"))
	topic.Handle[wire.ListRooms, wire.Rooms](rooms, "list", a.listRooms, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Public rooms, or all of one's own with their heads"))
	topic.Handle[wire.RoomInfo, wire.RoomDetail](rooms, "{room_id}/info", a.roomInfo, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A room and, for its members, a page of the members"))
	topic.Handle[wire.UpdateRoom, wire.RoomCreated](rooms, "{room_id}/update", a.updateRoom, topic.QoS(1), topic.Doc("Change a room's settings"))
	topic.Handle[wire.NameUser, wire.Joined](rooms, "{room_id}/invite", a.invite, topic.QoS(1), topic.Doc("Make somebody a member"))
	topic.Handle[wire.NameUser, wire.RoomCreated](rooms, "{room_id}/transfer", a.transferRoom, topic.QoS(2), topic.Doc("Make another member the owner"))
	topic.Handle[wire.Empty, wire.Done](rooms, "{room_id}/delete", a.deleteRoom, topic.QoS(2), topic.Doc("End a room for all its members"))

	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "message/{room_id}", a.sendMessage, topic.QoS(1), topic.Doc("Send a message to a room"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "message/{message_id}/reply", a.replyTo, topic.QoS(1), topic.Doc("Answer a message, in its thread"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "private/{user_id}", a.sendPrivate, topic.QoS(1), topic.Doc("Send a message to one user"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "broadcast", a.broadcast, topic.QoS(1), topic.Doc("Send an announcement to every account"))

	admin := chat.Group("admin")
	topic.Handle[wire.Moderate, wire.Moderated](admin, "rooms/{room_id}/moderate", a.moderateRoom, topic.QoS(2),
		topic.Doc("Kick, ban, unban, mute, unmute, promote, demote, lock or unlock"))
	for _, action := range []string{"ban", "unban", "mute", "unmute"} {
		topic.Handle[wire.Sanction, wire.Moderated](admin, "users/{user_id}/"+action, a.moderateUser(action), topic.QoS(2),
			topic.Doc(action+" an account on the whole server"))
	}
	a.peopleRoutes(chat)
	a.fileRoutes(chat)
	a.markRoutes(chat, passing)
	a.messageRoutes(chat)
	a.governRoutes(chat)
	a.presenceRoutes(passing)
	return r
}
