// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/wire"
)

// The routes of docs/protocol.md, section 5, that are served, with their QoS; R marks those that only read.
const served = `
	chat/info 1 R
	chat/sync 1 R
	chat/history/{room_id} 1 R
	chat/search 1 R
	chat/search/{room_id} 1 R
	chat/rooms/create 2
	chat/rooms/join/{room_id} 1
	chat/rooms/leave/{room_id} 1
	chat/rooms/list 1 R
	chat/rooms/{room_id}/info 1 R
	chat/rooms/{room_id}/update 1
	chat/rooms/{room_id}/invite 1
	chat/rooms/{room_id}/transfer 2
	chat/rooms/{room_id}/delete 2
	chat/message/{room_id} 1
	chat/message/{message_id}/reply 1
	chat/message/{message_id}/edit 1
	chat/message/{message_id}/delete 1
	chat/message/{message_id}/react 0
	chat/message/{message_id}/unreact 0
	chat/message/{message_id}/pin 1
	chat/message/{message_id}/unpin 1
	chat/message/{message_id}/report 1
	chat/message/{message_id}/versions 1 R
	chat/thread/{message_id} 1 R
	chat/rooms/{room_id}/pins 1 R
	chat/admin/reports/list 1 R
	chat/admin/reports/{report_id}/close 1
	chat/private/{user_id} 1
	chat/broadcast 1
	chat/file/upload/{room_id} 2
	chat/file/share/{room_id} 1
	chat/admin/rooms/{room_id}/moderate 2
	chat/admin/users/{user_id}/ban 2
	chat/admin/users/{user_id}/unban 2
	chat/admin/users/{user_id}/mute 2
	chat/admin/users/{user_id}/unmute 2
	chat/admin/users/{user_id}/promote 2
	chat/admin/users/{user_id}/demote 2
	chat/admin/stats 1 R
	chat/read/{room_id} 0
	chat/rooms/{room_id}/prefs 1
	chat/rooms/{room_id}/bans 1 R
	chat/rooms/{room_id}/hooks/create 1
	chat/rooms/{room_id}/hooks/list 1 R
	chat/rooms/{room_id}/hooks/delete 1
	chat/admin/audit/list 1 R
	chat/admin/messages/cleanup 1
	chat/presence/online 0
	chat/presence/away 0
	chat/presence/offline 0
	chat/typing/{room_id}/start 0
	chat/typing/{room_id}/stop 0`

func TestRouteTable(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	var want, got []string
	for line := range strings.Lines(served) {
		if line = strings.TrimSpace(line); line != "" {
			want = append(want, line)
		}
	}
	for _, r := range routes(h.api) {
		line := fmt.Sprint(r.Pattern(), " ", r.QoS())
		if r.ReadOnly() {
			line += " R"
		}
		got = append(got, line)
		if r.Doc() == "" {
			t.Errorf("%s says nothing of itself", r.Pattern())
		}
		if _, ok := reflect.New(r.In()).Interface().(wire.Payload); !ok {
			t.Errorf("%s: %v is no payload", r.Pattern(), r.In())
		}
		if _, ok := r.NewIn().(wire.Payload); !ok {
			t.Errorf("%s: NewIn makes a %T", r.Pattern(), r.NewIn())
		}
		if _, ok := reflect.New(r.Out()).Interface().(wire.Replier); !ok {
			t.Errorf("%s: %v is no reply", r.Pattern(), r.Out())
		}
	}
	for _, line := range want { // more routes may come
		if !slices.Contains(got, line) {
			t.Errorf("%s is missing in the table", line)
		}
	}
}

// notTexts are the string fields that hold names, ids and words of the protocol, never what a person wrote for others.
var notTexts = []string{"request_id", "client_msg_id", "room_id", "user_id", "type", "query", "after", "reply_to", "around", "history_visibility", "action", "notifications", "emoji", "status", "password", "new_password", "sender_id", "before", "mime", "file_id", "session_id", "scopes",
	"endpoint", "device", "events", "hook_id", "subscription_id", "p256dh", "auth", "from", "to", "time_zone"}

