// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
	"parley/internal/content"
	"parley/internal/ratelimit"
	"parley/internal/topic"
	"parley/internal/wire"
)

// authenticated refuses requests of nobody. What the caller may do is decided by the domain, with the change.
func authenticated(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		if req.Caller.UserID == "" {
			return topic.Done(nil, chat.Refuse(chat.Unauthenticated, "sign in first"))
		}
		return next(ctx, req)
	}
}

// limited holds a request back until the caller's rate allows it, or refuses it where the caller would rather not wait.
func (a *API) limited(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		bucket := a.changes
		if req.Route.ReadOnly() {
			bucket = a.reads
		}
		return limit(ctx, bucket, next, req)
	}
}

// passingLimit drops what is over the rate, whatever its QoS: by the time of its turn it would say nothing new.
func (a *API) passingLimit(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		if wait, ok := a.passing.Reserve(string(req.Caller.UserID), 0); !ok {
			return topic.Done(nil, &chat.Error{Code: chat.RateLimited, Message: "too many requests of this kind; this one was dropped", RetryAfter: wait})
		}
		return next(ctx, req)
	}
}

func limit(ctx context.Context, bucket *ratelimit.Sliding, next Handler, req *Request) topic.Result {
	patience := time.Duration(0)
	if req.Wait {
		patience = MaxWait
	}
	wait, ok := bucket.Reserve(string(req.Caller.UserID), patience)
	switch {
	case !ok:
		return topic.Done(nil, &chat.Error{Code: chat.RateLimited, Message: "too many requests; try again later", RetryAfter: wait})
	case wait > 0:
		return topic.Delay(wait, func(ctx context.Context) topic.Result {
			if ctx.Err() != nil { // given up: the turn goes to the next one
				bucket.Return(string(req.Caller.UserID))
				return topic.Done(nil, ctx.Err())
			}
			return next(ctx, req)
		})
	}
	return next(ctx, req)
}

// decoded reads the payload.
func decoded(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		in, ok := req.Route.NewIn().(wire.Payload)
		if !ok {
			return topic.Done(nil, errors.New("api: the payload of "+req.Route.Pattern()+" is no wire.Payload"))
		}
		if err := decode(req, in); err != nil {
			return topic.Done(nil, err)
		}
		req.In = in
		return next(ctx, req)
	}
}

// maxRequestID bounds what is echoed, in bytes of JSON.
const maxRequestID = 256

func decode(req *Request, in wire.Payload) error {
	plain, mayBePlain := in.(wire.Plain)
	switch {
	case mayBePlain && isPlain(req):
		plain.SetPlain(string(req.Payload))
	case len(req.Payload) > 0:
		if err := json.Unmarshal(req.Payload, in); err != nil {
			return malformed(err)
		}
	}
	e := in.Common()
	if k := e.RequestID.Kind(); len(e.RequestID) > maxRequestID || (len(e.RequestID) > 0 && k != '"' && k != '0' && k != 'n') {
		e.RequestID = nil
		return chat.Refuse(chat.BadRequest, "request_id: must be a string or number of at most %d bytes", maxRequestID)
	}
	if e.ClientMsgID == "" {
		e.ClientMsgID = req.Caller.ClientMsgID
	}
	if e.ClientMsgID != "" {
		return digest(req, in)
	}
	return nil
}

// digest notes what is asked, as it came: a repeat must be the same whatever the filter makes of it by then.
func digest(req *Request, in wire.Payload) error {
	e := in.Common()
	kept := *e
	*e = wire.Envelope{}
	text, err := json.Marshal(in, json.Deterministic(true))
	*e = kept
	if err != nil {
		return err
	}
	parts := []string{string(text)}
	if p := req.Caller.Poster; p != "" { // two hooks of one maker may count alike
		parts = append(parts, p)
	}
	e.Digest = chat.Digest(req.Topic, parts...)
	return nil
}

