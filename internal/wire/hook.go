// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"time"

	"parley/internal/chat"
)

// The types of what a webhook that follows rooms is sent.
const (
	HookMessage = "room.message"       // data is a message
	HookEvent   = "room.event"         // data is another event of a log
	HookMissed  = "room.sync_required" // data is sync_required: these events are not sent any more
)

// AppendHookEvent appends the body of a webhook about an event, after the Standard Webhooks convention; data is what a device gets.
func AppendHookEvent(dst []byte, e *chat.Event, epoch int64, truncated bool) []byte {
	kind := HookEvent
	if e.Kind.IsMessage() {
		kind = HookMessage
	}
	dst = appendHook(dst, kind, e.At)
	if truncated {
		dst = AppendTruncated(dst, e, epoch)
	} else {
		dst = AppendEvent(dst, e, epoch, false)
	}
	return append(dst, '}')
}

// AppendHookMissed appends the body of a webhook that tells which events are not sent.
func AppendHookMissed(dst []byte, room chat.RoomID, first, last uint64, epoch int64, at chat.Time) []byte {
	return append(AppendSyncRequired(appendHook(dst, HookMissed, at), room, first, last, epoch), '}')
}

func appendHook(dst []byte, kind string, at chat.Time) []byte {
	o := object{append(dst, '{')}
	o.string("type", kind)
	o.string("timestamp", time.UnixMilli(int64(at)).UTC().Format(time.RFC3339Nano))
	o.key("data")
	return o.b
}
