// SPDX-License-Identifier: Apache-2.0

package view

import (
	"encoding/json"
	"fmt"
	"maps"
)

// Account is a picture of what a user's own log tells of.
type Account struct {
	Seq     uint64
	Rooms   map[string]bool // that the user is in, their own log aside
	Blocked map[string]bool
	Muted   bool   // on the whole server
	Name    string // what others see
	Stale   bool   // Name has to be asked for
}

// NewAccount is a picture of an account of which nothing is known yet.
func NewAccount() *Account {
	return &Account{Rooms: map[string]bool{}, Blocked: map[string]bool{}}
}

// Apply takes the next event of the own log. Copies of former ones change nothing.
func (a *Account) Apply(body []byte) (kind string, err error) {
	var e struct {
		event
		Room struct {
			ID string `json:"room_id"`
		} `json:"room"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return "", err
	}
	switch {
	case e.Seq <= a.Seq:
		return e.Type, nil
	case e.Seq != a.Seq+1:
		return e.Type, fmt.Errorf("%w: after %d comes %d of the own log", ErrHole, a.Seq, e.Seq)
	}
	a.Seq = e.Seq
	switch e.Type {
	case "room_added":
		a.Rooms[e.Room.ID] = true
	case "removed_from_room", "room_deleted":
		delete(a.Rooms, e.Room.ID)
	case "user_blocked":
		a.Blocked[e.TargetID] = true
	case "user_unblocked":
		delete(a.Blocked, e.TargetID)
	case "profile_updated":
		a.Stale = true
	case "account_moderated":
		switch e.Action {
		case "mute":
			a.Muted = true
		case "unmute":
			a.Muted = false
		}
	default:
		return e.Type, fmt.Errorf("nobody knows %s", body)
	}
	return e.Type, nil
}

// Differs tells the first thing that a picture which was loaded anew shows otherwise, nil without.
func (a *Account) Differs(fresh *Account) error {
	switch {
	case !maps.Equal(a.Rooms, fresh.Rooms):
		return fmt.Errorf("the rooms are %v, in a fresh picture %v", a.Rooms, fresh.Rooms)
	case !maps.Equal(a.Blocked, fresh.Blocked):
		return fmt.Errorf("blocked are %v, in a fresh picture %v", a.Blocked, fresh.Blocked)
	case a.Muted != fresh.Muted || a.Name != fresh.Name:
		return fmt.Errorf("%q, muted %v, is in a fresh picture %q, muted %v", a.Name, a.Muted, fresh.Name, fresh.Muted)
	}
	return nil
}

// Clone is a copy.
func (a *Account) Clone() *Account {
	c := *a
	c.Rooms, c.Blocked = maps.Clone(a.Rooms), maps.Clone(a.Blocked)
	return &c
}
