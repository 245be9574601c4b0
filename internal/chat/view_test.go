// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"parley/internal/chat"
	"parley/internal/wire"
	"parley/test/view"
)

// ask answers what a picture is loaded from, as the door does.
func (w *world) ask(u chat.UserID) view.Ask {
	ctx := w.t.Context()
	return func(route string, payload map[string]any, out any) error {
		name, rest, _ := strings.Cut(route, "/")
		room, about, _ := strings.Cut(rest, "/")
		text := func(key string) string { s, _ := payload[key].(string); return s }
		seq, _ := payload["before_seq"].(uint64)
		limit, _ := payload["limit"].(int)
		var reply wire.Replier
		var err error
		switch {
		case name == "history":
			var p *chat.Page
			around, _ := chat.ParseID(text("around"))
			if p, err = w.History(ctx, who(u), chat.RoomID(room), chat.HistoryQuery{Limit: limit, BeforeSeq: seq, Around: around}); err == nil {
				reply = wire.PageOf(p, 1, u, false)
			}
		case about == "pins":
			var p *chat.PinPage
			if p, err = w.Pins(ctx, who(u), chat.RoomID(room), seq); err == nil {
				reply = wire.PinsOf(p, 1, u)
			}
		case about == "info":
			var i *chat.RoomInfo
			if i, err = w.RoomInfo(ctx, who(u), chat.RoomID(room), chat.UserID(text("after")), 0); err == nil {
				reply = wire.RoomDetailOf(i, 0, func(chat.UserID) bool { return false }, time.UnixMilli(int64(w.clock.Time())))
			}
		case route == "rooms/list":
			var rooms []chat.Membership
			if rooms, _, err = w.Mine(ctx, who(u), "", "", 0); err == nil {
				reply = &wire.OwnRooms{Rooms: wire.RoomHeadsOf(rooms)}
			}
		case route == "users/me":
			var me *chat.User
			var blocked []chat.UserID
			if me, err = w.Account(ctx, u); err == nil {
				blocked, err = w.Blocks(ctx, u)
				reply = wire.OwnProfileOf(me, blocked, w.clock.Time())
			}
		default:
			err = errors.New("this test does not answer " + route)
		}
		if err != nil {
			return err
		}
		body, _ := wire.EncodeReply(reply, 0)
		return json.Unmarshal(body, out)
	}
}

// picture is what a client shows of one room and of its user's account.
type picture struct {
	user    chat.UserID
	room    *view.Room // nil: the user is not in it
	account *view.Account
}

func (p *picture) clone() *picture {
	c := &picture{user: p.user, account: p.account.Clone()}
	if p.room != nil {
		c.room = p.room.Clone()
	}
	return c
}

// load loads a picture as a client does that comes anew.
func (w *world) load(u chat.UserID, id chat.RoomID) (*picture, error) {
	p := &picture{user: u}
	var err error
	if p.account, err = view.LoadAccount(w.ask(u)); err != nil {
		return nil, err
	}
	p.room, err = view.LoadRoom(w.ask(u), string(id))
	if code := chat.CodeOf(err); code == chat.NotMember || code == chat.Banned || code == chat.NotFound || errors.Is(err, view.ErrStranger) {
		p.room, err = nil, nil
	}
	return p, err
}

// deed is something done to a message or to somebody, the n-th that there is by then.
type deed struct {
	Kind string
	N    int
	Text string
}

var deedsAbout = map[string][]string{
	"send":     {"say"},
	"edit":     {"edit", "edit", "say"},
	"delete":   {"delete", "edit", "say", "share file"},
	"react":    {"react", "react", "unreact"},
	"pin":      {"pin", "unpin", "pin", "delete"},
	"file":     {"share file", "share image", "edit", "delete"},
	"members":  {"join", "leave", "invite", "kick", "ban", "unban"},
	"roles":    {"promote", "demote", "transfer", "mute", "unmute", "leave", "join"},
	"settings": {"describe", "read only", "read and write", "lock", "unlock", "say"},
	"account":  {"silence", "let speak", "rename", "block", "unblock", "say", "leave", "join"},
	"end":      {"say", "leave", "join", "delete room"},
	"hooks":    {"post", "post", "edit", "delete"},
	"threads":  {"answer", "answer", "delete"},
	"messages": {"say", "answer", "edit", "delete", "react", "react", "unreact", "pin", "unpin"},
}

