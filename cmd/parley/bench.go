// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"golang.org/x/term"

	"parley/internal/admin"
	"parley/internal/bench"
)

type benchCommand struct {
	Scenario string `arg:"" enum:"a10,b100,c1000,fanout,idle,connect" help:"a10, b100, c1000 (rooms of that many members), fanout (bursts), idle (memory and CPU of connections that do nothing) or connect (coming and going)."`

	MQTT string `name:"mqtt" placeholder:"ADDR" default:"127.0.0.1:1883" help:"The server's MQTT listener, as HOST:PORT."`
	PID  int    `name:"pid" help:"Process id of the server, to measure its CPU and memory; Linux only."`

	Tokens string `name:"tokens" placeholder:"FILE" help:"Use these accounts instead of making some in the data directory: a user and a token, or a JSON object with both, a line."`

	Duration  time.Duration `name:"duration" placeholder:"TIME" default:"10s" help:"For how long to measure."`
	Warmup    time.Duration `name:"warmup" placeholder:"TIME" default:"2s" help:"For how long to load the server before."`
	Settle    time.Duration `name:"settle" placeholder:"TIME" default:"5s" help:"For how long to wait before measuring idle connections."`
	KeepAlive time.Duration `name:"keepalive" placeholder:"TIME" default:"60s" help:"Keep-alive interval of the connections, which ping at three quarters of it; 0 is none."`

	Rooms    int  `name:"rooms" placeholder:"N" help:"Rooms; the scenario's own if not given, as for the next ones."`
	Members  int  `name:"members" placeholder:"N" help:"Members of each room; idle and connect: connections."`
	Senders  int  `name:"senders" placeholder:"N" help:"Members of each room that send."`
	InFlight int  `name:"inflight" placeholder:"N" help:"Messages that each sender has under way in the closed loop."`
	Burst    int  `name:"burst" placeholder:"N" help:"Messages of a burst."`
	Rate     int  `name:"rate" placeholder:"N" help:"Messages a second over all rooms, instead of the closed loop."`
	QoS      int  `name:"qos" placeholder:"N" default:"-1" help:"Quality of service of the deliveries, 0 or 1; -1 is the scenario's own."`
	Body     int  `name:"body" placeholder:"BYTES" default:"100" help:"Size of the messages' content."`
	IDs      bool `name:"ids" help:"Send a client_msg_id with each message."`

	Peer     string `name:"peer" placeholder:"NAME" help:"Run the same load on a plain MQTT broker too, such as mosquitto, and compare."`
	PeerMQTT string `name:"peer-mqtt" placeholder:"ADDR" default:"127.0.0.1:1884" help:"The peer's listener; it has to let anybody in."`
	PeerPID  int    `name:"peer-pid" help:"Process id of the peer."`

	JSON bool `name:"json" help:"Print the report as a JSON object."`
}

// Help is what --help says beside the options.
func (c *benchCommand) Help() string {
	return "Makes accounts and rooms on the running server of --data, connects every member, and lets members send. " +
		"The server has to run with --rate-limit 0. Accounts and rooms stay, and the next run uses them again."
}

// Run measures, and fails when deliveries were lost, doubled or out of order.
func (c *benchCommand) Run(ctx context.Context, p *process, g *Globals) error {
	cfg := bench.Config{
		Scenario: c.Scenario, Addr: c.MQTT, PID: c.PID,
		Duration: c.Duration, Warmup: c.Warmup, Settle: c.Settle,
		Rooms: c.Rooms, Members: c.Members, Senders: c.Senders, InFlight: c.InFlight, Burst: c.Burst, Rate: float64(c.Rate),
		QoS: c.QoS, Body: c.Body, IDs: c.IDs, JSON: c.JSON, KeepAlive: c.KeepAlive,
	}
	if c.KeepAlive == 0 {
		cfg.KeepAlive = -1
	}
	if c.Peer != "" {
		cfg.Peer = &bench.Peer{Name: c.Peer, Addr: c.PeerMQTT, PID: c.PeerPID}
	}
	if f, ok := p.stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cfg.Progress = f
	}
	if c.Tokens != "" {
		var err error
		if cfg.Credentials, err = readTokens(c.Tokens); err != nil {
			return usageError{err}
		}
	} else {
		client, err := admin.Dial(ctx, g.Data)
		if errors.Is(err, admin.ErrNotServing) {
			return fmt.Errorf("no server runs on the data directory %s: start one with --rate-limit 0, or give --tokens", g.Data)
		}
		if err != nil {
			return err
		}
		defer func() { _ = client.Close() }()
		cfg.Accounts = benchAccounts{client}
	}
	_, err := bench.Run(ctx, cfg, p.stdout)
	return err
}

func readTokens(name string) ([]bench.Credential, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return bench.ReadCredentials(f)
}

// benchAccounts makes the accounts of a load on a running server.
type benchAccounts struct{ ops admin.Operations }

// Ensure implements bench.Accounts. The accounts sign in with tokens only.
func (a benchAccounts) Ensure(ctx context.Context, users []string) error {
	for len(users) > 0 {
		n := min(len(users), admin.MaxImport)
		batch := make([]admin.NewUser, n)
		for i, name := range users[:n] {
			batch[i].ID = admin.UserID(name)
		}
		faults, err := a.ops.Import(ctx, batch)
		if err != nil {
			return plain(err)
		}
		for i, fault := range faults {
			if fault != nil && !admin.Exists(fault) {
				return fmt.Errorf("%s: %w", users[i], plain(fault))
			}
		}
		users = users[n:]
	}
	return nil
}

// Tokens implements bench.Accounts.
func (a benchAccounts) Tokens(ctx context.Context, users []string) ([]string, error) {
	tokens := make([]string, 0, len(users))
	for len(users) > 0 {
		n := min(len(users), admin.MaxImport)
		ids := make([]admin.UserID, n)
		for i, name := range users[:n] {
			ids[i] = admin.UserID(name)
		}
		batch, err := a.ops.Tokens(ctx, ids, admin.NewToken{})
		if err != nil {
			return nil, plain(err)
		}
		tokens = append(tokens, batch...)
		users = users[n:]
	}
	return tokens, nil
}
