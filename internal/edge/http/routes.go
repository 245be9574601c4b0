// SPDX-License-Identifier: Apache-2.0

package http

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/topic"
	"parley/internal/wire"
)

// routes serves the route table.
type routes struct{ Config }

// ServeHTTP implements http.Handler.
func (h *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	req := &api.Request{Topic: api.Prefix + "/" + strings.TrimPrefix(r.URL.Path, "/api/v1/")}
	reply, err := h.serve(w, r, req)
	if err != nil && r.Context().Err() != nil {
		return // the caller has gone away
	}
	if v, ok := reply.(*wire.PasswordChanged); ok && err == nil && v.Token != "" {
		signIn(&h.Config, w, r, v.Token, time.UnixMilli(int64(v.Expires))) // the older cookie is void
	}
	h.answer(w, req, reply, err)
}

func (h *routes) serve(w http.ResponseWriter, r *http.Request, req *api.Request) (any, error) {
	route, params, ok := h.Router.Match(req.Topic)
	if !ok {
		return nil, chat.Refuse(chat.NotFound, "there is no route %q", r.URL.Path)
	}
	who, err := h.caller(r)
	if err != nil {
		return nil, err
	}
	req.Caller = api.CallerOf(&who)
	req.Caller.ClientMsgID = r.Header.Get("Idempotency-Key")
	switch {
	case r.Method == http.MethodPost:
		req.ContentType = contentType(r)
		if req.Payload, err = io.ReadAll(http.MaxBytesReader(w, r.Body, h.MaxBody)); err != nil {
			if _, large := errors.AsType[*http.MaxBytesError](err); large {
				return nil, chat.Refuse(chat.TooLarge, "body: larger than %d bytes", h.MaxBody)
			}
			return nil, chat.Refuse(chat.BadRequest, "body: could not be read")
		}
	case (r.Method == http.MethodGet || r.Method == http.MethodHead) && route.ReadOnly():
		if req.Payload, err = fromQuery(route.In(), r.URL.Query()); err != nil {
			return nil, err
		}
	default:
		return nil, noMethod(w, allowed(route))
	}
	return route.Serve(r.Context(), req, params).Wait(r.Context())
}

func allowed(route *api.Route) string {
	if route.ReadOnly() {
		return "GET, HEAD, POST"
	}
	return "POST"
}

func contentType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media == "application/x-www-form-urlencoded" {
		return "" // what curl says when nobody told it: the first byte decides
	}
	return media
}

// caller proves who asks.
func (h *routes) caller(r *http.Request) (auth.Identity, error) {
	token, ok := bearer(r)
	if !ok {
		return auth.Identity{}, chat.Refuse(chat.Unauthenticated, "give an access token in the header Authorization: Bearer TOKEN")
	}
	return h.proved(r, token)
}

// viewer is caller where a browser shows what it gets by itself, a picture or a stream of events: there its cookie counts,
// too. Nothing that changes anything may ask for it.
func (h *routes) viewer(r *http.Request) (auth.Identity, error) {
	id, err := h.seen(r)
	if err == nil && !id.Scopes.Allow(auth.ScopeRead) {
		return auth.Identity{}, chat.Refuse(chat.Forbidden, "your token does not have the scope %s", auth.ScopeRead)
	}
	return id, err
}

func (h *routes) seen(r *http.Request) (auth.Identity, error) {
	if _, ok := bearer(r); !ok && r.Header.Get("Authorization") == "" && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		if c, err := r.Cookie(cookieName); err == nil && c.Value != "" {
			return h.proved(r, c.Value)
		}
	}
	return h.caller(r)
}

func (h *routes) proved(r *http.Request, token string) (auth.Identity, error) {
	return h.Auth.Authenticate(r.Context(), auth.Credentials{Password: token, Remote: remote(r)})
}

// bearer is the token of the Authorization header.
func bearer(r *http.Request) (token string, ok bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, strings.EqualFold(scheme, "Bearer") && token != ""
}

// fromQuery makes a payload of query parameters, by the kinds of its fields.
func fromQuery(in reflect.Type, query url.Values) ([]byte, error) {
	kinds := map[string]reflect.Kind{}
	collectKinds(in, kinds)
	fields := map[string]jsontext.Value{}
	for name, values := range query {
		kind, ok := kinds[name]
		if !ok {
			return nil, chat.Refuse(chat.BadRequest, "%q is no parameter of this route", name)
		}
		if len(values) > 1 {
			return nil, chat.Refuse(chat.BadRequest, "%s: is given more than once", name)
		}
		if !utf8.ValidString(values[0]) {
			return nil, chat.Refuse(chat.BadRequest, "%s: is not valid UTF-8", name)
		}
		raw := jsontext.Value(values[0])
		if kind == reflect.String || kind == reflect.Slice || !raw.IsValid() {
			raw, _ = json.Marshal(values[0])
		}
		fields[name] = raw
	}
	return json.Marshal(fields)
}

// collectKinds finds the flat fields of a payload by their JSON names.
func collectKinds(t reflect.Type, kinds map[string]reflect.Kind) {
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			collectKinds(f.Type, kinds)
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		ft := f.Type
		if ft.Kind() == reflect.Pointer {
			ft = ft.Elem()
		}
		if ft.Kind() != reflect.Map && ft.Kind() != reflect.Struct {
			kinds[name] = ft.Kind()
		}
	}
}

// answer writes the reply or the refusal, with the status of its code.
func (h *routes) answer(w http.ResponseWriter, req *api.Request, reply any, err error) {
	requestID := wire.RequestIDOf(req.In, req.Payload)
	answer, ok := reply.(wire.Replier)
	if err == nil && !ok {
		err = fmt.Errorf("http: the reply of %s is a %T: %w", req.Topic, reply, topic.ErrNoResult)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if err == nil {
		answer.Head().RequestID = requestID
		body, _ := wire.EncodeReply(answer, 0)
		_, _ = w.Write(body) //nolint:gosec // JSON, and said to be nothing else
		return
	}
	code := chat.CodeOf(err)
	if code == chat.Internal {
		h.Logger.Error("http: request failed", "topic", req.Topic, "user", req.Caller.UserID, "error", err)
	}
	if e := wire.AsError(err); e != nil && e.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	if code == chat.Unauthenticated {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	status := wire.AnswerTo(code).HTTP
	if s, ok := errors.AsType[*specific](err); ok {
		status = s.status
	}
	w.WriteHeader(status)
	_, _ = w.Write(wire.EncodeFailure(err, requestID)) //nolint:gosec // JSON, and said to be nothing else
}
