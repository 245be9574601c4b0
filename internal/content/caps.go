// SPDX-License-Identifier: Apache-2.0

package content

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// A text of at least capsLetters cased letters shouts when more than capsPercent of
// them are capitals.
const (
	capsLetters = 10
	capsPercent = 70
)

// shouts tells a text that is mostly capitals. Letters without case do not count.
func shouts(text string) bool {
	upper, cased := 0, 0
	for _, r := range text {
		switch {
		case r < 0x80:
			if 'a' <= r && r <= 'z' {
				cased++
			} else if 'A' <= r && r <= 'Z' {
				cased++
				upper++
			}
		case unicode.IsUpper(r) || unicode.IsTitle(r):
			cased++
			upper++
		case unicode.IsLower(r):
			cased++
		}
	}
	return cased >= capsLetters && upper*100 > cased*capsPercent
}

// lower returns the text in lower case, except for its links, whose paths may depend
// on case. The result is in form C.
func lower(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		n := strings.IndexFunc(text, unicode.IsSpace)
		if n < 0 {
			n = len(text)
		}
		word := text[:n]
		if link(word) {
			b.WriteString(word)
		} else {
			b.WriteString(strings.Map(unicode.ToLower, word))
		}
		if text = text[n:]; text != "" {
			r, size := utf8.DecodeRuneInString(text)
			b.WriteRune(r)
			text = text[size:]
		}
	}
	return norm.NFC.String(b.String())
}

// link tells a word that a client would make clickable for its scheme or "www.".
func link(word string) bool {
	return strings.Contains(word, "://") || len(word) > 4 && strings.EqualFold(word[:4], "www.")
}
