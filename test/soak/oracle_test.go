// SPDX-License-Identifier: Apache-2.0

//go:build unix

package soak

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"parley/internal/feed/feedtest"
	"parley/test/systemtest"
	"parley/test/view"
)

// register knows who was in which room when, and who said what: from all that the administrator was told, who is in every room
// from its second event on.
type register struct {
	stays map[string]map[string][]feedtest.Stay // by room and user
	at    map[string]spot                       // by message: where it is
	texts map[string]spot
	logs  map[string]uint64 // by room: the last seq
	// unsure are rooms of which the administrator was not told all: a cleanup or the room's end took it before.
	unsure  map[string]bool
	ended   map[string]bool // rooms whose log came to its end
	deleted map[string]bool // rooms of which the administrator's own log says that they were deleted
}

// keep is what the administrator's device writes down of each event.
func (r *register) keep(w *town, body []byte) error {
	var e struct {
		head
		Action   string `json:"action"`
		TargetID string `json:"target_id"`
		SenderID string `json:"sender_id"`
		Deleted  bool   `json:"deleted"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	switch {
	case e.Type == "sync_required":
		r.unsure[e.RoomID] = true
	case e.Type != "room_deleted":
	case e.RoomID == "user:"+systemtest.Root:
		r.deleted[e.Room.ID] = true
	default:
		r.ended[e.RoomID] = true
	}
	if e.Seq == 0 || strings.HasPrefix(e.RoomID, "user:") || isPrivate(e.RoomID) || e.Seq <= r.logs[e.RoomID] {
		return nil
	}
	w.mu.Lock()
	creator := w.creators[e.RoomID]
	w.mu.Unlock()
	stays := r.stays[e.RoomID]
	if stays == nil {
		stays = map[string][]feedtest.Stay{}
		if creator == "" { // who names it by a dot and a number
			creator, _, _ = strings.Cut(e.RoomID, ".")
		}
		stays[creator] = []feedtest.Stay{{From: 1}}
		r.stays[e.RoomID] = stays
		r.logs[e.RoomID] = 1 // the creator's joining
	}
	if e.Seq != r.logs[e.RoomID]+1 { // cut away, or the room's end came alone
		r.unsure[e.RoomID] = true
	}
	r.logs[e.RoomID] = e.Seq
	ends := func(user string, end uint64) {
		if list := stays[user]; len(list) > 0 && list[len(list)-1].To == 0 {
			list[len(list)-1].To, list[len(list)-1].End = e.Seq-1, end
		}
	}
	switch {
	case e.Type == "system" && e.Event == "member_joined":
		stays[e.UserID] = append(stays[e.UserID], feedtest.Stay{From: e.Seq})
	case e.Type == "system" && e.Event == "member_left":
		ends(e.UserID, 0)
	case e.Type == "moderated" && (e.Action == "kick" || e.Action == "ban"):
		ends(e.TargetID, 0)
	case e.Type == "room_deleted":
		for user := range stays {
			ends(user, e.Seq)
		}
	case e.ID != "" && e.Content != nil && e.SenderID != "system":
		r.at[e.ID] = spot{e.RoomID, e.Seq}
		if e.Deleted { // "a deleted one's as a tombstone": replay has no text of it
			return nil
		}
		if was, again := r.texts[*e.Content]; again {
			return fmt.Errorf("%q is at %v and at %v", *e.Content, was, spot{e.RoomID, e.Seq})
		}
		r.texts[*e.Content] = spot{e.RoomID, e.Seq}
	}
	return nil
}

// knows tells whether the administrator saw all that happened in a room: who made it may have been banned before they invited.
func (r *register) knows(room string) bool {
	return r.stays[room] != nil && !r.unsure[room] && r.ended[room] == r.deleted[room]
}

// during tells whether a user was in the room at a seq.
func (r *register) during(room, user string, seq uint64) (feedtest.Stay, bool) {
	for _, s := range r.stays[room][user] {
		if seq >= s.From && (s.To == 0 || seq <= s.To || seq == s.End) {
			return s, true
		}
	}
	return feedtest.Stay{}, false
}

// entitled fails for what a device was told or shown that was not its user's.
func (w *town) entitled(d *device, r *register) {
	m := d.memory
	peer := func(room string) bool { return strings.Contains(room+":", ":"+d.user+":") }
	for _, p := range m.pushed {
		switch {
		case isPrivate(p.room):
			if !peer(p.room) {
				w.fault("%v was told %v, of a conversation of others", d, p.spot)
			}
			continue
		case p.room == "announcements", !r.knows(p.room):
			continue
		}
		stay, in := r.during(p.room, d.user, p.seq)
		if !in {
			w.fault("%v was told %v, and was in the room at %v", d, p.spot, r.stays[p.room][d.user])
		} else if at := r.at[p.edits]; p.edits != "" && at.seq != 0 && at.seq < stay.From {
			w.fault("%v was told at %v the text of %v, from before the joining at %d", d, p.spot, at, stay.From)
		}
	}
	for at := range m.pulled {
		if isPrivate(at.room) && !peer(at.room) {
			w.fault("%v was shown %v, of a conversation of others", d, at)
		}
		if _, in := r.during(at.room, d.user, at.seq); w.private[at.room] && r.knows(at.room) && !in {
			w.fault("%v was shown %v, and was in the room at %v", d, at, r.stays[at.room][d.user])
		}
	}
	for room := range m.heard {
		known := room == "announcements" || peer(room) || !r.knows(room) || len(r.stays[room][d.user]) > 0
		if !known {
			w.fault("%v heard in passing of %s, where they never were", d, room)
		}
	}
}

// kept fails for a message that was acknowledged and is not where the acknowledgement said.
func (w *town) kept(r *register) {
	for _, m := range w.said {
		if isPrivate(m.room) || !r.knows(m.room) {
			continue // compared with what the devices of the two were told
		}
		if at, ok := r.at[m.id]; !ok || at != (spot{m.room, m.seq}) {
			w.fault("%q was acknowledged as %s at %d of %s, and the log has it at %v", m.text, m.id, m.seq, m.room, at)
		}
	}
	for _, p := range w.people {
		for _, d := range p.devices {
			for _, m := range w.said {
				if is, told := d.memory.told[spot{m.room, m.seq}]; told && !strings.HasSuffix(is, " "+m.id) {
					w.fault("%v was told %s where %s was acknowledged, at %d of %s", d, is, m.id, m.seq, m.room)
				}
			}
		}
	}
}

// compare holds what the devices of everybody show against what the server says. It is over in twice the patience at most: devices
// wait once, all at the same time, and the server is asked that long.
func (w *town) compare() {
	ctx, cancel := w.patient()
	defer cancel()
	tooLong := time.NewTimer(2 * patience())
	defer tooLong.Stop()
	var all sync.WaitGroup
	for _, p := range w.people {
		all.Go(func() {
			if err := p.compare(ctx); err != nil {
				w.fault("%s: %v", p.name, err)
			}
		})
	}
	done := ended(&all)
	select {
	case <-done:
	case <-tooLong.C:
		w.fault("the views should have been compared, after %v", 2*patience())
		w.stop()
		<-done
	}
}

func (p *person) compare(ctx context.Context) error {
	ask := p.town.asking(p.name)
	var s synced
	if err := ask("sync", fields(), &s); err != nil {
		return err
	}
	account, err := view.LoadAccount(ask)
	if err != nil {
		return err
	}
	fresh := map[string]*view.Room{}
	for _, r := range s.Rooms {
		if r.Type == "user" {
			continue
		}
		if fresh[r.ID], err = view.LoadRoom(ask, r.ID); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		if err := p.unread(&r, fresh[r.ID]); err != nil {
			return err
		}
	}
	var differ []error
	for _, d := range p.devices {
		if err := d.compare(ctx, &s, account, fresh); err != nil {
			differ = append(differ, fmt.Errorf("%v: %w", d, err))
		}
	}
	return errors.Join(differ...)
}

// unread counts what the server says is unread: messages after what was read and what they said last.
func (p *person) unread(r *room, shown *view.Room) error {
	count := func(setBack bool) (n int) {
		seen := max(r.FirstSeq-1, r.ReadSeq)
		for _, m := range shown.Messages {
			if m.Sender == p.name && m.Seq >= r.Joined && !setBack {
				seen = max(seen, m.Seq)
			}
		}
		for _, m := range shown.Messages {
			if m.Type != "system" && m.Seq > seen {
				n++
			}
		}
		return n
	}
	back, unclear := p.unreadFrom[r.ID], p.unclear[r.ID]
	if n := count(back); n != r.Unread && (!unclear || count(!back) != r.Unread) {
		return fmt.Errorf("%d messages of %s are unread by the server's count and %d by one's own (set back %v, unclear %v): %+v",
			r.Unread, r.ID, n, back, unclear, *r)
	}
	return nil
}

// compare waits until the device was told everything, and compares.
func (d *device) compare(ctx context.Context, s *synced, account *view.Account, fresh map[string]*view.Room) error {
	if d.kind == looks {
		if err := d.await(ctx, "the device", func(m *memory) string {
			if !m.begun {
				return "it is not there"
			}
			return ""
		}); err != nil {
			return err
		}
		d.look()
	}
	err := d.await(ctx, "the ends of the logs", func(m *memory) string {
		if !m.begun {
			return "it is not there"
		}
		missing := ""
		for _, r := range s.Rooms {
			last, trail := uint64(0), m.came
			if r.Type == "user" {
				last = m.account.Seq
			} else if p := m.rooms[r.ID]; p != nil {
				last, trail = max(p.last, p.missed), p.trail
			}
			if last < r.LastSeq {
				missing += fmt.Sprintf(" %s from %d to %d, which others were told of as %q (before: %q),", r.ID, last+1, r.LastSeq,
					d.town.told(spot{r.ID, r.LastSeq}, d), trail)
			}
		}
		return missing
	})
	if err != nil {
		return err
	}
	d.hearing.Lock()
	defer d.hearing.Unlock()
	m := d.memory
	if err := m.account.Refresh(m.ask); err != nil {
		return err
	}
	if err := m.account.Differs(account); err != nil {
		return err
	}
	for _, r := range s.Rooms {
		p := m.rooms[r.ID]
		if p == nil || r.Type == "user" {
			continue
		}
		if p.picture == nil {
			if err := m.load(r.ID); err != nil || p.picture == nil {
				return fmt.Errorf("the picture of %s cannot be loaded: %w", r.ID, err)
			}
		}
		p.picture.Forget(r.FirstSeq)
		if err := p.picture.Refresh(m.ask, r.ID); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
		if err := p.picture.Differs(fresh[r.ID]); err != nil {
			return fmt.Errorf("%s: %w", r.ID, err)
		}
	}
	return nil
}

// told is what some other device was told of a place in a log, for messages of failed tests.
func (w *town) told(at spot, except *device) string {
	for _, p := range w.people {
		for _, d := range p.devices {
			if d == except || !d.hearing.TryLock() {
				continue
			}
			is := d.memory.told[at]
			d.hearing.Unlock()
			if is != "" {
				return is
			}
		}
	}
	return ""
}

// counts is what a run came to.
func (w *town) counts() string {
	devices, told, copies, truncated, unsent := 0, 0, 0, 0, 0
	for _, p := range w.people {
		for _, d := range p.devices {
			devices++
			told += len(d.memory.told)
			copies += d.memory.copies
			truncated += d.memory.truncated
			unsent += d.memory.unsent
		}
	}
	var refused []string
	for code, n := range w.refusals {
		refused = append(refused, fmt.Sprintf("%s %d", code, n))
	}
	slices.Sort(refused)
	return fmt.Sprintf("%d deeds, %d interruptions, %d messages, %d rooms; %d devices of %d people were told of %d events, of %d of them again, of %d truncated, and %d times of what they are not told; refused: %s",
		w.deeds.Load(), w.interruptions, len(w.said), len(w.creators), devices, len(w.people), told, copies, truncated, unsent, strings.Join(refused, ", "))
}

// judge compares everything, when all has come to rest.
func (w *town) judge(r *register) {
	w.compare()
	root := w.people[0].devices[0]
	if root.user != systemtest.Root {
		w.t.Fatal("the administrator does not come first")
	}
	for _, p := range w.people {
		for _, d := range p.devices {
			d.hearing.Lock()
			if d != root {
				w.entitled(d, r)
			}
			d.hearing.Unlock()
		}
	}
	w.kept(r)
	w.t.Log(w.counts())
}
