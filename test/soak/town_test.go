// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"parley/internal/mqtt/packet"
	"parley/test/systemtest"
	"parley/test/view"
)

// server is one that can be restarted.
type server interface {
	Addr(door string) string
}

// town is a server and everybody who uses it.
type town struct {
	t             *testing.T
	ctx           context.Context // of everything that goes on
	stop          context.CancelFunc
	server        server
	tokens        map[string]string
	people        []*person
	deeds         atomic.Int64
	running       sync.WaitGroup // of the devices
	interruptions int
	tick          chan struct{} // gets a value now and then, as deeds are done

	mu       sync.Mutex
	doors    map[string]string
	up       bool
	around   chan struct{} // closed and replaced when the server goes or comes, or lets somebody in again
	rooms    []string      // that people have heard of
	private  map[string]bool
	creators map[string]string
	messages map[string][]message // by room
	said     []message            // acknowledged, with their texts
	refusals map[string]int       // by code
	faults   map[string]int       // by format
}

// message is one that was acknowledged.
type message struct {
	id, room, sender, text string
	seq                    uint64
}

// mostFaults are told of each sort: what follows one fault is often more of the same.
const mostFaults = 5

func (w *town) fault(format string, args ...any) {
	w.mu.Lock()
	w.faults[format]++
	n := w.faults[format]
	w.mu.Unlock()
	if n <= mostFaults {
		w.t.Errorf(format, args...)
	}
}

// down and back say that the server is away, and where it is.
func (w *town) down() { w.alter(func() { w.up = false }) }

func (w *town) back() {
	w.alter(func() {
		w.up = true
		w.doors = map[string]string{"mqtt": w.server.Addr("mqtt"), "http": w.server.Addr("http")}
	})
	for _, p := range w.people {
		for _, d := range p.devices {
			if d.cable != nil {
				d.cable.To(w.addr("mqtt"))
			}
		}
	}
}

func (w *town) alter(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.around)
	w.around = make(chan struct{})
}

func (w *town) addr(door string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.doors[door]
}

// news is closed when a server that is away may be back.
func (w *town) news() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.around
}

// mayRefuse tells whether a CONNECT may be refused so in this town: the user is banned, or the server is coming or going.
func (w *town) mayRefuse(code packet.ReasonCode) bool {
	return code == packet.Banned || code == packet.NotAuthorized || code == packet.ServerUnavailable || code == packet.ServerShuttingDown
}

// refusal is an answer that says no.
type refusal struct {
	code, message string
	unclear       bool // what was asked may have been done before, by a request whose answer was lost
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// errOver says that everything is over.
var errOver = errors.New("the run is over")

// mostTries is how often something is asked of a server that is there and does not answer.
const mostTries = 200

// http asks over HTTP, again and again until the server answers. lost says that it may have done already what it was asked for.
func (w *town) http(user, route string, payload map[string]any) (answer []byte, lost bool, err error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, false, err
	}
	for tries := 0; tries < mostTries; {
		news := w.news()
		w.mu.Lock()
		up, addr := w.up, w.doors["http"]
		w.mu.Unlock()
		if !up {
			select {
			case <-news:
				continue
			case <-w.ctx.Done():
				return nil, lost, errOver
			}
		}
		a, err := systemtest.Request(w.ctx, addr, http.MethodPost, w.tokens[user], route, string(body), "Content-Type", "application/json")
		if w.ctx.Err() != nil {
			return nil, lost, errOver
		}
		lost = lost || err != nil
		if err != nil || a.Status == http.StatusServiceUnavailable {
			tries++
			continue
		}
		return a.Body, lost, nil
	}
	return nil, lost, fmt.Errorf("%s is not answered", route)
}

