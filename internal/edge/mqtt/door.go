// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/feed"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
	"parley/internal/wire"
)

// Config is what a Door needs.
type Config struct {
	Router *api.Router
	Auth   *auth.Authenticator
	Feed   *feed.Feed
	Places chat.Places
	Logger *slog.Logger
	Now    func() time.Time // nil: time.Now
	// Presence is told of connections; nil tells nobody.
	Presence Presence
}

// Presence counts a user's connections. Its methods must not block.
type Presence interface {
	Arrive(u chat.UserID)
	Leave(u chat.UserID)
}

// Door implements server.Application.
type Door struct {
	cfg      Config
	ctx      context.Context // of requests: a connection that goes away cancels nothing
	outcomes Outcomes
	// revocations counts events that end connections: a connection that was authenticated before one and opened after it
	// would be missed by Revoked, and asks again.
	revocations atomic.Int64
	stopping    atomic.Bool
	lines       sync.Map // of devices with requests that wait for their turn: *device -> nothing
}

// canceled is the context of a request that is given up before its turn.
var canceled = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// New makes a Door. ctx ends when the process does.
func New(ctx context.Context, cfg Config) *Door {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Door{cfg: cfg, ctx: ctx, outcomes: newOutcomes()}
}

// Outcomes tells how requests ended.
func (d *Door) Outcomes() map[chat.Code]int64 { return d.outcomes.snapshot() }

// authMethod is the only Authentication Method: the access token is in the Authentication Data, or in the password.
const authMethod = "token"

// Connect implements server.Application.
func (d *Door) Connect(ctx context.Context, req *server.ConnectRequest) (*server.Grant, error) {
	p := req.Packet
	c := auth.Credentials{Password: string(p.Password), Remote: auth.AddrOf(req.RemoteAddr)}
	if p.Username != nil {
		c.Username = *p.Username
	}
	switch p.Properties.AuthMethod {
	case "":
	case authMethod:
		if len(p.Properties.AuthData) > 0 {
			c.Password = string(p.Properties.AuthData)
		}
	default:
		return nil, &server.Refusal{Code: packet.BadAuthenticationMethod, Reason: "authentication method: only \"token\" is known"}
	}
	seen := d.revocations.Load()
	id, err := d.cfg.Auth.Authenticate(ctx, c)
	if err != nil {
		return nil, d.refuseConnect(err)
	}
	if p.Will != nil {
		if err := d.checkWill(p); err != nil {
			return nil, err
		}
	}
	return &server.Grant{Owner: string(id.UserID), Expires: id.Expires, Value: newDevice(d, id, c.Remote, seen)}, nil
}

// checkWill lets a will pass that is one of the user's own requests.
func (d *Door) checkWill(p *packet.Connect) error {
	if strings.HasPrefix(p.Will.Topic, api.Prefix+"/presence/") {
		p.Will = nil // presence comes from connections
		return nil
	}
	if _, _, ok := d.cfg.Router.Match(p.Will.Topic); !ok {
		return &server.Refusal{Code: packet.NotAuthorized, Reason: "will topic: must be a route, such as chat/message/{room_id}"}
	}
	return nil
}

func (d *Door) refuseConnect(err error) error {
	code := chat.CodeOf(err)
	d.outcomes.count(code)
	reason := func(c packet.ReasonCode) error {
		return &server.Refusal{Code: c, Reason: wire.AsError(err).Message}
	}
	switch code {
	case chat.Internal:
		return err // the server logs it
	case chat.Banned:
		return reason(packet.Banned)
	case chat.RateLimited:
		return reason(packet.ConnectionRateExceeded)
	case chat.Unavailable:
		return reason(packet.ServerUnavailable)
	default:
		return reason(packet.BadUserNameOrPassword)
	}
}

// Reauthenticate implements server.Application.
func (d *Door) Reauthenticate(ctx context.Context, s *server.Session, method string, data []byte) (*server.Grant, error) {
	if method != authMethod {
		return nil, &server.Refusal{Code: packet.BadAuthenticationMethod, Reason: "authentication method: only \"token\" is known"}
	}
	dev := deviceOf(s)
	id, err := dev.reauthenticate(ctx, string(data))
	if err != nil {
		return nil, err
	}
	return &server.Grant{Owner: string(id.UserID), Expires: id.Expires, Value: dev}, nil
}

