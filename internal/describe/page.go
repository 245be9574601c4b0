// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/url"
	"slices"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
	"parley/internal/wire"
)

//go:embed page.html.tmpl
var pageTemplate string

// Style and Script are what the page refers to, as docs/style.css and docs/find.js.
var (
	//go:embed style.css
	Style []byte
	//go:embed find.js
	Script []byte
)

// Page describes everything for people, as HTML without scripts or styles of its own.
func (d *Docs) Page() ([]byte, error) {
	t, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, d.view())
	return b.Bytes(), err
}

// What the template shows.
type (
	pageView struct {
		Version string
		Groups  []groupView
		Events  []typeView
		Types   []typeView
		Codes   []codeView
	}
	groupView struct {
		Name, Anchor string
		Operations   []operationView
	}
	operationView struct {
		ID, Path, Topic, Doc, Who string
		Methods                   []string
		QoS                       byte
		Params                    []Param
		Fields                    []fieldView
		Reply                     []fieldView
		Or                        *typeLink
		Statuses                  []string
		Answer                    string // in words, where it is no JSON
		Example                   string // of a reply
		Codes                     []codeView
		Curl, MQTT                string
	}
	fieldView struct {
		Name, Doc, Bounds string
		Type              []typeLink // words, and links to types
		Optional          bool
	}
	typeLink struct{ Text, Anchor string }
	typeView struct {
		Name, Anchor, Doc, Example string
		Kinds                      []string
		Passing                    bool
		Fields                     []fieldView
	}
	codeView struct {
		Code, Means string
		HTTP        int
		MQTT        string
	}
)

func (d *Docs) view() pageView {
	v := pageView{Version: d.version}
	names, of := d.groups()
	payloads := map[string]bool{"Failure": true}
	for _, name := range names {
		g := groupView{Name: name, Anchor: "group-" + strings.ReplaceAll(strings.ToLower(name), " ", "-")}
		for _, o := range of[name] {
			g.Operations = append(g.Operations, d.viewOperation(o))
			for _, sc := range []*Schema{o.in, o.out, o.or} {
				if sc != nil {
					payloads[sc.refName()] = true
				}
			}
		}
		v.Groups = append(v.Groups, g)
	}
	for _, sh := range d.shapes {
		payloads[sh.name] = true
		v.Events = append(v.Events, typeView{Name: sh.name, Anchor: "type-" + sh.name, Doc: sh.doc, Kinds: sh.types, Passing: sh.passing,
			Fields: d.viewFields(sh.schema), Example: string(d.schemas.example(sh.schema))})
	}
	for _, name := range d.schemas.names() {
		sc := d.schemas.named[name]
		or := name == "OwnRooms" // a reply that is shown nowhere else
		if payloads[name] && !or {
			continue
		}
		t := typeView{Name: name, Anchor: "type-" + name, Doc: sc.Description, Fields: d.viewFields(sc)}
		if len(t.Fields) == 0 {
			t.Example = string(d.schemas.example(sc))
			t.Kinds = sc.Enum
		}
		v.Types = append(v.Types, t)
	}
	v.Codes = viewCodes(chat.Codes())
	return v
}

func viewCodes(codes []chat.Code) []codeView {
	out := make([]codeView, len(codes))
	for i, c := range codes {
		a := wire.AnswerTo(c)
		out[i] = codeView{Code: string(c), Means: wire.Meaning(c), HTTP: a.HTTP, MQTT: "–"}
		if a.MQTT != 0 {
			out[i].MQTT = fmt.Sprintf("0x%02X", a.MQTT)
		}
	}
	return out
}

func (d *Docs) viewOperation(o *operation) operationView {
	v := operationView{ID: o.id(), Path: o.path, Topic: o.route, Doc: o.doc, Who: o.who, Methods: o.methods, QoS: o.qos, Params: o.params,
		Statuses: o.statuses, Codes: viewCodes(o.codes), Curl: d.curl(o)}
	if o.in != nil {
		v.Fields = own(d.viewFields(o.in))
	}
	switch {
	case o.out != nil:
		v.Reply, v.Example = own(d.viewFields(o.out)), indented(d.schemas.withStatus(o.out, o.statuses[0]))
	case o.outType != "":
		v.Answer = o.outType
	default:
		v.Answer = "nothing"
	}
	if o.or != nil {
		v.Or = &typeLink{o.or.refName(), "type-" + o.or.refName()}
	}
	if o.route != "" {
		v.MQTT = d.mosquitto(o)
	}
	return v
}

func indented(v jsontext.Value) string {
	out := v.Clone()
	if err := out.Indent(jsontext.WithIndent("  ")); err != nil {
		return string(v)
	}
	return string(out)
}

