// SPDX-License-Identifier: Apache-2.0

package packet

import "testing"

// TestFinishTooLarge: a packet that no length can express is taken back, what was before it stays. The memory is never
// touched, so its size is no matter.
func TestFinishTooLarge(t *testing.T) {
	const before = 3
	for _, length := range []int{MaxLength + 1, MaxLength * 2} {
		if got := finish(make([]byte, before+2+length), before); len(got) != before {
			t.Errorf("a body of %d bytes: %d bytes are left, want %d", length, len(got), before)
		}
	}
}
