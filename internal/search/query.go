// SPDX-License-Identifier: Apache-2.0

package search

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a query, which the errors tell.
const (
	MaxQuery = 256 // characters
	MaxParts = 16
	MinInfix = 3 // characters behind a leading asterisk
)

// Query is what somebody looks for. All of its parts have to be in a text.
type Query struct{ parts []part }

// part is a word or a phrase: words that follow each other.
type part struct {
	words  []Token
	prefix bool // the last word may go on
	infix  bool // the only word may be anywhere in a word
}

// The faults of a query, beside its bounds.
var (
	ErrEmpty = errors.New("has no letter, digit or symbol to look for")
	errInfix = fmt.Errorf("an asterisk in front needs at least %d letters of one word behind it", MinInfix)
)

// Parse reads a query: words that all have to be there, "phrases in quotation marks", wor* for words that begin so, and
// *ord for words with that in them. There is nothing else that means anything.
func Parse(text string) (*Query, error) {
	if utf8.RuneCountInString(text) > MaxQuery {
		return nil, fmt.Errorf("is longer than %d characters", MaxQuery)
	}
	q := &Query{}
	for text != "" {
		var piece string
		var quoted bool
		piece, quoted, text = next(text)
		words := Tokens(nil, piece)
		if len(words) == 0 {
			continue
		}
		p := part{words: words}
		last := words[len(words)-1]
		if !quoted {
			p.prefix = strings.HasSuffix(piece, "*") && !last.Char
			if strings.HasPrefix(piece, "*") && !words[0].Char {
				if len(words) > 1 || utf8.RuneCountInString(last.Text) < MinInfix {
					return nil, errInfix
				}
				p.infix, p.prefix = true, false
			}
		}
		q.parts = append(q.parts, p)
	}
	switch {
	case len(q.parts) == 0:
		return nil, ErrEmpty
	case len(q.parts) > MaxParts:
		return nil, fmt.Errorf("has more than %d words", MaxParts)
	}
	return q, nil
}

// next takes the first piece off a query.
func next(text string) (piece string, quoted bool, rest string) {
	text = strings.TrimLeftFunc(text, unicode.IsSpace)
	if inner, ok := strings.CutPrefix(text, `"`); ok {
		piece, rest, _ = strings.Cut(inner, `"`) // one that is not closed goes to the end
		return piece, true, rest
	}
	end := strings.IndexFunc(text, func(r rune) bool { return unicode.IsSpace(r) || r == '"' })
	if end < 0 {
		return text, false, ""
	}
	return text[:end], false, text[end:]
}

// Expression is the query for an index of Terms, in the language of SQLite's FTS5: every text that Match accepts answers
// it, and some others. Words with an asterisk are looked up by known, which tells the words in use that begin with a text
// or have it in them, and whether those are all: if not, the expression does without. also are terms that have to be there
// besides. possible is false when no text can match. An empty expression of a possible match has to be answered without an
// index.
func (q *Query) Expression(known func(part string, prefix bool) (words []string, all bool, err error), also ...string) (expr string, possible bool, err error) {
	var terms []string
	add := func(term string) {
		if !slices.Contains(terms, term) {
			terms = append(terms, term)
		}
	}
	for _, p := range q.parts {
		p.terms(func(word string) { add(quote(word)) })
		if !p.prefix && !p.infix {
			continue
		}
		words, all, err := known(p.words[len(p.words)-1].Text, p.prefix)
		if err != nil || all && len(words) == 0 {
			return "", false, err
		}
		if all {
			for i, w := range words {
				words[i] = quote(w)
			}
			add("(" + strings.Join(words, " OR ") + ")")
		}
	}
	for _, t := range also {
		add(quote(t))
	}
	return strings.Join(terms, " AND "), true, nil
}

// terms tells what the index knows of a part, without the word with the asterisk.
func (p *part) terms(add func(string)) {
	words := p.words
	if p.prefix || p.infix {
		words = words[:len(words)-1]
	}
	for i, w := range words {
		switch {
		case w.Char && i+1 < len(words) && words[i+1].Char:
			add(w.Text + words[i+1].Text)
		case w.Char && i > 0 && words[i-1].Char: // in the pair before
		default:
			add(w.Text)
		}
	}
}

// quote makes a string of FTS5's language. Folded words have no quotation marks in them.
func quote(term string) string { return `"` + strings.ReplaceAll(term, `"`, `""`) + `"` }

// Match tells where a text with these words has what is asked for, by the bytes, in order and without overlaps.
func (q *Query) Match(tokens []Token) (hits [][2]int, ok bool) {
	for _, p := range q.parts {
		before := len(hits)
		for i := range tokens {
			if n := len(p.words); i+n <= len(tokens) && p.at(tokens[i:i+n]) {
				hits = append(hits, [2]int{tokens[i].Start, tokens[i+n-1].End})
			}
		}
		if len(hits) == before {
			return nil, false
		}
	}
	slices.SortFunc(hits, func(a, b [2]int) int { return a[0] - b[0] })
	merged := hits[:1]
	for _, h := range hits[1:] {
		if last := &merged[len(merged)-1]; h[0] < last[1] {
			last[1] = max(last[1], h[1])
		} else {
			merged = append(merged, h)
		}
	}
	return merged, true
}

func (p *part) at(tokens []Token) bool {
	last := len(p.words) - 1
	for i := range p.words {
		want, have := p.words[i].Text, tokens[i].Text
		switch {
		case have == want:
		case p.infix && strings.Contains(have, want):
		case p.prefix && i == last && strings.HasPrefix(have, want):
		default:
			return false
		}
	}
	return true
}
