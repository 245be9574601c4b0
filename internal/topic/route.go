// SPDX-License-Identifier: Apache-2.0

package topic

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
)

// Route is one entry of the table. It is immutable.
type Route[C any] struct {
	info
	handler Handler[C] // with the middleware of all its groups around it
	newIn   func() any
}

// info is what is known about a route whatever the caller type is.
type info struct {
	pattern  string
	params   []string
	name     string
	doc      string
	qos      byte
	readOnly bool
	tags     []tag
	in, out  reflect.Type
}

type tag struct{ key, value string }

// Pattern returns the whole pattern, the prefixes of the groups included.
func (r *Route[C]) Pattern() string { return r.pattern }

// ParamNames returns the names of the pattern's parameters from left to right.
func (r *Route[C]) ParamNames() []string { return slices.Clone(r.params) }

// Name returns the name given by the option [Name], otherwise the pattern. It is
// unique in its router.
func (r *Route[C]) Name() string { return r.name }

// Doc returns the description given by the option [Doc].
func (r *Route[C]) Doc() string { return r.doc }

// QoS returns the advised quality of service given by the option [QoS].
func (r *Route[C]) QoS() byte { return r.qos }

// ReadOnly reports whether the option [ReadOnly] was given.
func (r *Route[C]) ReadOnly() bool { return r.readOnly }

// Tag returns the value of a tag, "" where the route has no such tag.
func (r *Route[C]) Tag(key string) string {
	for _, t := range r.tags {
		if t.key == key {
			return t.value
		}
	}
	return ""
}

// Tags yields keys and values of all tags in the order in which they were given.
func (r *Route[C]) Tags() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, t := range r.tags {
			if !yield(t.key, t.value) {
				return
			}
		}
	}
}

// In returns the type of the payload.
func (r *Route[C]) In() reflect.Type { return r.in }

// Out returns the type of the reply.
func (r *Route[C]) Out() reflect.Type { return r.out }

// NewIn returns a pointer to a new, zero payload. A decoding middleware fills it
// and stores it in [Request.In].
func (r *Route[C]) NewIn() any { return r.newIn() }

// Option sets a property of a route. The router itself acts on none of them;
// they are for middleware, doors and documents.
type Option func(*info) error

// QoS sets the quality of service that clients are advised to use: 0 at most
// once, 1 at least once, 2 exactly once. The default is 1.
func QoS(level byte) Option {
	return func(i *info) error {
		if level > 2 {
			return fmt.Errorf("QoS(%d): the level is 0, 1 or 2", level)
		}
		i.qos = level
		return nil
	}
}

// ReadOnly says that the route changes nothing. Doors may let it overtake
// requests that do, and may offer it where only reading is meant (HTTP GET).
func ReadOnly() Option {
	return func(i *info) error {
		i.readOnly = true
		return nil
	}
}

// Doc sets the description, for documents.
func Doc(text string) Option {
	return func(i *info) error {
		i.doc = text
		return nil
	}
}

// Name sets the name under which the route appears in documents, logs and
// metrics. The default is the pattern.
func Name(name string) Option {
	return func(i *info) error {
		if name == "" {
			return errors.New(`Name(""): give a name or leave the option out`)
		}
		i.name = name
		return nil
	}
}

// Tag attaches a value of the program's own, for its middleware and doors to
// read. A key is given at most once.
func Tag(key, value string) Option {
	return func(i *info) error {
		if key == "" {
			return fmt.Errorf("Tag(%q, %q): the key is empty", key, value)
		}
		if slices.ContainsFunc(i.tags, func(t tag) bool { return t.key == key }) {
			return fmt.Errorf("Tag(%q, %q): the key was given before", key, value)
		}
		i.tags = append(i.tags, tag{key, value})
		return nil
	}
}

// All is several options as one.
func All(options ...Option) Option {
	return func(i *info) error {
		for _, option := range options {
			if err := option(i); err != nil {
				return err
			}
		}
		return nil
	}
}
