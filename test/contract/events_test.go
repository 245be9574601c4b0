// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"parley/test/systemtest"
)

// patience is how long a stream may take to say something.
const patience = 20 * time.Second

// stream is a reader of Server-Sent Events.
type stream struct {
	t      *testing.T
	body   io.ReadCloser
	events chan *systemtest.Event
	id     string // of the last event taken
	ids    chan string
}

// listen opens a stream.
func listen(t *testing.T, s *systemtest.Server, token, lastID, query string) *stream {
	t.Helper()
	resp := ask(t, s, token, lastID, query)
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s, %s", resp.Status, resp.Header.Get("Content-Type"))
	}
	x := &stream{t: t, body: resp.Body, events: make(chan *systemtest.Event, 10_000), ids: make(chan string, 10_000)}
	started := make(chan bool, 1)
	go x.read(started)
	t.Cleanup(x.close)
	select {
	case <-started:
	case <-time.After(patience):
		t.Fatal("the stream does not begin")
	}
	return x
}

// ask asks for a stream.
func ask(t *testing.T, s *systemtest.Server, token, lastID, query string) *http.Response {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	resp, err := systemtest.OpenStream(ctx, s.Addr("http"), token, "events"+query, lastID)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// read takes the stream apart. It begins with a block that says where the stream begins.
func (x *stream) read(started chan<- bool) {
	defer close(x.events)
	_ = systemtest.ReadEvents(x.body, func(id, data string) {
		switch {
		case data != "":
			e := &systemtest.Event{}
			if json.Unmarshal([]byte(data), e) != nil {
				e = nil // whoever takes it fails
			}
			x.ids <- id
			x.events <- e
		case started != nil:
			x.id = id
			started <- true
			started = nil
		}
	})
}

func (x *stream) close() { x.body.Close() }

// next is the next event that matches; nil at the end of the stream.
func (x *stream) next(match func(*systemtest.Event) bool) *systemtest.Event {
	x.t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case e, ok := <-x.events:
			if !ok {
				return nil
			}
			x.id = <-x.ids
			if match(e) {
				return e
			}
		case <-deadline:
			x.t.Fatal("the event does not come")
		}
	}
}

// upTo takes the events of room r up to a text.
func (x *stream) upTo(text string) (events []*systemtest.Event) {
	x.t.Helper()
	if x.next(func(e *systemtest.Event) bool {
		if e.RoomID == "r" && e.Seq > 0 {
			events = append(events, e)
		}
		return e.Content == text
	}) == nil {
		x.t.Fatalf("the stream ends before %q", text)
	}
	return events
}

// ends fails unless the stream ends by itself.
func (x *stream) ends() {
	x.t.Helper()
	if x.next(func(*systemtest.Event) bool { return false }) != nil {
		x.t.Fatal("the stream goes on")
	}
}

// A stream is what a device gets, and goes on where its reader has been, also after a restart.
func TestStreamResumes(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	x := listen(t, s, s.Token("bob"), "", "")
	if x.id == "" {
		t.Error("the stream does not say where it begins")
	}
	bob.Say("r", "hello") // one's own, too
	alice.Say("r", "while here")
	if events := x.upTo("while here"); len(events) != 2 || events[0].SenderID != "bob" || events[1].Seq != events[0].Seq+1 {
		t.Errorf("%d events", len(events))
	}
	last, from := x.id, alice.Say("r", "missed 0").Seq
	x.close()
	for i := range 999 {
		alice.Say("r", fmt.Sprintf("missed %d", i+1))
		if i == 500 {
			s.Restart()
			alice = s.Device(t, "alice")
		}
	}
	x = listen(t, s, s.Token("bob"), last, "")
	if err := systemtest.Dense(x.upTo("missed 999"), from); err != nil {
		t.Error(err)
	}
	// By the parameter, too; and nothing comes twice to who has seen it all.
	last = x.id
	x = listen(t, s, s.Token("bob"), "", "?last_event_id="+url.QueryEscape(last))
	alice.Say("r", "now")
	if events := x.upTo("now"); len(events) != 1 {
		t.Errorf("%d events after all had been seen", len(events))
	}
	// Where it begins is a place too, for who was told nothing.
	x = listen(t, s, s.Token("bob"), "", "")
	last = x.id
	alice.Say("r", "after the beginning")
	x.close()
	x = listen(t, s, s.Token("bob"), last, "")
	if events := x.upTo("after the beginning"); len(events) != 1 {
		t.Errorf("%d events after the beginning", len(events))
	}
}

// Who has an id of nobody's making begins now, and is told of it.
func TestStreamWithStrangeID(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	for _, id := range []string{"nonsense!", "AAAA", "AgIC", strings.Repeat("A", 50_000)} {
		x := listen(t, s, s.Token("bob"), id, "")
		if e := x.next(systemtest.Kind("sync_required")); e == nil || e.RoomID == "" {
			t.Errorf("%q: %v", id, e)
		}
		alice.Say("r", "to "+id[:4])
		x.upTo("to " + id[:4])
	}
}

