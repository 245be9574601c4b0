// SPDX-License-Identifier: Apache-2.0

// Package mqtt is the MQTT door: it joins the protocol (internal/mqtt) to the route table (internal/api) and to the feed.
//
// A PUBLISH becomes a request of the connection's user; its outcome becomes the acknowledgement and a reply. A SUBSCRIBE
// makes the session a device that the feed offers events to. What an outcome was is counted and, for internal errors,
// logged here and nowhere else.
package mqtt