// viewFields are the fields of an object, none of any other schema.
func (d *Docs) viewFields(sc *Schema) []fieldView {
	var out []fieldView
	for _, p := range d.schemas.resolve(sc).Properties {
		out = append(out, fieldView{Name: p.name, Doc: d.describe(p.schema), Type: d.viewType(p.schema), Bounds: bounds(p.schema), Optional: p.optional})
	}
	return out
}

// own leaves out what every payload or reply may have, which the page tells once.
func own(fields []fieldView) []fieldView {
	return slices.DeleteFunc(fields, func(f fieldView) bool {
		return f.Optional && (f.Name == "request_id" || f.Name == "client_msg_id" || f.Name == "duplicate")
	})
}

// viewType says what a schema is in a few words.
func (d *Docs) viewType(sc *Schema) []typeLink {
	text := func(s string) []typeLink { return []typeLink{{Text: s}} }
	switch {
	case sc.Ref != "":
		return []typeLink{{sc.refName(), "type-" + sc.refName()}}
	case len(sc.AllOf) > 0:
		return d.viewType(sc.AllOf[0])
	case len(sc.AnyOf) > 0:
		return append(d.viewType(sc.AnyOf[0]), typeLink{Text: " or null"})
	case sc.Items != nil:
		return append(text("list of "), d.viewType(sc.Items)...)
	case sc.Additional != nil:
		return append(text("map of "), d.viewType(sc.Additional)...)
	case sc.Encoding != "":
		return text("text in " + sc.Encoding)
	}
	switch t := sc.Type.(type) {
	case string:
		if t == "string" {
			t = "text"
		}
		return text(t)
	case []string:
		return text(strings.ReplaceAll(strings.Join(t, " or "), "string", "text"))
	default:
		return text("any")
	}
}

// bounds says which values of a schema are possible.
func bounds(sc *Schema) string {
	var out []string
	switch {
	case sc.Const != nil:
		out = append(out, fmt.Sprint(sc.Const))
	case len(sc.Enum) > 0:
		out = append(out, strings.Join(sc.Enum, " | "))
	}
	between := func(low, high, what string) {
		switch {
		case low != "" && high != "":
			out = append(out, low+" to "+high+what)
		case high != "":
			out = append(out, "at most "+high+what)
		case low != "" && low != "0":
			out = append(out, "at least "+low+what)
		}
	}
	between(numeral(sc.MinLength), numeral(sc.MaxLength), " characters")
	between(numeral(sc.Minimum), numeral(sc.Maximum), "")
	if len(sc.Default) > 0 {
		out = append(out, "default "+strings.Trim(string(sc.Default), `"`))
	}
	return strings.Join(out, "; ")
}

func numeral[T int | float64](n *T) string {
	if n == nil {
		return ""
	}
	return fmt.Sprintf("%.0f", float64(*n))
}

// curl is a line to paste, with the address in $PARLEY and a token in $TOKEN.
func (d *Docs) curl(o *operation) string {
	header := ` -H "Authorization: Bearer $TOKEN"`
	if o.open {
		header = ""
	}
	address := "$PARLEY/api/v1/" + o.filled(o.path)
	switch {
	case o.route != "" && o.readOnly:
		if query := d.query(o); query != "" {
			address += "?" + query
		}
		return "curl" + header + ` "` + address + `"`
	case o.in != nil:
		return "curl" + header + ` "` + address + `" -d ` + single(string(d.schemas.example(o.in)))
	case o.inType != "":
		return "curl" + header + ` -X ` + o.methods[0] + ` "` + address + `" -H 'Content-Type: ` + o.inType + `' --data-binary @view.png`
	case o.outType != "":
		return "curl" + header + ` -N "` + address + `"`
	default:
		return "curl" + header + " -X " + o.methods[0] + ` "` + address + `"`
	}
}

// query has those fields of a payload that its example has.
func (d *Docs) query(o *operation) string {
	values := url.Values{}
	for _, p := range d.inputs(o) {
		if p.shown {
			values.Set(p.name, strings.Trim(string(d.schemas.example(p.schema)), `"`))
		}
	}
	return values.Encode()
}

// mosquitto is a line to paste, with name and password in $ME and $PASSWORD.
func (d *Docs) mosquitto(o *operation) string {
	line := fmt.Sprintf(`mosquitto_rr -V 5 -u $ME -P "$PASSWORD" -q %d -e chat/user/$ME/answer -t %s`, max(o.qos, 1), o.filled(o.route))
	if body := string(d.schemas.example(o.in)); body != "{}" {
		return line + " -m " + single(body)
	}
	return line + " -n"
}

// single quotes a text for a shell.
func single(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
