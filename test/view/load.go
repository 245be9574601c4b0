// SPDX-License-Identifier: Apache-2.0

package view

import (
	"encoding/json"
	"errors"
	"maps"
)

// Ask asks for a route that only reads, and reads the reply into out. A refusal is an error.
type Ask func(route string, payload map[string]any, out any) error

// pageSize is how many messages are asked for at a time: few, so that pictures are put together of many pages.
const pageSize = 20

// LoadRoom loads a room as it is, as a client does that comes anew. What happens meanwhile may be in it or not: it comes as an
// event behind Seq in any case.
func LoadRoom(ask Ask, id string) (*Room, error) {
	r := NewRoom()
	var begin struct {
		Room struct {
			LastSeq uint64 `json:"last_seq"`
		} `json:"room"`
	}
	if err := ask("rooms/"+id+"/info", map[string]any{"limit": 1}, &begin); err != nil {
		return nil, err
	}
	r.Seq = begin.Room.LastSeq // pages cover nothing of a log that was cut away as a whole
	payload := map[string]any{"limit": pageSize}
	for {
		var page struct {
			Messages []json.RawMessage `json:"messages"`
			Covers   [2]uint64         `json:"covers"`
			HasMore  bool              `json:"has_more"`
		}
		if err := ask("history/"+id, payload, &page); err != nil {
			return nil, err
		}
		r.Seq = max(r.Seq, page.Covers[1])
		for _, m := range page.Messages {
			if err := r.Show(m); err != nil {
				return nil, err
			}
		}
		if !page.HasMore {
			break
		}
		payload["before_seq"] = page.Covers[0]
	}
	if err := r.loadPins(ask, id); err != nil {
		return nil, err
	}
	data, members, err := info(ask, id)
	if err != nil {
		return nil, err
	}
	r.Members = members
	return r, r.Set(data)
}

func (r *Room) loadPins(ask Ask, id string) error {
	payload := map[string]any{}
	for {
		var page struct {
			Pins []struct {
				Seq     uint64 `json:"seq"`
				Message struct {
					ID string `json:"id"`
				} `json:"message"`
			} `json:"pins"`
			HasMore bool `json:"has_more"`
		}
		if err := ask("rooms/"+id+"/pins", payload, &page); err != nil {
			return err
		}
		for _, p := range page.Pins {
			r.Pins[p.Message.ID] = true
		}
		if !page.HasMore {
			return nil
		}
		payload["before_seq"] = page.Pins[len(page.Pins)-1].Seq
	}
}

// ErrStranger says that the user was taken out of the room while it was loaded.
var ErrStranger = errors.New("no member any more")

func info(ask Ask, id string) (data json.RawMessage, members map[string]Member, err error) {
	members = map[string]Member{}
	payload := map[string]any{}
	for {
		var page struct {
			Room    json.RawMessage `json:"room"`
			Members []struct {
				UserID string `json:"user_id"`
				Role   string `json:"role"`
				Muted  bool   `json:"muted"`
			} `json:"members"`
			HasMore bool `json:"has_more"`
		}
		if err := ask("rooms/"+id+"/info", payload, &page); err != nil {
			return nil, nil, err
		}
		for _, m := range page.Members {
			members[m.UserID] = Member{Role: m.Role, Muted: m.Muted}
			payload["after"] = m.UserID
		}
		data = page.Room
		if !page.HasMore {
			break
		}
	}
	if len(members) == 0 { // not even oneself
		return nil, nil, ErrStranger
	}
	return data, members, nil
}

// Refresh asks for what events did not tell.
func (r *Room) Refresh(ask Ask, id string) error {
	stale := maps.Clone(r.StaleTexts)
	maps.Copy(stale, r.StaleThreads)
	for message := range stale {
		var page struct {
			Messages []json.RawMessage `json:"messages"`
		}
		if err := ask("history/"+id, map[string]any{"around": message, "limit": 1}, &page); err != nil {
			return err
		}
		for _, m := range page.Messages {
			if err := r.Show(m); err != nil {
				return err
			}
		}
	}
	return nil
}

// LoadAccount loads what a user's own log tells of, as it is.
func LoadAccount(ask Ask) (*Account, error) {
	var list struct {
		Rooms []struct {
			ID      string `json:"room_id"`
			Type    string `json:"type"`
			LastSeq uint64 `json:"last_seq"`
		} `json:"rooms"`
	}
	if err := ask("rooms/list", map[string]any{"mine": true}, &list); err != nil {
		return nil, err
	}
	a := NewAccount()
	for _, r := range list.Rooms {
		switch r.Type {
		case "user":
			a.Seq = r.LastSeq
		case "announcements": // everybody is in it, and no event says so
		default:
			a.Rooms[r.ID] = true
		}
	}
	me, err := askMe(ask)
	a.Name, a.Muted = me.User.DisplayName, me.Muted
	for _, u := range me.Blocked {
		a.Blocked[u] = true
	}
	return a, err
}

// Refresh asks for what events did not tell.
func (a *Account) Refresh(ask Ask) error {
	if !a.Stale {
		return nil
	}
	me, err := askMe(ask)
	a.Name, a.Stale = me.User.DisplayName, false
	return err
}

type me struct {
	User struct {
		DisplayName string `json:"display_name"`
	} `json:"user"`
	Blocked []string `json:"blocked"`
	Muted   bool     `json:"muted"`
}

func askMe(ask Ask) (m me, err error) {
	err = ask("users/me", nil, &m)
	return m, err
}
