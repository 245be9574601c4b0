// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"parley/internal/app"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

type object = map[string]any

// traffic asks a server over HTTP and holds what goes to and fro against its own descriptions.
type traffic struct {
	t      *testing.T
	server *systemtest.Server
	open   *described
	async  *described
	asked  map[string]bool // "post /rooms/list"
	heard  map[string]bool // types of events
}

// described is a document with its schemas. They are taken strictly: a field that none of them has is a fault, so that nothing is
// sent that nobody told of.
type described struct {
	t        *testing.T
	doc      object
	strict   any
	compiled map[string]*jsonschema.Schema
}

func readDescribed(t *testing.T, s *systemtest.Server, name string) *described {
	t.Helper()
	resp, err := http.Get("http://" + s.Addr("http") + "/api/v1/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	value, err := jsonschema.UnmarshalJSON(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	d := &described{t: t, doc: value.(object), compiled: map[string]*jsonschema.Schema{}}
	d.strict = strictly(d.doc["components"])
	return d
}

// strictly is a copy in which objects have the fields that are named and no others.
func strictly(v any) any {
	switch v := v.(type) {
	case object:
		out := object{}
		for k, e := range v {
			out[k] = strictly(e)
		}
		if v["type"] == "object" && v["properties"] != nil {
			out["additionalProperties"] = false
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = strictly(v[i])
		}
		return out
	default:
		return v
	}
}

// at finds a part of the document, nil where there is none.
func (d *described) at(path ...string) any {
	var v any = d.doc
	for _, k := range path {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[k]
	}
	return v
}

// hold validates value against a schema of the document.
func (d *described) hold(what string, schema, value any) {
	d.t.Helper()
	key, err := json.Marshal(schema)
	if err != nil {
		d.t.Fatal(err)
	}
	compiled := d.compiled[string(key)]
	if compiled == nil {
		whole := strictly(schema).(object)
		whole["components"] = d.strict
		c := jsonschema.NewCompiler()
		c.DefaultDraft(jsonschema.Draft2020)
		c.AssertFormat()
		if err := c.AddResource("schema.json", whole); err != nil {
			d.t.Fatalf("%s: %v", what, err)
		}
		if compiled, err = c.Compile("schema.json"); err != nil {
			d.t.Fatalf("%s: %v", what, err)
		}
		d.compiled[string(key)] = compiled
	}
	if err := compiled.Validate(value); err != nil {
		text, _ := json.Marshal(value)
		d.t.Errorf("%s: %#v in %s", what, err, text)
	}
}

func parsed(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}

// filled puts values into a path in place of its parameters.
func filled(path string, values []string) string {
	for _, v := range values {
		from, to := strings.Index(path, "{"), strings.Index(path, "}")
		path = path[:from] + v + path[to+1:]
	}
	return path
}

// exchange sends a request as it is described and returns the answer.
func (x *traffic) exchange(user, method, path string, values []string, body string, headers ...string) object {
	x.t.Helper()
	what := method + " /" + path
	op, ok := x.open.at("paths", "/"+path, strings.ToLower(method)).(object)
	if !ok {
		x.t.Fatalf("%s is not described", what)
	}
	x.asked[strings.ToLower(method)+" /"+path] = true
	where := "http://" + x.server.Addr("http") + "/api/v1/" + filled(path, values)
	if schema := x.open.at("paths", "/"+path, strings.ToLower(method), "requestBody", "content", "application/json", "schema"); schema != nil && method == "POST" {
		sent := body
		if sent == "" {
			sent = "{}"
		}
		if !strings.Contains(sent, "wrong") {
			x.open.hold("a request of "+what, schema, parsed(x.t, []byte(sent)))
		}
	} else if method == "GET" && body != "" {
		query := url.Values{}
		for k, v := range parsed(x.t, []byte(body)).(object) {
			if !slices.ContainsFunc(op["parameters"].([]any), func(p any) bool { return p.(object)["name"] == k && p.(object)["in"] == "query" }) {
				x.t.Errorf("%s: the parameter %s is not described", what, k)
			}
			query.Set(k, fmt.Sprint(v))
		}
		where, body = where+"?"+query.Encode(), ""
	}
	req, err := http.NewRequestWithContext(x.t.Context(), method, where, strings.NewReader(body))
	if err != nil {
		x.t.Fatal(err)
	}
	if user != "" {
		req.Header.Set("Authorization", "Bearer "+x.server.Token(user))
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		x.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		x.t.Fatal(err)
	}
	response, ok := x.open.at("paths", "/"+path, strings.ToLower(method), "responses", fmt.Sprint(resp.StatusCode)).(object)
	if !ok {
		x.t.Fatalf("%s by %s: the status %d is not described: %s", what, user, resp.StatusCode, text)
	}
	content, _ := response["content"].(object)
	media, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if as, ok := content[media].(object); ok && as["schema"] != nil {
		v := parsed(x.t, text).(object)
		x.open.hold("a reply to "+what, as["schema"], v)
		if e, ok := v["error"].(object); ok && !strings.Contains(response["description"].(string), e["code"].(string)+":") {
			x.t.Errorf("%s: the code %v is not described", what, e["code"])
		}
		return v
	}
	if method != "HEAD" && content == nil && len(text) > 0 {
		x.t.Errorf("%s: the body %q is not described", what, text)
	}
	return object{"status": resp.StatusCode, "body": string(text)}
}

// ask asks a route, which has to succeed; one that only reads by GET as well.
func (x *traffic) ask(user, path, body string, values ...string) object {
	x.t.Helper()
	if x.open.at("paths", "/"+path, "get") != nil && x.open.at("paths", "/"+path, "post") != nil && path != "sync" {
		x.exchange(user, "GET", path, values, body)
	}
	v := x.exchange(user, "POST", path, values, body)
	if v["status"] == "error" {
		x.t.Fatalf("%s by %s: %v", path, user, v)
	}
	return v
}

func (x *traffic) refused(user, path, body, code string, values ...string) {
	x.t.Helper()
	v := x.exchange(user, "POST", path, values, body)
	if e, _ := v["error"].(object); e["code"] != code {
		x.t.Errorf("%s by %s: %v, want %s", path, user, v, code)
	}
}

// hear holds a delivery against the description of its type.
func (x *traffic) hear(e *systemtest.Event) {
	x.t.Helper()
	value := parsed(x.t, e.Packet.Publish.Payload).(object)
	x.heard[e.Type] = true
	name := ""
	for message := range x.async.at("channels", "messages", "messages").(object) {
		kind, _ := x.async.at("components", "schemas", message, "properties", "type").(object)
		values, _ := kind["enum"].([]any)
		if (kind["const"] == e.Type || slices.Contains(values, any(e.Type))) && !e.Truncated {
			name = message
		}
	}
	if e.Truncated {
		x.heard["truncated"] = true
		name = "TruncatedEvent"
	}
	if name == "" {
		x.t.Errorf("the type %q is not described: %s", e.Type, e.Packet.Publish.Payload)
		return
	}
	x.async.hold("an event", x.async.at("components", "messages", name, "payload"), value)
}

func (x *traffic) hearAll(d *systemtest.Device, marker string) {
	x.t.Helper()
	for _, e := range d.UpTo(systemtest.Says(marker)) {
		x.hear(e)
	}
}

// Section 1: openapi.json and asyncapi.json say what a server really takes and sends. Every operation of the one is asked, and
// every type of the other heard; a route that comes new wants its line here.
func TestDescriptionsHold(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Users: []string{"alice", "bob", "carol", "erin"}, Change: func(c *app.Config) { c.Access.Registration = "open" }})
	x := &traffic{t: t, server: s, open: readDescribed(t, s, "openapi.json"), async: readDescribed(t, s, "asyncapi.json"), asked: map[string]bool{}, heard: map[string]bool{}}
	alice, bob, carol, erin := s.Device(t, "alice"), s.Device(t, "bob"), s.Device(t, "carol"), s.Device(t, "erin")
	small := s.Device(t, "bob", mqtttest.ID("small"), mqtttest.With(func(p *packet.Properties) { p.MaximumPacketSize = 1000 }))

	x.signingIn()
	x.ask("alice", "rooms/create", `{"room_id":"r","name":"Room","description":"of all","type":"public","max_members":50}`)
	x.refused("bob", "rooms/create", `{"room_id":"r","name":"Room"}`, "conflict")
	x.refused("bob", "rooms/create", `{"name":"wrong\u0000"}`, "bad_request")
	for _, user := range []string{"bob", "carol", "erin"} {
		x.ask(user, "rooms/join/{room_id}", "", "r")
	}
	x.ask("bob", "rooms/join/{room_id}", "", "r")
	x.rooms()
	x.messages()
	x.files()

	// Presence and typing are heard in their own time.
	x.ask("alice", "typing/{room_id}/start", "", "r")
	x.hear(bob.Next(systemtest.Kind("typing_start")))
	x.ask("alice", "typing/{room_id}/stop", "", "r")
	x.hear(bob.Next(systemtest.Kind("typing_stop")))
	for _, status := range []string{"away", "offline", "online"} {
		x.ask("alice", "presence/"+status, "")
		x.hear(bob.Next(systemtest.Kind("user_status")))
	}

	x.moderation()

	// What is larger than a client takes, and what is gone before a session comes back.
	alice.Say("r", strings.Repeat("long ", 400))
	x.hear(small.Next(func(e *systemtest.Event) bool { return e.Truncated }))
	phone := func() *systemtest.Device { return s.Device(t, "bob", mqtttest.ID("phone"), mqtttest.Keep(3600)) }
	phone().Disconnect()
	alice.Say("r", "cut off")
	x.ask("root", "admin/messages/cleanup", `{"room_id":"r","older_than":0,"dry_run":true}`)
	x.ask("root", "admin/messages/cleanup", `{"room_id":"r","older_than":0}`)
	x.hear(phone().Next(systemtest.Kind("sync_required")))

	alice.Say("r", "that was all")
	for _, d := range []*systemtest.Device{alice, bob, carol, erin} {
		x.hearAll(d, "that was all")
	}
	x.endings()
	alice.Say("aside", "and that")
	x.hearAll(alice, "and that")

	x.nothingMissing()
}

