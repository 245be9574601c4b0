// SPDX-License-Identifier: Apache-2.0

// Package app puts a server together from its parts, and is the only place where they meet.
//
// New opens the data directory and the doors, Run serves until its context ends, and then everything stops in the order
// that loses nothing: doors, places, store, feed.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"parley/internal/admin"
	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	httpdoor "parley/internal/edge/http"
	mqttdoor "parley/internal/edge/mqtt"
	"parley/internal/feed"
	"parley/internal/mqtt"
	"parley/internal/presence"
	"parley/internal/push"
	"parley/internal/store"
	"parley/internal/wire"
	"parley/web"
)

// stopPatience is how long a stopping server waits for what is under way.
const stopPatience = 15 * time.Second

// Door is an open door.
type Door struct {
	Name string // mqtt, mqtts, http, https or ops
	URL  string
}

// App is a server.
type App struct {
	cfg Config
	log *slog.Logger

	rules    *rules
	store    *store.SQLite
	tokens   *auth.Tokens
	feed     *feed.Feed
	files    *api.Files
	service  *chat.Service
	mqtt     *mqtt.Server
	socket   *admin.Socket
	admin    *admin.Direct
	servers  []*serving
	doors    []Door
	notes    []string
	demo     *Demo
	setup    string // the permission to make the first administrator; "" where there is one
	door     *mqttdoor.Door
	events   *httpdoor.Events
	presence *presence.Presence
	push     *pushing
	relay    atomic.Pointer[push.Relay] // that of push: the writer asks for it
	cancel   context.CancelFunc         // of requests
	broken   chan error                 // a door that fails
}

// serving is a listener with what serves it.
type serving struct {
	listener net.Listener
	serve    func(net.Listener) error
	stop     func() // nil: the MQTT server stops it
}

// Inside is what no operator sets and tests do: the clock, and those limits of the protocol layer that have no option.
type Inside struct {
	Now  func() time.Time // nil: time.Now
	Push PushInside
	MQTT mqtt.Config // what Config, the store and the log do not decide; zero values are the defaults
}

// New opens the data directory, the doors and the admin socket. Clients that connect wait until Run. version is shown by info.
func New(ctx context.Context, cfg Config, version string, log *slog.Logger) (*App, error) {
	return NewWith(ctx, cfg, Inside{}, version, log)
}

