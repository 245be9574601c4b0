// SPDX-License-Identifier: Apache-2.0

package content

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"
)

// Matcher finds the words of its lists. It is immutable and safe for concurrent use.
//
// It is a trie that is walked by a set of states, since a character may be read in up to
// three ways and a letter may be stretched. The set stays small: each state is one
// place in the trie and one of four lengths of the run it is in, and a word that
// is on no list leaves it empty after a few letters.
type Matcher struct {
	nodes []node
	// first holds the children of the two roots by ASCII letter.
	first   [2][utf8.RuneSelf]int32
	finders sync.Pool // of *finder
}

// The roots: entries that begin where a word begins, and entries that begin anywhere.
const (
	rootWord int32 = iota
	rootAny
)

type node struct {
	letter      rune
	child, next int32  // first child and next sibling; 0 for none
	children    uint32 // the letters of the children, as bit tells
	run         run    // how often the letter stands in a row in the entry so far
	length      uint8  // letters so far
	ends        ends
}

// ends are the kinds of entry that end at a node.
type ends uint8

const (
	blockWord ends = 1 << iota
	blockPrefix
	allowWord
	allowPrefix
	literalDigits
)

// state is a place in the trie while a text is read. With a fifth field the compiler would
// keep states in memory instead of registers, at twice the time.
type state struct {
	node  int32
	start int32 // first unit
	token int32 // its token
	run   run
}

// run is how often the node's letter stood in a row in the text, at most maxRun, and
// whether marks have been read over inside the word: "fu_ck", "f.uck".
type run uint8

const (
	maxRun     = maxRepeat + 1
	parted run = 1 << 7
)

// span is a hit: units [start, end).
type span struct{ start, end int32 }

func newMatcher() *Matcher {
	return &Matcher{nodes: make([]node, 2, 1024)}
}

// add puts an entry into the trie.
func (m *Matcher) add(e entry) {
	at := rootWord
	if e.before {
		at = rootAny
	}
	for _, r := range e.letters {
		next := m.childOf(at, r)
		if next == 0 {
			n := node{letter: r, run: 1, length: m.nodes[at].length + 1, next: m.nodes[at].child}
			if m.nodes[at].letter == r {
				n.run = m.nodes[at].run + 1
			}
			m.nodes = append(m.nodes, n)
			next = int32(len(m.nodes) - 1)
			m.nodes[at].child = next
			m.nodes[at].children |= bit(r)
		}
		at = next
	}
	var kind ends
	switch {
	case e.allow && e.after:
		kind = allowPrefix
	case e.allow:
		kind = allowWord
	case e.after:
		kind = blockPrefix
	default:
		kind = blockWord
	}
	if e.literal {
		kind |= literalDigits
	}
	m.nodes[at].ends |= kind
}

// index fills the tables of the roots.
func (m *Matcher) index() {
	for root := range m.first {
		for c := m.nodes[root].child; c != 0; c = m.nodes[c].next {
			if r := m.nodes[c].letter; r < utf8.RuneSelf {
				m.first[root][r] = c
			}
		}
	}
}

func (m *Matcher) childOf(at int32, r rune) int32 {
	n := &m.nodes[at]
	if n.children&bit(r) == 0 {
		return 0
	}
	c := n.child
	for c != 0 && m.nodes[c].letter != r {
		c = m.nodes[c].next
	}
	return c
}

// bit is a letter in a set of them, which it shares with others: with few of those that texts are made of.
func bit(r rune) uint32 { return 1 << (uint32(r) % 32) }

func (m *Matcher) childOfRoot(root int32, r rune) int32 {
	if uint32(r) < utf8.RuneSelf {
		return m.first[root][r]
	}
	return m.childOf(root, r)
}

// Match tells whether the text has a listed word.
func (m *Matcher) Match(text string) bool {
	f := m.finder()
	defer m.release(f)
	return len(f.find(text)) > 0
}

// Mask returns the text with each code point of every listed word replaced by an
// asterisk, and whether there was one. The rest stays as it is, byte for byte.
func (m *Matcher) Mask(text string) (masked string, found bool) {
	f := m.finder()
	defer m.release(f)
	for {
		hits := f.find(text)
		if len(hits) == 0 {
			return text, found
		}
		found = true
		// A mask can part what was one word, so the result is read again. Each round
		// masks more, and there is hardly ever a third one.
		text = mask(text, f.units, hits)
	}
}

