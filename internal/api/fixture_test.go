// SPDX-License-Identifier: Apache-2.0

package api_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/store"
	"parley/internal/store/storetest"
	"parley/internal/topic"
	"parley/internal/wire"
)

const epoch = 7

// house is the route table over a real service and store.
type house struct {
	t       testing.TB
	api     *api.API
	service *chat.Service
	clock   *storetest.Clock
	heard   *audience

	passwords *auth.Passwords
	tokens    *auth.Tokens
	devices   *devices
}

// audience records what is passed on.
type audience struct{ passed chan string }

func (a *audience) Pass(to chat.UserID, body []byte) { a.passed <- string(to) + " " + string(body) }
func (a *audience) Status(u chat.UserID) chat.Status {
	if u == "bob" {
		return chat.Online
	}
	return chat.Offline
}
func (a *audience) OnlineIn(context.Context, *chat.Room) (int, error) { return 1, nil }
func (a *audience) Choose(u chat.UserID, s chat.Status)               { a.passed <- string(u) + " is " + string(s) }
func (a *audience) Type(chat.UserID, chat.RoomID) bool                { return false }
func (a *audience) MayType(u chat.UserID, r *chat.Room) {
	a.passed <- string(u) + " types in " + string(r.ID)
}
func (a *audience) Rest(chat.UserID, chat.RoomID) bool { return false }
func (a *audience) PassAbout(to chat.UserID, _ chat.RoomID, body []byte) {
	a.Pass(to, body)
}
func (a *audience) Show(to chat.UserID, _ chat.RoomID, body []byte) {
	a.Pass(to, body)
}
func (a *audience) PassRoom(_ int64, _ chat.UserID, body []byte) { a.Pass("room", body) }

// profane is a word that the tests' rules know.
const profane = "fiddlesticks"

func rulesOf(t testing.TB, p content.Policy) *content.Rules {
	t.Helper()
	lists, err := content.Parse("en", profane+"\n")
	if err != nil {
		t.Fatal(err)
	}
	m, err := lists.Compile()
	if err != nil {
		t.Fatal(err)
	}
	rules, err := content.New(p, m)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

// open makes a house with ann, who owns the room r, bob, who is its member, cat, and the administrator root.
func open(t testing.TB, policy content.Policy, rates api.Rates) *house {
	t.Helper()
	h := &house{t: t, passwords: auth.NewPasswords(0, nil), clock: storetest.NewClock(), devices: &devices{}, heard: &audience{passed: make(chan string, 100)}}
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir(), Now: h.clock.Now, Search: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	var mu sync.Mutex
	n := 0
	newID := func() (id chat.ID) {
		mu.Lock()
		defer mu.Unlock()
		n++
		copy(id[:], fmt.Sprintf("%016d", n))
		return id
	}
	h.service = chat.NewService(s, chat.DefaultLimits(), newID, h.clock.Time)
	for _, u := range []chat.UserID{"ann", "bob", "cat"} {
		h.service.CreateUser(chat.NewUser{ID: u})
	}
	h.service.CreateUser(chat.NewUser{ID: "root", Role: chat.RoleAdministrator})
	ann := chat.Call{Principal: chat.Principal{UserID: "ann"}}
	h.service.CreateRoom(ann, chat.NewRoom{ID: "r", Name: "Room"})
	if _, err := h.service.Invite(ann, "r", "bob").Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	rules := rulesOf(t, policy)
	h.tokens = auth.NewTokens(auth.Secret{1}, h.clock.Now)
	h.api = api.New(api.Config{Service: h.service, Audience: h.heard, Presence: h.heard, Rules: func() *content.Rules { return rules }, Epoch: epoch, Version: "v", Rates: rates,
		Now: h.clock.Now, Passwords: h.passwords, Tokens: h.tokens, Devices: h.devices, Info: map[string]any{"door": 1}})
	return h
}

// request is a request as a door makes it.
func request(u chat.UserID, name, payload string) *api.Request {
	r := &api.Request{Topic: "chat/" + name, Payload: []byte(payload)}
	r.Caller.UserID = u
	return r
}

// ask dispatches a request and waits for its outcome.
func (h *house) ask(u chat.UserID, name, payload string) (reply wire.Replier, err error) {
	return h.serve(request(u, name, payload))
}

func (h *house) serve(r *api.Request) (wire.Replier, error) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(h.t.Context(), 20*time.Second)
	defer cancel()
	out, err := h.api.Router().Dispatch(ctx, r).Wait(ctx)
	if err != nil {
		return nil, err
	}
	reply, ok := out.(wire.Replier)
	if !ok {
		h.t.Fatalf("%s answers with a %T", r.Topic, out)
	}
	return reply, nil
}

// shown is a reply as clients see it.
func shown(t testing.TB, r wire.Replier) map[string]any {
	t.Helper()
	body, _ := wire.EncodeReply(r, 0)
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// says asks and wants a status.
func (h *house) says(u chat.UserID, name, payload, status string) map[string]any {
	h.t.Helper()
	r, err := h.ask(u, name, payload)
	if err != nil {
		h.t.Fatalf("%s %s by %s: %v", name, payload, u, err)
	}
	if got := r.Head().Status; got != status {
		h.t.Fatalf("%s %s by %s: status %q, want %q", name, payload, u, got, status)
	}
	return shown(h.t, r)
}

// refuses asks and wants a refusal, and gives it.
func (h *house) refuses(u chat.UserID, name, payload string, code chat.Code) *chat.Error {
	h.t.Helper()
	_, err := h.ask(u, name, payload)
	return refusal(h.t, err, code)
}

func refusal(t testing.TB, err error, code chat.Code) *chat.Error {
	t.Helper()
	e, ok := errors.AsType[*chat.Error](err)
	if !ok || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	return e
}

// routes lists the table.
func routes(a *api.API) (out []*api.Route) {
	a.Router().Walk(func(r *topic.Route[api.Caller]) { out = append(out, r) })
	return out
}
