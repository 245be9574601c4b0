// SPDX-License-Identifier: Apache-2.0

package chat_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"parley/internal/chat"
)

func TestCreateRoom(t *testing.T) {
	w := newWorld(t)
	out := done(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "general", Name: "General", Description: "all"}))
	want := chat.Room{Num: out.Room.Num, ID: "general", Kind: chat.PublicRoom, Name: "General", Description: "all", CreatedBy: "ann",
		CreatedAt: w.clock.Time(), MaxMembers: 100, History: chat.VisibleShared, FirstSeq: 1, LastSeq: 1, MemberCount: 1, Policy: out.Room.Policy}
	if diff := cmp.Diff(want, out.Room); diff != "" {
		t.Error(diff)
	}
	// The creator's joining is the log's first event, and the own log tells of the room.
	if e := w.log("general")[0]; e.Kind != chat.System || e.Details.Event != chat.MemberJoined || e.Details.UserID != "ann" || e.Content != "Ann joined" {
		t.Errorf("the first event is %+v", e)
	}
	if e := w.log(chat.UserLog("ann"))[0]; e.Kind != chat.RoomAdded || e.Details.RoomID != "general" || e.Details.RoomName != "General" {
		t.Errorf("the own log says %+v", e)
	}
	out = done(t, w.CreateRoom(by("ann"), chat.NewRoom{Name: "x", Private: true, MaxMembers: 1}))
	if out.Room.Kind != chat.PrivateRoom || out.Room.History != chat.VisibleJoined || out.Room.MaxMembers != 1 {
		t.Errorf("the private room is %+v", out.Room)
	}
	if _, ok := chat.ParseID(string(out.Room.ID)); !ok {
		t.Errorf("the id chosen by the server is %q", out.Room.ID)
	}
	for _, n := range []chat.NewRoom{
		{Name: ""}, {Name: "x", MaxMembers: -1}, {Name: "x", MaxMembers: w.Limits().MaxMembers + 1},
		{Name: "x", ID: "create"}, {Name: "x", ID: "announcements"}, {Name: "x", ID: "private:a:b"}, {Name: "x", ID: "user:ann"},
		{Name: "x", ID: "-x"}, {Name: "x", ID: "a/b"}, {Name: "x", ID: "a#"}, {Name: "x", ID: "ä"}, {Name: "x", ID: chat.RoomID(strings.Repeat("a", 65))},
	} {
		e := refused(t, w.CreateRoom(by("ann"), n), chat.BadRequest)
		if field, _, _ := strings.Cut(e.Message, ":"); !slices.Contains([]string{"name", "room_id", "max_members"}, field) {
			t.Errorf("the refusal of %+v names no field: %s", n, e.Message)
		}
	}
	refused(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: "general", Name: "Again"}), chat.Conflict)
	refused(t, w.CreateRoom(by("nobody"), chat.NewRoom{Name: "x"}), chat.Unauthenticated)
}

// A name is never used again: not after a deletion, not after a private room has closed.
func TestNamesAreNotReused(t *testing.T) {
	w := newWorld(t)
	w.room("deleted", false, "bob")
	w.room("closed", true, "bob")
	done(t, w.DeleteRoom(by("ann"), "deleted"))
	done(t, w.Leave(by("ann"), "closed"))
	if out := done(t, w.Leave(by("bob"), "closed")); !out.Closed {
		t.Error("the empty private room was not closed")
	}
	for _, id := range []chat.RoomID{"deleted", "closed"} {
		refused(t, w.CreateRoom(by("ann"), chat.NewRoom{ID: id, Name: "x"}), chat.Conflict)
		refused(t, w.Join(by("bob"), id), chat.NotFound)
		refused(t, w.Send(by("bob"), id, text("x")), chat.NotFound)
		_, err := w.History(t.Context(), who("bob"), id, chat.HistoryQuery{})
		isRefusal(t, err, chat.NotFound)
	}
	if e := last(w.log(chat.UserLog("bob"))); e.Kind != chat.RemovedFromRoom || e.Details.RoomID != "closed" || e.Details.Reason != "left" {
		t.Errorf("bob's log ends with %+v", e)
	}
	if e := last(w.log("deleted")); e.Kind != chat.RoomDeleted {
		t.Errorf("the deleted room's log ends with %+v", e)
	}
}

