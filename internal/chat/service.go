// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Service holds the use cases. Changes return a Pending at once and are decided by the store's writer; what only reads
// takes a context and answers directly.
type Service struct {
	store Store
	limit Limits
	newID func() ID
	now   func() Time
}

// Limits bound what a request may ask for. NewService fills in the defaults of those that are 0.
type Limits struct {
	DefaultMaxMembers int // of a room whose creator says nothing
	MaxMembers        int // that a creator may ask for
	HistoryPage       int // messages of a page when not said
	MaxHistoryPage    int
	MaxSyncEvents     int
	MaxListPage       int // rooms, members, users

	MaxFileSize int64 // bytes
	FileQuota   int64 // bytes of all files of an account; 0 without end

	WebhookHosts []string // that webhooks may go to: HOST, or HOST:PORT
	WebhookTexts bool     // the texts of messages may go there
}

// DefaultLimits are the limits of the contract (docs/protocol.md, section 5), and beyond it what keeps one answer in a
// few hundred kilobytes.
func DefaultLimits() Limits {
	return Limits{DefaultMaxMembers: 100, MaxMembers: 100_000, HistoryPage: 50, MaxHistoryPage: 200, MaxSyncEvents: 500, MaxListPage: 200,
		MaxFileSize: DefaultMaxFileSize, FileQuota: DefaultFileQuota}
}

// MaxClientMsgID bounds client_msg_id, in characters.
const MaxClientMsgID = 64

// NewService makes a Service on store. newID makes UUIDv7s, now tells the time.
func NewService(store Store, limit Limits, newID func() ID, now func() Time) *Service {
	return &Service{store: store, limit: limit, newID: newID, now: now}
}

// Limits tells the limits in force.
func (s *Service) Limits() Limits { return s.limit }

// Call is what every change comes with: who asks, with which packet, and the id that makes it exactly once.
type Call struct {
	Principal
	Origin
	ClientMsgID string
	// Digest is of the request as it came, before any filter: a repeat with ClientMsgID must be the same request. Where it
	// is zero the request as the service gets it counts.
	Digest [16]byte
}

// Repeat is embedded in every outcome: Duplicate says that the request had succeeded before and nothing was done now.
type Repeat struct {
	Duplicate bool `json:"-"`
}

func (r *Repeat) repeated() { r.Duplicate = true }

// change is a Change with a typed outcome.
type change[T any, P interface {
	*T
	repeated()
}] struct {
	Pending[T]
	call   Call
	op     string // the digest's first part: what was asked
	scope  scope
	digest [16]byte
	system bool // asked by the operator: no account is looked up
	decide func(tx Tx, u *User) (T, error)
	result T
}

// submit sends one change on its way. parts, with op, are what a repeat with the same ClientMsgID must ask again.
func submit[T any, P interface {
	*T
	repeated()
}](s *Service, call Call, in scope, op string, parts []string, decide func(Tx, *User) (T, error)) *Pending[T] {
	c := &change[T, P]{call: call, op: op, scope: in, decide: decide}
	if call.ClientMsgID != "" {
		if len(call.ClientMsgID) > MaxClientMsgID*4 || len([]rune(call.ClientMsgID)) > MaxClientMsgID {
			return refused[T](Refuse(BadRequest, "client_msg_id: longer than %d characters", MaxClientMsgID))
		}
		if !utf8.ValidString(call.ClientMsgID) { // a header may hold anything
			return refused[T](Refuse(BadRequest, "client_msg_id: is not valid UTF-8"))
		}
		if c.digest = call.Digest; c.digest == ([16]byte{}) {
			c.digest = Digest(op, parts...)
		}
	}
	s.store.Submit(c)
	return &c.Pending
}

// administer submits a change that the operator asks for.
func administer[T any, P interface {
	*T
	repeated()
}](s *Service, decide func(Tx, *User) (T, error)) *Pending[T] {
	c := &change[T, P]{system: true, decide: decide}
	s.store.Submit(c)
	return &c.Pending
}

