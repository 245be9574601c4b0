// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"bytes"
	"context"
	"errors"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/api"
	"parley/internal/chat"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
	"parley/internal/topic"
	"parley/internal/wire"
)

// request is a PUBLISH on its way.
type request struct {
	api.Request
	ack           *server.Ack
	qos           byte
	responseTopic string // "" the default
	correlation   []byte
	revision      uint64 // of the device's revocations, when the request came
}

// line holds requests of one connection back while an earlier one waits for its turn, so that they take effect in order.
// It is bounded by what the server lets be outstanding.
type line struct {
	waiting *request // its turn has not come
	resume  func(context.Context) topic.Result
	behind  []*request
	timer   *time.Timer
}

// cutLine gives up what waits in the line: nothing was done, the client sends it again.
func (d *device) cutLine() {
	d.mu.Lock()
	var waiting *request
	resume := d.line.resume
	if d.line.timer != nil && d.line.timer.Stop() {
		waiting = d.line.waiting
	}
	behind := d.line.behind
	d.line.behind = nil
	d.door.lines.Delete(d)
	d.mu.Unlock()
	if waiting != nil {
		resume(canceled) // gives its turn back
		waiting.ack.Fail()
	}
	for _, r := range behind {
		r.ack.Fail()
	}
}

// Publish implements server.Application.
func (d *Door) Publish(s *server.Session, p *packet.Publish, a *server.Ack) {
	dev := deviceOf(s)
	r := &request{ack: a, qos: p.QoS}
	r.Caller = api.CallerOf(dev.identity.Load())
	r.Caller.ClientID = s.ClientID()
	if session, id, ok := a.Origin(); ok {
		r.Caller.Origin = chat.Origin{Session: int64(session), PacketID: id}
	}
	r.Topic, r.Payload, r.ContentType, r.Wait = p.Topic, p.Payload, p.Properties.ContentType, p.QoS > 0
	for _, u := range p.Properties.User {
		if u.Name == "client_msg_id" {
			r.Caller.ClientMsgID = u.Value
		}
	}
	if len(p.Properties.CorrelationData) > 0 {
		r.correlation = bytes.Clone(p.Properties.CorrelationData)
	}
	if t := p.Properties.ResponseTopic; t != "" {
		if !own(t, dev.user) || t == messagesTopic(dev.user) {
			dev.finish(r, nil, chat.Refuse(chat.BadRequest, "response topic: must be one of your own topics, %s%s/…, but not /messages", ownPrefix, dev.user))
			return
		}
		r.responseTopic = t
	}
	if a.Detached() {
		dev.will(r, d.cfg.Router.Dispatch(d.ctx, &r.Request))
		return
	}
	r.Caller.Busy = dev.busy
	dev.mu.Lock()
	r.revision = dev.revision
	if dev.line.timer != nil && !dev.closed.Load() {
		if !r.Wait {
			dev.mu.Unlock()
			dev.finish(r, nil, &chat.Error{Code: chat.RateLimited, Message: "earlier requests wait for their turn; send at QoS 1 to wait too", RetryAfter: time.Second})
			return
		}
		r.Own()
		dev.line.behind = append(dev.line.behind, r)
		dev.mu.Unlock()
		return
	}
	dev.mu.Unlock()
	dev.handle(r, d.cfg.Router.Dispatch(d.ctx, &r.Request))
}

// maxUnread is how many bytes of answers a client may have left unread and still ask for pages.
const maxUnread = 256 << 10

// will brings a will to its end. It waits its turn like any request, but in no connection's line.
func (d *device) will(r *request, res topic.Result) {
	if wait, resume, ok := res.Delayed(); ok {
		r.Own()
		time.AfterFunc(wait, func() {
			d.door.contain("a will", func() {}, func() { d.will(r, resume(d.door.ctx)) })
		})
		return
	}
	res.Then(func(_ any, err error) { d.door.observe(r, d.user, err) })
}

func messagesTopic(u chat.UserID) string { return ownPrefix + string(u) + "/messages" }

// handle brings a result to its end, or makes the line wait for it. It tells whether the line must wait.
func (d *device) handle(r *request, res topic.Result) (waits bool) {
	if wait, resume, ok := res.Delayed(); ok {
		r.Own()
		d.mu.Lock()
		if d.closed.Load() || d.door.stopping.Load() {
			d.mu.Unlock()
			resume(canceled)
			r.ack.Fail()
			return true
		}
		d.door.lines.Store(d, nil)
		d.line.waiting, d.line.resume = r, resume
		d.line.timer = time.AfterFunc(wait, func() {
			d.door.contain("a request", func() { d.end(packet.UnspecifiedError, "internal error") }, func() { d.goOn(r, resume) })
		})
		d.mu.Unlock()
		return true
	}
	if !res.Then(func(reply any, err error) { d.finish(r, reply, err) }) {
		d.finish(r, nil, topic.ErrNoResult)
	}
	return false
}

