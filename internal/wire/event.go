// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// AsError finds the readable refusal in err's chain; nil for an internal error.
func AsError(err error) *chat.Error {
	if e, ok := errors.AsType[*chat.Error](err); ok {
		return e
	}
	return nil
}

// Event is an event as a page shows it to one viewer.
type Event struct {
	event  *chat.Event
	epoch  int64
	viewer chat.UserID
	cut    bool // shown as AppendTruncated does: a page of it alone was too large for the client
}

// EventsOf shows events to viewer.
func EventsOf(events []*chat.Event, epoch int64, viewer chat.UserID) []Event {
	out := make([]Event, len(events))
	for i, e := range events {
		out[i] = Event{event: e, epoch: epoch, viewer: viewer}
	}
	return out
}

// Seq is the event's position.
func (e Event) Seq() uint64 { return e.event.Seq }

// MarshalJSONTo implements json.MarshalerTo.
func (e Event) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(e.append(nil))
}

func (e Event) append(dst []byte) []byte {
	if e.cut {
		return AppendTruncated(dst, e.event, e.epoch)
	}
	return AppendEvent(dst, e.event, e.epoch, e.event.Actor == e.viewer)
}

// truncate cuts an event short; false when it is so already.
func (e *Event) truncate() bool {
	was := e.cut
	e.cut = true
	return !was
}

// fewer is half for a page of events. The last one is cut short, so that there is a way past an event that is larger than
// the client's Maximum Packet Size.
func fewer(page []Event) ([]Event, bool) {
	if len(page) == 1 {
		return page, page[0].truncate()
	}
	return half(page)
}

// AppendEvent appends an event as clients are sent it. own says that the viewer is its sender, who alone sees the client_msg_id.
func AppendEvent(dst []byte, e *chat.Event, epoch int64, own bool) []byte {
	o := object{append(dst, '{')}
	o.string("type", string(e.Kind))
	if e.Kind.IsMessage() {
		o.message(e, own)
	} else {
		o.logEvent(e)
	}
	o.key("epoch")
	o.b = strconv.AppendInt(o.b, epoch, 10)
	return append(o.b, '}')
}

// AppendTruncated appends what a client gets instead of an event that is larger than its Maximum Packet Size.
func AppendTruncated(dst []byte, e *chat.Event, epoch int64) []byte {
	o := object{append(dst, '{')}
	o.string("type", string(e.Kind))
	if e.Kind.IsMessage() && !e.MessageID.IsZero() {
		o.id("id", e.MessageID)
	}
	o.place(e)
	if !e.Kind.IsMessage() && !e.MessageID.IsZero() {
		o.id("message_id", e.MessageID)
	}
	o.bool("truncated", true)
	o.key("epoch")
	o.b = strconv.AppendInt(o.b, epoch, 10)
	return append(o.b, '}')
}

// AppendSyncRequired appends the passing event that says: these events of a log were not sent, ask for them.
func AppendSyncRequired(dst []byte, room chat.RoomID, first, last uint64, epoch int64) []byte {
	o := object{append(dst, '{')}
	o.string("type", "sync_required")
	o.string("room_id", string(room))
	o.uint("first_seq", first)
	o.uint("last_seq", last)
	o.key("epoch")
	o.b = strconv.AppendInt(o.b, epoch, 10)
	return append(o.b, '}')
}

// object appends the members of a JSON object, in order.
type object struct{ b []byte }

func (o *object) key(k string) {
	if o.b[len(o.b)-1] != '{' {
		o.b = append(o.b, ',')
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, k...)
	o.b = append(o.b, '"', ':')
}

func (o *object) string(k, v string) {
	o.key(k)
	o.b = appendString(o.b, v)
}