// NewWith is New with another inside.
func NewWith(ctx context.Context, cfg Config, in Inside, version string, log *slog.Logger) (_ *App, err error) {
	if in.Now == nil {
		in.Now = time.Now
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	rules, err := rulesOf(cfg.Content, log)
	if err != nil {
		return nil, err
	}
	tls, err := certificate(cfg.TLS, log)
	if err != nil {
		return nil, err
	}
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	a := &App{cfg: cfg, log: log, rules: rules, cancel: cancel, broken: make(chan error, 8)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.discard())
		}
	}()

	// The listeners first: a taken port is found out before anything is written.
	listeners, err := a.listen()
	if err != nil {
		return nil, err
	}
	measured := newMeasures()
	a.store, err = store.Open(ctx, store.Options{Dir: cfg.Data, Now: in.Now, Logger: log, Observe: measured.commit, Search: true,
		OnCommit: a.committed})
	if err != nil {
		return nil, err
	}
	a.feed = feed.New(feed.Config{
		Log: a.store, Places: a.store, Epoch: a.store.Epoch(), Logger: log,
		Cork: func() { a.mqtt.Cork() }, Uncork: func() { a.mqtt.Uncork() },
		Account: func(e *chat.Event) { a.revoked(e) },
	})
	secret, err := auth.LoadSecret(cfg.Data)
	if err != nil {
		return nil, err
	}
	tokens, passwords, invitations := auth.NewTokens(secret, in.Now), auth.NewPasswords(0, in.Now), auth.NewInvitations(secret, in.Now)
	a.tokens = tokens
	revoked, err := a.store.RevokedTokens(ctx)
	if err != nil {
		return nil, err
	}
	tokens.RevokeAll(revoked)
	authenticator := auth.NewAuthenticator(a.store, passwords, tokens, auth.DefaultLimits(), in.Now)
	limits := chat.DefaultLimits()
	limits.MaxFileSize, limits.FileQuota = int64(cfg.Limits.MaxFileSize), int64(cfg.Limits.FileQuota)
	limits.WebhookHosts, limits.WebhookTexts = cfg.Push.WebhookHosts, cfg.Push.Text == push.TextsAll
	a.service = chat.NewService(a.store, limits, newID, func() chat.Time { return chat.TimeOf(in.Now()) })
	a.presence, err = presence.New(ctx, presence.Config{Rooms: a.store, Listeners: a.feed, Save: a.service.SaveSeen, Logger: log, Now: in.Now})
	if err != nil {
		return nil, err
	}
	if a.files, err = openFiles(cfg.Data, a.service, auth.NewTickets(secret, in.Now)); err != nil {
		return nil, err
	}
	if a.push, err = openPush(cfg, in, secret, a.store.Epoch(), a.service, a.presence.Absence, log); err != nil {
		return nil, err
	}
	a.relay.Store(a.push.relay)
	rate := api.Rate{Requests: cfg.Access.RateLimit.Events, Window: cfg.Access.RateLimit.Window}
	routes := api.New(api.Config{
		Service: a.service, Audience: a.feed, Presence: a.presence, Rules: rules.Load, Epoch: a.store.Epoch(), Version: version,
		Rates: api.Rates{Changes: rate, Reads: rate, Passing: rate}, Now: in.Now, Passwords: passwords, Files: a.files, Tokens: tokens,
		Devices: mqttdoor.Devices{Server: func() *mqtt.Server { return a.mqtt }},
		Running: api.Running{Started: in.Now(), Here: a.presence.Here, Fill: func(out *wire.Stats) { a.sources().fill(measured, out) }},
		Push:    api.Push{VAPIDPublicKey: a.push.keys.Public(), WebhookSecret: a.push.keys.WebhookSecret},
		Info: map[string]any{"file_size": limits.MaxFileSize, "file_quota": limits.FileQuota, "inline_file_size": api.MaxInlineFile, "packet_size": int64(cfg.Limits.MaxPacketSize), "receive_maximum": cfg.Limits.ReceiveMaximum,
			"sessions": cfg.Limits.SessionsPerUser, "session_expiry": cfg.Limits.SessionExpiry.Seconds()},
	})
	a.door = mqttdoor.New(requests, mqttdoor.Config{Router: routes.Router(), Auth: authenticator, Feed: a.feed, Places: a.store, Logger: log,
		Presence: a.presence, Now: in.Now})
	a.events = httpdoor.NewEvents(httpdoor.EventsConfig{Feed: a.feed, Auth: authenticator, Epoch: a.store.Epoch(), Presence: a.presence,
		Admit: routes.AdmitRead, Now: in.Now})
	protocol := in.MQTT
	protocol.ReceiveMaximum, protocol.MaxPacketSize = uint16(cfg.Limits.ReceiveMaximum), uint32(cfg.Limits.MaxPacketSize)
	protocol.MaxSessionExpiry, protocol.MaxSessionsPerOwner = cfg.Limits.SessionExpiry, cfg.Limits.SessionsPerUser
	protocol.MaxConnections = cfg.Limits.MaxConnections
	protocol.Store, protocol.Logger, protocol.Now = a.store, log, in.Now
	a.mqtt, err = mqtt.NewServer(protocol, a.door)
	if err != nil {
		return nil, err
	}
	go a.feed.Run()
	setup := auth.NewSetup(secret, a.service, passwords, in.Now)
	a.admin = operations(a.store, a.service, secret, passwords, tokens, in.Now)
	if cfg.Demo {
		if a.demo, err = a.makeDemo(ctx); err != nil {
			return nil, err
		}
	}
	if err := a.offerSetup(ctx, setup); err != nil {
		return nil, err
	}
	if a.socket, err = admin.Listen(cfg.Data, a.admin, log); err != nil {
		return nil, err
	}
	pages := httpdoor.Config{
		Router: routes.Router(), Auth: authenticator, Accounts: httpdoor.Accounts{
			Registrar: auth.NewRegistrar(cfg.Access.Registration, a.service, passwords, invitations, in.Now),
			Setup:     setup, Logins: auth.NewLogins(tokens, a.service, in.Now), Founded: a.service.HasAdministrator, Name: cleanName,
			Display: routes.DisplayName,
		}, WebSocket: a.mqtt.WebSocket(), Logger: log, MaxBody: int64(cfg.Limits.MaxPacketSize),
		Client: web.Client(), About: httpdoor.About{ServerName: cfg.Name, Version: version, Registration: cfg.Access.Registration},
		TLS: tls != nil, HSTS: cfg.TLS.HSTS,
		Files: a.files, Events: a.events, TrustedProxies: prefixes(cfg.Access.TrustedProxies), Ready: a.store.Ping,
		Metrics: measured.handler(a.sources()),
	}
	a.serveAll(listeners, pages, tls)
	return a, nil
}

// Doors lists the open doors.
func (a *App) Doors() []Door { return a.doors }

// Notes are what a person who starts the server should know beside, such as a port that was taken.
func (a *App) Notes() []string { return a.notes }

// Setup is the link with which the first administrator can be made; "" where there is one, or no door for it.
func (a *App) Setup() string {
	for _, d := range a.doors {
		if u, err := url.Parse(d.URL); err == nil && d.Name == doorHTTP && a.setup != "" {
			if addr, err := netip.ParseAddr(u.Hostname()); err == nil && addr.IsUnspecified() {
				u.Host = net.JoinHostPort("localhost", u.Port())
			}
			return SetupLink(u.String(), a.setup)
		}
	}
	return ""
}

