// SPDX-License-Identifier: Apache-2.0

package http

import (
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"parley/internal/api"
	"parley/internal/blob"
	"parley/internal/chat"
	"parley/internal/picture"
	"parley/internal/wire"
)

const (
	filesPath = "/api/v1/files/"
	// idlePatience is how long an upload or a download may stand still.
	idlePatience = time.Minute
	// filePolicy lets a file do nothing in a browser, whatever is in it.
	filePolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
	// tusVersion is the version of the protocol for resumable uploads, https://tus.io/protocols/resumable-upload.
	tusVersion = "1.0.0"
)

// files takes and gives the bytes of files.
type files struct {
	*routes
	files *api.Files
}

// register adds the pages of files to mux.
func (h *files) register(mux *http.ServeMux) {
	mux.HandleFunc(filesPath, h.download)
	mux.HandleFunc(api.UploadPath, h.upload)
}

// fail answers with a refusal.
func (h *files) fail(w http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return
	}
	if errors.Is(err, blob.ErrFull) {
		h.Logger.Error("http: no space left for files", "error", err)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusInsufficientStorage)
		_, _ = w.Write(wire.EncodeFailure(err, nil)) //nolint:gosec // JSON, and said to be nothing else
		return
	}
	h.answer(w, &api.Request{Topic: "file"}, nil, err) // never the path: an upload URL is a permission
}

// download gives a file, or its thumbnail, to who may have it.
func (h *files) download(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.fail(w, r, noMethod(w, "GET, HEAD"))
		return
	}
	name, thumbnail := strings.CutSuffix(strings.TrimPrefix(r.URL.Path, filesPath), "/thumbnail")
	who, err := h.viewer(r)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	id, ok := chat.ParseID(name)
	if !ok {
		h.fail(w, r, chat.Refuse(chat.NotFound, "this is no file_id"))
		return
	}
	m, file, err := h.files.Open(r.Context(), chat.Principal{UserID: who.UserID}, id, thumbnail)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	defer file.Close()
	tag, kind, shown := m.ID.String(), m.Type, picture.Safe(m.Type)
	if thumbnail {
		tag, kind, shown = tag+"-t", "image/jpeg", true
	}
	if picture.Active(kind) {
		kind = "application/octet-stream" // to be saved, as its name says
	}
	disposition := "attachment"
	if shown {
		disposition = "inline"
	}
	head := w.Header()
	head.Set("Content-Type", kind)
	head.Set("Content-Disposition", mime.FormatMediaType(disposition, map[string]string{"filename": m.Name}))
	head.Set("Content-Security-Policy", filePolicy)
	head.Set("X-Content-Type-Options", "nosniff")
	head.Set("Cross-Origin-Resource-Policy", "same-origin")
	// A copy may be kept, and has to be asked for again: its owner may have been removed from the room.
	head.Set("Cache-Control", "private, no-cache")
	head.Set("ETag", `"`+tag+`"`)
	slow := &patient{ResponseWriter: w, control: http.NewResponseController(w)}
	http.ServeContent(&conditional{ResponseWriter: slow}, r, "", time.Time{}, file)
}

// patient gives each write its own time: a long download may take as long as it moves on.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(idlePatience)) // where the connection has none, there is nothing to extend
	return p.ResponseWriter.Write(b)
}

// steady gives each read of a body its own time, and notes whether one failed.
type steady struct {
	io.Reader
	control *http.ResponseController
	broken  bool
}

func (s *steady) Read(b []byte) (int, error) {
	_ = s.control.SetReadDeadline(time.Now().Add(idlePatience))
	n, err := s.Reader.Read(b)
	s.broken = s.broken || err != nil && !errors.Is(err, io.EOF)
	return n, err
}

