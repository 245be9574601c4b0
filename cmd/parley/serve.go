// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime/debug"
	"text/tabwriter"

	"github.com/alecthomas/kong"

	"parley/internal/app"
)

// serverOptions is the configuration without its Validate, which kong would call too early.
type serverOptions app.Config

type serveCommand struct {
	Options serverOptions `embed:""`
}

// Run serves until a signal. The doors are printed to the standard output, one a line, when they are open; the log goes
// to the standard error.
func (c *serveCommand) Run(ctx context.Context, p *process, g *Globals, o *origins) error {
	cfg := (*app.Config)(&c.Options)
	complete(cfg, g, o)
	if err := o.validate(cfg); err != nil {
		return err
	}
	log, err := cfg.Log.Logger(p.stderr)
	if err != nil {
		return err
	}
	info, _ := debug.ReadBuildInfo()
	server, err := app.New(ctx, *cfg, buildOf(version, info).Version, log)
	if err != nil {
		return err
	}
	if err := announce(p.stdout, server); err != nil {
		return errors.Join(fmt.Errorf("printing the doors: %w", err), server.Close())
	}
	return server.Run(ctx)
}

// complete fills in what does not come from options of the command alone. The doors of a demo are on loopback, unless
// their addresses were given.
func complete(c *app.Config, g *Globals, o *origins) {
	c.Data = g.Data
	if !c.Demo {
		return
	}
	for option, addr := range map[string]*string{"mqtt": &c.Listen.MQTT, "mqtts": &c.Listen.MQTTS, "http": &c.Listen.HTTP} {
		if _, port, err := net.SplitHostPort(*addr); err == nil && o.origin(option) == fromDefault {
			*addr = net.JoinHostPort("127.0.0.1", port)
			o.of[option] = fromDemo
		}
	}
}

// announce prints the doors, and of a demo how to go through them.
func announce(w io.Writer, server *app.App) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	ports := map[string]string{}
	for _, door := range server.Doors() {
		fmt.Fprintf(table, "%s\t%s\n", door.Name, door.URL)
		if u, err := url.Parse(door.URL); err == nil {
			ports[door.Name] = u.Port()
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if link := server.Setup(); link != "" {
		fmt.Fprintf(w, "setup  %s\n       makes the first administrator; good once, for a day; parley setup prints another\n", link)
	}
	for _, note := range server.Notes() {
		fmt.Fprintf(w, "note  %s\n", note)
	}
	if demo := server.Demo(); demo != nil {
		return announceDemo(w, demo, ports["mqtt"])
	}
	return nil
}

func announceDemo(w io.Writer, demo *app.Demo, mqttPort string) error {
	fmt.Fprintln(w, "\nDemo accounts, with the passwords of this data directory:")
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	passwords := map[string]string{}
	for _, u := range demo.Users {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", u.ID, u.Password, u.Role)
		passwords[string(u.ID)] = u.Password
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(demo.Rooms) == 0 || mqttPort == "" || passwords["alice"] == "" || passwords["bob"] == "" {
		return nil
	}
	_, err := fmt.Fprintf(w, `
Listen in one terminal and speak in another:
  mosquitto_sub -V 5 -p %[1]s -i phone -u bob -P %[2]s -q 1 -c -x 86400 -t 'chat/user/bob/#' -v
  mosquitto_pub -V 5 -p %[1]s -u alice -P %[3]s -q 1 -t chat/message/%[4]s -m 'hello from a stock client'
`, mqttPort, passwords["bob"], passwords["alice"], demo.Rooms[0])
	return err
}

type configCommand struct {
	Options serverOptions `embed:""`
}

// Run prints the configuration. What is wrong with it is told, too, and gives exit code 2.
func (c *configCommand) Run(k *kong.Context, p *process, g *Globals, o *origins) error {
	cfg := (*app.Config)(&c.Options)
	complete(cfg, g, o)
	var settings []app.Setting
	for _, flag := range options(k) {
		values, list, err := optionText(flag.Target)
		if err != nil {
			return err
		}
		settings = append(settings, app.Setting{Name: flag.Name, Values: values, List: list, Origin: o.origin(flag.Name)})
	}
	if err := app.PrintConfig(p.stdout, settings); err != nil {
		return err
	}
	return o.validate(cfg)
}
