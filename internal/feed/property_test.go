// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
)

// act is one step of a story. What it cannot do at the moment it leaves out.
type act struct {
	Kind string
	User chat.UserID
	Room chat.RoomID
	N    int
}

func (a act) String() string { return fmt.Sprintf("%s(%s %s %d)", a.Kind, a.User, a.Room, a.N) }

var (
	actors = []chat.UserID{"ann", "bob", "cat"}
	places = []chat.RoomID{"r", "q", chat.DirectID("ann", "bob")}
	kinds  = []string{
		"say", "say", "say", "say", "say", "join", "join", "leave", "kick", "drain", "drain",
		"go", "return", "return", "hold", "release", "release", "block rooms", "block state", "block log", "unblock", "unblock",
	}
)

// persistent is a device with places, present or away.
type persistent struct {
	user      chat.UserID
	device    *feedtest.Device       // what it was sent is kept over its returns
	start     map[chat.RoomID]uint64 // heads at the first SUBSCRIBE
	places    map[int64]uint64
	state     string // away, coming, here
	connected chan *feed.Subscription
	live      *feed.Places
}

// story runs acts and tells what was wrong at the end.
type story struct {
	*house
	devices map[chat.UserID]*persistent
	model   map[chat.RoomID]map[chat.UserID][]feedtest.Stay
	gates   []chan struct{}
}

// Random interleavings of everything that can happen beside each other: messages, joinings and removals; slow, absent and
// returning devices; a feed that lags behind the store; states and pages that are old when they arrive. In the end
// every device has received, of each of its times in a room, the dense range that it is entitled to, in order and once.
func TestEveryDeviceGetsWhatItIsEntitledTo(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		acts := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) act {
			return act{rapid.SampledFrom(kinds).Draw(rt, "kind"), rapid.SampledFrom(actors).Draw(rt, "user"),
				rapid.SampledFrom(places).Draw(rt, "room"), rapid.IntRange(1, 4).Draw(rt, "n")}
		}), 30, 150).Draw(rt, "acts")
		var faults []string
		synctest.Test(t, func(t *testing.T) {
			s := &story{house: open(t, nil), devices: map[chat.UserID]*persistent{}, model: map[chat.RoomID]map[chat.UserID][]feedtest.Stay{}}
			for _, id := range places {
				s.model[id] = map[chat.UserID][]feedtest.Stay{}
				s.memory.mu.Lock()
				s.room(id)
				s.memory.mu.Unlock()
			}
			for _, u := range actors {
				s.devices[u] = &persistent{user: u, device: feedtest.New(u, 3), state: "away"}
			}
			direct := chat.DirectID("ann", "bob")
			s.model[direct]["ann"], s.model[direct]["bob"] = []feedtest.Stay{{From: 1}}, []feedtest.Stay{{From: 1}}
			for _, u := range actors[:2] { // the third comes when the story says so
				s.do(act{Kind: "join", User: u, Room: "r"})
				s.do(act{Kind: "return", User: u})
			}
			for _, a := range acts {
				s.do(a)
			}
			faults = s.end()
		})
		if len(faults) > 0 {
			rt.Fatalf("%v", faults)
		}
	})
}

func (s *story) do(a act) {
	d := s.devices[a.User]
	_, _, direct := a.Room.DirectPeers()
	times := s.model[a.Room][a.User]
	member := len(times) > 0 && times[len(times)-1].To == 0
	switch a.Kind {
	case "say":
		s.memory.commit(several(a.N, say(a.Room))...)
	case "join":
		if direct || member {
			return
		}
		s.memory.commit(join(a.User, a.Room))
		s.model[a.Room][a.User] = append(times, feedtest.Stay{From: s.head(a.Room)})
	case "leave", "kick":
		if direct || !member {
			return
		}
		if a.Kind == "kick" {
			s.memory.commit(kick(a.User, a.Room))
		} else {
			s.memory.commit(leave(a.User, a.Room))
		}
		times[len(times)-1].To = s.head(a.Room) - 1
	case "drain":
		if d.state == "here" {
			d.device.Write(a.N)
		}
	case "go":
		s.settled(d)
		if d.state == "here" {
			s.away(d)
		}
	case "return":
		if d.state == "away" {
			s.comeBack(d)
		}
	case "hold":
		s.hold()
	case "release":
		s.release()
	case "block rooms", "block state", "block log":
		s.block(a.Kind)
	case "unblock":
		s.unblock()
	}
	synctest.Wait()
	for _, d := range s.devices {
		s.settled(d)
	}
}

func (s *story) head(id chat.RoomID) uint64 {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	return s.rooms[id].LastSeq
}

// comeBack connects a device in the background: for the first time where the heads are, else where it was.
func (s *story) comeBack(d *persistent) {
	d.state, d.connected = "coming", make(chan *feed.Subscription, 1)
	first := d.start == nil
	if first {
		d.start = map[chat.RoomID]uint64{}
		for _, id := range places {
			d.start[id] = s.head(id)
		}
		s.StartPlaces(1, d.user, func(heads map[int64]uint64, _ error) { d.places = heads })
	}
	connected, device := d.connected, d.device
	go func() {
		s.settleFeed()
		live := feed.NewPlaces(1, maps.Clone(d.places))
		sub, err := s.feed.Subscribe(context.Background(), d.user, device, feed.Options{Reliable: true, Places: live})
		if err != nil {
			panic(err)
		}
		d.live = live
		connected <- sub
	}()
}

// settled notes that a device that was coming is there.
func (s *story) settled(d *persistent) {
	if d.state != "coming" {
		return
	}
	select {
	case sub := <-d.connected:
		d.device.Connected(sub)
		d.state = "here"
	default:
	}
}

func (s *story) away(d *persistent) {
	d.device.Leave()
	d.places, d.state = d.live.Seqs(), "away"
}

// block makes whoever reads the store wait with a state or a page that gets old.
func (s *story) block(what string) {
	gate := make(chan struct{})
	s.gates = append(s.gates, gate)
	wait := func() { <-gate }
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	switch what {
	case "block rooms":
		s.beforeRooms = wait
	case "block state":
		s.afterRooms = wait
	case "block log":
		s.afterLog = wait
	}
}

func (s *story) unblock() {
	s.memory.mu.Lock()
	s.beforeRooms, s.afterRooms, s.afterLog = nil, nil, nil
	s.memory.mu.Unlock()
	for _, g := range s.gates {
		close(g)
	}
	s.gates = nil
}

// end brings everybody back, lets everything come to rest, and compares.
func (s *story) end() (faults []string) {
	s.unblock()
	s.release()
	for _, u := range actors {
		d := s.devices[u]
		s.settled(d)
		if d.state == "away" {
			s.comeBack(d)
			synctest.Wait()
			s.settled(d)
		}
		if d.state != "here" {
			return []string{fmt.Sprintf("%s never came back", u)}
		}
	}
	for range 3 {
		for _, d := range s.devices {
			drainAll(d.device)
		}
		s.commit(say("r"), say("q"), say(chat.DirectID("ann", "bob"))) // all are live again
	}
	for _, u := range actors {
		d := s.devices[u]
		drainAll(d.device)
		if told := d.device.Syncs(); len(told) > 0 {
			faults = append(faults, fmt.Sprintf("%s was told %v", u, told))
		}
		for _, id := range places {
			if err := feedtest.Entitled(d.device.Received(id), s.model[id][u], d.start[id], s.head(id)); err != nil {
				faults = append(faults, fmt.Sprintf("%s in %s: %v", u, id, err))
			}
		}
	}
	return faults
}
