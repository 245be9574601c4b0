// SPDX-License-Identifier: Apache-2.0

package content

import (
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func defaultMatcher(t testing.TB) *Matcher {
	t.Helper()
	m, err := DefaultLists().Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func matcherOf(t testing.TB, lines string) *Matcher {
	t.Helper()
	l, err := Parse("xx", lines)
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.Compile()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// lines reads a file of testdata without its comment.
func lines(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for l := range strings.Lines(string(data)) {
		if l = strings.TrimRight(l, "\n"); l != "" && !strings.HasPrefix(l, "#") {
			out = append(out, l)
		}
	}
	return out
}

func TestHitsAndCleanTexts(t *testing.T) {
	m := defaultMatcher(t)
	hits, clean := lines(t, "testdata/hits.txt"), lines(t, "testdata/clean.txt")
	if len(hits) < 60 || len(clean) < 60 {
		t.Fatalf("too few lines: %d hits, %d clean", len(hits), len(clean))
	}
	for _, s := range hits {
		if !m.Match(s) {
			t.Errorf("no hit in %q", s)
		}
		got, _ := m.Mask("Well, " + s + " then.")
		checkMask(t, m, "Well, "+s+" then.", got)
	}
	for _, s := range clean {
		if got, found := m.Mask(s); found {
			t.Errorf("hit in %q: %q", s, got)
		}
	}
	// Innocent texts stay innocent side by side.
	all := strings.Join(clean, "\n")
	if got, found := m.Mask(all); found {
		for i, l := range strings.Split(got, "\n") {
			if l != clean[i] {
				t.Errorf("hit among other texts: %q became %q", clean[i], l)
			}
		}
	}
}

func TestMask(t *testing.T) {
	m := matcherOf(t, `
		damn*
		*heck*
		ass
		tit
		bad word
		coño
		1488
		!damnation   # not a hit
		!bad word play
		悪い
		!good ass
		boob
		cap
	`)
	for _, c := range []struct{ in, want string }{
		{"damn", "****"},
		{"Damned if I do", "****** if I do"},
		{"goddamn", "goddamn"},
		{"damnation", "damnation"},
		{"damnations", "**********"},
		{"whatthehecks!", "************!"},
		{"ass!!", "***!!"},
		{"a$$!!", "***!!"},
		{"$$a", "$$a"},
		{"(ass)", "(***)"},
		{"ass123 x", "****** x"},
		{"a55", "a55"},
		{"4ss", "***"},
		{"as5", "as5"},
		{"45s", "45s"},
		{"as", "as"},
		{"asss", "****"},
		{"aass", "aass"},
		{"aaass", "*****"},
		{"good ass", "good ass"},
		{"great ass", "great ***"},
		{"d a m n", "*******"},
		{"I d a m n e d", "I ***********"},
		{"d.a.m.n you", "******* you"},
		{"d\na\nm\nn", "d\na\nm\nn"},
		{"d    a    m    n", "d    a    m    n"},
		{"p a s s", "p a s s"},
		{"bad word", "********"},
		{"bad, word", "*********"},
		{"bad\nword", "bad\nword"},
		{"bad words", "bad words"},
		{"bad word play", "bad word play"},
		{"coño", "****"},
		{"cono", "cono"},
		{"CÓÑO", "****"},
		{"bad    word", "bad    word"},
		{"b00b", "****"},
		{"8008", "8008"},
		{"800b", "800b"},
		{"саp", "***"}, // two letters are Cyrillic
		{"сар", "сар"}, // all are
		{"1488", "****"},
		{"14888", "14888"},
		{"148", "148"},
		{"これは悪いです", "これは**です"},
		{"damn悪い", "******"},
		{"t1t", "***"},
		{"d@mn", "****"},
		{"d@m\u200bn ok", "***** ok"},
		{"ok damn\u0336\u0337 ok", "ok ****** ok"},
		{"ﬁne ass", "ﬁne ***"},
		{"ﾀ悪い", "ﾀ**"},
		{"ass@ass.example", "*******.example"},
		{"x*damn*x", "x******x"},
		{"", ""},
	} {
		got, found := m.Mask(c.in)
		if got != c.want || found != (c.in != c.want) {
			t.Errorf("Mask(%q) = %q, %t, want %q", c.in, got, found, c.want)
		}
		if m.Match(c.in) != found {
			t.Errorf("Match(%q) = %t, unlike Mask", c.in, !found)
		}
	}
}

// checkMask proves what Mask promises about any text and its mask.
func checkMask(t testing.TB, m *Matcher, in, out string) {
	t.Helper()
	a, b := []rune(in), []rune(out)
	if len(a) != len(b) {
		t.Fatalf("mask of %q changed the number of code points: %q", in, out)
	}
	for i := range a {
		if a[i] != b[i] && b[i] != '*' {
			t.Fatalf("mask of %q changed more than it masked: %q", in, out)
		}
	}
	if !utf8.ValidString(out) {
		t.Fatalf("mask of %q is invalid UTF-8: %q", in, out)
	}
	if again, found := m.Mask(out); found || again != out {
		t.Fatalf("mask of %q is not stable: %q, then %q", in, out, again)
	}
}

// What a mask leaves over must not become a hit with its neighbours.
func TestMaskIsStable(t *testing.T) {
	m := matcherOf(t, "damn*\nass\nab\n操\nshit")
	for _, in := range []string{
		"damn$ h i t", "$damn h i t", "s damn h i t", "s ab h i t", "s操h i t", "s操h操i操t", "s 操 h 操 i 操 t",
		"damn$hit$hit$hit", "ass@ass@ass", "d*a*m*n*ass", "s!操!h!操!i!操!t",
	} {
		out, _ := m.Mask(in)
		checkMask(t, m, in, out)
	}
}

// Random texts of the pieces that masks are sensitive to.
func TestMaskOfRandomPieces(t *testing.T) {
	m := matcherOf(t, "damn*\n*heck*\nass\nab\n操\nshit\nbad word\n!bad ass\n!shit a*\nlil\n88")
	pieces := []string{
		"d", "a", "m", "n", "s", "h", "i", "t", "b", "l", "damn", "heck", "ass", "ab", "操", "作", "shit", "bad", "word", "hit", "$", "!", "@", "|", "1", "8", "5", "0",
		"*", " ", " ", " ", ".", "-", "\n", "\u0301", "\u200b", "ñ", "ﬁ", "и", "а", "ѕ", "x",
	}
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 30_000 {
		var b strings.Builder
		for range 1 + rnd.IntN(14) {
			b.WriteString(pieces[rnd.IntN(len(pieces))])
		}
		in := b.String()
		out, _ := m.Mask(in)
		checkMask(t, m, in, out)
	}
}

// Letters that are read at a stroke are what they are one by one.
func TestLettersAtAStroke(t *testing.T) {
	signs := []rune("abyzAZ @[`{09!$*\n.é操и\u0301\ufffd")
	rnd := rand.New(rand.NewPCG(3, 4))
	var got, want reader
	for range 20_000 {
		var b strings.Builder
		for range rnd.IntN(24) {
			b.WriteRune(signs[rnd.IntN(len(signs))])
		}
		text := b.String()
		got, want = reader{units: got.units[:0], tokens: got.tokens[:0]}, reader{units: want.units[:0], tokens: want.tokens[:0]}
		got.read(text)
		for i := 0; i < len(text); {
			if c := text[i]; c < utf8.RuneSelf {
				want.glyph(&glyphs[c], i, i+1)
				i++
			} else {
				i = want.wide(text, i)
			}
		}
		want.close()
		if !slices.Equal(got.units, want.units) || !slices.Equal(got.tokens, want.tokens) {
			t.Fatalf("%q: %+v %+v, want %+v %+v", text, got.units, got.tokens, want.units, want.tokens)
		}
	}
}

func TestLanguages(t *testing.T) {
	l := DefaultLists()
	if got := strings.Join(l.Languages(), " "); got != "de en es fr id" {
		t.Fatalf("languages are %q", got)
	}
	m, err := l.Compile("id")
	if err != nil {
		t.Fatal(err)
	}
	if !m.Match("goblok") || m.Match("fuck") {
		t.Error("the list of one language is not the only one in use")
	}
	if _, err := l.Compile("tlh"); err == nil || !strings.Contains(err.Error(), `"tlh"`) {
		t.Errorf("unknown language: %v", err)
	}
	for lang, entries := range l.languages {
		if len(entries) < 30 {
			t.Errorf("%s has only %d entries", lang, len(entries))
		}
	}
}

// Every entry that blocks is found when it is written as in the list, and every
// exception is needed or at least harmless.
func TestEveryEntryMatchesItself(t *testing.T) {
	l := DefaultLists()
	for _, lang := range l.Languages() {
		m, err := l.Compile(lang)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range l.languages[lang] {
			if got := m.Match(string(e.letters)); got == e.allow {
				t.Errorf("%s: %q: hit is %t", lang, string(e.letters), got)
			}
		}
	}
}

func TestLoadDir(t *testing.T) {
	ok := fstest.MapFS{
		"xx.txt":    {Data: []byte("\ufeff# comment\r\n\r\nfoo*\r\n! foobar \r\n")},
		"notes.md":  {Data: []byte("*")},
		"sub/y.txt": {Data: []byte("?")},
	}
	l, err := LoadDir(ok)
	if err != nil {
		t.Fatal(err)
	}
	m, err := l.Compile("xx")
	if err != nil {
		t.Fatal(err)
	}
	if !m.Match("fooled") || m.Match("foobar") {
		t.Error("the list is not in force")
	}
	for _, c := range []struct{ data, want string }{
		{"fine\na*b", "xx.txt:2:"},
		{"a$s", "plain letters"},
		{"x", "fewer than two"},
		{"*", "fewer than two"},
		{"!", "fewer than two"},
		{"...", "fewer than two"},
		{"aaaa", "repeats"},
		{strings.Repeat("ab", 40), "more than 64"},
		{"悪い word", "mixes"},
		{"\xff", "UTF-8"},
		{strings.Repeat("x", 1<<17), "too long"},
	} {
		_, err := LoadDir(fstest.MapFS{"xx.txt": {Data: []byte(c.data)}})
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "xx.txt") {
			t.Errorf("%.20q: %v, want it to say %q", c.data, err, c.want)
		}
	}
	if _, err := LoadDir(fstest.MapFS{}); err == nil {
		t.Error("an empty directory passed")
	}
	if _, err := LoadDir(fstest.MapFS{"a.txt": {Mode: fs.ModeDir}}); err == nil {
		t.Error("a directory passed for a list")
	}
}

// A text of n letters costs at most some n times what one letter costs, whatever it is made of.
func TestHostileTextsAreLinear(t *testing.T) {
	m := defaultMatcher(t)
	for _, unit := range []string{
		"a", "1", "!", "f", "fu", "f u c k ", "$hit", "fuck$hit", "ass!", "s1", "\u0301", "e\u0301\u0302", "a5", "5",
		"fuck\n", "f.", "悪", "a\u200b", "shi", "fuc", "1l", "dick pic ", "my dick ", "ﷺ", "fuck",
	} {
		text := strings.Repeat(unit, 40_000/len(unit))
		part := text[:len(text)/len(unit)/64*len(unit)]
		took := func(text string, times int) time.Duration {
			start := time.Now()
			for range times {
				out, _ := m.Mask(text)
				if len([]rune(out)) != len([]rune(text)) {
					t.Fatalf("%q repeated: the length changed", unit)
				}
			}
			return time.Since(start)
		}
		// Sixty-four parts take as long as the whole, up to a tenth where a finder of its size must be made anew; and a sixty-fourth
		// of it where each letter costs what is before it. Both take long enough to be interrupted alike by others on the machine;
		// the best of each counts.
		parts, whole := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
		for range 5 {
			parts, whole = min(parts, took(part, 64)), min(whole, took(text, 1))
			if whole < 32*parts {
				break
			}
		}
		if whole >= 32*parts {
			t.Errorf("%q repeated to 625 bytes took %v 64 times, to 40000 bytes %v", unit, parts, whole)
		}
	}
}

// The bound is below what a search costs without the pool, and above what the race
// detector makes the pool forget; BenchmarkMaskClean shows that it is zero otherwise.
func TestMatchDoesNotAllocate(t *testing.T) {
	m := defaultMatcher(t)
	for _, text := range []string{message, strings.Repeat("x", 100)} {
		if n := testing.AllocsPerRun(100, func() { m.Mask(text) }); n > 2 {
			t.Errorf("%v allocations for a clean text", n)
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range append(lines(f, "testdata/hits.txt"), lines(f, "testdata/clean.txt")...) {
		f.Add(s)
	}
	m := defaultMatcher(f)
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			s = strings.ToValidUTF8(s, "\ufffd")
		}
		out, found := m.Mask(s)
		if found != (out != s) && !strings.Contains(s, "*") {
			t.Fatalf("Mask(%q) = %q, %t", s, out, found)
		}
		checkMask(t, m, s, out)
		nfc := norm.NFC.String(s)
		masked, _ := m.Mask(nfc)
		if !norm.NFC.IsNormalString(masked) {
			t.Fatalf("mask of %q is not in form C: %q", nfc, masked)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("word*\n!w x\n# c\n*a1*")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse("xx", s)
		if err != nil {
			return
		}
		m, err := l.Compile()
		if err != nil {
			t.Fatal(err)
		}
		out, _ := m.Mask(s)
		_ = out
		for _, e := range l.languages["xx"] {
			if e.allow {
				return
			}
		}
		for _, e := range l.languages["xx"] {
			if !m.Match(string(e.letters)) {
				t.Fatalf("entry %q does not match itself", string(e.letters))
			}
		}
	})
}

// message is a hundred bytes of ordinary text.
const message = "Hello everybody, the release notes are ready and the meeting is at ten tomorrow in the usual room, ok?"

func BenchmarkMaskClean(b *testing.B) {
	m := defaultMatcher(b)
	b.ReportAllocs()
	for b.Loop() {
		m.Mask(message)
	}
}

func BenchmarkMaskHit(b *testing.B) {
	m := defaultMatcher(b)
	text := message[:60] + " sh1t " + message[66:]
	b.ReportAllocs()
	for b.Loop() {
		m.Mask(text)
	}
}

func BenchmarkMaskCyrillic(b *testing.B) {
	m := defaultMatcher(b)
	text := "Всем привет, заметки о выпуске готовы, встреча завтра в десять"
	b.ReportAllocs()
	for b.Loop() {
		m.Mask(text)
	}
}

func BenchmarkMaskHostile(b *testing.B) {
	m := defaultMatcher(b)
	text := strings.Repeat("1", 4000)
	b.ReportAllocs()
	for b.Loop() {
		m.Mask(text)
	}
}