// read takes a reply.
func (w *town) read(body []byte, out any) error {
	var r struct {
		Error *struct{ Code, Message string } `json:"error"`
	}
	if err := json.Unmarshal(body, &r); err != nil {
		return fmt.Errorf("a reply: %w: %s", err, body)
	}
	if r.Error != nil {
		w.mu.Lock()
		w.refusals[r.Error.Code]++
		w.mu.Unlock()
		return &refusal{code: r.Error.Code, message: r.Error.Message}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
}

// asking is how a user's devices ask what they want to read.
func (w *town) asking(user string) view.Ask {
	return func(route string, payload map[string]any, out any) error {
		if payload == nil {
			payload = map[string]any{}
		}
		body, _, err := w.http(user, route, payload)
		if err != nil {
			return err
		}
		return w.read(body, out)
	}
}

// settle puts people and their devices into the town: each has one to three, and all kinds are there.
func (w *town) settle(random *rand.Rand, names []string) {
	everything := []kind{mqtt5}
	w.people = append(w.people, newPerson(w, systemtest.Root, random.Uint64(), everything, false))
	for i, name := range names {
		ks := []kind{kind(i) % kinds}
		for range random.IntN(3) {
			ks = append(ks, kind(random.IntN(int(kinds))))
		}
		w.people = append(w.people, newPerson(w, name, random.Uint64(), ks, i%3 == 0))
	}
}

// run has everybody go about until they have done enough, or until the time is over, and restarts the server meanwhile. Each
// interruption comes after so many deeds.
func (w *town) run(each int, limit time.Duration, every int64, interrupt func(n int)) {
	tooLong := time.NewTimer(limit + 2*patience())
	defer tooLong.Stop()
	going, stop := context.WithCancel(w.ctx)
	if limit > 0 {
		going, stop = context.WithTimeout(w.ctx, limit)
	}
	defer stop()
	for _, p := range w.people {
		for _, d := range p.devices {
			w.running.Go(func() { d.run(w.ctx) })
		}
	}
	for _, p := range w.people {
		ctx, cancel := w.patient()
		err := p.devices[0].await(ctx, "the first device of "+p.name, func(m *memory) string {
			if !m.begun {
				return "it is not there"
			}
			return ""
		})
		cancel()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	var squares []string
	for range 2 {
		squares = append(squares, w.people[0].create("public"))
	}
	var busy sync.WaitGroup
	for _, p := range w.people {
		busy.Go(func() {
			for _, room := range squares {
				p.joins(room)
			}
			for n := 0; going.Err() == nil && (limit > 0 || n < each); n++ {
				p.act()
				if w.deeds.Add(1)%every == 0 {
					select {
					case w.tick <- struct{}{}:
					default: // still at it
					}
				}
			}
			p.rest()
		})
	}
	done := ended(&busy)
	for n := 0; ; n++ {
		select {
		case <-w.tick:
			w.down()
			w.interruptions++
			interrupt(n)
			w.back()
		case <-done:
			return
		case <-tooLong.C:
			for _, p := range w.people {
				w.fault("%s should have come to rest, after %v, and is at %v", p.name, limit+2*patience(), *p.doing.Load())
			}
			w.stop()
			<-done
			return
		}
	}
}

// ended is closed when everybody is done.
func ended(busy *sync.WaitGroup) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		busy.Wait()
		close(done)
	}()
	return done
}

// patient is over when what must come should have come.
func (w *town) patient() (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(w.ctx, patience(), fmt.Errorf("%v are over", patience()))
}

// room is one that people have heard of, or "".
func (w *town) room(random *rand.Rand) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rooms) == 0 {
		return ""
	}
	return w.rooms[random.IntN(len(w.rooms))]
}

// note remembers a message that was acknowledged.
func (w *town) note(m message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said = append(w.said, m)
	w.messages[m.room] = append(w.messages[m.room], m)
}

// message is one of a room, most often one of the last, or "".
func (w *town) message(random *rand.Rand, room string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := w.messages[room]
	if len(all) > 10 && random.IntN(4) > 0 {
		all = all[len(all)-10:]
	}
	if len(all) == 0 {
		return ""
	}
	return all[random.IntN(len(all))].id
}

// open makes a room known to everybody.
func (w *town) open(id, creator string, private bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms = append(w.rooms, id)
	w.private[id], w.creators[id] = private, creator
}

func (w *town) close(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rooms = slices.DeleteFunc(w.rooms, func(r string) bool { return r == id })
}
