// SPDX-License-Identifier: Apache-2.0

package parleytest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

const requestLimit = 30 * time.Second

// AddUser makes an account.
func (s *Server) AddUser(name, password string) {
	s.t.Helper()
	s.Run(password+"\n", "user", "add", name)
}

// SetRole makes name an administrator or a user.
func (s *Server) SetRole(name, role string) {
	s.t.Helper()
	s.Run("", "user", "role", name, role)
}

// Token returns an access token of name.
func (s *Server) Token(name string) string {
	s.t.Helper()
	token := strings.TrimSpace(s.Run("", "token", name))
	if token == "" || strings.ContainsAny(token, " \n") {
		s.t.Fatalf("parley token %s printed %q, want one token on a line", name, token)
	}
	return token
}

// Post calls a route over HTTP, as in Post(token, "rooms/join/general", nil),
// and returns the reply. Anything but a success fails the test.
func (s *Server) Post(token, route string, payload map[string]any) map[string]any {
	s.t.Helper()
	reply, err := s.post(token, route, payload)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply
}

func (s *Server) post(token, route string, payload map[string]any) (map[string]any, error) {
	if payload == nil {
		payload = map[string]any{}
	}
	body, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("POST %s: %w", route, err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), requestLimit)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+s.Addr("http")+"/api/v1/"+route, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("POST %s: %w", route, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	// A connection of its own: a restarted server leaves no stale one behind.
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var reply map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&reply); err != nil {
		return nil, fmt.Errorf("POST %s: HTTP %d, and the body is no JSON object: %w", route, resp.StatusCode, err)
	}
	if resp.StatusCode/100 != 2 || reply["status"] == "error" {
		return reply, errors.Join(fmt.Errorf("POST %s: HTTP %d", route, resp.StatusCode), fmt.Errorf("%v", reply["error"]))
	}
	return reply, nil
}
