// SPDX-License-Identifier: Apache-2.0

// Package access tests who may ask what: every route of the table, asked by every kind of caller in every kind of room.
package access

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"parley/internal/api"
	"parley/test/systemtest"
)

// expected is what is answered to whom. A line is a route without its prefix, a kind of room ("server" for routes that have to
// do with none), and an outcome for each of callers: ok, the code of a refusal, or . where there is no such caller. A caller
// who is nobody is not in it: that is unauthenticated for every route.
//
//go:embed matrix.txt
var expected string

// callers are the columns. In a room: somebody who is not in it, members with nothing particular, muted there, and banned from
// it; the author of the message that the route is about; and a server's administrator who is not in it. In a private
// conversation, and without a room, muted and banned are meant on the whole server.
var callers = []string{"stranger", "banned", "muted", "member", "author", "moderator", "owner", "administrator"}

// absent are the callers that a kind of room does not have.
var absent = map[string][]string{
	"direct": {"moderator", "owner"},
	"server": {"member", "author", "moderator", "owner"},
}

// bodies are the payloads of routes that need one. {room}, {message} and {report} are those of the place that the route is asked
// about, {target} is a user who is not in it and {member} one who is; {file}, {session}, {endpoint} and {password} are the caller's
// own.
var bodies = map[string]string{
	"sync":                            `{"rooms":{"{room}":0}}`,
	"search":                          `{"query":"word"}`,
	"search/{room_id}":                `{"query":"word"}`,
	"rooms/create":                    `{"name":"One more"}`,
	"rooms/{room_id}/update":          `{"description":"Another one"}`,
	"rooms/{room_id}/invite":          `{"user_id":"{target}"}`,
	"rooms/{room_id}/transfer":        `{"user_id":"{member}"}`,
	"rooms/{room_id}/hooks/create":    `{"name":"Builds"}`,
	"rooms/{room_id}/hooks/delete":    `{"hook_id":"none"}`,
	"rooms/{room_id}/prefs":           `{"notifications":"none"}`,
	"message/{room_id}":               `{"content":"hello"}`,
	"message/{message_id}/reply":      `{"content":"hello"}`,
	"message/{message_id}/edit":       `{"content":"hello"}`,
	"message/{message_id}/react":      `{"emoji":"👍"}`,
	"message/{message_id}/unreact":    `{"emoji":"👍"}`,
	"message/{message_id}/report":     `{"reason":"not nice"}`,
	"private/{user_id}":               `{"content":"hello"}`,
	"broadcast":                       `{"content":"hello all"}`,
	"read/{room_id}":                  `{"seq":1}`,
	"file/upload/{room_id}":           `{"name":"a.txt","size":5}`,
	"file/share/{room_id}":            `{"file_id":"{file}"}`,
	"users/search":                    `{"query":"tar"}`,
	"users/me/update":                 `{"display_name":"Another"}`,
	"users/me/password":               `{"password":"{password}","new_password":"long enough to be one"}`,
	"users/me/delete":                 `{"password":"{password}"}`,
	"users/me/tokens/create":          `{"name":"bot"}`,
	"users/me/sessions/revoke":        `{"session_id":"{session}"}`,
	"push/subscribe":                  `{"endpoint":"{endpoint}","keys":` + pushKeys + `}`,
	"push/unsubscribe":                `{"endpoint":"{endpoint}"}`,
	"admin/rooms/{room_id}/moderate":  `{"action":"kick","user_id":"{member}"}`,
	"admin/messages/cleanup":          `{"room_id":"{room}","older_than":1,"dry_run":true}`,
	"admin/reports/{report_id}/close": `{"status":"dismissed"}`,
	"admin/reports/list":              `{"room_id":"{room}"}`,
	"admin/audit/list":                `{"room_id":"{room}"}`,
}

// further are questions beside the one about each route, with their payloads: a route, a colon, and what is particular about it.
// "above" is about the owner, or the owner's message; "locked" and "read-only" are the room.
var further = map[string]string{
	"admin/rooms/{room_id}/moderate:promote": `{"action":"promote","user_id":"{member}"}`,
	"admin/rooms/{room_id}/moderate:above":   `{"action":"kick","user_id":"{owner}"}`,
	"admin/rooms/{room_id}/moderate:lock":    `{"action":"lock"}`,
	"rooms/{room_id}/update:retention":       `{"retention":86400}`,
	"rooms/{room_id}/invite:banned":          `{"user_id":"{banned}"}`,
	"rooms/{room_id}/invite:locked":          `{"user_id":"{target}"}`,
	"rooms/join/{room_id}:locked":            ``,
	"message/{room_id}:locked":               `{"content":"hello"}`,
	"message/{room_id}:read-only":            `{"content":"hello"}`,
	"message/{message_id}/reply:locked":      `{"content":"hello"}`,
	"message/{message_id}/react:locked":      `{"emoji":"👍"}`,
	"message/{message_id}/delete:above":      ``,
}

