// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestSecretIsMadeOnceAndKept(t *testing.T) {
	dir := t.TempDir()
	first, err := LoadSecret(dir)
	if err != nil {
		t.Fatal(err)
	}
	if first == (Secret{}) {
		t.Fatal("the secret is zero")
	}
	again, err := LoadSecret(dir)
	if err != nil || again != first {
		t.Fatalf("second load: same %v, error %v", again == first, err)
	}
	info, err := os.Stat(filepath.Join(dir, SecretFile))
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, want 0600", info.Mode())
	}
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	if len(names) != 1 {
		t.Errorf("left in the directory: %v", names)
	}
	other, err := LoadSecret(t.TempDir())
	if err != nil || other == first {
		t.Errorf("another directory got the same secret (error %v)", err)
	}
}

func TestSecretThatCannotBeTrusted(t *testing.T) {
	for name, c := range map[string]struct {
		size int
		mode os.FileMode
		want string
	}{
		"readable by others":  {secretSize, 0o604, "chmod 600"},
		"writable by a group": {secretSize, 0o620, "chmod 600"},
		"too short":           {secretSize - 1, 0o600, "32 bytes"},
		"too long":            {secretSize + 1, 0o600, "32 bytes"},
		"empty":               {0, 0o600, "32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			if runtime.GOOS == "windows" && c.want == "chmod 600" {
				return // modes mean nothing there
			}
			dir := t.TempDir()
			path := filepath.Join(dir, SecretFile)
			if err := os.WriteFile(path, make([]byte, c.size), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			_, err := LoadSecret(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("error %v, want one with %q and the path", err, c.want)
			}
		})
	}
	if _, err := LoadSecret(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("no error without a directory")
	}
}

func TestSecretKeysDifferByPurpose(t *testing.T) {
	s := Secret{1, 2, 3}
	if bytes.Equal(s.Key("a"), s.Key("b")) || !bytes.Equal(s.Key("a"), s.Key("a")) || len(s.Key("a")) != secretSize {
		t.Error("keys do not follow the purpose")
	}
	if text := fmt.Sprintf("%v %s %#v", s, s, s); strings.Contains(text, "1") {
		t.Errorf("printed: %s", text)
	}
}
