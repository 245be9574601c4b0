// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrivers runs the scenario against the Mosquitto broker, one topic for
// sending and for listening. It shows that the drivers are sound.
func TestDrivers(t *testing.T) {
	for _, d := range drivers() {
		t.Run(d.name(), func(t *testing.T) {
			require(t, append(d.needs(), "mosquitto")...)
			m := newMosquittoBroker(t)
			m.start()
			restart := func() { m.stop(); m.start() }
			awayAndBack(t, d, stage{
				broker:  broker{tcp: m.tcp, ws: "ws://" + m.ws},
				sender:  login{user: "alice", password: "any", clientID: "laptop"},
				reader:  login{user: "bob", password: "any", clientID: "phone"},
				topic:   "general",
				filter:  "general/#",
				text:    func(payload string) (int, string, bool, error) { return 0, payload, true, nil },
				crash:   restart, // it keeps queues over a good end only
				restart: restart,
			})
		})
	}
}

// TestLedger shows that the check of what arrives can fail.
func TestLedger(t *testing.T) {
	message := func(seq int, content string) string {
		return fmt.Sprintf(`{"type":"text","room_id":"general","sender_id":"alice","seq":%d,"content":%q}`, seq, content)
	}
	for _, c := range []struct {
		name    string
		arrives []string
		fault   string
	}{
		{"in order", []string{message(4, "a"), message(5, "b")}, ""},
		{"with a repetition", []string{message(4, "a"), message(4, "a"), message(5, "b")}, ""},
		{"among others", []string{`{"type":"system"}`, message(4, "a"), `{"type":"read"}`, message(5, "b")}, ""},
		{"a hole", []string{message(4, "a"), message(6, "b")}, "a hole"},
		{"the first is missing", []string{message(5, "b")}, `want "a"`},
		{"twice under two positions", []string{message(4, "a"), message(5, "a")}, "before as 4"},
		{"out of order", []string{message(5, "b"), message(4, "a")}, `want "a"`},
		{"too few", []string{message(4, "a")}, "1 of 2"},
		{"another room", []string{strings.Replace(message(4, "a"), "general", "secret", 1)}, "in general"},
		{"nothing kept", []string{`{"type":"sync_required"}`}, "sync_required"},
		{"no JSON", []string{"a"}, "JSON"},
	} {
		payloads := make(chan string, len(c.arrives))
		for _, payload := range c.arrives {
			payloads <- payload
		}
		close(payloads)
		l := ledger{text: roomText("general", "alice"), seen: map[string]int{}}
		err := l.receive(t.Context(), &inbox{payloads: payloads}, []string{"a", "b"})
		if (c.fault == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.fault)
		}
	}
}

// mosquittoBroker is the peer that shows the drivers at work.
type mosquittoBroker struct {
	t       *testing.T
	config  string
	tcp, ws string
	cmd     *exec.Cmd
	ended   chan struct{}
}

func newMosquittoBroker(t *testing.T) *mosquittoBroker {
	t.Helper()
	m := &mosquittoBroker{t: t, tcp: freeAddr(t), ws: freeAddr(t)}
	_, tcpPort, _ := net.SplitHostPort(m.tcp)
	_, wsPort, _ := net.SplitHostPort(m.ws)
	dir := t.TempDir()
	m.config = filepath.Join(dir, "mosquitto.conf")
	// As root it would become another user, who may not write to dir.
	config := fmt.Sprintf(`user root
allow_anonymous true
max_queued_messages 0
persistence true
persistence_location %s/
log_dest stderr
listener %s 127.0.0.1
listener %s 127.0.0.1
protocol websockets
`, dir, tcpPort, wsPort)
	if err := os.WriteFile(m.config, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.stop)
	return m
}

// freeAddr finds a loopback port that is free now; Mosquitto cannot be asked
// to choose one.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func (m *mosquittoBroker) start() {
	m.t.Helper()
	cmd := exec.Command("mosquitto", "-c", m.config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	running, ended := make(chan struct{}), make(chan struct{})
	var log bytes.Buffer // read it after ended
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(stderr)
		for waiting := true; waiting && lines.Scan(); {
			fmt.Fprintln(&log, lines.Text())
			if strings.HasSuffix(lines.Text(), " running") {
				waiting = false
				close(running)
			}
		}
		_, _ = io.Copy(io.Discard, stderr)
		_ = cmd.Wait()
	}()
	m.cmd, m.ended = cmd, ended
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	select {
	case <-running:
	case <-ended:
		m.t.Fatalf("mosquitto ended:\n%s", &log)
	case <-ctx.Done():
		m.stop()
		m.t.Fatalf("mosquitto does not run:\n%s", &log)
	}
}

// stop ends the broker well; it writes its queues to disk.
func (m *mosquittoBroker) stop() {
	if m.cmd == nil {
		return
	}
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	<-m.ended
	m.cmd = nil
}