func (x *traffic) signingIn() {
	x.exchange("", "GET", "auth", nil, "")
	x.exchange("", "POST", "auth/register", nil, `{"user_id":"dave","password":"correct horse battery","display_name":"Dave"}`)
	x.exchange("", "POST", "auth/register", nil, `{"user_id":"dave","password":"correct horse battery"}`)
	x.exchange("", "POST", "auth/login", nil, `{"user_id":"dave","password":"not this"}`)
	in := x.exchange("", "POST", "auth/login", nil, `{"user_id":"dave","password":"correct horse battery"}`)
	dave := []string{"Authorization", "Bearer " + in["token"].(string)}
	x.exchange("", "POST", "users/me/password", nil, `{"password":"not this","new_password":"battery staple horse"}`, dave...)
	x.exchange("", "POST", "users/me/password", nil, `{"password":"correct horse battery","new_password":"battery staple horse"}`, dave...)
	in = x.exchange("", "POST", "auth/login", nil, `{"user_id":"dave","password":"battery staple horse"}`)
	x.exchange("", "POST", "hooks/{token}/{room_id}", []string{"nothing", "r"}, `{"text":"hello"}`)
	x.exchange("", "GET", "events", nil, "") // TestStream… read them
	own := []string{"Authorization", "Bearer " + in["token"].(string)}
	x.exchange("", "POST", "auth/setup", nil, `{"setup":"nothing","user_id":"erin","password":"correct horse battery"}`)
	made := x.exchange("", "POST", "users/me/tokens/create", nil, `{"name":"sensor","scopes":["read"],"ttl":60}`, own...)
	x.exchange("", "GET", "users/me/sessions", nil, "", own...)
	x.exchange("", "POST", "users/me/sessions", nil, "", own...)
	x.exchange("", "POST", "users/me/sessions/revoke", nil, `{"session_id":"`+made["session_id"].(string)+`"}`, own...)
	again := x.exchange("", "POST", "auth/login", nil, `{"user_id":"dave","password":"battery staple horse","device":"laptop"}`)
	x.exchange("", "POST", "auth/logout", nil, "", "Authorization", "Bearer "+again["token"].(string))
	x.exchange("", "POST", "users/me/delete", nil, `{"password":"battery staple horse"}`, "Authorization", "Bearer "+in["token"].(string))
	x.refused("", "info", "", "unauthenticated")
	x.ask("alice", "info", `{"request_id":17}`)
	x.ask("alice", "users/me", `{"request_id":"x"}`)
	x.ask("alice", "users/me/update", `{"display_name":"Alice A."}`)
	x.ask("alice", "users/search", `{"query":"b","limit":5}`)
	x.ask("alice", "users/{user_id}", "", "bob")
	x.refused("alice", "users/{user_id}", "", "not_found", "nobody")
	x.ask("alice", "users/{user_id}/block", "", "erin")
	x.ask("alice", "users/me", "")
	x.ask("alice", "users/{user_id}/unblock", "", "erin")
	x.ask("alice", "push/subscribe", `{"endpoint":"https://push.example.net/alice","type":"unifiedpush","device":"phone"}`)
	x.refused("alice", "push/subscribe", `{"endpoint":"https://hooks.example.net/alice","type":"webhook"}`, "forbidden")
	x.ask("alice", "push/quiet_hours", `{"from":"22:00","to":"07:00","time_zone":"Europe/Berlin"}`)
	x.ask("alice", "push/list", "")
	x.ask("alice", "push/unsubscribe", `{"device":"phone"}`)
}