// upload takes a file: whole with PUT, or in parts as tus 1.0 has it (core protocol, creation, termination).
func (h *files) upload(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	tus := r.Method != http.MethodPut
	if tus {
		head.Set("Tus-Resumable", tusVersion)
	}
	switch r.Method {
	case http.MethodOptions:
		head.Set("Tus-Version", tusVersion)
		head.Set("Tus-Extension", "creation,termination")
		head.Set("Allow", uploadMethods)
		w.WriteHeader(http.StatusNoContent)
		return
	case http.MethodPut, http.MethodHead, http.MethodPatch, http.MethodPost, http.MethodDelete:
	default:
		h.fail(w, r, noMethod(w, uploadMethods))
		return
	}
	if tus && r.Header.Get("Tus-Resumable") != tusVersion {
		head.Set("Tus-Version", tusVersion)
		h.fail(w, r, refuse(http.StatusPreconditionFailed, chat.BadRequest, "Tus-Resumable: must be %s", tusVersion))
		return
	}
	m, err := h.files.Expected(r.Context(), strings.TrimPrefix(r.URL.Path, api.UploadPath))
	if err != nil {
		h.fail(w, r, err)
		return
	}
	switch r.Method {
	case http.MethodPut:
		err = h.put(w, r, m)
	case http.MethodPatch:
		err = h.patch(w, r, m)
	case http.MethodPost:
		err = h.create(w, r, m)
	case http.MethodDelete:
		if err = h.files.Drop(r.Context(), m); err == nil {
			w.WriteHeader(http.StatusNoContent)
		}
	default:
		var n int64
		if n, err = h.files.Received(r.Context(), m); err == nil {
			head.Set("Upload-Offset", strconv.FormatInt(n, 10))
			head.Set("Upload-Length", strconv.FormatInt(m.Size, 10))
		}
	}
	if err != nil {
		h.fail(w, r, err)
	}
}

const uploadMethods = "OPTIONS, PUT, HEAD, PATCH, POST, DELETE"

func body(w http.ResponseWriter, r *http.Request) *steady {
	return &steady{Reader: r.Body, control: http.NewResponseController(w)}
}

// put takes a whole file. What has come of one whose connection is lost can be gone on with by PATCH.
func (h *files) put(w http.ResponseWriter, r *http.Request, m *chat.FileMeta) error {
	if n := r.ContentLength; n > m.Size {
		return chat.Refuse(chat.TooLarge, "body: has %d bytes, the file was announced with %d", n, m.Size)
	} else if n >= 0 && n < m.Size {
		return chat.Refuse(chat.BadRequest, "body: has %d bytes, the file was announced with %d", n, m.Size)
	}
	in := body(w, r)
	v, n, err := h.files.Put(r.Context(), m, in)
	if err != nil {
		return in.unfinished(n, m, err)
	}
	h.answer(w, &api.Request{Topic: "file"}, wire.UploadedOf(&v.File, v.Repeat), nil)
	return nil
}

// unfinished is what a caller hears of err: of a body that was too short or took too long how to go on.
func (s *steady) unfinished(n int64, m *chat.FileMeta, err error) error {
	if wire.AsError(err) != nil || !s.broken && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	return fmt.Errorf("%w: %w", chat.Refuse(chat.BadRequest, "body: %d of %d bytes have come; go on with PATCH", n, m.Size), err)
}

// patch takes the next part of a file.
func (h *files) patch(w http.ResponseWriter, r *http.Request, m *chat.FileMeta) error {
	if r.Header.Get("Content-Type") != "application/offset+octet-stream" {
		return refuse(http.StatusUnsupportedMediaType, chat.BadRequest, "Content-Type: must be application/offset+octet-stream")
	}
	offset, err := strconv.ParseInt(r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || offset < 0 {
		return chat.Refuse(chat.BadRequest, "Upload-Offset: must be a number of bytes")
	}
	if r.ContentLength > math.MaxInt64-offset || offset+r.ContentLength > m.Size {
		return chat.Refuse(chat.TooLarge, "the file has more than the %d bytes that were announced", m.Size)
	}
	in := body(w, r)
	n, err := h.files.Patch(r.Context(), m, offset, in)
	if err != nil {
		return in.unfinished(n, m, err)
	}
	w.Header().Set("Upload-Offset", strconv.FormatInt(n, 10))
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// create answers a client of tus that wants to create its upload: it exists, under this very URL.
func (h *files) create(w http.ResponseWriter, r *http.Request, m *chat.FileMeta) error {
	size, err := strconv.ParseInt(r.Header.Get("Upload-Length"), 10, 64)
	if err != nil || size != m.Size {
		return chat.Refuse(chat.BadRequest, "Upload-Length: must be %d, as announced", m.Size)
	}
	w.Header().Set("Location", r.URL.Path)
	w.WriteHeader(http.StatusCreated)
	return nil
}
