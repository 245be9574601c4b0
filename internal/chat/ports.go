// SPDX-License-Identifier: Apache-2.0

package chat

import "context"

// Store keeps everything. It has one writer (Submit) and any number of concurrent readers, who see what is committed.
type Store interface {
	Writer
	Reader
	Places
}

// Writer makes changes durable.
type Writer interface {
	// Submit queues c behind everything submitted before and never blocks. The writer applies what waits in one
	// transaction, in the order of submission (later changes see the earlier ones), commits with one fsync, and hands
	// the events to whoever the store was opened with, who calls Done of every change.
	//
	// A change whose Apply returns an *Error was refused and has written nothing: its Done gets that error, after the
	// commit, too. Any other error, or a failing commit, undoes the whole transaction; the changes are then tried one by
	// one, and Done of those that fail gets ErrUnavailable. Apply may therefore be called twice.
	Submit(c Change)
}

// Change is one change on its way through the writer.
type Change interface {
	Apply(tx Tx) error // on the writer's goroutine; decides entirely before its first write
	Done(err error)    // exactly once, after the commit; must not block
}

// Batch is the outcome of one commit: what a store hands to its observer, in the order of commits.
type Batch struct {
	Events  []*Event // of all logs, in the order of their commit
	Changes []Outcome
}

// Outcome is a change with its outcome.
type Outcome struct {
	Change Change
	Err    error
}

// Resolve tells every change its outcome. The observer calls it exactly once.
func (b *Batch) Resolve() {
	for _, o := range b.Changes {
		o.Change.Done(o.Err)
	}
}

// Tx is the writer's transaction: the current state with all earlier changes, and the ways to change it. Pointers that it
// returns are the writer's own cached state: read them, change copies, and put those. A nil pointer without an error
// means that there is no such thing. Errors are failures of the storage.
type Tx interface {
	Now() Time // when this change is applied; never before an earlier change of the same log
	RoomTx
	MemberTx
	UserTx
	OnceTx
	MarkTx
	PeopleTx
	MessageTx
	ReactionTx
	ThreadTx
	PinTx
	ReportTx
	AuditTx
	CutTx
	PresenceTx
	FileTx
	TokenTx
	PushSubscriptionTx
	PushTx
	FollowTx
	HookTx
}

// RoomTx is about rooms and their logs.
type RoomTx interface {
	Room(id RoomID) (*Room, error) // deleted ones too
	CreateRoom(r *Room) error      // gives r.Num
	UpdateRoom(r *Room) error      // settings, Deleted and MemberCount; not the head of the log
	// Append gives e the room's next seq, its number, id, kind and running count, and stores it. e.At is set when 0.
	Append(r *Room, e *Event) error
	Message(id ID) (*Event, error) // in its current state, with its room
}

// MemberTx is about who is in a room or kept out of it.
type MemberTx interface {
	Member(r *Room, u UserID) (*Member, error)
	PutMember(r *Room, m *Member) error // adds or changes; keeps r.MemberCount
	RemoveMember(r *Room, u UserID) error
	Members(r *Room) ([]Member, error)                     // by seniority: the earliest joined first
	SetSent(r *Room, m *Member, seq uint64, at Time) error // LastSent and LastSentAt, on the way of every message
	Ban(r *Room, u UserID) (*Ban, error)
	PutBan(r *Room, b *Ban) error
	RemoveBan(r *Room, u UserID) error
}

// UserTx is about accounts.
type UserTx interface {
	User(id UserID) (*User, error)
	CreateUser(u *User) error // with a membership in Announcements and their own log, see Service.CreateUser
	UpdateUser(u *User) error
}

// OnceTx is what makes a repeated request do nothing again.
type OnceTx interface {
	// Request finds what a client_msg_id stood for. room is 0 outside rooms.
	Request(u UserID, room int64, clientMsgID string) (*Request, error)
	PutRequest(u UserID, room int64, clientMsgID string, r *Request) error
	// PacketSeen tells whether the QoS 2 packet id of o was stored and not released.
	PacketSeen(o Origin) (bool, error)
	PutPacket(o Origin) error
}

