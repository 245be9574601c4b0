// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
)

// Timestamp is a moment as clients see it: Unix seconds, a JSON number with millisecond fraction. Forever is null.
type Timestamp chat.Time

// AppendTimestamp appends the number.
func AppendTimestamp(dst []byte, t chat.Time) []byte {
	if t == chat.Forever {
		return append(dst, "null"...)
	}
	if t < 0 {
		dst, t = append(dst, '-'), -t
	}
	dst = strconv.AppendInt(dst, int64(t)/1000, 10)
	if ms := int64(t) % 1000; ms != 0 {
		dst = append(dst, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	}
	return dst
}

// MarshalJSONTo implements json.MarshalerTo.
func (t Timestamp) MarshalJSONTo(enc *jsontext.Encoder) error {
	return enc.WriteValue(AppendTimestamp(nil, chat.Time(t)))
}

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *Timestamp) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	v, err := dec.ReadValue()
	if err != nil {
		return err
	}
	if v.Kind() != '0' {
		return ErrNotANumber
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || math.Abs(f) > 1e14 {
		return ErrNotANumber
	}
	*t = Timestamp(math.Round(f * 1000))
	return nil
}
