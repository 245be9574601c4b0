// SPDX-License-Identifier: Apache-2.0

package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxWord bounds a word in bytes of its folded form. What a text has beyond it is not looked at; the longest words of
// languages are shorter.
const maxWord = 64

// Token is a word of a text.
type Token struct {
	Text       string // folded
	Start, End int    // in the text, in bytes
	Char       bool   // a character of a script without spaces, or a symbol
}

// Tokens appends the words of a text.
func Tokens(dst []Token, text string) []Token {
	var word []byte
	start, end, open := 0, 0, false
	finish := func() {
		if open && len(word) > 0 {
			dst = append(dst, Token{Text: string(word), Start: start, End: end})
		}
		word, open = word[:0], false
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRuneInString(text[i:])
		switch kindOf(r) {
		case wordRune:
			if !open {
				start, open = i, true
			}
			end = i + n
			if len(word) < maxWord {
				word = fold(word, r)
			}
		case markRune: // part of the word, but not of its folded form
			if open {
				end = i + n
			}
		case charRune:
			finish()
			dst = append(dst, Token{Text: wide(r), Start: i, End: i + n, Char: true})
		case skippedRune: // belongs to what is before it
			if n := len(dst); !open && n > 0 && dst[n-1].End == i {
				dst[n-1].End = i + utf8.RuneLen(r)
			}
		default:
			finish()
		}
		i += n
	}
	finish()
	return dst
}

type runeKind uint8

const (
	separator   runeKind = iota
	wordRune             // part of a word
	markRune             // an accent or vowel point, which the folded form does not have
	charRune             // a word of its own
	skippedRune          // as if it were not there
)

func kindOf(r rune) runeKind {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' {
			return wordRune
		}
		return separator
	case mark(r):
		return markRune
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0x1f3fb && r <= 0x1f3ff, // variation selectors, colours of skin
		r == 0x200d, r == 0x200c, r == 0xad: // joiners, soft hyphen
		return skippedRune
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao,
		unicode.Khmer, unicode.Myanmar):
		if unicode.IsPunct(r) {
			return separator
		}
		return charRune
	case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r):
		return wordRune
	case unicode.Is(unicode.So, r) && r != utf8.RuneError:
		return charRune
	}
	return separator
}

// mark tells the marks that are left out: accents, and the vowel points of Hebrew and Arabic. Those of Indic scripts are
// letters to their readers.
func mark(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x591 && r <= 0x5c7 && unicode.Is(unicode.Mn, r) ||
		r >= 0x64b && r <= 0x65f || r == 0x670 || r >= 0x1ab0 && r <= 0x1aff || r >= 0x1dc0 && r <= 0x1dff ||
		r >= 0x20d0 && r <= 0x20ff || r >= 0xfe20 && r <= 0xfe2f
}

// wide is the folded form of a character: half-width kana are the same as others.
func wide(r rune) string {
	if r >= 0xff65 && r <= 0xff9f {
		return norm.NFKC.String(string(r))
	}
	return string(r)
}

// unaccented are letters that Unicode does not take apart, as they are written where they are not at hand.
var unaccented = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ς", "σ")

// fold appends the folded form of a letter.
func fold(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return append(dst, byte(r))
	}
	plain := unaccented.Replace(strings.ToLower(norm.NFKD.String(string(r))))
	for _, p := range plain {
		if !mark(p) && (unicode.IsLetter(p) || unicode.IsNumber(p) || unicode.IsMark(p)) {
			dst = utf8.AppendRune(dst, p)
		}
	}
	return dst
}

// Terms appends what an index has to know of a text with these words: the words, and each pair of characters.
func Terms(dst []string, tokens []Token) []string {
	for i, t := range tokens {
		dst = append(dst, t.Text)
		if t.Char && i+1 < len(tokens) && tokens[i+1].Char {
			dst = append(dst, t.Text+tokens[i+1].Text)
		}
	}
	return dst
}
