// SPDX-License-Identifier: Apache-2.0

package push

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"
)

// errAddress is why an address is not called.
var errAddress = errors.New("push: the address is not a public one")

// notPublic are parts of the address space that lead to nobody outside, after the registries of special-purpose addresses of
// IANA. Of IPv6, only what lies in 2000::/3 is public at all.
var notPublic = func() []netip.Prefix {
	var out []netip.Prefix
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
	} {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}()

var (
	global = netip.MustParsePrefix("2000::/3")
	nat64  = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052: an IPv4 address in its last 32 bits
)

// Public tells whether an address leads to somebody outside.
func Public(a netip.Addr) bool {
	a = a.Unmap()
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	if nat64.Contains(a) {
		b := a.As16()
		return Public(netip.AddrFrom4([4]byte(b[12:])))
	}
	if a.Is6() && !global.Contains(a) {
		return false
	}
	for _, p := range notPublic {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// Bounds of a call.
const (
	dialTimeout     = 5 * time.Second
	callTimeout     = 15 * time.Second
	callsEach       = 4  // at the same time to one host
	calls           = 64 // to all of them
	maxHeaderBytes  = 16 << 10
	maxAnswerBytes  = 4 << 10 // read, so that the connection can be used again
	idleConnections = 64
)

// Transport is how the other side is reached: over HTTPS, on public addresses only. The address is looked at when the
// connection is made, after the name was resolved, so that no name can lead inside; a proxy of the environment is not used.
// Loopback lets 127.0.0.1 and ::1 through, for tests. roots are nil but in tests.
func Transport(loopback bool, roots *x509.CertPool) *http.Transport {
	return transport(dialer(loopback), roots)
}

// dialer connects to public addresses. Control is asked about the very address that is connected to, whatever the name led to
// when somebody looked before.
func dialer(loopback bool) *net.Dialer {
	return &net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", errAddress, address)
		}
		if Public(to.Addr()) || loopback && to.Addr().Unmap().IsLoopback() {
			return nil
		}
		return fmt.Errorf("%w: %s", errAddress, to.Addr())
	}}
}

func transport(dialer *net.Dialer, roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
		TLSHandshakeTimeout: dialTimeout, MaxConnsPerHost: callsEach, MaxIdleConns: idleConnections, IdleConnTimeout: time.Minute,
		MaxResponseHeaderBytes: maxHeaderBytes, DisableCompression: true,
	}
}

// secure refuses what is not HTTPS, whatever the URL says, before anything is sent.
type secure struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t secure) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme != "https" {
		return nil, fmt.Errorf("%w: %s is no https", errAddress, r.URL.Scheme)
	}
	return t.RoundTripper.RoundTrip(r)
}

// client calls without following anybody elsewhere.
func client(t http.RoundTripper) *http.Client {
	return &http.Client{Transport: secure{t}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// callContext bounds one call.
func callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
