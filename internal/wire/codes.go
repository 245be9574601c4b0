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

// Meaning says what a code means, in a few words.
func Meaning(code chat.Code) string {
	switch code {
	case chat.BadRequest:
		return "a field is malformed or missing; the message names it"
	case chat.Unauthenticated:
		return "no token, or one that is not valid"
	case chat.Forbidden:
		return "not for your role"
	case chat.NotMember:
		return "you are not in this room"
	case chat.Banned:
		return "you are banned"
	case chat.Muted:
		return "you may not write for now"
	case chat.NotFound:
		return "there is no such thing; also what a stranger hears about a private room"
	case chat.Conflict:
		return "it is otherwise already, or a client_msg_id was used for something else"
	case chat.RoomFull:
		return "the room has no place left"
	case chat.TooLarge:
		return "larger than the server takes"
	case chat.Rejected:
		return "a rule for texts refuses it"
	case chat.RateLimited:
		return "too many requests, or slow mode; retry_after says when to come back"
	case chat.Unavailable:
		return "nothing was done, try again"
	default:
		return "something went wrong on the server; its log tells what"
	}
}
