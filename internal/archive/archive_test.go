// SPDX-License-Identifier: Apache-2.0

package archive_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"parley/internal/archive"
	"parley/internal/chat"
)

// written is an archive of some records.
func written(t testing.TB, records ...archive.Record) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := archive.NewWriter(&b, archive.Header{Version: "1", Epoch: 7, At: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// readAll reads to the end and counts.
func readAll(in io.Reader) (n int, err error) {
	r, err := archive.NewReader(in)
	if err != nil {
		return 0, err
	}
	for {
		if _, err = r.Next(); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
		n++
	}
}

func room(first, last, count uint64) *archive.Room {
	return &archive.Room{ID: "r", Type: "public", FirstSeq: first, LastSeq: last, Count: count}
}

func event(seq uint64, kind chat.EventKind, at archive.Moment) *archive.Event {
	return &archive.Event{Room: "r", Seq: seq, Type: kind, At: at}
}

// A log has no hole, goes forward in time, and adds up.
func TestLogsAreChecked(t *testing.T) {
	t.Parallel()
	for what, c := range map[string]struct {
		records []archive.Record
		want    string // part of the error
	}{
		"whole":               {[]archive.Record{room(3, 4, 1), event(3, chat.Text, 1), event(4, chat.System, 1)}, ""},
		"empty":               {[]archive.Record{room(1, 0, 0)}, ""},
		"cut to the end":      {[]archive.Record{&archive.Room{ID: "r", FirstSeq: 5, LastSeq: 4, Cut: 2, Count: 2}}, ""},
		"a hole":              {[]archive.Record{room(1, 3, 2), event(1, chat.Text, 1), event(3, chat.Text, 1)}, "goes on with 3 instead of 2"},
		"too short":           {[]archive.Record{room(1, 2, 1), event(1, chat.Text, 1)}, "ends at 1 instead of 2"},
		"too long":            {[]archive.Record{room(1, 1, 2), event(1, chat.Text, 1), event(2, chat.Text, 1)}, "goes on with 2"},
		"back in time":        {[]archive.Record{room(1, 2, 2), event(1, chat.Text, 2), event(2, chat.Text, 1)}, "back in time"},
		"another count":       {[]archive.Record{room(1, 1, 2), event(1, chat.Text, 1)}, "has 1 messages instead of 2"},
		"an impossible room":  {[]archive.Record{room(5, 3, 0)}, "which cannot be"},
		"outside its room":    {[]archive.Record{event(1, chat.Text, 1)}, "outside its room"},
		"member of elsewhere": {[]archive.Record{room(1, 0, 0), &archive.Member{Room: "s"}}, "outside its room"},
		"forever":             {[]archive.Record{&archive.User{ID: "a", BannedUntil: archive.Moment(chat.Forever)}}, ""},
	} {
		_, err := readAll(bytes.NewReader(written(t, c.records...)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", what, err, c.want)
		}
	}
}

func FuzzReader(f *testing.F) {
	f.Add(written(f))
	f.Add(written(f, &archive.User{ID: "a", BannedUntil: archive.Moment(chat.Forever)}, room(1, 1, 1), event(1, chat.Text, 1), &archive.Bytes{Data: []byte("x")}))
	f.Add([]byte(`{"kind":"archive","format":1}` + "\n" + `{"kind":"end"}` + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		n, err := readAll(bytes.NewReader(in))
		if err == nil && bytes.Count(in, []byte("\n")) != n+2 {
			t.Errorf("%d records of %d lines", n, bytes.Count(in, []byte("\n")))
		}
	})
}
