// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code is the kind of a refusal, as clients see it (docs/protocol.md, section 4).
type Code string

// The closed list of codes. Each door has one table from them to its own answers.
const (
	BadRequest      Code = "bad_request"
	Unauthenticated Code = "unauthenticated"
	Forbidden       Code = "forbidden"
	NotMember       Code = "not_member"
	Banned          Code = "banned"
	Muted           Code = "muted"
	NotFound        Code = "not_found"
	Conflict        Code = "conflict"
	RoomFull        Code = "room_full"
	TooLarge        Code = "too_large"
	Rejected        Code = "rejected"
	RateLimited     Code = "rate_limited"
	Unavailable     Code = "unavailable"
	Internal        Code = "internal"
)

// Codes lists every code, for tables that must be complete.
func Codes() []Code {
	return []Code{BadRequest, Unauthenticated, Forbidden, NotMember, Banned, Muted, NotFound, Conflict, RoomFull,
		TooLarge, Rejected, RateLimited, Unavailable, Internal}
}

// Error is a refusal that the caller may read. Every other error is an internal one: its text stays in the log.
type Error struct {
	Code       Code
	Message    string        // names the field or the thing refused, and what to do
	RetryAfter time.Duration // of RateLimited and of a slow mode; 0 absent
}

func (e *Error) Error() string { return string(e.Code) + ": " + e.Message }

// Is makes errors.Is(err, &Error{Code: c}) compare codes.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// maxQuoted bounds what a message quotes of the input, in bytes.
const maxQuoted = 80

// Refuse makes an Error. Texts among args are cut to what a person needs to recognise them.
func Refuse(code Code, format string, args ...any) *Error {
	for i, a := range args {
		if s, ok := a.(string); ok && len(s) > maxQuoted {
			args[i] = strings.ToValidUTF8(s[:maxQuoted], "") + "…"
		}
	}
	return &Error{Code: code, Message: strings.ToValidUTF8(fmt.Sprintf(format, args...), "\uFFFD")}
}

// CodeOf tells the code of err: that of the Error in its chain, else Internal; "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Internal
}

// ErrUnavailable is the outcome of a change that could not be made durable. Nothing of it was done.
var ErrUnavailable = &Error{Code: Unavailable, Message: "the server cannot store anything at the moment; nothing was done, send again later"}
