// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// person does one thing after the other. All choices come from their own random numbers.
type person struct {
	town    *town
	name    string
	random  *rand.Rand
	devices []*device
	count   int // of requests
	doing   atomic.Pointer[string]
	in      map[string]bool // rooms they believe to be in
	// unreadFrom are rooms whose mark was set back after the own last message there: it counts no more.
	unreadFrom map[string]bool
	// unclear are rooms where they do not know whether a message of theirs, or a mark that they set back, came to be: the answer
	// was lost, and the repeat refused, to somebody banned meanwhile. "Refusals are not remembered", and tell nothing of before.
	unclear map[string]bool
}

func newPerson(w *town, name string, seed uint64, devices []kind, narrow bool) *person {
	p := &person{town: w, name: name, random: rand.New(rand.NewPCG(seed, 2)), in: map[string]bool{}, unreadFrom: map[string]bool{}, unclear: map[string]bool{}}
	nothing := "nothing yet"
	p.doing.Store(&nothing)
	for i, k := range devices {
		d := newDevice(w, name, i, k, narrow && i == 0)
		d.small = name != systemtest.Root && p.random.IntN(4) == 0
		p.devices = append(p.devices, d)
	}
	return p
}

// ask asks for a route with a client_msg_id, over HTTP or over a device's MQTT connection; where that breaks, again over HTTP as
// the same request. A refusal is a *refusal.
func (p *person) ask(route string, payload map[string]any, out any) error {
	if payload == nil {
		payload = map[string]any{}
	}
	p.doing.Store(&route)
	p.count++
	id := fmt.Sprintf("%s-%d", p.name, p.count)
	payload["client_msg_id"] = id
	d := p.devices[p.random.IntN(len(p.devices))]
	qos, broken := byte(1+p.random.IntN(2)), false
	if p.random.IntN(2) == 0 {
		if l := d.speaks(); l != nil {
			if body := l.ask(route, id, qos, payload); body != nil {
				return p.town.read(body, out)
			}
			broken = true
		}
	}
	delete(payload, "request_id")
	body, lost, err := p.town.http(p.name, route, payload)
	if err != nil {
		return err
	}
	err = p.town.read(body, out)
	if no := (*refusal)(nil); errors.As(err, &no) {
		no.unclear = broken || lost
	}
	return err
}

// ask asks over MQTT; nil when the connection ends before the answer.
func (l *mqttLink) ask(route, id string, qos byte, payload map[string]any) []byte {
	payload["request_id"] = id
	text, err := json.Marshal(payload)
	if err != nil {
		return nil
	}
	b, packetID := l.Encode(nil, "chat/"+route, qos, string(text))
	if qos == 2 {
		l.device.begins(packetID)
	}
	if l.Write(b) != nil {
		return nil
	}
	reply, err := l.Await("a reply of "+route, func(p *mqtttest.Packet) bool {
		if p.Type != packet.PUBLISH || systemtest.IsDelivery(p) {
			return false
		}
		var r struct {
			RequestID string `json:"request_id"`
		}
		return json.Unmarshal(p.Publish.Payload, &r) == nil && r.RequestID == id
	})
	if err != nil {
		return nil
	}
	if reply.Publish.PacketID != 0 {
		_ = l.Write(packet.AppendAck(nil, l.Version(), packet.PUBACK, &packet.Ack{PacketID: reply.Publish.PacketID}))
	}
	if _, err := l.Await("an acknowledgement", mqtttest.Acknowledges(packetID)); err == nil && qos == 2 {
		_ = l.Write(packet.AppendAck(nil, l.Version(), packet.PUBREL, &packet.Ack{PacketID: packetID}))
		if _, err := l.Await("PUBCOMP", completes(packetID)); err == nil {
			l.device.completed(packetID)
		}
	}
	return reply.Publish.Payload
}

// try asks for what may be refused, and tells whether it was done. Only a fault of the server is a fault.
func (p *person) try(route string, payload map[string]any, out any) bool {
	done, _ := p.tries(route, payload, out)
	return done
}

// tries asks like try, and tells beside whether what was refused may have been done all the same.
func (p *person) tries(route string, payload map[string]any, out any) (done, unclear bool) {
	err := p.ask(route, payload, out)
	no := (*refusal)(nil)
	switch {
	case err == nil:
		return true, false
	case errors.As(err, &no):
		if no.code == "internal" {
			p.town.fault("%s: %s %v: %v", p.name, route, payload, err)
		}
		return false, no.unclear
	case !errors.Is(err, errOver):
		p.town.fault("%s: %s %v: %v", p.name, route, payload, err)
	}
	return false, false
}

// fields makes a payload of pairs.
func fields(pairs ...any) map[string]any {
	f := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		f[pairs[i].(string)] = pairs[i+1]
	}
	return f
}

// somewhere is a room: most often one they are in.
func (p *person) somewhere() string {
	if len(p.in) > 0 && p.random.IntN(5) > 0 {
		return sortedChoice(p.random, p.in)
	}
	return p.town.room(p.random)
}

func sortedChoice(random *rand.Rand, set map[string]bool) string {
	n := random.IntN(len(set))
	for _, id := range sorted(set) {
		if n--; n < 0 {
			return id
		}
	}
	return ""
}

