// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

// fakeAccounts gives tokens that the fake server takes.
type fakeAccounts struct{ made int }

func (a *fakeAccounts) Ensure(_ context.Context, users []string) error {
	a.made += len(users)
	return nil
}

func (a *fakeAccounts) Tokens(_ context.Context, users []string) ([]string, error) {
	out := make([]string, len(users))
	for i, u := range users {
		out[i] = "token of " + u
	}
	return out, nil
}

// small is a run of a fraction of a second.
func small(scenario, addr string) Config {
	return Config{
		Scenario: scenario, Addr: addr, Accounts: &fakeAccounts{}, QoS: -1,
		Warmup: 50 * time.Millisecond, Duration: 200 * time.Millisecond, Settle: time.Millisecond, Patience: 2 * time.Second,
	}
}

func TestClosedLoop(t *testing.T) {
	t.Parallel()
	for qos := range 2 {
		f := newFakeServer(t)
		cfg := small("a10", f.addr)
		cfg.Rooms, cfg.Members, cfg.QoS, cfg.PID, cfg.IDs = 3, 4, qos, os.Getpid(), true
		var out bytes.Buffer
		report, err := Run(t.Context(), cfg, &out)
		if err != nil {
			t.Fatal(err)
		}
		s := report.Server
		if s.Joined != 12 || s.Connections != 12 {
			t.Errorf("joined %d, connected %d, want 12 of each", s.Joined, s.Connections)
		}
		if s.Sends == 0 || s.Deliveries < 3*s.Sends || s.Deliveries > 5*s.Sends || len(s.Faults) > 0 {
			t.Errorf("%d sends, %d deliveries, faults %v: want 4 deliveries a send", s.Sends, s.Deliveries, s.Faults)
		}
		if s.AckLatency == nil || s.DeliverLatency == nil || s.AckLatency.P50 <= 0 || s.DeliverLatency.P50 > s.DeliverLatency.Max {
			t.Errorf("latencies %v %v", s.AckLatency, s.DeliverLatency)
		}
		for _, want := range []string{"3 × 4 members", "acknowledged sends/s", "0 / 0 / 0", "server memory, MiB"} {
			if !strings.Contains(out.String(), want) {
				t.Errorf("the table lacks %q:\n%s", want, out.String())
			}
		}
		// A second run finds the rooms full.
		if report, err = Run(t.Context(), cfg, &out); err != nil || report.Server.Joined != 0 {
			t.Errorf("second run: %v, %d joined, want none", err, report.Server.Joined)
		}
		if n := f.unacknowledged(); n > 0 {
			t.Errorf("QoS %d: %d deliveries were not acknowledged", qos, n)
		}
	}
}

