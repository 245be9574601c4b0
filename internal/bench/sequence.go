// SPDX-License-Identifier: Apache-2.0

package bench

// sequence checks the order of one room's log at one member.
type sequence struct {
	next uint64 // the seq that has to come now; 0 before the first
	gaps []gap  // what was left out so far, ascending
	late int    // came after a later one
	dup  int    // came again
}

// gap is a run of seqs that were left out.
type gap struct{ first, last uint64 }

// see takes the seq of an event as it comes, and tells whether it is the first copy of it.
func (s *sequence) see(seq uint64) bool {
	switch {
	case seq == s.next || s.next == 0:
	case seq > s.next:
		s.gaps = append(s.gaps, gap{s.next, seq - 1})
	case s.fill(seq):
		s.late++
		return true
	default:
		s.dup++
		return false
	}
	s.next = seq + 1
	return true
}

// fill takes seq out of the gap it lies in; false where it lies in none. What came before the first event seen counts as a
// copy.
func (s *sequence) fill(seq uint64) bool {
	for i, g := range s.gaps {
		if seq < g.first || seq > g.last {
			continue
		}
		rest := make([]gap, 0, len(s.gaps)+1)
		rest = append(rest, s.gaps[:i]...)
		if seq > g.first {
			rest = append(rest, gap{g.first, seq - 1})
		}
		if seq < g.last {
			rest = append(rest, gap{seq + 1, g.last})
		}
		s.gaps = append(rest, s.gaps[i+1:]...)
		return true
	}
	return false
}

// missing counts the seqs that are still left out.
func (s *sequence) missing() int {
	n := 0
	for _, g := range s.gaps {
		n += int(g.last - g.first + 1)
	}
	return n
}
