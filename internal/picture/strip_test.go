// SPDX-License-Identifier: Apache-2.0

package picture_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"golang.org/x/image/webp"

	"parley/internal/picture"
)

const secret = "52.5200 N, 13.4050 E"

// drawn is a picture that is nowhere the same.
func drawn() *image.Paletted {
	p := image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{color.White, color.Black, color.RGBA{200, 10, 30, 255}})
	for i := range p.Pix {
		p.Pix[i] = byte(i * i % 3)
	}
	return p
}

// exif is a TIFF with an orientation and a place.
func exif(turn byte) []byte {
	return append([]byte{'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0, 0, 0, turn, 0, 0, 0, 0, 0, 0, 0}, secret...)
}

func jpegSegment(marker byte, data string) string {
	return string([]byte{0xff, marker, byte((len(data) + 2) >> 8), byte(len(data) + 2)}) + data
}

func aJPEG(t testing.TB, turn byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, drawn(), nil); err != nil {
		t.Fatal(err)
	}
	extra := jpegSegment(0xe0, "JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x01\x01"+"abc") + jpegSegment(0xe1, "Exif\x00\x00"+string(exif(turn))) +
		jpegSegment(0xe1, "http://ns.adobe.com/xap/1.0/\x00"+secret) + jpegSegment(0xed, "Photoshop 3.0\x00"+secret) + jpegSegment(0xfe, secret) +
		jpegSegment(0xe2, "ICC_PROFILE\x00\x01\x01profile") + jpegSegment(0xe2, "MPF\x00"+secret)
	return []byte(string(b.Bytes()[:2]) + extra + string(b.Bytes()[2:]) + secret)
}

func pngChunk(kind, data string) string {
	b := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), kind+data...)
	return string(binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:])))
}

func aPNG(t testing.TB, turn byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, drawn()); err != nil {
		t.Fatal(err)
	}
	const head = 8 + 25
	return []byte(string(b.Bytes()[:head]) + pngChunk("gAMA", "\x00\x00\xb1\x8f") + pngChunk("tEXt", "Comment\x00"+secret) + pngChunk("iTXt", "XML:com.adobe.xmp\x00\x00\x00\x00\x00"+secret) +
		pngChunk("eXIf", string(exif(turn))) + pngChunk("tIME", "\x07\xea\x01\x01\x01\x01\x01") + pngChunk("prVt", secret) + string(b.Bytes()[head:]) + secret)
}

func aGIF(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &gif.GIF{Image: []*image.Paletted{drawn(), drawn()}, Delay: []int{5, 5}, LoopCount: 3}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	end := len(whole) - 1
	comment := "\x21\xfe" + string(byte(len(secret))) + secret + "\x00"
	xmp := "\x21\xff\x0bXMP DataXMP" + string(byte(len(secret))) + secret + "\x00"
	return []byte(string(whole[:end]) + comment + xmp + ";" + secret)
}

// aWebP is a lossless picture of one colour, in an extended file with metadata.
func aWebP() []byte {
	const pixels = "\x2f\x00\x00\x00\x00\x07\x10\xfd\x8f\xfe\x07\x22\xa2\xff\x01"
	chunk := func(kind, data string) string {
		s := kind + string(binary.LittleEndian.AppendUint32(nil, uint32(len(data)))) + data
		if len(data)%2 == 1 {
			s += "\x00"
		}
		return s
	}
	body := "WEBP" + chunk("VP8X", "\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00") + chunk("VP8L", pixels) + chunk("EXIF", string(exif(6))) + chunk("XMP ", secret)
	return []byte("RIFF" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(body)))) + body + secret)
}

func strip(t testing.TB, data []byte, kind string) (out []byte, stripped bool) {
	t.Helper()
	var b bytes.Buffer
	stripped, err := picture.Strip(&b, bytes.NewReader(data), kind)
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	return b.Bytes(), stripped
}

