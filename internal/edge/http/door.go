// SPDX-License-Identifier: Apache-2.0

package http

import (
	"context"
	_ "embed"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
)

// Config is what a Door needs.
type Config struct {
	Router    *api.Router
	Auth      *auth.Authenticator
	Accounts  Accounts
	WebSocket http.Handler // MQTT over WebSocket
	Logger    *slog.Logger
	MaxBody   int64      // bytes
	Files     *api.Files // nil: no files
	Events    *Events    // nil: no streams of events

	Client fs.FS // the web client as it was built; nil: a page that says how to get it
	About  About

	TLS            bool           // callers come over TLS
	HSTS           time.Duration  // for how long browsers shall come over TLS only; 0 says nothing
	TrustedProxies []netip.Prefix // whose X-Forwarded-For and X-Forwarded-Proto are believed

	Ready   func(ctx context.Context) error // why the server cannot serve, nil when it can
	Metrics http.Handler
}

// About is what a client needs to know before anybody signs in.
type About struct {
	ServerName   string
	Version      string
	Registration string // the policy
}

// The page that is served where the web client was not built.
var (
	//go:embed page.html
	page []byte
	//go:embed page.js
	pageScript []byte
	//go:embed page.css
	pageStyle []byte
)

// Handler serves everything but the operator's pages, and those for callers on this machine only, unless they have a listener of
// their own.
func Handler(cfg Config, ownOps bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", &routes{cfg})
	(&accounts{routes{cfg}}).routeOn(mux)
	mux.HandleFunc("POST /api/v1/hooks/{token}/{room_id}", (&routes{cfg}).hook)
	if cfg.Files != nil {
		(&files{&routes{cfg}, cfg.Files}).register(mux)
	}
	newDescriptions(cfg).routeOn(mux)
	if cfg.Events != nil {
		mux.HandleFunc("GET "+eventsPath, (&routes{cfg}).events)
	}
	mux.Handle("/mqtt", cfg.WebSocket)
	mux.Handle("/", pages(&cfg))
	if !ownOps {
		ops := Ops(cfg)
		mux.Handle("/healthz", ops)
		mux.Handle("/readyz", ops)
		mux.Handle("/metrics", localOnly(ops))
	}
	return behindProxies(cfg.TrustedProxies, secured(&cfg, mux))
}

// pages serves the web client, or the page in its place.
func pages(cfg *Config) http.Handler {
	if cfg.Client != nil {
		c, err := newClient(cfg.Client)
		if err == nil {
			return c
		}
		cfg.Logger.Error("http: serving a plain page in place of the web client", "error", err)
	}
	mux := http.NewServeMux()
	give := func(pattern, kind string, body []byte) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "no-cache")
			_, _ = w.Write(body)
		})
	}
	give("GET /{$}", "text/html; charset=utf-8", page)
	give("GET /setup", "text/html; charset=utf-8", page)
	give("GET /page.js", "text/javascript; charset=utf-8", pageScript)
	give("GET /page.css", "text/css; charset=utf-8", pageStyle)
	return mux
}

// Ops serves the operator's pages.
func Ops(cfg Config) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		if err := cfg.Ready(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ready\n"))
	})
	mux.Handle("GET /metrics", cfg.Metrics)
	return mux
}

// localOnly serves callers on this machine.
func localOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a := remote(r); !a.IsLoopback() {
			http.Error(w, "the metrics are for this machine only; give them a listener of their own with --ops", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// forwardedProto is where a proxy says how the client came.
const forwardedProto = "X-Forwarded-Proto"

// behindProxies sets RemoteAddr to the client's address as the nearest trusted proxies say, and leaves in X-Forwarded-Proto
// only what the nearest of them says.
func behindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	isTrusted := func(a netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(a) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := remote(r)
		if !isTrusted(addr) {
			r.Header.Del(forwardedProto)
			next.ServeHTTP(w, r)
			return
		}
		protos := strings.Split(strings.Join(r.Header.Values(forwardedProto), ","), ",")
		r.Header.Set(forwardedProto, strings.ToLower(strings.TrimSpace(protos[len(protos)-1])))
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && isTrusted(addr); i-- {
			hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
			if err != nil {
				break
			}
			addr = hop.Unmap()
		}
		r.RemoteAddr = net.JoinHostPort(addr.String(), "0")
		next.ServeHTTP(w, r)
	})
}

// remote is the address of the caller.
func remote(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}
