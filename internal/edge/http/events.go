// SPDX-License-Identifier: Apache-2.0

package http

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/feed"
	"parley/internal/wire"
)

const (
	eventsPath = "/api/v1/events"
	// MaxStreams bounds the streams of one user: a browser has one for each window.
	MaxStreams = 16
	// maxStreamRooms bounds the rooms that a stream can be narrowed to.
	maxStreamRooms = 256
	// heartbeat is how often a silent stream says that it lives: proxies give up after 30 or 60 s.
	heartbeat = 20 * time.Second
	// streamPatience is how long a reader may leave a write waiting.
	streamPatience = 30 * time.Second
	// chunk is how many bytes of events are written at once.
	chunk = 32 << 10
	// An event id is as long as its user has rooms: a short one goes with each chunk, a longer one now and then, so that a
	// reader that comes back may get as many events again.
	shortID   = 1 << 10
	longIDGap = 64 // events
)

// Presence counts a user's connections. Its methods must not block.
type Presence interface {
	Arrive(u chat.UserID)
	Leave(u chat.UserID)
}

// EventsConfig is what Events need.
type EventsConfig struct {
	Feed     *feed.Feed
	Auth     *auth.Authenticator
	Epoch    int64
	Presence Presence                  // nil: nobody is told
	Admit    func(u chat.UserID) error // refuses who asks too often; nil: nobody
	Now      func() time.Time          // nil: time.Now
	// Heartbeat is how often a silent stream says that it lives; 0 is the usual time.
	Heartbeat time.Duration
}

// Events are the streams of Server-Sent Events: what a device gets on its message topic, over HTTP.
type Events struct {
	cfg EventsConfig

	mu       sync.Mutex
	streams  map[chat.UserID][]*open
	stopping bool
}

// open is a stream with who reads it.
type open struct {
	*stream
	token string
}

// NewEvents makes Events.
func NewEvents(cfg EventsConfig) *Events {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Heartbeat == 0 {
		cfg.Heartbeat = heartbeat
	}
	return &Events{cfg: cfg, streams: map[chat.UserID][]*open{}}
}

// Open counts the streams that are open.
func (e *Events) Open() (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, list := range e.streams {
		n += len(list)
	}
	return n
}

// Stop ends all streams and lets no more begin: their readers come back, with their places.
func (e *Events) Stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.stopping = true
	for _, list := range e.streams {
		for _, o := range list {
			o.end()
		}
	}
}

// Revoked ends the streams of an account that may not have them any more. The feed calls it, after the event was offered.
func (e *Events) Revoked(ev *chat.Event) {
	if ev.Kind != chat.AccountModerated {
		return
	}
	switch ev.Details.Action {
	case chat.ActionBan, chat.ActionErase, chat.ActionCredentials, chat.ActionSession:
	default:
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, o := range e.streams[ev.Details.UserID] {
		if ev.Details.Action != chat.ActionSession || o.token == ev.Details.Session {
			o.end()
		}
	}
}

func (e *Events) enter(o *open) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case e.stopping:
		return chat.ErrUnavailable
	case len(e.streams[o.user]) >= MaxStreams:
		return &chat.Error{Code: chat.RateLimited, Message: fmt.Sprintf("you have %d streams open already; close one", MaxStreams), RetryAfter: time.Minute}
	}
	e.streams[o.user] = append(e.streams[o.user], o)
	return nil
}

func (e *Events) leave(o *open) {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := slices.DeleteFunc(e.streams[o.user], func(other *open) bool { return other == o })
	if len(list) == 0 {
		delete(e.streams, o.user)
		return
	}
	e.streams[o.user] = list
}

// events serves a stream until its reader goes away or loses the right to it.
func (h *routes) events(w http.ResponseWriter, r *http.Request) {
	refuse := func(err error) { h.answer(w, &api.Request{Topic: r.URL.Path}, nil, err) }
	id, err := h.viewer(r)
	if err != nil {
		refuse(err)
		return
	}
	rooms, err := streamRooms(r)
	if err != nil {
		refuse(err)
		return
	}
	e := h.Events
	if e.cfg.Admit != nil {
		if err := e.cfg.Admit(id.UserID); err != nil {
			refuse(err)
			return
		}
	}
	o := &open{stream: newStream(id.UserID, rooms), token: id.Token}
	if err := e.enter(o); err != nil {
		refuse(err)
		return
	}
	defer e.leave(o)
	// A revocation that came before the stream could be found has to be seen now.
	if err := e.cfg.Auth.Confirm(r.Context(), id); err != nil {
		refuse(err)
		return
	}
	if e.cfg.Presence != nil {
		e.cfg.Presence.Arrive(id.UserID)
		defer e.cfg.Presence.Leave(id.UserID)
	}
	last := r.Header.Get("Last-Event-ID")
	if last == "" {
		last = r.URL.Query().Get("last_event_id")
	}
	place := &feed.OwnPlace{}
	lost := false // what the reader has seen is unknown here
	if last != "" {
		epoch, seen, ok := parseEventID(last)
		if lost = !ok || epoch != e.cfg.Epoch; !lost {
			place.Seen = seen
		}
	}
	sub, err := e.cfg.Feed.Subscribe(r.Context(), id.UserID, o.stream, feed.Options{Reliable: true, Own: place})
	if err != nil {
		if r.Context().Err() == nil {
			refuse(err)
		}
		return
	}
	defer sub.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !id.Expires.IsZero() {
		timer := time.AfterFunc(id.Expires.Sub(e.cfg.Now()), o.end)
		defer timer.Stop()
	}
	(&streaming{events: e, stream: o.stream, sub: sub, w: w, control: http.NewResponseController(w)}).run(ctx, place, lost)
}