// stringFields finds the fields of a payload that hold strings, by their JSON names.
func stringFields(t testing.TB, v reflect.Value, found map[string]reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		if f.Anonymous {
			stringFields(t, v.Field(i), found)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		if name == "" {
			t.Errorf("%v.%s has no name in JSON", v.Type(), f.Name)
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		switch ft.Kind() {
		case reflect.String:
			found[name] = v.Field(i)
		case reflect.Struct:
			in := v.Field(i)
			if in.Kind() == reflect.Pointer {
				in.Set(reflect.New(ft))
				in = in.Elem()
			}
			stringFields(t, in, found)
		case reflect.Interface:
			t.Errorf("%v.%s is a %v: teach this test to look into it", v.Type(), f.Name, ft)
		case reflect.Slice:
			if ft.Elem().Kind() == reflect.String {
				if !slices.Contains(notTexts, name) {
					t.Errorf("%v.%s is a list of strings: teach this test to look into it", v.Type(), f.Name)
				}
				continue
			}
			if ft.Elem().Kind() != reflect.Uint8 { // raw JSON, such as request_id
				t.Errorf("%v.%s is a %v: teach this test to look into it", v.Type(), f.Name, ft)
			}
		}
	}
}

// Every payload names every text in it, so that validation and filter see all that people write.
func TestPayloadsNameTheirTexts(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	for _, r := range routes(h.api) {
		in := r.NewIn()
		fields := map[string]reflect.Value{}
		stringFields(t, reflect.ValueOf(in).Elem(), fields)
		for name, f := range fields {
			if f.Kind() == reflect.Pointer {
				f.Set(reflect.New(f.Type().Elem()))
				f = f.Elem()
			}
			f.SetString("of " + name)
		}
		named := map[string]bool{}
		for _, text := range in.(wire.Payload).Texts() {
			named[text.Field] = true
			if text.Value == nil || *text.Value != "of "+text.Field {
				t.Errorf("%s: the text %q is not the field of that name", r.Pattern(), text.Field)
				continue
			}
			*text.Value = "altered" // must reach the handler
			f := fields[text.Field]
			if f.Kind() == reflect.Pointer {
				f = f.Elem()
			}
			if f.String() != "altered" {
				t.Errorf("%s: the text %q is a copy", r.Pattern(), text.Field)
			}
		}
		for name := range fields {
			if !named[name] && !slices.Contains(notTexts, name) {
				t.Errorf("%s: %v has a string %q that is no text; name it in Texts, or in this test when nobody writes it for others", r.Pattern(), r.In(), name)
			}
		}
	}
}

// topicOf fills a pattern's parameters.
func topicOf(pattern string) string {
	return strings.NewReplacer("{room_id}", "r", "{user_id}", "bob", "{message_id}", chat.ID{1}.String(), "{report_id}", "1").Replace(strings.TrimPrefix(pattern, "chat/"))
}

// Every text of every route passes validation and filter before anything is decided.
func TestEveryTextIsJudged(t *testing.T) {
	h := open(t, content.Policy{Profanity: content.ActionReject}, api.Rates{})
	judged := 0
	for _, r := range routes(h.api) {
		for _, bad := range r.NewIn().(wire.Payload).Texts() {
			for _, c := range []struct {
				value string
				code  chat.Code
			}{
				{"what " + profane, chat.Rejected}, {"a\x00b", chat.BadRequest}, {strings.Repeat("x", 4001), chat.TooLarge},
			} {
				payload := map[string]string{}
				for _, text := range r.NewIn().(wire.Payload).Texts() {
					if !text.Optional {
						payload[text.Field] = "fine"
					}
				}
				payload[bad.Field] = c.value
				body, err := json.Marshal(payload)
				if err != nil {
					t.Fatal(err)
				}
				judged++
				_, err = h.ask("root", topicOf(r.Pattern()), string(body))
				e := wire.AsError(err)
				if e == nil || e.Code != c.code || !strings.HasPrefix(e.Message, bad.Field+": ") {
					t.Errorf("%s with a bad %s: %v, want %s", r.Pattern(), bad.Field, err, c.code)
				}
			}
		}
	}
	if judged < 30 {
		t.Errorf("only %d texts were tried", judged)
	}
}

// What the filter makes of a text is what is stored.
func TestTextsAreCleaned(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{}) // masks, flags capitals
	h.says("ann", "message/r", `{"content":"  a `+profane+` e\u0301  "}`, "message_sent")
	h.says("ann", "message/r", `{"content":"WHY DOES NOBODY LISTEN"}`, "message_sent")
	created := h.says("ann", "rooms/create", `{"name":"The `+profane+`","description":"   "}`, "room_created")
	page := h.says("bob", "history/r", `{"limit":2}`, "success")
	messages := page["messages"].([]any)
	first, second := messages[1].(map[string]any), messages[0].(map[string]any)
	if text := first["content"].(string); text != "a ************ é" || first["flagged"] != nil {
		t.Errorf("stored is %q, flagged %v", text, first["flagged"])
	}
	if second["flagged"] != true {
		t.Errorf("capitals are not flagged: %v", second)
	}
	room := created["room_data"].(map[string]any)
	if room["name"] != "The ************" || room["description"] != "" {
		t.Errorf("the room is %v", room)
	}
	h.says("ann", "rooms/r/update", `{"description":"old"}`, "room_updated")
	updated := h.says("ann", "rooms/r/update", `{"description":" "}`, "room_updated")
	if diff := cmp.Diff("", updated["room_data"].(map[string]any)["description"]); diff != "" {
		t.Errorf("emptied: %s", diff)
	}
	if e := h.refuses("ann", "rooms/r/update", `{"name":" "}`, chat.BadRequest); !strings.HasPrefix(e.Message, "name: ") {
		t.Errorf("an empty name: %v", e)
	}
	for _, payload := range []string{"", "{}", `{"content":""}`, `{"content":" \n "}`} {
		if e := h.refuses("ann", "message/r", payload, chat.BadRequest); !strings.HasPrefix(e.Message, "content: ") {
			t.Errorf("%q: %v", payload, e)
		}
	}
	if e := h.refuses("ann", "rooms/create", `{"name":"`+strings.Repeat("n", api.MaxNameLength+1)+`"}`, chat.TooLarge); !strings.HasPrefix(e.Message, "name: ") {
		t.Error(e)
	}
}
