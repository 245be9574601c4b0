// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"runtime/debug"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/ratelimit"
	"parley/internal/topic"
	"parley/internal/wire"
)

// Caller is who asks, and with what.
type Caller struct {
	chat.Principal
	Scopes     auth.Scopes // of the token; 0 everything
	Token      string      // its id; "" a password
	Generation int64       // of the account, when the caller proved who they are
	ClientID   string      // of the MQTT session; "" of others

	Poster string // what messages are shown under; "" the user's own name

	Origin      chat.Origin
	ClientMsgID string // given beside the payload: an MQTT 5 user property, an HTTP header
	// Busy, where it is not nil, tells that the caller has left so many answers unread that no large one should be made.
	Busy func() bool
}

// CallerOf is who was proved.
func CallerOf(id *auth.Identity) Caller {
	return Caller{Principal: chat.Principal{UserID: id.UserID}, Scopes: id.Scopes, Token: id.Token, Generation: id.Generation}
}

type (
	// Router is the route table for this caller.
	Router = topic.Router[Caller]
	// Request is a request of this caller.
	Request = topic.Request[Caller]
	// Handler serves requests of this caller.
	Handler = topic.Handler[Caller]
	// Route is an entry of the route table.
	Route = topic.Route[Caller]
)

// Audience is what handlers know of those who listen: the feed.
type Audience interface {
	Show(to chat.UserID, room chat.RoomID, body []byte)
	PassAbout(to chat.UserID, room chat.RoomID, body []byte)
	PassRoom(room int64, except chat.UserID, body []byte)
}

// Config is what an API needs.
type Config struct {
	Service  *chat.Service
	Audience Audience
	Presence Presence
	Rules    func() *content.Rules // those in force
	Epoch    int64
	Version  string
	Rates    Rates
	// Passwords proves and makes them, for accounts' own changes.
	Passwords *auth.Passwords
	// Tokens signs and voids them, for sessions.
	Tokens *auth.Tokens
	// Devices are the MQTT sessions; nil: none.
	Devices Devices
	Files   *Files // nil: no files
	Push    Push
	Running Running
	Info    map[string]any // limits of the doors, shown by info beside the API's own
	Now     func() time.Time
}

// Rate is a number of requests in a window, per user, over all devices.
type Rate struct {
	Requests int // 0: no limit
	Window   time.Duration
}

// Rates are the limits of the groups of routes.
type Rates struct {
	Changes Rate
	Reads   Rate
	Passing Rate // of what is dropped beyond it: read marks, presence, typing
}

// MaxWait is how long a request waits for its turn before it is refused.
const MaxWait = 60 * time.Second

// MaxNameLength and MaxRemarkLength bound texts that are not messages, in characters.
const (
	MaxNameLength   = 100
	MaxRemarkLength = 1000
)

// concurrentReads bounds the routes that only read and run beside the connections' own goroutines. It is the number of
// the store's readers; more would wait there.
const concurrentReads = 8

// API serves the routes.
type API struct {
	cfg     Config
	chat    *chat.Service
	changes *ratelimit.Sliding
	reads   *ratelimit.Sliding
	passing *ratelimit.Sliding
	proofs  *ratelimit.Sliding
	reading chan struct{} // a place for each concurrent read
	counted counted
	router  *Router
}

// New makes the API with its route table.
func New(cfg Config) *API {
	a := &API{cfg: cfg, chat: cfg.Service, reading: make(chan struct{}, concurrentReads),
		changes: ratelimit.New(cfg.Rates.Changes.Requests, cfg.Rates.Changes.Window, cfg.Now),
		reads:   ratelimit.New(cfg.Rates.Reads.Requests, cfg.Rates.Reads.Window, cfg.Now),
		passing: ratelimit.New(cfg.Rates.Passing.Requests, cfg.Rates.Passing.Window, cfg.Now)}
	a.proofs = ratelimit.New(proofs, time.Minute, cfg.Now)
	a.router = a.routes()
	a.router.Freeze()
	return a
}

// Router is the route table.
func (a *API) Router() *Router { return a.router }

// call is what a change of this request comes with.
func call(req *Request, in wire.Payload) chat.Call {
	return chat.Call{Principal: req.Caller.Principal, Origin: req.Caller.Origin, ClientMsgID: in.Common().ClientMsgID, Digest: in.Common().Digest}
}

// later answers with what a change comes to. Each of then is called after a success has been answered; it must not block.
func later[T any](p *chat.Pending[T], reply func(T) wire.Replier, then ...func(T)) topic.Result {
	promise := topic.NewPromise()
	p.Then(func(v T, err error) {
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		promise.Resolve(reply(v), nil)
		for _, f := range then {
			f(v)
		}
	})
	return topic.Later(promise)
}

// read answers with what f reads, on a goroutine of its own: it may overtake changes. busy is the caller's, see Caller.
func (a *API) read(ctx context.Context, busy func() bool, f func(ctx context.Context) (wire.Replier, error)) topic.Result {
	promise := topic.NewPromise()
	go func() {
		a.reading <- struct{}{}
		defer func() { <-a.reading }()
		if busy != nil && busy() {
			promise.Resolve(nil, &chat.Error{Code: chat.RateLimited, Message: "read the answers to your earlier requests first", RetryAfter: time.Second})
			return
		}
		reply, err := safely(ctx, f)
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		promise.Resolve(reply, nil)
	}()
	return topic.Later(promise)
}

// safely makes an internal error of a panic: no request may end the process.
func safely(ctx context.Context, f func(ctx context.Context) (wire.Replier, error)) (reply wire.Replier, err error) {
	defer func() {
		if p := recover(); p != nil {
			reply, err = nil, fmt.Errorf("api: a read panicked: %v\n%s", p, debug.Stack())
		}
	}()
	return f(ctx)
}

func status(s string, r chat.Repeat) wire.Reply { return wire.Reply{Status: s, Duplicate: r.Duplicate} }

// AdmitRead counts a read of u's that is no request of a route, and refuses it where there were too many.
func (a *API) AdmitRead(u chat.UserID) error {
	if wait, ok := a.reads.Reserve(string(u), 0); !ok {
		return &chat.Error{Code: chat.RateLimited, Message: "too many requests; try again later", RetryAfter: wait}
	}
	return nil
}
