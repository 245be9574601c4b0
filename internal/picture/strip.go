// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrMalformed is a picture that does not follow its format, so that nobody can say what is in it.
var ErrMalformed = errors.New("picture: it does not follow its format")

// Strip copies a picture without what is about it: where and with what it was taken, by whom, when, comments, previews, and whatever
// follows its end. Its pixels stay bit for bit, and so does what tells how to show them: colour profile, transparency,
// animation, and of EXIF the orientation alone. The copy is never longer. It takes memory for one segment, at most 64 KiB.
//
// stripped tells whether the copy differs. Of other types than those of Safe nothing is written. A picture that breaks off, or makes
// no sense any more, once there are pixels is copied as far as it goes: browsers show that much. ErrMalformed means that the copy is
// of no use.
func Strip(dst io.Writer, src io.ReadSeeker, mediaType string) (stripped bool, err error) {
	length, err := src.Seek(0, io.SeekEnd)
	if err != nil {
		return false, fmt.Errorf("picture: %w", err)
	}
	var written counter
	dst = io.MultiWriter(dst, &written)
	s := &stripper{out: bufio.NewWriter(dst), length: length}
	switch mediaType {
	case "image/jpeg":
		err = s.pass(src, s.jpeg)
	case "image/png":
		err = s.pass(src, s.png)
	case "image/gif":
		err = s.pass(src, s.gif)
	case "image/webp":
		// The head of a WebP has its size: the first pass finds it out.
		s.out = bufio.NewWriter(&s.size)
		if err = s.pass(src, s.webp); err == nil {
			s.out, s.stripped = bufio.NewWriter(dst), false
			err = s.pass(src, s.webp)
		}
	default:
		return false, nil
	}
	return s.stripped || int64(written) != length, err
}

// stripper is one picture on its way.
type stripper struct {
	in       *bufio.Reader
	out      *bufio.Writer
	stripped bool
	exif     bool // EXIF was there: what follows of it does not count
	turn     int  // the orientation that it said and that is kept, else 0
	marked   bool // the 0xff of a JPEG's marker has been read
	pixels   bool // some were copied
	scans    int  // of a JPEG: how many times its pixels are gone over
	size     counter
	length   int64 // of all that comes in
}

type counter int64

func (c *counter) Write(b []byte) (int, error) {
	*c += counter(len(b))
	return len(b), nil
}

func (s *stripper) pass(src io.ReadSeeker, copyPicture func() error) error {
	if _, err := src.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	s.in, s.exif, s.turn, s.marked, s.pixels, s.scans = bufio.NewReader(src), false, 0, false, false, 0
	err := copyPicture()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = ErrMalformed
	}
	if errors.Is(err, ErrMalformed) && s.pixels {
		return s.out.Flush()
	}
	if err == nil {
		err = s.out.Flush()
	}
	if err == nil {
		if _, more := s.in.ReadByte(); more == nil {
			s.stripped = true // something follows the end
		}
	}
	return err
}

// read fills b.
func (s *stripper) read(b []byte) error {
	_, err := io.ReadFull(s.in, b)
	return err
}

// drop passes over n bytes.
func (s *stripper) drop(n int64) error {
	s.stripped = true
	_, err := io.CopyN(io.Discard, s.in, n)
	return err
}

// keep copies n bytes. Where the picture ends before, ended is true.
func (s *stripper) keep(n int64) (ended bool, err error) {
	_, err = io.CopyN(s.out, s.in, n)
	if errors.Is(err, io.EOF) {
		return true, nil
	}
	return false, err
}

// maxExif bounds the EXIF data that is looked at for an orientation.
const maxExif = 64 << 10

