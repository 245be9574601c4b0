// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"slices"
	"strings"
	"testing"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/content"
)

func TestSearch(t *testing.T) {
	h := open(t, content.Policy{}, api.Rates{})
	h.says("ann", "rooms/create", `{"name":"One","room_id":"one"}`, "room_created")
	h.says("ann", "rooms/create", `{"name":"Two","room_id":"two","type":"private"}`, "room_created")
	h.says("ann", "message/one", "The «first» apple", "message_sent")
	h.says("ann", "message/two", "an apple a day", "message_sent")
	h.says("ann", "message/one", "Äpple & pear", "message_sent")

	page := h.says("ann", "search/one", `{"query":"apple","limit":1}`, "success")
	hit := page["messages"].([]any)[0].(map[string]any)
	if hit["snippet"] != "«Äpple» & pear" || hit["content"] != "Äpple & pear" || hit["type"] != "text" || hit["sender_id"] != "ann" ||
		page["has_more"] != true || page["room_id"] != "one" || page["count"] != 1.0 {
		t.Errorf("got %v", page)
	}
	covers := page["covers"].([]any)
	if covers[0] != 3.0 || covers[1] != 3.0 {
		t.Errorf("covers %v", covers)
	}
	page = h.says("ann", "search/one", `{"query":"apple","limit":5,"before_seq":3}`, "success")
	if got := page["messages"].([]any); len(got) != 1 || got[0].(map[string]any)["snippet"] != "The ‹first› «apple»" || page["has_more"] != false {
		t.Errorf("got %v", page)
	}

	var found []string
	before := ""
	for range 3 {
		page = h.says("ann", "search", `{"query":"app*","limit":1,"before":"`+before+`"}`, "success")
		for _, m := range page["messages"].([]any) {
			found = append(found, m.(map[string]any)["content"].(string))
		}
		before, _ = page["before"].(string)
		if (before != "") != page["has_more"].(bool) {
			t.Errorf("before %q of %v", before, page)
		}
	}
	if want := []string{"Äpple & pear", "an apple a day", "The «first» apple"}; !slices.Equal(found, want) {
		// Messages of the same moment are in the order of their rooms.
		slices.Sort(found)
		slices.Sort(want)
		if !slices.Equal(found, want) {
			t.Errorf("found %q", found)
		}
	}

	h.refuses("bob", "search/two", `{"query":"apple"}`, chat.NotFound)
	h.refuses("bob", "search/one", `{"query":"apple"}`, chat.NotMember)
	if got := h.says("bob", "search", `{"query":"apple"}`, "success"); len(got["messages"].([]any)) != 0 {
		t.Errorf("a stranger found %v", got)
	}
	for payload, field := range map[string]string{`{}`: "query", `{"query":"?!"}`: "query", `{"query":"a","before":"x"}`: "before",
		`{"query":"a","sender_id":"A B"}`: "sender_id", `{"query":"a","limit":-1}`: "limit", `{"query":"a","from":2,"to":1}`: "from"} {
		if e := h.refuses("ann", "search", payload, chat.BadRequest); !strings.HasPrefix(e.Message, field+":") {
			t.Errorf("%s: %q does not name %s", payload, e.Message, field)
		}
	}
}
