// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"errors"
	"reflect"
	"strings"

	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/wire"
)

// Config is what descriptions are made of.
type Config struct {
	Router    *api.Router
	Endpoints []Endpoint // what HTTP alone offers
	Version   string     // of the server
}

// Endpoint is what HTTP alone offers. Types are zero values of those in internal/wire.
type Endpoint struct {
	Method  string
	Path    string // below /api/v1/, with {name} for what varies
	Doc     string
	Who     string
	In, Out any    // nil: bytes or nothing
	InType  string // the media type of a body that is not JSON
	OutType string // the media type of an answer that is not JSON

	Statuses string      // what the status of a JSON reply can be, separated by spaces
	Codes    []chat.Code // beside bad_request, rate_limited, unavailable and internal
	Refusals []Refusal   // with a status of HTTP's own
	Open     bool        // needs no token
	Status   int         // of HTTP; 0: 200
	Params   []Param     // of the path, the query or the headers
}

// Refusal is one that HTTP has a status of its own for, in place of its code's.
type Refusal struct {
	Status int
	Code   chat.Code
	Doc    string
}

// Param is a part of a path, of a query or of the headers.
type Param struct {
	In   string // path, query or header
	Name string
	Doc  string
	// Example is a text as it stands.
	Example  string
	Required bool // of those in a path always
}

// Docs are the descriptions of one server.
type Docs struct {
	version    string
	schemas    *schemas
	operations []*operation
	shapes     []shape
}

// shape is a delivery.
type shape struct {
	name, doc string
	types     []string // of events that look so
	schema    *Schema
	passing   bool
}

// operation is a route, or an endpoint of HTTP.
type operation struct {
	route    string // chat/…; "" for HTTP only
	path     string // below /api/v1/
	methods  []string
	doc, who string
	qos      byte
	readOnly bool
	open     bool
	in, out  *Schema // nil: no JSON
	or       *Schema // what the reply can look like otherwise
	plain    bool    // a text will do for a payload
	statuses []string
	codes    []chat.Code
	refusals []Refusal
	params   []Param
	inType   string
	outType  string
	status   int
}

// New makes the descriptions. It fails where a type, a field or a route does not say what it has to.
func New(cfg Config) (*Docs, error) {
	d := &Docs{version: cfg.Version, schemas: newSchemas()}
	d.addShapes()
	cfg.Router.Walk(func(r *api.Route) { d.addRoute(r) })
	for _, e := range cfg.Endpoints {
		d.addEndpoint(e)
	}
	d.schemas.of(reflect.TypeFor[wire.Failure]())
	for _, o := range d.operations {
		if o.doc == "" || o.who == "" || o.out != nil && len(o.statuses) == 0 {
			d.schemas.fault("%s: say what it does, who may, and what its replies' status can be", o.path)
		}
		if o.in != nil {
			d.schemas.example(o.in) // finds what lacks an example
		}
		for _, sc := range []*Schema{o.out, o.or} {
			if sc != nil {
				d.schemas.withStatus(sc, "success")
			}
		}
	}
	return d, errors.Join(d.schemas.faults...)
}

func (d *Docs) addShapes() {
	event := d.schemas.named["Event"]
	mapping := object{}
	for _, sh := range wire.Shapes() {
		sc := d.schemas.of(reflect.TypeOf(sh.Of))
		_, passing := sh.Of.(wire.Passing)
		one := shape{name: sc.refName(), doc: sh.Doc, schema: sc, passing: passing}
		for _, p := range d.schemas.resolve(sc).Properties {
			if p.name != "type" {
				continue
			}
			one.types = p.schema.Enum
			if p.schema.Const != nil {
				one.types = []string{p.schema.Const.(string)}
			}
		}
		d.shapes = append(d.shapes, one)
		if !passing && len(one.types) > 0 {
			event.OneOf = append(event.OneOf, sc)
			for _, kind := range one.types {
				mapping = mapping.with(kind, sc.Ref)
			}
		}
	}
	event.Discriminator = object{{"propertyName", "type"}, {"mapping", mapping}}
	d.schemas.of(reflect.TypeFor[wire.FoundMessage]())
}

