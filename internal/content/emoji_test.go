// SPDX-License-Identifier: Apache-2.0

package content

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestEmoji(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"👍": "👍", "👍\uFE0F": "👍", "👍🏽": "👍🏽", "❤": "❤\uFE0F", "❤\uFE0F": "❤\uFE0F", "❤\uFE0E": "❤\uFE0F", "©": "©\uFE0F",
		"1\u20E3": "1\uFE0F\u20E3", "#\uFE0F\u20E3": "#\uFE0F\u20E3", "☝🏿": "☝🏿", "☝\uFE0F🏿": "☝🏿",
		"🇩🇪": "🇩🇪", "🏴󠁧󠁢󠁥󠁮󠁧󠁿": "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🏳\u200D🌈": "🏳\uFE0F\u200D🌈", "🏳\uFE0F\u200D🌈": "🏳\uFE0F\u200D🌈",
		"👩\u200D👩\u200D👧\u200D👦": "👩\u200D👩\u200D👧\u200D👦", "🧑🏾\u200D❤\u200D💋\u200D🧑🏻": "🧑🏾\u200D❤\uFE0F\u200D💋\u200D🧑🏻", "🏽": "🏽", "🫨": "🫨",
	} {
		got, ok := Emoji(in)
		if !ok || got != want {
			t.Errorf("%+q is %+q (%v), want %+q", in, got, ok, want)
		}
		if again, ok := Emoji(got); !ok || again != got {
			t.Errorf("%+q is %+q the second time", got, again)
		}
	}
	for _, in := range []string{
		"", " ", "a", "1", "#", "👍👍", "👍 ", " 👍", "👍a", "\u200D", "👍\u200D", "\u200D👍", "👍\u200Da", "🇩", "🇩🇪🇩🇪", "🇩a", "\uFE0F", "\u20E3", "a\u20E3",
		"🏽🏽", "🏴󠁧󠁢", "🏴󠁿", "\xff", "👍\xff", "<", "é", "中", "★", strings.Repeat("👩\u200D", 9) + "👩", "👍\n", "\u202E👍",
	} {
		if got, ok := Emoji(in); ok {
			t.Errorf("%+q counts as the emoji %+q", in, got)
		}
	}
}

func FuzzEmoji(f *testing.F) {
	for _, s := range []string{"👍", "❤\uFE0F", "1\u20E3", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩\u200D👧", "\xf0\x9f", "🇩🇪"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := Emoji(s)
		if !ok {
			return
		}
		if again, ok := Emoji(got); !ok || again != got || !utf8.ValidString(got) || len(got) > 4*2*maxEmojiRunes {
			t.Errorf("%+q is spelled %+q, and that %+q", s, got, again)
		}
	})
}
