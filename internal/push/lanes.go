// SPDX-License-Identifier: Apache-2.0

package push

import (
	"sync"

	"parley/internal/chat"
)

// lanes bound the calls that are under way: most to all, and callsEach to one host, so that a dead one holds nobody else up.
type lanes struct {
	most int

	mu    sync.Mutex
	calls int
	hosts map[string]*host // those that are called or left alone
}

// host is a host that is called at the moment, or is not to be called until some time.
type host struct {
	calls int
	until chat.Time
}

func newLanes(most int) lanes { return lanes{most: most, hosts: map[string]*host{}} }

// free tells which hosts cannot be called now, and how many calls may begin.
func (l *lanes) free(now chat.Time) (busy []string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, h := range l.hosts {
		if h.calls >= callsEach || h.until > now {
			busy = append(busy, name)
		} else if h.calls == 0 {
			delete(l.hosts, name)
		}
	}
	return busy, l.most - l.calls
}

// take takes a place for a call, where there is one. Whether the host is to be left alone was asked before.
func (l *lanes) take(name string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.hosts[name]
	if l.calls >= l.most || h != nil && h.calls >= callsEach {
		return false
	}
	if h == nil {
		h = &host{}
		l.hosts[name] = h
	}
	h.calls++
	l.calls++
	return true
}

// leave gives a place back; the host is left alone until then.
func (l *lanes) leave(name string, until chat.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls--
	h := l.hosts[name]
	h.calls--
	h.until = max(h.until, until)
	if h.calls == 0 && h.until == 0 {
		delete(l.hosts, name)
	}
}

// taken is how many calls are under way.
func (l *lanes) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls
}
