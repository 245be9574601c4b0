// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"net/netip"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"parley/internal/api"
	door "parley/internal/edge/http"
)

func built() fstest.MapFS {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	return fstest.MapFS{
		"index.html": file("the page"), "index.html.br": file("the page in br"),
		"sw.js": file("worker"), "manifest.webmanifest": file("{}"), "icon.png": file("png"), "odd.thing": file("?"),
		"assets/app-1234.js": file("code"), "assets/app-1234.js.br": file("code in br"), "assets/app-1234.js.gz": file("code in gz"),
		"assets/only-5678.css": file("style"), "assets/only-5678.css.gz": file("style in gz"),
		"lonely.br": file("no encoding of anything"),
	}
}

func TestWebClient(t *testing.T) {
	h := open(t, api.Rate{}, func(cfg *door.Config) { cfg.Client = built() })
	const page, any = "text/html,application/xhtml+xml;q=0.9", "*/*"
	const kept, asked = "public, max-age=31536000, immutable", "no-cache"
	for _, c := range []struct {
		path, accept, encodings     string
		status                      int
		body, mime, encoding, cache string
	}{
		{"/", page, "", 200, "the page", "text/html; charset=utf-8", "", asked},
		{"/", any, "gzip, deflate, br, zstd", 200, "the page in br", "text/html; charset=utf-8", "br", asked},
		{"/index.html", any, "gzip", 200, "the page", "text/html; charset=utf-8", "", asked},
		{"/setup", page, "", 200, "the page", "text/html; charset=utf-8", "", asked},
		{"/room/a.b.js", page, "br", 200, "the page in br", "text/html; charset=utf-8", "br", asked},
		{"/room/general", any, "", 404, "", "", "", ""},
		{"/sw.js", any, "", 200, "worker", "text/javascript; charset=utf-8", "", asked},
		{"/manifest.webmanifest", any, "br", 200, "{}", "application/manifest+json", "", asked},
		{"/icon.png", any, "", 200, "png", "image/png", "", asked},
		{"/odd.thing", any, "", 200, "?", "application/octet-stream", "", asked},
		{"/lonely.br", any, "", 200, "no encoding of anything", "application/octet-stream", "", asked},
		{"/assets/app-1234.js", any, "gzip, br", 200, "code in br", "text/javascript; charset=utf-8", "br", kept},
		{"/assets/app-1234.js", any, "gzip;q=1.0, br;q=0", 200, "code in gz", "text/javascript; charset=utf-8", "gzip", kept},
		{"/assets/app-1234.js", any, "br; q=0.0, identity", 200, "code", "text/javascript; charset=utf-8", "", kept},
		{"/assets/only-5678.css", any, "gzip, br", 200, "style in gz", "text/css; charset=utf-8", "gzip", kept},
		{"/assets/gone-0000.js", page, "", 404, "", "", "", ""}, // never the page in place of a script
		{"/assets/", page, "", 404, "", "", "", ""},
		{"/../door.go", any, "", 404, "", "", "", ""},
	} {
		a := h.do("GET", "http://chat.example"+strings.Replace(c.path, "..", "%2e%2e", 1), "", "Accept", c.accept, "Accept-Encoding", c.encodings)
		if a.Code != c.status {
			t.Errorf("%s: status %d, want %d", c.path, a.Code, c.status)
			continue
		}
		if c.status != 200 {
			continue
		}
		got := a.Header()
		if a.Body.String() != c.body || got.Get("Content-Type") != c.mime || got.Get("Content-Encoding") != c.encoding || got.Get("Cache-Control") != c.cache {
			t.Errorf("%s with %q: %q %v", c.path, c.encodings, a.Body, got)
		}
		if policy := got.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self' ws://chat.example;") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: %s", c.path, policy)
		}
		again := h.do("GET", "http://chat.example"+c.path, "", "Accept", c.accept, "Accept-Encoding", c.encodings, "If-None-Match", got.Get("ETag"))
		if again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s again: %d", c.path, again.Code)
		}
	}
	if a := h.do("GET", "/somewhere", "", "Sec-Fetch-Mode", "navigate"); a.Body.String() != "the page" {
		t.Errorf("a browser that goes somewhere: %d %s", a.Code, a.Body)
	}
	if a := h.do("GET", "/somewhere", "", "Sec-Fetch-Mode", "cors", "Accept", page); a.Code != 404 {
		t.Errorf("a script that fetches something: %d", a.Code)
	}
	if a := h.do("POST", "/", ""); a.Code != 405 {
		t.Errorf("POST: %d", a.Code)
	}
	if a := h.do("GET", "/assets/app-1234.js", "", "Range", "bytes=1-2", "Accept-Encoding", "br"); a.Code != 206 || a.Body.String() != "od" {
		t.Errorf("a part: %d %s", a.Code, a.Body)
	}
	h.do("GET", "/api/v1/nothing", "", "Accept", page).wants(t, 404, "not_found")
}

