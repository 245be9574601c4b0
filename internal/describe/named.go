// SPDX-License-Identifier: Apache-2.0

package describe

import (
	"iter"
	"reflect"

	"github.com/go-json-experiment/json/jsontext"

	"parley/internal/chat"
	"parley/internal/wire"
)

type userID = chat.UserID

// namedTypes are the types that mean the same wherever they stand.
func namedTypes() map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[chat.RoomID]():       "RoomID",
		reflect.TypeFor[chat.UserID]():       "UserID",
		reflect.TypeFor[wire.Timestamp]():    "Timestamp",
		reflect.TypeFor[chat.Visibility]():   "Visibility",
		reflect.TypeFor[chat.ReportStatus](): "ReportStatus",
		reflect.TypeFor[chat.ServerRole]():   "ServerRole",
		reflect.TypeFor[chat.Status]():       "Status",
		reflect.TypeFor[chat.Code]():         "Code",
		reflect.TypeFor[wire.Event]():        "Message",
		reflect.TypeFor[wire.Hit]():          "FoundMessage",
	}
}

// namedSchemas describes them, and what is a number or text in Go and has a name in the protocol. Message and FoundMessage are shapes.
func namedSchemas() iter.Seq2[string, *Schema] {
	text := func(doc, example string) *Schema {
		return &Schema{Type: "string", Description: doc, Examples: []jsontext.Value{jsontext.Value(`"` + example + `"`)}}
	}
	number := func(kind, doc, example string) *Schema {
		return &Schema{Type: kind, Description: doc, Examples: []jsontext.Value{jsontext.Value(example)}}
	}
	one := func(doc string, values ...string) *Schema {
		return &Schema{Type: "string", Description: doc, Enum: values}
	}
	return func(yield func(string, *Schema) bool) {
		room := text("A room: the name that its creator chose, or a UUID; private:{a}:{b} for a private conversation, announcements, user:{user_id} for a user's own log", "general")
		length := len("private::") + 2*64
		room.MaxLength = &length
		user := text("An account, and the name to sign in with", "bob")
		user.Pattern = "^[a-z0-9][a-z0-9._-]{0,63}$"
		message := text("A message", "01a203bb-410a-7c01-bcaa-554b9de4ad55")
		file := text("A file", "01a203bc-1e02-7d19-9c3a-6b1f5e0a7c88")
		message.Format, file.Format = "uuid", "uuid"
		seq := number("integer", "A place in a room's log, from 1, dense", "9")
		seq.Minimum = new(float64)
		codes := &Schema{Type: "string", Description: "Why something was refused, for programs"}
		for _, c := range chat.Codes() {
			codes.Enum = append(codes.Enum, string(c))
		}
		codes.Examples = []jsontext.Value{jsontext.Value(`"` + chat.Muted + `"`)}
		for name, schema := range map[string]*Schema{
			"RoomID": room, "UserID": user, "MessageID": message, "FileID": file, "Seq": seq, "Code": codes,
			"Epoch":        number("integer", "Of the server's data; another one after a rewind, such as a restored backup", "1795358930"),
			"Timestamp":    number("number", "Unix seconds with a fraction of milliseconds, for display; order is seq", "1795358934.183"),
			"Visibility":   one("From where on members see a room's log: all of it, or from their latest joining", string(chat.VisibleShared), string(chat.VisibleJoined)),
			"ReportStatus": one("What became of a report", string(chat.ReportOpen), string(chat.ReportResolved), string(chat.ReportDismissed)),
			"ServerRole":   one("What an account may do on the whole server", string(chat.RoleUser), string(chat.RoleAdministrator)),
			"Status":       one("Whether somebody is there", string(chat.Online), string(chat.Away), string(chat.Offline)),
			"Event":        {Description: "An event of a log"}, // its kinds come with the shapes
		} {
			if !yield(name, schema) {
				return
			}
		}
	}
}

// common is what a field of a certain name is wherever it stands.
type common struct{ is, doc string }

// commonFields are the names that mean the same in every payload, reply and event.
func commonFields() map[string]common {
	return map[string]common{
		"message_id": {is: "MessageID"},
		"file_id":    {is: "FileID"},
		"seq":        {is: "Seq"},
		"epoch":      {is: "Epoch"},
		"type":       {doc: "what happened"},
		"has_more":   {doc: "there is more where this page ends"},
	}
}
