// SPDX-License-Identifier: Apache-2.0

package picture_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"parley/internal/picture"
)

// halves is red on the left and blue on the right.
func halves(w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// withExif puts an EXIF segment with an orientation, and a secret, after the first marker.
func withExif(file []byte, turn uint16) []byte {
	tiff := []byte("MM\x00\x2a\x00\x00\x00\x08\x00\x02")
	tiff = append(tiff, "\x01\x0f\x00\x02\x00\x00\x00\x04abc\x00"...)
	tiff = append(tiff, "\x01\x12\x00\x03\x00\x00\x00\x01"...)
	tiff = append(binary.BigEndian.AppendUint16(tiff, turn), 0, 0)
	tiff = append(tiff, "\x00\x00\x00\x00GPS: at home"...)
	out := append([]byte(nil), file[:2]...)
	out = append(out, 0xff, 0xe1)
	out = binary.BigEndian.AppendUint16(out, uint16(len(tiff)+8))
	out = append(append(out, "Exif\x00\x00"...), tiff...)
	return append(out, file[2:]...)
}

func inspect(t testing.TB, file []byte, declared string) picture.Found {
	t.Helper()
	f, err := picture.NewInspector().Inspect(bytes.NewReader(file), declared)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func isRed(img image.Image, x, y int) bool {
	r, _, b, _ := img.At(x, y).RGBA()
	return r > b
}

func TestThumbnailsAreUprightAndTellNothing(t *testing.T) {
	t.Parallel()
	for turn, want := range map[uint16]struct {
		w, h int
		red  image.Point // a corner that is red; the opposite one is blue
	}{
		0: {800, 400, image.Pt(0, 0)}, 1: {800, 400, image.Pt(0, 0)}, 2: {800, 400, image.Pt(1, 0)}, 3: {800, 400, image.Pt(1, 1)},
		4: {800, 400, image.Pt(0, 1)}, 5: {400, 800, image.Pt(0, 0)}, 6: {400, 800, image.Pt(1, 0)}, 7: {400, 800, image.Pt(1, 1)},
		8: {400, 800, image.Pt(0, 1)}, 9: {800, 400, image.Pt(0, 0)},
	} {
		file := withExif(asJPEG(t, halves(800, 400)), turn)
		f := inspect(t, file, "text/html")
		if f.Type != "image/jpeg" || f.Width != want.w || f.Height != want.h {
			t.Fatalf("orientation %d: %s of %d×%d", turn, f.Type, f.Width, f.Height)
		}
		if !bytes.Contains(file, []byte("GPS")) || bytes.Contains(f.Thumbnail, []byte("GPS")) || bytes.Contains(f.Thumbnail, []byte("Exif")) {
			t.Errorf("orientation %d: the thumbnail has what the picture's maker wrote", turn)
		}
		small, format, err := image.Decode(bytes.NewReader(f.Thumbnail))
		if err != nil || format != "jpeg" {
			t.Fatal(format, err)
		}
		w, h := small.Bounds().Dx(), small.Bounds().Dy()
		if w*want.h != h*want.w || max(w, h) != 320 {
			t.Errorf("orientation %d: the thumbnail is %d×%d", turn, w, h)
		}
		if !isRed(small, want.red.X*(w-1), want.red.Y*(h-1)) || isRed(small, (1-want.red.X)*(w-1), (1-want.red.Y)*(h-1)) {
			t.Errorf("orientation %d: the thumbnail is not upright", turn)
		}
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	var p, g bytes.Buffer
	if err := png.Encode(&p, image.NewNRGBA(image.Rect(0, 0, 20, 10))); err != nil {
		t.Fatal(err)
	}
	if err := gif.Encode(&g, halves(20, 10), nil); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		file           []byte
		declared, want string
		picture        bool
	}{
		{p.Bytes(), "", "image/png", true},
		{g.Bytes(), "application/pdf", "image/gif", true},
		{asJPEG(t, halves(1, 1)), "image/png", "image/jpeg", true},
		{[]byte("\x89PNG\r\n\x1a\nand nothing"), "image/png", "image/png", false},
		{p.Bytes()[:p.Len()-20], "image/png", "image/png", false},
		{[]byte("<html><script>alert(1)</script>"), "image/png", "text/html", false},
		{[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), "image/png", "image/svg+xml", false},
		{[]byte("%PDF-1.7\n"), "text/plain", "application/pdf", false},
		{[]byte("plain words"), "text/markdown", "text/markdown", false},
		{[]byte("plain words"), "text/html", "text/plain", false},
		{[]byte("plain words"), "image/png", "text/plain", false},
		{[]byte("\x00\x01\x02\xff"), "application/x-mine", "application/x-mine", false},
		{[]byte("\x00\x01\x02\xff"), "image/svg+xml", "application/octet-stream", false},
		{[]byte("\x00\x01\x02\xff"), "nonsense", "application/octet-stream", false},
		{nil, "", "text/plain", false},
	} {
		f := inspect(t, c.file, c.declared)
		if f.Type != c.want || (f.Width > 0) != c.picture || (f.Thumbnail != nil) != c.picture {
			t.Errorf("%.20q declared as %q: %s of %d×%d with a thumbnail of %d bytes, want %s", c.file, c.declared, f.Type, f.Width, f.Height, len(f.Thumbnail), c.want)
		}
	}
	small, _, err := image.Decode(bytes.NewReader(inspect(t, p.Bytes(), "").Thumbnail))
	if err != nil || small.Bounds().Dx() != 20 || small.At(0, 0) == (color.YCbCr{}) {
		t.Errorf("a small picture became %v, %v", small.Bounds(), err)
	}
}

// A few bytes that claim to be a huge picture are not decoded.
func TestHugePictures(t *testing.T) {
	t.Parallel()
	var p bytes.Buffer
	if err := png.Encode(&p, halves(2, 2)); err != nil {
		t.Fatal(err)
	}
	claim := func(w, h uint32) []byte {
		b := append([]byte(nil), p.Bytes()...)
		binary.BigEndian.PutUint32(b[16:], w)
		binary.BigEndian.PutUint32(b[20:], h)
		binary.BigEndian.PutUint32(b[29:], crc32.ChecksumIEEE(b[12:29]))
		return b
	}
	if f := inspect(t, claim(50_000, 50_000), ""); f.Width != 50_000 || f.Thumbnail != nil {
		t.Errorf("%d×%d with a thumbnail of %d bytes", f.Width, f.Height, len(f.Thumbnail))
	}
	if f := inspect(t, claim(1_000_000, 1), ""); f.Width != 0 || f.Thumbnail != nil {
		t.Errorf("%d×%d", f.Width, f.Height)
	}
}

// scanned is a progressive JPEG whose pixels are gone over so many times, with a few bytes each.
func scanned(side uint16, scans int) []byte {
	b := append([]byte("\xff\xd8\xff\xc2\x00\x0b\x08"), byte(side>>8), byte(side), byte(side>>8), byte(side))
	b = append(b, "\x01\x01\x11\x00\xff\xdb\x00\x43\x00"+strings.Repeat("\x01", 64)...)
	// The Huffman table has one code, of a bit: that nothing follows in the next 2¹⁴ + n blocks. n are 14 bits.
	b = append(b, "\xff\xc4\x00\x14\x10\x01"+strings.Repeat("\x00", 15)+"\xe0"...)
	for range scans {
		b = append(b, "\xff\xda\x00\x08\x01\x01\x00\x01\x3f\x00\x7f\xff\x00"...)
	}
	return append(b, 0xff, 0xd9)
}

func TestManyScans(t *testing.T) {
	t.Parallel()
	if f := inspect(t, scanned(640, 10), ""); f.Width != 640 || f.Thumbnail == nil {
		t.Errorf("%d×%d with a thumbnail of %d bytes", f.Width, f.Height, len(f.Thumbnail))
	}
	if f := inspect(t, scanned(640, 10_000), ""); f.Width != 640 || f.Thumbnail != nil {
		t.Errorf("%d×%d with a thumbnail of %d bytes", f.Width, f.Height, len(f.Thumbnail))
	}
}

// An animated WebP has its size; a WebP without any picture is none.
func TestAnimatedWebP(t *testing.T) {
	t.Parallel()
	body := "WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x13\x00\x00\x09\x00\x00ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00"
	file := "RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body
	if f := inspect(t, []byte(file), ""); f.Type != "image/webp" || f.Width != 20 || f.Height != 10 || f.Thumbnail != nil {
		t.Errorf("%+v", f)
	}
	if f := inspect(t, []byte(strings.Replace(file, "VP8X\x0a\x00\x00\x00\x02", "VP8X\x0a\x00\x00\x00\x00", 1)), ""); f.Width != 0 {
		t.Errorf("not animated, and without a picture: %+v", f)
	}
}

// No file panics or is taken for what a page may show without being it.
func FuzzInspect(f *testing.F) {
	f.Add(withExif(asJPEG(f, halves(8, 4)), 6), "image/jpeg")
	f.Add([]byte("GIF89a"), "image/gif")
	f.Add([]byte("RIFF\x00\x00\x00\x00WEBPVP8 "), "")
	inspector := picture.NewInspector()
	f.Fuzz(func(t *testing.T, file []byte, declared string) {
		if len(file) > 4096 {
			return // pictures are small here
		}
		found, err := inspector.Inspect(bytes.NewReader(file), declared)
		if err != nil {
			t.Fatal(err)
		}
		if found.Thumbnail != nil && (!picture.Safe(found.Type) || found.Width == 0) {
			t.Errorf("%+v", found)
		}
		if strings.HasPrefix(declared, "image/") && found.Type == declared && !picture.Safe(found.Type) && len(file) == 0 {
			t.Errorf("%q was believed", declared)
		}
	})
}
