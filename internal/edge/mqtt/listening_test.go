// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/chat"
	"parley/internal/content"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// A user subscribes within chat/user/{own user_id}/ only, whatever the wildcards.
func TestOwnTopics(t *testing.T) {
	for _, c := range []struct {
		filter string
		want   bool
	}{
		{"chat/user/bob/#", true}, {"chat/user/bob/messages", true}, {"chat/user/bob/+", true}, {"chat/user/bob/rooms/+", true},
		{"chat/user/bob/rooms/general", true}, {"chat/user/bob/replies", true}, {"chat/user/bob/+/+", true},
		{"#", false}, {"+/#", false}, {"chat/#", false}, {"chat/user/#", false}, {"chat/user/+/messages", false}, {"chat/user/+/#", false},
		{"+/user/bob/messages", false}, {"chat/+/bob/messages", false}, {"chat/user/bobby/messages", false}, {"chat/user/bo/messages", false},
		{"chat/user/ann/messages", false}, {"/chat/user/bob/messages", false}, {"chat/user//messages", false}, {"chat/user/", false},
		{"$SYS/#", false}, {"$share/x/chat/user/bob/messages", false}, {"chat/message/general", false}, {"", false}, {"chat/user/BOB/messages", false},
	} {
		if got := own(c.filter, "bob"); got != c.want {
			t.Errorf("%q is bob's own: %v, want %v", c.filter, got, c.want)
		}
	}
}

// seen is what a listening means for the deliveries of events.
type seen struct {
	Messages, General, Other string // topic, QoS and subscription identifiers; "" not delivered
	Listens, Reliable        bool
}

func show(t *target) string {
	if t == nil {
		return ""
	}
	return fmt.Sprint(t.topic, " ", t.qos, " ", t.ids)
}

func look(l *listening) seen {
	s := seen{General: show(l.event("general")), Other: show(l.event("other"))}
	if l.messages != nil {
		s.Messages = show(l.messages)
	}
	s.Listens, s.Reliable = l.listens()
	return s
}