// Request is a request that succeeded: what it asked, as a digest, and its outcome.
type Request struct {
	Digest  [16]byte
	Outcome []byte
}

// Reader answers from what is committed. A nil pointer without an error means that there is no such thing.
type Reader interface {
	FileReader
	TokenReader
	SearchReader
	MessageReader
	AuditReader
	CutReader
	PresenceReader
	PeopleReader
	PushSubscriptionReader
	PushReader
	FollowReader
	HookReader
	StatsReader
	ReadRoom(ctx context.Context, id RoomID) (*Room, error)
	ReadMember(ctx context.Context, room int64, u UserID) (*Member, error)
	ReadBan(ctx context.Context, room int64, u UserID) (*Ban, error)
	ReadUser(ctx context.Context, id UserID) (*User, error)
	// RoomsOf lists every room that u is a member of, own log, announcements and private conversations included, by id.
	RoomsOf(ctx context.Context, u UserID) ([]Membership, error)
	// PublicRooms lists public rooms whose id or name contains query (any case), by id, after after.
	PublicRooms(ctx context.Context, query string, after RoomID, limit int) ([]Room, error)
	// RoomMembers lists members by id, with their display names, after after; limit 0 is all of them.
	RoomMembers(ctx context.Context, room int64, after UserID, limit int) ([]Member, error)
	Users(ctx context.Context, query string, after UserID, limit int) ([]User, error)
	// Log reads events of a log: see LogQuery. Messages come in their current state.
	Log(ctx context.Context, room *Room, q LogQuery) ([]*Event, error)
	// CountAt is the number of messages in a log up to and including seq.
	CountAt(ctx context.Context, room int64, seq uint64) (uint64, error)
	ReadMessage(ctx context.Context, id ID) (*Event, error)
}

// Membership is a room as one of its members has it, read in one snapshot.
type Membership struct {
	Room   Room
	Member Member
	Unread uint64 // messages after max(first visible - 1, read, own last sent)
}

// LogQuery selects from a log: seq >= From and (To == 0 or seq <= To), at most Limit events, ascending or (Descending)
// from the upper end. Before, when not 0, leaves out what is not older. MessagesOnly leaves out other events.
type LogQuery struct {
	From, To     uint64
	Before       Time
	Limit        int
	Descending   bool
	MessagesOnly bool
}

// Places keeps where persistent sessions are in the logs: for each room (by Room.Num) the highest seq acknowledged without a gap.
// Changes are submitted and become durable in order; done (which may be nil) is called once they are or could not be.
type Places interface {
	LoadPlaces(ctx context.Context, session int64) (map[int64]uint64, error)
	SavePlaces(places []Place, done func(error))
	// StartPlaces sets a session's places to the heads of all rooms its user is in, as of this change in the writer's
	// order, forgetting any others, and reports them.
	StartPlaces(session int64, u UserID, done func(map[int64]uint64, error))
	DropPlaces(session int64, done func(error))
}

// Place is one session's place in one log.
type Place struct {
	Session int64
	Room    int64 // Room.Num
	Seq     uint64
}

// PeopleTx is about who wants to hear nothing from whom, and about accounts as a whole.
type PeopleTx interface {
	Blocked(by, other UserID) (bool, error) // from memory after the first time
	CountBlocks(by UserID) (int, error)
	PutBlock(by, other UserID) error
	RemoveBlock(by, other UserID) error
	ForgetBlocks(u UserID) error // those of u and those against u
	// RoomsOfUser lists every room that u is a member of, by id.
	RoomsOfUser(u UserID) ([]RoomID, error)
}

// PeopleReader reads it.
type PeopleReader interface {
	Blocks(ctx context.Context, by UserID) ([]UserID, error) // by id
	ReadBlocked(ctx context.Context, by, other UserID) (bool, error)
}

// MessageTx is about what becomes of messages. of is the message as Tx.Message gave it.
type MessageTx interface {
	// ReplaceMessage stores the text, flags and details of e in place of those of the message with its seq.
	ReplaceMessage(e *Event) error
	PutVersion(of *Event, v *Version) error
	DropVersions(of *Event) error
}

