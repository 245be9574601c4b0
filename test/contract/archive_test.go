// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/app"
	"parley/internal/chat"
	"parley/test/systemtest"
)

// view is every reply that users of a server can get, by who asked for what.
type view map[string]any

// look asks a server everything that can be read, as each of users.
func look(t *testing.T, s *systemtest.Server, users ...string) view {
	t.Helper()
	v := view{}
	for _, user := range users {
		ask := func(route, body string) object {
			reply := httpReply(t, s, user, "POST", route, body)
			v[user+" "+route+" "+body] = reply
			return reply
		}
		for _, route := range []string{"users/me", "users/search", "users/me/export", "rooms/list", "admin/reports/list", "admin/audit/list"} {
			ask(route, "")
		}
		ask("search", `{"query":"hello","limit":100}`)
		places := object{}
		for _, r := range ask("rooms/list", `{"mine":true}`)["rooms"].([]any) {
			places[r.(object)["room_id"].(string)] = 0
		}
		from, err := json.Marshal(object{"rooms": places, "limit": 1000})
		if err != nil {
			t.Fatal(err)
		}
		ask("sync", string(from))
		for room := range places {
			ask("rooms/"+room+"/info", "")
			ask("rooms/"+room+"/pins", "")
			ask("rooms/"+room+"/bans", "")
			ask("search/"+room, `{"query":"an*"}`)
			ask("history/"+room, "")
			messages, _ := ask("history/"+room, `{"after_seq":0,"limit":200}`)["messages"].([]any)
			for _, m := range messages {
				id := m.(object)["id"].(string)
				ask("thread/"+id, "")
				ask("message/"+id+"/versions", "")
				if f, ok := m.(object)["file"].(object); ok {
					for _, path := range []any{"/api/v1/files/" + f["file_id"].(string), f["thumbnail"]} {
						if path != nil {
							v[fmt.Sprint(user, path)] = httpReply(t, s, user, "GET", strings.TrimPrefix(path.(string), "/api/v1/"), "")
						}
					}
				}
			}
		}
	}
	return v
}

// httpReply is a reply without what belongs to a server and not to its data.
func httpReply(t *testing.T, s *systemtest.Server, user, method, route, body string) object {
	t.Helper()
	answer := s.HTTP(t, method, s.Token(user), route, body)
	if kind := answer.Header.Get("Content-Type"); kind != "application/json" {
		return object{"status": answer.Status, "type": kind, "bytes": string(answer.Body)}
	}
	reply := parsed(t, answer.Body).(object)
	forget(reply)
	return reply
}

func forget(v any) {
	switch v := v.(type) {
	case object:
		delete(v, "epoch")
		for _, e := range v {
			forget(e)
		}
	case []any:
		for _, e := range v {
			forget(e)
		}
	}
}

