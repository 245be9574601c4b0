// SPDX-License-Identifier: Apache-2.0

package content

import (
	"strings"
	"testing"
	"time"
)

func TestSuspiciousLinks(t *testing.T) {
	set, err := newHostSet([]string{"Evil.com.", "bücher.example", "192.0.2.1", "[2001:DB8::1]", "2001:db8::7", "xn--e1afmkfd.xn--p1ai"})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{
		"http://evil.com",
		"https://evil.com/path?q#f",
		"HTTPS://EVIL.COM",
		"see https://evil.com.",
		"(https://evil.com)",
		"<https://evil.com>",
		"[text](https://evil.com/x)",
		"[a](https://good.com/x)[b](https://evil.com/y)",
		"https://good.com,https://evil.com",
		"https://www.evil.com:8443/",
		"https://a.b.evil.com",
		"https://good.com@evil.com",
		"https://good.com:80@evil.com/",
		"https://user:pa@ss@evil.com/",
		"https://evil.com\\@good.com/",
		"https://evil.com@good.com/", // a renderer may cut it
		"https://evil.com./",
		"https://ev%69l.com/",
		"https:/evil.com",
		"https:\\\\evil.com",
		"http:///evil.com",
		"ftp://evil.com/x",
		"xhttp://evil.com",
		"https://EVIL。com",
		"https://ｅｖｉｌ．ｃｏｍ",
		"https://ev\u00adil.com",
		"https://ev\u200bil.com",
		"https://ⓔvil.com",
		"https://evil\u2024com", // one dot leader, a dot to browsers
		"http://[::ffff:192.0.2.1]/",
		"http://[::FFFF:c000:201]:80/x",
		"www.evil.com",
		"www.good.com@evil.com/x",
		"evil.com",
		"look: evil.com!",
		"site:evil.com",
		"**evil.com**",
		"_evil.com_",
		"evil.com...",
		"wait...evil.com",
		"evil.com/path",
		"evil.com:8080",
		"👉evil.com",
		"evil.com👈",
		"看看evil.com吧",
		"看，https://evil.com吧",
		"//evil.com/x",
		"x.zz/https://evil.com",
		"https://bücher.example",
		"https://BÜCHER.example",
		"https://bu\u0308cher.example",
		"https://xn--bcher-kva.example/",
		"https://XN--BCHER-KVA.example/",
		"shop.bücher.example",
		"https://пример.рф",
		"http://192.0.2.1/",
		"http://3221225985/",
		"http://0xC0000201",
		"http://0300.0.02.1",
		"http://192.0.513",
		"http://[2001:db8:0:0::1]:80/",
		"http://[2001:db8::7]/",
		"192.0.2.1",
	} {
		if !set.linked(s) {
			t.Errorf("no link found in %q", s)
		}
	}
	for _, s := range []string{
		"",
		"evil",
		"evil com",
		"notevil.com",
		"https://notevil.com",
		"ñevil.com",
		"evil.com.good.org",
		"https://evil.com.good.org/",
		"evil.community",
		"evil-com.org",
		"https://good.com/evil.com",
		"https://good.com/?u=https://evil.com",
		"https://good.com/(https://evil.com)",
		"https://good.com#@evil.com",
		"https://good.com?@evil.com",
		"https://good.com/@evil.com",
		"good.com/evil.com",
		"bob@evil.com",
		"mail bob@evil.com, please",
		"evil.com@good.com",
		"and/evil.com",
		"http://192.0.2.10/",
		"1192.0.2.1",
		"http://192.0.2.1.good.com",
		"http://[2001:db8::2]/",
		"http://",
		"http://@",
		"https://[",
		"https://xn--/",
		"https://%",
		"https://%zz",
		"bucher.example",
		"...",
		"a..b",
	} {
		if set.linked(s) {
			t.Errorf("a link found in %q", s)
		}
	}
	if hostSet(nil).linked("https://evil.com") {
		t.Error("a link found without a list")
	}
}

func TestHostList(t *testing.T) {
	for _, s := range []string{
		"", " ", ".", "https://evil.com", "evil.com/x", "evil.com:80", "*.evil.com", ".evil.com", "a..b", "evil com", "[::1", "[evil]", "a@b", "[1.2.3.4]",
	} {
		if _, err := newHostSet([]string{s}); err == nil || !strings.Contains(err.Error(), "suspicious host") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func TestPunycode(t *testing.T) {
	for in, want := range map[string]string{ // RFC 3492, section 7.1, and common names
		"egbpdaj6bu4bxfgehfvwxn":           "ليهمابتكلموشعربي؟",
		"ihqwcrb4cv8a8dqg056pqjye":         "他们为什么不说中文",
		"b1abfaaepdrnnbgefbadotcwatmq2g4l": "почемужеонинеговорятпорусски",
		"3b-ww4c5e180e575a65lsy2b":         "3年b組金八先生",
		"bcher-kva":                        "bücher",
		"mnchen-3ya":                       "münchen",
		"e1afmkfd":                         "пример",
	} {
		if got, ok := decodePunycode(in); !ok || got != want {
			t.Errorf("%q is %q, %t, want %q", in, got, ok, want)
		}
	}
	for _, in := range []string{"A", "99999999", "bcher-kv!", strings.Repeat("z", 63), strings.Repeat("a", 64), "zzzzzzzzzzzzzzz"} {
		if got, ok := decodePunycode(in); ok {
			t.Errorf("%q is %q, want an error", in, got)
		}
	}
}

// Time grows with the length of the text only; see TestHostileTextsAreLinear.
func TestLinksAreLinear(t *testing.T) {
	set, err := newHostSet([]string{"evil.com"})
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"a.", "www.a,", "www.a@", "http://a,", "http://a@", "a@", "http:", "http:/", "看.", "a..", "(http://a/", "%41", "xn--a.", "//"} {
		text := strings.Repeat(unit, 100_000/len(unit))
		start := time.Now()
		set.linked(text)
		set.linked("http://" + text)
		if d := time.Since(start); d > time.Second {
			t.Errorf("%q repeated to 100000 bytes took %v", unit, d)
		}
	}
}

func FuzzLinked(f *testing.F) {
	for _, s := range []string{"https://a:b@evil.com:80/x", "看evil.com", "http://[::1]/", "http://0x7f.1", "xn--bcher-kva.evil.com", "%65vil.com", "www.a@b"} {
		f.Add(s)
	}
	set, err := newHostSet([]string{"evil.com", "bücher.example", "192.0.2.1", "[::1]"})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		// A listed host behind a space is found after any text.
		if !set.linked(s + " https://evil.com") {
			t.Fatalf("%q hides a link", s)
		}
	})
}

func BenchmarkLinked(b *testing.B) {
	set, err := newHostSet([]string{"evil.com"})
	if err != nil {
		b.Fatal(err)
	}
	text := "Hello everybody, the notes are at https://www.example.com/notes?x=1 and example.org, the meeting is at ten"
	b.ReportAllocs()
	for b.Loop() {
		set.linked(text)
	}
}
