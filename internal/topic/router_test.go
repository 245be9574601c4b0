// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

type caller struct{ name string }

type (
	request = Request[caller]
	group   = Group[caller]
	none    = struct{}
)

func ok(context.Context, *request, *none) Result { return Done(nil, nil) }

// decode stands for a decoding middleware: every payload stays zero.
func decode(next Handler[caller]) Handler[caller] {
	return func(ctx context.Context, req *request) Result {
		req.In = req.Route.NewIn()
		return next(ctx, req)
	}
}

// routerOf makes a router with the given patterns.
func routerOf(patterns ...string) *Router[caller] {
	r := New[caller]()
	g := r.Group("", decode)
	for _, p := range patterns {
		Handle[none, none](g, p, ok)
	}
	return r
}

// chatPatterns is a table of realistic size and shape.
var chatPatterns = []string{
	"rooms/create", "rooms/join/{room_id}", "rooms/leave/{room_id}", "rooms/list",
	"rooms/{room_id}/info", "rooms/{room_id}/update", "rooms/{room_id}/invite",
	"message/{room_id}", "message/{message_id}/edit", "message/{message_id}/delete",
	"message/{message_id}/react", "message/{message_id}/reply", "private/{user_id}",
	"broadcast", "thread/{message_id}", "read/{room_id}", "sync",
	"presence/online", "presence/away", "typing/{room_id}/start", "typing/{room_id}/stop",
	"history/{room_id}", "search", "search/{room_id}", "file/upload/{room_id}",
	"users/me", "users/{user_id}", "users/search", "users/me/update", "users/{user_id}/block",
	"admin/rooms/{room_id}/moderate", "admin/users/{user_id}/mute", "info",
}

func TestMatch(t *testing.T) {
	r := routerOf(append(chatPatterns, "{a}/{b}/{c}/{d}", "deep/{a}/x/y", "deep/{a}/{b}/z")...)
	tests := []struct{ topic, pattern, params string }{
		{"rooms/list", "rooms/list", ""},
		{"rooms/join/general", "rooms/join/{room_id}", "room_id=general"},
		{"rooms/join/info", "rooms/join/{room_id}", "room_id=info"},
		{"rooms/create/info", "rooms/{room_id}/info", "room_id=create"},
		{"rooms/join/", "", ""},
		{"rooms/general", "", ""},
		{"rooms", "", ""},
		{"message/general", "message/{room_id}", "room_id=general"},
		{"message/0199-a/edit", "message/{message_id}/edit", "message_id=0199-a"},
		{"message/0199-a/nosuch", "", ""},
		{"message/private:alice:bob", "message/{room_id}", "room_id=private:alice:bob"},
		{"message/{room_id}", "message/{room_id}", "room_id={room_id}"},
		{"users/me", "users/me", ""},
		{"users/me/block", "users/{user_id}/block", "user_id=me"},
		{"users/ME", "users/{user_id}", "user_id=ME"},
		{"search", "search", ""},
		{"search/x", "search/{room_id}", "room_id=x"},
		{"search/", "", ""},
		{"deep/1/x/y", "deep/{a}/x/y", "a=1"},
		{"deep/1/x/z", "deep/{a}/{b}/z", "a=1 b=x"},
		{"deep/1/x/w", "{a}/{b}/{c}/{d}", "a=deep b=1 c=x d=w"},
		{"1/2/3/4", "{a}/{b}/{c}/{d}", "a=1 b=2 c=3 d=4"},
		{"1/2/3/4/5", "", ""},
		{"1//3/4", "", ""},
		{"", "", ""},
		{"/", "", ""},
		{"/rooms/list", "", ""},
		{"rooms/list/", "", ""},
		{"rooms//list", "", ""},
		{strings.Repeat("a/", 1<<15), "", ""},
	}
	for _, tt := range tests {
		pattern, params := "", []string(nil)
		route, p, found := r.Match(tt.topic)
		if found {
			pattern = route.Pattern()
			for i := range p.Len() {
				name, value := p.At(i)
				if p.Get(name) != value {
					t.Errorf("Match(%q): Get(%q) = %q, At says %q", tt.topic, name, p.Get(name), value)
				}
				params = append(params, name+"="+value)
			}
		}
		if got := strings.Join(params, " "); pattern != tt.pattern || got != tt.params {
			t.Errorf("Match(%.40q) = %q with %q, want %q with %q", tt.topic, pattern, got, tt.pattern, tt.params)
		}
		if p.Get("nosuch") != "" {
			t.Errorf("Match(%.40q): an unknown parameter has a value", tt.topic)
		}
	}
}