// What is about a picture goes, its pixels and what they need stay, and once is enough.
func TestStrip(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind string
		data []byte
		keep []string
	}{
		{"image/jpeg", aJPEG(t, 1), []string{"JFIF", "ICC_PROFILE"}},
		{"image/jpeg", aJPEG(t, 6), []string{"JFIF", "ICC_PROFILE", "Exif\x00\x00"}},
		{"image/png", aPNG(t, 1), []string{"gAMA", "PLTE"}},
		{"image/png", aPNG(t, 6), []string{"gAMA", "PLTE", "eXIf"}},
		{"image/gif", aGIF(t), []string{"NETSCAPE2.0"}},
		{"image/webp", aWebP(), nil},
	} {
		out, stripped := strip(t, c.data, c.kind)
		if !stripped || len(out) >= len(c.data) {
			t.Errorf("%s: stripped is %v, %d of %d bytes", c.kind, stripped, len(out), len(c.data))
		}
		for _, gone := range []string{secret, "XMP", "MPF", "Photoshop", "abc", "XMP Data", "tEXt", "tIME", "EXIF"} {
			if bytes.Contains(out, []byte(gone)) {
				t.Errorf("%s still has %q", c.kind, gone)
			}
		}
		for _, kept := range c.keep {
			if !bytes.Contains(out, []byte(kept)) {
				t.Errorf("%s has lost %q", c.kind, kept)
			}
		}
		same(t, c.kind, c.data, out)
		again, stripped := strip(t, out, c.kind)
		if stripped || !bytes.Equal(again, out) {
			t.Errorf("%s: a second time changes it", c.kind)
		}
	}
}

// same compares pixels, frames, and how they are to be shown.
func same(t *testing.T, kind string, before, after []byte) {
	t.Helper()
	if kind == "image/webp" {
		config, err := webp.DecodeConfig(bytes.NewReader(after))
		if err != nil || config.Width != 1 {
			t.Errorf("%s: %v, %v", kind, config, err)
		}
		if after[20] != 0 || binary.LittleEndian.Uint32(after[4:]) != uint32(len(after)-8) {
			t.Errorf("%s: the head is %x", kind, after[:30])
		}
		return
	}
	if kind == "image/gif" {
		a, err := gif.DecodeAll(bytes.NewReader(before))
		if err != nil {
			t.Fatal(err)
		}
		b, err := gif.DecodeAll(bytes.NewReader(after))
		if err != nil || len(a.Image) != len(b.Image) || a.LoopCount != b.LoopCount || !bytes.Equal(a.Image[1].Pix, b.Image[1].Pix) {
			t.Errorf("%s: it is another animation (%v)", kind, err)
		}
		return
	}
	a, _, err := image.Decode(bytes.NewReader(before))
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := image.Decode(bytes.NewReader(after))
	if err != nil {
		t.Fatalf("%s: %v", kind, err)
	}
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			if a.At(x, y) != b.At(x, y) {
				t.Fatalf("%s: the pixel at %d, %d is another one", kind, x, y)
			}
		}
	}
	i := picture.NewInspector()
	one, err1 := i.Inspect(bytes.NewReader(before), "")
	two, err2 := i.Inspect(bytes.NewReader(after), "")
	if err := errors.Join(err1, err2); err != nil || one.Width != two.Width || one.Height != two.Height || !bytes.Equal(one.Thumbnail, two.Thumbnail) {
		t.Errorf("%s: it is shown otherwise: %d × %d and %d × %d (%v)", kind, one.Width, one.Height, two.Width, two.Height, err)
	}
}

// What ends early or makes no sense is an error, or as far as it goes; other types are not touched.
func TestStripWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	for kind, data := range map[string][]byte{"image/jpeg": aJPEG(t, 6), "image/png": aPNG(t, 6), "image/gif": aGIF(t), "image/webp": aWebP()} {
		for n := range data {
			var b bytes.Buffer
			_, err := picture.Strip(&b, bytes.NewReader(data[:n]), kind)
			if err != nil && !errors.Is(err, picture.ErrMalformed) {
				t.Errorf("%s of %d bytes: %v", kind, n, err)
			}
			if err == nil && strings.Contains(b.String(), secret) {
				t.Errorf("%s of %d bytes tells where it was", kind, n)
			}
		}
	}
	var b bytes.Buffer
	if stripped, err := picture.Strip(&b, strings.NewReader("hello"), "text/plain"); stripped || err != nil || b.Len() > 0 {
		t.Errorf("a text: %v, %v, %q", stripped, err, b.String())
	}
}

