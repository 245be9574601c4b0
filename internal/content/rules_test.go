// SPDX-License-Identifier: Apache-2.0

package content

import (
	"encoding"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func rulesOf(t testing.TB, p Policy, words string) *Rules {
	t.Helper()
	r, err := New(p, matcherOf(t, words))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestClean(t *testing.T) {
	for _, c := range []struct {
		in, want string
		kind     ErrorKind
	}{
		{in: "hello", want: "hello"},
		{in: " \t\r\n hello \n", want: "hello"},
		{in: "\ufeff\u200b\u2060 hello\u00a0\u3000", want: "hello"},
		{in: "a\tb\nc", want: "a\tb\nc"},
		{in: "a\r\nb\rc\u2028d\u2029e", want: "a\nb\nc\nd\ne"},
		{in: "e\u0301", want: "é"},
		{in: "\u1112\u1161\u11ab", want: "한"},
		{in: "a  b", want: "a  b"},
		{in: "👩\u200d🚀", want: "👩\u200d🚀"},
		{in: "क्\u200dष", want: "क्\u200dष"},
		{in: "a\u200eb\u200fc", want: "a\u200eb\u200fc"},
		{in: "\u202acall +1 555\u202c now", want: "call +1 555 now"},
		{in: "a\u202eb\u2066c\u2069", want: "abc"},
		{in: "\ufffd", want: "\ufffd"},
		{in: "12345678", want: "12345678"},
		{in: strings.Repeat("e\u0301", 8), want: strings.Repeat("é", 8)},
		{in: strings.Repeat("\u1112\u1161\u11ab", 8), want: strings.Repeat("한", 8)},
		{in: strings.Repeat(" ", 100) + "x", want: "x"},
		{in: "", kind: Empty},
		{in: " \n\t ", kind: Empty},
		{in: "\u200b\u200d\u2060", kind: Empty},
		{in: "\u3164", kind: Empty},
		{in: "\u202e\u202c", kind: Empty},
		{in: "\u0301", kind: Empty},
		{in: "123456789", kind: TooLong},
		{in: strings.Repeat("é", 9), kind: TooLong},
		{in: strings.Repeat("e\u0301", 9), kind: TooLong},
		{in: strings.Repeat("x", 1000), kind: TooLong},
		{in: "a\x00b", kind: ControlCharacter},
		{in: "a\x1bb", kind: ControlCharacter},
		{in: "a\x7f", kind: ControlCharacter},
		{in: "a\u0085b", kind: ControlCharacter},
		{in: "\u0085", kind: ControlCharacter},
		{in: "a\u009b", kind: ControlCharacter},
		{in: "a\ufdd0", kind: ControlCharacter},
		{in: "a\U0001ffff", kind: ControlCharacter},
		{in: "a\xff", kind: InvalidUTF8},
		{in: "\xed\xa0\x80", kind: InvalidUTF8},
	} {
		const limit = 17 // of the multi-part cases above; the length cases below use 8
		n := limit
		if c.kind == TooLong || strings.HasPrefix(c.in, "12345678") || strings.Contains(c.in, "e\u0301") || strings.Contains(c.in, "\u1112") {
			n = 8
		}
		got, err := Clean(c.in, n)
		if got != c.want || KindOf(err) != c.kind {
			t.Errorf("Clean(%+q, %d) = %+q, %v, want %+q, %q", c.in, n, got, err, c.want, c.kind)
		}
	}
}

func TestCleanName(t *testing.T) {
	for _, c := range []struct {
		in, want string
		kind     ErrorKind
	}{
		{in: "General", want: "General"},
		{in: "  The   big\u00a0 room ", want: "The big room"},
		{in: "ad\u200bmin\u00ad", want: "admin"},
		{in: "admin\u3164", want: "admin"},
		{in: "admin\u200d", want: "admin"},
		{in: "a \u200b b", want: "a b"},
		{in: "a\u200e", want: "a"},
		{in: "👩\u200d🚀", want: "👩\u200d🚀"},
		{in: "x\u202ey", want: "xy"},
		{in: "a\nb", kind: ControlCharacter},
		{in: "a\tb", kind: ControlCharacter},
		{in: "a\u2028b", kind: ControlCharacter},
		{in: "a\x01b", kind: ControlCharacter},
		{in: "\u200d", kind: Empty},
		{in: "\u00ad \u00ad", kind: Empty},
		{in: strings.Repeat("x", 21), kind: TooLong},
	} {
		got, err := CleanName(c.in, 20)
		if got != c.want || KindOf(err) != c.kind {
			t.Errorf("CleanName(%+q) = %+q, %v, want %+q, %q", c.in, got, err, c.want, c.kind)
		}
	}
}

func TestErrorsSayWhatIsWrong(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", "is empty"},
		{"ab\x07", "holds a control character, U+0007, as character 3"},
		{"\xff", "is not valid UTF-8"},
		{"12345", "has 5 characters, at most 4 are allowed"},
	} {
		_, err := Clean(c.in, 4)
		var e *Error
		if !errors.As(err, &e) || e.Message != c.want || e.Error() != "text "+c.want {
			t.Errorf("Clean(%q): %v, want %q", c.in, err, c.want)
		}
	}
	if KindOf(nil) != "" || KindOf(errors.New("x")) != "" {
		t.Error("KindOf names a kind for other errors")
	}
	if KindOf(fmt.Errorf("content: %w", emptyText())) != Empty {
		t.Error("KindOf does not look through wrapping")
	}
}

func TestMessageLimit(t *testing.T) {
	r := rulesOf(t, Policy{}, "damn")
	if r.MaxLength() != 4000 {
		t.Fatalf("default limit is %d", r.MaxLength())
	}
	for _, s := range []string{"x", "é", "😀"} {
		if _, err := r.Message(strings.Repeat(s, 4000)); err != nil {
			t.Errorf("4000 times %q: %v", s, err)
		}
		if _, err := r.Message(strings.Repeat(s, 4001)); KindOf(err) != TooLong {
			t.Errorf("4001 times %q: %v", s, err)
		}
	}
	small := rulesOf(t, Policy{MaxLength: 3}, "damn")
	if _, err := small.Message("abcd"); KindOf(err) != TooLong {
		t.Errorf("own limit: %v", err)
	}
	if _, err := small.Text("abcd", 4); err != nil {
		t.Errorf("limit of the call: %v", err)
	}
}

func TestProfanityActions(t *testing.T) {
	for _, c := range []struct {
		action Action
		text   string
		masked bool
		flags  []string
		kind   ErrorKind
	}{
		{action: ActionMask, text: "oh ****!", masked: true},
		{action: ActionOff, text: "oh damn!"},
		{action: ActionFlag, text: "oh damn!", flags: []string{FlagProfanity}},
		{action: ActionReject, kind: Profanity},
	} {
		r := rulesOf(t, Policy{Profanity: c.action}, "damn")
		for what, judge := range map[string]func() (Verdict, error){
			"message": func() (Verdict, error) { return r.Message(" oh damn! ") },
			"name":    func() (Verdict, error) { return r.Name(" oh damn! ", 20) },
		} {
			v, err := judge()
			if v.Text != c.text || v.Masked != c.masked || !slices.Equal(v.Flags, c.flags) || KindOf(err) != c.kind {
				t.Errorf("%s, %s: %+v, %v", c.action, what, v, err)
			}
		}
		v, err := r.Message("fine")
		if err != nil || v.Text != "fine" || v.Flags != nil || v.Masked {
			t.Errorf("%s: a clean text: %+v, %v", c.action, v, err)
		}
	}
}

func TestCaps(t *testing.T) {
	for _, c := range []struct {
		in     string
		shouts bool
		lower  string // "" where it stays
	}{
		{"HELLO EVERYBODY", true, "hello everybody"},
		{"ABCDEFGHI", false, ""},                         // nine letters
		{"ABCDEFGHIJ", true, "abcdefghij"},               // ten
		{"ABCDEFGabc", false, ""},                        // exactly 70 %
		{"ABCDEFGHab", true, "abcdefghab"},               // 80 %
		{"ABCDEFG 1234567890 !!!", false, ""},            // digits do not count
		{"日本語日本語日本語 ABC", false, ""},                     // nor do letters without case
		{"ПРИВЕТ ВСЕМ ЛЮДЯМ", true, "привет всем людям"}, //
		{"ǅǅǅǅǅǅǅǅǅǅ", true, "ǆǆǆǆǆǆǆǆǆǆ"},               // title case is a capital
		{"Hello Everybody Here", false, ""},              //
		{"LOOK AT THIS\nHTTPS://EXAMPLE.COM/AbC  NOW PLEASE WWW.Example.com/X", true, "look at this\nHTTPS://EXAMPLE.COM/AbC  now please WWW.Example.com/X"},
	} {
		for _, action := range []CapsAction{CapsOff, CapsFlag, CapsLower} {
			v, err := rulesOf(t, Policy{Caps: action}, "damn").Message(c.in)
			if err != nil {
				t.Fatal(err)
			}
			want := Verdict{Text: c.in}
			if c.shouts && action == CapsFlag {
				want.Flags = []string{FlagCaps}
			}
			if c.shouts && action == CapsLower {
				want.Text, want.Lowered = c.lower, true
			}
			if v.Text != want.Text || v.Lowered != want.Lowered || !slices.Equal(v.Flags, want.Flags) {
				t.Errorf("%s: %q: %+v, want %+v", action, c.in, v, want)
			}
		}
	}
	v, err := rulesOf(t, Policy{}, "damn").Name("HELLO EVERYBODY", 40)
	if err != nil || v.Flags != nil {
		t.Errorf("a name in capitals: %+v, %v", v, err)
	}
	// A masked word still shouts.
	v, err = rulesOf(t, Policy{Caps: CapsFlag}, "damn*").Message("DAMNEDDAMNED it")
	if err != nil || !slices.Equal(v.Flags, []string{FlagCaps}) || v.Text != "************ it" {
		t.Errorf("a masked text in capitals: %+v, %v", v, err)
	}
}

func TestPolicyText(t *testing.T) {
	for _, name := range []string{"mask", "off", "reject", "flag"} {
		var a Action
		roundTrip(t, name, &a, func() (string, []byte, error) { b, err := a.MarshalText(); return a.String(), b, err })
	}
	for _, name := range []string{"flag", "off", "lower"} {
		var a CapsAction
		roundTrip(t, name, &a, func() (string, []byte, error) { b, err := a.MarshalText(); return a.String(), b, err })
	}
	var zero Policy
	if zero.Profanity.String() != "mask" || zero.Caps.String() != "flag" {
		t.Errorf("defaults are %s and %s", zero.Profanity, zero.Caps)
	}
	if _, err := Action(9).MarshalText(); err == nil {
		t.Error("an unknown action was marshalled")
	}
	if s := CapsAction(9).String(); s != "unknown(9)" {
		t.Errorf("unknown action: %q", s)
	}
}

func roundTrip(t *testing.T, name string, v encoding.TextUnmarshaler, get func() (string, []byte, error)) {
	t.Helper()
	if err := v.UnmarshalText([]byte(strings.ToUpper(name))); err != nil {
		t.Fatal(err)
	}
	if s, b, err := get(); s != name || string(b) != name || err != nil {
		t.Errorf("%q came back as %q, %q, %v", name, s, b, err)
	}
	err := v.UnmarshalText([]byte("nonsense"))
	if err == nil || !strings.Contains(err.Error(), "policy") || !strings.Contains(err.Error(), name) {
		t.Errorf("a wrong name: %v", err)
	}
	if s, _, _ := get(); s != name {
		t.Errorf("a wrong name changed the value to %q", s)
	}
}

func TestNewRefusesABadPolicy(t *testing.T) {
	m := matcherOf(t, "damn")
	for _, c := range []struct {
		p    Policy
		m    *Matcher
		want string
	}{
		{Policy{}, nil, "word lists"},
		{Policy{Profanity: 9}, m, "profanity policy"},
		{Policy{Caps: 9}, m, "caps policy"},
		{Policy{MaxLength: -1}, m, "max length"},
		{Policy{SuspiciousHosts: []string{"ok.example", "http://bad.example/"}}, m, `"http://bad.example/"`},
	} {
		if _, err := New(c.p, c.m); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want it to say %q", c.p, err, c.want)
		}
	}
	if _, err := New(Policy{Profanity: ActionOff}, nil); err != nil {
		t.Errorf("without word lists: %v", err)
	}
}

