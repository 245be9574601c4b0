// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"encoding/json"
	"slices"
	"testing"

	"parley/internal/chat"
	"parley/internal/wire"
)

// What is found shrinks to fit, from its older end, and says where to go on.
func TestFoundShrinks(t *testing.T) {
	t.Parallel()
	found := &chat.Found{}
	for seq := uint64(8); seq > 0; seq-- {
		e := &chat.Event{RoomNum: 3, RoomID: "r", Seq: seq, Kind: chat.Text, Actor: "ann", At: chat.Time(seq), Content: "a word", ClientMsgID: "secret"}
		found.Hits = append(found.Hits, chat.Hit{Event: e, Snippet: "a «word»\n\"\\"})
	}
	scope := chat.SearchScope{Room: &chat.Room{ID: "r"}, From: 1, To: 9}

	room := wire.FoundInRoomOf(found, scope, 7, "bob")
	body, ok := wire.EncodeReply(room, 1000)
	var got struct {
		Messages []map[string]any `json:"messages"`
		Covers   [2]uint64        `json:"covers"`
		HasMore  bool             `json:"has_more"`
		Before   string           `json:"before"`
	}
	if err := json.Unmarshal(body, &got); err != nil || !ok {
		t.Fatal(err, ok)
	}
	n := len(got.Messages)
	if n == 0 || n == 8 || !got.HasMore || got.Covers != [2]uint64{uint64(8 - n + 1), 9} {
		t.Errorf("got %s", body)
	}
	if m := got.Messages[0]; m["snippet"] != "a «word»\n\"\\" || m["content"] != "a word" || m["client_msg_id"] != nil {
		t.Errorf("a hit is %v", m)
	}

	all := wire.FoundOf(found, 7, "ann")
	body, ok = wire.EncodeReply(all, 1000)
	if err := json.Unmarshal(body, &got); err != nil || !ok {
		t.Fatal(err, ok)
	}
	mark, err := chat.ParseMark(got.Before)
	if n = len(got.Messages); err != nil || n == 0 || n == 8 || !got.HasMore || mark != (chat.Mark{At: chat.Time(8 - n + 1), Room: 3, Seq: uint64(8 - n + 1)}) {
		t.Errorf("got %s, %v", body, mark)
	}
	if rooms := all.About(); !slices.Equal(rooms, []chat.RoomID{"r"}) {
		t.Errorf("it is about %v", rooms)
	}
	if empty := wire.FoundInRoomOf(&chat.Found{}, chat.SearchScope{Room: scope.Room, From: 5, To: 4}, 7, "bob"); empty.Covers != [2]uint64{} {
		t.Errorf("an empty part covers %v", empty.Covers)
	}
}
