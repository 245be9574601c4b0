// SPDX-License-Identifier: Apache-2.0

package http

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/api"
	"parley/internal/chat"
)

// cookieName is the cookie of a signed-in browser. It holds an access token.
const cookieName = "parley_token"

// cookiePath is where browsers send it.
const cookiePath = "/api/v1"

// apiPolicy is for answers that are no pages.
const apiPolicy = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// pagePolicy lets a page load what comes from this server, and speak with nobody else. %s is the WebSocket's origin: not
// every browser counts it as the page's own.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; " +
	"font-src 'self'; connect-src 'self' %s; worker-src 'self'; manifest-src 'self'; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secured sets the headers that every answer has, and refuses what a page of another origin has a browser send in its
// user's name: signing in and out is what a browser could be tricked into, since all else takes a token that it does not add
// by itself.
func secured(cfg *Config, next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	origins.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		(&routes{*cfg}).answer(w, &api.Request{Topic: r.URL.Path}, nil, chat.Refuse(chat.Forbidden, "this comes from a page of another origin; behind a proxy, let it pass the header Host on"))
	}))
	next = origins.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if strings.HasPrefix(r.URL.Path, "/api/") {
			h.Set("Content-Security-Policy", apiPolicy)
		} else {
			h.Set("Content-Security-Policy", strings.Replace(pagePolicy, "%s", webSocketOrigin(cfg, r), 1))
		}
		if cfg.HSTS > 0 && secure(cfg, r) {
			h.Set("Strict-Transport-Security", "max-age="+strconv.FormatInt(int64(cfg.HSTS/time.Second), 10))
		}
		next.ServeHTTP(w, r)
	})
}

// secure tells whether the caller came over TLS, here or at a trusted proxy.
func secure(cfg *Config, r *http.Request) bool {
	return cfg.TLS || r.Header.Get(forwardedProto) == "https"
}

// webSocketOrigin is where a page of this host opens its WebSocket; nothing where the host is none.
func webSocketOrigin(cfg *Config, r *http.Request) string {
	for i := range len(r.Host) {
		switch c := r.Host[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '-', c == ':', c == '[', c == ']', c == '_':
		default:
			return ""
		}
	}
	if secure(cfg, r) {
		return "wss://" + r.Host
	}
	return "ws://" + r.Host
}

// signOut takes the token back from a browser.
func signOut(cfg *Config, w http.ResponseWriter, r *http.Request) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: cookiePath, MaxAge: -1, HttpOnly: true, //nolint:gosec // as signIn
		Secure: secure(cfg, r), SameSite: http.SameSiteStrictMode})
}

// signIn gives a browser the token. Secure it is where the browser came over TLS: a cookie for plain HTTP must be one that
// is sent there.
func signIn(cfg *Config, w http.ResponseWriter, r *http.Request, token string, expires time.Time) {
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: token, Path: cookiePath, Expires: expires, HttpOnly: true, //nolint:gosec // Secure is said above
		Secure: secure(cfg, r), SameSite: http.SameSiteStrictMode})
}
