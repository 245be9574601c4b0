// SPDX-License-Identifier: Apache-2.0

// Package contract tests what the protocol promises to clients, in the order of the document, through MQTT alone.
package contract

import (
	"context"
	"fmt"

	"parley/internal/app"
	"parley/internal/chat"
	"parley/internal/mqtt/packet"
)

type (
	connect    = packet.Connect
	publish    = packet.Publish
	properties = packet.Properties
)

// setPassword gives an account a password, which ends its tokens.
func setPassword(user chat.UserID, password string) func(context.Context, app.Operations) error {
	return func(ctx context.Context, ops app.Operations) error { return ops.SetPassword(ctx, user, password) }
}

// rate is so many requests in a window.
func rate(events int, window string) app.Rate {
	var r app.Rate
	if err := r.UnmarshalText(fmt.Appendf(nil, "%d/%s", events, window)); err != nil {
		panic(err) // a constant of a test
	}
	return r
}
