// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// example makes a value of a schema: an object has what is required, and what else has an example.
func (s *schemas) example(sc *Schema) jsontext.Value {
	switch {
	case len(sc.Examples) > 0:
		return sc.Examples[0]
	case sc.Const != nil:
		return quoted(sc.Const)
	case len(sc.Enum) > 0:
		return quoted(sc.Enum[0])
	case sc.Ref != "" && s.named[sc.refName()] != nil:
		return s.example(s.named[sc.refName()])
	case len(sc.AnyOf) > 0: // something or null
		return jsontext.Value("null")
	case len(sc.OneOf) > 0:
		return s.example(sc.OneOf[0])
	case len(sc.AllOf) > 0:
		return s.example(sc.AllOf[0])
	}
	switch sc.Type {
	case "object":
		var b bytes.Buffer
		b.WriteByte('{')
		for _, p := range sc.Properties {
			if !p.shown {
				continue
			}
			if b.Len() > 1 {
				b.WriteByte(',')
			}
			b.Write(quoted(p.name))
			b.WriteByte(':')
			b.Write(s.example(p.schema))
		}
		b.WriteByte('}')
		return b.Bytes()
	case "array":
		return jsontext.Value("[" + string(s.example(sc.Items)) + "]")
	case "boolean":
		return jsontext.Value("false")
	case "integer", "number":
		return jsontext.Value("0")
	default:
		s.fault("%q needs an example", sc.Description)
		return jsontext.Value(`"…"`)
	}
}

func quoted(v any) jsontext.Value {
	b, _ := json.Marshal(v) // texts only
	return b
}

// withStatus is a reply's example with the status of a route, any other's where that is empty.
func (s *schemas) withStatus(sc *Schema, status string) jsontext.Value {
	target := s.resolve(sc)
	dressed := *target
	dressed.Properties = append(properties(nil), target.Properties...)
	for i, p := range dressed.Properties {
		if p.name == "status" && status != "" {
			dressed.Properties[i].schema = &Schema{Const: status}
		}
	}
	return s.example(&dressed)
}
