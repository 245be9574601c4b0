// SPDX-License-Identifier: Apache-2.0

// Package bench puts load on a running Parley server over real MQTT 5 connections and reports what the load cost.
//
// # Scenarios
//
//	a10      50 rooms of 10 members    closed loop, or a fixed rate with Config.Rate
//	b100     5 rooms of 100 members    the same
//	c1000    1 room of 1000 members    the same
//	fanout   1 room of 100 members     bursts of 8 messages; the next begins when every member has the whole burst
//	idle     1000 members              memory of a connection and CPU of doing nothing
//	connect  200 members               connecting, subscribing and leaving, over and over
//
// Every member is a connection of its own, subscribed to its chat/user/{user_id}/messages. Senders are members. In the
// closed loop a sender has Config.InFlight messages under way; one is done when it is acknowledged and has come back to
// its sender, so that acknowledgements alone cannot run away from the fan-out. With a rate nothing waits: messages are due
// at even distances, over all rooms in turn.
//
// # What is measured
//
// Rates, CPU and latencies belong to the time between the warm-up and the end; a send counts when it is acknowledged then.
// CPU is user and system time of the server's process from /proc, so it needs Config.PID and Linux. Latency runs from the
// moment a message is due (in the closed loop: written) to its acknowledgement, and to the moment a member's
// connection has been read that carries it; it holds the client's own waiting for a core where both share the machine.
//
// Order is checked at every member for every event of its room, from the first to the last: a seq that is left out, comes
// again or comes late is counted. After the end the run waits until each member has each acknowledged message; what has not
// come when nothing moves any more is missing. A run that lost something is reported and is also an error.
//
// # The peer
//
// With Config.Peer the same connections, messages and members then run against a plain MQTT broker. As a chat server on a
// broker would, the sender publishes each message once for each member, to the member's own topic, in the shape that the
// chat server delivers. A send is acknowledged when all of its publishes are.
//
// # Preparing
//
// Accounts come from Config.Accounts, or from Config.Credentials where they exist already. Rooms are made and joined over
// MQTT, and used again by the next run. Names begin with "bench-". The server's rate limit has to be off.
package bench
