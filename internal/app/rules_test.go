// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The rules follow their files, by themselves and when asked to, and stay as they are while the files cannot be read.
func TestRulesFollowTheirFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	words, hosts := filepath.Join(dir, "words"), filepath.Join(dir, "hosts.txt")
	changed := time.Now().Add(-time.Hour)
	write := func(name, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		changed = changed.Add(time.Minute)
		if err := os.Chtimes(name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	list := filepath.Join(words, "en.txt")
	write(list, "turnip\n")
	write(hosts, "evil.example # bad\n\n# none\n")
	var logged strings.Builder
	r, err := rulesOf(Content{Words: words, SuspiciousHostsFile: hosts, SuspiciousHosts: []string{"always.example"}}, slog.New(slog.NewTextHandler(&logged, nil)))
	if err != nil {
		t.Fatal(err)
	}
	tick := func() { r.again(false) }
	ask := func() { r.again(true) }
	check := func(when, text string, masked, flagged bool) {
		t.Helper()
		v, err := r.Load().Message(text)
		if err != nil {
			t.Fatal(err)
		}
		if (v.Text != text) != masked || (len(v.Flags) > 0) != flagged {
			t.Errorf("%s: %q is %+v", when, text, v)
		}
	}
	check("at first", "a turnip", true, false)
	check("at first", "a parsnip", false, false)
	check("at first", "see https://evil.example/", false, true)
	check("at first", "see https://always.example/", false, true)

	write(list, "parsnip\n")
	tick()
	check("changed", "a turnip", false, false)
	check("changed", "a parsnip", true, false)

	write(hosts, "worse.example\n")
	tick()
	check("changed", "see https://evil.example/", false, false)
	check("changed", "see https://worse.example/", false, true)
	check("changed", "see https://always.example/", false, true)

	write(filepath.Join(words, "de.txt"), "Rübe\n")
	ask()
	check("a new file", "eine Rübe", true, false)

	before := r.Load()
	for name, text := range map[string]string{list: "a*b\n", hosts: "https://no.example/\n"} {
		good, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		write(name, text)
		tick()
		ask()
		if r.Load() != before {
			t.Errorf("%s: unreadable rules are in force", name)
		}
		write(name, string(good))
		tick()
		before = r.Load()
	}
	if err := os.Remove(hosts); err != nil {
		t.Fatal(err)
	}
	tick()
	if r.Load() != before {
		t.Error("a missing file is no empty one")
	}
	write(hosts, "last.example\n")
	look, asked := make(chan time.Time), make(chan os.Signal)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.follow(ctx, look, asked)
	}()
	look <- time.Time{}
	asked <- syscall.SIGHUP // is taken when the look is done
	check("followed", "see https://last.example/", false, true)
	cancel()
	<-ended
	for _, want := range []string{"en.txt:1", "hosts.txt:1", "no such file"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log does not name %s:\n%s", want, logged.String())
		}
	}
}

func TestRulesThatCannotBeReadAtTheStart(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Content{
		"words:":                 {Words: t.TempDir()},
		"words: open":            {Words: filepath.Join(t.TempDir(), "none")},
		"suspicious-hosts-file:": {SuspiciousHostsFile: filepath.Join(t.TempDir(), "missing")},
	} {
		if _, err := rulesOf(c, slog.New(slog.DiscardHandler)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}
