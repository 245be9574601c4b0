// SPDX-License-Identifier: Apache-2.0

package store

import (
	"parley/internal/chat"
)

// Request implements chat.OnceTx.
func (t *tx) Request(u chat.UserID, room int64, clientMsgID string) (*chat.Request, error) {
	var found *chat.Request
	_, err := t.c.one(func(r row) {
		found = &chat.Request{Outcome: r.blob(1)}
		copy(found.Digest[:], r.blob(0))
	}, `SELECT digest, outcome FROM requests WHERE user_id = ? AND room = ? AND client_msg_id = ?`,
		string(u), room, clientMsgID)
	return found, t.fail("look for a repeated request", err)
}

// PutRequest implements chat.OnceTx.
func (t *tx) PutRequest(u chat.UserID, room int64, clientMsgID string, r *chat.Request) error {
	outcome := r.Outcome
	if outcome == nil {
		outcome = []byte{}
	}
	return t.exec("remember a request",
		`INSERT INTO requests (user_id, room, client_msg_id, digest, outcome) VALUES (?, ?, ?, ?, ?)`,
		string(u), room, clientMsgID, r.Digest[:], outcome)
}

// PacketSeen implements chat.OnceTx. A session of 0 remembers nothing.
func (t *tx) PacketSeen(o chat.Origin) (bool, error) {
	if o.Session == 0 {
		return false, nil
	}
	found, err := t.c.one(func(row) {}, `SELECT 1 FROM packets WHERE session = ? AND packet_id = ?`,
		o.Session, int64(o.PacketID))
	return found, t.fail("look for a packet id", err)
}

// PutPacket implements chat.OnceTx. A session that has ended by now does not come back to repeat anything: nothing is
// stored for it.
func (t *tx) PutPacket(o chat.Origin) error {
	if o.Session == 0 {
		return nil
	}
	return t.exec("remember a packet id", `INSERT INTO packets (session, packet_id) SELECT ?1, ?2
		WHERE EXISTS (SELECT 1 FROM sessions WHERE id = ?1) ON CONFLICT DO NOTHING`, o.Session, int64(o.PacketID))
}
