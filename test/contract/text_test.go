// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"parley/internal/app"
	"parley/internal/content"
	"parley/test/systemtest"
)

// judging starts a server on which "frell" is on the word list and bad.example is suspicious.
func judging(t *testing.T, profanity content.Action) *systemtest.Server {
	t.Helper()
	words := t.TempDir()
	if err := os.WriteFile(filepath.Join(words, "en.txt"), []byte("frell\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return systemtest.Start(t, systemtest.Config{Change: func(c *app.Config) {
		c.Access.Registration = app.RegistrationOpen
		c.Content.Words, c.Content.Profanity, c.Content.SuspiciousHosts = words, profanity, []string{"bad.example"}
	}})
}

// Section 7: the filter sees the name that somebody registers with, as it sees a later one.
func TestRegistrationIsFiltered(t *testing.T) {
	t.Parallel()
	s := judging(t, content.ActionMask)
	register := func(s *systemtest.Server, user, name string) *systemtest.Answer {
		t.Helper()
		return s.HTTP(t, http.MethodPost, "", "auth/register", `{"user_id":"`+user+`","password":"correct horse","display_name":"`+name+`"}`)
	}
	if a := register(s, "eve", "Frell Eve"); a.Status != http.StatusOK || !strings.Contains(string(a.Body), `"display_name":"***** Eve"`) {
		t.Errorf("masked: %d %s", a.Status, a.Body)
	}
	if a := register(s, "ivy", strings.Repeat("x", 101)); a.Status != http.StatusRequestEntityTooLarge {
		t.Errorf("too long: %d %s", a.Status, a.Body)
	}
	strict := judging(t, content.ActionReject)
	if a := register(strict, "eve", "Frell Eve"); a.Status != http.StatusUnprocessableEntity || !strings.Contains(string(a.Body), `"code":"rejected"`) {
		t.Errorf("rejected: %d %s", a.Status, a.Body)
	}
	if a := register(strict, "eve", "Eve"); a.Status != http.StatusOK {
		t.Errorf("a name that is not on a list: %d %s", a.Status, a.Body)
	}
}

// Section 7: links to suspicious hosts are flagged and enter the moderation queue, whichever way the text came.
func TestSuspiciousLinksAreReported(t *testing.T) {
	t.Parallel()
	s := judging(t, content.ActionMask)
	alice, bob := s.Device(t, "alice"), s.Device(t, "bob")
	alice.Create("r", "public", bob)
	said := bob.Say("r", "hello")
	bob.Do("message/r", `{"content":"look at http://good.example@sub.BAD.example/x"}`)
	bob.Do("message/"+said.MessageID+"/reply", `{"content":"bad.example"}`)
	bob.Do("message/"+said.MessageID+"/edit", `{"content":"hello https://bad.example"}`)
	bob.Do("message/r", `{"content":"notbad.example, THIS IS LOUD"}`)
	var queue struct {
		Reports []struct {
			Content    string `json:"content"`
			ReporterID string `json:"reporter_id"`
			SenderID   string `json:"sender_id"`
			Reason     string `json:"reason"`
		} `json:"reports"`
	}
	if err := json.Unmarshal(alice.Do("admin/reports/list", `{"room_id":"r"}`).Packet.Publish.Payload, &queue); err != nil {
		t.Fatal(err)
	}
	want := []string{"hello https://bad.example", "bad.example", "look at http://good.example@sub.BAD.example/x"} // the latest first
	if len(queue.Reports) != len(want) {
		t.Fatalf("the queue is %+v", queue.Reports)
	}
	for i, r := range queue.Reports {
		if r.Content != want[i] || r.ReporterID != "system" || r.SenderID != "bob" || r.Reason == "" {
			t.Errorf("report %d: %+v", i, r)
		}
	}
}
