// SPDX-License-Identifier: Apache-2.0

package picture

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
)

// pngKept are the chunks of PNG that may be left out and say how to show the picture, those of animations among them.
const pngKept = "tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs hIST sPLT cICP mDCV mDCv cLLI cLLi acTL fcTL fdAT "

func (s *stripper) png() error {
	var head [8]byte
	if err := s.read(head[:]); err != nil || string(head[:]) != "\x89PNG\r\n\x1a\n" {
		return ErrMalformed
	}
	_, _ = s.out.Write(head[:])
	for {
		switch err := s.read(head[:]); { // length and type
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil // without an end, as far as it goes
		case err != nil:
			return err
		}
		length, kind := int64(binary.BigEndian.Uint32(head[:])), string(head[4:])
		if length > math.MaxInt32 {
			return ErrMalformed
		}
		for i := range 4 {
			if c := kind[i] | 0x20; c < 'a' || c > 'z' {
				return ErrMalformed
			}
		}
		switch {
		case kind == "eXIf" && length <= maxExif:
			if err := s.pngExif(length); err != nil {
				return err
			}
		case kind[0]&0x20 == 0 || contains4(pngKept, kind): // a critical one, or one of those
			s.pixels = s.pixels || kind == "IDAT"
			_, _ = s.out.Write(head[:])
			if ended, err := s.keep(length + 4); ended || err != nil || kind == "IEND" {
				return err
			}
		default:
			if err := s.drop(length + 4); err != nil {
				return err
			}
		}
	}
}

// contains4 tells whether a list of words of four letters has one.
func contains4(list, word string) bool {
	for ; len(list) >= 5; list = list[5:] {
		if list[:4] == word {
			return true
		}
	}
	return false
}

func (s *stripper) pngExif(length int64) error {
	data := make([]byte, length+4) // with the checksum
	if err := s.read(data); err != nil {
		return err
	}
	kept := s.orientationOnly(data[:length])
	s.stripped = s.stripped || string(kept) != string(data[:length])
	if kept == nil {
		return nil
	}
	chunk := append(binary.BigEndian.AppendUint32(nil, uint32(len(kept))), "eXIf"...)
	chunk = append(chunk, kept...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	_, err := s.out.Write(chunk)
	return err
}

// The bits of the head of an extended WebP that say that metadata is there, or more than one picture.
const (
	webpExif      = 0x08
	webpXMP       = 0x04
	webpAnimation = 0x02
)

// webp copies a WebP. The size in its head is that of the pass before.
func (s *stripper) webp() error {
	var head [12]byte
	if err := s.read(head[:]); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WEBP" {
		return ErrMalformed
	}
	said := int64(binary.LittleEndian.Uint32(head[4:]))
	left := min(said, s.length-8) - 4 // a file may break off
	if s.size > 0 {
		s.stripped = s.stripped || said+8 != int64(s.size)
		binary.LittleEndian.PutUint32(head[4:], uint32(s.size-8)) //nolint:gosec // not longer than it was
	}
	_, _ = s.out.Write(head[:])
	for left >= 8 {
		if err := s.read(head[:8]); err != nil {
			return err
		}
		kind, length := string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:]))
		padded := length + length&1
		left -= 8 + padded
		if left < 0 && (left != -1 || length&1 != 1) { // some leave the last padding out
			return ErrMalformed
		}
		if left < 0 {
			padded = length
		}
		switch kind {
		case "VP8X":
			if length < 10 {
				return ErrMalformed
			}
			_, _ = s.out.Write(head[:8])
			flags, err := s.in.ReadByte()
			if err != nil {
				return err
			}
			_ = s.out.WriteByte(flags &^ (webpExif | webpXMP))
			s.stripped = s.stripped || flags&(webpExif|webpXMP) != 0
			if ended, err := s.keep(padded - 1); ended || err != nil {
				return orMalformed(err)
			}
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP":
			_, _ = s.out.Write(head[:8])
			if ended, err := s.keep(padded); ended || err != nil {
				return orMalformed(err)
			}
			s.pixels = s.pixels || kind == "VP8 " || kind == "VP8L" || kind == "ANMF"
		default: // EXIF, XMP, and what nobody knows; browsers do not turn a WebP by its EXIF
			if err := s.drop(padded); err != nil {
				return err
			}
		}
	}
	return nil
}

// orMalformed is err, or that the picture ended too early.
func orMalformed(err error) error {
	if err == nil {
		return ErrMalformed
	}
	return err
}

// gifApplications are the extensions that say how to show a GIF: how often it repeats, and its colour profile.
var gifApplications = [...]string{"NETSCAPE2.0", "ANIMEXTS1.0", "ICCRGBG1012"}

func (s *stripper) gif() error {
	var head [13]byte
	if err := s.read(head[:]); err != nil || string(head[:4]) != "GIF8" {
		return ErrMalformed
	}
	_, _ = s.out.Write(head[:])
	if err := s.gifTable(head[10]); err != nil {
		return err
	}
	for {
		kind, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		switch kind {
		case 0x3b: // the end
			return s.out.WriteByte(kind)
		case 0x2c: // a picture
			_ = s.out.WriteByte(kind)
			if err := s.read(head[:9]); err != nil {
				return err
			}
			_, _ = s.out.Write(head[:9])
			if err := s.gifTable(head[8]); err != nil {
				return err
			}
			width, err := s.in.ReadByte()
			if err != nil {
				return err
			}
			_ = s.out.WriteByte(width)
			s.pixels = true
			if err := s.gifBlocks(true); err != nil {
				return err
			}
		case 0x21: // an extension
			if err := s.gifExtension(); err != nil {
				return err
			}
		default:
			return ErrMalformed
		}
	}
}

// gifTable copies a table of colours where flags say that there is one.
func (s *stripper) gifTable(flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	ended, err := s.keep(3 << (flags&7 + 1))
	if ended {
		return ErrMalformed
	}
	return err
}

func (s *stripper) gifExtension() error {
	label, err := s.in.ReadByte()
	if err != nil {
		return err
	}
	keep := label == 0xf9 || label == 0x01 // how to show the next picture, and text that is shown
	if label == 0xff {
		first, err := s.in.Peek(12)
		if err != nil {
			return err
		}
		for _, name := range gifApplications {
			keep = keep || first[0] == 11 && string(first[1:]) == name
		}
	}
	if keep {
		_, _ = s.out.Write([]byte{0x21, label})
	} else {
		s.stripped = true
	}
	return s.gifBlocks(keep)
}

// gifBlocks copies blocks, or passes over them, up to the empty one that ends them.
func (s *stripper) gifBlocks(keep bool) error {
	for {
		size, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		if keep {
			_ = s.out.WriteByte(size)
			if _, err := io.CopyN(s.out, s.in, int64(size)); err != nil {
				return err
			}
		} else if _, err := s.in.Discard(int(size)); err != nil {
			return err
		}
		if size == 0 {
			return nil
		}
	}
}
