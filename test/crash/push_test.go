// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// calls are the notifications that a webhook got.
type calls struct {
	t *testing.T

	mu       sync.Mutex
	ids      map[string][]string // by text: the webhook-id of each call
	hold     bool                // the next one is not answered
	answered chan string
	held     chan string
}

func (c *calls) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the server died in the middle of it
	}
	var hook struct {
		Type string
		Data struct{ Content string }
	}
	if err := json.Unmarshal(body, &hook); err != nil || hook.Type != "notification.message" {
		c.t.Errorf("a call of %s (%v)", body, err)
		return
	}
	text := hook.Data.Content
	c.mu.Lock()
	c.ids[text] = append(c.ids[text], r.Header.Get("Webhook-Id"))
	hold := c.hold
	c.hold = false
	c.mu.Unlock()
	if hold {
		c.held <- text
		<-r.Context().Done()
		return
	}
	c.answered <- text
}

// all waits until each of the texts was answered.
func (c *calls) all(texts map[string]bool) {
	c.t.Helper()
	deadline := time.After(time.Minute)
	for len(texts) > 0 {
		select {
		case text := <-c.answered:
			delete(texts, text)
		case <-deadline:
			c.t.Fatalf("%d notifications are lost: %v", len(texts), texts)
		}
	}
}

// TestPushOutlivesKills kills the server before the notifications of acknowledged messages are due, and again while one is sent.
// In the end all of them have come; the one that was cut off came again, with the id that it had, and none that was settled before.
func TestPushOutlivesKills(t *testing.T) {
	t.Parallel()
	const each = 20
	c := &calls{t: t, ids: map[string][]string{}, answered: make(chan string, 10*each), held: make(chan string, 1)}
	hook := httptest.NewTLSServer(c)
	t.Cleanup(hook.Close)
	dir := t.TempDir()
	roots, clock := filepath.Join(dir, "hook.pem"), filepath.Join(dir, "clock")
	write := func(file string, data []byte) {
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hook.Certificate().Raw}))
	write(clock, []byte("0s"))
	server := systemtest.StartProcess(t, systemtest.Dir(t), "env", systemtest.HooksVariable+"="+roots, systemtest.ClockVariable+"="+clock)
	tokens := server.AddUsers("alice", "bob")
	device := func(user string) *systemtest.Device {
		d := systemtest.DeviceOn(t, mqtttest.Dial(t, server.Addr("mqtt")), user)
		d.Login(mqtttest.As(user, tokens[user]))
		d.Listen(1)
		return d
	}
	bob := device("bob")
	bob.Do("push/subscribe", fmt.Sprintf(`{"type":"webhook","endpoint":%q}`, hook.URL))
	bob.Disconnect()
	say := func(what string) map[string]bool {
		texts, alice := map[string]bool{}, device("alice")
		for i := range each {
			text := fmt.Sprintf("%s %d", what, i)
			alice.Do("private/bob", fmt.Sprintf(`{"content":%q}`, text))
			texts[text] = true
		}
		return texts
	}

	early := say("early")
	server.Kill() // none is due yet
	server.Restart()
	c.all(early)

	late := say("late")
	c.mu.Lock()
	c.hold = true
	c.mu.Unlock()
	var cut string
	select {
	case cut = <-c.held:
	case <-time.After(time.Minute):
		t.Fatal("nothing is sent after the restart")
	}
	server.Kill()
	write(clock, []byte("2m")) // what was under way is free again
	server.Restart()
	c.all(late)
	server.Stop()

	c.mu.Lock()
	defer c.mu.Unlock()
	again := 0
	for text, ids := range c.ids {
		for _, id := range ids[1:] {
			if id != ids[0] {
				t.Errorf("%q came as %s, and again as %s", text, ids[0], id)
			}
		}
		if again += len(ids) - 1; text[:5] == "early" && len(ids) != 1 {
			t.Errorf("%q was settled long before the kill and came %d times", text, len(ids))
		}
	}
	if len(c.ids) != 2*each || len(c.ids[cut]) != 2 {
		t.Errorf("%d notifications, want %d; the one that was cut off came %d times, want 2", len(c.ids), 2*each, len(c.ids[cut]))
	}
	t.Logf("%d notifications, %d of them sent again", len(c.ids), again)
}
