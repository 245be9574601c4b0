// SPDX-License-Identifier: Apache-2.0

package http

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// client serves the web client from the files of its build. Those below assets/ have a digest in their names and are kept
// for ever; of all others a browser asks each time whether they have changed. Where a build has brought NAME.br or NAME.gz
// beside NAME, browsers that know it get that. Every path that no file has is a place in the client, for whoever asks for a page.
type client struct {
	files  fs.FS
	assets map[string]*asset // by path, without the leading slash
}

// asset is a file of the client.
type asset struct {
	name, mime, tag string
	immutable       bool
	encodings       []encoding // the best first
}

// encoding is a compressed form of an asset, in a file of its own.
type encoding struct{ token, suffix string }

// The encodings that a build may bring, the best first.
var encodings = [...]encoding{{"br", ".br"}, {"gzip", ".gz"}}

// index is the page that all places of the client begin with.
const index = "index.html"

// hashed is the folder whose files have a digest in their names.
const hashed = "assets/"

// mimes are the types of what a build brings: those of the machine may be others.
var mimes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8", ".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".png": "image/png", ".ico": "image/x-icon", ".webp": "image/webp", ".jpg": "image/jpeg",
	".woff2": "font/woff2", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8", ".mp3": "audio/mpeg", ".ogg": "audio/ogg",
}

// newClient looks at the files of a build, which must have an index.html.
func newClient(files fs.FS) (*client, error) {
	c := &client{files: files, assets: map[string]*asset{}}
	there := map[string]bool{}
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			there[name] = true
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("http: the web client's files: %w", err)
	}
	for name := range there {
		if base := strings.TrimSuffix(strings.TrimSuffix(name, ".br"), ".gz"); base != name && there[base] {
			continue
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("http: the web client's files: %w", err)
		}
		sum := sha256.Sum256(text)
		a := &asset{name: name, mime: mimes[path.Ext(name)], tag: base64.RawURLEncoding.EncodeToString(sum[:12]), immutable: strings.HasPrefix(name, hashed)}
		if a.mime == "" {
			a.mime = "application/octet-stream"
		}
		for _, e := range encodings {
			if there[name+e.suffix] {
				a.encodings = append(a.encodings, e)
			}
		}
		c.assets[name] = a
	}
	if c.assets[index] == nil {
		return nil, fmt.Errorf("http: the web client has no %s", index)
	}
	return c, nil
}

// ServeHTTP implements http.Handler.
func (c *client) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	a := c.assets[name]
	switch {
	case a != nil && name != index:
	case name == "", name == index, !strings.HasPrefix(name, hashed) && asksForPage(r):
		a = c.assets[index]
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "use GET, HEAD", http.StatusMethodNotAllowed)
		return
	}
	c.serve(w, r, a)
}

// asksForPage tells a browser that goes to an address from a program that fetches something.
func asksForPage(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (c *client) serve(w http.ResponseWriter, r *http.Request, a *asset) {
	name, tag, h := a.name, a.tag, w.Header()
	if len(a.encodings) > 0 {
		h.Set("Vary", "Accept-Encoding")
		if e, ok := accepted(r, a.encodings); ok {
			name, tag = a.name+e.suffix, a.tag+"-"+e.token
			h.Set("Content-Encoding", e.token)
		}
	}
	f, err := c.files.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close()
	content, ok := f.(io.ReadSeeker)
	if !ok {
		http.Error(w, "the web client cannot be read", http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", a.mime)
	h.Set("ETag", `"`+tag+`"`)
	if a.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	http.ServeContent(w, r, "", time.Time{}, content)
}

// accepted is the best of the encodings that the caller takes. Parts of a file are parts of its plain form.
func accepted(r *http.Request, of []encoding) (encoding, bool) {
	if r.Header.Get("Range") != "" {
		return encoding{}, false
	}
	takes := map[string]bool{}
	for item := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		token, params, _ := strings.Cut(item, ";")
		q := strings.ReplaceAll(strings.ToLower(params), " ", "")
		refused := strings.HasPrefix(q, "q=") && strings.Trim(q[2:], "0.") == ""
		takes[strings.ToLower(strings.TrimSpace(token))] = !refused
	}
	for _, e := range of {
		if takes[e.token] {
			return e, true
		}
	}
	return encoding{}, false
}