func mask(text string, units []unit, hits []span) string {
	var b strings.Builder
	b.Grow(len(text))
	done := 0
	for _, h := range hits {
		from, to := int(units[h.start].pos), int(units[h.end-1].end)
		b.WriteString(text[done:from])
		for range utf8.RuneCountInString(text[from:to]) {
			b.WriteByte('*')
		}
		done = to
	}
	b.WriteString(text[done:])
	return b.String()
}

// finder is one search. Finders are used again, so that an ordinary message is judged
// without allocation.
type finder struct {
	m             *Matcher
	reader        // the text
	set, spare    []state
	over          []state // set before a sign, which may be a mark to read over
	hits, allowed []span
}

// keepUnits is the size up to which a finder is kept for the next search.
const keepUnits = 8192

func (m *Matcher) finder() *finder {
	if f, ok := m.finders.Get().(*finder); ok {
		return f
	}
	return &finder{m: m, reader: reader{units: make([]unit, 0, 256), tokens: make([]token, 0, 64)}}
}

func (m *Matcher) release(f *finder) {
	if cap(f.units) <= keepUnits {
		m.finders.Put(f)
	}
}

// find returns the hits in order and without overlap. They are valid until the next call.
func (f *finder) find(text string) []span {
	f.reader = reader{units: f.units[:0], tokens: f.tokens[:0]}
	f.set, f.hits, f.allowed = f.set[:0], f.hits[:0], f.allowed[:0]
	f.read(text)
	f.words()
	f.spelled()
	if len(f.hits) == 0 {
		return nil
	}
	return f.merged()
}

// words finds words and phrases.
func (f *finder) words() {
	for ti := range f.tokens {
		t := &f.tokens[ti]
		f.gap(t)
		for i := t.start; i < t.end; i++ {
			u := &f.units[i]
			begin := i == t.start || f.units[i-1].kind == sign
			end := i+1 == t.end || i+1 >= t.digits || f.units[i+1].kind == sign
			if len(f.set) > 0 || begin || f.mayBegin(u) {
				if u.parts() {
					f.over = append(f.over[:0], f.set...)
				}
				f.step(u, i, int32(ti), begin, t.latin)
				for _, s := range f.set {
					if f.m.nodes[s.node].ends != 0 {
						f.accept(s, i, int32(ti), end)
					}
				}
				if u.parts() {
					for _, s := range f.over {
						s.run |= parted
						f.set = insert(f.set, s)
					}
				}
			}
		}
	}
}

// mayBegin tells whether an entry that begins anywhere begins with the unit.
func (f *finder) mayBegin(u *unit) bool {
	m := f.m
	return u.r != 0 && m.childOfRoot(rootAny, u.r) != 0 ||
		u.base != 0 && m.childOfRoot(rootAny, u.base) != 0 ||
		u.look != 0 && m.childOfRoot(rootAny, u.look) != 0
}

// gap moves the states that wait for the next word of a phrase over the gap before a
// token, and those of a word that marks may part. It drops the others.
func (f *finder) gap(t *token) {
	next := f.spare[:0]
	if !t.broken && t.gap > 0 && t.gap <= maxGap {
		for _, s := range f.set {
			if t.parted && !t.unspaced {
				next = insert(next, state{node: s.node, start: s.start, token: s.token, run: s.run | parted})
			}
			if n := &f.m.nodes[s.node]; n.legal(s.run) {
				if c := f.m.childOf(s.node, ' '); c != 0 {
					next = insert(next, state{node: c, start: s.start, token: s.token, run: 1 | s.run&parted})
				}
			}
		}
	}
	f.set, f.spare = next, f.set
}

// maxGap is how many separators may stand between single letters or the words of a phrase.
const maxGap = 3

