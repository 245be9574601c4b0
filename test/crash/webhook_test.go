// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
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

// TestWebhookOutlivesKills kills the server while a webhook is sent what a room says. In the end it has all of it, in order; what
// was sent again after a kill has the id that it had.
func TestWebhookOutlivesKills(t *testing.T) {
	t.Parallel()
	const kills, each = 5, 40
	var mu sync.Mutex
	ids := map[uint64]string{}
	var last, repeats uint64
	arrived := make(chan uint64, kills*each*10)
	bot := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var hook struct {
			Type string
			Data struct {
				RoomID string `json:"room_id"`
				Seq    uint64
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&hook); err != nil {
			return // the server died in the middle of it
		}
		if hook.Data.RoomID != "r" {
			return
		}
		mu.Lock()
		defer mu.Unlock()
		id := r.Header.Get("Webhook-Id")
		switch known := ids[hook.Data.Seq]; {
		case known != "" && known != id:
			t.Errorf("seq %d came as %s, and before as %s", hook.Data.Seq, id, known)
		case known != "":
			repeats++
			last = hook.Data.Seq // what follows may be repeated, too
			return
		case last != 0 && hook.Data.Seq != last+1:
			t.Errorf("seq %d came after %d", hook.Data.Seq, last)
		}
		ids[hook.Data.Seq], last = id, hook.Data.Seq
		arrived <- hook.Data.Seq
	}))
	t.Cleanup(bot.Close)
	roots := filepath.Join(t.TempDir(), "bot.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: bot.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	server := systemtest.StartProcess(t, systemtest.Dir(t), "env", systemtest.HooksVariable+"="+roots)
	tokens := server.AddUsers("alice", "bob")
	device := func(user string) *systemtest.Device {
		d := systemtest.DeviceOn(t, mqtttest.Dial(t, server.Addr("mqtt")), user)
		d.Login(mqtttest.As(user, tokens[user]))
		d.Listen(1)
		return d
	}
	alice, bob := device("alice"), device("bob")
	alice.Create("r", "public", bob)
	bob.Do("push/subscribe", fmt.Sprintf(`{"type":"webhook","events":"messages","endpoint":%q}`, bot.URL))
	var head uint64
	for range kills {
		for i := range each {
			head = alice.Say("r", fmt.Sprint(i)).Seq
		}
		server.Kill()
		server.Restart()
		alice = device("alice")
	}
	deadline := time.After(3 * time.Minute)
	for done := false; !done; {
		select {
		case seq := <-arrived:
			done = seq == head
		case <-deadline:
			mu.Lock()
			defer mu.Unlock()
			t.Fatalf("%d events came, up to %d, want up to %d", len(ids), last, head)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(ids) < kills*each {
		t.Errorf("%d events came, want %d at least", len(ids), kills*each)
	}
	t.Logf("%d kills, %d events, %d of them sent again", kills, len(ids), repeats)
}