func last(events []*chat.Event) *chat.Event { return events[len(events)-1] }

// An empty public room stays, and whoever comes next owns it.
func TestEmptyPublicRoom(t *testing.T) {
	w := newWorld(t)
	w.room("r", false)
	if out := done(t, w.Leave(by("ann"), "r")); out.Closed {
		t.Error("the public room was closed")
	}
	done(t, w.Join(by("bob"), "r"))
	done(t, w.UpdateRoom(by("bob"), "r", chat.RoomPatch{Name: ptr("Mine")}))
	done(t, w.DeleteRoom(by("bob"), "r"))
}

// The owner who goes hands over to who has been there longest; who comes back begins anew.
func TestOwnerHandsOverBySeniority(t *testing.T) {
	for name, goes := range map[string]func(w *world) outcome{
		"leaves":    func(w *world) outcome { return of(w.t, w.Leave(by("ann"), "r")) },
		"is kicked": func(w *world) outcome { return of(w.t, w.Moderate(by(root), "r", act(chat.ActionKick, "ann"))) },
		"is banned": func(w *world) outcome { return of(w.t, w.Moderate(by(root), "r", act(chat.ActionBan, "ann"))) },
		"is erased": func(w *world) outcome {
			return of(w.t, w.RemoveUser("ann"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.room("r", false, "bob", "cat", "dan")
			w.Leave(by("bob"), "r")
			w.Join(by("bob"), "r")
			if code := goes(w)(); code != "" {
				t.Fatal(code)
			}
			if e := last(w.log("r")); e.Kind != chat.RoomUpdated || e.Details.Changes.OwnerID == nil || *e.Details.Changes.OwnerID != "cat" {
				t.Fatalf("the log ends with %+v", e.Details)
			}
			want := map[chat.UserID]chat.RoomRole{"bob": chat.RoleMember, "cat": chat.RoleOwner, "dan": chat.RoleMember}
			if diff := cmp.Diff(want, w.roles("r")); diff != "" {
				t.Fatal(diff)
			}
		})
	}
}

func (w *world) roles(id chat.RoomID) map[chat.UserID]chat.RoomRole {
	w.t.Helper()
	r := read[*chat.Room](w.t)(w.store.ReadRoom(w.t.Context(), id))
	out := map[chat.UserID]chat.RoomRole{}
	for _, m := range read[[]chat.Member](w.t)(w.store.RoomMembers(w.t.Context(), r.Num, "", 0)) {
		out[m.User] = m.Role
	}
	if r.MemberCount != len(out) {
		w.t.Errorf("%s counts %d members and has %d", id, r.MemberCount, len(out))
	}
	return out
}

func TestTransfer(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob", "cat")
	refused(t, w.Transfer(by("ann"), "r", "eve"), chat.NotFound)
	refused(t, w.Transfer(by("ann"), "r", ""), chat.BadRequest)
	done(t, w.Transfer(by("ann"), "r", "ann")) // is it already
	done(t, w.Transfer(by("ann"), "r", "bob"))
	want := map[chat.UserID]chat.RoomRole{"ann": chat.RoleModerator, "bob": chat.RoleOwner, "cat": chat.RoleMember}
	if diff := cmp.Diff(want, w.roles("r")); diff != "" {
		t.Fatal(diff)
	}
	refused(t, w.Transfer(by("ann"), "r", "ann"), chat.Forbidden)
}

func TestUpdateRoom(t *testing.T) {
	w := newWorld(t)
	w.room("r", false, "bob")
	w.room("p", true)
	out := done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("A"), Description: ptr("B"), MaxMembers: ptr(7), SlowMode: ptr(5),
		ReadOnly: ptr(true), History: ptr(chat.VisibleJoined), OwnerID: ptr(chat.UserID("bob"))}))
	got := out.Room
	if got.Name != "A" || got.Description != "B" || got.MaxMembers != 7 || got.SlowMode != 5 || !got.ReadOnly || got.History != chat.VisibleJoined {
		t.Errorf("the room is %+v", got)
	}
	if w.roles("r")["ann"] != chat.RoleOwner {
		t.Error("an update transferred the room")
	}
	e := last(w.log("r"))
	if e.Kind != chat.RoomUpdated || *e.Details.Changes.Description != "B" || e.Details.Changes.OwnerID != nil {
		t.Errorf("the log says %+v", e.Details.Changes)
	}
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Description: ptr("")}))
	if e := last(w.log("r")); *e.Details.Changes.Description != "" || e.Details.Changes.Name != nil {
		t.Errorf("the log says %+v", e.Details.Changes)
	}
	n := len(w.log("r"))
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{Name: ptr("A")}))
	done(t, w.UpdateRoom(by("ann"), "r", chat.RoomPatch{}))
	if len(w.log("r")) != n {
		t.Error("an update that changes nothing is in the log")
	}
	for _, p := range []chat.RoomPatch{
		{Name: ptr("")}, {MaxMembers: ptr(0)}, {MaxMembers: ptr(w.Limits().MaxMembers + 1)}, {SlowMode: ptr(-1)}, {SlowMode: ptr(86401)},
		{History: ptr(chat.Visibility("all"))},
	} {
		refused(t, w.UpdateRoom(by("ann"), "r", p), chat.BadRequest)
	}
	refused(t, w.UpdateRoom(by("ann"), "p", chat.RoomPatch{History: ptr(chat.VisibleShared)}), chat.BadRequest)
}

