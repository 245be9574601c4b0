// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
	"parley/internal/wire"
)

// OpenAPI describes what HTTP offers, as OpenAPI 3.1.
func (d *Docs) OpenAPI() ([]byte, error) {
	names, _ := d.groups()
	tags := make([]object, len(names))
	for i, name := range names {
		tags[i] = object{{"name", name}}
	}
	return encode(object{
		{"openapi", "3.1.0"},
		{"info", object{
			{"title", "Parley over HTTP"},
			{"version", d.version},
			{"description", "Each route of the table answers POST with a JSON body, and those that only read GET too, with flat fields as query parameters. " +
				"The same routes over MQTT, and what the server sends, are in asyncapi.json beside this file. A method that a path does not have is answered 405, bad_request, with those that it has in Allow. " +
				"Fields and types that a client does not know are to be ignored: more may come."},
			{"license", object{{"name", "Apache 2.0"}, {"identifier", "Apache-2.0"}}},
		}},
		{"servers", []object{{{"url", "/api/v1"}, {"description", "This server"}}}},
		{"tags", tags},
		{"security", []object{{{"token", []string{}}}}},
		{"paths", d.paths()},
		{"components", object{
			{"securitySchemes", object{{"token", object{{"type", "http"}, {"scheme", "bearer"}, {"bearerFormat", "JWT"},
				{"description", "An access token: from auth/login, or from the operator (parley token)"}}}}},
			{"schemas", d.components()},
		}},
	})
}

func encode(v any) ([]byte, error) {
	return json.Marshal(v)
}

func (d *Docs) components() object {
	var out object
	for _, name := range d.schemas.names() {
		out = out.with(name, d.schemas.named[name])
	}
	return out
}

// paths groups operations by path: one may have several methods.
func (d *Docs) paths() object {
	var order []string
	items := map[string]object{}
	for _, o := range d.operations {
		path := "/" + o.path
		if items[path] == nil {
			order = append(order, path)
		}
		for _, method := range o.methods {
			items[path] = items[path].with(strings.ToLower(method), d.httpOperation(o, method))
		}
	}
	var out object
	for _, path := range order {
		out = out.with(path, items[path])
	}
	return out
}

func (d *Docs) httpOperation(o *operation, method string) object {
	var params []object
	for _, p := range o.params {
		params = append(params, object{{"name", p.Name}, {"in", p.In}, {"required", p.Required || p.In == "path"}, {"description", p.Doc},
			{"schema", &Schema{Type: "string"}}, {"example", p.Example}})
	}
	query := method == http.MethodGet && o.route != ""
	if query {
		for _, p := range d.inputs(o) {
			params = append(params, object{{"name", p.name}, {"in", "query"}, {"required", !p.optional}, {"description", d.describe(p.schema)}, {"schema", p.schema}})
		}
	}
	if o.route != "" && !o.readOnly {
		length := chat.MaxClientMsgID
		params = append(params, object{{"name", "Idempotency-Key"}, {"in", "header"}, {"description", "In place of client_msg_id in the body"},
			{"schema", &Schema{Type: "string", MaxLength: &length}}})
	}
	out := object{{"operationId", strings.ToLower(method) + "_" + o.id()}, {"tags", []string{o.group()}}, {"summary", o.doc}, {"description", "For " + o.who + "."}}
	if o.open {
		out = out.with("security", []object{})
	}
	if len(params) > 0 {
		out = out.with("parameters", params)
	}
	if body := d.requestBody(o); body != nil && !query {
		out = out.with("requestBody", body)
	}
	return out.with("responses", d.responses(o))
}

// describe is what a field means, where it does not say so itself what its type does.
func (d *Docs) describe(sc *Schema) string {
	if sc.Description != "" {
		return sc.Description
	}
	return d.schemas.resolve(sc).Description
}

func (d *Docs) requestBody(o *operation) object {
	content := object{}
	if o.in != nil {
		content = content.with("application/json", object{{"schema", o.in}, {"example", d.schemas.example(o.in)}})
		if o.plain {
			content = content.with("text/plain", object{{"schema", &Schema{Type: "string", Description: "The content alone"}}, {"example", "hello"}})
		}
	}
	if o.inType != "" {
		content = content.with(o.inType, object{})
	}
	if len(content) == 0 {
		return nil
	}
	required := o.inType != "" || len(d.schemas.resolve(o.in).Required) > 0
	return object{{"required", required}, {"content", content}}
}

// reply is the schema of an operation's replies, with the statuses that they can have.
func (o *operation) reply() *Schema {
	status := &Schema{Enum: o.statuses}
	if len(o.statuses) == 1 {
		status = &Schema{Const: o.statuses[0]}
	}
	said := &Schema{Properties: properties{{name: "status", schema: status}}}
	if o.or != nil {
		return &Schema{AllOf: []*Schema{{AnyOf: []*Schema{o.out, o.or}}, said}}
	}
	return &Schema{AllOf: []*Schema{o.out, said}}
}

func (d *Docs) responses(o *operation) object {
	status := o.status
	if status == 0 {
		status = http.StatusOK
	}
	success := object{{"description", "Done: " + strings.Join(o.statuses, " or ")}}
	switch {
	case o.out != nil:
		success = success.with("content", object{{"application/json", object{{"schema", o.reply()}, {"example", d.schemas.withStatus(o.out, o.statuses[0])}}}})
	case o.outType != "":
		success = object{{"description", "Done"}, {"content", object{{o.outType, object{}}}}}
	default:
		success = object{{"description", "Done"}}
	}
	out := object{{strconv.Itoa(status), success}}
	var statuses []int
	codes := map[int][]string{}
	for _, c := range o.codes {
		answer := wire.AnswerTo(c).HTTP
		if codes[answer] == nil {
			statuses = append(statuses, answer)
		}
		codes[answer] = append(codes[answer], string(c)+": "+wire.Meaning(c))
	}
	for _, r := range o.refusals {
		if codes[r.Status] == nil {
			statuses = append(statuses, r.Status)
		}
		codes[r.Status] = append(codes[r.Status], string(r.Code)+": "+r.Doc)
	}
	slices.Sort(statuses)
	for _, answer := range statuses {
		response := object{{"description", strings.Join(codes[answer], "; ")}, {"content", object{{"application/json", object{{"schema", ref("Failure")}}}}}}
		if answer == http.StatusTooManyRequests {
			seconds := 0.0
			response = response.with("headers", object{{"Retry-After", object{{"description", "Seconds after which a repeat may succeed"}, {"schema", &Schema{Type: "integer", Minimum: &seconds}}}}})
		}
		out = out.with(strconv.Itoa(answer), response)
	}
	return out
}
