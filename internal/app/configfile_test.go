// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func knownOptions() []string {
	return []string{"mqtt", "http", "demo", "rate-limit", "trusted-proxies", "words", "log-level"}
}

func TestReadConfigFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "parley.yaml")
	text := "# a comment\nmqtt: :1884\nhttp: off\ndemo: true\nrate-limit: 0\ntrusted-proxies:\n  - 10.0.0.0/8\n  - &x 192.0.2.0/24\nwords: \"\"\nlog-level: *x\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := ReadConfigFile(path, knownOptions())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]Setting{
		"mqtt":            {"mqtt", []string{":1884"}, false, path + ":2"},
		"http":            {"http", []string{"off"}, false, path + ":3"},
		"demo":            {"demo", []string{"true"}, false, path + ":4"},
		"rate-limit":      {"rate-limit", []string{"0"}, false, path + ":5"},
		"trusted-proxies": {"trusted-proxies", []string{"10.0.0.0/8", "192.0.2.0/24"}, true, path + ":6"},
		"words":           {"words", []string{""}, false, path + ":9"},
		"log-level":       {"log-level", []string{"192.0.2.0/24"}, false, path + ":10"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if _, err := ReadConfigFile(path+".missing", knownOptions()); err == nil || !strings.Contains(err.Error(), ".missing") {
		t.Errorf("a missing file: %v", err)
	}
}

func TestConfigFileFaults(t *testing.T) {
	for text, want := range map[string]string{
		"mqt: :1883":                   `f:1: there is no option "mqt"; did you mean "mqtt"?`,
		"\nrate_limit: 0":              `f:2: there is no option "rate_limit"; did you mean "rate-limit"?`,
		"something-else-altogether: 1": "parley serve --help",
		"mqtt: :1\nmqtt: :2":           "mqtt",
		"mqtt:":                        "f:1: option mqtt has no value",
		"mqtt: ~":                      "f:1: option mqtt has no value",
		"mqtt:\n  addr: :1":            "option mqtt has options below it",
		"trusted-proxies: [[a]]":       "option trusted-proxies has a list with something else",
		"trusted-proxies: [\"a,b\"]":   "option trusted-proxies has a list with something else",
		"- mqtt":                       "f:1: is not a list of options",
		"just text":                    "f:1: is not a list of options",
		"mqtt: [":                      "f: ",
		"a: 1\nb: 2":                   `"b"`,
		"\x00":                         "f: ",
	} {
		got, err := parseConfigFile("f", []byte(text), knownOptions())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q (read %v)", text, err, want, got)
		}
	}
	for _, text := range []string{"", "# nothing\n", "---\n", "null\n", "{}\n"} {
		if got, err := parseConfigFile("f", []byte(text), knownOptions()); err != nil || len(got) != 0 {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}

// What PrintConfig writes reads as the same settings.
func TestPrintConfigRoundTrip(t *testing.T) {
	settings := []Setting{
		{"mqtt", []string{":1883"}, false, "default"},
		{"http", []string{"[::1]:8080"}, false, "PARLEY_HTTP"},
		{"demo", []string{"false"}, false, "default"},
		{"rate-limit", []string{"0"}, false, "x.yaml:3"},
		{"words", []string{""}, false, "default"},
		{"log-level", []string{"# { : null ~"}, false, "command line"},
		{"trusted-proxies", []string{"10.0.0.0/8", "2001:db8::/32"}, true, "default"},
	}
	var out bytes.Buffer
	if err := PrintConfig(&out, settings); err != nil {
		t.Fatal(err)
	}
	got, err := parseConfigFile("f", out.Bytes(), knownOptions())
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, s := range settings {
		g := got[s.Name]
		if g.Text() != s.Text() || g.List != s.List {
			t.Errorf("%s: %+v, want %+v\n%s", s.Name, g, s, &out)
		}
		if !strings.Contains(out.String(), "# "+s.Origin) {
			t.Errorf("%s: its origin is not written\n%s", s.Name, &out)
		}
	}
	out.Reset()
	if err := PrintConfig(&out, []Setting{{Name: "trusted-proxies", List: true, Origin: "default"}}); err != nil || out.String() != "trusted-proxies: [] # default\n" {
		t.Errorf("an empty list: %q, %v", out.String(), err)
	}
}

func FuzzConfigFile(f *testing.F) {
	f.Add([]byte("mqtt: :1883\ntrusted-proxies: [10.0.0.0/8]\n"))
	f.Add([]byte("mqtt: &a x\nhttp: *a\n"))
	f.Add([]byte("? {}\n: !!binary x\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		settings, err := parseConfigFile("f", text, knownOptions())
		if err != nil {
			return
		}
		for name, s := range settings {
			if s.Name != name || (!s.List && len(s.Values) != 1) {
				t.Errorf("%q: %+v", text, s)
			}
		}
	})
}