// Many joiners for few places: exactly the places are taken, whatever commits they come in.
func TestCapacity(t *testing.T) {
	const joiners, places = 40, 7
	w := newWorld(t)
	users := make([]chat.UserID, joiners)
	for i := range users {
		users[i] = chat.UserID(fmt.Sprintf("u%d", i))
		w.CreateUser(chat.NewUser{ID: users[i]})
	}
	w.CreateRoom(by("ann"), chat.NewRoom{ID: "r", Name: "r", MaxMembers: places + 1})
	w.settle()
	outcomes := make(chan chat.Code, joiners)
	for i, u := range users {
		go func() {
			if i%2 == 0 {
				outcomes <- of(t, w.Join(by(u), "r"))()
			} else {
				outcomes <- of(t, w.Invite(by("ann"), "r", u))()
			}
		}()
	}
	counts := map[chat.Code]int{}
	for range joiners {
		counts[<-outcomes]++
	}
	if diff := cmp.Diff(map[chat.Code]int{"": places, chat.RoomFull: joiners - places}, counts); diff != "" {
		t.Fatal(diff)
	}
	if n := len(w.roles("r")); n != places+1 {
		t.Fatalf("%d members", n)
	}
	// Somebody goes, one place is free.
	done(t, w.Leave(by("ann"), "r"))
	done(t, w.Join(by("bob"), "r"))
	refused(t, w.Join(by("cat"), "r"), chat.RoomFull)
}

