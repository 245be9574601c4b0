// SPDX-License-Identifier: Apache-2.0

package client

import (
	"encoding/json"
	"testing"
)

// The first message of a thread counts its answers, each once, as they come and go.
func TestAnsweredCountsOnce(t *testing.T) {
	t.Parallel()
	event := func(text string) *Event {
		t.Helper()
		e := new(Event)
		if err := json.Unmarshal([]byte(text), e); err != nil {
			t.Fatal(err)
		}
		return e
	}
	first := event(`{"type":"text","id":"m","seq":1}`)
	for _, c := range []struct {
		event string
		told  bool
		count int
		last  uint64
	}{
		{`{"type":"text","id":"a","seq":2,"thread_id":"m"}`, true, 1, 2},
		{`{"type":"text","id":"b","seq":3,"thread_id":"other"}`, true, 1, 2},
		{`{"type":"file","id":"c","seq":4,"thread_id":"m"}`, true, 2, 4},
		{`{"type":"text","id":"a","seq":2,"thread_id":"m"}`, true, 2, 4}, // again
		{`{"type":"text","id":"d","seq":5,"thread_id":"m","deleted":true}`, true, 2, 4},
		{`{"type":"message_edited","message_id":"c","seq":6}`, true, 2, 4},
		{`{"type":"message_deleted","message_id":"c","seq":7,"thread_id":"m","thread_count":1,"thread_last_seq":2}`, true, 1, 2},
		{`{"type":"message_deleted","message_id":"m","seq":8}`, true, 1, 2},
		{`{"type":"message_deleted","message_id":"a","seq":9,"thread_id":"m"}`, false, 1, 2},
		{`{"type":"message_deleted","message_id":"a","seq":9,"thread_id":"m","thread_count":0}`, true, 0, 0},
		{`{"type":"text","id":"e","seq":10,"thread_id":"m"}`, true, 1, 10},
	} {
		told, count := first.Answered(event(c.event)), 0
		if first.ThreadCount != nil {
			count = *first.ThreadCount
		}
		if told != c.told || count != c.count || first.ThreadLastSeq != c.last {
			t.Errorf("after %s: told %v, %d answers up to %d; want %v, %d, %d", c.event, told, count, first.ThreadLastSeq, c.told, c.count, c.last)
		}
	}
}
