// SPDX-License-Identifier: Apache-2.0

package content

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// linked tells whether the text has a link to a host of the set. It reads the text once:
// each run of characters without white space is searched for links on its own.
func (s hostSet) linked(text string) bool {
	if len(s) == 0 {
		return false
	}
	for len(text) > 0 {
		n := strings.IndexFunc(text, linkStop)
		if n < 0 {
			return s.linkedRun(text)
		}
		if n > 0 && s.linkedRun(text[:n]) {
			return true
		}
		_, size := utf8.DecodeRuneInString(text[n:])
		text = text[n+size:]
	}
	return false
}

// linkStop tells characters that end any link.
func linkStop(r rune) bool {
	if r < 0x80 {
		return r <= ' ' || r == '<' || r == '>' || r == '"' || r == '`' || r == 0x7F
	}
	return unicode.IsSpace(r) || unicode.In(r, unicode.Ps, unicode.Pe, unicode.Pi, unicode.Pf) ||
		r == '，' || r == '、' || r == '！' || r == '？' || r == '：' || r == '；'
}

func (s hostSet) linkedRun(t string) bool {
	ends := authorityEnds{end: -1}
	for p := 0; p < len(t); {
		end := hostEnd(t, p, false)
		if end == p { // no host begins here
			_, size := utf8.DecodeRuneInString(t[p:])
			p += size
			continue
		}
		run := t[p:end]
		before := byte(0)
		if p > 0 {
			before = t[p-1]
		}
		after := byte(0)
		if end < len(t) {
			after = t[end]
		}
		www := len(run) > 4 && strings.EqualFold(run[:4], "www.")
		switch {
		case after == ':' && slashes(t[end+1:], run) > 0:
			if s.bare(run, before) {
				return true
			}
			start := end + 1 + slashes(t[end+1:], run)
			var found bool
			if p, found = s.authority(t, start, &ends); found {
				return true
			}
			continue
		case www && before != '@':
			var found bool
			if p, found = s.authority(t, p, &ends); found {
				return true
			}
			continue
		case after == '@' || before == '@':
			// A mail address.
		case before == '/' && (p < 2 || t[p-2] != '/') || before == '\\':
			// A part of a path.
		default:
			if s.bare(run, before) {
				return true
			}
		}
		p = end
	}
	return false
}

// slashes counts the slashes behind "scheme:" that begin an authority. A browser takes
// any number of either kind behind http and https, other schemes need two.
func slashes(t, scheme string) int {
	n := 0
	for n < len(t) && (t[n] == '/' || t[n] == '\\') {
		n++
	}
	if n >= 2 {
		return n
	}
	low := strings.ToLower(scheme[max(0, len(scheme)-5):])
	if strings.HasSuffix(low, "http") || low == "https" {
		return n
	}
	return 0
}

// authority judges [userinfo@]host[:port] at t[p:] and returns where to go on: behind
// the link where it has a path, else behind the host.
func (s hostSet) authority(t string, p int, ends *authorityEnds) (next int, found bool) {
	end, at := ends.from(t, p)
	first := hostEnd(t[:end], p, true)
	hostAt := p
	if at >= p {
		// A renderer may cut the link before the "@", a browser takes what follows it.
		if s.run(t[p:first]) {
			return 0, true
		}
		hostAt = at + 1
	}
	stop := hostEnd(t[:end], hostAt, true)
	if s.run(t[hostAt:stop]) {
		return 0, true
	}
	if stop < end && t[stop] == ':' {
		for stop++; stop < end && t[stop] >= '0' && t[stop] <= '9'; stop++ {
		}
	}
	if stop == end && stop < len(t) {
		stop = pathEnd(t, stop)
	}
	return max(stop, p), false
}

// authorityEnds finds where an authority ends and the last "@" in it. It keeps both,
// since many hosts in one run can share them, and the run is to be read once.
type authorityEnds struct{ end, at int }

func (e *authorityEnds) from(t string, p int) (end, at int) {
	if p > e.end {
		e.end = len(t)
		if i := strings.IndexAny(t[p:], `/\?#`); i >= 0 {
			e.end = p + i
		}
		e.at = p + strings.LastIndexByte(t[p:e.end], '@')
	}
	return e.end, e.at
}

// pathEnd returns where a path, query and fragment end: at a closing bracket that was
// not opened in it, or with the run.
func pathEnd(t string, p int) int {
	round, square := 0, 0
	for ; p < len(t); p++ {
		switch t[p] {
		case '(':
			round++
		case ')':
			round--
		case '[':
			square++
		case ']':
			square--
		}
		if round < 0 || square < 0 {
			return p
		}
	}
	return p
}

// bare judges a host without scheme. It needs a dot, and loses the signs of emphasis
// and the dots of a sentence around it.
func (s hostSet) bare(run string, before byte) bool {
	if before == '@' {
		return false
	}
	run = strings.Trim(run, "_-.")
	return strings.ContainsAny(run, ".。．｡") && s.run(run)
}

// run judges a host, and, since Chinese or Thai text and emoji may touch it without a
// space, also the parts of it between such characters and between two dots.
func (s hostSet) run(run string) bool {
	run = strings.TrimRight(run, "_-.")
	if run == "" {
		return false
	}
	if s.contains(run) {
		return true
	}
	if !strings.Contains(run, "..") && !strings.ContainsFunc(run, hostBorder) {
		return false
	}
	for part := range strings.SplitSeq(run, "..") {
		for _, p := range strings.FieldsFunc(part, hostBorder) {
			if p = strings.Trim(p, "_-."); p != "" && s.contains(p) {
				return true
			}
		}
	}
	return false
}

func hostBorder(r rune) bool {
	return r >= 0x80 && (unspaced(r) || unicode.In(r, unicode.So, unicode.Sk, unicode.Sm)) && r != '\u3002' && r != '\uff61'
}

// hostEnd returns where the host that begins at t[p:] ends. In an authority it may be
// in brackets and percent-encoded.
func hostEnd(t string, p int, authority bool) int {
	if authority && p < len(t) && t[p] == '[' {
		if i := strings.IndexByte(t[p:], ']'); i > 0 {
			return p + i + 1
		}
		return p
	}
	for p < len(t) {
		if c := t[p]; c < 0x80 {
			if !asciiHost(c) && (c != '%' || !authority) {
				return p
			}
			p++
			continue
		}
		r, size := utf8.DecodeRuneInString(t[p:])
		if !hostRune(r) {
			return p
		}
		p += size
	}
	return p
}

func asciiHost(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_'
}

func hostRune(r rune) bool {
	return r == '\u2024' || r == '\u3002' || r == '\uff0e' || r == '\uff61' || hostIgnored(r) || unicode.IsLetter(r) || unicode.IsMark(r) ||
		unicode.IsNumber(r) || unicode.In(r, unicode.So, unicode.Sk, unicode.Sm)
}