// refuseAgain is refuseConnect for a live connection, which ends: some codes are CONNACK's alone.
func (d *Door) refuseAgain(err error) error {
	err = d.refuseConnect(err)
	refusal, ok := errors.AsType[*server.Refusal](err)
	if !ok || refusal.Code.AllowedIn(packet.DISCONNECT) {
		return err
	}
	code := packet.NotAuthorized
	if refusal.Code == packet.ServerUnavailable {
		code = packet.ServerBusy
	}
	return &server.Refusal{Code: code, Reason: refusal.Reason}
}

// Opened implements server.Application.
func (d *Door) Opened(s *server.Session, resumed bool) {
	dev := deviceOf(s)
	dev.open(s)
	if d.cfg.Presence != nil {
		d.cfg.Presence.Arrive(dev.user)
	}
	if dev.revocations != d.revocations.Load() {
		go d.contain("a confirmation", func() { dev.end(packet.UnspecifiedError, "internal error") }, dev.confirm)
	}
	if resumed {
		if !dev.mayRead() { // what another token was being sent is not for this one; it comes again to one that may
			s.Drop(func(m *server.Message) bool { _, event := m.Tag.(*chat.Event); return event })
		}
		dev.resume()
	}
}

// Closed implements server.Application.
func (d *Door) Closed(s *server.Session, _ bool, _ error) {
	dev := deviceOf(s)
	dev.close()
	if d.cfg.Presence != nil {
		d.cfg.Presence.Leave(dev.user)
	}
}

// Ended implements server.Application. What is stored of a session goes with it.
func (d *Door) Ended(server.SessionID, string, string) {}

// Acked implements server.Application.
func (d *Door) Acked(s *server.Session, m *server.Message) {
	if e, ok := m.Tag.(*chat.Event); ok {
		deviceOf(s).acked(e)
	}
}

// Drained implements server.Application.
func (d *Door) Drained(s *server.Session) { deviceOf(s).drained() }

// Revoked takes from an account what it may not have any more: its connections, or what its sessions, away ones too, have
// not been sent or not acknowledged of a room. The feed calls it.
func (d *Door) Revoked(srv *server.Server, e *chat.Event) {
	if r, ok := e.Revokes(); ok {
		for _, s := range srv.Sessions(string(r.User)) {
			deviceOf(s).revoke(r.Room)
			drop(s, r.Room, r.Before) // what came after a return stays
		}
		return
	}
	var code packet.ReasonCode
	var why string
	var others func(*server.Session) bool
	switch e.Details.Action {
	case chat.ActionBan:
		code, why = packet.AdministrativeAction, "banned from this server"
	case chat.ActionErase:
		code, why = packet.AdministrativeAction, "this account was removed"
	case chat.ActionCredentials:
		code, why = packet.NotAuthorized, "the password was changed: sign in again"
	case chat.ActionSession:
		code, why = packet.NotAuthorized, "the token was revoked: sign in again"
		others = func(s *server.Session) bool { return deviceOf(s).identity.Load().Token != e.Details.Session }
	default:
		return
	}
	d.revocations.Add(1)
	srv.Disconnect(string(e.Details.UserID), code, why, others)
}

// Stop gives up all requests that wait for their turn, so that a server that stops need not wait for them.
func (d *Door) Stop() {
	d.stopping.Store(true)
	for dev := range d.lines.Range {
		dev.(*device).cutLine()
	}
}

// contain keeps a panic on a goroutine of the door's own from ending the process.
func (d *Door) contain(what string, failed func(), f func()) {
	defer func() {
		if p := recover(); p != nil {
			d.cfg.Logger.Error("mqtt: "+what+" panicked", "panic", p, "stack", string(debug.Stack()))
			failed()
		}
	}()
	f()
}

func deviceOf(s *server.Session) *device { return s.Value().(*device) }

// startTimeout bounds what a device waits for the store when it begins to listen.
const startTimeout = 30 * time.Second
