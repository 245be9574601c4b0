// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"fmt"
	"strings"
	"testing"

	"parley/internal/app"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// start runs a server on which alice owns a public room r, of which bob is a member.
func start(t *testing.T, options ...mqtttest.Option) (s *systemtest.Server, alice, bob *systemtest.Device) {
	t.Helper()
	s = systemtest.Start(t, systemtest.Config{})
	alice, bob = s.Device(t, "alice", options...), s.Device(t, "bob")
	alice.Create("r", "public", bob)
	alice.Next(func(e *systemtest.Event) bool { return e.Event == "member_joined" && e.UserID == "bob" })
	bob.Next(func(e *systemtest.Event) bool { return e.Event == "member_joined" && e.UserID == "bob" })
	return s, alice, bob
}

// Section 3: every way of signing in, and every refusal, in both versions.
func TestConnect(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	s.Operate(setPassword("alice", "correct horse"))
	token, bobs := s.Token("bob"), s.Token("bob")
	for _, c := range []struct {
		what           string
		user, password string
		code           packet.ReasonCode
		returnCode     byte // of 3.1.1
	}{
		{"a password", "alice", "correct horse", packet.Success, 0},
		{"a token", "bob", token, packet.Success, 0},
		{"a token without a name", "", token, packet.Success, 0},
		{"a wrong password", "alice", "battery staple", packet.BadUserNameOrPassword, 4},
		{"a token of another", "alice", bobs, packet.BadUserNameOrPassword, 4},
		{"a token that was revoked", "alice", s.Token("alice"), packet.BadUserNameOrPassword, 4},
		{"nobody", "nobody", "x", packet.BadUserNameOrPassword, 4},
		{"nothing", "", "", packet.BadUserNameOrPassword, 4},
	} {
		for _, version := range []mqtttest.Option{func(*connect) {}, mqtttest.V311} {
			d := s.Dial(t, c.user)
			ack := d.Connect(version, mqtttest.As(c.user, c.password))
			want := c.code
			if d.Version() == packet.V311 && c.returnCode == 4 {
				want = packet.BadUserNameOrPassword // what return code 4 is decoded as
			}
			if ack.Code != want {
				t.Errorf("%s: CONNACK %v, want %v", c.what, ack.Code, want)
			}
			if ack.Code.Failed() {
				d.End()
			}
		}
	}
}

// Section 3: attempts are limited per address and per account.
func TestTooManyAttempts(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	s.Operate(setPassword("alice", "correct horse"))
	codes := map[packet.ReasonCode]int{}
	for range 12 {
		codes[s.Dial(t, "alice").Connect(mqtttest.As("alice", "guess")).Code]++
	}
	if codes[packet.BadUserNameOrPassword] != 10 || codes[packet.ConnectionRateExceeded] != 2 {
		t.Errorf("12 guesses were answered %v, want 10 bad and 2 too many", codes)
	}
	s.Device(t, "bob").Do("info", "{}") // from the same address
}