func TestMatchDoesNotAllocate(t *testing.T) {
	r := routerOf(chatPatterns...)
	for _, topic := range []string{"message/general", "rooms/create/info", "admin/users/bob/mute", "no/such/topic/at/all"} {
		if n := testing.AllocsPerRun(100, func() { r.Match(topic) }); n != 0 {
			t.Errorf("Match(%q): %v allocations, want 0", topic, n)
		}
	}
}

func TestDispatchDoesNotAllocate(t *testing.T) {
	r := New[caller]()
	in := new(none)
	g := r.Group("chat", func(next Handler[caller]) Handler[caller] {
		return func(ctx context.Context, req *request) Result {
			req.In = in
			return next(ctx, req)
		}
	})
	room := ""
	Handle[none, none](g, "message/{room_id}", func(_ context.Context, req *request, _ *none) Result {
		room = req.Param("room_id")
		return Done(nil, nil)
	})
	req := &request{Topic: "chat/message/general"}
	if n := testing.AllocsPerRun(100, func() { r.Dispatch(t.Context(), req) }); n != 0 {
		t.Errorf("Dispatch: %v allocations, want 0", n)
	}
	if room != "general" {
		t.Errorf("the handler saw room_id %q, want general", room)
	}
}

func TestDispatchWithoutRoute(t *testing.T) {
	res := routerOf("a").Dispatch(t.Context(), &request{Topic: "b"})
	if reply, err, ok := res.Value(); !ok || reply != nil || !errors.Is(err, ErrNoRoute) {
		t.Errorf("got %v, %v, %v, want ErrNoRoute", reply, err, ok)
	}
}

func TestMiddlewareRunsFromOutsideIn(t *testing.T) {
	var trace []string
	step := func(name string) Middleware[caller] {
		return func(next Handler[caller]) Handler[caller] {
			return func(ctx context.Context, req *request) Result {
				trace = append(trace, name+":"+req.Route.Tag("class"))
				return next(ctx, req)
			}
		}
	}
	r := New[caller]()
	outer := r.Group("chat", step("outer1"), step("outer2"))
	rooms := outer.Group("rooms", step("inner"), decode)
	other := outer.Group("", step("other"), decode)
	Handle[none, none](rooms, "{room_id}/info", ok, Tag("class", "read"))
	Handle[none, none](other, "sync", ok, Tag("class", "sync"))

	for topic, want := range map[string][]string{
		"chat/rooms/a/info": {"outer1:read", "outer2:read", "inner:read"},
		"chat/sync":         {"outer1:sync", "outer2:sync", "other:sync"},
	} {
		trace = nil
		if _, err, _ := r.Dispatch(t.Context(), &request{Topic: topic}).Value(); err != nil {
			t.Fatalf("%s: %v", topic, err)
		}
		if !slices.Equal(trace, want) {
			t.Errorf("%s ran %q, want %q", topic, trace, want)
		}
	}
}

func TestMiddlewareMayRefuse(t *testing.T) {
	refused := errors.New("refused")
	r := New[caller]()
	g := r.Group("", func(Handler[caller]) Handler[caller] {
		return func(context.Context, *request) Result { return Done(nil, refused) }
	})
	Handle[none, none](g, "a", func(context.Context, *request, *none) Result {
		t.Error("the handler ran")
		return Result{}
	})
	if _, err, _ := r.Dispatch(t.Context(), &request{Topic: "a"}).Value(); !errors.Is(err, refused) {
		t.Errorf("got %v, want the refusal", err)
	}
}

func TestHandlerWithoutItsPayload(t *testing.T) {
	type payload struct{ Text string }
	r := New[caller]()
	Handle[payload, none](r.Group(""), "a", func(context.Context, *request, *payload) Result {
		t.Error("the handler ran")
		return Result{}
	})
	for _, in := range []any{nil, new(none), payload{}, (*payload)(nil), "text"} {
		_, err, ok := r.Dispatch(t.Context(), &request{Topic: "a", In: in}).Value()
		if !ok || !errors.Is(err, ErrNotDecoded) {
			t.Errorf("In is %T: got %v, want ErrNotDecoded", in, err)
		} else if !strings.Contains(err.Error(), `"a" takes *topic.payload`) {
			t.Errorf("In is %T: the error %q does not say what route %q takes", in, err, "a")
		}
	}
}

