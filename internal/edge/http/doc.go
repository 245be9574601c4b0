// SPDX-License-Identifier: Apache-2.0

// Package http is the HTTP door: the routes of the chat under /api/v1/, MQTT over WebSocket under /mqtt, and what the
// operator looks at (/healthz, /readyz, /metrics).
//
// A route chat/message/{room_id} is POST /api/v1/message/{room_id}, with the same payload and the same reply; a route that
// only reads answers GET too, with the payload's flat fields as query parameters. A refusal has the status of its code. The
// token is the bearer's. A browser's cookie is honoured where something is only shown, files and the stream of events, so no
// other site can act in somebody's name.
//
// Everything else is the web client, or a plain page where it was not built.
package http
