// SPDX-License-Identifier: Apache-2.0

package app

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/push"
)

// Config is everything that can be set about a server. The tags are those of the command line; an option has the same
// name there, in the configuration file, and in the environment (PARLEY_RATE_LIMIT is rate-limit). Default gives the
// values of what is not set, Validate says what is wrong.
type Config struct {
	// Data is the data directory. It is an option of every command, and not here.
	Data string `kong:"-"`

	Name    string  `name:"server-name" placeholder:"TEXT" group:"Server" help:"What the server is called where people sign in."`
	Demo    bool    `name:"demo" group:"Server" help:"Serve demo rooms and users, on loopback unless addresses are given."`
	Listen  Listen  `embed:""`
	TLS     TLS     `embed:""`
	Access  Access  `embed:""`
	Limits  Limits  `embed:""`
	Content Content `embed:""`
	Push    Push    `embed:""`
	Log     Log     `embed:""`
}

// Off as an address keeps a door shut.
const Off = "off"

// Listen are the addresses of the doors: HOST:PORT, :PORT for all interfaces, port 0 for a free one, or off.
type Listen struct {
	MQTT  string `name:"mqtt" placeholder:"ADDR" group:"Doors" help:"MQTT over TCP: HOST:PORT, :PORT on all interfaces, port 0 for any free one, or off."`
	MQTTS string `name:"mqtts" placeholder:"ADDR" group:"Doors" help:"MQTT over TLS; opened when a certificate is given."`
	HTTP  string `name:"http" placeholder:"ADDR" group:"Doors" help:"HTTP API and MQTT over WebSocket."`
	Ops   string `name:"ops" placeholder:"ADDR" group:"Doors" help:"A listener of their own for /healthz, /readyz and /metrics."`
}

// TLS names a certificate and its key, in PEM. They are read again when they change.
type TLS struct {
	Cert string `name:"tls-cert" placeholder:"FILE" group:"Doors" help:"Certificate chain in PEM, for mqtts, https and wss; read again when it changes."`
	Key  string `name:"tls-key" placeholder:"FILE" group:"Doors" help:"Private key of the certificate, in PEM."`

	HSTS time.Duration `name:"hsts" placeholder:"TIME" group:"Doors" help:"For how long browsers that came over TLS shall come to this host over TLS only, such as 4320h; 0 does not say."`
}

// Enabled tells whether there is a certificate.
func (t TLS) Enabled() bool { return t.Cert != "" }

// The policies of registration.
const (
	RegistrationOpen   = auth.RegistrationOpen   // anybody
	RegistrationInvite = auth.RegistrationInvite // whoever has an invitation, see parley invite
	RegistrationClosed = auth.RegistrationClosed // the operator alone makes accounts
)

// Access says who may come in, and how often they may ask.
type Access struct {
	Registration   string    `name:"registration" placeholder:"POLICY" group:"Access" help:"Who may make an account: open, invite or closed."`
	RateLimit      Rate      `name:"rate-limit" placeholder:"N/TIME" group:"Access" help:"Requests per user in a sliding window, such as 100/60s; 0 is no limit."`
	TrustedProxies []Network `name:"trusted-proxies" placeholder:"CIDR" group:"Access" help:"Networks whose X-Forwarded-For and X-Forwarded-Proto headers are believed, such as 10.0.0.0/8."`
}

// Limits bound what one client can take of the server.
type Limits struct {
	MaxPacketSize   Size          `name:"max-packet-size" placeholder:"SIZE" group:"Limits" help:"Largest MQTT packet and HTTP body accepted, such as 1MiB; files go over their own route."`
	ReceiveMaximum  int           `name:"receive-maximum" placeholder:"N" group:"Limits" help:"Publishes of one connection that may wait for their acknowledgement."`
	SessionsPerUser int           `name:"sessions-per-user" placeholder:"N" group:"Limits" help:"Sessions that one user may have; the one that was away longest ends first."`
	SessionExpiry   time.Duration `name:"session-expiry" placeholder:"TIME" group:"Limits" help:"For how long at most a session waits for its client."`
	Retention       time.Duration `name:"retention" placeholder:"TIME" group:"Limits" help:"For how long logs are kept, such as 8760h; 0 is for ever."`
	MaxFileSize     Size          `name:"max-file-size" placeholder:"SIZE" group:"Limits" help:"Largest file that may be uploaded."`
	FileQuota       Size          `name:"file-quota" placeholder:"SIZE" group:"Limits" help:"What all files of one user may have together; 0 is no limit."`
	MaxConnections  int           `name:"max-connections" placeholder:"N" group:"Limits" help:"Connections of all clients together; 0 is no limit."`
}

