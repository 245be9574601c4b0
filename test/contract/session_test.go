// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"parley/internal/app"
	"parley/internal/mqtt/packet"
	"parley/test/mqtttest"
	"parley/test/systemtest"
)

// present takes all events of room r that a device is sent, up to a message that is sent now.
func present(t *testing.T, sender, d *systemtest.Device) []*systemtest.Event {
	t.Helper()
	r := sender.Say("r", "up to here")
	return systemtest.Of("r", d.UpTo(systemtest.At("r", r.Seq)))
}

// Guarantee 4: a persistent session is a place in the rooms' logs.
func TestAwayAndBack(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	phone := func() *systemtest.Device {
		return s.Device(t, "bob", mqtttest.ID("phone"), mqtttest.Keep(3600))
	}
	d := phone()
	alice.Say("r", "while here")
	d.Next(systemtest.Says("while here"))
	d.Disconnect()
	alice.Create("late", "public")
	var first uint64
	for i := range 1000 {
		r := alice.Say("r", fmt.Sprintf("while away %d", i))
		if i == 0 {
			first = r.Seq
		}
		if i == 500 {
			s.Restart()
			alice = s.Device(t, "alice")
		}
	}
	d = phone()
	events := present(t, alice, d)
	if err := systemtest.Dense(events, first); err != nil || len(events) != 1001 {
		t.Errorf("%d events: %v", len(events), err)
	}
	// What it has acknowledged now it is not sent again.
	d.Disconnect()
	d = phone()
	if events := present(t, alice, d); len(events) != 1 {
		t.Errorf("%d events after coming back at once", len(events))
	}
}

// Guarantee 4: what was sent and not acknowledged comes again first, with its packet identifier and DUP [MQTT-4.4.0-1].
func TestUnacknowledgedComesAgain(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	options := []mqtttest.Option{mqtttest.ID("phone"), mqtttest.Keep(3600)}
	d := s.Device(t, "bob", options...)
	d.AcknowledgeByHand()
	var before []*systemtest.Event
	for i := range 5 {
		alice.Say("r", fmt.Sprint(i))
		before = append(before, d.Next(systemtest.Says(fmt.Sprint(i))))
	}
	d.Acknowledge(before[0].Packet.Publish.PacketID, before[1].Packet.Publish.PacketID)
	d.Lose()
	alice.Say("r", "while away")
	d = s.Device(t, "bob", options...)
	events := present(t, alice, d)
	if err := systemtest.Dense(events, before[2].Seq); err != nil || len(events) != 5 {
		t.Fatalf("%d events: %v", len(events), err)
	}
	for i, e := range events {
		if again := i < 3; e.Packet.Publish.Dup != again || again && e.Packet.Publish.PacketID != before[2+i].Packet.Publish.PacketID {
			t.Errorf("seq %d: DUP %v, packet %d", e.Seq, e.Packet.Publish.Dup, e.Packet.Publish.PacketID)
		}
	}
}

