// SPDX-License-Identifier: Apache-2.0

package http

import (
	"net/http"
	"sync"

	"parley/internal/describe"
)

// descriptions serves what describes the interface: for programs, and for people under /docs. It is made when it is first asked
// for, so that the server starts as fast as without.
type descriptions struct {
	Config
	made func() (*described, error)
}

type described struct{ open, async, page []byte }

func newDescriptions(cfg Config) *descriptions {
	return &descriptions{cfg, sync.OnceValues(func() (*described, error) {
		docs, err := describe.New(describe.Config{Router: cfg.Router, Endpoints: endpoints(cfg), Version: cfg.About.Version})
		if err != nil {
			return nil, err
		}
		out := &described{}
		if out.open, err = docs.OpenAPI(); err != nil {
			return nil, err
		}
		if out.async, err = docs.AsyncAPI(); err != nil {
			return nil, err
		}
		out.page, err = docs.Page()
		return out, err
	})}
}

func (h *descriptions) routeOn(mux *http.ServeMux) {
	mux.Handle("GET /api/v1/openapi.json", h.serve("application/json", func(d *described) []byte { return d.open }))
	mux.Handle("GET /api/v1/asyncapi.json", h.serve("application/json", func(d *described) []byte { return d.async }))
	mux.Handle("GET /docs", h.serve("text/html; charset=utf-8", func(d *described) []byte { return d.page }))
	mux.HandleFunc("GET /docs/{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/docs", http.StatusMovedPermanently)
	})
	mux.Handle("GET /docs/style.css", h.serve("text/css; charset=utf-8", func(*described) []byte { return describe.Style }))
	mux.Handle("GET /docs/find.js", h.serve("text/javascript; charset=utf-8", func(*described) []byte { return describe.Script }))
}

// serve answers with a part of the descriptions. They are for everybody: they tell nothing of what is on the server.
func (h *descriptions) serve(kind string, part func(*described) []byte) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := h.made()
		if err != nil {
			h.Logger.Error("http: the descriptions could not be made", "error", err)
			http.Error(w, "the descriptions could not be made; the server's log tells why", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache")
		if r.Method != http.MethodHead {
			_, _ = w.Write(part(d)) //nolint:gosec // made of the route table, escaped where it is HTML
		}
	})
}