func (d *Docs) addRoute(r *api.Route) {
	o := &operation{route: r.Pattern(), path: strings.TrimPrefix(r.Pattern(), api.Prefix+"/"), methods: []string{"POST"}, doc: r.Doc(),
		who: api.Who(r), qos: r.QoS(), readOnly: r.ReadOnly(), statuses: api.Statuses(r), codes: api.Codes(r)}
	if o.readOnly {
		o.methods = append(o.methods, "GET")
	}
	o.in, o.out = d.schemas.of(r.In()), d.schemas.of(r.Out())
	if or, ok := reflect.New(r.Out()).Interface().(wire.Alternatives); ok {
		o.or = d.schemas.of(reflect.TypeOf(or.Or()))
	}
	_, o.plain = r.NewIn().(wire.Plain)
	for _, name := range r.ParamNames() {
		o.params = append(o.params, routeParam(name))
	}
	d.operations = append(d.operations, o)
}

// routeParam describes a parameter of a route by its name.
func routeParam(name string) Param {
	p := Param{In: "path", Name: name, Required: true}
	switch name {
	case "room_id":
		p.Doc, p.Example = "The room", "general"
	case "user_id":
		p.Doc, p.Example = "The account", "bob"
	case "message_id":
		p.Doc, p.Example = "The message", "01a203bb-410a-7c01-bcaa-554b9de4ad55"
	default:
		p.Doc, p.Example = "The "+strings.ReplaceAll(strings.TrimSuffix(name, "_id"), "_", " "), "17"
	}
	return p
}

func (d *Docs) addEndpoint(e Endpoint) {
	o := &operation{path: e.Path, methods: []string{e.Method}, doc: e.Doc, who: e.Who, readOnly: e.Method == "GET", open: e.Open, inType: e.InType,
		outType: e.OutType, statuses: strings.Fields(e.Statuses), params: e.Params, status: e.Status, refusals: e.Refusals}
	if e.In != nil {
		o.in = d.schemas.of(reflect.TypeOf(e.In))
	}
	if e.Out != nil {
		o.out = d.schemas.of(reflect.TypeOf(e.Out))
	}
	wanted := map[chat.Code]bool{chat.BadRequest: true, chat.RateLimited: true, chat.Unavailable: true, chat.Internal: true,
		chat.Unauthenticated: !e.Open, chat.Banned: !e.Open}
	for _, c := range e.Codes {
		wanted[c] = true
	}
	for _, c := range chat.Codes() {
		if wanted[c] {
			o.codes = append(o.codes, c)
		}
	}
	d.operations = append(d.operations, o)
}

// id names an operation: its path with its parameters.
func (o *operation) id() string {
	return strings.NewReplacer("/", "_", "{", "", "}", "", "-", "_").Replace(o.path)
}

// group is the heading that an operation stands under.
func (o *operation) group() string {
	first, _, _ := strings.Cut(o.path, "/")
	switch first {
	case "message", "private", "broadcast", "thread":
		return "Messages"
	case "rooms":
		return "Rooms"
	case "history", "search", "sync", "read", "info":
		return "Reading"
	case "users":
		return "People"
	case "presence", "typing":
		return "Presence and typing"
	case "file", "files", "upload":
		return "Files"
	case "admin":
		return "Moderation"
	case "push":
		return "Notifications"
	case "auth":
		return "Signing in"
	default:
		return strings.ToUpper(first[:1]) + first[1:]
	}
}

// groups lists the headings in the order of their first operation.
func (d *Docs) groups() (names []string, of map[string][]*operation) {
	of = map[string][]*operation{}
	for _, o := range d.operations {
		g := o.group()
		if of[g] == nil {
			names = append(names, g)
		}
		of[g] = append(of[g], o)
	}
	return names, of
}

// inputs are the flat fields of a payload, as query parameters.
func (d *Docs) inputs(o *operation) properties {
	var out properties
	for _, p := range d.schemas.resolve(o.in).Properties {
		if t := d.schemas.resolve(p.schema).Type; t != "object" && t != "array" {
			out = append(out, p)
		}
	}
	return out
}

// filled is a path or topic with the examples of its parameters.
func (o *operation) filled(pattern string) string {
	for _, p := range o.params {
		pattern = strings.ReplaceAll(pattern, "{"+p.Name+"}", p.Example)
	}
	return pattern
}