// everything brings about events of each kind, whatever the others do meanwhile.
var everything = []deed{
	{"say", 0, "hello"}, {"share file", 0, "a file"}, {"share image", 0, "a picture"}, {"edit", 0, "hello again"}, {"react", 1, "👍"},
	{"unreact", 1, "👍"}, {"pin", 1, ""}, {"unpin", 1, ""}, {"delete", 0, ""}, {"describe", 0, "about"}, {"lock", 0, ""}, {"unlock", 0, ""},
	{"promote", 2, ""}, {"demote", 2, ""}, {"mute", 2, ""}, {"unmute", 2, ""}, {"kick", 3, ""}, {"invite", 3, ""}, {"ban", 3, ""},
	{"unban", 3, ""}, {"silence", 2, ""}, {"let speak", 2, ""}, {"rename", 0, "Anna"}, {"block", 2, ""}, {"unblock", 2, ""},
	{"transfer", 1, ""}, {"leave", 0, ""},
}

// do does one thing. Who may not is refused, which is fine here.
func (w *world) do(u chat.UserID, id chat.RoomID, d deed, message chat.ID) (said chat.ID, err error) {
	ctx := w.t.Context()
	whom := people[d.N%4]
	moderate := func(action string) error {
		_, err := w.Moderate(by(u), id, act(action, whom)).Wait(ctx)
		return err
	}
	update := func(p chat.RoomPatch) error {
		_, err := w.UpdateRoom(by(u), id, p).Wait(ctx)
		return err
	}
	share := func(content chat.FileContent) (chat.ID, error) {
		f, err := w.BeginUpload(by(u), id, chat.NewFile{Name: "a", Size: 3}).Wait(ctx)
		if err != nil {
			return chat.ID{}, err
		}
		if _, err := w.FinishUpload(by(u), "", f.File.ID, content).Wait(ctx); err != nil {
			return chat.ID{}, err
		}
		s, err := w.ShareFile(by(u), id, f.File.ID, text(d.Text)).Wait(ctx)
		return s.MessageID, err
	}
	switch d.Kind {
	case "say":
		s, err := w.Send(by(u), id, text(d.Text)).Wait(ctx)
		return s.MessageID, err
	case "post":
		s, err := w.Send(by(u), id, chat.NewMessage{Content: d.Text, Poster: "Builds"}).Wait(ctx)
		return s.MessageID, err
	case "answer":
		s, err := w.Reply(by(u), message, text(d.Text)).Wait(ctx)
		return s.MessageID, err
	case "share file":
		return share(chat.FileContent{Type: "text/plain"})
	case "share image":
		return share(chat.FileContent{Type: "image/png", Width: 4, Height: 3})
	case "edit":
		_, err = w.Edit(by(u), message, fmt.Sprintf("%s %s %d", d.Text, u, d.N), chat.Flag(d.N%3)).Wait(ctx)
	case "delete":
		_, err = w.Delete(by(u), message).Wait(ctx)
	case "react":
		_, err = w.React(by(u), message, d.Text).Wait(ctx)
	case "unreact":
		_, err = w.Unreact(by(u), message, d.Text).Wait(ctx)
	case "pin":
		_, err = w.Pin(by(u), message).Wait(ctx)
	case "unpin":
		_, err = w.Unpin(by(u), message).Wait(ctx)
	case "join":
		_, err = w.Join(by(u), id).Wait(ctx)
	case "leave":
		_, err = w.Leave(by(u), id).Wait(ctx)
	case "invite":
		_, err = w.Invite(by(u), id, whom).Wait(ctx)
	case "transfer":
		_, err = w.Transfer(by(u), id, whom).Wait(ctx)
	case "delete room":
		_, err = w.DeleteRoom(by(u), id).Wait(ctx)
	case "describe":
		err = update(chat.RoomPatch{Description: ptr(d.Text), MaxMembers: ptr(10 + d.N)})
	case "read only", "read and write":
		err = update(chat.RoomPatch{ReadOnly: ptr(d.Kind == "read only")})
	case "silence":
		_, err = w.ModerateUser(by(root), whom, chat.Moderation{Action: chat.ActionMute, Duration: time.Hour}).Wait(ctx)
	case "let speak":
		_, err = w.ModerateUser(by(root), whom, chat.Moderation{Action: chat.ActionUnmute}).Wait(ctx)
	case "rename":
		_, err = w.UpdateProfile(by(u), d.Text).Wait(ctx)
	case "block", "unblock":
		_, err = w.SetBlock(by(u), whom, d.Kind == "block").Wait(ctx)
	default:
		err = moderate(d.Kind)
	}
	return chat.ID{}, err
}

