// SPDX-License-Identifier: Apache-2.0

// Package wire has the public names and shapes: the payloads of the routes, their replies, the events that clients are
// sent, and what each code is called at each door. docs/protocol.md is the contract; this package is its Go.
//
// Payloads are decoded and replies encoded by encoding/json/v2 rules: duplicate names and bad UTF-8 are refused, unknown
// names are ignored. Events are on the way of every delivery and are appended by hand.
package wire