func TestRouteProperties(t *testing.T) {
	type (
		sendMessage struct{ Content string }
		messageSent struct{ ID string }
	)
	r := New[caller]()
	g := r.Group("chat")
	send := Handle[sendMessage, messageSent](g, "message/{room_id}",
		func(context.Context, *request, *sendMessage) Result { return Done(messageSent{}, nil) },
		QoS(2), Doc("Send a message."), Name("send_message"), Tag("rate", "write"), Tag("text", "yes"))
	list := Handle[none, messageSent](g, "rooms/list", ok, ReadOnly(), QoS(0))
	plain := Handle[none, none](g, "", ok)

	if send.Pattern() != "chat/message/{room_id}" || send.Name() != "send_message" || send.Doc() != "Send a message." {
		t.Errorf("got pattern %q, name %q, doc %q", send.Pattern(), send.Name(), send.Doc())
	}
	if send.QoS() != 2 || send.ReadOnly() || list.QoS() != 0 || !list.ReadOnly() || plain.QoS() != 1 {
		t.Errorf("got QoS %d, %d, %d, read only %v, %v", send.QoS(), list.QoS(), plain.QoS(), send.ReadOnly(), list.ReadOnly())
	}
	if list.Name() != "chat/rooms/list" || plain.Pattern() != "chat" {
		t.Errorf("got name %q, pattern %q", list.Name(), plain.Pattern())
	}
	if !slices.Equal(send.ParamNames(), []string{"room_id"}) || list.ParamNames() != nil {
		t.Errorf("got parameters %q and %q", send.ParamNames(), list.ParamNames())
	}
	if send.In() != reflect.TypeFor[sendMessage]() || send.Out() != reflect.TypeFor[messageSent]() {
		t.Errorf("got types %v and %v", send.In(), send.Out())
	}
	first, second := send.NewIn(), send.NewIn()
	if in, is := first.(*sendMessage); !is || first == second {
		t.Errorf("NewIn gave %T twice the same: %v", in, first == second)
	}
	var tags []string
	for k, v := range send.Tags() {
		tags = append(tags, k+"="+v)
	}
	if !slices.Equal(tags, []string{"rate=write", "text=yes"}) || send.Tag("text") != "yes" || list.Tag("text") != "" {
		t.Errorf("got tags %q", tags)
	}
	var walked []*Route[caller]
	r.Walk(func(route *Route[caller]) { walked = append(walked, route) })
	if !slices.Equal(walked, []*Route[caller]{send, list, plain}) {
		t.Errorf("Walk visited %d routes or in another order than registered", len(walked))
	}
}

// panicText runs f and returns what it panicked with, "" where it did not.
func panicText(f func()) (text string) {
	defer func() {
		if v := recover(); v != nil {
			text = fmt.Sprint(v)
		}
	}()
	f()
	return ""
}

