// SPDX-License-Identifier: Apache-2.0

package store

import (
	"fmt"

	"parley/internal/chat"
)

// How an answer is counted in its thread; ?1 is the id of the thread's first message, ?2 the seq of the answer. Where the first
// message was cut nothing is counted.
var countingAnswer = [...]string{
	`INSERT INTO threads (pos, n, last) SELECT pos, 1, ?2 FROM log WHERE message_id = ?1
		ON CONFLICT (pos) DO UPDATE SET n = n + 1, last = excluded.last`,
	fmt.Sprintf(`UPDATE log SET flags = flags | %d WHERE message_id = ?1 AND flags & %[1]d = 0`, answeredBit),
}

// AddAnswer implements chat.ThreadTx.
func (t *tx) AddAnswer(e *chat.Event) error {
	if err := t.exec("count an answer", countingAnswer[0], e.ThreadID[:], int64(e.Seq)); err != nil {
		return err
	}
	return t.exec("mark a thread", countingAnswer[1], e.ThreadID[:])
}

// latestAnswer finds the latest answer of a thread that is not deleted, before a place; log_answers is its index.
var latestAnswer = fmt.Sprintf(`SELECT pos FROM log INDEXED BY log_answers WHERE thread_id = ? AND flags & %d = 0 AND pos < ? ORDER BY pos DESC LIMIT 1`, deletedBit)

// RemoveAnswer implements chat.ThreadTx.
func (t *tx) RemoveAnswer(of *chat.Event) (chat.ThreadChange, error) {
	out := chat.ThreadChange{ID: of.ThreadID.String()}
	var root int64
	found, err := t.c.one(func(r row) { root, out.Count, out.LastSeq = r.int(0), int(r.int(1)), r.uint(2) },
		`SELECT t.pos, t.n, t.last FROM log l JOIN threads t ON t.pos = l.pos WHERE l.message_id = ?`, of.ThreadID[:])
	if err != nil || !found {
		return out, t.fail("find a thread", err)
	}
	out.RootSeq, out.Count = uint64(root&maxSeq), out.Count-1
	if out.LastSeq == of.Seq {
		out.LastSeq = 0
		_, err := t.c.one(func(r row) { out.LastSeq = uint64(r.int(0) & maxSeq) }, latestAnswer, of.ThreadID[:], pos(of.RoomNum, of.Seq))
		if err != nil {
			return out, t.fail("find the latest answer", err)
		}
	}
	if out.Count > 0 {
		return out, t.exec("count an answer", `UPDATE threads SET n = ?, last = ? WHERE pos = ?`, int64(out.Count), int64(out.LastSeq), root)
	}
	out.Answers = chat.Answers{}
	if err := t.exec("forget a thread", `DELETE FROM threads WHERE pos = ?`, root); err != nil {
		return out, err
	}
	return out, t.exec("unmark a thread", fmt.Sprintf(`UPDATE log SET flags = flags & ~%d WHERE pos = ?`, answeredBit), root)
}
