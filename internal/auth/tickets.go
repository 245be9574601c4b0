// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"parley/internal/chat"
)

// Ticket is the permission to upload one file.
type Ticket struct {
	File    chat.ID
	Owner   chat.UserID
	Size    int64 // bytes, no more and no less
	Expires time.Time
}

// Tickets signs and verifies permissions to upload. Whoever has the text of a ticket can use it; it says nothing else of its owner.
type Tickets struct {
	key []byte
	now func() time.Time
}

// NewTickets returns the Tickets of a server's secret.
func NewTickets(secret Secret, now func() time.Time) *Tickets {
	return &Tickets{key: secret.Key("upload"), now: now}
}

// ticketHead is the length of a ticket's numbers: file, size and end. The owner's name and the signature follow.
const ticketHead = 16 + 8 + 8

// Sign makes the text of a ticket, of characters that need no escaping in a URL.
func (t *Tickets) Sign(k Ticket) string {
	b := append([]byte(nil), k.File[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(k.Size))
	b = binary.BigEndian.AppendUint64(b, uint64(k.Expires.Unix()))
	b = append(b, k.Owner...)
	return base64.RawURLEncoding.EncodeToString(append(b, t.mac(b)...))
}

// Verify reads the text of a ticket.
func (t *Tickets) Verify(text string) (Ticket, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < ticketHead+sha256.Size {
		return Ticket{}, chat.Refuse(chat.NotFound, "this is no upload URL")
	}
	b, mac := b[:len(b)-sha256.Size], b[len(b)-sha256.Size:]
	if !hmac.Equal(mac, t.mac(b)) {
		return Ticket{}, chat.Refuse(chat.NotFound, "this is no upload URL")
	}
	k := Ticket{File: chat.ID(b[:16]), Size: int64(binary.BigEndian.Uint64(b[16:])), Expires: time.Unix(int64(binary.BigEndian.Uint64(b[24:])), 0),
		Owner: chat.UserID(b[ticketHead:])}
	if !t.now().Before(k.Expires) {
		return Ticket{}, chat.Refuse(chat.NotFound, "this upload URL has expired; ask for a new one with file/upload")
	}
	return k, nil
}

func (t *Tickets) mac(b []byte) []byte {
	h := hmac.New(sha256.New, t.key)
	h.Write(b)
	return h.Sum(nil)
}
