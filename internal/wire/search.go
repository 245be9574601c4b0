// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// SearchRoom is the payload of search/{room_id}.
type SearchRoom struct {
	Envelope
	noTexts
	Query     string      `json:"query" doc:"words that all have to be there, \"words in a row\", begin* and *part" min:"1" max:"256" example:"tomatoes"`
	SenderID  chat.UserID `json:"sender_id,omitempty" doc:"only what this user wrote"`
	From      Timestamp   `json:"from,omitzero" doc:"sent at this moment or later"`
	To        Timestamp   `json:"to,omitzero" doc:"sent at this moment or earlier"`
	Limit     int         `json:"limit,omitempty" doc:"how many at most" min:"0" max:"100" default:"20" example:"20"`
	BeforeSeq uint64      `json:"before_seq,omitempty" doc:"older than this place in the log: the first of covers of the page before" min:"0"`
}

// Search is the payload of search.
type Search struct {
	Envelope
	noTexts
	Query    string      `json:"query" doc:"words that all have to be there, \"words in a row\", begin* and *part" min:"1" max:"256" example:"tomatoes"`
	SenderID chat.UserID `json:"sender_id,omitempty" doc:"only what this user wrote"`
	From     Timestamp   `json:"from,omitzero" doc:"sent at this moment or later"`
	To       Timestamp   `json:"to,omitzero" doc:"sent at this moment or earlier"`
	Limit    int         `json:"limit,omitempty" doc:"how many at most" min:"0" max:"100" default:"20" example:"20"`
	Before   string      `json:"before,omitempty" doc:"where to go on: before of the page before"`
}

// Hit is a message that was found, as a page shows it to one viewer.
type Hit struct {
	Event
	snippet string
}

// MarshalJSONTo implements json.MarshalerTo: the message with one field more.
func (h Hit) MarshalJSONTo(enc *jsontext.Encoder) error {
	b := h.append(nil)
	o := object{b[:len(b)-1]}
	o.string("snippet", h.snippet)
	return enc.WriteValue(append(o.b, '}'))
}

func hitsOf(found *chat.Found, epoch int64, viewer chat.UserID) []Hit {
	out := make([]Hit, len(found.Hits))
	for i, h := range found.Hits {
		out[i] = Hit{Event{event: h.Event, epoch: epoch, viewer: viewer}, h.Snippet}
	}
	return out
}

// FoundInRoom answers search/{room_id}.
type FoundInRoom struct {
	Reply
	RoomID   chat.RoomID `json:"room_id"`
	Epoch    int64       `json:"epoch"`
	Messages []Hit       `json:"messages" doc:"newest first"`
	Covers   [2]uint64   `json:"covers" doc:"from and to: the part of the log that was looked at" example:"[1,9]"`
	Count    int         `json:"count" doc:"how many messages the page has" example:"1"`
	HasMore  bool        `json:"has_more"`
}

// FoundInRoomOf shows what was found in a room.
func FoundInRoomOf(found *chat.Found, scope chat.SearchScope, epoch int64, viewer chat.UserID) *FoundInRoom {
	r := &FoundInRoom{Reply: Reply{Status: "success"}, RoomID: scope.Room.ID, Epoch: epoch, Messages: hitsOf(found, epoch, viewer),
		Count: len(found.Hits), HasMore: found.More}
	if scope.From <= scope.To {
		r.Covers = [2]uint64{scope.From, scope.To}
	}
	if found.More {
		r.Covers[0] = found.Next.Seq
	}
	return r
}

// Shrink implements Pager: the older half goes.
func (r *FoundInRoom) Shrink() (ok bool) {
	if len(r.Messages) == 1 {
		return r.Messages[0].truncate()
	}
	if r.Messages, ok = half(r.Messages); ok {
		r.Count, r.HasMore = len(r.Messages), true
		r.Covers[0] = r.Messages[len(r.Messages)-1].Seq()
	}
	return ok
}

// About implements About.
func (r *FoundInRoom) About() []chat.RoomID { return []chat.RoomID{r.RoomID} }

// Found answers search.
type Found struct {
	Reply
	Epoch    int64  `json:"epoch"`
	Messages []Hit  `json:"messages" doc:"newest first"`
	Count    int    `json:"count" doc:"how many messages the page has" example:"1"`
	HasMore  bool   `json:"has_more"`
	Before   string `json:"before,omitempty" doc:"where to go on, while has_more"`
}

// FoundOf shows what was found in all rooms.
func FoundOf(found *chat.Found, epoch int64, viewer chat.UserID) *Found {
	r := &Found{Reply: Reply{Status: "success"}, Epoch: epoch, Messages: hitsOf(found, epoch, viewer), Count: len(found.Hits), HasMore: found.More}
	if found.More {
		r.Before = found.Next.String()
	}
	return r
}

// Shrink implements Pager: the older half goes.
func (r *Found) Shrink() (ok bool) {
	if len(r.Messages) == 1 {
		return r.Messages[0].truncate()
	}
	if r.Messages, ok = half(r.Messages); ok {
		r.Count, r.HasMore = len(r.Messages), true
		r.Before = chat.MarkOf(r.Messages[len(r.Messages)-1].event).String()
	}
	return ok
}

// About implements About.
func (r *Found) About() []chat.RoomID {
	var rooms []chat.RoomID
	for _, h := range r.Messages {
		if id := h.event.RoomID; !slices.Contains(rooms, id) {
			rooms = append(rooms, id)
		}
	}
	return rooms
}
