// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// leaveLimit is how long a program may take to disconnect when asked.
const leaveLimit = 10 * time.Second

// program is a listening client that runs as a process of its own and prints
// lines.
type program struct {
	cmd *exec.Cmd
	// subscribed and payload read one printed line.
	subscribed func(line string) bool
	payload    func(line string) (string, bool)
	// goodbye asks the process to disconnect and end.
	goodbye func() error
}

// start runs the program and returns when it has subscribed. The process ends
// with ctx at the latest.
func (p program) start(ctx context.Context) (*inbox, error) {
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	p.cmd.Stderr = &stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	payloads := make(chan string, inboxSize)
	granted, ended := make(chan struct{}), make(chan struct{})
	var printed bytes.Buffer // what was not understood; read it after ended
	var exit error
	go func() {
		defer close(ended)
		defer close(payloads)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 1<<20)
		for waiting := true; lines.Scan(); {
			if payload, ok := p.payload(lines.Text()); ok {
				payloads <- payload
			} else if waiting && p.subscribed(lines.Text()) {
				waiting = false
				close(granted)
			} else if waiting {
				fmt.Fprintln(&printed, lines.Text())
			}
		}
		_, _ = io.Copy(io.Discard, stdout)
		exit = p.cmd.Wait()
	}()
	report := func(what string) error {
		return errors.Join(fmt.Errorf("%s %s\n%s%s", p.cmd.Args[0], what, &printed, &stderr), exit)
	}
	select {
	case <-granted:
	case <-ended:
		return nil, report("ended before it had subscribed")
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-ended
		return nil, errors.Join(ctx.Err(), report("has not subscribed"))
	}
	return &inbox{payloads: payloads, leave: func() error {
		if err := p.goodbye(); err != nil {
			_ = p.cmd.Process.Kill()
			<-ended
			return errors.Join(err, report("could not be asked to leave"))
		}
		limit := time.NewTimer(leaveLimit)
		defer limit.Stop()
		select {
		case <-ended:
			return nil
		case <-limit.C:
			_ = p.cmd.Process.Kill()
			<-ended
			return report("did not leave when asked")
		}
	}}, nil
}

// mosquitto is mosquitto_pub and mosquitto_sub. stdbuf has the latter print
// line by line into a pipe.
type mosquitto struct {
	version string // as option -V takes it
}

func (m mosquitto) name() string { return "mosquitto-" + m.version }

func (m mosquitto) needs() []string { return []string{"mosquitto_pub", "mosquitto_sub", "stdbuf"} }

func (m mosquitto) options(b broker, who login) ([]string, error) {
	host, port, err := net.SplitHostPort(b.tcp)
	if err != nil {
		return nil, err
	}
	return []string{"-h", host, "-p", port, "-V", m.version, "-u", who.user, "-P", who.password, "-i", who.clientID, "-q", "1"}, nil
}

func (m mosquitto) send(ctx context.Context, b broker, who login, topic string, bodies []string) error {
	args, err := m.options(b, who)
	if err != nil {
		return err
	}
	// -l publishes each line of the standard input, many in flight.
	cmd := exec.CommandContext(ctx, "mosquitto_pub", append(args, "-t", topic, "-l")...)
	cmd.Stdin = strings.NewReader(strings.Join(bodies, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		return errors.Join(fmt.Errorf("mosquitto_pub printed %q", out), err)
	}
	return nil
}

func (m mosquitto) listen(ctx context.Context, b broker, who login, filter string) (*inbox, error) {
	args, err := m.options(b, who)
	if err != nil {
		return nil, err
	}
	args = append([]string{"-oL", "mosquitto_sub", "-d", "-F", "payload %p", "-c", "-t", filter}, args...)
	if m.version == "5" {
		args = append(args, "-x", strconv.Itoa(sessionExpiry))
	}
	cmd := exec.CommandContext(ctx, "stdbuf", args...)
	return program{
		cmd:        cmd,
		subscribed: func(line string) bool { return strings.HasPrefix(line, "Subscribed (mid: 1): 1") },
		payload:    func(line string) (string, bool) { return strings.CutPrefix(line, "payload ") },
		goodbye:    func() error { return cmd.Process.Signal(os.Interrupt) },
	}.start(ctx)
}

// mqttjs is MQTT.js under Node; mqttjs/client.mjs is its program.
type mqttjs struct {
	version int // protocol level: 4 is MQTT 3.1.1
}

func (m mqttjs) name() string {
	return "mqttjs-websocket-" + map[int]string{4: "311", 5: "5"}[m.version]
}

func (m mqttjs) needs() []string { return []string{"node"} }

func (m mqttjs) command(ctx context.Context, b broker, who login, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "node", append([]string{"client.mjs"}, args...)...)
	cmd.Dir = "mqttjs"
	cmd.Env = append(os.Environ(),
		"MQTT_URL="+b.ws, "MQTT_VERSION="+strconv.Itoa(m.version), "MQTT_EXPIRY="+strconv.Itoa(sessionExpiry),
		"MQTT_USER="+who.user, "MQTT_PASSWORD="+who.password, "MQTT_CLIENT_ID="+who.clientID)
	return cmd
}

func (m mqttjs) send(ctx context.Context, b broker, who login, topic string, bodies []string) error {
	cmd := m.command(ctx, b, who, "send", topic)
	cmd.Stdin = strings.NewReader(strings.Join(bodies, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if want := fmt.Sprintf("acknowledged %d\n", len(bodies)); err != nil || string(out) != want {
		return errors.Join(fmt.Errorf("client.mjs send printed %q, want %q", out, want), err)
	}
	return nil
}

func (m mqttjs) listen(ctx context.Context, b broker, who login, filter string) (*inbox, error) {
	cmd := m.command(ctx, b, who, "listen", filter)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return program{
		cmd:        cmd,
		subscribed: func(line string) bool { return line == "subscribed" },
		payload:    func(line string) (string, bool) { return strings.CutPrefix(line, "payload ") },
		goodbye:    stdin.Close,
	}.start(ctx)
}
