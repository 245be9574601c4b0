// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"time"

	"parley/internal/mqtt/packet"
)

// publishWill hands a will to the application, as a request of its session that nobody waits for, section 3.1.2.5.
func (srv *Server) publishWill(s *Session, w *packet.Will) {
	defer func() { // there is no connection to end
		if p := recover(); p != nil {
			srv.logPanic("a will", s.owner+"/"+s.clientID, p)
		}
	}()
	p := &packet.Publish{Topic: w.Topic, Payload: w.Payload, QoS: w.QoS, Retain: w.Retain, Properties: w.Properties}
	srv.app.Publish(s, p, &Ack{qos: w.QoS})
}

// publishDueWills publishes wills whose delay is over and whose client has not come back.
func (srv *Server) publishDueWills(now time.Time) {
	srv.mu.Lock()
	var due []*Session
	for s := range srv.wills {
		s.mu.Lock()
		if s.will == nil || !now.Before(s.willDue) {
			due = append(due, s)
			delete(srv.wills, s)
		}
		s.mu.Unlock()
	}
	srv.mu.Unlock()
	for _, s := range due {
		s.mu.Lock()
		will := s.will
		s.will = nil
		s.mu.Unlock()
		if will != nil {
			srv.publishWill(s, will)
		}
	}
}
