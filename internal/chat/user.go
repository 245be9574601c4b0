// SPDX-License-Identifier: Apache-2.0

package chat

// UserID names an account: [a-z0-9][a-z0-9._-]{0,63}. It is chosen at registration and never reused or changed.
type UserID string

// The names no account may have: routes use them in its place.
var reservedUsers = [...]UserID{"me", "search", "system"}

// SystemUser is the sender of system messages.
const SystemUser UserID = "system"

// MaxNameLength bounds user ids and chosen room ids, in bytes.
const MaxNameLength = 64

// ValidUserID tells whether id may name an account.
func ValidUserID(id UserID) bool {
	for _, r := range reservedUsers {
		if id == r {
			return false
		}
	}
	return validName(string(id), false)
}

// validName checks a chosen name: a letter or digit, then letters, digits and . _ -.
func validName(s string, upper bool) bool {
	if s == "" || len(s) > MaxNameLength {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', upper && c >= 'A' && c <= 'Z':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// ServerRole is what an account may do on the whole server.
type ServerRole string

// The roles on the server.
const (
	RoleUser          ServerRole = "user"
	RoleAdministrator ServerRole = "administrator"
)

// User is an account.
type User struct {
	ID           UserID
	DisplayName  string
	Role         ServerRole
	PasswordHash string // PHC string of argon2id; empty: this account signs in with tokens only
	Generation   int64  // raised by a new password and by revocation: older tokens are void
	CreatedAt    Time
	BannedUntil  Time // Forever, or the end; in the past: not banned
	BanReason    string
	MutedUntil   Time
	Deleted      bool // erased: the name stays taken
}

// BannedAt tells whether the account is banned from the server at now.
func (u *User) BannedAt(now Time) bool { return u.BannedUntil > now }

// MutedAt tells whether the account may not write anywhere at now.
func (u *User) MutedAt(now Time) bool { return u.MutedUntil > now }

// Principal is who asks: fixed by the connection, never read from a payload.
type Principal struct {
	UserID UserID
}

// Origin says which PUBLISH a change came with, for exactly-once at QoS 2: its packet id is stored in the change's own
// transaction. The zero Origin stores nothing.
type Origin struct {
	Session  int64 // of a session that outlives its connection; 0 none
	PacketID uint16
}
