// SPDX-License-Identifier: Apache-2.0

package content

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// unit is one letter, digit or look-alike sign of a text. A ligature makes several,
// an ignored character none.
type unit struct {
	pos, end int32 // bytes of the text, with the marks that follow
	r        rune  // the letter itself, lower case; 0 for a sign
	base     rune  // without its accent, or what a digit or sign looks like; 0 for none
	look     rune  // the Latin letter that a foreign letter looks like, or a second look; 0 for none
	digits   int32 // digits up to and with this unit
	hard     int32 // those of them that look like consonants
	kind     kind
}

// parts tells the signs that may also be marks inside a word. "@" is none: it stands in
// addresses.
func (u *unit) parts() bool { return u.kind == sign && u.base != 'a' }

type kind uint8

const (
	separator kind = iota
	letter
	digit
	sign // "@", "$", "!", "|": a letter or a separator
	ideograph
	star // what masks are made of
)

// token is a run of units without a separator between them: a word. Where a script
// without spaces meets another one, a token ends too.
type token struct {
	start, end int32 // units
	lead, tail int32 // start and end without signs at the ends
	digits     int32 // where the digits and signs at the end begin
	gap        uint8 // separators before it, at most 255
	broken     bool  // nothing may be joined across the gap: a line break
	parted     bool  // the gap may part a word: a few marks, and no space, quote or bracket
	latin      bool  // has a Latin letter, so that foreign letters may be disguises
	unspaced   bool  // of a script without spaces between words
}

// glyph is how an ASCII character is read.
type glyph struct {
	kind    kind
	r       rune
	base    rune
	look    rune
	hard    bool // a digit that looks like a consonant
	newline bool
	apart   bool // a separator between words: a space, a quote, an apostrophe, a bracket
}

// glyphs is never written after the start.
var glyphs = func() (g [utf8.RuneSelf]glyph) {
	for c := 'a'; c <= 'z'; c++ {
		g[c] = glyph{kind: letter, r: c}
		g[c-'a'+'A'] = g[c]
	}
	for i, base := range [10]rune{'o', 'i', 'z', 'e', 'a', 's', 'g', 't', 'b', 'g'} {
		hard := base != 'o' && base != 'i' && base != 'e' && base != 'a'
		g['0'+i] = glyph{kind: digit, r: rune('0' + i), base: base, hard: hard}
	}
	g['1'].look = 'l'
	g['@'] = glyph{kind: sign, base: 'a'}
	g['$'] = glyph{kind: sign, base: 's'}
	g['!'] = glyph{kind: sign, base: 'i', look: 'l'}
	g['|'] = glyph{kind: sign, base: 'i', look: 'l'}
	g['*'].kind = star
	g['\n'].newline = true
	for _, c := range " \t\n\r'\"()[]{}<>" {
		g[c].apart = true
	}
	return g
}()

// plain spells letters that decomposition leaves alone, and rare letters that are
// hardly used but as disguises, in Latin letters. "ß" is not among them: it is a letter
// of its own, or "aß" and "vergaß" would be words of other languages.
var plain = map[rune]string{
	'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'ł': "l", 'ħ': "h", 'ŧ': "t", 'þ': "th",
	'ı': "i", 'ĸ': "k", 'ŋ': "n", 'ƒ': "f", 'ɑ': "a", 'ɡ': "g", 'ɩ': "i", 'ɪ': "i", 'ʀ': "r", 'ʏ': "y", 'ʙ': "b",
	'ɢ': "g", 'ʜ': "h", 'ʟ': "l", 'ɴ': "n", 'ᴀ': "a", 'ᴄ': "c", 'ᴅ': "d", 'ᴇ': "e", 'ᴊ': "j", 'ᴋ': "k", 'ᴌ': "l",
	'ᴍ': "m", 'ᴏ': "o", 'ᴘ': "p", 'ᴛ': "t", 'ᴜ': "u", 'ᴠ': "v", 'ᴡ': "w", 'ᴢ': "z", 'ꜰ': "f", 'ꜱ': "s",
	'ʋ': "v", 'ɯ': "w", 'ƙ': "k", 'ɓ': "b", 'ɗ': "d", 'ɖ': "d", 'ƈ': "c", 'ɠ': "g", 'ɦ': "h", 'ƭ': "t", 'ʂ': "s",
	'ƨ': "s", 'ƽ': "s", 'ǃ': "i", 'ǀ': "l", 'ɫ': "l", 'ƴ': "y", 'ʐ': "z", 'ɵ': "o", 'ʉ': "u", 'ƀ': "b", 'ƶ': "z",
	'ѕ': "s", 'ј': "j", 'һ': "h", 'ԁ': "d", 'ԛ': "q", 'ԝ': "w", 'ӏ': "l", 'ҫ': "c", 'ү': "y", 'ұ': "y",
	'€': "e", '¢': "c", '₵': "c", 'ϲ': "c", 'ϳ': "j",
}

