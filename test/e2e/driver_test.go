// SPDX-License-Identifier: Apache-2.0

//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// sessionExpiry of persistent sessions, in seconds.
const sessionExpiry = 86400

// broker is where a client connects to.
type broker struct {
	tcp string // host:port
	ws  string // the address of MQTT over WebSocket
}

// login is who connects, and as which client.
type login struct {
	user, password, clientID string
}

// driver is a foreign client. All of them publish and subscribe at QoS 1.
type driver interface {
	// name is a name for a subtest.
	name() string
	// needs lists the programs that must be in PATH.
	needs() []string
	// send publishes bodies to topic in order, in a session of its own, and
	// returns when all of them are acknowledged.
	send(ctx context.Context, b broker, who login, topic string, bodies []string) error
	// listen connects with a persistent session, subscribes to filter and
	// returns when the subscription is granted.
	listen(ctx context.Context, b broker, who login, filter string) (*inbox, error)
}

// drivers returns every foreign client in every version that it speaks.
func drivers() []driver {
	return []driver{
		mosquitto{version: "5"}, mosquitto{version: "311"},
		paho5{}, paho311{},
		mqttjs{version: 5}, mqttjs{version: 4},
	}
}

// inbox is one connection of a listener.
type inbox struct {
	payloads <-chan string // in the order of arrival, closed with the connection
	// leave disconnects as a client does that means to come back: the session
	// stays. It returns when the connection is closed.
	leave func() error
}

// inboxSize is how many payloads wait for the test before the client waits,
// more than any test sends.
const inboxSize = 8192

// next waits for one payload.
func (in *inbox) next(ctx context.Context) (string, error) {
	select {
	case payload, ok := <-in.payloads:
		if !ok {
			return "", errors.New("the connection ended")
		}
		return payload, nil
	case <-ctx.Done():
		return "", fmt.Errorf("waiting for a message: %w", ctx.Err())
	}
}

// require skips or, in CI, fails the test where one of programs is missing.
func require(t *testing.T, programs ...string) {
	t.Helper()
	for _, program := range programs {
		if _, err := exec.LookPath(program); err == nil {
			continue
		}
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed; in CI nothing may be left out", program)
		}
		t.Skipf("NOT TESTED: %s is not installed", program)
	}
}

// within gives a context that ends with the test or after limit.
func within(t *testing.T, limit time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}
