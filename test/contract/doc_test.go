// SPDX-License-Identifier: Apache-2.0

// Package contract tests what the protocol promises to clients, in the order of the document, through MQTT alone.
package contract

import "parley/internal/mqtt/packet"

type (
	connect    = packet.Connect
	publish    = packet.Publish
	properties = packet.Properties
)