// Where there is no client, or a broken one, the plain page says so.
func TestWithoutWebClient(t *testing.T) {
	for _, files := range []fstest.MapFS{nil, {"placeholder.html": {}}} {
		h := open(t, api.Rate{}, func(cfg *door.Config) {
			if files != nil {
				cfg.Client = files
			}
		})
		if a := h.do("GET", "/", "", "Accept", "text/html"); a.Code != 200 || !strings.Contains(a.Body.String(), "Parley") {
			t.Errorf("%d %s", a.Code, a.Body)
		}
		for path, kind := range map[string]string{"/setup": "text/html", "/page.js": "text/javascript", "/page.css": "text/css"} {
			a := h.do("GET", path, "")
			if a.Code != 200 || !strings.HasPrefix(a.Header().Get("Content-Type"), kind) || strings.Contains(a.Header().Get("Content-Security-Policy"), "unsafe") {
				t.Errorf("%s: %d, %v", path, a.Code, a.Header())
			}
		}
	}
}

func TestSecureHeaders(t *testing.T) {
	h := open(t, api.Rate{}, func(cfg *door.Config) {
		cfg.Client, cfg.HSTS = built(), 48*time.Hour
		cfg.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	})
	for _, c := range []struct {
		remote, proto string
		tls           bool
	}{
		{"10.1.1.1:9", "https", true}, {"10.1.1.1:9", "http", false}, {"10.1.1.1:9", "https, http", false}, {"10.1.1.1:9", "", false},
		{"203.0.113.5:9", "https", false}, // anybody can say so
	} {
		a := h.do("GET", "http://chat.example/", "", "Remote", c.remote, "X-Forwarded-Proto", c.proto)
		hsts, policy := a.Header().Get("Strict-Transport-Security"), a.Header().Get("Content-Security-Policy")
		if (hsts == "max-age=172800") != c.tls || strings.Contains(policy, "wss://chat.example;") != c.tls {
			t.Errorf("%+v: %q, %s", c, hsts, policy)
		}
	}
	a := h.do("GET", "/", "", "Host", "x")
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// A page of another origin cannot have a browser do anything.
func TestOrigins(t *testing.T) {
	h, _ := registering(t, "open")
	for _, c := range []struct {
		headers []string
		status  int
	}{
		{nil, 200}, // no browser
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "http://chat.example"}, 200},
		{[]string{"Origin", "http://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
	} {
		a := h.do("POST", "http://chat.example/api/v1/message/r", "x", append(c.headers, "Authorization", "Bearer "+h.token("ann"))...)
		if a.Code != c.status {
			t.Errorf("%v: %d, want %d", c.headers, a.Code, c.status)
		}
	}
	h.do("POST", "http://chat.example/api/v1/auth/login", `{"user_id":"ann","password":"x"}`, "Sec-Fetch-Site", "cross-site").wants(t, 403, "forbidden")
}

func TestBeforeSignIn(t *testing.T) {
	h := open(t, api.Rate{}, func(cfg *door.Config) {
		cfg.About = door.About{ServerName: "The Greenhouse", Version: "1.2", Registration: "invite"}
	})
	a := h.do("GET", "/api/v1/auth", "").wants(t, 200, "")
	if a.json["server_name"] != "The Greenhouse" || a.json["version"] != "1.2" || a.json["registration"] != "invite" || a.json["min_password"] != 8.0 {
		t.Errorf("%s", a.Body)
	}
}

// The cookie shows files, and does nothing else.
func TestCookie(t *testing.T) {
	h, _ := registering(t, "open")
	a := h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	set := a.Header().Get("Set-Cookie")
	for _, part := range []string{"parley_token=" + a.json["token"].(string), "Path=/api/v1", "HttpOnly", "SameSite=Strict", "Expires="} {
		if !strings.Contains(set, part) {
			t.Errorf("%q is not in %q", part, set)
		}
	}
	if strings.Contains(set, "Secure") {
		t.Errorf("over plain HTTP: %q", set)
	}
	cookie := "parley_token=" + a.json["token"].(string)
	h.do("GET", "/api/v1/info", "", "Cookie", cookie).wants(t, 401, "unauthenticated")
	h.do("POST", "/api/v1/rooms/join/r", "", "Cookie", cookie).wants(t, 401, "unauthenticated")
	h.cfg.TLS = true
	h.handler = door.Handler(h.cfg, false)
	b := h.account("login", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	if !strings.Contains(b.Header().Get("Set-Cookie"), "Secure") {
		t.Errorf("over TLS: %q", b.Header().Get("Set-Cookie"))
	}
	if c := h.account("login", `{"user_id":"eve","password":"wrong horse"}`); c.Header().Get("Set-Cookie") != "" {
		t.Error("a cookie for nobody")
	}
}
