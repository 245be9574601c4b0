// SPDX-License-Identifier: Apache-2.0

//go:build unix

package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"io/fs"
	"math/rand/v2"
	"net"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"parley/test/systemtest"
)

// behind is what follows the end of a picture, and what the server takes out.
const behind = "52.5200 N, 13.4050 E"

// photo is a picture that takes some time to be looked at.
func photo(t *testing.T) string {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	img := image.NewGray(image.Rect(0, 0, 700, 700))
	for i := range img.Pix {
		img.Pix[i] = byte(random.Uint32())
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.String() + behind
}

// uploading is a server that is sent a file.
type uploading struct {
	*systemtest.Process
	t     *testing.T
	token string
}

func (u *uploading) ask(method, route, payload string, headers ...string) *systemtest.Answer {
	u.t.Helper()
	token := u.token
	if strings.HasPrefix(route, "upload/") {
		token = ""
	}
	a, err := systemtest.Request(u.t.Context(), u.Addr("http"), method, token, route, payload, headers...)
	if err != nil {
		u.t.Fatal(err)
	}
	return a
}

// ready asks for an upload URL, which is a route then.
func (u *uploading) ready(size int) (id, route string) {
	u.t.Helper()
	var v struct {
		FileID    string `json:"file_id"`
		UploadURL string `json:"upload_url"`
	}
	if err := json.Unmarshal(u.ask("POST", "file/upload/r", fmt.Sprintf(`{"name":"view.jpg","size":%d}`, size)).Body, &v); err != nil {
		u.t.Fatal(err)
	}
	return v.FileID, strings.TrimPrefix(v.UploadURL, "/api/v1/")
}

// begin sends a file, or its first half, and does not wait for the answer.
func (u *uploading) begin(method, route, file string, half bool) io.Closer {
	u.t.Helper()
	conn, err := net.Dial("tcp", u.Addr("http"))
	if err != nil {
		u.t.Fatal(err)
	}
	body := file
	if half {
		body = file[:len(file)/2]
	}
	_, err = fmt.Fprintf(conn, "%s /api/v1/%s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n%s",
		method, route, len(file), body)
	if err != nil {
		u.t.Fatal(err)
	}
	return conn
}

// appears waits for a file in the data directory: its name ends like the id, and it has some bytes.
func (u *uploading) appears(where, id string) {
	u.t.Helper()
	name := strings.ReplaceAll(id, "-", "")
	for u.t.Context().Err() == nil {
		found := false
		_ = filepath.WalkDir(filepath.Join(u.Dir, "files", where), func(_ string, d fs.DirEntry, err error) error {
			if err == nil && d.Name() == name {
				info, err := d.Info()
				found = err == nil && info.Size() > 0
			}
			return nil
		})
		if found {
			return
		}
		runtime.Gosched()
	}
}

// TestUploadsOutliveKills kills the server in the middle of an upload, right after its last byte, when the picture is being looked at
// and stripped, and right after the answer. Whoever goes on, or sends all of it once more, has the file in the end, whole and stripped.
func TestUploadsOutliveKills(t *testing.T) {
	t.Parallel()
	file := photo(t)
	server := systemtest.StartProcess(t, systemtest.Dir(t))
	u := &uploading{Process: server, t: t, token: server.AddUsers("alice")["alice"]}
	if a := u.ask("POST", "rooms/create", `{"room_id":"r","name":"R","type":"public"}`); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	want := strings.TrimSuffix(file, behind)
	for _, when := range []string{"never", "in the middle", "after the last byte", "after the answer"} {
		for _, method := range []string{"PUT", "PATCH"} {
			id, route := u.ready(len(file))
			switch when {
			case "in the middle", "after the last byte":
				half, where := when == "in the middle", "whole"
				if half {
					where = "partial"
				}
				conn := u.begin(method, route, file, half)
				u.appears(where, id)
				u.Kill()
				conn.Close()
				u.Restart()
			case "after the answer":
				if a := u.ask("PUT", route, file); a.Status != 200 {
					t.Fatalf("%d %s", a.Status, a.Body)
				}
				u.Kill()
				u.Restart()
			}
			if method == "PUT" {
				if a := u.ask("PUT", route, file); a.Status != 200 {
					t.Fatalf("killed %s: PUT is answered %d %s", when, a.Status, a.Body)
				}
			} else {
				head := u.ask("HEAD", route, "", "Tus-Resumable", "1.0.0")
				offset, err := strconv.Atoi(head.Header.Get("Upload-Offset"))
				if err != nil || (when == "never") != (offset == 0) || strings.HasPrefix(when, "after") && offset != len(file) {
					t.Fatalf("killed %s: HEAD is answered %d %v", when, head.Status, head.Header)
				}
				a := u.ask("PATCH", route, file[offset:], "Tus-Resumable", "1.0.0", "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(offset))
				if a.Status != 204 {
					t.Fatalf("killed %s: PATCH at %d is answered %d %s", when, offset, a.Status, a.Body)
				}
			}
			if a := u.ask("POST", "file/share/r", `{"file_id":"`+id+`"}`); a.Status != 200 {
				t.Errorf("killed %s, %s: sharing it is answered %d %s", when, method, a.Status, a.Body)
			}
			if got := string(u.ask("GET", "files/"+id, "").Body); got != want {
				t.Errorf("killed %s, %s: the file has %d bytes, want %d", when, method, len(got), len(want))
			}
			if small := u.ask("GET", "files/"+id+"/thumbnail", ""); small.Status != 200 || len(small.Body) == 0 {
				t.Errorf("killed %s, %s: the thumbnail is answered %d", when, method, small.Status)
			}
		}
	}
}
