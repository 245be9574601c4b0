// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/feed/feedtest"
	"parley/internal/mqtt"
	"parley/test/systemtest"
)

const (
	shortDeeds = 30  // of each person, in a short run
	interval   = 250 // deeds of all between two interruptions of a short run
	longer     = 2500

	// The run that go test makes by itself: with the usual random numbers, and as short as still comes through two interruptions.
	fewPeople   = 8
	fewDeeds    = 12
	fewInterval = 40
)

// unasked says that nobody asked for a soak: then it is a test like others.
func unasked() bool { return *length == 0 && !*brief }

// What everybody shows in the end is what the server says, also when it was restarted as an operator does.
func TestSoak(t *testing.T) {
	w := newTown(t, 1)
	// Queues as short as this one are full again and again.
	s := systemtest.Start(t, systemtest.Config{Users: w.names(), Inside: app.Inside{MQTT: mqtt.Config{QueueLength: 8}}})
	tokens := map[string]string{}
	for _, name := range append(w.names(), systemtest.Root) {
		tokens[name] = s.Token(name)
	}
	w.live(s, tokens, func(int) { s.Restart() })
}

// The same with a server in a process of its own, that is killed every other time.
func TestSoakKilled(t *testing.T) {
	w := newTown(t, 2)
	s := systemtest.StartProcess(t, systemtest.Dir(t))
	w.live(s, s.AddUsers(w.names()...), func(n int) {
		if n%2 == 0 {
			s.Kill()
		} else {
			s.Stop()
		}
		s.Restart()
	})
}

// stage is a town that nobody lives in yet.
type stage struct {
	t      *testing.T
	seed   uint64
	random *rand.Rand
}

func newTown(t *testing.T, usual uint64) *stage {
	t.Helper()
	s := *seed
	switch {
	case s != 0:
	case *length == 0:
		s = usual
	default:
		s = uint64(time.Now().UnixNano() & 0xFFFFFFFF)
	}
	t.Logf("go test ./test/soak -run '^%s$' -soak.short=%v -soak %v -soak.people %d -soak.seed %d", t.Name(), *brief, *length, *crowd, s)
	return &stage{t: t, seed: s, random: rand.New(rand.NewPCG(s, 1))}
}

// names are those of the people.
func (s *stage) names() (names []string) {
	people := *crowd
	if people == 0 {
		people = 24
		if unasked() {
			people = fewPeople
		}
	}
	for i := range people {
		names = append(names, fmt.Sprintf("p%02d", i))
	}
	return names
}

func (s *stage) live(at server, tokens map[string]string, interrupt func(n int)) {
	ctx, stop := context.WithCancel(context.Background())
	w := &town{t: s.t, ctx: ctx, stop: stop, server: at, tokens: tokens, tick: make(chan struct{}), around: make(chan struct{}),
		private: map[string]bool{}, creators: map[string]string{}, messages: map[string][]message{}, refusals: map[string]int{}, faults: map[string]int{}}
	defer func() {
		stop()
		w.running.Wait()
	}()
	w.back()
	w.settle(s.random, s.names())
	r := &register{stays: map[string]map[string][]feedtest.Stay{}, at: map[string]spot{}, texts: map[string]spot{}, logs: map[string]uint64{}, unsure: map[string]bool{},
		ended: map[string]bool{}, deleted: map[string]bool{}}
	w.people[0].devices[0].keep = func(body []byte) error { return r.keep(w, body) }
	each, every := shortDeeds, int64(interval)
	switch {
	case *length > 0:
		every = longer
	case unasked():
		each, every = fewDeeds, fewInterval
	}
	w.run(each, *length, every, interrupt)
	w.judge(r)
	for format, n := range w.faults {
		if n > mostFaults {
			s.t.Errorf("%d times in all: %s", n, format)
		}
	}
}