// A picture that was loaded at any moment and the events after it, heard live or read later, are what a picture is that is
// loaded at the end: for each kind of event, made by several people at once.
func TestSnapshotAndEventsAreASnapshot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	seen := map[chat.EventKind]int{}
	alone := map[chat.UserID][]deed{"ann": everything, "bob": slices.Repeat([]deed{{"say", 0, "and I"}, {"react", 1, "❤️"}}, 10)}
	if err := w.tell("each", alone, seen); err != nil {
		t.Fatal(err)
	}
	if err := w.tell("end", map[chat.UserID][]deed{"ann": {{"delete room", 0, ""}}, "bob": {{"say", 0, "still here"}}}, seen); err != nil {
		t.Fatal(err)
	}
	for _, kind := range eventKinds(t) {
		if seen[kind] == 0 {
			t.Errorf("no client was told an event of the kind %s: have it happen here, and let package view know what it means", kind)
		}
	}
	if t.Failed() {
		return
	}
	rooms := 0
	rapid.Check(t, func(rt *rapid.T) {
		words := deedsAbout[rapid.SampledFrom(slices.Sorted(maps.Keys(deedsAbout))).Draw(rt, "about")]
		one := rapid.Custom(func(rt *rapid.T) deed {
			return deed{rapid.SampledFrom(words).Draw(rt, "kind"), rapid.IntRange(0, 5).Draw(rt, "n"), rapid.SampledFrom([]string{"👍", "❤️", "@bob you", "@cat"}).Draw(rt, "text")}
		})
		deeds := map[chat.UserID][]deed{}
		for _, u := range people[:3] {
			deeds[u] = rapid.SliceOfN(one, 2, 8).Draw(rt, string(u))
		}
		rooms++
		if err := w.tell(chat.RoomID(fmt.Sprintf("view%d", rooms)), deeds, seen); err != nil {
			rt.Fatal(err)
		}
	})
}

