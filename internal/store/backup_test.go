// SPDX-License-Identifier: Apache-2.0

package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"parley/internal/chat"
	"parley/internal/mqtt"
	"parley/internal/store/storetest"
)

// A backup made while messages come is one commit's state, can be restored, and gets a new epoch.
func TestBackupAndRestore(t *testing.T) {
	clock, dir := storetest.NewClock(), t.TempDir()
	s := openTest(t, Options{Dir: dir, Now: clock.Now})
	storetest.NewUser(t, s, "ann", "Ann")
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	storetest.Do(t, s, say(0, "first"))
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Backup(cancelled, filepath.Join(dir, "cancelled")); !errors.Is(err, context.Canceled) {
		t.Fatalf("a cancelled backup: %v", err)
	}
	done := submitAll(s, 1, 3000, "x")
	path := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("a backup over another: %v", err)
	}
	for range 3000 {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	epoch := s.Epoch()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the backup: %v, %v", info, err)
	}

	// The same second: the epoch rises all the same.
	restored, err := Restore(t.Context(), dir, path, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if restored.Epoch != epoch+1 {
		t.Fatalf("the new epoch is %d after %d", restored.Epoch, epoch)
	}
	s = openTest(t, Options{Dir: dir, Now: clock.Now})
	if s.Epoch() != restored.Epoch {
		t.Fatalf("the epoch is %d", s.Epoch())
	}
	at := head(t, s)
	if at < 1 || at > 3001 {
		t.Fatalf("the restored head is %d", at)
	}
	r, err := s.ReadRoom(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	if log, err := s.Log(t.Context(), r, chat.LogQuery{}); uint64(len(log)) != at || err != nil {
		t.Fatalf("the restored log has %d events up to seq %d, %v", len(log), at, err)
	}
	storetest.Do(t, s, say(1<<20, "after")) // it can be written
	s.Close()

	// What was replaced is a whole database.
	old := t.TempDir()
	copyTest(t, restored.Replaced, filepath.Join(old, databaseName))
	s = openTest(t, Options{Dir: old})
	if got := head(t, s); got != 3001 {
		t.Fatalf("the replaced head is %d", got)
	}

	// Again in the same second: what is there has a later epoch than the backup.
	twice, err := Restore(t.Context(), dir, path, clock.Now().Add(time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if twice.Epoch != restored.Epoch+1 {
		t.Fatalf("restored twice: epoch %d after %d", twice.Epoch, restored.Epoch)
	}
	// Again, and later: never an epoch that was there before.
	clock.Add(time.Hour)
	again, err := Restore(t.Context(), dir, path, clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	if again.Epoch != clock.Now().Unix() || again.Replaced == restored.Replaced {
		t.Fatalf("restored again: %+v", again)
	}
	// Into an empty directory.
	empty := filepath.Join(t.TempDir(), "new")
	fresh, err := Restore(t.Context(), empty, path, clock.Now())
	if err != nil || fresh.Replaced != "" || fresh.Epoch <= epoch {
		t.Fatalf("restored into an empty directory: %+v, %v", fresh, err)
	}
	openTest(t, Options{Dir: empty})
}

// What is no good backup is refused, and the directory stays as it was.
func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	storetest.NewRoom(t, s, chat.Room{ID: "r"}, "ann")
	for i := range 200 {
		storetest.Do(t, s, say(i, "some text that fills a few pages"))
	}
	good := filepath.Join(t.TempDir(), "good.db")
	if err := s.Backup(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	storetest.Do(t, s, func(tx chat.Tx) error { return tx.(*txType).exec("test", "PRAGMA user_version = 999") })
	newer := filepath.Join(t.TempDir(), "newer.db")
	if err := s.Backup(t.Context(), newer); err != nil {
		t.Fatal(err)
	}
	version := must(latest(embedded()))
	storetest.Do(t, s, func(tx chat.Tx) error {
		return tx.(*txType).exec("test", fmt.Sprintf("PRAGMA user_version = %d", version))
	})
	s.Close()
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Clone(whole)
	copy(damaged[len(damaged)/2:], bytes.Repeat([]byte{0xAA}, 8192))
	for name, content := range map[string][]byte{
		"empty": {}, "text": bytes.Repeat([]byte("text "), 5000), "cut": whole[:len(whole)/2], "damaged": damaged,
		"newer": must(os.ReadFile(newer)),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "bad.db")
			if err := os.WriteFile(path, content, 0o600); err != nil {
				t.Fatal(err)
			}
			if done, err := Restore(t.Context(), dir, path, time.Now()); err == nil {
				t.Fatalf("restored %+v", done)
			} else {
				t.Log(err)
			}
			s := openTest(t, Options{Dir: dir})
			if got := head(t, s); got != 200 {
				t.Errorf("the head is %d", got)
			}
			s.Close()
			names := ""
			for _, entry := range must(os.ReadDir(dir)) {
				names += entry.Name() + " "
			}
			if names != "lock "+databaseName+" " {
				t.Errorf("the directory has %s", names)
			}
		})
	}
	if _, err := Restore(t.Context(), dir, filepath.Join(dir, "nowhere"), time.Now()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no backup: %v", err)
	}
	// A damaged database can be replaced, its write-ahead log too.
	if err := os.WriteFile(filepath.Join(dir, databaseName), bytes.Repeat([]byte("bad "), 5000), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, databaseName+"-wal"), []byte("bad"), 0o600); err != nil {
		t.Fatal(err)
	}
	restored, err := Restore(t.Context(), dir, good, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got := string(must(os.ReadFile(restored.Replaced))[:4]); got != "bad " {
		t.Errorf("what was replaced begins with %q", got)
	}
	s = openTest(t, Options{Dir: dir})
	if got := head(t, s); got != 200 {
		t.Errorf("the head is %d", got)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(fmt.Sprint("in a test: ", err))
	}
	return v
}

// The QoS 2 packet ids of a backup do not come back: clients have used them again since, for other messages.
func TestRestoreForgetsPacketIDs(t *testing.T) {
	dir := t.TempDir()
	s := openTest(t, Options{Dir: dir})
	storetest.NewUser(t, s, "ann", "Ann")
	saved := make(chan mqtt.SessionID, 1)
	s.SaveSession(&mqtt.StoredSession{Owner: "ann", ClientID: "c", Version: 5, Expiry: 3600}, func(id mqtt.SessionID, err error) {
		if err != nil {
			t.Error(err)
		}
		saved <- id
	})
	id := <-saved
	storetest.Do(t, s, func(tx chat.Tx) error { return tx.PutPacket(chat.Origin{Session: int64(id), PacketID: 5}) })
	backup := filepath.Join(t.TempDir(), "backup.db")
	if err := s.Backup(t.Context(), backup); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), dir, backup, time.Now()); err != nil {
		t.Fatal(err)
	}
	got, err := openTest(t, Options{Dir: dir}).LoadSession(t.Context(), "ann", "c")
	if err != nil || got == nil {
		t.Fatalf("the session: %v, %v", got, err)
	}
	if len(got.Received) != 0 {
		t.Errorf("packet ids %v came back", got.Received)
	}
}
