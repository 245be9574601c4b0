// SPDX-License-Identifier: Apache-2.0

package http_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"parley/internal/api"
	"parley/internal/auth"
	"parley/internal/blob"
	"parley/internal/chat"
	"parley/internal/content"
	door "parley/internal/edge/http"
)

// cabinet is a door on a service that keeps files. bob is a member of r, cat is not.
type cabinet struct {
	*web
	files *api.Files
	dir   string
}

func openCabinet(t testing.TB) *cabinet {
	t.Helper()
	c := &cabinet{dir: t.TempDir() + "/files"}
	c.web = open(t, api.Rate{}, nil)
	for _, u := range []chat.UserID{"cat"} {
		c.service.CreateUser(chat.NewUser{ID: u})
	}
	if _, err := c.service.Join(chat.Call{Principal: chat.Principal{UserID: "bob"}}, "r").Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.restart()
	return c
}

// restart opens the files anew, as after a start of the server.
func (c *cabinet) restart() {
	c.t.Helper()
	blobs, err := blob.Open(c.dir)
	if err != nil {
		c.t.Fatal(err)
	}
	c.files = api.NewFiles(c.service, blobs, auth.NewTickets(auth.Secret{9}, c.clock.Now))
	rules, err := content.New(content.Policy{Profanity: content.ActionOff}, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	routes := api.New(api.Config{Service: c.service, Audience: silence{}, Rules: func() *content.Rules { return rules }, Epoch: 7, Now: c.clock.Now, Files: c.files})
	c.cfg.Router, c.cfg.Files, c.cfg.MaxBody = routes.Router(), c.files, 1<<20
	c.handler = door.Handler(c.cfg, false)
}

// ready asks for an upload URL.
func (c *cabinet) ready(name, kind string, size int) (id, url string) {
	c.t.Helper()
	a := c.as("ann", "POST", "file/upload/r", fmt.Sprintf(`{"name":%q,"mime":%q,"size":%d}`, name, kind, size)).wants(c.t, 200, "")
	if a.json["status"] != "upload_ready" || a.json["expires"] == nil {
		c.t.Fatalf("%s", a.Body)
	}
	return a.json["file_id"].(string), a.json["upload_url"].(string)
}

// upload uploads a file of ann's.
func (c *cabinet) upload(name, kind, data string) (id string) {
	c.t.Helper()
	id, url := c.ready(name, kind, len(data))
	if a := c.do("PUT", url, data).wants(c.t, 200, ""); a.json["status"] != "uploaded" || a.json["file_id"] != id {
		c.t.Fatalf("%s", a.Body)
	}
	return id
}

func (c *cabinet) share(id, room string) answer {
	c.t.Helper()
	return c.as("ann", "POST", "file/share/"+room, fmt.Sprintf(`{"file_id":%q}`, id))
}

func aPicture(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewRGBA(image.Rect(0, 0, 640, 480))); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFileForMembers(t *testing.T) {
	h := openCabinet(t)
	const text = "to whom it may concern"
	id := h.upload("../../é report.txt", "text/plain", text)
	get := func(u chat.UserID, headers ...string) answer { return h.as(u, "GET", "files/"+id, "", headers...) }
	get("ann").wants(t, 200, "")
	get("bob").wants(t, 404, "not_found") // not shared yet
	h.do("GET", "/api/v1/files/"+id, "").wants(t, 401, "unauthenticated")
	sent := h.share(id, "r").wants(t, 200, "")
	a := get("bob").wants(t, 200, "")
	if a.Body.String() != text {
		t.Errorf("the file is %q", a.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "text/plain", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment; filename*=utf-8''%C3%A9%20report.txt",
		"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox", "Cache-Control": "private, no-cache", "Accept-Ranges": "bytes",
	} {
		if got := a.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	// A browser shows it with its cookie, unless it is told to be somebody else.
	cookie := "parley_token=" + h.token("bob")
	h.do("GET", "/api/v1/files/"+id, "", "Cookie", cookie).wants(t, 200, "")
	h.do("GET", "/api/v1/files/"+id, "", "Cookie", cookie, "Authorization", "Bearer nonsense").wants(t, 401, "unauthenticated")
	h.do("GET", "/api/v1/files/"+id, "", "Cookie", "parley_token=nonsense").wants(t, 401, "unauthenticated")
	if part := get("bob", "Range", "bytes=3-6"); part.Code != 206 || part.Body.String() != text[3:7] {
		t.Errorf("a range: %d %q", part.Code, part.Body)
	}
	if again := get("bob", "If-None-Match", a.Header().Get("ETag")); again.Code != 304 || again.Body.Len() != 0 {
		t.Errorf("unchanged: %d", again.Code)
	}
	get("cat").wants(t, 404, "not_found")
	get("cat", "If-None-Match", a.Header().Get("ETag")).wants(t, 404, "not_found")
	h.as("bob", "GET", "files/"+id+"/thumbnail", "").wants(t, 404, "not_found")
	h.as("bob", "POST", "file/share/r", fmt.Sprintf(`{"file_id":%q}`, id)).wants(t, 404, "not_found") // not his
	if a := h.as("bob", "PUT", "files/"+id, "").wants(t, 405, "bad_request"); a.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("PUT: %v", a.Header())
	}
	for header, want := range map[string]struct {
		value, code string
		status      int
	}{"Range": {"bytes=9999-", "bad_request", 416}, "If-Match": {`"another"`, "conflict", 412}} {
		no := get("bob", header, want.value).wants(t, want.status, want.code)
		if head := no.Header(); head.Get("Content-Type") != "application/json" || head.Get("Cache-Control") != "no-store" || head.Get("Content-Disposition") != "" {
			t.Errorf("%s: %v", header, head)
		}
		if want.status == 416 && no.Header().Get("Content-Range") != fmt.Sprintf("bytes */%d", len(text)) {
			t.Errorf("how long the file is: %v", no.Header())
		}
	}
	for _, name := range []string{"", "x", id + "/other", chat.ID{1}.String()} {
		h.as("bob", "GET", "files/"+name, "").wants(t, 404, "not_found")
	}
	page := h.as("bob", "GET", "history/r?limit=1", "").wants(t, 200, "")
	m := page.json["messages"].([]any)[0].(map[string]any)
	file, _ := m["file"].(map[string]any)
	if m["type"] != "file" || m["content"] != "" || m["event"] != nil || file["file_id"] != id || file["name"] != "é report.txt" ||
		file["mime"] != "text/plain" || file["size"] != float64(len(text)) || file["width"] != nil || file["thumbnail"] != nil {
		t.Errorf("the message is %v", m)
	}
	// What was deleted is gone for everybody but the one who uploaded it, until it is collected.
	h.as("ann", "POST", "message/"+sent.json["message_id"].(string)+"/delete", "").wants(t, 200, "")
	get("bob").wants(t, 404, "not_found")
	page = h.as("bob", "GET", "history/r?limit=1", "").wants(t, 200, "")
	if strings.Contains(page.Body.String(), id) {
		t.Errorf("the tombstone names the file: %s", page.Body)
	}
	h.share(id, "r").wants(t, 200, "")
	get("bob").wants(t, 200, "")
	if _, err := h.service.Leave(chat.Call{Principal: chat.Principal{UserID: "bob"}}, "r").Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	get("bob").wants(t, 404, "not_found")
}

func TestPictures(t *testing.T) {
	h := openCabinet(t)
	id := h.upload("view.html", "text/html", aPicture(t))
	sent := h.as("ann", "POST", "file/share/r", fmt.Sprintf(`{"file_id":%q,"content":" a view "}`, id)).wants(t, 200, "")
	page := h.as("bob", "GET", "history/r?limit=1", "").wants(t, 200, "")
	m := page.json["messages"].([]any)[0].(map[string]any)
	file, _ := m["file"].(map[string]any)
	if m["type"] != "image" || m["content"] != "a view" || m["id"] != sent.json["message_id"] || file["mime"] != "image/png" || file["width"] != 640.0 || file["height"] != 480.0 {
		t.Fatalf("the message is %v", m)
	}
	a := h.as("bob", "GET", "files/"+id, "").wants(t, 200, "")
	if a.Header().Get("Content-Type") != "image/png" || a.Header().Get("Content-Disposition") != "inline; filename=view.html" || a.Body.String() != aPicture(t) {
		t.Errorf("headers: %v", a.Header())
	}
	path, _ := file["thumbnail"].(string)
	a = h.do("GET", path, "", "Authorization", "Bearer "+h.token("bob")).wants(t, 200, "")
	small, format, err := image.Decode(a.Body)
	if err != nil || format != "jpeg" || small.Bounds().Dx() != 320 || a.Header().Get("Content-Type") != "image/jpeg" {
		t.Errorf("the thumbnail is %v, %v", format, err)
	}
	h.do("GET", path, "", "Authorization", "Bearer "+h.token("cat")).wants(t, 404, "not_found")
	// What is no picture is never shown, whatever it says it is.
	for _, text := range []string{"<html><script>alert(1)</script>", `<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`} {
		id := h.upload("x.png", "image/png", text)
		a := h.as("ann", "GET", "files/"+id, "").wants(t, 200, "")
		if got := a.Header().Get("Content-Disposition"); got != "attachment; filename=x.png" || a.Header().Get("Content-Type") != "application/octet-stream" || !strings.Contains(a.Header().Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestUploadURLs(t *testing.T) {
	h := openCabinet(t)
	id, url := h.ready("a.txt", "text/plain", 5)
	h.share(id, "r").wants(t, 409, "conflict") // its bytes are not there
	h.as("ann", "GET", "files/"+id, "").wants(t, 404, "not_found")
	h.do("PUT", url, "123456").wants(t, 413, "too_large")
	h.do("PUT", url, "1234").wants(t, 400, "bad_request")
	h.do("PUT", url+"x", "12345").wants(t, 404, "not_found")
	h.do("PUT", "/api/v1/upload/", "12345").wants(t, 404, "not_found")
	if a := h.do("GET", url, "").wants(t, 405, "bad_request"); !strings.Contains(a.Header().Get("Allow"), "PUT") {
		t.Errorf("GET: %d", a.Code)
	}
	h.do("PUT", url, "12345").wants(t, 200, "")
	h.do("PUT", url, "abcde").wants(t, 409, "conflict") // once
	h.do("PUT", url, "123456").wants(t, 413, "too_large")
	for range 2 { // a client that did not hear the answer
		if a := h.do("PUT", url, "12345").wants(t, 200, ""); a.json["status"] != "uploaded" || a.json["duplicate"] != true || a.json["file_id"] != id {
			t.Errorf("the repeat: %s", a.Body)
		}
	}
	if a := h.as("ann", "GET", "files/"+id, "").wants(t, 200, ""); a.Body.String() != "12345" {
		t.Errorf("the file is %q", a.Body)
	}
	_, late := h.ready("b.txt", "", 5)
	h.clock.Add(chat.FileLifetime)
	h.do("PUT", late, "12345").wants(t, 404, "not_found")
	for _, payload := range []string{`{"name":"x"}`, `{"name":"x","size":-1}`, `{"name":"","size":1}`, `{"name":"x","size":1,"mime":"a\u0000b"}`, `{"name":"x","data":""}`,
		`{"name":"x","data":"YQ==","size":2}`, `{"name":"x","data":"*"}`} {
		h.as("ann", "POST", "file/upload/r", payload).wants(t, 400, "bad_request")
	}
	h.as("ann", "POST", "file/upload/r", `{"name":"x","size":1099511627776}`).wants(t, 413, "too_large")
	h.as("cat", "POST", "file/upload/r", `{"name":"x","size":1}`).wants(t, 403, "not_member")
	h.as("cat", "POST", "file/upload/r", `{"name":"x","data":"YQ=="}`).wants(t, 403, "not_member")
	h.as("ann", "POST", "file/upload/nowhere", `{"name":"x","size":1}`).wants(t, 404, "not_found")
}

// A body of unknown length that is longer than announced leaves nothing behind.
func TestUploadsWithoutLength(t *testing.T) {
	h := openCabinet(t)
	_, url := h.ready("a.txt", "text/plain", 5)
	for body, want := range map[string]int{"123456": 413, "123": 400} {
		r := httptest.NewRequestWithContext(t.Context(), "PUT", url, strings.NewReader(body))
		r.ContentLength = -1
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d: %s", body, w.Code, want, w.Body)
		}
	}
	h.do("PUT", url, "12345").wants(t, 200, "")
}

func TestInlineFiles(t *testing.T) {
	h := openCabinet(t)
	a := h.as("ann", "POST", "file/upload/r", `{"name":"a.txt","data":"aGVsbG8=","client_msg_id":"k"}`).wants(t, 200, "")
	id, _ := a.json["file_id"].(string)
	if a.json["status"] != "uploaded" || a.json["upload_url"] != nil || a.json["file"].(map[string]any)["mime"] != "text/plain" {
		t.Fatalf("%s", a.Body)
	}
	again := h.as("ann", "POST", "file/upload/r", `{"name":"a.txt","data":"aGVsbG8=","client_msg_id":"k"}`).wants(t, 200, "")
	if again.json["file_id"] != id || again.json["duplicate"] != true {
		t.Errorf("the repeat is %s", again.Body)
	}
	h.as("ann", "POST", "file/upload/r", `{"name":"a.txt","data":"aGVsbA==","client_msg_id":"k"}`).wants(t, 409, "conflict")
	h.share(id, "r").wants(t, 200, "")
	if a := h.as("bob", "GET", "files/"+id, "").wants(t, 200, ""); a.Body.String() != "hello" {
		t.Errorf("the file is %q", a.Body)
	}
	large, err := json.Marshal(map[string]any{"name": "x", "data": make([]byte, api.MaxInlineFile+1)})
	if err != nil {
		t.Fatal(err)
	}
	h.as("ann", "POST", "file/upload/r", string(large)).wants(t, 413, "too_large")
}

// tus sends a request of the tus protocol.
func (c *cabinet) tus(method, url, body string, headers ...string) answer {
	c.t.Helper()
	if method == "PATCH" {
		headers = append(headers, "Content-Type", "application/offset+octet-stream")
	}
	return c.do(method, url, body, append(headers, "Tus-Resumable", "1.0.0")...)
}

func (c *cabinet) offset(url, want string) {
	c.t.Helper()
	a := c.tus("HEAD", url, "")
	if a.Code != 200 || a.Header().Get("Upload-Offset") != want || a.Header().Get("Tus-Resumable") != "1.0.0" || a.Header().Get("Cache-Control") != "no-store" {
		c.t.Errorf("HEAD: %d %v, want offset %s", a.Code, a.Header(), want)
	}
}

func TestResumableUploads(t *testing.T) {
	h := openCabinet(t)
	id, url := h.ready("a.txt", "text/plain", 10)
	options := h.do("OPTIONS", url, "")
	if options.Code != 204 || options.Header().Get("Tus-Version") != "1.0.0" || options.Header().Get("Tus-Extension") != "creation,termination" {
		t.Errorf("OPTIONS: %d %v", options.Code, options.Header())
	}
	if a := h.do("PATCH", url, "").wants(t, 412, "bad_request"); a.Header().Get("Tus-Version") != "1.0.0" {
		t.Errorf("without a version: %v", a.Header())
	}
	if a := h.tus("POST", url, "", "Upload-Length", "10"); a.Code != 201 || a.Header().Get("Location") != url {
		t.Errorf("POST: %d %v", a.Code, a.Header())
	}
	h.tus("POST", url, "", "Upload-Length", "11").wants(t, 400, "bad_request")
	h.offset(url, "0")
	part := func(offset, body string, want int) answer {
		t.Helper()
		a := h.tus("PATCH", url, body, "Upload-Offset", offset)
		if a.Code != want {
			t.Errorf("PATCH at %s: %d, want %d: %s", offset, a.Code, want, a.Body)
		}
		return a
	}
	if a := part("0", "0123", 204); a.Header().Get("Upload-Offset") != "4" {
		t.Errorf("the offset is %v", a.Header())
	}
	h.restart()
	h.offset(url, "4")
	part("0", "0123", 409)
	part("5", "5", 409)
	part("-1", "5", 400)
	part("4", "4567890", 413)
	part("9223372036854775807", "4", 413)
	h.do("PATCH", url, "4", "Upload-Offset", "4", "Tus-Resumable", "1.0.0", "Content-Type", "text/plain").wants(t, 415, "bad_request")
	// The connection is lost in the middle of a part: what came of it counts.
	ctx, cancel := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, "PATCH", url, &lost{data: "456", lose: cancel})
	for k, v := range map[string]string{"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "4"} {
		r.Header.Set(k, v)
	}
	r.ContentLength = 6
	h.handler.ServeHTTP(httptest.NewRecorder(), r)
	h.offset(url, "7")
	part("7", "789", 204)
	h.offset(url, "10")
	part("10", "", 204) // a client that did not hear of the end
	part("10", "0", 413)
	part("9", "9", 409)
	if a := h.as("ann", "GET", "files/"+id, "").wants(t, 200, ""); a.Body.String() != "0123456789" {
		t.Errorf("the file is %q", a.Body)
	}
	h.share(id, "r").wants(t, 200, "")
}

// lost is the body of a request whose connection is lost after some bytes.
type lost struct {
	data string
	lose context.CancelFunc
}

func (l *lost) Read(b []byte) (int, error) {
	if l.data == "" {
		l.lose()
		return 0, context.Canceled
	}
	n := copy(b, l.data)
	l.data = l.data[n:]
	return n, nil
}

func (l *lost) Close() error { return nil }

// A crash between the last byte and its noting costs nothing, whatever the client does then.
func TestBytesThatWereNotNoted(t *testing.T) {
	h := openCabinet(t)
	for name, again := range map[string]func(url string){
		"HEAD":        func(url string) { h.offset(url, "3") },
		"PATCH":       func(url string) { h.tus("PATCH", url, "", "Upload-Offset", "3").wants(t, 204, "") },
		"PUT":         func(url string) { h.do("PUT", url, "abc").wants(t, 200, "") },
		"another PUT": func(url string) { h.do("PUT", url, "xyz").wants(t, 409, "conflict") },
	} {
		id, url := h.ready("a.txt", "text/plain", 3)
		blobs, err := blob.Open(h.dir)
		if err != nil {
			t.Fatal(err)
		}
		fileID, _ := chat.ParseID(id)
		if _, err := blobs.Append(fileID, 0, 3, true, strings.NewReader("abc")); err != nil {
			t.Fatal(err)
		}
		h.restart()
		again(url)
		h.share(id, "r").wants(t, 200, "")
		if a := h.as("bob", "GET", "files/"+id, "").wants(t, 200, ""); a.Body.String() != "abc" {
			t.Errorf("%s: %q", name, a.Body)
		}
	}
}

// An upload URL that is used twice at once is for one file: who brings other bytes is not told that they were taken.
func TestAnUploadURLTwiceAtOnce(t *testing.T) {
	h := openCabinet(t)
	for range 20 {
		id, url := h.ready("a.txt", "text/plain", 5)
		bodies := [...]string{"first", "other", "third"}
		var answers [len(bodies)]answer
		var all sync.WaitGroup
		for i, body := range bodies {
			all.Go(func() { answers[i] = h.do("PUT", url, body) })
		}
		all.Wait()
		var taken []string
		for i, a := range answers {
			switch a.Code {
			case 200:
				taken = append(taken, bodies[i])
			case 409:
			default:
				t.Errorf("%s: %d %s", bodies[i], a.Code, a.Body)
			}
		}
		if got := h.as("ann", "GET", "files/"+id, "").wants(t, 200, "").Body.String(); len(taken) != 1 || got != taken[0] {
			t.Errorf("taken were %q, kept is %q", taken, got)
		}
	}
}

// However a file is collected and shared at the same moment: a message that was sent has its file.
func TestCollectingWhatIsBeingShared(t *testing.T) {
	h := openCabinet(t)
	var ids [24]string
	for i := range ids {
		ids[i] = h.upload("a.txt", "text/plain", "abc")
	}
	h.clock.Add(chat.FileLifetime)
	var codes [len(ids)]int
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() {
			if _, err := h.files.Collect(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Go(func() {
		for i := range slices.Backward(ids[:]) { // Collect comes the other way
			codes[i] = h.share(ids[i], "r").Code
		}
	})
	all.Wait()
	if _, err := h.files.Collect(t.Context()); err != nil {
		t.Error(err)
	}
	for i, id := range ids {
		a := h.as("bob", "GET", "files/"+id, "")
		if codes[i] != 200 && codes[i] != 404 || a.Code != codes[i] {
			t.Errorf("shared: %d, then read: %d %s", codes[i], a.Code, a.Body)
		}
	}
}

// full is a body that fails as a full disk does.
type full struct{}

func (full) Read([]byte) (int, error) { return 0, blob.ErrFull }

func TestNoSpaceLeft(t *testing.T) {
	h := openCabinet(t)
	_, url := h.ready("a.txt", "text/plain", 3)
	r := httptest.NewRequestWithContext(t.Context(), "PUT", url, full{})
	r.ContentLength = 3
	w := httptest.NewRecorder()
	h.handler.ServeHTTP(w, r)
	if w.Code != http.StatusInsufficientStorage || !strings.Contains(w.Body.String(), `"unavailable"`) || strings.Contains(h.logged.String(), url) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	h.do("PUT", url, "abc").wants(t, 200, "")
}

// Who gives up an upload has its place in their quota back at once.
func TestUploadsThatAreGivenUp(t *testing.T) {
	h := openCabinet(t)
	drop := func(url string, want int, code string) {
		t.Helper()
		h.tus("DELETE", url, "").wants(t, want, code)
	}
	_, never := h.ready("never.txt", "", 3)
	h.do("DELETE", never, "").wants(t, 412, "bad_request")
	drop(never, 204, "")
	h.tus("HEAD", never, "").wants(t, 404, "not_found")
	drop(never, 404, "not_found")
	_, half := h.ready("half.txt", "", 3)
	h.tus("PATCH", half, "a", "Upload-Offset", "0").wants(t, 204, "")
	drop(half, 204, "")
	h.tus("PATCH", half, "bc", "Upload-Offset", "1").wants(t, 404, "not_found")
	id, whole := h.ready("whole.txt", "", 3)
	h.do("PUT", whole, "abc").wants(t, 200, "")
	drop(whole, 204, "")
	h.as("ann", "GET", "files/"+id, "").wants(t, 404, "not_found")
	h.share(id, "r").wants(t, 404, "not_found")
	id, shared := h.ready("shared.txt", "", 3)
	h.do("PUT", shared, "abc").wants(t, 200, "")
	h.share(id, "r").wants(t, 200, "")
	drop(shared, 409, "conflict")
	h.as("bob", "GET", "files/"+id, "").wants(t, 200, "")
	if n, err := h.files.Collect(t.Context()); n != 0 || err != nil {
		t.Errorf("%d are left to collect, %v", n, err)
	}
	// One that is being sent is gone for everybody at once, and its bytes go when nobody sends it any more.
	_, sending := h.ready("sending.txt", "", 3)
	dropped := make(chan struct{})
	h.do("PATCH", sending, "", "Tus-Resumable", "1.0.0").wants(t, 415, "bad_request")
	r := httptest.NewRequest("PATCH", sending, &lost{data: "a", lose: func() {
		drop(sending, 204, "")
		close(dropped)
	}})
	for k, v := range map[string]string{"Tus-Resumable": "1.0.0", "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"} {
		r.Header.Set(k, v)
	}
	r.ContentLength = 3
	h.handler.ServeHTTP(httptest.NewRecorder(), r)
	<-dropped
	h.tus("HEAD", sending, "").wants(t, 404, "not_found")
	if n, err := h.files.Collect(t.Context()); n != 1 || err != nil {
		t.Errorf("%d collected, %v", n, err)
	}
}

func TestFilesNobodySharesAreCollected(t *testing.T) {
	h := openCabinet(t)
	collect := func(want int) {
		t.Helper()
		if n, err := h.files.Collect(t.Context()); n != want || err != nil {
			t.Errorf("%d collected, %v; want %d", n, err, want)
		}
	}
	_, never := h.ready("never.txt", "", 3)
	h.tus("PATCH", never, "a", "Upload-Offset", "0").wants(t, 204, "")
	loose, shared, deleted := h.upload("a.txt", "", "abc"), h.upload("b.png", "", aPicture(t)), h.upload("c.txt", "", "abc")
	h.share(shared, "r").wants(t, 200, "")
	gone := h.share(deleted, "r").wants(t, 200, "").json["message_id"].(string)
	h.share(deleted, "r").wants(t, 200, "")
	collect(0)
	h.clock.Add(chat.FileLifetime - time.Second)
	collect(0)
	h.clock.Add(time.Second)
	collect(2) // loose and never
	h.as("ann", "GET", "files/"+loose, "").wants(t, 404, "not_found")
	h.share(loose, "r").wants(t, 404, "not_found")
	h.as("ann", "POST", "message/"+gone+"/delete", "").wants(t, 200, "")
	collect(0) // another message has it
	page := h.as("ann", "GET", "history/r?limit=1", "").wants(t, 200, "")
	last := page.json["messages"].([]any)[0].(map[string]any)["id"].(string)
	h.as("ann", "POST", "message/"+last+"/delete", "").wants(t, 200, "")
	collect(1)
	collect(0)
	h.as("ann", "GET", "files/"+deleted, "").wants(t, 404, "not_found")
	h.as("bob", "GET", "files/"+shared, "").wants(t, 200, "")
	h.as("bob", "GET", "files/"+shared+"/thumbnail", "").wants(t, 200, "")
}
