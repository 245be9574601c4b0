// SPDX-License-Identifier: Apache-2.0

//go:build unix

package mqtt_test

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// quiet is an application that records nothing.
type quiet struct {
	app
	acks func()
}

func (q *quiet) Opened(s *mqtt.Session, _ bool) { q.sessions <- s }
func (q *quiet) Acked(*mqtt.Session, *mqtt.Message) {
	if q.acks != nil {
		q.acks()
	}
}
func (q *quiet) Closed(*mqtt.Session, bool, error) {}
func (q *quiet) Publish(_ *mqtt.Session, _ *packet.Publish, a *mqtt.Ack) {
	a.Done(packet.Success, "", nil)
}

// BenchmarkFanOut sends batches of messages of 300 bytes to 100 sessions, whose clients read (and at QoS 1 acknowledge) in the
// same process: cpu-ns/delivery counts both sides.
func BenchmarkFanOut(b *testing.B) {
	for _, qos := range []byte{0, 1} {
		for _, batch := range []int{1, 8} {
			b.Run(fmt.Sprintf("qos%d/batch%d", qos, batch), func(b *testing.B) { fanOut(b, qos, batch) })
		}
	}
}

func fanOut(b *testing.B, qos byte, batch int) {
	const members = 100
	q := &quiet{app: *newApp()}
	var acks sync.WaitGroup
	q.acks = acks.Done
	srv, err := mqtt.NewServer(mqtt.Config{}, q)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := goServe(func() error { return srv.Serve(l) })
	var sessions []*mqtt.Session
	var clients sync.WaitGroup
	arrived := make(chan int, members)
	for i := range members {
		nc, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer nc.Close()
		c := newClient(b, nc)
		c.login(fmt.Sprint(i))
		sessions = append(sessions, <-q.sessions)
		clients.Go(func() { readAll(nc, qos, batch, arrived) })
	}
	m := &mqtt.Message{Payload: make([]byte, 300)}
	before, wall := cpu(), time.Now()
	for b.Loop() {
		if qos == 1 {
			acks.Add(batch * members)
		}
		srv.Cork()
		for range batch {
			for _, s := range sessions {
				s.Send("chat/user/somebody/messages", qos, m, nil)
			}
		}
		srv.Uncork()
		for range members {
			<-arrived
		}
		acks.Wait()
	}
	n := float64(b.N * members * batch)
	b.ReportMetric(float64(cpu()-before)/n, "cpu-ns/delivery")
	b.ReportMetric(n/time.Since(wall).Seconds(), "deliveries/s")
	b.ReportMetric(0, "ns/op")
	for _, s := range sessions {
		s.Close(packet.ServerShuttingDown, "")
	}
	clients.Wait()
	_ = srv.Shutdown(b.Context())
	<-served
}

// readAll reads PUBLISH packets of one size and reports each batch; at QoS 1 it acknowledges a read's worth at a time.
func readAll(nc net.Conn, qos byte, batch int, arrived chan<- int) {
	defer nc.Close()
	buf, held, count := make([]byte, 64<<10), 0, 0
	var acks []byte
	for {
		n, err := nc.Read(buf[held:])
		if err != nil {
			return
		}
		b := buf[:held+n]
		acks = acks[:0]
		for {
			h, size, err := packet.ReadHeader(b)
			if err != nil || len(b) < size+h.Length {
				break
			}
			if h.Type == packet.PUBLISH {
				count++
				if qos == 1 {
					at := size + 2 + (int(b[size])<<8 | int(b[size+1]))
					acks = append(acks, byte(packet.PUBACK)<<4, 2, b[at], b[at+1])
				}
			}
			b = b[size+h.Length:]
		}
		held = copy(buf, b)
		if len(acks) > 0 {
			_, _ = nc.Write(acks)
		}
		for ; count >= batch; count -= batch {
			arrived <- 1
		}
	}
}

// BenchmarkPublish has one client with 64 PUBLISH packets of QoS 1 outstanding, completed at once.
func BenchmarkPublish(b *testing.B) {
	q := &quiet{app: *newApp()}
	srv, err := mqtt.NewServer(mqtt.Config{}, q)
	if err != nil {
		b.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	served := goServe(func() error { return srv.Serve(l) })
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	newClient(b, nc).login("c")
	var batch []byte
	for id := uint16(1); id <= 64; id++ {
		batch = packet.AppendPublish(batch, packet.V5, &packet.Publish{Topic: "chat/message/general", QoS: 1, PacketID: id, Payload: make([]byte, 100)})
	}
	acks := make([]byte, 64*4)
	before := cpu()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := nc.Write(batch); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(nc, acks); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/64, "cpu-ns/publish")
	_ = nc.Close()
	_ = srv.Shutdown(b.Context())
	<-served
}

