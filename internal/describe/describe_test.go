// SPDX-License-Identifier: Apache-2.0

package describe_test

import (
	"bytes"
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"parley/internal/api"
	"parley/internal/describe"
)

func docs(t *testing.T) *describe.Docs {
	t.Helper()
	d, err := describe.New(describe.Config{Router: api.New(api.Config{Now: time.Now}).Router(), Version: "1.0"})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every route, type and field says what it is; the error names those that do not.
func TestEverythingSaysWhatItIs(t *testing.T) { docs(t) }

// A page over MQTT may have events that came truncated, and over HTTP never.
func TestPagesOverMQTTMayBeTruncated(t *testing.T) {
	d := docs(t)
	for name, make := range map[string]func() ([]byte, error){"asyncapi": d.AsyncAPI, "openapi": d.OpenAPI} {
		text, err := make()
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			Components struct {
				Schemas map[string]struct {
					Properties map[string]json.RawMessage `json:"properties"`
				} `json:"schemas"`
			} `json:"components"`
		}
		if err := json.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		pages := 0
		for schema, s := range doc.Components.Schemas {
			for field, of := range s.Properties {
				if !regexp.MustCompile(`schemas/(Message|FoundMessage|Event)"`).Match(of) {
					continue
				}
				pages++
				if got := bytes.Contains(of, []byte(`schemas/TruncatedEvent"`)); got != (name == "asyncapi") {
					t.Errorf("%s: %s.%s may be truncated: %v: %s", name, schema, field, got, of)
				}
			}
		}
		if pages < 6 {
			t.Errorf("%s: only %d fields have messages", name, pages)
		}
	}
}
