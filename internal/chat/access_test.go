// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"parley/internal/chat"
)

// An act of somebody in a room, about dan, a plain member, or about eve, who is not in the room and not banned.
type roomAct struct {
	name string
	do   func(t testing.TB, w *world, call chat.Call, room chat.RoomID) outcome
}

func moderation(action string) roomAct {
	return roomAct{action, func(t testing.TB, w *world, call chat.Call, room chat.RoomID) outcome {
		return of(t, w.Moderate(call, room, act(action, "dan")))
	}}
}

func reading[T any](t testing.TB, f func(ctx context.Context) (T, error)) outcome {
	return func() chat.Code {
		_, err := f(t.Context())
		return chat.CodeOf(err)
	}
}

func roomActs() []roomAct {
	return []roomAct{
		{"join", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome { return of(t, w.Join(c, r)) }},
		{"leave", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome { return of(t, w.Leave(c, r)) }},
		{"invite", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome { return of(t, w.Invite(c, r, "eve")) }},
		{"update", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome {
			return of(t, w.UpdateRoom(c, r, chat.RoomPatch{Name: ptr("New")}))
		}},
		{"transfer", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome {
			return of(t, w.Transfer(c, r, "dan"))
		}},
		{"delete", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome { return of(t, w.DeleteRoom(c, r)) }},
		moderation(chat.ActionKick), moderation(chat.ActionBan), moderation(chat.ActionUnban), moderation(chat.ActionMute),
		moderation(chat.ActionUnmute), moderation(chat.ActionPromote), moderation(chat.ActionDemote), moderation(chat.ActionLock),
		moderation(chat.ActionUnlock),
		{"post", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome {
			return of(t, w.Send(c, r, text("hi")))
		}},
		{"history", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome {
			return reading(t, func(ctx context.Context) (*chat.Page, error) {
				return w.History(ctx, c.Principal, r, chat.HistoryQuery{})
			})
		}},
		{"info", func(t testing.TB, w *world, c chat.Call, r chat.RoomID) outcome {
			return reading(t, func(ctx context.Context) (*chat.RoomInfo, error) { return w.RoomInfo(ctx, c.Principal, r, "", 0) })
		}},
	}
}

// Who may what. Columns: ann the owner, bob a moderator, cat a member, root an administrator who is not in the room,
// a stranger, and somebody banned. "ok" succeeds; else the code, NM not_member, NF not_found, F forbidden, B banned.
const (
	publicRights = `
		join     ok ok ok ok ok B
		leave    ok ok ok NM NM B
		invite   ok ok ok NM NM B
		update   ok ok F  ok NM B
		transfer ok F  F  ok NM B
		delete   ok F  F  ok NM B
		kick     ok ok F  ok NM B
		ban      ok ok F  ok NM B
		unban    ok ok F  ok NM B
		mute     ok ok F  ok NM B
		unmute   ok ok F  ok NM B
		promote  ok F  F  ok NM B
		demote   ok F  F  ok NM B
		lock     ok ok F  ok NM B
		unlock   ok ok F  ok NM B
		post     ok ok ok NM NM B
		history  ok ok ok NM NM B
		info     ok ok ok ok ok ok`
	// Of a private room a stranger learns nothing. Who was banned knows it.
	privateRights = `
		join     ok ok ok NF NF B
		leave    ok ok ok NF NF B
		invite   ok ok ok NF NF B
		update   ok ok F  ok NF B
		transfer ok F  F  ok NF B
		delete   ok F  F  ok NF B
		kick     ok ok F  ok NF B
		ban      ok ok F  ok NF B
		unban    ok ok F  ok NF B
		mute     ok ok F  ok NF B
		unmute   ok ok F  ok NF B
		promote  ok F  F  ok NF B
		demote   ok F  F  ok NF B
		lock     ok ok F  ok NF B
		unlock   ok ok F  ok NF B
		post     ok ok ok NF NF B
		history  ok ok ok NF NF B
		info     ok ok ok NF NF B`
)

func TestRights(t *testing.T) {
	columns := []chat.UserID{"ann", "bob", "cat", root, "stranger", "banned"}
	w := newWorld(t)
	w.CreateUser(chat.NewUser{ID: "stranger"})
	w.CreateUser(chat.NewUser{ID: "banned"})
	var checks []func()
	for _, kind := range []struct {
		name    string
		private bool
		rights  string
	}{{"public", false, publicRights}, {"private", true, privateRights}} {
		want := table(t, kind.rights, len(columns))
		for _, a := range roomActs() {
			for i, u := range columns {
				// A room of its own for each, all submitted at once: they share a few commits.
				id := chat.RoomID(fmt.Sprintf("%s-%s-%s", kind.name, a.name, u))
				w.room(id, kind.private, "bob", "cat", "dan", "banned")
				w.Moderate(by("ann"), id, act(chat.ActionPromote, "bob"))
				banned := w.Moderate(by("ann"), id, act(chat.ActionBan, "banned"))
				if a.name == "history" || a.name == "info" {
					done(t, banned)
				}
				code := a.do(t, w, by(u), id)
				checks = append(checks, func() {
					if got := short(code()); got != want[a.name][i] {
						t.Errorf("%s: %s by %s: %s, want %s", kind.name, a.name, u, got, want[a.name][i])
					}
				})
			}
		}
		if len(want) != len(roomActs()) {
			t.Errorf("the table of %s rooms has %d acts, %d are tried", kind.name, len(want), len(roomActs()))
		}
	}
	for _, check := range checks {
		check()
	}
}

