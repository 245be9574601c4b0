// SPDX-License-Identifier: Apache-2.0

package search

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The marks round a hit in a snippet.
const (
	Open  = '«'
	Close = '»'
)

// The size of a snippet, in characters, without marks.
const (
	maxSnippet = 160
	lead       = 40 // before the first hit
)

// Snippet is a part of a text round its first hit: one line, hits between Open and Close, "…" where the text goes on. Marks
// of the text itself become their single forms ‹ and ›, so that Open and Close are nothing else but the marks of hits.
func Snippet(text string, hits [][2]int) string {
	from := 0
	if len(hits) > 0 {
		from = hits[0][0]
		for range lead {
			if from == 0 {
				break
			}
			_, n := utf8.DecodeLastRuneInString(text[:from])
			from -= n
		}
	}
	to := from
	for range maxSnippet {
		_, n := utf8.DecodeRuneInString(text[to:])
		to += n
	}
	var b strings.Builder
	if from > 0 {
		b.WriteRune('…')
	}
	at := from
	for _, h := range hits {
		start, end := max(h[0], at), min(h[1], to)
		if start >= end {
			continue
		}
		plain(&b, text[at:start])
		b.WriteRune(Open)
		plain(&b, text[start:end])
		b.WriteRune(Close)
		at = end
	}
	plain(&b, text[at:to])
	if to < len(text) {
		b.WriteRune('…')
	}
	return b.String()
}

func plain(b *strings.Builder, text string) {
	for _, r := range text {
		switch {
		case r == Open:
			r = '‹'
		case r == Close:
			r = '›'
		case unicode.IsSpace(r):
			r = ' '
		}
		b.WriteRune(r)
	}
}
