// SPDX-License-Identifier: Apache-2.0

package contract

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io/fs"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"parley/internal/app"
	"parley/test/systemtest"
)

// whereabouts is what no picture may tell.
const whereabouts = "52.5200 N, 13.4050 E"

// lying is a picture that lies on its side: red on the left, which is above once it is turned.
func lying() image.Image {
	img := image.NewRGBA(image.Rect(0, 0, 80, 40))
	for i := range 80 * 40 {
		c := color.RGBA{R: 255, A: 255}
		if i%80 >= 40 {
			c = color.RGBA{B: 255, A: 255}
		}
		img.SetRGBA(i%80, i/80, c)
	}
	return img
}

// photos are pictures with all that cameras and programs write into them. EXIF turns those that are not moving.
func photos(t *testing.T) map[string]string {
	t.Helper()
	var j, p, g bytes.Buffer
	if err := errors.Join(jpeg.Encode(&j, lying(), nil), png.Encode(&p, lying()), gif.Encode(&g, lying(), nil)); err != nil {
		t.Fatal(err)
	}
	exif := "II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00" + whereabouts
	segment := func(marker byte, data string) string {
		return string([]byte{0xff, marker, 0, byte(len(data) + 2)}) + data
	}
	chunk := func(kind, data string) string {
		b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind+data...)
		return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
	}
	part := func(kind, data string) string { // of a WebP; of an even length
		return kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + data
	}
	// 80 × 40, animated, with EXIF and XMP.
	moving := part("VP8X", "\x0e\x00\x00\x00\x4f\x00\x00\x27\x00\x00") + part("ANIM", "\x00\x00\x00\x00\x00\x00") +
		part("ANMF", "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x64\x00\x00\x00"+part("VP8L", "\x2f\x00\x00\x00\x00\x07\x10\xfd\x8f\xfe\x07\x22\xa2\xff\x01\x00")) +
		part("EXIF", exif) + part("XMP ", whereabouts)
	const head = 8 + 25 // of a PNG, with IHDR
	return map[string]string{
		"image/gif":  g.String()[:g.Len()-1] + "\x21\xfe" + string(rune(len(whereabouts))) + whereabouts + "\x00" + g.String()[g.Len()-1:] + whereabouts,
		"image/webp": part("RIFF", "WEBP"+moving),
		"image/jpeg": j.String()[:2] + segment(0xe1, "Exif\x00\x00"+exif) + segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+whereabouts) + segment(0xfe, whereabouts) + j.String()[2:],
		"image/png":  p.String()[:head] + chunk("eXIf", exif) + chunk("tEXt", "Comment\x00"+whereabouts) + chunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+whereabouts) + p.String()[head:],
	}
}

// about takes a reply or a message with a file apart.
func about(t *testing.T, text []byte) (v struct {
	FileID    string `json:"file_id"`
	UploadURL string `json:"upload_url"`
	Messages  []struct {
		File struct {
			Size          int
			Width, Height int
			Thumbnail     string
		}
	}
}) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}

// ticket asks for an upload URL, which is a route then.
func ticket(t *testing.T, d *systemtest.Device, size int) (id, route string) {
	t.Helper()
	v := about(t, d.Do("file/upload/r", fmt.Sprintf(`{"name":"view","size":%d}`, size)).Packet.Publish.Payload)
	return v.FileID, strings.TrimPrefix(v.UploadURL, "/api/v1/")
}

// resume sends a file in parts as tus has it; the connection of the first one is lost in its middle.
func resume(t *testing.T, s *systemtest.Server, route, file string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr("http"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "PATCH /api/v1/%s HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\nContent-Length: %d\r\n\r\n%s",
		route, len(file), file[:100])
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	// The server may be busy with the lost connection for a moment.
	for t.Context().Err() == nil {
		head := s.HTTP(t, "HEAD", "", route, "", "Tus-Resumable", "1.0.0")
		offset, err := strconv.Atoi(head.Header.Get("Upload-Offset"))
		if err != nil {
			t.Fatalf("HEAD: %d %v", head.Status, head.Header)
		}
		if offset == len(file) {
			return
		}
		end := min(offset+300, len(file))
		a := s.HTTP(t, "PATCH", "", route, file[offset:end], "Tus-Resumable", "1.0.0", "Content-Type", "application/offset+octet-stream", "Upload-Offset", strconv.Itoa(offset))
		if a.Status != 204 && a.Status != 409 {
			t.Fatalf("PATCH at %d: %d %s", offset, a.Status, a.Body)
		}
	}
}

