// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"strings"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// Devices is what the API knows of MQTT sessions.
type Devices interface {
	// Devices lists a user's sessions, connected and away.
	Devices(ctx context.Context, u chat.UserID) ([]Device, error)
	// EndDevice ends one, with its connection; false where there is none.
	EndDevice(ctx context.Context, u chat.UserID, clientID string) (bool, error)
}

// Device is an MQTT session.
type Device struct {
	ClientID  string
	Connected bool
	Since     time.Time // when the connection was opened, or lost
	Address   string    // of the connection
	Token     string    // id of the token that the connection came with
}

// mqttSession begins the session_id of MQTT sessions; the client id follows.
const mqttSession = "mqtt:"

// maxTokenTTL is that of tokens, in seconds.
const maxTokenTTL = int64(auth.MaxTokenTTL / time.Second)

func (a *API) sessionRoutes(users *topic.Group[Caller]) {
	topic.Handle[wire.Empty, wire.Sessions](users, "me/sessions", a.sessions, topic.QoS(1), topic.ReadOnly(),
		topic.Doc("One's logins, tokens and MQTT sessions"), answers("success", "everybody who is signed in", ""))
	topic.Handle[wire.RevokeSession, wire.SessionsRevoked](users, "me/sessions/revoke", a.revokeSession, topic.QoS(1),
		topic.Doc("End a login, token or MQTT session, or all others"), answers("session_revoked", "everybody who is signed in", "not_found"))
	topic.Handle[wire.CreateToken, wire.TokenCreated](users, "me/tokens/create", a.createToken, topic.QoS(1),
		topic.Doc("Make a token for a program or device"), answers("token_created", "everybody whose token is not narrowed", "forbidden"))
}

func (a *API) sessions(ctx context.Context, req *Request, _ *wire.Empty) topic.Result {
	who := req.Caller
	return a.read(ctx, who.Busy, func(ctx context.Context) (wire.Replier, error) {
		tokens, err := a.chat.Tokens(ctx, who.UserID)
		if err != nil {
			return nil, err
		}
		devices, err := a.devices(ctx, who.UserID)
		if err != nil {
			return nil, err
		}
		out := &wire.Sessions{Reply: wire.Reply{Status: "success"}, Sessions: make([]wire.SessionData, 0, len(tokens)+len(devices))}
		connected := map[string]bool{}
		for _, d := range devices {
			connected[d.Token] = connected[d.Token] || d.Connected
		}
		for i := range tokens {
			s := wire.SessionOfToken(&tokens[i], strings.Fields(tokens[i].Scopes))
			s.Current, s.Connected = s.SessionID == who.Token, connected[s.SessionID]
			out.Sessions = append(out.Sessions, s)
		}
		for _, d := range devices {
			out.Sessions = append(out.Sessions, wire.SessionData{SessionID: mqttSession + d.ClientID, Kind: wire.SessionMQTT, Name: d.ClientID,
				ClientID: d.ClientID, Connected: d.Connected, Since: sinceOf(d.Since), Address: d.Address, TokenID: d.Token,
				Current: who.ClientID != "" && d.ClientID == who.ClientID})
		}
		return out, nil
	})
}

func sinceOf(t time.Time) wire.Timestamp {
	if t.IsZero() {
		return 0
	}
	return wire.Timestamp(chat.TimeOf(t))
}

func (a *API) devices(ctx context.Context, u chat.UserID) ([]Device, error) {
	if a.cfg.Devices == nil {
		return nil, nil
	}
	return a.cfg.Devices.Devices(ctx, u)
}

func (a *API) revokeSession(ctx context.Context, req *Request, in *wire.RevokeSession) topic.Result {
	who := req.Caller
	clientID, isMQTT := strings.CutPrefix(in.SessionID, mqttSession)
	switch {
	case in.Others == (in.SessionID != ""):
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "session_id, others: give one of them"))
	case isMQTT && who.ClientID != "" && clientID == who.ClientID:
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "session_id: is the session that you ask with; disconnect with a session expiry of 0 instead"))
	case isMQTT:
		return a.endDevices(ctx, func(ctx context.Context) ([]Device, error) {
			return a.devicesNamed(ctx, who.UserID, func(d Device) bool { return d.ClientID == clientID })
		}, who, nil, true)
	case !in.Others:
		return later(a.chat.RevokeToken(call(req, in), in.SessionID, 0), func(v chat.RevokedTokens) wire.Replier { return a.revoked(v) })
	}
	promise := topic.NewPromise()
	a.chat.RevokeOtherTokens(call(req, in), who.Token).Then(func(v chat.RevokedTokens, err error) {
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		reply := a.revoked(v)
		a.endDevices(ctx, func(ctx context.Context) ([]Device, error) {
			return a.devicesNamed(ctx, who.UserID, func(d Device) bool { return who.ClientID == "" || d.ClientID != who.ClientID })
		}, who, reply, false).Then(func(r any, err error) { promise.Resolve(r, err) })
	})
	return topic.Later(promise)
}