func TestStreamOfSomeRooms(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Create("other", "public", bob)
	x := listen(t, s, s.Token("bob"), "", "?rooms=r")
	alice.Say("other", "not this")
	alice.Say("r", "but this")
	if e := x.next(func(e *systemtest.Event) bool { return e.Seq > 0 }); e == nil || e.Content != "but this" {
		t.Errorf("the first event is %+v", e)
	}
	many := "?rooms=0"
	for i := range 300 {
		many += fmt.Sprint(",", i)
	}
	for query, status := range map[string]int{"?colour=red": 400, many: 400} {
		if resp := ask(t, s, s.Token("bob"), "", query); resp.StatusCode != status {
			t.Errorf("%.20s: %s", query, resp.Status)
		}
	}
}

// A reader that stops reading slows nobody, and misses nothing when it goes on.
func TestStreamThatIsNotRead(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	c, err := net.Dial("tcp", s.Addr("http"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	fmt.Fprintf(c, "GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n", s.Token("bob"))
	lines := bufio.NewReader(c)
	for line := ""; line != "retry: 2000"; { // it has begun
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		line = strings.TrimSpace(text)
	}
	const n = 400 // of 12 KB: more than queue and sockets hold
	long := strings.Repeat("€", 3900)
	var first uint64
	for i := range n {
		seq := alice.Say("r", fmt.Sprintf("%d %s", i, long)).Seq
		if i == 0 {
			first = seq
		}
	}
	bob.Next(func(e *systemtest.Event) bool { return e.Seq == first+n-1 })
	want := first
	for want < first+n {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("at seq %d: %v", want, err)
		}
		data, ok := strings.CutPrefix(text, "data: ")
		if !ok {
			continue
		}
		var e systemtest.Event
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			t.Fatal(err)
		}
		if e.RoomID == "r" && e.Seq > 0 {
			if e.Seq != want {
				t.Fatalf("seq %d, want %d", e.Seq, want)
			}
			want++
		}
	}
}

// Who is removed gets nothing more of the room, nor later by an old id.
func TestStreamAfterRemoval(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	x := listen(t, s, s.Token("bob"), "", "")
	before := x.id
	alice.Say("r", "before")
	x.upTo("before")
	alice.Do("admin/rooms/r/moderate", `{"action":"kick","user_id":"bob"}`)
	alice.Say("r", "secret")
	for range 2 {
		if e := x.next(func(e *systemtest.Event) bool {
			return e.RoomID == "r" && e.Seq > 0 && e.Content != "before" || e.Type == "removed_from_room"
		}); e == nil || e.Type != "removed_from_room" {
			t.Fatalf("bob is sent %+v", e)
		}
		// an id from when he was a member
		x = listen(t, s, s.Token("bob"), before, "")
	}
	s.Device(t, "bob").Do("rooms/join/r", `{}`)
	alice.Say("r", "again")
	if events := x.upTo("again"); events[0].Content == "secret" {
		t.Error("what was said meanwhile is sent")
	}
}

// A stream ends with what allowed it.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	s, _, bob := start(t)
	root := s.Device(t, systemtest.Root)
	secret, id := token(t, bob, `{"name":"stream","scopes":["read"]}`)
	other := listen(t, s, s.Token("bob"), "", "")
	x := listen(t, s, secret, "", "")
	bob.Do("users/me/sessions/revoke", `{"session_id":"`+id+`"}`)
	x.ends()
	if resp := ask(t, s, secret, x.id, ""); resp.StatusCode != 401 {
		t.Errorf("with a revoked token: %s", resp.Status)
	}
	narrow, _ := token(t, bob, `{"name":"sensor","scopes":["send"]}`)
	if resp := ask(t, s, narrow, "", ""); resp.StatusCode != 403 {
		t.Errorf("with a token that may not read: %s", resp.Status)
	}
	short := listen(t, s, s.ShortToken("bob", 2*time.Second), "", "")
	short.ends()
	root.Do("admin/users/bob/ban", `{}`)
	other.ends()
	if resp := ask(t, s, s.Token("bob"), "", ""); resp.StatusCode != 403 {
		t.Errorf("banned: %s", resp.Status)
	}
	carol := listen(t, s, s.Token("carol"), "", "")
	s.Stop()
	carol.ends()
}

// A stream is a device: its user is there while it is open. One user has not any number of them.
func TestStreamsCount(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Users: []string{"alice", "dave"}})
	alice := s.Device(t, "alice")
	alice.Create("r", "public")
	s.HTTP(t, http.MethodPost, s.Token("dave"), "rooms/join/r", "")
	listen(t, s, s.Token("dave"), "", "")
	alice.Next(func(e *systemtest.Event) bool {
		text := string(e.Packet.Publish.Payload)
		return e.Type == "user_status" && strings.Contains(text, `"dave"`) && strings.Contains(text, `"online"`)
	})
	for range 15 {
		listen(t, s, s.Token("dave"), "", "")
	}
	if resp := ask(t, s, s.Token("dave"), "", ""); resp.StatusCode != 429 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("the 17th stream: %s", resp.Status)
	}
}
