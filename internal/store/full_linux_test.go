// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"parley/internal/chat"
	"parley/internal/store/storetest"
)

// TestFullDisk runs on a file system of two megabytes: the write-ahead log itself cannot grow, so that COMMIT fails.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=2m"); err != nil {
		t.Skipf("SKIPPED, NOT TESTED: mounting a small file system needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	s := openTest(t, Options{Dir: dir})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, bytes.Repeat([]byte("x"), 512<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	refused, acknowledged := fillUp(t, s, 0)
	if refused == 0 || acknowledged == 0 {
		t.Fatalf("%d acknowledged, %d refused", acknowledged, refused)
	}
	if got := head(t, s); got != uint64(acknowledged) {
		t.Fatalf("%d acknowledged, the head is %d", acknowledged, got)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	if err := s.Ping(t.Context()); err != nil {
		t.Fatalf("Ping with space again: %v", err)
	}
	if err := storetest.Try(s, say(1<<20, "x")); err != nil {
		t.Fatalf("with space again: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openTest(t, Options{Dir: dir})
	if got := head(t, s); got != uint64(acknowledged)+1 {
		t.Fatalf("%d acknowledged, the head after opening again is %d", acknowledged+1, got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