// Content says what becomes of texts.
type Content struct {
	Profanity           content.Action     `name:"profanity" placeholder:"POLICY" group:"Content" help:"What happens to listed words: mask, flag, reject or off."`
	Caps                content.CapsAction `name:"caps" placeholder:"POLICY" group:"Content" help:"What happens to texts in capitals: flag, lower or off."`
	SuspiciousHosts     []string           `name:"suspicious-hosts" placeholder:"HOST" group:"Content" help:"Hosts, with their subdomains, to which links are flagged."`
	SuspiciousHostsFile string             `name:"suspicious-hosts-file" placeholder:"FILE" group:"Content" help:"More such hosts, one a line; read again when it changes."`
	Words               string             `name:"words" placeholder:"DIR" group:"Content" help:"Word lists that replace the built-in ones, one LANGUAGE.txt for each language; read again when they change."`
}

// The formats of the log.
const (
	LogText = "text"
	LogJSON = "json"
)

// Log says how the log is written, to the standard error.
type Log struct {
	Format string `name:"log-format" placeholder:"FORMAT" group:"Log" help:"text or json."`
	Level  string `name:"log-level" placeholder:"LEVEL" group:"Log" help:"debug, info, warn or error."`
}

// Logger makes a logger of this kind.
func (l Log) Logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return nil, fmt.Errorf("log-level: %q is unknown; use debug, info, warn or error", l.Level)
	}
	options := &slog.HandlerOptions{Level: level}
	if l.Format == LogJSON {
		return slog.New(slog.NewJSONHandler(w, options)), nil
	}
	return slog.New(slog.NewTextHandler(w, options)), nil
}

// The defaults of options, where they are not plain from Default.
const (
	// DefaultData is relative, so that a first try leaves nothing elsewhere.
	DefaultData = "data"
	// The doors' standard ports.
	DefaultMQTT  = ":1883"
	DefaultMQTTS = ":8883"
	DefaultHTTP  = ":8080"
	// DefaultMaxPacketSize lets an inline file of 256 KiB through, which base64 makes a third larger.
	DefaultMaxPacketSize = 1 << 20
	// DefaultReceiveMaximum is enough to fill a group commit from one connection.
	DefaultReceiveMaximum = 256
	// DefaultSessionsPerUser and DefaultSessionExpiry are the caps of the protocol.
	DefaultSessionsPerUser = 64
	DefaultSessionExpiry   = 30 * 24 * time.Hour
)

// Default is the configuration where nothing is set.
func Default() Config {
	return Config{
		Data:   DefaultData,
		Name:   "Parley",
		Listen: Listen{MQTT: DefaultMQTT, MQTTS: DefaultMQTTS, HTTP: DefaultHTTP, Ops: Off},
		Access: Access{Registration: RegistrationInvite, RateLimit: Rate{Events: 100, Window: time.Minute}},
		Limits: Limits{
			MaxPacketSize: DefaultMaxPacketSize, ReceiveMaximum: DefaultReceiveMaximum, SessionsPerUser: DefaultSessionsPerUser,
			SessionExpiry: DefaultSessionExpiry, MaxFileSize: chat.DefaultMaxFileSize, FileQuota: chat.DefaultFileQuota,
		},
		Push: Push{Contact: DefaultPushContact, Text: push.TextsEncrypted},
		Log:  Log{Format: LogText, Level: "info"},
	}
}