func table(t testing.TB, rights string, columns int) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for line := range strings.Lines(rights) {
		if f := strings.Fields(line); len(f) > 0 {
			if len(f) != columns+1 {
				t.Fatalf("a line of the table has %d fields: %q", len(f), line)
			}
			out[f[0]] = f[1:]
		}
	}
	return out
}

func short(c chat.Code) string {
	switch c {
	case "":
		return "ok"
	case chat.NotMember:
		return "NM"
	case chat.NotFound:
		return "NF"
	case chat.Forbidden:
		return "F"
	case chat.Banned:
		return "B"
	}
	return string(c)
}

// The built-in logs, where members are what they are.
func TestFixedMembership(t *testing.T) {
	w := newWorld(t)
	direct := chat.DirectID("ann", "dan")
	done(t, w.SendPrivate(by("ann"), "dan", text("hi")))
	for _, c := range []struct {
		room    chat.RoomID
		user    chat.UserID
		post    string
		history string
		other   string // what everything else is
	}{
		{direct, "ann", "ok", "ok", "F"},
		{direct, "dan", "ok", "ok", "F"},
		{direct, "bob", "NF", "NF", "NF"},
		{chat.Announcements, "ann", "F", "ok", "F"},
		{chat.Announcements, root, "ok", "ok", "F"},
		{chat.UserLog("ann"), "ann", "F", "ok", "F"},
		{chat.UserLog("ann"), "bob", "NF", "NF", "NF"},
		{chat.UserLog("ann"), root, "NF", "NF", "*"},
		{"nowhere", "ann", "NF", "NF", "NF"},
		{"nowhere", root, "NF", "NF", "NF"},
		{chat.DirectID("ann", "bob"), "ann", "NF", "NF", "NF"}, // has not begun
	} {
		for _, a := range roomActs() {
			want := c.other
			switch a.name {
			case "post":
				want = c.post
			case "history", "info":
				want = c.history
			}
			got := short(a.do(t, w, by(c.user), c.room)())
			if want == "*" { // an administrator sees that it is there, and can do nothing with it
				if got != "F" && got != "NF" {
					t.Errorf("%s: %s by %s: %s", c.room, a.name, c.user, got)
				}
			} else if got != want {
				t.Errorf("%s: %s by %s: %s, want %s", c.room, a.name, c.user, got, want)
			}
		}
	}
	// Nothing of it has left a trace.
	if n := len(w.log(chat.UserLog("bob"))); n != 0 {
		t.Errorf("bob's own log has %d events", n)
	}
}

// Nobody acts on someone of a higher role.
func TestRank(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat", "dan", root, second)
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "bob"))
	w.Moderate(by("ann"), "r", act(chat.ActionPromote, "cat"))
	for _, c := range []struct {
		by, about chat.UserID
		action    string
		want      chat.Code
	}{
		{"bob", "ann", chat.ActionMute, chat.Forbidden},
		{"bob", "ann", chat.ActionKick, chat.Forbidden},
		{"bob", "ann", chat.ActionBan, chat.Forbidden},
		{"bob", root, chat.ActionMute, chat.Forbidden},
		{"ann", root, chat.ActionKick, chat.Forbidden},
		{"ann", root, chat.ActionBan, chat.Forbidden},
		{"bob", "cat", chat.ActionMute, ""}, // of the same
		{root, "ann", chat.ActionMute, ""},
		{root, second, chat.ActionMute, ""},
		{"bob", "bob", chat.ActionMute, chat.BadRequest},
		{"ann", "eve", chat.ActionMute, chat.NotFound},
		{"ann", "eve", chat.ActionBan, ""}, // beforehand
		{"ann", "nobody", chat.ActionBan, chat.NotFound},
		{"ann", "bob", "promte", chat.BadRequest},
		{"ann", "", chat.ActionKick, chat.BadRequest},
		{root, "ann", chat.ActionDemote, chat.BadRequest}, // the owner is exchanged, not unmade
		{root, "ann", chat.ActionKick, ""},
	} {
		if got := of(t, w.Moderate(by(c.by), "r", act(c.action, c.about)))(); got != c.want {
			t.Errorf("%s of %q by %s: %q, want %q", c.action, c.about, c.by, got, c.want)
		}
	}
	refused(t, w.Moderate(by("bob"), "r", actFor(chat.ActionMute, "dan", -1)), chat.BadRequest)
	refused(t, w.Moderate(by("bob"), "r", actFor(chat.ActionMute, "dan", chat.MaxModeration+1)), chat.BadRequest)
}