// Guarantee 4: it starts at the first SUBSCRIBE, an identical SUBSCRIBE keeps it, UNSUBSCRIBE drops it; so does a clean start.
func TestWhereASessionBegins(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	connect := func(options ...mqtttest.Option) (d *systemtest.Device, resumed bool) {
		d = s.Dial(t, "bob")
		all := append([]mqtttest.Option{mqtttest.As("bob", s.Token("bob")), mqtttest.ID("phone"), mqtttest.Keep(3600)}, options...)
		return d, d.Login(all...).SessionPresent
	}
	away := func(d *systemtest.Device, text string) {
		d.Disconnect()
		alice.Say("r", text)
	}
	d, resumed := connect()
	if resumed {
		t.Error("the first connection resumes something")
	}
	away(d, "before the first SUBSCRIBE")
	if d, resumed = connect(); !resumed {
		t.Error("a session without subscriptions is gone")
	}
	d.Listen(1)
	if n := len(present(t, alice, d)); n != 1 {
		t.Errorf("%d events after the first SUBSCRIBE, want the one sent now", n)
	}
	away(d, "missed")
	d, _ = connect()
	d.Listen(1) // as many clients do whenever they connect
	if events := present(t, alice, d); len(events) != 2 || events[0].Content != "missed" {
		t.Errorf("%d events after an identical SUBSCRIBE, want what was missed and what is sent now", len(events))
	}
	away(d, "missed by unsubscribing")
	d, _ = connect()
	d.Unsubscribe(d.Topic("#"))
	d.Listen(1)
	d.Forget()
	if events := present(t, alice, d); len(events) != 1 {
		t.Errorf("%d events after UNSUBSCRIBE and SUBSCRIBE, want the one sent now", len(events))
	}
	away(d, "missed by a clean start")
	if d, resumed = connect(mqtttest.Fresh(3600)); resumed {
		t.Error("a clean start resumes")
	}
	d.Listen(1)
	if events := present(t, alice, d); len(events) != 1 {
		t.Errorf("%d events after a clean start, want the one sent now", len(events))
	}
	// A session that ends with its connection leaves no place.
	d.Disconnect()
	d, _ = connect(mqtttest.Fresh(0))
	d.Listen(1)
	away(d, "missed without a session")
	if _, resumed = connect(); resumed {
		t.Error("a session without an expiry interval is resumed")
	}
}

// Section 3: 3.1.1 with clean session 0 gets a persistent session too.
func TestCleanSessionOf311(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	d := s.Device(t, "bob", mqtttest.V311, mqtttest.ID("old"), mqtttest.Keep(0))
	d.Disconnect()
	alice.Say("r", "while away")
	s.Restart()
	d = s.Device(t, "bob", mqtttest.V311, mqtttest.ID("old"), mqtttest.Keep(0))
	d.Next(systemtest.Says("while away"))
	alice = s.Device(t, "alice")
	// The same session in the other version.
	d.Disconnect()
	alice.Say("r", "while away again")
	d = s.Device(t, "bob", mqtttest.ID("old"), mqtttest.Keep(60))
	d.Next(systemtest.Says("while away again"))
}

// A room joined while away is part of what was missed, from the joining on; one that was left is not.
func TestRoomsJoinedAndLeftWhileAway(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Do("private/bob", `{"content":"this room is there already"}`)
	options := []mqtttest.Option{mqtttest.ID("phone"), mqtttest.Keep(3600)}
	d := s.Device(t, "bob", options...)
	d.Disconnect()
	alice.Say("r", "in the room that bob leaves")
	bob.Do("rooms/leave/r", "")
	alice.Create("new", "private")
	alice.Say("new", "before bob")
	alice.Do("rooms/new/invite", `{"user_id":"bob"}`)
	alice.Say("new", "with bob")
	d = s.Device(t, "bob", options...)
	alice.Do("private/bob", `{"content":"now"}`)
	events := d.UpTo(all("now", "with bob", "room_added", "removed_from_room")) // there is no order between rooms
	if got := systemtest.Of("r", events); len(got) != 0 {
		t.Errorf("sent %d events of a room that bob has left", len(got))
	}
	seen := map[string]bool{}
	for _, e := range systemtest.Of("new", events) {
		seen[e.Content] = true
	}
	if seen["before bob"] {
		t.Error("a member of a private room is sent what was before the joining")
	}
	var kinds []string
	for _, e := range systemtest.Of("user:bob", events) {
		kinds = append(kinds, e.Type)
	}
	if !slices.Equal(kinds, []string{"removed_from_room", "room_added"}) {
		t.Errorf("of the user's own log came %v", kinds)
	}
}

// all matches the event with which each of these contents, or types, has been seen.
func all(wanted ...string) func(*systemtest.Event) bool {
	missing := map[string]bool{}
	for _, w := range wanted {
		missing[w] = true
	}
	return func(e *systemtest.Event) bool {
		delete(missing, e.Content)
		delete(missing, e.Type)
		return len(missing) == 0
	}
}

