// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Accounts makes the users that a run speaks for.
type Accounts interface {
	// Ensure creates those of the users that do not exist.
	Ensure(ctx context.Context, users []string) error
	// Tokens returns an access token for each user, in the same order.
	Tokens(ctx context.Context, users []string) ([]string, error)
}

// Credential is a user who exists, with an access token or the password.
type Credential struct {
	User  string `json:"user"`
	Token string `json:"token"`
}

// Peer is a plain MQTT broker to compare with. It must let anybody in and should not limit messages in flight.
type Peer struct {
	Name string // for the table
	Addr string // host:port
	PID  int    // 0: its CPU and memory are not measured
}

// Config is what Run does. The zero value of a number means the scenario's own unless it says otherwise.
type Config struct {
	Scenario string // a10, b100, c1000, fanout, idle, connect
	Addr     string // host:port of the server's MQTT listener; 127.0.0.1:1883 when empty
	PID      int    // of the server; 0: CPU and memory are not measured

	Accounts    Accounts     // makes users, or
	Credentials []Credential // uses these, from the first on

	Rooms    int     // how many
	Members  int     // of each room; idle and connect: connections altogether
	Senders  int     // members of each room that send
	InFlight int     // messages that each sender has under way
	Burst    int     // messages of a burst (fanout)
	Rate     float64 // messages a second over all rooms; 0 is the closed loop
	QoS      int     // of the deliveries: 0 or 1; negative is the scenario's own
	Body     int     // bytes of content
	IDs      bool    // send a client_msg_id with each message

	Duration  time.Duration // measured; 10 s when zero
	Warmup    time.Duration // before it, not measured; zero is none
	Settle    time.Duration // idle: between the last connection and the measurement; 5 s when zero
	KeepAlive time.Duration // clients ping within it; 60 s when zero, negative is none
	Patience  time.Duration // without progress for so long a run gives up; 15 s when zero

	Peer     *Peer
	JSON     bool      // the report as one JSON object instead of a table
	Progress io.Writer // a terminal to draw the progress on, or nil
}

// The bounds of what a content word carries, and of a message.
const (
	minBody = stampSize
	maxBody = 4000
)

// shape is what a scenario is made of.
type shape struct {
	rooms, members, senders, inFlight, burst, qos int
}

// shapeOf knows the scenarios. In flight: enough that a server on two cores has a full batch waiting while it commits one.
func shapeOf(scenario string) (shape, error) {
	switch scenario {
	case "a10":
		return shape{rooms: 50, members: 10, senders: 2, inFlight: 2}, nil
	case "b100":
		return shape{rooms: 5, members: 100, senders: 4, inFlight: 4}, nil
	case "c1000":
		return shape{rooms: 1, members: 1000, senders: 8, inFlight: 8}, nil
	case "fanout":
		return shape{rooms: 1, members: 100, senders: 1, inFlight: 1, burst: 8, qos: 1}, nil
	case "idle":
		return shape{rooms: 100, members: 1000}, nil
	case "connect":
		return shape{rooms: 20, members: 200}, nil
	}
	return shape{}, fmt.Errorf("bench: scenario %q is unknown: use a10, b100, c1000, fanout, idle or connect", scenario)
}

// idleRoom is the size of the rooms that idle and connecting members are in.
const idleRoom = 10

// loaded tells whether the scenario sends messages.
func (c *Config) loaded() bool { return c.Scenario != "idle" && c.Scenario != "connect" }

// complete fills in what was left to the scenario and checks the rest.
func (c *Config) complete() error {
	s, err := shapeOf(c.Scenario)
	if err != nil {
		return err
	}
	fill(&c.Members, s.members)
	if c.loaded() {
		fill(&c.Rooms, s.rooms)
		fill(&c.Senders, s.senders)
		fill(&c.InFlight, s.inFlight)
		fill(&c.Burst, s.burst)
	} else {
		c.Rooms = (c.Members + idleRoom - 1) / idleRoom
	}
	if c.QoS < 0 {
		c.QoS = s.qos
	}
	fill(&c.Body, 100)
	fill(&c.Duration, 10*time.Second)
	fill(&c.Settle, 5*time.Second)
	fill(&c.KeepAlive, time.Minute)
	fill(&c.Patience, 15*time.Second)
	if c.Addr == "" {
		c.Addr = "127.0.0.1:1883"
	}
	return c.check()
}