// goOn runs the request whose turn has come, and those behind it until one has to wait again.
func (d *device) goOn(r *request, resume func(context.Context) topic.Result) {
	if d.handle(r, resume(d.door.ctx)) {
		return
	}
	for {
		d.mu.Lock()
		if len(d.line.behind) == 0 {
			d.line = line{}
			d.door.lines.Delete(d)
			d.mu.Unlock()
			return
		}
		next := d.line.behind[0]
		d.line.behind = d.line.behind[1:]
		d.mu.Unlock()
		if d.handle(next, d.door.cfg.Router.Dispatch(d.door.ctx, &next.Request)) {
			return
		}
	}
}

// observe counts an outcome, and logs what is a fault of the server.
func (d *Door) observe(r *request, user chat.UserID, err error) {
	code := chat.CodeOf(err)
	d.outcomes.count(code)
	if code == chat.Internal {
		d.cfg.Logger.Error("mqtt: request failed", "topic", r.Topic, "user", user, "error", err)
	}
}

// finish answers: with a reply where one is due, and with the acknowledgement.
func (d *device) finish(r *request, reply any, err error) {
	defer func() {
		if p := recover(); p != nil { // the acknowledgements behind this one must not wait for ever
			d.door.cfg.Logger.Error("mqtt: an answer panicked", "topic", r.Topic, "panic", p, "stack", string(debug.Stack()))
			r.ack.Done(packet.UnspecifiedError, "something went wrong on the server", nil)
		}
	}()
	if errors.Is(err, topic.ErrNoRoute) {
		err = chat.Refuse(chat.Forbidden, "clients publish to the routes of the chat only, such as chat/message/{room_id}")
	}
	answer, ok := reply.(wire.Replier)
	if ok && d.revokedSince(aboutOf(answer), r.revision) {
		err = errRemoved
	}
	code := chat.CodeOf(err)
	d.door.observe(r, d.user, err)
	requestID := wire.RequestIDOf(r.In, r.Payload)
	if err == nil && ok && (r.qos > 0 || r.responseTopic != "" || len(requestID) > 0) || err != nil {
		d.reply(r, answer, err, requestID)
	}
	switch {
	case err == nil:
		r.ack.Done(packet.Success, "", nil)
	case code == chat.Unavailable:
		r.ack.Fail()
	default:
		message := "something went wrong on the server"
		var user []packet.UserProperty
		if e := wire.AsError(err); e != nil {
			message = e.Message
			if e.RetryAfter > 0 {
				user = append(user, packet.UserProperty{Name: "retry_after", Value: strconv.FormatFloat(e.RetryAfter.Seconds(), 'f', 3, 64)})
			}
		}
		user = append(user, packet.UserProperty{Name: "code", Value: string(code)}, packet.UserProperty{Name: "message", Value: message})
		r.ack.Done(packet.ReasonCode(wire.AnswerTo(code).MQTT), message, user)
	}
}

// reply queues the reply right before the acknowledgement, for whoever has subscribed to its topic.
func (d *device) reply(r *request, answer wire.Replier, err error, requestID jsontext.Value) {
	l := d.listening.Load()
	if l == nil {
		return
	}
	name := r.responseTopic
	if name == "" {
		name = ownPrefix + string(d.user) + "/replies"
	}
	t := l.match(name)
	if t == nil {
		return
	}
	props := textProperties
	if len(r.correlation) > 0 {
		props = packet.AppendProperties(nil, &packet.Properties{PayloadFormat: 1, CorrelationData: r.correlation})
	}
	if len(t.ids) > 0 {
		props = packet.AppendProperties(bytes.Clone(props), &packet.Properties{SubscriptionIDs: t.ids})
	}
	qos := min(t.qos, r.qos)
	var body []byte
	if err != nil {
		body = wire.EncodeFailure(err, requestID)
	} else {
		answer.Head().RequestID = requestID
		limit := 0
		if most := int(d.session.MaxPacketSize()); most > 0 {
			limit = max(1, most-packet.PublishSize(packet.V5, len(name), qos, len(props), 0)-4)
		}
		var ok bool
		if body, ok = wire.EncodeReply(answer, limit); !ok {
			body = wire.EncodeFailure(chat.Refuse(chat.TooLarge, "the reply is larger than your Maximum Packet Size; ask for less"), requestID)
		}
	}
	m := &server.Message{Payload: body, Properties: props}
	rooms := aboutOf(answer)
	if err != nil || len(rooms) == 0 {
		r.ack.Reply(name, qos, m)
		return
	}
	m.Tag = rooms
	m.Revoked = func() *server.Message {
		return &server.Message{Payload: wire.EncodeFailure(errRemoved, requestID), Properties: props}
	}
	r.ack.Reply(name, qos, m)
	if d.revokedSince(rooms, r.revision) { // while the answer was made: whoever took the room did not find it yet
		d.session.Drop(func(o *server.Message) bool { return o == m })
	}
}

// errRemoved answers who asked for what is in a room and is taken out of it before the answer is sent.
var errRemoved = chat.Refuse(chat.NotMember, "you are not a member of the room any more")

// aboutOf tells which rooms a reply shows the inside of.
func aboutOf(answer wire.Replier) about {
	if a, ok := answer.(wire.About); ok {
		return a.About()
	}
	return nil
}
