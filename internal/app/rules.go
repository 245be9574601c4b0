// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"parley/internal/content"
)

// rulesEvery is how often the files of the rules are looked at.
const rulesEvery = 5 * time.Second

// rules are the rules for texts that are in force. They follow their files: the word lists and the suspicious hosts.
type rules struct {
	atomic.Pointer[content.Rules]
	cfg   Content
	log   *slog.Logger
	files map[string]stamp // as they were read last, well or not
}

// stamp tells whether a file has changed.
type stamp struct {
	at   time.Time
	size int64
}

// rulesOf reads the rules.
func rulesOf(c Content, log *slog.Logger) (*rules, error) {
	r := &rules{cfg: c, log: log}
	var err error
	if r.files, err = r.stamps(); err != nil {
		return nil, err
	}
	read, err := r.read()
	if err != nil {
		return nil, err
	}
	r.Store(read)
	return r, nil
}

func (r *rules) read() (*content.Rules, error) {
	lists := content.DefaultLists()
	if r.cfg.Words != "" {
		// A directory that is not there has no lists, either, but that is not what is wrong.
		_, err := os.ReadDir(r.cfg.Words)
		if err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
		if lists, err = content.LoadDir(os.DirFS(r.cfg.Words)); err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
	}
	matcher, err := lists.Compile()
	if err != nil {
		return nil, fmt.Errorf("words: %w", err)
	}
	hosts, err := readHosts(r.cfg.SuspiciousHostsFile)
	if err != nil {
		return nil, err
	}
	return content.New(content.Policy{Profanity: r.cfg.Profanity, Caps: r.cfg.Caps, SuspiciousHosts: append(hosts, r.cfg.SuspiciousHosts...)}, matcher)
}

// readHosts reads a list of hosts, one a line; "#" begins a comment.
func readHosts(path string) (hosts []string, err error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("suspicious-hosts-file: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		host, _, _ := strings.Cut(lines.Text(), "#")
		if host = strings.TrimSpace(strings.TrimPrefix(host, "\ufeff")); host == "" {
			continue
		}
		if _, err := content.New(content.Policy{Profanity: content.ActionOff, SuspiciousHosts: []string{host}}, nil); err != nil {
			return nil, fmt.Errorf("suspicious-hosts-file: %s:%d: %w", path, n, err)
		}
		hosts = append(hosts, host)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("suspicious-hosts-file: %s: %w", path, err)
	}
	return hosts, nil
}

// stamps looks at the files. One that goes away between two looks is as good as changed.
func (r *rules) stamps() (map[string]stamp, error) {
	var names []string
	if r.cfg.SuspiciousHostsFile != "" {
		names = append(names, r.cfg.SuspiciousHostsFile)
	}
	if r.cfg.Words != "" {
		lists, err := filepath.Glob(filepath.Join(r.cfg.Words, "*.txt"))
		if err != nil {
			return nil, fmt.Errorf("words: %w", err)
		}
		names = append(names, lists...)
	}
	files := make(map[string]stamp, len(names))
	for _, name := range names {
		info, err := os.Stat(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, err
		default:
			files[name] = stamp{info.ModTime(), info.Size()}
		}
	}
	return files, nil
}

// follow reads the rules again when asked to, and when a look shows that their files have changed, until ctx ends.
func (r *rules) follow(ctx context.Context, look <-chan time.Time, asked <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-look:
			r.again(false)
		case <-asked:
			r.again(true)
		}
	}
}

// again reads the rules again, always or when their files have changed. What cannot be read leaves the old rules in force.
func (r *rules) again(always bool) {
	files, err := r.stamps()
	if err == nil {
		if !always && maps.Equal(files, r.files) {
			return
		}
		r.files = files
		var read *content.Rules
		if read, err = r.read(); err == nil {
			r.Store(read)
			r.log.Info("the rules for texts were read again", "files", slices.Sorted(maps.Keys(files)))
			return
		}
	}
	r.log.Error("the rules for texts cannot be read again; the old ones stay", "error", err)
}
