// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"net"
	"net/netip"
)

// AddrOf takes the IP address out of a connection's remote address. Addresses of other kinds (pipes, unix sockets) give
// the zero Addr, which counts as one address.
func AddrOf(a net.Addr) netip.Addr {
	switch a := a.(type) {
	case nil:
		return netip.Addr{}
	case *net.TCPAddr:
		ip, _ := netip.AddrFromSlice(a.IP)
		return ip.Unmap()
	}
	if ap, err := netip.ParseAddrPort(a.String()); err == nil {
		return ap.Addr().Unmap()
	}
	ip, _ := netip.ParseAddr(a.String())
	return ip.Unmap()
}

// network is the key under which attempts from an address are counted: the address itself, or of IPv6 the /64 that one
// customer is usually given as a whole.
func network(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	if !a.IsValid() {
		return "local"
	}
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.Addr().String()
}