// Digest is a digest of what is asked and with what.
func Digest(op string, parts ...string) [16]byte {
	h := sha256.New()
	var n [8]byte
	for _, p := range append([]string{op}, parts...) {
		binary.BigEndian.PutUint64(n[:], uint64(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	return [16]byte(h.Sum(nil))
}

// Apply implements Change.
func (c *change[T, P]) Apply(tx Tx) error {
	var zero T
	c.result = zero
	if c.system {
		var err error
		c.result, err = c.decide(tx, nil)
		return err
	}
	u, err := tx.User(c.call.UserID)
	if err != nil {
		return err
	}
	if err := mayAct(u, tx.Now()); err != nil {
		return err
	}
	if c.call.Origin.PacketID != 0 && c.call.Origin.Session != 0 {
		seen, err := tx.PacketSeen(c.call.Origin)
		if err != nil {
			return err
		}
		if seen {
			P(&c.result).repeated()
			return nil
		}
	}
	if c.call.ClientMsgID != "" {
		done, err := c.repeat(tx)
		if done || err != nil {
			return err
		}
	}
	if c.result, err = c.decide(tx, u); err != nil {
		return err
	}
	return c.remember(tx)
}

// repeat answers a request whose ClientMsgID is known.
func (c *change[T, P]) repeat(tx Tx) (done bool, err error) {
	num, exists, err := c.scope.find(tx)
	if err != nil || !exists {
		return false, err
	}
	r, err := tx.Request(c.call.UserID, num, c.call.ClientMsgID)
	if err != nil || r == nil {
		return false, err
	}
	if r.Digest != c.digest {
		return false, Refuse(Conflict, "client_msg_id: was used for another request; choose a new one for each")
	}
	if err := json.Unmarshal(r.Outcome, &c.result); err != nil {
		return false, fmt.Errorf("chat: stored outcome of %s: %w", c.op, err)
	}
	P(&c.result).repeated()
	if c.call.Origin.PacketID != 0 && c.call.Origin.Session != 0 {
		return true, tx.PutPacket(c.call.Origin)
	}
	return true, nil
}

// remember stores, with the change, what makes its repeat do nothing.
func (c *change[T, P]) remember(tx Tx) error {
	if c.call.ClientMsgID != "" {
		num, _, err := c.scope.find(tx)
		if err != nil {
			return err
		}
		outcome, err := json.Marshal(&c.result)
		if err != nil {
			return err
		}
		if err := tx.PutRequest(c.call.UserID, num, c.call.ClientMsgID, &Request{Digest: c.digest, Outcome: outcome}); err != nil {
			return err
		}
	}
	if c.call.Origin.PacketID != 0 && c.call.Origin.Session != 0 {
		return tx.PutPacket(c.call.Origin)
	}
	return nil
}

// scope is where a ClientMsgID is unique, per sender: a room, the room of a message, or (zero) outside rooms.
type scope struct {
	room    RoomID
	message ID
}

func inRoom(id RoomID) scope { return scope{room: id} }
func ofMessage(id ID) scope  { return scope{message: id} }

// find tells the number of the scope's room, 0 outside rooms. A room that does not exist (yet) has none.
func (at scope) find(tx Tx) (num int64, exists bool, err error) {
	switch {
	case at.room != "":
		r, err := tx.Room(at.room)
		if err != nil || r == nil {
			return 0, false, err
		}
		return r.Num, true, nil
	case !at.message.IsZero():
		e, err := tx.Message(at.message)
		if err != nil || e == nil {
			return 0, false, err
		}
		return e.RoomNum, true, nil
	}
	return 0, true, nil
}

// Done implements Change.
func (c *change[T, P]) Done(err error) {
	if err != nil {
		var zero T
		c.resolve(zero, err)
		return
	}
	c.resolve(c.result, nil)
}

// mayAct refuses an account that is gone or banned from the server.
func mayAct(u *User, now Time) error {
	switch {
	case u == nil || u.Deleted:
		return Refuse(Unauthenticated, "this account does not exist any more")
	case u.BannedAt(now):
		return Refuse(Banned, "you are banned from this server%s", reason(u.BanReason))
	}
	return nil
}

func reason(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}