// SetupLink is where a browser uses a permission to make the first administrator. Behind the #, it reaches no log.
func SetupLink(server, setup string) string { return server + "/setup#" + setup }

// offerSetup makes the permission for the link, where there is no administrator.
func (a *App) offerSetup(ctx context.Context, setup *auth.Setup) (err error) {
	there, err := a.service.HasAdministrator(ctx)
	if err != nil || there {
		return err
	}
	a.setup, err = setup.Issue(ctx, auth.DefaultSetupTTL)
	return err
}

// Demo tells the demo accounts; nil without.
func (a *App) Demo() *Demo { return a.demo }

// Run serves until ctx ends or a door fails, then stops.
func (a *App) Run(ctx context.Context) error {
	go trim(ctx, a.connectionChanges)
	go collect(ctx, a.files, a.log)
	defer a.followRules(ctx)()
	go a.keepRetention(ctx)
	go a.presence.Run(ctx)
	a.push.run(ctx)
	for _, s := range a.servers {
		go func() {
			err := s.serve(s.listener)
			if !errors.Is(err, http.ErrServerClosed) && !errors.Is(err, mqtt.ErrServerClosed) {
				a.broken <- fmt.Errorf("serving on %s: %w", s.listener.Addr(), err)
			}
		}()
	}
	var failure error
	select {
	case <-ctx.Done():
	case failure = <-a.broken:
	}
	a.log.Info("stopping")
	return errors.Join(failure, a.stop())
}

// committed hears of every batch, on the writer's goroutine.
func (a *App) committed(b *chat.Batch) {
	a.feed.Committed(b)
	if relay := a.relay.Load(); relay != nil {
		relay.Committed(b)
	}
}

// revoked has what an account may not have any more taken from it: the feed calls it with each such event.
func (a *App) revoked(e *chat.Event) {
	if d := e.Details; e.Kind == chat.AccountModerated && d.Action == chat.ActionSession {
		a.tokens.Revoke(d.Session, time.UnixMilli(int64(d.Expires)))
	}
	a.door.Revoked(a.mqtt, e)
	a.events.Revoked(e)
}

// followRules keeps the rules for texts as their files are, and reads them at SIGHUP, until ctx ends and the result is called.
func (a *App) followRules(ctx context.Context) (stop func()) {
	look, asked := time.NewTicker(rulesEvery), make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGHUP)
	go a.rules.follow(ctx, look.C, asked)
	return func() {
		signal.Stop(asked)
		look.Stop()
	}
}

// sources are the parts that are measured. All are there once the doors are open.
func (a *App) sources() sources {
	return sources{mqtt: a.mqtt, store: a.store, feed: a.feed, door: a.door, events: a.events, push: a.push.sender, relay: a.push.relay}
}

// connectionChanges counts the connections that have come or gone.
func (a *App) connectionChanges() uint64 {
	var n uint64
	for _, c := range a.mqtt.Stats().Connections {
		n += 2*c.Total - uint64(c.Open)
	}
	return n
}

// Close stops a server that Run was not called for.
func (a *App) Close() error { return a.stop() }

// stop ends the parts in the order that loses nothing.
func (a *App) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopPatience)
	defer cancel()
	var errs []error
	// The admin socket, HTTP and MQTT side by side, each with its own patience: nobody's slow request cuts somebody else off.
	var doors sync.WaitGroup
	if a.socket != nil {
		doors.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), httpPatience)
			defer cancel()
			if err := a.socket.Close(ctx); err != nil {
				a.log.Warn("stopping: the admin socket", "error", err)
			}
		})
	}
	for _, s := range a.servers {
		_ = s.listener.Close()
		if s.stop != nil {
			doors.Go(func() { s.stop() })
		}
	}
	if a.events != nil {
		a.events.Stop()
	}
	if a.door != nil {
		a.door.Stop()
	}
	if a.mqtt != nil {
		if err := a.mqtt.Shutdown(ctx); err != nil {
			a.log.Warn("stopping: some MQTT connections were cut off", "error", err)
		}
	}
	doors.Wait()
	a.cancel()
	if a.push != nil {
		a.push.close()
	}
	if a.presence != nil {
		a.presence.Flush()
	}
	if a.feed != nil && a.store != nil {
		a.feed.SavePlaces(nil)
	}
	if a.store != nil {
		errs = append(errs, a.store.Close()) // after everything submitted
	}
	if a.feed != nil {
		a.feed.Close()
	}
	return errors.Join(errs...)
}

// discard stops what New had opened when it failed.
func (a *App) discard() error {
	if a.feed != nil && a.mqtt == nil { // not running yet
		go a.feed.Run()
	}
	return a.stop()
}
