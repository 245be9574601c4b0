// SPDX-License-Identifier: Apache-2.0

package app

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"

	"parley/internal/chat"
)

func demoUsers() []DemoUser {
	return []DemoUser{
		{ID: "admin", Name: "Admin", Role: chat.RoleAdministrator},
		{ID: "alice", Name: "Alice Moreau", Role: chat.RoleUser},
		{ID: "bob", Name: "Bob Okafor", Role: chat.RoleUser},
		{ID: "carol", Name: "Carol Lindqvist", Role: chat.RoleUser},
		{ID: "yuki", Name: "由紀 Tanaka", Role: chat.RoleUser},
		{ID: "sprout", Name: "Greenhouse", Role: chat.RoleUser},
	}
}

// demoRoom is a room of the demo with who is in it, its owner first.
type demoRoom struct {
	id, name, about string
	private         bool
	members         []chat.UserID
}

func demoRooms() []demoRoom {
	return []demoRoom{
		{"general", "General", "What concerns everybody", false, []chat.UserID{"admin", "alice", "bob", "carol", "yuki", "sprout"}},
		{"greenhouse", "Greenhouse", "Seedlings, sensors and the pump that nobody trusts", false, []chat.UserID{"bob", "alice", "carol", "sprout"}},
		{"kitchen", "Kitchen", "Who cooks, what is left, and how it was made", false, []chat.UserID{"carol", "alice", "yuki"}},
		{"random", "Random", "Anything else", false, []chat.UserID{"admin", "alice", "bob", "carol", "yuki"}},
		{"reading-circle", "Reading circle", "One book a month; no spoilers before the 20th", false, []chat.UserID{"yuki", "carol"}},
		{"harvest-plan", "Harvest plan", "Quantities and dates, before they are announced", true, []chat.UserID{"alice", "admin", "bob"}},
	}
}

// demoLine is something that somebody does. Most say a text in a room; name lets later lines point at the message.
type demoLine struct {
	who  chat.UserID
	in   chat.RoomID
	text string
	name string

	to      chat.UserID // a private message instead
	answers string      // in the thread of that message
	quotes  string      // points at it, in the room itself
	reacts  string      // an emoji on the message quoted
	pins    bool        // the message quoted
	picture bool        // with the picture of the temperatures
}

func demoStory() []demoLine {
	return []demoLine{
		{who: "admin", in: chat.Announcements, text: "Welcome to the demo. Everything here is made up, and gone when you remove the data directory."},

		{who: "alice", in: "general", text: "Good morning, everybody", name: "morning"},
		{who: "bob", in: "general", quotes: "morning", reacts: "👋"},
		{who: "carol", in: "general", quotes: "morning", reacts: "👋"},
		{who: "yuki", in: "general", text: "おはようございます ☀️"},
		{who: "bob", in: "general", text: "Morning! Did the sensors in the greenhouse report tonight?"},
		{who: "alice", in: "general", text: "They did, over the same connection as this message: `chat/message/general`, QoS 1. The acknowledgement came after it was on disk.", name: "ack"},
		{who: "carol", in: "general", quotes: "ack", reacts: "🌱"},
		{who: "admin", in: "general", text: "For this week:\n- the **pump** is serviced on Thursday\n- seed orders by Friday, please\n- *no* meeting on Monday", name: "week"},
		{who: "admin", in: "general", quotes: "week", pins: true},
		{who: "carol", in: "general", text: "Who takes the early shift on Thursday, then? @bob maybe?", name: "shift"},
		{who: "bob", in: "general", answers: "shift", text: "I can, if somebody opens the gate at six."},
		{who: "alice", in: "general", answers: "shift", text: "I have the key. Six it is."},
		{who: "carol", in: "general", answers: "shift", text: "You are both wonderful."},
		{who: "yuki", in: "general", text: "The recipe from yesterday is in Kitchen now, for all who asked."},

		{who: "sprout", in: "greenhouse", text: "Good night. 18.4 °C, humidity 71 %, pump off."},
		{who: "sprout", in: "greenhouse", text: "Good morning. Here is the night.", picture: true, name: "chart"},
		{who: "bob", in: "greenhouse", quotes: "chart", reacts: "👀"},
		{who: "alice", in: "greenhouse", quotes: "chart", text: "What is that dip at four?"},
		{who: "bob", in: "greenhouse", text: "The door. The wind opens it.\n\n> 18.4 °C, humidity 71 %\n\nIt was 14.9 °C for twenty minutes, so the tomatoes will live."},
		{who: "bob", in: "greenhouse", text: "To ask it yourself:\n```\nmosquitto_pub -t chat/message/greenhouse -m 'report'\n```"},
		{who: "carol", in: "greenhouse", text: "A hook for the door is on its way 🪝"},

		{who: "yuki", in: "kitchen", text: "Miso soup for eight:\n1. dashi, 1.5 l\n2. four spoons of miso, *not boiled*\n3. tofu, spring onions, whatever the greenhouse gave", name: "soup"},
		{who: "alice", in: "kitchen", quotes: "soup", reacts: "😋"},
		{who: "carol", in: "kitchen", quotes: "soup", reacts: "😋"},
		{who: "carol", in: "kitchen", text: "I cook tomorrow. Leftovers are in the ~~blue~~ red box."},

		{who: "carol", in: "random", text: "Somebody left a bicycle bell on my desk. I am keeping it."},
		{who: "bob", in: "random", text: "It rings when the humidity is right."},

		{who: "alice", in: "harvest-plan", text: "First lettuce on the 3rd, about 40 heads. Not announced yet."},
		{who: "bob", in: "harvest-plan", text: "42, I counted."},

		{who: "bob", to: "alice", text: "Are you still at the greenhouse?"},
		{who: "alice", to: "bob", text: "Until seven. Shall I wait?"},
		{who: "bob", to: "alice", text: "Please. I bring the hook."},
		{who: "carol", to: "alice", text: "Lunch at half past twelve?"},
	}
}

