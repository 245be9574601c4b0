// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	door "parley/internal/edge/http"
	"parley/internal/store"
	"parley/internal/store/storetest"
)

// web is a door on a real service.
type web struct {
	t       testing.TB
	handler http.Handler
	cfg     door.Config
	service *chat.Service
	store   *store.SQLite
	tokens  *auth.Tokens
	setup   *auth.Setup
	clock   *storetest.Clock
	logged  *bytes.Buffer

	mu    sync.Mutex
	ready error
}

// silence is an audience that is not there.
type silence struct{}

func (silence) Show(chat.UserID, chat.RoomID, []byte) {}

func (silence) PassAbout(chat.UserID, chat.RoomID, []byte) {}
func (silence) PassRoom(int64, chat.UserID, []byte)        {}

func named(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, name) })
}

func open(t testing.TB, rate api.Rate, alter func(*door.Config)) *web {
	t.Helper()
	h := &web{t: t, clock: storetest.NewClock(), logged: new(bytes.Buffer)}
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: h.clock.Now, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	h.store = s
	n := byte(0)
	h.service = chat.NewService(s, chat.DefaultLimits(), func() chat.ID { n++; return chat.ID{1, 15: n} }, h.clock.Time)
	h.service.CreateUser(chat.NewUser{ID: "ann"})
	h.service.CreateUser(chat.NewUser{ID: "bob"})
	h.service.CreateUser(chat.NewUser{ID: "root", Role: chat.RoleAdministrator})
	call := chat.Call{Principal: chat.Principal{UserID: "ann"}}
	if _, err := h.service.CreateRoom(call, chat.NewRoom{ID: "r", Name: "R"}).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	rules, err := content.New(content.Policy{Profanity: content.ActionOff}, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.tokens = auth.NewTokens(auth.Secret{1, 2, 3}, h.clock.Now)
	routes := api.New(api.Config{Tokens: h.tokens, Passwords: auth.NewPasswords(1, h.clock.Now), Service: h.service, Audience: silence{}, Rules: func() *content.Rules { return rules }, Epoch: 7, Now: h.clock.Now,
		Rates: api.Rates{Changes: rate, Reads: rate}})
	h.cfg = door.Config{
		Router: routes.Router(), Auth: auth.NewAuthenticator(s, auth.NewPasswords(1, h.clock.Now), h.tokens, auth.Limits{PerAddress: 3, Window: time.Minute}, h.clock.Now),
		Accounts:  door.Accounts{Founded: h.service.HasAdministrator},
		WebSocket: named("websocket"), Logger: slog.New(slog.NewTextHandler(h.logged, nil)), MaxBody: 1000,
		Ready: func(context.Context) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			return h.ready
		}, Metrics: named("metrics"),
	}
	if alter != nil {
		alter(&h.cfg)
	}
	h.handler = door.Handler(h.cfg, false)
	return h
}

// token is a token of a user.
func (h *web) token(u chat.UserID) string {
	h.t.Helper()
	account, err := h.store.ReadUser(h.t.Context(), u)
	if err != nil {
		h.t.Fatal(err)
	}
	token, _, err := h.tokens.Issue(u, account.Generation, time.Hour)
	if err != nil {
		h.t.Fatal(err)
	}
	return token
}

// answer is what came back.
type answer struct {
	*httptest.ResponseRecorder
	json map[string]any
}

// do sends a request. headers are pairs.
func (h *web) do(method, target, body string, headers ...string) answer {
	h.t.Helper()
	r := httptest.NewRequestWithContext(h.t.Context(), method, target, strings.NewReader(body))
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Remote" {
			r.RemoteAddr = headers[i+1]
			continue
		}
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	a := answer{ResponseRecorder: w}
	if w.Header().Get("Content-Type") == "application/json" {
		if err := json.Unmarshal(w.Body.Bytes(), &a.json); err != nil {
			h.t.Fatalf("%s %s: %v in %s", method, target, err, w.Body)
		}
	}
	return a
}

// as sends a request of a user to a route.
func (h *web) as(u chat.UserID, method, route, body string, headers ...string) answer {
	h.t.Helper()
	return h.do(method, "/api/v1/"+route, body, append(headers, "Authorization", "Bearer "+h.token(u))...)
}