// isPlain tells whether the payload is the text itself: by its content type, else by its first byte.
func isPlain(req *Request) bool {
	media, _, _ := strings.Cut(req.ContentType, ";")
	switch strings.ToLower(strings.TrimSpace(media)) {
	case "text/plain":
		return true
	case "application/json":
		return false
	}
	return len(req.Payload) > 0 && req.Payload[0] != '{'
}

// malformed names the field that could not be read.
func malformed(err error) error {
	if semantic, ok := errors.AsType[*json.SemanticError](err); ok {
		field := strings.ReplaceAll(strings.TrimPrefix(string(semantic.JSONPointer), "/"), "/", ".")
		if field == "" {
			return chat.Refuse(chat.BadRequest, "payload: must be a JSON object")
		}
		if semantic.Err != nil && semantic.GoType == nil {
			return chat.Refuse(chat.BadRequest, "%s: %v", field, semantic.Err)
		}
		if errors.Is(err, wire.ErrNotANumber) {
			return chat.Refuse(chat.BadRequest, "%s: %v", field, wire.ErrNotANumber)
		}
		if _, ok := errors.AsType[base64.CorruptInputError](err); ok {
			return chat.Refuse(chat.BadRequest, "%s: is not base64, with padding", field)
		}
		return chat.Refuse(chat.BadRequest, "%s: is of the wrong kind (a JSON %s) or out of range", field, kindName(semantic.JSONKind))
	}
	if syntactic, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		return chat.Refuse(chat.BadRequest, "payload: is not JSON: %v at byte %d", syntactic.Err, syntactic.ByteOffset)
	}
	return chat.Refuse(chat.BadRequest, "payload: is not JSON")
}

func kindName(k jsontext.Kind) string {
	switch k {
	case '"':
		return "string"
	case '0':
		return "number"
	case 't', 'f':
		return "boolean"
	case '{':
		return "object"
	case '[':
		return "array"
	default:
		return "null"
	}
}

// clean passes every text of the payload through validation and filter.
func (a *API) clean(next Handler) Handler {
	return func(ctx context.Context, req *Request) topic.Result {
		in, ok := req.In.(wire.Payload)
		if !ok {
			return topic.Done(nil, topic.ErrNotDecoded)
		}
		if texts := in.Texts(); len(texts) > 0 {
			rules := a.cfg.Rules()
			for _, t := range texts {
				if err := cleanText(rules, in, t); err != nil {
					return topic.Done(nil, err)
				}
			}
		}
		return next(ctx, req)
	}
}

// DisplayName passes the display name of an account that is about to be made through validation and filter.
func (a *API) DisplayName(name string) (string, error) {
	if err := cleanText(a.cfg.Rules(), nil, wire.Text{Field: "display_name", Value: &name, Form: wire.Name}); err != nil {
		return "", err
	}
	return name, nil
}

func cleanText(rules *content.Rules, in wire.Payload, t wire.Text) error {
	if t.Value == nil || (t.Optional && *t.Value == "") {
		return nil
	}
	var v content.Verdict
	var err error
	switch t.Form {
	case wire.Body:
		v, err = rules.Message(*t.Value)
	case wire.Name:
		v, err = rules.Name(*t.Value, MaxNameLength)
	default:
		v, err = rules.Text(*t.Value, MaxRemarkLength)
	}
	if err != nil {
		refusal, ok := errors.AsType[*content.Error](err)
		if !ok {
			return err
		}
		if t.Optional && refusal.Kind == content.Empty {
			*t.Value = ""
			return nil
		}
		return chat.Refuse(codeOfText(refusal.Kind), "%s: %s", t.Field, refusal.Message)
	}
	*t.Value = v.Text
	if f, ok := in.(wire.Flagged); ok && len(v.Flags) > 0 {
		flag := chat.Flagged
		if slices.Contains(v.Flags, content.FlagSuspiciousLink) {
			flag = chat.Suspicious
		}
		f.Flag(flag)
	}
	return nil
}

func codeOfText(k content.ErrorKind) chat.Code {
	switch k {
	case content.TooLong:
		return chat.TooLarge
	case content.Profanity:
		return chat.Rejected
	default:
		return chat.BadRequest
	}
}
