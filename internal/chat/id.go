// SPDX-License-Identifier: Apache-2.0

package chat

import (
	"encoding/hex"
	"strings"
	"time"
)

// ID is a UUID (version 7 where the server makes it): of a message or a file.
type ID [16]byte

// IsZero tells whether id is absent.
func (id ID) IsZero() bool { return id == ID{} }

// String is the canonical form, 36 characters.
func (id ID) String() string {
	var b [36]byte
	return string(id.Append(b[:0]))
}

// Append appends the canonical form.
func (id ID) Append(dst []byte) []byte {
	const digits = "0123456789abcdef"
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, digits[c>>4], digits[c&15])
	}
	return dst
}

// ParseID reads the canonical form, in either case.
func ParseID(s string) (ID, bool) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, false
	}
	n, err := hex.Decode(id[:], []byte(strings.ReplaceAll(s, "-", "")))
	return id, err == nil && n == len(id)
}

// Time is a moment in milliseconds since 1970 UTC, as logs keep it. It is for display; order is seq. 0 means never.
type Time int64

// Forever is the end of a ban or mute without one.
const Forever Time = 1<<63 - 1

// TimeOf converts t.
func TimeOf(t time.Time) Time { return Time(t.UnixMilli()) }

// Add moves t by d.
func (t Time) Add(d time.Duration) Time { return t + Time(d.Milliseconds()) }

// Until tells how long it is from now to t.
func (t Time) Until(now Time) time.Duration { return time.Duration(t-now) * time.Millisecond }

// Sub is the time from earlier to t.
func (t Time) Sub(earlier Time) time.Duration { return time.Duration(t-earlier) * time.Millisecond }