func (x *traffic) rooms() {
	x.ask("alice", "rooms/list", `{"query":"r","limit":5}`)
	x.ask("alice", "rooms/list", `{"mine":true}`)
	x.ask("alice", "rooms/{room_id}/info", `{"limit":2}`, "r")
	x.refused("alice", "rooms/{room_id}/info", "", "not_found", "nowhere")
	x.ask("alice", "rooms/{room_id}/update", `{"name":"R","description":"","max_members":60,"slow_mode":0,"read_only":false,"history_visibility":"joined","retention":86400}`, "r")
	x.ask("alice", "rooms/{room_id}/update", `{"history_visibility":"shared"}`, "r")
	x.ask("alice", "rooms/{room_id}/prefs", `{"notifications":"mentions"}`, "r")
	hook := x.ask("alice", "rooms/{room_id}/hooks/create", `{"name":"Builds","ttl":3600}`, "r")
	token := strings.Split(hook["path"].(string), "/")[4]
	x.exchange("", "POST", "hooks/{token}/{room_id}", []string{token, "r"}, `{"text":"built"}`)
	x.ask("alice", "rooms/{room_id}/hooks/list", "", "r")
	x.ask("alice", "users/me/sessions", "")
	x.ask("alice", "rooms/{room_id}/hooks/delete", `{"hook_id":"`+hook["hook"].(object)["hook_id"].(string)+`"}`, "r")
	x.refused("bob", "rooms/{room_id}/hooks/create", `{"name":"Builds"}`, "forbidden", "r")
	x.ask("alice", "rooms/create", `{"room_id":"p","name":"Private","type":"private"}`)
	x.refused("bob", "rooms/join/{room_id}", "", "not_found", "p")
	x.ask("alice", "rooms/{room_id}/invite", `{"user_id":"bob"}`, "p")
	x.ask("alice", "rooms/{room_id}/invite", `{"user_id":"carol"}`, "p")
	x.ask("alice", "rooms/{room_id}/transfer", `{"user_id":"bob"}`, "p")
	x.ask("carol", "rooms/leave/{room_id}", "", "p")
	x.ask("bob", "rooms/{room_id}/delete", "", "p")
	x.ask("alice", "rooms/create", `{"room_id":"aside","name":"Aside"}`)
}

