// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// Register is the body of POST /api/v1/auth/register.
type Register struct {
	UserID      chat.UserID `json:"user_id" doc:"the name to sign in with, for ever"`
	Password    string      `json:"password" doc:"a good one" example:"correct horse"`
	DisplayName string      `json:"display_name,omitempty" doc:"one line" max:"100" example:"Bob"`
	Invitation  string      `json:"invitation,omitempty" doc:"from parley invite, where the server asks for one"`
	Device      string      `json:"device,omitempty" doc:"what the login is listed as; absent: the User-Agent" max:"100" example:"Bob's phone"`
}

// SetUp is the body of POST /api/v1/auth/setup.
type SetUp struct {
	Setup       string      `json:"setup" doc:"from the link that the server printed" example:"eyJhbGciOi…"`
	UserID      chat.UserID `json:"user_id" doc:"the name to sign in with, for ever"`
	Password    string      `json:"password" doc:"a good one" example:"correct horse"`
	DisplayName string      `json:"display_name,omitempty" doc:"one line" max:"100" example:"Bob"`
	Device      string      `json:"device,omitempty" doc:"what the login is listed as; absent: the User-Agent" max:"100" example:"Bob's phone"`
}

// Login is the body of POST /api/v1/auth/login.
type Login struct {
	UserID   chat.UserID `json:"user_id"`
	Password string      `json:"password" doc:"of the account" example:"correct horse"`
	Device   string      `json:"device,omitempty" doc:"what the login is listed as; absent: the User-Agent" max:"100" example:"Bob's phone"`
}

// SignedIn answers all three.
type SignedIn struct {
	Reply
	Token   string    `json:"token" doc:"for the header Authorization: Bearer" example:"eyJhbGciOi…"`
	Expires Timestamp `json:"expires" doc:"when the token does"`
	User    Account   `json:"user" doc:"who is signed in"`
}

// Account is one's own account.
type Account struct {
	UserID      chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name" doc:"free text" example:"Bob"`
	Role        chat.ServerRole `json:"role"`
}

// SignedOut answers POST /api/v1/auth/logout.
type SignedOut struct{ Reply }

// BeforeSignIn answers GET /api/v1/auth: what a client needs before anybody signs in.
type BeforeSignIn struct {
	Reply
	ServerName   string `json:"server_name" doc:"what the operator calls this server" example:"Parley"`
	Version      string `json:"version" doc:"of the server" example:"0.9.0"`
	Registration string `json:"registration" doc:"who may make an account" enum:"open invite closed"`
	MinPassword  int    `json:"min_password" doc:"how many characters a password has at least" example:"8"`
	Setup        bool   `json:"setup" doc:"there is no administrator yet: the setup link is of use"`
}

// Hook is the body of POST /api/v1/hooks/{token}/{room_id}: Slack's simplest payload. Other fields are passed over.
type Hook struct {
	Text string `json:"text" doc:"the message" min:"1" max:"4000" example:"The build is done"`
}
