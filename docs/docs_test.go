// SPDX-License-Identifier: Apache-2.0

// Package docs_test holds the documents to the code: every route, code, option and metric is described, and nothing is
// described that does not exist.
package docs_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"parley/internal/api"
	"parley/internal/app"
	"parley/internal/chat"
	"parley/internal/wire"
)

// section is the part of a document from a heading to the next one of the same level.
func section(t *testing.T, file, heading string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut("\n"+string(text), "\n## "+heading)
	if !ok {
		t.Fatalf("%s: there is no section %q", file, heading)
	}
	part, _, _ := strings.Cut(rest, "\n## ")
	return part
}

// firstCells are what the first cells of a section's tables have in code spans.
func firstCells(part string) []string {
	var out []string
	for line := range strings.Lines(part) {
		if !strings.HasPrefix(line, "| `") {
			continue
		}
		cell, _, _ := strings.Cut(line[2:], " |")
		for _, span := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
			out = append(out, span[1])
		}
	}
	return out
}

// same compares what is described with what there is.
func same(t *testing.T, where string, described, existing []string) {
	t.Helper()
	for _, name := range existing {
		if !slices.Contains(described, name) {
			t.Errorf("%s does not describe %s", where, name)
		}
	}
	for _, name := range described {
		if !slices.Contains(existing, name) {
			t.Errorf("%s describes %s, which does not exist", where, name)
		}
	}
	if len(existing) == 0 {
		t.Errorf("%s: nothing to compare with", where)
	}
}

func TestProtocolDescribesEveryRoute(t *testing.T) {
	t.Parallel()
	var routes []string
	api.New(api.Config{}).Router().Walk(func(r *api.Route) {
		routes = append(routes, strings.TrimPrefix(r.Pattern(), api.Prefix+"/"))
	})
	same(t, "protocol.md, section 5,", firstCells(section(t, "protocol.md", "5. Routes")), routes)
}

func TestProtocolDescribesTheFieldsOfEveryPayload(t *testing.T) {
	t.Parallel()
	part := section(t, "protocol.md", "5. Routes")
	api.New(api.Config{}).Router().Walk(func(r *api.Route) {
		row := rowOf(part, strings.TrimPrefix(r.Pattern(), api.Prefix+"/"))
		if strings.Contains(row, "as above") {
			return
		}
		for _, field := range fields(r.In()) {
			if !strings.Contains(row, "`"+field+"`") && !strings.Contains(row, "`"+field+"?`") {
				t.Errorf("protocol.md, section 5, %s: the payload's field %s is missing", r.Pattern(), field)
			}
		}
	})
}

func rowOf(part, route string) string {
	for line := range strings.Lines(part) {
		if strings.HasPrefix(line, "| `"+route+"` |") {
			return line
		}
	}
	return ""
}

// fields are the JSON names of a payload, without those that every payload has.
func fields(in reflect.Type) []string {
	var out []string
	for f := range in.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.Anonymous && name != "" {
			out = append(out, name)
		}
	}
	return out
}

func TestProtocolDescribesEveryCode(t *testing.T) {
	t.Parallel()
	part := section(t, "protocol.md", "4. Asking")
	var codes []string
	for _, c := range chat.Codes() {
		codes = append(codes, string(c))
		answer := wire.AnswerTo(c)
		for line := range strings.Lines(part) {
			cells := strings.Split(line, " | ")
			if len(cells) < 4 || !strings.Contains(cells[0], "`"+string(c)+"`") {
				continue
			}
			if want := strconv.Itoa(answer.HTTP); cells[1] != want {
				t.Errorf("protocol.md, section 4, %s: HTTP %s, the code says %s", c, cells[1], want)
			}
			want := fmt.Sprintf("0x%02X", answer.MQTT)
			if answer.MQTT == 0 {
				want = "–"
			}
			if cells[2] != want {
				t.Errorf("protocol.md, section 4, %s: MQTT %s, the code says %s", c, cells[2], want)
			}
		}
	}
	same(t, "protocol.md, section 4,", firstCells(part), codes)
}

func TestOperatingDescribesEveryOption(t *testing.T) {
	t.Parallel()
	options := optionNames(reflect.TypeFor[app.Config]())
	options = append(options, "data")
	part := section(t, "operating.md", "Options")
	var described []string
	for _, name := range firstCells(part) {
		name = strings.TrimPrefix(name, "--")
		described = append(described, name)
		if variable := "PARLEY_" + strings.ToUpper(strings.ReplaceAll(name, "-", "_")); !strings.Contains(part, "`"+variable+"`") {
			t.Errorf("operating.md, options: %s is not named", variable)
		}
	}
	same(t, "operating.md, options,", described, options)
}

// optionNames are the names in the tags of a configuration.
func optionNames(config reflect.Type) []string {
	var out []string
	for f := range config.Fields() {
		if _, embedded := f.Tag.Lookup("embed"); embedded {
			out = append(out, optionNames(f.Type)...)
		} else if name := f.Tag.Get("name"); name != "" {
			out = append(out, name)
		}
	}
	return out
}

// Metrics are read from a running server. Those with a label that nothing has happened for yet are not there: what is
// described may be more than what is found.
func TestOperatingDescribesEveryMetric(t *testing.T) {
	t.Parallel()
	cfg := app.Default()
	cfg.Data = t.TempDir()
	cfg.Listen = app.Listen{MQTT: "127.0.0.1:0", MQTTS: app.Off, HTTP: app.Off, Ops: "127.0.0.1:0"}
	server, err := app.New(t.Context(), cfg, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- server.Run(ctx) }()
	defer func() {
		stop()
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	}()
	var found []string
	for _, door := range server.Doors() {
		if door.Name != "ops" {
			continue
		}
		answer, err := http.Get(door.URL + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^# TYPE (parley_\w+)`).FindAllStringSubmatch(string(body), -1) {
			found = append(found, m[1])
		}
	}
	var described []string
	for _, name := range firstCells(section(t, "operating.md", "Health and metrics")) {
		name, _, _ = strings.Cut(name, "{")
		described = append(described, name)
	}
	if len(found) == 0 {
		t.Fatal("the server told no metric")
	}
	for _, name := range found {
		if !slices.Contains(described, name) {
			t.Errorf("operating.md does not describe %s", name)
		}
	}
}