// wants fails unless the answer has the status and, where code is given, that code.
func (a answer) wants(t testing.TB, status int, code string) answer {
	t.Helper()
	got := ""
	if e, ok := a.json["error"].(map[string]any); ok {
		got, _ = e["code"].(string)
	}
	if a.Code != status || got != code {
		t.Fatalf("status %d with code %q, want %d with %q: %s", a.Code, got, status, code, a.Body)
	}
	return a
}

func TestRoutes(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	sent := h.as("ann", "POST", "message/r", `{"content":"hi","request_id":"q"}`).wants(t, 200, "")
	if sent.json["status"] != "message_sent" || sent.json["request_id"] != "q" || sent.json["seq"] != 2.0 {
		t.Errorf("sent: %s", sent.Body)
	}
	if got := sent.Header(); got.Get("Content-Type") != "application/json" || got.Get("Cache-Control") != "no-store" || got.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers: %v", got)
	}
	h.as("ann", "POST", "message/r", "plain").wants(t, 200, "")
	h.as("ann", "POST", "message/r", "curl says so", "Content-Type", "application/x-www-form-urlencoded").wants(t, 200, "")
	h.as("ann", "POST", "message/r", "no json", "Content-Type", "application/json; charset=utf-8").wants(t, 400, "bad_request")
	h.as("ann", "POST", "message/r", `{"content":"text"}`, "Content-Type", "text/plain").wants(t, 200, "")
	page := h.as("ann", "GET", "history/r?limit=2&before_seq=5&request_id=12", "").wants(t, 200, "")
	if page.json["count"] != 2.0 || page.json["request_id"] != "12" || fmt.Sprint(page.json["covers"]) != "[3 4]" {
		t.Errorf("the page is %s", page.Body)
	}
	if texts := page.json["messages"].([]any); texts[0].(map[string]any)["content"] != "curl says so" {
		t.Errorf("the page is %s", page.Body)
	}
	h.as("ann", "POST", "history/r", `{"limit":2}`).wants(t, 200, "")
	if list := h.as("ann", "GET", "rooms/list?mine=true&query=1&after=", "").wants(t, 200, ""); len(list.json["rooms"].([]any)) != 0 {
		t.Errorf("the list is %s", list.Body)
	}
	h.as("ann", "GET", "history/r?before=1700000000.5", "").wants(t, 200, "")
	h.as("ann", "GET", "search/r?query=%ff", "").wants(t, 400, "bad_request")
	h.as("ann", "GET", "history/r?before_seq=5&after_seq=3", "").wants(t, 400, "bad_request")
	head := h.as("ann", "HEAD", "history/r", "")
	if head.Code != 200 {
		t.Errorf("HEAD: %d", head.Code)
	}
}

func TestStatuses(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	for _, c := range []struct {
		user          chat.UserID
		method, route string
		body          string
		status        int
		code          string
	}{
		{"ann", "POST", "nothing/here", "", 404, "not_found"},
		{"ann", "POST", "", "", 404, "not_found"},
		{"ann", "POST", "rooms/create", "{", 400, "bad_request"},
		{"ann", "POST", "rooms/create", `{"name":"x","room_id":"r"}`, 409, "conflict"},
		{"bob", "POST", "message/r", "x", 403, "not_member"},
		{"bob", "POST", "broadcast", "x", 403, "forbidden"},
		{"bob", "POST", "message/nowhere", "x", 404, "not_found"},
		{"ann", "POST", "message/r", strings.Repeat("x", 1001), 413, "too_large"},
		{"ann", "GET", "history/r?limit=many", "", 400, "bad_request"},
		{"ann", "GET", "history/r?limit=1&limit=2", "", 400, "bad_request"},
		{"ann", "GET", "history/r?colour=red", "", 400, "bad_request"},
		{"ann", "GET", "sync?rooms=x", "", 400, "bad_request"},
		{"ann", "GET", `history/r?limit={"a":1}`, "", 400, "bad_request"},
	} {
		h.as(c.user, c.method, c.route, c.body).wants(t, c.status, c.code)
	}
	for method, route := range map[string]string{"GET": "message/r", "PUT": "message/r", "DELETE": "history/r", "OPTIONS": "rooms/create"} {
		a := h.as("ann", method, route, "")
		allow := "POST"
		if route == "history/r" {
			allow = "GET, HEAD, POST"
		}
		if a.wants(t, 405, "bad_request").Header().Get("Allow") != allow {
			t.Errorf("%s %s: Allow %q", method, route, a.Header().Get("Allow"))
		}
	}
}