// playDemo makes the demo's rooms and has its people speak. Each step has an id of its own, so that a story that was interrupted
// goes on where it was, and nothing is said twice.
func (a *App) playDemo(ctx context.Context) error {
	step := 0
	as := func(u chat.UserID) chat.Call {
		step++
		return chat.Call{Principal: chat.Principal{UserID: u}, ClientMsgID: fmt.Sprintf("demo %d", step)}
	}
	for _, r := range demoRooms() {
		n := chat.NewRoom{ID: chat.RoomID(r.id), Name: r.name, Description: r.about, Private: r.private}
		if _, err := a.service.CreateRoom(as(r.members[0]), n).Wait(ctx); err != nil {
			return err
		}
		for _, u := range r.members[1:] {
			var joined *chat.Pending[chat.Joined]
			if r.private {
				joined = a.service.Invite(as(r.members[0]), n.ID, u)
			} else {
				joined = a.service.Join(as(u), n.ID)
			}
			if _, err := joined.Wait(ctx); err != nil {
				return err
			}
		}
	}
	named := map[string]chat.ID{}
	for _, l := range demoStory() {
		id, err := a.perform(ctx, l, as(l.who), named)
		if err != nil {
			return fmt.Errorf("%s, %q: %w", l.who, l.text, err)
		}
		if l.name != "" {
			named[l.name] = id
		}
	}
	return nil
}

// perform does what a line says and tells the message that came of it.
func (a *App) perform(ctx context.Context, l demoLine, call chat.Call, named map[string]chat.ID) (chat.ID, error) {
	m := chat.NewMessage{Content: l.text, ReplyTo: named[l.quotes]}
	var sent *chat.Pending[chat.Sent]
	switch {
	case l.reacts != "":
		_, err := a.service.React(call, named[l.quotes], l.reacts).Wait(ctx)
		return chat.ID{}, err
	case l.pins:
		_, err := a.service.Pin(call, named[l.quotes]).Wait(ctx)
		return chat.ID{}, err
	case l.picture:
		file, err := a.demoPicture(ctx, call, l.in)
		if err != nil {
			return chat.ID{}, err
		}
		sent = a.service.ShareFile(call, l.in, file, m)
	case l.in == chat.Announcements:
		sent = a.service.Broadcast(call, m)
	case l.to != "":
		sent = a.service.SendPrivate(call, l.to, m)
	case l.answers != "":
		sent = a.service.Reply(call, named[l.answers], m)
	default:
		sent = a.service.Send(call, l.in, m)
	}
	v, err := sent.Wait(ctx)
	return v.MessageID, err
}

// demoPicture uploads a picture of the night's temperatures.
func (a *App) demoPicture(ctx context.Context, call chat.Call, room chat.RoomID) (chat.ID, error) {
	var data bytes.Buffer
	if err := png.Encode(&data, temperatures(960, 420)); err != nil {
		return chat.ID{}, err
	}
	n := chat.NewFile{Name: "temperature.png", Type: "image/png", Size: int64(data.Len())}
	call.ClientMsgID += " picture"
	call.Digest = [16]byte{1} // of the request: a repeat is known before there is a file with an id
	done, err := a.files.Store(ctx, call, room, n, data.Bytes())
	return done.File.ID, err
}

// temperatures draws a curve over a night: a slow fall, a dip where the door was open, the sun.
func temperatures(width, height int) image.Image {
	paper, line, area, curve := color.RGBA{250, 250, 247, 255}, color.RGBA{226, 228, 222, 255}, color.RGBA{214, 234, 220, 255}, color.RGBA{38, 121, 82, 255}
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	bell := func(x float64) float64 { return math.Exp(-x * x) }
	at := func(x int) float64 { // in parts of the height from the top
		t := float64(x) / float64(width)
		return 0.35 + 0.25*t - 0.35*bell((t-1.05)/0.18) + 0.22*bell((t-0.52)/0.025) + 0.006*math.Sin(70*t)
	}
	for x := range width {
		top := at(x) * float64(height)
		for y := range height {
			c := paper
			switch {
			case math.Abs(float64(y)-top) < 2.5+0.5*math.Abs(at(x+1)-at(x))*float64(height):
				c = curve
			case float64(y) > top:
				c = area
			}
			if c != curve && (y%(height/6) == 0 || x%(width/8) == 0) {
				c = line
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}
