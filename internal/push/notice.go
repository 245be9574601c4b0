// SPDX-License-Identifier: Apache-2.0

package push

import (
	"crypto/sha256"
	"encoding/base64"
	"unicode/utf8"

	"parley/internal/chat"
	"parley/internal/wire"
)

// Texts says into which pushes the texts of messages go.
type Texts string

// The choices.
const (
	TextsAll       Texts = "all"       // webhooks, too
	TextsEncrypted Texts = "encrypted" // what is encrypted for the device alone: Web Push
	TextsNone      Texts = "none"
)

const (
	maxPayload = 3 << 10 // bytes; a Web Push message holds 3993
	maxContent = 1000    // bytes of a message's text
)

// in tells whether the texts of messages go to a kind of subscription.
func (t Texts) in(kind chat.PushKind) bool {
	switch kind {
	case chat.WebPush:
		return t != TextsNone
	case chat.Webhook:
		return t == TextsAll
	}
	return false
}

// notification is what is sent of a notice.
func (t Texts) notification(n *chat.Notice) *wire.Notification {
	out := &wire.Notification{Type: wire.PushClose, Tag: string(n.Room.ID), RoomID: n.Room.ID, Seq: n.Seq, UserID: n.User}
	m := n.Message
	if m == nil {
		return out
	}
	at := wire.Timestamp(m.At)
	out.Type, out.MessageID, out.Why, out.MessageType, out.Timestamp = wire.PushMessage, m.MessageID.String(), n.Why, string(m.Kind), &at
	if !m.ThreadID.IsZero() {
		out.ThreadID = m.ThreadID.String()
	}
	if n.Subscription.Kind == chat.UnifiedPush {
		return out // whoever carries it can read it
	}
	out.SenderID, out.SenderName = m.Actor, m.ActorName
	if n.Room.Kind != chat.DirectRoom {
		out.RoomName = n.Room.Name
	}
	if t.in(n.Subscription.Kind) {
		out.Content = cut(m.Content, maxContent)
		if m.Details != nil && m.Details.File != nil {
			out.FileName = m.Details.File.Name
		}
	}
	return out
}

// body is the bytes to send: at most maxPayload of them. What makes them longer in JSON shortens the text.
func (t Texts) body(n *chat.Notice, now chat.Time) ([]byte, error) {
	out := t.notification(n)
	for {
		body, err := out.JSON()
		if n.Subscription.Kind == chat.Webhook {
			at := now
			if n.Message != nil {
				at = n.Message.At
			}
			body, err = wire.WebhookOf(out, at).JSON()
		}
		if err != nil || len(body) <= maxPayload || out.Content == "" {
			return body, err
		}
		out.Content = cut(out.Content, len(out.Content)/2)
	}
}

// cut shortens a text to at most so many bytes and an ellipsis.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	if most == 0 {
		return ""
	}
	return text[:most] + "…"
}

// topic names what a later push of the same room takes the place of, while it waits at the push service: 32 characters of
// base64url (RFC 8030, section 5.4), of which nobody learns the room.
func topic(n *chat.Notice) string {
	sum := sha256.Sum256(append(n.Subscription.ID[:], n.Room.ID...))
	return base64.RawURLEncoding.EncodeToString(sum[:24])
}