func TestFixedRate(t *testing.T) {
	t.Parallel()
	f := newFakeServer(t)
	cfg := small("a10", f.addr)
	cfg.Rooms, cfg.Members, cfg.Rate, cfg.Duration = 2, 2, 200, 500*time.Millisecond
	report, err := Run(t.Context(), cfg, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	// The upper bound is exact but for what the warm-up leaves over; a loaded machine may be late.
	if n := report.Server.Sends; n < 20 || n > 115 {
		t.Errorf("%d sends in half a second at 200 a second", n)
	}
}

func TestBurstsAgainstPeer(t *testing.T) {
	t.Parallel()
	f, peer := newFakeServer(t), newFakeServer(t)
	cfg := small("fanout", f.addr)
	cfg.Members, cfg.JSON, cfg.Peer = 5, true, &Peer{Name: "broker", Addr: peer.addr}
	var out bytes.Buffer
	if _, err := Run(t.Context(), cfg, &out); err != nil {
		t.Fatal(err)
	}
	var report Report
	if err := json.Unmarshal(out.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*Figures{report.Server, report.Peer} {
		if s.Sends == 0 || s.Deliveries == 0 || s.lost() || len(s.Faults) > 0 {
			t.Errorf("%s: %+v", s.Name, s)
		}
	}
	if n := f.sendCount(); n%8 != 0 {
		t.Errorf("%d messages were sent, want whole bursts of 8", n)
	}
}

func TestFaultsAreSeen(t *testing.T) {
	t.Parallel()
	const victim = 40 // a delivery somewhere in the middle
	for _, c := range []struct {
		name  string
		spoil func(n int) int
		count func(*Figures) bool
	}{
		{"missing", func(n int) int { return one(n != victim) }, func(f *Figures) bool { return f.Missing == 1 }},
		{"the rest missing", func(n int) int { return one(n < victim) }, func(f *Figures) bool { return f.Missing > 10 }},
		{"doubled", func(n int) int { return 1 + one(n == victim) }, func(f *Figures) bool { return f.Duplicated == 1 }},
	} {
		f := newFakeServer(t)
		f.spoil = c.spoil
		cfg := small("a10", f.addr)
		cfg.Rooms, cfg.Members, cfg.Patience, cfg.Rate = 2, 3, 300*time.Millisecond, 200
		report, err := Run(t.Context(), cfg, &bytes.Buffer{})
		if !errors.Is(err, ErrLost) || !c.count(report.Server) {
			t.Errorf("%s: %v, %+v", c.name, err, report)
		}
	}
}

func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

func TestMeasuredTime(t *testing.T) {
	t.Parallel()
	var l load
	l.from.Store(10)
	l.until.Store(20)
	for due, want := range map[int64]bool{9: false, 10: true, 19: true, 20: false} {
		if l.measured(due) != want {
			t.Errorf("due at %d: measured is %t", due, !want)
		}
	}
}

func TestLateDelivery(t *testing.T) {
	t.Parallel()
	f := newFakeServer(t)
	f.spoil = func(n int) int {
		if n == 20 {
			return -1
		}
		return 1
	}
	cfg := small("a10", f.addr)
	cfg.Rooms, cfg.Members, cfg.Senders, cfg.Rate = 1, 1, 1, 200
	report, err := Run(t.Context(), cfg, &bytes.Buffer{})
	if !errors.Is(err, ErrLost) || report.Server.OutOfOrder != 1 || report.Server.Missing != 0 {
		t.Errorf("%v, %+v", err, report)
	}
}

func TestIdleAndConnect(t *testing.T) {
	t.Parallel()
	f := newFakeServer(t)
	cfg := small("idle", f.addr)
	cfg.Members, cfg.PID = 25, os.Getpid()
	report, err := Run(t.Context(), cfg, &bytes.Buffer{})
	if err != nil || report.Server.RSSBefore == 0 || report.Server.Connections != 25 || len(report.Server.Faults) > 0 {
		t.Errorf("idle: %v, %+v", err, report)
	}
	cfg.Scenario = "connect"
	report, err = Run(t.Context(), cfg, &bytes.Buffer{})
	if err != nil || report.Server.ConnectsPerSecond == 0 || report.Server.ConnectLatency == nil || len(report.Server.Faults) > 0 {
		t.Errorf("connect: %v, %+v", err, report)
	}
}

func TestRunRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		change func(*Config, *fakeServer)
		want   string
	}{
		{"unknown scenario", func(c *Config, _ *fakeServer) { c.Scenario = "x" }, `scenario "x" is unknown`},
		{"no accounts", func(c *Config, _ *fakeServer) { c.Accounts = nil }, "data directory"},
		{"small body", func(c *Config, _ *fakeServer) { c.Body = 10 }, "body must be 32 to 4000"},
		{"more senders than members", func(c *Config, _ *fakeServer) { c.Senders = 11 }, "senders must be"},
		{"few tokens", func(c *Config, _ *fakeServer) { c.Credentials = []Credential{{"a", "b"}} }, "1 tokens given, a10 needs 500"},
		{"wrong token", func(c *Config, _ *fakeServer) {
			c.Credentials, c.Rooms, c.Members, c.Senders = []Credential{{"a", "b"}}, 1, 1, 1
		}, "CONNECT as a: "},
		{"pid", func(c *Config, _ *fakeServer) { c.PID = 1 << 30 }, "process 1073741824"},
		{"rate limit", func(c *Config, f *fakeServer) { c.Rooms, f.refuse = 1, "rate_limited" }, "start it with --rate-limit 0"},
		{"silence", func(c *Config, f *fakeServer) {
			c.Rooms, c.Duration, c.Patience, f.silent = 1, time.Minute, 100*time.Millisecond, true
		}, "no acknowledgement and no delivery for 100ms"},
	} {
		f := newFakeServer(t)
		cfg := small("a10", f.addr)
		c.change(&cfg, f)
		_, err := Run(t.Context(), cfg, &bytes.Buffer{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func TestCancel(t *testing.T) {
	t.Parallel()
	f := newFakeServer(t)
	cfg := small("a10", f.addr)
	cfg.Rooms, cfg.Duration = 1, time.Hour
	var screen bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	cfg.Progress = writerFunc(func(b []byte) (int, error) {
		if bytes.Contains(b, []byte("measuring")) {
			cancel()
		}
		return screen.Write(b)
	})
	if _, err := Run(ctx, cfg, &bytes.Buffer{}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want context.Canceled", err)
	}
	if !strings.HasSuffix(screen.String(), "\r\x1b[K") {
		t.Errorf("the progress line is not wiped out: %q", screen.String())
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }
