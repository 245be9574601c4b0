// SPDX-License-Identifier: Apache-2.0

package systemtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
)

const patience = mqtttest.Patience

// Device is a user's MQTT client.
type Device struct {
	*mqtttest.Client
	User string

	t        testing.TB
	requests int
}

// Event is a delivery: what this page of the contract calls a message, a log event or a passing event.
type Event struct {
	Packet *mqtttest.Packet `json:"-"`

	Type        string  `json:"type"`
	ID          string  `json:"id"`
	RoomID      string  `json:"room_id"`
	Seq         uint64  `json:"seq"`
	Epoch       int64   `json:"epoch"`
	SenderID    string  `json:"sender_id"`
	SenderName  string  `json:"sender_name"`
	Content     string  `json:"content"`
	Timestamp   float64 `json:"timestamp"`
	ReplyTo     string  `json:"reply_to"`
	ThreadID    string  `json:"thread_id"`
	IsPrivate   bool    `json:"is_private"`
	TargetID    string  `json:"target_id"`
	ClientMsgID string  `json:"client_msg_id"`
	Event       string  `json:"event"`
	UserID      string  `json:"user_id"`
	Action      string  `json:"action"`
	Reason      string  `json:"reason"`
	Truncated   bool    `json:"truncated"`
	FirstSeq    uint64  `json:"first_seq"`
	LastSeq     uint64  `json:"last_seq"`
	Messages    []Event `json:"messages"`
	Flagged     bool    `json:"flagged"`
}

// Place is what makes a copy recognisable.
func (e *Event) Place() string { return fmt.Sprintf("%d/%s/%d", e.Epoch, e.RoomID, e.Seq) }

// Reply is the answer to a request, with its acknowledgement.
type Reply struct {
	Packet *mqtttest.Packet `json:"-"` // the PUBLISH of the reply
	Ack    *mqtttest.Packet `json:"-"` // PUBACK or PUBREC

	Status    string `json:"status"`
	RequestID any    `json:"request_id"`
	Duplicate bool   `json:"duplicate"`
	Error     struct {
		Code       string  `json:"code"`
		Message    string  `json:"message"`
		RetryAfter float64 `json:"retry_after"`
	} `json:"error"`
	RoomID      string    `json:"room_id"`
	MessageID   string    `json:"message_id"`
	Seq         uint64    `json:"seq"`
	Timestamp   float64   `json:"timestamp"`
	Recipients  int       `json:"recipients"`
	MemberCount int       `json:"member_count"`
	FirstSeq    uint64    `json:"first_seq"`
	Epoch       int64     `json:"epoch"`
	Messages    []Event   `json:"messages"`
	Events      []Event   `json:"events"`
	Covers      [2]uint64 `json:"covers"`
	Count       int       `json:"count"`
	HasMore     bool      `json:"has_more"`
	Online      int       `json:"online"`
	Room        RoomHead  `json:"room"`
	RoomData    RoomHead  `json:"room_data"`
	// Rooms are those of sync and of rooms/list.
	Rooms []RoomHead `json:"rooms"`
}

// RoomHead is a room in a list.
type RoomHead struct {
	RoomID      string `json:"room_id"`
	Name        string `json:"name"`
	Type        string `json:"type"`
	FirstSeq    uint64 `json:"first_seq"`
	LastSeq     uint64 `json:"last_seq"`
	Unread      uint64 `json:"unread"`
	MemberCount int    `json:"member_count"`
}

// Device connects a user's client, and subscribes to all of the user's topics at QoS 1 unless the session has a subscription.
func (s *Server) Device(t testing.TB, user string, options ...mqtttest.Option) *Device {
	t.Helper()
	d := s.Dial(t, user)
	if !d.Login(append([]mqtttest.Option{mqtttest.As(user, s.Token(user))}, options...)...).SessionPresent {
		d.Listen(1)
	}
	return d
}

// Dial opens a connection for a user and says nothing yet.
func (s *Server) Dial(t testing.TB, user string) *Device {
	t.Helper()
	return &Device{Client: mqtttest.Dial(t, s.Addr("mqtt")), User: user, t: t}
}

// DeviceOn makes a device of a connection.
func DeviceOn(t testing.TB, c *mqtttest.Client, user string) *Device {
	return &Device{Client: c, User: user, t: t}
}

// Topic is one of the user's own topics.
func (d *Device) Topic(name string) string { return "chat/user/" + d.User + "/" + name }

// Listen subscribes to all of the user's topics.
func (d *Device) Listen(qos byte) {
	d.t.Helper()
	if codes := d.Subscribe(qos, d.Topic("#")); codes[0] != packet.ReasonCode(min(qos, 1)) {
		d.t.Fatalf("SUBACK %v", codes)
	}
}

// Ask sends a request at QoS 1 and waits for its reply and its acknowledgement. payload is a JSON object, or empty.
func (d *Device) Ask(route, payload string, with ...func(*packet.Publish)) *Reply {
	d.t.Helper()
	request, asked := d.marked(payload)
	id := d.Publish("chat/"+route, 1, asked, with...)
	r := d.Reply(request)
	r.Ack = d.Ack(id)
	return r
}

// marked gives a JSON payload a request_id.
func (d *Device) marked(payload string) (request, marked string) {
	d.requests++
	request = "request " + strconv.Itoa(d.requests)
	rest := strings.TrimPrefix(payload, "{")
	if rest == "" {
		rest = "}"
	}
	comma := ","
	if strings.TrimSpace(rest) == "}" {
		comma = ""
	}
	return request, `{"request_id":"` + request + `"` + comma + rest
}