// Section 4, replies: on the Response Topic with the Correlation Data, any of the caller's own topics but …/messages.
func TestResponseTopic(t *testing.T) {
	t.Parallel()
	_, alice, bob := start(t)
	to := func(topic, correlation string) func(*publish) {
		return func(p *publish) {
			p.Properties.ResponseTopic, p.Properties.CorrelationData = topic, []byte(correlation)
		}
	}
	r := alice.Do("message/r", `{"content":"x"}`, to(alice.Topic("answers/here"), "7"))
	if p := r.Packet.Publish; p.Topic != alice.Topic("answers/here") || string(p.Properties.CorrelationData) != "7" || p.QoS != 1 {
		t.Errorf("the reply is %+v", p)
	}
	if r := alice.Do("message/r", `{"content":"y"}`, func(p *publish) { p.Properties.CorrelationData = []byte("8") }); r.Packet.Publish.Topic != alice.Topic("replies") ||
		string(r.Packet.Publish.Properties.CorrelationData) != "8" {
		t.Errorf("without a response topic: %+v", r.Packet.Publish)
	}
	bob.Next(systemtest.Says("y"))
	for _, topic := range []string{alice.Topic("messages"), "chat/user/bob/messages", "chat/user/bob/replies", "chat/message/r", "free"} {
		r := alice.Refused("bad_request", "message/r", `{"content":"to be answered elsewhere"}`, to(topic, "9"))
		if r.Ack.Ack.Code != packet.PayloadFormatInvalid {
			t.Errorf("response topic %s: acknowledged %v", topic, r.Ack.Ack.Code)
		}
	}
	// At QoS 0 a request is answered because it asks for it.
	alice.Publish("chat/message/r", 0, "plain at QoS 0", to(alice.Topic("zero"), "10"))
	p := alice.Take("the reply at QoS 0", func(p *mqtttest.Packet) bool { return p.Publish.Topic == alice.Topic("zero") })
	if p.Publish.QoS != 0 || string(p.Publish.Properties.CorrelationData) != "10" {
		t.Errorf("the reply at QoS 0 is %+v", p.Publish)
	}
	// Otherwise only failures are.
	alice.Publish("chat/message/r", 0, "said in silence")
	alice.Next(systemtest.Says("said in silence"))
	alice.Publish("chat/message/none", 0, "said to nobody")
	p = alice.Take("a reply", func(p *mqtttest.Packet) bool { return p.Publish.Topic == alice.Topic("replies") })
	if !strings.Contains(string(p.Publish.Payload), `"not_found"`) {
		t.Errorf("the first reply at QoS 0 is %s", p)
	}
	for _, e := range bob.UpTo(systemtest.Says("said in silence")) {
		if e.Content == "to be answered elsewhere" {
			t.Error("a request with a bad response topic was done")
		}
	}
}

// Section 4, replies: to the connection that asked and to no other.
func TestRepliesGoToTheAskerAlone(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	tablet := s.Device(t, "alice", mqtttest.ID("tablet"))
	alice.Say("r", "hello")
	tablet.Next(systemtest.Says("hello"))
	tablet.Ping()
	if p := tablet.TakeNow(func(p *mqtttest.Packet) bool { return p.Publish.Topic == alice.Topic("replies") }); p != nil {
		t.Errorf("the tablet hears %s", p)
	}
}

// Section 4, acknowledgement: on MQTT 5 a refusal carries its reason code, code and message as Reason String and User Properties,
// unless the client's Request Problem Information is 0.
func TestReasonOfARefusal(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	curt := s.Device(t, "alice", mqtttest.ID("curt"), mqtttest.With(func(p *properties) { p.RequestProblemInfo = new(byte) }))
	for _, c := range []struct {
		route, payload, code string
		reason               packet.ReasonCode
	}{
		{"message/r", `{"content":""}`, "bad_request", 0x99},
		{"message/r", `{`, "bad_request", 0x99},
		{"message/r", `{"content":5}`, "bad_request", 0x99},
		{"message/none", `{"content":"x"}`, "not_found", 0x90},
		{"message/announcements", `{"content":"x"}`, "forbidden", 0x87},
		{"rooms/create", `{"room_id":"r","name":"R"}`, "conflict", 0x83},
		{"message/r", `{"content":"` + strings.Repeat("x", 4001) + `"}`, "too_large", 0x97},
		{"no/such/route", ``, "forbidden", 0x87},
	} {
		for _, qos := range []byte{1, 2} {
			id := alice.Publish("chat/"+c.route, qos, c.payload)
			ack := alice.Ack(id).Ack
			user := map[string]string{}
			for _, u := range ack.Properties.User {
				user[u.Name] = u.Value
			}
			if ack.Code != c.reason || ack.Properties.ReasonString == "" || user["code"] != c.code || user["message"] != ack.Properties.ReasonString {
				t.Errorf("%s %.40s at QoS %d: %v %+v, want %s", c.route, c.payload, qos, ack.Code, ack.Properties, c.code)
			}
		}
		ack := curt.Ack(curt.Publish("chat/"+c.route, 1, c.payload)).Ack
		if ack.Code != c.reason || ack.Properties.ReasonString != "" || len(ack.Properties.User) != 0 {
			t.Errorf("%s without problem information: %v %+v", c.route, ack.Code, ack.Properties)
		}
	}
}

// Section 4: on 3.1.1, which has no negative acknowledgement, the error reply goes out before the PUBACK.
func TestErrorBeforePuback(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	alice := s.Device(t, "alice", mqtttest.V311)
	for _, qos := range []byte{1, 2} {
		id := alice.Publish("chat/message/none", qos, `{"content":"x","request_id":1}`)
		reply, ack := alice.Reply(1.0), alice.Ack(id)
		if reply.Error.Code != "not_found" || reply.Packet.Index != ack.Index-1 {
			t.Errorf("QoS %d: #%d %+v, acknowledged by %s", qos, reply.Packet.Index, reply.Error, ack)
		}
	}
}