func TestSeveralFlags(t *testing.T) {
	r := rulesOf(t, Policy{Profanity: ActionFlag, SuspiciousHosts: []string{"evil.example"}}, "damn")
	v, err := r.Message("DAMN, LOOK AT HTTP://EVIL.EXAMPLE")
	if err != nil || !slices.Equal(v.Flags, []string{FlagProfanity, FlagSuspiciousLink, FlagCaps}) {
		t.Errorf("%+v, %v", v, err)
	}
	// A mask that falls into the host does not hide it.
	r = rulesOf(t, Policy{SuspiciousHosts: []string{"damn.example"}}, "damn")
	v, err = r.Message("see damn.example")
	if err != nil || v.Text != "see ****.example" || !slices.Equal(v.Flags, []string{FlagSuspiciousLink}) {
		t.Errorf("%+v, %v", v, err)
	}
}

func FuzzMessage(f *testing.F) {
	for _, s := range append(lines(f, "testdata/hits.txt"), lines(f, "testdata/clean.txt")...) {
		f.Add(s)
	}
	f.Add("\u202e\r\nHELLO WORLD EVERYBODY http://a@evil.example/\u200b")
	f.Add(strings.Repeat("\u0301", 64))
	var rules []*Rules
	m := defaultMatcher(f)
	for _, p := range []Policy{{}, {Caps: CapsLower}, {Profanity: ActionFlag, Caps: CapsLower}} {
		p.MaxLength, p.SuspiciousHosts = 60, []string{"evil.example", "xn--bcher-kva.example", "192.0.2.1"}
		r, err := New(p, m)
		if err != nil {
			f.Fatal(err)
		}
		rules = append(rules, r)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range rules {
			for what, judge := range map[string]func(string) (Verdict, error){
				"message": r.Message,
				"name":    func(s string) (Verdict, error) { return r.Name(s, 60) },
			} {
				v, err := judge(s)
				if err != nil {
					continue
				}
				if !utf8.ValidString(v.Text) || !norm.NFC.IsNormalString(v.Text) || v.Text == "" || utf8.RuneCountInString(v.Text) > 60 {
					t.Fatalf("%s(%q) = %q", what, s, v.Text)
				}
				if strings.ContainsFunc(v.Text, directional) || what == "name" && strings.ContainsAny(v.Text, "\n\t") {
					t.Fatalf("%s(%q) = %q", what, s, v.Text)
				}
				// What a mask leaves may shout where the whole did not; nothing else is left to do.
				want := v.Text
				again, err := judge(v.Text)
				if again.Lowered {
					want = lower(want)
				}
				if err != nil || again.Text != want || again.Masked {
					t.Fatalf("%s(%q) = %q, then %q, %v", what, s, v.Text, again.Text, err)
				}
			}
		}
	})
}

func BenchmarkMessage(b *testing.B) {
	m := defaultMatcher(b)
	r, err := New(Policy{SuspiciousHosts: []string{"evil.example", "example.net"}}, m)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Message(message); err != nil {
			b.Fatal(err)
		}
	}
}
