// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/feed/feedtest"
	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
	"parley/internal/store"
)

// step is one step of a story: Who does What in a room, to Whom, with one of a few keys.
type step struct {
	What, Who, Whom string
	Private         bool
	N               int
}

func (s step) String() string {
	return fmt.Sprintf("%s %s %s %v %d", s.Who, s.What, s.Whom, s.Private, s.N)
}

var (
	cast  = []string{"ann", "bob", "cat", "dan"}
	deeds = []string{
		"send", "send", "send", "send", "send again", "join", "join", "invite", "invite", "leave", chat.ActionKick, chat.ActionBan,
		chat.ActionUnban, chat.ActionPromote, "read", "read", "read", "go", "return", "return", "settle", "delete",
	}
)

// phone is the device of a persistent session, with a small queue.
type phone struct {
	*feedtest.Device
	session int64
	start   map[chat.RoomID]uint64 // heads at the first SUBSCRIBE; nil before
}

const phoneQueue = 3

// stage is the server that all stories of a test share: each has rooms and users of its own.
type stage struct {
	*chat.Service
	store *store.SQLite
	feed  *feed.Feed
}

func newStage(t *testing.T) *stage {
	st := &stage{}
	var err error
	st.store, err = store.Open(t.Context(), store.Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler),
		OnCommit: func(b *chat.Batch) { st.feed.Committed(b) }})
	if err != nil {
		t.Fatal(err)
	}
	st.feed = feed.New(feed.Config{Log: st.store, Places: st.store, Epoch: st.store.Epoch(), Logger: slog.New(slog.DiscardHandler)})
	go st.feed.Run()
	t.Cleanup(func() {
		if err := st.store.Close(); err != nil {
			t.Error(err)
		}
		st.feed.Close()
	})
	ids := &world{}
	st.Service = chat.NewService(st.store, chat.DefaultLimits(), ids.newID, func() chat.Time { return chat.TimeOf(time.Now()) })
	return st
}

// story is one run of steps beside its model.
type story struct {
	*stage
	t       *rapid.T
	ctx     context.Context
	prefix  string
	rooms   [2]*model // public, private
	phones  map[string]*phone
	pending []func() // compare an outcome with what the model said
	texts   int
}

// Whatever people do in whatever order: every outcome is what a simple model says, logs are dense, every member's history is the
// model's, and every device that comes, goes, is slow and returns was in the end sent just what it was entitled to, in
// order and once.
func TestStories(t *testing.T) {
	st := newStage(t)
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		steps := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) step {
			return step{rapid.SampledFrom(deeds).Draw(rt, "what"), rapid.SampledFrom(cast).Draw(rt, "who"), rapid.SampledFrom(cast).Draw(rt, "whom"),
				rapid.Bool().Draw(rt, "private"), rapid.IntRange(1, 4).Draw(rt, "n")}
		}), 15, 60).Draw(rt, "steps")
		n++
		s := &story{stage: st, t: rt, prefix: fmt.Sprintf("s%d-", n), phones: map[string]*phone{}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		s.ctx = ctx
		s.begin()
		for _, step := range steps {
			s.do(step)
		}
		s.end()
	})
}

// user is the account of somebody of the cast in this story.
func (s *story) user(name string) chat.UserID { return chat.UserID(s.prefix + name) }

func (s *story) begin() {
	for _, name := range cast {
		s.CreateUser(chat.NewUser{ID: s.user(name)})
		s.phones[name] = &phone{Device: feedtest.New(s.user(name), phoneQueue)}
	}
	for i, id := range []chat.RoomID{"public", "secret"} {
		id = chat.RoomID(s.prefix) + id
		s.CreateRoom(by(s.user("ann")), chat.NewRoom{ID: id, Name: "x", Private: i == 1})
		s.rooms[i] = newModel(id, i == 1, s.user("ann"))
	}
	sessions := make(chan error, len(cast))
	for _, name := range cast {
		p := s.phones[name]
		s.store.SaveSession(&mqtt.StoredSession{Owner: string(p.User), ClientID: "phone", Version: packet.V5, Expiry: 3600},
			func(id mqtt.SessionID, err error) { p.session = int64(id); sessions <- err })
	}
	for range cast {
		if err := <-sessions; err != nil {
			s.t.Fatal(err)
		}
	}
	for _, name := range cast[:3] { // dan comes when the story says so
		s.comeBack(s.phones[name])
	}
	s.do(step{What: "join", Who: "bob"})
	s.do(step{What: "invite", Who: "ann", Whom: "bob", Private: true})
}

// expect compares the code of an outcome, later: changes are decided in the order in which they are submitted.
func expect[T any](s *story, what string, p *chat.Pending[T], want chat.Code, more func(T) error) {
	s.pending = append(s.pending, func() {
		v, err := p.Wait(s.ctx)
		if got := chat.CodeOf(err); got != want {
			s.t.Fatalf("%s: %q (%v), the model says %q", what, got, err, want)
		}
		if err == nil && more != nil {
			if err := more(v); err != nil {
				s.t.Fatalf("%s: %v", what, err)
			}
		}
	})
}