// Section 5, files: however a picture comes, who sees it learns nothing of where it was taken, and sees it upright.
func TestPicturesTellNothing(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	for kind, photo := range photos(t) {
		for way, upload := range map[string]func() string{
			"PUT": func() string {
				id, route := ticket(t, alice, len(photo))
				for _, again := range []bool{false, true} {
					a := s.HTTP(t, "PUT", "", route, photo)
					if a.Status != 200 || bytes.Contains(a.Body, []byte(`"duplicate":true`)) != again {
						t.Fatalf("PUT, again %v: %d %s", again, a.Status, a.Body)
					}
				}
				return id
			},
			"tus": func() string {
				id, route := ticket(t, alice, len(photo))
				resume(t, s, route, photo)
				return id
			},
			"inline": func() string {
				return about(t, alice.Do("file/upload/r", `{"name":"view","data":"`+base64.StdEncoding.EncodeToString([]byte(photo))+`"}`).Packet.Publish.Payload).FileID
			},
		} {
			id := upload()
			alice.Do("file/share/r", `{"file_id":"`+id+`"}`)
			token := s.Token("bob")
			file := about(t, s.HTTP(t, "GET", token, "history/r?limit=1", "").Body).Messages[0].File
			got := s.HTTP(t, "GET", token, "files/"+id, "")
			if got.Status != 200 || got.Header.Get("Content-Type") != kind || len(got.Body) != file.Size || bytes.Contains(got.Body, []byte(whereabouts)) {
				t.Errorf("%s by %s: %d %v, %d bytes of %d: %q", kind, way, got.Status, got.Header, len(got.Body), file.Size, got.Body)
			}
			if still := kind == "image/jpeg" || kind == "image/png"; !still {
				if file.Width != 80 || file.Height != 40 || len(got.Body) >= len(photo) || kind == "image/gif" && file.Thumbnail == "" {
					t.Errorf("%s by %s: %+v, %d bytes of %d", kind, way, file, len(got.Body), len(photo))
				}
				continue
			}
			if _, _, err := image.Decode(bytes.NewReader(got.Body)); err != nil || !bytes.Contains(bytes.ToLower(got.Body), []byte("exif")) {
				t.Errorf("%s by %s: nothing says how to turn it (%v)", kind, way, err)
			}
			small, _, err := image.Decode(bytes.NewReader(s.HTTP(t, "GET", token, strings.TrimPrefix(file.Thumbnail, "/api/v1/"), "").Body))
			if err != nil {
				t.Fatal(err)
			}
			above, _, _, _ := small.At(20, 5).RGBA()
			below, _, _, _ := small.At(20, 75).RGBA()
			if file.Width != 40 || file.Height != 80 || small.Bounds().Dx() != 40 || small.Bounds().Dy() != 80 || above < 0xc000 || below > 0x4000 {
				t.Errorf("%s by %s: %d × %d, the thumbnail is %v and not upright", kind, way, file.Width, file.Height, small.Bounds())
			}
		}
	}
}

// Of two uploads that are beyond the quota together one is refused, and leaves nothing.
func TestTheQuotaOfFilesAtOnce(t *testing.T) {
	t.Parallel()
	s := systemtest.Start(t, systemtest.Config{Change: func(c *app.Config) { c.Limits.FileQuota = 1000 }})
	s.Device(t, "alice").Create("r", "public")
	payload := `{"name":"a","data":"` + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("a"), 600)) + `"}`
	var status [2]int
	var all sync.WaitGroup
	for i := range status {
		all.Go(func() {
			a, err := systemtest.Request(t.Context(), s.Addr("http"), "POST", s.Token("alice"), "file/upload/r", payload)
			if err != nil {
				t.Error(err)
				return
			}
			status[i] = a.Status
		})
	}
	all.Wait()
	if min(status[0], status[1]) != 200 || max(status[0], status[1]) != 413 {
		t.Errorf("answered %v", status)
	}
	n := 0
	err := filepath.WalkDir(filepath.Join(s.Dir, "files"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	})
	if err != nil || n != 1 {
		t.Errorf("%d files are kept (%v)", n, err)
	}
}