// Section 3: sessions per user are capped; one more ends the one that was away longest.
func TestSessionsAreCapped(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Change: func(c *app.Config) { c.Limits.SessionsPerUser = 3 }})
	connect := func(id string) (*systemtest.Device, packet.Connack) {
		d := s.Dial(t, "bob")
		return d, d.Connect(mqtttest.As("bob", s.Token("bob")), mqtttest.ID(id), mqtttest.Keep(3600))
	}
	alice := s.Device(t, "alice")
	for _, id := range []string{"one", "two", "three"} {
		d, _ := connect(id)
		d.Disconnect()
		alice.Do("rooms/create", `{"name":"a commit behind the disconnection"}`)
	}
	four, ack := connect("four")
	if ack.Code != packet.Success {
		t.Fatalf("the fourth session: %v", ack.Code)
	}
	for id, want := range map[string]bool{"two": true, "three": true} {
		if _, ack := connect(id); ack.SessionPresent != want {
			t.Errorf("%s: session present %v", id, ack.SessionPresent)
		}
	}
	// All of them are connected now: no more room.
	if _, ack := connect("five"); ack.Code != packet.QuotaExceeded {
		t.Errorf("a session too many: CONNACK %v", ack.Code)
	}
	// One that ends with its connection does not count, nor do other users' sessions.
	s.Device(t, "bob", mqtttest.ID("passing"))
	s.Device(t, "alice", mqtttest.ID("one"), mqtttest.Keep(3600))
	four.Ping()
}

// Section 3: when a token expires on a live connection, the client is disconnected.
func TestTokenExpires(t *testing.T) {
	t.Parallel()
	var clock systemtest.Clock
	s := systemtest.Start(t, systemtest.Config{Inside: app.Inside{Now: clock.Now}})
	short := s.ShortToken("alice", time.Hour)
	for _, version := range []mqtttest.Option{func(*connect) {}, mqtttest.V311} {
		d := s.Dial(t, "alice")
		d.Login(version, mqtttest.As("alice", short))
		d.Ping()
		t.Cleanup(func() {
			if !d.Ended() {
				t.Error("a connection outlived its token")
			}
		})
		if d.Version() == packet.V311 {
			clock.Jump(time.Hour)
			if bye := d.End(); bye != nil {
				t.Errorf("DISCONNECT on 3.1.1: %+v", bye)
			}
			continue
		}
		defer d.EndsWith(packet.NotAuthorized)
	}
	if ack := s.Dial(t, "alice").Connect(mqtttest.As("alice", short)); ack.Code != packet.BadUserNameOrPassword {
		t.Errorf("with the expired token: CONNACK %v", ack.Code)
	}
	s.Device(t, "alice").Ping()
}