// minimalExif is a TIFF that says an orientation and nothing else.
func minimalExif(turn int) []byte {
	b := []byte{'M', 'M', 0, 42, 0, 0, 0, 8, 0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint16(b[18:], uint16(turn))
	return b
}

// orientationOnly is what is kept of EXIF data: nothing where the picture is upright.
func (s *stripper) orientationOnly(tiff []byte) []byte {
	if s.exif {
		return nil
	}
	s.exif = true
	turn, err := tiffOrientation(tiff)
	if err != nil || turn < 2 || turn > 8 {
		return nil
	}
	minimal := minimalExif(turn)
	if len(minimal) > len(tiff) { // there is no place for more than an orientation
		return nil
	}
	s.turn = turn
	return minimal
}

// survey tells what Strip keeps of a picture's EXIF, 1 (upright) where that is nothing, and how many scans a JPEG has.
func survey(src io.ReadSeeker, mediaType string) (turn, scans int, err error) {
	s := &stripper{out: bufio.NewWriter(io.Discard)}
	switch mediaType {
	case "image/jpeg":
		err = s.pass(src, s.jpeg)
	case "image/png":
		err = s.pass(src, s.png)
	}
	if errors.Is(err, ErrMalformed) { // it stays as it is
		err = nil
	}
	return max(s.turn, 1), s.scans, err
}

// The markers of JPEG that have to be told apart.
const (
	jpegSOI  = 0xd8
	jpegEOI  = 0xd9
	jpegSOS  = 0xda
	jpegAPP0 = 0xe0
	jpegAPP1 = 0xe1
	jpegAPP2 = 0xe2
	jpegAdob = 0xee // APP14, which says how colours are meant
	jpegCOM  = 0xfe
)

func (s *stripper) jpeg() error {
	var head [2]byte
	if err := s.read(head[:]); err != nil || head != [2]byte{0xff, jpegSOI} {
		return ErrMalformed
	}
	_, _ = s.out.Write(head[:]) // Flush has the error
	segment := make([]byte, 1<<16)
	for {
		marker, err := s.jpegMarker()
		if errors.Is(err, io.EOF) && s.pixels {
			return nil // others forget the end, too
		}
		if err != nil {
			return err
		}
		switch {
		case marker == jpegEOI:
			_, _ = s.out.Write([]byte{0xff, marker})
			return nil
		case marker == 0x01 || marker >= 0xd0 && marker <= jpegSOI: // they stand alone
			_, _ = s.out.Write([]byte{0xff, marker})
			continue
		}
		if err := s.read(segment[:2]); err != nil {
			return err
		}
		length := int(binary.BigEndian.Uint16(segment))
		if length < 2 {
			return ErrMalformed
		}
		if err := s.read(segment[2:length]); err != nil {
			return err
		}
		if kept := s.jpegSegment(marker, segment[2:length]); kept != nil {
			binary.BigEndian.PutUint16(segment, uint16(len(kept)+2))
			_, _ = s.out.Write([]byte{0xff, marker})
			_, _ = s.out.Write(segment[:2])
			_, _ = s.out.Write(kept)
		}
		if marker == jpegSOS {
			if ended, err := s.jpegScan(); ended || err != nil {
				return err
			}
		}
	}
}

// jpegMarker reads a marker, and passes over the fill bytes before it and, as decoders do, over what is none.
func (s *stripper) jpegMarker() (byte, error) {
	filled := s.marked
	s.marked = false
	for {
		switch b, err := s.in.ReadByte(); {
		case err != nil:
			return 0, err
		case b == 0xff:
			filled = true
		case b == 0:
			filled = false
		case filled:
			return b, nil
		}
	}
}

// jpegSegment is what is kept of a segment; nil: nothing of it.
func (s *stripper) jpegSegment(marker byte, data []byte) []byte {
	keep := data
	switch {
	case marker == jpegAPP1 && bytes.HasPrefix(data, []byte("Exif\x00\x00")):
		keep = s.orientationOnly(data[6:])
		if keep != nil {
			keep = append([]byte("Exif\x00\x00"), keep...)
		}
	case marker == jpegAPP0 && bytes.HasPrefix(data, []byte("JFIF\x00")):
		if len(data) > 14 { // a preview follows
			keep = bytes.Clone(data[:14])
			keep[12], keep[13] = 0, 0
		}
	case marker == jpegAPP2 && bytes.HasPrefix(data, []byte("ICC_PROFILE\x00")), marker == jpegAdob && bytes.HasPrefix(data, []byte("Adobe")):
	case marker >= jpegAPP0 && marker <= 0xef, marker == jpegCOM:
		keep = nil
	}
	s.stripped = s.stripped || !bytes.Equal(keep, data) || keep == nil
	return keep
}

// jpegScan copies what follows a start of scan, up to the next marker. ended: the picture ends in the middle of it.
func (s *stripper) jpegScan() (ended bool, err error) {
	s.pixels = true
	s.scans++
	for {
		part, err := s.in.ReadSlice(0xff)
		if errors.Is(err, bufio.ErrBufferFull) {
			_, _ = s.out.Write(part)
			continue
		}
		if errors.Is(err, io.EOF) {
			_, _ = s.out.Write(part)
			return true, nil
		}
		if err != nil {
			return false, err
		}
		next, err := s.in.Peek(1)
		switch {
		case err != nil: // the very end
			_, _ = s.out.Write(part)
			return true, nil
		case next[0] == 0 || next[0] >= 0xd0 && next[0] <= 0xd7: // a stuffed byte or a restart
			_, _ = s.out.Write(part)
			_, _ = s.out.Write(next)
			_, _ = s.in.Discard(1)
		default:
			_, _ = s.out.Write(part[:len(part)-1])
			s.marked = true
			return false, nil
		}
	}
}
