// SPDX-License-Identifier: Apache-2.0

// Package api is the route table of the chat, its handlers and its middleware. It serves every door alike: a door makes a
// topic.Request of what came in, dispatches it, and encodes the result.
//
// routes.go is the table. Each handler turns a payload into one call of chat.Service and the outcome into a reply. The
// middleware of the chat group are gates, in this order: who is it (authenticated), is it their turn (limited), can it be
// read (decoded), may it be said (clean).
package api
