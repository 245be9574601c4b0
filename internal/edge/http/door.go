// SPDX-License-Identifier: Apache-2.0

package http

import (
	"context"
	_ "embed"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"

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

	TrustedProxies []netip.Prefix // whose X-Forwarded-For is believed

	Ready   func(ctx context.Context) error // why the server cannot serve, nil when it can
	Metrics http.Handler
}

//go:embed page.html
var page []byte

// Handler serves everything but the operator's pages, and those for callers on this machine only, unless they have a listener of
// their own.
func Handler(cfg Config, ownOps bool) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/api/v1/", &routes{cfg})
	(&accounts{routes{cfg}}).routeOn(mux)
	if cfg.Files != nil {
		(&files{&routes{cfg}, cfg.Files}).register(mux)
	}
	mux.Handle("/mqtt", cfg.WebSocket)
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write(page)
	})
	if !ownOps {
		ops := Ops(cfg)
		mux.Handle("/healthz", ops)
		mux.Handle("/readyz", ops)
		mux.Handle("/metrics", localOnly(ops))
	}
	return behindProxies(cfg.TrustedProxies, secured(mux))
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

// secured sets the headers that every answer has.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'self'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'")
		next.ServeHTTP(w, r)
	})
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

// behindProxies sets RemoteAddr to the client's address as the nearest trusted proxies say.
func behindProxies(trusted []netip.Prefix, next http.Handler) http.Handler {
	if len(trusted) == 0 {
		return next
	}
	isTrusted := func(a netip.Addr) bool {
		for _, p := range trusted {
			if p.Contains(a) {
				return true
			}
		}
		return false
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		addr := remote(r)
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
