// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"parley/client"
)

// followed runs tail on events that have come, and gives what it prints.
func followed(t *testing.T, c *tailCommand, events ...string) (stdout, stderr string, err error) {
	t.Helper()
	came := make(chan client.Event, len(events))
	for _, raw := range events {
		var e client.Event
		if err := json.Unmarshal([]byte(raw), &e); err != nil {
			t.Fatal(err)
		}
		came <- e
	}
	close(came)
	var out, said bytes.Buffer
	err = c.follow(t.Context(), &process{stdout: &out, stderr: &said}, came, "general", 5)
	return out.String(), said.String(), err
}

const (
	tailOld     = `{"type":"text","room_id":"general","seq":5,"sender_name":"Bob","content":"old"}`
	tailNew     = `{"type":"text","room_id":"general","seq":6,"sender_name":"Bob","content":"new"}`
	tailOther   = `{"type":"text","room_id":"cellar","seq":9,"sender_name":"Bob","content":"elsewhere"}`
	tailReset   = `{"type":"reset","epoch":2}`
	tailCut     = `{"type":"sync_required","room_id":"general","first_seq":6,"last_seq":9}`
	tailRemoved = `{"type":"removed_from_room","room_id":"user:ann","seq":3,"reason":"kicked: too loud","room":{"room_id":"general"}}`
	tailDeleted = `{"type":"room_deleted","room_id":"user:ann","seq":3,"room":{"room_id":"general"}}`
	tailMoved   = `{"type":"removed_from_room","room_id":"user:ann","seq":3,"reason":"left","room":{"room_id":"cellar"}}`
)

func TestTailPrintsWhatIsNew(t *testing.T) {
	t.Parallel()
	out, said, err := followed(t, &tailCommand{Room: "general"}, tailOld, tailOther, tailMoved, tailNew)
	if err != nil || said != "" || strings.Contains(out, "old") || strings.Contains(out, "elsewhere") || !strings.HasSuffix(out, "Bob: new\n") {
		t.Errorf("printed %q, said %q, %v", out, said, err)
	}
}

// It ends, with an error that says why, once nothing can come any more.
func TestTailEndsWithTheMembership(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{tailRemoved: "kicked: too loud", tailDeleted: "it was deleted"} {
		if _, _, err := followed(t, &tailCommand{Room: "general"}, raw, tailNew); err == nil || !strings.Contains(err.Error(), "general: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v", raw, err)
		}
	}
}

// Of other data the seqs begin anew, and what retention took is told.
func TestTailTellsOfGaps(t *testing.T) {
	t.Parallel()
	out, said, err := followed(t, &tailCommand{Room: "general"}, tailReset, tailOld, tailCut)
	if err != nil || !strings.Contains(out, "old") || !strings.Contains(said, "replaced") || !strings.Contains(said, "6 to 9") {
		t.Errorf("printed %q, said %q, %v", out, said, err)
	}
	out, _, err = followed(t, &tailCommand{Room: "general", JSON: true}, tailCut)
	if err != nil || out != tailCut+"\n" {
		t.Errorf("printed %q, %v", out, err)
	}
}