// Parts of a file, and conditions, over a real connection; none of it makes a browser run what is in the file.
func TestPartsOfFiles(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	const page = `<html><script>alert(1)</script></html>`
	id := about(t, alice.Do("file/upload/r", `{"name":"../a\"é\u202egnp.html","mime":"image/png","data":"`+base64.StdEncoding.EncodeToString([]byte(page))+`"}`).Packet.Publish.Payload).FileID
	alice.Do("file/share/r", `{"file_id":"`+id+`"}`)
	tag := `"` + id + `"`
	for _, c := range []struct {
		method  string
		headers []string
		status  int
		body    string // "": not compared
	}{
		{"GET", nil, 200, page},
		{"HEAD", nil, 200, ""},
		{"GET", []string{"Range", "bytes=1-4"}, 206, page[1:5]},
		{"GET", []string{"Range", "bytes=-7"}, 206, page[len(page)-7:]},
		{"GET", []string{"Range", "bytes=0-1,4-5"}, 206, ""},
		{"GET", []string{"Range", "bytes=1-4", "If-Range", tag}, 206, page[1:5]},
		{"GET", []string{"Range", "bytes=1-4", "If-Range", `"another"`}, 200, page},
		{"GET", []string{"Range", "bytes=500-"}, 416, ""},
		{"GET", []string{"If-None-Match", tag}, 304, ""},
	} {
		a := s.HTTP(t, c.method, s.Token("bob"), "files/"+id, "", c.headers...)
		if a.Status != c.status || c.body != "" && string(a.Body) != c.body {
			t.Errorf("%s %q: %d %q", c.method, c.headers, a.Status, a.Body)
		}
		disposition := a.Header.Get("Content-Disposition")
		if c.status < 300 && disposition != "attachment; filename*=utf-8''a_%C3%A9gnp.html" {
			t.Errorf("%s %q: %s", c.method, c.headers, disposition)
		}
		if kind := a.Header.Get("Content-Type"); len(c.headers) == 0 && kind != "application/octet-stream" {
			t.Errorf("a page comes as %s", kind)
		}
		if a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") {
			t.Errorf("%s %q: %v", c.method, c.headers, a.Header)
		}
		if many := strings.Count(string(a.Body), "Content-Range:"); len(c.headers) > 0 && strings.Contains(c.headers[1], ",") && many != 2 {
			t.Errorf("%d parts: %s", many, a.Body)
		}
	}
	if a := s.HTTP(t, "GET", s.Token("carol"), "files/"+id, "", "If-None-Match", tag); a.Status != 404 {
		t.Errorf("a stranger is answered %d", a.Status)
	}
	alice.Refused("bad_request", "file/upload/r", `{"name":"a\r\nSet-Cookie: b","data":"YQ=="}`)
}

// Pictures that would take a lot of memory or time to look at are files whose size is known, and nothing more.
func TestPicturesThatAreTooMuch(t *testing.T) {
	t.Parallel()
	s, alice, _ := start(t)
	photo := photos(t)["image/png"]
	head := []byte(photo[:33])
	binary.BigEndian.PutUint32(head[16:], 50_000)
	binary.BigEndian.PutUint32(head[20:], 50_000)
	binary.BigEndian.PutUint32(head[29:], crc32.ChecksumIEEE(head[12:29]))
	var b bytes.Buffer
	frame := image.NewPaletted(image.Rect(0, 0, 1000, 1000), color.Palette{color.White, color.Black})
	if err := gif.Encode(&b, frame, nil); err != nil {
		t.Fatal(err)
	}
	one := b.String()[13+6 : b.Len()-1] // without head, colours and end
	for name, c := range map[string]struct {
		file          string
		width, height int
		thumbnail     bool
	}{
		"a huge PNG":    {string(head) + photo[33:], 50_000, 50_000, false},
		"a long GIF":    {b.String()[:b.Len()-1] + strings.Repeat(one, 400) + "\x3b", 1000, 1000, true},
		"a PNG cut off": {photo[:len(photo)-60], 0, 0, false},
		"a name alone":  {"GIF89a", 0, 0, false},
	} {
		id, route := ticket(t, alice, len(c.file))
		if a := s.HTTP(t, "PUT", "", route, c.file); a.Status != 200 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
			continue
		}
		alice.Do("file/share/r", `{"file_id":"`+id+`"}`)
		file := about(t, s.HTTP(t, "GET", s.Token("bob"), "history/r?limit=1", "").Body).Messages[0].File
		if file.Width != c.width || file.Height != c.height || (file.Thumbnail != "") != c.thumbnail {
			t.Errorf("%s: %+v", name, file)
		}
	}
}

