// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// TestFullDisk fills the file system of the data directory: `unavailable` of section 4. What is sent then is not acknowledged and its
// connection is closed with 0x89, so that any client's outbox sends again; those who only listen or read do not notice; nothing
// acknowledged is lost; with space again everything goes on by itself.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	dir := systemtest.Dir(t)
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
		systemtest.Missing(t, fmt.Sprintf("mounting a small file system needs root: %v", err))
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := systemtest.Start(t, systemtest.Config{Dir: dir})
	alice, bob := s.Device(t, "alice"), s.Device(t, "bob")
	alice.Create("r", "public", bob)
	ballast := filepath.Join(dir, "ballast")
	load(t, ballast, 10<<20)
	kept := fill(t, alice, "filling", 16)
	if len(kept) == 0 || len(kept) == enough {
		t.Fatalf("%d of %d messages were acknowledged", len(kept), enough)
	}
	rest := filepath.Join(dir, "rest")
	load(t, rest, 16<<20)
	// What the log had been given before it could not be completed still takes small changes.
	kept = append(kept, fill(t, s.Device(t, "alice"), "small", 1)...)
	// Others go on, as far as nothing has to be written.
	bob.Ping()
	haveHistory(t, bob, kept)
	carol := s.Device(t, "carol")
	carol.Do("rooms/list", "{}")
	// Sending again does not help yet. At QoS 0 there is only the reply.
	again := s.Device(t, "alice")
	again.Publish("chat/message/r", 0, `{"content":"`+text(0, "at QoS 0")+`","request_id":"q0"}`)
	if r := again.Reply("q0"); r.Error.Code != "unavailable" {
		t.Errorf("at QoS 0 on a full disk: %s %+v", r.Status, r.Error)
	}
	again.Publish("chat/message/r", 2, text(1, "again"))
	again.EndsWith(packet.ServerBusy)

	for _, file := range []string{ballast, rest} {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	if code := status(t, s, "/readyz"); code != http.StatusOK {
		t.Errorf("/readyz answers %d with space again", code)
	}
	alice = s.Device(t, "alice")
	alice.Say("r", text(2, "space again"))
	kept = append(kept, text(2, "space again"))
	bob.Next(systemtest.Says(text(2, "space again")))
	haveHistory(t, bob, kept)
	s.Restart()
	haveHistory(t, s.Device(t, "bob"), kept)
}

// load writes so many bytes into a file, or as many as there is space for.
func load(t *testing.T, file string, size int) {
	t.Helper()
	err := os.WriteFile(file, bytes.Repeat([]byte("x"), size), 0o600)
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
}

// enough messages overflow any disk of this test.
const enough = 5000

func text(i int, what string) string {
	if what == "small" {
		return fmt.Sprint("small ", i)
	}
	return fmt.Sprintf("%d %s %s", i, what, strings.Repeat(".", 3000))
}

// fill sends, so many in flight, until the connection ends, and returns what was acknowledged.
func fill(t *testing.T, d *systemtest.Device, what string, window int) (kept []string) {
	t.Helper()
	d.Unsubscribe(d.Topic("#"))
	sent := map[uint16]string{}
	for i := range enough {
		for len(sent) >= window {
			p := d.Take("PUBACK or the end", func(p *mqtttest.Packet) bool { return p.Type == packet.PUBACK || p.Type == packet.DISCONNECT })
			if p.Type == packet.DISCONNECT {
				if p.Disconnect.Code != packet.ServerBusy {
					t.Fatalf("%s, want server busy", p)
				}
				if p := d.TakeNow(mqtttest.OfType(packet.PUBACK)); p != nil {
					t.Fatalf("%s behind the DISCONNECT", p)
				}
				return kept
			}
			if p.Ack.Code.Failed() {
				t.Fatalf("refused: %s", p)
			}
			kept = append(kept, sent[p.Ack.PacketID])
			delete(sent, p.Ack.PacketID)
		}
		b, id := d.Encode(nil, "chat/message/r", 1, text(i, what))
		sent[id] = text(i, what)
		if err := d.Write(b); err != nil && !mqtttest.IsEnd(err) {
			t.Fatal(err)
		}
	}
	return kept
}

// haveHistory checks that messages are in the history, each once, in the order given.
func haveHistory(t *testing.T, d *systemtest.Device, want []string) {
	t.Helper()
	var have []string
	for after, more := uint64(0), true; more; {
		r := d.Do("history/r", fmt.Sprintf(`{"after_seq":%d,"limit":200}`, after))
		for _, m := range r.Messages {
			if m.Type == "text" {
				have = append(have, m.Content)
			}
		}
		after, more = r.Covers[1], r.HasMore
	}
	at := map[string]int{}
	for i, text := range have {
		if before, twice := at[text]; twice {
			t.Fatalf("%.40q is in the history as number %d and %d", text, before, i)
		}
		at[text] = i
	}
	last := -1
	for _, text := range want {
		i, ok := at[text]
		if !ok {
			t.Fatalf("%.40q was acknowledged and is not in the history of %d", text, len(have))
		}
		if i < last {
			t.Fatalf("%.40q is out of order", text)
		}
		last = i
	}
}

func status(t *testing.T, s *systemtest.Server, path string) int {
	t.Helper()
	r, err := http.Get("http://" + s.Addr("ops") + path)
	if err != nil {
		t.Fatal(err)
	}
	r.Body.Close()
	return r.StatusCode
}
