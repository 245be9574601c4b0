// SPDX-License-Identifier: Apache-2.0

package mqtt

import (
	"context"

	"parley/internal/api"
	"parley/internal/chat"
	server "parley/internal/mqtt"
	"parley/internal/mqtt/packet"
)

// Devices implements api.Devices on the sessions of a server.
type Devices struct{ Server func() *server.Server }

// Devices implements api.Devices.
func (d Devices) Devices(ctx context.Context, u chat.UserID) ([]api.Device, error) {
	list, err := d.Server().OwnerSessions(ctx, string(u))
	if err != nil {
		return nil, err
	}
	out := make([]api.Device, 0, len(list))
	for _, l := range list {
		at := api.Device{ClientID: l.ClientID, Since: l.Away}
		if l.Session != nil && l.Session.Connected() {
			dev := deviceOf(l.Session)
			at.Connected, at.Since, at.Address, at.Token = true, dev.since, dev.remote.String(), dev.identity.Load().Token
		}
		out = append(out, at)
	}
	return out, nil
}

// EndDevice implements api.Devices.
func (d Devices) EndDevice(ctx context.Context, u chat.UserID, clientID string) (bool, error) {
	return d.Server().EndSession(ctx, string(u), clientID, packet.NotAuthorized, "the session was removed: sign in again")
}
