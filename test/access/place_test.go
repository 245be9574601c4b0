// SPDX-License-Identifier: Apache-2.0

package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"parley/internal/admin"
	"parley/internal/app"
	"parley/internal/chat"
	"parley/test/systemtest"
)

// house is a server with rooms that are made when they are needed.
type house struct {
	*systemtest.Server
	made atomic.Int64
}

// place is a room with the people that the table tells of, or people alone.
type place struct {
	tokens map[string]string            // by caller
	names  map[string]string            // what stands for {room} and the like
	other  map[string]map[string]string // by caller: names that are others for them
}

// fill puts the names of a place into a route or payload.
func (p *place) fill(text, caller string) string {
	pairs := []string{}
	for _, names := range []map[string]string{p.other[caller], p.names} {
		for k, v := range names {
			pairs = append(pairs, "{"+k+"}", v, "{"+k+"_id}", v)
		}
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// people makes accounts with these names and a number behind, and gives names and tokens by name. Who has no
// password has tokens only.
func (h *house) people(t *testing.T, passwords map[string]string, names ...string) (ids, tokens map[string]string) {
	t.Helper()
	ids, tokens = map[string]string{}, map[string]string{}
	n := h.made.Add(1)
	var users []admin.NewUser
	var list []chat.UserID
	for _, name := range names {
		u := admin.NewUser{ID: chat.UserID(fmt.Sprint(name, n)), Password: passwords[name]}
		if name == "administrator" {
			u.Role = chat.RoleAdministrator
		}
		users, list = append(users, u), append(list, u.ID)
		ids[name] = string(u.ID)
	}
	h.Operate(func(ctx context.Context, ops app.Operations) error {
		if _, err := ops.Import(ctx, users); err != nil {
			return err
		}
		made, err := ops.Tokens(ctx, list, admin.NewToken{})
		for i := range made {
			tokens[names[i]] = made[i]
		}
		return err
	})
	return ids, tokens
}

// place makes what a route is asked about.
func (h *house) place(t *testing.T, q question, kind string) *place {
	t.Helper()
	about := q.about()
	const password = "correct horse battery"
	passwords := map[string]string{}
	if strings.Contains(about, "{password}") {
		for _, caller := range callers {
			if !slices.Contains(absent[kind], caller) { // to hash one takes its time
				passwords[caller] = password
			}
		}
	}
	ids, tokens := h.people(t, passwords, append([]string{"target", "second"}, callers...)...)
	p := &place{tokens: tokens, names: map[string]string{"target": ids["target"], "user": ids["target"], "member": ids["second"],
		"owner": ids["owner"], "banned": ids["banned"], "password": password},
		other: map[string]map[string]string{}}
	for _, caller := range callers {
		if slices.Contains(absent[kind], caller) {
			continue
		}
		p.other[caller] = h.own(t, q, ids[caller], tokens[caller])
	}
	root := h.Token(systemtest.Root)
	sanction := func() {
		h.do(t, root, "admin/users/"+ids["muted"]+"/mute", `{}`)
		h.do(t, root, "admin/users/"+ids["banned"]+"/ban", `{}`)
	}
	switch kind {
	case "server":
		sanction()
		return p
	case "direct":
		for _, peer := range []string{"member", "muted", "banned"} {
			sent := h.do(t, tokens["author"], "private/"+ids[peer], `{"content":"a word"}`)
			names := map[string]string{"room": sent.Room, "message": sent.Message, "member": ids["author"]}
			if peer == "member" {
				p.names["room"], p.names["message"], p.names["member"] = sent.Room, sent.Message, ids[peer]
			} else {
				maps.Copy(p.other[peer], names)
			}
		}
	default:
		room := fmt.Sprint(kind, h.made.Add(1))
		p.names["room"] = room
		h.do(t, tokens["owner"], "rooms/create", fmt.Sprintf(`{"room_id":%q,"name":"A room","type":%q}`, room, kind))
		for _, m := range []string{"author", "second", "member", "muted", "banned", "moderator"} {
			if kind == "public" {
				h.do(t, tokens[m], "rooms/join/"+room, "")
			} else {
				h.do(t, tokens["owner"], "rooms/"+room+"/invite", fmt.Sprintf(`{"user_id":%q}`, ids[m]))
			}
		}
		by := "author"
		if q.particular == "above" {
			by = "owner"
		}
		p.names["message"] = h.do(t, tokens[by], "message/"+room, `{"content":"a word"}`).Message
		for user, action := range map[string]string{"muted": "mute", "banned": "ban", "moderator": "promote"} {
			h.do(t, tokens["owner"], "admin/rooms/"+room+"/moderate", fmt.Sprintf(`{"action":%q,"user_id":%q}`, action, ids[user]))
		}
		switch q.particular {
		case "locked":
			h.do(t, tokens["owner"], "admin/rooms/"+room+"/moderate", `{"action":"lock"}`)
		case "read-only":
			h.do(t, tokens["owner"], "rooms/"+room+"/update", `{"read_only":true}`)
		}
	}
	if strings.Contains(about, "{report_id}") {
		who := "second"
		if kind == "direct" {
			who = "member"
		}
		h.do(t, tokens[who], "message/"+p.names["message"]+"/report", `{"reason":"not nice"}`)
		open := h.do(t, root, "admin/reports/list", fmt.Sprintf(`{"room_id":%q}`, p.names["room"])).Reports
		if len(open) != 1 {
			t.Fatalf("%s: %d reports", kind, len(open))
		}
		p.names["report"] = fmt.Sprint(open[0].ID)
	}
	if kind == "direct" {
		sanction()
	}
	return p
}

// pushKeys are those of the example in RFC 8291.
const pushKeys = `{"p256dh":"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4","auth":"BTBZMqHH6r4Tts7J_aSIgg"}`

// own makes what a caller has, where the route is about such a thing: a file that was uploaded to a room of their own, another
// token, a push subscription.
func (h *house) own(t *testing.T, q question, user, token string) map[string]string {
	t.Helper()
	out := map[string]string{"endpoint": "https://push.example.net/" + user}
	switch about := q.body; {
	case strings.Contains(about, "{file}"):
		room := fmt.Sprint("own", h.made.Add(1))
		h.do(t, token, "rooms/create", fmt.Sprintf(`{"room_id":%q,"name":"Own"}`, room))
		out["file"] = h.do(t, token, "file/upload/"+room, `{"name":"a.txt","data":"aGVsbG8="}`).File
	case strings.Contains(about, "{session}"):
		out["session"] = h.do(t, token, "users/me/tokens/create", `{"name":"lost"}`).Session
	case q.name == "push/unsubscribe":
		h.do(t, token, "push/subscribe", fmt.Sprintf(`{"endpoint":%q,"keys":%s}`, out["endpoint"], pushKeys))
	}
	return out
}

// reply is what the making of a place needs of one.
type reply struct {
	Status  string
	Room    string `json:"room_id"`
	Message string `json:"message_id"`
	File    string `json:"file_id"`
	Session string `json:"session_id"`
	Reports []struct {
		ID int64 `json:"report_id"`
	}
	Error struct{ Code, Message string }
}

// do asks for what must be done.
func (h *house) do(t *testing.T, token, route, body string) reply {
	t.Helper()
	_, r := h.post(t, token, route, body)
	if r.Error.Code != "" {
		t.Fatalf("%s %s: %s: %s", route, body, r.Error.Code, r.Error.Message)
	}
	return r
}

// request asks, and tells the code of a refusal.
func (h *house) request(t *testing.T, token, route, body string) (status int, code string) {
	t.Helper()
	status, r := h.post(t, token, route, body)
	if (status >= 300) != (r.Error.Code != "") || r.Error.Code == "" && r.Status == "" {
		t.Errorf("%s: %d with %+v", route, status, r)
	}
	return status, r.Error.Code
}

func (h *house) post(t *testing.T, token, route, body string) (int, reply) {
	t.Helper()
	if body == "" {
		body = "{}"
	}
	answer := h.HTTP(t, http.MethodPost, token, route, body, "Content-Type", "application/json")
	var r reply
	if err := json.Unmarshal(answer.Body, &r); err != nil {
		t.Fatalf("%s %s: %d %s", route, body, answer.Status, answer.Body)
	}
	return answer.Status, r
}
