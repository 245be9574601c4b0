// SPDX-License-Identifier: Apache-2.0

package content

import (
	"unicode"
	"unicode/utf8"
)

// maxEmojiRunes bounds an emoji sequence: the longest that are in use have ten code points and a few selectors.
const maxEmojiRunes = 16

const (
	joiner        = 0x200D
	textStyle     = 0xFE0E
	emojiStyle    = 0xFE0F
	keycap        = 0x20E3
	cancelTag     = 0xE007F
	firstRegional = 0x1F1E6
	lastRegional  = 0x1F1FF
	firstSkin     = 0x1F3FB
	lastSkin      = 0x1F3FF
)

// Emoji tells whether s is one emoji, as the grammar of UTS #51 (ED-17a) has it: a pictograph with or without a skin tone, a
// keycap, a flag, or several joined. Its spelling is the fully qualified one, so that ❤ with and without a variation
// selector are the same: selectors are removed, and put where a character would otherwise be shown as text.
func Emoji(s string) (spelling string, ok bool) {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > maxEmojiRunes {
		return "", false
	}
	var in []rune
	for _, r := range s {
		if r != emojiStyle && r != textStyle {
			in = append(in, r)
		}
	}
	var out []rune
	for i := 0; ; i++ {
		var n int
		if out, n = emojiElement(out, in[min(i, len(in)):]); n == 0 {
			return "", false
		}
		if i += n; i == len(in) {
			return string(out), true
		}
		if in[i] != joiner {
			return "", false
		}
		out = append(out, joiner)
	}
}

// emojiElement appends the element that in begins with, what stands between joiners, and tells its length, 0 when there is none.
func emojiElement(out, in []rune) ([]rune, int) {
	if len(in) == 0 {
		return out, 0
	}
	first, second := in[0], rune(0)
	if len(in) > 1 {
		second = in[1]
	}
	switch {
	case isKeycapBase(first):
		if second != keycap {
			return out, 0
		}
		return append(out, first, emojiStyle, keycap), 2
	case isRegional(first):
		if !isRegional(second) {
			return out, 0
		}
		return append(out, first, second), 2
	case !unicode.Is(emojiTable, first):
		return out, 0
	case isSkin(second) && !isSkin(first):
		return append(out, first, second), 2
	case isTag(second):
		for i := 1; i < len(in); i++ {
			if in[i] == cancelTag && i > 1 {
				return append(out, in[:i+1]...), i + 1
			}
			if !isTag(in[i]) {
				break
			}
		}
		return out, 0
	}
	out = append(out, first)
	if !unicode.Is(emojiShownTable, first) {
		out = append(out, emojiStyle)
	}
	return out, 1
}

func isKeycapBase(r rune) bool { return r >= '0' && r <= '9' || r == '#' || r == '*' }

func isRegional(r rune) bool { return r >= firstRegional && r <= lastRegional }

// isTag tells whether r is a letter or digit of a flag of a region within a country.
func isTag(r rune) bool { return r >= 0xE0030 && r <= 0xE0039 || r >= 0xE0061 && r <= 0xE007A }

func isSkin(r rune) bool { return r >= firstSkin && r <= lastSkin }
