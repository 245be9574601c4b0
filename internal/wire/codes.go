// SPDX-License-Identifier: Apache-2.0

package wire

import "parley/internal/chat"

// Answer is what a code is called at the doors.
type Answer struct {
	HTTP int  // status
	MQTT byte // reason code of PUBACK and PUBREC; 0 where the packet is not acknowledged
}

// AnswerTo tells how a refusal is answered. Unknown codes are internal ones.
func AnswerTo(code chat.Code) Answer {
	switch code {
	case chat.BadRequest:
		return Answer{400, 0x99}
	case chat.Unauthenticated:
		return Answer{401, 0x87}
	case chat.Forbidden, chat.NotMember, chat.Banned, chat.Muted:
		return Answer{403, 0x87}
	case chat.NotFound:
		return Answer{404, 0x90}
	case chat.Conflict, chat.RoomFull:
		return Answer{409, 0x83}
	case chat.TooLarge:
		return Answer{413, 0x97}
	case chat.Rejected:
		return Answer{422, 0x83}
	case chat.RateLimited:
		return Answer{429, 0x97}
	case chat.Unavailable:
		return Answer{503, 0}
	default:
		return Answer{500, 0x80}
	}
}
