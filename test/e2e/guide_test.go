// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"parley/test/parleytest"
)

// storyLimit bounds the whole story, generous for a busy machine.
const storyLimit = 2 * time.Minute

// TestGuide is a story: Alice (Mosquitto, MQTT 5), Bob (Mosquitto, 3.1.1), Carol (Paho), Dan (MQTT.js) and an
// administrator talk in the same rooms, and Erin looks on over Server-Sent Events. Each chapter goes on where the one
// before ended. What a chapter asks is what the next ones find, so the first that fails ends the story.
func TestGuide(t *testing.T) {
	require(t, "mosquitto_pub", "mosquitto_sub", "mosquitto_rr", "stdbuf", "node")
	binary, err := parleytest.Build(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := parleytest.New(t, parleytest.Config{Binary: binary})
	for _, name := range []string{"alice", "bob", "carol", "dan", "erin", "root"} {
		s.AddUser(name, "the password of "+name)
	}
	s.SetRole("root", "administrator")
	s.Start()
	st := &story{s: s, ctx: within(t, storyLimit)}
	alice, bob := st.person("alice", mosquitto{version: "5"}), st.person("bob", mosquitto{version: "311"})
	carol, dan := st.person("carol", paho5{}), st.person("dan", mqttjs{version: 5})
	root, erin := st.person("root", mosquitto{version: "5"}), st.person("erin", nil)
	everybody := []*person{alice, bob, carol, dan, erin, root}
	guests := []*person{bob, carol, dan, erin}
	for _, p := range everybody {
		p.listen(t)
	}
	chapter := func(name string, tell func(t *testing.T)) {
		t.Helper()
		if !t.Run(name, tell) {
			t.FailNow()
		}
	}
	var id string // of the message that the story is about

	chapter("Alice opens a room, and the others come in", func(t *testing.T) {
		alice.asks(t, "rooms/create", `{"name":"Garden","room_id":"garden"}`, "room_created")
		alice.asks(t, "rooms/create", `{"name":"Den","room_id":"den","type":"private"}`, "room_created")
		for _, p := range guests {
			p.asks(t, "rooms/join/garden", "", "joined")
			p.hears(t, event{"type": "message_history", "room_id": "garden"})
			alice.hears(t, event{"type": "system", "event": "member_joined", "user_id": p.who.user, "room_id": "garden"})
		}
		bob.asks(t, "rooms/join/garden", "", "already_member")

		listed, _ := json.Marshal(bob.asks(t, "rooms/list", "", "success"))
		if !strings.Contains(string(listed), `"garden"`) || strings.Contains(string(listed), `"den"`) {
			t.Errorf("the list has to show the public room alone: %s", listed)
		}
		if info := bob.asks(t, "rooms/garden/info", "", "success"); len(info["members"].([]any)) != 5 {
			t.Errorf("five are in the garden, but info tells of %v", info["members"])
		}
		for _, route := range []string{"rooms/den/info", "rooms/join/den", "message/den", "history/den", "typing/den/start"} {
			body := "{}"
			if route == "message/den" {
				body = "let me in"
			}
			dan.isRefused(t, route, body, "not_found")
		}
		dan.asks(t, "rooms/leave/garden", "", "left")
		alice.hears(t, event{"type": "system", "event": "member_left", "user_id": "dan"})
		dan.isRefused(t, "message/garden", "still here", "not_member")
		dan.asks(t, "rooms/join/garden", "", "joined")
	})

	chapter("Each says something, and all hear it", func(t *testing.T) {
		for _, p := range []*person{alice, bob, carol, dan} {
			p.says(t, "message/garden", "good morning from "+p.who.user)
			for _, q := range append([]*person{alice}, guests...) {
				m := q.hears(t, event{"type": "text", "room_id": "garden", "content": "good morning from " + p.who.user})
				if m["sender_id"] != p.who.user || m["edited"] != false || m["reply_to"] != nil {
					t.Errorf("%s was sent %v", q.who.user, m)
				}
			}
		}
		carol.says(t, "private/dan", "between us")
		for _, p := range []*person{carol, dan} {
			p.hears(t, event{"room_id": "private:carol:dan", "content": "between us", "is_private": true, "target_id": "dan"})
		}
		alice.isRefused(t, "history/private:carol:dan", "", "not_found")
		root.asks(t, "broadcast", `{"content":"tea at five"}`, "broadcast_sent")
		for _, p := range everybody {
			p.hears(t, event{"type": "text", "room_id": "announcements", "sender_id": "root", "content": "tea at five"})
		}
		alice.isRefused(t, "broadcast", `{"content":"no tea"}`, "forbidden")
	})

	chapter("A message is edited, answered, reacted to and deleted", func(t *testing.T) {
		id = alice.asks(t, "message/garden", `{"content":"the roses are red"}`, "message_sent")["message_id"].(string)
		bob.isRefused(t, "message/"+id+"/edit", `{"content":"blue"}`, "forbidden")
		alice.asks(t, "message/"+id+"/edit", `{"content":"the tulips are red"}`, "message_edited")
		carol.says(t, "message/"+id+"/react", `{"emoji":"👍"}`)
		dan.says(t, "message/"+id+"/react", `{"emoji":"👍"}`)
		dan.says(t, "message/"+id+"/reply", `{"content":"and yellow"}`)
		for _, p := range guests {
			p.hears(t, event{"type": "message_edited", "message_id": id, "user_id": "alice", "content": "the tulips are red"})
			p.hears(t, event{"type": "reaction_added", "message_id": id, "user_id": "carol", "emoji": "👍", "count": 1.0})
			p.hears(t, event{"type": "reaction_added", "message_id": id, "user_id": "dan", "emoji": "👍", "count": 2.0})
			p.hears(t, event{"type": "text", "content": "and yellow", "reply_to": id, "thread_id": id})
		}
		page, _ := json.Marshal(bob.asks(t, "history/garden", `{"around":"`+id+`"}`, "success"))
		if !strings.Contains(string(page), `"reactions":{"👍":["carol","dan"]}`) {
			t.Errorf("two reactions stand beside each other; the history has %s", page)
		}
		wrong := alice.asks(t, "message/garden", `{"content":"a slip of the tongue"}`, "message_sent")["message_id"].(string)
		bob.isRefused(t, "message/"+wrong+"/delete", "", "forbidden")
		alice.asks(t, "message/"+wrong+"/delete", "", "message_deleted")
		for _, p := range guests {
			p.hears(t, event{"type": "message_deleted", "message_id": wrong, "user_id": "alice"})
		}
		page, _ = json.Marshal(bob.asks(t, "history/garden", "", "success"))
		if strings.Contains(string(page), "tongue") {
			t.Errorf("what was deleted is still in the history: %s", page)
		}
		found := bob.asks(t, "search/garden", `{"query":"tulips"}`, "success")["messages"].([]any)
		if len(found) != 1 || found[0].(event)["id"] != id {
			t.Errorf("the search for tulips found %v", found)
		}
		if lost := bob.asks(t, "search/garden", `{"query":"roses"}`, "success")["messages"].([]any); len(lost) != 0 {
			t.Errorf("the words before the edit are still found: %v", lost)
		}
		bob.isRefused(t, "search/den", `{"query":"tulips"}`, "not_found")
	})

	chapter("Who is there, who writes, and who has read", func(t *testing.T) {
		for _, status := range []string{"away", "online", "offline"} {
			carol.says(t, "presence/"+status, "")
			for _, p := range []*person{alice, bob, dan, erin} {
				p.hears(t, event{"type": "user_status", "user_id": "carol", "status": status})
			}
		}
		carol.says(t, "presence/online", "")
		for _, step := range []string{"start", "stop"} {
			dan.says(t, "typing/garden/"+step, "")
			for _, p := range []*person{alice, bob, carol, erin} {
				p.hears(t, event{"type": "typing_" + step, "room_id": "garden", "user_id": "dan"})
			}
		}
		if n := bob.unread(t, "garden"); n == 0 {
			t.Error("others wrote after Bob, but nothing is unread")
		}
		bob.asks(t, "read/garden", "", "read")
		if n := bob.unread(t, "garden"); n != 0 {
			t.Errorf("%v are unread after all was read", n)
		}
	})

	chapter("A file is shared", func(t *testing.T) {
		ready := alice.asks(t, "file/upload/garden", `{"name":"plan.txt","mime":"text/plain","size":9}`, "upload_ready")
		file := ready["file_id"].(string)
		if code, body := st.http(t, "PUT", ready["upload_url"].(string), "", "nine byte"); code/100 != 2 {
			t.Fatalf("the upload was answered %d %s", code, body)
		}
		if code, _ := st.http(t, "GET", "/api/v1/files/"+file, bob.who.password, ""); code != http.StatusNotFound {
			t.Errorf("before it is shared Bob gets the file: %d", code)
		}
		alice.asks(t, "file/share/garden", `{"file_id":"`+file+`","content":"the plan"}`, "message_sent")
		for _, p := range guests {
			p.hears(t, event{"type": "file", "room_id": "garden", "sender_id": "alice", "content": "the plan"})
		}
		if code, body := st.http(t, "GET", "/api/v1/files/"+file, bob.who.password, ""); code != http.StatusOK || body != "nine byte" {
			t.Errorf("Bob gets %d %q", code, body)
		}
		if code, _ := st.http(t, "GET", "/api/v1/files/"+file, root.who.password, ""); code != http.StatusNotFound {
			t.Errorf("who is not in the room gets the file: %d", code)
		}
	})

	chapter("Bob is away while the server is restarted, and misses nothing", func(t *testing.T) {
		bob.leaves(t)
		missed := series("while Bob was away", 20)
		st.send(t, alice, "message/garden", missed[:10])
		for _, p := range []*person{alice, carol, dan, erin, root} {
			p.leaves(t)
		}
		s.Stop()
		s.Start()
		for _, p := range []*person{alice, carol, dan, erin, root} {
			p.listen(t)
		}
		st.send(t, carol, "message/garden", missed[10:])
		bob.waiting = nil
		bob.listen(t)
		bob.hears(t, event{"content": missed[19]})
		var got []string
		for _, e := range bob.waiting {
			if e["type"] == "text" && e["room_id"] == "garden" {
				got = append(got, e["content"].(string))
			}
		}
		if strings.Join(got, "\n") != strings.Join(missed[:19], "\n") {
			t.Errorf("Bob was sent %q, then the last", got)
		}
		for _, p := range []*person{alice, carol, dan, erin} {
			p.hears(t, event{"content": missed[19]})
		}
	})

	chapter("Some are asked to be quiet, and one has to go", func(t *testing.T) {
		carol.isRefused(t, "admin/rooms/garden/moderate", `{"action":"mute","user_id":"bob"}`, "forbidden")
		alice.asks(t, "admin/rooms/garden/moderate", `{"action":"mute","user_id":"bob","duration":600}`, "moderated")
		carol.hears(t, event{"type": "moderated", "action": "mute", "target_id": "bob", "user_id": "alice"})
		bob.isRefused(t, "message/garden", "may I?", "muted")
		alice.asks(t, "admin/rooms/garden/moderate", `{"action":"unmute","user_id":"bob"}`, "moderated")
		bob.says(t, "message/garden", "thank you")
		carol.hears(t, event{"content": "thank you", "sender_id": "bob"})

		alice.isRefused(t, "admin/users/carol/mute", "{}", "forbidden")
		root.asks(t, "admin/users/carol/mute", `{"duration":600,"reason":"rest"}`, "moderated")
		carol.hears(t, event{"type": "account_moderated", "action": "mute", "target_id": "carol"})
		carol.isRefused(t, "message/garden", "hello?", "muted")

		alice.isRefused(t, "admin/users/dan/ban", "{}", "forbidden")
		root.asks(t, "admin/users/dan/ban", `{"reason":"spam"}`, "moderated")
		dan.isCutOff(t)

		alice.isRefused(t, "admin/messages/cleanup", `{"older_than":1000000}`, "forbidden")
		if counted := root.asks(t, "admin/messages/cleanup", `{"room_id":"garden","older_than":0,"dry_run":true}`, "cleaned"); counted["count"].(float64) < 20 {
			t.Errorf("a cleanup would take %v messages", counted["count"])
		}
		root.asks(t, "admin/messages/cleanup", `{"room_id":"garden","older_than":0}`, "cleaned")
		if left := alice.asks(t, "history/garden", "", "success")["messages"].([]any); len(left) > 1 {
			t.Errorf("after the cleanup the history has %d messages", len(left))
		}
	})
}

type event = map[string]any

// story is the stage of TestGuide.
type story struct {
	s   *parleytest.Server
	ctx context.Context
}

func (st *story) broker() broker {
	return broker{tcp: st.s.Addr("mqtt"), ws: "ws://" + st.s.Addr("http") + "/mqtt"}
}

// person is somebody with a client. An access token is the password.
type person struct {
	*story
	who     login
	client  driver // nil: listens over Server-Sent Events
	in      *inbox
	waiting []event // arrived, and not yet looked for
	lastID  string  // of the stream of events
}

func (st *story) person(name string, client driver) *person {
	return &person{story: st, client: client, who: login{user: name, password: st.s.Token(name), clientID: name + "-listens"}}
}

func (p *person) listen(t *testing.T) {
	t.Helper()
	var err error
	if p.client == nil {
		p.in, err = p.stream()
	} else {
		p.in, err = p.client.listen(p.ctx, p.broker(), p.who, "chat/user/"+p.who.user+"/#")
	}
	if err != nil {
		t.Fatalf("%s: %v", p.who.user, err)
	}
}

func (p *person) leaves(t *testing.T) {
	t.Helper()
	if err := p.in.leave(); err != nil {
		t.Fatalf("%s: %v", p.who.user, err)
	}
	for payload := range p.in.payloads {
		p.keep(t, payload)
	}
}

// stream opens the events over HTTP, behind the last that was read.
func (p *person) stream() (*inbox, error) {
	ctx, cancel := context.WithCancel(p.ctx)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.s.Addr("http")+"/api/v1/events", nil)
	if err != nil {
		cancel()
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+p.who.password)
	if p.lastID != "" {
		req.Header.Set("Last-Event-ID", p.lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		cancel()
		return nil, err
	}
	payloads, ended := make(chan string, inboxSize), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(payloads)
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
				p.lastID = id // read again only after ended
			} else if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				payloads <- data
			}
		}
	}()
	return &inbox{payloads: payloads, leave: func() error { cancel(); <-ended; return nil }}, nil
}