func (x *traffic) messages() {
	sent := x.ask("alice", "message/{room_id}", `{"content":"hello @bob of greenhouses","client_msg_id":"m1"}`, "r")
	x.ask("alice", "message/{room_id}", `{"content":"hello @bob of greenhouses","client_msg_id":"m1"}`, "r") // a repeat
	id := sent["message_id"].(string)
	x.refused("carol", "message/{room_id}", `{"content":"wrong","reply_to":"x"}`, "bad_request", "r")
	x.ask("bob", "message/{message_id}/reply", `{"content":"an answer"}`, id)
	x.ask("bob", "private/{user_id}", `{"content":"just you"}`, "alice")
	x.ask("root", "broadcast", `{"content":"to all"}`)
	x.refused("bob", "broadcast", `{"content":"to all"}`, "forbidden")
	x.ask("alice", "message/{message_id}/edit", `{"content":"hello again, @carol"}`, id)
	x.refused("bob", "message/{message_id}/edit", `{"content":"hello again"}`, "forbidden", id)
	x.ask("bob", "message/{message_id}/react", `{"emoji":"👍"}`, id)
	x.ask("carol", "message/{message_id}/react", `{"emoji":"👍"}`, id)
	x.ask("carol", "message/{message_id}/unreact", `{"emoji":"👍"}`, id)
	x.ask("alice", "message/{message_id}/pin", "", id)
	x.ask("alice", "rooms/{room_id}/pins", "", "r")
	x.ask("alice", "message/{message_id}/versions", `{"limit":5}`, id)
	x.ask("bob", "thread/{message_id}", `{"limit":5}`, id)
	x.ask("carol", "message/{message_id}/report", `{"reason":"spam"}`, id)
	x.ask("alice", "history/{room_id}", `{"limit":50}`, "r")
	x.ask("alice", "history/{room_id}", `{"around":"`+id+`"}`, "r")
	x.refused("alice", "history/{room_id}", `{"around":"01a203bb-410a-7c01-bcaa-554b9de4ad55"}`, "not_found", "r")
	x.ask("bob", "read/{room_id}", `{"seq":3}`, "r")
	x.ask("alice", "sync", `{"rooms":{"r":0,"user:alice":0},"limit":100}`)
	x.exchange("alice", "GET", "sync", nil, `{"limit":3}`)
	x.ask("alice", "search", `{"query":"hello"}`)
	x.ask("alice", "search/{room_id}", `{"query":"hello","sender_id":"alice","limit":5}`, "r")
	x.ask("alice", "message/{message_id}/unpin", "", id)
	x.ask("bob", "users/me/export", "")
	gone := x.ask("bob", "message/{room_id}", `{"content":"not for long"}`, "r")["message_id"].(string)
	x.ask("bob", "message/{message_id}/delete", "", gone)
	for range 2 {
		gone = x.ask("bob", "message/{message_id}/reply", `{"content":"an answer too many"}`, id)["message_id"].(string)
	}
	x.ask("bob", "message/{message_id}/delete", "", gone)
	x.ask("bob", "message/{message_id}/delete", "", gone)
	x.ask("alice", "history/{room_id}", "", "r")
}