// What browsers show although it is broken tells nothing either: they pass over what is no marker, and show what came before the end.
func TestStripWhatBrowsersShowAllTheSame(t *testing.T) {
	t.Parallel()
	photo, animation, web := aJPEG(t, 6), aGIF(t), aWebP()
	text := string(web[:len(web)-len(secret)])
	shown, _, _ := strings.Cut(string(animation), "\x21\xfe")
	scan := bytes.Index(photo, []byte{0xff, 0xda})
	for name, c := range map[string]struct{ kind, data string }{
		"bytes between segments":   {"image/jpeg", string(photo[:2]) + "\x00no\xff\x00marker\xff" + string(photo[2:])},
		"a segment breaks off":     {"image/jpeg", string(photo[:scan+200]) + "\xff\xfe\x7f\xff" + secret},
		"an animation breaks off":  {"image/gif", shown + "\x21\xfe\xff" + secret},
		"no block of an animation": {"image/gif", strings.Replace(string(animation), "\x00;"+secret, "\x00?"+secret, 1)},
		"EXIF breaks off":          {"image/webp", text[:strings.Index(text, secret)+len(secret)]},
		"a size that is too large": {"image/webp", strings.Replace(text, text[4:8], "\xff\xff\xff\x00", 1)},
		"a chunk that is none":     {"image/png", strings.Replace(string(aPNG(t, 6)), pngChunk("IEND", ""), pngChunk("1234", secret), 1)},
	} {
		out, stripped := strip(t, []byte(c.data), c.kind)
		if !stripped || bytes.Contains(out, []byte(secret)) || len(out) < 30 {
			t.Errorf("%s: stripped is %v, %q", name, stripped, out)
		}
		if again, changed := strip(t, out, c.kind); changed || !bytes.Equal(again, out) {
			t.Errorf("%s: a second time changes it", name)
		}
	}
}

// A PNG that EXIF turns is described as browsers show it, wherever its EXIF is.
func TestPNGsThatAreTurned(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := png.Encode(&b, halves(80, 40)); err != nil {
		t.Fatal(err)
	}
	const head = 8 + 25
	whole, turned := b.String(), pngChunk("eXIf", string(exif(6)))
	for place, file := range map[string]string{"before": whole[:head] + turned + whole[head:], "after": strings.Replace(whole, pngChunk("IEND", ""), turned+pngChunk("IEND", ""), 1)} {
		f := inspect(t, []byte(file), "")
		small, _, err := image.Decode(bytes.NewReader(f.Thumbnail))
		if err != nil || f.Width != 40 || f.Height != 80 || small.Bounds().Dy() != 80 || !isRed(small, 20, 5) || isRed(small, 20, 75) {
			t.Errorf("EXIF %s the pixels: %d × %d, thumbnail %v (%v)", place, f.Width, f.Height, small.Bounds(), err)
		}
	}
}

func FuzzStrip(f *testing.F) {
	kinds := []string{"image/jpeg", "image/png", "image/gif", "image/webp"}
	for i, data := range [][]byte{aJPEG(f, 6), aPNG(f, 6), aGIF(f), aWebP()} {
		f.Add(i, data)
	}
	f.Fuzz(func(t *testing.T, kind int, data []byte) {
		of := kinds[uint(kind)%4]
		var out bytes.Buffer
		stripped, err := picture.Strip(&out, bytes.NewReader(data), of)
		if err != nil {
			if !errors.Is(err, picture.ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if out.Len() > len(data) {
			t.Fatalf("%s: %d bytes became %d", of, len(data), out.Len())
		}
		if !stripped && !bytes.Equal(out.Bytes(), data) {
			t.Fatalf("%s: it is not what it was", of)
		}
		var again bytes.Buffer
		if changed, err := picture.Strip(&again, bytes.NewReader(out.Bytes()), of); err != nil || changed || !bytes.Equal(again.Bytes(), out.Bytes()) {
			t.Fatalf("%s: a second time: %v, %v", of, changed, err)
		}
	})
}
