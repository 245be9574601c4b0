// SPDX-License-Identifier: Apache-2.0

package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"sync"
	"syscall"
	"time"

	httpdoor "parley/internal/edge/http"
	"parley/internal/mqtt"
)

// The names of the doors.
const (
	doorMQTT  = "mqtt"
	doorMQTTS = "mqtts"
	doorHTTP  = "http"
	doorOps   = "ops"
)

// listen opens the listeners. A demo takes a free port where the standard one is taken, and says so.
func (a *App) listen() (map[string]net.Listener, error) {
	addresses := []struct{ door, addr string }{
		{doorMQTT, a.cfg.Listen.MQTT}, {doorMQTTS, a.cfg.Listen.MQTTS}, {doorHTTP, a.cfg.Listen.HTTP}, {doorOps, a.cfg.Listen.Ops},
	}
	listeners := map[string]net.Listener{}
	for _, at := range addresses {
		if at.addr == Off || at.addr == "" || at.door == doorMQTTS && !a.cfg.TLS.Enabled() {
			continue
		}
		l, err := net.Listen("tcp", at.addr)
		if errors.Is(err, syscall.EADDRINUSE) && a.cfg.Demo {
			host, port, _ := net.SplitHostPort(at.addr)
			if l, err = net.Listen("tcp", net.JoinHostPort(host, "0")); err == nil {
				a.notes = append(a.notes, fmt.Sprintf("%s: port %s is taken, so it is on %s", at.door, port, l.Addr()))
			}
		}
		if err != nil {
			for _, open := range listeners {
				_ = open.Close()
			}
			return nil, fmt.Errorf("%s: %w; choose another address with --%s", at.door, err, at.door)
		}
		listeners[at.door] = l
		// known from here on, so that whatever fails later closes it
		a.servers = append(a.servers, &serving{listener: l})
	}
	return listeners, nil
}

// serveAll decides what serves each listener.
func (a *App) serveAll(listeners map[string]net.Listener, web httpdoor.Config, cfg *tls.Config) {
	a.servers = nil
	add := func(door, scheme string, serve func(net.Listener) error, stop func()) {
		l := listeners[door]
		a.servers = append(a.servers, &serving{listener: l, serve: serve, stop: stop})
		a.doors = append(a.doors, Door{Name: door, URL: scheme + "://" + l.Addr().String()})
	}
	if listeners[doorMQTT] != nil {
		add(doorMQTT, "tcp", a.mqtt.Serve, nil)
	}
	if listeners[doorMQTTS] != nil {
		add(doorMQTTS, "tls", func(l net.Listener) error { return a.mqtt.ServeTLS(l, cfg) }, nil)
	}
	if listeners[doorHTTP] != nil {
		srv := a.httpServer(httpdoor.Handler(web, listeners[doorOps] != nil))
		if cfg == nil {
			add(doorHTTP, "http", srv.Serve, stopper(srv))
		} else {
			// Not ServeTLS: a WebSocket needs connections that can be written without blocking.
			add(doorHTTP, "https", func(l net.Listener) error { return srv.Serve(mqtt.NewTLSListener(l, cfg)) }, stopper(srv))
		}
	}
	if listeners[doorOps] != nil {
		mux := httpdoor.Ops(web)
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
		srv := a.httpServer(mux)
		add(doorOps, "http", srv.Serve, stopper(srv))
	}
}

// httpPatience is how long a stopping server waits for HTTP requests. What is slower than that is cut off: its change may be
// on its way, and the caller repeats it with the same id.
const httpPatience = 5 * time.Second

func stopper(srv *http.Server) func() {
	return func() {
		ctx, cancel := context.WithTimeout(context.Background(), httpPatience)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
	}
}

// httpServer has limits against callers who only hold a connection. HTTP/2 is left out: a WebSocket needs a connection of its own.
func (a *App) httpServer(h http.Handler) *http.Server {
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, Protocols: &protocols,
		ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
	}
}

// certificate loads the certificate and loads it again when its files change; nil without one.
func certificate(cfg TLS, log *slog.Logger) (*tls.Config, error) {
	if !cfg.Enabled() {
		return nil, nil
	}
	c := &reloading{cfg: cfg, log: log}
	if _, err := c.get(nil); err != nil {
		return nil, fmt.Errorf("tls-cert, tls-key: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: c.get, ClientAuth: tls.RequestClientCert, NextProtos: []string{"http/1.1", "mqtt"}}, nil
}

// checkEvery is how often the files of a certificate are looked at, at most: with the next handshake.
const checkEvery = 10 * time.Second

// reloading is a certificate that follows its files.
type reloading struct {
	cfg TLS
	log *slog.Logger

	mu      sync.Mutex
	cert    *tls.Certificate
	stamp   [2]time.Time // of the files' last change
	checked time.Time
}

func (r *reloading) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cert != nil && time.Since(r.checked) < checkEvery {
		return r.cert, nil
	}
	r.checked = time.Now()
	stamp, err := r.stamps()
	if err == nil && r.cert != nil && stamp == r.stamp {
		return r.cert, nil
	}
	var cert tls.Certificate
	if err == nil {
		cert, err = tls.LoadX509KeyPair(r.cfg.Cert, r.cfg.Key)
	}
	if err != nil {
		if r.cert == nil {
			return nil, err
		}
		r.log.Error("tls-cert: the changed certificate cannot be read; the old one stays", "error", err)
		return r.cert, nil
	}
	if r.cert != nil {
		r.log.Info("tls-cert: certificate read again")
	}
	r.cert, r.stamp = &cert, stamp
	return r.cert, nil
}

func (r *reloading) stamps() (s [2]time.Time, err error) {
	for i, name := range [...]string{r.cfg.Cert, r.cfg.Key} {
		info, err := os.Stat(name)
		if err != nil {
			return s, err
		}
		s[i] = info.ModTime()
	}
	return s, nil
}