// A server that was exported and imported answers everything as the old one did.
func TestExportAndImport(t *testing.T) {
	t.Parallel()
	people := []string{"alice", "bob", "carol", "erin"}
	s := systemtest.Start(t, systemtest.Config{Users: people, Change: func(c *app.Config) { c.Access.Registration = "open" }})
	x := &traffic{t: t, server: s, open: readDescribed(t, s, "openapi.json"), asked: map[string]bool{}}
	x.signingIn()
	x.ask("alice", "rooms/create", `{"room_id":"r","name":"Room","description":"of all"}`)
	for _, user := range []string{"bob", "carol", "erin"} {
		x.ask(user, "rooms/join/{room_id}", "", "r")
	}
	x.rooms()
	x.messages()
	x.files()
	x.moderation()
	x.ask("carol", "users/{user_id}/block", "", "erin")
	x.ask("root", "admin/messages/cleanup", `{"room_id":"announcements","older_than":0}`)
	x.ask("root", "broadcast", `{"content":"to all, hello"}`)
	x.ask("alice", "message/{room_id}", `{"content":"a repeat","client_msg_id":"again"}`, "r")
	x.ask("carol", "presence/offline", "")
	for user, hours := range map[string]string{"bob": `{"from":"22:00","to":"07:30","time_zone":"Europe/Berlin"}`, "carol": `{"from":"00:00","to":"23:59","time_zone":"UTC"}`} {
		x.ask(user, "push/quiet_hours", hours)
	}
	for user, wish := range map[string]string{"bob": "none", "carol": "all"} {
		x.ask(user, "rooms/{room_id}/prefs", `{"notifications":"`+wish+`"}`, "r")
	}
	x.ask("carol", "push/subscribe", `{"endpoint":"https://push.example.net/carols-secret","type":"unifiedpush"}`)
	x.endings()
	s.Restart() // nobody is connected
	everybody := slices.Concat(people, []string{systemtest.Root})
	before := look(t, s, everybody...)
	if len(before) < 100 {
		t.Fatalf("only %d replies to compare", len(before))
	}

	// From a server that runs, into a directory that does not exist.
	var stream bytes.Buffer
	done, err := app.Export(t.Context(), s.Dir, &stream, app.Exporting{Passwords: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if done.Users != 6 || done.Files != 3 || done.Gone != 0 || done.Events < 50 {
		t.Errorf("exported %+v", done)
	}
	// Choices are in it; where a device is told of messages is a secret of that device, and is not.
	if text := stream.String(); !strings.Contains(text, `"quiet_hours":{"from":"22:00","to":"07:30","time_zone":"Europe/Berlin"}`) || strings.Contains(text, "carols-secret") {
		t.Error("quiet hours are missing, or an endpoint is there")
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir, "export-*")); left != nil {
		t.Errorf("the export left %v", left)
	}
	dir := filepath.Join(systemtest.Dir(t), "new")
	imported, err := app.Import(t.Context(), dir, bytes.NewReader(stream.Bytes()), nil)
	if err != nil {
		t.Fatal(err)
	}
	if imported.Epoch <= done.Epoch || imported.Events != done.Events || imported.Files != done.Files {
		t.Errorf("imported %+v of %+v", imported, done)
	}
	s.Stop()
	n := systemtest.Start(t, systemtest.Config{Users: people, Dir: dir})
	after := look(t, n, everybody...)
	if diff := cmp.Diff(before, after); diff != "" {
		t.Errorf("the replies are others (-before +after):\n%s", diff[:min(len(diff), 4000)])
	}
	again := httpReply(t, n, "alice", "POST", "message/r", `{"content":"a repeat","client_msg_id":"again"}`)
	if again["duplicate"] != true {
		t.Errorf("a repeat: %v", again)
	}
	// And it goes on where the old one ended.
	sent := httpReply(t, n, "alice", "POST", "message/r", `{"content":"new"}`)
	if sent["status"] != "message_sent" {
		t.Errorf("a new message: %v", sent)
	}
	n.Stop()

	// Twice the same comes to the same, but for the first and last line.
	var second bytes.Buffer
	if _, err := app.Import(t.Context(), dir, bytes.NewReader(stream.Bytes()), nil); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("into a directory with data: %v", err)
	}
	other := filepath.Join(systemtest.Dir(t), "other")
	if _, err := app.Import(t.Context(), other, bytes.NewReader(stream.Bytes()), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := app.Export(t.Context(), other, &second, app.Exporting{Passwords: true}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	lines := func(b *bytes.Buffer) []string {
		l := strings.Split(strings.TrimSpace(b.String()), "\n")
		return l[1 : len(l)-1]
	}
	if diff := cmp.Diff(lines(&stream), lines(&second)); diff != "" {
		t.Errorf("exported again:\n%s", diff[:min(len(diff), 4000)])
	}
	damaged(t, stream.Bytes())
	ofOne(t, s.Dir)
}

// damaged imports what is not whole: it is refused, and nothing is left.
func damaged(t *testing.T, whole []byte) {
	lines := bytes.SplitAfter(whole, []byte("\n"))
	without := func(kind string) []byte {
		i := slices.IndexFunc(lines, func(l []byte) bool { return bytes.HasPrefix(l, []byte(`{"kind":"`+kind+`"`)) })
		if i < 0 {
			t.Fatalf("there is no line of kind %s", kind)
		}
		return bytes.Join(slices.Delete(slices.Clone(lines), i, i+1), nil)
	}
	for what, stream := range map[string][]byte{
		"nothing": {}, "half": whole[:len(whole)/2], "all but the end": bytes.Join(lines[:len(lines)-2], nil), "a byte less": whole[:len(whole)-1],
		"without a user": without("user"), "without an event": without("event"), "without bytes": without("bytes"), "without a room": without("room"),
		"another text": bytes.Replace(whole, []byte("hello"), []byte("hallo"), 1), "something behind": append(slices.Clone(whole), "{}\n"...),
		"another format": bytes.Replace(whole, []byte(`"format":1`), []byte(`"format":9`), 1), "no archive": []byte("hello\n"),
		"twice": append(bytes.Join(lines[:len(lines)-2], nil), whole...),
	} {
		dir := filepath.Join(t.TempDir(), "data")
		if _, err := app.Import(context.Background(), dir, bytes.NewReader(stream), nil); err == nil {
			t.Errorf("%s: it was imported", what)
		}
		if _, err := os.Stat(dir); !os.IsNotExist(err) {
			t.Errorf("%s: something is left: %v", what, err)
		}
		there := t.TempDir()
		if _, err := app.Import(context.Background(), there, bytes.NewReader(stream), nil); err == nil {
			t.Errorf("%s: it was imported", what)
		}
		if left, err := os.ReadDir(there); err != nil || len(left) > 0 {
			t.Errorf("%s: left are %v (%v)", what, left, err)
		}
	}
}

// ofOne exports one account: what is theirs, and nothing of others.
func ofOne(t *testing.T, dir string) {
	var stream bytes.Buffer
	m, err := app.Export(t.Context(), dir, &stream, app.Exporting{User: "bob", Passwords: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if m.Users != 1 || m.Events == 0 {
		t.Errorf("exported %+v", m)
	}
	for line := range strings.Lines(stream.String()) {
		o := parsed(t, []byte(line)).(object)
		switch o["kind"] {
		case "user", "member", "event", "reaction", "block", "file", "ban", "act":
			if o["user_id"] != "bob" {
				t.Errorf("it has %s", line)
			}
		case "request":
			t.Errorf("it has %s", line)
		}
		if o["password_hash"] != nil {
			t.Errorf("it has %s", line)
		}
	}
	if !strings.Contains(stream.String(), "an answer") || strings.Contains(stream.String(), "hello again") {
		t.Error("bob's own messages are not what it has")
	}
	if _, err := app.Import(t.Context(), filepath.Join(t.TempDir(), "data"), &stream, nil); err == nil || !strings.Contains(err.Error(), "bob") {
		t.Errorf("imported: %v", err)
	}
	if _, err := app.Export(t.Context(), dir, io.Discard, app.Exporting{User: chat.UserID("nobody")}, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("an account that does not exist was exported")
	}
}