func (x *traffic) files() {
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewRGBA(image.Rect(0, 0, 64, 48))); err != nil {
		x.t.Fatal(err)
	}
	data, size := picture.String(), picture.Len()
	inline, err := json.Marshal(object{"name": "a.txt", "mime": "text/plain", "data": []byte("hello")})
	if err != nil {
		x.t.Fatal(err)
	}
	text := x.ask("alice", "file/upload/{room_id}", string(inline), "r")
	x.ask("alice", "file/share/{room_id}", fmt.Sprintf(`{"file_id":%q}`, text["file_id"]), "r")
	ready := x.ask("alice", "file/upload/{room_id}", fmt.Sprintf(`{"name":"view.png","mime":"image/png","size":%d}`, size), "r")
	ticket := func(ready object) []string {
		at := ready["upload_url"].(string)
		return []string{at[strings.LastIndex(at, "/")+1:]}
	}
	x.exchange("", "PUT", "upload/{ticket}", ticket(ready), data)
	x.exchange("", "PUT", "upload/{ticket}", ticket(ready), data)                      // a repeat
	x.exchange("", "PUT", "upload/{ticket}", ticket(ready), strings.Repeat("x", size)) // another: conflict
	id := ready["file_id"].(string)
	x.ask("alice", "file/share/{room_id}", fmt.Sprintf(`{"file_id":%q,"content":"the view"}`, id), "r")
	x.refused("bob", "file/share/{room_id}", fmt.Sprintf(`{"file_id":%q}`, id), "not_found", "r")
	x.exchange("bob", "GET", "files/{file_id}", []string{id}, "")
	x.exchange("bob", "GET", "files/{file_id}/thumbnail", []string{id}, "")
	x.exchange("bob", "GET", "files/{file_id}", []string{"nothing"}, "")
	x.exchange("bob", "GET", "files/{file_id}", []string{id}, "", "Range", "bytes=99999999-")
	x.exchange("bob", "GET", "files/{file_id}", []string{id}, "", "If-Match", `"another"`)
	parts := ticket(x.ask("alice", "file/upload/{room_id}", `{"name":"b.txt","size":5}`, "r"))
	tus := []string{"Tus-Resumable", "1.0.0"}
	x.exchange("", "HEAD", "upload/{ticket}", parts, "", tus...)
	x.exchange("", "PATCH", "upload/{ticket}", parts, "", "Tus-Resumable", "2.0.0", "Upload-Offset", "0")
	x.exchange("", "PATCH", "upload/{ticket}", parts, "", append(tus, "Upload-Offset", "0", "Content-Type", "text/plain")...)
	x.exchange("", "PATCH", "upload/{ticket}", parts, "hello", append(tus, "Upload-Offset", "0", "Content-Type", "application/offset+octet-stream")...)
	unwanted := ticket(x.ask("alice", "file/upload/{room_id}", `{"name":"c.txt","size":5}`, "r"))
	x.exchange("", "DELETE", "upload/{ticket}", unwanted, "", "Tus-Resumable", "2.0.0")
	x.exchange("", "DELETE", "upload/{ticket}", unwanted, "", tus...)
	x.exchange("", "DELETE", "upload/{ticket}", unwanted, "", tus...)      // it is gone
	x.exchange("", "DELETE", "upload/{ticket}", ticket(ready), "", tus...) // in a message: conflict
}

