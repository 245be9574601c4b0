// SPDX-License-Identifier: Apache-2.0

package content

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// hostSet holds hosts in the form that normalizeHost makes.
type hostSet map[string]struct{}

func newHostSet(hosts []string) (hostSet, error) {
	if len(hosts) == 0 {
		return nil, nil
	}
	set := make(hostSet, len(hosts))
	for _, h := range hosts {
		n := strings.TrimSpace(h)
		if a, err := netip.ParseAddr(n); err == nil && a.Is6() {
			n = "[" + n + "]"
		}
		n = normalizeHost(n)
		if n == "" || len(n) > maxHost || strings.HasPrefix(n, ".") || strings.Contains(n, "..") ||
			strings.ContainsFunc(n, func(r rune) bool {
				return unicode.IsSpace(r) || r < 0x80 && !asciiHost(byte(r)) && (r != ':' || n[0] != '[')
			}) && n[0] != '[' {
			return nil, fmt.Errorf("suspicious host %q: want a host such as example.com, which includes its subdomains, without scheme, port, path or wildcard", h)
		}
		if n[0] == '[' && !validIPv6(n) {
			return nil, fmt.Errorf("suspicious host %q: want an IPv6 address in brackets", h)
		}
		set[n] = struct{}{}
	}
	return set, nil
}

func validIPv6(bracketed string) bool {
	a, err := netip.ParseAddr(strings.TrimSuffix(bracketed[1:], "]"))
	return err == nil && a.Is6() && strings.HasSuffix(bracketed, "]")
}

// maxHost bounds a host in bytes: 253 characters of ASCII, more when decoded.
const maxHost = 1024

// contains tells whether the host, in any spelling, is listed or below a listed one.
func (s hostSet) contains(host string) bool {
	h := normalizeHost(host)
	for h != "" {
		if len(h) > maxHost {
			if dot := strings.IndexByte(h[len(h)-maxHost:], '.'); dot >= 0 {
				h = h[len(h)-maxHost+dot+1:]
				continue
			}
			return false
		}
		if _, ok := s[h]; ok {
			return true
		}
		dot := strings.IndexByte(h, '.')
		if dot < 0 || h[0] == '[' {
			return false
		}
		h = h[dot+1:]
	}
	return false
}

// normalizeHost brings a host into one form: percent encoding undone, compatibility
// mapping and lower case as UTS #46 has them, punycode labels decoded, no dot at the
// end, addresses in their canonical spelling. It is for comparing, not for dialling.
func normalizeHost(h string) string {
	if strings.IndexByte(h, '%') >= 0 {
		h = percentDecode(h)
	}
	if ascii(h) {
		h = strings.ToLower(h)
	} else {
		h = norm.NFKC.String(strings.Map(mapHostRune, norm.NFKC.String(h)))
	}
	h = strings.TrimSuffix(h, ".")
	if strings.HasPrefix(h, "[") && strings.HasSuffix(h, "]") {
		if a, err := netip.ParseAddr(h[1 : len(h)-1]); err == nil {
			if a.Is4In6() { // ::ffff:192.0.2.1 reaches 192.0.2.1
				return a.Unmap().String()
			}
			return "[" + a.WithZone("").String() + "]"
		}
		return h
	}
	if strings.Contains(h, "xn--") {
		labels := strings.Split(h, ".")
		for i, l := range labels {
			if enc, ok := strings.CutPrefix(l, "xn--"); ok {
				if dec, ok := decodePunycode(enc); ok {
					labels[i] = norm.NFKC.String(strings.Map(mapHostRune, dec))
				}
			}
		}
		h = strings.Join(labels, ".")
	}
	if a, ok := parseIPv4(h); ok {
		return a.String()
	}
	return h
}

// mapHostRune is what UTS #46 does to one code point, as far as it matters for
// comparing: -1 removes it.
func mapHostRune(r rune) rune {
	switch {
	case hostIgnored(r):
		return -1
	case r == '\u3002':
		return '.'
	}
	return unicode.ToLower(r)
}

// hostIgnored tells code points that vanish from a host: soft hyphen, zero width
// characters, variation selectors.
func hostIgnored(r rune) bool {
	return r == '\u00ad' || r >= '\u200b' && r <= '\u200d' || r == '\u2060' || r == '\u2064' || r == '\ufeff' ||
		r >= '\ufe00' && r <= '\ufe0f' || r == '\u034f' || r >= '\u180b' && r <= '\u180d'
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func percentDecode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if v, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return strings.ToValidUTF8(b.String(), "\ufffd")
}

// parseIPv4 reads an address as the URL standard of the browsers does: one to four
// parts, each decimal, octal (0…) or hexadecimal (0x…), the last one filling the rest.
func parseIPv4(h string) (netip.Addr, bool) {
	if h == "" || h[0] < '0' || h[0] > '9' || strings.Count(h, ".") > 3 {
		return netip.Addr{}, false
	}
	parts := strings.Split(h, ".")
	var sum uint64
	for i, p := range parts {
		base := 10
		switch {
		case strings.HasPrefix(p, "0x"):
			p, base = p[2:], 16
			if p == "" {
				p = "0"
			}
		case len(p) > 1 && p[0] == '0':
			p, base = p[1:], 8
		}
		v, err := strconv.ParseUint(p, base, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		if i < len(parts)-1 {
			if v > 255 {
				return netip.Addr{}, false
			}
			sum |= v << (8 * (3 - i))
			continue
		}
		if v >= 1<<(8*(4-i)) {
			return netip.Addr{}, false
		}
		sum |= v
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// decodePunycode decodes the part of a label behind "xn--" (RFC 3492).
func decodePunycode(s string) (string, bool) {
	const (
		base, tMin, tMax = 36, 1, 26
		skew, damp       = 38, 700
	)
	if len(s) > 63 { // a label has at most 63 octets; it also bounds the insertions below
		return "", false
	}
	var out []rune
	rest := s
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		out, rest = []rune(s[:i]), s[i+1:]
	}
	n, i, bias := 128, 0, 72
	for p := 0; p < len(rest); {
		old, w := i, 1
		for k := base; ; k += base {
			if p == len(rest) {
				return "", false
			}
			c, digit := rest[p], 0
			p++
			switch {
			case c >= 'a' && c <= 'z':
				digit = int(c - 'a')
			case c >= '0' && c <= '9':
				digit = int(c-'0') + 26
			default:
				return "", false
			}
			i += digit * w
			if i > 1<<31 {
				return "", false
			}
			t := min(max(k-bias, tMin), tMax)
			if digit < t {
				break
			}
			if w *= base - t; w > 1<<31 {
				return "", false
			}
		}
		size := len(out) + 1
		delta := i - old
		if old == 0 {
			delta /= damp
		} else {
			delta /= 2
		}
		delta += delta / size
		k := 0
		for ; delta > (base-tMin)*tMax/2; k += base {
			delta /= base - tMin
		}
		bias = k + (base-tMin+1)*delta/(delta+skew)
		n += i / size
		i %= size
		if n > unicode.MaxRune || n >= 0xD800 && n <= 0xDFFF {
			return "", false
		}
		out = append(out, 0)
		copy(out[i+1:], out[i:])
		out[i] = rune(n)
		i++
	}
	return string(out), true
}