func fill[T int | time.Duration](v *T, otherwise T) {
	if *v == 0 {
		*v = otherwise
	}
}

func (c *Config) check() error {
	bad := func(option, must string) error { return fmt.Errorf("bench: %s must be %s", option, must) }
	switch {
	case c.Rooms < 1 || c.Rooms > 100_000:
		return bad("rooms", "1 to 100000")
	case c.Members < 1 || c.Members > 1_000_000:
		return bad("members", "1 to 1000000")
	case c.loaded() && (c.Senders < 1 || c.Senders > c.Members):
		return bad("senders", "1 to the number of members of a room")
	case c.loaded() && c.Rooms*c.Senders > maxSenders:
		return bad("rooms times senders", "at most 65536")
	case c.loaded() && (c.InFlight < 1 || c.InFlight > 10_000):
		return bad("inflight", "1 to 10000")
	case c.Burst < 0 || c.Burst > 10_000:
		return bad("burst", "1 to 10000")
	case c.Burst > 0 && c.Rate != 0:
		return errors.New("bench: rate does not go with bursts: use it with a10, b100 or c1000")
	case c.Rate < 0:
		return bad("rate", "a number of messages a second, or 0 for the closed loop")
	case c.QoS > 1:
		return bad("qos", "0 or 1")
	case c.Body < minBody || c.Body > maxBody:
		return bad("body", fmt.Sprintf("%d to %d bytes", minBody, maxBody))
	case c.Duration < 0 || c.Warmup < 0 || c.Settle < 0 || c.Patience < 0:
		return bad("durations", "positive")
	case c.KeepAlive > 0 && c.KeepAlive < time.Second, c.KeepAlive > 65535*time.Second:
		return bad("keepalive", "1 s to 65535 s, or negative for none")
	case c.Accounts == nil && c.Credentials == nil:
		return errors.New("bench: no accounts: name the server's data directory, or a file of tokens")
	}
	return nil
}

// connections is how many members there are altogether.
func (c *Config) connections() int {
	if c.loaded() {
		return c.Rooms * c.Members
	}
	return c.Members
}

// ReadCredentials reads users with their tokens, one a line: a JSON object with "user" and "token", or both words with a
// space between them. Empty lines and such that begin with # are left out.
func ReadCredentials(r io.Reader) ([]Credential, error) {
	var out []Credential
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<16)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		var c Credential
		if line[0] == '{' {
			if err := json.Unmarshal([]byte(line), &c); err != nil {
				return nil, fmt.Errorf("bench: line %d of the tokens: %w", n, err)
			}
		} else if words := strings.Fields(line); len(words) == 2 {
			c = Credential{words[0], words[1]}
		}
		if c.User == "" || c.Token == "" {
			return nil, fmt.Errorf(`bench: line %d of the tokens: write "user token", or {"user":…,"token":…}`, n)
		}
		out = append(out, c)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("bench: reading the tokens: %w", err)
	}
	return out, nil
}

// credentials finds who the members are. Made accounts are named after the scenario and its rooms, so that the rooms of
// one scenario do not share members with those of another.
func (c *Config) credentials(ctx context.Context) ([]Credential, error) {
	n := c.connections()
	if c.Credentials != nil {
		if len(c.Credentials) < n {
			return nil, fmt.Errorf("bench: %d tokens given, %s needs %d", len(c.Credentials), c.Scenario, n)
		}
		return c.Credentials[:n], nil
	}
	users := make([]string, n)
	for i := range users {
		users[i] = fmt.Sprintf("bench-%s-%d", c.Scenario, i)
	}
	if err := c.Accounts.Ensure(ctx, users); err != nil {
		return nil, fmt.Errorf("bench: making %d accounts: %w", n, err)
	}
	tokens, err := c.Accounts.Tokens(ctx, users)
	if err != nil {
		return nil, fmt.Errorf("bench: asking for %d tokens: %w", n, err)
	}
	if len(tokens) != n {
		return nil, fmt.Errorf("bench: %d tokens came for %d users", len(tokens), n)
	}
	out := make([]Credential, n)
	for i := range out {
		out[i] = Credential{users[i], tokens[i]}
	}
	return out, nil
}
