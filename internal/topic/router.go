// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"
)

var (
	// ErrNoRoute is the outcome of a request whose topic no pattern matches.
	ErrNoRoute = errors.New("topic: no route for this topic")
	// ErrNotDecoded is the outcome of a request whose In is not what the handler
	// takes: a mistake in the program, a decoding middleware is missing.
	ErrNotDecoded = errors.New("topic: payload not decoded")
)

// Handler answers a request. It runs on the goroutine that dispatches and must
// not wait for anything slow; it returns [Later] instead.
type Handler[C any] func(ctx context.Context, req *Request[C]) Result

// Middleware wraps a handler in a gate, which lets requests pass, alters them or
// answers them itself. It is called once per route, at registration.
type Middleware[C any] func(next Handler[C]) Handler[C]

// Router maps topics to routes. The package comment tells its rules. Make one
// with [New].
type Router[C any] struct {
	root   node[C]
	routes []*Route[C] // in order of registration
	frozen atomic.Bool
}

// New returns a router without routes.
func New[C any]() *Router[C] { return &Router[C]{} }

// Group is a set of routes with a common prefix and common middleware.
type Group[C any] struct {
	router     *Router[C]
	prefix     string // without a "/" at the end, "" for none
	middleware []Middleware[C]
}

// Group returns a group of routes. The prefix is one or more segments, which may
// be parameters, or "" for none. Of the middleware the first runs first.
func (r *Router[C]) Group(prefix string, middleware ...Middleware[C]) *Group[C] {
	return (&Group[C]{router: r}).Group(prefix, middleware...)
}

// Group returns a group inside g: its prefix follows that of g, and its
// middleware runs after that of g.
func (g *Group[C]) Group(prefix string, middleware ...Middleware[C]) *Group[C] {
	whole := join(g.prefix, prefix)
	if prefix != "" {
		if _, err := parsePattern(whole); err != nil {
			panic(fmt.Sprintf("topic: group %q: %v", whole, err))
		}
	}
	for i, m := range middleware {
		if m == nil {
			panic(fmt.Sprintf("topic: group %q: middleware number %d is nil", whole, i+1))
		}
	}
	return &Group[C]{
		router:     g.router,
		prefix:     whole,
		middleware: slices.Concat(g.middleware, middleware),
	}
}

func join(prefix, pattern string) string {
	if prefix == "" || pattern == "" {
		return prefix + pattern
	}
	return prefix + "/" + pattern
}

// Handle adds a route to a group, with the payload type In and the reply type
// Out, and returns it. Both are the types themselves, not pointers to them;
// struct{} stands for none. The pattern follows the group's prefix; "" makes a
// route of the prefix alone. Handle panics where the registration is wrong.
//
// C is inferred, so calls read
//
//	topic.Handle[SendMessage, MessageSent](g, "message/{room_id}", send)
func Handle[In, Out, C any](g *Group[C], pattern string, fn func(ctx context.Context, req *Request[C], in *In) Result, options ...Option) *Route[C] {
	whole := join(g.prefix, pattern)
	route := &Route[C]{
		info: info{
			pattern: whole,
			name:    whole,
			qos:     1,
			in:      reflect.TypeFor[In](),
			out:     reflect.TypeFor[Out](),
		},
		newIn: func() any { return new(In) },
	}
	var handler Handler[C]
	if fn != nil {
		handler = func(ctx context.Context, req *Request[C]) Result {
			in, ok := req.In.(*In)
			if !ok || in == nil {
				return Done(nil, fmt.Errorf("%w: route %q takes %T, the request has %T: put a middleware that sets In before it", ErrNotDecoded, whole, in, req.In))
			}
			return fn(ctx, req, in)
		}
	}
	if err := g.add(route, handler, options); err != nil {
		panic(fmt.Sprintf("topic: route %q: %v", whole, err))
	}
	return route
}

// add checks everything before it changes anything.
func (g *Group[C]) add(route *Route[C], handler Handler[C], options []Option) error {
	r := g.router
	if r.frozen.Load() {
		return errors.New("registered after the router was frozen or used: register all routes at start")
	}
	segments, err := parsePattern(route.pattern)
	if err != nil {
		return err
	}
	route.params = paramNames(segments)
	if handler == nil {
		return errors.New("the handler is nil")
	}
	for _, t := range []reflect.Type{route.in, route.out} {
		if t.Kind() == reflect.Pointer {
			return fmt.Errorf("payload or reply type %v: give the type itself, not a pointer to it", t)
		}
	}
	for _, option := range options {
		if err := option(&route.info); err != nil {
			return err
		}
	}
	if other := r.root.find(segments); other != nil {
		return fmt.Errorf("has the same shape as %q", other.pattern)
	}
	for _, other := range r.routes {
		if other.name == route.name {
			return fmt.Errorf("has the same name %q as route %q", route.name, other.pattern)
		}
	}
	for i, middleware := range slices.Backward(g.middleware) {
		if handler = middleware(handler); handler == nil {
			return fmt.Errorf("middleware number %d, counted from the outermost group, returned a nil handler", i+1)
		}
	}
	route.handler = handler
	r.root.insert(segments, route)
	r.routes = append(r.routes, route)
	return nil
}

// Freeze forbids further registration. The first match does the same.
func (r *Router[C]) Freeze() { r.frozen.Store(true) }

// Match finds the route for a topic and the values of its parameters. It
// allocates nothing.
func (r *Router[C]) Match(topic string) (route *Route[C], params Params, ok bool) {
	if !r.frozen.Load() {
		r.frozen.Store(true)
	}
	route = r.root.match(topic, &params.values, 0)
	if route == nil {
		return nil, Params{}, false
	}
	params.names = route.params
	return route, params, true
}

// Dispatch finds the route for req.Topic and runs its middleware and handler. A
// topic without a route is [Done] with [ErrNoRoute]; no middleware runs then.
func (r *Router[C]) Dispatch(ctx context.Context, req *Request[C]) Result {
	route, params, ok := r.Match(req.Topic)
	if !ok {
		return Done(nil, ErrNoRoute)
	}
	return route.Serve(ctx, req, params)
}

// Serve runs the middleware and the handler of a route that [Router.Match] has
// found, for doors that look at the route before they dispatch.
func (r *Route[C]) Serve(ctx context.Context, req *Request[C], params Params) Result {
	req.Route = r
	req.params = params
	return r.handler(ctx, req)
}

// Walk calls visit with every route, in order of registration.
func (r *Router[C]) Walk(visit func(*Route[C])) {
	for _, route := range r.routes {
		visit(route)
	}
}