func (p *person) keep(t *testing.T, payload string) {
	t.Helper()
	var e event
	if err := json.Unmarshal([]byte(payload), &e); err != nil {
		t.Fatalf("%s was sent %q: %v", p.who.user, payload, err)
	}
	p.waiting = append(p.waiting, e)
}

// hears waits for an event that has the fields of want.
func (p *person) hears(t *testing.T, want event) event {
	t.Helper()
	for i := 0; ; i++ {
		if i == len(p.waiting) {
			payload, err := p.in.next(p.ctx)
			if err != nil {
				t.Fatalf("%s does not hear %v: %v; came %v", p.who.user, want, err, p.waiting)
			}
			p.keep(t, payload)
		}
		e, fits := p.waiting[i], true
		for field, value := range want {
			fits = fits && e[field] == value
		}
		if fits {
			p.waiting = append(p.waiting[:i:i], p.waiting[i+1:]...)
			return e
		}
	}
}

// isCutOff waits for the end of the connection.
func (p *person) isCutOff(t *testing.T) {
	t.Helper()
	for {
		select {
		case _, open := <-p.in.payloads:
			if !open {
				return
			}
		case <-p.ctx.Done():
			t.Fatalf("%s is still connected", p.who.user)
		}
	}
}

// asker is the client of a person's requests, apart from the one that listens.
func (p *person) asker() login {
	who := p.who
	who.clientID = p.who.user + "-asks"
	return who
}

