// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// reactions appends who reacted, by emoji, and how many did where not all are named.
func (o *object) reactions(list []chat.Reaction) {
	o.key("reactions")
	o.b = appendReactions(o.b, list)
	more := false
	for _, r := range list {
		more = more || r.Count > len(r.Users)
	}
	if more {
		o.key("reaction_counts")
		o.b = appendReactionCounts(o.b, list)
	}
}

// answers appends how many answers the thread has that a message begins, where it has any.
func (o *object) answers(a chat.Answers) {
	if a.Count > 0 {
		o.uint("thread_count", uint64(a.Count))
		o.uint("thread_last_seq", a.LastSeq)
	}
}

// thread appends what is left of the thread of an answer that was deleted; only whose it was to who may not see its beginning.
func (o *object) thread(t *chat.ThreadChange) {
	o.string("thread_id", t.ID)
	if t.RootSeq == 0 {
		return
	}
	o.uint("thread_count", uint64(max(t.Count, 0)))
	if t.Count > 0 {
		o.uint("thread_last_seq", t.LastSeq)
	}
}

func appendReactions(dst []byte, list []chat.Reaction) []byte {
	dst = append(dst, '{')
	for i, r := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, r.Emoji), ':', '[')
		for j, u := range r.Users {
			if j > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(dst, string(u))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

func appendReactionCounts(dst []byte, list []chat.Reaction) []byte {
	dst = append(dst, '{')
	first := true
	for _, r := range list {
		if r.Count == len(r.Users) {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(appendString(dst, r.Emoji), ':')
		dst = strconv.AppendInt(dst, int64(r.Count), 10)
	}
	return append(dst, '}')
}

// mentions appends who is named in a text, where somebody is.
func (o *object) mentions(d *chat.Details) {
	if d == nil || len(d.Mentions) == 0 {
		return
	}
	o.key("mentions")
	o.b = append(o.b, '[')
	for i, u := range d.Mentions {
		if i > 0 {
			o.b = append(o.b, ',')
		}
		o.b = appendString(o.b, string(u))
	}
	o.b = append(o.b, ']')
}

// aboutMessage appends what an event did to a message. Content is missing from an edit whose text the viewer may not see, or
// that is gone.
func (o *object) aboutMessage(e *chat.Event) {
	switch e.Kind {
	case chat.MessageEdited:
		if e.Content != "" {
			o.string("content", e.Content)
			o.mentions(e.Details)
			if e.Flagged {
				o.bool("flagged", true)
			}
		}
	case chat.MessageDeleted:
		if e.Details != nil && e.Details.Thread != nil {
			o.thread(e.Details.Thread)
		}
	case chat.ReactionAdded, chat.ReactionRemoved:
		o.string("emoji", e.Content)
		if e.Details != nil {
			o.uint("count", uint64(max(e.Details.Count, 0)))
		}
	}
}

// EditMessage is the payload of message/{message_id}/edit.
type EditMessage struct {
	Envelope
	Content string `json:"content" doc:"the new text" min:"1" max:"4000" example:"hello again"`
	flag    chat.Flag
}

// Texts implements Payload.
func (p *EditMessage) Texts() []Text {
	return []Text{{Field: "content", Value: &p.Content, Form: Body}}
}

// Flag implements Flagged.
func (p *EditMessage) Flag(f chat.Flag) { p.flag = f }

// Flagged tells what Flag was called with.
func (p *EditMessage) Flagged() chat.Flag { return p.flag }

// SetPlain takes a plain text for the content.
func (p *EditMessage) SetPlain(text string) { p.Content = text }

// React is the payload of message/{message_id}/react and unreact.
type React struct {
	Envelope
	noTexts
	Emoji string `json:"emoji" doc:"one emoji" example:"👍"`
}

// Report is the payload of message/{message_id}/report.
type Report struct {
	Envelope
	Reason string `json:"reason" doc:"what is wrong with it" min:"1" max:"1000" example:"spam"`
}

// Texts implements Payload.
func (p *Report) Texts() []Text { return []Text{{Field: "reason", Value: &p.Reason, Form: Remark}} }

// Versions is the payload of message/{message_id}/versions.
type Versions struct {
	Envelope
	noTexts
	Limit     int    `json:"limit,omitempty" doc:"how many at most" min:"0" example:"50"`
	BeforeSeq uint64 `json:"before_seq,omitempty" doc:"go on after the version with this seq" min:"0"`
}

// Thread is the payload of thread/{message_id}. At most one of after_seq and before_seq.
type Thread struct {
	Envelope
	noTexts
	Limit     int    `json:"limit,omitempty" doc:"how many answers at most" min:"0" example:"50"`
	AfterSeq  uint64 `json:"after_seq,omitempty" doc:"answers after this place in the log" min:"0"`
	BeforeSeq uint64 `json:"before_seq,omitempty" doc:"answers before this place in the log" min:"0"`
}

// ListPins is the payload of rooms/{room_id}/pins.
type ListPins struct {
	Envelope
	noTexts
	BeforeSeq uint64 `json:"before_seq,omitempty" doc:"go on after the pin with this seq" min:"0"`
}

// ListReports is the payload of admin/reports/list.
type ListReports struct {
	Envelope
	noTexts
	RoomID chat.RoomID `json:"room_id,omitempty" doc:"only of this room; needed by who is no administrator"`
	Status string      `json:"status,omitempty" doc:"which ones" enum:"open resolved dismissed all" default:"open"`
	Limit  int         `json:"limit,omitempty" doc:"how many at most" min:"0" max:"200" default:"50" example:"50"`
	Before int64       `json:"before,omitempty" doc:"older than this report_id" min:"0"`
}

// CloseReport is the payload of admin/reports/{report_id}/close.
type CloseReport struct {
	Envelope
	noTexts
	Status chat.ReportStatus `json:"status" doc:"what became of it" enum:"resolved dismissed" example:"resolved"`
}

// MessageChanged answers edit, delete, pin and unpin. Seq and Timestamp are missing when there was nothing to do.
type MessageChanged struct {
	Reply
	RoomID    chat.RoomID `json:"room_id"`
	MessageID string      `json:"message_id"`
	Seq       uint64      `json:"seq,omitzero" is:"Seq" doc:"of the event; absent where nothing had to be done" example:"10"`
	Timestamp Timestamp   `json:"timestamp,omitzero" doc:"of the event; absent where nothing had to be done" example:"1795358936.310"`
}

// MessageChangedOf shows what was done to a message.
func MessageChangedOf(status string, c *chat.Changed) *MessageChanged {
	return &MessageChanged{Reply: Reply{Status: status, Duplicate: c.Duplicate}, RoomID: c.RoomID, MessageID: c.MessageID.String(), Seq: c.Seq,
		Timestamp: Timestamp(c.At)}
}

// Reactions are who reacted how to a message.
type Reactions []chat.Reaction

// MarshalJSONTo implements json.MarshalerTo.
func (r Reactions) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(appendReactions(nil, r))
}

// MessageReacted answers react and unreact.
type MessageReacted struct {
	Reply
	RoomID    chat.RoomID    `json:"room_id"`
	MessageID string         `json:"message_id"`
	Emoji     string         `json:"emoji" doc:"fully qualified" example:"👍"`
	Seq       uint64         `json:"seq,omitzero" is:"Seq" doc:"of the event; absent where nothing had to be done" example:"10"`
	Reactions Reactions      `json:"reactions" doc:"who reacted how, by emoji; of each at most 100 users"`
	Counts    map[string]int `json:"reaction_counts,omitempty" doc:"how many, by emoji, where not all are named"`
}

// MessageReactedOf shows a message's reactions.
func MessageReactedOf(status string, c *chat.Reacted) *MessageReacted {
	out := &MessageReacted{Reply: Reply{Status: status, Duplicate: c.Duplicate}, RoomID: c.RoomID, MessageID: c.MessageID.String(), Emoji: c.Emoji,
		Seq: c.Seq, Reactions: c.Reactions}
	for _, r := range c.Reactions {
		if r.Count > len(r.Users) {
			if out.Counts == nil {
				out.Counts = map[string]int{}
			}
			out.Counts[r.Emoji] = r.Count
		}
	}
	return out
}

// MessageReported answers report.
type MessageReported struct {
	Reply
	RoomID    chat.RoomID `json:"room_id"`
	MessageID string      `json:"message_id"`
}

// VersionData is an earlier text of a message.
type VersionData struct {
	Seq        uint64      `json:"seq" is:"Seq" doc:"of the event that replaced it"`
	Content    string      `json:"content" doc:"the text as it was" example:"helo"`
	Timestamp  Timestamp   `json:"timestamp" doc:"when it was written"`
	ReplacedAt Timestamp   `json:"replaced_at" doc:"when it was replaced"`
	ReplacedBy chat.UserID `json:"replaced_by" doc:"who replaced it"`
}

// VersionPage answers message/{message_id}/versions.
type VersionPage struct {
	Reply
	RoomID    chat.RoomID   `json:"room_id"`
	MessageID string        `json:"message_id"`
	Versions  []VersionData `json:"versions" doc:"the latest first"`
	HasMore   bool          `json:"has_more"`
}

// VersionPageOf shows earlier texts.
func VersionPageOf(p *chat.VersionPage) *VersionPage {
	out := &VersionPage{Reply: Reply{Status: "success"}, RoomID: p.Message.RoomID, MessageID: p.Message.MessageID.String(),
		Versions: make([]VersionData, len(p.Versions)), HasMore: p.HasMore}
	for i, v := range p.Versions {
		out.Versions[i] = VersionData{Seq: v.Seq, Content: v.Content, Timestamp: Timestamp(v.At), ReplacedAt: Timestamp(v.ReplacedAt), ReplacedBy: v.ReplacedBy}
	}
	return out
}

// Shrink implements Pager.
func (p *VersionPage) Shrink() (ok bool) {
	p.Versions, ok = half(p.Versions)
	p.HasMore = p.HasMore || ok
	return ok
}

// About implements About.
func (p *VersionPage) About() []chat.RoomID { return []chat.RoomID{p.RoomID} }

// ThreadPage answers thread/{message_id}.
type ThreadPage struct {
	Reply
	RoomID   chat.RoomID `json:"room_id"`
	Epoch    int64       `json:"epoch"`
	ThreadID string      `json:"thread_id" is:"MessageID" doc:"the thread's first message"`
	Root     *Event      `json:"root" doc:"the thread's first message; null where the caller may not see it"`
	Messages []Event     `json:"messages" doc:"the answers in order"`
	HasMore  bool        `json:"has_more"`

	backwards bool
}

// ThreadPageOf shows a page of a thread; backwards says that the far end is its beginning.
func ThreadPageOf(p *chat.ThreadPage, epoch int64, viewer chat.UserID, backwards bool) *ThreadPage {
	out := &ThreadPage{Reply: Reply{Status: "success"}, RoomID: p.Room.ID, Epoch: epoch, ThreadID: p.RootID.String(),
		Messages: EventsOf(p.Messages, epoch, viewer), HasMore: p.HasMore, backwards: backwards}
	if p.Root != nil {
		out.Root = &Event{event: p.Root, epoch: epoch, viewer: viewer}
	}
	return out
}

// Shrink implements Pager: the far end goes.
func (p *ThreadPage) Shrink() bool {
	n := len(p.Messages)
	if n <= 1 {
		return n == 1 && p.Messages[0].truncate() || p.Root != nil && p.Root.truncate()
	}
	if p.backwards {
		p.Messages = p.Messages[n-n/2:]
	} else {
		p.Messages = p.Messages[:n/2]
	}
	p.HasMore = true
	return true
}

// About implements About.
func (p *ThreadPage) About() []chat.RoomID { return []chat.RoomID{p.RoomID} }

// PinData is a pinned message.
type PinData struct {
	Message  Event       `json:"message"`
	Seq      uint64      `json:"seq" is:"Seq" doc:"of the event that pinned it"`
	PinnedBy chat.UserID `json:"pinned_by" doc:"who pinned it"`
	PinnedAt Timestamp   `json:"pinned_at" doc:"when"`
}

// Pins answers rooms/{room_id}/pins.
type Pins struct {
	Reply
	RoomID  chat.RoomID `json:"room_id"`
	Epoch   int64       `json:"epoch"`
	Pins    []PinData   `json:"pins" doc:"the latest first"`
	HasMore bool        `json:"has_more"`
}

// PinsOf shows pinned messages.
func PinsOf(p *chat.PinPage, epoch int64, viewer chat.UserID) *Pins {
	out := &Pins{Reply: Reply{Status: "success"}, RoomID: p.Room.ID, Epoch: epoch, Pins: make([]PinData, len(p.Pins)), HasMore: p.HasMore}
	for i, pin := range p.Pins {
		out.Pins[i] = PinData{Message: Event{event: pin.Message, epoch: epoch, viewer: viewer}, Seq: pin.Seq, PinnedBy: pin.By, PinnedAt: Timestamp(pin.At)}
	}
	return out
}

// Shrink implements Pager.
func (p *Pins) Shrink() (ok bool) {
	if len(p.Pins) == 1 {
		return p.Pins[0].Message.truncate()
	}
	p.Pins, ok = half(p.Pins)
	p.HasMore = p.HasMore || ok
	return ok
}

// About implements About.
func (p *Pins) About() []chat.RoomID { return []chat.RoomID{p.RoomID} }

// ReportData is a report as moderators see it.
type ReportData struct {
	ReportID   int64             `json:"report_id" doc:"of the report" example:"17"`
	RoomID     chat.RoomID       `json:"room_id"`
	MessageID  string            `json:"message_id"`
	Seq        uint64            `json:"seq" is:"Seq" doc:"of the message"`
	SenderID   chat.UserID       `json:"sender_id" doc:"who wrote the message"`
	Content    string            `json:"content,omitempty" doc:"the text as it was reported, while the report is open" example:"buy now"`
	ReporterID chat.UserID       `json:"reporter_id" doc:"who reported it; system: the server, of a link to a suspicious host"`
	Reason     string            `json:"reason" doc:"what is wrong with it" example:"spam"`
	Timestamp  Timestamp         `json:"timestamp" doc:"when it was reported"`
	Status     chat.ReportStatus `json:"status"`
	ClosedBy   chat.UserID       `json:"closed_by,omitempty" doc:"who closed it"`
	ClosedAt   Timestamp         `json:"closed_at,omitzero" doc:"when it was closed"`
}

// Reports answers admin/reports/list.
type Reports struct {
	Reply
	Reports []ReportData `json:"reports" doc:"the latest first"`
	HasMore bool         `json:"has_more"`
}

// ReportsOf shows reports.
func ReportsOf(p *chat.ReportPage) *Reports {
	out := &Reports{Reply: Reply{Status: "success"}, Reports: make([]ReportData, len(p.Reports)), HasMore: p.HasMore}
	for i, r := range p.Reports {
		out.Reports[i] = ReportData{ReportID: r.Num, RoomID: r.RoomID, MessageID: r.MessageID.String(), Seq: r.Seq, SenderID: r.Sender, Content: r.Content,
			ReporterID: r.Reporter, Reason: r.Reason, Timestamp: Timestamp(r.At), Status: r.Status, ClosedBy: r.ClosedBy, ClosedAt: Timestamp(r.ClosedAt)}
	}
	return out
}

// Shrink implements Pager.
func (p *Reports) Shrink() (ok bool) {
	p.Reports, ok = half(p.Reports)
	p.HasMore = p.HasMore || ok
	return ok
}

// ReportClosed answers admin/reports/{report_id}/close.
type ReportClosed struct {
	Reply
	ReportID int64             `json:"report_id" doc:"of the report" example:"17"`
	Outcome  chat.ReportStatus `json:"outcome" doc:"what became of it" enum:"resolved dismissed"`
}
