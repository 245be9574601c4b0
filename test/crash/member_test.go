// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"errors"
	"fmt"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// member receives in a persistent session. One that is away is connected only between the loads.
type member struct {
	name, token string
	away        bool
	next        map[string]uint64 // by room: the first seq not acknowledged

	unchecked           []*systemtest.Event // delivered before a kill, not compared with the logs yet
	delivered, repeated int
}

func newMember(name, token string, away bool) *member {
	return &member{name: name, token: token, away: away}
}

// tryConnect opens the session; nil when the server has gone already.
func (m *member) tryConnect(t testing.TB, addr string) *systemtest.Device {
	c, err := mqtttest.TryDial(t, addr)
	if err != nil {
		if !mqtttest.IsEnd(err) {
			t.Error(err)
		}
		return nil
	}
	d := systemtest.DeviceOn(t, c, m.name)
	hello, err := c.TryConnect(mqtttest.As(m.name, m.token), mqtttest.ID("phone"), mqtttest.Keep(3600))
	switch {
	case err != nil && !mqtttest.IsEnd(err):
		t.Error(err)
		return nil
	case err != nil:
		return nil
	case hello.Code != packet.Success:
		t.Errorf("%s: CONNACK %v", m.name, hello.Code)
		return nil
	case m.next != nil && !hello.SessionPresent:
		t.Errorf("%s: the session is lost", m.name)
		return nil
	}
	return d
}

// connect opens the session for the first time, where the server stays.
func (m *member) connect(t testing.TB, addr string) *systemtest.Device {
	t.Helper()
	d := m.tryConnect(t, addr)
	if d == nil {
		t.FailNow()
	}
	d.Listen(1)
	return d
}

// gone takes what had come when the connection ended. Everything delivered was acknowledged, as far as the client knows.
func (m *member) gone(t testing.TB, d *systemtest.Device) {
	events, err := d.TryUpTo(func(*systemtest.Event) bool { return false })
	if errors.Is(err, mqtttest.ErrTimeout) {
		t.Errorf("%s: %v", m.name, err)
	}
	if err := m.take(events); err != nil {
		t.Errorf("%s, while connected: %v", m.name, err)
	}
}

// catchUp comes back and must be sent everything up to the heads.
func (m *member) catchUp(t testing.TB, addr string, a *audit) error {
	d := m.tryConnect(t, addr)
	if d == nil {
		return errors.New("cannot come back")
	}
	left := map[string]bool{}
	for _, room := range rooms {
		left[room] = m.next[room] < a.next[room]
	}
	var events []*systemtest.Event
	for left[rooms[0]] || left[rooms[1]] {
		e, err := d.TryNext(func(*systemtest.Event) bool { return true })
		if err != nil {
			return fmt.Errorf("not everything came: %v of %v: %w", m.next, a.next, err)
		}
		events = append(events, e)
		if e.Seq+1 >= a.next[e.RoomID] {
			left[e.RoomID] = false
		}
	}
	d.Cut()
	rest, _ := d.TryUpTo(func(*systemtest.Event) bool { return false })
	if err := m.take(append(events, rest...)); err != nil {
		return err
	}
	for _, e := range m.unchecked { // whoever was sent an event may believe that it stays
		if at := place(e.RoomID, e.Seq); e.Type == "text" && a.content[at] != e.Content {
			return fmt.Errorf("%q was delivered as %s, where the log has %q", e.Content, at, a.content[at])
		}
	}
	m.unchecked = nil
	return nil
}

// take checks the deliveries of one connection: each room's in order, without a hole after what was acknowledged, nothing twice; what
// was acknowledged on an earlier connection may be repeated at the beginning, under its old place.
func (m *member) take(events []*systemtest.Event) error {
	on := map[string]uint64{} // of this connection: the next seq
	for _, e := range events {
		if e.Type == "sync_required" {
			return fmt.Errorf("sync_required of %s %d to %d", e.RoomID, e.FirstSeq, e.LastSeq)
		}
		if e.RoomID != rooms[0] && e.RoomID != rooms[1] {
			continue
		}
		m.delivered++
		want, begun := on[e.RoomID]
		switch {
		case begun && e.Seq != want:
			return fmt.Errorf("%s: seq %d follows %d", e.RoomID, e.Seq, want-1)
		case !begun && e.Seq > m.next[e.RoomID]:
			return fmt.Errorf("%s: seq %d is the first, %d was acknowledged last", e.RoomID, e.Seq, m.next[e.RoomID]-1)
		}
		if e.Seq < m.next[e.RoomID] {
			m.repeated++
		}
		m.unchecked = append(m.unchecked, e)
		on[e.RoomID] = e.Seq + 1
	}
	for room, next := range on {
		m.next[room] = max(m.next[room], next)
	}
	return nil
}
