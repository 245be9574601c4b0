// SPDX-License-Identifier: Apache-2.0

package chat

import "strings"

// RoomID names a room: chosen by its creator as [A-Za-z0-9][A-Za-z0-9._-]{0,63}, a UUIDv7, or one of the built-in forms,
// which contain a colon. It is never reused, not even after deletion.
type RoomID string

// Announcements is the log of broadcasts: every account is a member, administrators post.
const Announcements RoomID = "announcements"

var reservedRooms = [...]RoomID{"create", "join", "leave", "list", Announcements}

// ValidRoomID tells whether a creator may choose id.
func ValidRoomID(id RoomID) bool {
	for _, r := range reservedRooms {
		if id == r {
			return false
		}
	}
	return validName(string(id), true)
}

// UserLog names a user's own log: what must reach them outside any room.
func UserLog(u UserID) RoomID { return RoomID("user:" + string(u)) }

// DirectID names the private conversation of two users.
func DirectID(a, b UserID) RoomID {
	if a > b {
		a, b = b, a
	}
	return RoomID("private:" + string(a) + ":" + string(b))
}

// DirectPeers tells the two users of a private conversation.
func (id RoomID) DirectPeers() (a, b UserID, ok bool) {
	rest, ok := strings.CutPrefix(string(id), "private:")
	if !ok {
		return "", "", false
	}
	x, y, ok := strings.Cut(rest, ":")
	return UserID(x), UserID(y), ok && x < y
}

// RoomKind says which rules a room follows.
type RoomKind uint8

// The kinds of rooms. The numbers are stored.
const (
	PublicRoom RoomKind = iota + 1
	PrivateRoom
	DirectRoom        // a private conversation: two members for ever
	AnnouncementsRoom // every account is a member
	UserLogRoom       // one member, nobody posts
)

// Visibility says from where on members see a public room's log.
type Visibility string

// The visibilities. Private rooms are always VisibleJoined.
const (
	VisibleShared Visibility = "shared" // all of it
	VisibleJoined Visibility = "joined" // from the latest joining on
)

// Room is a room with its settings and the head of its log.
type Room struct {
	Num         int64 // the store's own number of the room
	ID          RoomID
	Kind        RoomKind
	Name        string
	Description string
	CreatedBy   UserID
	CreatedAt   Time
	MaxMembers  int
	SlowMode    int  // seconds between two messages of one member; 0 off
	ReadOnly    bool // only moderators post
	Locked      bool // nobody posts or joins but moderators
	History     Visibility
	Retention   int  // seconds for which the log is kept; 0 as long as the server keeps logs
	Deleted     bool // the name stays taken; nothing else of it is seen again

	FirstSeq    uint64 // what retention left; 1 at first
	LastSeq     uint64 // head of the log; 0 while empty
	Count       uint64 // messages (not other events) in the log up to LastSeq
	MemberCount int
	Policy      int64 // version: raised by every change of membership, role, mute or settings
}

// RoomRole is what a member may do in a room.
type RoomRole uint8

// The roles in a room, rising. The numbers are stored.
const (
	RoleMember RoomRole = iota + 1
	RoleModerator
	RoleOwner
)

// String is the role's public name.
func (r RoomRole) String() string {
	switch r {
	case RoleOwner:
		return "owner"
	case RoleModerator:
		return "moderator"
	default:
		return "member"
	}
}

// Member is a user's place in a room.
type Member struct {
	User          UserID
	Role          RoomRole
	JoinedSeq     uint64 // the event of the latest joining: the first one that a live device of theirs is sent
	JoinedAt      Time
	LastSent      uint64 // seq of the own last message
	LastSentAt    Time
	ReadSeq       uint64
	MutedUntil    Time
	Notifications string // all, mentions or none; empty: see DefaultNotifications
	Name          string // display name; in lists of a room's members only
}

// FirstVisible is the first seq that a member who joined at joinedSeq may see.
func (r *Room) FirstVisible(joinedSeq uint64) uint64 {
	if (r.Kind == PrivateRoom || r.History == VisibleJoined) && joinedSeq > r.FirstSeq {
		return joinedSeq
	}
	return max(r.FirstSeq, 1)
}

// Ban keeps a user out of a room.
type Ban struct {
	User   UserID
	Until  Time
	By     UserID
	At     Time
	Reason string
}
