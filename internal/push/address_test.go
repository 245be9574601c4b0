// SPDX-License-Identifier: Apache-2.0

package push

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/internal/chat"
)

// names is a name server that answers each question about an IPv4 address with the next of some sets, the last one for ever.
type names struct {
	mu    sync.Mutex
	sets  [][]string
	asked int
}

func (n *names) next() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.asked++
	set := n.sets[0]
	if len(n.sets) > 1 {
		n.sets = n.sets[1:]
	}
	return set
}

// resolver asks the name server over a pipe, as over TCP (RFC 1035, section 4.2.2): each message comes behind its length.
func (n *names) resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go func() {
			defer there.Close()
			for {
				var size [2]byte
				if _, err := io.ReadFull(there, size[:]); err != nil {
					return
				}
				query := make([]byte, binary.BigEndian.Uint16(size[:]))
				if _, err := io.ReadFull(there, query); err != nil {
					return
				}
				answer := n.answer(query)
				if _, err := there.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(answer))), answer...)); err != nil {
					return
				}
			}
		}()
		return here, nil
	}}
}

// answer has the query's id and question, and an address for each record (RFC 1035, section 4.1).
func (n *names) answer(query []byte) []byte {
	const header, typeA, pointerToQuestion = 12, 1, 0xc00c
	end := header + bytes.IndexByte(query[header:], 0) + 1
	var set []string
	if binary.BigEndian.Uint16(query[end:]) == typeA {
		set = n.next()
	}
	out := append([]byte(nil), query[:2]...)
	for _, v := range []uint16{0x8180, 1, uint16(len(set)), 0, 0} { // an answer without error, one question, so many records
		out = binary.BigEndian.AppendUint16(out, v)
	}
	out = append(out, query[header:end+4]...)
	for _, address := range set {
		for _, v := range []uint16{pointerToQuestion, typeA, 1, 0, 0, 4} { // in the internet, with no time to live, of four bytes
			out = binary.BigEndian.AppendUint16(out, v)
		}
		out = append(out, netip.MustParseAddr(address).AsSlice()...)
	}
	return out
}

// A name that leads to a public address when somebody looks, and inside when it is called, is not called: the address that is
// connected to is the one that is judged, each time.
func TestNamesThatTurnInside(t *testing.T) {
	t.Parallel()
	errOutside := errors.New("a public address would have been called")
	inside := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a server inside was called") }))
	inside.Config.ConnState = func(net.Conn, http.ConnState) { t.Error("somebody connected to a server inside") }
	inside.StartTLS()
	defer inside.Close()
	_, port, err := net.SplitHostPort(inside.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const public = "8.8.8.8"
	n := &names{sets: [][]string{{public}, {"127.0.0.1"}, {public}, {"10.1.2.3"}, {"127.0.0.1", "169.254.169.254", "192.168.0.1"}, {public, "10.0.0.1"}, {"127.0.0.1"}}}
	want := []error{errOutside, errAddress, errOutside, errAddress, errAddress, errOutside, errAddress}
	d := dialer(false)
	d.Resolver, d.FallbackDelay = n.resolver(), -1
	judge := d.Control
	d.Control = func(network, address string, c syscall.RawConn) error {
		if err := judge(network, address, c); err != nil {
			return err
		}
		if !strings.HasPrefix(address, public+":") {
			t.Errorf("%s may be called", address)
			return errAddress
		}
		return errOutside // a test calls nobody outside
	}
	c := caller{client: client(transport(d, nil)), now: time.Now, texts: TextsAll}
	for i, want := range want {
		a := c.call(t.Context(), &chat.Notice{Subscription: chat.PushSubscription{Kind: chat.UnifiedPush, Endpoint: "https://turns.example.net:" + port + "/x"}, Room: &chat.Room{ID: "r"}})
		if !errors.Is(a.err, want) {
			t.Errorf("call %d: %v, want %v", i, a.err, want)
		}
		if inward := errors.Is(want, errAddress); inward != (a.fate() == futile) || inward && a.reason() != "address" {
			t.Errorf("call %d: %v, %s", i, a.fate(), a.reason())
		}
	}
	if n.asked != len(want) {
		t.Errorf("the name was looked up %d times for %d calls", n.asked, len(want))
	}
}

// Nobody is followed elsewhere, wherever that is, and with none of the statuses that say so.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	var paths []string
	to := ""
	status := 0
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		w.Header().Set("Location", to)
		w.WriteHeader(status)
	}))
	defer s.Close()
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	c := caller{client: client(Transport(true, roots)), now: time.Now, texts: TextsAll}
	calls := 0
	for _, status = range []int{301, 302, 303, 307, 308} {
		for _, to = range []string{"http://169.254.169.254/latest/meta-data/", "https://10.0.0.1/", "http://localhost/", s.URL + "/elsewhere", "/elsewhere", ""} {
			calls++
			a := c.call(t.Context(), &chat.Notice{Subscription: chat.PushSubscription{Kind: chat.UnifiedPush, Endpoint: s.URL + "/here"}, Room: &chat.Room{ID: "r"}})
			if a.err != nil || a.status != status || a.fate() != futile || a.reason() != "redirect" {
				t.Errorf("%d to %q: %+v", status, to, a)
			}
		}
	}
	if len(paths) != calls || strings.Contains(strings.Join(paths, " "), "elsewhere") {
		t.Errorf("%d calls came to %v", calls, paths)
	}
}
