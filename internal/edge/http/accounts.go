// SPDX-License-Identifier: Apache-2.0

package http

import (
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/wire"
)

// Accounts is what registration and login need.
type Accounts struct {
	Registrar *auth.Registrar
	Tokens    *auth.Tokens
	Name      func(string) (string, error) // cleans a display name, or refuses it
}

// loginTTL is how long a login lasts.
const loginTTL = 30 * 24 * time.Hour

// accounts serves what a caller without a token may ask for.
type accounts struct{ routes }

func (h *accounts) routeOn(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/auth", h.about)
	mux.Handle("POST /api/v1/auth/register", serveAccount(h, h.register))
	mux.Handle("POST /api/v1/auth/login", serveAccount(h, h.login))
}

// about tells what a client needs before anybody signs in.
func (h *accounts) about(w http.ResponseWriter, r *http.Request) {
	h.answer(w, &api.Request{Topic: r.URL.Path}, &wire.BeforeSignIn{Reply: wire.Reply{Status: "success"}, ServerName: h.About.ServerName,
		Version: h.About.Version, Registration: h.About.Registration, MinPassword: auth.MinPassword}, nil)
}

// serveAccount decodes a request of type In and answers with what f makes of it: of who is signed in, with the cookie, too.
func serveAccount[In any](h *accounts, f func(*http.Request, *In) (*wire.SignedIn, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		in := new(In)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 16<<10))
		if err == nil {
			err = json.Unmarshal(body, in)
		}
		if err != nil {
			// The decoder's own words may quote a password.
			err = chat.Refuse(chat.BadRequest, "body: must be a JSON object with user_id and password, at most 16 KiB")
			h.answer(w, &api.Request{Topic: r.URL.Path}, nil, err)
			return
		}
		reply, err := f(r, in)
		if err != nil && r.Context().Err() != nil {
			return // the caller has gone away
		}
		if err == nil {
			signIn(&h.Config, w, r, reply.Token, time.UnixMilli(int64(reply.Expires)))
		}
		h.answer(w, &api.Request{Topic: r.URL.Path}, reply, err)
	})
}

func (h *accounts) register(r *http.Request, in *wire.Register) (*wire.SignedIn, error) {
	n := auth.Registration{UserID: in.UserID, Password: in.Password, Invitation: in.Invitation, Remote: remote(r)}
	if in.DisplayName != "" {
		var err error
		if n.DisplayName, err = h.Accounts.Name(in.DisplayName); err != nil {
			return nil, chat.Refuse(chat.BadRequest, "display_name: %v", err)
		}
	}
	id, err := h.Accounts.Registrar.Register(r.Context(), n)
	if err != nil {
		return nil, err
	}
	return h.signedIn("registered", id)
}

func (h *accounts) login(r *http.Request, in *wire.Login) (*wire.SignedIn, error) {
	if in.UserID == "" || in.Password == "" {
		return nil, chat.Refuse(chat.BadRequest, "user_id, password: both are needed")
	}
	id, err := h.Auth.Authenticate(r.Context(), auth.Credentials{Username: string(in.UserID), Password: in.Password, Remote: remote(r)})
	if err != nil {
		return nil, err
	}
	if !id.Expires.IsZero() {
		return nil, chat.Refuse(chat.BadRequest, "password: is an access token; use it as it is")
	}
	return h.signedIn("success", id)
}

func (h *accounts) signedIn(status string, id auth.Identity) (*wire.SignedIn, error) {
	token, expires, err := h.Accounts.Tokens.Issue(id.UserID, id.Generation, loginTTL)
	if err != nil {
		return nil, errors.Join(errors.New("http: issuing a token"), err)
	}
	return &wire.SignedIn{Reply: wire.Reply{Status: status}, Token: token, Expires: wire.Timestamp(chat.TimeOf(expires)),
		User: wire.Account{UserID: id.UserID, DisplayName: id.DisplayName, Role: id.Role}}, nil
}
