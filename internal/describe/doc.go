// SPDX-License-Identifier: Apache-2.0

// Package describe tells what can be asked of a server and what it sends, from the one route table: as OpenAPI 3.1 for
// HTTP, as AsyncAPI 3.0 for MQTT, and as a page for people. Nothing is written down twice:
//
//   - the table itself has what a route does, who may ask it, the status of its replies and the codes of its refusals;
//   - the types of payloads, replies and events have their fields, each with tags beside it;
//   - what HTTP alone offers is a list of [Endpoint] beside its handlers.
//
// # Tags of a field
//
//	doc      what it means; needed where neither its type nor its name says so (see named.go)
//	enum     the values it can have, separated by spaces
//	min, max bounds: of a number, of the length of a text in characters
//	default  what counts where it is absent
//	example  a value as JSON, or a text as it stands; an optional field without one is left out of examples
//	is       the named type that it really is: MessageID, FileID, Seq, Event
//	null     true: it can be null
//
// A field is required unless its JSON tag has omitempty or omitzero. A pointer that is always there can be null.
package describe