func TestWrongRegistrationPanics(t *testing.T) {
	handle := func(pattern string, options ...Option) func(*group) {
		return func(g *group) { Handle[none, none](g, pattern, ok, options...) }
	}
	tests := map[string]struct {
		do   func(*group) // on a group "chat" of a router with chat/message/{room_id}, named "send"
		want []string     // each must occur in the panic
	}{
		"empty pattern": {func(g *group) { Handle[none, none](g.router.Group(""), "", ok) }, []string{"empty"}},
		"slash first":   {handle("/a"), []string{"chat//a", "empty segment"}},
		"slash last":    {handle("a/"), []string{"chat/a/", "empty segment"}},
		"slash twice":   {handle("a//b"), []string{"chat/a//b", "empty segment"}},
		"half braces":   {handle("{a"), []string{"{a"}},
		"brace only":    {handle("{"), []string{`"{"`}},
		"other half":    {handle("a}"), []string{"a}"}},
		"no name":       {handle("{}"), []string{"{}"}},
		"bad name":      {handle("{room-id}"), []string{"{room-id}"}},
		"digit first":   {handle("{1a}"), []string{"{1a}"}},
		"part only":     {handle("room-{id}"), []string{"room-{id}", "whole segment"}},
		"two in one":    {handle("{a}{b}"), []string{"{a}{b}", "whole segment"}},
		"wildcard":      {handle("a/+"), []string{"+", "wildcard"}},
		"control":       {handle("a\nb"), []string{"control"}},
		"not UTF-8":     {handle("a\xff"), []string{"UTF-8"}},
		"name twice":    {handle("{a}/{a}"), []string{"{a}", "twice"}},
		"name twice in prefix": {func(g *group) {
			Handle[none, none](g.Group("{a}"), "{a}", ok)
		}, []string{"chat/{a}/{a}", "twice"}},
		"five parameters": {handle("{a}/{b}/{c}/{d}/{e}"), []string{"5", "4"}},
		"same shape":      {handle("message/{message_id}"), []string{"chat/message/{message_id}", "chat/message/{room_id}"}},
		"same name":       {handle("x", Name("send")), []string{"chat/x", "send", "chat/message/{room_id}"}},
		"no option name":  {handle("x", Name("")), []string{"Name"}},
		"QoS":             {handle("x", QoS(3)), []string{"chat/x", "QoS(3)"}},
		"tag twice":       {handle("x", Tag("k", "1"), Tag("k", "2")), []string{"chat/x", `Tag("k", "2")`}},
		"tag without key": {handle("x", Tag("", "1")), []string{"key"}},
		"nil handler":     {func(g *group) { Handle[none, none](g, "x", nil) }, []string{"chat/x", "handler is nil"}},
		"pointer payload": {func(g *group) {
			Handle[*none, none](g, "x", func(context.Context, *request, **none) Result { return Result{} })
		}, []string{"*struct {}"}},
		"pointer reply":    {func(g *group) { Handle[none, *none](g, "x", ok) }, []string{"*struct {}"}},
		"nil middleware":   {func(g *group) { g.Group("x", decode, nil) }, []string{"chat/x", "number 2"}},
		"malformed prefix": {func(g *group) { g.Group("x/") }, []string{"chat/x/", "empty segment"}},
		"middleware without a handler": {func(g *group) {
			Handle[none, none](g.Group("", func(Handler[caller]) Handler[caller] { return nil }), "x", ok)
		}, []string{"chat/x", "number 2", "nil handler"}},
		"after Freeze": {func(g *group) { g.router.Freeze(); handle("x")(g) }, []string{"chat/x", "at start"}},
		"after Match":  {func(g *group) { g.router.Match("nothing"); handle("x")(g) }, []string{"chat/x", "at start"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := New[caller]()
			g := r.Group("chat", decode)
			Handle[none, none](g, "message/{room_id}", ok, Name("send"))
			text := panicText(func() { tt.do(g) })
			if text == "" {
				t.Fatal("no panic")
			}
			for _, want := range append(tt.want, "topic: ") {
				if !strings.Contains(text, want) {
					t.Errorf("panic %q does not contain %q", text, want)
				}
			}
			count := 0
			r.Walk(func(*Route[caller]) { count++ })
			if _, _, found := r.Match("chat/x"); found || count != 1 {
				t.Errorf("the refused route is there: found %v, %d routes", found, count)
			}
		})
	}
}

// Sibling groups must not share the array behind their middleware.
func TestSiblingGroupsAreIndependent(t *testing.T) {
	var ran string
	step := func(name string) Middleware[caller] {
		return func(next Handler[caller]) Handler[caller] {
			return func(ctx context.Context, req *request) Result {
				ran += name
				return next(ctx, req)
			}
		}
	}
	r := New[caller]()
	parent := r.Group("", decode).Group("", step("p")).Group("", step("q"))
	a, b := parent.Group("a", step("a")), parent.Group("b", step("b"))
	Handle[none, none](a, "x", ok)
	Handle[none, none](b, "x", ok)
	r.Dispatch(t.Context(), &request{Topic: "a/x"})
	if ran != "pqa" {
		t.Errorf("a/x ran %q, want pqa", ran)
	}
}

func TestServeAfterMatch(t *testing.T) {
	r := New[caller]()
	Handle[none, none](r.Group("", decode), "rooms/{room_id}/info", func(_ context.Context, req *request, _ *none) Result {
		return Done(req.Caller.name+"@"+req.Param("room_id"), nil)
	}, ReadOnly())
	req := &request{Caller: caller{"alice"}, Topic: "rooms/general/info"}
	route, params, found := r.Match(req.Topic)
	if !found || !route.ReadOnly() {
		t.Fatalf("found %v", found)
	}
	if reply, err, _ := route.Serve(t.Context(), req, params).Value(); reply != "alice@general" || err != nil {
		t.Errorf("got %v, %v", reply, err)
	}
}

func BenchmarkMatch(b *testing.B) {
	r := routerOf(chatPatterns...)
	for _, topic := range []string{"message/general", "rooms/create/info", "admin/users/bob/mute", "no/such/topic"} {
		b.Run(strings.ReplaceAll(topic, "/", "."), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r.Match(topic)
			}
		})
	}
}

func BenchmarkDispatch(b *testing.B) {
	r := New[caller]()
	pass := func(next Handler[caller]) Handler[caller] {
		return func(ctx context.Context, req *request) Result { return next(ctx, req) }
	}
	g := r.Group("chat", pass, pass, decode, pass)
	for _, p := range chatPatterns {
		Handle[none, none](g, p, ok)
	}
	req := &request{Topic: "chat/message/general"}
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		r.Dispatch(ctx, req)
	}
}