// Bounds of options.
const (
	minPacketSize     = 4 << 10     // less does not hold a message of 4000 ASCII characters with its names
	maxPacketSize     = 268_435_455 // the most that MQTT's remaining length can say
	maxFileSize       = 1 << 40
	maxHSTS           = 2 * 365 * 24 * time.Hour
	maxReceiveMaximum = math.MaxUint16
	maxSessions       = 100_000
	maxSessionExpiry  = (math.MaxUint32 - 1) * time.Second // MQTT counts in uint32; its greatest value means never
)

// Validate says everything that is wrong, each fault with the option's name and what to do.
func (c *Config) Validate() error {
	var faults []error
	fault := func(option, format string, args ...any) {
		faults = append(faults, fmt.Errorf("%s: %s", option, fmt.Sprintf(format, args...)))
	}
	oneOf := func(option, value string, choices ...string) {
		if !slices.Contains(choices, value) {
			fault(option, "%q is unknown; use one of %s", value, strings.Join(choices, ", "))
		}
	}
	within := func(option string, value, least, most int64) {
		if value < least || value > most {
			fault(option, "%d is out of range; use a number from %d to %d", value, least, most)
		}
	}
	if c.Data == "" {
		fault("data", "is empty; name the data directory")
	}

	taken := map[string]string{}
	for _, door := range []struct{ option, addr string }{
		{"mqtt", c.Listen.MQTT}, {"mqtts", c.Listen.MQTTS}, {"http", c.Listen.HTTP}, {"ops", c.Listen.Ops},
	} {
		if door.addr == Off {
			continue
		}
		port, err := checkAddress(door.addr)
		if err != nil {
			fault(door.option, "%v; use HOST:PORT, :PORT, or off", err)
			continue
		}
		if other, ok := taken[door.addr]; ok && port != 0 {
			fault(door.option, "%q is the address of option %s already; choose another", door.addr, other)
		}
		taken[door.addr] = door.option
	}
	if c.Listen.MQTT == Off && c.Listen.HTTP == Off && (c.Listen.MQTTS == Off || !c.TLS.Enabled()) {
		fault("mqtt", "all doors are off; open mqtt, mqtts (with a certificate) or http")
	}
	switch {
	case c.TLS.Cert != "" && c.TLS.Key == "":
		fault("tls-key", "is missing; name the key of the certificate %q", c.TLS.Cert)
	case c.TLS.Cert == "" && c.TLS.Key != "":
		fault("tls-cert", "is missing; name the certificate of the key %q", c.TLS.Key)
	}

	if d := c.TLS.HSTS; d < 0 || d > maxHSTS {
		fault("hsts", "%v is out of range; use 0, or a time up to %v", d, maxHSTS)
	}
	if name, err := cleanName(c.Name); err != nil {
		fault("server-name", "%v", err)
	} else {
		c.Name = name
	}
	oneOf("registration", c.Access.Registration, RegistrationOpen, RegistrationInvite, RegistrationClosed)
	if r := c.Access.RateLimit; r.Events < 0 || (r.Events > 0 && r.Window <= 0) {
		fault("rate-limit", "%v is no rate; use a number and a time such as 100/60s, or 0", r)
	}
	within("max-packet-size", int64(c.Limits.MaxPacketSize), minPacketSize, maxPacketSize)
	within("receive-maximum", int64(c.Limits.ReceiveMaximum), 1, maxReceiveMaximum)
	within("sessions-per-user", int64(c.Limits.SessionsPerUser), 1, maxSessions)
	within("max-file-size", int64(c.Limits.MaxFileSize), 1, maxFileSize)
	within("file-quota", int64(c.Limits.FileQuota), 0, math.MaxInt64)
	within("max-connections", int64(c.Limits.MaxConnections), 0, math.MaxInt32)
	if d := c.Limits.SessionExpiry; d < time.Second || d > maxSessionExpiry {
		fault("session-expiry", "%v is out of range; use a time from 1s to %v", d, maxSessionExpiry)
	}
	if d := c.Limits.Retention; d != 0 && (d < chat.MinRetention || d > chat.MaxRetention) {
		fault("retention", "%v is out of range; use 0, or a time from %v to %v", d, chat.MinRetention, chat.MaxRetention)
	}
	for _, host := range c.Content.SuspiciousHosts {
		if host == "" || strings.ContainsAny(host, " /:@") {
			if _, err := netip.ParseAddr(host); err != nil {
				fault("suspicious-hosts", "%q is no host name; leave out scheme, port and path", host)
			}
		}
	}
	c.Push.check(fault)
	oneOf("push-text", string(c.Push.Text), string(push.TextsAll), string(push.TextsEncrypted), string(push.TextsNone))
	oneOf("log-format", c.Log.Format, LogText, LogJSON)
	oneOf("log-level", c.Log.Level, "debug", "info", "warn", "error")
	return errors.Join(faults...)
}