func (x *traffic) moderation() {
	moderate := func(body string) { x.ask("alice", "admin/rooms/{room_id}/moderate", body, "r") }
	moderate(`{"action":"mute","user_id":"carol","duration":600,"reason":"calm down"}`)
	x.refused("carol", "message/{room_id}", `{"content":"but"}`, "muted", "r")
	x.ask("alice", "rooms/{room_id}/info", "", "r")
	moderate(`{"action":"unmute","user_id":"carol"}`)
	moderate(`{"action":"promote","user_id":"bob"}`)
	moderate(`{"action":"lock"}`)
	moderate(`{"action":"unlock"}`)
	moderate(`{"action":"ban","user_id":"carol","duration":600,"reason":"spam"}`)
	x.refused("carol", "history/{room_id}", "", "banned", "r")
	x.ask("alice", "rooms/{room_id}/bans", `{"limit":5}`, "r")
	moderate(`{"action":"unban","user_id":"carol"}`)
	x.ask("carol", "rooms/join/{room_id}", "", "r")
	moderate(`{"action":"kick","user_id":"erin"}`)
	x.refused("erin", "history/{room_id}", "", "not_member", "r")
	x.ask("erin", "rooms/join/{room_id}", "", "r")
	reports := x.ask("alice", "admin/reports/list", `{"room_id":"r","status":"all"}`)["reports"].([]any)
	number := fmt.Sprint(reports[0].(object)["report_id"])
	x.ask("alice", "admin/reports/{report_id}/close", `{"status":"dismissed"}`, number)
	x.ask("root", "admin/reports/list", `{"status":"dismissed"}`)
	for _, action := range []string{"mute", "unmute"} {
		x.ask("root", "admin/users/{user_id}/"+action, `{"duration":60,"reason":"cool off"}`, "erin")
	}
	x.ask("root", "admin/users/{user_id}/promote", `{"reason":"on call"}`, "erin")
	x.ask("erin", "admin/stats", "")
	x.ask("erin", "admin/users/{user_id}/demote", "", "erin")
	x.refused("erin", "admin/stats", "", "forbidden")
	x.refused("root", "admin/users/{user_id}/demote", "", "conflict", "root")
	x.ask("root", "admin/audit/list", `{"limit":50}`)
	x.ask("alice", "admin/audit/list", `{"room_id":"r"}`)
}