// somebody is another person, never the administrator.
func (p *person) somebody() string {
	for {
		if o := p.town.people[1+p.random.IntN(len(p.town.people)-1)]; o != p {
			return o.name
		}
	}
}

// text is one that nobody has said before.
func (p *person) text() string {
	p.count++
	words := []string{"tea", "bread", "the garden", "rain tomorrow", "a bicycle", "new shoes", "the bus", "@" + p.somebody()}
	text := fmt.Sprintf("%s says no. %d about %s", p.name, p.count, words[p.random.IntN(len(words))])
	if p.random.IntN(25) == 0 { // more than a small packet takes
		text += strings.Repeat(" and on", 2*smallPacket/7)
	}
	return text
}

// sent is the reply to everything that makes a message.
type sent struct {
	ID        string `json:"message_id"`
	RoomID    string `json:"room_id"`
	Seq       uint64 `json:"seq"`
	Duplicate bool   `json:"duplicate"`
}

// send makes a message by a route. room is where, as far as marks are set back there.
func (p *person) send(room, route, text string, payload map[string]any) {
	var s sent
	payload["content"] = text
	done, unclear := p.tries(route, payload, &s)
	if !done {
		p.unclear[room] = p.unclear[room] || unclear
		return
	}
	delete(p.unreadFrom, s.RoomID)
	delete(p.unclear, s.RoomID)
	p.town.note(message{id: s.ID, room: s.RoomID, sender: p.name, text: text, seq: s.Seq})
}

// rest brings the devices of the person back for the end.
func (p *person) rest() {
	for _, d := range p.devices {
		d.hold(false)
		d.comeBack(false)
	}
}

// restless makes something become of a device.
func (p *person) restless() {
	d := p.devices[p.random.IntN(len(p.devices))]
	if p.name == systemtest.Root { // who sees everything
		d.lose()
		return
	}
	switch p.random.IntN(10) {
	case 0, 1:
		d.goAway(true)
	case 2:
		d.goAway(false)
	case 3, 4:
		d.lose()
	case 5:
		d.hold(true)
	case 6:
		d.goAway(p.random.IntN(2) == 0)
		d.comeBack(true)
	default:
		d.hold(false)
		d.comeBack(false)
	}
	d.look()
}

// reads tells whose text a search found; all of it has to be the person's to see, which the end checks.
func (p *person) reads(route string, payload map[string]any) {
	var page struct {
		Messages []head `json:"messages"`
	}
	if !p.try(route, payload, &page) {
		return
	}
	d := p.devices[0]
	d.hearing.Lock()
	defer d.hearing.Unlock()
	for _, m := range page.Messages {
		d.memory.pulled[spot{m.RoomID, m.Seq}] = true
	}
}

// joins asks to be in a room.
func (p *person) joins(room string) {
	var r struct {
		Status string `json:"status"`
	}
	if p.try("rooms/join/"+room, nil, &r) {
		p.in[room] = true
		if r.Status == "joined" { // a mark that was set back stays so for who is there already
			delete(p.unreadFrom, room)
		}
	}
}

// create makes a room that the administrator is in, and only then lets others know.
func (p *person) create(kind string) (id string) {
	p.count++
	id = fmt.Sprintf("%s.%d", p.name, p.count)
	if !p.try("rooms/create", fields("room_id", id, "name", "Room "+id, "type", kind), nil) {
		return id
	}
	p.in[id] = true
	if p.try("rooms/"+id+"/invite", fields("user_id", systemtest.Root), nil) {
		p.town.open(id, p.name, kind == "private")
	}
	return id
}

// share uploads a small file and shares it.
func (p *person) share(room string) {
	var up struct {
		ID string `json:"file_id"`
	}
	if p.try("file/upload/"+room, fields("name", "notes.txt", "data", "aGVsbG8gdGhlcmU="), &up) {
		p.send(room, "file/share/"+room, p.text(), fields("file_id", up.ID))
	}
}

// refresh learns which rooms they are in.
func (p *person) refresh() {
	var list struct {
		Rooms []room `json:"rooms"`
	}
	if p.try("rooms/list", fields("mine", true), &list) {
		clear(p.in)
		for _, r := range list.Rooms {
			if r.Type == "public" || r.Type == "private" {
				p.in[r.ID] = true
			}
		}
	}
}

// marks says how far they have read, or that they have not.
func (p *person) marks(room string, back bool) {
	if !back {
		p.try("read/"+room, nil, nil)
		return
	}
	seq := p.random.IntN(20)
	done, unclear := p.tries("read/"+room, fields("seq", seq, "unread", true), nil)
	switch {
	case done:
		p.unreadFrom[room] = true
		delete(p.unclear, room)
	case unclear:
		p.unclear[room] = true
	}
}

// abreast waits until their first device was told of all that there is in a room by now.
func (p *person) abreast(id string) bool {
	var s synced
	if !p.try("sync", nil, &s) {
		return false
	}
	head := uint64(0)
	for _, r := range s.Rooms {
		if r.ID == id {
			head = r.LastSeq
		}
	}
	ctx, cancel := p.town.patient()
	defer cancel()
	return p.devices[0].await(ctx, id, func(m *memory) string {
		if at := m.rooms[id]; at == nil || at.last < head {
			return "it is behind"
		}
		return ""
	}) == nil
}

// isPrivate tells whether a room is the private conversation of two.
func isPrivate(room string) bool { return strings.HasPrefix(room, "private:") }