func TestWhoIsCalling(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	for _, header := range []string{"", "Bearer", "Bearer ", "Basic YW5uOmFubg==", "Bearer nonsense", "Bearer eyJh.eyJh.xxxx"} {
		a := h.do("GET", "/api/v1/info", "", "Authorization", header).wants(t, 401, "unauthenticated")
		if a.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%q: no WWW-Authenticate", header)
		}
	}
	h.do("GET", "/api/v1/info", "", "Authorization", "bearer "+h.token("ann")).wants(t, 200, "")
	// A guesser is told to wait; who has a token is not.
	for range 5 {
		h.do("GET", "/api/v1/info", "", "Authorization", "Bearer nonsense", "Remote", "203.0.113.5:9")
	}
	a := h.do("GET", "/api/v1/info", "", "Authorization", "Bearer nonsense", "Remote", "203.0.113.5:9").wants(t, 429, "rate_limited")
	if a.Header().Get("Retry-After") != "60" {
		t.Errorf("Retry-After %q", a.Header().Get("Retry-After"))
	}
	h.do("GET", "/api/v1/info", "", "Authorization", "Bearer "+h.token("ann"), "Remote", "203.0.113.5:9").wants(t, 200, "")
	old := h.token("ann")
	h.clock.Add(2 * time.Hour)
	h.do("GET", "/api/v1/info", "", "Authorization", "Bearer "+old).wants(t, 401, "unauthenticated")
	call := chat.Call{Principal: chat.Principal{UserID: "root"}}
	if _, err := h.service.ModerateUser(call, "ann", chat.Moderation{Action: chat.ActionBan}).Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.as("ann", "GET", "info", "").wants(t, 403, "banned")
}

// HTTP does not wait for its turn: it is told when to come again, in whole seconds.
func TestRateLimit(t *testing.T) {
	h := open(t, api.Rate{Requests: 1, Window: 1500 * time.Millisecond}, nil)
	h.as("ann", "POST", "message/r", "x").wants(t, 200, "")
	a := h.as("ann", "POST", "message/r", "x").wants(t, 429, "rate_limited")
	if a.Header().Get("Retry-After") != "2" || a.json["error"].(map[string]any)["retry_after"] != 1.5 {
		t.Errorf("Retry-After %q in %s", a.Header().Get("Retry-After"), a.Body)
	}
	h.clock.Add(1500 * time.Millisecond)
	h.as("ann", "POST", "message/r", "x").wants(t, 200, "")
}

func TestIdempotencyKey(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	first := h.as("ann", "POST", "message/r", "x", "Idempotency-Key", "k").wants(t, 200, "")
	again := h.as("ann", "POST", "message/r", "x", "Idempotency-Key", "k").wants(t, 200, "")
	if again.json["duplicate"] != true || again.json["message_id"] != first.json["message_id"] {
		t.Errorf("the repeat is %s", again.Body)
	}
	h.as("ann", "POST", "message/r", "y", "Idempotency-Key", "k").wants(t, 409, "conflict")
	h.as("ann", "POST", "message/r", "y", "Idempotency-Key", "\xff").wants(t, 400, "bad_request")
}

// Internal errors say nothing outside, and everything in the log.
func TestInternalErrors(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	token := h.token("ann")
	h.store.Close()
	a := h.do("GET", "/api/v1/history/r", "", "Authorization", "Bearer "+token).wants(t, 500, "internal")
	if strings.Contains(a.Body.String(), "store") || !strings.Contains(h.logged.String(), "store") || strings.Contains(h.logged.String(), token) {
		t.Errorf("told %s, logged %s", a.Body, h.logged)
	}
}

