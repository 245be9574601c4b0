// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
)

// ErrNotServing means that no server answers on a data directory's socket.
var ErrNotServing = errors.New("admin: no server answers on this data directory")

// Client has a running server do the operations.
type Client struct {
	http  *http.Client
	first chan net.Conn // the connection that proved the server's presence, until it is used
}

var _ Operations = (*Client)(nil)

// Dial finds the server that runs on a data directory. ErrNotServing says that there is none.
func Dial(ctx context.Context, dir string) (*Client, error) {
	conn, err := dialSocket(ctx, dir)
	if err != nil {
		return nil, err
	}
	first := make(chan net.Conn, 1)
	first <- conn
	return &Client{first: first, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			select {
			case c := <-first:
				return c, nil
			default:
				return dialSocket(ctx, dir)
			}
		},
		DisableCompression: true,
	}}}, nil
}

// Close gives the connections back.
func (c *Client) Close() error {
	select {
	case conn := <-c.first:
		conn.Close()
	default:
	}
	c.http.CloseIdleConnections()
	return nil
}

// call sends one operation and reads its answer.
func call[Out any](ctx context.Context, c *Client, name string, in any) (Out, error) {
	var out Out
	body, err := json.Marshal(in)
	if err != nil {
		return out, fmt.Errorf("admin: %s: %w", name, err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://parley/v1/"+name, bytes.NewReader(body))
	if err != nil {
		return out, fmt.Errorf("admin: %s: %w", name, err)
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := c.http.Do(r)
	if err != nil {
		return out, fmt.Errorf("admin: %s: the server did not answer; look whether it was done before you try again: %w", name, err)
	}
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/json") {
		return out, fmt.Errorf("admin: %s: the running server does not know this operation (%s); use the command of the server's own version", name, resp.Status)
	}
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return out, fmt.Errorf("admin: %s: the server's answer broke off; look whether it was done before you try again: %w", name, err)
	}
	if resp.StatusCode != http.StatusOK {
		var e errorReply
		if err := json.Unmarshal(text, &e); err != nil || e.Error == nil {
			return out, fmt.Errorf("admin: %s: the server answers %s", name, resp.Status)
		}
		return out, e.Error.err()
	}
	if err := json.Unmarshal(text, &out); err != nil {
		return out, fmt.Errorf("admin: %s: the server's answer makes no sense here; use the command of the server's own version: %w", name, err)
	}
	return out, nil
}

// AddUser implements Operations.
func (c *Client) AddUser(ctx context.Context, u NewUser) (User, error) {
	return call[User](ctx, c, opAddUser, u)
}

// Import implements Operations.
func (c *Client) Import(ctx context.Context, users []NewUser) ([]error, error) {
	out, err := call[importReply](ctx, c, opImport, importRequest{Users: users})
	if err != nil {
		return nil, err
	}
	faults := make([]error, len(out.Errors))
	for i, f := range out.Errors {
		faults[i] = f.err()
	}
	return faults, nil
}

// Users implements Operations.
func (c *Client) Users(ctx context.Context, after chat.UserID) ([]User, error) {
	out, err := call[usersReply](ctx, c, opUsers, usersRequest{After: after})
	return out.Users, err
}

// SetPassword implements Operations.
func (c *Client) SetPassword(ctx context.Context, id chat.UserID, password string) error {
	_, err := call[nothing](ctx, c, opSetPassword, passwordRequest{ID: id, Password: password})
	return err
}

// SetRole implements Operations.
func (c *Client) SetRole(ctx context.Context, id chat.UserID, role chat.ServerRole) error {
	_, err := call[nothing](ctx, c, opSetRole, roleRequest{ID: id, Role: role})
	return err
}

// Invite implements Operations.
func (c *Client) Invite(ctx context.Context, user chat.UserID, ttl time.Duration) (string, error) {
	out, err := call[inviteReply](ctx, c, opInvite, inviteRequest{ID: user, TTL: int64(ttl / time.Second)})
	return out.Invitation, err
}

// RemoveUser implements Operations.
func (c *Client) RemoveUser(ctx context.Context, id chat.UserID) error {
	_, err := call[nothing](ctx, c, opRemoveUser, removeRequest{ID: id})
	return err
}

// Tokens implements Operations. Parts of a second of the time are dropped.
func (c *Client) Tokens(ctx context.Context, ids []chat.UserID, t NewToken) ([]string, error) {
	if t.TTL != 0 && t.TTL < time.Second {
		return nil, chat.Refuse(chat.BadRequest, "ttl: %v is less than a second", t.TTL)
	}
	out, err := call[tokensReply](ctx, c, opTokens, tokensRequest{IDs: ids, Name: t.Name, Scopes: t.Scopes, TTL: int64(t.TTL / time.Second)})
	return out.Tokens, err
}

// SetUp implements Operations.
func (c *Client) SetUp(ctx context.Context, ttl time.Duration) (string, error) {
	out, err := call[setUpReply](ctx, c, opSetUp, setUpRequest{TTL: int64(ttl / time.Second)})
	return out.Setup, err
}

// Backup implements Operations. The server writes the file.
func (c *Client) Backup(ctx context.Context, path string) error {
	_, err := call[nothing](ctx, c, opBackup, backupRequest{Path: path})
	return err
}
