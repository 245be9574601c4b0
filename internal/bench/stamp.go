// SPDX-License-Identifier: Apache-2.0

package bench

// A stamp is the first word of every content: which run and sender, which of its messages, and when it was due. It has a
// fixed length and is written in sixteen consonants, so that no content rule of a server finds a word in it.
//
//	run 4 letters, sender 4, number 8, nanoseconds since the start of the run 16
const (
	stampSize  = 32
	maxSenders = 1 << 16
)

const consonants = "bcdfghjkmnpqrstv"

// stamp is what a content says of itself.
type stamp struct {
	run    uint16
	sender uint16
	number uint32
	due    int64 // nanoseconds since the start of the run
}

// put writes the stamp over the first stampSize bytes of b.
func (s stamp) put(b []byte) {
	_ = b[stampSize-1]
	putLetters(b[0:4], uint64(s.run))
	putLetters(b[4:8], uint64(s.sender))
	putLetters(b[8:16], uint64(s.number))
	putLetters(b[16:32], uint64(s.due))
}

func putLetters(b []byte, v uint64) {
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = consonants[v&15]
		v >>= 4
	}
}

// readStamp reads the stamp at the beginning of b; false where there is none.
func readStamp(b []byte) (stamp, bool) {
	if len(b) < stampSize {
		return stamp{}, false
	}
	run, ok1 := letters(b[0:4])
	sender, ok2 := letters(b[4:8])
	number, ok3 := letters(b[8:16])
	due, ok4 := letters(b[16:32])
	return stamp{uint16(run), uint16(sender), uint32(number), int64(due)}, ok1 && ok2 && ok3 && ok4
}

// letterValue is the inverse of consonants: 16 for a byte that is none of them.
func letterValue(c byte) byte {
	const values = "\x10\x00\x01\x02\x10\x03\x04\x05\x10\x06\x07\x10\x08\x09\x10\x0a\x0b\x0c\x0d\x0e\x10\x0f\x10\x10\x10\x10"
	if c -= 'a'; c < 26 {
		return values[c]
	}
	return 16
}

func letters(b []byte) (v uint64, ok bool) {
	for _, c := range b {
		d := letterValue(c)
		if d > 15 {
			return 0, false
		}
		v = v<<4 | uint64(d)
	}
	return v, true
}

// newBody is a content of n bytes with room for the stamp in front: plain words, as people write them.
func newBody(n int) []byte {
	const words = " see you at the harbour tomorrow morning, bring the tickets and something warm to wear"
	b := make([]byte, n)
	for i := stampSize; i < n; i++ {
		b[i] = words[(i-stampSize)%len(words)]
	}
	if n > stampSize { // a space at the end would be trimmed
		b[n-1] = '.'
	}
	return b
}
