// SPDX-License-Identifier: Apache-2.0

package feedtest_test

import (
	"strings"
	"testing"

	"parley/internal/feed/feedtest"
)

// The check of what a device was sent can fail.
func TestEntitled(t *testing.T) {
	t.Parallel()
	past, present := []feedtest.Stay{{From: 3, To: 6}}, []feedtest.Stay{{From: 3, To: 6}, {From: 9}}
	for _, c := range []struct {
		name        string
		got         []uint64
		times       []feedtest.Stay
		start, head uint64
		fault       string
	}{
		{"all", []uint64{3, 4, 5, 6, 9, 10}, present, 0, 10, ""},
		{"from a place on", []uint64{5, 6, 9, 10}, present, 4, 10, ""},
		{"the end was taken back", []uint64{3, 9, 10}, present, 0, 10, ""},
		{"nothing of a time that is over", nil, past, 0, 10, ""},
		{"the room's end", []uint64{3, 7}, []feedtest.Stay{{From: 3, To: 6, End: 7}}, 0, 7, ""},
		{"the last is missing", []uint64{9}, present, 0, 10, "missing"},
		{"a hole", []uint64{9, 11}, present, 0, 11, "missing"},
		{"a hole in a time that is over", []uint64{3, 5}, past, 0, 10, "not theirs"},
		{"after the removal", []uint64{3, 4, 5, 6, 7}, past, 0, 10, "not theirs"},
		{"before the joining", []uint64{2, 3}, past, 0, 10, "not theirs"},
		{"before the place", []uint64{3, 4}, past, 3, 10, "not theirs"},
		{"doubled", []uint64{9, 10, 10}, present, 0, 10, "not theirs"},
		{"out of order", []uint64{9, 10, 3}, present, 0, 10, "not theirs"},
		{"never a member", []uint64{1}, nil, 0, 10, "not theirs"},
	} {
		err := feedtest.Entitled(c.got, c.times, c.start, c.head)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", c.name, err, c.fault)
		}
	}
}
