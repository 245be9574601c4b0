// SPDX-License-Identifier: Apache-2.0

package systemtest

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
)

// Answer is what the HTTP door answered.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Request asks a route at the HTTP door of addr, with a token unless it is "". Headers come in pairs.
func Request(ctx context.Context, addr, method, token, route, payload string, headers ...string) (*Answer, error) {
	resp, err := open(ctx, addr, method, token, route, payload, headers...)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return &Answer{resp.StatusCode, resp.Header, text}, err
}

func open(ctx context.Context, addr, method, token, route, payload string, headers ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://"+addr+"/api/v1/"+route, strings.NewReader(payload))
	if err != nil {
		return nil, err
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return http.DefaultClient.Do(req)
}

// HTTP is Request that has to be answered, whatever the answer says.
func (s *Server) HTTP(t testing.TB, method, token, route, payload string, headers ...string) *Answer {
	t.Helper()
	a, err := Request(t.Context(), s.Addr("http"), method, token, route, payload, headers...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// OpenStream asks a route for a stream of Server-Sent Events that goes on behind lastID, or begins now where that is "". The body
// is the caller's to read with ReadEvents and to close.
func OpenStream(ctx context.Context, addr, token, route, lastID string) (*http.Response, error) {
	var headers []string
	if lastID != "" {
		headers = []string{"Last-Event-ID", lastID}
	}
	return open(ctx, addr, http.MethodGet, token, route, "", headers...)
}

// ReadEvents takes a stream apart as a browser does, until it ends: each block with the last id by then. The first block has no
// data.
func ReadEvents(body io.Reader, take func(id, data string)) error {
	lines := bufio.NewReader(body)
	id, data := "", ""
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return err
		}
		field, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		switch field {
		case "id":
			id = value
		case "data":
			data = value
		case "":
			take(id, data)
			data = ""
		}
	}
}