// appendString appends a JSON string. Text that comes here is valid UTF-8: validation saw to it.
func appendString(dst []byte, v string) []byte {
	for i := range len(v) {
		if c := v[i]; c < 0x20 || c == '"' || c == '\\' || c >= 0x7f {
			dst, _ = jsontext.AppendQuote(dst, v) // what is invalid is replaced; there is nobody to tell
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, v...)
	return append(dst, '"')
}

func (o *object) uint(k string, v uint64) {
	o.key(k)
	o.b = strconv.AppendUint(o.b, v, 10)
}

func (o *object) bool(k string, v bool) {
	o.key(k)
	o.b = strconv.AppendBool(o.b, v)
}

func (o *object) time(k string, t chat.Time) {
	o.key(k)
	o.b = AppendTimestamp(o.b, t)
}

func (o *object) id(k string, id chat.ID) {
	o.key(k)
	if id.IsZero() {
		o.b = append(o.b, "null"...)
		return
	}
	o.b = append(o.b, '"')
	o.b = id.Append(o.b)
	o.b = append(o.b, '"')
}

// place is where the event is: what makes a copy recognisable.
func (o *object) place(e *chat.Event) {
	o.string("room_id", string(e.RoomID))
	o.uint("seq", e.Seq)
}

func (o *object) message(e *chat.Event, own bool) {
	o.id("id", e.MessageID)
	o.place(e)
	sender, name := string(e.Actor), e.ActorName
	if e.Kind == chat.System {
		sender, name = string(chat.SystemUser), string(chat.SystemUser)
	}
	o.string("sender_id", sender)
	o.string("sender_name", name)
	o.string("content", e.Content)
	o.time("timestamp", e.At)
	o.id("reply_to", e.ReplyTo)
	o.id("thread_id", e.ThreadID)
	o.reactions(e.Reactions)
	o.answers(e.Answers)
	o.bool("edited", e.Edited)
	if e.Deleted {
		o.bool("deleted", true)
	}
	if e.Flagged {
		o.bool("flagged", true)
	}
	if e.RoomKind == chat.DirectRoom {
		o.bool("is_private", true)
		a, b, _ := e.RoomID.DirectPeers()
		if a == e.Actor {
			a = b
		}
		o.string("target_id", string(a))
	}
	o.mentions(e.Details)
	if d := e.Details; d != nil && e.Kind == chat.System {
		o.string("event", d.Event)
		o.string("user_id", string(d.UserID))
		if d.UserID != e.Actor {
			o.string("actor_id", string(e.Actor))
		}
		o.joined(d)
	}
	if e.Details != nil && e.Details.Poster != "" {
		o.bool("hook", true)
	}
	o.file(e.Details)
	if own && e.ClientMsgID != "" {
		o.string("client_msg_id", e.ClientMsgID)
	}
}

// joined is what a new member may do, where that is not what others may.
func (o *object) joined(d *chat.Details) {
	if d.Role != "" {
		o.string("role", d.Role)
	}
	if d.Until != 0 {
		o.bool("muted", true)
		if d.Until != chat.Forever {
			o.time("muted_until", d.Until)
		}
	}
}

func (o *object) logEvent(e *chat.Event) {
	o.place(e)
	o.time("timestamp", e.At)
	o.string("user_id", string(e.Actor))
	if !e.MessageID.IsZero() {
		o.id("message_id", e.MessageID)
	}
	o.aboutMessage(e)
	d := e.Details
	if d == nil {
		return
	}
	if d.Action != "" {
		o.string("action", d.Action)
	}
	if d.UserID != "" {
		o.string("target_id", string(d.UserID))
	}
	if d.Session != "" {
		o.string("session_id", d.Session)
	}
	if d.Role != "" {
		o.string("role", d.Role)
	}
	if d.Reason != "" {
		o.string("reason", d.Reason)
	}
	if d.Until != 0 {
		o.time("until", d.Until)
	}
	if d.RoomID != "" {
		o.room(d)
	}
	if d.Changes != nil {
		o.key("changes")
		o.b = append(o.b, encode(d.Changes)...)
	}
}

// room is the room that an event of a user's own log is about.
func (o *object) room(d *chat.Details) {
	o.key("room")
	o.b = append(o.b, '{')
	o.string("room_id", string(d.RoomID))
	o.string("name", d.RoomName)
	o.string("type", RoomType(d.RoomKind))
	o.b = append(o.b, '}')
}
