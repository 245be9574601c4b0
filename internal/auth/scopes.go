// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"

	"parley/internal/chat"
)

// Scopes are what a narrowed token may do. None at all is everything: a token that was not narrowed, and a password.
type Scopes uint8

// The scopes. None contains another.
const (
	ScopeRead    Scopes = 1 << iota // see what its user sees: deliveries, history, search, files
	ScopeSend                       // write messages, react, upload, mark as read, presence, typing
	ScopeRooms                      // create, join, leave, change rooms, and invite
	ScopeAccount                    // one's own account: profile, blocks, sessions, tokens, push, password
	ScopeAdmin                      // moderate rooms and, where the user is an administrator, the server

	// ScopeHook is for nothing but the incoming webhook of one room. Nobody asks for it by its name.
	ScopeHook
)

// scopeNames are the scopes' names, in the order of their bits.
var scopeNames = [...]string{"read", "send", "rooms", "account", "admin"}

// hookScope is how a token says ScopeHook.
const hookScope = "hook"

// ParseScopes reads names of scopes. None is everything.
func ParseScopes(names []string) (Scopes, error) {
	var s Scopes
	for _, name := range names {
		one := ScopeNamed(name)
		if one == 0 {
			return 0, chat.Refuse(chat.BadRequest, "scopes: %q is unknown; use %s", name, strings.Join(scopeNames[:], ", "))
		}
		s |= one
	}
	return s, nil
}

// ScopeNamed is the scope of a name; 0 where there is none.
func ScopeNamed(name string) Scopes {
	for i, n := range scopeNames {
		if n == name {
			return 1 << i
		}
	}
	return 0
}

// Allow tells whether a token with these scopes may do what takes one of need. What takes nothing is for tokens that were not
// narrowed.
func (s Scopes) Allow(need Scopes) bool { return s == 0 || s&need != 0 }

// Names lists them; nil for everything.
func (s Scopes) Names() []string {
	var names []string
	for i, n := range scopeNames {
		if s&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	if s&ScopeHook != 0 {
		names = append(names, hookScope)
	}
	return names
}

// String is the names with spaces between them.
func (s Scopes) String() string { return strings.Join(s.Names(), " ") }