// TestIdleMemory measures what an idle authenticated connection costs the server: heap and stacks, without the clients.
func TestIdleMemory(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory counts: measured without it")
	}
	serverTLS, clientTLS := certificate(t)
	for _, test := range []struct {
		name  string
		limit float64 // KiB
		door  func(t *testing.T, srv *server) func() net.Conn
	}{
		{"tcp", 6, func(t *testing.T, srv *server) func() net.Conn {
			return func() net.Conn { return rawDial(t, srv.addr) }
		}},
		{"websocket", 6, func(t *testing.T, srv *server) func() net.Conn {
			addr := webSocketDoor(t, srv, nil)
			return func() net.Conn { return upgraded(t, rawDial(t, addr)) }
		}},
		{"tls", 20, func(t *testing.T, srv *server) func() net.Conn {
			addr := tlsDoor(t, srv, serverTLS)
			return func() net.Conn { return tls.Client(rawDial(t, addr), clientTLS) }
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			const n = 1000
			a := newApp()
			srv := start(t, mqtt.Config{}, a)
			dial := test.door(t, srv)
			var clients []net.Conn
			// The first half pays for what is shared; the clients' own sockets are counted apart and taken off.
			grow := func(from, to int) {
				for i := from; i < to; i++ {
					nc := dial()
					clients = append(clients, nc)
					connect := packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, ClientID: fmt.Sprint("device-", i),
						Username: new(fmt.Sprint("user", i)), KeepAlive: 60, Properties: packet.Properties{SessionExpiry: new(uint32(3600))}})
					if test.name == "websocket" {
						connect = append([]byte{0x82, 0x80 | byte(len(connect)), 0, 0, 0, 0}, connect...)
					}
					if _, err := nc.Write(connect); err != nil {
						t.Fatal(err)
					}
					one := make([]byte, 1)
					if _, err := io.ReadFull(nc, one); err != nil {
						t.Fatal(err)
					}
					s := receive(t, "Opened", a.sessions)
					<-a.resumed
					s.Send("d", 0, message("hello"), nil) // not pristine: it has been used
				}
			}
			grow(0, n/2)
			before := footprint()
			grow(n/2, n)
			after := footprint()
			own := clientFootprint(t, test.name, serverTLS, clientTLS, n/2)
			each := (float64(after-before) - own*float64(n/2)) / (n / 2) / 1024
			t.Logf("%s: %.1f KiB a connection (client's own %.1f KiB taken off)", test.name, each, own/1024)
			if each > test.limit {
				t.Errorf("%.1f KiB, want up to %.0f", each, test.limit)
			}
			for _, nc := range clients {
				_ = nc.Close()
			}
			eventually(t, "all have gone", func() bool { return len(srv.Stats().Connections) > 0 && srv.Stats().Unauthenticated == 0 })
		})
	}
}

func rawDial(t testing.TB, addr string) net.Conn {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return nc
}

// upgraded makes a WebSocket of nc by hand, which leaves no buffers behind.
func upgraded(t testing.TB, nc net.Conn) net.Conn {
	_, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")
	if err != nil {
		t.Fatal(err)
	}
	for tail, b := "", make([]byte, 1); tail != "\r\n\r\n"; {
		if _, err := io.ReadFull(nc, b); err != nil {
			t.Fatal(err)
		}
		if tail += string(b); len(tail) > 4 {
			tail = tail[1:]
		}
	}
	return nc
}

// footprint is the heap in use and the stacks, after collection.
func footprint() uint64 {
	for range 3 {
		runtime.GC()
	}
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}

// clientFootprint is what one client's end costs, in bytes: plain sockets are next to nothing, TLS is not.
func clientFootprint(t *testing.T, kind string, serverTLS, clientTLS *tls.Config, n int) float64 {
	if kind != "tls" {
		return 0
	}
	// A pair of TLS ends without the server: half of it is a client's.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var ends []net.Conn
	before := footprint()
	for range n {
		c := tls.Client(rawDial(t, l.Addr().String()), clientTLS)
		nc, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		s := tls.Server(nc, serverTLS)
		done := goServe(s.Handshake)
		if err := c.Handshake(); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		ends = append(ends, c, s)
	}
	own := float64(footprint()-before) / float64(n) / 2
	for _, nc := range ends {
		_ = nc.Close()
	}
	return own
}

// BenchmarkSweep is one second's round over 2000 idle connections.
func BenchmarkSweep(b *testing.B) {
	const n = 2000
	a := newApp()
	srv := startUnswept(b, mqtt.Config{}, a)
	for i := range n {
		nc := rawDial(b, srv.addr)
		defer nc.Close()
		newClient(b, nc).login(fmt.Sprint(i))
	}
	before := cpu()
	for b.Loop() {
		srv.Sweep(1)
	}
	b.ReportMetric(float64(cpu()-before)/float64(b.N)/n, "cpu-ns/connection")
}
