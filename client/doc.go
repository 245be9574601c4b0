// SPDX-License-Identifier: Apache-2.0

// Package client talks to a Parley server over MQTT 5.
//
// A Client stays connected: it connects again when the connection is lost, and then reads from the rooms' logs what it
// missed meanwhile. Events come in the order of each room's log, without holes and without copies, whatever happened to
// the connection; of what retention has cut meanwhile one event tells (TypeCut). What is sent is sent exactly once: every
// request carries a client_msg_id, and is repeated with the same one until it is answered.
//
//	c, err := client.Dial(ctx, client.Config{Server: "mqtt://chat.example.org", User: "bob", Password: token})
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	if _, err := c.Send(ctx, "general", "hello"); err != nil {
//		return err
//	}
//	for e := range c.Events() {
//		if e.Type == "text" {
//			fmt.Println(e.SenderName+":", e.Content)
//		}
//	}
//	return c.Err()
//
// Whatever has no method here is asked for with Call: its route and fields are in docs/protocol.md.
package client