// Section 3: MQTT 5 clients that connected with the Authentication Method token may re-authenticate as the same user.
func TestReauthentication(t *testing.T) {
	t.Parallel()
	var clock systemtest.Clock
	s := systemtest.Start(t, systemtest.Config{Inside: app.Inside{Now: clock.Now}})
	method := func(user, token string) mqtttest.Option {
		return func(p *connect) {
			p.Username = &user
			p.Properties.AuthMethod, p.Properties.AuthData = "token", []byte(token)
		}
	}
	auth := func(token string) []byte {
		return packet.AppendAuth(nil, &packet.Auth{Code: packet.ReAuthenticate, Properties: properties{AuthMethod: "token", AuthData: []byte(token)}})
	}
	alice := s.Dial(t, "alice")
	if ack := alice.Login(method("alice", s.ShortToken("alice", time.Hour))); ack.Properties.AuthMethod != "token" {
		t.Errorf("CONNACK names the method %q", ack.Properties.AuthMethod)
	}
	alice.Send(auth(s.ShortToken("alice", 3*time.Hour)))
	if p := alice.Take("AUTH", mqtttest.OfType(packet.AUTH)); p.Auth.Code != packet.Success {
		t.Errorf("AUTH %v", p.Auth.Code)
	}
	watch := s.Dial(t, "alice") // has only the hour
	watch.Login(method("alice", s.ShortToken("alice", time.Hour)))
	clock.Jump(2 * time.Hour)
	watch.EndsWith(packet.NotAuthorized)
	alice.Ping()
	// Another user's token, and rubbish.
	for _, token := range []string{s.Token("bob"), "rubbish"} {
		d := s.Dial(t, "alice")
		d.Login(method("alice", s.Token("alice")))
		d.Send(auth(token))
		if bye := d.End(); bye == nil || bye.Code != packet.NotAuthorized {
			t.Errorf("re-authentication with what is not alice's: %+v", bye)
		}
	}
	// Who did not begin with it may not go on with it.
	plain := s.Device(t, "alice")
	plain.Send(auth(s.Token("alice")))
	plain.EndsWith(packet.ProtocolError)
	if ack := s.Dial(t, "alice").Connect(func(p *connect) { p.Properties.AuthMethod = "GSSAPI" }); ack.Code != packet.BadAuthenticationMethod {
		t.Errorf("an unknown method: CONNACK %v", ack.Code)
	}
}

// Section 3: a ban, a changed password or a revoked token ends live connections.
func TestRevokedConnections(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{})
	root := s.Device(t, systemtest.Root)
	alice, old := s.Device(t, "alice"), s.Device(t, "alice", mqtttest.V311, mqtttest.ID("old"))
	root.Do("admin/users/alice/ban", `{"reason":"noise"}`)
	alice.EndsWith(packet.AdministrativeAction)
	old.End()
	for _, version := range []mqtttest.Option{func(*connect) {}, mqtttest.V311} {
		d := s.Dial(t, "alice")
		ack := d.Connect(version, mqtttest.As("alice", s.Token("alice")))
		want := packet.Banned
		if d.Version() == packet.V311 {
			want = packet.NotAuthorized // what return code 5 is decoded as
		}
		if ack.Code != want {
			t.Errorf("CONNACK %v for one who is banned", ack.Code)
		}
	}
	root.Do("admin/users/alice/unban", "")
	s.Device(t, "alice").Ping()
	bob := s.Device(t, "bob")
	s.Operate(func(ctx context.Context, ops app.Operations) error { return ops.SetPassword(ctx, "bob", "a new one") })
	bob.EndsWith(packet.NotAuthorized)
	if ack := s.Dial(t, "bob").Connect(mqtttest.As("bob", s.Token("bob"))); ack.Code != packet.BadUserNameOrPassword {
		t.Errorf("with a token older than the password: CONNACK %v", ack.Code)
	}
	s.Dial(t, "bob").Login(mqtttest.As("bob", "a new one"))
	// Only administrators ban.
	carol := s.Device(t, "carol")
	if r := carol.Refused("forbidden", "admin/users/bob/ban", "{}"); r.Ack.Ack.Code != packet.NotAuthorized {
		t.Errorf("acknowledged %v", r.Ack.Ack.Code)
	}
}

// Guarantee 4: what is past the retention comes as sync_required, and what is left in order.
func TestBackAfterACleanup(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	phone := func() *systemtest.Device {
		return s.Device(t, "bob", mqtttest.ID("phone"), mqtttest.Keep(3600))
	}
	d := phone()
	alice.Say("r", "while here")
	d.Next(systemtest.Says("while here"))
	d.Disconnect()
	first := alice.Say("r", "old").Seq
	last := alice.Say("r", "old too").Seq
	root := s.Device(t, systemtest.Root)
	alice.Refused("forbidden", "admin/messages/cleanup", `{"room_id":"r","older_than":0}`)
	root.Do("admin/messages/cleanup", `{"room_id":"r","older_than":0}`)
	kept := alice.Say("r", "new").Seq
	d = phone()
	told := d.Next(func(e *systemtest.Event) bool { return e.Type == "sync_required" && e.RoomID == "r" })
	if told.FirstSeq > first || told.LastSeq < last || told.LastSeq >= kept {
		t.Errorf("told of %d to %d, want %d to %d", told.FirstSeq, told.LastSeq, first, last)
	}
	if e := d.Next(systemtest.Kind("text")); e.Seq != kept || e.Content != "new" {
		t.Errorf("then comes %s", e.Packet)
	}
}

