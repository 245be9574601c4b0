// SPDX-License-Identifier: Apache-2.0

package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func words(tokens []Token) (out []string) {
	for _, t := range tokens {
		out = append(out, t.Text)
	}
	return out
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                           "",
		"Hello, world!":              "hello world",
		"Ärger Straße Łódź naïve Đà": "arger strasse lodz naive da",
		"e\u0301te\u0301 ete":        "ete ete",
		"ＡＢＣ１２３":                     "abc123",
		"don't e-mail x_y":           "don t e mail x y",
		"日本語です":                      "日 本 語 で す",
		"go言語":                       "go 言 語",
		"서울에서":                       "서 울 에 서",
		"สวัสดี":                     "ส ว ั ส ด ี",
		"ｶﾀｶﾅ":                       "カ タ カ ナ",
		"ok 👍🏽 done":                 "ok 👍 done",
		"❤️ ❤":                       "❤ ❤",
		"हिन्दी":                     "हिन्दी",
		"שָׁלוֹם שלום":               "שלום שלום",
		"ΟΔΟΣ οδός":                  "οδοσ οδοσ",
		"C++ & 3.14":                 "c 3 14",
		"\xff\xfe a\ufffdb":          "a b",
		strings.Repeat("a", 100):     strings.Repeat("a", 64),
	} {
		if got := strings.Join(words(Tokens(nil, text)), " "); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		query, text string
		want        string // the snippet; "" no hit
	}{
		{"garden", "In the Garden, today", "In the «Garden», today"},
		{"gard", "In the garden", ""},
		{"gard*", "In the garden", "In the «garden»"},
		{"*arde", "In the garden", "In the «garden»"},
		{"*arde*", "In the garden", "In the «garden»"},
		{"the garden", "garden of the king", "«garden» of «the» king"},
		{"the castle", "garden of the king", ""},
		{`"the garden"`, "in the garden", "in «the garden»"},
		{`"the garden"`, "garden the", ""},
		{`"the garden`, "in the garden", "in «the garden»"}, // not closed
		{`"gard*"`, "garden", ""},                           // nothing means anything within quotation marks
		{"don't", "I don't", "I «don't»"},
		{"don't", "t don", ""},
		{"strasse", "Große Straße", "Große «Straße»"},
		{"ETE", "l'été", "l'«été»"},
		{"本", "日本語", "日«本»語"},
		{"日本", "在日本的", "在«日本»的"},
		{"日語", "日本語", ""},
		{"日本語", "日本語と日本", "«日本語»と日本"},
		{"❤", "I ❤️ it", "I «❤️» it"},
		{"AND", "you and me", "you «and» me"},
		{"OR", "you and me", ""},
		{"NEAR(a b)", "near a b", "«near a» «b»"},
		{"body:x", "the body x", "the «body x»"},
		{"a", "«a» quote", "‹«a»› quote"},
		{"b", "a\n\tb", "a  «b»"},
		{"aa*", "aaa aab", "«aaa» «aab»"},
	} {
		q, err := Parse(c.query)
		if err != nil {
			t.Errorf("%s: %v", c.query, err)
			continue
		}
		got := ""
		if spans, ok := q.Match(Tokens(nil, c.text)); ok {
			got = Snippet(c.text, spans)
		}
		if got != c.want {
			t.Errorf("%s in %q: got %q, want %q", c.query, c.text, got, c.want)
		}
	}
}

func TestBadQueries(t *testing.T) {
	t.Parallel()
	for _, query := range []string{"", "  ", "!?", `""`, "***", "*ab", "*foo-bar", strings.Repeat("a", 257), strings.Repeat("a ", 17)} {
		if q, err := Parse(query); err == nil {
			t.Errorf("%q was read as %v", query, q)
		}
	}
}

func TestExpression(t *testing.T) {
	t.Parallel()
	known := func(p string, prefix bool) ([]string, bool, error) {
		if prefix {
			return []string{p, p + "z"}, true, nil
		}
		switch p {
		case "many":
			return []string{"many", "manya"}, false, nil
		case "none":
			return nil, true, nil
		}
		return []string{"x" + p, p + "y"}, true, nil
	}
	for query, want := range map[string]string{
		`a "b c" d*`:     `"a" AND "b" AND "c" AND ("d" OR "dz")`,
		"*part":          `("xpart" OR "party")`,
		"*many":          ``,
		"*many b":        `"b"`,
		"日":              `"日"`,
		"日本語":            `"日本" AND "本語"`,
		"go言語x":          `"go" AND "言語" AND "x"`,
		`x" OR "y NOT z`: `"x" AND "or" AND "y" AND "not" AND "z"`,
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(query, err)
		}
		if got, possible, err := q.Expression(known); got != want || !possible || err != nil {
			t.Errorf("%s: got %s (%v, %v), want %s", query, got, possible, err, want)
		}
	}
	q, _ := Parse("a *none")
	if _, possible, _ := q.Expression(known); possible {
		t.Error("a word that is in no word cannot be found")
	}
}

func TestSnippetIsCut(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("ä ", 500) + "needle" + strings.Repeat(" ö", 500)
	q, _ := Parse("needle")
	spans, _ := q.Match(Tokens(nil, text))
	got := Snippet(text, spans)
	if !strings.HasPrefix(got, "…") || !strings.HasSuffix(got, "…") || !strings.Contains(got, "«needle»") ||
		utf8.RuneCountInString(got) != maxSnippet+4 {
		t.Errorf("got %q", got)
	}
}

// What Match accepts is found by Expression, whatever was written: else an index would hide it.
func TestIndexFindsWhatMatches(t *testing.T) {
	t.Parallel()
	piece := rapid.StringOfN(rapid.RuneFrom([]rune(`aAbBäéß1 "*'-日本語カ👍ς،`)), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		text, query := piece.Draw(t, "text"), piece.Draw(t, "query")
		q, err := Parse(query)
		if err != nil {
			return
		}
		tokens := Tokens(nil, text)
		spans, ok := q.Match(tokens)
		if !ok {
			return
		}
		terms := Terms(nil, tokens)
		for _, p := range q.parts {
			p.terms(func(word string) {
				if !slices.Contains(terms, word) {
					t.Fatalf("%q matches %q, the index of %q does not have %s", text, query, terms, word)
				}
			})
		}
		if s := Snippet(text, spans); strings.Count(s, "«") != strings.Count(s, "»") || !strings.Contains(s, "«") || !utf8.ValidString(s) {
			t.Fatalf("snippet %q", s)
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add("some text", "some")
	f.Add("日本\xff", `"日本" *abc`)
	f.Fuzz(func(t *testing.T, text, query string) {
		tokens := Tokens(nil, text)
		for _, k := range tokens {
			if k.Start >= k.End || k.End > len(text) || k.Text == "" || !utf8.ValidString(k.Text) || strings.ContainsAny(k.Text, "\x00 \"%_") {
				t.Fatalf("%q: token %+v", text, k)
			}
		}
		if q, err := Parse(query); err == nil {
			if spans, ok := q.Match(tokens); ok {
				Snippet(text, spans)
			}
		}
	})
}