// endings are what ends connections.
func (x *traffic) endings() {
	x.ask("root", "admin/users/{user_id}/ban", `{"reason":"enough"}`, "erin")
	x.refused("erin", "info", "", "banned")
	x.ask("root", "admin/users/{user_id}/unban", "", "erin")
}

// nothingMissing tells which operations were not asked and which types of events were not heard.
func (x *traffic) nothingMissing() {
	for path, item := range x.open.doc["paths"].(object) {
		for method, op := range item.(object) {
			if !x.asked[method+" "+path] {
				x.t.Errorf("%s %s is described and was not asked: add it to this test", method, path)
			}
			x.examples(method+" "+path, op.(object))
		}
	}
	for name := range x.async.at("channels", "messages", "messages").(object) {
		kind, _ := x.async.at("components", "schemas", name, "properties", "type").(object)
		values, _ := kind["enum"].([]any)
		if kind["const"] != nil {
			values = append(values, kind["const"])
		}
		for _, v := range values {
			if !x.heard[v.(string)] {
				x.t.Errorf("the event %v is described and was not heard: add it to this test", v)
			}
		}
	}
	if !x.heard["truncated"] {
		x.t.Error("no truncated event was heard")
	}
	// The examples of the events are what the schemas say, too.
	for name, m := range x.async.at("components", "messages").(object) {
		for _, e := range m.(object)["examples"].([]any) {
			x.async.hold("the example of "+name, m.(object)["payload"], e.(object)["payload"])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(x.open.at("components", "schemas").(object))) {
		x.open.compile(name)
	}
}

// compile compiles a named schema: one that is no JSON Schema of the draft 2020-12 fails.
func (d *described) compile(name string) {
	whole := object{"$ref": "#/components/schemas/" + name, "components": d.doc["components"]}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("schema.json", whole); err != nil {
		d.t.Errorf("%s: %v", name, err)
	} else if _, err := c.Compile("schema.json"); err != nil {
		d.t.Errorf("%s: %v", name, err)
	}
}

// examples holds the examples of an operation against its schemas.
func (x *traffic) examples(what string, op object) {
	bodies := []any{op["requestBody"]}
	for _, r := range op["responses"].(object) {
		bodies = append(bodies, r)
	}
	for _, b := range bodies {
		body, _ := b.(object)
		content, _ := body["content"].(object)
		if as, ok := content["application/json"].(object); ok && as["example"] != nil {
			x.open.hold("the example of "+what, as["schema"], as["example"])
		}
	}
}
