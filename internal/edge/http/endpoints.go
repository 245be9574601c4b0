// SPDX-License-Identifier: Apache-2.0

package http

import (
	"parley/internal/api"
	"parley/internal/chat"
	"parley/internal/describe"
	"parley/internal/wire"
)

// endpoints lists what HTTP offers beside the route table, for the descriptions. A handler that is added beside the routes gets
// its line here; a test walks both.
func endpoints(cfg Config) []describe.Endpoint {
	list := []describe.Endpoint{
		{Method: "GET", Path: "auth", Doc: "What a client needs to know before anybody signs in", Who: "everybody", Out: wire.BeforeSignIn{}, Statuses: "success", Open: true},
		{Method: "POST", Path: "auth/register", Doc: "Make an account and sign in", Who: "everybody, as far as the operator's policy lets them",
			In: wire.Register{}, Out: wire.SignedIn{}, Statuses: "registered", Codes: []chat.Code{chat.Forbidden, chat.Conflict}, Open: true},
		{Method: "POST", Path: "auth/login", Doc: "Sign in with a password", Who: "everybody who has one",
			In: wire.Login{}, Out: wire.SignedIn{}, Statuses: "success", Codes: []chat.Code{chat.Unauthenticated, chat.Banned}, Open: true},
		{Method: "POST", Path: "auth/setup", Doc: "Make the first administrator and sign in", Who: "whoever has the link that the server printed, once, while there is none",
			In: wire.SetUp{}, Out: wire.SignedIn{}, Statuses: "registered", Codes: []chat.Code{chat.Forbidden, chat.Conflict}, Open: true},
		{Method: "POST", Path: "auth/logout", Doc: "Revoke the token that this comes with", Who: "everybody who is signed in",
			Out: wire.SignedOut{}, Statuses: "signed_out"},
	}
	list = append(list, describe.Endpoint{Method: "POST", Path: "hooks/{token}/{room_id}", Doc: "Send a message to a room, as Slack's incoming webhooks take it; the answer is ok",
		Who: "whoever has a token that is narrowed and may send", In: wire.Hook{}, OutType: "text/plain", Open: true,
		Codes: []chat.Code{chat.Unauthenticated, chat.Forbidden, chat.NotMember, chat.Banned, chat.Muted, chat.NotFound, chat.Conflict, chat.TooLarge, chat.Rejected},
		Params: []describe.Param{{In: "path", Name: "token", Doc: "A token with the scope send", Example: "TOKEN"},
			{In: "path", Name: "room_id", Doc: "The room", Example: "general"}}})
	if cfg.Events != nil {
		list = append(list, describe.Endpoint{Method: "GET", Path: "events", Doc: "The stream of what a device gets on its message topic, as Server-Sent Events",
			Who: "everybody who is signed in, a browser by its cookie", OutType: "text/event-stream", Codes: []chat.Code{chat.Unauthenticated, chat.Forbidden, chat.Banned},
			Params: []describe.Param{
				{In: "query", Name: "rooms", Doc: "Only these rooms, separated by commas", Example: "general,cellar"},
				{In: "query", Name: "last_event_id", Doc: "As the header Last-Event-ID, for clients that cannot set it", Example: "iI6z4ZIzBAk"},
				{In: "header", Name: "Last-Event-ID", Doc: "The id of the last event seen: the stream goes on behind it", Example: "iI6z4ZIzBAk"},
			}})
	}
	if cfg.Files != nil {
		list = append(list, fileEndpoints()...)
	}
	return list
}

func fileEndpoints() []describe.Endpoint {
	id := describe.Param{In: "path", Name: "file_id", Doc: "The file", Example: "01a203bc-1e02-7d19-9c3a-6b1f5e0a7c88"}
	ticket := describe.Param{In: "path", Name: "ticket", Doc: "What upload_url of file/upload ends with: a permission for this one file", Example: "TICKET"}
	tus := describe.Param{In: "header", Name: "Tus-Resumable", Doc: "The version of the protocol for resumable uploads", Example: tusVersion, Required: true}
	offset := describe.Param{In: "header", Name: "Upload-Offset", Doc: "Where the bytes begin: as many as are there", Example: "0", Required: true}
	version := describe.Refusal{Status: 412, Code: chat.BadRequest, Doc: "another Tus-Resumable; the answer has Tus-Version"}
	full := describe.Refusal{Status: 507, Code: chat.Unavailable, Doc: "no space is left for files"}
	read := []describe.Refusal{{Status: 412, Code: chat.Conflict, Doc: "If-Match: the file is another one, see ETag"},
		{Status: 416, Code: chat.BadRequest, Doc: "Range: the file has no such part, see Content-Range"}}
	const bytes = "application/octet-stream"
	path := api.UploadPath[len("/api/v1/"):] + "{ticket}"
	return []describe.Endpoint{
		{Method: "PUT", Path: path, Doc: "Upload a file, whole", Who: "whoever got the URL from file/upload", InType: bytes, Out: wire.Upload{}, Statuses: "uploaded",
			Codes: []chat.Code{chat.NotFound, chat.Conflict, chat.TooLarge}, Refusals: []describe.Refusal{full}, Open: true, Params: []describe.Param{ticket}},
		{Method: "HEAD", Path: path, Doc: "How many bytes are there, in the header Upload-Offset (tus 1.0)", Who: "whoever got the URL from file/upload",
			Codes: []chat.Code{chat.NotFound}, Refusals: []describe.Refusal{version}, Open: true, Params: []describe.Param{ticket, tus}},
		{Method: "PATCH", Path: path, Doc: "Go on with an upload (tus 1.0)", Who: "whoever got the URL from file/upload", InType: "application/offset+octet-stream", Status: 204,
			Codes: []chat.Code{chat.NotFound, chat.Conflict, chat.TooLarge}, Open: true, Params: []describe.Param{ticket, tus, offset},
			Refusals: []describe.Refusal{version, {Status: 415, Code: chat.BadRequest, Doc: "another Content-Type"}, full}},
		{Method: "DELETE", Path: path, Doc: "Give up an upload, or a file that is in no message (tus 1.0)", Who: "whoever got the URL from file/upload", Status: 204,
			Codes: []chat.Code{chat.NotFound, chat.Conflict}, Refusals: []describe.Refusal{version}, Open: true, Params: []describe.Param{ticket, tus}},
		{Method: "GET", Path: "files/{file_id}", Doc: "The bytes of a file", Who: "who uploaded it, and members who can see a message that shares it", OutType: bytes,
			Codes: []chat.Code{chat.NotFound}, Refusals: read, Params: []describe.Param{id}},
		{Method: "GET", Path: "files/{file_id}/thumbnail", Doc: "A small JPEG of a picture", Who: "who may have the picture", OutType: "image/jpeg",
			Codes: []chat.Code{chat.NotFound}, Refusals: read, Params: []describe.Param{id}},
	}
}
