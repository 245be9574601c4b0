// SPDX-License-Identifier: Apache-2.0

package mqtt_test

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"strings"
	"testing"
	"time"

	"parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// certificate makes a self-signed one for loopback.
func certificate(t testing.TB) (server, client *tls.Config) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "parley"}, NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	cert := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
	return &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert},
		&tls.Config{ServerName: "127.0.0.1", RootCAs: pool, Certificates: []tls.Certificate{cert}}
}

func tlsDoor(t testing.TB, srv *server, cfg *tls.Config) string {
	return narrowDoor(t, srv, func(l net.Listener) error { return srv.ServeTLS(l, cfg) })
}

func dialTLS(t testing.TB, addr string, cfg *tls.Config) *client {
	nc, err := tls.Dial("tcp", addr, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return newClient(t, nc)
}

func TestTLS(t *testing.T) {
	server, clientConfig := certificate(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			a := newApp()
			print := make(chan []byte, 1)
			a.connect = func(r *mqtt.ConnectRequest) (*mqtt.Grant, error) {
				print <- r.PeerCertSHA256
				if r.Listener != "tls" {
					t.Errorf("listener %s", r.Listener)
				}
				return &mqtt.Grant{Owner: "alice"}, nil
			}
			srv := start(t, mqtt.Config{}, a)
			cfg := clientConfig.Clone()
			cfg.MaxVersion = version
			c := dialTLS(t, tlsDoor(t, srv, server), cfg)
			c.login("c")
			if want := sha256.Sum256(clientConfig.Certificates[0].Certificate[0]); !bytes.Equal(<-print, want[:]) {
				t.Error("fingerprint of the client certificate")
			}
			s := receive(t, "Opened", a.sessions)
			c.publish("t", 1, 1, strings.Repeat("x", 100000))
			if p := receive(t, "Publish", a.published); len(p.payload) != 100000 {
				t.Errorf("%d bytes", len(p.payload))
			}
			c.expectAck(packet.PUBACK, 1)
			for i := range 200 {
				s.Send(fmt.Sprint(i), 1, message(strings.Repeat("y", i*20)), nil)
			}
			for i := range 200 {
				p := c.expectPublish()
				if p.Topic != fmt.Sprint(i) || len(p.Payload) != i*20 {
					t.Fatalf("delivery %s", p.Topic)
				}
				c.ack(packet.PUBACK, p.PacketID)
			}
			s.Close(packet.AdministrativeAction, "bye")
			c.expectDisconnect(packet.AdministrativeAction)
		})
	}
}

func TestSlowReaderOverTLS(t *testing.T) {
	server, clientConfig := certificate(t)
	a := newApp()
	srv := startUnswept(t, mqtt.Config{QueueBytes: 64 << 20}, a)
	addr := tlsDoor(t, srv, server)
	slowReader(t, srv, a, func() *client { return dialTLS(t, addr, clientConfig) })
}

func TestSecuredWebSocket(t *testing.T) {
	server, clientConfig := certificate(t)
	a := newApp()
	srv := startUnswept(t, mqtt.Config{QueueBytes: 64 << 20}, a)
	url := "wss://" + webSocketDoor(t, srv, server)
	slowReader(t, srv, a, func() *client {
		c, _ := srv.dialWebSocket(t, url, clientConfig)
		return c
	})
}

// TestNoHandshake has connections that never begin TLS, or talk something else.
func TestNoHandshake(t *testing.T) {
	server, _ := certificate(t)
	srv := startUnswept(t, mqtt.Config{}, newApp())
	addr := tlsDoor(t, srv, server)
	silent, other := narrowClient(t, addr), narrowClient(t, addr)
	other.send(packet.AppendConnect(nil, &packet.Connect{Version: packet.V5, ClientID: "x"}))
	buf := make([]byte, 100)
	_ = other.nc.SetReadDeadline(time.Now().Add(patience))
	for {
		if _, err := other.nc.Read(buf); err != nil {
			break
		}
	}
	srv.Sweep(12)
	silent.expectEnd()
	eventually(t, "both have gone", func() bool { return srv.Stats().Connections["tls"].Open == 0 })
}