// question is a route with what is asked of it.
type question struct {
	route      *api.Route
	name, body string
	particular string // what follows the colon
}

// questions are the first one about each route and the further ones.
func questions(t *testing.T) (all []question) {
	asked := 0
	api.New(api.Config{}).Router().Walk(func(r *api.Route) {
		name := strings.TrimPrefix(r.Pattern(), api.Prefix+"/")
		all = append(all, question{route: r, name: name, body: bodies[name]})
		for more, body := range further {
			if of, particular, _ := strings.Cut(more, ":"); of == name {
				all = append(all, question{r, more, body, particular})
				asked++
			}
		}
	})
	if asked != len(further) {
		t.Errorf("only %d of the %d further questions are about a route that there is", asked, len(further))
	}
	return all
}

// path is the route as it is asked for, before names are filled in.
func (q question) path() string { return strings.TrimPrefix(q.route.Pattern(), api.Prefix+"/") }

// about is all text in which names may have to be filled in.
func (q question) about() string { return q.path() + q.body }

// TestEveryRouteIsAskedByEverybody compares what is answered with the table.
func TestEveryRouteIsAskedByEverybody(t *testing.T) {
	t.Parallel()
	want := rows(t)
	h := open(t)
	all := questions(t)
	t.Run("routes", func(t *testing.T) { // ends before what is left over is looked for
		for _, q := range all {
			t.Run(strings.ReplaceAll(q.name, "/", " "), func(t *testing.T) {
				t.Parallel()
				for _, kind := range q.kinds() {
					if got := h.ask(t, q, kind); got != want[key(q.name, kind)] {
						t.Errorf("matrix.txt has\n%s\nanswered was\n%s\nThe columns are %s.", orNothing(want[key(q.name, kind)]), got, strings.Join(callers, ", "))
					}
				}
			})
		}
	})
	for k := range want {
		if !slices.ContainsFunc(all, func(q question) bool {
			return slices.ContainsFunc(q.kinds(), func(kind string) bool { return key(q.name, kind) == k })
		}) {
			t.Errorf("matrix.txt has %s, which there is not", k)
		}
	}
}

func key(route, kind string) string { return route + " " + kind }

func orNothing(line string) string {
	if line == "" {
		return "no such line"
	}
	return line
}

// kinds are the kinds of room that a question is about. What is particular about rooms does not happen to a private conversation.
func (q question) kinds() []string {
	if q.particular != "" {
		return []string{"public", "private"}
	}
	for _, p := range []string{"{room_id}", "{message_id}", "{report_id}", "{room}"} {
		if strings.Contains(q.about(), p) {
			return []string{"public", "private", "direct"}
		}
	}
	return []string{"server"}
}

// rows reads the table, by route and kind.
func rows(t *testing.T) map[string]string {
	out := map[string]string{}
	for text := range strings.Lines(expected) {
		line := strings.Fields(text)
		if len(line) == 0 || strings.HasPrefix(line[0], "#") {
			continue
		}
		if len(line) != 2+len(callers) {
			t.Errorf("matrix.txt: %q has %d fields, not %d", text, len(line), 2+len(callers))
			continue
		}
		out[key(line[0], line[1])] = row(line[0], line[1], line[2:])
	}
	return out
}

// row is a line of the table.
func row(route, kind string, outcomes []string) string {
	line := fmt.Sprintf("%-31s %-8s", route, kind)
	for _, o := range outcomes {
		line += fmt.Sprintf("%-12s", o)
	}
	return strings.TrimRight(line, " ")
}

// ask asks a route about a kind of room as everybody, and gives the line of the table. What has changed something is not asked
// about again: each caller finds the place as it was made.
func (h *house) ask(t *testing.T, q question, kind string) string {
	var p *place
	outcomes := make([]string, len(callers))
	for i, caller := range callers {
		if slices.Contains(absent[kind], caller) {
			outcomes[i] = "."
			continue
		}
		if p == nil {
			p = h.place(t, q, kind)
		}
		route, body := p.fill(q.path(), caller), p.fill(q.body, caller)
		if status, code := h.request(t, "", route, body); status != http.StatusUnauthorized || code != "unauthenticated" {
			t.Errorf("%s without credentials: %d %s", route, status, code)
		}
		status, code := h.request(t, p.tokens[caller], route, body)
		if code == "" {
			code = "ok"
		} else if !slices.Contains(codes(q.route), code) {
			t.Errorf("%s is refused to %s with %s, which its description does not tell", q.name, caller, code)
		}
		if status >= 500 {
			t.Errorf("%s as %s: %d", route, caller, status)
		}
		outcomes[i] = code
		if code == "ok" && !q.route.ReadOnly() {
			p = nil
		}
	}
	return row(q.name, kind, outcomes)
}

func codes(r *api.Route) (out []string) {
	for _, c := range api.Codes(r) {
		out = append(out, string(c))
	}
	return out
}

// open starts a server.
func open(t *testing.T) *house {
	return &house{Server: systemtest.Start(t, systemtest.Config{Users: []string{}})}
}
