// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/url"
	"strings"
)

// Run opens a server, prints its doors to out (one a line: name and URL), and serves until ctx ends.
func Run(ctx context.Context, cfg Config, version string, out io.Writer, log *slog.Logger) error {
	a, err := New(ctx, cfg, version, log)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(out, a.greeting()); err != nil {
		log.Warn("the addresses could not be printed", "error", err)
	}
	return a.Run(ctx)
}

// greeting tells where the server is, and in a demo what to paste.
func (a *App) greeting() string {
	var b strings.Builder
	for _, d := range a.doors {
		fmt.Fprintf(&b, "%-5s %s\n", d.Name, d.URL)
	}
	for _, n := range a.notes {
		fmt.Fprintf(&b, "note  %s\n", n)
	}
	if a.demo != nil {
		a.demo.greet(&b, a.door(doorMQTT), a.door(doorHTTP))
	}
	return b.String()
}

// door is the address of a door that can be dialled, "" when it is shut.
func (a *App) door(name string) string {
	for _, d := range a.doors {
		if u, err := url.Parse(d.URL); err == nil && d.Name == name {
			return dialable(u.Host)
		}
	}
	return ""
}

// dialable replaces the address of all interfaces by that of this machine.
func dialable(hostport string) string {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		return hostport
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// greet prints the accounts and lines that can be pasted.
func (d *Demo) greet(b *strings.Builder, mqtt, web string) {
	b.WriteString("\nDemo accounts of this data directory:\n")
	by := map[string]DemoUser{}
	for _, u := range d.Users {
		by[string(u.ID)] = u
		fmt.Fprintf(b, "  %-6s %s  (%s)\n", u.ID, u.Password, u.Role)
	}
	if host, port, err := net.SplitHostPort(mqtt); err == nil {
		fmt.Fprintf(b, "\nListen as bob, in one terminal:\n"+
			"  mosquitto_sub -V 5 -h %s -p %s -i phone -u bob -P %s -q 1 -c -x 86400 -t 'chat/user/bob/#' -v\n", host, port, by["bob"].Password)
		fmt.Fprintf(b, "Write as alice, in another:\n"+
			"  mosquitto_pub -V 5 -h %s -p %s -u alice -P %s -q 1 -t chat/message/general -m 'hello from a stock client'\n", host, port, by["alice"].Password)
	}
	if web != "" {
		fmt.Fprintf(b, "Over WebSocket: ws://%s/mqtt\n", web)
		fmt.Fprintf(b, "Open in a browser: http://%s/\n", web)
	}
	b.WriteString("\nEnd it with Ctrl-C.\n\n")
}
