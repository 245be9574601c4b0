// SPDX-License-Identifier: Apache-2.0

package archive

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"maps"

	"github.com/go-json-experiment/json"

	"parley/internal/chat"
)

// MaxLine bounds a line, in bytes.
const MaxLine = 1 << 20

// Reader reads an archive and checks it: that it begins and ends as it has to, that each log is dense and adds up, that all the
// lines are there as they were written.
type Reader struct {
	in     *bufio.Reader
	digest hash.Hash
	counts map[string]int
	line   int
	header *Header
	ended  bool

	room *roomCheck
}

// roomCheck is how far the log of a room has come.
type roomCheck struct {
	room  *Room
	next  uint64
	count uint64
	at    Moment
}

// NewReader reads the first line.
func NewReader(in io.Reader) (*Reader, error) {
	r := &Reader{in: bufio.NewReaderSize(in, MaxLine), digest: sha256.New(), counts: map[string]int{}}
	first, err := r.read()
	if err != nil {
		return nil, err
	}
	h, ok := first.(*Header)
	switch {
	case !ok:
		return nil, r.fault("the first line is no header: this is not what parley export writes")
	case h.Format != Format:
		return nil, r.fault("it is of format %d; this version reads format %d", h.Format, Format)
	}
	r.header = h
	return r, nil
}

// Header is the first line.
func (r *Reader) Header() *Header { return r.header }

// Count is how many records of a kind were read.
func (r *Reader) Count(kind string) int { return r.counts[kind] }

func (r *Reader) fault(format string, args ...any) error {
	return fmt.Errorf("line %d: "+format, append([]any{r.line}, args...)...)
}

// Next reads a record, after the last one io.EOF. Every other error ends the reading: what was read is not to be used.
func (r *Reader) Next() (Record, error) {
	if r.ended {
		return nil, io.EOF
	}
	record, err := r.read()
	if err != nil {
		return nil, err
	}
	if err := r.check(record); err != nil {
		return nil, err
	}
	end, ok := record.(*End)
	if !ok {
		return record, nil
	}
	r.ended = true
	switch _, err := r.in.ReadByte(); {
	case err == nil:
		return nil, r.fault("something follows the end")
	case !errors.Is(err, io.EOF):
		return nil, err
	case !maps.Equal(end.Counts, r.counts):
		return nil, r.fault("the counts at the end are %v, and %v were read: lines are missing", end.Counts, r.counts)
	case end.SHA256 != hex.EncodeToString(r.digest.Sum(nil)):
		return nil, r.fault("the digest at the end is another one: it was changed after it was written")
	}
	return nil, io.EOF
}

// read reads a line.
func (r *Reader) read() (Record, error) {
	line, err := r.in.ReadSlice('\n')
	r.line++
	switch {
	case errors.Is(err, io.EOF):
		return nil, r.fault("it ends in the middle: the last line, of kind end, is missing")
	case errors.Is(err, bufio.ErrBufferFull):
		return nil, r.fault("it is longer than %d bytes", MaxLine)
	case err != nil:
		return nil, err
	}
	kind := kindOf(line)
	record := fresh(kind)
	if record == nil {
		return nil, r.fault("its kind %q is not one of format %d", kind, Format)
	}
	if err := json.Unmarshal(line, record, json.RejectUnknownMembers(true)); err != nil {
		reason := "is malformed"
		if e, ok := errors.AsType[*json.SemanticError](err); ok && e.JSONPointer != "" {
			reason = fmt.Sprintf("%s is not what it has to be", e.JSONPointer.LastToken()) // its value may be a secret
		}
		return nil, r.fault("the %s %s", kind, reason)
	}
	if kind != "end" {
		r.counts[kind]++
		r.digest.Write(line)
	}
	return record, nil
}

// kindOf finds the kind of a line: it is the first member, as it is written.
func kindOf(line []byte) string {
	rest, ok := bytes.CutPrefix(line, []byte(`{"kind":"`))
	if !ok {
		return ""
	}
	kind, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(kind[:min(len(kind), 20)])
}

// check holds a record against those before it.
func (r *Reader) check(record Record) error {
	var of chat.RoomID
	switch v := record.(type) {
	case *Header:
		return r.fault("a second header")
	case *Member:
		of = v.Room
	case *Ban:
		of = v.Room
	case *Version:
		of = v.Room
	case *Reaction:
		of = v.Room
	case *Pin:
		of = v.Room
	case *Event:
		if r.room == nil || r.room.room.ID != v.Room {
			return r.fault("an event of %q outside its room", v.Room)
		}
		return r.checkEvent(v)
	default:
		if err := r.endRoom(); err != nil {
			return err
		}
		if room, ok := record.(*Room); ok {
			return r.beginRoom(room)
		}
		return nil
	}
	if r.room == nil || r.room.room.ID != of {
		_, kind := record.named()
		return r.fault("a %s of %q outside its room", kind, of)
	}
	return nil
}

func (r *Reader) beginRoom(room *Room) error {
	if room.FirstSeq == 0 || room.FirstSeq > room.LastSeq+1 || room.Cut > room.Count {
		return r.fault("the room %q has a log from %d to %d and %d of %d messages cut, which cannot be", room.ID, room.FirstSeq, room.LastSeq, room.Cut, room.Count)
	}
	r.room = &roomCheck{room: room, next: room.FirstSeq, count: room.Cut}
	return nil
}

func (r *Reader) checkEvent(e *Event) error {
	c := r.room
	switch {
	case e.Seq != c.next || e.Seq > c.room.LastSeq:
		return r.fault("the log of %q goes on with %d instead of %d", e.Room, e.Seq, c.next)
	case e.At < c.at:
		return r.fault("the log of %q goes back in time", e.Room)
	}
	c.next, c.at = e.Seq+1, e.At
	if e.Type.Counts() {
		c.count++
	}
	return nil
}

// endRoom checks that the log of the room before is whole.
func (r *Reader) endRoom() error {
	c := r.room
	r.room = nil
	switch {
	case c == nil || r.header.User != "":
		return nil
	case c.next != c.room.LastSeq+1:
		return r.fault("the log of %q ends at %d instead of %d", c.room.ID, c.next-1, c.room.LastSeq)
	case c.count != c.room.Count:
		return r.fault("the log of %q has %d messages instead of %d", c.room.ID, c.count, c.room.Count)
	}
	return nil
}
