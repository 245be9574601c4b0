// SPDX-License-Identifier: Apache-2.0

//go:build linux

package crash

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// TestSyncPrecedesAcknowledgement looks at the system calls of a server that takes one message after another: between the read that
// brings a PUBLISH and the write of its PUBACK, the write-ahead log is written and then synced. With the settings of the database
// (the store's own tests read them back) that is what survives a power cut.
func TestSyncPrecedesAcknowledgement(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		systemtest.Missing(t, "the order of system calls needs strace")
	}
	trace := filepath.Join(t.TempDir(), "trace")
	wrap := []string{strace, "-f", "-y", "-xx", "-s", "300", "-o", trace,
		"-e", "trace=read,write,writev,sendto,pwrite64,pwritev,fsync,fdatasync"}
	if out, err := exec.Command(strace, "-f", "-o", os.DevNull, "true").CombinedOutput(); err != nil {
		systemtest.Missing(t, fmt.Sprintf("strace does not work here: %v: %s", err, out))
	}
	server := systemtest.StartProcess(t, systemtest.Dir(t), wrap...)
	tokens := server.AddUsers("alice")
	alice := systemtest.DeviceOn(t, mqtttest.Dial(t, server.Addr("mqtt")), "alice")
	alice.Login(mqtttest.As("alice", tokens["alice"]))
	alice.Listen(1)
	alice.Create("r", "public")
	alice.Unsubscribe(alice.Topic("#")) // no replies and deliveries between

	var sends []traced
	for i := range 20 {
		text := fmt.Sprintf("durable message %d.", i)
		for qos := byte(1); qos <= 2; qos++ {
			one := traced{text: fmt.Sprintf("%s%d", text, qos), qos: qos}
			one.id = alice.Publish("chat/message/r", qos, one.text)
			alice.Ack(one.id)
			sends = append(sends, one)
		}
	}
	server.Stop()

	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	calls := parseTrace(string(text))
	for _, s := range sends {
		if err := s.check(calls); err != nil {
			t.Fatalf("%q: %v", s.text, err)
		}
	}
	// The check itself: an acknowledgement that does not wait is found.
	late := sends[0]
	var reordered []call
	for _, c := range calls {
		if !c.syncs() {
			reordered = append(reordered, c)
		}
	}
	if late.check(reordered) == nil {
		t.Error("the check passes without a sync")
	}
}

// traced is a send whose system calls are looked for.
type traced struct {
	text string
	id   uint16
	qos  byte
}

// call is a system call: when it began and when it had ended, as line numbers of the trace.
type call struct {
	name, args, result string
	began, ended       int
}

func (c *call) syncs() bool {
	return (c.name == "fdatasync" || c.name == "fsync") && strings.Contains(c.args, hexed("parley.db-wal")) && c.result == "0"
}

func (c *call) writesLog() bool {
	return strings.HasPrefix(c.name, "pwrite") && strings.Contains(c.args, hexed("parley.db-wal"))
}

var (
	whole      = regexp.MustCompile(`^(\d+) +(\w+)\((.*)\) += (\S+)`)
	unfinished = regexp.MustCompile(`^(\d+) +(\w+)\((.*) <unfinished \.\.\.>`)
	resumed    = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (\S+)`)
)

// parseTrace joins calls that other threads' calls interrupted in the output.
func parseTrace(text string) []call {
	var calls []call
	open := map[string]call{}
	for n, line := range strings.Split(text, "\n") {
		if m := whole.FindStringSubmatch(line); m != nil {
			calls = append(calls, call{m[2], m[3], m[4], n, n})
		} else if m := unfinished.FindStringSubmatch(line); m != nil {
			open[m[1]] = call{name: m[2], args: m[3], began: n}
		} else if m := resumed.FindStringSubmatch(line); m != nil {
			c := open[m[1]]
			c.args, c.result, c.ended = c.args+m[3], m[4], n
			calls = append(calls, c)
			delete(open, m[1])
		}
	}
	return calls
}

// hexed is how -xx shows bytes.
func hexed(b string) string {
	var out strings.Builder
	for i := range len(b) {
		fmt.Fprintf(&out, `\x%02x`, b[i])
	}
	return out.String()
}

func (s *traced) check(calls []call) error {
	content := hexed(s.text)
	read, logged, synced, acknowledged := -1, -1, -1, -1
	first := byte(0x40)
	if s.qos == 2 {
		first = 0x50
	}
	packet := `"` + hexed(string([]byte{first, 2, byte(s.id >> 8), byte(s.id)}))
	for _, c := range calls {
		switch {
		case read < 0:
			if c.name == "read" && strings.Contains(c.args, content) {
				read = c.ended
			}
		case acknowledged < 0 && (c.name == "write" || c.name == "sendto" || c.name == "writev") && strings.Contains(c.args, packet):
			acknowledged = c.began
		}
	}
	for _, c := range calls {
		if c.writesLog() && c.began > read && (acknowledged < 0 || c.ended < acknowledged) {
			logged = max(logged, c.ended)
		}
	}
	for _, c := range calls {
		if c.syncs() && logged >= 0 && c.began > logged && (acknowledged < 0 || c.ended < acknowledged) {
			synced = c.ended
		}
	}
	if read < 0 || logged < 0 || synced < 0 || acknowledged < 0 {
		return fmt.Errorf("read at line %d of the trace, log written at %d, synced at %d, acknowledged at %d (-1: not found, or not in this order)",
			read, logged, synced, acknowledged)
	}
	return nil
}
