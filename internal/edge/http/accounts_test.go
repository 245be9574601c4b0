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
)

// registering opens a door with a policy of registration.
func registering(t *testing.T, policy string) (*web, *auth.Invitations) {
	t.Helper()
	h := open(t, api.Rate{}, nil)
	invitations := auth.NewInvitations(auth.Secret{1, 2, 3}, h.clock.Now)
	h.cfg.Accounts = door.Accounts{
		Registrar: auth.NewRegistrar(policy, h.service, auth.NewPasswords(1, h.clock.Now), invitations, h.clock.Now),
		Tokens:    h.tokens,
		Name: func(name string) (string, error) {
			if strings.Contains(name, "\n") {
				return "", fmt.Errorf("is more than one line")
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
