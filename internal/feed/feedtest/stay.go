// SPDX-License-Identifier: Apache-2.0

package feedtest

import "fmt"

// Stay is a time of membership: what a member may be sent is From to To, which is 0 while it lasts. End, where it is not 0, is
// the event of the room's own end, which may come although what was before it was taken back.
type Stay struct{ From, To, End uint64 }

// Entitled compares what a device was sent of a room with its user's times in it, from the place start on. Of a time that is
// over the end may be missing: what was not sent by then was taken back. All else has to be there, in order and once.
func Entitled(got []uint64, times []Stay, start, head uint64) error {
	rest := got
	for _, in := range times {
		from, to := max(in.From, start+1), in.To
		if to == 0 {
			to = head
		}
		n := 0
		for n < len(rest) && rest[n] == from+uint64(n) && rest[n] <= to {
			n++
		}
		rest = rest[n:]
		if in.End > start && len(rest) > 0 && rest[0] == in.End {
			rest = rest[1:]
		}
		if in.To == 0 && from+uint64(n) != to+1 {
			return fmt.Errorf("was sent %v, began at %d, member %v, head %d: something is missing", got, start, times, head)
		}
	}
	if len(rest) > 0 {
		return fmt.Errorf("was sent %v, began at %d, member %v, head %d: %v is not theirs, doubled or out of order", got, start, times, head, rest)
	}
	return nil
}
