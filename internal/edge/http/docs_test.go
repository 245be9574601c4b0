// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"parley/internal/api"
	door "parley/internal/edge/http"
)

// The descriptions are for everybody, and tell of every route; the page needs nothing from elsewhere and has no script inside.
func TestDescriptions(t *testing.T) {
	h := open(t, api.Rate{}, func(c *door.Config) { c.About.Version = "1.2.3" })
	for path, kind := range map[string]string{
		"/api/v1/openapi.json": "application/json", "/api/v1/asyncapi.json": "application/json", "/docs": "text/html; charset=utf-8",
		"/docs/style.css": "text/css; charset=utf-8", "/docs/find.js": "text/javascript; charset=utf-8",
	} {
		a := h.do("GET", path, "")
		if a.Code != http.StatusOK || a.Header().Get("Content-Type") != kind || a.Body.Len() == 0 {
			t.Fatalf("%s: %d, %s: %s", path, a.Code, a.Header().Get("Content-Type"), a.Body)
		}
		if !strings.HasSuffix(path, ".json") {
			if head := h.do("HEAD", path, ""); head.Code != http.StatusOK || head.Body.Len() != 0 {
				t.Errorf("HEAD %s: %d", path, head.Code)
			}
		}
		text := a.Body.String()
		if strings.HasSuffix(path, ".json") || path == "/docs" {
			for _, want := range []string{"1.2.3", "message/{room_id}", "rooms/{room_id}/info"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s says nothing of %s", path, want)
				}
			}
		}
		if path == "/docs" {
			for _, wrong := range []string{"<script>", "<style", "style=", "onclick", `src="http`, `href="http`, "//cdn", "ZgotmplZ"} {
				if strings.Contains(text, wrong) {
					t.Errorf("the page has %s", wrong)
				}
			}
		}
	}
	if a := h.do("GET", "/docs/", ""); a.Code != http.StatusMovedPermanently || a.Header().Get("Location") != "/docs" {
		t.Errorf("/docs/: %d", a.Code)
	}
}

// Whatever this package serves below /api/v1/ by a method and a path of its own is described.
func TestHandlersAreDescribed(t *testing.T) {
	h := openCabinet(t)
	paths, _ := h.do("GET", "/api/v1/openapi.json", "").json["paths"].(map[string]any)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	pattern := regexp.MustCompile(`"([A-Z]+) /api/v1(/[^"]+)"`)
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") || name == "docs.go" {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range pattern.FindAllStringSubmatch(string(text), -1) {
			path, _ := paths[m[2]].(map[string]any)
			if path[strings.ToLower(m[1])] == nil {
				t.Errorf("%s: %s /api/v1%s is served and not described: add it to endpoints.go", name, m[1], m[2])
			}
		}
	}
}