func TestInvite(t *testing.T) {
	w := newWorld(t)
	w.room("p", true, "bob")
	out := done(t, w.Invite(by("bob"), "p", "cat"))
	if out.Already || out.MemberCount != 3 || out.FirstSeq != 3 {
		t.Errorf("invited: %+v", out)
	}
	if out := done(t, w.Invite(by("bob"), "p", "cat")); !out.Already || out.MemberCount != 3 {
		t.Errorf("invited again: %+v", out)
	}
	if e := last(w.log(chat.UserLog("cat"))); e.Kind != chat.RoomAdded || e.Actor != "bob" || e.Details.RoomKind != chat.PrivateRoom {
		t.Errorf("the guest's log says %+v", e)
	}
	refused(t, w.Invite(by("bob"), "p", "nobody"), chat.NotFound)
	refused(t, w.Invite(by("bob"), "p", ""), chat.BadRequest)
	refused(t, w.Invite(by("eve"), "p", ""), chat.NotFound) // a stranger learns nothing
	done(t, w.Moderate(by("ann"), "p", act(chat.ActionBan, "dan")))
	refused(t, w.Invite(by("bob"), "p", "dan"), chat.Forbidden)
	done(t, w.Moderate(by("ann"), "p", act(chat.ActionUnban, "dan")))
	done(t, w.Moderate(by("ann"), "p", act(chat.ActionLock, "")))
	refused(t, w.Invite(by("bob"), "p", "dan"), chat.Forbidden)
	done(t, w.Invite(by("ann"), "p", "dan"))
}

func TestLists(t *testing.T) {
	limits := chat.DefaultLimits()
	limits.MaxListPage = 3
	w := newWorldWith(t, limits)
	for i := range 5 {
		w.room(chat.RoomID(fmt.Sprintf("room%d", i)), i == 4, "bob")
	}
	w.Moderate(by("ann"), "room0", act(chat.ActionPromote, "bob"))
	w.settle()
	ids := func(rooms []chat.Room) (out []chat.RoomID) {
		for _, r := range rooms {
			out = append(out, r.ID)
		}
		return out
	}
	rooms, more, err := w.PublicRooms(t.Context(), "", "", 0)
	if diff := cmp.Diff([]chat.RoomID{"room0", "room1", "room2"}, ids(rooms)); err != nil || !more || diff != "" {
		t.Errorf("public rooms: %v %v %s", err, more, diff)
	}
	rooms, more, err = w.PublicRooms(t.Context(), "", "room2", 3)
	if diff := cmp.Diff([]chat.RoomID{"room3"}, ids(rooms)); err != nil || more || diff != "" {
		t.Errorf("the next page: %v %v %s", err, more, diff)
	}
	rooms, _, _ = w.PublicRooms(t.Context(), "OOM3", "", 3)
	if diff := cmp.Diff([]chat.RoomID{"room3"}, ids(rooms)); diff != "" {
		t.Errorf("searched: %s", diff)
	}
	_, _, err = w.PublicRooms(t.Context(), "", "", -1)
	isRefusal(t, err, chat.BadRequest)

	mine, more, err := w.Mine(t.Context(), who("bob"), "", "", 2)
	if err != nil || !more || len(mine) != 2 || mine[0].Room.ID != chat.Announcements || mine[1].Room.ID != "room0" || mine[1].Member.Role != chat.RoleModerator {
		t.Errorf("own rooms: %v %v %+v", err, more, mine)
	}
	mine, more, err = w.Mine(t.Context(), who("bob"), "ROOM", "room2", 0)
	if err != nil || more || len(mine) != 2 || mine[1].Room.ID != "room4" {
		t.Errorf("the rest: %v %v %+v", err, more, mine)
	}
	_, _, err = w.Mine(t.Context(), who("bob"), "", "", -1)
	isRefusal(t, err, chat.BadRequest)

	info := read[*chat.RoomInfo](t)(w.RoomInfo(t.Context(), who("ann"), "room0", "", 1))
	if info.Self.Role != chat.RoleOwner || len(info.Members) != 1 || !info.HasMore || info.Members[0].User != "ann" {
		t.Errorf("info for a member: %+v", info)
	}
	info = read[*chat.RoomInfo](t)(w.RoomInfo(t.Context(), who("ann"), "room0", "ann", 1))
	if info.HasMore || len(info.Members) != 1 || info.Members[0].User != "bob" {
		t.Errorf("the next page: %+v", info)
	}
	info = read[*chat.RoomInfo](t)(w.RoomInfo(t.Context(), who("cat"), "room0", "", 0))
	if info.Self != nil || info.Members != nil || info.Room.MemberCount != 2 {
		t.Errorf("info for a stranger: %+v", info)
	}
}