// streamRooms are the rooms that a stream is narrowed to; nil for all.
func streamRooms(r *http.Request) (map[chat.RoomID]bool, error) {
	query := r.URL.Query()
	for name := range query {
		if name != "rooms" && name != "last_event_id" {
			return nil, chat.Refuse(chat.BadRequest, "%q is no parameter of events; use rooms or last_event_id", name)
		}
	}
	list := strings.Join(query["rooms"], ",")
	if list == "" {
		return nil, nil
	}
	rooms := map[chat.RoomID]bool{}
	for room := range strings.SplitSeq(list, ",") {
		if rooms[chat.RoomID(room)] = true; len(rooms) > maxStreamRooms {
			return nil, chat.Refuse(chat.BadRequest, "rooms: more than %d", maxStreamRooms)
		}
	}
	return rooms, nil
}

// streaming writes a stream to its reader, on the goroutine of the request.
type streaming struct {
	events  *Events
	stream  *stream
	sub     *feed.Subscription
	w       http.ResponseWriter
	control *http.ResponseController
	buf     []byte
	seen    map[int64]uint64 // by room number: how far what was written goes
	unsaid  int              // events since the reader was last told its place
	moved   bool             // the place has changed since
}

func (s *streaming) run(ctx context.Context, place *feed.OwnPlace, lost bool) {
	h := s.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep it back
	h.Set("Connection", "close")     // its deadlines are no other request's
	_ = s.control.SetReadDeadline(time.Time{})
	s.seen = make(map[int64]uint64, len(place.Begun))
	s.buf = append(s.buf, "retry: 2000\n"...)
	for _, p := range place.Begun {
		s.seen[p.Num] = p.Seq
	}
	s.sayPlace()
	s.buf = append(s.buf, '\n')
	if lost {
		for _, p := range place.Begun {
			if p.Seq > 0 && (s.stream.rooms == nil || s.stream.rooms[p.Room]) {
				s.say(wire.AppendSyncRequired(nil, p.Room, 1, p.Seq, s.events.cfg.Epoch))
			}
		}
	}
	if !s.flush() {
		return
	}
	beat := time.NewTicker(s.events.cfg.Heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.stream.ending:
			return
		case <-beat.C:
			if !s.beat() {
				return
			}
		case <-s.stream.wake:
			if !s.drain(beat) {
				return
			}
		}
	}
}

// drain writes what waits.
func (s *streaming) drain(beat *time.Ticker) bool {
	for {
		out, drained := s.stream.take(chunk, s.seen)
		if len(out) == 0 {
			if drained {
				s.sub.Drained()
			}
			return true
		}
		last := len(out) - 1
		for last > 0 && out[last].seq == 0 {
			last--
		}
		for i := range out {
			s.event(&out[i], i == last)
		}
		select {
		case <-s.stream.ending: // what was taken from the queue is not the reader's any more
			return false
		default:
		}
		if !s.flush() {
			return false
		}
		beat.Reset(s.events.cfg.Heartbeat)
		if drained {
			s.sub.Drained()
		}
	}
}

// event appends an event, with the reader's place where it is due: as of this event, so that it is a place between two of them.
func (s *streaming) event(q *queued, last bool) {
	if q.seq != 0 {
		s.seen[q.num] = max(s.seen[q.num], q.seq)
		s.moved = true
		s.unsaid++
		if last || s.unsaid >= longIDGap {
			s.sayPlaceIfDue()
		}
	}
	s.say(q.body)
}

func (s *streaming) say(body []byte) {
	s.buf = append(s.buf, "data: "...)
	s.buf = append(s.buf, body...) // JSON in one line
	s.buf = append(s.buf, "\n\n"...)
}

func (s *streaming) sayPlaceIfDue() {
	if 8*len(s.seen) <= shortID || s.unsaid >= longIDGap {
		s.sayPlace()
	}
}

func (s *streaming) sayPlace() {
	s.buf = append(s.buf, "id: "...)
	s.buf = append(s.buf, eventID(s.events.cfg.Epoch, s.seen)...)
	s.buf = append(s.buf, '\n')
	s.unsaid, s.moved = 0, false
}

// beat says that the stream lives, and where its reader is where that is not known yet.
func (s *streaming) beat() bool {
	if s.moved {
		s.sayPlace()
	}
	s.buf = append(s.buf, ":\n\n"...)
	return s.flush()
}

// flush writes what was appended. A reader that does not take it in time is gone: it comes back with its place.
func (s *streaming) flush() bool {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamPatience))
	_, err := s.w.Write(s.buf)
	s.buf = s.buf[:0]
	if cap(s.buf) > 4*chunk {
		s.buf = nil
	}
	return err == nil && s.control.Flush() == nil
}