// says publishes with the person's own client, which must be acknowledged.
func (p *person) says(t *testing.T, route, body string) {
	t.Helper()
	p.send(t, p, route, []string{body})
}

func (st *story) send(t *testing.T, p *person, route string, bodies []string) {
	t.Helper()
	if err := p.client.send(st.ctx, st.broker(), p.asker(), "chat/"+route, bodies); err != nil {
		t.Fatalf("%s, %s: %v", p.who.user, route, err)
	}
}

// request asks with mosquitto_rr, in the person's version of MQTT.
func (p *person) request(t *testing.T, route, body string) event {
	t.Helper()
	m, ok := p.client.(mosquitto)
	if !ok {
		m = mosquitto{version: "5"}
	}
	args, err := m.options(p.broker(), p.asker())
	if err != nil {
		t.Fatal(err)
	}
	if body == "" {
		body = "{}"
	}
	args = append(args, "-e", "chat/user/"+p.who.user+"/replies", "-t", "chat/"+route, "-m", body, "-W", "30")
	out, err := exec.CommandContext(p.ctx, "mosquitto_rr", args...).Output()
	var reply event
	if jsonErr := json.Unmarshal(out, &reply); jsonErr != nil {
		t.Fatalf("%s asked %s, and mosquitto_rr printed %q: %v", p.who.user, route, out, err)
	}
	return reply
}

func (p *person) asks(t *testing.T, route, body, status string) event {
	t.Helper()
	reply := p.request(t, route, body)
	if reply["status"] != status {
		t.Fatalf("%s asked %s: want %s, got %v", p.who.user, route, status, reply)
	}
	return reply
}

func (p *person) isRefused(t *testing.T, route, body, code string) {
	t.Helper()
	reply := p.request(t, route, body)
	if refusal, _ := reply["error"].(event); refusal["code"] != code {
		t.Errorf("%s asked %s: want %s, got %v", p.who.user, route, code, reply)
	}
}

func (p *person) unread(t *testing.T, room string) float64 {
	t.Helper()
	for _, r := range p.asks(t, "rooms/list", `{"mine":true}`, "success")["rooms"].([]any) {
		if r := r.(event); r["room_id"] == room {
			return r["unread"].(float64)
		}
	}
	t.Fatalf("%s is not in %s", p.who.user, room)
	return 0
}

// http asks for a path of the HTTP door, and returns status and body.
func (st *story) http(t *testing.T, method, path, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(st.ctx, method, fmt.Sprintf("http://%s%s", st.s.Addr("http"), path), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(got)
}
