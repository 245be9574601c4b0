// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// admin/stats and /metrics tell who is connected, and how.
func TestStatsTellWhatRuns(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	s.Device(t, "bob", mqtttest.ID("phone"), mqtttest.Keep(3600)).Disconnect()
	stream := listen(t, s, s.Token("carol"), "", "")
	alice.Say("r", "hello")
	var got struct {
		Timestamp, Uptime float64
		StartedAt         float64 `json:"started_at"`
		Accounts          struct{ Total, Administrators, Active int }
		Rooms             struct{ Public, Private, Direct int }
		Messages          int
		Connections       struct{ MQTT, MQTTS, WebSocket, SSE int }
		Sessions          struct{ Away int }
		Storage           struct{ Database, Search, Files int64 }
		Requests          map[string]int
		Commits           struct {
			Total, Changes, Events, Failed uint64
			P50, P99                       float64
		}
	}
	reply, err := json.Marshal(web(t, s, systemtest.Root, "admin/stats", ""))
	if err == nil {
		err = json.Unmarshal(reply, &got)
	}
	if err != nil {
		t.Fatal(err)
	}
	if got.Accounts.Total != 4 || got.Accounts.Administrators != 1 || got.Rooms.Public != 1 || got.Messages != 1 {
		t.Errorf("what is stored: %+v", got)
	}
	if got.Connections.MQTT < 2 || got.Connections.MQTTS != 0 || got.Connections.SSE != 1 || got.Sessions.Away != 1 {
		t.Errorf("who is connected: %+v, away: %+v", got.Connections, got.Sessions)
	}
	if got.StartedAt == 0 || got.StartedAt > got.Timestamp || got.Uptime <= 0 || got.Storage.Database == 0 || got.Storage.Search == 0 {
		t.Errorf("of the server: %+v", got)
	}
	if c := got.Commits; c.Total == 0 || c.Changes < c.Total || c.Events == 0 || c.Failed != 0 || c.P50 <= 0 || c.P99 < c.P50 || got.Requests["ok"] == 0 {
		t.Errorf("what was done: %+v, %v", c, got.Requests)
	}
	metric := func(line string) {
		t.Helper()
		resp, err := http.Get("http://" + s.Addr("ops") + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("/metrics (%v) has no line %q", err, line)
		}
	}
	metric("parley_streams 1")
	stream.close()
}

// Who becomes an administrator is one at once, on the connection that is there, and hears of it.
func TestRoleChangesAtOnce(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	root := s.Device(t, systemtest.Root)
	alice.Refused("forbidden", "admin/audit/list", "")
	root.Do("admin/users/alice/promote", `{"reason":"on call"}`)
	alice.Do("admin/audit/list", "")
	told := alice.Next(systemtest.Kind("account_moderated"))
	if body := string(told.Packet.Publish.Payload); !strings.Contains(body, `"action":"role_changed"`) || !strings.Contains(body, `"role":"administrator"`) {
		t.Errorf("told: %s", body)
	}
	alice.Do("admin/users/root/demote", "")
	root.Refused("forbidden", "admin/audit/list", "")
	alice.Refused("conflict", "admin/users/alice/demote", "")
}