// Section 4, payload: plain text where a text is expected and it does not begin with {, and by the content type where it is given.
func TestPlainText(t *testing.T) {
	t.Parallel()
	_, alice, bob := start(t)
	as := func(kind string) func(*publish) { return func(p *publish) { p.Properties.ContentType = kind } }
	said := func(payload, want string, with ...func(*publish)) {
		t.Helper()
		if ack := alice.Ack(alice.Publish("chat/message/r", 1, payload, with...)); ack.Ack.Code.Failed() {
			t.Errorf("%q: %s", payload, ack)
			return
		}
		bob.Next(systemtest.Says(want))
	}
	said("hello from a stock client", "hello from a stock client")
	said(`{"content":"an object"}`, "an object")
	said(`{"content":"an object, and said so"}`, "an object, and said so", as("application/json"))
	said(`{not an object}`, `{not an object}`, as("text/plain"))
	said(`{"content":"not looked into"}`, `{"content":"not looked into"}`, as("text/plain; charset=utf-8"))
	said(`["a list is a text"]`, `["a list is a text"]`)
	said("  trimmed  ", "trimmed")
	for _, bad := range []struct {
		payload string
		with    func(*publish)
	}{{"hello", as("application/json")}, {"{hello", as("")}, {"", as("")}, {"  ", as("")}, {"\xff\xfe", as("")}, {"a\x00b", as("")},
		{`{"content":"x"} {"content":"y"}`, as("")}, {`{"content":"x","content":"y"}`, as("")}} {
		ack := alice.Ack(alice.Publish("chat/message/r", 1, bad.payload, bad.with))
		if ack.Ack.Code != packet.PayloadFormatInvalid {
			t.Errorf("%q: %s", bad.payload, ack)
		}
	}
	// Elsewhere a payload is an object, and empty means {}.
	alice.Do("rooms/list", "")
	if ack := alice.Ack(alice.Publish("chat/rooms/list", 1, "hello")); ack.Ack.Code != packet.PayloadFormatInvalid {
		t.Errorf("rooms/list hello: %s", ack)
	}
	alice.Ack(alice.Publish("chat/private/bob", 1, "plain and private"))
	if e := bob.Next(systemtest.Says("plain and private")); e.RoomID != "private:alice:bob" || !e.IsPrivate || e.TargetID != "bob" {
		t.Errorf("delivered %+v", e)
	}
}

// Section 4, exactly once: a client_msg_id is unique per sender and room.
func TestClientMsgID(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Create("other", "public", bob)
	body := `{"content":"once","client_msg_id":"m1"}`
	first := alice.Do("message/r", body)
	check := func(a *systemtest.Device, again *systemtest.Reply) {
		t.Helper()
		if !again.Duplicate || again.Seq != first.Seq || again.MessageID != first.MessageID || again.Timestamp != first.Timestamp {
			t.Errorf("a repetition by %s is answered %+v, the first was %+v", a.User, again, first)
		}
	}
	if first.Duplicate {
		t.Error("the first one is a duplicate")
	}
	check(alice, alice.Do("message/r", body))
	check(alice, alice.Do("message/r", `{"content":"once"}`, func(p *publish) { // as a user property
		p.Properties.User = []packet.UserProperty{{Name: "client_msg_id", Value: "m1"}}
	}))
	alice.Refused("conflict", "message/r", `{"content":"something else","client_msg_id":"m1"}`)
	// Elsewhere, and by somebody else, it is another one.
	if r := alice.Do("message/other", body); r.Duplicate {
		t.Error("the same id in another room is a duplicate")
	}
	if r := bob.Do("message/r", body); r.Duplicate {
		t.Error("the same id of another sender is a duplicate")
	}
	// Refusals are not remembered.
	alice.Refused("bad_request", "message/r", `{"content":"","client_msg_id":"m2"}`)
	alice.Do("message/r", `{"content":"better","client_msg_id":"m2"}`)
	alice.Refused("bad_request", "message/r", `{"content":"x","client_msg_id":"`+strings.Repeat("m", 65)+`"}`)
	// Outside rooms it is per sender; and other routes than message know it too.
	room := `{"name":"made once","client_msg_id":"m1"}`
	made := alice.Do("rooms/create", room)
	if r := alice.Do("rooms/create", room); !r.Duplicate || r.RoomID != made.RoomID {
		t.Errorf("a repeated rooms/create made %s after %s", r.RoomID, made.RoomID)
	}
	// The sender alone sees it.
	if e := alice.Next(systemtest.Says("better")); e.ClientMsgID != "m2" {
		t.Errorf("to the sender: %s", e.Packet)
	}
	events := bob.UpTo(systemtest.Says("better"))
	if e := events[len(events)-1]; e.ClientMsgID != "" {
		t.Errorf("to another: %s", e.Packet)
	}
	if n := count(systemtest.Of("r", events), "once"); n != 2 {
		t.Errorf("%d deliveries in r, want alice's and bob's", n)
	}
	s.Restart()
	alice = s.Device(t, "alice")
	check(alice, alice.Do("message/r", body))
}

