// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	c := Default()
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
}

func TestValidateNamesTheOption(t *testing.T) {
	for name, c := range map[string]struct {
		change func(c *Config)
		want   string
	}{
		"no data":          {func(c *Config) { c.Data = "" }, "data: "},
		"no port":          {func(c *Config) { c.Listen.MQTT = "1883" }, `mqtt: "1883" has no port; use HOST:PORT`},
		"port too large":   {func(c *Config) { c.Listen.HTTP = ":65536" }, "http: "},
		"a URL":            {func(c *Config) { c.Listen.Ops = "http://localhost:9090" }, "ops: "},
		"empty address":    {func(c *Config) { c.Listen.MQTTS = "" }, "mqtts: "},
		"the same address": {func(c *Config) { c.Listen.Ops = DefaultHTTP }, `ops: ":8080" is the address of option http already`},
		"nothing open":     {func(c *Config) { c.Listen.MQTT, c.Listen.HTTP = Off, Off }, "all doors are off"},
		"no key":           {func(c *Config) { c.TLS.Cert = "cert.pem" }, "tls-key: is missing"},
		"no certificate":   {func(c *Config) { c.TLS.Key = "key.pem" }, "tls-cert: is missing"},
		"registration":     {func(c *Config) { c.Access.Registration = "anyone" }, "registration: \"anyone\" is unknown; use one of open, invite, closed"},
		"rate":             {func(c *Config) { c.Access.RateLimit = Rate{Events: 10} }, "rate-limit: "},
		"small packets":    {func(c *Config) { c.Limits.MaxPacketSize = 100 }, "max-packet-size: "},
		"huge packets":     {func(c *Config) { c.Limits.MaxPacketSize = 1 << 28 }, "max-packet-size: "},
		"receive maximum":  {func(c *Config) { c.Limits.ReceiveMaximum = 65536 }, "receive-maximum: "},
		"sessions":         {func(c *Config) { c.Limits.SessionsPerUser = 0 }, "sessions-per-user: "},
		"expiry":           {func(c *Config) { c.Limits.SessionExpiry = 200 * 365 * 24 * time.Hour }, "session-expiry: "},
		"short retention":  {func(c *Config) { c.Limits.Retention = time.Second }, "retention: "},
		"no expiry":        {func(c *Config) { c.Limits.SessionExpiry = 0 }, "session-expiry: "},
		"connections":      {func(c *Config) { c.Limits.MaxConnections = -1 }, "max-connections: "},
		"host":             {func(c *Config) { c.Content.SuspiciousHosts = []string{"https://evil.example/"} }, "suspicious-hosts: "},
		"log format":       {func(c *Config) { c.Log.Format = "xml" }, "log-format: "},
		"log level":        {func(c *Config) { c.Log.Level = "verbose" }, "log-level: "},
	} {
		cfg := Default()
		c.change(&cfg)
		err := cfg.Validate()
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want one fault with %q", name, err, c.want)
		}
	}
	cfg := Default()
	cfg.Listen.MQTT, cfg.Log.Level = "x", "y"
	if err := cfg.Validate(); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults: %v", err)
	}
}

func TestValidateAccepts(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"free ports":          func(c *Config) { c.Listen.MQTT, c.Listen.HTTP = "127.0.0.1:0", "127.0.0.1:0" },
		"IPv6":                func(c *Config) { c.Listen.MQTT = "[::1]:1883" },
		"MQTT over TLS alone": func(c *Config) { c.Listen.MQTT, c.Listen.HTTP, c.TLS = Off, Off, TLS{Cert: "c", Key: "k"} },
		"no limit":            func(c *Config) { c.Access.RateLimit = Rate{} },
		"hosts":               func(c *Config) { c.Content.SuspiciousHosts = []string{"evil.example", "192.0.2.1", "2001:db8::1"} },
		"proxies":             func(c *Config) { c.Access.TrustedProxies = []Network{{netip.MustParsePrefix("10.0.0.0/8")}} },
	} {
		cfg := Default()
		change(&cfg)
		if err := cfg.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRateText(t *testing.T) {
	for text, want := range map[string]Rate{
		"100/60s": {100, time.Minute}, "100/1m": {100, time.Minute}, "5/500ms": {5, 500 * time.Millisecond}, "0": {}, "off": {}, "0/1s": {0, time.Second},
	} {
		var r, again Rate
		if err := r.UnmarshalText([]byte(text)); err != nil || r != want {
			t.Errorf("%q: %v, %v", text, r, err)
		}
		if err := again.UnmarshalText([]byte(r.String())); err != nil || again.Events != r.Events || (r.Events > 0 && again != r) {
			t.Errorf("%q is written as %q and read as %v (%v)", text, r, again, err)
		}
	}
	for _, text := range []string{"", "100", "100/", "/60s", "-1/60s", "100/60", "100/-1s", "100/0s", "x/1s", "99999999999/1s"} {
		var r Rate
		if err := r.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %v", text, r)
		}
	}
}

func TestSizeText(t *testing.T) {
	for text, want := range map[string]Size{"0": 0, "4096": 4096, "4KiB": 4096, "1MiB": 1 << 20, "2 GiB": 2 << 30, "1025": 1025} {
		var s, again Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q: %d, %v", text, s, err)
		}
		if err := again.UnmarshalText([]byte(s.String())); err != nil || again != s {
			t.Errorf("%q is written as %q and read as %d (%v)", text, s, again, err)
		}
	}
	for _, text := range []string{"", "KiB", "1MB", "1.5MiB", "-1", "9999999999999GiB", "1 TiB"} {
		var s Size
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as %d", text, s)
		}
	}
}

func TestNetworkText(t *testing.T) {
	for text, want := range map[string]string{"10.0.0.0/8": "10.0.0.0/8", "127.0.0.1": "127.0.0.1/32", "::1": "::1/128", "fd00::/8": "fd00::/8"} {
		var n, again Network
		if err := n.UnmarshalText([]byte(text)); err != nil || n.String() != want {
			t.Errorf("%q: %v, %v", text, n, err)
		}
		written, err := n.MarshalText()
		if err == nil {
			err = again.UnmarshalText(written)
		}
		if err != nil || again != n {
			t.Errorf("%q is written as %q and read as %v (%v)", text, written, again, err)
		}
	}
	for _, text := range []string{"", "1.2.3", "10.0.0.0/33", "localhost", "fe80::1%eth0", "10.0.0.0/8/8"} {
		var n Network
		if err := n.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), "ADDRESS/BITS") {
			t.Errorf("%q is read as %v: %v", text, n, err)
		}
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	l, err := Log{Format: LogJSON, Level: "warn"}.Logger(&out)
	if err != nil {
		t.Fatal(err)
	}
	l.Info("quiet")
	l.Warn("loud", slog.Int("n", 1))
	if got := out.String(); !strings.HasPrefix(got, "{") || strings.Contains(got, "quiet") || !strings.Contains(got, "loud") {
		t.Errorf("log %q", got)
	}
	if _, err := (Log{Level: "loud"}).Logger(&out); err == nil {
		t.Error("no error for an unknown level")
	}
}
