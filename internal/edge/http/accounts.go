// SPDX-License-Identifier: Apache-2.0

package http

import (
	"context"
	"io"
	"net/http"
	"strings"
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
	Setup     *auth.Setup
	Logins    *auth.Logins
	Name      func(string) (string, error)        // cleans the name of a device, or says what is wrong with it
	Display   func(string) (string, error)        // passes a display name through the rules for texts, or refuses it
	Founded   func(context.Context) (bool, error) // tells whether there is an administrator
}

// accounts serves what a caller without a token may ask for.
type accounts struct{ routes }

func (h *accounts) routeOn(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/auth", h.about)
	mux.Handle("POST /api/v1/auth/register", serveAccount(h, h.register))
	mux.Handle("POST /api/v1/auth/setup", serveAccount(h, h.setup))
	mux.Handle("POST /api/v1/auth/login", serveAccount(h, h.login))
	mux.HandleFunc("POST /api/v1/auth/logout", h.logout)
}

// about tells what a client needs before anybody signs in.
func (h *accounts) about(w http.ResponseWriter, r *http.Request) {
	founded, err := h.Accounts.Founded(r.Context())
	h.answer(w, &api.Request{Topic: r.URL.Path}, &wire.BeforeSignIn{Reply: wire.Reply{Status: "success"}, ServerName: h.About.ServerName,
		Version: h.About.Version, Registration: h.About.Registration, MinPassword: auth.MinPassword, Setup: !founded}, err)
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
	n, err := h.registration(r, in.UserID, in.Password, in.DisplayName)
	if err != nil {
		return nil, err
	}
	n.Invitation = in.Invitation
	id, err := h.Accounts.Registrar.Register(r.Context(), n)
	if err != nil {
		return nil, err
	}
	return h.signedIn(r, "registered", id, in.Device)
}

// setup makes the first administrator.
func (h *accounts) setup(r *http.Request, in *wire.SetUp) (*wire.SignedIn, error) {
	n, err := h.registration(r, in.UserID, in.Password, in.DisplayName)
	if err != nil {
		return nil, err
	}
	n.Invitation = in.Setup
	id, err := h.Accounts.Setup.FirstAdministrator(r.Context(), n)
	if err != nil {
		return nil, err
	}
	return h.signedIn(r, "registered", id, in.Device)
}

func (h *accounts) registration(r *http.Request, user chat.UserID, password, name string) (auth.Registration, error) {
	n := auth.Registration{UserID: user, Password: password, Remote: remote(r)}
	if name == "" {
		return n, nil
	}
	var err error
	n.DisplayName, err = h.Accounts.Display(name)
	return n, err
}

func (h *accounts) login(r *http.Request, in *wire.Login) (*wire.SignedIn, error) {
	if in.UserID == "" || in.Password == "" {
		return nil, chat.Refuse(chat.BadRequest, "user_id, password: both are needed")
	}
	id, err := h.Auth.Authenticate(r.Context(), auth.Credentials{Username: string(in.UserID), Password: in.Password, Remote: remote(r)})
	if err != nil {
		return nil, err
	}
	if id.Token != "" {
		return nil, chat.Refuse(chat.BadRequest, "password: is an access token; use it as it is")
	}
	return h.signedIn(r, "success", id, in.Device)
}

// signedIn begins a login of who has proved to be id.
func (h *accounts) signedIn(r *http.Request, status string, id auth.Identity, device string) (*wire.SignedIn, error) {
	name, err := h.deviceName(r, device)
	if err != nil {
		return nil, err
	}
	token, expires, err := h.Accounts.Logins.Begin(r.Context(), id, name)
	if err != nil {
		return nil, err
	}
	return &wire.SignedIn{Reply: wire.Reply{Status: status}, Token: token, Expires: wire.Timestamp(chat.TimeOf(expires)),
		User: wire.Account{UserID: id.UserID, DisplayName: id.DisplayName, Role: id.Role}}, nil
}

// maxDeviceName bounds what a browser says of itself, in characters.
const maxDeviceName = 80

// deviceName is what the login is listed as: what the client calls itself, or its User-Agent.
func (h *accounts) deviceName(r *http.Request, device string) (string, error) {
	if device != "" {
		name, err := h.Accounts.Name(device)
		if err != nil {
			return "", chat.Refuse(chat.BadRequest, "device: %v", err)
		}
		return name, nil
	}
	agent := []rune(strings.ToValidUTF8(r.UserAgent(), ""))
	if name, err := h.Accounts.Name(string(agent[:min(len(agent), maxDeviceName)])); err == nil && name != "" {
		return name, nil
	}
	return "a program", nil
}

// logout ends the very token that it comes with.
func (h *accounts) logout(w http.ResponseWriter, r *http.Request) {
	req := &api.Request{Topic: r.URL.Path}
	id, err := h.caller(r)
	if err == nil {
		err = h.Accounts.Logins.End(r.Context(), id)
	}
	if err != nil && r.Context().Err() != nil {
		return
	}
	// A browser that is not signed in any more, for whatever reason, has no use for its cookie.
	if err == nil || chat.CodeOf(err) == chat.Unauthenticated {
		signOut(&h.Config, w, r)
	}
	h.answer(w, req, &wire.SignedOut{Reply: wire.Reply{Status: "signed_out"}}, err)
}
