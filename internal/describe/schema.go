// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/wire"
)

// Schema is a JSON Schema of the draft 2020-12, of which it uses only what older drafts mean likewise.
type Schema struct {
	Ref           string           `json:"$ref,omitzero"`
	Description   string           `json:"description,omitzero"`
	Type          any              `json:"type,omitzero"` // a name, or several
	Const         any              `json:"const,omitzero"`
	Enum          []string         `json:"enum,omitzero"`
	AllOf         []*Schema        `json:"allOf,omitzero"`
	AnyOf         []*Schema        `json:"anyOf,omitzero"`
	OneOf         []*Schema        `json:"oneOf,omitzero"`
	Discriminator object           `json:"discriminator,omitzero"` // of OpenAPI
	Properties    properties       `json:"properties,omitzero"`
	Required      []string         `json:"required,omitzero"`
	Additional    *Schema          `json:"additionalProperties,omitzero"`
	Items         *Schema          `json:"items,omitzero"`
	MinItems      *int             `json:"minItems,omitzero"`
	MaxItems      *int             `json:"maxItems,omitzero"`
	Minimum       *float64         `json:"minimum,omitzero"`
	Maximum       *float64         `json:"maximum,omitzero"`
	MinLength     *int             `json:"minLength,omitzero"`
	MaxLength     *int             `json:"maxLength,omitzero"`
	Pattern       string           `json:"pattern,omitzero"`
	Format        string           `json:"format,omitzero"`
	Encoding      string           `json:"contentEncoding,omitzero"`
	Default       jsontext.Value   `json:"default,omitzero"`
	Examples      []jsontext.Value `json:"examples,omitzero"`
}

// property is a field of an object.
type property struct {
	name     string
	schema   *Schema
	optional bool
	shown    bool // in examples
}

type properties []property

// MarshalJSONTo implements json.MarshalerTo: an object, in the order of the fields.
func (p properties) MarshalJSONTo(enc *jsontext.Encoder) error {
	o := make(object, len(p))
	for i, f := range p {
		o[i] = member{f.name, f.schema}
	}
	return o.MarshalJSONTo(enc)
}

// schemas are the named ones of a document. They are made as they are asked for.
type schemas struct {
	named  map[string]*Schema
	types  map[string]reflect.Type // behind those of structs: two of the same name are a fault
	faults []error
}

func newSchemas() *schemas {
	s := &schemas{named: map[string]*Schema{}, types: map[string]reflect.Type{}}
	for name, schema := range namedSchemas() {
		s.named[name] = schema
	}
	return s
}

const schemaRefs = "#/components/schemas/"

func ref(name string) *Schema { return &Schema{Ref: schemaRefs + name} }

// refName is the name of a schema that is nothing but a reference.
func (sc *Schema) refName() string { return strings.TrimPrefix(sc.Ref, schemaRefs) }

// names lists the named schemas in order.
func (s *schemas) names() []string {
	out := make([]string, 0, len(s.named))
	for name := range s.named {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// of is the schema of a type.
func (s *schemas) of(t reflect.Type) *Schema {
	if t.Kind() == reflect.Pointer {
		return s.of(t.Elem())
	}
	if name, ok := namedTypes()[t]; ok {
		return ref(name)
	}
	switch t {
	case reflect.TypeFor[jsontext.Value]():
		return &Schema{Type: []string{"string", "number"}}
	case reflect.TypeFor[wire.Reactions]():
		return s.of(reflect.TypeFor[map[string][]userID]())
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.object(t)
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return &Schema{Type: "string", Encoding: "base64"}
		}
		return &Schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Array:
		n := t.Len()
		return &Schema{Type: "array", Items: s.of(t.Elem()), MinItems: &n, MaxItems: &n}
	case reflect.Map:
		return &Schema{Type: "object", Additional: s.of(t.Elem())}
	case reflect.String:
		return &Schema{Type: "string"}
	case reflect.Bool:
		return &Schema{Type: "boolean"}
	case reflect.Int, reflect.Int64, reflect.Int32:
		return &Schema{Type: "integer"}
	case reflect.Uint64, reflect.Uint32:
		return &Schema{Type: "integer", Minimum: new(float64)}
	case reflect.Float64:
		return &Schema{Type: "number"}
	case reflect.Interface:
		return &Schema{}
	default:
		s.fault("%v: there is no schema for it: teach schema.go", t)
		return &Schema{}
	}
}

func (s *schemas) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Errorf("describe: "+format, args...))
}

