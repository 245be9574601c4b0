// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// Sessions answers users/me/sessions.
type Sessions struct {
	Reply
	Sessions []SessionData `json:"sessions" doc:"tokens in force and MQTT sessions"`
}

// The kinds of sessions.
const (
	SessionLogin = "login"
	SessionToken = "token"
	SessionHook  = "hook"
	SessionMQTT  = "mqtt"
)

// SessionData is one way into the account: a token, or what the server keeps of an MQTT client.
type SessionData struct {
	SessionID string    `json:"session_id" doc:"names it for revoking" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
	Kind      string    `json:"kind" doc:"login: a token given for a password; token: one made for a program or device; hook: an incoming webhook of a room; mqtt: an MQTT session" enum:"login token hook mqtt"`
	Name      string    `json:"name" doc:"what the owner knows it by; of MQTT sessions the client id" example:"Bob's phone"`
	Scopes    []string  `json:"scopes,omitempty" doc:"what the token is narrowed to" example:"[\"read\"]"`
	Current   bool      `json:"current" doc:"the request came with it"`
	CreatedAt Timestamp `json:"created_at,omitzero" doc:"of tokens"`
	Expires   Timestamp `json:"expires,omitzero" doc:"of tokens"`
	ClientID  string    `json:"client_id,omitempty" doc:"of MQTT sessions" example:"phone"`
	Connected bool      `json:"connected" doc:"an MQTT connection is open: the session's, or one made with the token"`
	Since     Timestamp `json:"since,omitzero" doc:"of MQTT sessions: when the connection was opened, or lost"`
	Address   string    `json:"address,omitempty" doc:"of MQTT sessions that are connected: where from" example:"203.0.113.5"`
	TokenID   string    `json:"token_id,omitempty" doc:"of MQTT sessions that are connected: the session_id of the token that they came with" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
}

// RevokeSession is the payload of users/me/sessions/revoke.
type RevokeSession struct {
	Envelope
	noTexts
	SessionID string `json:"session_id,omitempty" doc:"which one; absent with others" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
	Others    bool   `json:"others,omitempty" doc:"all tokens and MQTT sessions but those that the request came with"`
}

// SessionsRevoked answers it.
type SessionsRevoked struct {
	Reply
	Revoked []string `json:"revoked" doc:"their session_id" example:"[\"KGT5ZV4IWXLBJYD2Q6SNE7MPHA\"]"`
}

// CreateToken is the payload of users/me/tokens/create.
type CreateToken struct {
	Envelope
	Name   string   `json:"name" doc:"what you know it by, one line" min:"1" max:"100" example:"greenhouse sensor"`
	Scopes []string `json:"scopes,omitempty" doc:"read, send, rooms, account, admin; none: everything that the caller may" example:"[\"read\"]"`
	TTL    int64    `json:"ttl,omitempty" doc:"seconds that it is valid" min:"1" default:"2592000"`
}

// Texts implements Payload.
func (p *CreateToken) Texts() []Text { return []Text{{Field: "name", Value: &p.Name, Form: Name}} }

// TokenCreated answers it.
type TokenCreated struct {
	Reply
	SessionID string    `json:"session_id" doc:"names it for revoking" example:"KGT5ZV4IWXLBJYD2Q6SNE7MPHA"`
	Token     string    `json:"token" doc:"shown only now" example:"eyJhbGciOi…"`
	Expires   Timestamp `json:"expires" doc:"when it does"`
	Scopes    []string  `json:"scopes,omitempty" doc:"what it is narrowed to" example:"[\"read\"]"`
}

// SessionOfToken shows a token.
func SessionOfToken(t *chat.Token, scopes []string) SessionData {
	return SessionData{SessionID: t.ID, Kind: string(t.Kind), Name: t.Name, Scopes: scopes, CreatedAt: Timestamp(t.CreatedAt), Expires: Timestamp(t.Expires)}
}

// PasswordChanged answers users/me/password.
type PasswordChanged struct {
	Reply
	UserID  chat.UserID `json:"user_id"`
	Token   string      `json:"token" doc:"a login in place of the older ones, for who asked" example:"eyJhbGciOi…"`
	Expires Timestamp   `json:"expires" doc:"when it does"`
}
