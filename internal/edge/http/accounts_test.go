// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	door "parley/internal/edge/http"
	"parley/internal/store/storetest"
)

// registering opens a door with a policy of registration.
func registering(t *testing.T, policy string) (*web, *auth.Invitations) {
	t.Helper()
	h := open(t, api.Rate{}, nil)
	invitations := auth.NewInvitations(auth.Secret{1, 2, 3}, h.clock.Now)
	passwords := auth.NewPasswords(1, h.clock.Now)
	h.setup = auth.NewSetup(auth.Secret{1, 2, 3}, h.service, passwords, h.clock.Now)
	h.cfg.Accounts = door.Accounts{
		Registrar: auth.NewRegistrar(policy, h.service, passwords, invitations, h.clock.Now),
		Setup:     h.setup, Logins: auth.NewLogins(h.tokens, h.service, h.clock.Now), Founded: h.service.HasAdministrator,
		Name: func(name string) (string, error) {
			if strings.Contains(name, "\n") {
				return "", fmt.Errorf("is more than one line")
			}
			return strings.TrimSpace(name), nil
		},
		Display: func(name string) (string, error) {
			if strings.Contains(name, "\n") {
				return "", chat.Refuse(chat.BadRequest, "display_name: is more than one line")
			}
			return strings.TrimSpace(name), nil
		},
	}
	h.handler = door.Handler(h.cfg, false)
	return h, invitations
}

func (h *web) account(route, body string) answer {
	h.t.Helper()
	return h.do(http.MethodPost, "/api/v1/auth/"+route, body)
}

func TestRegisterOpen(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	a := h.account("register", `{"user_id":"eve","password":"correct horse","display_name":" Eve "}`)
	a.wants(t, 200, "")
	user, _ := a.json["user"].(map[string]any)
	if a.json["status"] != "registered" || user["user_id"] != "eve" || user["display_name"] != "Eve" || user["role"] != "user" {
		t.Errorf("answer %s", a.Body)
	}
	// The token is the new account's.
	token, _ := a.json["token"].(string)
	h.do(http.MethodPost, "/api/v1/rooms/join/r", "", "Authorization", "Bearer "+token).wants(t, 200, "")

	h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 409, "conflict")
	h.account("register", `{"user_id":"Eve","password":"correct horse"}`).wants(t, 400, "bad_request")
	h.account("register", `{"user_id":"me","password":"correct horse"}`).wants(t, 400, "bad_request")
	h.account("register", `{"user_id":"ivy","password":"short"}`).wants(t, 400, "bad_request")
	h.account("register", `{"user_id":"ivy","password":"correct horse","display_name":"a\nb"}`).wants(t, 400, "bad_request")
	h.account("register", `{"user_id":`).wants(t, 400, "bad_request")
	h.do(http.MethodGet, "/api/v1/auth/register", "").wants(t, 404, "not_found")
}

func TestRegisterClosed(t *testing.T) {
	h, invitations := registering(t, auth.RegistrationClosed)
	invitation, err := invitations.Issue("eve", 0)
	if err != nil {
		t.Fatal(err)
	}
	h.account("register", fmt.Sprintf(`{"user_id":"eve","password":"correct horse","invitation":%q}`, invitation)).wants(t, 403, "forbidden")
}