func checkAddress(addr string) (port uint64, err error) {
	host, number, err := net.SplitHostPort(addr)
	if err != nil {
		return 0, fmt.Errorf("%q has no port", addr)
	}
	if port, err = strconv.ParseUint(number, 10, 16); err != nil {
		return 0, fmt.Errorf("%q has no port from 0 to 65535", addr)
	}
	if strings.ContainsAny(host, " /") {
		return 0, fmt.Errorf("%q has no valid host", addr)
	}
	return port, nil
}

// Rate is a number of events in a window of time. No events are no limit.
type Rate struct {
	Events int
	Window time.Duration
}

// String is the form that UnmarshalText reads.
func (r Rate) String() string {
	switch {
	case r.Events == 0:
		return "0"
	case r.Window%time.Second == 0:
		return fmt.Sprintf("%d/%ds", r.Events, r.Window/time.Second)
	}
	return fmt.Sprintf("%d/%v", r.Events, r.Window)
}

// MarshalText writes the form that UnmarshalText reads.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads N/TIME, such as 100/60s, or 0.
func (r *Rate) UnmarshalText(text []byte) error {
	s := string(text)
	if s == "0" || s == Off {
		*r = Rate{}
		return nil
	}
	events, window, ok := strings.Cut(s, "/")
	n, err := strconv.ParseInt(events, 10, 32)
	if !ok || err != nil || n < 0 {
		return fmt.Errorf("%q is no rate; use a number and a time such as 100/60s, or 0 for no limit", s)
	}
	d, err := time.ParseDuration(window)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no rate: %q is not a time such as 60s or 1m", s, window)
	}
	*r = Rate{Events: int(n), Window: d}
	return nil
}

// Size is a number of bytes.
type Size int64

// The units of sizes, the largest first.
var sizeUnits = [...]struct {
	name  string
	bytes Size
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String is the form that UnmarshalText reads, in the largest unit that leaves nothing over.
func (s Size) String() string {
	for _, u := range sizeUnits {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText writes the form that UnmarshalText reads.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a number of bytes, or one of KiB, MiB or GiB.
func (s *Size) UnmarshalText(text []byte) error {
	digits, unit := string(text), Size(1)
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(digits, u.name); ok {
			digits, unit = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 || n > math.MaxInt64/int64(unit) {
		return fmt.Errorf("%q is no size; use a number of bytes, or one with KiB, MiB or GiB", text)
	}
	*s = Size(n) * unit
	return nil
}

// Network is a network, or one address.
type Network struct{ netip.Prefix }

// UnmarshalText reads ADDRESS/BITS, or ADDRESS.
func (n *Network) UnmarshalText(text []byte) error {
	s := string(text)
	if a, err := netip.ParseAddr(s); err == nil && a.Zone() == "" {
		n.Prefix = netip.PrefixFrom(a, a.BitLen())
		return nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return fmt.Errorf("%q is no network; use ADDRESS/BITS such as 10.0.0.0/8, or one address", s)
	}
	n.Prefix = p
	return nil
}

// prefixes are networks as the HTTP door takes them.
func prefixes(networks []Network) []netip.Prefix {
	out := make([]netip.Prefix, len(networks))
	for i, n := range networks {
		out[i] = n.Prefix
	}
	return out
}
