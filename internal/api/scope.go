// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strings"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
)

// scopes says what a narrowed token needs for the routes of a group: those with this first segment. What only shows things of
// these groups takes auth.ScopeRead, but for admin.
var scopes = map[string]auth.Scopes{
	"info": auth.ScopeRead, "sync": auth.ScopeRead, "history": auth.ScopeRead, "search": auth.ScopeRead,
	"message": auth.ScopeSend, "private": auth.ScopeSend, "thread": auth.ScopeSend, "file": auth.ScopeSend,
	"read": auth.ScopeSend, "typing": auth.ScopeSend, "presence": auth.ScopeSend,
	"rooms": auth.ScopeRooms,
	"users": auth.ScopeAccount, "push": auth.ScopeAccount,
	"admin": auth.ScopeAdmin, "broadcast": auth.ScopeAdmin,
}

// What is nobody else's business: it takes auth.ScopeAccount even to be looked at.
const (
	ownAccount = Prefix + "/users/me/"
	ownPushes  = Prefix + "/push/"
)

// ScopeOf tells what a narrowed token needs for a route; 0 where only others may ask.
func ScopeOf(r *Route) auth.Scopes {
	group, _, _ := strings.Cut(strings.TrimPrefix(r.Pattern(), Prefix+"/"), "/")
	need := scopes[group]
	if need != 0 && need != auth.ScopeAdmin && r.ReadOnly() && !strings.HasPrefix(r.Pattern(), ownAccount) && !strings.HasPrefix(r.Pattern(), ownPushes) {
		return auth.ScopeRead
	}
	return need
}

// scoped refuses what the caller's token was not made for. What the caller may do beside is decided by the domain.
func scoped(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		if req.Caller.Scopes != 0 {
			if need := ScopeOf(req.Route); !req.Caller.Scopes.Allow(need) {
				return topic.Done(nil, outOfScope(need))
			}
		}
		return next(ctx, req)
	}
}

func outOfScope(need auth.Scopes) error {
	if need == 0 {
		return chat.Refuse(chat.Forbidden, "your token was made for less than this; sign in")
	}
	return chat.Refuse(chat.Forbidden, "your token does not have the scope %s", need)
}
