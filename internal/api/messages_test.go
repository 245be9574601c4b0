// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

// The whole life of a message as clients see it.
func TestMessagesThroughTheTable(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	id := h.says("bob", "message/r", `{"content":"hello @ann, and @nobody"}`, "message_sent")["message_id"].(string)
	about := func(what string) string { return "message/" + id + "/" + what }
	h.refuses("ann", about("edit"), `{"content":"mine"}`, chat.Forbidden)
	h.refuses("bob", about("edit"), `{"content":" "}`, chat.BadRequest)
	if r := h.says("bob", about("edit"), `{"content":"hello `+profane+`"}`, "message_edited"); r["seq"] != 4. || r["message_id"] != id || r["room_id"] != "r" {
		t.Error(r)
	}
	h.says("bob", about("edit"), `plain text`, "message_edited")
	for _, emoji := range []string{"", "x", "👍👍", "<script>"} {
		if e := h.refuses("ann", about("react"), `{"emoji":"`+emoji+`"}`, chat.BadRequest); !strings.HasPrefix(e.Message, "emoji: ") {
			t.Error(e)
		}
	}
	h.says("ann", about("react"), `{"emoji":"❤"}`, "reaction_added")
	r := h.says("bob", about("react"), `{"emoji":"❤️"}`, "reaction_added")
	if diff := cmp.Diff(map[string]any{"❤️": []any{"ann", "bob"}}, r["reactions"]); diff != "" {
		t.Error(diff)
	}
	r = h.says("bob", about("unreact"), `{"emoji":"❤"}`, "reaction_removed")
	if diff := cmp.Diff(map[string]any{"❤️": []any{"ann"}}, r["reactions"]); diff != "" {
		t.Error(diff)
	}
	if r := h.says("bob", about("unreact"), `{"emoji":"❤"}`, "reaction_removed"); r["seq"] != nil {
		t.Errorf("nothing to take back: %v", r)
	}
	h.refuses("bob", about("pin"), ``, chat.Forbidden)
	h.says("ann", about("pin"), ``, "pinned")
	pins := h.says("bob", "rooms/r/pins", ``, "success")["pins"].([]any)
	if len(pins) != 1 || pins[0].(map[string]any)["pinned_by"] != "ann" || pins[0].(map[string]any)["message"].(map[string]any)["content"] != "plain text" {
		t.Errorf("pinned: %v", pins)
	}
	h.says("ann", about("unpin"), ``, "unpinned")
	h.says("ann", about("reply"), `an answer`, "message_sent")
	thread := h.says("bob", "thread/"+id, ``, "success")
	if thread["thread_id"] != id || thread["root"].(map[string]any)["content"] != "plain text" || len(thread["messages"].([]any)) != 1 || thread["has_more"] != false {
		t.Errorf("the thread: %v", thread)
	}
	h.refuses("bob", "thread/"+id, `{"after_seq":1,"before_seq":2}`, chat.BadRequest)
	h.refuses("ann", about("report"), `{}`, chat.BadRequest)
	h.says("ann", about("report"), `{"reason":"a reason"}`, "reported")
	report := h.says("ann", "admin/reports/list", `{"room_id":"r"}`, "success")["reports"].([]any)[0].(map[string]any)
	if report["content"] != "plain text" || report["reason"] != "a reason" || report["reporter_id"] != "ann" || report["sender_id"] != "bob" || report["status"] != "open" {
		t.Errorf("the report: %v", report)
	}
	h.refuses("ann", "admin/reports/list", ``, chat.Forbidden)
	h.refuses("root", "admin/reports/list", `{"status":"new"}`, chat.BadRequest)
	closing := fmt.Sprintf("admin/reports/%v/close", report["report_id"])
	h.refuses("root", closing, `{"status":"open"}`, chat.BadRequest)
	h.refuses("root", "admin/reports/x/close", `{"status":"resolved"}`, chat.NotFound)
	if r := h.says("root", closing, `{"status":"resolved"}`, "report_closed"); r["outcome"] != "resolved" || r["report_id"] != report["report_id"] {
		t.Error(r)
	}
	if open := h.says("root", "admin/reports/list", ``, "success")["reports"].([]any); len(open) != 0 {
		t.Errorf("still open: %v", open)
	}
	closed := h.says("root", "admin/reports/list", `{"status":"all"}`, "success")["reports"].([]any)[0].(map[string]any)
	if closed["closed_by"] != "root" || closed["content"] != nil {
		t.Errorf("the closed report: %v", closed)
	}
	h.refuses("bob", about("versions"), ``, chat.Forbidden)
	versions := h.says("ann", about("versions"), ``, "success")["versions"].([]any)
	if len(versions) != 2 || versions[0].(map[string]any)["content"] != "hello ************" || versions[1].(map[string]any)["content"] != "hello @ann, and @nobody" {
		t.Errorf("versions: %v", versions)
	}
	h.says("ann", about("delete"), ``, "message_deleted")
	h.says("ann", about("delete"), ``, "message_deleted")
	h.refuses("bob", about("edit"), `{"content":"again"}`, chat.Conflict)
	h.refuses("bob", "message/nonsense/edit", `{"content":"again"}`, chat.BadRequest)

	events := h.says("ann", "sync", `{"rooms":{"r":2}}`, "success")["events"].([]any)
	var kinds []string
	for _, e := range events {
		e := e.(map[string]any)
		kinds = append(kinds, e["type"].(string))
		if e["content"] != nil && strings.Contains(e["content"].(string), "plain") {
			t.Errorf("deleted text comes with %v", e)
		}
	}
	want := "text message_edited message_edited reaction_added reaction_added reaction_removed message_pinned message_unpinned text message_deleted"
	if diff := cmp.Diff(want, strings.Join(kinds, " ")); diff != "" {
		t.Error(diff)
	}
}