func (s *story) do(d step) {
	m := s.rooms[0]
	if d.Private {
		m = s.rooms[1]
	}
	who, whom, p := s.user(d.Who), s.user(d.Whom), s.phones[d.Who]
	switch d.What {
	case "send", "send again":
		key, text := "", ""
		if s.texts++; d.What == "send" {
			text = fmt.Sprint("text ", s.texts)
		} else { // few keys, few texts: repeats and conflicts
			key, text = fmt.Sprint("key ", d.N%2), fmt.Sprint("again ", d.N/2)
		}
		code, seq, duplicate := m.send(who, key, text)
		expect(s, d.String(), s.Send(once(who, key), m.id, chat.NewMessage{Content: text}), code, func(v chat.Sent) error {
			if v.Seq != seq || v.Duplicate != duplicate {
				return fmt.Errorf("seq %d, duplicate %v; the model says %d, %v", v.Seq, v.Duplicate, seq, duplicate)
			}
			return nil
		})
	case "join":
		expect(s, d.String(), s.Join(by(who), m.id), m.join(who), nil)
	case "leave":
		expect(s, d.String(), s.Leave(by(who), m.id), m.leave(who), nil)
	case "invite":
		expect(s, d.String(), s.Invite(by(who), m.id, whom), m.invite(who, whom), nil)
	case "delete":
		if d.N == 1 { // seldom: it ends the room
			expect(s, d.String(), s.DeleteRoom(by(who), m.id), m.remove(who), nil)
		}
	case chat.ActionKick, chat.ActionBan, chat.ActionUnban, chat.ActionPromote:
		expect(s, d.String(), s.Moderate(by(who), m.id, act(d.What, whom)), m.moderate(who, d.What, whom), nil)
	case "read":
		p.Write(d.N)
	case "go":
		p.Leave()
	case "return":
		s.comeBack(p)
	case "settle":
		s.settle()
	}
}

// settle waits for everything submitted, and compares.
func (s *story) settle() {
	for _, check := range s.pending {
		check()
	}
	s.pending = nil
}

// comeBack connects the session: at first where the logs are, later where it was, from what the store has kept.
func (s *story) comeBack(p *phone) {
	if p.Here() {
		return
	}
	type outcome struct {
		seqs map[int64]uint64
		err  error
	}
	c := make(chan outcome, 1)
	if p.start == nil {
		p.start = map[chat.RoomID]uint64{s.rooms[0].id: s.rooms[0].head, s.rooms[1].id: s.rooms[1].head}
		s.store.StartPlaces(p.session, p.User, func(seqs map[int64]uint64, err error) { c <- outcome{seqs, err} })
	} else {
		s.store.SavePlaces(nil, func(err error) { c <- outcome{nil, err} })
	}
	o := <-c
	if o.err == nil && o.seqs == nil {
		o.seqs, o.err = s.store.LoadPlaces(s.ctx, p.session)
	}
	if o.err != nil {
		s.t.Fatal(o.err)
	}
	sub, err := s.feed.Subscribe(s.ctx, p.User, p, feed.Options{Reliable: true, Places: feed.NewPlaces(p.session, o.seqs)})
	if err != nil {
		s.t.Fatal(err)
	}
	p.Connected(sub)
}

// end brings everybody back, waits until all have what they should, and compares.
func (s *story) end() {
	for _, p := range s.phones {
		s.comeBack(p)
	}
	for _, m := range s.rooms { // one more message for all who are there
		if len(m.members) > 0 {
			who := m.members[0].user
			code, _, _ := m.send(who, "", "the end")
			expect(s, "the end", s.Send(by(who), m.id, text("the end")), code, nil)
		}
	}
	s.settle()
	for _, p := range s.phones {
		for _, m := range s.rooms {
			for m.seat(p.User) != nil && p.Last(m.id) < m.head {
				p.Write(phoneQueue)
				if p.Last(m.id) >= m.head {
					break
				}
				select {
				case <-p.Changed():
				case <-s.ctx.Done():
					s.t.Fatalf("%s waits in vain for the end of %s: has %v, head %d, member %v", p.User, m.id, p.Received(m.id), m.head, m.times[p.User])
				}
			}
		}
		p.Leave()
	}
	for _, m := range s.rooms {
		r, err := s.store.ReadRoom(s.ctx, m.id)
		if err != nil || r.LastSeq != m.head || r.MemberCount != len(m.members) || r.Deleted != m.gone {
			s.t.Fatalf("%s is %+v (%v), the model has %+v", m.id, r, err, m)
		}
		events, err := s.store.Log(s.ctx, r, chat.LogQuery{From: 1})
		if err != nil || len(events) != int(m.head) || events[len(events)-1].Seq != m.head {
			s.t.Fatalf("the log of %s has %d events (%v), the head is %d", m.id, len(events), err, m.head)
		}
		for _, name := range cast {
			s.compare(m, s.phones[name])
		}
	}
}

func (s *story) compare(m *model, p *phone) {
	if err := feedtest.Entitled(p.Received(m.id), m.times[p.User], p.start[m.id], m.head); err != nil {
		s.t.Fatalf("%s in %s %v", p.User, m.id, err)
	}
	for _, id := range p.Rooms() {
		if id != s.rooms[0].id && id != s.rooms[1].id && id != chat.UserLog(p.User) {
			s.t.Fatalf("%s was sent events of %s", p.User, id)
		}
	}
	if told := p.Passed(); len(told) > 0 { // of a loss: there is none
		s.t.Fatalf("%s was told %v", p.User, told)
	}
	page, err := s.History(s.ctx, who(p.User), m.id, chat.HistoryQuery{Limit: 200})
	if want := m.access(p.User); chat.CodeOf(err) != want {
		s.t.Fatalf("history of %s for %s: %v, the model says %q", m.id, p.User, err, want)
	}
	if err != nil {
		if _, ok := errors.AsType[*chat.Error](err); !ok {
			s.t.Fatal(err)
		}
		return
	}
	var got []line
	for _, e := range page.Messages {
		got = append(got, line{e.Seq, e.Content})
	}
	if diff := cmp.Diff(m.history(p.User), got, cmp.AllowUnexported(line{})); diff != "" {
		s.t.Fatalf("the history of %s for %s: %s", m.id, p.User, diff)
	}
}
