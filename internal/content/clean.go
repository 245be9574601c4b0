// SPDX-License-Identifier: Apache-2.0

package content

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Clean returns a text of one or more lines as it is to be stored: trimmed, in form C,
// with "\n" as its only line break and without direction switches. It refuses what
// the package comment lists, and more than limit code points. It looks at no policy.
// The error is an *Error.
func Clean(text string, limit int) (string, error) {
	return clean(text, limit, false)
}

// CleanName is Clean for a single line: a line break or tab is refused, spaces of any
// kind become one space, and invisible characters are removed but for the two joiners
// that emoji and Indic scripts need between other characters.
func CleanName(text string, limit int) (string, error) {
	return clean(text, limit, true)
}

func clean(text string, limit int, name bool) (string, error) {
	if !utf8.ValidString(text) {
		return "", &Error{Kind: InvalidUTF8, Message: "is not valid UTF-8"}
	}
	text = strings.TrimFunc(text, blank)
	if text == "" {
		return "", emptyText()
	}
	// Composition joins at most four code points into one, so that a text beyond this
	// bound is too long in any form. It keeps a flood from being normalised.
	if len(text) > 4*limit {
		if n := utf8.RuneCountInString(text); n > 4*limit {
			return "", tooLong(n, limit)
		}
	}
	alter, visible, err := inspect(text, name)
	if err != nil {
		return "", err
	}
	if !visible {
		return "", emptyText()
	}
	if alter {
		text = rewrite(text, name)
	}
	if !ascii(text) && !norm.NFC.IsNormalString(text) {
		text = norm.NFC.String(text)
	}
	if err := checkLength(text, limit); err != nil {
		return "", err
	}
	return text, nil
}

func emptyText() *Error { return &Error{Kind: Empty, Message: "is empty"} }

// inspect reads the text once: is there something to rewrite, is there something to
// see, is there something to refuse?
func inspect(text string, name bool) (alter, visible bool, err error) {
	n := 0 // code points read
	prev := rune(0)
	for _, r := range text {
		n++
		if r > ' ' && r < 0x7F {
			visible, prev = true, r
			continue
		}
		switch {
		case r == '\n' || r == '\t' || r == '\r' || r == '\u2028' || r == '\u2029':
			if name {
				return false, false, refuseRune(r, n, "line break or tab")
			}
			alter = alter || r != '\n' && r != '\t'
		case unicode.IsControl(r):
			return false, false, refuseRune(r, n, "control character")
		case r >= 0xFDD0 && r <= 0xFDEF || r&0xFFFE == 0xFFFE:
			return false, false, refuseRune(r, n, "noncharacter")
		case unicode.IsSpace(r):
			alter = alter || name && (r != ' ' || prev == ' ')
		case directional(r):
			alter = true
		case invisible(r):
			alter = alter || name
		case unicode.In(r, unicode.Mn, unicode.Me):
			// A mark with nothing to carry it is nothing to see.
		default:
			visible = true
		}
		prev = r
	}
	return alter, visible, nil
}

func refuseRune(r rune, n int, what string) *Error {
	return &Error{Kind: ControlCharacter, Message: fmt.Sprintf("holds a %s, %U, as character %d", what, r, n)}
}

// rewrite applies what inspect found.
func rewrite(text string, name bool) string {
	var b strings.Builder
	b.Grow(len(text))
	rs := text
	prev := rune(0)
	for len(rs) > 0 {
		r, size := utf8.DecodeRuneInString(rs)
		rs = rs[size:]
		switch {
		case directional(r):
			continue
		case r == '\r':
			if strings.HasPrefix(rs, "\n") {
				continue
			}
			r = '\n'
		case r == '\u2028' || r == '\u2029':
			r = '\n'
		case name && unicode.IsSpace(r):
			r = ' '
			if prev == ' ' {
				continue
			}
		case name && invisible(r) && r != zwj && r != zwnj:
			continue
		}
		b.WriteRune(r)
		prev = r
	}
	return strings.TrimFunc(b.String(), func(r rune) bool {
		return blank(r) || name && (r == zwj || r == zwnj)
	})
}

const (
	zwnj = '\u200c'
	zwj  = '\u200d'
)

// directional tells embeddings, overrides and isolates from everything else.
func directional(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// blank is what is trimmed: white space, and what looks like nothing at the ends.
func blank(r rune) bool {
	if r < 0x80 {
		return r == ' ' || r >= '\t' && r <= '\r'
	}
	return unicode.IsSpace(r) && r != 0x85 || r == '\u200b' || r == '\u2060' || r == '\ufeff' || directional(r)
}

// invisible tells characters that take no room or show nothing, and that are neither
// white space nor combining marks.
func invisible(r rune) bool {
	return unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) || filler(r)
}

// filler tells the letters and signs that are drawn as nothing.
func filler(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u2800', '\u034f', '\u17b4', '\u17b5':
		return true
	}
	return false
}
