// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gobwas/ws"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// wsConn is a net.Conn over WebSocket frames: what is written becomes one binary frame, what is read is the payload of
// binary frames. Other frames go to the test.
type wsConn struct {
	net.Conn
	t      testing.TB
	in     []byte
	frames chan ws.Frame // control frames received
}

func (c *wsConn) Write(b []byte) (int, error) {
	if err := ws.WriteFrame(c.Conn, ws.MaskFrame(ws.NewBinaryFrame(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

func (c *wsConn) Read(b []byte) (int, error) {
	for len(c.in) == 0 {
		f, err := ws.ReadFrame(c.Conn) //nolint:staticcheck // the peer is our own server
		if err != nil {
			return 0, err
		}
		if f.Header.Masked {
			c.t.Error("a server masks nothing")
		}
		if f.Header.OpCode == ws.OpBinary {
			c.in = f.Payload
		} else {
			c.frames <- f
		}
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

// webSocketDoor serves srv over HTTP.
func webSocketDoor(t testing.TB, srv *server, cfg *tls.Config) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l = narrow{l}
	web := &httptest.Server{Listener: l, Config: &http.Server{Handler: srv.WebSocket()}}
	if cfg != nil {
		web.Listener = mqtt.NewTLSListener(l, cfg)
	}
	web.Start()
	t.Cleanup(web.Close)
	return addr
}

func (s *server) dialWebSocket(t testing.TB, url string, cfg *tls.Config) (*client, *wsConn) {
	t.Helper()
	d := ws.Dialer{Protocols: []string{"chat", "mqtt"}, TLSConfig: cfg}
	nc, br, hs, err := d.Dial(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	if hs.Protocol != "mqtt" || br != nil {
		t.Fatalf("handshake %+v", hs)
	}
	c := &wsConn{Conn: nc, t: t, frames: make(chan ws.Frame, 10)}
	return newClient(t, c), c
}

func TestWebSocket(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	url := "ws://" + webSocketDoor(t, srv, nil)
	c, wc := srv.dialWebSocket(t, url, nil)
	c.login("c")
	s := receive(t, "Opened", a.sessions)
	if s.RemoteAddr() != wc.LocalAddr().String() {
		t.Errorf("remote address %s, want %s", s.RemoteAddr(), wc.LocalAddr())
	}
	if st := srv.Stats().Connections["websocket"]; st.Open != 1 || st.Total != 1 {
		t.Errorf("connections %+v", st)
	}

	// Several packets in a frame, with a piece of the next; frames of a fragmented message with a ping among them.
	var all []byte
	for i := range byte(3) {
		all = packet.AppendPublish(all, c.v, &packet.Publish{Topic: "t", Payload: []byte{'0' + i}})
	}
	all = packet.AppendPublish(all, c.v, &packet.Publish{Topic: "t", Payload: []byte(strings.Repeat("x", 70000))})
	frame := func(op ws.OpCode, fin bool, b []byte) {
		t.Helper()
		if err := ws.WriteFrame(wc.Conn, ws.MaskFrameWith(ws.NewFrame(op, fin, b), [4]byte{1, 2, 3, 4})); err != nil {
			t.Fatal(err)
		}
	}
	frame(ws.OpBinary, false, all[:10])
	frame(ws.OpPing, true, []byte("are you there"))
	frame(ws.OpContinuation, false, nil)
	frame(ws.OpContinuation, false, all[10:11])
	frame(ws.OpPong, true, nil)
	frame(ws.OpContinuation, true, all[11:1000])
	for rest := all[1000:]; len(rest) > 0; rest = rest[min(len(rest), 33000):] {
		frame(ws.OpBinary, true, rest[:min(len(rest), 33000)])
	}
	for _, want := range []string{"0", "1", "2", strings.Repeat("x", 70000)} {
		if p := receive(t, "Publish", a.published); p.payload != want {
			t.Errorf("published %.10s, want %.10s", p.payload, want)
		}
	}
	c.expectSilence()
	if f := receive(t, "the pong", wc.frames); f.Header.OpCode != ws.OpPong || string(f.Payload) != "are you there" {
		t.Errorf("frame %+v", f)
	}
	for _, size := range []int{1, 120, 126, 200, 65530, 70000} {
		s.Send("d", 0, message(strings.Repeat("y", size)), nil)
		if p := c.expectPublish(); len(p.Payload) != size {
			t.Errorf("%d bytes, want %d", len(p.Payload), size)
		}
	}
	frame(ws.OpClose, true, ws.NewCloseFrameBody(ws.StatusNormalClosure, "bye"))
	c.expectEnd()
	if f := receive(t, "the close frame", wc.frames); f.Header.OpCode != ws.OpClose {
		t.Errorf("frame %+v", f)
	}
	if end := receive(t, "Closed", a.closed); end.cause != io.EOF {
		t.Errorf("cause %v", end.cause)
	}
}

func TestWebSocketFaults(t *testing.T) {
	a := newApp()
	srv := start(t, mqtt.Config{}, a)
	url := "ws://" + webSocketDoor(t, srv, nil)
	ping := packet.AppendPingreq(nil)
	for name, test := range map[string]struct {
		frame  ws.Frame
		status ws.StatusCode
	}{
		"text":                 {ws.MaskFrame(ws.NewTextFrame(ping)), ws.StatusUnsupportedData},
		"not masked":           {ws.NewBinaryFrame(ping), ws.StatusProtocolError},
		"reserved opcode":      {ws.MaskFrame(ws.NewFrame(3, true, ping)), ws.StatusProtocolError},
		"continues nothing":    {ws.MaskFrame(ws.NewFrame(ws.OpContinuation, true, ping)), ws.StatusProtocolError},
		"long control frame":   {ws.MaskFrame(ws.NewFrame(ws.OpPing, true, make([]byte, 126))), ws.StatusProtocolError},
		"control frame in two": {ws.MaskFrame(ws.NewFrame(ws.OpPing, false, nil)), ws.StatusProtocolError},
		"reserved bits":        {ws.MaskFrame(ws.Frame{Header: ws.Header{Fin: true, Rsv: 4, OpCode: ws.OpBinary}}), ws.StatusProtocolError},
	} {
		t.Run(name, func(t *testing.T) {
			c, wc := srv.dialWebSocket(t, url, nil)
			c.login("c")
			if err := ws.WriteFrame(wc.Conn, test.frame); err != nil {
				t.Fatal(err)
			}
			c.expectDisconnect(packet.ProtocolError)
			f := receive(t, "the close frame", wc.frames)
			if code, _ := ws.ParseCloseFrameData(f.Payload); code != test.status {
				t.Errorf("status %d, want %d", code, test.status)
			}
		})
	}
	t.Run("refused CONNECT", func(t *testing.T) {
		c, wc := srv.dialWebSocket(t, url, nil)
		if ack := c.login("c", user("nobody")); ack.Code != packet.BadUserNameOrPassword {
			t.Errorf("CONNACK %v", ack.Code)
		}
		c.expectEnd()
		receive(t, "the close frame", wc.frames)
	})
	t.Run("sub-protocol", func(t *testing.T) {
		_, _, _, err := ws.Dialer{Protocols: []string{"chat"}}.Dial(t.Context(), url)
		if status, ok := errors.AsType[ws.StatusError](err); !ok || status != http.StatusBadRequest {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no upgrade", func(t *testing.T) {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, strings.Replace(url, "ws", "http", 1), nil)
		req.Header.Set("Sec-WebSocket-Protocol", "mqtt")
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		if res.StatusCode/100 != 4 {
			t.Errorf("status %s", res.Status)
		}
	})
	eventually(t, "nobody counts as unauthenticated", func() bool { return srv.Stats().Unauthenticated == 0 })
}

func TestSlowReaderOverWebSocket(t *testing.T) {
	a := newApp()
	srv := startUnswept(t, mqtt.Config{QueueBytes: 64 << 20}, a)
	url := "ws://" + webSocketDoor(t, srv, nil)
	slowReader(t, srv, a, func() *client {
		c, _ := srv.dialWebSocket(t, url, nil)
		return c
	})
}
