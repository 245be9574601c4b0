// SPDX-License-Identifier: Apache-2.0

package http

import (
	"net/http"

	"parley/internal/chat"
	"parley/internal/wire"
)

// specific is a refusal that HTTP has a status for, where the table of codes has only a more general one.
type specific struct {
	status int
	no     *chat.Error
}

func (s *specific) Error() string { return s.no.Error() }

// Unwrap gives the refusal itself.
func (s *specific) Unwrap() error { return s.no }

func refuse(status int, code chat.Code, format string, args ...any) error {
	return &specific{status, chat.Refuse(code, format, args...)}
}

// noMethod refuses a method, and says which there are.
func noMethod(w http.ResponseWriter, allowed string) error {
	w.Header().Set("Allow", allowed)
	return refuse(http.StatusMethodNotAllowed, chat.BadRequest, "method: use %s", allowed)
}

// conditional is the answer of http.ServeContent, whose refusals of a condition or a range get the body that all refusals have.
type conditional struct {
	http.ResponseWriter
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (c *conditional) WriteHeader(status int) {
	var no *chat.Error
	switch status {
	case http.StatusPreconditionFailed:
		no = chat.Refuse(chat.Conflict, "If-Match: the file is another one, see ETag")
	case http.StatusRequestedRangeNotSatisfiable:
		no = chat.Refuse(chat.BadRequest, "Range: there is no such part of the file, see Content-Range")
	default:
		c.ResponseWriter.WriteHeader(status)
		return
	}
	c.refused = true
	head := c.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Cache-Control", "no-store")
	head.Del("Content-Disposition")
	head.Del("Content-Length")
	c.ResponseWriter.WriteHeader(status)
	_, _ = c.ResponseWriter.Write(wire.EncodeFailure(no, nil)) //nolint:gosec // JSON, and said to be nothing else
}

// Write implements io.Writer: of a refusal nothing more is said.
func (c *conditional) Write(b []byte) (int, error) {
	if c.refused {
		return len(b), nil
	}
	return c.ResponseWriter.Write(b)
}
