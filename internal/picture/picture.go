// SPDX-License-Identifier: Apache-2.0

// Package picture looks at files: what they are by their content, how large a picture is, and a thumbnail of it.
//
// Whatever is looked at may be made to harm. The size of a picture is read before its pixels are, pixels are decoded one picture
// at a time, and a decoder that panics has found no picture. A thumbnail is made of pixels alone: nothing else of a file, such as
// where a photograph was taken, is in it.
package picture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/gif" // the formats that can be looked at
	"image/jpeg"
	_ "image/png"
	"io"
	"mime"
	"strings"

	"github.com/gabriel-vasile/mimetype"
	"golang.org/x/image/draw"
	_ "golang.org/x/image/webp"
)

const (
	// maxPixels bounds what is decoded: a progressive JPEG takes up to 15 bytes a pixel meanwhile.
	maxPixels = 20_000_000
	// maxScans bounds how many times the pixels of a JPEG are gone over, which takes milliseconds and a few bytes each. Encoders
	// make some ten.
	maxScans = 100
	// maxSide bounds what is believed of a picture's size.
	maxSide = 1 << 16
	// thumbnailSide is the longer side of a thumbnail.
	thumbnailSide = 320
	quality       = 80
	// headSize is how much of a file says what it is.
	headSize = 3072
)

// safe are the pictures that browsers show and that cannot run anything.
var safe = [...]string{"image/jpeg", "image/png", "image/gif", "image/webp"}

// Safe tells whether a file of this type may be shown in a page, instead of being saved.
func Safe(mediaType string) bool {
	for _, s := range safe {
		if s == mediaType {
			return true
		}
	}
	return false
}

// Active tells whether a browser runs, or makes a page of, what is in a file of this type.
func Active(mediaType string) bool {
	switch mediaType {
	case "text/html", "text/xml", "application/xml", "text/css", "text/javascript", "application/javascript":
		return true
	}
	return strings.HasSuffix(mediaType, "+xml")
}

// Found is what a file was found to be.
type Found struct {
	Type          string // media type, without parameters
	Width, Height int    // of a picture as it is to be shown; 0 of anything else
	Thumbnail     []byte // JPEG; nil where none could be made
}

// Inspector looks at files. Its methods are safe for concurrent use.
type Inspector struct{ turn chan struct{} }

// NewInspector makes an Inspector, which decodes one picture at a time.
func NewInspector() *Inspector { return &Inspector{turn: make(chan struct{}, 1)} }

// Inspect looks at a file. declared is the media type that its owner says it has; it counts where the content says nothing.
func (i *Inspector) Inspect(r io.ReadSeeker, declared string) (Found, error) {
	head, err := io.ReadAll(io.LimitReader(r, headSize))
	if err != nil {
		return Found{}, fmt.Errorf("picture: %w", err)
	}
	f := Found{Type: typeOf(head, declared)}
	if !Safe(f.Type) {
		return f, nil
	}
	i.turn <- struct{}{}
	defer func() { <-i.turn }()
	return look(r, f)
}

// typeOf is the type of a file by its first bytes.
func typeOf(head []byte, declared string) string {
	found := mimetype.Detect(head)
	base, _, _ := strings.Cut(found.String(), ";")
	said, _, err := mime.ParseMediaType(declared)
	if err != nil || !plain(said) {
		return base
	}
	switch {
	case base == "application/octet-stream" && !strings.HasPrefix(said, "text/"), base == "text/plain" && strings.HasPrefix(said, "text/"):
		return said
	}
	return base
}

// plain tells whether a type may be believed without looking: not what browsers run or show.
func plain(t string) bool {
	for _, active := range [...]string{"html", "xml", "svg", "script", "css", "multipart", "message/"} {
		if strings.Contains(t, active) {
			return false
		}
	}
	return !strings.HasPrefix(t, "image/") && strings.Count(t, "/") == 1
}

// look reads size and pixels of a picture. What cannot be read is a file like any other.
func look(r io.ReadSeeker, f Found) (out Found, err error) {
	out = Found{Type: f.Type}
	defer func() {
		if p := recover(); p != nil { // a decoder that gave up
			out, err = Found{Type: f.Type}, nil
		}
	}()
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return out, fmt.Errorf("picture: %w", err)
	}
	config, format, err := image.DecodeConfig(r)
	if err != nil || "image/"+format != f.Type || config.Width <= 0 || config.Height <= 0 || config.Width > maxSide || config.Height > maxSide {
		return out, nil
	}
	turn, scans, err := survey(r, f.Type)
	if err != nil {
		return out, err
	}
	out.Width, out.Height = config.Width, config.Height
	if turn >= 5 {
		out.Width, out.Height = out.Height, out.Width
	}
	if int64(config.Width)*int64(config.Height) > maxPixels || scans > maxScans {
		return out, nil
	}
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return out, fmt.Errorf("picture: %w", err)
	}
	img, _, err := image.Decode(r)
	if err != nil && moving(r, f.Type) {
		return out, nil
	}
	if err != nil {
		return Found{Type: f.Type}, nil
	}
	out.Thumbnail, err = thumbnail(img, turn)
	return out, err
}

// moving tells whether a picture is an animated WebP, which browsers show and nothing here decodes.
func moving(r io.ReadSeeker, mediaType string) bool {
	head := make([]byte, 21) // RIFF, WEBP, the first chunk with its flags
	_, err := r.Seek(0, io.SeekStart)
	if err == nil {
		_, err = io.ReadFull(r, head)
	}
	return err == nil && mediaType == "image/webp" && string(head[12:16]) == "VP8X" && head[20]&webpAnimation != 0
}

// thumbnail makes a small JPEG of a picture, on white where it is transparent. It is never larger than the picture.
func thumbnail(img image.Image, turn int) ([]byte, error) {
	w, h := img.Bounds().Dx(), img.Bounds().Dy()
	if longer := max(w, h); longer > thumbnailSide {
		w, h = max(w*thumbnailSide/longer, 1), max(h*thumbnailSide/longer, 1)
	}
	small := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(small, small.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.BiLinear.Scale(small, small.Bounds(), img, img.Bounds(), draw.Over, nil)
	var b bytes.Buffer
	if err := jpeg.Encode(&b, turned(small, turn), &jpeg.Options{Quality: quality}); err != nil {
		return nil, fmt.Errorf("picture: %w", err)
	}
	return b.Bytes(), nil
}

// turned puts a picture upright, as EXIF's orientation says (1 to 8).
func turned(in *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 || turn > 8 {
		return in
	}
	w, h := in.Bounds().Dx(), in.Bounds().Dy()
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	if turn >= 5 {
		out = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch turn {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			out.SetRGBA(tx, ty, in.RGBAAt(x, y))
		}
	}
	return out
}

var errNoExif = errors.New("picture: no orientation")

// tiffOrientation finds tag 0x0112 in the first directory of a TIFF.
func tiffOrientation(b []byte) (int, error) {
	if len(b) < 8 {
		return 0, errNoExif
	}
	var order binary.ByteOrder = binary.LittleEndian
	if b[0] == 'M' {
		order = binary.BigEndian
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 0, errNoExif
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 0, errNoExif
		}
		if order.Uint16(entries) == 0x0112 {
			return int(order.Uint16(entries[8:])), nil
		}
		entries = entries[12:]
	}
	return 0, errNoExif
}
