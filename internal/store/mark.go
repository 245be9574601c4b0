// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"

	"parley/internal/chat"
)

// SetRead implements chat.MarkTx. It is written once a batch, with SetSent.
func (t *tx) SetRead(r *chat.Room, m *chat.Member, read, lastSent uint64) error {
	s, err := t.member(r.Num, m.User)
	if err != nil {
		return err
	}
	if s == nil {
		return fmt.Errorf("store: read mark of %q, who is no member of %q", m.User, r.ID)
	}
	t.writes++
	s.ReadSeq, s.LastSent = read, lastSent
	m.ReadSeq, m.LastSent = read, lastSent
	s.marked = true
	if !s.dirty {
		s.dirty = true
		t.dirtyMembers = append(t.dirtyMembers, s)
	}
	return nil
}

// writeMarks writes a member's last message and read mark.
func (t *tx) writeMarks(m *member) error {
	m.marked = false
	return t.exec("note how far a member has read",
		`UPDATE members SET last_sent = ?, last_sent_at = ?, read_seq = ? WHERE room = ? AND user_id = ?`,
		int64(m.LastSent), int64(m.LastSentAt), int64(m.ReadSeq), m.room, string(m.User))
}