// Guarantee 4: a client that went away before it had taken what came is told of what is past the retention again, and before what
// comes behind that.
func TestBackAgainAfterACleanup(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	root := s.Device(t, systemtest.Root)
	alice.Create("q", "public", bob)
	phone := func() *systemtest.Device { // that acknowledges nothing
		d := s.Dial(t, "bob")
		d.AcknowledgeByHand()
		d.Login(mqtttest.As("bob", s.Token("bob")), mqtttest.ID("phone"), mqtttest.Keep(3600))
		return d
	}
	d := s.Device(t, "bob", mqtttest.ID("phone"), mqtttest.Keep(3600))
	alice.Say("r", "while here")
	d.Next(systemtest.Says("while here"))
	alice.Say("q", "while here too")
	d.Next(systemtest.Says("while here too"))
	d.Disconnect()
	first := map[string]uint64{}
	for _, room := range []string{"r", "q"} {
		first[room] = alice.Say(room, "old").Seq
		root.Do("admin/messages/cleanup", `{"room_id":"`+room+`","older_than":0}`)
	}
	kept := map[string]uint64{"r": alice.Say("r", "new").Seq}
	required := func(e *systemtest.Event) bool { return e.Type == "sync_required" && first[e.RoomID] != 0 }
	d = phone()
	d.Next(required)
	d.Next(required)
	kept["q"] = alice.Say("q", "new").Seq // comes by itself, the other one from the log
	d.Next(systemtest.Says("new"))
	d.Next(systemtest.Says("new"))
	for range 2 {
		d.Lose()
		d = phone()
		told := map[string]uint64{}
		for range 4 {
			e := d.Next(func(e *systemtest.Event) bool { return required(e) || e.Type == "text" })
			switch {
			case e.Type != "text":
				told[e.RoomID] = e.LastSeq
				if e.FirstSeq > first[e.RoomID] || e.LastSeq < first[e.RoomID] || e.LastSeq != kept[e.RoomID]-1 {
					t.Errorf("told of %d to %d of %s, want %d to %d", e.FirstSeq, e.LastSeq, e.RoomID, first[e.RoomID], kept[e.RoomID]-1)
				}
			case e.Seq != kept[e.RoomID] || told[e.RoomID] == 0:
				t.Errorf("%s comes, told of %v", e.Packet, told)
			}
		}
	}
}

// Guarantee 5 beside guarantee 4: what was revoked from a session that is away is not sent again, and stands in the way of
// nothing else.
func TestRevokedWhileAway(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Create("q", "public", bob)
	options := []mqtttest.Option{mqtttest.ID("phone"), mqtttest.Keep(3600), mqtttest.With(func(p *properties) { p.ReceiveMaximum = 1 })}
	d := s.Device(t, "bob", options...)
	d.AcknowledgeByHand()
	alice.Say("r", "not acknowledged")
	d.Next(systemtest.Says("not acknowledged"))
	d.Lose()
	bob.Do("rooms/leave/r", "")
	d = s.Device(t, "bob", options...)
	for i := range 3 {
		alice.Say("q", fmt.Sprint("after ", i))
	}
	events := d.UpTo(systemtest.Says("after 2"))
	if got := systemtest.Of("r", events); len(got) != 0 {
		t.Errorf("sent %d events of a room that bob has left", len(got))
	}
	if got := systemtest.Of("q", events); len(got) < 3 {
		t.Errorf("%d events of another room, want 3", len(got))
	}
}