// step reads a unit.
func (f *finder) step(u *unit, i, ti int32, begin, latin bool) {
	next := f.spare[:0]
	look := u.look
	if u.kind == letter && !latin {
		look = 0
	}
	for _, r := range [3]rune{u.r, u.base, look} {
		if r == 0 {
			continue
		}
		for _, s := range f.set {
			n := &f.m.nodes[s.node]
			times := run(1)
			switch {
			case n.letter == r:
				times = min(s.run&^parted+1, maxRun)
				next = insert(next, state{node: s.node, start: s.start, token: s.token, run: times | s.run&parted})
			case !n.legal(s.run):
				continue
			}
			if c := f.m.childOf(s.node, r); c != 0 {
				next = insert(next, state{node: c, start: s.start, token: s.token, run: times | s.run&parted})
			}
		}
		if begin {
			if c := f.m.childOfRoot(rootWord, r); c != 0 {
				next = insert(next, state{node: c, start: i, token: ti, run: 1})
			}
		}
		if c := f.m.childOfRoot(rootAny, r); c != 0 {
			next = insert(next, state{node: c, start: i, token: ti, run: 1})
		}
	}
	f.set, f.spare = next, f.set
}

// insert adds a state unless its place is taken by one that began earlier.
func insert(set []state, s state) []state {
	for _, o := range set {
		if o.node == s.node && o.run == s.run {
			return set
		}
	}
	return append(set, s)
}

// legal tells whether the letter may stand run times in a row in the text: as often as
// in the entry, or stretched to three or more. A letter doubled makes another word too
// often to be a disguise.
func (n *node) legal(r run) bool {
	r &^= parted
	return r == n.run || r > n.run && r > 2 && (n.letter < '0' || n.letter > '9')
}

// ending tells whether an entry ends with state s at unit i: as a hit, as an exception.
// Where end is false the word goes on.
func (f *finder) ending(s state, i int32, end bool) (block, allow bool) {
	n := &f.m.nodes[s.node]
	if n.ends == 0 || !n.legal(s.run) {
		return false, false
	}
	block = n.ends&blockPrefix != 0 || end && n.ends&blockWord != 0
	allow = n.ends&allowPrefix != 0 || end && n.ends&allowWord != 0
	return block && (n.ends&literalDigits != 0 || f.readable(s.start, i, n.length)), allow
}

// readable tells whether the units may be a word of that length in disguise. Where most
// of them are digits they are a number, and in a short word a digit for a consonant is
// rather the name of a road or a model.
func (f *finder) readable(start, i int32, length uint8) bool {
	first, last := &f.units[start], &f.units[i]
	digits, hard := last.digits-first.digits, last.hard-first.hard
	if first.kind == digit {
		digits++
		if g := first.base; g != 'o' && g != 'i' && g != 'e' && g != 'a' {
			hard++
		}
	}
	return 2*digits <= i-start+1 && (length > 3 || hard == 0)
}

// accept records what ends with state s at unit i of a token.
func (f *finder) accept(s state, i, ti int32, end bool) {
	t := &f.tokens[ti]
	if f.m.nodes[s.node].ends&literalDigits != 0 && i+1 < t.end && f.units[i+1].kind == digit {
		end = false // the number goes on
	}
	block, allow := f.ending(s, i, end)
	if s.run&parted != 0 { // an exception is what it says, and no disguise of it
		block, allow = block && f.parted(s, i, ti), false
	}
	if !block && !allow {
		return
	}
	// The whole word is meant, without the signs around it.
	h := span{s.start, i + 1}
	if !t.unspaced {
		h.start = min(h.start, f.tokens[s.token].lead)
		h.end = max(h.end, t.tail)
	}
	if block {
		f.hits = appendSpan(f.hits, h)
	}
	if allow {
		f.allowed = appendSpan(f.allowed, h)
	}
}

// minParted is the length from which on a word may be parted by marks: shorter ones come
// about by chance ("as_s3").
const minParted = 4

// endings are what a listed word may go on with when marks part it. Anything may follow
// where none do, but "bit_check" and "who_requested" are no disguises.
var endings = [...]string{"", "s", "es", "ed", "er", "ers", "in", "ing", "y", "e", "en"}

