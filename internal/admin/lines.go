// SPDX-License-Identifier: Apache-2.0

package admin

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
)

// maxLine bounds one line of an import, in bytes: the longest names and password, escaped.
const maxLine = 64 << 10

// Line is one line of an import.
type Line struct {
	Number int // from 1
	User   NewUser
	Err    error // why it is none
}

// ReadLines reads accounts from JSON Lines, one object a line; empty lines are skipped. A line that is no account comes
// with its error, and reading goes on. An error of r itself ends it, with the number of the line that could not be read.
func ReadLines(r io.Reader) iter.Seq[Line] {
	return func(yield func(Line) bool) {
		lines := bufio.NewReaderSize(r, maxLine)
		for number := 1; ; number++ {
			text, err := lines.ReadSlice('\n')
			tooLong := errors.Is(err, bufio.ErrBufferFull)
			for errors.Is(err, bufio.ErrBufferFull) {
				_, err = lines.ReadSlice('\n')
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(Line{Number: number, Err: err})
				return
			}
			line := Line{Number: number}
			if tooLong {
				line.Err = chat.Refuse(chat.TooLarge, "the line is longer than %d bytes", maxLine)
			} else if text = bytes.TrimSpace(text); len(text) > 0 {
				line.User, line.Err = parseLine(text)
			}
			if (tooLong || len(text) > 0) && !yield(line) {
				return
			}
			if err != nil {
				return
			}
		}
	}
}

func parseLine(text []byte) (NewUser, error) {
	var u NewUser
	if err := json.Unmarshal(text, &u, json.RejectUnknownMembers(true)); err != nil {
		if e, ok := errors.AsType[*json.SemanticError](err); ok && e.JSONPointer != "" {
			// The value is left out: it may be a password.
			reason := "is not a text"
			if errors.Is(err, json.ErrUnknownName) {
				reason = "is not a field of an account; use user_id, display_name, password and role"
			}
			return NewUser{}, chat.Refuse(chat.BadRequest, "%s: %s", e.JSONPointer.LastToken(), reason)
		}
		return NewUser{}, chat.Refuse(chat.BadRequest, `the line is not one JSON object such as {"user_id":"alice"}`)
	}
	if u.ID == "" {
		return NewUser{}, chat.Refuse(chat.BadRequest, "user_id: is missing")
	}
	return u, nil
}