// Do is Ask that has to succeed.
func (d *Device) Do(route, payload string, with ...func(*packet.Publish)) *Reply {
	d.t.Helper()
	r := d.Ask(route, payload, with...)
	if r.Status == "error" {
		d.t.Fatalf("%s %s by %s: %+v", route, payload, d.User, r.Error)
	}
	if r.Ack.Ack.Code.Failed() {
		d.t.Fatalf("%s %s by %s: acknowledged %v after a reply of %s", route, payload, d.User, r.Ack.Ack.Code, r.Status)
	}
	return r
}

// Refused is Ask that has to fail with a code.
func (d *Device) Refused(code, route, payload string, with ...func(*packet.Publish)) *Reply {
	d.t.Helper()
	r := d.Ask(route, payload, with...)
	if r.Status != "error" || r.Error.Code != code || r.Error.Message == "" {
		d.t.Fatalf("%s %s by %s: %s %+v, want the error %s", route, payload, d.User, r.Status, r.Error, code)
	}
	return r
}

// Reply takes the reply to a request_id.
func (d *Device) Reply(request any) *Reply {
	d.t.Helper()
	var r Reply
	p := d.Take(fmt.Sprintf("the reply to %v", request), func(p *mqtttest.Packet) bool {
		if p.Type != packet.PUBLISH || IsDelivery(p) {
			return false
		}
		var head struct {
			RequestID any `json:"request_id"`
		}
		return json.Unmarshal(p.Publish.Payload, &head) == nil && head.RequestID == request
	})
	if err := json.Unmarshal(p.Publish.Payload, &r); err != nil {
		d.t.Fatalf("a reply: %v in %s", err, p)
	}
	r.Packet = p
	return &r
}

// IsDelivery tells deliveries from replies: by their topic.
func IsDelivery(p *mqtttest.Packet) bool {
	if p.Type != packet.PUBLISH {
		return false
	}
	rest := strings.SplitN(p.Publish.Topic, "/", 5)
	return len(rest) > 3 && (rest[3] == "messages" || rest[3] == "rooms")
}

// Create makes a room with the device's user as its owner; others join or, in a private one, are invited.
func (d *Device) Create(room, kind string, others ...*Device) {
	d.t.Helper()
	d.Do("rooms/create", fmt.Sprintf(`{"room_id":%q,"name":%q,"type":%q}`, room, room, kind))
	for _, o := range others {
		if kind == "private" {
			d.Do("rooms/"+room+"/invite", fmt.Sprintf(`{"user_id":%q}`, o.User))
		} else {
			o.Do("rooms/join/"+room, "")
		}
	}
}

// Say sends a message to a room.
func (d *Device) Say(room, text string) *Reply {
	d.t.Helper()
	return d.Do("message/"+room, content(text))
}

func content(text string) string {
	b, err := json.Marshal(map[string]string{"content": text})
	if err != nil {
		panic(err) // a string can be encoded
	}
	return string(b)
}

// Next takes the next delivery that matches, and leaves those before it in the inbox.
func (d *Device) Next(match func(*Event) bool) *Event {
	d.t.Helper()
	e, err := d.TryNext(match)
	if err != nil {
		d.t.Fatal(err)
	}
	return e
}

// TryNext is Next with an error.
func (d *Device) TryNext(match func(*Event) bool) (*Event, error) {
	var found Event
	_, err := d.Await("a delivery to "+d.User, func(p *mqtttest.Packet) bool {
		e, ok := eventOf(p)
		if ok && match(e) {
			found = *e
			return true
		}
		return false
	})
	return &found, err
}

func eventOf(p *mqtttest.Packet) (*Event, bool) {
	if !IsDelivery(p) {
		return nil, false
	}
	var e Event
	if err := json.Unmarshal(p.Publish.Payload, &e); err != nil {
		return nil, false
	}
	e.Packet = p
	return &e, true
}

// UpTo takes all deliveries up to one that matches, which is the last of them.
func (d *Device) UpTo(match func(*Event) bool) []*Event {
	d.t.Helper()
	all, err := d.TryUpTo(match)
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

// TryUpTo is UpTo with an error.
func (d *Device) TryUpTo(match func(*Event) bool) ([]*Event, error) {
	var all []*Event
	for {
		e, err := d.TryNext(func(*Event) bool { return true })
		if err != nil {
			return all, fmt.Errorf("after %d deliveries: %w", len(all), err)
		}
		all = append(all, e)
		if match(e) {
			return all, nil
		}
	}
}

// Forget drops what has been delivered so far.
func (d *Device) Forget() {
	for d.TakeNow(IsDelivery) != nil {
	}
}

// Says matches the message with that content.
func Says(text string) func(*Event) bool {
	return func(e *Event) bool { return e.Type == "text" && e.Content == text }
}

// At matches an event by its place in a log.
func At(room string, seq uint64) func(*Event) bool {
	return func(e *Event) bool { return e.RoomID == room && e.Seq == seq }
}

// Kind matches events of a type.
func Kind(kind string) func(*Event) bool { return func(e *Event) bool { return e.Type == kind } }

// Of keeps the events of a room that have a seq.
func Of(room string, events []*Event) []*Event {
	var out []*Event
	for _, e := range events {
		if e.RoomID == room && e.Seq > 0 {
			out = append(out, e)
		}
	}
	return out
}

// ErrNotDense is a hole in a log, or a repetition.
var ErrNotDense = errors.New("the log is not dense")

// Dense tells why events of one room are not from, from+1, …
func Dense(events []*Event, from uint64) error {
	for i, e := range events {
		if e.Seq != from+uint64(i) {
			return fmt.Errorf("%w: %d follows %d", ErrNotDense, e.Seq, from+uint64(i)-1)
		}
	}
	return nil
}

// Pointers are events as Of and Dense take them.
func Pointers(events []Event) []*Event {
	out := make([]*Event, len(events))
	for i := range events {
		out[i] = &events[i]
	}
	return out
}
