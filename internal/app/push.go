// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/mail"
	"net/url"
	"strings"
	"sync"
	_ "time/tzdata" // quiet hours need zones, also where the system has none

	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/push"
)

// DefaultPushContact is what push services are told where no contact is configured. Not all take it.
const DefaultPushContact = "parley@localhost"

// Push says how people who are away are notified.
type Push struct {
	Contact      string     `name:"push-contact" placeholder:"CONTACT" group:"Push" help:"How push services reach you: a mail address or an https URL; Apple's takes no push without a real one."`
	Text         push.Texts `name:"push-text" placeholder:"POLICY" group:"Push" help:"Whose pushes have the text of messages: encrypted (Web Push only), all (webhooks, too) or none."`
	WebhookHosts []string   `name:"push-webhook-hosts" placeholder:"HOST" group:"Push" help:"Hosts that users may send webhooks to: HOST, or HOST:PORT; none by default."`
}

// check says what is wrong.
func (p *Push) check(fault func(option, format string, args ...any)) {
	if u, err := url.Parse(p.Contact); err != nil || u.Scheme != "https" || u.Host == "" {
		if address, err := mail.ParseAddress(p.Contact); err != nil || address.Address != p.Contact {
			fault("push-contact", "%q is neither a mail address nor an https URL", p.Contact)
		}
	}
	for _, host := range p.WebhookHosts {
		if host == "" || strings.ContainsAny(host, " /@*") {
			fault("push-webhook-hosts", "%q is no host; use HOST or HOST:PORT, without a scheme and a path", host)
		}
	}
}

// pushing is what the server needs for pushes.
type pushing struct {
	keys   *push.Keys
	sender *push.Sender
	relay  *push.Relay
	stop   context.CancelFunc // nil: not running
	ended  sync.WaitGroup
}

// PushInside is what tests change of pushes.
type PushInside struct {
	Loopback bool           // addresses of loopback may be called
	Roots    *x509.CertPool // nil: the system's
}

func openPush(cfg Config, in Inside, secret auth.Secret, epoch int64, service *chat.Service, away chat.Absence, log *slog.Logger) (*pushing, error) {
	vapid, err := auth.LoadVAPID(cfg.Data)
	if err != nil {
		return nil, err
	}
	keys, err := push.NewKeys(vapid[:], secret.Key("webhooks"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data: the file %s of the data directory cannot be used; restore it", auth.VAPIDFile), err)
	}
	transport := push.Transport(in.Push.Loopback, in.Push.Roots)
	return &pushing{keys: keys, sender: push.New(push.Config{
		Service: service, Away: away, Keys: keys, Contact: cfg.Push.Contact, Texts: cfg.Push.Text,
		Transport: transport, Logger: log, Now: in.Now, Random: rand.Float64,
	}), relay: push.NewRelay(push.RelayConfig{
		Service: service, Epoch: epoch, Keys: keys, Transport: transport, Logger: log, Now: in.Now, Random: rand.Float64,
	})}, nil
}

// run sends until ctx ends or close is called.
func (p *pushing) run(ctx context.Context) {
	ctx, p.stop = context.WithCancel(ctx)
	p.ended.Go(func() { p.sender.Run(ctx) })
	p.ended.Go(func() { p.relay.Run(ctx) })
}

// close ends run. What became of the calls under way has been submitted when it returns.
func (p *pushing) close() {
	if p.stop != nil {
		p.stop()
		p.ended.Wait()
	}
}
