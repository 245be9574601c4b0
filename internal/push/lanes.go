// SPDX-License-Identifier: Apache-2.0

package push

import (
	"sync"
	"time"

	"parley/internal/chat"
)

const (
	// slowAfter is when a call counts as slow: others do not wait for its place from then on.
	slowAfter = 2 * time.Second
	// slowShare is which part of the places hosts have together that are slow.
	slowShare = 4
	// knownHosts bounds of how many hosts it is remembered how they answered.
	knownHosts = 1000
)

// lanes bound the calls that are under way: most to all hosts, and as many again that take long. A host has one place until it has
// answered at once, then callsEach; when it was slow, one again, of a share of the places that slow hosts have together. So hosts
// that hang hold nobody up for longer than slowAfter, and those that are known for it nobody at all.
type lanes struct {
	most int

	mu    sync.Mutex
	taken map[*lane]bool
	hosts map[string]*host
}

// host is what is known of a host.
type host struct {
	lanes  int
	until  chat.Time // it is to be left alone until then
	prompt bool      // its last call was quick
	slow   bool      // its last call was slow; neither: there was none
	last   chat.Time // when a call to it ended
}

// lane is a place that was taken.
type lane struct {
	host *host
	from chat.Time // since when a call is under way; 0: none is
}

func newLanes(most int) lanes {
	return lanes{most: most, taken: map[*lane]bool{}, hosts: map[string]*host{}}
}

// slow tells whether the call that is under way takes long.
func (p *lane) slow(now chat.Time) bool { return p.from != 0 && now.Sub(p.from) >= slowAfter }

// view is what there is at a moment.
type view struct {
	left    int            // calls that may begin
	hanging map[*host]bool // with a call that takes long
	slow    int            // calls to hosts that are slow
	share   int            // that they have together
}

func (l *lanes) view(now chat.Time) view {
	v := view{hanging: map[*host]bool{}, share: l.most / slowShare}
	slow := 0
	for p := range l.taken {
		if p.slow(now) {
			v.hanging[p.host] = true
			slow++
		}
	}
	for p := range l.taken {
		if v.isSlow(p.host) {
			v.slow++
		}
	}
	v.left = l.most - len(l.taken) + min(slow, l.most) // those that take long are bounded by themselves
	return v
}

func (v view) isSlow(h *host) bool { return h.slow || v.hanging[h] }

// full tells whether no more calls to a host may begin.
func (v view) full(h *host) bool {
	switch {
	case v.isSlow(h):
		return h.lanes >= 1 || v.slow >= v.share
	case h.prompt:
		return h.lanes >= callsEach
	}
	return h.lanes >= 1
}

// free tells which hosts cannot be called now, and how many calls may begin.
func (l *lanes) free(now chat.Time) (busy []string, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := l.view(now)
	for name, h := range l.hosts {
		if h.until > now || v.full(h) {
			busy = append(busy, name)
		}
	}
	return busy, v.left
}

// take takes a place for calls, nil where there is none. Whether the host is to be left alone was asked before.
func (l *lanes) take(name string, now chat.Time) *lane {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, h := l.view(now), l.hosts[name]
	if v.left <= 0 || h != nil && v.full(h) {
		return nil
	}
	if h == nil {
		l.forget(now)
		h = &host{}
		l.hosts[name] = h
	}
	h.lanes++
	p := &lane{host: h}
	l.taken[p] = true
	return p
}

// forget makes room for another host, in place of the one that was called least lately.
func (l *lanes) forget(now chat.Time) {
	if len(l.hosts) < knownHosts {
		return
	}
	oldest := ""
	for name, h := range l.hosts {
		if h.lanes == 0 && h.until <= now && (oldest == "" || h.last < l.hosts[oldest].last) {
			oldest = name
		}
	}
	delete(l.hosts, oldest) // there may be none: those that are called or left alone are kept
}

// begin says that a call begins in a place.
func (l *lanes) begin(p *lane, now chat.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.from = now
}

// end says that it has ended.
func (l *lanes) end(p *lane, now chat.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p.host.slow = p.slow(now)
	p.host.prompt, p.host.last, p.from = !p.host.slow, now, 0
}

// leave gives a place back; the host is left alone until then.
func (l *lanes) leave(p *lane, until chat.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.taken, p)
	p.host.lanes--
	p.host.until = max(p.host.until, until)
}

// calls is how many places are taken.
func (l *lanes) calls() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.taken)
}
