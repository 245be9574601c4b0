// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"maps"
	"slices"

	"parley/test/systemtest"
)

func sorted(set map[string]bool) []string { return slices.Sorted(maps.Keys(set)) }

// deed is something that people do, and how often: so many times in a hundred, roughly.
type deed struct {
	often int
	do    func(p *person, room string)
}

// about is a deed about a message of the room.
func about(often int, what string, pairs ...any) deed {
	return deed{often, func(p *person, room string) {
		if id := p.town.message(p.random, room); id != "" {
			p.try("message/"+id+"/"+what, fields(pairs...), nil)
		}
	}}
}

// governs is what moderators do to somebody.
func governs(often int, action string, pairs ...any) deed {
	return deed{often, func(p *person, room string) {
		p.try("admin/rooms/"+room+"/moderate", fields(append([]any{"action", action, "user_id", p.somebody()}, pairs...)...), nil)
	}}
}

func updates(often int, pairs ...any) deed {
	return deed{often, func(p *person, room string) { p.try("rooms/"+room+"/update", fields(pairs...), nil) }}
}

func asks(often int, route string) deed {
	return deed{often, func(p *person, _ string) { p.try(route, nil, nil) }}
}

// deeds are what everybody does.
var deeds = []deed{
	{26, func(p *person, room string) { p.send(room, "message/"+room, p.text(), fields()) }},
	{5, func(p *person, room string) {
		if id := p.town.message(p.random, room); id != "" {
			p.send(room, "message/"+id+"/reply", p.text(), fields())
		}
	}},
	{6, func(p *person, room string) {
		if id := p.town.message(p.random, room); id != "" {
			p.try("message/"+id+"/edit", fields("content", p.text()), nil)
		}
	}},
	{5, func(p *person, _ string) { p.send("", "private/"+p.somebody(), p.text(), fields()) }},
	{2, func(p *person, room string) { p.share(room) }},
	about(3, "delete"),
	about(4, "react", "emoji", "👍"),
	about(3, "react", "emoji", "❤️"),
	about(3, "unreact", "emoji", "👍"),
	about(2, "pin"),
	about(1, "unpin"),
	about(1, "report", "reason", "not nice"),
	{5, func(p *person, room string) { p.marks(room, false) }},
	{2, func(p *person, room string) { p.marks(room, true) }},

	{6, func(p *person, _ string) { p.joins(p.town.room(p.random)) }},
	{2, func(p *person, room string) {
		if p.try("rooms/leave/"+room, nil, nil) {
			delete(p.in, room)
		}
	}},
	{4, func(p *person, room string) { p.try("rooms/"+room+"/invite", fields("user_id", p.somebody()), nil) }},
	{1, func(p *person, _ string) { p.create("public") }},
	{1, func(p *person, _ string) { p.create("private") }},
	{1, func(p *person, room string) {
		if p.random.IntN(4) == 0 && p.try("rooms/"+room+"/delete", nil, nil) {
			p.town.close(room)
		}
	}},
	governs(2, "kick", "reason", "noise"),
	governs(1, "ban"),
	governs(2, "unban"),
	governs(1, "mute", "duration", 3600),
	governs(2, "unmute"),
	governs(2, "promote"),
	governs(1, "demote"),
	{1, func(p *person, room string) {
		p.try("admin/rooms/"+room+"/moderate", fields("action", "lock"), nil)
		p.try("admin/rooms/"+room+"/moderate", fields("action", "unlock"), nil)
	}},
	{1, func(p *person, room string) { p.try("rooms/"+room+"/transfer", fields("user_id", p.somebody()), nil) }},
	updates(1, "slow_mode", 1),
	updates(1, "slow_mode", 0),
	updates(1, "read_only", true),
	updates(2, "read_only", false),
	updates(1, "history_visibility", "joined"),
	updates(1, "history_visibility", "shared"),
	{1, func(p *person, room string) { p.try("rooms/"+room+"/update", fields("description", p.text()), nil) }},
	{1, func(p *person, room string) { p.try("rooms/"+room+"/prefs", fields("notifications", "none"), nil) }},

	{1, func(p *person, _ string) { p.try("users/"+p.somebody()+"/block", nil, nil) }},
	{2, func(p *person, _ string) { p.try("users/"+p.somebody()+"/unblock", nil, nil) }},
	{1, func(p *person, _ string) { p.try("users/me/update", fields("display_name", p.text()), nil) }},
	{3, func(p *person, room string) {
		p.try("typing/"+room+"/start", nil, nil)
		p.try("typing/"+room+"/stop", nil, nil)
	}},
	asks(1, "presence/away"),
	asks(1, "presence/online"),
	asks(1, "presence/offline"),

	{2, func(p *person, room string) { p.reads("search/"+room, fields("query", "garden")) }},
	{1, func(p *person, _ string) { p.reads("search", fields("query", "rain")) }},
	{2, func(p *person, room string) { p.reads("history/"+room, fields("limit", 10)) }},
	{2, func(p *person, room string) {
		if id := p.town.message(p.random, room); id != "" {
			p.reads("thread/"+id, fields())
		}
	}},
	{6, func(p *person, _ string) { p.refresh() }},
	{14, func(p *person, _ string) { p.restless() }},
}

// governing is what the administrator does beside watching.
var governing = []deed{
	{4, func(p *person, _ string) { p.send("", "broadcast", p.text(), fields()) }},
	{3, func(p *person, _ string) {
		if room := p.town.room(p.random); p.abreast(room) {
			p.try("admin/messages/cleanup", fields("room_id", room, "older_than", 2), nil)
		}
	}},
	{3, func(p *person, _ string) {
		whom := p.somebody()
		p.try("admin/users/"+whom+"/mute", fields("duration", 3600), nil)
		p.try("admin/users/"+whom+"/unmute", nil, nil)
	}},
	{3, func(p *person, _ string) {
		whom := p.somebody()
		p.try("admin/users/"+whom+"/ban", fields("duration", 3600, "reason", "for a moment"), nil)
		p.try("admin/users/"+whom+"/unban", nil, nil)
		p.town.alter(func() {})
	}},
	{3, func(p *person, room string) { p.send(room, "message/"+room, p.text(), fields()) }},
	{3, func(p *person, _ string) { p.restless() }},
	asks(2, "info"),
	asks(2, "admin/reports/list"),
	asks(1, "admin/audit/list"),
}

// act does one thing.
func (p *person) act() {
	list := deeds
	if p.name == systemtest.Root {
		list = governing
	}
	total := 0
	for _, d := range list {
		total += d.often
	}
	n := p.random.IntN(total)
	for _, d := range list {
		if n -= d.often; n >= 0 {
			continue
		}
		room := p.somewhere()
		d.do(p, room)
		return
	}
}
