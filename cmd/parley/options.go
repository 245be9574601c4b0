// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"parley/internal/app"
)

// envPrefix begins the name of every option in the environment.
const envPrefix = "PARLEY_"

// envName is an option's name in the environment.
func envName(option string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(option, "-", "_"))
}

// Where values come from, beside files and the environment, which are named.
const (
	fromDefault     = "default"
	fromCommandLine = "command line"
	fromDemo        = "demo"
)

// origins finds values that are not on the command line, and remembers where each option's value came from.
type origins struct {
	env  func(name string) (string, bool)
	file map[string]app.Setting

	of   map[string]string // by option
	last string            // the option looked up last
}

// BeforeResolve is called by kong between reading the command line and filling in what it does not say.
func (g *Globals) BeforeResolve(k *kong.Context, o *origins) error {
	o.of = map[string]string{}
	var path string
	for _, flag := range k.Model.Flags {
		if flag.Name == "config" {
			path, _ = k.FlagValue(flag).(string)
		}
	}
	if path == "" {
		path, _ = o.environment("config")
	}
	if path != "" {
		var err error
		if o.file, err = app.ReadConfigFile(path, knownOptions(k)); err != nil {
			return err
		}
	}
	k.AddResolver(o)
	return nil
}

// environment finds an option in the environment. An empty variable counts as none: container platforms set them.
func (o *origins) environment(option string) (string, bool) {
	value, ok := o.env(envName(option))
	return value, ok && value != ""
}

// Validate implements kong.Resolver.
func (o *origins) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver: it finds the value of an option that the command line leaves out.
func (o *origins) Resolve(k *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	if flag.Name != "config" && !slices.Contains(options(k), flag) {
		return nil, nil // a command's own, such as --ttl
	}
	o.last = flag.Name
	if value, ok := o.environment(flag.Name); ok {
		o.of[flag.Name] = envName(flag.Name)
		return value, nil
	}
	if s, ok := o.file[flag.Name]; ok {
		if s.List && flag.Target.Kind() != reflect.Slice {
			return nil, fmt.Errorf("is a list at %s; it takes one value", s.Origin)
		}
		o.of[flag.Name] = s.Origin
		return s.Text(), nil
	}
	o.of[flag.Name] = fromDefault
	return nil, nil
}

// origin tells where an option's value came from.
func (o *origins) origin(option string) string {
	if from, ok := o.of[option]; ok {
		return from
	}
	return fromCommandLine
}

// explain adds to an error about a value where the value was found, when that was not on the command line.
func (o *origins) explain(err error) error {
	if from := o.of[o.last]; from != "" && from != fromDefault && strings.HasPrefix(err.Error(), "--"+o.last+":") {
		return fmt.Errorf("%w (from %s)", err, from)
	}
	return err
}

// validate checks a configuration and adds to each fault where the value was found.
func (o *origins) validate(c *app.Config) error {
	err := c.Validate()
	if err == nil {
		return nil
	}
	faults := []error{err}
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		faults = several.Unwrap()
	}
	for i, fault := range faults {
		option, _, _ := strings.Cut(fault.Error(), ":")
		if from := o.origin(option); from != fromDefault && from != fromDemo && from != fromCommandLine {
			faults[i] = fmt.Errorf("%w (from %s)", fault, from)
		}
	}
	return usageError{errors.Join(faults...)}
}

// options are the flags that may stand in the environment and in a configuration file: the data directory, and those of
// serve, which config has too.
func options(k *kong.Context) []*kong.Flag {
	holder := "serve"
	if active := k.Selected(); active != nil && active.Name == "config" {
		holder = active.Name
	}
	var out []*kong.Flag
	for _, flag := range k.Model.Flags {
		if flag.Name == "data" {
			out = append(out, flag)
		}
	}
	for _, command := range k.Model.Children {
		if command.Name == holder {
			out = append(out, command.Flags...)
		}
	}
	return out
}

func knownOptions(k *kong.Context) []string {
	flags := options(k)
	names := make([]string, len(flags))
	for i, flag := range flags {
		names[i] = flag.Name
	}
	return names
}

// showDefaults makes the values that are in the command line's fields, before anything is parsed, the defaults of their
// flags: kong would clear them.
func showDefaults(k *kong.Kong) error {
	return kong.Visit(k.Model, func(node kong.Visitable, next kong.Next) error {
		if flag, ok := node.(*kong.Flag); ok && !flag.HasDefault && flag.Target.IsValid() {
			values, _, err := optionText(flag.Target)
			if err != nil {
				return next(nil) // a command's own flag, of some other kind
			}
			_, named := flag.Target.Interface().(encoding.TextMarshaler) // whose zero value says something
			if text := strings.Join(values, ","); text != "" && (named || !flag.Target.IsZero()) {
				flag.HasDefault, flag.Default = true, text
			}
		}
		return next(nil)
	})
}

// helpWithDefault tells the default, which kong leaves out where a flag has a placeholder.
func helpWithDefault(v *kong.Value) string {
	if v.Flag == nil || !v.HasDefault {
		return v.Help
	}
	return v.Help + " (default " + v.Default + ")"
}

// optionText is an option's value as the command line takes it.
func optionText(v reflect.Value) (values []string, list bool, err error) {
	switch value := v.Interface().(type) {
	case time.Duration:
		return []string{durationText(value)}, false, nil
	case encoding.TextMarshaler:
		text, err := value.MarshalText()
		return []string{string(text)}, false, err
	}
	switch v.Kind() {
	case reflect.Slice:
		for i := range v.Len() {
			item, _, err := optionText(v.Index(i))
			if err != nil {
				return nil, true, err
			}
			values = append(values, item...)
		}
		return values, true, nil
	case reflect.String, reflect.Bool, reflect.Int, reflect.Int64:
		return []string{fmt.Sprint(v.Interface())}, false, nil
	}
	return nil, false, fmt.Errorf("an option cannot be a %s", v.Type())
}

// durationText is 720h rather than 720h0m0s.
func durationText(d time.Duration) string {
	s := d.String()
	if d != 0 && d%time.Minute == 0 {
		s = strings.TrimSuffix(s, "0s")
	}
	if d != 0 && d%time.Hour == 0 {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
