// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"context"
	"slices"
)

// Answers are how many messages of a thread answer its first one, without those that were deleted, and the latest of them.
type Answers struct {
	Count   int    `json:"count,omitempty"`
	LastSeq uint64 `json:"last_seq,omitempty"` // 0 without any
}

// ThreadChange is what the deletion of an answer makes of its thread.
type ThreadChange struct {
	ID      string `json:"id"`                 // of the first message, in its canonical form
	RootSeq uint64 `json:"root_seq,omitempty"` // 0 where retention has cut the first message: there is nothing to count then
	Answers
}

// ThreadTx counts the answers in threads. The count belongs to the first message, and is gone with it.
type ThreadTx interface {
	AddAnswer(e *Event) error // e was appended, and has a ThreadID
	// RemoveAnswer counts the thread of an answer that is there and not deleted without it.
	RemoveAnswer(of *Event) (ThreadChange, error)
}

// ThreadQuery selects a page of a thread. At most one of AfterSeq and BeforeSeq; with neither it begins at the thread's start.
type ThreadQuery struct {
	Limit     int
	AfterSeq  uint64
	BeforeSeq uint64 // the page that ends before it
}

// ThreadPage is a page of the answers in a thread, in order.
type ThreadPage struct {
	Room     *Room
	RootID   ID
	Root     *Event // nil when the caller may not see it, or retention has cut it
	Messages []*Event
	HasMore  bool // after the page, or with BeforeSeq before it
}

// Thread reads the thread that a message begins or belongs to.
func (s *Service) Thread(ctx context.Context, who Principal, id ID, q ThreadQuery) (*ThreadPage, error) {
	limit, err := pageSize(q.Limit, s.limit.HistoryPage, s.limit.MaxHistoryPage)
	if err != nil {
		return nil, err
	}
	e, r, m, err := s.visibleMessage(ctx, &User{ID: who.UserID}, id)
	if err != nil {
		return nil, err
	}
	first := r.FirstVisible(m.JoinedSeq)
	p := &ThreadPage{Room: r, RootID: e.ThreadID, Root: e}
	if e.ThreadID.IsZero() {
		p.RootID = e.MessageID
	} else if p.Root, err = s.store.ReadMessage(ctx, p.RootID); err != nil {
		return nil, err
	}
	if p.Root != nil && (p.Root.RoomNum != r.Num || p.Root.Seq < first) {
		p.Root = nil
	}
	bytes := maxPageBytes
	if p.Root != nil {
		bytes -= p.Root.weight()
	}
	find := LogQuery{From: max(first, q.AfterSeq+1), To: r.LastSeq, Limit: limit + 1}
	if q.BeforeSeq > 0 {
		find.From, find.To, find.Descending = first, min(r.LastSeq, q.BeforeSeq-1), true
	}
	if find.To < find.From {
		return p, nil
	}
	if p.Messages, err = s.store.Thread(ctx, r, p.RootID, find); err != nil {
		return nil, err
	}
	n := fitting(p.Messages, limit, &bytes)
	p.HasMore = n < len(p.Messages)
	p.Messages = p.Messages[:n]
	if find.Descending {
		slices.Reverse(p.Messages)
	}
	return p, nil
}