func TestOperations(t *testing.T) {
	h := open(t, api.Rate{}, nil)
	get := func(handler http.Handler, method, path, remote string) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
		r.RemoteAddr = remote
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	const far, near = "203.0.113.5:9", "127.0.0.1:9"
	own := door.Handler(h.cfg, true)
	for _, c := range []struct {
		handler      http.Handler
		path, remote string
		want         int
	}{
		{h.handler, "/healthz", far, 200}, {h.handler, "/readyz", far, 200}, {h.handler, "/metrics", far, 403}, {h.handler, "/metrics", near, 200},
		{h.handler, "/metrics", "[::1]:9", 200}, {h.handler, "/metrics", "[::ffff:127.0.0.1]:9", 200}, {h.handler, "/metrics", "nonsense", 403},
		{own, "/healthz", far, 404}, {own, "/readyz", far, 404}, {own, "/metrics", near, 404},
		{door.Ops(h.cfg), "/healthz", far, 200}, {door.Ops(h.cfg), "/readyz", far, 200}, {door.Ops(h.cfg), "/metrics", far, 200},
		{h.handler, "/", far, 200}, {h.handler, "/mqtt", far, 200}, {h.handler, "/nothing", far, 404},
	} {
		if w := get(c.handler, "GET", c.path, c.remote); w.Code != c.want {
			t.Errorf("GET %s from %s: %d, want %d", c.path, c.remote, w.Code, c.want)
		}
	}
	h.mu.Lock()
	h.ready = errors.New("disk full")
	h.mu.Unlock()
	if w := get(h.handler, "GET", "/readyz", far); w.Code != 503 || !strings.Contains(w.Body.String(), "disk full") {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	if w := get(h.handler, "GET", "/healthz", far); w.Code != 200 {
		t.Errorf("not ready, but alive: %d", w.Code)
	}
	if w := get(h.handler, "POST", "/healthz", far); w.Code != 405 {
		t.Errorf("POST /healthz: %d", w.Code)
	}
}

// The address counted is the client's, as far as proxies vouch for it that the operator trusts.
func TestTrustedProxies(t *testing.T) {
	for _, c := range []struct {
		trusted   string
		remote    string
		forwarded []string
		local     bool // what the door takes for a caller on this machine
	}{
		{"", "203.0.113.5:9", []string{"127.0.0.1"}, false},
		{"10.0.0.0/8", "203.0.113.5:9", []string{"127.0.0.1"}, false},                         // not from a proxy
		{"10.0.0.0/8", "10.1.1.1:9", []string{"127.0.0.1"}, true},                             // what the proxy saw
		{"10.0.0.0/8", "10.1.1.1:9", []string{"127.0.0.1, 203.0.113.5"}, false},               // what the client forged is beyond
		{"10.0.0.0/8", "10.1.1.1:9", []string{"127.0.0.1, 203.0.113.5, 10.2.2.2"}, false},     // through two proxies
		{"10.0.0.0/8", "10.1.1.1:9", []string{"203.0.113.5", "127.0.0.1,10.2.2.2"}, true},     // in several headers
		{"10.0.0.0/8", "10.1.1.1:9", []string{"127.0.0.1, nonsense"}, false},                  // no further than what can be read
		{"10.0.0.0/8,127.0.0.0/8", "127.0.0.1:9", []string{"203.0.113.5"}, false},             // a proxy on this machine
		{"10.0.0.0/8,127.0.0.0/8", "127.0.0.1:9", nil, true},                                  // and a caller on it
		{"10.0.0.0/8", "[::ffff:10.1.1.1]:9", []string{"::ffff:127.0.0.1"}, true},             // IPv4 in IPv6
		{"2001:db8::/32", "[2001:db8::1]:9", []string{"2001:db8::2, ::1, 2001:db8::3"}, true}, // IPv6
	} {
		h := open(t, api.Rate{}, func(cfg *door.Config) {
			for s := range strings.SplitSeq(c.trusted, ",") {
				if s != "" {
					cfg.TrustedProxies = append(cfg.TrustedProxies, netip.MustParsePrefix(s))
				}
			}
		})
		headers := []string{"Remote", c.remote}
		for _, f := range c.forwarded {
			headers = append(headers, "X-Forwarded-For", f)
		}
		if got := h.do("GET", "/metrics", "", headers...).Code == 200; got != c.local {
			t.Errorf("%+v: local %v", c, got)
		}
	}
}
