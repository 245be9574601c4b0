// SPDX-License-Identifier: Apache-2.0

package wire_test

import (
	"testing"

	"github.com/go-json-experiment/json"

	"parley/internal/wire"
)

// payloads are all that a client can send.
func payloads() []wire.Payload {
	return []wire.Payload{new(wire.Empty), new(wire.CreateRoom), new(wire.ListRooms), new(wire.RoomInfo), new(wire.UpdateRoom), new(wire.NameUser),
		new(wire.SendMessage), new(wire.History), new(wire.Sync), new(wire.Moderate), new(wire.Sanction), new(wire.ChooseRole), new(wire.UploadFile), new(wire.ShareFile),
		new(wire.EditMessage), new(wire.React), new(wire.Report), new(wire.Versions), new(wire.Thread), new(wire.ListPins), new(wire.ListReports), new(wire.CloseReport),
		new(wire.FindUsers), new(wire.UpdateProfile), new(wire.ChangePassword), new(wire.ProvePassword), new(wire.ExportAccount)}
}

// No payload panics, whatever comes; what was read can be written.
func FuzzPayloads(f *testing.F) {
	for _, s := range []string{
		`{}`, ``, `null`, `[]`, `{"content":"hi","client_msg_id":"k","request_id":[1,{"a":null}]}`, `{"before":1e400}`, `{"before":"x","limit":-1}`,
		`{"rooms":{"a":18446744073709551616}}`, `{"rooms":{"a":1,"a":2}}`, `{"after_seq":null,"before":-0}`, `{"name":null,"slow_mode":1e2}`,
		`{"duration":9223372036854775808}`, "{\"content\":\"\xff\"}", `{"history_visibility":"x","read_only":"true"}`, `{"request_id":"\ud800"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, p := range payloads() {
			err := json.Unmarshal(b, p)
			_ = wire.RequestIDOf(p, b)
			_ = wire.RequestIDOf(nil, b)
			for _, text := range p.Texts() {
				if text.Value != nil {
					*text.Value += "!"
				}
			}
			if err != nil {
				continue
			}
			if _, err := json.Marshal(p); err != nil {
				t.Errorf("%T read from %q cannot be written: %v", p, b, err)
			}
		}
	})
}