func count(events []*systemtest.Event, content string) (n int) {
	for _, e := range events {
		if e.Content == content {
			n++
		}
	}
	return n
}

// Section 4: without a client_msg_id, QoS 2 within one unexpired session is exactly once, through lost connections and restarts.
func TestQoS2IsExactlyOnce(t *testing.T) {
	t.Parallel()
	s, _, _ := start(t)
	connect := func() *systemtest.Device {
		return s.Device(t, "alice", mqtttest.ID("two"), mqtttest.Keep(60))
	}
	alice := connect()
	again := func(p *publish) { p.PacketID, p.Dup = 77, true }
	send := func() {
		t.Helper()
		if ack := alice.Ack(alice.Publish("chat/message/r", 2, "exactly once", again)); ack.Ack.Code.Failed() {
			t.Fatal(ack)
		}
	}
	send()
	send()
	alice.Cut()
	alice = connect()
	send()
	s.Restart()
	alice = connect()
	send()
	alice.Complete(77)
	// From here on the identifier is free.
	alice.Ack(alice.Publish("chat/message/r", 2, "the next", func(p *publish) { p.PacketID = 77 }))
	bob := s.Device(t, "bob")
	if n := count(systemtest.Pointers(bob.Do("history/r", "{}").Messages), "exactly once"); n != 1 {
		t.Errorf("the message is %d times in the history", n)
	}
	if n := count(systemtest.Pointers(bob.Do("history/r", "{}").Messages), "the next"); n != 1 {
		t.Errorf("the next one is %d times in the history", n)
	}
}

// Section 4: limits delay before they refuse. The acknowledgement waits with its request, in order; pings do not.
func TestRateLimitDelays(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Change: func(c *app.Config) { c.Access.RateLimit = rate(3, "1s") }})
	alice := s.Device(t, "alice")
	alice.Create("r", "public") // the first of the window
	var ids []uint16
	var segment []byte
	for i := range 8 {
		var id uint16
		segment, id = alice.Encode(segment, "chat/message/r", 1, fmt.Sprint(i))
		ids = append(ids, id)
	}
	alice.Send(segment)
	alice.Ack(ids[1])
	alice.Ping() // while the third waits for its turn
	if p := alice.TakeNow(mqtttest.Acknowledges(ids[7])); p != nil {
		t.Errorf("the eighth of three a second is acknowledged at once: %s", p)
	}
	// QoS 0 is refused at once, by another device too: the limit is the user's.
	tablet := s.Device(t, "alice", mqtttest.ID("tablet"))
	tablet.Publish("chat/message/r", 0, `{"content":"now","request_id":1}`)
	if r := tablet.Reply(1.0); r.Error.Code != "rate_limited" || r.Error.RetryAfter <= 0 {
		t.Errorf("at QoS 0: %s %+v", r.Status, r.Error)
	}
	// Others have their own.
	s.Device(t, "bob").Do("info", "{}")
	last := -1
	for _, id := range ids[2:] {
		ack := alice.Ack(id)
		if ack.Ack.Code.Failed() || ack.Index < last {
			t.Errorf("%s behind #%d", ack, last)
		}
		last = ack.Index
	}
	for i := range 8 {
		if e := alice.Next(systemtest.Kind("text")); e.Content != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, e.Content)
		}
	}
}