// revoked makes revoked tokens void at once, before anybody is told, and tells it.
func (a *API) revoked(v chat.RevokedTokens) *wire.SessionsRevoked {
	a.cfg.Tokens.RevokeAll(v.Tokens)
	out := &wire.SessionsRevoked{Reply: status("session_revoked", v.Repeat), Revoked: make([]string, 0, len(v.Tokens))}
	for _, t := range v.Tokens {
		out.Revoked = append(out.Revoked, t.ID)
	}
	return out
}

func (a *API) devicesNamed(ctx context.Context, u chat.UserID, match func(Device) bool) ([]Device, error) {
	all, err := a.devices(ctx, u)
	var found []Device
	for _, d := range all {
		if match(d) {
			found = append(found, d)
		}
	}
	return found, err
}

// endDevices ends MQTT sessions, each with the token that its connection came with, unless the caller has the same. Of one that
// was asked for by name it is told when it is not there. reply, where it is not nil, is gone on with.
func (a *API) endDevices(ctx context.Context, which func(context.Context) ([]Device, error), who Caller, reply *wire.SessionsRevoked, named bool) topic.Result {
	if reply == nil {
		reply = &wire.SessionsRevoked{Reply: wire.Reply{Status: "session_revoked"}, Revoked: []string{}}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	return a.read(ctx, nil, func(ctx context.Context) (wire.Replier, error) {
		defer cancel()
		devices, err := which(ctx)
		if err != nil {
			return nil, err
		}
		for _, d := range devices {
			ended, err := a.cfg.Devices.EndDevice(ctx, who.UserID, d.ClientID)
			if err != nil {
				return nil, err
			}
			if ended {
				reply.Revoked = append(reply.Revoked, mqttSession+d.ClientID)
			}
			if d.Token == "" || d.Token == who.Token || a.cfg.Tokens.Revoked(d.Token) {
				continue
			}
			gone, err := a.chat.RevokeToken(chat.Call{Principal: who.Principal}, d.Token, 0).Wait(ctx)
			if err != nil && chat.CodeOf(err) != chat.NotFound { // of tokens that were not kept
				return nil, err
			}
			reply.Revoked = append(reply.Revoked, a.revoked(gone).Revoked...)
		}
		if named && len(reply.Revoked) == 0 {
			return nil, chat.Refuse(chat.NotFound, "session_id: there is no such MQTT session")
		}
		return reply, nil
	})
}

func (a *API) createToken(_ context.Context, req *Request, in *wire.CreateToken) topic.Result {
	if req.Caller.Scopes != 0 {
		return topic.Done(nil, chat.Refuse(chat.Forbidden, "a token that is narrowed makes no tokens; sign in"))
	}
	scopes, err := auth.ParseScopes(in.Scopes)
	if err != nil {
		return topic.Done(nil, err)
	}
	ttl := in.TTL
	if ttl == 0 {
		ttl = int64(auth.DefaultTokenTTL / time.Second)
	}
	if ttl < 1 || ttl > maxTokenTTL {
		return topic.Done(nil, chat.Refuse(chat.BadRequest, "ttl: must be from 1 to %d seconds", maxTokenTTL))
	}
	promise := topic.NewPromise()
	a.chat.GrantToken(call(req, in), chat.NewToken{ID: auth.NewTokenID(), Kind: chat.NamedToken, Name: in.Name, Scopes: scopes.String(),
		TTL: time.Duration(ttl) * time.Second, Generation: req.Caller.Generation}).Then(func(v chat.Granted, err error) {
		if err != nil {
			promise.Resolve(nil, err)
			return
		}
		token, err := a.cfg.Tokens.Granted(v) // a repeat gets the same
		promise.Resolve(&wire.TokenCreated{Reply: status("token_created", v.Repeat), SessionID: v.Token.ID, Token: token,
			Expires: wire.Timestamp(v.Token.Expires), Scopes: strings.Fields(v.Token.Scopes)}, err)
	})
	return topic.Later(promise)
}