// looks gives the Latin letter that a letter in everyday use of another script looks
// like. It counts only in a word that has Latin letters too.
var looks = map[rune]rune{
	'а': 'a', 'в': 'b', 'с': 'c', 'е': 'e', 'н': 'h', 'і': 'i', 'и': 'u', 'к': 'k', 'м': 'm', 'п': 'n', 'о': 'o', 'р': 'p',
	'г': 'r', 'я': 'r', 'т': 't', 'ц': 'u', 'у': 'y', 'х': 'x', 'ь': 'b', 'ш': 'w', 'є': 'e', 'з': 'e',
	'α': 'a', 'β': 'b', 'ε': 'e', 'η': 'n', 'ι': 'i', 'κ': 'k', 'μ': 'u', 'ν': 'v', 'ο': 'o', 'ρ': 'p', 'σ': 'o', 'ς': 's',
	'τ': 't', 'υ': 'u', 'χ': 'x', 'ω': 'w', 'γ': 'y',
	'օ': 'o', 'ս': 'u', 'հ': 'h', 'ո': 'n', 'ց': 'g', 'յ': 'j', 'ք': 'p',
}

// reader turns a text into units and tokens.
type reader struct {
	units  []unit
	tokens []token
	open   bool // the last token goes on
	gap    int
	broken bool
	apart  bool
	digits int32
	hard   int32
}

func (d *reader) read(text string) {
	for i := 0; i < len(text); {
		if c := text[i]; c < utf8.RuneSelf {
			g := &glyphs[c]
			d.glyph(g, i, i+1)
			i++
			if g.kind == letter {
				i = d.letters(text, i)
			}
			continue
		}
		i = d.wide(text, i)
	}
	d.close()
}

// letters reads the ASCII letters at text[i:], the token of the letter before them, as glyph does it one by one: most texts
// are made of them. It returns where they end.
func (d *reader) letters(text string, i int) int {
	units := d.units
	for ; i < len(text); i++ {
		c := rune(text[i] | ' ')
		if !latin(c) {
			break
		}
		u := place(&units)
		u.pos, u.end, u.r, u.base, u.look = int32(i), int32(i+1), c, 0, 0
		u.digits, u.hard, u.kind = d.digits, d.hard, letter
	}
	n := int32(len(units))
	d.units = units
	t := &d.tokens[len(d.tokens)-1]
	t.end, t.tail, t.digits = n, n, n
	return i
}

// wide reads the code point at text[i:], which is not ASCII, and returns where the
// next one begins.
func (d *reader) wide(text string, i int) int {
	r, size := utf8.DecodeRuneInString(text[i:])
	end := i + size
	if ignored(r) {
		// A mark belongs to the letter before it, so that a mask covers both.
		if n := len(d.units); n > 0 && int(d.units[n-1].end) == i && unicode.IsMark(r) {
			d.units[n-1].end = int32(end)
		}
		return end
	}
	dec := norm.NFKD.PropertiesString(text[i:end]).Decomposition()
	if dec == nil {
		d.rune(r, 0, i, end)
		return end
	}
	// One letter under marks is also itself, accent and all.
	var only rune
	kept, marks := 0, 0
	for rest := dec; len(rest) > 0; {
		c, n := utf8.DecodeRune(rest)
		rest = rest[n:]
		if ignored(c) {
			marks++
		} else {
			only = c
			kept++
		}
	}
	if kept == 1 && marks > 0 {
		d.rune(only, unicode.ToLower(r), i, end)
		return end
	}
	for len(dec) > 0 {
		c, n := utf8.DecodeRune(dec)
		dec = dec[n:]
		if !ignored(c) {
			d.rune(c, 0, i, end)
		}
	}
	return end
}

