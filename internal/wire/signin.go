// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// Register is the body of POST /api/v1/auth/register.
type Register struct {
	UserID      chat.UserID `json:"user_id"`
	Password    string      `json:"password"`
	DisplayName string      `json:"display_name,omitempty"`
	Invitation  string      `json:"invitation,omitempty"`
}

// Login is the body of POST /api/v1/auth/login.
type Login struct {
	UserID   chat.UserID `json:"user_id"`
	Password string      `json:"password"`
}

// SignedIn answers both.
type SignedIn struct {
	Reply
	Token   string    `json:"token"`
	Expires Timestamp `json:"expires"`
	User    Account   `json:"user"`
}

// Account is one's own account.
type Account struct {
	UserID      chat.UserID     `json:"user_id"`
	DisplayName string          `json:"display_name"`
	Role        chat.ServerRole `json:"role"`
}
