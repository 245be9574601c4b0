// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"testing"
	"time"

	"parley/internal/chat"
)

func TestTickets(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	tickets := NewTickets(Secret{1}, func() time.Time { return now })
	k := Ticket{File: chat.ID{1, 15: 2}, Owner: "ann", Size: 1 << 40, Expires: now.Add(time.Hour)}
	text := tickets.Sign(k)
	got, err := tickets.Verify(text)
	if err != nil || got.File != k.File || got.Owner != k.Owner || got.Size != k.Size || !got.Expires.Equal(k.Expires) {
		t.Fatalf("%+v, %v", got, err)
	}
	for i := range text {
		c := byte('A')
		if text[i] == c {
			c = 'B'
		}
		if _, err := tickets.Verify(text[:i] + string(c) + text[i+1:]); chat.CodeOf(err) != chat.NotFound {
			t.Errorf("altered at %d: %v", i, err)
		}
		if _, err := tickets.Verify(text[:i]); chat.CodeOf(err) != chat.NotFound {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
	if _, err := NewTickets(Secret{2}, tickets.now).Verify(text); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("of another server: %v", err)
	}
	now = now.Add(time.Hour)
	if _, err := tickets.Verify(text); chat.CodeOf(err) != chat.NotFound {
		t.Errorf("expired: %v", err)
	}
}