// rune reads one code point without marks; accented is the one with its marks, or 0.
func (d *reader) rune(r, accented rune, pos, end int) {
	if r < utf8.RuneSelf {
		g := glyphs[r]
		if accented != 0 && g.kind == letter {
			g.r, g.base = accented, g.r
		}
		d.glyph(&g, pos, end)
		return
	}
	if n := enclosed(r); n != 0 {
		d.glyph(&glyphs[n], pos, end)
		return
	}
	low := unicode.ToLower(r)
	if s := plain[low]; s != "" {
		for i := range len(s) {
			g := glyphs[s[i]]
			if accented != 0 && len(s) == 1 {
				g.r, g.base = accented, g.r
			}
			d.glyph(&g, pos, end)
		}
		return
	}
	g := glyph{r: low, look: looks[low]}
	if accented != 0 {
		g.r, g.base = accented, low
	}
	switch {
	case unspaced(r):
		g.kind = ideograph
	case unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r):
		g.kind = letter
	case unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r):
		g = glyph{newline: true}
	default:
		g = glyph{apart: unicode.IsSpace(r) || unicode.In(r, unicode.Pi, unicode.Pf, unicode.Ps, unicode.Pe)}
	}
	d.glyph(&g, pos, end)
}

func (d *reader) glyph(g *glyph, pos, end int) {
	switch g.kind {
	case separator, star:
		d.close()
		d.gap++
		d.broken = d.broken || g.newline
		d.apart = d.apart || g.apart
		return
	case digit:
		d.digits++
		if g.hard {
			d.hard++
		}
	}
	n := int32(len(d.units))
	u := place(&d.units)
	u.pos, u.end, u.r, u.base, u.look = int32(pos), int32(end), g.r, g.base, g.look
	u.digits, u.hard, u.kind = d.digits, d.hard, g.kind
	if d.open && d.tokens[len(d.tokens)-1].unspaced != (g.kind == ideograph) {
		d.close()
	}
	if !d.open {
		d.tokens = append(d.tokens, token{
			start: n, lead: -1, gap: uint8(min(d.gap, 255)), broken: d.broken, unspaced: g.kind == ideograph,
			parted: d.gap > 0 && d.gap <= maxGap && !d.broken && !d.apart,
		})
		d.open, d.gap, d.broken, d.apart = true, 0, false, false
	}
	t := &d.tokens[len(d.tokens)-1]
	t.end = n + 1
	if g.kind != sign {
		t.tail = n + 1
		if t.lead < 0 {
			t.lead = n
		}
		if g.kind != digit {
			t.digits = n + 1
			t.latin = t.latin || latin(g.r) || latin(g.base)
		}
	}
}

// place makes place for one more and returns it, with what was there before. To fill it in costs half of what it takes append to
// copy a literal.
func place[T any](s *[]T) *T {
	n := len(*s)
	*s = slices.Grow(*s, 1)[:n+1]
	return &(*s)[n]
}

func (d *reader) close() {
	if !d.open {
		return
	}
	d.open = false
	t := &d.tokens[len(d.tokens)-1]
	if t.lead < 0 { // signs only
		t.lead, t.tail = t.start, t.start
	}
	t.digits = max(t.digits, t.start)
}

func latin(r rune) bool { return 'a' <= r && r <= 'z' }

// enclosed returns the letter inside a square or circle that has no decomposition.
func enclosed(r rune) rune {
	switch {
	case r >= 0x1F150 && r <= 0x1F169:
		return 'a' + r - 0x1F150
	case r >= 0x1F170 && r <= 0x1F189:
		return 'a' + r - 0x1F170
	}
	return 0
}

// ignored tells what is read over inside a word: marks that adorn a letter of any
// script, and what has no width. The marks that are letters of their own, as in
// Indic scripts and in Japanese, are kept.
func ignored(r rune) bool {
	if r < 0x300 {
		return r == 0xAD
	}
	if unicode.Is(unicode.Cf, r) || filler(r) && r != '\u2800' {
		return true
	}
	return unicode.In(r, unicode.Mn, unicode.Me) && r != '\u3099' && r != '\u309a' &&
		unicode.In(r, unicode.Inherited, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Syriac)
}

// unspaced tells letters of scripts that are written without spaces between words.
func unspaced(r rune) bool {
	return r >= 0x0E00 && (unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai,
		unicode.Lao, unicode.Khmer, unicode.Myanmar) && (unicode.IsLetter(r) || unicode.IsMark(r)) ||
		r == '\u3099' || r == '\u309a')
}