// object names the schema of a struct and refers to it.
func (s *schemas) object(t reflect.Type) *Schema {
	name := t.Name()
	name = strings.ToUpper(name[:1]) + name[1:]
	if other, ok := s.types[name]; ok {
		if other != t {
			s.fault("%v and %v have the same name", t, other)
		}
		return ref(name)
	}
	sc := &Schema{Type: "object"}
	s.named[name], s.types[name] = sc, t // before its fields, which may be of the same type
	s.fields(t, sc)
	return ref(name)
}

// fields adds the fields of a struct, those of embedded ones in their place.
func (s *schemas) fields(t reflect.Type, sc *Schema) {
	for f := range t.Fields() {
		if f.Anonymous {
			s.fields(f.Type, sc)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" || name == "" {
			continue
		}
		p := property{name: name, optional: strings.Contains(options, "omit")}
		p.schema, p.shown = s.field(t, f, name, p.optional)
		if !p.optional {
			sc.Required = append(sc.Required, name)
		}
		sc.Properties = append(sc.Properties, p)
	}
}

// field is the schema of a field. shown says that examples have it.
func (s *schemas) field(t reflect.Type, f reflect.StructField, name string, optional bool) (sc *Schema, shown bool) {
	is, doc := f.Tag.Get("is"), f.Tag.Get("doc")
	common, known := commonFields()[name]
	if known && is == "" {
		is = common.is
	}
	if known && doc == "" {
		doc = common.doc
	}
	sc = s.of(f.Type)
	if is != "" {
		named := ref(is)
		if sc.Items != nil && (f.Type.Kind() == reflect.Slice) {
			sc.Items = named
		} else {
			sc = named
		}
		if s.named[is] == nil {
			s.fault("%v.%s: is:%q is no named type", t, f.Name, is)
		}
	}
	if doc == "" && sc.Ref == "" {
		s.fault("%v.%s: has no doc tag: say what it means", t, f.Name)
	}
	refers := sc.Ref != ""
	null := f.Tag.Get("null") == "true" || f.Type.Kind() == reflect.Pointer && !optional && f.Tag.Get("enum") == "" && !inPayload(t)
	switch {
	case refers && null:
		sc = &Schema{AnyOf: []*Schema{sc, {Type: "null"}}}
	case refers && (doc != "" || f.Tag.Get("default") != "" || f.Tag.Get("enum") != "" || f.Tag.Get("example") != ""):
		sc = &Schema{AllOf: []*Schema{sc}}
	}
	sc.Description = doc
	s.bounds(t, f, sc)
	if example, ok := f.Tag.Lookup("example"); ok {
		sc.Examples = []jsontext.Value{s.value(sc, example)}
		shown = true
	}
	if v, ok := f.Tag.Lookup("default"); ok {
		sc.Default = s.value(sc, v)
	}
	return sc, shown || !optional
}

// inPayload tells that a pointer in t only tells absent from zero.
func inPayload(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[wire.Payload]())
}

// bounds reads enum, min and max.
func (s *schemas) bounds(t reflect.Type, f reflect.StructField, sc *Schema) {
	if words := strings.Fields(f.Tag.Get("enum")); len(words) == 1 {
		sc.Const = words[0]
	} else if len(words) > 1 {
		sc.Enum = words
	}
	for _, tag := range []string{"min", "max"} {
		v, ok := f.Tag.Lookup(tag)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil {
			s.fault("%v.%s: %s:%q is no number", t, f.Name, tag, v)
		}
		x := float64(n)
		switch text := sc.Type == "string"; {
		case text && tag == "min":
			sc.MinLength = &n
		case text:
			sc.MaxLength = &n
		case tag == "min":
			sc.Minimum = &x
		default:
			sc.Maximum = &x
		}
	}
}

// value reads a value of a tag: JSON, or a text as it stands.
func (s *schemas) value(sc *Schema, v string) jsontext.Value {
	raw := jsontext.Value(v)
	if target := s.resolve(sc); target.Type != "string" && raw.IsValid() {
		return raw
	}
	quoted, _ := json.Marshal(v) // a string can always be encoded
	return quoted
}

// resolve finds what a reference, dressed or bare, refers to.
func (s *schemas) resolve(sc *Schema) *Schema {
	for {
		switch {
		case sc.Ref != "":
			named := s.named[sc.refName()]
			if named == nil {
				return &Schema{}
			}
			sc = named
		case len(sc.AllOf) > 0 && sc.Type == nil:
			sc = sc.AllOf[0]
		case len(sc.AnyOf) > 0 && sc.Type == nil:
			sc = sc.AnyOf[0]
		default:
			return sc
		}
	}
}