// tell has deeds done beside each other, while clients load the room, and tells what was wrong in the end. It counts what clients
// were told.
func (w *world) tell(id chat.RoomID, deeds map[chat.UserID][]deed, seen map[chat.EventKind]int) error {
	for _, u := range people[:4] {
		w.ModerateUser(by(root), u, chat.Moderation{Action: chat.ActionUnmute}) // of an earlier story
	}
	w.room(id, false, "bob", "cat")
	var mu sync.Mutex
	var ids []chat.ID
	for _, u := range people[:3] {
		ids = append(ids, done(w.t, w.Send(by(u), id, text("one of "+string(u)))).MessageID)
	}
	done(w.t, w.Moderate(by("ann"), id, act(chat.ActionPromote, "bob")))
	done(w.t, w.Join(by("dan"), id)) // who is not sent edits of what was before
	var clients []*picture
	var failures []error
	load := func(u chat.UserID) {
		p, err := w.load(u, id)
		mu.Lock()
		defer mu.Unlock()
		if failures = append(failures, err); err == nil {
			clients = append(clients, p, p.clone())
		}
	}
	for _, u := range people[:4] {
		load(u)
	}
	var wg sync.WaitGroup
	for u, list := range deeds {
		wg.Go(func() {
			for _, d := range list {
				mu.Lock()
				target := ids[d.N%len(ids)]
				mu.Unlock()
				said, err := w.do(u, id, d, target)
				mu.Lock()
				if chat.CodeOf(err) == chat.Internal {
					failures = append(failures, err)
				}
				if !said.IsZero() {
					ids = append(ids, said)
				}
				mu.Unlock()
			}
		})
	}
	load("cat")
	load("dan")
	wg.Wait()
	w.settle()
	if err := errors.Join(failures...); err != nil {
		return err
	}
	fresh := map[chat.UserID]*picture{}
	for _, u := range people[:4] {
		p, err := w.load(u, id)
		if err != nil {
			return err
		}
		fresh[u] = p
	}
	for i, p := range clients {
		if err := w.follow(p, id, fresh[p.user], i%2 == 0, seen); err != nil {
			return fmt.Errorf("client %d, %s: %w", i, p.user, err)
		}
	}
	return nil
}

// follow applies what came after a picture was loaded, as it was sent live, or as sync gives it later, and compares.
func (w *world) follow(p *picture, id chat.RoomID, fresh *picture, live bool, seen map[chat.EventKind]int) error {
	own := chat.UserLog(p.user)
	events := map[chat.RoomID][]*chat.Event{id: w.log(id), own: w.log(own)}
	r, err := w.store.ReadRoom(w.t.Context(), id)
	if err != nil {
		return err
	}
	m, err := w.store.ReadMember(w.t.Context(), r.Num, p.user)
	switch {
	case err != nil:
		return err
	case m == nil && !r.Deleted, p.room == nil: // is not told, or began to be told only later
		delete(events, id)
	case !live:
		s, err := w.Sync(w.t.Context(), who(p.user), map[chat.RoomID]uint64{id: p.room.Seq, own: p.account.Seq}, 0)
		if err != nil {
			return err
		}
		clear(events)
		for _, e := range s.Events {
			events[e.RoomID] = append(events[e.RoomID], e)
		}
	case m != nil:
		events[id] = slices.Clone(events[id])
		for i, e := range events[id] {
			events[id][i] = e.As(m.JoinedSeq)
		}
	}
	count := func(kind string, err error) error {
		seen[chat.EventKind(kind)]++
		return err
	}
	for _, e := range events[own] {
		if err := count(p.account.Apply(wire.AppendEvent(nil, e, 1, false))); err != nil {
			return err
		}
	}
	for _, e := range events[id] {
		if err := count(p.room.Apply(wire.AppendEvent(nil, e, 1, false))); err != nil {
			return err
		}
	}
	if err := p.account.Refresh(w.ask(p.user)); err != nil {
		return err
	}
	if err := p.account.Differs(fresh.account); err != nil {
		return err
	}
	switch {
	case p.room == nil:
		return nil
	case r.Deleted && live && !p.room.Gone:
		return errors.New("does not know that the room is gone")
	case m == nil:
		return nil
	}
	if err := p.room.Refresh(w.ask(p.user), string(id)); err != nil {
		return err
	}
	return p.room.Differs(fresh.room)
}

// eventKinds are the constants of the type EventKind in the source of package chat.
func eventKinds(t *testing.T) (kinds []chat.EventKind) {
	t.Helper()
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if typ, ok := spec.Type.(*ast.Ident); ok && typ.Name == "EventKind" {
				for _, v := range spec.Values {
					text, err := strconv.Unquote(v.(*ast.BasicLit).Value)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					kinds = append(kinds, chat.EventKind(text))
				}
			}
			return true
		})
	}
	if len(kinds) < 19 {
		t.Fatalf("found only the kinds %v", kinds)
	}
	return kinds
}
