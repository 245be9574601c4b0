// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"bytes"
	"context"
	"errors"
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
}

// line holds requests of one connection back while an earlier one waits for its turn, so that they take effect in order.
// It is bounded by what the server lets be outstanding.
type line struct {
	waiting *request // its turn has not come
	behind  []*request
	timer   *time.Timer
}

// cut ends the line and gives what was in it.
func (l *line) cut() []*request {
	if l.timer == nil {
		return nil
	}
	var out []*request
	if l.timer.Stop() {
		out = append(out, l.waiting)
	}
	out = append(out, l.behind...)
	l.behind = nil
	return out
}

// Publish implements server.Application.
func (d *Door) Publish(s *server.Session, p *packet.Publish, a *server.Ack) {
	dev := deviceOf(s)
	r := &request{ack: a, qos: p.QoS}
	r.Caller = api.Caller{Principal: chat.Principal{UserID: dev.user}}
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
	dev.mu.Lock()
	if dev.line.timer != nil && !dev.closed {
		r.Own()
		dev.line.behind = append(dev.line.behind, r)
		dev.mu.Unlock()
		return
	}
	dev.mu.Unlock()
	dev.handle(r, d.cfg.Router.Dispatch(d.ctx, &r.Request))
}

func messagesTopic(u chat.UserID) string { return ownPrefix + string(u) + "/messages" }

// handle brings a result to its end, or makes the line wait for it. It tells whether the line must wait.
func (d *device) handle(r *request, res topic.Result) (waits bool) {
	if wait, resume, ok := res.Delayed(); ok {
		r.Own()
		d.mu.Lock()
		if d.closed {
			d.mu.Unlock()
			r.ack.Fail()
			return true
		}
		d.line.waiting = r
		d.line.timer = time.AfterFunc(wait, func() { d.goOn(r, resume) })
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

// finish answers: with a reply where one is due, and with the acknowledgement.
func (d *device) finish(r *request, reply any, err error) {
	if errors.Is(err, topic.ErrNoRoute) {
		err = chat.Refuse(chat.Forbidden, "clients publish to the routes of the chat only, such as chat/message/{room_id}")
	}
	code := chat.CodeOf(err)
	d.door.outcomes.count(code)
	if code == chat.Internal {
		d.door.cfg.Logger.Error("mqtt: request failed", "topic", r.Topic, "user", d.user, "error", err)
	}
	requestID := wire.RequestIDOf(r.In, r.Payload)
	answer, ok := reply.(wire.Replier)
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
	r.ack.Reply(name, qos, &server.Message{Payload: body, Properties: props})
}