func TestRegisterByInvitation(t *testing.T) {
	h, invitations := registering(t, auth.RegistrationInvite)
	invite := func(name string, ttl time.Duration) string {
		t.Helper()
		s, err := invitations.Issue(chat.UserID(name), ttl)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	register := func(name, invitation string) answer {
		return h.account("register", fmt.Sprintf(`{"user_id":%q,"password":"correct horse","invitation":%q}`, name, invitation))
	}
	forEve, forAny := invite("eve", time.Hour), invite("", time.Hour)
	register("eve", "").wants(t, 403, "forbidden")
	register("eve", h.token("ann")).wants(t, 403, "forbidden") // an access token is no invitation
	register("ivy", forEve).wants(t, 403, "forbidden")
	register("eve", forEve).wants(t, 200, "")
	register("eve", forEve).wants(t, 409, "conflict")
	register("ivy", forAny).wants(t, 200, "")
	register("kay", forAny).wants(t, 200, "")
	h.clock.Add(2 * time.Hour)
	register("leo", forAny).wants(t, 403, "forbidden")
	// Nor is an invitation an access token.
	h.do(http.MethodGet, "/api/v1/info", "", "Authorization", "Bearer "+invite("ann", time.Hour)).wants(t, 401, "unauthenticated")
}

func TestRegisterIsLimitedPerAddress(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	for i := range 10 {
		h.account("register", fmt.Sprintf(`{"user_id":"user%d","password":"correct horse"}`, i)).wants(t, 200, "")
	}
	a := h.account("register", `{"user_id":"user10","password":"correct horse"}`)
	a.wants(t, 429, "rate_limited")
	if a.Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.clock.Add(time.Hour)
	h.account("register", `{"user_id":"user10","password":"correct horse"}`).wants(t, 200, "")
}

func TestLogin(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	a := h.account("login", `{"user_id":"eve","password":"correct horse"}`)
	a.wants(t, 200, "")
	token, _ := a.json["token"].(string)
	h.do(http.MethodGet, "/api/v1/info", "", "Authorization", "Bearer "+token).wants(t, 200, "")
	if strings.Contains(h.logged.String(), "correct horse") || strings.Contains(h.logged.String(), token) {
		t.Error("a secret is in the log")
	}
	h.account("login", `{"user_id":"eve"}`).wants(t, 400, "bad_request")
	h.account("login", fmt.Sprintf(`{"user_id":"eve","password":%q}`, token)).wants(t, 400, "bad_request")
	h.account("login", `{"user_id":"eve","password":"wrong horse"}`).wants(t, 401, "unauthenticated")
	h.account("login", `{"user_id":"nobody","password":"wrong horse"}`).wants(t, 401, "unauthenticated")
	h.account("login", `{"user_id":"eve","password":"wrong horse"}`).wants(t, 401, "unauthenticated")
	h.account("login", `{"user_id":"eve","password":"wrong horse"}`).wants(t, 429, "rate_limited")
}

func TestSetup(t *testing.T) {
	h, invitations := registering(t, auth.RegistrationClosed)
	ask := func(setup, name string) answer {
		return h.account("setup", fmt.Sprintf(`{"setup":%q,"user_id":%q,"password":"correct horse","display_name":"Boss"}`, setup, name))
	}
	if _, err := h.setup.Issue(t.Context(), 0); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("a link beside an administrator: %v", err)
	}
	resign := func(name chat.UserID) { // as nobody can: the last administrator stays
		t.Helper()
		storetest.Do(t, h.store, func(tx chat.Tx) error {
			u, err := tx.User(name)
			if err != nil {
				return err
			}
			changed := *u
			changed.Role = chat.RoleUser
			return tx.UpdateUser(&changed)
		})
	}
	if a := h.do("GET", "/api/v1/auth", ""); a.json["setup"] != false {
		t.Errorf("with an administrator: %s", a.Body)
	}
	resign("root")
	if a := h.do("GET", "/api/v1/auth", ""); a.json["setup"] != true {
		t.Errorf("without an administrator: %s", a.Body)
	}
	issue := func() string {
		t.Helper()
		link, err := h.setup.Issue(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		return link
	}
	link, unused := issue(), issue()
	invitation, err := invitations.Issue("", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []string{"", "x", h.token("ann"), invitation, link[:len(link)-2]} {
		ask(wrong, "boss").wants(t, 403, "forbidden")
	}
	ask(link, "ann").wants(t, 409, "conflict") // somebody else's name; the link is still good
	h.account("setup", fmt.Sprintf(`{"setup":%q,"user_id":"boss","password":"short"}`, link)).wants(t, 400, "bad_request")
	a := ask(link, "boss").wants(t, 200, "")
	user, _ := a.json["user"].(map[string]any)
	if a.json["status"] != "registered" || user["role"] != "administrator" || user["display_name"] != "Boss" || !strings.Contains(a.Header().Get("Set-Cookie"), "parley_token=") {
		t.Errorf("answer %s", a.Body)
	}
	h.do("POST", "/api/v1/broadcast", "hello", "Authorization", "Bearer "+a.json["token"].(string)).wants(t, 200, "")
	ask(link, "other").wants(t, 403, "forbidden")
	ask(unused, "other").wants(t, 403, "forbidden")
	resign("boss")
	ask(link, "other").wants(t, 403, "forbidden") // used is used
	h.clock.Add(time.Hour)
	ask(unused, "other").wants(t, 403, "forbidden") // expired
	ask(issue(), "other").wants(t, 200, "")
}

func TestLogout(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	login := func(headers ...string) string {
		t.Helper()
		h.clock.Add(time.Millisecond)
		a := h.do("POST", "/api/v1/auth/login", `{"user_id":"eve","password":"correct horse","device":"laptop"}`, headers...).wants(t, 200, "")
		return a.json["token"].(string)
	}
	one, other := login(), login()
	as := func(token, method, route string) answer {
		return h.do(method, "/api/v1/"+route, "", "Authorization", "Bearer "+token)
	}
	h.do("POST", "/api/v1/auth/logout", "", "Cookie", "parley_token="+one).wants(t, 401, "unauthenticated") // a cookie ends nothing
	a := as(one, "POST", "auth/logout").wants(t, 200, "")
	if set := a.Header().Get("Set-Cookie"); a.json["status"] != "signed_out" || !strings.Contains(set, "parley_token=;") || !strings.Contains(set, "Max-Age=0") {
		t.Errorf("%s, cookie %q", a.Body, set)
	}
	as(one, "GET", "info").wants(t, 401, "unauthenticated")
	as(one, "POST", "auth/logout").wants(t, 401, "unauthenticated")
	list := as(other, "GET", "users/me/sessions").wants(t, 200, "").json["sessions"].([]any)
	if len(list) != 2 || list[0].(map[string]any)["name"] != "a program" || list[1].(map[string]any)["name"] != "laptop" || list[1].(map[string]any)["current"] != true {
		t.Errorf("sessions %v", list)
	}
	// A token that nobody kept, such as one of an older version, can be ended by who has it, too.
	loose := h.token("eve")
	as(loose, "GET", "info").wants(t, 200, "")
	as(loose, "POST", "auth/logout").wants(t, 200, "")
	as(loose, "GET", "info").wants(t, 401, "unauthenticated")
	h.account("login", `{"user_id":"eve","password":"correct horse","device":"a\nb"}`).wants(t, 400, "bad_request")
}

func TestLoginsAreLimitedPerAccount(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	a := h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	for range 99 {
		a = h.account("login", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	}
	if h.account("login", `{"user_id":"eve","password":"correct horse"}`).wants(t, 429, "rate_limited").Header().Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	h.do("GET", "/api/v1/info", "", "Authorization", "Bearer "+a.json["token"].(string)).wants(t, 200, "")
}

// A narrowed token reaches what it was made for, by every way.
func TestScopes(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	made := h.as("ann", "POST", "users/me/tokens/create", `{"name":"sensor","scopes":["send"]}`).wants(t, 200, "")
	token := made.json["token"].(string)
	as := func(method, route string) answer {
		return h.do(method, "/api/v1/"+route, "x", "Authorization", "Bearer "+token)
	}
	as("POST", "message/r").wants(t, 200, "")
	as("GET", "history/r").wants(t, 403, "forbidden")
	as("GET", "users/me/sessions").wants(t, 403, "forbidden")
	as("POST", "users/me/tokens/create").wants(t, 403, "forbidden")
	as("POST", "auth/logout").wants(t, 200, "")
	as("POST", "message/r").wants(t, 401, "unauthenticated")
}

// The browser that changes the password gets the new cookie.
func TestPasswordChangeRenewsTheCookie(t *testing.T) {
	h, _ := registering(t, auth.RegistrationOpen)
	a := h.account("register", `{"user_id":"eve","password":"correct horse"}`).wants(t, 200, "")
	old := a.json["token"].(string)
	b := h.do("POST", "/api/v1/users/me/password", `{"password":"correct horse","new_password":"battery staple"}`, "Authorization", "Bearer "+old).wants(t, 200, "")
	token := b.json["token"].(string)
	if !strings.Contains(b.Header().Get("Set-Cookie"), "parley_token="+token) {
		t.Errorf("the cookie is %q", b.Header().Get("Set-Cookie"))
	}
	h.do("GET", "/api/v1/info", "", "Authorization", "Bearer "+old).wants(t, 401, "unauthenticated")
	h.do("GET", "/api/v1/info", "", "Authorization", "Bearer "+token).wants(t, 200, "")
}
