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
	chat := r.Group(Prefix, authenticated, scoped, a.limited, decoded, a.clean)
	passing := r.Group(Prefix, authenticated, scoped, a.passingLimit, decoded, a.clean)

	topic.Handle[wire.Empty, wire.Info](chat, "info", a.info, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Version, limits and guarantees of this deployment"),
		answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.Sync, wire.Synced](chat, "sync", a.sync, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Heads of all own rooms, and what came after the last seq seen in some of them"),
		answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.History, wire.Page](chat, "history/{room_id}", a.history, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A page of a room's messages in their current state"),
		answers("success", "members", "not_member banned not_found"))

	a.searchRoutes(chat)

	rooms := chat.Group("rooms")
	topic.Handle[wire.CreateRoom, wire.RoomCreated](rooms, "create", a.createRoom, topic.QoS(2), topic.Doc("Create a room and own it"),
		answers("room_created", "everybody who is not muted on the server", "muted"))
	topic.Handle[wire.Empty, wire.Joined](rooms, "join/{room_id}", a.joinRoom, topic.QoS(1), topic.Doc("Become a member of a public room"),
		answers("joined already_member", "everybody, where the room is public and not locked", "forbidden banned not_found room_full"))
	topic.Handle[wire.Empty, wire.Done](rooms, "leave/{room_id}", a.leaveRoom, topic.QoS(1), topic.Doc("End one's membership"),
		answers("left", "members", "forbidden not_member banned not_found"))
	topic.Handle[wire.ListRooms, wire.Rooms](rooms, "list", a.listRooms, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("Public rooms, or all of one's own with their heads"),
		answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.RoomInfo, wire.RoomDetail](rooms, "{room_id}/info", a.roomInfo, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("A room and, for its members, a page of the members"),
		answers("success", "members; of a public room everybody, without its members", "banned not_found"))
	topic.Handle[wire.UpdateRoom, wire.RoomCreated](rooms, "{room_id}/update", a.updateRoom, topic.QoS(1), topic.Doc("Change a room's settings"),
		answers("room_updated", "moderators and administrators; retention the owner; name and description who is not muted", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.NameUser, wire.Joined](rooms, "{room_id}/invite", a.invite, topic.QoS(1), topic.Doc("Make somebody a member"),
		answers("invited already_member", "members who are not muted; of a locked room moderators", "forbidden not_member banned muted not_found room_full"))
	topic.Handle[wire.NameUser, wire.RoomCreated](rooms, "{room_id}/transfer", a.transferRoom, topic.QoS(2), topic.Doc("Make another member the owner"),
		answers("transferred", "the owner and administrators", "forbidden not_member banned not_found"))
	topic.Handle[wire.Empty, wire.Done](rooms, "{room_id}/delete", a.deleteRoom, topic.QoS(2), topic.Doc("End a room for all its members"),
		answers("room_deleted", "the owner and administrators", "forbidden not_member banned not_found"))

	a.hookRoutes(rooms)

	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "message/{room_id}", a.sendMessage, topic.QoS(1), topic.Doc("Send a message to a room"),
		answers("message_sent", "members who may write", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "message/{message_id}/reply", a.replyTo, topic.QoS(1), topic.Doc("Answer a message, in its thread"),
		answers("message_sent", "members who may write", "forbidden not_member banned muted not_found"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "private/{user_id}", a.sendPrivate, topic.QoS(1), topic.Doc("Send a message to one user"),
		answers("private_message_sent", "everybody who is not muted on the server, unless one of the two has blocked the other", "forbidden muted not_found"))
	topic.Handle[wire.SendMessage, wire.MessageSent](chat, "broadcast", a.broadcast, topic.QoS(1), topic.Doc("Send an announcement to every account"),
		answers("broadcast_sent", "administrators", "forbidden muted"))

	admin := chat.Group("admin")
	topic.Handle[wire.Moderate, wire.Moderated](admin, "rooms/{room_id}/moderate", a.moderateRoom, topic.QoS(2),
		topic.Doc("Kick, ban, unban, mute, unmute, promote, demote, lock or unlock"),
		answers("moderated", "the room's moderators, its owner, administrators", "forbidden not_member banned not_found"))
	for _, action := range []string{"ban", "unban", "mute", "unmute"} {
		topic.Handle[wire.Sanction, wire.Moderated](admin, "users/{user_id}/"+action, a.moderateUser(action), topic.QoS(2),
			topic.Doc(action+" an account on the whole server"),
			answers("moderated", "administrators", "forbidden not_found"))
	}
	a.statsRoutes(admin)
	a.peopleRoutes(chat)
	a.fileRoutes(chat)
	a.markRoutes(chat, passing)
	a.messageRoutes(chat)
	a.governRoutes(chat)
	a.presenceRoutes(passing)
	a.pushRoutes(chat)
	return r
}
