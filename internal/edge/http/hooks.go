// SPDX-License-Identifier: Apache-2.0

package http

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-json-experiment/json"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/wire"
)

// hook posts a message into a room for a program that can do no more than send Slack's simplest payload to a URL. The URL has
// a token in it, narrowed so that it does little harm where it is found; the message is its user's, and passes all that a
// message passes.
func (h *routes) hook(w http.ResponseWriter, r *http.Request) {
	req := &api.Request{Topic: api.Prefix + "/message/" + r.PathValue("room_id")} // never the path: the URL is a permission
	reply, err := h.serveHook(w, r, req)
	if err != nil && r.Context().Err() != nil {
		return // the caller has gone away
	}
	if err == nil && !strings.Contains(r.Header.Get("Accept"), "application/json") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		_, _ = io.WriteString(w, "ok") // as Slack says: some programs look for it
		return
	}
	h.answer(w, req, reply, err)
}

func (h *routes) serveHook(w http.ResponseWriter, r *http.Request, req *api.Request) (any, error) {
	id, err := h.Auth.Authenticate(r.Context(), auth.Credentials{Password: r.PathValue("token"), Remote: remote(r), Hook: true})
	if err != nil {
		return nil, err
	}
	switch {
	case id.Scopes == auth.ScopeHook && string(id.Hook.Room) != r.PathValue("room_id"):
		return nil, chat.Refuse(chat.Forbidden, "this hook is one of another room")
	case id.Scopes == auth.ScopeHook:
	case id.Scopes == 0 || !id.Scopes.Allow(auth.ScopeSend):
		return nil, chat.Refuse(chat.Forbidden, "a hook takes a token of its own, with the scope %s alone: make one with users/me/tokens/create", auth.ScopeSend)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.MaxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, chat.Refuse(chat.TooLarge, "body: larger than %d bytes", h.MaxBody)
	}
	if err != nil {
		return nil, chat.Refuse(chat.BadRequest, "body: could not be read")
	}
	text, err := hookText(r, body)
	if err != nil {
		return nil, err
	}
	if req.Payload, err = json.Marshal(map[string]string{"content": text}); err != nil {
		return nil, chat.Refuse(chat.BadRequest, "text: is not valid UTF-8")
	}
	route, params, ok := h.Router.Match(req.Topic)
	if !ok || strings.Contains(r.PathValue("room_id"), "/") {
		return nil, chat.Refuse(chat.NotFound, "there is no such room")
	}
	req.Caller, req.ContentType = api.CallerOf(&id), "application/json"
	if id.Scopes == auth.ScopeHook { // what it is for
		req.Caller.Scopes, req.Caller.Poster = auth.ScopeSend, id.Hook.Name
	}
	req.Caller.ClientMsgID = r.Header.Get("Idempotency-Key")
	return route.Serve(r.Context(), req, params).Wait(r.Context())
}

// hookText is the text of Slack's payload: a JSON object as the body, or as the field payload of a form.
func hookText(r *http.Request, body []byte) (string, error) {
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && media == "application/x-www-form-urlencoded" && !strings.HasPrefix(string(body), "{") {
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return "", chat.Refuse(chat.BadRequest, "body: is no form")
		}
		body = []byte(form.Get("payload"))
	}
	var in wire.Hook
	if err := json.Unmarshal(body, &in); err != nil {
		return "", chat.Refuse(chat.BadRequest, `body: must be a JSON object with text, such as {"text":"hello"}, or a form with that as its field payload`)
	}
	return hookMarks.Replace(in.Text), nil
}

// hookMarks undoes the escapes that Slack asks for.
var hookMarks = strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">")