// parted tells whether the word that ends with state s at unit i of token ti may be one that
// marks part: long enough, from the beginning of a part to the end of one.
func (f *finder) parted(s state, i, ti int32) bool {
	n := &f.m.nodes[s.node]
	if n.length < minParted || n.ends&literalDigits != 0 || s.start != f.tokens[s.token].lead {
		return false
	}
	for k := s.token; k <= ti; k++ {
		if part := &f.tokens[k]; part.digits == part.start { // a number: "tol=0.1"
			return false
		}
	}
	rest := f.units[i+1 : max(i+1, f.tokens[ti].digits)]
	for _, e := range endings {
		if len(e) == len(rest) && spells(rest, e) {
			return true
		}
	}
	return false
}

// spells tells whether the units are the letters of a word, one each.
func spells(units []unit, word string) bool {
	for i := range units {
		if c := rune(word[i]); units[i].r != c && units[i].base != c {
			return false
		}
	}
	return true
}

// appendSpan adds a span unless it is the last one again, as with stretched letters.
func appendSpan(spans []span, h span) []span {
	if n := len(spans); n > 0 && spans[n-1] == h {
		return spans
	}
	return append(spans, h)
}

// spelled finds words spelled in single letters: runs of at least three tokens of one
// unit. A run is a hit as a whole, except for words of one letter at its ends.
func (f *finder) spelled() {
	for ti := 0; ti < len(f.tokens); ti++ {
		if !f.single(ti) {
			continue
		}
		end := ti + 1
		for end < len(f.tokens) && f.single(end) && f.joined(end) {
			end++
		}
		if end-ti >= 3 {
			f.spelledRun(ti, end)
		}
		ti = end - 1
	}
}

func (f *finder) single(ti int) bool {
	t := &f.tokens[ti]
	return t.end-t.start == 1 && !t.unspaced
}

// joined tells whether a token may belong to the same spelled word as the one before.
func (f *finder) joined(ti int) bool {
	t := &f.tokens[ti]
	return !t.broken && t.gap > 0 && t.gap <= maxGap
}

// spelledRun searches the tokens [from, to), which have one unit each.
func (f *finder) spelledRun(from, to int) {
	latin := false
	for _, t := range f.tokens[from:to] {
		latin = latin || t.latin
	}
	first, last := f.tokens[from].start, f.tokens[to-1].start
	begin, end := first, last
	for begin < last && oneLetterWord(&f.units[begin]) {
		begin++
	}
	for end > begin && oneLetterWord(&f.units[end]) {
		end--
	}
	f.set = f.set[:0]
	for i := first; i <= last; i++ {
		f.step(&f.units[i], i, int32(from), i <= begin, latin)
		for _, s := range f.set {
			block, allow := f.ending(s, i, i >= end)
			h := span{s.start, i + 1}
			if f.m.nodes[s.node].ends&(blockPrefix|allowPrefix) != 0 {
				h.end = last + 1
			}
			if block {
				f.hits = appendSpan(f.hits, h)
			}
			if allow {
				f.allowed = appendSpan(f.allowed, h)
			}
		}
	}
}

// oneLetterWord tells the words of one letter that may stand beside a spelled word.
func oneLetterWord(u *unit) bool {
	switch u.r {
	case 'a', 'e', 'i', 'o', 'u', 'y', 'à', 'é', 'è', 'ó', 'ò':
		return true
	}
	return false
}

// merged returns the hits without those that touch an exception, sorted and joined.
func (f *finder) merged() []span {
	hits := f.hits
	byStart := func(a, b span) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) }
	if len(f.allowed) > 0 {
		allowed := joinSpans(f.allowed, byStart)
		hits = slices.DeleteFunc(hits, func(h span) bool {
			i, _ := slices.BinarySearchFunc(allowed, h.start, func(a span, at int32) int {
				return cmp.Compare(a.end, at+1)
			})
			return i < len(allowed) && allowed[i].start < h.end
		})
	}
	return joinSpans(hits, byStart)
}

func joinSpans(spans []span, order func(a, b span) int) []span {
	slices.SortFunc(spans, order)
	out := spans[:0]
	for _, s := range spans {
		if n := len(out); n > 0 && s.start < out[n-1].end {
			out[n-1].end = max(out[n-1].end, s.end)
			continue
		}
		out = append(out, s)
	}
	return out
}
