// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"strings"
)

// callIn is Call of a route that has the name of a room or user in it.
func (c *Client) callIn(ctx context.Context, before, name, after string, fields map[string]any, out any) error {
	if name == "" || strings.Contains(name, "/") {
		return &Error{Code: "bad_request", Message: fmt.Sprintf("%.100q is not the name of a room or user", name)}
	}
	return c.Call(ctx, before+name+after, fields, out)
}

// Send says something in a room, or in a private conversation where room is its id or "@" and a user's name.
func (c *Client) Send(ctx context.Context, room, text string) (Sent, error) {
	route := "message/"
	if user, ok := strings.CutPrefix(room, "@"); ok {
		route, room = "private/", user
	}
	var s Sent
	err := c.callIn(ctx, route, room, "", map[string]any{"content": text}, &s)
	return s, err
}

// Rooms lists all rooms of the user, the announcements and private conversations included.
func (c *Client) Rooms(ctx context.Context) ([]Room, error) {
	var r struct {
		Rooms []Room `json:"rooms"`
	}
	err := c.Call(ctx, "rooms/list", map[string]any{"mine": true}, &r)
	return r.Rooms, err
}

// History reads the messages of a room that lie before a seq (0: the latest), newest first.
func (c *Client) History(ctx context.Context, room string, before uint64, limit int) (Page, error) {
	fields := map[string]any{"limit": limit}
	if before > 0 {
		fields["before_seq"] = before
	}
	var p Page
	err := c.callIn(ctx, "history/", room, "", fields, &p)
	return p, err
}

// Members lists members of a room, at most a few hundred.
func (c *Client) Members(ctx context.Context, room string) ([]Member, error) {
	var r struct {
		Members []Member `json:"members"`
	}
	err := c.callIn(ctx, "rooms/", room, "/info", nil, &r)
	return r.Members, err
}

// Join makes the user a member of a public room.
func (c *Client) Join(ctx context.Context, room string) error {
	return c.callIn(ctx, "rooms/join/", room, "", nil, nil)
}

// Leave ends the membership.
func (c *Client) Leave(ctx context.Context, room string) error {
	return c.callIn(ctx, "rooms/leave/", room, "", nil, nil)
}