// Who may have a file: who uploaded it, and who can see a message that shares it, as long as they can.
func TestWhoMayHaveAFile(t *testing.T) {
	t.Parallel()
	s, alice, bob := start(t)
	alice.Create("s", "public", bob)
	id, route := ticket(t, alice, 5)
	// The URL is the permission: whoever uses it brings alice's file.
	if a := s.HTTP(t, "PUT", s.Token("bob"), route, "hello"); a.Status != 200 {
		t.Fatalf("PUT: %d %s", a.Status, a.Body)
	}
	bob.Refused("not_found", "file/share/r", `{"file_id":"`+id+`"}`)
	token := map[string]string{"nobody": ""}
	for _, u := range []string{"alice", "bob", "carol", systemtest.Root} {
		token[u] = s.Token(u)
	}
	may := func(when string, want map[string]int) {
		t.Helper()
		for who, status := range want {
			for _, method := range []string{"GET", "HEAD"} {
				if a := s.HTTP(t, method, token[who], "files/"+id, ""); a.Status != status || status == 200 && method == "GET" && string(a.Body) != "hello" {
					t.Errorf("%s: %s of %s is answered %d, want %d: %s", when, method, who, a.Status, status, a.Body)
				}
			}
		}
	}
	moderate := func(action string) { alice.Do("admin/rooms/r/moderate", `{"action":"`+action+`","user_id":"bob"}`) }
	share := func(room string) string {
		return alice.Do("file/share/"+room, `{"file_id":"`+id+`"}`).MessageID
	}
	may("not shared", map[string]int{"alice": 200, "bob": 404, "carol": 404, systemtest.Root: 404, "nobody": 401})
	share("r")
	share("s")
	may("shared", map[string]int{"alice": 200, "bob": 200, "carol": 404, systemtest.Root: 404, "nobody": 401})
	moderate("kick")
	may("kicked from one of two rooms", map[string]int{"bob": 200})
	alice.Do("rooms/s/delete", "")
	may("the other room deleted", map[string]int{"alice": 200, "bob": 404})
	bob.Do("rooms/join/r", "")
	may("come back", map[string]int{"bob": 200})
	moderate("ban")
	may("banned from the room", map[string]int{"bob": 404})
	moderate("unban")
	bob.Do("rooms/join/r", "")
	last := share("r")
	alice.Do("message/"+last+"/delete", "")
	may("one of two messages deleted", map[string]int{"bob": 200})
	var page struct{ Messages []struct{ ID, Type string } }
	if err := json.Unmarshal(s.HTTP(t, "GET", token["alice"], "history/r", "").Body, &page); err != nil {
		t.Fatal(err)
	}
	for _, m := range page.Messages {
		if m.Type == "file" {
			alice.Do("message/"+m.ID+"/delete", "")
		}
	}
	may("all messages deleted", map[string]int{"alice": 200, "bob": 404})
	share("r")
	root := s.Device(t, systemtest.Root)
	root.Do("admin/users/bob/ban", "")
	may("banned from the server", map[string]int{"bob": 403})
	root.Do("admin/users/bob/unban", "")
	token["bob"] = s.Token("bob")
	may("no longer", map[string]int{"bob": 200})
	_, open := ticket(t, alice, 5)
	s.Operate(func(ctx context.Context, ops app.Operations) error { return ops.RemoveUser(ctx, "alice") })
	may("its owner erased", map[string]int{"alice": 401, "bob": 200})
	if a := s.HTTP(t, "PUT", "", open, "hello"); a.Status != 401 {
		t.Errorf("an upload for who is erased: %d %s", a.Status, a.Body)
	}
}