// ReactionTx is about reactions to a message.
type ReactionTx interface {
	Reacted(of *Event, emoji string, u UserID) (bool, error)
	// Reactions lists them by emoji, with at most ListedReactions users each, by id.
	Reactions(of *Event) ([]Reaction, error)
	PutReaction(of *Event, emoji string, u UserID, seq uint64) error // one that is not there
	RemoveReaction(of *Event, emoji string, u UserID) error          // one that is there
	DropReactions(of *Event) error
}

// PinTx is about messages that are pinned in their room.
type PinTx interface {
	Pinned(of *Event) (bool, error)
	CountPins(r *Room) (int, error)
	PutPin(of *Event, p *Pin) error // of a message that is not pinned
	RemovePin(of *Event) error
}

// ReportTx is about messages that were reported to the moderators.
type ReportTx interface {
	HasReported(of *Event, u UserID) (bool, error) // in a report that is open
	IsReported(of *Event) (bool, error)            // by anybody, in a report that is open
	Report(num int64) (*Report, error)
	CreateReport(of *Event, r *Report) error // gives r.Num
	CloseReport(r *Report) error             // stores Status, ClosedBy, ClosedAt, and forgets the text
}

// MessageReader reads what is attached to messages.
type MessageReader interface {
	// Thread reads messages of a thread, without its first: see LogQuery, of which Before and MessagesOnly are not used.
	Thread(ctx context.Context, room *Room, root ID, q LogQuery) ([]*Event, error)
	// Versions lists replaced texts of a message, the latest first, replaced before seq (0: all).
	Versions(ctx context.Context, of *Event, before uint64, limit int) ([]Version, error)
	// Pins lists a room's pinned messages, the latest pinned first.
	Pins(ctx context.Context, room *Room) ([]Pin, error)
	ReadReported(ctx context.Context, of *Event) (bool, error) // see Tx.IsReported
	// Reports lists reports, the latest first.
	Reports(ctx context.Context, q ReportQuery) ([]Report, error)
}

// SearchReader finds messages by what they say.
type SearchReader interface {
	// Search looks in parts of logs, for hits that are newer first: messages in their present state, no system ones. A query
	// that cannot be read is refused with BadRequest. It sees everything that was committed before the call, except that
	// an edited message may still be missing for a moment under its new words.
	Search(ctx context.Context, scopes []SearchScope, q SearchQuery) (*Found, error)
}

// FileTx is about files, without their bytes.
type FileTx interface {
	File(id ID) (*FileMeta, error)
	CreateFile(f *FileMeta) error
	UpdateFile(f *FileMeta) error // type, size of a picture, state, time
	RemoveFile(id ID) error       // with what is known of its messages
	// FileBytes is what all files of an account have together, expected ones with what was announced.
	FileBytes(owner UserID) (int64, error)
	ShareFile(id ID, r *Room, seq uint64) error // in the message seq of r
	FileShared(id ID) (bool, error)             // in a message that is there and not deleted
}

// FileReader reads it.
type FileReader interface {
	ReadFile(ctx context.Context, id ID) (*FileMeta, error)
	// FileShares finds, for each room that u is a member of, the latest message that shares the file and is not deleted.
	FileShares(ctx context.Context, id ID, u UserID) ([]FileShare, error)
	// LooseFiles lists files older than before that no message shares, see Tx.FileShared.
	LooseFiles(ctx context.Context, before Time, limit int) ([]ID, error)
}

// TokenTx is about access tokens, without the tokens themselves.
type TokenTx interface {
	Token(id string) (*Token, error)
	TokensOf(u UserID) ([]Token, error) // neither revoked nor expired, the oldest first
	PutToken(t *Token) error            // adds one, or changes whether it is revoked; forgets the user's that have expired
	ForgetTokens(u UserID) error
	HasAdministrator() (bool, error) // whether any account is one
	OtherAdministrator(than UserID) (bool, error)
}

// TokenReader reads it.
type TokenReader interface {
	Tokens(ctx context.Context, u UserID) ([]Token, error) // neither revoked nor expired, the oldest first
	RevokedTokens(ctx context.Context) ([]Token, error)    // of everybody, not expired
	ReadAdministrator(ctx context.Context) (bool, error)
}