// An event is delivered once: on the topic of all messages, or else on that of its room, at the highest QoS and with the identifiers
// of all filters that match that topic.
func TestListening(t *testing.T) {
	const all, general, other = "chat/user/bob/messages", "chat/user/bob/rooms/general", "chat/user/bob/rooms/other"
	for _, c := range []struct {
		name   string
		grants []grant
		want   seen
	}{
		{"nothing", nil, seen{}},
		{"all", []grant{{all, 1, 0}}, seen{all + " 1 []", all + " 1 []", all + " 1 []", true, true}},
		{"all at QoS 0", []grant{{all, 0, 7}}, seen{all + " 0 [7]", all + " 0 [7]", all + " 0 [7]", true, false}},
		{"everything", []grant{{"chat/user/bob/#", 1, 3}}, seen{all + " 1 [3]", all + " 1 [3]", all + " 1 [3]", true, true}},
		{"one level", []grant{{"chat/user/bob/+", 1, 3}}, seen{all + " 1 [3]", all + " 1 [3]", all + " 1 [3]", true, true}},
		{"overlapping", []grant{{"chat/user/bob/#", 0, 3}, {all, 1, 4}, {general, 1, 5}},
			seen{all + " 1 [3 4]", all + " 1 [3 4]", all + " 1 [3 4]", true, true}},
		{"one room", []grant{{general, 1, 5}}, seen{"", general + " 1 [5]", "", true, true}},
		{"all rooms", []grant{{"chat/user/bob/rooms/+", 0, 5}, {general, 1, 6}}, seen{"", general + " 1 [5 6]", other + " 0 [5]", true, true}},
		{"rooms by wildcards", []grant{{"chat/user/bob/+/general", 1, 0}, {"chat/user/bob/rooms/#", 0, 2}},
			seen{"", general + " 1 [2]", other + " 0 [2]", true, true}},
		{"replies alone", []grant{{"chat/user/bob/replies", 1, 0}}, seen{}},
		{"a room at QoS 0 beside replies", []grant{{"chat/user/bob/replies", 1, 0}, {general, 0, 0}}, seen{"", general + " 0 []", "", true, false}},
		{"all at QoS 0 beside a room", []grant{{all, 0, 0}, {general, 1, 0}}, seen{all + " 0 []", all + " 0 []", all + " 0 []", true, false}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newListening(c.grants, "bob")
			for range 2 { // what is remembered is the same
				if diff := cmp.Diff(c.want, look(l)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
	if listens, reliable := (*listening)(nil).listens(); listens || reliable {
		t.Error("nothing listens")
	}
}

// Replies go to the response topic or to the topic of replies, if the client listens there.
func TestReplyTopics(t *testing.T) {
	l := newListening([]grant{{"chat/user/bob/messages", 1, 1}, {"chat/user/bob/answers/+", 0, 2}, {"chat/user/bob/+", 0, 3}}, "bob")
	for topic, want := range map[string]string{
		"chat/user/bob/replies":   "chat/user/bob/replies 0 [3]",
		"chat/user/bob/answers/1": "chat/user/bob/answers/1 0 [2]",
		"chat/user/bob/messages":  "chat/user/bob/messages 1 [1 3]",
		"chat/user/bob/x/y":       "",
		"chat/user/ann/replies":   "",
	} {
		if got := show(l.match(topic)); got != want {
			t.Errorf("%s goes out as %q, want %q", topic, got, want)
		}
	}
}

func TestChangesOfSubscriptions(t *testing.T) {
	const all, general = "chat/user/bob/messages", "chat/user/bob/rooms/general"
	var l *listening
	l, taken := l.with([]grant{{all, 1, 1}, {general, 1, 1}}, "bob")
	if fmt.Sprint(taken) != "[true true]" || l.messages.qos != 1 {
		t.Fatal(taken, look(l))
	}
	before := l
	l, _ = l.with([]grant{{all, 0, 2}}, "bob") // replaces
	if got := show(l.messages); got != all+" 0 [2]" || len(l.grants) != 2 {
		t.Errorf("replaced: %s", got)
	}
	if got := show(before.messages); got != all+" 1 [1]" {
		t.Errorf("the old one was altered: %s", got)
	}
	l = l.without([]string{all, "chat/user/bob/nothing"}, "bob")
	if diff := cmp.Diff(seen{General: general + " 1 [1]", Listens: true, Reliable: true}, look(l)); diff != "" {
		t.Error(diff)
	}
	l = l.without([]string{general}, "bob")
	if diff := cmp.Diff(seen{}, look(l)); diff != "" {
		t.Error(diff)
	}
	if (*listening)(nil).without([]string{all}, "bob") != nil {
		t.Error("dropping from nothing makes something")
	}
	// There is an end to what one session may subscribe to; what it has can still be changed.
	for i := range maxFilters {
		l, _ = l.with([]grant{{fmt.Sprintf("%s%d", general, i), 0, 0}}, "bob")
	}
	l, taken = l.with([]grant{{all, 1, 0}, {general + "3", 1, 0}}, "bob")
	if fmt.Sprint(taken) != "[false true]" || len(l.grants) != maxFilters {
		t.Errorf("over the bound: %v, %d filters", taken, len(l.grants))
	}
}

// A will is a request of its user; of others nothing is promised.
func TestWills(t *testing.T) {
	d := newDoor(t)
	for topic, want := range map[string]string{
		"chat/message/general": "kept", "chat/private/ann": "kept", "chat/presence/offline": "left out", "chat/presence/x/y": "left out",
		"chat/user/ann/messages": "refused", "elsewhere": "refused", "chat/message": "refused", "": "refused", "presence/x": "refused",
	} {
		p := &packet.Connect{Will: &packet.Will{Topic: topic}}
		err := d.checkWill(p)
		got := "kept"
		if refusal, ok := errors.AsType[*server.Refusal](err); ok && refusal.Code == packet.NotAuthorized {
			got = "refused"
		} else if err != nil {
			t.Errorf("%q: %v", topic, err)
		} else if p.Will == nil {
			got = "left out"
		}
		if got != want {
			t.Errorf("a will to %q is %s, want %s", topic, got, want)
		}
	}
}

// Refusals at CONNECT, docs/protocol.md, section 3.
func TestRefusalsAtConnect(t *testing.T) {
	d := newDoor(t)
	for code, want := range map[chat.Code]packet.ReasonCode{
		chat.Unauthenticated: 0x86, chat.Banned: 0x8A, chat.RateLimited: 0x9F, chat.Unavailable: 0x88, chat.BadRequest: 0x86,
	} {
		refusal, ok := errors.AsType[*server.Refusal](d.refuseConnect(chat.Refuse(code, "why")))
		if !ok || refusal.Code != want || refusal.Reason != "why" {
			t.Errorf("%s is refused with %v, want %v", code, refusal, want)
		}
		if n := d.Outcomes()[code]; n != 1 {
			t.Errorf("%s is counted %d times", code, n)
		}
	}
	fault := errors.New("disk on fire")
	if err := d.refuseConnect(fault); !errors.Is(err, fault) { // the server logs it and tells nothing
		t.Errorf("a fault is %v", err)
	}
	if n := d.Outcomes()[chat.Internal]; n != 1 {
		t.Errorf("a fault is counted %d times", n)
	}
}

// users are accounts that something happens to while they are read.
type users func() *chat.User

func (u users) ReadUser(context.Context, chat.UserID) (*chat.User, error) { return u(), nil }

// A token that is revoked while a device re-authenticates with it is not in force afterwards.
func TestRevokedWhileReauthenticating(t *testing.T) {
	tokens := auth.NewTokens(auth.Secret{1}, nil)
	token, expires, err := tokens.Issue("ann", 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	claims, err := tokens.Verify(token)
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t)
	during := func() {}
	d.cfg.Auth = auth.NewAuthenticator(users(func() *chat.User {
		during()
		return &chat.User{ID: "ann", Generation: 1}
	}), nil, tokens, auth.DefaultLimits(), nil)
	dev := newDevice(d, auth.Identity{UserID: "ann"}, netip.Addr{}, 0)
	if id, err := dev.reauthenticate(t.Context(), token); err != nil || id.Token != claims.ID || dev.identity.Load().Token != claims.ID {
		t.Fatalf("re-authentication: %+v, %v", id, err)
	}
	during = func() { // the token has been verified, and the device is not known by it
		tokens.Revoke(claims.ID, expires)
		d.revocations.Add(1)
	}
	_, err = dev.reauthenticate(t.Context(), token)
	if refusal, ok := errors.AsType[*server.Refusal](err); !ok || refusal.Code != packet.NotAuthorized {
		t.Errorf("re-authentication with a token that was revoked meanwhile: %v", err)
	}
}

// An outcome of a code that is not on the list counts as internal.
func TestOutcomes(t *testing.T) {
	o := newOutcomes()
	for _, c := range append(chat.Codes(), "", "unheard-of") {
		o.count(c)
	}
	for c, n := range o.snapshot() {
		want := int64(1)
		if c == chat.Internal {
			want = 2
		}
		if n != want {
			t.Errorf("%q was counted %d times, want %d", c, n, want)
		}
	}
}

func newDoor(t testing.TB) *Door {
	t.Helper()
	rules, err := content.New(content.Policy{Profanity: content.ActionOff}, nil)
	if err != nil {
		t.Fatal(err)
	}
	routes := api.New(api.Config{Service: chat.NewService(nil, chat.DefaultLimits(), nil, nil), Rules: func() *content.Rules { return rules }, Now: time.Now})
	return New(t.Context(), Config{Router: routes.Router(), Auth: new(auth.Authenticator), Logger: slog.New(slog.DiscardHandler)})
}
