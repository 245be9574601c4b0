// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"
	"time"

	"parley/internal/mqtt/packet"
)

// EndSession ends a session, connected or away: its connection is closed with code, and what is kept of it is forgotten. It
// waits for both, and tells whether there was one.
func (srv *Server) EndSession(ctx context.Context, owner, clientID string, code packet.ReasonCode, reason string) (bool, error) {
	key := sessionKey{owner: owner, clientID: clientID}
	release, err := srv.claim(ctx, key)
	if err != nil {
		return false, err
	}
	defer release()
	s, closed, err := srv.take(ctx, key, func(c *conn) { c.closeLocked(code, reason, &packet.Error{Code: code, Reason: reason}) })
	if err != nil {
		return false, err
	}
	if s != nil {
		srv.end(s)
		return true, nil
	}
	if srv.cfg.Store == nil {
		return closed, nil
	}
	stored, err := srv.cfg.Store.LoadSession(ctx, owner, clientID)
	if err != nil || stored == nil {
		return closed, err
	}
	srv.delete(stored.ID, owner, clientID)
	return true, nil
}

// Listed is a session as OwnerSessions tells it.
type Listed struct {
	ClientID string
	Session  *Session  // nil of one that is not in memory
	Away     time.Time // since when; zero while connected
}

// OwnerSessions lists an owner's sessions, connected and away, in no particular order.
func (srv *Server) OwnerSessions(ctx context.Context, owner string) ([]Listed, error) {
	var list []Listed
	known := map[string]bool{}
	for _, s := range srv.Sessions(owner) {
		s.mu.Lock()
		away := s.awaySince
		connected, kept := s.conn != nil, s.persistent && s.expiry > 0
		s.mu.Unlock()
		if connected || kept {
			known[s.clientID] = true
			list = append(list, Listed{ClientID: s.clientID, Session: s, Away: away})
		}
	}
	if srv.cfg.Store == nil {
		return list, nil
	}
	stored, err := srv.cfg.Store.OwnerSessions(ctx, owner)
	if err != nil {
		return nil, err
	}
	now := srv.cfg.Now()
	for i := range stored {
		if st := &stored[i]; !known[st.ClientID] && !st.expired(now) {
			list = append(list, Listed{ClientID: st.ClientID, Away: st.Disconnected})
		}
	}
	return list, nil
}
